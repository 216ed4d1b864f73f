package clause

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/test/estate"
)

// moving starts a move that ends when the clock says so, and returns where to poll it.
func moving(t *testing.T, e *estate.Estate) (location string) {
	t.Helper()
	e.Takes(t, hours("move.validate", "move.move"))
	answer := e.Ask(t, "", http.MethodPost, estate.OriginGroup+"/moveResources", estate.Order(estate.DestinationGroup, estate.Workspace))
	if answer.Status != http.StatusAccepted {
		t.Fatalf("the move is answered %d: %s", answer.Status, answer.Body)
	}
	return answer.Header.Get("Location")
}

// inFlight reports a move in progress: ResourcesBeingMoved, naming the group.
func inFlight(t *testing.T, what string, answer cloudtest.Answer, group string) {
	t.Helper()
	name := group[strings.LastIndexByte(group, '/')+1:]
	want := "The resource group '" + name + "' is being updated and cannot perform this operation."
	if body := string(answer.Body); answer.Status != http.StatusConflict || !strings.Contains(body, `"ResourcesBeingMoved"`) || !strings.Contains(body, want) {
		t.Errorf("S30 %s is answered %d, want 409 and %q: %s", what, answer.Status, want, body)
	}
}

func nothingIsWritten(t *testing.T, e *estate.Estate) {
	const storageBody = `{"location":"eastus","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{}}`
	e.Make(t, under("computes/ci"), `{"location":"eastus","properties":{"computeType":"ComputeInstance","properties":{"vmSize":"Standard_DS2_v2"}}}`)
	e.Edit(t, under("computes/ci"), "properties.properties.state", "Running")
	destinationStore := estate.DestinationGroup + "/providers/Microsoft.Storage/storageAccounts/destinationstore"
	e.Make(t, destinationStore, storageBody)
	moving(t, e)
	before := e.Digest(t)
	for _, c := range []struct{ method, id, body, group string }{
		{"PUT", estate.OriginGroup + "/providers/Microsoft.Storage/storageAccounts/newstore", storageBody, estate.OriginGroup},
		{"PUT", estate.DestinationGroup + "/providers/Microsoft.Storage/storageAccounts/newstore", storageBody, estate.DestinationGroup},
		{"PUT", estate.Storage, storageBody, estate.OriginGroup},
		{"PATCH", estate.Workspace, `{"tags":{"a":"b"}}`, estate.OriginGroup},
		{"PUT", under("models/m/versions/1"), `{"properties":{"modelUri":"azureml://datastores/workspaceblobstore/paths/m"}}`, estate.OriginGroup},
		{"DELETE", under("computes/ci?underlyingResourceAction=Delete"), "", estate.OriginGroup},
		{"DELETE", estate.Storage, "", estate.OriginGroup},
		{"DELETE", destinationStore, "", estate.DestinationGroup},
		{"DELETE", estate.OriginGroup, "", estate.OriginGroup},
		{"DELETE", estate.DestinationGroup, "", estate.DestinationGroup},
		{"PATCH", estate.OriginGroup, `{"tags":{"a":"b"}}`, estate.OriginGroup},
		{"PUT", estate.DestinationGroup, `{"location":"eastus","tags":{"a":"b"}}`, estate.DestinationGroup},
		{"POST", under("computes/ci/stop"), "", estate.OriginGroup},
		{"POST", estate.Workspace + "/resyncKeys", "", estate.OriginGroup},
		{"POST", estate.Workspace + "/listKeys", "", estate.OriginGroup},
		{"POST", estate.Workspace + "/diagnose", "{}", estate.OriginGroup},
		{"POST", under("datastores/workspaceblobstore/listSecrets"), "", estate.OriginGroup},
		{"PUT", estate.Workspace + "/providers/Microsoft.Authorization/locks/l", `{"properties":{"level":"ReadOnly"}}`, estate.OriginGroup},
	} {
		inFlight(t, c.method+" "+c.id, e.Ask(t, "", c.method, c.id, orNil(c.body)), c.group)
	}
	e.Unchanged(t, "S30", before)
}

// orNil is no body for "".
func orNil(body string) any {
	if body == "" {
		return nil
	}
	return body
}

