"""What `doctor` asks of Snowflake itself: who we are there, whether the role may only read, when a token ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from customer_research.connect.source import Subject
from customer_research.domain.check import Diagnosis
from customer_research.domain.words import counted
from customer_research.errors import Denied, SchemaChanged

if TYPE_CHECKING:
    from customer_research.sources.warehouse.session import WarehouseSession

SOON = timedelta(days=14)
"""A token that ends within this is warned of."""

SHOWN = 3
"""So many grants are named; the others are counted."""

MIGHTY = frozenset({"ACCOUNTADMIN", "SECURITYADMIN", "SYSADMIN", "ORGADMIN", "USERADMIN", "GLOBALORGADMIN"})
"""Roles of administrators."""

_READS: Mapping[str, frozenset[str]] = {
    "USAGE": frozenset({"WAREHOUSE", "DATABASE", "SCHEMA"}),
    "SELECT": frozenset({"TABLE", "VIEW", "MATERIALIZED_VIEW", "DYNAMIC_TABLE", "EXTERNAL_TABLE", "ICEBERG_TABLE"}),
}
"""Privilege → the kinds of objects on which it lets one read and no more."""

_WHO = "SELECT CURRENT_USER() AS user_name, CURRENT_ROLE() AS role_name, CURRENT_WAREHOUSE() AS warehouse_name"


async def session_is(session: WarehouseSession, _subject: Subject | None) -> Diagnosis:
    """User, role and warehouse; a fault without a warehouse, a warning with an administrator's role."""
    needed = "a role of its own that only reads, and a warehouse"
    row = await _who(session)
    user, role, warehouse = (row[name] for name in ("user_name", "role_name", "warehouse_name"))
    found = f"user {user}, role {role or 'none'}, warehouse {warehouse or 'none'}"
    if not warehouse:
        fix = "Set snowflake.warehouse to one that the role has USAGE on."
        return Diagnosis("fail", found, needed, fix)
    if str(role).upper() in MIGHTY:
        fix = "Make a role that may only read (the guide has the script), and set snowflake.role to it."
        return Diagnosis("warn", found, needed, fix)
    return Diagnosis("ok", found, needed)


async def _who(session: WarehouseSession) -> Mapping[str, Any]:
    return (await session.run(_WHO, {}, stream="doctor")).rows[0]


async def grants_are(session: WarehouseSession, _subject: Subject | None) -> Diagnosis:
    """Whether the role was granted more than reading; what it inherits or everybody may is not seen."""
    needed = "USAGE on warehouse, database and schemas, SELECT on the relations, nothing else"
    role = str((await _who(session))["role_name"] or "")
    quoted = role.replace('"', '""')
    try:
        grants = await _shown(session, f'SHOW GRANTS TO ROLE "{quoted}"')
    except (Denied, SchemaChanged) as error:
        return Diagnosis("skipped", f"Snowflake does not show the role's grants: {error.message}", needed)
    more = [one for one in grants if one["granted_on"] not in _READS.get(one["privilege"], frozenset())]
    if not more:
        return Diagnosis("ok", f"{role} has {counted(len(grants), 'grant')}, all to read", needed)
    told = "; ".join(f"{one['privilege']} on {one['granted_on'].lower()} {one['name']}" for one in more[:SHOWN])
    rest = f"; {len(more) - SHOWN:,} more" if len(more) > SHOWN else ""
    fix = f"Revoke these from {role}, or set snowflake.role to one that may only read."
    return Diagnosis("warn", f"{role} has more than it needs: {told}{rest}", needed, fix)


async def token_ends(session: WarehouseSession, _subject: Subject | None) -> Diagnosis:
    """When the user's tokens end: the first of them, since none tells which of them is ours."""
    needed = f"a token that holds for more than {SOON.days} days"
    try:
        tokens = await _shown(session, "SHOW USER PROGRAMMATIC ACCESS TOKENS")
    except (Denied, SchemaChanged) as error:
        return Diagnosis("skipped", f"Snowflake does not show the user's tokens: {error.message}", needed)
    active = [one for one in tokens if one["status"] == "ACTIVE" and isinstance(one["expires_at"], datetime)]
    if not active:
        return Diagnosis("skipped", "Snowflake shows no active token of this user", needed)
    first = min(active, key=lambda one: one["expires_at"])
    ends: datetime = first["expires_at"]
    restricted = f", restricted to role {first['role_restriction']}" if first.get("role_restriction") else ""
    which = "" if len(active) == 1 else f", the first of {len(active)} active tokens"
    found = f"{first['name']} ends on {ends.date().isoformat()}{restricted}{which}"
    if ends - session.clock() < SOON:
        fix = "Rotate it (ALTER USER ... ROTATE PROGRAMMATIC ACCESS TOKEN) and set snowflake.token, or use a key pair."
        return Diagnosis("warn", found, needed, fix)
    return Diagnosis("ok", found, needed)


async def _shown(session: WarehouseSession, sql: str) -> Sequence[Mapping[str, Any]]:
    assert session.statements is not None
    return (await session.statements.run(sql, [], session.http.log("doctor"))).rows
