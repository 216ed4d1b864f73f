package fault

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
)

func TestGlobs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"/subscriptions/*/resourceGroups/rg", "/SUBSCRIPTIONS/s/resourcegroups/RG", true},
		{"/subscriptions/*", "/subscriptions/s/resourceGroups/rg", false},
		{"/subscriptions/**", "/subscriptions/s/resourceGroups/rg", true},
		{"**/workspaces/ws*", "/a/b/workspaces/ws-1", true},
		{"**/workspaces/ws*", "/a/b/workspaces/ws-1/jobs/j", false},
		{"a.b", "axb", false},
	} {
		if got := glob(c.pattern).MatchString(c.text); got != c.want {
			t.Errorf("%s matches %s: %v, want %v", c.pattern, c.text, got, c.want)
		}
	}
}

func TestWhatIsNotBuiltOrMeansNothingIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, fault string
		kind        errs.Kind
		word        string
	}{
		{"a lock that stays", `{"kind":"stuckLock"}`, errs.Unsupported, "stuckLock"},
		{"a server killed", `{"kind":"serverKilled"}`, errs.Unsupported, "kill the process"},
		{"a kind that nobody knows", `{"kind":"earthquake"}`, errs.Unsupported, "earthquake"},
		{"no kind", `{}`, errs.Unsupported, "latency"},
		{"latency without a delay", `{"kind":"latency"}`, errs.Invalid, `needs "delay"`},
		{"a parameter of another kind", `{"kind":"latency","delay":"1s","status":500}`, errs.Invalid, `"status"`},
		{"a method on a move", `{"kind":"halfMoved","match":{"method":"POST"}}`, errs.Invalid, `"method"`},
		{"an operation on a request", `{"kind":"drop","match":{"operation":"move.move"}}`, errs.Invalid, `"operation"`},
		{"an operation that is none", `{"kind":"internalError","match":{"operation":"move"}}`, errs.Invalid, "move.validate"},
		{"a validation for a fault of moves", `{"kind":"halfMoved","match":{"operation":"move.validate"}}`, errs.Invalid, `"operation"`},
		{"a status that is no error", `{"kind":"status","status":204}`, errs.Invalid, "400 to 599"},
		{"a probability above 1", `{"kind":"drop","match":{"probability":1.5}}`, errs.Invalid, "from 0 to 1"},
		{"partial without n", `{"kind":"moveTimedOut","happened":"partial"}`, errs.Invalid, `"n"`},
		{"n without partial", `{"kind":"moveTimedOut","n":1}`, errs.Invalid, `"n"`},
		{"a negative skip", `{"kind":"drop","match":{"skip":-1}}`, errs.Invalid, `"skip"`},
		{"an id with a slash", `{"id":"a/b","kind":"drop"}`, errs.Invalid, "id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var f Fault
			if err := json.Unmarshal([]byte(c.fault), &f); err != nil {
				t.Fatal(err)
			}
			err := f.complete()
			if !errs.Is(err, c.kind) || !strings.Contains(err.Error(), c.word) {
				t.Errorf("%s: %v, want %v with %q", c.fault, err, c.kind, c.word)
			}
		})
	}
}

func TestFaultsSurviveTheirJSON(t *testing.T) {
	t.Parallel()
	half, two := 0.5, 2
	for _, f := range []Fault{
		{ID: "a", Kind: Latency, Delay: Duration(1500e6), Match: Match{Method: "GET", Path: "/x/**", Probability: &half, Skip: 1, Times: 2}},
		{ID: "b", Kind: MoveTimedOut, Happened: "partial", N: &two, Match: Match{Operation: "move.move"}},
		{ID: "c", Kind: MoveTimedOut, Happened: "true"},
	} {
		data, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var back Fault
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		again, _ := json.Marshal(back)
		if string(again) != string(data) {
			t.Errorf("%s came back as %s", data, again)
		}
	}
}

func TestAFaultStrikesByItsOwnCounter(t *testing.T) {
	t.Parallel()
	half := 0.5
	sequence := func(f Fault, seed int64, n int) string {
		var b strings.Builder
		var t tally
		for range n {
			if f.strikes(seed, &t) {
				b.WriteByte('x')
			} else {
				b.WriteByte('.')
			}
		}
		return b.String()
	}
	if got := sequence(Fault{Match: Match{Skip: 2, Times: 3}}, 0, 8); got != "..xxx..." {
		t.Errorf("skip 2, times 3: %s", got)
	}
	f := Fault{ID: "f", Match: Match{Probability: &half}}
	want := sequence(f, 42, 200)
	if got := sequence(f, 42, 200); got != want {
		t.Errorf("the same seed:\n%s\n%s", want, got)
	}
	if got := sequence(f, 43, 200); got == want {
		t.Error("another seed gives the same sequence")
	}
	f.ID = "g"
	if got := sequence(f, 42, 200); got == want {
		t.Error("another fault gives the same sequence")
	}
	if n := strings.Count(want, "x"); n < 70 || n > 130 {
		t.Errorf("%d of 200 at a probability of 0.5", n)
	}
	renewed := tally{Revision: 1, Seen: 9, Struck: 9}
	f.Revision, f.Match = 2, Match{Times: 1}
	if !f.strikes(0, &renewed) || renewed != (tally{Revision: 2, Seen: 1, Struck: 1}) {
		t.Errorf("a fault that was written anew goes on with %+v", renewed)
	}
}
