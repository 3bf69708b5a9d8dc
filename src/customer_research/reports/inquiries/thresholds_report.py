"""Where to alert and how bands are cut, chosen on what happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from customer_research.domain.backtest import AlertThreshold, BandChoice
from customer_research.domain.calibration import Estimate
from customer_research.domain.health import BAND_LABELS
from customer_research.domain.money import Money
from customer_research.domain.report import Block, FigureLine, Figures, Prose
from customer_research.domain.track import ENOUGH
from customer_research.domain.words import counted, money_words, share_words, value_words
from customer_research.reports.blocks import Proof
from customer_research.reports.churn_by_band import band_table
from customer_research.reports.inquiries.backtest_report import TrialGround, load_table, merged_words
from customer_research.reports.inquiries.outcomes_report import BIAS
from customer_research.reports.kind import Head, Outline, section


@dataclass(frozen=True, slots=True)
class Refusal:
    """A score by which nothing can be chosen: how many accounts left, and the AUC, whose interval holds 0.5 if they are enough."""

    churned_accounts: int
    auc: Estimate | None


@dataclass(frozen=True, slots=True)
class ThresholdResult:
    """A choice of thresholds for one scorecard; `written` are the files that hold it.

    `chosen` is None where it was `refused`.
    """

    name: str
    version: str
    chosen: AlertThreshold | None
    refused: Refusal | None
    bands: BandChoice
    written: tuple[Path, ...]
    ground: TrialGround
    now: datetime


def why_words(chosen: AlertThreshold) -> str:
    """How a threshold was chosen, in a few words."""
    if chosen.economics is None:
        return f"at most {chosen.capacity:g} new alerts a week"
    terms = chosen.economics
    cost, value = (money_words(Money("USD", minor)) for minor in (terms.cost_minor, terms.value_minor))
    return f"churn of {share_words(terms.break_even)} or more: {cost} a contact, {share_words(terms.save_rate)} saved of {value}"


def _head(result: ThresholdResult) -> Head:
    return result.ground.head(result.now, _headline(result), f"Thresholds of {result.name} {result.version}")


def _headline(result: ThresholdResult) -> Prose:
    chosen = result.chosen
    if chosen is None:
        return _refusal(result)
    facts = (result.ground.proof.fact(chosen.events),)
    on = f"on {counted(chosen.events, 'churned account')}"
    if chosen.at is None:
        return Prose(f"At no score is an alert right under these terms ({why_words(chosen)}), {on}.", facts, "watch")
    return Prose(f"Alert at a score of {chosen.at} or below: {why_words(chosen)}, {on}.", facts)


def _refusal(result: ThresholdResult) -> Prose:
    refused = result.refused
    assert refused is not None
    count = result.ground.proof.fact(refused.churned_accounts)
    if refused.churned_accounts < ENOUGH or refused.auc is None:
        return Prose(
            f"No threshold: not enough churn yet ({refused.churned_accounts} of {ENOUGH} accounts that left).",
            (count,),
            "unknown",
        )
    auc = result.ground.proof.fact(refused.auc, "estimate")
    return Prose(
        f"No threshold: {result.name} is not shown to predict who leaves on your data (AUC {value_words(auc)}; 0.5 is chance; "
        f"{counted(refused.churned_accounts, 'account')} left).",
        (auc, count),
        "watch",
    )


def _threshold(result: ThresholdResult) -> Iterator[Block | None]:
    chosen = result.chosen
    if chosen is None:
        yield _refusal(result)
        return
    lines = [
        FigureLine("Churned accounts", Proof(result.ground.receipts, result.ground.known_until).fact(chosen.events))
    ]
    if chosen.at is not None:
        lines.append(FigureLine("Alert at this score or below", result.ground.proof.fact(chosen.at, "points")))
    if chosen.economics is not None:
        worth = result.ground.proof.fact(chosen.economics.break_even, "ratio")
        lines.append(FigureLine("Probability from which an alert is worth its cost", worth))
    yield Figures(tuple(lines))
    if chosen.load is not None:
        yield load_table((chosen.load,), result.ground.basis, result.ground.known_until)
    yield Prose(BIAS)
    if result.written:
        yield Prose(f"Written: {', '.join(path.name for path in result.written)}.")


def _bands(result: ThresholdResult) -> Iterator[Block | None]:
    bands = result.bands
    yield band_table(bands.groups, result.ground.basis, result.ground.known_until)
    if words := merged_words(bands.merged):
        yield Prose(words, (), "watch")
    if bands.after is None:
        yield Prose(
            f"Cut-offs stay as they are ({_cuts(bands.before)}): {bands.events} of {bands.needed} churned accounts that new ones "
            "take.",
            (result.ground.proof.fact(bands.events),),
        )
        return
    yield Prose(
        f"New cut-offs ({_cuts(bands.after)}; before: {_cuts(bands.before)}): where churn is one, two and four times as likely as "
        "on average; bands that do not separate are one, under the milder name.",
        (result.ground.proof.fact(bands.events),),
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
