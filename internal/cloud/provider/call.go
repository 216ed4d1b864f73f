package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// Call is what a behaviour works on: one request, or one operation that comes due, on one resource.
type Call struct {
	Ctx    context.Context
	Read   store.Reader
	Tx     store.Tx // nil in calls that only read
	Tree   *tree.Tree
	Types  *Table
	Now    time.Time
	Caller identity.Caller
	Base   string // endpoint of the cloud, without a trailing slash
	Tenant string // tenant of the subscription
	// Allowed reports whether the caller may do an action on another resource. nil in calls that only read, and when an operation settles: it was
	// asked when the request came.
	Allowed func(action string, on arm.ID) bool
	// Linked refuses an id that a document must not name: one in a subscription of another tenant. nil when an operation settles.
	Linked func(on arm.ID) error
	// MayDelete asks roles and locks whether the caller may delete another resource along with this one. nil in calls that do not delete.
	MayDelete func(on arm.ID) error
	// Unlocked asks whether a lock on another resource or below it keeps it from going along with this one (Remove). nil in calls that only read.
	Unlocked func(on arm.ID) error

	ID    arm.ID // of the resource the call is about
	Type  *Type
	Found tree.Found     // where it stands; on create only the parent chain is filled and Node is zero
	Old   *tree.Document // as it was; nil on create
	Doc   tree.Document  // as it is, or will be
	Auto  bool           // a container made along with its first child
	Patch bool           // the request is a PATCH (Doc is already merged)
	Query url.Values
	Body  map[string]any // of an action; nil when there is none

	// Flag is written with the document: set it while the resource wants attention (store.Node.Flag).
	Flag string
	// Changed asks to have Doc written after an action or Settle.
	Changed bool

	spawned []Spawn
	timers  []Timer
}

// Spawn is a child made along with its parent.
type Spawn struct {
	Type *Type
	Name string
	Doc  tree.Document
}

// Timer asks for Settle(cause) after a time on the cloud's clock.
type Timer struct {
	Cause string
	After string // name of a duration in the cloud's settings, for example "job.run"
}

// Spawn makes a child in the same transaction, after the parent was written.
func (c *Call) Spawn(kind, name string, doc tree.Document) error {
	child, err := c.Types.Find(c.Type.Name + arm.Type("/"+kind))
	if err != nil {
		return err
	}
	c.spawned = append(c.spawned, Spawn{child, name, doc})
	return nil
}

// After asks for Settle(cause) when the named duration has passed.
func (c *Call) After(duration, cause string) { c.timers = append(c.timers, Timer{cause, duration}) }

// Spawned returns the children to make. For cloud/control.
func (c *Call) Spawned() []Spawn { return c.spawned }

// Timers returns the timers to set. For cloud/control.
func (c *Call) Timers() []Timer { return c.timers }

// Lookup reads another resource; NotFound if there is none.
func (c *Call) Lookup(id arm.ID) (tree.Found, tree.Document, error) {
	found, err := c.Tree.Resolve(c.Ctx, c.Read, id)
	if err != nil {
		return found, tree.Document{}, err
	}
	doc, err := c.Tree.Decode(c.Ctx, c.Read, found)
	return found, doc, err
}

// Ancestor returns the found resource at a depth of the chain (2: the top-level resource).
func (c *Call) Ancestor(depth int) (tree.Found, tree.Document, error) {
	if depth >= len(c.Found.Chain) {
		return tree.Found{}, tree.Document{}, errs.New(errs.Internal, "NoAncestor", "%s has no ancestor at depth %d", c.ID, depth)
	}
	node, err := c.Read.Node(c.Ctx, c.Found.Chain[depth].ID)
	if err != nil {
		return tree.Found{}, tree.Document{}, err
	}
	found := tree.Found{Chain: append(append([]store.Node{}, c.Found.Chain[:depth]...), node), Node: node}
	doc, err := c.Tree.Decode(c.Ctx, c.Read, found)
	return found, doc, err
}

// ChangedMeanwhile is the code of the error for a document that another transaction changed after it was read. The whole transaction may be run again.
const ChangedMeanwhile = "ResourceChangedMeanwhile"

// SaveOther writes a changed document of another resource that Lookup or Ancestor found. Its flag and references stay as its type wants them. A document
// that somebody else has changed since is not written over.
func (c *Call) SaveOther(found tree.Found, doc tree.Document) error {
	entry, err := c.Types.Find(found.ID().Type())
	if err != nil {
		return err
	}
	held, err := c.Tx.Hold(c.Ctx, store.Exclusive, found.Node.ID)
	if err != nil {
		return err
	}
	if held[0].ETag != found.Node.ETag {
		return errs.New(errs.Unavailable, ChangedMeanwhile, "The resource '%s' was changed by another operation at the same moment. Please try again.", found.ID()).At(found.ID().String())
	}
	node := found.Node
	node.Changed, node.ETag = c.Now, NewETag()
	if err := c.Tree.Encode(c.Ctx, c.Tx, &node, found.ID(), doc, entry.Refs); err != nil {
		return fmt.Errorf("save %s: %w", found.ID(), err)
	}
	return c.Tx.Save(c.Ctx, node)
}

// Children visits the children of a found resource of one kind until visit returns false.
func (c *Call) Children(parent tree.Found, kind string, visit func(tree.Found) (bool, error)) error {
	return c.Tree.Children(c.Ctx, c.Read, parent, kind, visit)
}

// Props returns properties of the document, made if absent.
func (c *Call) Props() map[string]any {
	props := tree.Object(c.Doc.Public, "properties")
	if props == nil {
		props = map[string]any{}
		c.Doc.Public["properties"] = props
	}
	return props
}

// OldProps returns properties of the document as it was; nil on create.
func (c *Call) OldProps() map[string]any {
	if c.Old == nil {
		return nil
	}
	return tree.Object(c.Old.Public, "properties")
}

// Location is the location of the resource, of its ancestor, or of the group.
func (c *Call) Location() string {
	if location := tree.Text(c.Doc.Public, "location"); location != "" {
		return location
	}
	for depth := len(c.Found.Chain) - 1; depth >= 1; depth-- {
		var doc struct{ Location string }
		if json.Unmarshal(publicPart(c.Found.Chain[depth].Body), &doc) == nil && doc.Location != "" {
			return doc.Location
		}
	}
	return ""
}

// Invalid is the error for a document that a service refuses.
func Invalid(code, format string, args ...any) *errs.Error {
	return errs.New(errs.Invalid, code, format, args...)
}

// Conflict is the error for a state that forbids the request.
func Conflict(code, format string, args ...any) *errs.Error {
	return errs.New(errs.Conflict, code, format, args...)
}
