package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
)

func TestDrift(t *testing.T) {
	t.Parallel()
	const compute = "computes/cpu"
	for _, c := range []struct {
		name   string
		change func(*scene) // of what was reviewed
		want   []string     // sentences, in part
	}{
		{"nothing happened", func(*scene) {}, nil},
		{"a job ended by itself", func(s *scene) { s.without(ws + "/jobs/run") }, nil},
		{"a job is at its end", func(s *scene) {
			s.without(ws+"/jobs/run").content("jobs/run", `{"properties":{"status":"Finalizing"}}`)
		}, nil},
		{"a job that is new", func(s *scene) { s.content("jobs/new", `{"properties":{"status":"Running"}}`) }, []string{"was not reviewed"}},
		{"somebody disabled a schedule", func(s *scene) {
			s.without(ws+"/schedules/on").content("schedules/on", `{"properties":{"isEnabled":false,"action":{"jobDefinition":{"computeId":"azureml:`+ws+`/computes/cpu"},"endpointInvocationDefinition":{"endpoint":"azureml:`+ws+`/batchEndpoints/ba"}}}}`)
		}, nil},
		{"somebody enabled a schedule", func(s *scene) {
			s.without(ws+"/schedules/off").content("schedules/off", `{"properties":{"isEnabled":true}}`)
		}, []string{"disable the schedule off"}},
		{"somebody deleted a schedule", func(s *scene) { s.without(ws + "/schedules/on") }, []string{"lost its reason"}},
		{"somebody changed a schedule", func(s *scene) {
			s.without(ws+"/schedules/off").content("schedules/off", `{"properties":{"isEnabled":false,"displayName":"x"}}`)
		}, []string{"off was changed since the review"}},
		{"somebody registered the target", func(s *scene) {
			s.add(snapshot.Target, "/subscriptions/t/providers/Microsoft.ContainerService", `{"registrationState":"Registered"}`)
		}, nil},
		{"somebody made the group", func(s *scene) { s.add(snapshot.Target, group2, `{"location":"eastus"}`) }, nil},
		{"a compute was changed", func(s *scene) {
			s.without(ws+"/"+compute).content(compute, `{"identity":{"type":"SystemAssigned","principalId":"cpu-principal"},"properties":{"computeType":"AmlCompute","provisioningState":"Succeeded","properties":{"vmSize":"other"}}}`)
		}, []string{"cpu was changed since the review, and a step is about it: delete", "and a step is about it: make"}},
		{"only what the service writes was changed", func(s *scene) {
			s.without(ws+"/"+compute).content(compute, `{"systemData":{"lastModifiedAt":"now"},"identity":{"type":"SystemAssigned","principalId":"cpu-principal"},"properties":{"computeType":"AmlCompute","provisioningState":"Succeeded","properties":{"vmSize":"small","currentNodeCount":3}}}`)
		}, nil},
		{"the service wrote when a role was given", func(s *scene) {
			s.without(ws+roles+"alice").add(snapshot.Source, ws+roles+"alice", `{"properties":{"principalId":"alice","principalType":"ServicePrincipal","scope":"`+ws+`","roleDefinitionId":"`+reader+`","updatedOn":"now","createdBy":"x"}}`)
		}, nil},
		{"the service wrote how the connection of a private endpoint is", func(s *scene) {
			s.without(network+"pe").add(snapshot.Source, network+"pe", `{"etag":"2","properties":{"resourceGuid":"x","privateLinkServiceConnections":[{"etag":"2","properties":{"privateLinkServiceId":"`+ws+`","privateLinkServiceConnectionState":{"status":"Approved"}}}]}}`)
		}, nil},
		{"the service wrote where a private endpoint stands", func(s *scene) {
			s.without(network+"closed").add(snapshot.Source, network+"closed", `{"properties":{"ipConfigurations":[{"name":"ip","etag":"2"}],"privateLinkServiceConnections":[{"properties":{"privateLinkServiceId":"`+storage+`"}}]}}`)
		}, nil},
		{"a private endpoint got another address", func(s *scene) {
			s.without(network+"closed").add(snapshot.Source, network+"closed", `{"properties":{"ipConfigurations":[{"name":"other","etag":"1"}],"privateLinkServiceConnections":[{"properties":{"privateLinkServiceId":"`+storage+`"}}]}}`)
		}, []string{"closed was changed since the review"}},
		{"the service wrote how a log alert was made", func(s *scene) {
			s.without(query).add(snapshot.Source, query, `{"properties":{"scopes":["`+ws+`"],"createdWithApiVersion":"2","isWorkspaceAlertsStorageConfigured":true}}`)
		}, nil},
		{"a log alert asks something else", func(s *scene) {
			s.without(query).add(snapshot.Source, query, `{"properties":{"scopes":["`+ws+`"],"severity":1}}`)
		}, []string{"q was changed since the review"}},
		{"a role became another one", func(s *scene) {
			s.without(ws+roles+"alice").add(snapshot.Source, ws+roles+"alice", `{"properties":{"principalId":"alice","principalType":"ServicePrincipal","scope":"`+ws+`","roleDefinitionId":"other"}}`)
		}, []string{"alice was changed since the review"}},
		{"a compute is gone", func(s *scene) { s.without(ws + "/computes/aks") }, []string{"a reviewed step has lost its reason", "a reviewed step has lost its reason"}},
		{"a lock is gone", func(s *scene) { s.without(storage + locks + "keep") }, []string{"put the lock keep"}},
		{"a role is new", func(s *scene) { s.add(snapshot.Source, ws+roles+"new", `{"properties":{"principalId":"bob"}}`) }, []string{"bob"}},
		{"a version of a data asset is new", func(s *scene) { s.content("data/d/versions/2", `{}`) }, []string{"another number of things, 2 where 1 were reviewed"}},
		{"another workspace of the same name", func(s *scene) {
			s.without(ws).content("", `{"location":"eastus","properties":{"workspaceId":"other"}}`)
		}, []string{"its GUID changed"}},
		{"another region", func(s *scene) { s.without(ws).content("", `{"location":"westus","properties":{"workspaceId":"guid"}}`) }, []string{"the region of the workspace changed"}},
		{"something stops the move now", func(s *scene) { s.found(rules.Blocker, rules.Person, ws) }, []string{"something stops the move now: something was found"}},
		{"a warning is new", func(s *scene) { s.found(rules.Warning, rules.Person, ws) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			reviewed := full(t).without(group2)
			fresh := full(t)
			if c.name != "somebody made the group" {
				fresh.without(group2)
			}
			c.change(fresh)
			got := Drift(reviewed.plan(), fresh.plan(), nil)
			var texts []string
			for _, one := range got {
				texts = append(texts, one.String())
			}
			for _, want := range c.want {
				if !strings.Contains(strings.Join(texts, "\n"), want) {
					t.Errorf("got %q, want %q", texts, want)
				}
			}
			if len(c.want) == 0 && len(got) > 0 {
				t.Errorf("got %q, want no drift", texts)
			}
		})
	}
}

