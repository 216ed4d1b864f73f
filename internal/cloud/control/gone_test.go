package control_test

import (
	"net/http"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/authorization"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// What was bound to a child goes with it: a role does not open the next child of that name.
func TestARoleGoesWithTheChildThatItWasGivenOn(t *testing.T) {
	const reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
	c := cloud(t)
	part := thing + "/parts/p"
	c.Put(thing, plain)
	c.Put(part, `{}`)
	other := c.As(reader, part)
	if _, err := other.Try(http.MethodGet, part, ""); err != nil {
		t.Fatal(err)
	}
	c.Delete(part)
	c.Put(part, `{"properties":{"secret":"new"}}`)
	if answer, err := other.Try(http.MethodGet, part, ""); !errs.Is(err, errs.Denied) {
		t.Errorf("a principal without any role reads %s: %v", answer.Body, err)
	}
}

// A lock that went with its child holds nothing any more.
func TestALockGoesWithTheChildThatItWasPutOn(t *testing.T) {
	c := neighbourtest.New(t, []provider.Type{{Name: "Microsoft.Test/things", Tracked: true, MoveGroup: true, Stateful: true},
		{Name: "Microsoft.Test/things/parts", AsyncDelete: true, Stateful: true}}, authorization.Types())
	part := thing + "/parts/p"
	lock := part + "/providers/Microsoft.Authorization/locks/l"
	c.Put(thing, plain)
	c.Put(part, `{}`)
	for _, request := range [][3]string{{http.MethodDelete, part, ""}, {http.MethodPut, lock, `{"properties":{"level":"CanNotDelete"}}`}, {http.MethodGet, thing, ""}} {
		if _, err := c.Try(request[0], request[1], request[2]); err != nil {
			t.Fatal(err)
		}
	}
	c.Settle()
	c.Refused(http.MethodGet, lock, "", errs.NotFound, "LockNotFound")
	if _, err := c.Try(http.MethodDelete, thing, ""); err != nil {
		t.Errorf("a lock that is not there holds: %v", err)
	}
}

// What is being deleted is not written any more: an answer that says 200 would be a write that nobody ever sees.
func TestWhatIsBeingDeletedIsNotWritten(t *testing.T) {
	c := neighbourtest.New(t, []provider.Type{{Name: "Microsoft.Test/things", Tracked: true, AsyncDelete: true, Stateful: true}}, authorization.Types())
	c.Put(thing, plain)
	if _, err := c.Try(http.MethodDelete, thing, ""); err != nil {
		t.Fatal(err)
	}
	neighbourtest.Want(t, mustGet(t, c, thing), "properties.provisioningState", "Deleting")
	c.Refused(http.MethodPut, thing, plain, errs.Conflict, "ResourceBeingDeleted")
	c.Refused(http.MethodPatch, thing, `{"tags":{"a":"b"}}`, errs.Conflict, "ResourceBeingDeleted")
	c.Refused(http.MethodPut, thing+"/providers/Microsoft.Resources/tags/default", `{"properties":{"tags":{"a":"b"}}}`, errs.Conflict, "ResourceBeingDeleted")
	if _, err := c.Try(http.MethodDelete, thing, ""); err != nil { // to ask again changes nothing
		t.Error(err)
	}
	c.Settle()
	c.Refused(http.MethodGet, thing, "", errs.NotFound, "ResourceNotFound")
	c.Put(thing, plain)
}

// mustGet reads without letting operations end.
func mustGet(t *testing.T, c *neighbourtest.Cloud, path string) map[string]any {
	t.Helper()
	answer, err := c.Try(http.MethodGet, path, "")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := tree.ParseObject(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
