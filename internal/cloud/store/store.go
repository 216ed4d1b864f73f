// Package store is the contract between the cloud and the place where it keeps its state.
//
// The cloud is a tree of nodes. A node points to its parent and carries a name; the path of a resource is rendered from
// the chain of parents when somebody reads it and is never a key (D5), so a move is one Reparent per top-level resource
// whatever hangs below. What is bound to a scope in words and not to a resource (role assignments, locks, policy
// assignments, diagnostic settings) is an Extension: it stays behind when the resource leaves its scope.
//
// The package knows no ARM, no HTTP and no resource types: bodies are opaque bytes. Two engines keep the contract,
// store/sqlite and store/postgres; store/storetest judges both.
package store

import (
	"context"
	"time"
)

// ID names a node for as long as it exists. IDs are given by the engine, are positive and never used twice.
type ID int64

// Root is the parent of the topmost nodes.
const Root ID = 0

// Node is one thing in the tree: a tenant, a subscription, a resource group, a resource, a provider registration.
type Node struct {
	ID      ID
	Parent  ID
	Type    string    // type segment as it stands in a path; compared without regard to case
	Name    string    // as first written; compared without regard to case
	Flag    string    // set while the node wants attention (a running job, say); FlaggedChildren finds such nodes at once
	ETag    string    // changed by whoever changes the body
	Body    []byte    // opaque to the store
	Refs    []ID      // nodes that the body refers to by position; opaque to the store, never followed by it
	Created time.Time // to the microsecond, UTC
	Changed time.Time // to the microsecond, UTC
}

// Step is one hop of a walk from a node to a child.
type Step struct{ Type, Name string }

// Range chooses children of one parent, in the order of (lower-case type, lower-case name).
type Range struct {
	Type      string // only this type; empty: all types
	AfterType string // keyset position: only children behind (AfterType, AfterName); may stay empty within one Type
	AfterName string
	Limit     int // at most so many; must be positive
}

// Extension is a document bound to a scope by the words of the scope.
type Extension struct {
	Scope   string // path as first written; compared without regard to case; no trailing slash; "/" is the tenant
	Type    string // full type, for example Microsoft.Authorization/locks
	Name    string
	ETag    string
	Body    []byte
	Created time.Time
	Changed time.Time
}

// ExtensionRange chooses extensions of one type in the order of (lower-case scope, lower-case name).
type ExtensionRange struct {
	Scope      string // at this scope
	Below      bool   // and at every scope below it (path prefix on a segment border)
	Type       string // only this type; empty: every type
	AfterScope string // keyset position behind (AfterScope, AfterType, AfterName)
	AfterType  string
	AfterName  string
	Limit      int
}

// Operation is a long-running operation: written in the transaction of the request, carried out by any node of the cloud (D7).
type Operation struct {
	ID           string // unguessable
	Kind         string // which handler carries it out
	Tenant       string
	Subscription string
	Principal    string // object id of who asked
	Correlation  string
	Node         ID        // what it works on; Root if nothing
	Input        []byte    // JSON, opaque to the store
	Due          time.Time // when it may be carried out next, by the cloud's clock
	Created      time.Time
	Ended        time.Time // zero while it runs
	Status       int       // final HTTP status, valid when ended
	Result       []byte    // final body, may be empty
}

// Running reports whether the operation has not ended.
func (o Operation) Running() bool { return o.Ended.IsZero() }

