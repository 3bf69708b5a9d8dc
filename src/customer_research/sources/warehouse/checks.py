"""What `doctor` asks of the warehouse: key, database, operator filter, relations, row caps, times, freshness.

What it asks of Snowflake itself stands in `checks_snowflake`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Check, Subject
from customer_research.domain.check import Diagnosis
from customer_research.domain.tables import STALE_AFTER
from customer_research.domain.values import UnreadableError
from customer_research.errors import CustomerResearchError, Denied, RateLimited, SchemaChanged, Truncated
from customer_research.sources.warehouse import normalise
from customer_research.sources.warehouse.bindings import ChargePath as Path
from customer_research.sources.warehouse.bindings import declared
from customer_research.sources.warehouse.checks_snowflake import grants_are, session_is, token_ends
from customer_research.sources.warehouse.settings import direct

if TYPE_CHECKING:
    from customer_research.sources.warehouse.session import WarehouseSession

SCOPES = (
    "Metabase API key: native queries on the Snowflake database",
    "Metabase API key: view of card 642",
    "or, without Metabase, a Snowflake role: USAGE on warehouse, database and schemas, SELECT on the relations",
)

EXPECTED_FIELD = 58047
"""Field id of OPERATOR_ID in card 642, as the original procedure has it."""

BARE_CAP = 2_000
"""Metabase's own cap on rows without aggregation."""

SAMPLE = 200
_MODEST = 500
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CARD_NUMBER = re.compile(r"\{\{#(\d+)")

_NEWEST = {
    "reservations": "SELECT MAX(CASE WHEN t.CREATED_AT <= $as_of THEN t.CREATED_AT END) AS latest FROM {reservations} AS t",
    "charge model": "SELECT MAX(CASE WHEN t.CREATED_DATE <= $as_of THEN t.CREATED_DATE END) AS latest FROM {charges} AS t",
    "CSM view": (
        "SELECT MAX(CASE WHEN t.R_LAST_TRIP_CREATED_AT <= $as_of THEN t.R_LAST_TRIP_CREATED_AT END) AS latest "
        "FROM {csm} AS t"
    ),
}

Run = Callable[["WarehouseSession", Subject | None], Awaitable[Diagnosis]]


_AMOUNT = Decimal("1234567.5")


def _guarded(needed: str, run: Run) -> Run:
    """A check whose failed request is a failed check, in the error's own words."""

    async def guarded(session: WarehouseSession, subject: Subject | None) -> Diagnosis:
        try:
            return await run(session, subject)
        except UnreadableError as error:
            return Diagnosis("fail", f"A value cannot be read: {error}.", needed, f"{normalise.PLAIN_VALUES}.")
        except CustomerResearchError as error:
            return Diagnosis("warn" if isinstance(error, RateLimited) else "fail", error.message, needed, error.hint)

    return guarded


# -- the connection ----------------------------------------------------------------------------------------------------


async def _key(session: WarehouseSession, _subject: Subject | None) -> Diagnosis:
    needed = "a key that Metabase accepts"
    try:
        found = await session.http.get("/api/user/current", log=session.http.log("doctor"))
    except Denied as error:
        fix = "Make an API key in Metabase (Admin, Authentication, API keys) and set metabase.api_key."
        return Diagnosis("fail", error.message, needed, fix)
    name = str(found.get("common_name") or "accepted") if isinstance(found, Mapping) else "accepted"
    return Diagnosis("ok", name, needed)


