"""Account snapshots: what a report was made of, kept, made into reports again, and compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import customer_research
from customer_research.domain import parsing
from customer_research.domain.account import Account
from customer_research.domain.account_snapshot import AccountSnapshot, Code
from customer_research.domain.catalogue import METRICS
from customer_research.domain.occasion import Occasion
from customer_research.domain.report import Report
from customer_research.errors import UsageError
from customer_research.reports.inquiries import difference
from customer_research.reports.kind import INTERNALLY
from customer_research.reports.kinds import KINDS
from customer_research.research.one.operators import Operators
from customer_research.settings import Settings
from customer_research.store.accounts import AccountSnapshots, described

_LIBRARIES = ("Babel", "python-pptx", "rich", "typst", "vl-convert-python", "xlsxwriter")
"""Libraries whose version decides the bytes of a report."""

_CODE = frozenset({".py", ".sql", ".toml", ".json", ".typ", ".css", ".ttf", ".otf"})


@cache
def this_code() -> Code:
    """The running program: the digest is over its files, so that two checkouts of one version are told apart."""
    root = Path(customer_research.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.suffix in _CODE):
        digest.update(f"{path.relative_to(root).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    libraries = {name: found for name in _LIBRARIES if (found := _version(name)) is not None}
    return Code(customer_research.__version__, digest.hexdigest()[:16], libraries)


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


async def everything(operators: Operators, term: str, *, scorecard: str | None = None) -> Account:
    """All that any report on the one operator reads; errors as `Research.report`."""
    needs = frozenset[str]().union(*(kind.needs for kind in KINDS.values()))
    also = dict.fromkeys(name for kind in KINDS.values() for name in kind.scorecards)
    return await operators.account(term, listings=needs, scorecard=scorecard, also=tuple(also), past=True, levers=True)


async def take(operators: Operators, term: str, *, scorecard: str | None = None) -> tuple[AccountSnapshot, Path]:
    """Read everything that any report on the operator needs, and keep it; errors as `Research.report`.

    Raises:
        StoreError: it cannot be written.
    """
    account = await everything(operators, term, scorecard=scorecard)
    return AccountSnapshots(operators.settings.snapshots_folder).keep(account, this_code())


def kept(settings: Settings, operator_id: str = "*") -> Iterator[tuple[str, str, str]]:
    """Operator id, instant and id of the snapshots that are kept, the newest first."""
    return map(described, AccountSnapshots(settings.snapshots_folder).paths(operator_id))


def find(settings: Settings, reference: str) -> AccountSnapshot:
    """The snapshot that an id, the beginning of one, or a file names.

    Raises:
        UsageError: none, or several.
        StoreError: it cannot be read.
    """
    return AccountSnapshots(settings.snapshots_folder).find(reference)


def same_code(snapshot: AccountSnapshot) -> bool:
    """Whether a report of the snapshot has the bytes that it had when the snapshot was taken."""
    return snapshot.code == this_code()


def report(snapshot: AccountSnapshot, kind: str, occasion: Occasion = INTERNALLY) -> Report:
    """A report of a snapshot, as it was when the snapshot was taken.

    Raises:
        UsageError: no report of that kind is made of one operator's account, or it has no form for the audience.
    """
    chosen = KINDS.get(kind)
    if chosen is None or chosen.about != "operator":
        raise UsageError(f"There is no report {kind!r} of an account snapshot.", hint=f"Reports: {', '.join(KINDS)}.")
    return chosen.report(snapshot.account, occasion)


def compared(settings: Settings, before: str, after: str, *, operator_id: str = "") -> Report:
    """What differs between two snapshots; each is an id, a file, or a day (the newest snapshot up to it).

    Raises:
        UsageError: a snapshot is not there, a day is given without an operator, or the two are of different operators.
        StoreError: one cannot be read.
    """
    store = AccountSnapshots(settings.snapshots_folder)
    days = {reference: _day(reference) for reference in (before, after)}
    found = {reference: store.find(reference) for reference, day in days.items() if day is None}
    owner = operator_id or next((one.account.operator_id for one in found.values()), "")
    for reference, day in days.items():
        if day is not None:
            if not owner:
                raise UsageError("Two days name no operator.", hint="Give the operator id with --operator.")
            found[reference] = store.of(owner, day)
    then, now = found[before], found[after]
    if then.account.operator_id != now.account.operator_id:
        raise UsageError(
            f"The snapshots are of two operators: {then.account.operator_id} and {now.account.operator_id}.",
            hint="`customer-research compare` compares operators.",
        )
    report = difference.REPORT.build(
        difference.SnapshotDifference(then, now, {name: metric.label for name, metric in METRICS.items()})
    )
    return replace(report, people=then.account.people + now.account.people)


def _day(reference: str) -> date | None:
    try:
        return parsing.day(reference) if len(reference) == len("2026-11-01") else None
    except ValueError:
        return None
