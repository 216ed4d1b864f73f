package seed

import (
	"slices"
	"strings"
	"testing"
)

// resource is what az shows of a resource.
type resource struct {
	ID, Name, Type, Location string
	Tags                     map[string]string
	Properties               map[string]any
}

// prepare runs the commands of the page up to the move, character for character.
func (s *scene) prepare(t *testing.T, p page) {
	t.Helper()
	s.must(t, s.filled(p.accountSet))
	group := read[resource](t, s, s.filled(p.groupCreate))
	if group.ID != s.destination() || group.Location != s.region || group.Properties["provisioningState"] != "Succeeded" {
		t.Errorf("S40 az group create printed %+v", group)
	}
	if got := s.must(t, s.filled(p.validate)); strings.TrimSpace(got.out) != "{}" && strings.TrimSpace(got.out) != "" {
		t.Errorf("S41 a validation that ends well printed %q", got.out)
	}
}

// atBothEnds looks at both ends through az after a move: what moved is at the new id and nowhere else.
func (s *scene) atBothEnds(t *testing.T, moved ...string) {
	t.Helper()
	sides := map[string][]resource{}
	for name, group := range map[string]string{"origin": s.group, "destination": s.destination()} {
		sub, rg := strings.Split(group, "/")[2], strings.Split(group, "/")[4]
		sides[name] = read[[]resource](t, s, "az resource list -g "+rg+" --subscription "+sub)
	}
	has := func(side, id string) bool {
		return slices.ContainsFunc(sides[side], func(r resource) bool { return r.ID == id })
	}
	for _, id := range moved {
		at := s.destination() + strings.TrimPrefix(id, s.group)
		if has("origin", id) || !has("destination", at) {
			t.Errorf("S01 after the move az resource list does not show %s in place of %s: %+v", at, id, sides)
		}
	}
	for _, id := range s.associated {
		if !slices.Contains(moved, id) && !has("origin", id) {
			t.Errorf("S42 %s was not part of the move and left its group", id)
		}
	}
	if gone := s.sh(t, "az resource show --ids "+s.workspace); gone.code == 0 || !strings.Contains(gone.err, "ResourceNotFound") {
		t.Errorf("S01 the old id still answers: %+v", gone)
	}
}

func TestThePagesCommandsMoveAWorkspace(t *testing.T) {
	t.Parallel()
	p := readPage(t)
	s := stage(t, "contoso-quiet")
	before := read[resource](t, s, "az resource show --ids "+s.workspace)
	s.prepare(t, p)
	if got := s.must(t, s.filled(p.move)); got.out != "" {
		t.Errorf("S43 az resource move printed %q", got.out)
	}
	s.atBothEnds(t, s.workspace)
	s.must(t, "az account set -s "+s.target)
	moved := s.destination() + strings.TrimPrefix(s.workspace, s.group)
	after := read[resource](t, s, "az resource show --ids "+moved)
	if after.Properties["workspaceId"] != before.Properties["workspaceId"] || after.Location != before.Location || len(after.Tags) != len(before.Tags) {
		t.Errorf("S03 the workspace changed: %+v, before %+v", after, before)
	}
	if after.Properties["storageAccount"] != s.account {
		t.Errorf("S42 the storage account stayed and is now %v", after.Properties["storageAccount"])
	}
	for what, want := range map[string]bool{"data": false, "models": true, "environments": true, "jobs": true, "datastores": true} {
		list := read[struct{ Value []resource }](t, s, `az rest --method get --url "`+moved+"/"+what+`?api-version=2024-04-01"`)
		if got := len(list.Value) > 0; got != want {
			t.Errorf("S04-S08 after the move there are %d %s", len(list.Value), what)
		}
	}
	orphans := read[struct{ Value []resource }](t, s, `az rest --method get --url "`+s.group+`/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01"`)
	if !slices.ContainsFunc(orphans.Value, func(r resource) bool { return strings.HasPrefix(r.ID, s.workspace+"/") }) {
		t.Error("S16 no role assignment stayed behind as an orphan of the old id")
	}
}

func TestThePagesCommandsMoveAWorkspaceWithItsAssociatedResources(t *testing.T) {
	t.Parallel()
	p := readPage(t)
	s := stage(t, "contoso-quiet")
	// "You can include associated resources ... by adding them to the resources list" and "to the ids parameter".
	p.validate = strings.Replace(p.validate, `origin-workspace-name\"]`, `origin-workspace-name\",\"`+strings.Join(s.associated, `\",\"`)+`\"]`, 1)
	p.move += " " + strings.Join(s.associated, " ")
	s.prepare(t, p)
	s.must(t, s.filled(p.move))
	s.atBothEnds(t, append(s.associated, s.workspace)...)
	after := read[resource](t, s, "az resource show --subscription "+s.target+" -g destination-rg -n "+s.name+" --resource-type Microsoft.MachineLearningServices/workspaces")
	for i, property := range []string{"storageAccount", "keyVault", "containerRegistry", "applicationInsights"} {
		if want := s.destination() + strings.TrimPrefix(s.associated[i], s.group); after.Properties[property] != want {
			t.Errorf("S42 the workspace's %s is %v and must follow to %s", property, after.Properties[property], want)
		}
	}
	for _, group := range []string{s.group, s.destination()} {
		sub, rg := strings.Split(group, "/")[2], strings.Split(group, "/")[4]
		if shown := read[resource](t, s, "az group show -n "+rg+" --subscription "+sub); shown.Properties["provisioningState"] != "Succeeded" {
			t.Errorf("S30 the group %s is %v after the move", group, shown.Properties["provisioningState"])
		}
	}
}
