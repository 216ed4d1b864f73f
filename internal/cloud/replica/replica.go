// Package replica makes a cloud of a snapshot: both ends of a move as they were written down, with their groups, registrations, policies, locks, role assignments,
// limits and the caller's rights, so that what is done there goes as it would at the original.
//
// What the snapshot holds is there as it was. What its documents only name (a subnet, a log workspace, an identity) gets a stand-in with just enough to be referred to; secrets, which no
// snapshot has, are placeholders that say so. What cannot be brought over is left out and listed, never dropped in silence.
//
// It stands on fixture, which writes into the store, and on snapshot; no part of the cloud knows it.
package replica

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// Replica is what was loaded.
type Replica struct {
	fixture.Summary           // its client is the caller of the capture, with the caller's rights
	StandIns        []string  // ids of what the snapshot names and does not hold
	LeftOut         []LeftOut // what is not in the replica
}

// Options say in what a replica is meant to differ.
type Options struct {
	AsOwner bool // whoever captured the original is Owner of every subscription in the replica, whatever the rights there
}

// LeftOut is a document that could not be brought over, and why.
type LeftOut struct {
	ID  string `json:"id"`
	Why string `json:"why"`
}

// Load fills an empty store with a snapshot. It streams: memory does not grow with what the workspace holds. Conflict when the store holds a world already. A load that
// fails leaves nothing behind.
func Load(ctx context.Context, snap *snapshot.Snapshot, target fixture.Target, o Options) (Replica, error) {
	l := &loading{snap: snap, target: target, options: o, resources: map[string]fixture.Document{}, extensions: map[string]fixture.Document{}, subscriptions: map[string]*subscription{}, absent: map[string]bool{}, listings: map[string]bool{}, vaults: map[string]arm.Document{}}
	if err := l.read(ctx); err != nil {
		return Replica{}, fmt.Errorf("read the snapshot of %s: %w", snap.Header.WorkspaceID, err)
	}
	places, err := l.places()
	if err != nil {
		return Replica{}, err
	}
	summary, err := fixture.Fill(ctx, target, places, fixture.Content{Stages: l.stages(ctx), Extensions: sorted(l.extensions), Behind: l.deleted}, fixture.Options{})
	if err != nil {
		return Replica{}, err
	}
	slices.Sort(l.standIns)
	slices.SortFunc(l.leftOut, func(a, b LeftOut) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Why, b.Why)) })
	l.leftOut = slices.Compact(l.leftOut) // a store may write a world more than once
	return Replica{Summary: summary, StandIns: l.standIns, LeftOut: l.leftOut}, nil
}

// loading is one load. All that surrounds the workspace is held; its contents are streamed.
type loading struct {
	snap    *snapshot.Snapshot
	target  fixture.Target
	options Options

	tenants       []tenant
	subscriptions map[string]*subscription
	people        people
	resources     map[string]fixture.Document // groups, accounts, networks ... by key
	extensions    map[string]fixture.Document
	listings      map[string]bool         // groups of which the resources were listed, by key
	vaults        map[string]arm.Document // that are deleted, by id in lower case
	requests      map[string]json.Number  // calls of endpoints in an hour, by the key of the endpoint
	standIns      []string
	leftOut       []LeftOut
	absent        map[string]bool // keys of what is left out
}

func (l *loading) leave(id, why string) { l.leftOut = append(l.leftOut, LeftOut{id, why}) }

// read reads all that surrounds the workspace, in both sections, and the workspace itself.
func (l *loading) read(ctx context.Context) error {
	l.requests = map[string]json.Number{}
	l.people.roles = map[string]bool{}
	workspace, err := l.snap.Get(ctx, snapshot.Content, l.snap.Header.WorkspaceID)
	if err != nil {
		return err
	}
	if err := l.resource(workspace); err != nil {
		return err
	}
	counts, err := l.snap.Counts(ctx)
	if err != nil {
		return err
	}
	for _, section := range []snapshot.Section{snapshot.Source, snapshot.Target} {
		for _, c := range counts {
			if c.Section != section {
				continue
			}
			for d, err := range l.snap.Of(ctx, section, c.Type) {
				if err == nil {
					err = l.around(d)
				}
				if err != nil {
					return err
				}
			}
		}
	}
	if err := l.gaps(ctx); err != nil {
		return err
	}
	if err := l.content(ctx); err != nil {
		return err
	}
	if err := l.scopes(ctx); err != nil {
		return err
	}
	l.wire()
	return nil
}

