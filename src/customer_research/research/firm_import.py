"""Company facts that somebody gives as a file: checked whole, then each kept in the place of what the provider said before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from customer_research.domain.faults import TableFault
from customer_research.domain.firm import FIELDS, FactValue, FirmFact
from customer_research.domain.records import CanonicalTable, Column
from customer_research.domain.words import clean, counted
from customer_research.errors import TablesRefused, UsageError
from customer_research.firms.reading import LONGEST, MOST
from customer_research.lake import Lake
from customer_research.research.engine_choice import scratch
from customer_research.research.lake_directory import listed
from customer_research.research.sync.given_rows import GivenRows, read_rows
from customer_research.settings import Settings
from customer_research.store.database import open_store
from customer_research.store.firms import FirmBook

TABLE = CanonicalTable(
    "company_facts",
    "facts",
    "one row per operator",
    ("operator_id",),
    (
        Column("operator_id", "text", "the operator"),
        Column("provider_id", "text", "the record at the provider"),
        Column("observed_on", "date", "day on which it was so"),
        Column("expires_on", "date", "day from which on it is too old"),
        *(Column(name, one.type, one.meaning) for name, one in FIELDS.items()),
    ),
)
"""What a file has: the operator, and whatever it tells."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
_CENTS = 100


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for a whole file: who says it, under which licence, how long it is good, and whether it is deleted then."""

    provider: str
    licence: str
    keep_days: int = 365
    erase: bool = False


@dataclass(frozen=True, slots=True)
class FactsImport:
    """What became of a file's values: new ones, those that replaced another value or an earlier file's, and those that were there."""

    operators: int
    new: int
    replaced: int
    same: int


def take(settings: Settings, path: Path, terms: Terms, now: datetime) -> FactsImport:
    """Keep the facts of a file. An empty cell says nothing: what was known stays. A file taken twice changes nothing.

    Raises:
        TablesRefused: everything that is wrong in it; nothing is kept then.
        UsageError: no such file, no name or licence, or the lake has no operators.
        StoreError: the store cannot be written to.
    """
    terms = _checked(terms)
    given = read_rows(path, TABLE, settings, now)
    faults = [*_unknown(given, _operators(settings), path), *_beyond(given, path)]
    if faults:
        lines = "".join(f"\n  {fault}" for fault in faults)
        raise TablesRefused(
            f"The file {path.name} has {counted(len(faults), 'fault')}; nothing was taken.",
            faults=tuple(faults),
            hint=f"Correct it and try again.{lines}",
        )
    facts = list(_facts(given, terms, now))
    with open_store(settings.store_url) as store:
        book = FirmBook(store)
        there = {(one.operator_id, one.field): one for one in book.of() if one.provider == terms.provider}
        changed = [one for one in facts if not _is_there(one, there.get((one.operator_id, one.field)))]
        book.keep(changed)
    replaced = sum((one.operator_id, one.field) in there for one in changed)
    return FactsImport(
        len({one.operator_id for one in facts}), len(changed) - replaced, replaced, len(facts) - len(changed)
    )


def _checked(terms: Terms) -> Terms:
    name, licence = "_".join(terms.provider.casefold().split()), clean(terms.licence)
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{terms.provider[:60]!r} is no provider's name.",
            hint="Give up to 40 letters, digits, - and _: coresignal.",
        )
    if not licence:
        raise UsageError("The licence is empty.", hint="Say in a few words under what the values may be used.")
    return Terms(name, licence[:LONGEST], terms.keep_days, terms.erase)


def _operators(settings: Settings) -> frozenset[str]:
    tables = Lake(settings.lake_folder).tables()
    if not tables.files.keys() & {"csm", "operator"}:
        raise UsageError(
            "The lake has no operators, so that nobody knows whose the facts are.", hint="Run `customer-research sync`."
        )
    with scratch(settings) as engine:
        return frozenset(one.operator_id for one in listed(engine, tables))


def _unknown(given: GivenRows, operators: frozenset[str], path: Path) -> Iterator[TableFault]:
    wrong = [(at, row["operator_id"]) for at, row in enumerate(given.rows, 1) if row["operator_id"] not in operators]
    if wrong:
        at, example = wrong[0]
        yield TableFault(
            TABLE.name, "no operator that the lake knows", "operator_id", len(wrong), at, path.name, example
        )


def _beyond(given: GivenRows, path: Path) -> Iterator[TableFault]:
    """Numbers that cannot be, and texts that are too long."""
    for column in TABLE.columns:
        wrong = [(at, str(row[column.name])) for at, row in enumerate(given.rows, 1) if _is_beyond(row[column.name])]
        if wrong:
            at, example = wrong[0]
            what = f"below 0, above {MOST:,}, or longer than {LONGEST} characters"
            yield TableFault(TABLE.name, what, column.name, len(wrong), at, path.name, example[:40])


def _is_beyond(value: Any) -> bool:
    return not 0 <= value <= MOST if isinstance(value, int) else isinstance(value, str) and len(value) > LONGEST


def _facts(given: GivenRows, terms: Terms, now: datetime) -> Iterator[FirmFact]:
    until = now + timedelta(days=terms.keep_days)
    for row in given.rows:
        for name, declared in FIELDS.items():
            if row[name] is not None:
                yield FirmFact(
                    operator_id=row["operator_id"],
                    field=name,
                    value=_value(row[name], declared.unit),
                    unit=declared.unit,
                    provider=terms.provider,
                    provider_id=row["provider_id"] or "",
                    licence=terms.licence,
                    likelihood=None,
                    matched_by="operator_id",
                    observed_at=_midnight(row["observed_on"]),
                    fetched_at=now,
                    expires_at=_midnight(row["expires_on"]) or until,
                    is_erased=terms.erase,
                    receipt=given.receipt,
                )


def _value(value: Any, unit: str) -> FactValue:
    if isinstance(value, str):
        return clean(value)
    return int(value) * _CENTS if unit == "usd_minor" else int(value)


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day is not None else None


def _is_there(fact: FirmFact, there: FirmFact | None) -> bool:
    """Whether this very value was taken from this very file."""
    if there is None or there.receipt.digest != fact.receipt.digest:
        return False
    names: Iterable[str] = ("value", "licence", "provider_id", "observed_at", "is_erased")
    return all(getattr(there, name) == getattr(fact, name) for name in names)