async def _database(session: WarehouseSession, _subject: Subject | None) -> Diagnosis:
    needed = "the id of the Snowflake database"
    body = await session.http.get("/api/database", log=session.http.log("doctor"))
    listed = body.get("data", []) if isinstance(body, Mapping) else body
    known = {int(one["id"]): one for one in listed if isinstance(one, Mapping) and "id" in one}
    wanted = session.own.database
    here = known.get(wanted)
    if here is not None and here.get("engine") == "snowflake":
        return Diagnosis("ok", f"{wanted} is {here.get('name')} (snowflake)", needed)
    snowflakes = [number for number, one in known.items() if one.get("engine") == "snowflake"]
    found = f"{wanted} is {here.get('name')} ({here.get('engine')})" if here is not None else f"no database {wanted}"
    if len(snowflakes) == 1:
        fix = f"Set metabase.database = {snowflakes[0]}."
        return Diagnosis("fail", found, needed, fix, {"metabase.database": snowflakes[0]})
    fix = (
        "Give the key's group access to Snowflake." if not snowflakes else f"Choose metabase.database of {snowflakes}."
    )
    return Diagnosis("fail", found, needed, fix)


# -- the operator filter -----------------------------------------------------------------------------------------------


async def _operator_filter(session: WarehouseSession, subject: Subject | None) -> Diagnosis:
    needed = "the card's filter by field id and our SQL give the same trips of one real operator"
    operator, counted = await _probe_operator(session, subject)
    if operator is None:
        return Diagnosis("skipped", "no operator with a modest number of trips", needed, "Name an operator.")
    card = _CARD_NUMBER.match(session.own.reservations.strip())
    if card is None:
        why = "no card in the settings" if session.statements is None else "Snowflake has no cards"
        return Diagnosis("ok" if counted else "warn", f"SQL filter: {counted} trips of {operator} ({why})", needed)
    number = int(card[1])
    field = await _operator_field(session, number)
    if field is None:
        fix = f"Run card {number} once in Metabase, so that its columns are known."
        return Diagnosis("warn", f"SQL filter: {counted} trips; card {number} tells no field id", needed, fix)
    rows, alien = await _card_rows(session, number, field, operator)
    found = f"field {field}: {rows} trips of {operator}, SQL: {counted}"
    if alien or rows != min(counted, BARE_CAP):
        fix = f"The filter on field {field} of card {number} does not filter: check the model's OPERATOR_ID mapping."
        return Diagnosis("fail", f"{found}, {alien} of other operators", needed, fix)
    if field != EXPECTED_FIELD:
        return Diagnosis("warn", f"{found} (the old procedure says field {EXPECTED_FIELD})", needed)
    return Diagnosis("ok", found, needed)


async def _probe_operator(session: WarehouseSession, subject: Subject | None) -> tuple[str | None, int]:
    """An operator and its trips by SQL: the asked one, else (or when it has too many to list) a smaller one."""
    if subject is not None:
        counted = await _trips(session, subject.operator_id)
        if 0 < counted <= _MODEST:
            return subject.operator_id, counted
    sql = (
        "SELECT v.LAGO_EXTERNAL_CUSTOMER_ID AS operator_id FROM {csm} AS v "
        "WHERE v.R_TOTAL_RESERVATIONS_COUNT BETWEEN 1 AND $modest ORDER BY operator_id LIMIT 1"
    )
    answer = await session.run(sql, {"modest": _MODEST}, stream="doctor")
    if not answer.rows:
        return None, 0
    operator = str(answer.rows[0]["operator_id"])
    return operator, await _trips(session, operator)


async def _trips(session: WarehouseSession, operator: str) -> int:
    sql = "SELECT COUNT(*) AS trips FROM {reservations} AS r WHERE r.OPERATOR_ID = $operator_id"
    answer = await session.run(sql, {"operator_id": operator}, stream="doctor")
    return int(answer.rows[0]["trips"])


async def _operator_field(session: WarehouseSession, card: int) -> int | None:
    """The field id of OPERATOR_ID in a card's results."""
    body = await session.http.get(f"/api/card/{card}", log=session.http.log("doctor"))
    for column in body.get("result_metadata") or [] if isinstance(body, Mapping) else []:
        if str(column.get("name", "")).upper() == "OPERATOR_ID":
            return int(column["id"]) if column.get("id") is not None else None
    return None


