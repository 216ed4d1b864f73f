package clause

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/amlmove/amlmove/internal/cloud/directory"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/test/estate"
)

func somethingToMove(t *testing.T, e *estate.Estate) {
	nowhere := estate.OriginGroup + "/providers/Microsoft.MachineLearningServices/workspaces/nowhere"
	refused(t, e, refusal{clause: "S11", ids: []string{nowhere}, status: 404, code: "ResourceNotFound", says: []string{"'Microsoft.MachineLearningServices/workspaces/nowhere'", "The tracking Id is '"}})
	refused(t, e, refusal{clause: "S11", ids: []string{estate.Workspace, nowhere}, status: 404, code: "ResourceNotFound", says: []string{"workspaces/nowhere"}})
	refused(t, e, refusal{clause: "S11", from: estate.SiblingGroup + "-not", ids: []string{estate.SiblingGroup + "-not/providers/Microsoft.Storage/storageAccounts/any"},
		status: 404, code: "ResourceGroupNotFound", says: []string{"sibling-rg-not"}})
}

func rolesAtBothEnds(t *testing.T, e *estate.Estate) {
	const action = "Microsoft.Resources/subscriptions/resourceGroups/moveResources/action"
	const write = "Microsoft.Resources/subscriptions/resourceGroups/write"
	for _, c := range []struct {
		by, code string
		says     []string
	}{
		{"nobody", "AuthorizationFailed", []string{estate.OriginGroup, e.Principals["nobody"].ObjectID}},
		{"reader", "AuthorizationFailed", []string{estate.OriginGroup}},
		{"target-only", "AuthorizationFailed", []string{estate.OriginGroup}},
		{"source-only", "LinkedAuthorizationFailed", []string{action, estate.OriginGroup, write, estate.DestinationGroup}},
	} {
		refused(t, e, refusal{clause: "S12 " + c.by, by: c.by, status: 403, code: c.code, says: c.says})
	}
	for _, verb := range []string{"validateMoveResources", "moveResources"} {
		if answer := order(t, e, "contributor", verb, estate.OriginGroup, estate.Order(estate.DestinationGroup, estate.Workspace)); answer.Status != http.StatusNoContent {
			t.Errorf("S12 %s by a Contributor of both subscriptions is answered %d: %s", verb, answer.Status, answer.Body)
		}
	}
}

func rightToDelete(t *testing.T, e *estate.Estate) {
	refused(t, e, refusal{clause: "S13", by: "no-delete", status: 403, code: "AuthorizationFailed", says: []string{"Microsoft.MachineLearningServices/workspaces/delete", estate.Workspace}})
}

func rightToCreate(t *testing.T, e *estate.Estate) {
	refused(t, e, refusal{clause: "S14", by: "no-create", status: 403, code: "LinkedAuthorizationFailed", says: []string{"Microsoft.MachineLearningServices/workspaces/write", there(estate.Workspace)}})
}

// tokens tries every token that must not open the cloud, on both verbs and on a read.
func tokens(t *testing.T, e *estate.Estate) {
	before := e.Digest(t)
	other := estate.Start(t)
	foreign := e.Token(t, e.CredentialOf("stranger"))
	graph, err := e.Credential().GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{e.Endpoint + "/graph/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	others, err := identity.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	good := e.Token(t, e.Credential())
	for _, c := range []struct{ name, token, code string }{
		{"none", "", identity.CodeInvalidToken},
		{"noise", "noise", identity.CodeInvalidToken},
		{"one with a changed signature", good[:len(good)-6] + "AAAAAA", identity.CodeInvalidToken},
		{"one signed by somebody else", signedIn(t, e, others, 0), identity.CodeInvalidToken},
		{"one for another cloud with the same keys", other.Token(t, other.Credential()), identity.CodeInvalidAudience},
		{"one that expired", signedIn(t, e, e.Inner().Keys, -3*time.Hour), identity.CodeExpiredToken},
		{"one that is not valid yet", signedIn(t, e, e.Inner().Keys, 3*time.Hour), identity.CodeInvalidToken},
		{"one for the directory", graph.Token, identity.CodeInvalidAudience},
		{"one of another tenant", foreign, identity.CodeInvalidTenant},
	} {
		for path, method := range map[string]string{estate.OriginGroup + "/moveResources": "POST", estate.OriginGroup + "/validateMoveResources": "POST", estate.Workspace: "GET"} {
			answer := e.DoToken(t, c.token, method, path, estate.Order(estate.DestinationGroup, estate.Workspace))
			var doc struct{ Error problem }
			if err := json.Unmarshal(answer.Body, &doc); err != nil || answer.Status != http.StatusUnauthorized {
				t.Errorf("S12 with %s %s %s is answered %d: %s", c.name, method, path, answer.Status, answer.Body)
			}
			if doc.Error.Code != c.code && !(c.token == "" && doc.Error.Code == "AuthenticationFailed") {
				t.Errorf("S12 with %s the code is %s, want %s", c.name, doc.Error.Code, c.code)
			}
			if header := answer.Header.Get("WWW-Authenticate"); !strings.HasPrefix(header, "Bearer ") {
				t.Errorf("S12 with %s the challenge is %q", c.name, header)
			}
		}
	}
	e.Unchanged(t, "S12 tokens", before)
}

// signedIn asks an issuer with the given keys and a clock that is wrong for a token of the owner.
func signedIn(t *testing.T, e *estate.Estate, keys identity.Keys, wrong time.Duration) string {
	t.Helper()
	people := directory.Directory{Store: e.Inner().Store}
	issuer, err := identity.New(identity.Options{Base: func() string { return e.Endpoint }, Keys: keys, Directory: people, HasTenant: people.HasTenant,
		Now: func() time.Time { return time.Now().Add(wrong) }})
	if err != nil {
		t.Fatal(err)
	}
	owner := e.Principals["owner"]
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {owner.ClientID}, "client_secret": {owner.ClientSecret}, "scope": {e.Endpoint + "/.default"}}
	req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, e.Endpoint+"/"+estate.Home+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	issuer.ServeHTTP(answer, req)
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &token); err != nil || token.AccessToken == "" {
		t.Fatalf("a token from another time: %v: %s", err, answer.Body)
	}
	return token.AccessToken
}

