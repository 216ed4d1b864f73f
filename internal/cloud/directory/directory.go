// Package directory keeps the tenants' principals in the store, for the token issuer to find. A principal is a node below its tenant; two hidden
// index nodes lead to it by client id and by user name. Secrets are kept as salted hashes only.
package directory

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Types of the nodes.
const (
	principalNode = "!principal" // topmost, by object id; body: the principal
	clientNode    = "!client"    // topmost, by client id; body: the object id
	userNode      = "!user"      // topmost, by user name; body: the object id
)

// Directory finds principals in a store.
type Directory struct{ Store store.Store }

// record is how a principal is kept.
type record struct {
	ObjectID string `json:"objectId"`
	TenantID string `json:"tenantId"`
	ClientID string `json:"clientId,omitempty"`
	Name     string `json:"name"`
	UserName string `json:"userName,omitempty"`
	Kind     string `json:"kind"`
	Secret   string `json:"secret,omitempty"`
}

// ByObject finds a principal by object id.
func (d Directory) ByObject(ctx context.Context, objectID string) (identity.Principal, error) {
	var p identity.Principal
	err := d.Store.View(ctx, func(r store.Reader) error {
		var err error
		p, err = byObject(ctx, r, objectID)
		return err
	})
	return p, err
}

// ByClient finds a principal by client id.
func (d Directory) ByClient(ctx context.Context, clientID string) (identity.Principal, error) {
	return d.byIndex(ctx, clientNode, clientID)
}

// ByUser finds a principal by user name.
func (d Directory) ByUser(ctx context.Context, userName string) (identity.Principal, error) {
	return d.byIndex(ctx, userNode, userName)
}

// HasTenant reports whether a tenant exists.
func (d Directory) HasTenant(ctx context.Context, tenantID string) (bool, error) {
	found := false
	err := d.Store.View(ctx, func(r store.Reader) error {
		nodes, err := r.Walk(ctx, store.Root, []store.Step{{Type: control.TenantNode, Name: tenantID}})
		found = len(nodes) == 1
		return err
	})
	return found, err
}

func (d Directory) byIndex(ctx context.Context, typ, name string) (identity.Principal, error) {
	var p identity.Principal
	err := d.Store.View(ctx, func(r store.Reader) error {
		body, err := read(ctx, r, typ, name)
		if err != nil {
			return err
		}
		p, err = byObject(ctx, r, string(body))
		return err
	})
	return p, err
}

func byObject(ctx context.Context, r store.Reader, objectID string) (identity.Principal, error) {
	body, err := read(ctx, r, principalNode, objectID)
	if err != nil {
		return identity.Principal{}, err
	}
	var rec record
	if err := json.Unmarshal(body, &rec); err != nil {
		return identity.Principal{}, errs.Wrap(errs.Internal, "PrincipalDamaged", err, "read the principal %s", objectID)
	}
	return identity.Principal(rec), nil
}

// read returns the body of a topmost node.
func read(ctx context.Context, r store.Reader, typ, name string) ([]byte, error) {
	nodes, err := r.Walk(ctx, store.Root, []store.Step{{Type: typ, Name: name}})
	if err != nil {
		return nil, err
	}
	if name == "" || len(nodes) == 0 {
		return nil, errs.New(errs.NotFound, "PrincipalNotFound", "there is no principal %q", name)
	}
	return nodes[0].Body, nil
}

// Add writes principals in a transaction. A principal already there is written again.
func Add(ctx context.Context, tx store.Tx, now time.Time, principals ...identity.Principal) error {
	for _, p := range principals {
		body, err := json.Marshal(record(p))
		if err != nil {
			return err
		}
		entries := []store.Node{{Type: principalNode, Name: p.ObjectID, Body: body}}
		if p.ClientID != "" {
			entries = append(entries, store.Node{Type: clientNode, Name: p.ClientID, Body: []byte(p.ObjectID)})
		}
		if p.UserName != "" {
			entries = append(entries, store.Node{Type: userNode, Name: strings.ToLower(p.UserName), Body: []byte(p.ObjectID)})
		}
		for _, node := range entries {
			if err := put(ctx, tx, node, now); err != nil {
				return fmt.Errorf("add principal %s: %w", p.Name, err)
			}
		}
	}
	return nil
}

// put inserts or replaces a topmost node.
func put(ctx context.Context, tx store.Tx, node store.Node, now time.Time) error {
	node.Created, node.Changed = now, now
	there, err := tx.Walk(ctx, store.Root, []store.Step{{Type: node.Type, Name: node.Name}})
	if err != nil {
		return err
	}
	if len(there) == 0 {
		return tx.Insert(ctx, &node)
	}
	there[0].Body, there[0].Changed = node.Body, now
	return tx.Save(ctx, there[0])
}
