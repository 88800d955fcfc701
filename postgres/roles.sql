-- owner    owns everything and never logs in
-- api      calls the functions; has the rights they need, no DDL, and no way to rewrite the ledger
-- auditor  reads everything, and may load what clients were told into temporary tables; sees what the server
--          is doing
--
-- A password comes from API_DB_PASSWORD, or from the file named by API_DB_PASSWORD_FILE; likewise for the
-- auditor. With neither it is `stampede`: the database is never published.
\set api_password ''
\set auditor_password ''
\getenv api_password API_DB_PASSWORD
\getenv auditor_password AUDITOR_DB_PASSWORD

\getenv api_password_file API_DB_PASSWORD_FILE
\if :{?api_password_file}
    \set api_password `cat "$API_DB_PASSWORD_FILE"`
\endif
\getenv auditor_password_file AUDITOR_DB_PASSWORD_FILE
\if :{?auditor_password_file}
    \set auditor_password `cat "$AUDITOR_DB_PASSWORD_FILE"`
\endif

-- Compose hands an unset variable on as an empty one.
SELECT coalesce(nullif(:'api_password', ''), 'stampede') AS api_password,
       coalesce(nullif(:'auditor_password', ''), 'stampede') AS auditor_password \gset

-- Roles belong to the cluster, not to the database: another database may have made them already.
SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['owner', 'api', 'auditor']) AS name
WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec

-- Of the 97 connections that roles like these can have. An API that wants more (API_PROCESSES=10) shares what
-- it gets; the rest is for the auditor, who could not say whether the data is right without.
ALTER ROLE api LOGIN PASSWORD :'api_password' CONNECTION LIMIT 85;
ALTER ROLE auditor LOGIN PASSWORD :'auditor_password';

SELECT format('ALTER DATABASE %I SET timezone TO ''UTC''', current_database()) \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO api, auditor', current_database()) \gexec
SELECT format('GRANT TEMPORARY ON DATABASE %I TO auditor', current_database()) \gexec
GRANT pg_read_all_stats TO auditor;
-- For read_usage.sql alone: nobody can become the owner, and the other functions run as who calls them.
GRANT pg_read_server_files TO owner;
GRANT EXECUTE ON FUNCTION pg_read_file(text), pg_read_file(text, boolean) TO owner;
GRANT USAGE, CREATE ON SCHEMA public TO owner;
GRANT USAGE ON SCHEMA public TO api, auditor;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
-- A function is born executable by PUBLIC; ours are not.
ALTER DEFAULT PRIVILEGES FOR ROLE owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- Everything created from here on belongs to the owner; rights.sql ends it.
SET ROLE owner;
