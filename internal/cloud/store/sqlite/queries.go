package sqlite

import "github.com/amlmove/amlmove/internal/cloud/store/sqlite/lite"

const (
	nodeColumns      = `id, parent, type, name, flag, etag, refs, created, changed, body`
	extensionColumns = `scope, type, name, etag, created, changed, body`
	operationColumns = `id, kind, tenant, subscription, principal, correlation, node, input, due, created, ended, status, result`
)

// Transactions.
var (
	sqlBegin      = lite.NewQuery(`BEGIN`)
	sqlBeginWrite = lite.NewQuery(`BEGIN IMMEDIATE`)
	sqlCommit     = lite.NewQuery(`COMMIT`)
	sqlRollback   = lite.NewQuery(`ROLLBACK`)

	// One pair for each update of a group, one for an insert of several nodes within it.
	sqlSaveUpdate, sqlUndoUpdate, sqlKeepUpdate = savepoint("one_update")
	sqlSaveInsert, sqlUndoInsert, sqlKeepInsert = savepoint("one_insert")

	sqlStats = lite.NewQuery(`SELECT (SELECT count(*) FROM node), (SELECT count(*) FROM extension),
		(SELECT count(*) FROM operation WHERE ended IS NULL)`)
)

func savepoint(name string) (save, undo, keep *lite.Query) {
	return lite.NewQuery(`SAVEPOINT ` + name), lite.NewQuery(`ROLLBACK TO ` + name), lite.NewQuery(`RELEASE ` + name)
}

// The tree, read.
var (
	sqlNode     = lite.NewQuery(`SELECT ` + nodeColumns + ` FROM node WHERE id = $1`)
	sqlChild    = lite.NewQuery(`SELECT ` + nodeColumns + ` FROM node WHERE parent = $1 AND type_key = $2 AND name_key = $3`)
	sqlChildren = lite.NewQuery(`SELECT ` + nodeColumns + ` FROM node
		WHERE parent = $1 AND (type_key, name_key) > ($2, $3) ORDER BY type_key, name_key LIMIT $4`)
	sqlChildrenOfType = lite.NewQuery(`SELECT ` + nodeColumns + ` FROM node
		WHERE parent = $1 AND type_key = $2 AND name_key > $3 ORDER BY name_key LIMIT $4`)
	sqlFlagged = lite.NewQuery(`SELECT ` + nodeColumns + ` FROM node INDEXED BY node_flagged
		WHERE parent = $1 AND type_key = $2 AND flag <> '' ORDER BY name_key LIMIT $3`)
	sqlCount  = lite.NewQuery(`SELECT count(*) FROM node WHERE parent = $1 AND type_key = $2`)
	sqlParent = lite.NewQuery(`SELECT parent FROM node WHERE id = $1`)
	sqlKids   = lite.NewQuery(`SELECT id FROM node WHERE parent = $1 LIMIT $2`)
)

// The tree, written.
var (
	sqlInsert = lite.NewQuery(`INSERT INTO node (parent, type_key, name_key, type, name, flag, etag, refs, created, changed, body, id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`)
	sqlLastID = lite.NewQuery(`SELECT seq FROM sqlite_sequence WHERE name = 'node'`)
	sqlSave   = lite.NewQuery(`UPDATE node SET flag = $1, etag = $2, refs = $3, changed = $4, body = $5
		WHERE id = $6 AND parent <> -1`)
	sqlReparent = lite.NewQuery(`UPDATE node SET parent = $1 WHERE id = $2 AND parent <> -1`)
	sqlTrash    = lite.NewQuery(`UPDATE node SET parent = -1, type_key = '', name_key = CAST(id AS TEXT), flag = ''
		WHERE id = $1 AND parent <> -1`)
	sqlDelete = lite.NewQuery(`DELETE FROM node WHERE id = $1`)
)

