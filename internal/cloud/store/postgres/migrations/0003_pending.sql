-- What runs on a node: a move asks for each resource that it takes along.
CREATE INDEX cloud_operation_node ON cloud_operation (node, due, id) WHERE ended IS NULL;
