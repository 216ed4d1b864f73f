package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
)

// scanOperation reads operationColumns.
func scanOperation(rows pgx.Rows) (o store.Operation, err error) {
	var node, due, created, status int64
	var ended *int64
	err = rows.Scan(&o.ID, &o.Kind, &o.Tenant, &o.Subscription, &o.Principal, &o.Correlation, &node, &o.Input, &due, &created,
		&ended, &status, &o.Result)
	o.Node, o.Due, o.Created, o.Status = store.ID(node), row.Time(due), row.Time(created), int(status)
	o.Input, o.Result = some(o.Input), some(o.Result)
	if ended != nil {
		o.Ended = row.Time(*ended)
	}
	return o, err
}

// operation runs a query that yields operationColumns at most once.
func (s *session) operation(ctx context.Context, sql string, missing func() error, arg any) (o store.Operation, err error) {
	found := false
	_, err = s.query(ctx, "read an operation", func(rows pgx.Rows) (err error) {
		found = true
		o, err = scanOperation(rows)
		return err
	}, sql, arg)
	if err == nil && !found {
		err = missing()
	}
	return o, err
}

// Operation returns an operation by id.
func (s *session) Operation(ctx context.Context, id string) (store.Operation, error) {
	return s.operation(ctx, sqlOperation, func() error { return row.OperationMissing(id) }, id)
}

// RunningOn returns what runs on a node.
func (s *session) RunningOn(ctx context.Context, node store.ID, limit int) (found []store.Operation, err error) {
	if err := row.CheckLimit(limit); err != nil {
		return nil, err
	}
	_, err = s.query(ctx, "read operations", func(rows pgx.Rows) error {
		o, err := scanOperation(rows)
		found = append(found, o)
		return err
	}, sqlRunningOn, int64(node), int64(limit))
	return found, err
}

// ClaimOperation locks the row of what is due first, passing over rows that others hold.
func (t *tx) ClaimOperation(ctx context.Context, now time.Time) (store.Operation, error) {
	return t.operation(ctx, sqlDueOperation, func() error { return row.NoneDue(now) }, row.Micros(now))
}

// PutOperation inserts or replaces an operation.
func (t *tx) PutOperation(ctx context.Context, o store.Operation) error {
	if err := row.CheckOperation(o); err != nil {
		return err
	}
	var ended *int64 // NULL while it runs
	if !o.Running() {
		micros := row.Micros(o.Ended)
		ended = &micros
	}
	return t.write(ctx, "write an operation", sqlPutOperation, o.ID, o.Kind, o.Tenant, o.Subscription, o.Principal,
		o.Correlation, int64(o.Node), none(o.Input), row.Micros(o.Due), row.Micros(o.Created), ended, int64(o.Status), none(o.Result))
}

// DropOperations deletes operations that ended before a time. Another node may be dropping others at the same time.
func (t *tx) DropOperations(ctx context.Context, before time.Time, limit int) (int64, error) {
	if err := row.CheckLimit(limit); err != nil {
		return 0, err
	}
	return t.query(ctx, "drop operations", nil, sqlDropOperations, row.Micros(before), int64(limit))
}