func TestABlockerThatWasReviewedIsNoDrift(t *testing.T) {
	t.Parallel()
	s := full(t).found(rules.Blocker, rules.Person, ws)
	reviewed := s.plan()
	if got := Drift(reviewed, s.plan(), nil); len(got) > 0 {
		t.Errorf("got %v", got)
	}
	if got := Drift(full(t).plan(), reviewed, nil); len(got) != 1 || got[0].Subject != ws {
		t.Errorf("got %v, want the blocker", got)
	}
}

func TestDriftSeesAnotherTargetAndWhatElseMoves(t *testing.T) {
	t.Parallel()
	reviewed := full(t).plan()
	alone := full(t)
	alone.choices.Include = []string{"storage"}
	for _, c := range []struct {
		name, want string
		fresh      *Plan
	}{
		{"less moves along", "vault would move along by the reviewed plan", alone.plan()},
		{"it lands elsewhere", "would land elsewhere", func() *Plan {
			p := *full(t).plan()
			p.Landing = ws
			return &p
		}()},
	} {
		changes := Drift(reviewed, c.fresh, nil)
		found := false
		for _, one := range changes {
			found = found || strings.Contains(one.Text, c.want)
		}
		if !found {
			t.Errorf("%s: got %v, want %q", c.name, changes, c.want)
		}
	}
}

