package plan

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
)

func text(t testing.TB, p *Plan, o TextOptions) string {
	t.Helper()
	var b strings.Builder
	if err := Text(&b, p, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// crowd is a scene with very many things.
func crowd(t testing.TB) *scene {
	t.Helper()
	s := full(t)
	for i := range 400 {
		s.add(snapshot.Source, fmt.Sprintf("%s%sr%d", ws, roles, i), `{"properties":{"principalId":"a"}}`)
		s.content(fmt.Sprintf("computes/c%d", i), `{"properties":{"computeType":"AmlCompute"}}`)
		s.content(fmt.Sprintf("onlineEndpoints/e%d", i), `{"properties":{"authMode":"Key"}}`)
		s.content(fmt.Sprintf("onlineEndpoints/e%d/deployments/d", i), `{"properties":{}}`)
		s.content(fmt.Sprintf("jobs/j%d", i), `{"properties":{"status":"Running"}}`)
		s.found(rules.Blocker, rules.Person, fmt.Sprintf("%s/computes/c%d", ws, i)).found(rules.Warning, rules.Person, fmt.Sprintf("%s/computes/c%d", ws, i)).found(rules.Note, rules.None, fmt.Sprintf("%s/computes/c%d", ws, i))
	}
	return s
}

func TestTheTextDoesNotGrowWithWhatIsAlike(t *testing.T) {
	t.Parallel()
	p := crowd(t).plan()
	got := text(t, p, TextOptions{})
	if lines := strings.Count(got, "\n"); len(p.Steps) < 2000 || lines > 200 {
		t.Errorf("%d steps take %d lines", len(p.Steps), lines)
	}
	for _, want := range []string{"restoreRole x 403: give ", "removeCompute x 401: delete", "and 360 more like these", "(and 402 more)", "401 online endpoints", "endJob x 401: cancel"} {
		if !strings.Contains(got, want) {
			t.Errorf("the text does not say %q", want)
		}
	}
	all := text(t, p, TextOptions{All: true})
	if !strings.Contains(all, "delete the compute c399 ") || !strings.Contains(all, "cancel the job j17") || strings.Contains(all, " more like") {
		t.Error("asked for all, the text leaves something out")
	}
}

func TestTheTextKeepsToTheWidth(t *testing.T) {
	t.Parallel()
	p := full(t).found(rules.Blocker, rules.Person, ws).plan()
	for i := range p.Findings {
		p.Findings[i].Message, p.Findings[i].Remedy = strings.Repeat("found ", 60), strings.Repeat("do ", 90)
	}
	for _, width := range []int{50, 80, 100, 160} {
		for _, line := range strings.Split(text(t, p, TextOptions{Width: width}), "\n") {
			if n := utf8.RuneCountInString(line); n > width && len(strings.Fields(line)) > 2 {
				t.Errorf("width %d: a line of %d: %s", width, n, line)
			}
		}
	}
}

func TestTheTextShowsWhatMatters(t *testing.T) {
	t.Parallel()
	s := full(t).found(rules.Blocker, rules.Person, ws)
	s.choices.ApproveEndpoints = false
	got := text(t, s.plan(), TextOptions{Width: 200})
	for _, want := range []string{
		"from       ml in the resource group g of the subscription s, eastus", "to         the resource group h of the subscription t", "C, needs a person",
		"with it    store, vault: their ids change", "away       ml ", "Stops the move (1)", "ML999  something was found", "    - delete the compute cpu", "    ? bring the private endpoint pe",
		"    + give the identity of the workspace the role Reader on store again", "Cannot be made again", "    - remove the online endpoint on with its 2 deployments, about 5m",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the text does not say %q:\n%s", want, got)
		}
	}
	validate, turn, move := strings.Index(got, "ask ARM whether"), strings.Index(got, "point of no return"), strings.Index(got, "move ml with store, vault")
	if validate < 0 || turn < validate || move < turn {
		t.Error("the point of no return is not drawn between ARM's verdict and the move")
	}
	if strings.Contains(got, "\x1b") {
		t.Error("there are colours where none were asked for")
	}
	if coloured := text(t, s.plan(), TextOptions{Colour: true}); !strings.Contains(coloured, "\x1b[31m-\x1b[0m") {
		t.Error("there are no colours where they were asked for")
	}
}

func TestDurationsAreWrittenAsFinelyAsAnEstimateDeserves(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 300 * time.Millisecond: "0s", 20 * time.Second: "20s", 90 * time.Second: "1m 30s", 10 * time.Minute: "10m", 10*time.Minute + 40*time.Second: "11m",
		time.Hour: "1h", 71 * time.Minute: "1h 11m", 59*time.Minute + 40*time.Second: "1h",
	} {
		if got := words(Duration(d)); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}

// broken is a writer on a full disk.
type broken struct{}

var errFull = errors.New("the disk is full")

func (broken) Write([]byte) (int, error) { return 0, errFull }

func TestTheTextSaysWhenItCannotBeWritten(t *testing.T) {
	t.Parallel()
	if err := Text(broken{}, full(t).plan(), TextOptions{}); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}
