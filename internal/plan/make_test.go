package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
)

func TestAnEmptyWorkspaceIsOnlyMoved(t *testing.T) {
	t.Parallel()
	p := newScene(t).plan()
	var got []string
	for _, s := range p.Steps {
		got = append(got, s.ID)
	}
	want := []string{"validate/validateMove/ml", "validate/proveRestorable/ml", "move/moveResources/ml", "verify/diagnose/ml", "verify/compare/ml"}
	if !slices.Equal(got, want) {
		t.Errorf("got the steps %q, want %q", got, want)
	}
	if p.NoReturn != "move/moveResources/ml" || p.Landing != ws2 || p.WorkspaceID != "guid" || !p.Applyable || !slices.Equal(p.Moving, []string{ws}) {
		t.Errorf("the head of the plan is %+v", p)
	}
}

// TestEachThingHasItsSteps adds one thing to an empty workspace and looks at the steps that this adds.
func TestEachThingHasItsSteps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*scene)
		want   []string
	}{
		{"S40 the target group is not there", func(s *scene) { s.without(group2) }, []string{"prepare/createGroup/h"}},
		{"S17 the target is not registered for notebooks", func(s *scene) { s.without("/subscriptions/t/providers/Microsoft.Notebooks") }, []string{"prepare/registerProvider/Microsoft.Notebooks"}},
		{"S17 a registration under way is waited for", func(s *scene) {
			s.without("/subscriptions/t/providers/Microsoft.Notebooks").add(snapshot.Target, "/subscriptions/t/providers/Microsoft.Notebooks", `{"registrationState":"Registering"}`)
		}, []string{"prepare/registerProvider/Microsoft.Notebooks"}},
		{"S18 models on an attached Kubernetes cluster need ContainerService", func(s *scene) { s.content("services/old", `{"properties":{"computeType":"Kubernetes"}}`) }, []string{"prepare/registerProvider/Microsoft.ContainerService"}},
		{"S45 a nondefault datastore with a key", func(s *scene) {
			s.content("datastores/lake", `{"properties":{"credentials":{"credentialsType":"AccountKey"}}}`)
		}, []string{"save/saveSecrets/datastore.lake", "restore/restoreDatastore/lake"}},
		{"S45 a nondefault datastore by identity has no secret", func(s *scene) {
			s.content("datastores/lake", `{"properties":{"credentials":{"credentialsType":"None"}}}`)
		}, []string{"restore/restoreDatastore/lake"}},
		{"S32 a datastore that the service made", func(s *scene) {
			s.content("datastores/workspaceblobstore", `{"properties":{"credentials":{"credentialsType":"AccountKey"}}}`)
		}, nil},
		{"S10 an online endpoint with tokens has no keys to seal", func(s *scene) { s.content("onlineEndpoints/e", `{"properties":{"authMode":"AMLToken"}}`) },
			[]string{"clear/proveRestorable/ml", "clear/removeEndpoint/e", "restore/restoreEndpoint/e"}},
		{"S10 a deployment that failed is not made again, and with none there is no traffic", func(s *scene) {
			s.content("onlineEndpoints/e", `{"properties":{"authMode":"AMLToken"}}`).content("onlineEndpoints/e/deployments/d", `{"properties":{"provisioningState":"Failed"}}`)
		}, []string{"clear/proveRestorable/ml", "clear/removeEndpoint/e", "restore/restoreEndpoint/e"}},
		{"S09 a compute", func(s *scene) { s.content("computes/gpu", `{"properties":{"computeType":"AmlCompute"}}`) },
			[]string{"clear/proveRestorable/ml", "clear/removeCompute/gpu", "restore/restoreCompute/gpu"}},
		{"the compute on which images are built", func(s *scene) { s.content("computes/CPU", `{"properties":{"computeType":"AmlCompute"}}`) },
			[]string{"clear/proveRestorable/ml", "clear/removeCompute/CPU", "restore/restoreCompute/CPU", "restore/restoreImageBuild/ml"}},
		{"S34 computes and endpoints are left alone with --no-quiesce", func(s *scene) {
			s.choices.NoQuiesce = true
			s.content("computes/cpu", `{"properties":{"computeType":"AmlCompute"}}`).content("onlineEndpoints/e", `{"properties":{"authMode":"Key"}}`)
		}, nil},
		{"S35 a web service is removed only when asked for", func(s *scene) { s.content("services/old", `{"properties":{"computeType":"ACI"}}`) }, nil},
		{"S35 a web service is removed when asked for, even with --no-quiesce", func(s *scene) {
			s.choices.RemoveServices, s.choices.NoQuiesce = true, true
			s.content("services/old", `{"properties":{"computeType":"ACI"}}`)
		}, []string{"clear/proveRestorable/ml", "clear/removeService/old"}},
		{"S37 a labeling project among the jobs is nothing to end", func(s *scene) {
			s.choices.Drain = rules.Cancel
			s.content("jobs/project", `{"properties":{"jobType":"Labeling","status":"Running"}}`)
		}, nil},
		{"S42 resynchronized keys when the storage moves along", func(s *scene) { s.choices.Include = []string{"storage"} }, []string{"restore/resyncKeys/ml"}},
		{"S05 data assets are one step", func(s *scene) { s.counts["data"], s.counts["data/versions"] = 3, 700 }, []string{"restore/restoreData/ml"}},
		{"pain 32 a disabled schedule is only looked at", func(s *scene) { s.content("schedules/s", `{"properties":{"isEnabled":false}}`) }, []string{"restore/restoreSchedule/s"}},
		{"pain 32 a schedule that does not say is enabled", func(s *scene) { s.content("schedules/s", `{"properties":{}}`) }, []string{"drain/disableSchedule/s", "restore/restoreSchedule/s"}},
		{"pain 32 an enabled schedule", func(s *scene) { s.content("schedules/s", `{"properties":{"isEnabled":true}}`) }, []string{"drain/disableSchedule/s", "restore/restoreSchedule/s"}},
		{"a connection that names nothing that moves", func(s *scene) {
			s.content("connections/c", `{"properties":{"authType":"ApiKey","target":"https://x.test"}}`)
		}, nil},
		{"a connection by identity that names the workspace has no secret", func(s *scene) {
			s.content("connections/c", `{"properties":{"authType":"AAD","metadata":{"ResourceId":"`+ws+`"}}}`)
		}, []string{"restore/restoreConnection/c"}},
		{"S08 a connection by a managed identity may name which one in what is sealed", func(s *scene) {
			s.content("connections/c", `{"properties":{"authType":"ManagedIdentity","metadata":{"ResourceId":"`+ws+`"}}}`)
		}, []string{"save/saveSecrets/connection.c", "restore/restoreConnection/c"}},
		{"a reference that the service keeps up is no reason to write", func(s *scene) {
			s.content("connections/c", `{"properties":{"authType":"ApiKey","createdByWorkspaceArmId":"`+ws+`"}}`)
		}, nil},
		{"S16 a role on the workspace", func(s *scene) { s.add(snapshot.Source, ws+roles+"r", `{"properties":{"principalId":"a"}}`) }, []string{"restore/restoreRole/ml.r"}},
		{"S16 an inherited role is not the workspace's", func(s *scene) { s.add(snapshot.Source, group1+roles+"r", `{"properties":{"principalId":"a"}}`) }, nil},
		{"S16 roles of an account that stays are left alone", func(s *scene) { s.add(snapshot.Source, storage+roles+"r", `{"properties":{"principalId":"a"}}`) }, nil},
		{"pain 16 a lock on the workspace", func(s *scene) { s.add(snapshot.Source, ws+locks+"l", `{"properties":{"level":"CanNotDelete"}}`) }, []string{"restore/restoreLock/ml.l"}},
		{"pain 38 nothing is lifted without --lift-locks, whatever the rules say of a lock", func(s *scene) {
			s.add(snapshot.Source, ws+locks+"l", `{"properties":{"level":"CanNotDelete"}}`).found(rules.Note, rules.Plan, ws+locks+"l")
		}, []string{"restore/restoreLock/ml.l"}},
		{"pain 38 a lock is lifted that the rules found in the way", func(s *scene) {
			s.choices.LiftLocks = true
			s.add(snapshot.Target, group2+locks+"l", `{"properties":{"level":"CanNotDelete"}}`).found(rules.Note, rules.Plan, group2+locks+"l")
		}, []string{"drain/liftLock/h.l", "restore/restoreLock/h.l"}},
		{"pain 38 a lock that forbids nothing is not lifted", func(s *scene) {
			s.choices.LiftLocks = true
			s.add(snapshot.Source, ws+locks+"l", `{"properties":{"level":"NotSpecified"}}`).found(rules.Note, rules.Plan, ws+locks+"l")
		}, []string{"restore/restoreLock/ml.l"}},
		{"pain 38 a lock that a person must lift", func(s *scene) {
			s.choices.LiftLocks = true
			s.add(snapshot.Source, group1+locks+"l", `{"properties":{"level":"CanNotDelete"}}`).found(rules.Warning, rules.Person, group1+locks+"l")
		}, nil},
		{"pain 16 an alert on the log of activities that watches the workspace", func(s *scene) {
			s.add(snapshot.Source, group1+"/providers/Microsoft.Insights/activityLogAlerts/a", `{"properties":{"scopes":["`+ws+`"]}}`)
		}, []string{"restore/restoreAlert/a"}},
		{"pain 16 a smart detector of the workspace", func(s *scene) {
			s.add(snapshot.Source, group1+"/providers/Microsoft.AlertsManagement/smartDetectorAlertRules/a", `{"properties":{"scope":["`+ws+`"]}}`)
		}, []string{"restore/restoreAlert/a"}},
		{"an alert that watches something else", func(s *scene) {
			s.add(snapshot.Source, group1+"/providers/Microsoft.Insights/metricAlerts/a", `{"properties":{"scopes":["`+storage+`"]}}`)
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			c.change(s)
			bare := []string{"validate/validateMove/ml", "validate/proveRestorable/ml", "move/moveResources/ml", "verify/diagnose/ml", "verify/compare/ml"}
			var got []string
			for _, step := range s.plan().Steps {
				if !slices.Contains(bare, step.ID) {
					got = append(got, step.ID)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestStepsWaitForWhatTheyNeed(t *testing.T) {
	t.Parallel()
	p := full(t).plan()
	for _, c := range []struct{ name, later, earlier string }{
		{"a ReadOnly lock is lifted before secrets are asked for (pain 38)", "save/saveSecrets/datastore.lake", "prepare/liftLock/g.still"},
		{"a ReadOnly lock is lifted before schedules are disabled", "drain/disableSchedule/on", "prepare/liftLock/g.still"},
		{"jobs end when schedules are off (S22)", "drain/endJob/run", "drain/disableSchedule/on"},
		{"a CanNotDelete lock protects until the jobs have ended", "drain/liftLock/store.keep", "drain/endJob/run"},
		{"nothing is removed before the proof (D2)", "clear/removeCompute/cpu", "clear/proveRestorable/ml"},
		{"the proof comes behind the drain", "clear/proveRestorable/ml", "drain/endJob/run"},
		{"the proof comes behind the secrets", "clear/proveRestorable/ml", "save/saveSecrets/endpoint.on"},
		{"a compute goes after the endpoint on it", "clear/removeCompute/aks", "clear/removeEndpoint/on"},
		{"a compute goes after the endpoint with a deployment on it, named by its name", "clear/removeCompute/cpu", "clear/removeEndpoint/ba"},
		{"a compute is back before the endpoint on it", "restore/restoreEndpoint/on", "restore/restoreCompute/aks"},
		{"a compute is back before the deployment on it", "restore/restoreDeployment/ba.d", "restore/restoreCompute/cpu"},
		{"deployments come after their endpoint", "restore/restoreDeployment/on.blue", "restore/restoreEndpoint/on"},
		{"traffic comes after the deployments", "restore/restoreTraffic/on", "restore/restoreDeployment/on.blue"},
		{"images are built on a compute that is there", "restore/restoreImageBuild/ml", "restore/restoreCompute/cpu"},
		{"pain 17 the workspace may use its storage before anything runs", "restore/restoreCompute/cpu", "restore/restoreRole/store.own"},
		{"pain 17 and has its keys", "restore/restoreEndpoint/on", "restore/resyncKeys/ml"},
		{"a deployment finds its connections with the new ids", "restore/restoreDeployment/on.blue", "restore/restoreConnection/moves"},
		{"a deployment finds the rules of the managed network with the new ids", "restore/restoreDeployment/ba.d", "restore/restoreOutboundRule/rule"},
		{"a deployment comes after the private endpoint to what is closed to others (S24)", "restore/restoreDeployment/on.blue", "restore/restorePrivateEndpoint/closed"},
		{"so does a compute", "restore/restoreCompute/cpu", "restore/restorePrivateEndpoint/closed"},
		{"data assets come after the datastores", "restore/restoreData/ml", "restore/restoreDatastore/open"},
		{"a datastore has its sealed secrets", "restore/restoreDatastore/lake", "save/saveSecrets/datastore.lake"},
		{"a schedule comes after its compute", "restore/restoreSchedule/on", "restore/restoreCompute/cpu"},
		{"a schedule comes after the endpoint that it calls", "restore/restoreSchedule/on", "restore/restoreTraffic/ba"},
		{"a schedule comes after the data", "restore/restoreSchedule/on", "restore/restoreData/ml"},
		{"a role on an endpoint comes after the endpoint", "restore/restoreRole/on.caller", "restore/restoreEndpoint/on"},
		{"a diagnostic setting of an endpoint comes after the endpoint", "restore/restoreDiagnostics/on.calls", "restore/restoreEndpoint/on"},
		{"a lock on an account comes after what is written to it", "restore/restoreLock/store.keep", "restore/restoreRole/store.own"},
		{"everything is compared", "verify/compare/ml", "restore/restoreSchedule/on"},
	} {
		if step(t, p, c.later); !comesAfter(p, c.later, step(t, p, c.earlier).ID) {
			t.Errorf("%s: %s does not wait for %s", c.name, c.later, c.earlier)
		}
	}
	for _, c := range []struct{ name, one, other string }{
		{"a lock on an account does not wait for computes", "restore/restoreLock/store.keep", "restore/restoreCompute/cpu"},
		{"an endpoint on managed machines waits for no compute", "restore/restoreEndpoint/ba", "restore/restoreCompute/cpu"},
		{"somebody's role does not hold up the computes", "restore/restoreCompute/cpu", "restore/restoreRole/ml.alice"},
		{"nothing waits for a private endpoint to what others reach as well", "restore/restoreDeployment/on.blue", "restore/restorePrivateEndpoint/pe"},
		{"nothing waits for a private endpoint of somebody else's subscription", "restore/restoreDeployment/on.blue", "restore/restorePrivateEndpoint/foreign"},
		{"data does not wait for a private endpoint", "restore/restoreData/ml", "restore/restorePrivateEndpoint/closed"},
		{"a schedule does not wait for what it does not name", "restore/restoreSchedule/on", "restore/restoreEndpoint/on"},
	} {
		if step(t, p, c.one); comesAfter(p, c.one, step(t, p, c.other).ID) {
			t.Errorf("%s: %s waits for %s", c.name, c.one, c.other)
		}
	}
}

// A rollback takes a step back after those that name it in their After: what must come back first must be named directly (pain 40).
func TestTakingBackGoesInTheRightOrder(t *testing.T) {
	t.Parallel()
	p := full(t).plan()
	for _, c := range []struct{ name, removal, earlier string }{
		{"a schedule is enabled again when its compute is back", "clear/removeCompute/cpu", "drain/disableSchedule/on"},
		{"a schedule is enabled again when its endpoint is back", "clear/removeEndpoint/ba", "drain/disableSchedule/on"},
		{"a lock on a deployment is put back when its endpoint is back", "clear/removeEndpoint/on", "drain/liftLock/blue.held"},
		{"a ReadOnly lock is put back when the compute is back", "clear/removeCompute/aks", "prepare/liftLock/g.still"},
	} {
		if !slices.Contains(step(t, p, c.removal).After, c.earlier) {
			t.Errorf("%s: %s does not name %s in %q", c.name, c.removal, c.earlier, step(t, p, c.removal).After)
		}
	}
}

func TestStepsSayWhatAPersonAndTheRunMustKnow(t *testing.T) {
	t.Parallel()
	p := full(t).plan()
	aks := step(t, p, "clear/removeCompute/aks")
	if !aks.Destroys || aks.Inverse == "" || !strings.HasPrefix(aks.What, "detach ") || aks.Landing != ws2+"/computes/aks" || len(aks.Digest) != 64 || aks.Writes != 1 {
		t.Errorf("S31 the attached compute: %+v", aks)
	}
	if cpu := step(t, p, "clear/removeCompute/cpu"); !strings.HasPrefix(cpu.What, "delete ") {
		t.Errorf("S31 the managed compute: %q", cpu.What)
	}
	if small := step(t, newScene(t).content("computes/cpu", `{"properties":{"computeType":"amlcompute"}}`).plan(), "clear/removeCompute/cpu"); !strings.HasPrefix(small.What, "delete ") {
		t.Errorf("S31 the managed compute, whatever the case of its type: %q", small.What)
	}
	if job := step(t, p, "drain/endJob/run"); job.Detail != (JobDetail{Cancel: true, Limit: Duration(2 * time.Hour)}) || job.Writes != 1 {
		t.Errorf("S28 a running job is cancelled when asked for: %+v", job)
	}
	if job := step(t, p, "drain/endJob/ending"); job.Detail != (JobDetail{Limit: Duration(2 * time.Hour)}) || job.Writes != 0 {
		t.Errorf("S28 a job that collects its output is waited for (aml-contract 5): %+v", job)
	}
	if pe := step(t, p, "restore/restorePrivateEndpoint/pe"); pe.Person || pe.Landing != "" || pe.Detail != (EndpointDetail{Resource: ws, Approve: true}) {
		t.Errorf("S24 the private endpoint: %+v", pe)
	}
	if data := step(t, p, "restore/restoreData/ml"); data.Count != 1 || data.Writes != 2 {
		t.Errorf("S05 the data assets: %+v", data)
	}
	if _, there := p.Find("restore/restorePrivateEndpoint/other"); there {
		t.Error("S23 a private endpoint that leads elsewhere is touched")
	}
	if _, there := p.Find("restore/restoreRole/ml.dead"); there {
		t.Error("S16 a role is given to an identity that ends with its compute")
	}
	if role := step(t, p, "restore/restoreRole/store.own"); role.What != "give the identity of the workspace the role Reader on store again" {
		t.Errorf("S16 the role of the workspace: %q", role.What)
	}
	s := full(t)
	s.choices.ApproveEndpoints = false
	if pe := step(t, s.plan(), "restore/restorePrivateEndpoint/pe"); !pe.Person {
		t.Error("S24 without --approve-endpoints a person approves")
	}
}

func TestAPlanThatSomethingStopsIsShownWhole(t *testing.T) {
	t.Parallel()
	s := full(t)
	free := s.plan()
	blocked := s.found(rules.Blocker, rules.Person, ws).plan()
	if blocked.Applyable || !free.Applyable {
		t.Errorf("D2 applyable: %v with a blocker, %v without", blocked.Applyable, free.Applyable)
	}
	if len(blocked.Steps) != len(free.Steps) {
		t.Errorf("%d steps with a blocker, %d without", len(blocked.Steps), len(free.Steps))
	}
	if blocked.Grade != rules.GradeC {
		t.Errorf("the grade is %s", blocked.Grade)
	}
}

func TestAPlanNeedsAGroupToGoTo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, target, limit, code string }{
		{"nothing was named", "", "", "TargetMissing"},
		{"only a subscription was named", "/subscriptions/t", "", "TargetMissing"},
		{"the limit is no time", group2, "soon", "InvalidChoice"},
		{"the limit is over before it began", group2, "-1h", "InvalidChoice"},
	} {
		f, err := facts.New(snapshot.Header{TargetID: c.target}, nil, nil, document(t, snapshot.Content, ws, `{}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Make(f, nil, rules.Choices{DrainLimit: c.limit}); errs.As(err) == nil || errs.As(err).Code != c.code {
			t.Errorf("%s: got %v, want %s", c.name, err, c.code)
		}
	}
}