func readsWork(t *testing.T, e *estate.Estate) {
	location := moving(t, e)
	third := "/subscriptions/" + estate.Target + "/resourceGroups/third-rg"
	e.Must(t, http.MethodPut, third, `{"location":"eastus"}`)
	e.Make(t, estate.SiblingGroup+"/providers/Microsoft.Storage/storageAccounts/siblingstore", `{"location":"eastus","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{}}`)
	for phase := range 2 { // while it is checked, and while it moves
		for _, group := range []string{estate.OriginGroup, estate.DestinationGroup} {
			if state := at(e.Get(t, group), "properties.provisioningState"); state != "MovingResources" {
				t.Errorf("S30 in phase %d the group %s is %v", phase, group, state)
			}
		}
		e.Get(t, estate.Workspace)
		if n := len(e.List(t, under("datastores"))); n != 4 {
			t.Errorf("S30 in phase %d there are %d datastores to read", phase, n)
		}
		inFlight(t, "a write", e.Ask(t, "", http.MethodPatch, estate.Workspace, `{"tags":{"a":"b"}}`), estate.OriginGroup)
		storage := estate.SiblingGroup + "/providers/Microsoft.Storage/storageAccounts/siblingstore"
		for _, second := range []struct{ name, from, to, id, busy string }{
			{"out of the source", estate.OriginGroup, third, estate.Storage, estate.OriginGroup},
			{"the same again", estate.OriginGroup, estate.DestinationGroup, estate.Workspace, estate.OriginGroup},
			{"into the source", estate.SiblingGroup, estate.OriginGroup, storage, estate.OriginGroup},
			{"into the target", estate.SiblingGroup, estate.DestinationGroup, storage, estate.DestinationGroup},
		} {
			for _, verb := range []string{"moveResources", "validateMoveResources"} {
				inFlight(t, "a second move, "+second.name, e.Ask(t, "", http.MethodPost, second.from+"/"+verb, estate.Order(second.to, second.id)), second.busy)
			}
		}
		out := e.Ask(t, "", http.MethodPost, estate.DestinationGroup+"/moveResources", estate.Order(third, estate.DestinationGroup+"/providers/Microsoft.Storage/storageAccounts/any"))
		inFlight(t, "a second move, out of the target", out, estate.DestinationGroup)
		if poll := e.Ask(t, "", http.MethodGet, location, nil); poll.Status != http.StatusAccepted {
			t.Fatalf("S30 in phase %d the move is answered %d: %s", phase, poll.Status, poll.Body)
		}
		e.Advance(t, hour+time.Minute)
	}
	if poll := e.Ask(t, "", http.MethodGet, location, nil); poll.Status != http.StatusNoContent {
		t.Errorf("S30 after both hours the move is answered %d: %s", poll.Status, poll.Body)
	}
}

func unlockedAfterwards(t *testing.T, e *estate.Estate) {
	e.Make(t, under("computes/cpu"), clusterBody)
	moving(t, e)
	e.Advance(t, hour+time.Minute) // refused by the check
	for _, group := range []string{estate.OriginGroup, estate.DestinationGroup} {
		if state := at(e.Get(t, group), "properties.provisioningState"); state != "Succeeded" {
			t.Errorf("S30 after a refused move the group %s is %v", group, state)
		}
	}
	e.Must(t, http.MethodDelete, under("computes/cpu?underlyingResourceAction=Delete"), nil)
	moving(t, e)
	e.Advance(t, hour+time.Minute)
	e.Advance(t, hour+time.Minute)
	e.Must(t, http.MethodPatch, there(estate.Workspace), `{"tags":{"a":"b"}}`)
	for _, group := range []string{estate.OriginGroup, estate.DestinationGroup} {
		if state := at(e.Get(t, group), "properties.provisioningState"); state != "Succeeded" {
			t.Errorf("S30 after the move the group %s is %v", group, state)
		}
	}
}

func validateTakesTime(t *testing.T, e *estate.Estate) {
	e.Takes(t, hours("move.validate"))
	before := e.Digest(t)
	answer := e.Ask(t, "", http.MethodPost, estate.OriginGroup+"/validateMoveResources?api-version=2021-04-01", estate.Order(estate.DestinationGroup, estate.Workspace))
	if answer.Status != http.StatusAccepted || answer.Header.Get("Retry-After") != "15" || answer.Header.Get("Azure-AsyncOperation") != "" || len(answer.Body) > 0 {
		t.Fatalf("S41 answered %d with %v", answer.Status, answer.Header)
	}
	location := answer.Header.Get("Location")
	if poll := e.Ask(t, "", http.MethodGet, location, nil); poll.Status != http.StatusAccepted {
		t.Errorf("S41 before its time it is answered %d", poll.Status)
	}
	e.Make(t, under("models/meanwhile"), `{"properties":{}}`) // a validation locks nothing
	e.Must(t, http.MethodDelete, under("models/meanwhile"), nil)
	e.Advance(t, 2*hour)
	for range 2 {
		if poll := e.Ask(t, "", http.MethodGet, location, nil); poll.Status != http.StatusNoContent || len(poll.Body) > 0 {
			t.Errorf("S41 at its end it is answered %d: %s", poll.Status, poll.Body)
		}
	}
	e.Unchanged(t, "S41", before)
}
