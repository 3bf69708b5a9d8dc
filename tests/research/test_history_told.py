"""Score history from the lake to the report: backfilled week by week, told of one operator, and proven by scoring again."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from history_cases import content
from made_up_lake import LATE, NAMES, NOW, STEADY, STOPPED, fill, settings_in, stories

from customer_research.documents.formats import json_, markdown, terminal
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.report import Figures, Report, Table
from customer_research.domain.snapshot import SNAPSHOTS, Snapshot
from customer_research.errors import (
    AmbiguousOperator,
    ConfigError,
    CustomerResearchError,
    OperatorNotFound,
    OutOfMemoryError,
    UsageError,
)
from customer_research.health.findings import findings_sql
from customer_research.research import Research
from customer_research.research.past.history import backfill as module
from customer_research.research.past.history import proof as module_of_proof
from customer_research.research.past.history.backfill import backfill, take
from customer_research.research.past.history.calendar import Calendar
from customer_research.research.past.history.operator_history import _by_name, history_report
from customer_research.research.past.history.proof import verify
from customer_research.research.portfolio.history import keep_in, listed, prune
from customer_research.research.portfolio.moves import changes
from customer_research.research.portfolio.snapshots import readings, snapshots_of
from customer_research.settings import Settings
from customer_research.store import schema
from customer_research.store.database import open_store
from customer_research.store.history import History

WEEKS = 13


WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake with its history of 13 weeks."""
    folder = tmp_path_factory.mktemp("history")
    settings = settings_in(folder)
    fill(settings.lake_folder, stories())
    done = backfill(settings, lambda: NOW, weeks=WEEKS)
    assert (done.until, len(done.scored), done.there, done.before) == (NOW, WEEKS + 1, 0, 0)
    return settings


@pytest.fixture
def copied(filled: Settings, tmp_path: Path) -> Settings:
    """The same, to be spoilt."""
    shutil.copytree(filled.lake_folder.parent, tmp_path / "copy")
    return settings_in(tmp_path / "copy")


def told(settings: Settings, term: str, **options: Any) -> Report:
    async def session() -> Report:
        async with Research(settings) as research:
            return await history_report(research, term, **options)

    return asyncio.run(session())


def table(report: Report, section: str) -> Table:
    (found,) = [part for part in report.sections if part.id == section]
    return next(block for block in found.blocks if isinstance(block, Table))


def test_an_operator_that_stopped_declines_and_the_report_says_why(filled: Settings) -> None:
    report = told(filled, STOPPED)
    assert report.operator_name == NAMES[STOPPED]
    assert report.headline is not None
    assert "declining" in report.headline.text
    figures = next(block for part in report.sections for block in part.blocks if isinstance(block, Figures))
    month = next(line.figure for line in figures.lines if line.label == "Change, 30 days")
    assert isinstance(month, Fact)
    assert month.value <= -10
    moved = table(report, "moved_30_days")
    words = [str(getattr(row[-1], "value", getattr(row[-1], "text", ""))) for row in moved.rows]
    assert any("No reservation in 30 days" in text for text in words)
    scores = {row[0].text: row[4].value for row in moved.rows if row[1].text == "score"}  # type: ignore[union-attr]
    for name, change in scores.items():
        lines = [row[4].value for row in moved.rows if row[0].text == name and row[1].text != "score"]  # type: ignore[union-attr]
        assert sum(lines) == change
    readings = table(report, "readings")
    assert (len(readings.rows), readings.total) == (12, WEEKS + 1)


def test_who_goes_on_as_before_is_steady_and_every_format_can_be_drawn(filled: Settings) -> None:
    report = told(filled, STEADY, shown=100)
    assert report.headline is not None
    assert "steady" in report.headline.text
    assert len(table(report, "readings").rows) == WEEKS + 1
    assert not report.partial
    for text in (terminal.render(report, color=False), markdown.render(report)):
        assert "Change, 60 days" in text
    document = json.loads(json_.render(report))
    assert document["kind"] == "history"
    assert {receipt["source"] for receipt in document["receipts"]} == {"portfolio", "score history"}


def test_without_the_snapshots_files_conditions_stand_for_sentences(copied: Settings) -> None:
    shutil.rmtree(copied.lake_folder / SNAPSHOTS)
    moved = table(told(copied, STOPPED), "moved_30_days")
    words = [str(getattr(row[-1], "value", getattr(row[-1], "text", ""))) for row in moved.rows]
    assert any("Its condition: " in text and "reservations_30d" in text for text in words)


