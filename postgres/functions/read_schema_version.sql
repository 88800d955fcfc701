-- The health check calls it too: it is the cheapest query that reads a table.
CREATE FUNCTION read_schema_version()
RETURNS integer LANGUAGE sql STABLE
RETURN (SELECT version FROM schema_version);
