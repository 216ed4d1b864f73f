package seed

import (
	"strings"
	"testing"
)

func TestAWorkspaceInUseIsRefusedAsAzPrintsIt(t *testing.T) {
	t.Parallel()
	p := readPage(t)
	s := stage(t, "contoso")
	s.must(t, s.filled(p.accountSet))
	s.must(t, s.filled(p.groupCreate))
	compute := s.Do(t, "", "GET", s.workspace+"/computes", nil).JSON(t)["value"].([]any)[0].(map[string]any)
	name, id := compute["name"].(string), compute["id"].(string)

	validate := s.sh(t, s.filled(p.validate))
	if validate.code != 1 || !strings.Contains(validate.err, "Deployment failed. Correlation ID: ") || !strings.Contains(validate.err, "'"+name) {
		t.Errorf("S09 S41 a refused validation must print its correlation id and name the compute %s; exit code %d:\n%s", name, validate.code, validate.err)
	}
	if out := s.sh(t, s.filled(p.move)); out.code != 1 {
		t.Errorf("S43 the move of a workspace in use ended with exit code %d: %s%s", out.code, out.out, out.err)
	} else {
		s.tree(t, out.err, id)
	}
	still := read[resource](t, s, "az resource show --ids "+s.workspace)
	if still.ID != s.workspace || still.Properties["provisioningState"] != "Succeeded" {
		t.Errorf("S22 a refused move changed the workspace: %+v", still)
	}
	if left := read[[]resource](t, s, "az resource list -g destination-rg --subscription "+s.target); len(left) != 0 {
		t.Errorf("S22 a refused move left something in the target: %+v", left)
	}
}

// tree checks that az printed all three levels of the error (client-wire 5.4), naming the compute at the third.
func (s *scene) tree(t *testing.T, printed, compute string) {
	t.Helper()
	at := 0
	for _, want := range []string{
		"(ResourceMoveProviderValidationFailed) Resource move validation failed. Please see details. Diagnostic information: timestamp '",
		"Code: ResourceMoveProviderValidationFailed", "Message: ", "Exception Details:",
		"(CannotMoveResource) Cannot move the workspace '" + s.workspace + "'", "Target: Microsoft.MachineLearningServices/workspaces",
	} {
		next := strings.Index(printed[at:], want)
		if next < 0 {
			t.Fatalf("S43 az's error lacks %q behind character %d:\n%s", want, at, printed)
		}
		at += next
	}
	for _, want := range []string{"(MoveNotSupported) ", compute, "onlineEndpoints/", "batchEndpoints/", "jobs/", "labelingJobs/"} {
		if !strings.Contains(printed, want) {
			t.Errorf("S22 az's error does not name %q:\n%s", want, printed)
		}
	}
}
