"""What is said of how often the score was right here: beside a band, and of the whole portfolio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from customer_research.domain.evidence import Fact
from customer_research.domain.health import AT_RISK_BANDS, BAND_LABELS, NO_BAND
from customer_research.domain.report import Block, Prose
from customer_research.domain.track import ENOUGH, TrackRecord
from customer_research.domain.words import counted, value_words
from customer_research.reports.churn_by_band import band_table

if TYPE_CHECKING:
    from customer_research.domain.account import Account
    from customer_research.domain.calibration import Estimate

_NOT_WORKED_OUT = Prose(
    "How often the score was right here is not known yet.",
    (),
    "unknown",
    "`customer-research portfolio score` works it out once a month, for the scorecard of the settings.",
)


def beside_band(account: Account) -> Prose | None:
    """Of those who stood in the account's band on earlier dates, how many left; None for who stands in none."""
    score, record = account.score, account.track
    if score is None or score.band in NO_BAND:
        return None
    if record is None or record.digest != score.digest:
        return _NOT_WORKED_OUT
    return _too_little(record) or _of_bands(record, BAND_LABELS[score.band], score.band)


def at_risk(record: TrackRecord | None) -> Prose:
    """The same of those At Risk or Critical: the line of a digest."""
    if record is None:
        return _NOT_WORKED_OUT
    return _too_little(record) or _of_bands(record, "At Risk or Critical", *AT_RISK_BANDS)


def by_band(record: TrackRecord | None) -> Iterator[Block | None]:
    """What became of each band, and whether the score is shown to tell who leaves."""
    yield at_risk(record)
    if record is None or not record.enough:
        return
    words = f"Operators on {counted(record.dates, 'date')} from {record.first:%Y-%m-%d} to {record.last:%Y-%m-%d}, by their band then"
    yield band_table(record.bands, (record.receipt,), record.known_until, words)
    if record.unjudged:
        left = _fact(record, len(record.unjudged), "count")
        yield Prose(
            f"On those dates {counted(len(record.unjudged), 'rule')} could not be checked, since what they rest on is "
            "overwritten; they count as not met.",
            (left,),
        )


def _of_bands(record: TrackRecord, words: str, *bands: str) -> Prose:
    rows, churned = record.of(*bands)
    times, left = (_fact(record, value, "count") for value in (rows, churned))
    every = _fact(record, record.churned / record.rows, "ratio")
    if rows:
        share = _fact(record, churned / rows, "ratio")
        said = (
            f"{words} on {counted(record.dates, 'earlier date')}: {value_words(left)} of {value_words(times)} times the operator "
            f"left within 90 days ({value_words(share)}; of all {value_words(every)})."
        )
        facts: tuple[Fact[Any], ...] = (left, times, share, every)
    else:
        said = f"Nobody stood {words} on {counted(record.dates, 'earlier date')}; of all {value_words(every)} left within 90 days."
        facts = (times, every)
    if record.predicts:
        return Prose(said, facts)
    return Prose(f"{said} {_unshown(record)}", (*facts, *_auc(record)), "watch")


def _too_little(record: TrackRecord) -> Prose | None:
    if record.enough:
        return None
    count = _fact(record, record.churned_accounts, "count")
    return Prose(
        f"How often the score was right here: not enough churn yet ({value_words(count)} of {ENOUGH} accounts that left).",
        (count,),
        "unknown",
    )


def _unshown(record: TrackRecord) -> str:
    told = _auc(record)
    return f"The score is not shown to predict on your data{f' (AUC {value_words(told[0])})' if told else ''}."


def _auc(record: TrackRecord) -> tuple[Fact[Estimate], ...]:
    return () if record.auc is None else (_fact(record, record.auc, "estimate"),)


def _fact(record: TrackRecord, value: Any, unit: str) -> Fact[Any]:
    return Fact(value, unit, (record.receipt,), record.known_until)
