#!/bin/sh
# Makes the role and the database of tamis at the first start of PostgreSQL.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$TAMIS_DB_PASSWORD" -U postgres <<'SQL'
CREATE ROLE tamis LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'password';
CREATE DATABASE tamis OWNER tamis;
SQL