@pytest.mark.parametrize(
    ("term", "meant"),
    [
        ("silver limo", "a"),
        ("  SILVER   Limo ", "a"),
        ("Silver Limo West", "b"),
        ("west", "b"),
        ("dune cars", "de"),
        ("silver", "abc"),
        ("s", "abcde"),
        ("gold", ""),
        ("  ", ""),
    ],
)
def test_a_whole_name_goes_before_names_that_contain_it(term: str, meant: str) -> None:
    names = {"b": "Silver Limo West", "a": "Silver Limo", "c": "East silver  limo", "e": "Dune Cars", "d": "DUNE CARS"}
    history: Any = SimpleNamespace(operators=lambda _snapshot: names)
    latest: Any = SimpleNamespace(id="newest")
    if len(meant) > 1:
        with pytest.raises(AmbiguousOperator) as caught:
            _by_name(history, latest, term)
        assert "".join(match.operator_id for match in caught.value.candidates) == meant
    else:
        found = _by_name(history, latest, term)
        assert (found.operator_id if found else "") == meant


def test_an_operator_is_found_by_its_name_where_no_source_can_be_asked(filled: Settings) -> None:
    report = told(filled, "  late LIVERY ")
    assert report.operator_id == LATE
    assert "found by name in the snapshot of 2026-11-01" in report.warnings[0].text
    assert told(filled, "stopped").operator_id == STOPPED
    with pytest.raises(AmbiguousOperator) as caught:
        told(filled, "limo")
    assert {match.operator_id for match in caught.value.candidates} == {STEADY, STOPPED}
    with pytest.raises(ConfigError):
        told(filled, "somebody else")


@pytest.mark.parametrize(
    ("term", "options", "kind"),
    [
        ("3f0c2a10-7d11-11ef-9a00-0242ac120002", {}, OperatorNotFound),
        (STEADY, {"scorecard": "guide"}, UsageError),
        (STEADY, {"scorecard": "no such"}, ConfigError),
    ],
)
def test_what_the_history_does_not_have_is_said(
    filled: Settings, term: str, options: dict[str, Any], kind: type[CustomerResearchError]
) -> None:
    with pytest.raises(kind):
        told(filled, term, **options)


def test_without_any_history_the_next_step_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no score history yet") as caught:
        told(settings_in(tmp_path), STEADY)
    assert "history backfill" in caught.value.hint


def test_a_second_backfill_changes_nothing_and_a_longer_one_adds_weeks(copied: Settings) -> None:
    before = content(copied)
    again = backfill(copied, lambda: NOW + WEEK, weeks=WEEKS)
    assert (again.until, again.scored, again.there) == (NOW, (), WEEKS + 1)
    assert content(copied) == before
    longer = backfill(copied, lambda: NOW, weeks=WEEKS + 2)
    assert longer.scored == (NOW - WEEK * (WEEKS + 1), NOW - WEEK * (WEEKS + 2))


