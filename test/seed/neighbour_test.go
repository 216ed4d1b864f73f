package seed

import (
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/test/whole"
)

// registration is what az shows of a namespace.
type registration struct {
	RegistrationState string
	ResourceTypes     []struct{ ResourceType, Capabilities string }
}

// TestTheCommandsAroundAMove runs what a person types before and after a move. It changes one cloud step by step.
func TestTheCommandsAroundAMove(t *testing.T) {
	t.Parallel()
	whole.Or(t, "az around a move")
	s := stage(t, "contoso-quiet")
	s.must(t, "az account set -s "+s.source)
	rg := strings.Split(s.group, "/")[4]
	s.registers(t)
	s.locks(t, rg)
	s.lists(t, rg)
	s.policies(t)
	s.groups(t)
	s.roles(t)
}

// registers registers a provider at the destination (S17).
func (s *scene) registers(t *testing.T) {
	t.Helper()
	show := "az provider show -n Microsoft.Databricks --subscription " + s.target
	if got := read[registration](t, s, show); got.RegistrationState != "NotRegistered" {
		t.Errorf("S17 az provider show says %s before the registration", got.RegistrationState)
	}
	s.must(t, "az provider register -n Microsoft.Databricks --subscription "+s.target) // --wait would look after ten seconds only
	for done := true; done; {
		var err error
		if done, err = s.Inner().Runner.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := read[registration](t, s, show); got.RegistrationState != "Registered" {
		t.Errorf("S17 az provider show says %s after the registration", got.RegistrationState)
	}
	if got := s.sh(t, "az provider show -n Microsoft.Nothing"); got.code != 3 && got.code != 1 || !strings.Contains(got.err, "InvalidResourceNamespace") {
		t.Errorf("an unknown namespace prints %+v", got)
	}
}

func (s *scene) locks(t *testing.T, rg string) {
	t.Helper()
	lock := read[resource](t, s, "az lock create -n keep --lock-type CanNotDelete -g "+rg)
	if !strings.HasPrefix(lock.ID, s.group+"/") {
		t.Errorf("az lock create printed %+v", lock)
	}
	list := read[[]resource](t, s, "az lock list -g "+rg)
	if !slices.ContainsFunc(list, func(r resource) bool { return r.Name == "keep" }) {
		t.Errorf("az lock list printed %+v", list)
	}
	if got := s.sh(t, "az resource delete --verbose --ids "+s.account); got.code == 0 || !strings.Contains(got.err, "ScopeLocked") {
		t.Errorf("the deletion of a locked resource printed %+v", got)
	}
	if got := s.sh(t, "az resource move --destination-group ml-prod-rg --destination-subscription-id "+s.target+" --ids "+s.workspace); got.code == 0 || !strings.Contains(got.err, "(ScopeLocked)") {
		t.Errorf("the move out of a locked group printed %+v", got)
	}
	s.must(t, "az lock delete -n keep -g "+rg)
	if left := read[[]resource](t, s, "az lock list -g "+rg); len(left) != 0 {
		t.Errorf("az lock list printed %+v after the deletion", left)
	}
}

func (s *scene) lists(t *testing.T, rg string) {
	t.Helper()
	workspaces := read[[]resource](t, s, "az resource list --resource-type Microsoft.MachineLearningServices/workspaces")
	if len(workspaces) != 1 || workspaces[0].ID != s.workspace {
		t.Errorf("S20 az resource list --resource-type printed %+v", workspaces)
	}
	name := s.account[strings.LastIndexByte(s.account, '/')+1:]
	if shown := read[resource](t, s, "az storage account show -n "+name); shown.ID != s.account {
		t.Errorf("az storage account show printed %+v", shown)
	}
	accounts := read[[]resource](t, s, "az storage account list -g "+rg)
	if !slices.ContainsFunc(accounts, func(r resource) bool { return r.ID == s.account }) {
		t.Errorf("az storage account list printed %+v", accounts)
	}
	if deleted := read[[]resource](t, s, "az keyvault list-deleted"); len(deleted) != 0 { // it asks for deleted HSMs as well
		t.Errorf("az keyvault list-deleted printed %+v", deleted)
	}
	shown := read[struct{ Value []any }](t, s, `az monitor metrics list --metric "Model Register Succeeded" --resource `+s.workspace)
	if len(shown.Value) != 1 {
		t.Errorf("az monitor metrics list printed %+v", shown)
	}
	locations := read[[]resource](t, s, "az account list-locations")
	if !slices.ContainsFunc(locations, func(r resource) bool { return r.Name == s.region }) {
		t.Errorf("S26 az account list-locations does not know %s", s.region)
	}
}

// policies denies all but one region at the destination, so that nothing may come (S15).
func (s *scene) policies(t *testing.T) {
	t.Helper()
	scope := "/subscriptions/" + s.target + "/resourceGroups/ml-prod-rg"
	const allowedLocations = "e56962a6-4747-49cd-b67b-bf8b01975c4c"
	assignment := read[resource](t, s, "az policy assignment create -n only-west --policy "+allowedLocations+" --scope "+scope+
		` --params '{"listOfAllowedLocations":{"value":["westus"]}}'`)
	if !strings.HasPrefix(assignment.ID, scope) {
		t.Errorf("S15 az policy assignment create printed %+v", assignment)
	}
	got := s.sh(t, "az resource move --destination-group ml-prod-rg --destination-subscription-id "+s.target+" --ids "+s.workspace)
	if got.code == 0 || !strings.Contains(got.err, "(RequestDisallowedByPolicy)") || !strings.Contains(got.err, "only-west") {
		t.Errorf("S15 the move against a policy printed %+v", got)
	}
}

func (s *scene) groups(t *testing.T) {
	t.Helper()
	s.must(t, "az group create -n short-lived -l "+s.region)
	if !read[bool](t, s, "az group exists -n short-lived") {
		t.Error("az group exists says no for a group that is there")
	}
	s.must(t, "az group delete -y -n short-lived")
	if read[bool](t, s, "az group exists -n short-lived") {
		t.Error("az group exists says yes for a group that was deleted")
	}
}

// roles makes a role assignment as a person must after a move (S16). "az role assignment create" is broken in Debian's package (client-wire 6.1), and so
// is the list as soon as it is not empty: az rest does both.
func (s *scene) roles(t *testing.T) {
	t.Helper()
	const contributor = "b24988ac-6180-42a0-ab88-20f7382dd24c"
	id := s.workspace + "/providers/Microsoft.Authorization/roleAssignments/0d7c5e2a-71fb-4a5b-9d0a-2f7f5b1c9e01"
	body := `{"properties":{"principalId":"` + s.Principals["reader"].ObjectID + `","principalType":"ServicePrincipal","roleDefinitionId":"/subscriptions/` + s.source +
		`/providers/Microsoft.Authorization/roleDefinitions/` + contributor + `"}}`
	made := read[resource](t, s, `az rest --method put --url "`+id+`?api-version=2022-04-01" --body '`+body+`'`)
	if !strings.EqualFold(made.ID, id) {
		t.Errorf("S16 az rest printed %+v", made)
	}
	list := s.sh(t, "az role assignment list --all")
	if list.code != 0 && !strings.Contains(list.err, "has no attribute 'config'") {
		t.Errorf("az role assignment list --all printed %+v", list)
	}
	s.must(t, `az rest --method delete --url "`+id+`?api-version=2022-04-01"`)
}
