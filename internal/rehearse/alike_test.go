package rehearse_test

import (
	"context"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/mover/action"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rehearse"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/seal"
)

// variation is contoso with something that a workspace can have.
type variation struct {
	name    string
	inUse   bool
	change  func(*testing.T, *original)
	choices func(*rules.Choices)
}

// variations are what workspaces have (spec/peers.md section 3): each odd state and each choice that leads to other steps.
func variations() []variation {
	put := func(path, body string) func(*testing.T, *original) {
		return func(t *testing.T, o *original) { o.must(t, http.MethodPut, o.at(path), body) }
	}
	chosen := func(change func(*rules.Choices)) func(*rules.Choices) { return change }
	const command = `"jobDefinition":{"jobType":"Command","command":"x","environmentId":"azureml:e:1"}`
	return []variation{
		{name: "drained, with everything"},
		{name: "in full use, with everything", inUse: true},
		{name: "in full use, alone", inUse: true, choices: chosen(func(c *rules.Choices) { c.Include = nil })},
		{name: "drained, alone", choices: chosen(func(c *rules.Choices) { c.Include = nil })},
		{name: "only the storage account moves along", choices: chosen(func(c *rules.Choices) { c.Include = []string{"storage"} })},
		{name: "connections wait for approval", choices: chosen(func(c *rules.Choices) { c.ApproveEndpoints = false })},
		{name: "an enabled schedule", change: put("/schedules/nightly", `{"properties":{"isEnabled":true,"trigger":{"triggerType":"Cron","expression":"0 0 1 1 *"},"action":{"actionType":"CreateJob",`+command+`}}}`)},
		{name: "a schedule that is off", change: put("/schedules/off", `{"properties":{"isEnabled":false,"trigger":{"triggerType":"Cron","expression":"0 0 1 1 *"},"action":{"actionType":"CreateJob",`+command+`}}}`)},
		{name: "a cluster that scales to nought", change: put("/computes/small", `{"location":"eastus","properties":{"computeType":"AmlCompute","properties":{"vmSize":"Standard_DS2_v2","scaleSettings":{"minNodeCount":0,"maxNodeCount":1}}}}`)},
		{name: "a low-priority cluster", change: put("/computes/cheap", `{"location":"eastus","properties":{"computeType":"AmlCompute","properties":{"vmSize":"Standard_DS2_v2","vmPriority":"LowPriority","scaleSettings":{"minNodeCount":0,"maxNodeCount":2}}}}`)},
		{name: "an instance", change: put("/computes/bench-ci", `{"location":"eastus","properties":{"computeType":"ComputeInstance","properties":{"vmSize":"Standard_DS2_v2"}}}`)},
		{name: "an instance whose loss nobody accepted (blocked)", change: put("/computes/bench-ci", `{"location":"eastus","properties":{"computeType":"ComputeInstance","properties":{"vmSize":"Standard_DS2_v2"}}}`),
			choices: chosen(func(c *rules.Choices) { c.AcceptInstanceLoss = false })},
		{name: "an endpoint without deployments", change: put("/onlineEndpoints/alike-bare", `{"location":"eastus","properties":{"authMode":"Key"}}`)},
		{name: "an endpoint with tokens", change: put("/onlineEndpoints/alike-token", `{"location":"eastus","identity":{"type":"SystemAssigned"},"properties":{"authMode":"AMLToken"}}`)},
		{name: "a batch endpoint", change: put("/batchEndpoints/alike-batch", `{"location":"eastus","properties":{"authMode":"AADToken"}}`)},
		{name: "a serverless endpoint", change: put("/serverlessEndpoints/alike-serverless", `{"location":"eastus","sku":{"name":"Consumption"},"properties":{"authMode":"Key","modelSettings":{"modelId":"azureml://registries/azureml/models/m"}}}`)},
		{name: "a data asset with many versions", change: func(t *testing.T, o *original) {
			for _, v := range []string{"1", "2", "3", "10", "b"} {
				put("/data/alike/versions/"+v, `{"properties":{"dataType":"uri_file","dataUri":"azureml://datastores/workspaceblobstore/paths/`+v+`"}}`)(t, o)
			}
		}},
		{name: "an archived version", change: put("/data/alike/versions/1", `{"properties":{"dataType":"uri_file","dataUri":"azureml://datastores/workspaceblobstore/paths/d","isArchived":true}}`)},
		{name: "a datastore without credentials", change: put("/datastores/open", `{"properties":{"datastoreType":"AzureBlob","accountName":"contosomldevst","containerName":"c","credentials":{"credentialsType":"None"}}}`)},
		{name: "a datastore with a signature that has expired", change: put("/datastores/late", `{"properties":{"datastoreType":"AzureBlob","accountName":"elsewhere","containerName":"c","credentials":{"credentialsType":"Sas","secrets":{"secretsType":"Sas","sasToken":"sv=2020&se=2020-01-01T00:00:00Z&sig=x"}}}}`)},
		{name: "a connection that names the workspace", change: func(t *testing.T, o *original) {
			put("/connections/back", `{"properties":{"category":"ApiKey","authType":"ApiKey","target":"`+o.workspace.String()+`","credentials":{"key":"k"}}}`)(t, o)
		}},
		{name: "a connection by custom keys that names the workspace", change: func(t *testing.T, o *original) {
			put("/connections/custom", `{"properties":{"category":"CustomKeys","authType":"CustomKeys","target":"`+o.workspace.String()+`","credentials":{"keys":{"one":"k"}}}}`)(t, o)
		}},
		{name: "a setting on a part of an account and an alert on the log of activities", change: func(t *testing.T, o *original) {
			group, _, _ := strings.Cut(o.workspace.String(), "/providers/")
			account := group + "/providers/Microsoft.Storage/storageAccounts/contosomldevst"
			o.must(t, http.MethodPut, account+"/blobServices/default/providers/Microsoft.Insights/diagnosticSettings/reads?api-version=2021-05-01-preview",
				`{"properties":{"storageAccountId":"`+account+`","logs":[{"category":"StorageRead","enabled":true}]}}`)
			o.must(t, http.MethodPut, group+"/providers/Microsoft.Insights/activityLogAlerts/alike?api-version=2020-10-01",
				`{"location":"global","properties":{"enabled":true,"scopes":["`+o.workspace.String()+`"],"condition":{"allOf":[{"field":"resourceId","equals":"`+o.workspace.String()+`"}]},"actions":{}}}`)
		}},
		{name: "a lock on the workspace", change: lockOn("CanNotDelete")},
		{name: "a read-only lock on the workspace", change: lockOn("ReadOnly")},
		{name: "a lock that nobody may lift (blocked)", change: lockOn("ReadOnly"), choices: chosen(func(c *rules.Choices) { c.LiftLocks = false })},
		{name: "a role for one more user", change: func(t *testing.T, o *original) {
			o.must(t, http.MethodPut, o.at("/providers/Microsoft.Authorization/roleAssignments/a11ce000-0000-4000-8000-000000000001?api-version=2022-04-01"),
				`{"properties":{"principalId":"a11ce000-0000-4000-8000-00000000000a","principalType":"User","roleDefinitionId":"/subscriptions/`+o.workspace.Subscription()+`/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"}}`)
		}},
		{name: "a provider that is not registered at the target", change: func(t *testing.T, o *original) {
			o.must(t, http.MethodPost, "/subscriptions/"+o.target.Subscription()+"/providers/Microsoft.ContainerRegistry/unregister", nil)
		}},
		{name: "a target group that is not there", change: func(t *testing.T, o *original) {
			o.must(t, http.MethodDelete, o.target.String(), nil)
		}},
		{name: "a policy that forbids the region (blocked)", change: func(t *testing.T, o *original) {
			o.must(t, http.MethodPut, o.target.String()+"/providers/Microsoft.Authorization/policyAssignments/west?api-version=2023-04-01",
				`{"properties":{"policyDefinitionId":"/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c","parameters":{"listOfAllowedLocations":{"value":["westus"]}}}}`)
		}},
		{name: "a tag on the workspace", change: func(t *testing.T, o *original) {
			o.must(t, http.MethodPatch, o.at(""), `{"tags":{"alike":"yes"}}`)
		}},
	}
}