// Extensions; row.Span explains the two parts of a range.
var (
	sqlExtension = lite.NewQuery(`SELECT ` + extensionColumns + ` FROM extension
		WHERE scope_key = $1 AND type_key = $2 AND name_key = $3`)
	sqlExtensionsAt = lite.NewQuery(`SELECT ` + extensionColumns + ` FROM extension
		WHERE scope_key = $1 AND (type_key, name_key) > ($2, $3) ORDER BY type_key, name_key LIMIT $4`)
	sqlExtensionsAtOfType = lite.NewQuery(`SELECT ` + extensionColumns + ` FROM extension
		WHERE scope_key = $1 AND type_key = $2 AND name_key > $3 ORDER BY name_key LIMIT $4`)
	sqlExtensionsBelow = lite.NewQuery(`SELECT ` + extensionColumns + ` FROM extension
		WHERE scope_key > $1 AND scope_key < $2 ORDER BY scope_key, type_key, name_key LIMIT $3`)
	sqlExtensionsBelowOfType = lite.NewQuery(`SELECT ` + extensionColumns + ` FROM extension INDEXED BY extension_type
		WHERE scope_key > $1 AND scope_key < $2 AND type_key = $3 ORDER BY scope_key, name_key LIMIT $4`)
	sqlDropAt = lite.NewQuery(`DELETE FROM extension
		WHERE scope_key = $1 AND ($2 = '' OR type_key = $2) AND ($3 = '' OR name_key = $3)`)
	sqlDropBelow = lite.NewQuery(`DELETE FROM extension
		WHERE scope_key > $1 AND scope_key < $2 AND ($3 = '' OR name_key = $3)`)
	sqlDropBelowOfType = lite.NewQuery(`DELETE FROM extension INDEXED BY extension_type
		WHERE scope_key > $1 AND scope_key < $2 AND ($3 = '' OR name_key = $3) AND type_key = $4`)
	sqlPutExtension = lite.NewQuery(`INSERT INTO extension
		(scope_key, type_key, name_key, scope, type, name, etag, created, changed, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT DO UPDATE SET scope = excluded.scope, type = excluded.type, name = excluded.name,
		etag = excluded.etag, created = excluded.created, changed = excluded.changed, body = excluded.body`)
)

// Operations, meta.
var (
	sqlOperation    = lite.NewQuery(`SELECT ` + operationColumns + ` FROM operation WHERE id = $1`)
	sqlDueOperation = lite.NewQuery(`SELECT ` + operationColumns + ` FROM operation INDEXED BY operation_due
		WHERE ended IS NULL AND due <= $1 ORDER BY due, id LIMIT 1`)
	sqlRunningOn = lite.NewQuery(`SELECT ` + operationColumns + ` FROM operation INDEXED BY operation_node
		WHERE node = $1 AND ended IS NULL ORDER BY due, id LIMIT $2`)
	sqlNextDue        = lite.NewQuery(`SELECT due FROM operation INDEXED BY operation_due WHERE ended IS NULL ORDER BY due LIMIT 1`)
	sqlDropOperations = lite.NewQuery(`DELETE FROM operation WHERE id IN (SELECT id FROM operation WHERE ended IS NOT NULL AND ended < $1 ORDER BY ended LIMIT $2)`)
	sqlPutOperation   = lite.NewQuery(`INSERT INTO operation (` + operationColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT DO UPDATE SET kind = excluded.kind, tenant = excluded.tenant, subscription = excluded.subscription,
		principal = excluded.principal, correlation = excluded.correlation, node = excluded.node, input = excluded.input, due = excluded.due,
		created = excluded.created, ended = excluded.ended, status = excluded.status, result = excluded.result`)

	sqlMeta     = lite.NewQuery(`SELECT value FROM meta WHERE key = $1`)
	sqlPutMeta  = lite.NewQuery(`INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT DO UPDATE SET value = excluded.value`)
	sqlDropMeta = lite.NewQuery(`DELETE FROM meta WHERE key = $1`)
)
