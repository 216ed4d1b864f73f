package action

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/rewrite"
)

// restoreDatastore gives a nondefault datastore the right subscription and group (S32, S45 to S47). Fields that are empty or name where its account was get the values of where the
// account is; fields that are right are left alone.
type restoreDatastore struct{ restoring }

// Fields of a datastore that say where its account is.
const (
	storeSubscription = "properties.subscriptionId"
	storeGroup        = "properties.resourceGroup"
)

// wantedStore is what the datastore should say: as before, and where its account is now.
func wantedStore(ctx context.Context, t *Task) (arm.ID, arm.Document, error) {
	where, body, err := t.wanted(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, path := range []string{storeSubscription, storeGroup} {
		if body.Text(path) == "" { // it said nothing before, and need not now
			body.Delete(path)
		}
	}
	from, to, moves := t.Where().Account(body.Text("properties.accountName"))
	stale := strings.EqualFold(body.Text(storeSubscription), from.Subscription()) && strings.EqualFold(body.Text(storeGroup), from.Group())
	if moves && (stale || body.Text(storeSubscription) == "") {
		body.Set(storeSubscription, to.Subscription())
		body.Set(storeGroup, to.Group())
	}
	return where, body, nil
}

// isSystem reports whether a datastore is the service's own: it keeps those right by itself, and nobody may write them.
func isSystem(where arm.ID) bool { return aml.IsSystemDatastore(where.Name()) }

func (restoreDatastore) Done(ctx context.Context, t *Task) (bool, error) {
	where, body, err := wantedStore(ctx, t)
	if err != nil || isSystem(where) {
		return err == nil, err
	}
	return t.stands(ctx, where, body)
}

// Do writes over the existing name, and only when that is refused unregisters the datastore and creates it.
func (restoreDatastore) Do(ctx context.Context, t *Task) error {
	where, body, err := wantedStore(ctx, t)
	if err != nil || isSystem(where) {
		return err
	}
	if stands, err := t.stands(ctx, where, body); stands || err != nil {
		return err
	}
	if err := fillSecrets(ctx, t, where, body); err != nil {
		return err
	}
	err = putStore(ctx, t, where, body)
	if errs.Is(err, errs.Conflict) || errs.Is(err, errs.Invalid) {
		return rebuildStore(ctx, t, where, body, err)
	}
	return err
}

// rebuildStore unregisters a datastore that refused to be changed and creates it under the same name (S47). Its secrets are in the body, and sealed: the service keeps its own copy in
// the key vault, where a name that was deleted may stay blocked for a while (aml-contract 6). When the new one is refused for what it says, the old one is put back.
func rebuildStore(ctx context.Context, t *Task, where arm.ID, body arm.Document, refusal error) error {
	old, found, err := t.Read(ctx, where)
	if err != nil {
		return errors.Join(refusal, err)
	}
	if !found && errs.Is(refusal, errs.Invalid) {
		return refusal
	}
	if found {
		if err := t.Remove(ctx, where, ""); err != nil {
			return errors.Join(refusal, fmt.Errorf("unregister the datastore %s: %w", where.Name(), err))
		}
	}
	err = createStore(ctx, t, where, body)
	if !found || !errs.Is(err, errs.Invalid) {
		return err
	}
	kind, _ := aml.KindOf(where.Type())
	again := rewrite.Map{}.ForPut(kind, old)
	again.Set("properties.credentials", map[string]any(body.Object("properties.credentials")))
	if back := createStore(ctx, t, where, again); back != nil {
		return errors.Join(err, fmt.Errorf("put the datastore %s back: %w", where.Name(), back))
	}
	return err
}

// createStore creates a datastore whose name was in use a moment ago.
func createStore(ctx context.Context, t *Task, where arm.ID, body arm.Document) error {
	begun := t.Clock.Now()
	return t.Until(ctx, func() (bool, error) {
		err := putStore(ctx, t, where, body)
		if errs.Is(err, errs.Conflict) && t.Clock.Now().Sub(begun) < heldLimit {
			t.Say("the name is still blocked in the key vault")
			return false, nil
		}
		return err == nil, err
	})
}

// putStore writes a datastore. Nobody asks the account now: it may be reached from elsewhere only.
func putStore(ctx context.Context, t *Task, where arm.ID, body arm.Document) error {
	_, err := t.Send(ctx, http.MethodPut, where.String()+"?skipValidation=true", t.Version(ctx, where), body)
	return err
}