// everyday are the variations that are played every day; the others at night.
var everyday = []string{"connections wait for approval", "an instance whose loss nobody accepted (blocked)", "a connection that names the workspace", "a target group that is not there"}

func lockOn(level string) func(*testing.T, *original) {
	return func(t *testing.T, o *original) {
		o.must(t, http.MethodPut, o.at("/providers/Microsoft.Authorization/locks/alike?api-version=2020-05-01"), `{"properties":{"level":"`+level+`"}}`)
	}
}

// at is a path below the workspace.
func (o *original) at(path string) string { return o.workspace.String() + path }

// TestTheOriginalEndsAlike is point 1 of issue 4: what the rehearsal shows on the copy is what the run does to the original.
func TestTheOriginalEndsAlike(t *testing.T) {
	t.Parallel()
	for _, v := range variations() {
		if os.Getenv("AMLMOVE_NIGHTLY") == "" && (testing.Short() || !slices.Contains(everyday, v.name)) {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			o := newOriginal(t, map[bool]string{true: "contoso", false: "contoso-quiet"}[v.inUse])
			choices := decided
			if v.choices != nil {
				v.choices(&choices)
			}
			if v.change != nil {
				v.change(t, o)
			}
			p, file := o.plan(t, choices)
			if blocked := strings.Contains(v.name, "(blocked)"); p.Applyable == blocked {
				t.Fatalf("the plan can be carried out: %v: %v", p.Applyable, p.Findings)
			}
			if !p.Applyable {
				return
			}
			shown := rehearsed(t, p, file, rehearse.Scenario{})
			if len(shown.Differs)+len(shown.LeftOut) > 0 {
				t.Errorf("the copy differs: %v, left out: %v", shown.Differs, shown.LeftOut)
			}
			record, story := o.apply(t, p)
			if record.State != shown.State || kinds(record.Reason) != kinds(shown.Reason) {
				t.Errorf("the original ended as %s (%s)\nthe copy as %s (%s)", record.State, record.Reason, shown.State, shown.Reason)
			}
			is, was := map[string]mover.StepState{}, map[string]mover.StepState{}
			for _, s := range story.Steps {
				is[s.Step] = ended(s.Step, s.State)
			}
			for _, s := range shown.Steps {
				was[s.ID] = ended(s.ID, s.State)
			}
			if !maps.Equal(is, was) {
				t.Errorf("the steps of the original ended as %v\nthose of the copy as %v", is, was)
			}
			if a, b := remarks(story.Remarks), remarks(shown.Remarks); !slices.Equal(a, b) {
				t.Errorf("of the original is said %v\nof the copy %v", a, b)
			}
		})
	}
}

