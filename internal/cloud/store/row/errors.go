package row

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// NodeMissing says that there is no such node, or that it lies in the trash.
func NodeMissing(id store.ID) error {
	return errs.New(errs.NotFound, "NodeNotFound", "there is no node %d", id)
}

// ParentMissing says that a node cannot hang below what is not there.
func ParentMissing(id store.ID) error {
	return errs.New(errs.NotFound, "ParentNotFound", "there is no node %d to hang a node below", id)
}

// NodeExists says that a child of that type and name is there.
func NodeExists(parent store.ID, typ, name string) error {
	return errs.New(errs.Conflict, "NodeExists", "node %d already has a child %s/%s", parent, typ, name)
}

// Cycle says that a node cannot hang below itself.
func Cycle(id, parent store.ID) error {
	return errs.New(errs.Invalid, "NodeCycle", "node %d cannot hang below node %d, which lies below it", id, parent)
}

// ExtensionMissing says that there is no such extension.
func ExtensionMissing(scope, typ, name string) error {
	return errs.New(errs.NotFound, "ExtensionNotFound", "there is no %s %q at scope %s", typ, name, scope)
}

// OperationMissing says that there is no such operation.
func OperationMissing(id string) error {
	return errs.New(errs.NotFound, "OperationNotFound", "there is no operation %s", id)
}

// NoneDue says that nothing can be claimed.
func NoneDue(now time.Time) error {
	return errs.New(errs.NotFound, "NoOperationDue", "no operation that nobody holds is due at %s", now.UTC().Format(time.RFC3339))
}

// MetaMissing says that nothing is kept under a key.
func MetaMissing(key string) error {
	return errs.New(errs.NotFound, "MetaNotFound", "nothing is kept under the key %q", key)
}

// GaveUp turns the end of a context into an error; nil while the context goes on.
func GaveUp(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errs.Wrap(errs.Canceled, "DeadlineExceeded", ctx.Err(), "the time for the request ran out")
	}
	return errs.Wrap(errs.Canceled, "Canceled", ctx.Err(), "the request was given up")
}

// Meanwhile says that what a transaction was told is not so any more.
func Meanwhile() error {
	return errs.New(errs.Unavailable, "StoreContended", "something was committed meanwhile").Advise("repeat the request")
}

// Closed says that the store does not take work any more.
func Closed() error {
	return errs.New(errs.Unavailable, "StoreClosed", "the store is closed")
}

// Over says that a transaction is used behind its end, which is a defect of the caller.
func Over() error {
	return errs.New(errs.Internal, "TransactionOver", "the transaction is over: it must not be used outside its function")
}

// Panicked turns the value of a recovered panic into an error that carries the stack as its cause.
func Panicked(value any) error {
	return errs.Wrap(errs.Internal, "Panic", fmt.Errorf("%v\n%s", value, debug.Stack()), "the transaction panicked: %v", value)
}

// Aborted says that a transaction function left its goroutine without returning.
func Aborted() error {
	return errs.New(errs.Internal, "TransactionAborted", "the transaction function ended its goroutine")
}
