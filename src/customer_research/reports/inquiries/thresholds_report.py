"""Where to alert and how bands are cut, chosen on what happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from customer_research.domain.backtest import AlertThreshold, BandChoice
from customer_research.domain.calibration import Estimate
from customer_research.domain.evidence import Receipt
from customer_research.domain.health import BAND_LABELS
from customer_research.domain.money import Money
from customer_research.domain.report import Block, FigureLine, Figures, Freshness, Prose
from customer_research.domain.track import ENOUGH
from customer_research.domain.words import counted, money_words, share_words, value_words
from customer_research.reports.blocks import Proof
from customer_research.reports.churn_by_band import band_table
from customer_research.reports.inquiries.backtest_report import load_table, merged_words
from customer_research.reports.inquiries.outcomes_report import BIAS
from customer_research.reports.kind import Head, Outline, section


@dataclass(frozen=True, slots=True)
class Refusal:
    """A score by which nothing can be chosen: how many accounts left, and the AUC, whose interval holds 0.5 if they are enough."""

    churned_accounts: int
    auc: Estimate | None


@dataclass(frozen=True, slots=True)
class ThresholdResult:
    """A choice of thresholds for one scorecard; `written` are the names of the files that hold it.

    `chosen` is None where it was `refused`.
    """

    name: str
    version: str
    chosen: AlertThreshold | None
    refused: Refusal | None
    bands: BandChoice
    written: tuple[str, ...]
    basis: tuple[Receipt, ...]
    receipts: tuple[Receipt, ...]
    freshness: tuple[Freshness, ...]
    as_of: datetime
    now: datetime

    @property
    def proof(self) -> Proof:
        """What was computed of the rows."""
        return Proof(self.basis, self.as_of)


def why_words(chosen: AlertThreshold) -> str:
    """How a threshold was chosen, in a few words."""
    if chosen.economics is None:
        return f"at most {chosen.capacity:g} new alerts a week"
    terms = chosen.economics
    cost, value = (money_words(Money("USD", minor)) for minor in (terms.cost_minor, terms.value_minor))
    return f"churn of {share_words(terms.break_even)} or more: {cost} a contact, {share_words(terms.save_rate)} saved of {value}"


def _head(told: ThresholdResult) -> Head:
    title = f"Thresholds of {told.name} {told.version}"
    return Head(told.now, told.as_of, told.freshness, _headline(told), title=title)


def _headline(told: ThresholdResult) -> Prose:
    chosen = told.chosen
    if chosen is None:
        return _refusal(told)
    facts = (told.proof.fact(chosen.events),)
    on = f"on {counted(chosen.events, 'churned account')}"
    if chosen.at is None:
        return Prose(f"At no score is an alert right under these terms ({why_words(chosen)}), {on}.", facts, "watch")
    return Prose(f"Alert at a score of {chosen.at} or below: {why_words(chosen)}, {on}.", facts)


def _refusal(told: ThresholdResult) -> Prose:
    refused = told.refused
    assert refused is not None
    count = told.proof.fact(refused.churned_accounts)
    if refused.churned_accounts < ENOUGH or refused.auc is None:
        return Prose(
            f"No threshold: not enough churn yet ({refused.churned_accounts} of {ENOUGH} accounts that left).",
            (count,),
            "unknown",
        )
    auc = told.proof.fact(refused.auc, "estimate")
    return Prose(
        f"No threshold: {told.name} is not shown to predict who leaves on your data (AUC {value_words(auc)}; 0.5 is chance; "
        f"{counted(refused.churned_accounts, 'account')} left).",
        (auc, count),
        "watch",
    )


def _threshold(told: ThresholdResult) -> Iterator[Block | None]:
    chosen = told.chosen
    if chosen is None:
        yield _refusal(told)
        return
    lines = [FigureLine("Churned accounts", Proof(told.receipts, told.as_of).fact(chosen.events))]
    if chosen.at is not None:
        lines.append(FigureLine("Alert at this score or below", told.proof.fact(chosen.at, "points")))
    if chosen.economics is not None:
        worth = told.proof.fact(chosen.economics.break_even, "ratio")
        lines.append(FigureLine("Probability from which an alert is worth its cost", worth))
    yield Figures(tuple(lines))
    if chosen.load is not None:
        yield load_table((chosen.load,), told.basis, told.as_of)
    yield Prose(BIAS)
    if told.written:
        yield Prose(f"Written: {', '.join(told.written)}.")


def _bands(told: ThresholdResult) -> Iterator[Block | None]:
    bands = told.bands
    yield band_table(bands.groups, told.basis, told.as_of)
    if words := merged_words(bands.merged):
        yield Prose(words, (), "watch")
    if bands.after is None:
        yield Prose(
            f"Cut-offs stay as they are ({_cuts(bands.before)}): {bands.events} of {bands.needed} churned accounts that new ones "
            "take.",
            (told.proof.fact(bands.events),),
        )
        return
    yield Prose(
        f"New cut-offs ({_cuts(bands.after)}; before: {_cuts(bands.before)}): where churn is one, two and four times as likely as "
        "on average; bands that do not separate are one, under the milder name.",
        (told.proof.fact(bands.events),),
    )


def _cuts(cuts: tuple[int, int, int]) -> str:
    names = ("healthy", "monitor", "at_risk")
    return ", ".join(f"{BAND_LABELS[name]} from {cut}" for name, cut in zip(names, cuts, strict=True))


REPORT = Outline(
    "thresholds",
    "Thresholds",
    _head,
    (section("threshold", "Alert threshold", _threshold), section("bands", "Bands", _bands)),
)
