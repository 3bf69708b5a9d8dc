"""The statements that are sent to the app's database: all of them are here, and none but these is sent.

Names of tables and columns come from the mapping and are quoted; values are parameters (`$1`) always.
"""

from __future__ import annotations

from collections.abc import Mapping

from customer_research.domain.records import quoted
from customer_research.sources.app_database.records import Logical
from customer_research.sources.app_database.settings import TABLE

SURROUNDINGS = """SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', '2000', true),
    set_config('idle_in_transaction_session_timeout', $1, true), set_config('application_name', 'customer-research', true),
    set_config('search_path', 'pg_catalog', true), set_config('TimeZone', 'UTC', true)"""
"""Sent first in each transaction; `true` makes it hold in this transaction alone (SET LOCAL), so that a pooler may part us."""

STANDING = """SELECT pg_is_in_recovery() AS in_recovery,
    pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() END,
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() END)::bigint AS behind_bytes,
    EXISTS (SELECT 1 FROM pg_stat_wal_receiver) AS receiving,
    EXTRACT(EPOCH FROM now() - CASE WHEN pg_is_in_recovery() THEN pg_last_xact_replay_timestamp() END)::float8 AS replayed_ago"""
"""Whether it is a standby, and how far behind: what was received and not replayed yet, and when it replayed last."""

COLUMNS = """SELECT a.attname::text AS name, format_type(a.atttypid, -1) AS type,
    has_column_privilege(c.oid, a.attnum, 'SELECT') AS readable
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = $1 AND c.relname = $2
ORDER BY a.attnum"""
"""A table's columns. `information_schema` hides those that the role may not read; the catalogue names them. Types are
as a value can be cast to without loss: `bpchar` (-1), where `character` (NULL) would cut it to its first sign."""

RELATIONS = """SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
    c.reltuples::float8 AS rows, a.attname::text AS column, format_type(a.atttypid, NULL) AS type,
    has_column_privilege(c.oid, a.attnum, 'SELECT') AS readable,
    EXISTS (SELECT 1 FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey)) AS in_key,
    s.null_frac::float8 AS nulls, s.n_distinct::float8 AS distinct_values
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname !~ '^pg_' AND NOT c.relispartition
ORDER BY n.nspname, c.relname, a.attnum"""
"""Everything that there is, from the catalogue alone: no table is read."""

ROLE = """SELECT r.rolname::text AS name, r.rolsuper AS superuser, r.rolbypassrls AS bypasses_rls, r.rolcreaterole AS makes_roles,
    r.rolcreatedb AS makes_databases, r.rolreplication AS replicates, r.rolconnlimit AS connections,
    current_setting('server_version') AS version,
    has_database_privilege(current_database(), 'CREATE') AS creates_schemas,
    ARRAY(SELECT m.rolname::text FROM pg_roles AS m WHERE m.rolname LIKE 'pg\\_%' AND pg_has_role(r.oid, m.oid, 'MEMBER')) AS member_of,
    (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS tls
FROM pg_roles AS r WHERE r.rolname = current_user"""
"""What the role is, beyond what was granted on tables."""

MAY_WRITE = """SELECT (n.nspname || '.' || c.relname)::text AS name
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'
    AND (has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') OR has_any_column_privilege(c.oid, 'INSERT, UPDATE'))
ORDER BY 1"""
MAY_CREATE = """SELECT n.nspname::text AS name FROM pg_namespace AS n
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND has_schema_privilege(n.oid, 'CREATE') ORDER BY 1"""
MAY_READ = """SELECT (n.nspname || '.' || c.relname)::text AS name, a.attname::text AS column
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'
    AND has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
ORDER BY 1, 2"""
"""What the role could write, make and read: asked of the catalogue, never tried."""


def place_of(mapping: Mapping[str, str]) -> tuple[str, str]:
    """Schema and name of a mapped table."""
    schema, _, name = mapping[TABLE].partition(".")
    return schema.strip(), name.strip()


def _from(mapping: Mapping[str, str]) -> str:
    return "FROM " + ".".join(quoted(part) for part in place_of(mapping)) + " AS t"


def _column(mapping: Mapping[str, str], name: str) -> str:
    return f"t.{quoted(mapping[name])}"


def _listed(kind: Logical, mapping: Mapping[str, str]) -> str:
    told = (*kind.needed, *kind.further)
    return ", ".join(f"{_column(mapping, name)} AS {name}" for name in told if name in mapping)


def _standing_records(mapping: Mapping[str, str], types: Mapping[str, str]) -> str:
    """The condition that a record is not deleted; empty where no column tells."""
    if "deleted" not in mapping:
        return ""
    column = _column(mapping, "deleted")
    return f"{column} IS NOT TRUE" if types[mapping["deleted"]] == "boolean" else f"{column} IS NULL"


def _where(*conditions: str) -> str:
    wanted = [condition for condition in conditions if condition]
    return f" WHERE {' AND '.join(wanted)}" if wanted else ""


def of_one(kind: Logical, mapping: Mapping[str, str], types: Mapping[str, str]) -> str:
    """One operator's records (`$1`), at most `$2`; the parameter is cast, not the column, which has an index."""
    column = mapping["operator_id"]
    mine = f"t.{quoted(column)} = $1::{types[column]}"
    return f"SELECT {_listed(kind, mapping)} {_from(mapping)}{_where(mine, _standing_records(mapping, types))} LIMIT $2::bigint"


def every(kind: Logical, mapping: Mapping[str, str], types: Mapping[str, str], *, begun: bool) -> str:
    """The next records by key, at most `$1`; *begun*: those behind the key `$2`."""
    key = _column(mapping, kind.key)
    behind = f"{key} > $2::{types[mapping[kind.key]]}" if begun else ""
    return (
        f"SELECT {_listed(kind, mapping)}, {key}::text AS key_text, {_changed(mapping)} AS changed {_from(mapping)}"
        f"{_where(behind, _standing_records(mapping, types))} ORDER BY {key} LIMIT $1::bigint"
    )


def changed(kind: Logical, mapping: Mapping[str, str], types: Mapping[str, str], *, begun: bool) -> str:
    """The next records by change, at most `$1`, from `$2` on; *begun*: those behind the change `$2` of the key `$3`."""
    key, at = _column(mapping, kind.key), _column(mapping, "updated_at")
    moment, one = types[mapping["updated_at"]], types[mapping[kind.key]]
    behind = f"({at}, {key}) > ($2::{moment}, $3::{one})" if begun else f"{at} >= $2::{moment}"
    gone = "FALSE"
    if standing := _standing_records(mapping, types):
        gone = f"NOT ({standing})"
    return (
        f"SELECT {_listed(kind, mapping)}, {key}::text AS key_text, {at} AS changed, {gone} AS is_gone {_from(mapping)}"
        f"{_where(behind)} ORDER BY {at}, {key} LIMIT $1::bigint"
    )


def _changed(mapping: Mapping[str, str]) -> str:
    return _column(mapping, "updated_at") if "updated_at" in mapping else "NULL::timestamptz"


def operators(mapping: Mapping[str, str]) -> str:
    """Operator ids of some records, at most `$1`."""
    return f"SELECT {_column(mapping, 'operator_id')}::text AS operator_id {_from(mapping)} LIMIT $1::bigint"
