package control

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// claimType is the type of the hidden topmost nodes that make names unique in a region or everywhere. A claim names its owner by store id and is
// void once the owner is gone: nobody has to release it.
const claimType = "!claim"

// claimName is the name of the claim that a resource needs; "" when its names are only unique below the parent.
func claimName(call *provider.Call) string {
	switch call.Type.Unique {
	case provider.PerRegion:
		return call.Type.Name.Key() + "|" + provider.Region(call.Location()) + "|" + call.ID.Name()
	case provider.Global:
		return call.Type.Name.Key() + "|" + call.ID.Name()
	}
	return ""
}

// takenCodes are the codes that providers give for a name that is taken everywhere.
var takenCodes = map[string]string{"storageAccounts": "StorageAccountAlreadyTaken", "vaults": "VaultAlreadyExists", "registries": "AlreadyInUse"}

// claim refuses a name that another resource holds.
func (e *Engine) claim(ctx context.Context, tx store.Tx, call *provider.Call) error {
	name := claimName(call)
	if name == "" {
		return nil
	}
	err := e.claimed(ctx, tx, name)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	code, where := "NameAlreadyExists", "in this region"
	if call.Type.Unique == provider.Global {
		where = "everywhere"
		if known := takenCodes[call.Type.Kind()]; known != "" {
			code = known
		}
	}
	return errs.New(errs.Conflict, code, "The %s name '%s' is already taken: it must be unique %s.", call.Type.Kind(), call.ID.Name(), where)
}

// claimed reports whether a claim has a live owner: NotFound when it has none.
func (e *Engine) claimed(ctx context.Context, r store.Reader, name string) error {
	nodes, err := r.Walk(ctx, store.Root, []store.Step{{Type: claimType, Name: name}})
	if err != nil {
		return err
	}
	if len(nodes) == 0 {
		return errs.New(errs.NotFound, "ClaimNotFound", "nobody claims %q", name)
	}
	owner, err := strconv.ParseInt(string(nodes[0].Body), 10, 64)
	if err != nil {
		return errs.Wrap(errs.Internal, "ClaimDamaged", err, "read the claim %q", name)
	}
	_, err = r.Path(ctx, store.ID(owner))
	return err
}

// own writes the claim of a resource that was just inserted.
func (e *Engine) own(ctx context.Context, tx store.Tx, call *provider.Call) error {
	name := claimName(call)
	if name == "" {
		return nil
	}
	nodes, err := tx.Walk(ctx, store.Root, []store.Step{{Type: claimType, Name: name}})
	if err != nil {
		return err
	}
	body, _ := json.Marshal(int64(call.Found.Node.ID)) // a number: cannot fail
	if len(nodes) > 0 {
		held, err := tx.Hold(ctx, store.Exclusive, nodes[0].ID)
		if err != nil {
			return err
		}
		if err := e.claim(ctx, tx, call); err != nil { // another node of the cloud may have taken the void claim meanwhile
			return err
		}
		held[0].Body, held[0].Changed = body, call.Now
		return tx.Save(ctx, held[0])
	}
	return tx.Insert(ctx, &store.Node{Parent: store.Root, Type: claimType, Name: name, Body: body, Created: call.Now, Changed: call.Now})
}
