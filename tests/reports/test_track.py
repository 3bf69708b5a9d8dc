"""What is said of how often the score was right: only of the scorecard it was worked out for, and never more than was found."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_accounts import AS_OF, full, receipt

from customer_research.domain.account import Account
from customer_research.domain.calibration import Estimate, GroupChurn
from customer_research.domain.track import TrackRecord
from customer_research.reports.track_words import at_risk, beside_band, by_band


def record(account: Account, churned_accounts: int = 30, low: float = 0.6) -> TrackRecord:
    """Of 100 rows At Risk 20 were followed by churn, of 900 Healthy 30."""
    assert account.score is not None
    groups = (
        GroupChurn("healthy", 900, 90, 30, 15, Estimate(1 / 30), Estimate(0.7)),
        GroupChurn("at_risk", 100, 20, 20, 15, Estimate(0.2), Estimate(4.0)),
    )
    score = account.score
    return TrackRecord(
        scorecard=score.scorecard, version=score.version, digest=score.digest, first=AS_OF, last=AS_OF, dates=11,
        known_until=AS_OF, rows=1000, churned=50, churned_accounts=churned_accounts, auc=Estimate(0.7, low, 0.8), bands=groups,
        unjudged=("P5",), receipt=receipt("backtest", "panel"),
    )  # fmt: skip


def told(account: Account, track: TrackRecord | None) -> str:
    prose = beside_band(replace(account, track=track))
    assert prose is not None
    assert all(fact.basis for fact in prose.facts)
    return prose.text


def test_it_is_told_with_its_counts_where_the_score_is_shown_to_predict() -> None:
    account = full()  # At Risk
    assert told(account, record(account)) == (
        "At Risk on 11 earlier dates: 20 of 100 times the operator left within 90 days (20%; of all 5%)."
    )
    assert "not shown to predict on your data (AUC 0.700 [0.500 to 0.800])" in told(account, record(account, low=0.5))


def test_nothing_is_told_that_was_not_found() -> None:
    account = full()
    assert "not enough churn yet (19 of 20 accounts that left)" in told(account, record(account, 19))
    other = replace(record(account), digest="of another scorecard")
    for missing in (None, other):
        assert "is not known" in told(account, missing)
    assert account.score is not None
    assert (
        beside_band(replace(account, scores=(replace(account.score, band="outside"),), track=record(account))) is None
    )
    critical = replace(account, scores=(replace(account.score, band="critical"),))
    assert told(critical, record(account)).startswith("Nobody stood Critical on 11 earlier dates")


@pytest.mark.parametrize("found", [None, 19])
def test_of_everybody_too(found: int | None) -> None:
    track = None if found is None else record(full(), found)
    assert len(list(by_band(track))) == 1
    assert at_risk(track).tone == "unknown"
