package verify

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/rewrite"
)

func TestAWorkspaceThatNobodyMovedIsTheSameTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet")
	a, b := w.captured(t, w.workspace, w.target), w.captured(t, w.workspace, w.target)
	r, err := Compare(t.Context(), a, b, rewrite.Map{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	sameTexts(t, "differences", told(r), []string{})
	if r.Verdict != Clean || r.Total != 0 || r.Compared < 300 || r.Renamed != 0 || len(r.Mentions)+len(r.Addresses)+len(r.Rights) != 0 {
		t.Errorf("got %s: %d of %d differ, %d renamed, mentions %v, addresses %v, rights %v", r.Verdict, r.Total, r.Compared, r.Renamed, r.Mentions, r.Addresses, r.Rights)
	}
}

// summed counts differences by kind, what and path. Names inside of paths do not count.
func summed(r *Result) []string {
	count := map[string]int{}
	for _, d := range r.Differences {
		path := d.Path
		if _, inner, ok := strings.Cut(path, ".jobs."); ok {
			_, last, _ := strings.Cut(inner, ".")
			path = "properties.action.jobDefinition.jobs.*." + last
		}
		count[strings.TrimSpace(d.Kind+" "+d.What+" "+path)]++
	}
	var all []string
	for _, key := range slices.Sorted(maps.Keys(count)) {
		all = append(all, fmt.Sprintf("%d %s", count[key], key))
	}
	return all
}

// A move that nobody repairs does what the seed says, and the comparison tells all of it and nothing else.
func TestAMoveWithoutRepairsShowsExactlyTheDamageOfTheSeed(t *testing.T) {
	t.Parallel()
	bare := []string{
		"12 data missing", "60 data/versions missing", // S05
		"1 diagnostic settings missing", "1 metric alerts missing", // pain 16
		// texts with old ids, which the service does not keep up
		"1 schedules changed properties.action.endpointInvocationDefinition.endpoint", "1 schedules changed properties.action.endpointInvocationDefinition.inputs.data.uri",
		"3 schedules changed properties.action.jobDefinition.codeId", "3 schedules changed properties.action.jobDefinition.computeId", "3 schedules changed properties.action.jobDefinition.environmentId",
		"1 schedules changed properties.action.jobDefinition.jobs.*.componentId", "1 schedules changed properties.action.jobDefinition.jobs.*.computeId",
	}
	for _, c := range []struct {
		name    string
		include []string
		also    []string
		roles   string // on the workspace, and on what moved along
	}{
		{"the workspace alone", nil, []string{"1 private endpoints changed properties.privateLinkServiceConnectionState.status"}, "5"},
		{"with its associated resources (S42)", []string{"all"}, []string{"1 datastores changed properties.resourceGroup", "1 datastores changed properties.subscriptionId", // S32, S45
			"2 private endpoints changed properties.privateLinkServiceConnectionState.status"}, "10"}, // S23, S24
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "contoso-quiet")
			before := w.captured(t, w.workspace, w.target)
			m := w.move(t, moving(t, before, c.include...))
			after := w.captured(t, m.ID(w.workspace), w.workspace.GroupID())
			r, err := Compare(t.Context(), before, after, m, Options{})
			if err != nil {
				t.Fatal(err)
			}
			want := slices.Concat(bare, c.also, []string{c.roles + " role assignments missing"}) // S16
			slices.Sort(want)
			got := summed(r)
			slices.Sort(got)
			sameTexts(t, "damage", got, want)
			if r.Verdict != Differs || r.Total != len(r.Differences) || len(r.NotCompared) != 0 {
				t.Errorf("got %s, %d differences of which %d are listed, not compared: %v", r.Verdict, r.Total, len(r.Differences), r.NotCompared)
			}
			lost := map[string]int{}
			for _, right := range r.Rights {
				lost[right.What]++
			}
			if len(lost) != 1 || lost[Lost] != 5 {
				t.Errorf("the five who had a role on the workspace have lost it, and nobody else: got %v", r.Rights)
			}
			if len(r.Mentions) == 0 || len(r.Addresses) != 1 || !strings.Contains(r.Addresses[0].Is, w.target.Name()) {
				t.Errorf("got mentions %v, addresses %v; want old ids in jobs and components, and the new tracking URI", r.Mentions, r.Addresses)
			}
		})
	}
}
