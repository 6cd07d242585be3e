#!/bin/sh
# Makes the roles and databases of Temporal and of the journal, each with a password of its own, and
# sets the passwords to what the secrets say. Run by the image when it makes the database; running
# it again changes nothing, or a password that was changed:
#   docker compose exec --user postgres postgresql sh /docker-entrypoint-initdb.d/roles.sh
set -eu
SECRETS="${SECRETS:-/run/secrets}"
export SECRETS

owner() { # role, secret
    ROLE="$1" SECRET="$SECRETS/$2" psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
        --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv role ROLE
\set secret `cat "$SECRET"`
SELECT format('CREATE ROLE %I LOGIN', :'role')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'secret';
SQL
}

database() { # name, owner
    NAME="$1" ROLE="$2" psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
        --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv name NAME
\getenv role ROLE
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'role')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
REVOKE CONNECT, TEMPORARY ON DATABASE :"name" FROM PUBLIC;
SQL
}

owner temporal temporal_password
owner stopline journal_password
database temporal temporal
database temporal_visibility temporal
database stopline stopline
