package report

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/verify"
)

// A report is made anew whenever somebody asks for it: what was compared last counts, also when that was after the end of the run.
func TestTheVerdictFollowsTheLastComparison(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, state, reason string
		total               int
		todo                []Remark
		lost                []plan.Loss
		verdict, class      string
	}{
		{"done", "done", "", 0, nil, nil, "ws moved, and everything is there as it was.", "good"},
		{"done, and something to do", "done", "", 0, []Remark{{"s", "x"}}, nil, "ws moved, everything is there, and a person has 1 thing left to do.", "fair"},
		{"done, and compared again later", "done", "", 2, nil, nil, "ws moved, and everything was there; compared again, 2 differences came to light: see below.", "bad"},
		{"in part", "partial", "why", 2, nil, nil, "ws moved, and not everything is as it was: what is missing or different stands below.", "bad"},
		{"in part, and mended by hand", "partial", "why", 0, nil, nil, "ws moved, and the last comparison finds no difference; what the run itself could not do stands below.", "bad"},
		{"failed and brought back", "rolledBack", "why", 0, nil, nil, "The move of ws failed before the point of no return, and the source is as it was.", "fair"},
		{"taken back by a person", "rolledBack", "", 0, nil, nil, "The move of ws was taken back before the point of no return, and the source is as it was.", "fair"},
		{"taken back by a person, with a job that was cancelled", "rolledBack", "", 0, nil, []plan.Loss{{}}, "The move of ws was taken back before the point of no return, and the source is as it was, but for 1 thing that cannot be given back.", "fair"},
	} {
		d := &Data{State: c.state, Reason: c.reason, From: oldGroup + ml, ToDo: c.todo, Losses: c.lost, Verify: &verify.Result{Total: c.total}}
		if d.verdict() != c.verdict || d.class() != c.class {
			t.Errorf("%s: got %q, %s", c.name, d.verdict(), d.class())
		}
	}
}

func TestAnotherWorkspaceIsNotSaidToBeTheSame(t *testing.T) {
	t.Parallel()
	d := full()
	if !strings.Contains(rendered(t, d), "guid, the same before and after") {
		t.Error("the GUID of the workspace is not on the page")
	}
	d.Verify.Verdict, d.Verify.Differences = verify.Failed, []verify.Difference{{Kind: "workspace", What: verify.Changed, Path: verify.WorkspaceGUID, Was: "guid-1", Is: "guid"}}
	if page := rendered(t, d); strings.Contains(page, "the same before and after") || !strings.Contains(page, "another workspace of the same name") {
		t.Error("the page says that the GUID is the same, and lists that it is another")
	}
}

func TestARunThatHasNotEndedHasNoEnd(t *testing.T) {
	t.Parallel()
	d := full()
	d.State, d.Ended, d.Verify = "running", time.Time{}, nil
	for name, write := range map[string]func(io.Writer, *Data) error{"text": Terminal, "markdown": Markdown, "html": HTML} {
		var b bytes.Buffer
		if err := write(&b, d); err != nil {
			t.Fatal(err)
		}
		if view := b.String(); strings.Contains(view, "0001-01-01") || !strings.Contains(view, "not ended") {
			t.Errorf("%s tells of an end", name)
		}
	}
}

// What is in a document may be meant for the terminal of whoever reads of it, or for the reader of a ticket.
func TestTextsOfDocumentsAreOnlyShown(t *testing.T) {
	t.Parallel()
	d := full()
	d.Reason, d.ToDo[0].Text = "\x1b[2J\rall is well\nreally", "![see](https://elsewhere.example/x) [here](https://elsewhere.example)"
	d.Verify.Differences[0].Was = "\x1b]0;title\x07"
	var terminal, markdown bytes.Buffer
	if err := Terminal(&terminal, d); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(terminal.String(), "\x1b\r\x07") || strings.Contains(terminal.String(), "\nreally") {
		t.Errorf("a document speaks to the terminal: %q", terminal.String())
	}
	if err := Markdown(&markdown, d); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(markdown.String(), "](http") || strings.ContainsAny(markdown.String(), "\x1b\r\x07") {
		t.Errorf("a document makes a link, an image, or speaks to the terminal: %q", markdown.String())
	}
}

func TestMaskedIsWhateverIsCalledTheIDOfASubscription(t *testing.T) {
	t.Parallel()
	const third = "ABCDEFAB-cccc-4ccc-8ccc-000000000003"
	for name, c := range map[string]struct{ path, was string }{
		"alone, in what a member should be":  {"properties.subscriptionId", third},
		"in a member of a value":             {"properties.metadata", `{"SubscriptionId": "` + third + `"}`},
		"in an address":                      {"properties.uri", "https://x.example/?scope=%2Fsubscriptions%2F" + third},
		"in another case than behind a word": {"tags.note", third + " is subscriptions/" + strings.ToLower(third)},
	} {
		d := contoso()
		d.Verify.Differences[1].Path, d.Verify.Differences[1].Was = c.path, c.was
		for view, write := range map[string]func(io.Writer, *Data) error{"text": Terminal, "markdown": Markdown, "json": JSON, "html": HTML} {
			var b bytes.Buffer
			if err := write(&b, d); err != nil {
				t.Fatal(err)
			}
			if masked := strings.ToLower(d.Mask(b.String())); strings.Contains(masked, "abcdefab-cccc") || !strings.Contains(masked, "********0003") {
				t.Errorf("%s: %s shows the subscription, or nothing of it", name, view)
			}
		}
	}
}

// Whoever reads the JSON goes through lists without asking whether there are any.
func TestListsOfTheReportForMachinesAreLists(t *testing.T) {
	t.Parallel()
	d := &Data{Run: "r", State: "ready"}
	d.Arrange()
	var b bytes.Buffer
	if err := JSON(&b, d); err != nil || strings.Contains(b.String(), "null") {
		t.Errorf("got %s, %v", b.String(), err)
	}
}

// Two instants of the axis with the same words say that no time lies between them.
func TestInstantsOfTheTimelineAreToldApart(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 28, 11, 0, 0, 0, time.UTC)
	for _, span := range []time.Duration{60 * time.Millisecond, 406 * time.Millisecond, 5 * time.Second, 3 * time.Hour} {
		words := map[string]bool{}
		for _, found := range regexp.MustCompile(`text-anchor="\w+">([^<]+)<`).FindAllStringSubmatch(axis(begin, begin.Add(span), 1, 10), -1) {
			words[found[1]] = true
		}
		if len(words) != 6 {
			t.Errorf("an axis of %v has the instants %v", span, words)
		}
	}
}
