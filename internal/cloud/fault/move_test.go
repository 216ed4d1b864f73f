package fault_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestWithoutFaultsAMoveTakesExactlyItsDurations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(t, "PATCH", "/_cloud/clock", `{"durations":{"move.validate":"3m","move.move":"10m"}}`)
	location := w.begin(t, "moveResources")
	w.expectRunning(t, location)
	w.expectGroups(t, "MovingResources")
	w.advance(t, "12m59s")
	w.advance(t, "999ms")
	w.expectRunning(t, location)
	w.expectPlaces(t, "sss")
	w.advance(t, "1ms")
	w.expectDone(t, location)
	w.expectPlaces(t, "ttt")
	w.expectGroups(t, "Succeeded")
}

func TestMovesThatFailAtOnce(t *testing.T) {
	t.Parallel()
	untouched := newWorld(t) // for those that leave it as it was, one after the other
	for _, c := range []struct {
		name, fault, code, places string
		status                    int
		words                     []string
	}{
		{"half of the resources move when nothing else is said", `{"kind":"halfMoved"}`, "ResourceMoveFailed", "tss", 409, []string{"'2' of '3'", "vaultone"}},
		{"the first n move", `{"kind":"halfMoved","n":2}`, "ResourceMoveFailed", "tts", 409, []string{"vaultone"}},
		{"none moves with n 0", `{"kind":"halfMoved","n":0}`, "ResourceMoveFailed", "sss", 409, nil},
		{"all move and the job fails", `{"kind":"movedButFailed"}`, "ResourceMoveFailed", "ttt", 409,
			[]string{"All move in provider succeeded. However, the batch move job failed. The correlation id is '"}},
		{"the provider refuses after all", `{"kind":"validatePassesMoveFails","provider":"Microsoft.KeyVault"}`, "ResourceMoveProviderValidationFailed", "sss", 409,
			[]string{"CannotMoveResource", `"target":"Microsoft.KeyVault/vaults"`, "MoveNotSupported", "vaultone"}},
		{"the provider is being upgraded", `{"kind":"operationNotAllowed","match":{"operation":"move.move"}}`, "ResourceMoveProviderValidationFailed", "sss", 409,
			[]string{"OperationNotAllowed", "Microsoft.Storage/storageAccounts"}},
		{"the server errs", `{"kind":"internalError","match":{"operation":"move.move"}}`, "InternalServerError", "sss", 500, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := untouched
			if c.places != "sss" {
				t.Parallel()
				w = newWorld(t)
			}
			w.must(t, "DELETE", "/_cloud/faults", "")
			w.fault(t, c.fault)
			w.expectDone(t, w.begin(t, "validateMoveResources"))
			location := w.begin(t, "moveResources")
			w.expectFailed(t, location, c.status, c.code, c.words...)
			w.expectPlaces(t, c.places)
			w.expectGroups(t, "Succeeded")
		})
	}
}

func TestMovesThatRunIntoTheLimitOfFourHours(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, fault, places string }{
		{"nothing moved", `{"kind":"moveTimedOut"}`, "sss"},
		{"all moved nevertheless", `{"kind":"moveTimedOut","happened":true}`, "ttt"},
		{"some moved", `{"kind":"moveTimedOut","happened":"partial","n":1}`, "tss"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fault(t, c.fault)
			location := w.begin(t, "moveResources")
			w.expectPlaces(t, c.places)
			w.advance(t, "3h59m59s")
			w.expectRunning(t, location)
			w.expectGroups(t, "MovingResources")
			w.advance(t, "1s")
			w.expectFailed(t, location, 409, "ResourceMoveTimedOut",
				"Moving resources did not finish within allowed time '04:00:00'. Provisioning state of the resource groups will be rolled back.")
			w.expectPlaces(t, c.places)
			w.expectGroups(t, "Succeeded")
		})
	}
}

func TestAProviderRunsIntoItsLimit(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"validateMoveResources", "moveResources"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fault(t, `{"kind":"providerTimedOut","provider":"microsoft.keyvault","match":{"times":1}}`)
			location := w.begin(t, verb)
			w.advance(t, "14m59s")
			w.expectRunning(t, location)
			w.advance(t, "1s")
			w.expectFailed(t, location, 409, "ResourceMoveTimedOut", "Move resources for provider 'Microsoft.KeyVault' did not finish within allowed time '00:15:00'.")
			w.expectPlaces(t, "sss")
			w.expectGroups(t, "Succeeded")
			w.expectDone(t, w.begin(t, verb))
		})
	}
}

func TestNotificationsPendingShowsTheTargetWhileTheOperationRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fault(t, `{"kind":"notificationsPending","for":"2h"}`)
	location := w.begin(t, "moveResources")
	w.expectRunning(t, location)
	w.expectPlaces(t, "ttt")
	w.expectGroups(t, "MovingResources")
	w.advance(t, "2h")
	w.expectDone(t, location)
	w.expectGroups(t, "Succeeded")
}

func TestAnInternalErrorPasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fault(t, `{"kind":"internalError"}`)
	w.expectFailed(t, w.begin(t, "validateMoveResources"), 500, "InternalServerError")
	w.expectDone(t, w.begin(t, "moveResources"))
	w.expectPlaces(t, "ttt")
}

func TestAFaultOfMovesIsAskedOncePerMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(t, "PATCH", "/_cloud/clock", `{"durations":{"move.validate":"1m","move.move":"1m"}}`)
	w.fault(t, `{"id":"second","kind":"movedButFailed","match":{"skip":1}}`)
	location := w.begin(t, "moveResources")
	w.advance(t, "2m")
	w.expectDone(t, location)
	got := w.do(t, "GET", "/_cloud/faults/second", "").JSON(t)
	if got["seen"] != 1.0 || got["struck"] != 0.0 {
		t.Errorf("the fault counted %v seen and %v struck, want 1 and 0", got["seen"], got["struck"])
	}
}

func TestAFaultOfMovesMatchesGroupResourceAndPrincipal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		match string
		hits  bool
	}{
		{`{"path":"/subscriptions/*/RESOURCEGROUPS/source-rg"}`, true},
		{`{"path":"**/vaults/VaultOne"}`, true},
		{`{"path":"**/vaults/other"}`, false},
		{`{"principal":"` + strings.ToUpper(w.State().ClientID) + `"}`, true},
		{`{"principal":"00000000-0000-0000-0000-000000000000"}`, false},
		{`{"operation":"move.move"}`, false},
		{`{"probability":0}`, false},
	} {
		w.must(t, "DELETE", "/_cloud/faults", "")
		w.fault(t, `{"kind":"operationNotAllowed","match":`+c.match+`}`)
		location := w.begin(t, "validateMoveResources")
		if c.hits {
			w.expectFailed(t, location, http.StatusConflict, "ResourceMoveProviderValidationFailed", "OperationNotAllowed")
		} else {
			w.expectDone(t, location)
		}
	}
}
