package clause

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// painRooms are where tests cite what real users suffered from (spec/peers.md, section 3).
var painRooms = slices.Concat(moverRooms, []string{"internal/azure", "internal/snapshot", "test/clause"})

// notOurPains are the pains that cannot be met here, and why.
var notOurPains = map[int]string{48: "ARM takes one document in each request, and the order of a move is one workspace with its accounts: there is no batch that could be too large"}

// pains are the fifty, in short.
var pains = []string{
	"both groups are locked while a move runs",
	"the second phase of a move goes on for hours",
	"a move times out although it happened",
	"a part moved, the rest did not",
	"a resource is in neither group",
	"a provider gives up after a quarter of an hour",
	"so many resources in one request",
	"validate answers 202 to what cannot move",
	"validating is taken for moving",
	"hand-written JSON breaks on quotes",
	"whoever plans wants to know a week before",
	"what is missing is named one by one",
	"a policy at the target denies",
	"one thing that is not Succeeded stops all",
	"private endpoints to most targets do not move",
	"roles, locks and tags stay behind",
	"the roles of the workspace's identity are lost with its accounts",
	"writes of roles are throttled early",
	"Application Insights with alerts",
	"refused: tenant, lock, empty group, child, name",
	"nobody knows which rights are needed",
	"scripts, dashboards and state files hold old ids",
	"documents disagree",
	"nobody saves computes and endpoints",
	"the disk of a compute instance is lost",
	"the name of an endpoint is blocked after it was deleted",
	"deployments take long",
	"the quota of a new subscription is zero",
	"data assets are lost",
	"nondefault datastores are left empty or stale",
	"private endpoints are disconnected",
	"nothing may run",
	"what cannot move at all",
	"the name is held by something soft-deleted",
	"copying instead of moving",
	"an error in an answer of 200",
	"what is read lacks its secrets",
	"locks stop computes from being made or deleted",
	"success is reported and nothing moved",
	"what failed is left half paused",
	"something is left out in silence",
	"status is not restored",
	"all or nothing",
	"no dry run of the way back",
	"failed in part, without a reason",
	"doubles after a second run",
	"large sets do not fit into memory",
	"limits of batches",
	"exit codes that cannot be told apart",
	"throttled while reading",
}

func TestThePageOfPainsIsUpToDate(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# What users of moves suffered from, and the tests that prove it is cared for\n\n")
	b.WriteString("Written by `go test ./test/clause -run Page -update` from the tests that cite a pain.\n\n| pain | what it is | proved by |\n|---|---|---|\n")
	found := proofs(t, painRooms, painful)
	for i, says := range pains {
		number := i + 1
		proof := strings.Join(found[number], "; ")
		if why := notOurPains[number]; why != "" {
			proof = why
		}
		if proof == "" {
			t.Errorf("pain %d, %s: no test cites it", number, says)
		}
		fmt.Fprintf(&b, "| %d | %s | %s |\n", number, says, proof)
	}
	upToDate(t, "../../docs/pains.md", b.String())
}
