package verify

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/rewrite"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// compared compares two made-up pages of a workspace that moved with the resources named.
func compared(t *testing.T, before, after page, o Options, along ...string) *Result {
	t.Helper()
	moving := []arm.ID{parsed(t, oldSpace)}
	for _, id := range along {
		moving = append(moving, parsed(t, oldGroup+id))
	}
	r, err := Compare(t.Context(), before.write(t), after.write(t), rewrite.New(moving, parsed(t, newGroup)), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const (
	roleID  = `"roleDefinitionId":"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/Reader"`
	grants  = "/providers/Microsoft.Authorization/roleAssignments/"
	network = "/providers/Microsoft.Network/privateEndpoints/pe"
)

func TestDocumentsAreComparedAsAMoveShouldLeaveThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		before, after []string // id, body, id, body
		along         []string
		options       Options
		want          []string
	}{
		{name: "a document that is the same is no difference", before: []string{"./jobs/a", `{"properties":{"status":"Completed"}}`}, after: []string{"./jobs/a", `{"properties":{"status":"Completed"}}`}},
		{name: "a document that is not there is missing (S06)", before: []string{"./jobs/a", `{}`, "./jobs/b", `{}`}, after: []string{"./jobs/b", `{}`}, want: []string{"jobs missing /jobs/a"}},
		{name: "a document that was not there is new", before: []string{"./jobs/b", `{}`}, after: []string{"./jobs/a", `{}`, "./jobs/b", `{}`, "./jobs/c", `{}`}, want: []string{"jobs added /jobs/a", "jobs added /jobs/c"}},
		{name: "names that sort differently below different parents find each other", before: []string{"./models/a-b/versions/1", `{}`, "./models/a/versions/1", `{}`, "./models/a/versions/10", `{}`, "./models/a/versions/2", `{}`},
			after: []string{"./models/a/versions/2", `{}`, "./models/a/versions/10", `{}`, "./models/a/versions/1", `{}`, "./models/a-b/versions/1", `{}`}},
		{name: "a property deep inside is named by its path", before: []string{"./jobs/a", `{"properties":{"list":[{"x":1},{"x":2}]}}`}, after: []string{"./jobs/a", `{"properties":{"list":[{"x":1},{"x":3}]}}`},
			want: []string{"jobs changed /jobs/a properties.list[1].x: 3, should be 2"}},
		{name: "a tag that vanished is a difference", before: []string{"./models/a", `{"tags":{"team":"x"}}`}, after: []string{"./models/a", `{"tags":{}}`}, want: []string{"models changed /models/a tags.team: null, should be x"}},
		{name: "null and not there are the same", before: []string{"./jobs/a", `{"properties":{"x":null,"list":[]}}`}, after: []string{"./jobs/a", `{"properties":{}}`}},
		{name: "what the service writes is not compared (pain 42)", before: []string{"./computes/c", `{"systemData":{"createdBy":"a"},"etag":"1","identity":{"type":"SystemAssigned","principalId":"p1"},"properties":{"createdOn":"2020","properties":{"allocationState":"Steady","state":"Running"}}}`},
			after: []string{"./computes/c", `{"systemData":{"createdBy":"b"},"etag":"2","identity":{"type":"SystemAssigned","principalId":"p2"},"properties":{"createdOn":"2026","properties":{"allocationState":"Resizing","state":"Starting"}}}`}},
		{name: "a thing that did not succeed is a difference (pain 36)", before: []string{"./computes/c", `{"properties":{"provisioningState":"Succeeded"}}`}, after: []string{"./computes/c", `{"properties":{"provisioningState":"Failed"}}`},
			want: []string{"computes changed /computes/c properties.provisioningState: Failed, should be Succeeded"}},
		{name: "an id that the service keeps up must be the new one", before: []string{"./jobs/a", `{"properties":{"computeId":"` + oldSpace + `/computes/c"}}`, "./jobs/b", `{"properties":{"computeId":"` + oldSpace + `/computes/c"}}`},
			after: []string{"./jobs/a", `{"properties":{"computeId":"` + newSpace + `/computes/c"}}`, "./jobs/b", `{"properties":{"computeId":"` + oldSpace + `/computes/c"}}`},
			want:  []string{"jobs changed /jobs/b properties.computeId: " + oldSpace + "/computes/c, should be " + newSpace + "/computes/c"}},
		{name: "the case of an id does not matter", before: []string{"./jobs/a", `{"properties":{"computeId":"` + oldSpace + `/computes/c"}}`}, after: []string{"./jobs/a", `{"properties":{"computeId":"` + strings.ToLower(newSpace) + `/computes/C"}}`}},
		{name: "the case of a path behind an id matters: files may differ by it alone", before: []string{"./data/d/versions/1", `{"properties":{"dataUri":"azureml:` + oldSpace + `/datastores/x/paths/Data/a"}}`},
			after: []string{"./data/d/versions/1", `{"properties":{"dataUri":"azureml:` + strings.ToLower(newSpace) + `/datastores/x/paths/data/a"}}`},
			want:  []string{"data/versions changed /data/d/versions/1 properties.dataUri: azureml:" + strings.ToLower(newSpace) + "/datastores/x/paths/data/a, should be azureml:" + newSpace + "/datastores/x/paths/Data/a"}},
		{name: "the case of an id inside of a text does not matter", before: []string{"./data/d/versions/1", `{"properties":{"dataUri":"azureml:` + oldSpace + `/datastores/x/paths/Data/a"}}`},
			after: []string{"./data/d/versions/1", `{"properties":{"dataUri":"azureml:` + strings.ToLower(newSpace) + `/datastores/x/paths/Data/a"}}`}},
		{name: "the case of what is no id matters", before: []string{"./jobs/a", `{"properties":{"displayName":"Alpha"}}`}, after: []string{"./jobs/a", `{"properties":{"displayName":"alpha"}}`},
			want: []string{"jobs changed /jobs/a properties.displayName: alpha, should be Alpha"}},
		{name: "a text that the mover writes must have the new id (S05)", before: []string{"./data/d/versions/1", `{"properties":{"dataUri":"azureml:` + oldSpace + `/datastores/x"}}`},
			after: []string{"./data/d/versions/1", `{"properties":{"dataUri":"azureml:` + oldSpace + `/datastores/x"}}`},
			want:  []string{"data/versions changed /data/d/versions/1 properties.dataUri: azureml:" + oldSpace + "/datastores/x, should be azureml:" + newSpace + "/datastores/x"}},
		{name: "a job that the run ended must have ended (S28)", options: Options{Ended: []string{strings.ToUpper(oldSpace + "/jobs/a"), oldSpace + "/jobs/b"}},
			before: []string{"./jobs/a", `{"properties":{"status":"Running","displayName":"x"}}`, "./jobs/b", `{"properties":{"status":"Running"}}`},
			after:  []string{"./jobs/a", `{"properties":{"status":"Canceled","displayName":"x"}}`, "./jobs/b", `{"properties":{"status":"Finalizing"}}`},
			want:   []string{"jobs changed /jobs/b properties.status: Finalizing, should be an end"}},
		{name: "the rest of a job that the run ended is compared", options: Options{Ended: []string{oldSpace + "/jobs/a"}}, before: []string{"./jobs/a", `{"properties":{"status":"Running","displayName":"x"}}`},
			after: []string{"./jobs/a", `{"properties":{"status":"Canceled","displayName":"y"}}`}, want: []string{"jobs changed /jobs/a properties.displayName: y, should be x"}},
		{name: "a job whose state changed by itself is a difference", before: []string{"./jobs/a", `{"properties":{"status":"Running"}}`}, after: []string{"./jobs/a", `{"properties":{"status":"Completed"}}`},
			want: []string{"jobs changed /jobs/a properties.status: Completed, should be Running"}},
		{name: "what the plan said is not made again may be missing", options: Options{Skipped: []string{oldSpace + "/services/s"}}, before: []string{"./services/s", `{}`}},
		{name: "a schedule that stayed disabled is a difference (pain 32)", before: []string{"./schedules/s", `{"properties":{"isEnabled":true}}`}, after: []string{"./schedules/s", `{"properties":{"isEnabled":false}}`},
			want: []string{"schedules changed /schedules/s properties.isEnabled: false, should be true"}},
		{name: "fewer than the plan counted is a difference (pain 39)", options: Options{Planned: map[string]int{"models": 2, "jobs": 1}}, before: []string{"./models/a", `{}`}, after: []string{"./models/a", `{}`},
			want: []string{"jobs counted ", "models counted "}},
		{name: "an account that moved along is compared (S42)", along: []string{account}, before: []string{"<" + oldGroup + account, `{"tags":{"a":"1"},"sku":{"name":"LRS"}}`}, after: []string{"<" + newGroup + account, `{"tags":{"a":"1"},"sku":{"name":"GRS"}}`},
			want: []string{"associated resources changed " + account + " sku.name: GRS, should be LRS"}},
		{name: "an account that should have moved along and is not there is missing", along: []string{account}, before: []string{"<" + oldGroup + account, `{}`}, want: []string{"associated resources missing " + account}},
		{name: "a role that was not given again is missing (S16)", before: []string{"<" + oldSpace + grants + "1", `{"properties":{"principalId":"p",` + roleID + `}}`, "<" + oldGroup + grants + "2", `{"properties":{"principalId":"p",` + roleID + `}}`},
			want: []string{"role assignments missing " + grants + "1"}},
		{name: "a role given again has another name and may stand below another subscription's definition", before: []string{"<" + oldSpace + grants + "1", `{"properties":{"principalId":"p",` + roleID + `}}`},
			after: []string{"<" + newSpace + grants + "9", `{"properties":{"principalId":"P",` + strings.Replace(roleID, "/subscriptions/s", "/subscriptions/t", 1) + `}}`}},
		{name: "a role given again without its condition is a difference", before: []string{"<" + oldSpace + grants + "1", `{"properties":{"principalId":"p","condition":"only if",` + roleID + `}}`}, after: []string{"<" + newSpace + grants + "9", `{"properties":{"principalId":"p",` + roleID + `}}`},
			want: []string{"role assignments changed " + grants + "9 properties.condition: , should be only if"}},
		{name: "a lock that was not put back is missing (pain 16)", before: []string{"<" + oldSpace + "/providers/Microsoft.Authorization/locks/l", `{"properties":{"level":"CanNotDelete"}}`},
			want: []string{"locks missing /providers/Microsoft.Authorization/locks/l"}},
		{name: "an alert on the log of activities that still watches the old id is a difference (pain 22)", before: []string{"<" + oldGroup + "/providers/Microsoft.Insights/activityLogAlerts/a", `{"properties":{"scopes":["` + oldSpace + `"],"condition":{"allOf":[{"field":"resourceId","equals":"` + oldSpace + `"}]}}}`},
			after: []string{">" + oldGroup + "/providers/Microsoft.Insights/activityLogAlerts/a", `{"properties":{"scopes":["` + newSpace + `"],"condition":{"allOf":[{"field":"resourceId","equals":"` + oldSpace + `"}]}}}`},
			want:  []string{"activity log alerts changed /providers/Microsoft.Insights/activityLogAlerts/a properties.condition.allOf[0].equals: " + oldSpace + ", should be " + newSpace}},
		{name: "an identity that stays is the same: another one has none of its rights (pain 17)", along: []string{account}, before: []string{".", `{"identity":{"type":"SystemAssigned","principalId":"p1","tenantId":"t"},"properties":{"workspaceId":"guid-1"}}`, "<" + oldGroup + account, `{"identity":{"principalId":"p3"}}`},
			after: []string{".", `{"identity":{"type":"SystemAssigned","principalId":"p2","tenantId":"t"},"properties":{"workspaceId":"guid-1"}}`, "<" + newGroup + account, `{"identity":{"principalId":"p4"}}`},
			want:  []string{"associated resources changed " + account + " identity.principalId: p4, should be p3", "workspace changed  identity.principalId: p2, should be p1"}},
		{name: "a private endpoint that leads to the old id is a difference (S23)", before: []string{"<" + oldGroup + network, leadsTo(oldSpace)}, after: []string{">" + oldGroup + network, leadsTo(oldSpace)},
			want: []string{"private endpoints changed " + network + " properties.privateLinkServiceConnections: " + oldSpace + ", should be " + newSpace}},
		{name: "a private endpoint whose connection nobody approved is a difference (S24)", before: []string{"<" + oldGroup + network, leadsTo(oldSpace), "./privateEndpointConnections/a", approval("Approved")},
			after: []string{">" + oldGroup + network, leadsTo(newSpace), "./privateEndpointConnections/b", approval("Pending")},
			want:  []string{"private endpoints changed " + network + " properties.privateLinkServiceConnectionState.status: not approved, should be Approved"}},
		{name: "a private endpoint that was made again is as it was but for what the service writes", before: []string{"<" + oldGroup + network, privately(oldSpace, "sub", "amlworkspace", "1")}, after: []string{">" + oldGroup + network, privately(newSpace, "sub", "amlworkspace", "2")}},
		{name: "a private endpoint in another subnet is a difference (S23)", before: []string{"<" + oldGroup + network, privately(oldSpace, "sub", "amlworkspace", "1")}, after: []string{">" + oldGroup + network, privately(newSpace, "other", "amlworkspace", "2")},
			want: []string{"private endpoints changed " + network + " properties.subnet.id: /subscriptions/s/x/other, should be /subscriptions/s/x/sub"}},
		{name: "a private endpoint to another group of its resource is a difference (S23)", before: []string{"<" + oldGroup + network, privately(oldSpace, "sub", "blob", "1")}, after: []string{">" + oldGroup + network, privately(newSpace, "sub", "dfs", "2")},
			want: []string{"private endpoints changed " + network + " properties.privateLinkServiceConnections[0].properties.groupIds[0]: dfs, should be blob"}},
		{name: "a DNS zone group with another address is as it was", before: []string{"<" + oldGroup + network + "/privateDnsZoneGroups/d", zone("a", "10.0.0.4")}, after: []string{">" + oldGroup + network + "/privateDnsZoneGroups/d", zone("a", "10.0.0.9")}},
		{name: "a DNS zone group of another zone is a difference (S23)", before: []string{"<" + oldGroup + network + "/privateDnsZoneGroups/d", zone("a", "10.0.0.4")}, after: []string{">" + oldGroup + network + "/privateDnsZoneGroups/d", zone("b", "10.0.0.4")},
			want: []string{"DNS zone groups changed " + network + "/privateDnsZoneGroups/d properties.privateDnsZoneConfigs[0].properties.privateDnsZoneId: /subscriptions/s/zones/b, should be /subscriptions/s/zones/a"}},
		{name: "a lock that lost its owners is a difference", before: []string{"<" + oldSpace + "/providers/Microsoft.Authorization/locks/l", `{"properties":{"level":"CanNotDelete","owners":[{"applicationId":"x"}]}}`},
			after: []string{"<" + newSpace + "/providers/Microsoft.Authorization/locks/l", `{"properties":{"level":"CanNotDelete"}}`},
			want:  []string{`locks changed /providers/Microsoft.Authorization/locks/l properties.owners: null, should be [{"applicationId":"x"}]`}},
		{name: "what was bound to something that is not made again may be missing", options: Options{Skipped: []string{oldSpace + "/onlineEndpoints/e/deployments/bad"}},
			before: []string{"./onlineEndpoints/e/deployments/bad", `{}`, "<" + oldSpace + "/onlineEndpoints/e/deployments/bad" + grants + "1", `{"properties":{"principalId":"p",` + roleID + `}}`,
				"<" + oldSpace + "/onlineEndpoints/e/deployments/bad/providers/Microsoft.Insights/diagnosticSettings/s", `{}`}},
		{name: "no share for a deployment that is not made again is no difference", options: Options{Skipped: []string{oldSpace + "/onlineEndpoints/e/deployments/bad"}},
			before: []string{"./onlineEndpoints/e", `{"properties":{"traffic":{"blue":100,"bad":0},"mirrorTraffic":{"bad":0}}}`}, after: []string{"./onlineEndpoints/e", `{"properties":{"traffic":{"blue":100}}}`}},
		{name: "a share that went with its deployment is a difference", options: Options{Skipped: []string{oldSpace + "/onlineEndpoints/e/deployments/bad"}},
			before: []string{"./onlineEndpoints/e", `{"properties":{"traffic":{"blue":90,"bad":10}}}`}, after: []string{"./onlineEndpoints/e", `{"properties":{"traffic":{"blue":100}}}`},
			want: []string{"onlineEndpoints changed /onlineEndpoints/e properties.traffic.bad: null, should be 10", "onlineEndpoints changed /onlineEndpoints/e properties.traffic.blue: 100, should be 90"}},
		{name: "a diagnostic setting of an endpoint that was not made again is missing (pain 16)", before: []string{"<" + oldSpace + "/onlineEndpoints/e/providers/Microsoft.Insights/diagnosticSettings/s", `{}`},
			want: []string{"diagnostic settings missing /onlineEndpoints/e/providers/Microsoft.Insights/diagnosticSettings/s"}},
		{name: "a private endpoint that was approved again is as it was", before: []string{"<" + oldGroup + network, leadsTo(oldSpace), "./privateEndpointConnections/a", approval("Approved")},
			after: []string{">" + oldGroup + network, leadsTo(newSpace), "./privateEndpointConnections/b", approval("Approved")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := compared(t, space(oldSpace, c.before...), space(newSpace, c.after...), c.options, c.along...)
			if c.want == nil {
				c.want = []string{}
			}
			sameTexts(t, "differences", told(r), c.want)
			if verdict := map[bool]Verdict{true: Clean, false: Differs}[len(c.want) == 0]; r.Verdict != verdict {
				t.Errorf("got verdict %s, want %s", r.Verdict, verdict)
			}
		})
	}
}

