package rehearse

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/move"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
)

// Measured is how long one thing took in earlier runs.
type Measured struct {
	Name      string        `json:"name"`
	Count     int           `json:"count"`
	Typical   plan.Duration `json:"typical"`   // the median
	Worst     plan.Duration `json:"worst"`     // the longest
	Published plan.Duration `json:"published"` // what a rehearsal takes as typical without a file
}

// Measure reads of the journals of runs how long each kind of thing took that a rehearsal has a duration for, by name. What failed, and what has not ended, does not count; nor do
// steps that were begun more than once: where a run was killed its journal says when somebody looked again, not when it ended.
func Measure(stories []mover.Story) []Measured {
	took := map[string][]time.Duration{}
	for _, s := range stories {
		again := map[string]bool{}
		for _, step := range s.Steps {
			again[step.Step] = again[step.Step] || step.Tries > 1
		}
		for _, r := range s.Requests {
			if again[r.Step] {
				continue
			}
			if name := durationName(r.Method, r.Path); name != "" && !r.Ended.IsZero() && r.Reason == "" && r.Status < http.StatusMultipleChoices {
				took[name] = append(took[name], r.Ended.Sub(r.Began))
			}
		}
	}
	all := []Measured{}
	for name, typical := range DefaultModel() {
		times := took[name]
		if len(times) == 0 {
			continue
		}
		slices.Sort(times)
		all = append(all, Measured{name, len(times), readable(times[(len(times)-1)/2]), readable(times[len(times)-1]), typical.Typical})
	}
	slices.SortFunc(all, func(a, b Measured) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// ModelOf is what was measured in the form of a file of durations.
func ModelOf(all []Measured) Model {
	m := Model{}
	for _, one := range all {
		m[one.Name] = Range{one.Typical, one.Worst}
	}
	return m
}

// readable is a duration without figures that mean nothing.
func readable(d time.Duration) plan.Duration {
	if d >= 10*time.Second {
		return plan.Duration(d.Round(time.Second))
	}
	return plan.Duration(d.Round(10 * time.Millisecond))
}

// durationName is by what name a cloud's clock knows a request (docs/cloud-api.md); empty when nobody can say. Registrations are not told by their request, which is answered at once.
func durationName(method, path string) string {
	target, err := arm.ParseTarget(path)
	if err != nil {
		return ""
	}
	typ := strings.ToLower(string(target.ID.Type()))
	last := typ[strings.LastIndexByte(typ, '/')+1:]
	verb := strings.ToLower(target.Tail.Type)
	switch {
	case method != http.MethodPost:
		return last + "." + strings.ToLower(method)
	case verb == "moveresources":
		return move.OpMove
	case verb == "validatemoveresources":
		return move.OpValidate
	}
	return last + "." + verb
}