async def _card_rows(session: WarehouseSession, card: int, field: int, operator: str) -> tuple[int, int]:
    """Rows that the card gives under its field filter, and how many of them are other operators'."""
    parameter = {"type": "category", "target": ["dimension", ["field", field, None]], "value": [operator]}
    body = await session.http.post(
        f"/api/card/{card}/query",
        json={"ignore_cache": True, "parameters": [parameter]},
        log=session.http.log("doctor"),
    )
    data = body.get("data", {}) if isinstance(body, Mapping) and body.get("status") == "completed" else None
    if data is None:
        words = str(body.get("error", ""))[:200] if isinstance(body, Mapping) else ""
        raise SchemaChanged(f"Card {card} cannot be filtered by field {field}: {words}", source="warehouse")
    names = [str(column["name"]).upper() for column in data["cols"]]
    at = names.index("OPERATOR_ID")
    return len(data["rows"]), sum(str(row[at]).lower() != operator.lower() for row in data["rows"])


# -- identifiers, relations ----------------------------------------------------------------------------------------------


async def _operator_ids(session: WarehouseSession, _subject: Subject | None) -> Diagnosis:
    needed = "dashed lower-case UUIDs"
    answer = await session.sample_operators(SAMPLE)
    ids = [str(row["operator_id"]) for row in answer.rows]
    odd = [one for one in ids if not _UUID.fullmatch(one)]
    if not ids:
        return Diagnosis("warn", "the CSM view has no active operator", needed, "Check metabase.csm.")
    if not odd:
        return Diagnosis("ok", f"{len(ids)} of {len(ids)} sampled", needed)
    plain = [one for one in odd if _UUID.fullmatch(one.strip().lower())]
    fix = (
        "Lower-case and trim them at the view."
        if len(plain) == len(odd)
        else "Look at these ids: they match nothing else."
    )
    return Diagnosis("warn", f"{len(odd)} of {len(ids)} sampled differ, e.g. {odd[0][:40]!r}", needed, fix)


async def _relations(session: WarehouseSession, _subject: Subject | None) -> Diagnosis:
    needed = "every relation of the settings with the columns that figures are made from"
    wrong = [*await _csm_faults(session)]
    direct = declared(Path("direct", "", "")).values()
    raw = (one for one in declared(Path("raw", "", "")).values() if one.table in {"charge", "dispute"})
    wanted: dict[str, set[str]] = {}
    for binding in (*direct, *raw):
        for alias, setting in binding.relations.items():
            needs = {name for name in binding.vendor_columns(alias) if f"{alias}.{name}" not in binding.optional}
            wanted.setdefault(setting, set()).update(needs)
    wanted.setdefault("operator", set()).update({"OPERATOR_ID", "STRIPE_ACCOUNT"})
    off = [name for name in wanted if not getattr(session.own, name).strip()]
    for setting in sorted(set(wanted) - set(off)):
        try:
            lacking = wanted[setting] - await session.columns(setting)
        except SchemaChanged:
            wrong.append(f"metabase.{setting}: no such relation")
            continue
        if lacking:
            wrong.append(f"metabase.{setting}: no column {', '.join(sorted(lacking))}")
    tail = f"; switched off: {', '.join(off)}" if off else ""
    if wrong:
        whom = "the key's group access to" if session.statements is None else "the role SELECT on"
        fix = f"Correct these settings, or grant {whom} the tables."
        return Diagnosis("fail", "; ".join(wrong) + tail, needed, fix)
    return Diagnosis("ok", f"{len(wanted) - len(off) + 1} relations complete{tail}", needed)


async def _csm_faults(session: WarehouseSession) -> list[str]:
    try:
        lacking = (normalise.COLUMNS - normalise.DISPLAY_ONLY) - await session.columns("csm")
    except SchemaChanged:
        return ["metabase.csm: no such relation"]
    first = sorted(lacking & normalise.KEY_COLUMNS) + sorted(lacking - normalise.KEY_COLUMNS)
    return [f"metabase.csm: no column {', '.join(first)}"] if first else []