// Built-in policies.
const (
	allowedLocations = "/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c"
	requireTag       = "/providers/Microsoft.Authorization/policyDefinitions/871b6d14-10aa-478d-b590-94f262ecfa99"
)

// assign puts a policy assignment at a scope.
func assign(t *testing.T, e *estate.Estate, scope, definition, parameters, mode string) string {
	t.Helper()
	id := scope + "/providers/Microsoft.Authorization/policyAssignments/the-policy"
	e.Must(t, http.MethodPut, id, `{"properties":{"displayName":"The policy","policyDefinitionId":"`+definition+`","enforcementMode":"`+mode+`","parameters":`+parameters+`}}`)
	return id
}

func policyDenies(t *testing.T, e *estate.Estate) {
	for _, c := range []struct{ scope, definition, parameters string }{
		{estate.DestinationGroup, allowedLocations, `{"listOfAllowedLocations":{"value":["westus"]}}`},
		{"/subscriptions/" + estate.Target, allowedLocations, `{"listOfAllowedLocations":{"value":["westus","northeurope"]}}`},
		{estate.DestinationGroup, requireTag, `{"tagName":{"value":"costCenter"}}`},
	} {
		id := assign(t, e, c.scope, c.definition, c.parameters, "Default")
		refused(t, e, refusal{clause: "S15", code: byPolicy, says: []string{"disallowed by policy", id, c.definition},
			chain: []link{{"RequestDisallowedByPolicy", estate.Workspace}, {"PolicyViolation", id}}})
		answer := order(t, e, "", "validateMoveResources", estate.OriginGroup, estate.Order(estate.DestinationGroup, estate.Workspace))
		var doc struct{ Error problem }
		if err := json.Unmarshal(answer.Body, &doc); err != nil {
			t.Fatal(err)
		}
		if info := doc.Error.Details[0].AdditionalInfo; len(info) == 0 || info[0].Type != "PolicyViolation" || !strings.EqualFold(info[0].Info["policyAssignmentId"].(string), id) {
			t.Errorf("S15 the additional information is %+v", info)
		}
		e.Must(t, http.MethodDelete, id, nil)
	}
	moved(t, e, estate.Workspace)
}

func policyDoesNotDeny(t *testing.T, e *estate.Estate) {
	only := `{"listOfAllowedLocations":{"value":["westus"]}}`
	assign(t, e, estate.SiblingGroup, allowedLocations, only, "Default")                                 // another group
	assign(t, e, estate.DestinationGroup, allowedLocations, only, "DoNotEnforce")                        // reports, does not deny
	assign(t, e, "/subscriptions/"+estate.Target, requireTag, `{"tagName":{"value":"team"}}`, "Default") // the workspace has that tag
	assign(t, e, estate.OriginGroup, requireTag, `{"tagName":{"value":"costCenter"}}`, "Default")        // the source does not count
	moved(t, e, estate.Workspace)
}

func rolesAreOrphaned(t *testing.T, e *estate.Estate) {
	const scientist = "f6c7c914-8db3-469d-8ca1-694a8f32e121"
	name := "/providers/Microsoft.Authorization/roleAssignments/5e5e5e5e-4a4a-4000-8000-000000000001"
	e.Must(t, http.MethodPut, estate.Workspace+name, `{"properties":{"principalType":"ServicePrincipal","principalId":"`+e.Principals["nobody"].ObjectID+
		`","roleDefinitionId":"/subscriptions/`+estate.Source+`/providers/Microsoft.Authorization/roleDefinitions/`+scientist+`"}}`)
	read := func(id string) int { return e.Ask(t, "nobody", http.MethodGet, id+"/jobs", nil).Status }
	if got := read(estate.Workspace); got != http.StatusOK {
		t.Fatalf("S16 before the move the data scientist is answered %d", got)
	}
	moved(t, e, estate.Workspace)
	if got := read(there(estate.Workspace)); got != http.StatusForbidden {
		t.Errorf("S16 at the new id the data scientist is answered %d: the assignment followed", got)
	}
	if list := e.List(t, there(estate.Workspace)+"/providers/Microsoft.Authorization/roleAssignments?$filter=atExactScope()"); len(list) != 0 {
		t.Errorf("S16 the new id has assignments: %v", list)
	}
	if orphan := e.Get(t, estate.Workspace+name); at(orphan, "properties.scope") != estate.Workspace {
		t.Errorf("S16 the orphan is %v", orphan)
	}
	e.Make(t, estate.Workspace, `{"location":"eastus","identity":{"type":"SystemAssigned"},"properties":{"storageAccount":"`+estate.Storage+`","keyVault":"`+estate.Vault+`"}}`)
	if got := read(estate.Workspace); got != http.StatusOK {
		t.Errorf("S16 something new at the old id: the orphan is not effective again, answered %d", got)
	}
}
