#!/bin/sh
# Brings Temporal's two databases to the schema of this image's server. Run before each server; a
# schema that is there already is left as it is.
set -eu
SQL_PASSWORD="$(cat "${TEMPORAL_PASSWORD_FILE:-/run/secrets/temporal_password}")"
export SQL_PASSWORD
versions="${SCHEMAS:-/etc/temporal/schema/postgresql/v12}"

tool() {
    temporal-sql-tool --plugin postgres12 \
        --ep "${POSTGRES_SEEDS:?}" --port "${DB_PORT:-5432}" --user "${POSTGRES_USER:?}" "$@"
}

for pair in temporal:temporal temporal_visibility:visibility; do
    database="${pair%%:*}"
    # Sets the version to 0.0 only where there is none.
    tool --db "$database" setup-schema --version 0.0
    tool --db "$database" update-schema --schema-dir "$versions/${pair##*:}/versioned"
done
echo "the schema is up to date"
