package capture

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

const ws = "/subscriptions/s1/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"

// arms is a small ARM: answers by path, "status body"; what has none is an empty list.
type arms struct {
	mutex   sync.Mutex
	answers map[string]string
	asked   []string // method and path with query
}

func (a *arms) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mutex.Lock()
	a.asked = append(a.asked, r.Method+" "+r.URL.Path+"?"+r.URL.RawQuery)
	answer, ok := a.answers[strings.ToLower(r.URL.Path)]
	a.mutex.Unlock()
	if !ok {
		answer = `200 {"value":[]}`
	}
	status, body, _ := strings.Cut(strings.ReplaceAll(answer, "HOST", "https://"+r.Host), " ")
	var code int
	_, _ = fmt.Sscan(status, &code)
	w.WriteHeader(code)
	_, _ = fmt.Fprint(w, body)
}

type badge struct{}

func (badge) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "a.e30.c", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// shoot captures from a small ARM with some answers of its own.
func shoot(t *testing.T, answers map[string]string) (*snapshot.Snapshot, *arms, error) {
	t.Helper()
	a := &arms{answers: map[string]string{
		strings.ToLower(ws): `200 {"id":"` + ws + `","location":"East US","properties":{"storageAccount":null}}`,
		"/subscriptions/s1/providers/microsoft.machinelearningservices": `200 {"namespace":"Microsoft.MachineLearningServices","resourceTypes":[
			{"resourceType":"workspaces","apiVersions":["2025-12-01"]},{"resourceType":"workspaces/jobs","apiVersions":["2025-12-01"]},
			{"resourceType":"workspaces/labelingJobs","apiVersions":["2023-04-01-preview"]},{"resourceType":"workspaces/Novelties","apiVersions":["2030-01-01"]}]}`,
	}}
	for path, answer := range answers {
		a.answers[strings.ToLower(path)] = answer
	}
	server := httptest.NewTLSServer(a)
	t.Cleanup(server.Close)
	client, err := azure.New(azure.Options{Endpoint: server.URL, Credential: badge{}, Client: policy.ClientOptions{Transport: server.Client(),
		Retry: policy.RetryOptions{MaxRetries: -1}, Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: server.URL,
			Services: map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Endpoint: server.URL, Audience: server.URL}}}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "w.snap")
	w, err := snapshot.Create(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	id, err := arm.Parse(ws)
	if err != nil {
		t.Fatal(err)
	}
	target := arm.ID{{Type: arm.Subscriptions, Name: "s2"}, {Type: arm.ResourceGroups, Name: "t"}}
	if _, err := Run(t.Context(), Options{Client: client, Workspace: id, Target: target}, w); err != nil {
		return nil, a, err
	}
	snap, err := snapshot.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = snap.Close() })
	return snap, a, nil
}

