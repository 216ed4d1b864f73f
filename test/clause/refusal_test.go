package clause

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/test/estate"
)

// problem is an error as ARM writes it, at any depth.
type problem struct {
	Code, Message, Target string
	Details               []problem
	AdditionalInfo        []struct {
		Type string
		Info map[string]any
	}
}

// link is a problem that must stand in another one. An empty target is not looked at.
type link struct{ code, target string }

// has finds a chain of links below a problem.
func (p problem) has(chain ...link) bool {
	if len(chain) == 0 {
		return true
	}
	return slices.ContainsFunc(p.Details, func(d problem) bool {
		return d.Code == chain[0].code && (chain[0].target == "" || d.Target == chain[0].target) && d.has(chain[1:]...)
	})
}

// The three families of a failed validation (arm-move 1.3).
const (
	byARM       = "ResourceMoveValidationFailed"
	byProviders = "ResourceMoveProviderValidationFailed"
	byPolicy    = "ResourceMovePolicyValidationFailed"
)

// refusal is an order that must be refused, by both verbs, and must change nothing.
type refusal struct {
	clause string
	by     string // principal; "" is the owner
	ids    []string
	target string // "" is the destination
	from   string // group of the URL; "" is the origin

	status int      // at once; 0: 202, and 409 at the end
	code   string   // of the whole error
	chain  []link   // what must stand below it
	says   []string // what the message must say that az shows: the first detail's, or the error's own
}

// workspaceFor is the usual refusal of a workspace by its provider: the cause is named at the third level, and in the message that az shows.
func workspaceFor(clause, cause string, says ...string) refusal {
	return refusal{clause: clause, code: byProviders, says: says,
		chain: []link{{"CannotMoveResource", "Microsoft.MachineLearningServices/workspaces"}, {"MoveNotSupported", cause}}}
}

var diagnostics = regexp.MustCompile(`timestamp '\d{8}T\d{6}Z', subscription id '[0-9a-f-]{36}', tracking id '[0-9a-f-]{36}', request correlation id '[0-9a-f-]{36}'`)

// refused orders both verbs and checks what comes back.
func refused(t *testing.T, e *estate.Estate, r refusal) {
	t.Helper()
	if r.ids == nil {
		r.ids = []string{estate.Workspace}
	}
	if r.target == "" {
		r.target = estate.DestinationGroup
	}
	if r.from == "" {
		r.from = estate.OriginGroup
	}
	for _, verb := range []string{"validateMoveResources", "moveResources"} {
		before := e.Digest(t)
		answer := order(t, e, r.by, verb, r.from, estate.Order(r.target, r.ids...))
		r.judge(t, verb, answer)
		e.Unchanged(t, r.clause+" "+verb, before)
	}
}

// order sends one of the two verbs and follows it to its end.
func order(t *testing.T, e *estate.Estate, principal, verb, group string, body any) cloudtest.Answer {
	t.Helper()
	answer := e.Ask(t, principal, http.MethodPost, group+"/"+verb+"?api-version=2021-04-01", body)
	if answer.Status != http.StatusAccepted {
		return answer
	}
	e.Settle(t)
	end := e.Ask(t, principal, http.MethodGet, answer.Header.Get("Location"), nil)
	end.Header.Set("Was-Accepted", "yes")
	return end
}

func (r refusal) judge(t *testing.T, verb string, answer cloudtest.Answer) {
	t.Helper()
	what := fmt.Sprintf("%s %s of %v to %s", r.clause, verb, short(r.ids), r.target)
	want, accepted := r.status, false
	if want == 0 {
		want, accepted = http.StatusConflict, true
	}
	if answer.Status != want || (answer.Header.Get("Was-Accepted") != "") != accepted {
		t.Errorf("%s: answered %d (after a 202: %q), want %d: %s", what, answer.Status, answer.Header.Get("Was-Accepted"), want, answer.Body)
		return
	}
	var doc struct{ Error problem }
	if err := json.Unmarshal(answer.Body, &doc); err != nil {
		t.Errorf("%s: %v: %s", what, err, answer.Body)
		return
	}
	p := doc.Error
	if p.Code != r.code || !p.has(r.chain...) {
		t.Errorf("%s: got the code %q, want %q with %v in it: %s", what, p.Code, r.code, r.chain, answer.Body)
	}
	shown := p.Message
	if len(p.Details) > 0 {
		shown = p.Details[0].Message
	}
	for _, word := range r.says {
		if !strings.Contains(shown, word) {
			t.Errorf("%s: az would show %q, which does not say %q", what, shown, word)
		}
	}
	if accepted && !diagnostics.MatchString(p.Message) {
		t.Errorf("%s: the message has no diagnostic information: %q", what, p.Message)
	}
}

// short is the first of many ids.
func short(ids []string) []string { return ids[:min(len(ids), 3)] }

// moved moves resources to the destination; the test fails when that is refused.
func moved(t *testing.T, e *estate.Estate, ids ...string) {
	t.Helper()
	movedTo(t, e, estate.DestinationGroup, ids...)
}

func movedTo(t *testing.T, e *estate.Estate, target string, ids ...string) {
	t.Helper()
	for _, verb := range []string{"validateMoveResources", "moveResources"} {
		if answer := order(t, e, "", verb, estate.OriginGroup, estate.Order(target, ids...)); answer.Status != http.StatusNoContent || len(answer.Body) > 0 {
			t.Fatalf("%s of %v to %s was answered %d: %s", verb, short(ids), target, answer.Status, answer.Body)
		}
	}
}

// there is the id of something of the origin at the destination.
func there(id string) string { return estate.Moved(id, estate.DestinationGroup) }

// props are the properties of a document.
func props(doc map[string]any) map[string]any {
	p, _ := doc["properties"].(map[string]any)
	return p
}

// at returns a value deep in a document.
func at(doc map[string]any, path string) any {
	var value any = doc
	for name := range strings.SplitSeq(path, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[name]
	}
	return value
}
