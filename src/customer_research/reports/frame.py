"""The frame around every report on one operator: title, headline, warnings, freshness."""

from __future__ import annotations

from customer_research.domain.account import Account
from customer_research.domain.report import Report, Section
from customer_research.reports import judgement


def frame(account: Account, kind: str, title: str, sections: tuple[Section, ...]) -> Report:
    """A report on the account; a churned operator's is headed with the day of its churn."""
    churned = judgement.churned_words(account)
    return Report(
        kind=kind,
        title=f"{title}, {churned}" if churned else title,
        operator_id=account.operator_id,
        operator_name=account.name,
        generated_at=account.generated_at,
        as_of=account.as_of,
        sections=sections,
        freshness=account.freshness,
        warnings=judgement.warnings(account),
        headline=judgement.headline(account),
    )