func leadsTo(id string) string {
	return privately(id, "sub", "amlworkspace", "1")
}

// privately is a private endpoint in a subnet that leads to a group of a resource; round says how often the service has written it.
func privately(id, subnet, group, round string) string {
	return `{"etag":"` + round + `","location":"eastus","properties":{"provisioningState":"Succeeded","resourceGuid":"` + round + `","networkInterfaces":[{"id":"/subscriptions/s/n` + round + `"}],"subnet":{"id":"/subscriptions/s/x/` + subnet + `"},` +
		`"privateLinkServiceConnections":[{"id":"c` + round + `","etag":"` + round + `","name":"c","properties":{"provisioningState":"Succeeded","groupIds":["` + group + `"],"privateLinkServiceId":"` + id + `","privateLinkServiceConnectionState":{"status":"` + round + `"}}}]}}`
}

// zone is a DNS zone group of a private endpoint, of one zone.
func zone(name, address string) string {
	return `{"properties":{"provisioningState":"Succeeded","privateDnsZoneConfigs":[{"name":"z","properties":{"privateDnsZoneId":"/subscriptions/s/zones/` + name + `","recordSets":[{"ipAddresses":["` + address + `"]}]}}]}}`
}

func approval(status string) string {
	return `{"properties":{"privateEndpoint":{"id":"` + oldGroup + network + `"},"privateLinkServiceConnectionState":{"status":"` + status + `"}}}`
}

