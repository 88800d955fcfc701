-- What the official image finds in /docker-entrypoint-initdb.d; the folder itself is mounted at /postgres.
\i /postgres/init.sql
