"""A draft about operators, held against everything that reports on them say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from customer_research.documents.page import Page
from customer_research.domain.report import Report
from customer_research.drafts.known import Known
from customer_research.drafts.of_page import known_of
from customer_research.drafts.verdicts import Verdict, verified
from customer_research.reports.kinds import OPERATOR_KINDS
from customer_research.research.one.account_snapshots import everything
from customer_research.research.one.operators import Operators


async def checked(
    operators: Operators, draft: str, terms: Sequence[str], *, kind: str = "", scorecard: str | None = None
) -> tuple[tuple[Verdict, ...], bool]:
    """Each number of a draft with its verdict, and whether all sources answered; errors of a term as `Research.report`.

    With a kind, the draft's citations are the numbers of that report's receipts, and each number must be what it cites; without
    one, a number may stand in any report on the operators, and citations are not read.
    """
    kinds = (OPERATOR_KINDS[kind],) if kind else tuple(OPERATOR_KINDS.values())
    known: list[Known] = []
    whole = True
    for term in terms:
        account = await everything(operators, term, scorecard=scorecard)
        made = [one.report(account) for one in kinds]
        whole = whole and not any(report.partial for report in made)
        known.extend(of_reports(made, cited=bool(kind)))
    return verified(draft, known), whole


def of_reports(reports: Sequence[Report], *, cited: bool) -> Iterator[Known]:
    """What reports say, each once; citations are numbered in each report anew, so that those of several say nothing."""
    found: dict[object, Known] = {}
    for report in reports:
        for one in known_of(Page(report)):
            told = one if cited else replace(one, citations=())
            found.setdefault((told.label, told.words, told.claim and told.claim.start, told.citations), told)
    yield from found.values()
