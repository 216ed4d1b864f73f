package control_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/authorization"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// slow is a cloud of things that take a minute to be put and an hour to be deleted, and parts of them.
func slow(t *testing.T, gone func(*provider.Call) error) *neighbourtest.Cloud {
	t.Helper()
	change := func(c *provider.Call) (any, error) {
		tree.Set(c.Doc.Public, "properties.changed", true)
		c.Changed = true
		return map[string]any{}, nil
	}
	actions := map[string]provider.Action{"start": {Do: change, Writes: true, Async: true}, "rename": {Do: change, Writes: true},
		"look": {Do: func(*provider.Call) (any, error) { return map[string]any{}, nil }}}
	c := neighbourtest.New(t, []provider.Type{
		{Name: "Microsoft.Test/things", Tracked: true, MoveGroup: true, Stateful: true, AsyncPut: true, AsyncDelete: true, Actions: actions, Gone: gone},
		{Name: "Microsoft.Test/things/parts", AsyncDelete: true, Actions: actions, Gone: gone},
		{Name: "Microsoft.Test/things/parts/bits", Actions: actions},
	}, authorization.Types())
	err := c.Engine.Clock.Set(t.Context(), c.Store, func(s *operation.ClockState) {
		s.Durations = map[string]time.Duration{"things.put": time.Minute, "things.delete": time.Hour, "parts.delete": time.Hour, "resourcegroups.delete": time.Hour}
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// begin sends a request that must be accepted and does not wait for its operation.
func begin(c *neighbourtest.Cloud, method, path, body string) control.Response {
	c.T.Helper()
	resp, err := c.Try(method, path, body)
	if err != nil {
		c.T.Fatalf("%s %s: %v", method, path, err)
	}
	return resp
}

// pass lets time go by.
func pass(c *neighbourtest.Cloud, by time.Duration) {
	c.T.Helper()
	c.Now = c.Now.Add(by)
	c.Settle()
}

// follow reads what an operation says of itself.
func follow(c *neighbourtest.Cloud, url string) map[string]any {
	c.T.Helper()
	return c.Get(strings.TrimPrefix(url, "https://cloud.test"))
}

// What is acknowledged would go with the resource when its deletion ends.
func TestWhatIsBeingDeletedTakesNoWrites(t *testing.T) {
	t.Parallel()
	for _, deleted := range []string{thing, thing + "/parts/p"} {
		c := slow(t, nil)
		bit := thing + "/parts/p/bits/b"
		begin(c, http.MethodPut, thing, plain)
		pass(c, time.Minute)
		c.Put(thing+"/parts/p", `{}`)
		c.Put(bit, `{}`)
		if resp := begin(c, http.MethodDelete, deleted, ""); resp.Status != http.StatusAccepted {
			t.Fatalf("the deletion of %s answered %d", deleted, resp.Status)
		}
		const tags, lock = "/providers/Microsoft.Resources/tags/default", "/providers/Microsoft.Authorization/locks/l"
		for _, path := range []string{deleted, bit} {
			for _, r := range [][3]string{
				{http.MethodPut, path, plain}, {http.MethodPatch, path, `{"tags":{"a":"b"}}`},
				{http.MethodPut, path + tags, `{"properties":{"tags":{"a":"b"}}}`}, {http.MethodPatch, path + tags, `{"operation":"Merge","properties":{"tags":{"a":"b"}}}`},
				{http.MethodDelete, path + tags, ""}, {http.MethodPost, path + "/start", ""}, {http.MethodPost, path + "/rename", ""},
				{http.MethodPut, path + lock, `{"properties":{"level":"CanNotDelete"}}`},
			} {
				refused := c.Refused(r[0], r[1], r[2], errs.Conflict, "AnotherOperationInProgress")
				if !strings.Contains(refused.Message, deleted) {
					t.Errorf("%s %s does not say what is being deleted: %s", r[0], r[1], refused.Message)
				}
			}
			c.Get(path)
			begin(c, http.MethodPost, path+"/look", "")
		}
		c.Refused(http.MethodPut, thing+"/parts/p/bits/new", `{}`, errs.Conflict, "AnotherOperationInProgress")
		if resp := begin(c, http.MethodDelete, deleted, ""); resp.Status != http.StatusAccepted {
			t.Errorf("the second deletion of %s answered %d", deleted, resp.Status)
		}
		pass(c, time.Hour)
		if _, err := c.Try(http.MethodGet, deleted, ""); !errs.Is(err, errs.NotFound) {
			t.Errorf("%s is still there: %v", deleted, err)
		}
		if resp := begin(c, http.MethodPut, deleted, plain); resp.Status != http.StatusCreated {
			t.Errorf("a new %s answered %d", deleted, resp.Status)
		}
	}
}

// A DELETE that comes while a PUT has not ended is the later word: the state stays Deleting, and the operation of the PUT says that it came to nothing.
func TestADeletionIsNotUndoneByThePutBeforeIt(t *testing.T) {
	t.Parallel()
	c := slow(t, nil)
	put := begin(c, http.MethodPut, thing, plain)
	deletion := begin(c, http.MethodDelete, thing, "")
	pass(c, time.Minute)
	neighbourtest.Want(t, c.Get(thing), "properties.provisioningState", "Deleting")
	c.Refused(http.MethodPut, thing, plain, errs.Conflict, "AnotherOperationInProgress")
	neighbourtest.Want(t, follow(c, put.Async), "status", "Failed")
	neighbourtest.Want(t, follow(c, put.Async), "error.code", "CanceledAndSupersededDueToAnotherOperation")
	neighbourtest.Want(t, follow(c, deletion.Async), "status", "InProgress")
	pass(c, time.Hour)
	c.Refused(http.MethodGet, thing, "", errs.NotFound, "ResourceNotFound")
	neighbourtest.Want(t, follow(c, deletion.Async), "status", "Succeeded")
}

// A deletion that cannot be carried out ends as failed and lets go of what it kept from others: the resource, or the whole group. What a service says against it is told; what broke
// is not.
func TestADeletionThatIsGivenUpLetsGo(t *testing.T) {
	t.Parallel()
	for _, trouble := range []struct {
		code  string
		cause error
	}{{"StillNeeded", provider.Conflict("StillNeeded", "somebody needs it")}, {"InternalServerError", errors.New("broken by intent")}} {
		failing := true
		c := slow(t, func(*provider.Call) error {
			if failing {
				return trouble.cause
			}
			return nil
		})
		part := thing + "/parts/p"
		begin(c, http.MethodPut, thing, plain)
		pass(c, time.Minute)
		c.Put(part, `{}`)
		for _, path := range []string{thing, part, neighbourtest.Group} {
			resp := begin(c, http.MethodDelete, path, "")
			pass(c, time.Hour)
			if path == neighbourtest.Group {
				_, err := c.Try(http.MethodGet, strings.TrimPrefix(resp.Location, "https://cloud.test"), "")
				if err != nil {
					t.Errorf("the result of the deletion of %s: %v", path, err)
				}
				neighbourtest.Want(t, c.Get(path), "properties.provisioningState", "Succeeded")
			} else {
				neighbourtest.Want(t, follow(c, resp.Async), "error.code", trouble.code)
			}
			if path == thing {
				neighbourtest.Want(t, c.Get(thing), "properties.provisioningState", "Failed")
			}
			begin(c, http.MethodPut, thing, plain)
			pass(c, time.Minute)
			neighbourtest.Want(t, c.Get(thing), "properties.provisioningState", "Succeeded")
			c.Put(part, `{}`)
			c.Put(part+"/bits/b", `{}`)
		}
		failing = false
		begin(c, http.MethodDelete, neighbourtest.Group, "")
		pass(c, time.Hour)
		c.Refused(http.MethodGet, thing, "", errs.NotFound, "ResourceGroupNotFound")
	}
}

// Two deletions are under way, and the first one is given up: what is written then would go with the second.
func TestADeletionThatIsGivenUpLeavesTheNextOne(t *testing.T) {
	t.Parallel()
	failing := true
	c := slow(t, func(*provider.Call) error {
		if failing {
			return errors.New("broken by intent")
		}
		return nil
	})
	begin(c, http.MethodPut, thing, plain)
	pass(c, time.Minute)
	begin(c, http.MethodDelete, thing, "")
	pass(c, time.Minute)
	second := begin(c, http.MethodDelete, thing, "")
	pass(c, 59*time.Minute)
	c.Refused(http.MethodPut, thing, plain, errs.Conflict, "AnotherOperationInProgress")
	failing = false
	pass(c, time.Minute)
	neighbourtest.Want(t, follow(c, second.Async), "status", "Succeeded")
	c.Refused(http.MethodGet, thing, "", errs.NotFound, "ResourceNotFound")
}

// Whoever deletes a group that is being deleted follows the deletion that is under way.
func TestAGroupIsDeletedTwice(t *testing.T) {
	t.Parallel()
	c := slow(t, nil)
	first := begin(c, http.MethodDelete, neighbourtest.Group, "")
	pass(c, time.Minute)
	second := begin(c, http.MethodDelete, neighbourtest.Group, "")
	if second.Status != http.StatusAccepted || second.Location != first.Location || second.RetryAfter == 0 {
		t.Errorf("the second deletion was answered %+v, want what the first one was: %+v", second, first)
	}
	c.Refused(http.MethodPut, thing, plain, errs.Conflict, "ResourceGroupBeingDeleted")
	pass(c, time.Hour)
	c.Refused(http.MethodDelete, neighbourtest.Group, "", errs.NotFound, "ResourceGroupNotFound")
}
