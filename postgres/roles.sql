-- owner    owns everything and never logs in
-- api      calls the functions; has the rights they need, but no DDL and no right to change the stock ledger
-- auditor  reads everything, creates temporary tables for the answers of clients, and reads the server's
--          statistics
--
-- A role has no password until start.sh or a user sets one: without it, the role connects over the local socket only.

-- Roles belong to the whole server, so they may exist already, created for another database.
SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['owner', 'api', 'auditor']) AS name
WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec

-- Ordinary roles can have 97 connections together. The API gets 85; with more processes (API_PROCESSES=10) it
-- shares them. The rest is for the auditor: without a connection the data could not be checked.
ALTER ROLE api LOGIN CONNECTION LIMIT 85;
ALTER ROLE auditor LOGIN;

SELECT format('ALTER DATABASE %I SET timezone TO ''UTC''', current_database()) \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO api, auditor', current_database()) \gexec
SELECT format('GRANT TEMPORARY ON DATABASE %I TO auditor', current_database()) \gexec
GRANT pg_read_all_stats TO auditor;
-- Only read_usage.sql needs these rights. No login can become the owner, and the other functions run with the
-- rights of their caller.
GRANT pg_read_server_files TO owner;
GRANT EXECUTE ON FUNCTION pg_read_file(text), pg_read_file(text, boolean) TO owner;
GRANT USAGE, CREATE ON SCHEMA public TO owner;
GRANT USAGE ON SCHEMA public TO api, auditor;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
-- By default PUBLIC may execute a new function; not the functions of this schema.
ALTER DEFAULT PRIVILEGES FOR ROLE owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- The owner creates everything that follows, until RESET ROLE in rights.sql.
SET ROLE owner;