func TestTheCaseOfNamesIsNoDrift(t *testing.T) {
	t.Parallel()
	reviewed, fresh := newScene(t), newScene(t)
	reviewed.content("computes/GPU", `{"properties":{"computeType":"AKS"}}`)
	fresh.content("computes/gpu", `{"properties":{"computeType":"AKS"}}`)
	if got := Drift(reviewed.plan(), fresh.plan(), nil); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}

// carriedOut is what is there when all before the verdict was carried out, and the steps of that, each with whether it has ended well.
func carriedOut(t *testing.T, reviewed *Plan) (*scene, map[string]bool) {
	t.Helper()
	s := full(t)
	for _, id := range []string{ws + "/computes/cpu", ws + "/computes/aks", ws + "/onlineEndpoints/on", ws + "/onlineEndpoints/on/deployments/blue", ws + "/onlineEndpoints/on/deployments/bad", ws + "/batchEndpoints/ba",
		ws + "/batchEndpoints/ba/deployments/d", ws + "/serverlessEndpoints/se", ws + "/jobs/run", ws + "/jobs/ending", storage + locks + "keep", group1 + locks + "still", ws + "/schedules/on",
		ws + "/onlineEndpoints/on" + roles + "caller", ws + "/onlineEndpoints/on" + setting + "calls", ws + "/onlineEndpoints/on/deployments/blue" + locks + "held"} {
		s.without(id)
	}
	s.content("schedules/on", `{"properties":{"isEnabled":false,"action":{"jobDefinition":{"computeId":"azureml:`+ws+`/computes/cpu"},"endpointInvocationDefinition":{"endpoint":"azureml:`+ws+`/batchEndpoints/ba"}}}}`)
	s.add(snapshot.Target, group2, `{"location":"eastus"}`)
	carried := map[string]bool{}
	for _, step := range reviewed.Steps {
		if step.Phase == Prepare || step.Phase == Save || step.Phase == Drain || step.Phase == Clear {
			carried[step.ID] = true
		}
	}
	for _, namespace := range []string{"Microsoft.ContainerService"} {
		s.add(snapshot.Target, "/subscriptions/t/providers/"+namespace, `{"registrationState":"Registered"}`)
	}
	return s, carried
}

// A deletion may outlive the process that asked for it: what is on its way out because of the run stops nothing, whatever a rule says of its state.
func TestWhatTheRunIsRemovingStopsNothing(t *testing.T) {
	t.Parallel()
	reviewed := full(t).plan()
	s := full(t)
	s.found(rules.Blocker, rules.Person, ws+"/computes/cpu").found(rules.Blocker, rules.Person, ws+"/onlineEndpoints/on/deployments/blue")
	if got := Drift(reviewed, s.plan(), map[string]bool{"clear/removeCompute/cpu": false, "clear/removeEndpoint/on": true}); slices.ContainsFunc(got, func(c Change) bool { return c.Stops }) {
		t.Errorf("got %v", got)
	}
	got := Drift(reviewed, s.plan(), map[string]bool{"clear/removeCompute/cpu": false})
	if !slices.ContainsFunc(got, func(c Change) bool { return c.Stops && strings.HasSuffix(c.Subject, "/blue") }) {
		t.Errorf("got %v, want the blocker of what the run has not touched", got)
	}
}

