-- The official image runs this file from /docker-entrypoint-initdb.d. The other files are mounted at /postgres.
\i /postgres/init.sql
