package postgres

const (
	nodeColumns      = `id, parent, type, name, flag, etag, refs, created, changed, body`
	extensionColumns = `scope, type, name, etag, created, changed, body`
	operationColumns = `id, kind, tenant, subscription, principal, correlation, node, input, due, created, ended, status, result`
)

// Transactions. They travel together with the first statement.
const (
	sqlBeginRead  = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`
	sqlBeginWrite = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`
	sqlCommit     = `COMMIT`
	sqlRollback   = `ROLLBACK`
	sqlNoLongWait = `SET LOCAL lock_timeout = 100` // ms

	sqlStats = `SELECT (SELECT count(*) FROM cloud_node), (SELECT count(*) FROM cloud_extension),
		(SELECT count(*) FROM cloud_operation WHERE ended IS NULL)`
	sqlGeneration     = `SELECT number FROM cloud_generation`
	sqlHoldGeneration = sqlGeneration + ` FOR NO KEY UPDATE`
	// A number that a transaction saw and then rolled back is never given again: caches may have been filled under it.
	sqlBump = `UPDATE cloud_generation SET number = greatest(number, nextval('cloud_node_id')) + 1 RETURNING number`
)

// The tree, read.
const (
	sqlNode = `SELECT ` + nodeColumns + ` FROM cloud_node WHERE id = $1 AND parent <> -1`
	sqlPath = `WITH RECURSIVE up (hop, at, above) AS (
			SELECT 0, id, parent FROM cloud_node WHERE id = $1
			UNION ALL
			SELECT up.hop + 1, n.id, n.parent FROM up CROSS JOIN LATERAL (
				SELECT id, parent FROM cloud_node WHERE id = up.above LIMIT 1) n
		)
		SELECT n.* FROM up CROSS JOIN LATERAL (
			SELECT ` + nodeColumns + ` FROM cloud_node WHERE id = up.at LIMIT 1) n ORDER BY up.hop DESC`
	sqlChildren = `SELECT ` + nodeColumns + ` FROM cloud_node
		WHERE parent = $1 AND (type_key, name_key) > ($2, $3) ORDER BY type_key, name_key LIMIT $4`
	sqlChildrenOfType = `SELECT ` + nodeColumns + ` FROM cloud_node
		WHERE parent = $1 AND type_key = $2 AND name_key > $3 ORDER BY name_key LIMIT $4`
	sqlFlagged = `SELECT ` + nodeColumns + ` FROM cloud_node
		WHERE parent = $1 AND type_key = $2 AND flag <> '' ORDER BY name_key LIMIT $3`
	sqlCount = `SELECT count(*) FROM cloud_node WHERE parent = $1 AND type_key = $2`
)

