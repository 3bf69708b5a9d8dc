"""What sources say against each other about one operator, in sentences, and the findings of the correlation rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from customer_research.domain.report import Prose
from customer_research.domain.vocabularies import SIZE_TIERS
from customer_research.domain.words import value_words
from customer_research.record_tables import SECOND, SOURCES, TABLES
from customer_research.reports.figure_lines import is_true

if TYPE_CHECKING:
    from customer_research.domain.account import Account
    from customer_research.domain.health import Finding


def finding_prose(finding: Finding, *, numbered: bool = False) -> Prose:
    """One correlation finding in a sentence; its number is for who takes a score apart."""
    tones = {"risk": "bad", "conflict": "watch", "opportunity": "good", "context": "neutral"}
    named = f"{finding.rule}, " if numbered else ""
    text = f"{finding.title} ({named}{finding.priority}): {finding.because}"
    return Prose(text, finding.facts, tones[finding.kind])  # type: ignore[arg-type]


def disagreements(account: Account) -> tuple[Prose, ...]:
    """Where sources contradict each other: churn (R18), MRR, segment and size, plan names, how many records there are."""
    return (
        *(finding_prose(finding) for finding in account.findings if finding.kind == "conflict"),
        *_churn_conflict(account),
        *_mrr_conflict(account),
        *_trial(account),
        *_given_back(account),
        *_size_conflict(account),
        *_plan_conflict(account),
        *_two_counts(account),
    )


def _churn_conflict(account: Account) -> Iterator[Prose]:
    fact = account.fact("churn_conflict")
    if fact is not None and is_true(account, "churn_conflict") and all(f.rule != "R18" for f in account.findings):
        text = "Churn: the CSM view or HubSpot says churned, Lago has an active subscription. Lago is trusted."
        yield Prose(text, (fact,), "watch")


def _mrr_conflict(account: Account) -> Iterator[Prose]:
    difference, billed, viewed = (account.fact(name) for name in ("mrr_difference", "mrr_usd", "csm_mrr"))
    if difference is None or billed is None or viewed is None or difference.value == 0:
        return
    text = f"MRR: Lago gives {value_words(billed)}, the CSM view {value_words(viewed)} ({value_words(difference)})."
    yield Prose(text, (billed, viewed, difference), "watch")


def _trial(account: Account) -> Iterator[Prose]:
    fact = account.fact("trial_ends_at")
    if fact is not None and fact.value is not None and fact.value > account.as_of:
        text = f"MRR: in a free trial until {value_words(fact)}; until then nothing is paid for it."
        yield Prose(text, (fact,), "watch")


def _given_back(account: Account) -> Iterator[Prose]:
    fact = account.fact("given_back_amount")
    if fact is not None and any(money.minor for money in fact.value):
        yield Prose(f"Invoices: {value_words(fact)} was paid and lost again in a dispute.", (fact,), "bad")


def _size_conflict(account: Account) -> Iterator[Prose]:
    segment, tier = account.fact("segment"), account.fact("size_tier")
    if segment is None or tier is None:
        return
    fits, order = SIZE_TIERS.get(tier.value), list(SIZE_TIERS.values())
    if fits is None or segment.value not in order:
        return
    step = order.index(fits) - order.index(segment.value)
    if step > 0 or step < -1:
        size = "larger" if step > 0 else "smaller"
        text = f"Size: by plan {segment.value}, by trip revenue {tier.value} (the range of {fits}): {size} than its plan suggests."
        yield Prose(text, (segment, tier))


def _plan_conflict(account: Account) -> Iterator[Prose]:
    code, app = account.fact("base_plan_code"), account.fact("app_plan")
    if code is None or app is None:
        return
    if str(code.value).partition("-")[0] != str(app.value).lower():
        yield Prose(f"Plan: Lago has {code.value}, the app database {app.value}. Lago is trusted.", (code, app))


_COUNTED = {
    "reservation": "Trips",
    "member": "Members",
    "driver": "Drivers",
    "charge": "Card charges",
    "dispute": "Disputes",
}


def _two_counts(account: Account) -> Iterator[Prose]:
    """Records that the second source of a table has and its home has not, or the other way round."""
    for one in account.differences:
        second, home = (SOURCES[name].title for name in (SECOND[one.table], TABLES[one.table].home))
        text = (
            f"{_COUNTED.get(one.table, one.table)} ever recorded: {second} has {value_words(one.second)}, "
            f"{home} {value_words(one.home)}."
        )
        yield Prose(text, (one.second, one.home))
