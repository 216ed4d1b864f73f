package sqlite

import (
	"context"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite/lite"
)

// scanExtension reads extensionColumns.
func scanExtension(r lite.Row) store.Extension {
	return store.Extension{
		Scope: r.Text(0), Type: r.Text(1), Name: r.Text(2), ETag: r.Text(3),
		Created: row.Time(r.Int(4)), Changed: row.Time(r.Int(5)), Body: r.Blob(6),
	}
}

// Extension returns one extension.
func (r *reader) Extension(ctx context.Context, scope, typ, name string) (e store.Extension, err error) {
	found := false
	err = r.must(ctx, "read an extension", sqlExtension, func(line lite.Row) {
		e, found = scanExtension(line), true
	}, row.Key(scope), row.Key(typ), row.Key(name))
	if err == nil && !found {
		err = row.ExtensionMissing(scope, typ, name)
	}
	return e, err
}

// Extensions returns a page of extensions.
func (r *reader) Extensions(ctx context.Context, page store.ExtensionRange) ([]store.Extension, error) {
	if err := row.CheckLimit(page.Limit); err != nil {
		return nil, err
	}
	span, err := row.SpanOf(page)
	if err != nil {
		return nil, err
	}
	var found []store.Extension
	see := func(line lite.Row) { found = append(found, scanExtension(line)) }
	typ, limit := row.Key(page.Type), int64(page.Limit)
	if span.At != "" {
		if typ != "" {
			err = r.must(ctx, "read extensions", sqlExtensionsAtOfType, see, span.At, typ, span.AfterName, limit)
		} else {
			err = r.must(ctx, "read extensions", sqlExtensionsAt, see, span.At, span.AfterType, span.AfterName, limit)
		}
	}
	limit -= int64(len(found))
	if err != nil || span.Low == "" || limit == 0 {
		return found, err
	}
	if typ != "" {
		err = r.must(ctx, "read extensions", sqlExtensionsBelowOfType, see, span.Low, span.High, typ, limit)
	} else {
		err = r.must(ctx, "read extensions", sqlExtensionsBelow, see, span.Low, span.High, limit)
	}
	return found, err
}

// HoldExtension reads: the writer is alone.
func (t *tx) HoldExtension(ctx context.Context, scope, typ, name string) (store.Extension, error) {
	return t.Extension(ctx, scope, typ, name)
}

// PutExtension inserts or replaces an extension.
func (t *tx) PutExtension(ctx context.Context, e store.Extension) error {
	if err := row.CheckExtension(e); err != nil {
		return err
	}
	if t.isAhead() {
		t.extensionLater(e)
		return row.GaveUp(ctx)
	}
	return t.must(ctx, "write an extension", sqlPutExtension, nil, row.Key(e.Scope), row.Key(e.Type), row.Key(e.Name),
		e.Scope, e.Type, e.Name, e.ETag, row.Micros(e.Created), row.Micros(e.Changed), e.Body)
}

// DropExtensions removes what the range chooses.
func (t *tx) DropExtensions(ctx context.Context, r store.ExtensionRange, name string) (int64, error) {
	if err := row.CheckScope(r.Scope); err != nil {
		return 0, err
	}
	scope, typ, name := row.Key(r.Scope), row.Key(r.Type), row.Key(name)
	dropped, err := t.change(ctx, "drop extensions", sqlDropAt, scope, typ, name)
	if err != nil || !r.Below {
		return dropped, err
	}
	low, high := row.Borders(scope)
	var below int64
	if typ != "" {
		below, err = t.change(ctx, "drop extensions", sqlDropBelowOfType, low, high, name, typ)
	} else {
		below, err = t.change(ctx, "drop extensions", sqlDropBelow, low, high, name)
	}
	return dropped + below, err
}