// The tree, written. Subqueries carry a LIMIT and LATERAL, which keeps the planner from turning them into joins that read a
// whole table. An insert holds its parent, so that nobody trashes or collects it meanwhile. ON CONFLICT DO NOTHING
// waits for whoever inserts the same name and does not spoil the transaction.
const (
	nodeInsert = `INSERT INTO cloud_node (parent, type_key, name_key, type, name, flag, etag, refs, created, changed, body, id) `
	sqlInsert  = `WITH above AS (SELECT id FROM cloud_node WHERE id = $1 AND parent <> -1 FOR KEY SHARE) ` + nodeInsert + `
		SELECT $1::bigint, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::bytea, $9::bigint, $10::bigint,
			$11::bytea, nextval('cloud_node_id')
		WHERE $1 = 0 OR EXISTS (SELECT FROM above)
		ON CONFLICT DO NOTHING RETURNING id`
	// Raises an error where sqlInsert yields no row: a parent that is not there becomes NULL.
	sqlInsertLater = nodeInsert + `VALUES (CASE WHEN $1::bigint = 0 THEN 0 ELSE (SELECT id FROM cloud_node WHERE id = $1::bigint AND parent <> -1 FOR KEY SHARE) END,
			$2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	sqlInsertMany = nodeInsert + `SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
			$7::text[], $8::bytea[], $9::bigint[], $10::bigint[], $11::bytea[], $12::bigint[])
		ON CONFLICT DO NOTHING`
	sqlNewIDs      = `SELECT nextval('cloud_node_id') FROM generate_series(1, $1::bigint)`
	sqlHoldParents = `SELECT id FROM cloud_node WHERE id = ANY($1::bigint[]) AND parent <> -1 ORDER BY id FOR KEY SHARE`
	sqlTaken       = `SELECT u.nr FROM unnest($1::bigint[], $2::text[], $3::text[]) WITH ORDINALITY u (parent, type_key, name_key, nr)
		CROSS JOIN LATERAL (SELECT FROM cloud_node n
			WHERE n.parent = u.parent AND n.type_key = u.type_key AND n.name_key = u.name_key LIMIT 1) n ORDER BY u.nr LIMIT 1`
	sqlDelete = `DELETE FROM cloud_node WHERE id = ANY($1::bigint[])`
	sqlSave   = `UPDATE cloud_node SET flag = $2, etag = $3, refs = $4, changed = $5, body = $6 WHERE id = $1 AND parent <> -1`
	sqlAbove  = `WITH RECURSIVE up (at, above) AS (
			SELECT id, parent FROM cloud_node WHERE id = $1
			UNION ALL
			SELECT n.id, n.parent FROM up CROSS JOIN LATERAL (
				SELECT id, parent FROM cloud_node WHERE id = up.above LIMIT 1) n
		)
		SELECT at, above FROM up`
	sqlReparent = `UPDATE cloud_node n SET parent = $2 WHERE id = $1 AND parent <> -1 AND coalesce((
			SELECT o.id FROM cloud_node o
			WHERE o.parent = $2 AND o.type_key = n.type_key AND o.name_key = n.name_key LIMIT 1), id) = id`
	sqlTrash = `WITH held AS (SELECT id FROM cloud_node WHERE id = ANY($1::bigint[]) AND parent <> -1 ORDER BY id FOR UPDATE)
		UPDATE cloud_node SET parent = -1, type_key = '', name_key = id::text, flag = ''
		WHERE id = ANY(ARRAY(SELECT id FROM held)) RETURNING id`
	sqlHold          = `SELECT ` + nodeColumns + ` FROM cloud_node WHERE id = ANY($1::bigint[]) AND parent <> -1 ORDER BY id `
	sqlHoldShared    = sqlHold + `FOR SHARE`
	sqlHoldExclusive = sqlHold + `FOR UPDATE`
	// They raise an error (division by zero) unless all is as it is hoped to be: the second sees what was committed while the first waited for its hold.
	sqlHoldAsKnown = `WITH held AS (SELECT flag, etag, changed FROM cloud_node WHERE id = $1 AND parent <> -1 FOR SHARE)
		SELECT 1 / count(*) FROM held WHERE flag = $2 AND etag = $3 AND changed = $4`
	sqlStillFree = `SELECT 1 / count(*) FROM cloud_generation g WHERE g.number = $1
		AND NOT EXISTS (SELECT FROM cloud_node n WHERE n.parent = $2 AND n.type_key = $3 AND n.name_key = $4)`
	sqlHoldAhead = `SELECT FROM cloud_node WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE`
)

// Collecting. One collector at a time; each level is held before what lies below it is read.
const (
	sqlCollectLock = `SELECT pg_advisory_xact_lock($1::bigint)`
	sqlBelow       = `SELECT kid.id FROM unnest($1::bigint[]) above (id) CROSS JOIN LATERAL (
			SELECT id FROM cloud_node WHERE parent = above.id ORDER BY type_key, name_key LIMIT $2 FOR UPDATE) kid LIMIT $2`
	sqlDeleteBare = `DELETE FROM cloud_node n WHERE n.id = ANY($1::bigint[])
		AND (SELECT c.id FROM cloud_node c WHERE c.parent = n.id LIMIT 1) IS NULL`
)

// Extensions; row.Span explains the two parts of a range.
const (
	sqlExtension = `SELECT ` + extensionColumns + ` FROM cloud_extension WHERE scope_key = $1 AND type_key = $2 AND name_key = $3`

	sqlExtensionsAt = `SELECT ` + extensionColumns + ` FROM cloud_extension
		WHERE scope_key = $1 AND (type_key, name_key) > ($2, $3) ORDER BY type_key, name_key LIMIT $4`
	sqlExtensionsAtOfType = `SELECT ` + extensionColumns + ` FROM cloud_extension
		WHERE scope_key = $1 AND type_key = $2 AND name_key > $3 ORDER BY name_key LIMIT $4`
	sqlExtensionsBelow = `SELECT ` + extensionColumns + ` FROM cloud_extension
		WHERE scope_key > $1 AND scope_key < $2 ORDER BY scope_key, type_key, name_key LIMIT $3`
	sqlExtensionsBelowOfType = `SELECT ` + extensionColumns + ` FROM cloud_extension
		WHERE scope_key > $1 AND scope_key < $2 AND type_key = $3 ORDER BY scope_key, name_key LIMIT $4`

	// The other advisory locks have one large number: these two small ones never meet them. What has the same hash waits without need.
	sqlHoldExtension = `SELECT pg_advisory_xact_lock(1, hashtext($1))`
	sqlPutExtension  = `INSERT INTO cloud_extension
		(scope_key, type_key, name_key, scope, type, name, etag, created, changed, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (scope_key, type_key, name_key) DO UPDATE SET scope = excluded.scope, type = excluded.type, name = excluded.name,
		etag = excluded.etag, created = excluded.created, changed = excluded.changed, body = excluded.body`
	sqlDropAt = `DELETE FROM cloud_extension
		WHERE scope_key = $1 AND ($2::text = '' OR type_key = $2) AND ($3::text = '' OR name_key = $3)`
	sqlDropBelow = `DELETE FROM cloud_extension
		WHERE scope_key > $1 AND scope_key < $2 AND ($3::text = '' OR name_key = $3)`
	sqlDropBelowOfType = `DELETE FROM cloud_extension
		WHERE scope_key > $1 AND scope_key < $2 AND ($3::text = '' OR name_key = $3) AND type_key = $4`
)

// Operations, meta.
const (
	sqlOperation    = `SELECT ` + operationColumns + ` FROM cloud_operation WHERE id = $1`
	sqlDueOperation = `SELECT ` + operationColumns + ` FROM cloud_operation
		WHERE ended IS NULL AND due <= $1 ORDER BY due, id LIMIT 1 FOR UPDATE SKIP LOCKED`
	sqlRunningOn = `SELECT ` + operationColumns + ` FROM cloud_operation
		WHERE node = $1 AND ended IS NULL ORDER BY due, id LIMIT $2`
	sqlNextDue        = `SELECT due FROM cloud_operation WHERE ended IS NULL ORDER BY due LIMIT 1`
	sqlDropOperations = `DELETE FROM cloud_operation WHERE id IN (SELECT id FROM cloud_operation WHERE ended IS NOT NULL AND ended < $1 ORDER BY ended LIMIT $2 FOR UPDATE SKIP LOCKED)`
	sqlPutOperation   = `INSERT INTO cloud_operation (` + operationColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, tenant = excluded.tenant, subscription = excluded.subscription,
		principal = excluded.principal, correlation = excluded.correlation, node = excluded.node, input = excluded.input,
		due = excluded.due, created = excluded.created, ended = excluded.ended, status = excluded.status, result = excluded.result`

	sqlMeta     = `SELECT value FROM cloud_meta WHERE key = $1`
	sqlPutMeta  = `INSERT INTO cloud_meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`
	sqlDropMeta = `DELETE FROM cloud_meta WHERE key = $1`
)
