-- Named states. While there is one, the first change of a row since the newest of them keeps the row as it was: there = 0 says that it was not there.
CREATE TABLE cloud_fork (
  number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name     text   NOT NULL,
  name_key text COLLATE "C" NOT NULL UNIQUE,
  made     bigint NOT NULL
);

CREATE TABLE cloud_node_before (
  fork     bigint   NOT NULL,
  there    smallint NOT NULL,
  id       bigint   NOT NULL,
  parent   bigint,
  type_key text COLLATE "C",
  name_key text COLLATE "C",
  type     text,
  name     text,
  flag     text,
  etag     text,
  refs     bytea,
  created  bigint,
  changed  bigint,
  body     bytea,
  PRIMARY KEY (id, fork)
);
CREATE INDEX cloud_node_before_fork ON cloud_node_before (fork);

CREATE TABLE cloud_extension_before (
  fork      bigint   NOT NULL,
  there     smallint NOT NULL,
  scope_key text COLLATE "C" NOT NULL,
  type_key  text COLLATE "C" NOT NULL,
  name_key  text COLLATE "C" NOT NULL,
  scope     text,
  type      text,
  name      text,
  etag      text,
  created   bigint,
  changed   bigint,
  body      bytea,
  PRIMARY KEY (scope_key, type_key, name_key, fork)
);
CREATE INDEX cloud_extension_before_fork ON cloud_extension_before (fork);

CREATE TABLE cloud_operation_before (
  fork         bigint   NOT NULL,
  there        smallint NOT NULL,
  id           text COLLATE "C" NOT NULL,
  kind         text,
  tenant       text,
  subscription text,
  principal    text,
  correlation  text,
  node         bigint,
  input        bytea,
  due          bigint,
  created      bigint,
  ended        bigint,
  status       bigint,
  result       bytea,
  PRIMARY KEY (id, fork)
);
CREATE INDEX cloud_operation_before_fork ON cloud_operation_before (fork);

CREATE TABLE cloud_meta_before (
  fork  bigint   NOT NULL,
  there smallint NOT NULL,
  key   text COLLATE "C" NOT NULL,
  value bytea,
  PRIMARY KEY (key, fork)
);
CREATE INDEX cloud_meta_before_fork ON cloud_meta_before (fork);
