// Package provider is the table of resource types of the cloud and what a type may say about itself.
//
// A type without behaviour of its own is one entry with a path, a namespace and some flags; the cloud then stores, returns, lists and deletes its
// documents. Behaviour is a few functions on a Call. The package describes; cloud/control carries out. The namespaces themselves are the
// packages below this one (ml, storage, keyvault, ...). It stands on store, tree and arm and knows no HTTP routes, roles or policies.
package provider

import (
	"net/url"
	"regexp"
	"sort"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Type is one entry of the table.
type Type struct {
	Name     arm.Type // canonical spelling, for example Microsoft.MachineLearningServices/workspaces/computes
	Versions []string // api-versions offered, newest first; children without any inherit their parent's

	// Tracked types are top-level resources with a location and tags; they show in generic resource lists.
	Tracked bool
	// Global types are also offered in the location "global", which is no region.
	Global bool
	// Extension types are bound to the words of any scope (locks, diagnostic settings) and never travel with a resource.
	Extension bool
	// Virtual types have no documents: /subscriptions/{s}/providers/NS/locations/{any} exists as soon as somebody asks for what is below it (its
	// Actions and Reads). Call.Found is the subscription then and Call.ID the path asked for.
	Virtual bool
	// MoveGroup and MoveSubscription say what Azure's capability table says; a provider may still refuse (arm-move 4.2).
	MoveGroup, MoveSubscription bool

	// Pattern a name must match; nil: ARM's general rule.
	Pattern *regexp.Regexp
	// Secrets are dotted paths that are kept but never returned ("*" for every member).
	Secrets []string
	// Keys are the names of the access keys that the service makes for a resource, kept in the private part under "keys" (neighbour.Keyring).
	Keys []string
	// Refs are the places of ids that this provider owns: they follow what they point to (D5).
	Refs arm.Paths
	// Slotted children hang in a slot of their parent, so that a move can drop them all at once (S05).
	Slotted bool
	// Archivable types hide documents with properties.isArchived=true from lists unless asked (listViewType).
	Archivable bool
	// Listed reads what the query of a list asks for besides. May be nil.
	Listed func(query url.Values) (Listing, error)
	// AutoParent: a missing parent container is made along with the first child (versions of an asset).
	AutoParent bool
	// BuiltIn returns documents that exist at the tenant for everybody (role and policy definitions). May be nil. Extension types only.
	BuiltIn func() []BuiltIn
	// Bumps is set where a change must be seen by the next request of every node of the cloud: roles, locks, policy.
	Bumps bool
	// Unique, if set, names what a name must be unique in besides its parent: Global or PerRegion. Another holder gives Conflict.
	Unique Uniqueness

	// Stateful types carry properties.provisioningState.
	Stateful bool
	// Created and Updated are the status codes of a PUT, Deleted that of a DELETE; zero means 201, 200 and 200. A DELETE is 202 when Async.
	Created, Updated, Deleted int
	// Async verbs answer with an operation and settle later.
	AsyncPut, AsyncPatch, AsyncDelete bool
	// NoPut, NoPatch, NoDelete: the verb does not exist on this type (405).
	NoPut, NoPatch, NoDelete bool

	// Put judges and completes a document before it is written (create, replace and patch). May be nil.
	Put func(*Call) error
	// Get adds what the service computes at reading time. May be nil. It sees a copy of the public document.
	Get func(*Call) error
	// Delete judges a deletion before it starts. May be nil.
	Delete func(*Call) error
	// Missing is asked when a DELETE names nothing (a purge of a soft-deleted name). Call.Found is the parent then. May be nil.
	Missing func(*Call) error
	// Gone runs in the transaction in which the resource leaves sight. May be nil.
	Gone func(*Call) error
	// Settle runs when an operation of this resource ends; cause is "put", "patch" or the action's name. May be nil: provisioningState becomes Succeeded.
	Settle func(c *Call, cause string) error
	// Actions are the POST verbs below a resource, by lower-case name; Collect are POST verbs on the collection, and Reads the GET-only paths
	// below a resource that are no collections (skus, features).
	Actions map[string]Action
	Reads   map[string]Action
}

// Listing is what the query of a list asks for besides pages.
type Listing struct {
	// Keep chooses what is shown, by its name and document; nil: all of it.
	Keep func(name string, doc map[string]any) bool
	// Skip is how many of what is shown are left out at the beginning.
	Skip int
	// Order compares two of what is shown; nil: by name, as it is kept.
	Order func(a, b store.Node) int
}

// BuiltIn is a document that the cloud itself brings along.
type BuiltIn struct {
	Name string
	Doc  map[string]any
}

// Uniqueness is how far a name reaches.
type Uniqueness int

// Names are unique below their parent always; some also in their region or everywhere.
const (
	BelowParent Uniqueness = iota
	PerRegion
	Global
)

// Action is a verb below a resource.
type Action struct {
	// Do carries it out and returns the answer's body; nil means no body. It may change Call.Doc and set Call.Changed.
	Do func(*Call) (any, error)
	// Async actions answer 202 with an operation; Do runs at once in the transaction, Settle when the operation ends and its final body is what Do returned.
	Async bool
	// Writes must be set when Do changes anything: it then runs in a writing transaction.
	Writes bool
	// Absent verbs also work on a resource that does not exist; Call.Old is nil and Call.Found the parent then.
	Absent bool
	// Code of the synchronous answer; zero means 200, or 204 without a body.
	Code int
	// Permission overrides the action string that roles must allow; default Type/verb/action (or /read for Reads).
	Permission string
}

// Kind is the last word of the type's path: computes.
func (t *Type) Kind() string {
	path := t.Name.Path()
	return path[strings.LastIndexByte(path, '/')+1:]
}

// Depth is the number of words in the type's path: 1 for a top-level type.
func (t *Type) Depth() int { return strings.Count(string(t.Name), "/") }

// Table finds types.
type Table struct {
	types      map[string]*Type
	namespaces map[string][]*Type
	spelling   map[string]string // namespace, lower case to canonical
	known      map[string]bool   // types that exist in Azure and are not built here
}

// NewTable puts types in a table. Two entries of one name are a defect of ours: it panics.
func NewTable(known []arm.Type, types ...[]Type) *Table {
	t := &Table{types: map[string]*Type{}, namespaces: map[string][]*Type{}, spelling: map[string]string{}, known: map[string]bool{}}
	for _, k := range known {
		t.known[k.Key()] = true
		t.spelling[strings.ToLower(k.Namespace())] = k.Namespace()
	}
	for _, list := range types {
		for i := range list {
			entry := &list[i]
			key := entry.Name.Key()
			if t.types[key] != nil {
				panic("provider: two entries for " + key)
			}
			t.types[key] = entry
			ns := strings.ToLower(entry.Name.Namespace())
			t.spelling[ns] = entry.Name.Namespace()
			t.namespaces[ns] = append(t.namespaces[ns], entry)
		}
	}
	for _, list := range t.namespaces {
		sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	}
	return t
}

// Find returns the entry of a type. Unknown namespace and unknown type are NotFound in ARM's words; a type that Azure has and this cloud
// has not is Unsupported and says so.
func (t *Table) Find(typ arm.Type) (*Type, error) {
	if entry := t.types[typ.Key()]; entry != nil {
		return entry, nil
	}
	ns, ok := t.spelling[strings.ToLower(typ.Namespace())]
	if !ok {
		return nil, errs.New(errs.NotFound, "InvalidResourceNamespace", "The resource namespace '%s' is invalid.", typ.Namespace())
	}
	if t.known[typ.Key()] {
		return nil, errs.New(errs.Unsupported, "NotImplemented", "The resource type '%s' exists in Azure and is not built in this cloud.", typ)
	}
	return nil, errs.New(errs.NotFound, "InvalidResourceType",
		"The resource type '%s' could not be found in the namespace '%s'.", typ.Path(), ns)
}

// Namespace returns the canonical spelling of a namespace and its types.
func (t *Table) Namespace(name string) (string, []*Type, bool) {
	spelling, ok := t.spelling[strings.ToLower(name)]
	return spelling, t.namespaces[strings.ToLower(name)], ok
}

// Namespaces returns the canonical names of all namespaces, sorted.
func (t *Table) Namespaces() []string {
	var names []string
	for _, name := range t.spelling {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Children returns the entries directly below a type, sorted by name.
func (t *Table) Children(parent arm.Type) []*Type {
	var children []*Type
	prefix := parent.Key() + "/"
	for _, entry := range t.namespaces[strings.ToLower(parent.Namespace())] {
		if rest, ok := strings.CutPrefix(entry.Name.Key(), prefix); ok && !strings.Contains(rest, "/") {
			children = append(children, entry)
		}
	}
	return children
}

// Slotted returns the bare words of all types that live in a slot of their parent.
func (t *Table) Slotted() []string {
	var words []string
	for _, entry := range t.types {
		if entry.Slotted {
			words = append(words, entry.Kind())
		}
	}
	sort.Strings(words)
	return words
}

// VersionsOf returns the api-versions of an entry, its own or its nearest ancestor's.
func (t *Table) VersionsOf(entry *Type) []string {
	for typ := entry; typ != nil; {
		if len(typ.Versions) > 0 {
			return typ.Versions
		}
		at := strings.LastIndexByte(string(typ.Name), '/')
		if at < 0 {
			break
		}
		typ = t.types[strings.ToLower(string(typ.Name)[:at])]
	}
	return nil
}