// around takes over one document from what surrounds the workspace.
func (l *loading) around(d snapshot.Document) error {
	body, err := arm.ParseDocument(d.Body)
	if err != nil {
		return err
	}
	switch {
	case d.Type.Is(aml.Tenants):
		l.tenants = append(l.tenants, tenant{ID: body.Text("tenantId"), Name: body.Text("displayName"), Domain: body.Text("defaultDomain")})
	case d.Type.Is(aml.Subscriptions):
		s := l.subscription(body.Text("subscriptionId"))
		s.Name, s.Tenant, s.State = plain(body.Text("displayName")), body.Text("tenantId"), body.Text("state")
	case d.Type.Is(aml.Providers):
		l.registration(d, body)
	case d.Type.Is(aml.Quotas):
		l.quota(d, body)
	case d.Type.Is(aml.Usages):
		l.usage(d, body)
	case d.Type.Is(aml.Metrics):
		l.metric(d, body)
	case d.Type.Is(aml.Permissions):
		l.permission(d, body)
	case d.Type.Is(aml.VMSizes): // the cloud has a table of its own
	case d.Type.Is(aml.DeletedVaults):
		l.vaults[strings.ToLower(d.ID)] = body
	case d.Type.Is(aml.DeletedAccounts):
		l.leave(d.ID, "the cloud has no soft-deleted storage accounts")
	case d.Type.Is(aml.Resources):
		return l.listed(d, body)
	default:
		return l.document(d)
	}
	return nil
}

// document takes over a resource, a group, or what is bound to a scope.
func (l *loading) document(d snapshot.Document) error {
	id, err := arm.Parse(d.ID)
	if err != nil {
		l.leave(d.ID, "its id cannot be read")
		return nil
	}
	if id.Type().Is(aml.ResourceGroups) {
		return l.resource(d)
	}
	entry, err := l.target.Types.Find(id.Type())
	switch {
	case err != nil:
		l.leave(d.ID, "resources of the type "+string(id.Type())+" are not built in the cloud")
	case entry.Virtual:
		l.leave(d.ID, "resources of the type "+string(id.Type())+" cannot be made from outside")
	case entry.Extension:
		return l.extension(id, d)
	case l.fits(id):
		return l.resource(d)
	}
	return nil
}

// resource takes over a group or a resource as it is.
func (l *loading) resource(d snapshot.Document) error {
	doc, err := parse(d, nil)
	if err != nil {
		return err
	}
	l.resources[doc.ID.Key()] = doc
	return nil
}

// parse makes of a document what the store keeps: without what stands in its id. It looks only into the places that are named; everywhere when none are.
func parse(d snapshot.Document, places arm.Paths) (fixture.Document, error) {
	id, err := arm.Parse(d.ID)
	if err != nil {
		return fixture.Document{}, fmt.Errorf("the id %s of a document: %w", d.ID, err)
	}
	value, err := arm.ParsePart(d.Body, places)
	body, ok := value.(map[string]any)
	if !ok {
		return fixture.Document{}, errs.Wrap(errs.Invalid, "DocumentDamaged", err, "the document %s is no JSON object", d.ID)
	}
	for _, member := range []string{"id", "name", "type", "etag"} {
		delete(body, member)
	}
	return fixture.Document{ID: id, Doc: tree.Document{Public: body, Private: map[string]any{}}}, nil
}

// sorted goes through documents by their keys.
func sorted(documents map[string]fixture.Document) iter.Seq2[fixture.Document, error] {
	return func(yield func(fixture.Document, error) bool) {
		for _, key := range slices.Sorted(maps.Keys(documents)) {
			if !yield(documents[key], nil) {
				return
			}
		}
	}
}

// plain is a text of the original in a file in which braces mean something.
func plain(text string) string {
	return strings.NewReplacer("{", "(", "}", ")").Replace(text)
}
