-- What runs on a node: a move asks for each resource that it takes along.
CREATE INDEX operation_node ON operation (node, due, id) WHERE ended IS NULL;
