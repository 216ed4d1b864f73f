package admin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/identity"
)

// code is the code of an error's body.
func code(t *testing.T, a cloudtest.Answer) string {
	t.Helper()
	trouble, _ := a.JSON(t)["error"].(map[string]any)
	text, _ := trouble["code"].(string)
	return text
}

func TestOnlyTheOwnerOfTheHomeTenantIsHeard(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t)
	if a := c.Do(t, "", "GET", "/_cloud/status", nil); a.Status != 200 {
		t.Errorf("the owner is answered %d: %s", a.Status, a.Body)
	}
	tenants := map[string]bool{}
	for _, p := range c.State().Principals {
		if p.Kind != identity.ServicePrincipal || p.ClientID == c.State().ClientID {
			continue
		}
		name := p.Name
		tenants[p.TenantID] = true
		for _, path := range []string{"/_cloud/status", "/_CLOUD/clock", "/_cloud/faults", "/_cloud/nothing"} {
			if a := c.Do(t, name, "GET", path, nil); a.Status != 403 || code(t, a) != "AuthorizationFailed" {
				t.Errorf("%s is answered %d on %s: %s", name, a.Status, path, a.Body)
			}
		}
	}
	if len(tenants) < 2 {
		t.Errorf("only principals of %d tenants were tried", len(tenants))
	}
	for _, token := range []string{"", "nonsense"} {
		a := c.DoToken(t, token, "POST", "/_cloud/clock", `{"freeze":true}`)
		if a.Status != 401 || a.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("with the token %q the answer is %d", token, a.Status)
		}
	}
}

func TestWrongRequestsAreRefused(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t)
	for _, r := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"GET", "/_cloud/nothing", "", 404, "InvalidResourcePath"},
		{"GET", "/_cloud/status/deeper", "", 404, "InvalidResourcePath"},
		{"DELETE", "/_cloud/clock", "", 405, "HttpMethodNotAllowed"},
		{"GET", "/_cloud/collect", "", 405, "HttpMethodNotAllowed"},
		{"POST", "/_cloud/clock", `{"advance":"-1h"}`, 400, "ClockBackwards"},
		{"POST", "/_cloud/clock", `{"set":"2001-01-01T00:00:00Z"}`, 400, "ClockBackwards"},
		{"POST", "/_cloud/clock", `{"advance":"soon"}`, 400, "InvalidDuration"},
		{"POST", "/_cloud/clock", `{"durations":"some"}`, 400, "InvalidDurations"},
		{"POST", "/_cloud/clock", `{"durations":{"move.moves":"1m"}}`, 400, "InvalidDurations"},
		{"POST", "/_cloud/clock", `{"durations":{"move.move":"4h"}}`, 400, "InvalidDurations"},
		{"POST", "/_cloud/clock", `{"durations":{"":"1m"}}`, 400, "InvalidDurations"},
		{"POST", "/_cloud/clock", `{"forward":"1h"}`, 400, "InvalidRequestContent"},
		{"POST", "/_cloud/clock", `{} {}`, 400, "InvalidRequestContent"},
		{"POST", "/_cloud/clock", ``, 400, "InvalidRequestContent"},
		{"PATCH", "/_cloud/settings", `{"locks":"some"}`, 400, "InvalidSetting"},
		{"PATCH", "/_cloud/settings", `{"keys":"any"}`, 400, "InvalidSetting"},
		{"PATCH", "/_cloud/throttle", `{"mode":"maybe"}`, 400, "InvalidThrottle"},
		{"PATCH", "/_cloud/throttle", `{"reads":{"burst":0}}`, 400, "InvalidThrottle"},
		{"POST", "/_cloud/faults", `{"kind":"stuckLock"}`, 501, "NotImplemented"},
		{"POST", "/_cloud/faults", `{"kind":"drop","match":{"paths":"x"}}`, 400, "InvalidRequestContent"},
		{"POST", "/_cloud/faults", `{"kind":"moveTimedOut","happened":"maybe"}`, 400, "InvalidFault"},
		{"POST", "/_cloud/faults", `{"kind":"deploymentFails","match":{"action":"Microsoft.KeyVault/vaults/write"}}`, 400, "InvalidFault"},
		{"PUT", "/_cloud/faults", `{"faults":[{"id":"a","kind":"drop"},{"id":"A","kind":"drop"}]}`, 409, "FaultExists"},
		{"DELETE", "/_cloud/faults/none", "", 404, "FaultNotFound"},
		{"POST", "/_cloud/forks", `{"name":"a b"}`, 400, "ForkNameInvalid"},
		{"POST", "/_cloud/forks", `{"title":"a"}`, 400, "InvalidRequestContent"},
		{"PUT", "/_cloud/forks", `{"name":"a"}`, 405, "HttpMethodNotAllowed"},
		{"DELETE", "/_cloud/forks/none", "", 404, "ForkNotFound"},
		{"POST", "/_cloud/rewind", `{"name":"none"}`, 404, "ForkNotFound"},
		{"POST", "/_cloud/rewind", ``, 400, "InvalidRequestContent"},
		{"PATCH", "/_cloud/faults", `{}`, 400, "InvalidRequestContent"},
		{"POST", "/_cloud/faults", `"` + strings.Repeat("x", 1<<20) + `"`, 413, "RequestContentTooLarge"},
	} {
		a := c.Do(t, "", r.method, r.path, r.body)
		if a.Status != r.status || code(t, a) != r.code {
			t.Errorf("%s %s %.60s is answered %d %s, want %d %s", r.method, r.path, r.body, a.Status, a.Body, r.status, r.code)
		}
	}
	if list := c.Do(t, "", "GET", "/_cloud/faults", nil).JSON(t)["faults"].([]any); len(list) != 0 {
		t.Errorf("refused faults are in the list: %v", list)
	}
}

