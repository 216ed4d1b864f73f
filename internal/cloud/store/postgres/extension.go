package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
)

// scanExtension reads extensionColumns.
func scanExtension(rows pgx.Rows) (e store.Extension, err error) {
	var created, changed int64
	err = rows.Scan(&e.Scope, &e.Type, &e.Name, &e.ETag, &created, &changed, &e.Body)
	e.Created, e.Changed, e.Body = row.Time(created), row.Time(changed), some(e.Body)
	return e, err
}

// Extension returns one extension.
func (s *session) Extension(ctx context.Context, scope, typ, name string) (store.Extension, error) {
	return s.extensionBehind(ctx, nil, scope, typ, name)
}

// HoldExtension holds the words that name an extension: there may be no row to hold.
func (t *tx) HoldExtension(ctx context.Context, scope, typ, name string) (store.Extension, error) {
	words := strings.Join([]string{row.Key(scope), row.Key(typ), row.Key(name)}, "|")
	return t.extensionBehind(ctx, []statement{{sql: sqlHoldExtension, args: []any{words}}, t.readGeneration(sqlGeneration)}, scope, typ, name)
}

// extensionBehind reads an extension behind other statements, in one round trip.
func (s *session) extensionBehind(ctx context.Context, before []statement, scope, typ, name string) (e store.Extension, err error) {
	found := false
	read := statement{sqlExtension, []any{row.Key(scope), row.Key(typ), row.Key(name)}, func(rows pgx.Rows) (err error) {
		found = true
		e, err = scanExtension(rows)
		return err
	}}
	_, err = s.send(ctx, "read an extension", append(before, read)...)
	if err == nil && !found {
		err = row.ExtensionMissing(scope, typ, name)
	}
	return e, err
}

// Extensions returns a page of extensions: both parts of the range in one round trip.
func (s *session) Extensions(ctx context.Context, page store.ExtensionRange) ([]store.Extension, error) {
	if err := row.CheckLimit(page.Limit); err != nil {
		return nil, err
	}
	span, err := row.SpanOf(page)
	if err != nil {
		return nil, err
	}
	var found []store.Extension
	see := func(rows pgx.Rows) error {
		e, err := scanExtension(rows)
		found = append(found, e)
		return err
	}
	parts := spanStatements(span, row.Key(page.Type), int64(page.Limit), see)
	if len(parts) == 0 {
		return nil, nil
	}
	if _, err = s.send(ctx, "read extensions", parts...); err != nil {
		return nil, err
	}
	return found[:min(len(found), page.Limit)], nil
}

// spanStatements reads a span of one type, or of all if typ is empty.
func spanStatements(span row.Span, typ string, limit int64, see func(pgx.Rows) error) (parts []statement) {
	if span.At != "" && typ != "" {
		parts = append(parts, statement{sqlExtensionsAtOfType, []any{span.At, typ, span.AfterName, limit}, see})
	} else if span.At != "" {
		parts = append(parts, statement{sqlExtensionsAt, []any{span.At, span.AfterType, span.AfterName, limit}, see})
	}
	if span.Low != "" && typ != "" {
		parts = append(parts, statement{sqlExtensionsBelowOfType, []any{span.Low, span.High, typ, limit}, see})
	} else if span.Low != "" {
		parts = append(parts, statement{sqlExtensionsBelow, []any{span.Low, span.High, limit}, see})
	}
	return parts
}

// PutExtension inserts or replaces an extension.
func (t *tx) PutExtension(ctx context.Context, e store.Extension) error {
	if err := row.CheckExtension(e); err != nil {
		return err
	}
	return t.write(ctx, "write an extension", sqlPutExtension, row.Key(e.Scope), row.Key(e.Type), row.Key(e.Name),
		e.Scope, e.Type, e.Name, e.ETag, row.Micros(e.Created), row.Micros(e.Changed), none(e.Body))
}

// DropExtensions removes what the range chooses.
func (t *tx) DropExtensions(ctx context.Context, r store.ExtensionRange, name string) (int64, error) {
	if err := row.CheckScope(r.Scope); err != nil {
		return 0, err
	}
	scope, typ, name := row.Key(r.Scope), row.Key(r.Type), row.Key(name)
	dropped, err := t.query(ctx, "drop extensions", nil, sqlDropAt, scope, typ, name)
	if err != nil || !r.Below {
		return dropped, err
	}
	low, high := row.Borders(scope)
	var below int64
	if typ != "" {
		below, err = t.query(ctx, "drop extensions", nil, sqlDropBelowOfType, low, high, name, typ)
	} else {
		below, err = t.query(ctx, "drop extensions", nil, sqlDropBelow, low, high, name)
	}
	return dropped + below, err
}
