"""What `doctor` asks of the app's database: the connection, what the role may do beyond reading, the mapping, and the ids.

All of it is asked of the catalogue, within transactions that only read: nothing is tried that could do harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from customer_research.connect.source import Check, Subject
from customer_research.domain.check import Diagnosis
from customer_research.domain.values import LEGACY, operator_id
from customer_research.errors import CustomerResearchError
from customer_research.sources.app_database import discovery, statements
from customer_research.sources.app_database.records import LOGICAL
from customer_research.sources.app_database.session import AppDatabaseSession, Ask, Standing
from customer_research.sources.app_database.settings import TABLE

SCOPES = (
    "A Postgres role (NOSUPERUSER NOBYPASSRLS, four connections) with SELECT on the mapped columns and nothing else: role.sql",
)

CONNECTIONS = 4
_SAMPLE = 200
_PERCENT = 100
_SHOWN = 5

Rows = list[dict[str, Any]]


async def _asked(session: AppDatabaseSession, *sqls: str) -> list[Rows]:
    async def work(ask: Ask) -> list[Rows]:
        return [await ask(sql) for sql in sqls]

    return await session.run(session.log("doctor"), session.own.live_seconds, work)


async def connection(session: AppDatabaseSession, _subject: Subject | None) -> Diagnosis:
    """Is it a replica, does it keep up, is the connection encrypted?"""

    async def work(ask: Ask) -> tuple[Standing, Mapping[str, Any]]:
        (role,) = await ask(statements.ROLE)
        return await ask.standing(), role

    standing, role = await session.run(session.log("doctor"), session.own.live_seconds, work)
    needed = "a standby that has replayed what it received, over TLS"
    state = _standing_words(standing)
    found = f"Postgres {role['version']} as {role['name']}, {'TLS' if role['tls'] else 'no TLS'}, {state}"
    if not standing.in_recovery:
        fix = "Give the address of a read replica: reads of a primary hold up nobody's writes, but take its time and connections."
        return Diagnosis("warn", found, needed, fix)
    if session.stale(standing, "trip") is not None:
        return Diagnosis(
            "warn", found, needed, "Look at its replication; until it has caught up the warehouse is used."
        )
    if not role["tls"]:
        return Diagnosis("warn", found, needed, "Set app_database.tls to verify-full.")
    return Diagnosis("ok", found, needed)


def _standing_words(standing: Standing) -> str:
    if standing.in_recovery is None:
        return "a server that does not tell whether it is a standby"
    if not standing.in_recovery:
        return "no standby"
    if not standing.receiving:
        return "a standby that receives nothing"
    return f"a standby with {standing.behind_bytes or 0:,} bytes to replay"


async def role(session: AppDatabaseSession, _subject: Subject | None) -> Diagnosis:
    """Does the role refuse what it must?"""
    (told,), writes, creates, reads = await _asked(
        session, statements.ROLE, statements.MAY_WRITE, statements.MAY_CREATE, statements.MAY_READ
    )
    needed = "a role that reads the mapped columns and can do nothing else"
    faults = [
        *_rights(told),
        *_named("may write to", writes),
        *_named("may create in", creates),
        *_beyond(session, reads),
    ]
    if faults:
        return Diagnosis("fail", "; ".join(faults), needed, "Make the role anew as role.sql beside this source does.")
    if not 0 < told["connections"] <= CONNECTIONS:
        fix = f"ALTER ROLE {told['name']} CONNECTION LIMIT {CONNECTIONS};"
        return Diagnosis("warn", "it may open any number of connections", needed, fix)
    return Diagnosis("ok", "INSERT, CREATE, COPY TO PROGRAM, SELECT * and other columns are refused", needed)


_RIGHTS = {
    "superuser": "is a superuser",
    "bypasses_rls": "goes around row security",
    "makes_roles": "may make roles",
    "makes_databases": "may make databases",
    "replicates": "may replicate",
    "creates_schemas": "may make schemas",
}


def _rights(told: Mapping[str, Any]) -> Iterator[str]:
    yield from (words for name, words in _RIGHTS.items() if told[name])
    if told["member_of"] and not told["superuser"]:
        yield f"is a member of {', '.join(sorted(told['member_of']))}"


def _named(what: str, rows: Rows) -> Iterator[str]:
    if rows:
        more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
        yield f"{what} {', '.join(str(row['name']) for row in rows[:_SHOWN])}{more}"


def _beyond(session: AppDatabaseSession, reads: Rows) -> Iterator[str]:
    """Columns that it may read and the mapping does not name; nothing where there is no mapping yet."""
    mapped = {
        (columns[TABLE], column)
        for columns in session.own.mapping.values()
        for name, column in columns.items()
        if name != TABLE
    }
    if mapped:
        extra = [
            {"name": f"{row['name']}.{row['column']}"} for row in reads if (row["name"], row["column"]) not in mapped
        ]
        yield from _named("may read what is not mapped:", extra)


async def mapping(session: AppDatabaseSession, _subject: Subject | None) -> Diagnosis:
    """Are the mapped tables and columns there, and may they be read?"""
    needed = "for trips, members and drivers a table and its columns"
    if not session.own.mapping:
        return await _proposal(session, needed)
    faults: list[CustomerResearchError] = []
    for kind in session.own.mapping:

        async def work(ask: Ask, kind: str = kind) -> None:
            await session.types(ask, kind)

        try:
            await session.run(session.log("doctor"), session.own.live_seconds, work)
        except CustomerResearchError as error:
            faults.append(error)
    if faults:
        found, fix = " ".join(error.message for error in faults), faults[0].hint
        return Diagnosis("fail", found, needed, fix)
    found = f"{', '.join(session.own.mapping)} are there (mapping {session.own.mapping_digest})"
    if unmapped := [kind for kind in LOGICAL if kind not in session.own.mapping]:
        return Diagnosis(
            "warn", f"{found}; {', '.join(unmapped)} not mapped", needed, "Map them, or leave them to the warehouse."
        )
    return Diagnosis("ok", found, needed)


async def _proposal(session: AppDatabaseSession, needed: str) -> Diagnosis:
    """The mapping that the catalogue suggests, to be pasted or written."""
    (found,) = await _asked(session, statements.RELATIONS)
    proposed = discovery.proposals(found)
    if not proposed:
        return Diagnosis(
            "fail", "no table looks like trips, members or drivers", needed, "Set app_database.mapping by hand."
        )
    whole = [one for one in proposed if one.whole]
    fix = (
        "Look at each column, then paste into the settings file (or --write):\n"
        if whole
        else "Give what lacks by a view. "
    )
    fix += "\n".join(one.settings for one in whole)
    written: dict[str, Any] = {f"app_database.mapping.{one.kind}": dict(one.mapping) for one in whole}
    if amounts := next(filter(None, (one.amounts for one in whole)), ""):
        written["app_database.amounts"] = amounts
    return Diagnosis("warn", ". ".join(one.text for one in proposed) + ".", needed, fix, written)


async def ids(session: AppDatabaseSession, _subject: Subject | None) -> Diagnosis:
    """Are the records' operators told by the operator id?"""
    needed = "records that name their operator by its operator id"
    said = []
    for kind, columns in session.own.mapping.items():

        async def work(ask: Ask, columns: Mapping[str, str] = columns) -> Rows:
            return await ask(statements.operators(columns), _SAMPLE)

        rows = await session.run(session.log("doctor"), session.own.live_seconds, work)
        known = sum(_is_asked_for(row["operator_id"]) for row in rows)
        if rows and known * 2 < len(rows):
            fix = (
                f"Map app_database.mapping.{kind}.operator_id to the column with the operator's id, in lower case, with dashes; "
                "a view may give it."
            )
            return Diagnosis(
                "fail", f"{kind}: {known * _PERCENT // len(rows)} % of {len(rows)} are operator ids", needed, fix
            )
        said.append(f"{kind}: {known} of {len(rows)}")
    if not said:
        return Diagnosis("skipped", "nothing is mapped", needed)
    return Diagnosis("ok", ", ".join(said), needed)


def _is_asked_for(stored: str | None) -> bool:
    """Whether it is an operator id, spelt as the statement about one operator asks for it."""
    found = operator_id(stored)
    return found is not None and found.removeprefix(LEGACY) == stored


CHECKS = (
    Check("connection", "Is it a replica, does it keep up, is the connection encrypted?", connection),
    Check("role", "Does the role refuse what it must?", role),
    Check("mapping", "Are the mapped tables and columns there?", mapping),
    Check("ids", "Are the records' operators told by the operator id?", ids),
)
