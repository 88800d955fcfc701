-- One row with one column: the state of the database at this moment, and the current values of its counters.
-- Waits are counted for running statements only: an idle connection waits for its client.
WITH clients AS (
    SELECT * FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
)
SELECT to_jsonb(figures) FROM (
    SELECT
        (SELECT coalesce(jsonb_object_agg(state, count), '{}')
         FROM (SELECT state, count(*) FROM clients WHERE state IS NOT NULL GROUP BY state) AS states) AS connections,
        (SELECT coalesce(jsonb_object_agg(wait, count), '{}')
         FROM (SELECT wait_event_type || ':' || wait_event AS wait, count(*) FROM clients
               WHERE state = 'active' AND wait_event IS NOT NULL GROUP BY wait) AS waits) AS waits,
        (SELECT count(*) FROM clients WHERE state = 'active' AND wait_event_type = 'Lock') AS locks_waiting,
        current_setting('max_connections')::integer AS max_connections,
        xact_commit AS commits, xact_rollback AS rollbacks, deadlocks, blks_hit, blks_read,
        pg_database_size(datid) AS size_bytes,
        usage.*
    FROM pg_stat_database, read_usage() AS usage
    WHERE datname = current_database()
) AS figures
