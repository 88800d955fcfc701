-- Also what the health check asks: the cheapest question that touches a table.
CREATE FUNCTION read_schema_version()
RETURNS integer LANGUAGE sql STABLE
RETURN (SELECT version FROM schema_version);
