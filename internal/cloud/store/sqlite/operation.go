package sqlite

import (
	"context"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite/lite"
)

// scanOperation reads operationColumns.
func scanOperation(r lite.Row) store.Operation {
	o := store.Operation{
		ID: r.Text(0), Kind: r.Text(1), Tenant: r.Text(2), Subscription: r.Text(3), Principal: r.Text(4), Correlation: r.Text(5),
		Node: store.ID(r.Int(6)), Input: r.Blob(7), Due: row.Time(r.Int(8)), Created: row.Time(r.Int(9)),
		Status: int(r.Int(11)), Result: r.Blob(12),
	}
	if !r.Null(10) {
		o.Ended = row.Time(r.Int(10))
	}
	return o
}

// operation runs a query that yields operationColumns at most once.
func (r *reader) operation(ctx context.Context, q *lite.Query, missing func() error, arg any) (o store.Operation, err error) {
	found := false
	err = r.must(ctx, "read an operation", q, func(line lite.Row) { o, found = scanOperation(line), true }, arg)
	if err == nil && !found {
		err = missing()
	}
	return o, err
}

// Operation returns an operation by id.
func (r *reader) Operation(ctx context.Context, id string) (store.Operation, error) {
	return r.operation(ctx, sqlOperation, func() error { return row.OperationMissing(id) }, id)
}

// RunningOn returns what runs on a node.
func (r *reader) RunningOn(ctx context.Context, node store.ID, limit int) (found []store.Operation, err error) {
	if err := row.CheckLimit(limit); err != nil {
		return nil, err
	}
	err = r.must(ctx, "read operations", sqlRunningOn, func(line lite.Row) { found = append(found, scanOperation(line)) }, int64(node), int64(limit))
	return found, err
}

// ClaimOperation returns what is due first; the writer is alone, so nobody else holds it.
func (t *tx) ClaimOperation(ctx context.Context, now time.Time) (store.Operation, error) {
	return t.operation(ctx, sqlDueOperation, func() error { return row.NoneDue(now) }, row.Micros(now))
}

// PutOperation inserts or replaces an operation.
func (t *tx) PutOperation(ctx context.Context, o store.Operation) error {
	if err := row.CheckOperation(o); err != nil {
		return err
	}
	if t.isAhead() {
		t.operationLater(o)
		return row.GaveUp(ctx)
	}
	var ended any // NULL while it runs
	if !o.Running() {
		ended = row.Micros(o.Ended)
	}
	return t.must(ctx, "write an operation", sqlPutOperation, nil, o.ID, o.Kind, o.Tenant, o.Subscription, o.Principal,
		o.Correlation, int64(o.Node), o.Input, row.Micros(o.Due), row.Micros(o.Created), ended, int64(o.Status), o.Result)
}

// DropOperations deletes operations that ended before a time.
func (t *tx) DropOperations(ctx context.Context, before time.Time, limit int) (int64, error) {
	if err := row.CheckLimit(limit); err != nil {
		return 0, err
	}
	return t.change(ctx, "drop operations", sqlDropOperations, row.Micros(before), int64(limit))
}
