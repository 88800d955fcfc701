#!/bin/sh
# Starts PostgreSQL in its container; the arguments are options of the server. The roles get the passwords of their files at
# every start, as the files may be newer than the data.
set -eu
api=$(cat "$API_DB_PASSWORD_FILE")
auditor=$(cat "$AUDITOR_DB_PASSWORD_FILE")
umask 077
cat >/tmp/passwords.sql <<SQL
ALTER ROLE postgres PASSWORD NULL;
ALTER ROLE api PASSWORD '$api';
ALTER ROLE auditor PASSWORD '$auditor';
SQL

if [ -s "$PGDATA/PG_VERSION" ]; then
  # A server without clients. A statement that fails ends it, and is not logged, as it has a password.
  postgres --single "$@" -c exit_on_error=on -c log_min_error_statement=panic postgres \
    </tmp/passwords.sql >/dev/null || {
    echo "postgres: the roles cannot get their passwords, as the data is incomplete: run \`make reset\`" >&2
    exit 1
  }
else
  # The image's entrypoint creates the data, and runs initdb.sql. It wants a password for the superuser: a random one, which
  # passwords.sql removes.
  POSTGRES_PASSWORD=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
  export POSTGRES_PASSWORD
fi
exec docker-entrypoint.sh postgres "$@"