// The fields of a datastore follow the rule of aml-contract 6 (S32, S45 to S47).
func TestDatastoresSayWhereTheirAccountIs(t *testing.T) {
	t.Parallel()
	old, other := `"subscriptionId":"11111111-aaaa-4aaa-8aaa-000000000001","resourceGroup":"dev"`, `"subscriptionId":"elsewhere","resourceGroup":"dev"`
	now, empty := `"subscriptionId":"11111111-aaaa-4aaa-8aaa-000000000002","resourceGroup":"prod"`, `"subscriptionId":"","resourceGroup":""`
	for _, c := range []struct {
		name        string
		before, now string
		moves       bool
		differs     int
	}{
		{"the account moved and the fields name where it is", old, now, true, 0},
		{"the account moved and the fields are stale", old, old, true, 2},
		{"the account moved and the fields are empty", old, empty, true, 2},
		{"the account moved and the fields were empty before: they must be filled", empty, empty, true, 2},
		{"the account moved, the fields were empty and are filled", empty, now, true, 0},
		{"the account stayed and the fields are right as they were", old, old, false, 0},
		{"the account stayed and the fields were emptied", old, empty, false, 2},
		{"the account stayed and the fields point to the new place, where it is not", old, now, false, 2},
		{"an account of the same name somewhere else is none of the move's", other, other, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var along []string
			if c.moves {
				along = []string{account}
			}
			store := func(fields string) string { return `{"properties":{"accountName":"acc",` + fields + `}}` }
			r := compared(t, space(oldSpace, "./datastores/d", store(c.before)), space(newSpace, "./datastores/d", store(c.now)), Options{}, along...)
			if r.Total != c.differs {
				t.Errorf("got %v, want %d differences", told(r), c.differs)
			}
		})
	}
}