func TestTheClock(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t)
	set := func(body string) map[string]any {
		t.Helper()
		a := c.Do(t, "", "POST", "/_cloud/clock", body)
		if a.Status != 200 {
			t.Fatalf("%s is answered %d: %s", body, a.Status, a.Body)
		}
		return a.JSON(t)
	}
	if got := set(`{"set":"2040-01-02T03:04:05Z","freeze":true}`); got["now"] != "2040-01-02T03:04:05Z" || got["frozen"] != true {
		t.Errorf("set and frozen the clock says %v", got)
	}
	if got := set(`{"advance":"4h"}`); got["now"] != "2040-01-02T07:04:05Z" {
		t.Errorf("four hours on the clock says %v", got)
	}
	got := set(`{"freeze":false}`)
	now, err := time.Parse(time.RFC3339, got["now"].(string))
	if err != nil || got["frozen"] != false || now.Before(time.Date(2040, 1, 2, 7, 4, 5, 0, time.UTC)) {
		t.Errorf("running again the clock says %v", got)
	}
	durations := set(`{"durations":"typical"}`)["durations"].(map[string]any)
	if durations["move.move"] != "10m0s" || durations["computes.put"] != "3m0s" {
		t.Errorf("the typical durations are %v", durations)
	}
	durations = set(`{"durations":{"Computes.Put":"5m","move.move":"0s"}}`)["durations"].(map[string]any)
	if _, there := durations["move.move"]; there || durations["computes.put"] != "5m0s" || durations["move.validate"] != "3m0s" {
		t.Errorf("changed by name the durations are %v", durations)
	}
	if durations = set(`{"durations":"none"}`)["durations"].(map[string]any); len(durations) != 0 {
		t.Errorf("none leaves %v", durations)
	}
}

func TestTypicalDurationsAreAllKnown(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t)
	durations := c.Do(t, "", "POST", "/_cloud/clock", `{"durations":"typical"}`).JSON(t)["durations"]
	if a := c.Do(t, "", "POST", "/_cloud/clock", map[string]any{"durations": durations}); a.Status != 200 {
		t.Errorf("the table has a name that nothing asks for: %s", a.Body)
	}
}

func TestDrainCarriesOutWhatIsDueAndNoMore(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t)
	c.Do(t, "", "POST", "/_cloud/clock", `{"freeze":true,"durations":{"provider.register":"1m"}}`)
	path := "/subscriptions/" + c.Subscriptions[0] + "/providers/Microsoft.Databricks"
	c.Do(t, "", "POST", path+"/register", nil)
	state := func() any { return c.Do(t, "", "GET", path, nil).JSON(t)["registrationState"] }
	before := c.Do(t, "", "POST", "/_cloud/clock/drain", nil).JSON(t)
	if state() != "Registering" || before["nextDue"] == nil {
		t.Errorf("before its time the provider is %v, the clock %v", state(), before)
	}
	c.Do(t, "", "POST", "/_cloud/clock", `{"advance":"1m"}`)
	after := c.Do(t, "", "POST", "/_cloud/clock/drain", nil).JSON(t)
	if state() != "Registered" || after["nextDue"] != nil {
		t.Errorf("after its time the provider is %v, the clock %v", state(), after)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t)
	if got := c.Do(t, "", "PATCH", "/_cloud/settings", `{"locks":"readOnly"}`).JSON(t); got["locks"] != "readOnly" || got["hubs"] != "refuse" {
		t.Errorf("patched: %v", got)
	}
	if got := c.Do(t, "", "GET", "/_cloud/settings", nil).JSON(t); got["locks"] != "readOnly" {
		t.Errorf("read again: %v", got)
	}
	if got := c.Do(t, "", "PUT", "/_cloud/settings", `{"hubs":"move"}`).JSON(t); got["locks"] != "any" || got["hubs"] != "move" {
		t.Errorf("put: %v", got)
	}
}

func TestCollectDeletesWhatWasTrashed(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t)
	group := "/subscriptions/" + c.Subscriptions[0] + "/resourceGroups/rg"
	c.Await(t, "PUT", group, `{"location":"eastus"}`)
	nodes := func() any {
		return c.Do(t, "", "GET", "/_cloud/status", nil).JSON(t)["store"].(map[string]any)["nodes"]
	}
	with := nodes()
	c.Await(t, "DELETE", group, nil)
	if a := c.Do(t, "", "POST", "/_cloud/collect", nil); a.Status != 200 {
		t.Errorf("collect is answered %d: %s", a.Status, a.Body)
	}
	if without := nodes(); without.(float64) >= with.(float64) {
		t.Errorf("%v nodes before, %v after", with, without)
	}
}

func TestAnotherNodeHasTheSameFaultsAndTheSameClock(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t)
	for _, r := range [][2]string{{"/_cloud/faults", `{"kind":"status","status":500,"match":{"path":"/tenants"}}`}, {"/_cloud/clock", `{"set":"2040-01-01T00:00:00Z","freeze":true}`}} {
		if a := c.Do(t, "", "POST", r[0], r[1]); a.Status >= 300 {
			t.Fatalf("%s is answered %d: %s", r[0], a.Status, a.Body)
		}
	}
	second, err := cloud.Start(t.Context(), cloud.Options{Store: c.Inner().Store})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = second.Close() }()
	if now := second.Clock.Now(); now.Year() != 2040 {
		t.Errorf("the second node's clock says %s", now)
	}
	if _, list, err := second.Faults.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("the second node has the faults %v, %v", list, err)
	}
}
