package verify

import (
	"fmt"
	"slices"
	"testing"

	"github.com/amlmove/amlmove/internal/snapshot"
)

const (
	lockAt    = "/providers/Microsoft.Authorization/locks/"
	settingAt = "/providers/Microsoft.Insights/diagnosticSettings/"
)

// What somebody, or a policy, bound to the workspace meanwhile is no loss, and nothing that should stay unsaid.
func TestWhatWasBoundToItMeanwhileIsSaidAndNoDifference(t *testing.T) {
	t.Parallel()
	give := func(who string) string { return `{"properties":{"principalId":"` + who + `",` + roleID + `}}` }
	before := space(oldSpace, "<"+oldSpace+grants+"1", give("p"), "<"+oldSpace+lockAt+"l", `{}`, "<"+oldSpace+settingAt+"s", `{}`)
	after := space(newSpace, "<"+newSpace+grants+"9", give("p"), "<"+newSpace+grants+"10", give("q"), "<"+newSpace+"/computes/c"+grants+"11", give("p"),
		"<"+newSpace+lockAt+"l", `{}`, "<"+newSpace+lockAt+"policy", `{}`, "<"+newSpace+settingAt+"s", `{}`, "<"+newSpace+settingAt+"audit", `{}`,
		"<"+newGroup+grants+"12", give("above"), "<"+newGroup+lockAt+"above", `{}`, "<"+newGroup+account+lockAt+"beside", `{}`, ">"+oldSpace+grants+"1", give("p"))
	r := compared(t, before, after, Options{})
	var got []string
	for _, e := range r.Extra {
		got = append(got, e.Kind+" "+e.What+" "+e.After)
	}
	sameTexts(t, "what is new", got, []string{"role assignments added " + newSpace + "/computes/c" + grants + "11", "role assignments added " + newSpace + grants + "10",
		"locks added " + newSpace + lockAt + "policy", "diagnostic settings added " + newSpace + settingAt + "audit"})
	if r.Verdict != Clean || r.Total != 0 {
		t.Errorf("got %s with %v", r.Verdict, told(r))
	}
	if roles := row(r, "role assignments"); roles != (Row{Kind: "role assignments", Before: 1, After: 3, Extra: 2}) {
		t.Errorf("the row is %+v", roles)
	}
}

// Two runs over the same files tell the same in the same order.
func TestWhatCouldNotBeReadComesInTheOrderOfItsPath(t *testing.T) {
	t.Parallel()
	after := space(newSpace)
	var want []string
	for i := range 20 {
		path := fmt.Sprintf("%s/kind%02d", newSpace, i)
		after.gaps = append(after.gaps, snapshot.Gap{Section: snapshot.Content, Path: path, Status: 403, Code: "AuthorizationFailed"})
		want = append(want, path)
	}
	slices.Reverse(after.gaps)
	var got []string
	for _, d := range compared(t, space(oldSpace), after, Options{}).Differences {
		got = append(got, d.After)
	}
	sameTexts(t, "what could not be read", got, want)
}

// A private endpoint may lead to several resources: each of them counts.
func TestEverythingToWhichAPrivateEndpointLeadsIsCompared(t *testing.T) {
	t.Parallel()
	const stays = oldGroup + "/providers/Microsoft.Storage/storageAccounts/stays"
	leads := func(ids ...string) string {
		list := ""
		for i, id := range ids {
			if i > 0 {
				list += ","
			}
			list += `{"properties":{"privateLinkServiceId":"` + id + `"}}`
		}
		return `{"properties":{"manualPrivateLinkServiceConnections":[` + list + `]}}`
	}
	const path = "private endpoints changed " + network + " properties.privateLinkServiceConnections: "
	for _, c := range []struct {
		name        string
		before, now string
		want        []string
	}{
		{"all are there again", leads(oldSpace, oldGroup+account), leads(newSpace, newGroup+account), []string{}},
		{"in another order", leads(oldSpace, oldGroup+account), leads(newGroup+account, newSpace), []string{}},
		{"the second leads to the old id", leads(oldSpace, oldGroup+account), leads(newSpace, oldGroup+account), []string{path + oldGroup + account + ", should be " + newGroup + account}},
		{"only the second moved, and leads to the old id", leads(stays, oldSpace), leads(stays, oldSpace), []string{path + oldSpace + ", should be " + newSpace}},
		{"what stayed is not led to any more", leads(stays, oldSpace), leads(newSpace, newSpace), []string{path + "nothing, should be " + stays}},
		{"it leads to more than before", leads(oldSpace, oldSpace), leads(newSpace, stays), []string{path + stays + ", should be nothing"}},
		{"nothing of it moved", leads(stays), leads(), []string{}},
	} {
		r := compared(t, space(oldSpace, "<"+oldGroup+network, c.before), space(newSpace, ">"+oldGroup+network, c.now), Options{}, account)
		if got := told(r); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
