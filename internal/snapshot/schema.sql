CREATE TABLE header (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE document (
  section  TEXT    NOT NULL,
  key      TEXT    NOT NULL, -- the id in lower case
  type_key TEXT    NOT NULL, -- the type in lower case
  id       TEXT    NOT NULL,
  type     TEXT    NOT NULL,
  version  TEXT    NOT NULL,
  taken    INTEGER NOT NULL, -- nanoseconds
  digest   BLOB    NOT NULL,
  body     BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX document_key ON document (section, key);
CREATE INDEX document_type ON document (section, type_key, key);
CREATE TABLE gap (section TEXT NOT NULL, path TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (section, path)) STRICT, WITHOUT ROWID;
CREATE TABLE note (code TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (code, subject)) STRICT, WITHOUT ROWID;
