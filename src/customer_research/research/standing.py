"""How an operator stands in the newest snapshot, with its open alerts and what people recorded: read from the store, nobody is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from customer_research.domain.alert import alerts_of
from customer_research.domain.report import Report
from customer_research.reports.inquiries.standing_report import REPORT, KeptStanding
from customer_research.reports.kind import Head
from customer_research.research.alerting.open_list import bare_basis
from customer_research.research.one.resolve import of_lake, operator_id_of
from customer_research.research.past.outcomes import store_receipt
from customer_research.research.portfolio.books import looking
from customer_research.research.portfolio.moves import history_receipt
from customer_research.settings import Settings
from customer_research.store.alerts import AlertBook
from customer_research.store.books import Books
from customer_research.store.history import History
from customer_research.store.outcomes import OutcomeBook

CLEARED_LATELY = timedelta(days=90)
"""Alerts that were cleared in this time before the snapshot are told of."""


def standing_report(settings: Settings, term: str, *, now: datetime) -> Report:
    """What is kept of the one operator that the term names.

    Raises:
        UsageError: there is no snapshot yet.
        OperatorNotFound, AmbiguousOperator: the lake knows no such operator, or several (of an id none is asked).
        StoreError: the store cannot be read.
    """
    operator_id = operator_id_of(term) or of_lake(settings, term).operator_id
    with looking(settings, now) as (store, ready):
        line = Books(store).named(ready, (operator_id,)).get(operator_id)
        book, records = AlertBook(store), OutcomeBook(store).records(operator_id)
        episodes = book.episodes(open_only=False, subject=operator_id)
        judged, basis = book.newest(), None
        if judged is not None:
            seen = History(store).snapshot(judged.snapshot) or ready.snapshot
            basis = replace(
                bare_basis(settings, store, seen, episodes, what=f"alerts of operator {operator_id}", now=now),
                as_of=judged.as_of,
            )
        since = ready.snapshot.as_of - CLEARED_LATELY
        names = [line.name] if line is not None else [*(one.name for one in records), *(one.name for one in episodes)]
        return REPORT.build(
            KeptStanding(
                operator_id=operator_id,
                operator_name=names[-1] if names else "",
                snapshot=ready.snapshot,
                line=line,
                alerts=alerts_of(one for one in episodes if one.open),
                ended=tuple(one for one in episodes if one.cleared is not None and one.cleared.as_of >= since),
                basis=basis,
                records=records,
                recorded=store_receipt(records, store.place),
                history=None if line is None else history_receipt(ready.snapshot, (line,), store.place),
                head=Head(now, ready.snapshot.as_of, ready.freshness),
            )
        )