// ended is how a step ended. Whether a job ended by itself before the run looked depends on how fast time runs.
func ended(step string, state mover.StepState) mover.StepState {
	if strings.HasPrefix(step, string(plan.Drain)+"/"+plan.EndJob) && state == mover.StepThere {
		return mover.StepDone
	}
	return state
}

// kinds are the steps that a reason speaks of: the rest of its words has ids that are made anew.
func kinds(reason string) string {
	var steps []string
	for _, line := range strings.Split(reason, "; ") {
		step, _, _ := strings.Cut(line, ":")
		steps = append(steps, step)
	}
	return strings.Join(steps, "; ")
}

// remarks are those that people get, by kind and step.
func remarks(list []mover.Remark) []string {
	var said []string
	for _, m := range list {
		said = append(said, m.Kind+" "+m.Step)
	}
	slices.Sort(said)
	return slices.Compact(said)
}

// quick is a clock that does not wait long: the original ends what is due at once.
type quick struct{ action.Machine }

func (q quick) Sleep(ctx context.Context, wait time.Duration) error {
	return q.Machine.Sleep(ctx, min(wait, 50*time.Millisecond))
}

// apply carries a plan out on the original.
func (o *original) apply(t *testing.T, p *plan.Plan) (mover.Record, mover.Story) {
	t.Helper()
	client, err := azure.New(azure.Options{Endpoint: o.Endpoint, Credential: o.Credential(), Client: o.ClientOptions(), Sleep: quick{}.Sleep})
	if err != nil {
		t.Fatal(err)
	}
	folder, err := mover.Begin(t.Context(), mover.Beginning{Root: filepath.Join(t.TempDir(), "runs"), Plan: p, Client: client, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := seal.Open(folder.File(mover.SecretsFile), key)
	if err != nil {
		t.Fatal(err)
	}
	// Jobs that are waited for need an hour, and the quick clock does not: time runs fast in the original.
	defer o.hurry(t)()
	run, err := mover.Open(t.Context(), mover.Options{Folder: folder, Client: client, Secrets: secrets, Clock: quick{}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = run.Close() }()
	record, err := run.Forward(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	story, err := run.Story(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return record, story
}

// hurry lets ten minutes pass in the original again and again, until it is called off.
func (o *original) hurry(t *testing.T) func() {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for (action.Machine{}).Sleep(ctx, 250*time.Millisecond) == nil {
			_, _ = o.client.Do(ctx, http.MethodPost, "/_cloud/clock", "none", map[string]any{"advance": "10m"}) // the next one may pass
		}
	}()
	return func() { stop(); <-ended }
}