// Store keeps the state of a cloud.
type Store interface {
	// View runs fn on one consistent snapshot. fn may be run more than once, as in Update.
	View(ctx context.Context, fn func(Reader) error) error

	// Update runs fn in one transaction and returns after the commit is durable: an acknowledged Update MUST survive
	// kill -9 and power loss. When fn returns an error nothing of it is kept and that error is returned as it is. fn may be run
	// more than once (serialisation failures, deadlocks), so it MUST have no effect outside the transaction that is
	// not simply overwritten by the next run. A first run may be told that a write went well, or that a name is free, or what a node was when it was held last, where that turns out
	// to be wrong later: nothing of that run is kept or told, and the next one hears of it. Engines may commit several updates as a group; they then isolate a failing one.
	// An error marked by Again asks for such another run, with all that fn locked before locked from its start; what stays after the last
	// run is returned without the mark.
	Update(ctx context.Context, fn func(Tx) error) error

	// Collect deletes at most limit nodes that were trashed (whole subtrees, in steps) and returns how many it deleted.
	// Zero means there is nothing left to collect. Safe to run on several nodes of a cloud at once.
	Collect(ctx context.Context, limit int) (int, error)

	// Stats says what the store holds, for `cloud status` and tests.
	Stats(ctx context.Context) (Stats, error)

	// Close waits for running transactions and releases everything.
	Close() error
}

// Again marks the error of an update's function that lost a race: another transaction changed what it had read, or took the name that it wanted.
// Where only one transaction writes at a time nothing of that kind happens, and the engine returns err.
func Again(err error) error { return again{err} }

// LostRace returns the error that Again marked, and whether err is such a one.
func LostRace(err error) (error, bool) {
	if a, marked := err.(again); marked { //nolint:errorlint // the mark is the outermost
		return a.error, true
	}
	return err, false
}

type again struct{ error }

// Stats counts what a store holds, trash included in Nodes.
type Stats struct {
	Engine     string // "sqlite" or "postgres"
	Nodes      int64
	Extensions int64
	Running    int64 // operations that have not ended
}

// Fork is a named state of a store: its nodes, extensions, operations and meta values as they were when it was made.
type Fork struct {
	Name string
	Made time.Time
}

// Reader reads. What is not there is an errs.NotFound error, never a zero value.
type Reader interface {
	NodeReader
	ExtensionReader

	// Operation returns an operation by id.
	Operation(ctx context.Context, id string) (Operation, error)
	// RunningOn returns at most limit running operations that work on a node, what is due first in front.
	RunningOn(ctx context.Context, node ID, limit int) ([]Operation, error)
	// NextDue returns the earliest due time among running operations; false if none runs.
	NextDue(ctx context.Context) (time.Time, bool, error)
	// Meta returns a value kept under a key.
	Meta(ctx context.Context, key string) ([]byte, error)
	// Generation grows whenever a committed transaction called Tx.Bump. Caches of slowly changing state are valid for one generation.
	Generation(ctx context.Context) (int64, error)
	// Forks lists the forks, the oldest first.
	Forks(ctx context.Context) ([]Fork, error)
}

// NodeReader reads the tree.
type NodeReader interface {
	// Node returns a node by id. A node in the trash is not found; a node below one is found (see Path).
	Node(ctx context.Context, id ID) (Node, error)
	// Walk goes from a node down the steps in as few round trips as the engine can and returns the nodes met, in order. The result is
	// shorter than steps when a child is missing; that is no error. Body is filled for the last step's node and for every other node met.
	Walk(ctx context.Context, from ID, steps []Step) ([]Node, error)
	// Path returns the chain from the topmost node down to the node itself. A node that lies in or below the trash is NotFound.
	Path(ctx context.Context, id ID) ([]Node, error)
	// Children returns children of a parent.
	Children(ctx context.Context, parent ID, r Range) ([]Node, error)
	// FlaggedChildren returns at most limit children of a type that carry a flag, by an index: its cost MUST NOT grow with the unflagged ones.
	FlaggedChildren(ctx context.Context, parent ID, typ string, limit int) ([]Node, error)
	// Count counts children of a type.
	Count(ctx context.Context, parent ID, typ string) (int64, error)
}

// ExtensionReader reads what is bound to scopes.
type ExtensionReader interface {
	Extension(ctx context.Context, scope, typ, name string) (Extension, error)
	Extensions(ctx context.Context, r ExtensionRange) ([]Extension, error)
}

