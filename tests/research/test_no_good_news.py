"""A list of nobody is no good news: whatever was filtered, no report says that all is well over an empty list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from made_up_lake import NAMES, NOW, fill, settings_in, stories

from customer_research.domain.evidence import Gap
from customer_research.domain.portfolio import Group, Moves, Overview, Risks, Week
from customer_research.domain.report import Bullets, Prose, Report
from customer_research.errors import UsageError
from customer_research.reports.inquiries import digest_message
from customer_research.reports.kinds import alerts as alerts_kind
from customer_research.reports.kinds import digest, portfolio_summary
from customer_research.reports.kinds import portfolio_churn_risk as churn_risk
from customer_research.research.batch.batch import Row, summary_csv
from customer_research.research.batch.entries import read_entries
from customer_research.research.portfolio import newest
from customer_research.research.portfolio.requests import Scoring, Selection
from customer_research.research.portfolio.take import take
from customer_research.research.usecases.kinds import summary
from customer_research.settings import Settings
from customer_research.surfaces.cli.drawing import drawn

NOBODY = (
    Selection(search="nobody is called this"),
    Selection(bands=("critical",), segments=("Enterprise",)),
    Selection(min_mrr=10**7),
)
NO_HISTORY = Gap("score history", "none_found", "there is no score history yet")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = settings_in(tmp_path_factory.mktemp("nobody"))
    fill(settings.lake_folder, stories())
    take(settings, lambda: NOW, Scoring())
    return settings


def tones(report: Report) -> Iterator[tuple[str, str]]:
    """Every sentence of a report with its tone."""
    lines = [report.headline, *report.warnings]
    for part in report.sections:
        for block in part.blocks:
            lines += [block] if isinstance(block, Prose) else block.items if isinstance(block, Bullets) else []
    yield from ((line.tone, line.text) for line in lines if line is not None)


def no_good_news(report: Report, words: str) -> None:
    assert report.headline is not None
    assert words in report.headline.text
    assert report.headline.tone == "unknown"
    assert [text for tone, text in tones(report) if tone == "good"] == []
    told = " ".join(text for _, text in tones(report))
    assert "same story" not in told
    assert "nobody's standing changed" not in told
    assert "Nothing in the figures known asks for an action" not in told


@pytest.mark.parametrize("wanted", NOBODY)
def test_filters_that_fit_nobody(filled: Settings, wanted: Selection) -> None:
    found, risks = newest._portfolio(filled, wanted, NOW), newest._risks(filled, wanted, NOW)
    quiet = Moves(found.snapshot, (), (), (), (), (), 0, found.receipt)
    words = f"without it there are {len(NAMES)} in the snapshot."
    for report in (
        newest.portfolio_report(filled, wanted, now=NOW),
        newest.risk_report(filled, wanted, now=NOW),
        digest.KIND.build(Week(found, quiet, NO_HISTORY, {})),
        digest.KIND.build(Week(found, NO_HISTORY, NO_HISTORY, {})),
        digest_message.REPORT.build(Week(found, quiet, NO_HISTORY, {})),
        digest_message.REPORT.build(Week(found, NO_HISTORY, NO_HISTORY, {})),
        portfolio_summary.KIND.build(Overview(found, risks, NO_HISTORY, {}, ())),
    ):
        no_good_news(report, words)
    for text, _ in (newest.portfolio_csv(filled, wanted, now=NOW), newest.risk_csv(filled, wanted, now=NOW)):
        assert text.count("\n") == 1


def test_an_owner_whom_nobody_has_is_refused_with_those_there_are(filled: Settings) -> None:
    for make in (newest.portfolio_report, newest.risk_report):
        with pytest.raises(UsageError, match="No account owner's name has 'Nobody At All' in it"):
            make(filled, Selection(owner="Nobody At All"), now=NOW)


def test_a_snapshot_without_a_customer_says_so(filled: Settings) -> None:
    found = newest._portfolio(filled, NOBODY[0], NOW)
    none = replace(found, chosen=replace(found.chosen, words=""))
    words = f"There is nobody to look at: of {len(NAMES)} operators in the snapshot none is a customer now."
    no_good_news(digest.KIND.build(Week(none, NO_HISTORY, NO_HISTORY, {})), words)


@pytest.mark.parametrize(("opened", "tone"), [(0, "good"), (3, "unknown")])
def test_a_quiet_week_is_good_news_only_of_those_of_whom_it_can_be_told(
    filled: Settings, opened: int, tone: str
) -> None:
    found = newest._portfolio(filled, Selection(), NOW)
    bands = (Group("healthy", 5, (), 0, 90.0), *((Group("unsettled", opened, (), 0, None),) if opened else ()))
    quiet = Moves(found.snapshot, (), (), (), (), (), 0, found.receipt)
    report = digest.KIND.build(Week(replace(found, bands=bands), quiet, NO_HISTORY, {}))
    assert report.headline is not None
    assert report.headline.tone == tone


def test_those_whose_risk_is_unknown_are_not_called_safe(filled: Settings) -> None:
    risks: Risks = replace(newest._risks(filled, Selection(), NOW), levels=(), unjudged=3)
    report = churn_risk.KIND.build(replace(risks, accounts=()))
    assert report.headline is not None
    assert report.headline.text == "0 operators at risk; the risk of 3 operators is unknown."
    assert report.headline.tone == "unknown"


@pytest.mark.parametrize(
    ("words", "snoozed", "tone"),
    [("severity low", 0, "unknown"), ("severity low", 2, "unknown"), ("", 2, "unknown"), ("", 0, "good")],
)
def test_alerts_that_are_filtered_or_snoozed_away_are_no_good_news(
    filled: Settings, words: str, snoozed: int, tone: str
) -> None:
    found = newest._portfolio(filled, Selection(), NOW)
    place = alerts_kind.AlertBasis(NOW, NOW, (found.receipt,), (), {})
    report = alerts_kind.KIND.build(alerts_kind.OpenAlerts(place, (), snoozed, words=words, of=3))
    assert report.headline is not None
    assert report.headline.tone == tone
    assert ("2 snoozed" in report.headline.text) is bool(snoozed)
    assert ("matches the filter" in report.headline.text) is bool(words and not snoozed)


def test_a_batch_that_finds_nobody_says_so_and_an_input_of_nobody_is_refused() -> None:
    rows = (Row(2, "No Such", "not_found", detail="No operator answers to 'No Such'."),)
    assert "No operator answers" in summary_csv(rows)
    assert drawn(summary(rows, {"not_found": 1})).endswith("1 line: not found 1.")
    with pytest.raises(UsageError, match="names no operator"):
        read_entries(b"# nobody\n")
