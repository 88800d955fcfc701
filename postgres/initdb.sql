-- The official image runs this file from /docker-entrypoint-initdb.d. The other files are mounted at /postgres;
-- start.sh has written the passwords.
\i /postgres/init.sql
\i /tmp/passwords.sql