func TestTheGUIDSaysWhetherItIsTheWorkspace(t *testing.T) {
	t.Parallel()
	after := space(newSpace)
	after.docs[newSpace] = `{"properties":{"workspaceId":"guid-2"}}`
	r := compared(t, space(oldSpace), after, Options{})
	if r.Verdict != Failed || r.WorkspaceID != "guid-2" {
		t.Errorf("got %s, %s; another workspace of the same name is a failure", r.Verdict, r.WorkspaceID)
	}
	sameTexts(t, "differences", told(r), []string{"workspace changed  properties.workspaceId: guid-2, should be guid-1"})
}

func TestASnapshotOfSomewhereElseIsRefused(t *testing.T) {
	t.Parallel()
	_, err := Compare(t.Context(), space(oldSpace).write(t), space(oldSpace).write(t), rewrite.New([]arm.ID{parsed(t, oldSpace)}, parsed(t, newGroup)), Options{})
	if !errs.Is(err, errs.Invalid) {
		t.Errorf("got %v, want Invalid", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Compare(ctx, space(oldSpace).write(t), space(oldSpace).write(t), rewrite.Map{}, Options{}); err == nil {
		t.Error("a comparison that was canceled ended well")
	}
}

func TestWhatTheServiceLeavesWithOldIdsIsListedAndNoDifference(t *testing.T) {
	t.Parallel()
	input := `{"properties":{"inputs":[{"uri":"` + oldSpace + `/a"},{"uri":"` + oldSpace + `/b"}]}}`
	r := compared(t, space(oldSpace, "./jobs/a", input, "./jobs/b", input), space(newSpace, "./jobs/a", input, "./jobs/b", input), Options{})
	want := []Mention{{Kind: "jobs", Path: "properties.inputs[*].uri", Count: 4, Example: newSpace + "/jobs/a"}}
	if r.Verdict != Clean || !slices.Equal(r.Mentions, want) || row(r, "jobs").Stale != 4 || r.Renamed != 3 {
		t.Errorf("got %s, mentions %v, %d of the row, %d renamed", r.Verdict, r.Mentions, row(r, "jobs").Stale, r.Renamed)
	}
}

func TestRolesThatWereGivenAgainUnderAnotherNameAreListed(t *testing.T) {
	t.Parallel()
	give := `{"properties":{"principalId":"p",` + roleID + `}}`
	r := compared(t, space(oldSpace, "<"+oldSpace+grants+"1", give), space(newSpace, "<"+newSpace+grants+"9", give), Options{})
	if want := []Pair{{oldSpace + grants + "1", newSpace + grants + "9"}}; !slices.Equal(r.Roles, want) {
		t.Errorf("got %v, want %v: who imports assignments elsewhere needs the new names (pain 22)", r.Roles, want)
	}
}

func TestChangedAddressesAreListed(t *testing.T) {
	t.Parallel()
	body := func(host string) string {
		return `{"properties":{"scoringUri":"https://` + host + `/score","swaggerUri":"https://` + host + `/swagger.json"}}`
	}
	r := compared(t, space(oldSpace, "./onlineEndpoints/e", body("a"), "./onlineEndpoints/f", body("f")), space(newSpace, "./onlineEndpoints/e", body("b"), "./onlineEndpoints/f", body("f")), Options{})
	want := []Renamed{{newSpace + "/onlineEndpoints/e", "scoringUri", "https://a/score", "https://b/score"}, {newSpace + "/onlineEndpoints/e", "swaggerUri", "https://a/swagger.json", "https://b/swagger.json"}}
	if r.Verdict != Clean || !slices.Equal(r.Addresses, want) {
		t.Errorf("got %s, %v", r.Verdict, r.Addresses)
	}
}

func TestWhatCouldNotBeReadAfterTheMoveIsNotProven(t *testing.T) {
	t.Parallel()
	before, after := space(oldSpace), space(newSpace)
	before.gaps = []snapshot.Gap{{Section: snapshot.Content, Path: oldSpace + "/labelingJobs", Status: 403, Code: "AuthorizationFailed"}}
	after.gaps = []snapshot.Gap{{Section: snapshot.Content, Path: newSpace + "/labelingJobs?x=1", Status: 403, Code: "AuthorizationFailed"}}
	after.notes = []snapshot.Note{{Code: snapshot.UnknownKind, Subject: "inferencePools", Text: "not known"}, {Code: snapshot.DocumentsSkipped, Subject: "alerts", Text: "none of ours"}}
	r := compared(t, before, after, Options{})
	if r.Verdict != Clean || len(r.NotCompared) != 3 {
		t.Errorf("what neither snapshot holds is told and no difference (pain 41): got %s, %v", r.Verdict, r.NotCompared)
	}
	after.gaps = append(after.gaps, snapshot.Gap{Section: snapshot.Content, Path: newSpace + "/jobs", Status: 500, Code: "InternalServerError", Message: "boom"},
		snapshot.Gap{Section: snapshot.Target, Path: oldGroup, Status: 403})
	r = compared(t, before, after, Options{})
	if r.Verdict != Failed || r.Total != 1 || r.Differences[0].What != Unread || r.Differences[0].After != newSpace+"/jobs" {
		t.Errorf("got %s, %v", r.Verdict, r.Differences)
	}
}

func TestDifferencesAreCappedAndCounted(t *testing.T) {
	t.Parallel()
	p := space(oldSpace)
	for i := range most + 50 {
		p.docs["./jobs/j"+strings.Repeat("x", i%7)+string(rune('a'+i%26))+strings.Repeat("y", i/26)] = `{}`
	}
	jobs := len(p.docs) - 1
	r := compared(t, p, space(newSpace), Options{})
	if len(r.Differences) != most || r.Total != jobs || jobs <= most {
		t.Errorf("got %d listed of %d, want %d of %d", len(r.Differences), r.Total, most, jobs)
	}
}

func TestEveryDerivedMemberHasAReason(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, d := range Table() {
		if d.Why == "" || d.Path == "" || seen[d.Kind+" "+d.Path] {
			t.Errorf("%q %q: %q: no reason, or twice", d.Kind, d.Path, d.Why)
		}
		if d.Why == "the service writes it" {
			t.Errorf("%s %s has no reason of its own", d.Kind, d.Path)
		}
		seen[d.Kind+" "+d.Path] = true
	}
	for _, want := range []string{"* systemData", "* etag", "computes properties.properties.allocationState", "onlineEndpoints properties.scoringUri"} {
		if !seen[want] {
			t.Errorf("%s is not in the table", want)
		}
	}
}

func TestRightsAreComparedByWhatTheyGive(t *testing.T) {
	t.Parallel()
	give := func(who string) string {
		return `{"properties":{"principalId":"` + who + `","principalType":"User",` + roleID + `}}`
	}
	sub, other := "/subscriptions/11111111-aaaa-4aaa-8aaa-000000000001", "/subscriptions/11111111-aaaa-4aaa-8aaa-000000000002"
	before := space(oldSpace, "<"+oldSpace+grants+"1", give("direct-lost"), "<"+oldSpace+grants+"2", give("direct-kept"), "<"+oldGroup+grants+"3", give("group-lost"), "<"+sub+grants+"4", give("sub-lost"),
		"<"+sub+grants+"5", give("sub-kept"), "<"+oldSpace+"/jobs/j"+grants+"6", give("below"), "<"+oldGroup+"/providers/Microsoft.Storage/storageAccounts/a"+grants+"7", give("beside"),
		"<"+oldSpace+grants+"8", give("now-inherited"), "<"+sub+"/providers/Microsoft.Authorization/roleDefinitions/READER", `{"properties":{"roleName":"Reader"}}`)
	after := space(newSpace, "<"+newSpace+grants+"2", give("direct-kept"), "<"+newGroup+grants+"5", give("sub-kept"), "<"+other+grants+"8", give("now-inherited"), "<"+other+grants+"9", give("new"))
	rights, err := Rights(t.Context(), before.write(t), after.write(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rights {
		got = append(got, r.What+" "+r.Principal+" "+r.Role+" "+r.Scope)
	}
	sameTexts(t, "rights", got, []string{"lost direct-lost Reader " + oldSpace, "inherited group-lost Reader " + oldGroup, "inherited sub-lost Reader " + sub, "gained new reader " + other})
}
