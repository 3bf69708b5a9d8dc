"""The audit of calls: keeping it while a surface serves, listing and thinning it out."""

from __future__ import annotations

from datetime import datetime, timedelta

from customer_research.domain.access import NotedCall
from customer_research.domain.report import Report
from customer_research.errors import OperatorNotFound
from customer_research.reports.inquiries.audit_report import REPORT, CallList
from customer_research.research import lake_directory
from customer_research.research.one.resolve import not_one, operator_id_of
from customer_research.research.receipts import kept_receipt
from customer_research.settings import Settings
from customer_research.store.access import CallBook
from customer_research.store.database import open_store

SOURCE = "store"


def audit_report(
    settings: Settings,
    term: str | None,
    *,
    actor: str = "",
    since: datetime | None = None,
    refused: bool = False,
    most: int | None = None,
    now: datetime,
) -> Report:
    """The calls about an operator (or about anybody), the newest first.

    Raises:
        OperatorNotFound, AmbiguousOperator: the lake knows no such operator, or several.
        StoreError: the store cannot be read.
    """
    operator_id, name = ("", "") if term is None else _whom(settings, term)
    with open_store(settings.store_url) as store:
        calls, every = CallBook(store).newest(
            operator_id=operator_id, actor=actor.strip(), since=since, refused=refused, most=most
        )
        receipt = kept_receipt(
            "calls",
            tuple(map(repr, calls)),
            source=SOURCE,
            stream="calls",
            query="the calls that were asked for, the newest first",
            fetched_at=now,
            place=store.place,
        )
    names = {operator_id: name} if name else {}
    return REPORT.build(CallList(calls, every, names, receipt, now))


def note(settings: Settings, call: NotedCall) -> None:
    """Note a call.

    Raises:
        StoreError: the store cannot be written to.
    """
    with open_store(settings.store_url) as store:
        CallBook(store).add(call)


def prune(settings: Settings, days: int, *, now: datetime) -> int:
    """Remove the calls that are older than so many days; how many they were.

    Raises:
        StoreError: the store cannot be written to.
    """
    with open_store(settings.store_url) as store:
        return CallBook(store).prune(now - timedelta(days=days))


def _whom(settings: Settings, term: str) -> tuple[str, str]:
    """The id of the operator that a term names, and its name where it was looked up; an id need not be known."""
    known = operator_id_of(term)
    if known is not None:
        return known, ""
    found = lake_directory.search(settings, term)
    if found.best is not None:
        return found.best.operator_id, found.best.candidate.name
    if found.matches:
        raise not_one(found)
    raise OperatorNotFound(f"No operator of the lake answers to {term[:60]!r}.", hint="Give its operator id.")
