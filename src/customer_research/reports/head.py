"""What stands above every report on one operator: title, headline, warnings, freshness."""

from __future__ import annotations

from dataclasses import replace

from customer_research.domain.account import Account
from customer_research.domain.report import Prose
from customer_research.reports import judgement
from customer_research.reports.kind import Head


def head(account: Account, *, title: str = "", headline: Prose | None = None) -> Head:
    """The head of a report on the account; a churned operator's title ends with the day of its churn."""
    own = Head.of(account, headline or judgement.headline(account), judgement.warnings(account))
    return replace(own, title=title, remark=judgement.churned_words(account))