func TestNothingIsWrittenAndNoSecretIsAskedFor(t *testing.T) {
	t.Parallel()
	_, a, err := shoot(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range a.asked {
		if !strings.HasPrefix(request, "GET ") || strings.Contains(strings.ToLower(request), "listkeys") || strings.Contains(strings.ToLower(request), "listsecrets") {
			t.Errorf("D10: asked %s", request)
		}
	}
	if len(a.asked) < 50 {
		t.Errorf("only %d requests", len(a.asked))
	}
}

func TestKindsThatNobodyKnowsAreNoted(t *testing.T) {
	t.Parallel()
	snap, _, err := shoot(t, map[string]string{ws + "/linkedServices": `404 {"error":{"code":"InvalidResourceType","message":"m"}}`})
	if err != nil {
		t.Fatal(err)
	}
	notes, err := snap.Notes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	has := func(code, subject string) bool {
		return slices.ContainsFunc(notes, func(n snapshot.Note) bool {
			return n.Code == code && strings.HasSuffix(n.Subject, subject) && n.Text != ""
		})
	}
	if !has(snapshot.UnknownKind, "workspaces/Novelties") {
		t.Errorf("the unknown kind is not noted: %+v", notes)
	}
	if !has(snapshot.KindNotOffered, "workspaces/linkedServices") {
		t.Errorf("what the provider does not offer is not noted: %+v", notes)
	}
	if !has(snapshot.NotListed, "(soft-deleted)") {
		t.Errorf("what ARM does not list is not noted: %+v", notes)
	}
	if gaps, err := snap.Gaps(t.Context()); err != nil || len(gaps) > 0 {
		t.Errorf("gaps: %+v, %v", gaps, err)
	}
}

func TestARefusalIsAGapAndAnOutageIsNot(t *testing.T) {
	t.Parallel()
	refusal := `{"error":{"code":"Refused","message":"m"}}`
	for _, c := range []struct {
		name, path, answer string
		gap                bool
	}{
		{"forbidden", ws + "/jobs", "403 " + refusal, true},
		{"not there", ws + "/jobs", "404 " + refusal, true},
		{"not built", ws + "/jobs", "501 " + refusal, true},
		{"a version that is gone", ws + "/jobs", "400 " + refusal, true},
		{"not registered", ws + "/jobs", "409 " + refusal, true},
		{"the service is down", ws + "/jobs", "503 " + refusal, false},
		{"an old kind that only errs", ws + "/labelingJobs", "500 " + refusal, true},
		{"half an answer", ws + "/jobs", `200 {"value":[`, false},
		{"a page that leads back", ws + "/jobs", `200 {"value":[],"nextLink":"HOST` + ws + `/jobs?api-version=x"}`, false},
		{"no right to see the target group", "/subscriptions/s2/resourceGroups/t", "403 " + refusal, true},
		{"no right to ask the provider", "/subscriptions/s1/providers/Microsoft.MachineLearningServices", "403 " + refusal, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			snap, _, err := shoot(t, map[string]string{c.path: c.answer})
			if !c.gap {
				if err == nil || errs.As(err) == nil {
					t.Errorf("the capture went on: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			gaps, err := snap.Gaps(t.Context())
			if err != nil || len(gaps) == 0 {
				t.Fatalf("no gap: %v", err)
			}
			for _, gap := range gaps {
				if !strings.EqualFold(gap.Path, c.path) || fmt.Sprint(gap.Status) != c.answer[:3] || gap.Code != "Refused" || gap.Why == "" {
					t.Errorf("got %+v", gap)
				}
			}
		})
	}
}

func TestWhatPointsElsewhereIsFollowed(t *testing.T) {
	t.Parallel()
	endpoint := "/subscriptions/s9/resourceGroups/net/providers/Microsoft.Network/privateEndpoints/pe"
	nic := "/subscriptions/s9/resourceGroups/net/providers/Microsoft.Network/networkInterfaces/nic"
	set := "/providers/Microsoft.Authorization/policySetDefinitions/set"
	rule := "/providers/Microsoft.Authorization/policyDefinitions/rule"
	flight := "/subscriptions/s1/resourceGroups/g/providers/Microsoft.Resources/deployments/"
	linked := "/subscriptions/s3/resourceGroups/d/providers/Microsoft.Databricks/workspaces/"
	snap, _, err := shoot(t, map[string]string{
		ws + "/privateEndpointConnections":   `200 {"value":[{"id":"` + ws + `/privateEndpointConnections/c","properties":{"privateEndpoint":{"id":"` + endpoint + `"}}}]}`,
		endpoint:                             `200 {"id":"` + endpoint + `","properties":{"networkInterfaces":[{"id":"` + nic + `"}]}}`,
		endpoint + "/privateDnsZoneGroups":   `200 {"value":[{"id":"` + endpoint + `/privateDnsZoneGroups/default"}]}`,
		nic:                                  `200 {"id":"` + nic + `"}`,
		"/subscriptions/s2/resourceGroups/t": `200 {"id":"/subscriptions/s2/resourceGroups/t"}`,
		"/subscriptions/s2/resourceGroups/t/providers/Microsoft.Authorization/policyAssignments": `200 {"value":[{"id":"/subscriptions/s2/providers/Microsoft.Authorization/policyAssignments/a","properties":{"policyDefinitionId":"` + set + `"}}]}`,
		set:                                  `200 {"id":"` + set + `","properties":{"policyDefinitions":[{"policyDefinitionId":"` + rule + `"},{"policyDefinitionId":"` + rule + `"}]}}`,
		rule:                                 `200 {"id":"` + rule + `"}`,
		"/subscriptions/s1/resourceGroups/g": `200 {"id":"/subscriptions/s1/resourceGroups/g"}`,
		strings.TrimSuffix(flight, "/"):      `200 {"value":[{"id":"` + flight + `now","properties":{"provisioningState":"Running"}},{"id":"` + flight + `then","properties":{"provisioningState":"Succeeded"}}]}`,
		"/subscriptions":                     `200 {"value":[{"subscriptionId":"s1"},{"subscriptionId":"s3"}]}`,
		"/subscriptions/s3/providers/Microsoft.Databricks/workspaces": `200 {"value":[{"id":"` + linked + `ours","properties":{"parameters":{"amlWorkspaceId":{"value":"` + strings.ToUpper(ws[:20]) + ws[20:] + `"}}}},{"id":"` + linked + `other","properties":{}}]}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, section := range map[string]snapshot.Section{endpoint: snapshot.Source, nic: snapshot.Source, endpoint + "/privateDnsZoneGroups/default": snapshot.Source,
		set: snapshot.Target, rule: snapshot.Target, flight + "now": snapshot.Source, linked + "ours": snapshot.Source} {
		if _, err := snap.Get(t.Context(), section, id); err != nil {
			t.Error(err)
		}
	}
	for _, id := range []string{flight + "then", linked + "other"} {
		if _, err := snap.Get(t.Context(), snapshot.Source, id); !errs.Is(err, errs.NotFound) {
			t.Errorf("%s has nothing to do with the move: %v", id, err)
		}
	}
}

// TestSettingsOfWhatIsBelowAreRead, and policy of what moves itself: diagnostic settings are listed of their very scope only, and neither those of endpoints nor those of an account's services follow (pain 16).
func TestSettingsOfWhatIsBelowAreRead(t *testing.T) {
	t.Parallel()
	const settings = "/providers/Microsoft.Insights/diagnosticSettings"
	endpoint, store := ws+"/onlineEndpoints/e", "/subscriptions/s1/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/store"
	answers := map[string]string{
		ws:                        `200 {"id":"` + ws + `","location":"East US","properties":{"storageAccount":"` + store + `"}}`,
		store:                     `200 {"id":"` + store + `","properties":{}}`,
		ws + "/onlineEndpoints":   `200 {"value":[{"id":"` + endpoint + `","properties":{}}]}`,
		endpoint + "/deployments": `200 {"value":[{"id":"` + endpoint + `/deployments/blue","properties":{}}]}`,
		store + "/tableServices/default" + settings: `400 {"error":{"code":"ResourceTypeNotSupported","message":"The resource type does not support diagnostic settings."}}`,
		store + "/queueServices/default" + settings: `404 {"error":{"code":"ResourceNotFound","message":"The service is not there."}}`,
	}
	exemption := ws + "/providers/Microsoft.Authorization/policyExemptions/e"
	answers[strings.TrimSuffix(exemption, "/e")] = `200 {"value":[{"id":"` + exemption + `"}]}`
	want := []string{exemption}
	for _, scope := range []string{endpoint, endpoint + "/deployments/blue", store + "/blobServices/default", store + "/fileServices/default"} {
		answers[scope+settings] = `200 {"value":[{"id":"` + scope + settings + `/s","properties":{}}]}`
		want = append(want, scope+settings+"/s")
	}
	snap, _, err := shoot(t, answers)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range want {
		if _, err := snap.Get(t.Context(), snapshot.Source, id); err != nil {
			t.Error(err)
		}
	}
	if gaps, err := snap.Gaps(t.Context()); err != nil || len(gaps) > 0 {
		t.Errorf("what has no settings is a gap: %+v %v", gaps, err)
	}
	answers[endpoint+settings] = `403 {"error":{"code":"AuthorizationFailed","message":"m"}}`
	snap, _, err = shoot(t, answers)
	if err != nil {
		t.Fatal(err)
	}
	if gaps, err := snap.Gaps(t.Context()); err != nil || len(gaps) != 1 || gaps[0].Path != endpoint+settings {
		t.Errorf("what may not be read is no gap: %+v %v", gaps, err)
	}
}

func TestACrewIsBoundedAndStopsAtTheFirstError(t *testing.T) {
	t.Parallel()
	c := newCrew(t.Context(), 3)
	var mutex sync.Mutex
	now, most, done := 0, 0, 0
	var work func(depth int) func(context.Context) error
	work = func(depth int) func(context.Context) error {
		return func(context.Context) error {
			mutex.Lock()
			now++
			most = max(most, now)
			mutex.Unlock()
			if depth < 2 {
				for range 10 {
					c.do(work(depth + 1))
				}
			}
			mutex.Lock()
			now--
			done++
			mutex.Unlock()
			return nil
		}
	}
	for range 10 {
		c.do(work(0))
	}
	if err := c.end(nil); err != nil || done != 10+100+1000 {
		t.Errorf("%d pieces of work done, %v", done, err)
	}
	if most > 12 { // three hands and the one who hands in, three deep
		t.Errorf("%d at once", most)
	}
	c = newCrew(t.Context(), 2)
	broken := errs.New(errs.Internal, "Broken", "broken")
	c.do(func(context.Context) error { return broken })
	c.do(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	if err := c.end(nil); errs.As(err) != broken {
		t.Errorf("got %v", err)
	}
}
