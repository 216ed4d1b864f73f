package control_test

import (
	"net/http"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/authorization"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
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

// A lock that went with its child holds nothing any more. Requests cannot put one where something is being deleted; what fills a cloud can.
func TestALockGoesWithTheChildThatItWasPutOn(t *testing.T) {
	c := neighbourtest.New(t, []provider.Type{{Name: "Microsoft.Test/things", Tracked: true, MoveGroup: true, Stateful: true},
		{Name: "Microsoft.Test/things/parts", AsyncDelete: true, Stateful: true}}, authorization.Types())
	part := thing + "/parts/p"
	lock := part + "/providers/Microsoft.Authorization/locks/l"
	c.Put(thing, plain)
	c.Put(part, `{}`)
	begin(c, http.MethodDelete, part, "")
	c.Bind(part, "Microsoft.Authorization/locks", "l", map[string]any{"level": "CanNotDelete"})
	c.Refused(http.MethodDelete, thing, "", errs.Conflict, "ScopeLocked")
	c.Settle()
	c.Refused(http.MethodGet, lock, "", errs.NotFound, "LockNotFound")
	if _, err := c.Try(http.MethodDelete, thing, ""); err != nil {
		t.Errorf("a lock that is not there holds: %v", err)
	}
}

// What goes along with another resource of a group that is deleted goes once.
func TestWhatGoesAlongInAGroupGoesOnce(t *testing.T) {
	t.Parallel()
	heard := map[string]int{}
	gone := func(c *provider.Call) error {
		heard[c.ID.Name()]++
		found, _, err := c.Lookup(c.ID.Parent().Child(arm.Hop{Namespace: "Microsoft.Test", Type: "things", Name: "t2"}))
		if err != nil || c.ID.Name() == "t2" {
			return err
		}
		return c.Remove(found)
	}
	c := neighbourtest.New(t, []provider.Type{{Name: "Microsoft.Test/things", Tracked: true, Gone: gone}}, authorization.Types())
	c.Put(at+"things/t1", plain)
	c.Put(at+"things/t2", plain)
	c.Delete(neighbourtest.Group)
	c.Refused(http.MethodGet, at+"things/t1", "", errs.NotFound, "ResourceGroupNotFound")
	if heard["t1"] != 1 || heard["t2"] != 1 {
		t.Errorf("heard %v", heard)
	}
}
