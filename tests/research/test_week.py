"""The digest of a week and the summary for executives, from a small lake with a history of some weeks."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from made_up_lake import NAMES, NOW, STOPPED, fill, settings_in, stories

from customer_research.documents.formats import FORMATS, render, terminal
from customer_research.domain.evidence import Gap
from customer_research.domain.health import Band
from customer_research.domain.money import Money
from customer_research.domain.portfolio import Mover, Moves, Week
from customer_research.domain.report import Prose, Report, Table, Text
from customer_research.domain.snapshot import NOT_JUDGED
from customer_research.domain.words import money_words
from customer_research.errors import UsageError
from customer_research.reports.inquiries import digest_message
from customer_research.reports.kinds import digest, today
from customer_research.reports.movers import uncompared
from customer_research.research.alerting.rule_check import check
from customer_research.research.past.history.backfill import backfill
from customer_research.research.portfolio import books
from customer_research.research.portfolio import newest as looked_at
from customer_research.research.portfolio.moves import _became, done, moves
from customer_research.research.portfolio.ready import newest_listing
from customer_research.research.portfolio.requests import Scoring, Selection
from customer_research.research.portfolio.selection import told_of
from customer_research.research.portfolio.snapshot_view import newest_view
from customer_research.research.portfolio.snapshots import snapshots_of
from customer_research.research.portfolio.take import take
from customer_research.settings import Settings
from customer_research.store.alerts import AlertBook
from customer_research.store.database import open_store
from customer_research.store.history import Standing

LATER = NOW + timedelta(hours=1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake with five weeks of history, all judged; one alert acknowledged."""
    settings = settings_in(tmp_path_factory.mktemp("digest"))
    fill(settings.lake_folder, stories())
    take(settings, lambda: NOW, Scoring())
    backfill(settings, lambda: NOW, weeks=5)
    with open_store(settings.store_url) as store:
        check(settings, store, now=NOW - timedelta(hours=1))
        book = AlertBook(store)
        book.acknowledge(book.episodes()[0].id, who="Robin", now=NOW - timedelta(minutes=5))
    return settings


@pytest.fixture(scope="module")
def told(filled: Settings) -> Report:
    return looked_at.digest_report(filled, now=LATER)


@pytest.fixture(scope="module")
def summary(filled: Settings) -> Report:
    return looked_at.summary_report(filled, now=LATER)


@pytest.mark.parametrize("name", ["digest", "portfolio", "churn-risk", "summary", "today"])
def test_a_row_says_whose_it_is_wherever_an_operator_heads_it(
    filled: Settings, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looked_at, "WEEK", 30)
    made = {
        "digest": lambda: looked_at.digest_report(filled, now=LATER),
        "portfolio": lambda: looked_at.portfolio_report(filled, Selection(), now=LATER),
        "churn-risk": lambda: looked_at.risk_report(filled, Selection(), now=LATER),
        "summary": lambda: looked_at.summary_report(filled, now=LATER),
        "today": lambda: today.KIND.build(books.book(filled, None, now=LATER)),
    }
    blocks = [block for section in made[name]().sections for block in section.blocks if isinstance(block, Table)]
    heads = [row[0] for block in blocks if block.headers[0] == "Operator" for row in block.rows]
    assert heads
    assert all(isinstance(head, Text) and head.operator for head in heads), heads


def words(report: Report, section: str = "") -> str:
    """A section's text (or all of it) on one line."""
    parts = tuple(part for part in report.sections if section in {"", part.id})
    return " ".join(terminal.render(replace(report, sections=parts, freshness=()), width=220).split())


def test_a_digest_tells_totals_money_and_what_was_done(told: Report, filled: Settings) -> None:
    assert told.headline is not None
    assert "2026-11-01" in told.headline.text
    totals = words(told, "totals")
    assert f"Operators {len(NAMES)}" in totals
    assert "MRR at risk, a month" in totals
    assert "acknowledged by Robin" in words(told, "done")


def test_a_digest_compares_with_the_week_before(filled: Settings) -> None:
    _, newest = next(iter(snapshots_of(filled.lake_folder)))
    found = moves(filled, newest, 7)
    assert isinstance(found, Moves)
    assert found.then.as_of == newest.as_of - timedelta(days=7)
    month = moves(filled, newest, 30)
    assert isinstance(month, Moves)
    assert [mover.operator_id for mover in month.worse][:1] == [STOPPED]
    assert month.worse[0].points is not None
    assert month.worse[0].points < 0


