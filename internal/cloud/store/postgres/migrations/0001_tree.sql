-- The tree. A node below the parent -1 waits in the trash for Collect. Keys sort by their bytes in every database.
CREATE SEQUENCE cloud_node_id;
CREATE TABLE cloud_node (
  id       bigint PRIMARY KEY DEFAULT nextval('cloud_node_id'),
  parent   bigint NOT NULL,
  type_key text COLLATE "C" NOT NULL,
  name_key text COLLATE "C" NOT NULL,
  type     text   NOT NULL,
  name     text   NOT NULL,
  flag     text   NOT NULL,
  etag     text   NOT NULL,
  refs     bytea  NOT NULL,
  created  bigint NOT NULL,
  changed  bigint NOT NULL,
  body     bytea  NOT NULL
);
-- Not partial and not on expressions: so moving or trashing a node takes the lock that excludes FOR KEY SHARE, which
-- an insert below the node holds.
CREATE UNIQUE INDEX cloud_node_child ON cloud_node (parent, type_key, name_key);
CREATE INDEX cloud_node_flagged ON cloud_node (parent, type_key, name_key) WHERE flag <> '';

CREATE TABLE cloud_extension (
  scope_key text COLLATE "C" NOT NULL,
  type_key  text COLLATE "C" NOT NULL,
  name_key  text COLLATE "C" NOT NULL,
  scope     text   NOT NULL,
  type      text   NOT NULL,
  name      text   NOT NULL,
  etag      text   NOT NULL,
  created   bigint NOT NULL,
  changed   bigint NOT NULL,
  body      bytea  NOT NULL,
  PRIMARY KEY (scope_key, type_key, name_key)
);
CREATE INDEX cloud_extension_type ON cloud_extension (type_key, scope_key, name_key);

CREATE TABLE cloud_operation (
  id           text COLLATE "C" PRIMARY KEY,
  kind         text   NOT NULL,
  tenant       text   NOT NULL,
  subscription text   NOT NULL,
  principal    text   NOT NULL,
  correlation  text   NOT NULL,
  node         bigint NOT NULL,
  input        bytea  NOT NULL,
  due          bigint NOT NULL,
  created      bigint NOT NULL,
  ended        bigint, -- NULL while it runs
  status       bigint NOT NULL,
  result       bytea  NOT NULL
);
CREATE INDEX cloud_operation_due ON cloud_operation (due, id) WHERE ended IS NULL;
CREATE INDEX cloud_operation_ended ON cloud_operation (ended) WHERE ended IS NOT NULL;

CREATE TABLE cloud_meta (
  key   text COLLATE "C" PRIMARY KEY,
  value bytea NOT NULL
);

CREATE TABLE cloud_generation (number bigint NOT NULL);
INSERT INTO cloud_generation VALUES (1);