async def _optional_columns(session: WarehouseSession, _subject: Subject | None) -> Diagnosis:
    """Which columns exist that only some deployments have (the variants of the CSM view)."""
    csm = await session.columns("csm")
    charges = await session.columns("charges")
    told = [f"{name} in the CSM view: {_yes(name in csm)}" for name in sorted(normalise.OPTIONAL)]
    told.append(f"OPERATOR_ID in the charge model: {_yes('OPERATOR_ID' in charges)}")
    return Diagnosis("ok", "; ".join(told), "nothing: figures do without them")


def _yes(there: bool) -> str:  # noqa: FBT001 - a word for a truth value
    return "yes" if there else "no"


async def _account_join(session: WarehouseSession, _subject: Subject | None) -> Diagnosis:
    needed = "Stripe accounts in the operator table (else the CSM view's account is used)"
    sql = "SELECT COUNT(*) AS operators, COUNT(o.STRIPE_ACCOUNT) AS accounts FROM {operator} AS o"
    row = (await session.run(sql, {}, stream="doctor")).rows[0]
    operators, accounts = int(row["operators"]), int(row["accounts"])
    return Diagnosis("ok" if accounts else "warn", f"{accounts} of {operators} operators have an account", needed)


# -- transport -----------------------------------------------------------------------------------------------------------


async def _row_caps(session: WarehouseSession, _subject: Subject | None) -> Diagnosis:
    needed = f"more than Metabase's own {BARE_CAP} rows when we ask for them"
    wanted = BARE_CAP + 1
    sql = "SELECT r.TRIP_ID AS trip_id FROM {reservations} AS r LIMIT $wanted"
    try:
        answer = await session.run(sql, {"wanted": wanted}, stream="doctor")
    except Truncated as error:
        fix = "Lists longer than the cap come as gaps; raise it in Metabase (MB_UNAGGREGATED_QUERY_ROW_LIMIT)."
        return Diagnosis("warn", error.message, needed, fix)
    if len(answer.rows) < wanted:
        return Diagnosis("skipped", f"only {len(answer.rows)} trips to list", needed)
    return Diagnosis("ok", f"{len(answer.rows)} rows came uncut; no rate limit met", needed)


async def _response_time(session: WarehouseSession, _subject: Subject | None) -> Diagnosis:
    deadline = session.settings.deadline_seconds
    needed = f"an aggregate over all trips within half of deadline_seconds ({deadline:g} s)"
    started = time.perf_counter()
    sql = "SELECT COUNT(*) AS trips, MIN(r.CREATED_AT) AS first_at FROM {reservations} AS r"
    answer = await session.run(sql, {}, stream="doctor")
    took = time.perf_counter() - started
    found = f"{answer.rows[0]['trips']} trips aggregated in {took:.1f} s"
    if took > deadline / 2:
        whose = "Metabase's Snowflake connection" if session.statements is None else "the role"
        fix = f"Raise deadline_seconds, or give {whose} a larger warehouse."
        return Diagnosis("warn", found, needed, fix)
    return Diagnosis("ok", found, needed)


async def _time_zone(session: WarehouseSession, _subject: Subject | None) -> Diagnosis:
    needed = "a UTC wall time that comes back as that instant"
    known = datetime(2026, 1, 15, 12, tzinfo=UTC)
    answer = await session.run("SELECT $known AS instant", {"known": known}, stream="doctor")
    found: Any = answer.rows[0]["instant"]
    if found == known:
        return Diagnosis("ok", "UTC", needed)
    fix = (
        "Set Metabase's report time zone (Admin, Localization) to UTC."
        if session.statements is None
        else "Have the account's TIMESTAMP_TYPE_MAPPING be TIMESTAMP_NTZ."
    )
    return Diagnosis("fail", f"12:00 UTC came back as {found}", needed, fix)


