// Package facts is what a snapshot says, in memory and ready to be looked at: the documents that rules judge and plans are made of. What a workspace may have a
// million of (jobs, versions of assets) is counted and not kept, but for the jobs that still run.
//
// It judges nothing, and knows no network, clock or store. It stands on snapshot, aml and arm.
package facts

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// Item is one document with its id.
type Item struct {
	ID      arm.ID // nil for documents without an id of their own (a quota, a VM size): see Key
	Key     string // as the snapshot names it
	Section snapshot.Section
	Type    arm.Type
	Version string // api-version with which it was read
	Digest  [32]byte
	Doc     arm.Document
}

// Name is the last name of the id.
func (i Item) Name() string { return i.ID.Name() }

// State is properties.provisioningState.
func (i Item) State() aml.ProvisioningState {
	return aml.StateOf(i.Doc.Text("properties.provisioningState"))
}

// Facts are the documents of one snapshot.
type Facts struct {
	Header    snapshot.Header
	Workspace Item
	Target    arm.ID         // resource group where the workspace shall go; nil if none was named
	Counts    map[string]int // content by the path of its kind, as aml spells it: "data/versions"
	Gaps      []snapshot.Gap
	Notes     []snapshot.Note

	items map[string][]Item
}

// bulk are the kinds of which a workspace may have any number: counted, not kept.
func bulk(k aml.Kind) bool { return k.Archivable }

// Read takes the facts out of a snapshot. Its memory does not grow with the bulk of the workspace.
func Read(ctx context.Context, s *snapshot.Snapshot) (*Facts, error) {
	gaps, err := s.Gaps(ctx)
	if err != nil {
		return nil, err
	}
	notes, err := s.Notes(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := s.Counts(ctx)
	if err != nil {
		return nil, err
	}
	var items []Item
	bulky := map[string]int{}
	for _, c := range counts {
		kind, content := aml.KindOf(c.Type)
		if c.Section == snapshot.Content && content && bulk(kind) {
			bulky[kind.Path] = c.Count
			if kind.Path != "jobs" {
				continue
			}
		}
		for d, err := range s.Of(ctx, c.Section, c.Type) {
			if err != nil {
				return nil, err
			}
			doc, err := arm.ParseDocument(d.Body)
			if err != nil {
				return nil, fmt.Errorf("read %s in the snapshot: %w", d.ID, err)
			}
			if kind.Path == "jobs" && aml.JobStatus(doc.Text("properties.status")).Terminal() {
				continue
			}
			items = append(items, NewItem(d, doc))
		}
	}
	f, err := New(s.Header, gaps, notes, items...)
	if err != nil {
		return nil, err
	}
	for path, count := range bulky {
		f.Counts[path] = count
	}
	return f, nil
}

// NewItem joins a document of a snapshot with what it says.
func NewItem(d snapshot.Document, doc arm.Document) Item {
	id, err := arm.Parse(d.ID)
	if err != nil || strings.Contains(d.ID, "#") {
		id = nil
	}
	return Item{ID: id, Key: d.ID, Section: d.Section, Type: d.Type, Version: d.Version, Digest: d.Digest, Doc: doc}
}

// New makes facts of documents in hand. Invalid when the workspace is not among them.
func New(h snapshot.Header, gaps []snapshot.Gap, notes []snapshot.Note, items ...Item) (*Facts, error) {
	f := &Facts{Header: h, Gaps: gaps, Notes: notes, Counts: map[string]int{}, items: map[string][]Item{}}
	if target, err := arm.Parse(h.TargetID); err == nil && h.TargetID != "" {
		f.Target = target
	}
	for _, item := range items {
		key := string(item.Section) + " " + item.Type.Key()
		f.items[key] = append(f.items[key], item)
		if kind, ok := aml.KindOf(item.Type); ok && item.Section == snapshot.Content {
			f.Counts[kind.Path]++
		}
	}
	for _, list := range f.items { // as snapshots are read: whatever the order of the documents, what is made of them is the same
		slices.SortStableFunc(list, func(a, b Item) int { return cmp.Compare(strings.ToLower(a.Key), strings.ToLower(b.Key)) })
	}
	workspaces := f.Of(snapshot.Content, aml.Workspaces)
	if len(workspaces) != 1 {
		return nil, errs.New(errs.Invalid, "SnapshotWithoutWorkspace", "the snapshot holds %d workspaces where it should hold one", len(workspaces)).Advise("capture again")
	}
	f.Workspace = workspaces[0]
	return f, nil
}

// Of returns the documents of a type in a section, by key.
func (f *Facts) Of(section snapshot.Section, t arm.Type) []Item {
	return f.items[string(section)+" "+t.Key()]
}

// Content returns the workspace's content of a kind: "computes", "onlineEndpoints/deployments". Of jobs only those that have not ended; of other bulk nothing.
func (f *Facts) Content(path string) []Item {
	return f.Of(snapshot.Content, aml.Workspaces+arm.Type("/"+path))
}

// Below returns the workspace's content of a kind below one document: the deployments of an endpoint.
func (f *Facts) Below(path string, parent arm.ID) []Item {
	return slices.DeleteFunc(slices.Clone(f.Content(path)), func(i Item) bool { return !i.ID.Within(parent) })
}

// One returns a document by its id, in any section but the one of another end.
func (f *Facts) One(section snapshot.Section, t arm.Type, id string) (Item, bool) {
	for _, item := range f.Of(section, t) {
		if strings.EqualFold(item.Key, id) {
			return item, true
		}
	}
	return Item{}, false
}

// Bound returns what is bound to a scope itself, not to one above or below: its role assignments, locks, diagnostic settings.
func (f *Facts) Bound(section snapshot.Section, t arm.Type, scope arm.ID) []Item {
	var bound []Item
	for _, item := range f.Of(section, t) {
		if item.ID != nil && item.ID.Scope().Equal(scope) {
			bound = append(bound, item)
		}
	}
	return bound
}

// Account is an associated resource of the workspace.
type Account struct {
	aml.Dependency
	Choice string // how --include names it
	ID     arm.ID
	Item   Item // zero when it could not be read
}

// choices are the names of associated resources on the command line, by property.
var choices = map[string]string{"properties.storageAccount": "storage", "properties.keyVault": "keyvault", "properties.applicationInsights": "insights",
	"properties.containerRegistry": "registry"}

// Includable are the names that --include takes, besides "all".
func Includable() []string { return []string{"storage", "keyvault", "insights", "registry"} }

// Accounts returns the associated resources that the workspace names, in the order of aml.Dependencies.
func (f *Facts) Accounts() []Account {
	var accounts []Account
	for _, d := range aml.Dependencies() {
		id, err := arm.Parse(f.Workspace.Doc.Text(d.Property))
		if err != nil || !id.TopLevel() {
			continue
		}
		a := Account{Dependency: d, Choice: choices[d.Property], ID: id}
		a.Item, _ = f.One(snapshot.Source, id.Type(), id.String())
		accounts = append(accounts, a)
	}
	return accounts
}

// Moving returns what a move carries: the workspace, and the associated resources that were chosen ("all", or their names).
func (f *Facts) Moving(include []string) []arm.ID {
	ids := []arm.ID{f.Workspace.ID}
	for _, a := range f.Accounts() {
		if slices.Contains(include, "all") || slices.Contains(include, a.Choice) {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// Landing is where something that moves with the workspace will be.
func (f *Facts) Landing(id arm.ID) arm.ID {
	if len(id) < 3 || f.Target.GroupID() == nil {
		return nil
	}
	return append(slices.Clone(f.Target.GroupID()), id[2:]...)
}
