-- Named states. While there is one, the first change of a row since the newest of them keeps the row as it was: there = 0 says that it was not there.
-- AUTOINCREMENT: the number of a fork is never used twice.
CREATE TABLE fork (
  number   INTEGER PRIMARY KEY AUTOINCREMENT,
  name     TEXT    NOT NULL,
  name_key TEXT    NOT NULL UNIQUE,
  made     INTEGER NOT NULL
) STRICT;

CREATE TABLE node_before (
  fork     INTEGER NOT NULL,
  there    INTEGER NOT NULL,
  id       INTEGER NOT NULL,
  parent   INTEGER,
  type_key TEXT,
  name_key TEXT,
  type     TEXT,
  name     TEXT,
  flag     TEXT,
  etag     TEXT,
  refs     BLOB,
  created  INTEGER,
  changed  INTEGER,
  body     BLOB,
  PRIMARY KEY (id, fork)
) STRICT;
CREATE INDEX node_before_fork ON node_before (fork);

CREATE TABLE extension_before (
  fork      INTEGER NOT NULL,
  there     INTEGER NOT NULL,
  scope_key TEXT    NOT NULL,
  type_key  TEXT    NOT NULL,
  name_key  TEXT    NOT NULL,
  scope     TEXT,
  type      TEXT,
  name      TEXT,
  etag      TEXT,
  created   INTEGER,
  changed   INTEGER,
  body      BLOB,
  PRIMARY KEY (scope_key, type_key, name_key, fork)
) STRICT;
CREATE INDEX extension_before_fork ON extension_before (fork);

CREATE TABLE operation_before (
  fork         INTEGER NOT NULL,
  there        INTEGER NOT NULL,
  id           TEXT    NOT NULL,
  kind         TEXT,
  tenant       TEXT,
  subscription TEXT,
  principal    TEXT,
  correlation  TEXT,
  node         INTEGER,
  input        BLOB,
  due          INTEGER,
  created      INTEGER,
  ended        INTEGER,
  status       INTEGER,
  result       BLOB,
  PRIMARY KEY (id, fork)
) STRICT;
CREATE INDEX operation_before_fork ON operation_before (fork);

CREATE TABLE meta_before (
  fork  INTEGER NOT NULL,
  there INTEGER NOT NULL,
  key   TEXT    NOT NULL,
  value BLOB,
  PRIMARY KEY (key, fork)
) STRICT;
CREATE INDEX meta_before_fork ON meta_before (fork);
