package agree

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/test/estate"
)

// world is the estate with one change.
type world struct {
	name    string
	change  func(*testing.T, *estate.Estate)
	by      string // who moves; "" is the owner
	id      string // what moves; "" is the workspace
	target  string // "" is the destination group
	include string // what moves along
	also    string // resource id of that
	refused string // what the cloud's refusal says; "" when it would move
	clauses []string
	// The rules are stricter than the cloud, or see less, and this is the reason.
	stricter, blind string
	unlike          string // a copy made of the snapshot is not like the world, and this is the reason
}

func TestCloudAndRulesAgree(t *testing.T) {
	t.Parallel()
	for _, w := range worlds() {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			w.judge(t, estate.Start(t))
		})
	}
}

func (w world) judge(t *testing.T, e *estate.Estate) {
	if w.id == "" {
		w.id = estate.Workspace
	}
	if w.target == "" {
		w.target = estate.DestinationGroup
	}
	if w.change != nil {
		w.change(t, e)
	}
	ids := []string{w.id}
	choices := rules.Choices{Drain: rules.Wait}
	if w.include != "" {
		ids, choices.Include = append(ids, w.also), []string{w.include}
	}
	answer := verdict(t, e, w.by, estate.OriginGroup, w.target, ids...)
	if refused := answer.Status >= 400; refused != (w.refused != "") || !strings.Contains(string(answer.Body), w.refused) {
		t.Fatalf("the cloud answers %d, want a refusal with %q: %s", answer.Status, w.refused, answer.Body)
	}
	file, f, err := readInto(t, e.Cloud, w.by, w.id, w.target)
	if err != nil { // the capture itself refuses
		if w.refused == "" || !slices.Contains(w.clauses, "capture") {
			t.Fatalf("the capture fails: %v", err)
		}
		return
	}
	findings := rules.Judge(f, choices)
	w.compare(t, findings)
	w.copied(t, file, answer.Status >= http.StatusBadRequest, findings, choices, ids)
}

// compare holds the findings against the cloud's verdict.
func (w world) compare(t *testing.T, findings []rules.Finding) {
	var predicted []rules.Finding
	for _, f := range findings {
		if predicts(f) {
			predicted = append(predicted, f)
		}
	}
	same := slices.ContainsFunc(predicted, func(f rules.Finding) bool { return shares(f.Clauses, w.clauses) })
	switch {
	case w.blind != "":
		warned := slices.ContainsFunc(findings, func(f rules.Finding) bool { return f.Severity == rules.Warning && shares(f.Clauses, w.clauses) })
		if same || !warned {
			t.Errorf("a rule must warn of %v and cannot know it (%s): %s", w.clauses, w.blind, say(findings))
		}
	case w.refused != "" && !same:
		t.Errorf("the cloud refuses because of %v, and no rule says so: %s", w.clauses, say(findings))
	case w.stricter != "":
		if !same {
			t.Errorf("the rules should be stricter than the cloud (%s): %s", w.stricter, say(findings))
		}
	}
	for _, f := range predicted {
		if !shares(f.Clauses, w.clauses) {
			t.Errorf("a rule says that the move is refused for another reason than %v: %s", w.clauses, say([]rules.Finding{f}))
		}
	}
	if w.refused == "" && w.stricter == "" {
		for _, f := range findings {
			if f.Severity == rules.Blocker {
				t.Errorf("the cloud would move, and a rule stops it: %s", say([]rules.Finding{f}))
			}
		}
	}
}

// TestTheWorldsTryEveryClauseThatIsRefused: what cannot move at all is refused by the cloud and said by the rules (pain 33).
func TestTheWorldsTryEveryClauseThatIsRefused(t *testing.T) {
	t.Parallel()
	for _, clause := range refusable {
		if clause == "S19" || clause == "S21" { // shown only, for S33 stops such a workspace anyway; the other side of S26
			continue
		}
		if !slices.ContainsFunc(worlds(), func(w world) bool { return w.refused != "" && slices.Contains(w.clauses, clause) }) {
			t.Errorf("no world is refused because of %s", clause)
		}
	}
}

// TestTheRichFixturesAgree compares whole workspaces: each reason of the cloud must be a prediction, and the drained workspace has none.
func TestTheRichFixturesAgree(t *testing.T) {
	t.Parallel()
	for fixture, refused := range map[string]bool{"contoso": true, "contoso-quiet": false} {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			e := &estate.Estate{Cloud: cloudtest.Start(t, cloudtest.Fixture(fixture))}
			from := "/subscriptions/" + e.Subscriptions[0] + "/resourceGroups/ml-dev-rg"
			target := "/subscriptions/" + e.Subscriptions[1] + "/resourceGroups/ml-prod-rg"
			workspace := from + "/providers/Microsoft.MachineLearningServices/workspaces/contoso-ml"
			answer := verdict(t, e, "", from, target, workspace)
			if (answer.Status >= http.StatusBadRequest) != refused {
				t.Fatalf("the cloud answers %d: %s", answer.Status, answer.Body)
			}
			f, err := read(t, e.Cloud, "", workspace, target)
			if err != nil {
				t.Fatal(err)
			}
			findings := rules.Judge(f, rules.Choices{Drain: rules.Wait})
			if !refused {
				world{}.compare(t, findings)
				return
			}
			for sign, clause := range map[string]string{"it has computes": "S34", "it has online endpoints": "S36", "it has batch endpoints": "S10", "jobs": "S28", "labeling projects": "S37"} {
				if !strings.Contains(string(answer.Body), sign) {
					t.Errorf("the cloud does not say %q: %s", sign, answer.Body)
				}
				if !slices.ContainsFunc(findings, func(f rules.Finding) bool { return predicts(f) && slices.Contains(f.Clauses, clause) }) {
					t.Errorf("no rule says %s: %s", clause, say(findings))
				}
			}
			for _, f := range findings { // every document that the rules predict is named by the cloud, or one of many
				if predicts(f) && slices.Contains([]string{"ML060", "ML070", "ML071", "ML080", "ML081"}, f.ID) && !strings.Contains(strings.ToLower(string(answer.Body)), strings.ToLower(f.Subject)) {
					t.Errorf("the cloud does not name what a rule says: %s", say([]rules.Finding{f}))
				}
			}
		})
	}
}