// What a run has done by itself is no drift while it goes on; what somebody else did meanwhile is.
func TestDriftOfARunThatIsUnderWay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*scene, map[string]bool)
		want   string
	}{
		{"nothing else happened", func(*scene, map[string]bool) {}, ""},
		{"a role is new", func(s *scene, _ map[string]bool) {
			s.add(snapshot.Source, ws+roles+"new", `{"properties":{"principalId":"bob"}}`)
		}, "roleAssignments/new"},
		{"a role was taken", func(s *scene, _ map[string]bool) { s.without(ws + roles + "alice") }, "lost its reason"},
		{"a data asset is new", func(s *scene, _ map[string]bool) { s.content("data/d/versions/2", `{}`) }, "another number of things"},
		{"a compute stands again", func(s *scene, _ map[string]bool) {
			s.content("computes/cpu", `{"properties":{"computeType":"AmlCompute"}}`)
		}, "it was done, and has to be done again: delete the compute cpu"},
		{"a compute that is being removed", func(s *scene, carried map[string]bool) {
			s.content("computes/cpu", `{"properties":{"computeType":"AmlCompute","provisioningState":"Deleting"}}`)
			carried["clear/removeCompute/cpu"] = false
		}, ""},
		{"a compute that was not removed yet and is another one", func(s *scene, carried map[string]bool) {
			s.content("computes/cpu", `{"properties":{"computeType":"AmlCompute","properties":{"vmSize":"large"}}}`)
			delete(carried, "clear/removeCompute/cpu")
		}, "cpu was changed since the review"},
		{"somebody enabled the schedule", func(s *scene, _ map[string]bool) {
			s.without(ws+"/schedules/on").content("schedules/on", `{"properties":{"isEnabled":true}}`)
		}, "it was done, and has to be done again: disable the schedule on"},
		{"somebody deleted the schedule", func(s *scene, _ map[string]bool) { s.without(ws + "/schedules/on") }, "lost its reason"},
		{"a diagnostic setting was changed", func(s *scene, _ map[string]bool) {
			s.without(ws+setting+"logs").add(snapshot.Source, ws+setting+"logs", `{"properties":{"workspaceId":"x"}}`)
		}, "logs was changed since the review"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			reviewed := full(t).without(group2).plan()
			s, carried := carriedOut(t, reviewed)
			c.change(s, carried)
			got := Drift(reviewed, s.plan(), carried)
			var texts []string
			for _, one := range got {
				texts = append(texts, one.String())
			}
			if all := strings.Join(texts, "\n"); c.want == "" && all != "" || !strings.Contains(all, c.want) {
				t.Errorf("got %q, want %q", texts, c.want)
			}
		})
	}
}

// An autoscale rule changes the number of instances all the time: that says nothing about what was reviewed. A number that a person set does.
func TestTheNumberOfInstancesIsDriftWhereAPersonSetsIt(t *testing.T) {
	t.Parallel()
	const deployment, setting = "onlineEndpoints/on/deployments/green", group1 + "/providers/Microsoft.Insights/autoscaleSettings/auto"
	scales := func(enabled string) func(*scene) {
		return func(s *scene) {
			s.add(snapshot.Source, setting, `{"properties":{"enabled":`+enabled+`,"targetResourceUri":"`+strings.ToUpper(ws+"/"+deployment)+`"}}`)
		}
	}
	for _, c := range []struct {
		name, properties string
		change           func(*scene)
		drifts           bool
	}{
		{"a person scales it", `"endpointComputeType":"Managed"`, func(*scene) {}, true},
		{"Azure Monitor scales it", `"endpointComputeType":"Managed"`, scales("true"), false},
		{"the setting of Azure Monitor is switched off", `"endpointComputeType":"Managed"`, scales("false"), true},
		{"it scales itself", `"endpointComputeType":"Kubernetes","scaleSettings":{"scaleType":"TargetUtilization"}`, func(*scene) {}, false},
		{"on Kubernetes it scales itself unless it says otherwise", `"endpointComputeType":"kubernetes"`, func(*scene) {}, false},
		{"on Kubernetes with a fixed number", `"endpointComputeType":"Kubernetes","scaleSettings":{"scaleType":"Default"}`, func(*scene) {}, true},
	} {
		with := func(capacity, more string) *Plan {
			s := full(t)
			c.change(s)
			return s.content(deployment, `{"sku":{"name":"Default","capacity":`+capacity+`},"properties":{"provisioningState":"Succeeded",`+c.properties+more+`}}`).plan()
		}
		reviewed := with("2", "")
		if got := Drift(reviewed, with("5", ""), nil); (len(got) > 0) != c.drifts {
			t.Errorf("%s: other instances are drift: %v, want %v: %v", c.name, len(got) > 0, c.drifts, got)
		}
		if got := Drift(reviewed, with("2", `,"instanceType":"other"`), nil); len(got) == 0 {
			t.Errorf("%s: another size is no drift", c.name)
		}
	}
}