// LockMode says how a node is held until the transaction ends.
type LockMode int

// Shared holders exclude an Exclusive one. Engines with a single writer have nothing to do.
const (
	Shared LockMode = iota
	Exclusive
)

// Tx reads and writes in one transaction; it sees its own writes.
type Tx interface {
	Reader

	// Inserted reports whether a node was added that is not committed yet, by this transaction or by one that is committed with it: what it sees may never have been.
	Inserted() bool
	// Insert adds nodes, all of them or none, and sets their IDs; a child is inserted by a later call than its parent, whose ID it needs. A child
	// of that type and name already there is errs.Conflict with code NodeExists. Parents MUST exist (Root excepted): NotFound, ParentNotFound.
	// A refusal by this or any method of Tx (Conflict, NotFound, Invalid) leaves the transaction usable.
	Insert(ctx context.Context, nodes ...*Node) error
	// Save writes Flag, ETag, Body, Refs and Changed of an existing node.
	Save(ctx context.Context, n Node) error
	// Reparent hangs a node with all below it under another parent, in constant time. Conflict NodeExists if the name is taken there;
	// Invalid NodeCycle if the new parent lies in or below the node.
	Reparent(ctx context.Context, id, parent ID) error
	// Trash takes nodes with all below them out of sight in constant time each; Collect deletes them later. Their names are free at once.
	Trash(ctx context.Context, ids ...ID) error
	// Hold locks nodes, in ascending order of id, until the transaction ends, and returns them as they are now, in the order asked for. NotFound if one is gone.
	Hold(ctx context.Context, mode LockMode, ids ...ID) ([]Node, error)

	// HoldAndWalk is Hold of one node and then Walk, in one round trip if the engine can: what is met is met under the lock.
	HoldAndWalk(ctx context.Context, mode LockMode, id, from ID, steps []Step) (held Node, met []Node, err error)

	// HoldExtension keeps other holders from an extension, be it there or not, until the transaction ends, and returns it as it is now. NotFound if there is none: then no
	// other holder makes it meanwhile.
	HoldExtension(ctx context.Context, scope, typ, name string) (Extension, error)
	// PutExtension writes an extension (insert or replace by scope, type and name).
	PutExtension(ctx context.Context, e Extension) error
	// DropExtensions removes what the range chooses (Limit and the keyset position are ignored; Name narrows to one if not empty) and counts it.
	DropExtensions(ctx context.Context, r ExtensionRange, name string) (int64, error)

	// PutOperation writes an operation (insert or replace by id).
	PutOperation(ctx context.Context, o Operation) error
	// ClaimOperation returns a running operation that is due at now and that no other transaction holds, and holds it. NotFound if there is none.
	ClaimOperation(ctx context.Context, now time.Time) (Operation, error)

	// DropOperations deletes at most limit operations that ended before a time, the oldest first, and counts them. Running ones stay.
	DropOperations(ctx context.Context, before time.Time, limit int) (int64, error)

	// PutMeta writes a value under a key; nil deletes it.
	PutMeta(ctx context.Context, key string, value []byte) error
	// Bump makes the generation grow when this transaction commits.
	Bump(ctx context.Context) error

	// Fork gives the state as the transaction sees it a name, whatever it holds in the same time. While there are forks, a row that is changed is
	// kept as it was, once for each fork. Conflict ForkExists, Invalid ForkNameInvalid.
	Fork(ctx context.Context, name string, made time.Time) error
	// Rewind goes back to a fork, which stays; those made after it are gone. Its cost grows with what was changed since, not with what the store
	// holds. Ids and generations do not go back: none is ever given twice. before is called when nobody else writes any more and nothing is undone
	// yet; it may be nil. NotFound ForkNotFound.
	Rewind(ctx context.Context, name string, before func() error) error
	// DropFork forgets a fork; the state stays as it is. NotFound ForkNotFound.
	DropFork(ctx context.Context, name string) error
}
