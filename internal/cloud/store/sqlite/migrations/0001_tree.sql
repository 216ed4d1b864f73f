-- The tree. A node below the parent -1 waits in the trash for Collect. AUTOINCREMENT: an id is never used twice.
CREATE TABLE node (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  parent   INTEGER NOT NULL,
  type_key TEXT    NOT NULL,
  name_key TEXT    NOT NULL,
  type     TEXT    NOT NULL,
  name     TEXT    NOT NULL,
  flag     TEXT    NOT NULL,
  etag     TEXT    NOT NULL,
  refs     BLOB    NOT NULL,
  created  INTEGER NOT NULL,
  changed  INTEGER NOT NULL,
  body     BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX node_child ON node (parent, type_key, name_key);
CREATE INDEX node_flagged ON node (parent, type_key, name_key) WHERE flag <> '';

CREATE TABLE extension (
  scope_key TEXT    NOT NULL,
  type_key  TEXT    NOT NULL,
  name_key  TEXT    NOT NULL,
  scope     TEXT    NOT NULL,
  type      TEXT    NOT NULL,
  name      TEXT    NOT NULL,
  etag      TEXT    NOT NULL,
  created   INTEGER NOT NULL,
  changed   INTEGER NOT NULL,
  body      BLOB    NOT NULL,
  PRIMARY KEY (scope_key, type_key, name_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX extension_type ON extension (type_key, scope_key, name_key);

CREATE TABLE operation (
  id           TEXT    NOT NULL PRIMARY KEY,
  kind         TEXT    NOT NULL,
  tenant       TEXT    NOT NULL,
  subscription TEXT    NOT NULL,
  principal    TEXT    NOT NULL,
  correlation  TEXT    NOT NULL,
  node         INTEGER NOT NULL,
  input        BLOB    NOT NULL,
  due          INTEGER NOT NULL,
  created      INTEGER NOT NULL,
  ended        INTEGER, -- NULL while it runs
  status       INTEGER NOT NULL,
  result       BLOB    NOT NULL
) STRICT;
CREATE INDEX operation_due ON operation (due, id) WHERE ended IS NULL;
CREATE INDEX operation_ended ON operation (ended) WHERE ended IS NOT NULL;

CREATE TABLE meta (
  key   TEXT NOT NULL PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
