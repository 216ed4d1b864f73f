// Package clause holds the cloud against Azure's page on the move of a workspace, clause by clause (spec/clauses.md, the cloud's column): each of S01 to
// S48 has a test here, or names the one elsewhere that proves it.
package clause

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/test/estate"
)

// clause is one clause of the page and what proves that the cloud keeps it.
type clause struct {
	number int
	says   string
	cases  []proof
	seed   string // the test of ../seed that proves it with the real az
}

// proof is one test of a clause on an estate of its own.
type proof struct {
	name string
	test func(*testing.T, *estate.Estate)
}

// is one proof without a name of its own.
func is(test func(*testing.T, *estate.Estate)) []proof { return []proof{{"holds", test}} }

func clauses() []clause {
	return []clause{
		{1, "a workspace moves to another subscription", is(movesToAnotherSubscription), "TestThePagesCommandsMoveAWorkspace"},
		{2, "a workspace moves to another group of its subscription", is(movesToAnotherGroup), ""},
		{3, "workspace and contents move as one long-running operation", is(oneOperation), ""},
		{4, "datastores are moved", is(datastoresMove), ""},
		{5, "data assets are not moved, every container and version", is(dataIsDropped), ""},
		{6, "experiment jobs are moved with their history", is(jobsMove), ""},
		{7, "environments are moved, all versions", is(assetsMove("environments", `{"properties":{"image":"mcr.microsoft.com/azureml/base:1"}}`)), ""},
		{8, "models and every other asset are moved, all versions", otherAssets(), ""},
		{9, "computes block the move", is(computesBlock), "TestAWorkspaceInUseIsRefusedAsAzPrintsIt"},
		{10, "endpoints block the move, of every kind and with their deployments", is(endpointsBlock), ""},
		{11, "a workspace in the source is the precondition", is(somethingToMove), ""},
		{12, "rights at both ends are needed, and a valid token", []proof{{"roles", rolesAtBothEnds}, {"tokens", tokens}}, ""},
		{13, "the right to delete at the source is needed", is(rightToDelete), ""},
		{14, "the right to create at the destination is needed", is(rightToCreate), ""},
		{15, "policy at the destination is not violated", []proof{{"denies", policyDenies}, {"does not always deny", policyDoesNotDeny}}, "TestTheCommandsAroundAMove"},
		{16, "role assignments do not follow and become orphans", is(rolesAreOrphaned), ""},
		{17, "the destination is registered for what a workspace needs", is(registrations), "TestTheCommandsAroundAMove"},
		{18, "ContainerService is registered when AKS is used", is(registrationForAKS), ""},
		{19, "DocumentDB and Search are registered for customer-managed keys", is(registrationForKeys), ""},
		{20, "the Azure CLI drives it without the machine learning extension", nil, "TestThePagesCommandsMoveAWorkspace"},
		{21, "groups and subscriptions of one region are good", is(oneRegion), ""},
		{22, "the workspace is quiescent, or each cause is named", is(everyCauseIsNamed), "TestAWorkspaceInUseIsRefusedAsAzPrintsIt"},
		{23, "private endpoints are disconnected and transitive ones made again", is(endpointsAreDisconnected), ""},
		{24, "new private endpoint connections wait for their owner's approval", is(connectionsWait), ""},
		{25, "single assets cannot be moved", is(childrenAreRefused), ""},
		{26, "no move across regions", is(regionsRefused), ""},
		{27, "no move across tenants", is(tenantsRefused), ""},
		{28, "jobs, profiling and labeling have completed", []proof{{"in every status", jobStatuses}, {"labeling", labelingStatuses}}, ""},
		{29, "endpoints are not being invoked: the request rate can be read", is(requestRate), ""},
		{30, "the workspace is unavailable during the move", []proof{{"nothing is written", nothingIsWritten}, {"reads work, no second move", readsWork}, {"and available afterwards", unlockedAfterwards}}, ""},
		{31, "an attached compute is detached without harm to its resource", is(detachIsHarmless), ""},
		{32, "datastores still show the old subscription", is(datastoresAreStale), ""},
		{33, "customer-managed keys are refused, by each of three signs", is(keysRefused), ""},
		{34, "computes that exist or are being created are refused", is(computeStates), ""},
		{35, "deployed services of the v1 API are refused", is(servicesRefused), ""},
		{36, "online endpoints and deployments are refused in every state", is(onlineStates), ""},
		{37, "running labeling projects are refused, paused ones too", is(labelingRefused), ""},
		{38, "workspaces linked with Azure Databricks are refused", is(databricksRefused), ""},
		{39, "az account set works", is(accountSet), "TestThePagesCommandsMoveAWorkspace"},
		{40, "az group create works in the destination", is(groupCreate), "TestThePagesCommandsMoveAWorkspace"},
		{41, "validateMoveResources takes its time and changes nothing", is(validateTakesTime), "TestThePagesCommandsMoveAWorkspace"},
		{42, "associated resources can be part of the move, and references follow", []proof{{"together", associatedTogether}, {"alone, later", associatedLater}}, "TestThePagesCommandsMoveAWorkspaceWithItsAssociatedResources"},
		{43, "resource move works as printed", nil, "TestThePagesCommandsMoveAWorkspace"},
		{44, "computes and endpoints are made again at the new location", is(madeAgain), ""},
		{45, "nondefault datastores show stale or empty fields, as chosen", is(emptyDatastores), ""},
		{46, "an update of a datastore's authentication is accepted and stored", is(authenticationUpdated), ""},
		{47, "a datastore is unregistered and created again", is(datastoreAgain), ""},
		{48, "a tenant move is no operation of a workspace or a subscription", is(noTenantMove), ""},
	}
}

func TestClauses(t *testing.T) {
	t.Parallel()
	list := clauses()
	for _, c := range list {
		for _, p := range c.cases {
			t.Run(fmt.Sprintf("S%02d %s/%s", c.number, c.says, p.name), func(t *testing.T) {
				t.Parallel()
				p.test(t, estate.Start(t))
			})
		}
	}
}

func TestNoClauseIsMissing(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../seed/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var seed strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seed.Write(data)
	}
	for i, c := range clauses() {
		if c.number != i+1 {
			t.Fatalf("S%02d stands at the place of S%02d", c.number, i+1)
		}
		if len(c.cases) == 0 && c.seed == "" {
			t.Errorf("S%02d is proved by nothing", c.number)
		}
		if c.seed != "" && !regexp.MustCompile(`(?m)^func `+c.seed+`\(`).MatchString(seed.String()) {
			t.Errorf("S%02d names the test %s, which ../seed does not have", c.number, c.seed)
		}
	}
	if n := len(clauses()); n != 48 {
		t.Errorf("there are %d clauses, not 48", n)
	}
}