async def _freshness(session: WarehouseSession, _subject: Subject | None) -> Diagnosis:
    needed = f"newest records within {STALE_AFTER.total_seconds() / 3600:.0f} h"
    now = session.clock()
    latest = {name: await _latest(session, sql, now) for name, sql in _NEWEST.items()}
    ages = {name: now - at for name, at in latest.items() if at is not None}
    told = "; ".join(f"{name}: {_age(ages[name])} old" if name in ages else f"{name}: empty" for name in latest)
    stale = [name for name in latest if name not in ages or ages[name] > STALE_AFTER]
    if stale:
        fix = f"Ask who runs the load of: {', '.join(stale)}."
        return Diagnosis("warn", told, needed, fix)
    return Diagnosis("ok", told, needed)


async def _latest(session: WarehouseSession, sql: str, now: datetime) -> datetime | None:
    """The newest value before now; a day counts to its end."""
    value = (await session.run(sql, {"as_of": now}, stream="doctor")).rows[0]["latest"]
    if isinstance(value, datetime) or value is None:
        return normalise.moment(value)
    found = normalise.day(value)
    ends = datetime(found.year, found.month, found.day, tzinfo=UTC) + timedelta(days=1) if found is not None else None
    return min(ends, now) if ends is not None else None


def _age(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours:.0f} h" if hours < STALE_AFTER.total_seconds() / 3600 else f"{hours / 24:.0f} days"


async def _exports(session: WarehouseSession, _subject: Subject | None) -> Diagnosis:
    needed = "an export that gives values as they are: ISO 8601 times, plain numbers"
    at = datetime(2026, 1, 15, 12, 34, 56, tzinfo=UTC)
    sql = "SELECT $known AS instant, 1234567.5 AS amount"
    row = (await session.run(sql, {"known": at}, stream="doctor", whole=True)).rows[0]
    fix = "Switch formatting of exports off in Metabase, or update it: 0.49.0 to 0.49.9 format whatever is asked for."
    shown = f"{row['instant']}; {row['amount']}"
    try:
        same = normalise.moment(row["instant"]) == at and normalise.decimal(row["amount"]) == _AMOUNT
    except UnreadableError as error:
        return Diagnosis("fail", f"a value that cannot be read: {error}", needed, fix)
    if not same:
        return Diagnosis("warn", f"values come changed: {shown}", needed, fix)
    return Diagnosis("ok", shown, needed)


def _check(name: str, question: str, run: Run, applies: Callable[[SettingsTree], bool] = lambda _: True) -> Check:
    return Check(name, question, _guarded(question, run), applies)


def _by_metabase(settings: SettingsTree) -> bool:
    return direct(settings) is None


def _by_snowflake(settings: SettingsTree) -> bool:
    return direct(settings) is not None


def _by_token(settings: SettingsTree) -> bool:
    own = direct(settings)
    return own is not None and own.ways == ("token",)


CHECKS = (
    _check("key", "Does Metabase accept the key?", _key, _by_metabase),
    _check("database", "Is the Metabase database id Snowflake's?", _database, _by_metabase),
    _check("session", "As which user, role and warehouse does Snowflake let us in?", session_is, _by_snowflake),
    _check("grants", "May the role only read?", grants_are, _by_snowflake),
    _check("token", "When does the programmatic access token end?", token_ends, _by_token),
    _check(
        "operator_filter",
        "Does the operator filter work with a real operator id, by field id and by SQL?",
        _operator_filter,
    ),
    _check("operator_ids", "Which form do operator ids have in the warehouse?", _operator_ids),
    _check("relations", "Do all relations of the settings exist, with their columns?", _relations),
    _check("optional_columns", "Which optional columns does this deployment have?", _optional_columns),
    _check("account_join", "Does the operator table know the Stripe accounts?", _account_join),
    _check("row_caps", "Do row caps cut our answers?", _row_caps, _by_metabase),
    _check("response_time", "Does the warehouse answer within the deadline?", _response_time),
    _check("time_zone", "Do times come back as UTC?", _time_zone),
    _check("exports", "Do exports give values as they are?", _exports, _by_metabase),
    _check("freshness", "How old are the newest records?", _freshness),
)