def test_mrr_is_told_by_currency_as_of_the_snapshot_though_the_lake_was_pulled_since(
    filled: Settings, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(filled.lake_folder.parent, copy)
    settings = settings_in(copy)
    changed = stories()
    changed["subscription"] = changed["subscription"][:1]
    fill(settings.lake_folder, changed)
    summary = looked_at.summary_report(settings, now=LATER)
    assert f"MRR: {money_words(Money('USD', 19900 * len(NAMES)))} a month" in words(summary, "summary")
    assert "not known" not in words(summary, "money")


def test_without_an_earlier_week_a_digest_says_so(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    fill(settings.lake_folder, stories())
    take(settings, lambda: NOW, Scoring())
    _, newest = next(iter(snapshots_of(settings.lake_folder)))
    assert isinstance(moves(settings, newest, 30), Gap)
    assert isinstance(done(settings, newest, 7), Gap)
    report = looked_at.digest_report(settings, now=LATER)
    assert "no snapshot has been checked for alerts yet" in words(report, "critical")


def test_without_a_snapshot_there_is_one_sentence(tmp_path: Path) -> None:
    for make in (looked_at.digest_report, looked_at.summary_report):
        with pytest.raises(UsageError, match="There is no snapshot of the portfolio yet"):
            make(settings_in(tmp_path), now=NOW)


def test_a_store_that_is_not_there_is_a_gap_and_is_not_made(filled: Settings, tmp_path: Path) -> None:
    _, newest = next(iter(snapshots_of(filled.lake_folder)))
    empty = settings_in(tmp_path)
    assert isinstance(moves(empty, newest, 7), Gap)
    assert isinstance(done(empty, newest, 7), Gap)
    assert not (tmp_path / "store.db").exists()


def test_an_empty_week_says_so(filled: Settings) -> None:
    _, newest = next(iter(snapshots_of(filled.lake_folder)))
    found = moves(filled, newest, 7)
    assert isinstance(found, Moves)
    quiet = replace(found, new_at_risk=(), worse=(), better=(), left=(), came=())
    report = digest.KIND.build(_week(filled, quiet))
    assert report.headline is not None
    assert report.headline.text.startswith("A quiet week to 2026-11-01: nobody's standing changed.")
    assert "Nobody fell to At Risk or Critical." in words(report, "new")


def test_a_week_of_which_nothing_can_be_told_is_not_quiet(filled: Settings) -> None:
    _, newest = next(iter(snapshots_of(filled.lake_folder)))
    found = moves(filled, newest, 7)
    assert isinstance(found, Moves)
    untold = replace(found, new_at_risk=(), worse=(), better=(), left=(), came=(), uncompared=3)
    report = digest.KIND.build(_week(filled, untold))
    assert report.headline is not None
    assert report.headline.text.startswith(
        "Week to 2026-11-01: no change is known. 3 operators cannot be compared: not the same was known of them on 2026-10-25."
    )
    assert report.headline.tone == "unknown"
    assert "Of those who can be compared, nobody fell to At Risk or Critical." in words(report, "new")
    assert "The same on" not in words(report, "totals")
    overview = looked_at.summary_report(filled, now=LATER)
    assert ("cannot be compared" in words(overview, "summary")) == bool(_month(filled).uncompared)


def test_a_week_that_was_scored_later_says_why_nothing_can_be_compared_with_it(filled: Settings) -> None:
    """A first backfill cannot tell all of a past day, which is nobody's silence."""
    _, newest = next(iter(snapshots_of(filled.lake_folder)))
    found = moves(filled, newest, 7)
    assert isinstance(found, Moves)
    scoring = replace(found.then.scoring, parameters=((NOT_JUDGED, "open_tickets"),))
    for kind, receipts, said in (
        ("backfill", (scoring,), "2026-10-25 was scored later, from less than is known now."),
        ("backfill", (replace(scoring, parameters=()),), "not the same was known of them on 2026-10-25."),
        ("scored", (scoring,), "not the same was known of them on 2026-10-25."),
    ):
        then = replace(found.then, kind=kind, receipts=receipts)  # type: ignore[arg-type] # words of a list
        told = uncompared(replace(found, then=then, uncompared=2))
        assert told is not None
        assert told.text == f"2 operators cannot be compared: {said}"
        assert told.tone == "unknown"


def _month(settings: Settings) -> Moves:
    _, newest = next(iter(snapshots_of(settings.lake_folder)))
    found = moves(settings, newest, 30)
    assert isinstance(found, Moves)
    return found


def test_critical_alerts_are_one_an_operator_the_most_urgent_first(filled: Settings) -> None:
    _, newest = next(iter(snapshots_of(filled.lake_folder)))
    found, acts = moves(filled, newest, 7), done(filled, newest, 60)
    assert isinstance(found, Moves)
    assert not isinstance(acts, Gap)
    one = replace(next(e for e in acts.raised if e.subject == STOPPED), acknowledged_at=None, acknowledged_by="")
    gone = replace(one, subject="gone", name="Aaa is not in the snapshot")
    critical = (gone, one, replace(one, rule="another"))
    week = _week(filled, found)
    lines = {line.operator_id: line for line in week.portfolio.lines}
    for baseline, state in ((one.raised.snapshot, "standing"), ("", "new")):
        report = digest.KIND.build(replace(week, done=replace(acts, critical=critical, baseline=baseline), lines=lines))
        (table,) = next(part for part in report.sections if part.id == "critical").blocks
        told = [(row[0].text, row[1].value.endswith("(1 more)"), row[3].value) for row in table.rows]  # type: ignore[union-attr]
        assert told == [(one.name, True, state), (gone.name, False, state)]
        assert ("stood already at the first check" in words(report, "done")) == bool(baseline)


def test_alerts_that_were_not_checked_since_are_not_called_none(filled: Settings) -> None:
    _, newest = next(iter(snapshots_of(filled.lake_folder)))
    found, acts = moves(filled, newest, 7), done(filled, newest, 60)
    assert isinstance(found, Moves)
    assert not isinstance(acts, Gap)
    week = _week(filled, found)
    for checked, tone, said in (
        (newest.as_of, "good", "No critical alert is open."),
        (newest.as_of - timedelta(days=2), "unknown", "; since then it is not known."),
    ):
        none = replace(week, done=replace(acts, critical=(), checked=checked))
        for report, part in ((digest.KIND.build(none), "critical"), (digest_message.REPORT.build(none), "critical")):
            (told,) = next(one for one in report.sections if one.id == part).blocks
            assert isinstance(told, Prose)
            assert told.text.endswith(said)
            assert told.tone == tone


@pytest.mark.parametrize("kind", [digest.KIND, digest_message.REPORT], ids=["digest", "message"])
def test_a_week_whose_alerts_were_not_checked_to_its_end_says_so(filled: Settings, kind: Any) -> None:
    """Nothing raised and nothing acted on, as far as was looked: that is no quiet week."""
    _, newest = next(iter(snapshots_of(filled.lake_folder)))
    found, acts = moves(filled, newest, 7), done(filled, newest, 60)
    assert isinstance(found, Moves)
    assert not isinstance(acts, Gap)
    for quiet in (acts, replace(acts, raised=(), cleared=(), acts=())):
        for checked, is_said in ((newest.as_of, False), (newest.as_of - timedelta(days=2), True)):
            report = kind.build(replace(_week(filled, found), done=replace(quiet, checked=checked)))
            said = words(report, "done")
            assert ("what came of them since then is not known" in said) == is_said
            assert "nobody acted" not in said or not is_said


@pytest.mark.parametrize(
    ("then", "now", "kinds"),
    [
        ((82, "healthy"), (78, "monitor"), ("worse",)),
        ((62, "monitor"), (58, "at_risk"), ("new", "worse")),
        ((58, "at_risk"), (62, "monitor"), ("better",)),
        ((90, "healthy"), (88, "healthy"), ()),
        ((80, "healthy"), (80, "monitor"), ()),
    ],
)
def test_few_points_across_a_band_are_a_move_and_within_one_none(
    then: tuple[int, Band], now: tuple[int, Band], kinds: tuple[str, ...]
) -> None:
    before, after = (Standing("One", "active", band, score, None, "{}") for score, band in (then, now))
    assert _became(before, after, after.score - before.score) == kinds  # type: ignore[operator]


def test_an_alert_about_who_is_not_in_the_snapshot_any_more_breaks_nothing(filled: Settings) -> None:
    with newest_listing(filled, NOW) as listing, newest_view(filled, NOW) as view:
        assert set(listing.lines(["gone", STOPPED])) == set(told_of(view, ["gone", STOPPED])) == {STOPPED}


def test_a_week_with_many_movers_tells_ten_worse_and_five_better(filled: Settings) -> None:
    _, newest = next(iter(snapshots_of(filled.lake_folder)))
    found = moves(filled, newest, 7)
    assert isinstance(found, Moves)
    worse = tuple(Mover(f"w{n}", f"Worse {n:02}", 90, "healthy", 70, "monitor", "active", -20) for n in range(30))
    better = tuple(Mover(f"b{n}", f"Better {n:02}", 60, "monitor", 85, "healthy", "active", 25) for n in range(30))
    report = digest.KIND.build(_week(filled, replace(found, worse=worse, better=better)))
    assert words(report, "worse").count("Worse ") == 10 + 1
    assert words(report, "better").count("Better ") == 5 + 1
    assert "(10 of 30 shown)" in words(report, "worse")


def test_a_short_digest_tells_five_worse_and_five_better_by_money_each_with_a_reason_and_a_step(
    filled: Settings,
) -> None:
    _, newest = next(iter(snapshots_of(filled.lake_folder)))
    found = moves(filled, newest, 7)
    assert isinstance(found, Moves)
    with newest_listing(filled, NOW) as listing:
        pattern = listing.lines([STOPPED])[STOPPED]
    step = pattern.step
    assert step is not None
    movers = tuple(Mover(f"w{n}", f"Worse {n:02}", 90, "healthy", 50, "at_risk", "active", -40) for n in range(9))
    better = tuple(Mover(f"b{n}", f"Better {n:02}", 50, "at_risk", 85, "healthy", "active", 35) for n in range(7))
    unknown = Mover("u", "Unknown", None, None, None, "unsettled", "active", None)
    lines = {
        one.operator_id: replace(
            pattern, operator_id=one.operator_id, name=one.name, worth=place, flag="Bookings fell."
        )
        for place, one in enumerate((*movers, *better))
    }
    week = _week(filled, replace(found, new_at_risk=movers[:2], worse=(*movers, unknown), better=better))
    report = digest_message.REPORT.build(replace(week, lines=lines))
    worse = words(report, "worse")
    assert re.findall(r"Worse \d\d", worse) == [f"Worse {n:02}" for n in range(8, -1, -1)][:5] + [
        f"Worse {n:02}" for n in range(3, -1, -1)
    ]
    assert worse.count("90 Healthy to 50 At Risk. Bookings fell. Next: ") == 5
    assert worse.count(f"{step.action.rstrip('.')} ({step.by}, {step.due}).") == 5
    assert "5 more: Worse 03, Worse 02, Worse 01, Worse 00, Unknown." in worse
    assert words(report, "better").count("Still: Bookings fell.") == 5
    alone = digest_message.REPORT.build(replace(week, moves=replace(found, worse=(unknown,), new_at_risk=()), lines={}))
    assert "Unknown, MRR not known: not there to " in words(alone, "worse")


def test_a_short_digest_of_an_empty_week_says_so_and_of_an_unknown_one_does_not(filled: Settings) -> None:
    _, newest = next(iter(snapshots_of(filled.lake_folder)))
    found = moves(filled, newest, 7)
    assert isinstance(found, Moves)
    quiet = replace(found, new_at_risk=(), worse=(), better=(), left=(), came=(), uncompared=0)
    report = digest_message.REPORT.build(_week(filled, quiet))
    assert report.headline is not None
    assert report.headline.text.startswith("A quiet week to 2026-11-01: nobody's standing changed.")
    assert "Nobody fell or got worse by ten points or a band." in words(report, "worse")
    untold = digest_message.REPORT.build(_week(filled, replace(quiet, uncompared=3)))
    assert "Of those who can be compared, nobody fell" in words(untold, "worse")
    gap = digest_message.REPORT.build(replace(_week(filled, quiet), moves=Gap("store", "unavailable", "no store", "")))
    assert "no store" in words(gap, "worse")
    assert "better" not in [part.id for part in gap.sections]


def test_a_short_digest_names_critical_alerts_and_fits_a_message(filled: Settings) -> None:
    _, newest = next(iter(snapshots_of(filled.lake_folder)))
    found, acts = moves(filled, newest, 7), done(filled, newest, 60)
    assert isinstance(found, Moves)
    assert not isinstance(acts, Gap)
    raised = next(e for e in acts.raised if e.subject == STOPPED)
    critical = tuple(replace(raised, subject=f"op-{n}", name=f"Name {n}") for n in range(7))
    week = replace(_week(filled, found), done=replace(acts, critical=critical))
    assert "7 critical alerts open: Name 0, Name 1, Name 2, Name 3, Name 4 and 2 more." in words(
        digest_message.REPORT.build(week), "critical"
    )
    short = looked_at.digest_report(filled, now=LATER, short=True)
    assert (short.kind, short.title) == ("digest", "Weekly digest")
    assert "acknowledged by Robin" in words(short, "done")
    for style in FORMATS:
        assert render(short, style)


def _week(settings: Settings, found: Moves) -> Week:
    _, newest = next(iter(snapshots_of(settings.lake_folder)))
    portfolio = looked_at._portfolio(settings, Selection(), NOW)
    return Week(portfolio, found, done(settings, newest, 7), {})


def test_a_summary_tells_money_movers_and_risks(summary: Report) -> None:
    assert {part.id for part in summary.sections} >= {"summary", "bands", "money", "worse", "better", "risks"}
    assert "USD $597.00" in words(summary, "money")
    assert "Stopped Limo" in words(summary, "worse")
    assert "Stopped Limo" in words(summary, "risks")


@pytest.mark.parametrize("style", FORMATS)
def test_both_in_every_format(style: str, told: Report, summary: Report) -> None:
    assert render(told, style)
    assert render(summary, style)
