-- A commit is confirmed before it is on disk, and PostgreSQL is killed before it is written.
-- caught by: acknowledged_orders_kept
-- then: kill postgres
ALTER ROLE api SET synchronous_commit = off;
ALTER SYSTEM SET wal_writer_delay = '10s';
ALTER SYSTEM SET wal_writer_flush_after = '64MB'; -- by default a megabyte wakes the writer early
SELECT pg_reload_conf();
