package control_test

import (
	"net/http"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/authorization"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/store"
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

// bind writes a document at a scope past all that requests are asked.
func bind(c *neighbourtest.Cloud, scope, typ, name string, properties map[string]any) {
	c.T.Helper()
	err := c.Store.Update(c.T.Context(), func(tx store.Tx) error {
		e := store.Extension{Scope: scope, Type: typ, Name: name}
		if err := tree.EncodeExtension(&e, tree.Document{Public: map[string]any{"properties": properties}}); err != nil {
			return err
		}
		if err := tx.PutExtension(c.T.Context(), e); err != nil {
			return err
		}
		return tx.Bump(c.T.Context())
	})
	if err != nil {
		c.T.Fatal(err)
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
	bind(c, part, "Microsoft.Authorization/locks", "l", map[string]any{"level": "CanNotDelete"})
	c.Refused(http.MethodDelete, thing, "", errs.Conflict, "ScopeLocked")
	c.Settle()
	c.Refused(http.MethodGet, lock, "", errs.NotFound, "LockNotFound")
	if _, err := c.Try(http.MethodDelete, thing, ""); err != nil {
		t.Errorf("a lock that is not there holds: %v", err)
	}
}