def test_weeks_before_the_data_are_told_and_an_empty_lake_is_refused(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with pytest.raises(UsageError, match="no rows"):
        backfill(settings, lambda: NOW, weeks=3)
    rows = stories()
    young = {name: [row for row in found if row["created_at"] > NOW - WEEK * 2] for name, found in rows.items()}
    fill(settings.lake_folder, young)
    done = backfill(settings, lambda: NOW, weeks=3)
    assert (len(done.scored), done.before) == (2, 2)


def test_a_snapshot_of_the_day_is_taken_once(copied: Settings) -> None:
    later = NOW + timedelta(hours=8)
    assert take(copied, lambda: later)[1] is False  # of this day and these tables there is one
    tomorrow = NOW + timedelta(days=1)
    snapshot, new = take(copied, lambda: tomorrow)
    assert (snapshot.as_of, snapshot.kind, new) == (tomorrow, "scored", True)
    assert take(copied, lambda: tomorrow + timedelta(hours=1)) == (snapshot, False)
    fill(copied.lake_folder, {**stories(), "invoice": []})
    assert take(copied, lambda: tomorrow + timedelta(hours=1))[1] is True
    assert listed(copied.store_url)[0].snapshot.tables != snapshot.tables


def test_the_history_is_what_comes_out_when_it_is_scored_again(copied: Settings) -> None:
    proof = verify(copied)
    assert (proof.readings, proof.differences, proof.findings) == (len(NAMES), (), True)
    oldest = listed(copied.store_url)[-1].snapshot
    assert verify(copied, oldest.id[:8]).snapshot == oldest
    with open_store(copied.store_url) as store, store.begin() as connection:
        connection.execute(schema.reading.update().values(coverage=0.25))
        changed = {"contributions": {}, "dimensions": {"payment": 1}, "gates": ["x"], "findings": ["F99"]}
        connection.execute(schema.reading.update().values(**changed))
    differences = verify(copied).differences
    assert {one.field for one in differences} == {"coverage", *changed}
    assert {one.operator_id for one in differences} == set(NAMES)


def test_findings_of_another_version_are_not_compared(copied: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_of_proof, "findings_sql", lambda rules: f"{findings_sql(rules)} -- otherwise")
    with open_store(copied.store_url) as store, store.begin() as connection:
        connection.execute(schema.reading.update().values(findings=["F99"]))
    proof = verify(copied)
    assert (proof.findings, proof.differences) == (False, ())


def test_what_cannot_be_proven_is_said(copied: Settings) -> None:
    with pytest.raises(UsageError, match="no snapshot whose id begins"):
        verify(copied, "none")
    newest = listed(copied.store_url)[0].snapshot
    shutil.rmtree(copied.lake_folder / newest.place)
    with pytest.raises(UsageError, match="are not in the lake any more"):
        verify(copied)
    with open_store(copied.store_url) as store, store.begin() as connection:
        connection.execute(schema.scorecard.delete())
    with pytest.raises(CustomerResearchError, match="no scorecard"):
        verify(copied)


def test_a_scorecard_that_changed_since_is_not_kept_in_its_place(copied: Settings, tmp_path: Path) -> None:
    found = next(snapshots_of(copied.lake_folder), None)
    assert found is not None
    folder, snapshot = found
    with pytest.raises(ConfigError, match="has changed since"):
        kept_again(copied, folder, replace(snapshot, id="0" * 16, digest="f" * 64))
    assert kept_again(copied, folder, snapshot) is False


def kept_again(settings: Settings, folder: Path, snapshot: Snapshot) -> bool:
    with open_store(settings.store_url) as store:
        return keep_in(History(store), snapshot, readings(folder, snapshot))


def test_changes_of_everybody_are_those_that_the_reports_tell(filled: Settings) -> None:
    found = next(snapshots_of(filled.lake_folder), None)
    assert found is not None
    moved = changes(filled.store_url, found[1], [STEADY, STOPPED, "op-nobody"])
    assert set(moved) == {STEADY, STOPPED}
    figures = next(b for part in told(filled, STOPPED).sections for b in part.blocks if isinstance(b, Figures))
    month, fell = next(line.figure for line in figures.lines if line.label == "Change, 30 days"), moved[STOPPED]
    assert isinstance(month, Fact)
    assert isinstance(fell, Fact)
    assert (fell.value, fell.note, fell.metric) == (month.value, month.note, "score_change")
    oldest = listed(filled.store_url)[-1].snapshot
    assert changes(filled.store_url, oldest, [STEADY]) == {}
    assert not any(isinstance(figure, Gap) for figure in moved.values())


def test_pruning_leaves_the_newest_of_each_older_week(copied: Settings) -> None:
    tomorrow = NOW + timedelta(days=1)
    take(copied, lambda: tomorrow)
    before = listed(copied.store_url)
    assert prune(copied, lambda: tomorrow, days=365) == 0
    # 1 November is a Sunday, the last day of its week; each backfilled Sunday is the one of its week
    extra = backfill(copied, lambda: NOW, weeks=0, until=NOW - timedelta(days=3))
    assert extra.scored == ()  # its week has a snapshot
    assert prune(copied, lambda: NOW + timedelta(days=400), days=30) == 0
    assert len(listed(copied.store_url)) == len(before)


def test_a_pass_with_too_little_memory_gives_way_to_one_week_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def full(_calendar: Calendar, instant: datetime) -> None:
        tried.append(instant)
        raise OutOfMemoryError("There is no room.")

    monkeypatch.setattr(Calendar, "_lay", full)
    found = []
    for fewest in (12, 2):
        folder = tmp_path / str(fewest)
        fill(folder / "lake", stories())
        monkeypatch.setattr(module, "FEWEST", fewest)
        backfill(settings_in(folder), lambda: NOW, weeks=1)
        found.append(content(settings_in(folder)))
    assert found[0] == found[1]
    assert tried == [NOW]  # once, and not by the one that measures each week by itself
