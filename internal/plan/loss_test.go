package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
)

func TestLossesAreSaidBefore(t *testing.T) {
	t.Parallel()
	s := full(t)
	s.choices.RemoveServices = true
	s.content("computes/ci", `{"properties":{"computeType":"ComputeInstance","provisioningState":"Failed"}}`)
	s.content("services/old", `{"properties":{"computeType":"ACI"}}`)
	s.content("onlineEndpoints/token", `{"properties":{"authMode":"AMLToken","provisioningState":"Failed"}}`)
	s.content("serverlessEndpoints/paid", `{"properties":{"marketplaceSubscriptionId":"m"}}`)
	s.add(snapshot.Source, group1+"/providers/Microsoft.Insights/autoscaleSettings/auto", `{"properties":{"enabled":true,"targetResourceUri":"`+ws+`/onlineEndpoints/on/deployments/blue"}}`)
	p := s.plan()
	for _, c := range []struct{ name, subject, what string }{
		{"D2 what was bought", ws + "/serverlessEndpoints/paid", "marketplace offer"},
		{"S10 what scales", group1 + "/providers/Microsoft.Insights/autoscaleSettings/auto", "the deployment blue of on"},
		{"pain 25", ws + "/computes/ci", "the disk of the instance"},
		{"a failed compute", ws + "/computes/ci", "had failed before"},
		{"a failed endpoint", ws + "/onlineEndpoints/token", "had failed before"},
		{"a failed deployment", ws + "/onlineEndpoints/on/deployments/bad", "is not made again"},
		{"tokens", ws + "/onlineEndpoints/token", "AMLToken"},
		{"addresses", ws + "/onlineEndpoints/on", "address"},
		{"nodes", ws + "/computes/cpu", "nodes"},
		{"identities", ws + "/computes/cpu", "object id"},
		{"roles of identities", ws + roles + "dead", "the role Reader on ml of the system-assigned identity of cpu"},
		{"S35", ws + "/services/old", "not made again"},
		{"keys of serverless endpoints", ws + "/serverlessEndpoints/se", "keys"},
		{"history of batch endpoints", ws + "/batchEndpoints/ba", "earlier jobs"},
		{"S28 cancelled jobs", ws + "/jobs/run", "done so far"},
		{"S05 lineage", ws, "lineage"},
		{"pain 22", ws, "tracking URI"},
	} {
		if !slices.ContainsFunc(p.Losses, func(l Loss) bool { return l.Subject == c.subject && strings.Contains(l.What, c.what) && l.Do != "" }) {
			t.Errorf("%s: nobody says %q of %s", c.name, c.what, c.subject)
		}
	}
}

// What is not made again takes its lock along: the lock is lifted all the same, and said to be lost.
func TestALockOnWhatIsNotMadeAgainIsLost(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.choices.LiftLocks, s.choices.RemoveServices = true, true
	held := []string{ws + "/onlineEndpoints/on/deployments/bad" + locks + "held", ws + "/services/old" + locks + "held"}
	s.content("onlineEndpoints/on", `{"properties":{"authMode":"AADToken"}}`).content("onlineEndpoints/on/deployments/bad", `{"properties":{"provisioningState":"Failed"}}`)
	s.content("services/old", `{"properties":{"computeType":"ACI"}}`)
	for _, lock := range held {
		s.add(snapshot.Source, lock, `{"properties":{"level":"CanNotDelete"}}`).found(rules.Note, rules.Plan, lock)
	}
	p := s.plan()
	for _, lock := range held {
		if !p.lost(lock) || p.subjects()[subjectKey(LiftLock, lock)] == "" || p.subjects()[subjectKey(RestoreLock, lock)] != "" {
			t.Errorf("the lock %s: lost %v", lock, p.lost(lock))
		}
	}
}
