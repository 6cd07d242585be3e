#!/bin/sh
# Starts stopline in its container: the journal's password comes from a file, so it stands in no
# configuration and in no argument. https://www.postgresql.org/docs/current/libpq-envars.html
set -eu
secret="${JOURNAL_PASSWORD_FILE:-/run/secrets/journal_password}"
if [ -r "$secret" ]; then
    PGPASSWORD="$(cat "$secret")"
    export PGPASSWORD
fi
exec "${PROGRAM:-/opt/stopline/bin/stopline}" "$@"
