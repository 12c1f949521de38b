#!/bin/sh
# Makes a role and a database for each service that the setup made a password for. No role can connect to another's.
# PostgreSQL's image runs it when it makes its data directory. It can be repeated, where a service was added since:
#   docker compose exec postgres /docker-entrypoint-initdb.d/databases.sh
set -e

for verifier in /run/tenon/*.scram; do
  name=$(basename "$verifier" .scram)
  psql --username postgres --dbname postgres --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
    --set name="$name" --set verifier="$(cat "$verifier")" <<'SQL'
select format('create role %I', :'name')
where not exists (select from pg_roles where rolname = :'name') \gexec
alter role :"name" login nosuperuser nocreatedb nocreaterole password :'verifier';
select format('create database %I owner %I', :'name', :'name')
where not exists (select from pg_database where datname = :'name') \gexec
revoke connect, temporary on database :"name" from public;
SQL
done

# The superuser comes from within this container only.
psql --username postgres --dbname postgres --no-psqlrc --quiet --set ON_ERROR_STOP=1 <<'SQL'
alter role postgres password null;
revoke connect, temporary on database postgres, template1 from public;
SQL
