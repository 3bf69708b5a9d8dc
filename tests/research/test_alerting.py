"""Alerts from the lake to the report: judged week by week, tried on the history, shown, marked by people."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alert_cases import CARD, CARD_TEXT, at, reading, snapshot
from made_up_lake import LATE, NAMES, NOW, STEADY, STOPPED, fill, settings_file, settings_in, stories

from customer_research.documents.formats import json_, markdown, terminal
from customer_research.domain.alert import Episode
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.report import Figures, Report, Table, Text
from customer_research.domain.snapshot import SNAPSHOTS, Reading, Snapshot
from customer_research.errors import ConfigError, StoreError, UsageError
from customer_research.research.alerting import alerts, open_list
from customer_research.research.alerting.requests import AlertChoice
from customer_research.research.alerting.rule_check import alert_rules, check, evaluate, simulate
from customer_research.research.past.history.backfill import backfill
from customer_research.research.portfolio.history import keep_in
from customer_research.research.portfolio.requests import Scoring
from customer_research.research.portfolio.snapshots import readings
from customer_research.research.portfolio.take import take
from customer_research.settings import Settings, load_settings
from customer_research.store.alerts import AlertBook
from customer_research.store.database import Store, open_store
from customer_research.store.history import History
from customer_research.surfaces.cli.group import run

WEEKS = 6
LATER = NOW + timedelta(hours=1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake with its history of seven weeks, and no alert judged."""
    settings = settings_in(tmp_path_factory.mktemp("alerts"))
    fill(settings.lake_folder, stories())
    backfill(settings, lambda: NOW, weeks=WEEKS)
    return settings


@pytest.fixture
def copied(filled: Settings, tmp_path: Path) -> Settings:
    """The same, to be written to."""
    shutil.copytree(filled.lake_folder.parent, tmp_path / "copy")
    return settings_in(tmp_path / "copy")


@pytest.fixture(scope="module")
def judged(filled: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The same with every week judged, one after the other, from an empty book on."""
    folder = tmp_path_factory.mktemp("judged") / "copy"
    shutil.copytree(filled.lake_folder.parent, folder)
    settings = settings_in(folder)
    with open_store(settings.store_url) as store:
        for one in History(store).snapshots():
            assert evaluate(settings, store, one, now=LATER).state == "done"
    return settings


@pytest.fixture
def open_desk(judged: Settings, tmp_path: Path) -> Settings:
    """That, to be written to."""
    shutil.copytree(judged.lake_folder.parent, tmp_path / "desk")
    return settings_in(tmp_path / "desk")


@pytest.fixture
def made_up(tmp_path: Path) -> Settings:
    """A lake and a store with nothing in them."""
    return settings_in(tmp_path)


def episodes_of(settings: Settings) -> tuple[Episode, ...]:
    """Every episode of a store."""
    with open_store(settings.store_url) as store:
        return AlertBook(store).episodes(open_only=False)


def keep_made_up(store: Store, days: float, readings: Iterable[Reading], **changes: object) -> Snapshot:
    """A snapshot in the history whose files are not there."""
    kept = tuple(readings)
    made = replace(snapshot(days), operators=len(kept), **changes)  # type: ignore[arg-type] # fields of a snapshot
    history = History(store)
    history.save_scorecard(CARD.digest, CARD.name, CARD_TEXT)
    history.save(made, kept)
    return made


def bare(episodes: Iterable[Episode]) -> set[tuple[object, ...]]:
    """Episodes without their words."""
    return {(e.rule, e.subject, e.number, e.raised, e.held, e.cleared) for e in episodes}


def table(report: Report, section: str) -> Table:
    (found,) = [part for part in report.sections if part.id == section]
    return next(block for block in found.blocks if isinstance(block, Table))


# --- judging -----------------------------------------------------------------------------------------------------------


def test_the_simulation_is_what_judging_week_by_week_does(filled: Settings, judged: Settings) -> None:
    with open_store(filled.store_url) as store:
        found = simulate(filled, store, weeks=WEEKS)
        assert AlertBook(store).newest() is None
        assert AlertBook(store).episodes(open_only=False) == ()
    enabled = {rule.id for rule in alert_rules(filled).enabled}
    weekly = episodes_of(judged)
    assert len(weekly) >= 3
    assert bare(weekly) == bare(episode for episode in found.episodes if episode.rule in enabled)
    assert (len(found.instants), found.weeks, found.blind) == (WEEKS + 1, WEEKS, ())


def test_the_stories_raise_what_they_should(judged: Settings) -> None:
    episodes = {(episode.subject, episode.rule): episode for episode in episodes_of(judged)}
    assert {rule for subject, rule in episodes if subject == STEADY} == set()
    stopped = episodes[STOPPED, "usage_stopped"]
    assert stopped.told.because == "No reservation in 30 days; the last activity was 34 days ago."
    assert stopped.told.facts == {"days_since_activity": 34, "reservations_90d": 29, "future_trips_30d": 0}
    assert stopped.name == NAMES[STOPPED]
    assert "R1" not in {rule for subject, rule in episodes if subject == STOPPED}


def test_the_same_snapshot_again_changes_nothing(open_desk: Settings) -> None:
    with open_store(open_desk.store_url) as store:
        before = AlertBook(store).episodes(open_only=False)
        newest = History(store).latest()
        assert newest is not None
        assert evaluate(open_desk, store, newest, now=LATER).state == "repeated"
        first = History(store).snapshots()[0]
        assert evaluate(replace_rules(open_desk, "cool_down_days = 3"), store, first, now=LATER).state == "older"
        assert AlertBook(store).episodes(open_only=False) == before


def replace_rules(settings: Settings, *lines: str) -> Settings:
    """Settings with changed alert rules."""
    path = settings.lake_folder.parent / "alerts.toml"
    path.write_text("\n".join(('base = "shipped"', *lines)), encoding="utf-8")
    return settings.model_copy(update={"alerts": settings.alerts.model_copy(update={"rules": path})})


def test_other_rules_judge_the_newest_snapshot_anew_and_clear_what_they_no_longer_raise(open_desk: Settings) -> None:
    changed = replace_rules(open_desk, '[[rules]]\nid = "usage_stopped"\nenabled = false')
    with open_store(open_desk.store_url) as store:
        newest = History(store).latest()
        assert newest is not None
        found = evaluate(changed, store, newest, now=LATER)
    assert found.state == "done"
    assert [(e.rule, e.cleared_because) for e in found.cleared] == [
        ("usage_stopped", "The rule is no longer in force.")
    ]


def test_a_check_judges_what_was_scored_since_the_last_one(made_up: Settings) -> None:
    with open_store(made_up.store_url) as store:
        with pytest.raises(UsageError, match="no snapshot under the scorecard canonical"):
            check(made_up, store, now=LATER)
        keep_made_up(store, 0, [reading(0, 85)])
        keep_made_up(store, 7, [reading(7, 20)])
        keep_made_up(store, 7.5, [reading(7.5, 20)], kind="backfill")
        first = check(made_up, store, now=LATER)
        assert [(one.snapshot.as_of, one.state) for one in first] == [(at(7), "done")]
        assert {episode.rule for episode in first[0].raised} == {"score_low", "payment_low"}  # not the band as well
        keep_made_up(store, 21, [reading(21, 82)])
        keep_made_up(store, 28, [reading(28, 82)])
        keep_made_up(store, 29, [reading(29, 82)], scorecard="guide")
        second = check(made_up, store, now=LATER)
        assert [(one.snapshot.as_of, one.state) for one in second] == [
            (at(7), "repeated"), (at(21), "done"), (at(28), "done")
        ]  # fmt: skip
        assert second[1].cleared == ()  # 14 days, and 21 must be quiet
        assert {episode.rule for episode in second[2].cleared} == {"score_low", "payment_low"}
        assert check(made_up, store, now=LATER)[-1].state == "repeated"


def test_an_outage_is_one_alert_and_no_decline(made_up: Settings) -> None:
    operators = [f"op-{number}" for number in range(30)]
    gone = Gap("warehouse", "unavailable", "The warehouse did not answer.")
    with open_store(made_up.store_url) as store:
        for week in range(5):
            keep_made_up(store, 7 * week, [reading(7 * week, 85, operator=name) for name in operators])
        dark = [reading(35, 45, operator=name, dimensions={"payment": 45, "engagement": None}) for name in operators]
        keep_made_up(store, 35, dark, gaps=(gone,))
        for one in History(store).snapshots():
            evaluate(made_up, store, one, now=LATER)
        (alert,) = AlertBook(store).episodes()
    assert (alert.rule, alert.subject, alert.source) == ("source_gap", "source:warehouse", "warehouse")
    assert "did not answer" in alert.told.because


def test_snapshots_of_other_scorecards_or_that_are_not_kept_are_not_judged(made_up: Settings) -> None:
    with open_store(made_up.store_url) as store:
        other = keep_made_up(store, 0, [reading(0, 20)], scorecard="guide")
        assert evaluate(made_up, store, other, now=LATER).state == "other_scorecard"
        with pytest.raises(StoreError, match="does not keep the snapshot"):
            evaluate(made_up, store, snapshot(7), now=LATER)
        assert AlertBook(store).newest() is None


def test_where_the_files_are_gone_metric_rules_say_nothing(copied: Settings) -> None:
    shutil.rmtree(copied.lake_folder / SNAPSHOTS)
    with open_store(copied.store_url) as store:
        found = simulate(copied, store, weeks=WEEKS)
    tallies = {tally.rule: tally for tally in found.tallies}
    assert found.blind == found.instants
    assert (tallies["usage_stopped"].alerts, tallies["usage_stopped"].unknown) == (0, 3 * (WEEKS + 1))
    assert tallies["score_drop"].alerts + tallies["band_drop_red"].alerts + tallies["band_drop_yellow"].alerts > 0
    report = alerts.simulated(copied, 52, now=LATER)
    assert [warning.text[:18] for warning in report.warnings] == [
        "The history has 6 ", "The metrics of 7 o"
    ]  # fmt: skip


def test_a_rule_over_a_dimension_that_no_scorecard_has_is_refused(made_up: Settings) -> None:
    rules = replace_rules(made_up, '[[rules]]\nid = "payment_low"\ndimension = "paiment"')
    with pytest.raises(ConfigError, match="rule payment_low looks at the dimension 'paiment', which no scorecard has"):
        alert_rules(rules)


# --- reports -----------------------------------------------------------------------------------------------------------


def ids(settings: Settings) -> dict[str, str]:
    with open_store(settings.store_url) as store:
        return {episode.rule: episode.id for episode in AlertBook(store).episodes(subject=STOPPED)}


def drawn(report: Report) -> str:
    """The report in every format; the terminal's text."""
    assert json.loads(json_.render(report))["kind"] == report.kind
    assert report.title in markdown.render(report)
    return terminal.render(report)


def test_the_list_shows_the_worst_first_with_receipts(open_desk: Settings) -> None:
    report = open_list.open_alerts(open_desk, AlertChoice(), now=LATER)
    found = table(report, "operators")
    acts = [cell.value for row in found.rows if isinstance(cell := row[0], Fact)]
    assert acts == ["this week, by 2026-11-08"]  # the other can wait for more than a week
    assert {receipt.source for receipt in found.basis} >= {"alerts", "portfolio"}
    assert report.headline is not None
    assert report.headline.text == "1 alert; 1 more can wait."
    assert report.headline.step == "`--all` lists those, too."
    every = table(open_list.open_alerts(open_desk, AlertChoice(all=True), now=LATER), "operators")
    assert [getattr(row[1], "text", "") for row in every.rows] == [NAMES[STOPPED], NAMES[LATE]]
    one = open_list.open_alerts(open_desk, AlertChoice(all=True, limit=1), now=LATER)
    assert (len(table(one, "operators").rows), table(one, "operators").total) == (1, 2)


@pytest.mark.parametrize(
    ("hidden", "said"),
    [
        ((), "1 alert; 1 more can wait."),
        ((STOPPED,), "No alert that cannot wait; 1 more can wait; 1 snoozed."),
        ((LATE,), "1 alert; 1 snoozed."),
        ((STOPPED, LATE), "No open alert; 2 snoozed."),
    ],
)
def test_an_alert_is_shown_waits_or_is_snoozed_and_never_two_of_these(
    open_desk: Settings, hidden: tuple[str, ...], said: str
) -> None:
    week = LATER + timedelta(days=7)
    for subject in hidden:
        with open_store(open_desk.store_url) as store:
            one = AlertBook(store).episodes(subject=subject)[0].id
        alerts.changed(open_desk, lambda book, one=one: book.snooze(one, week, who="Kim", now=LATER))  # type: ignore[misc]
    for moment, every, told in (
        (LATER, False, said),
        (LATER, True, "2 alerts."),
        (week, False, "1 alert; 1 more can wait."),
    ):
        headline = open_list.open_alerts(open_desk, AlertChoice(all=every), now=moment).headline
        assert headline is not None
        assert headline.text == told


def test_an_operators_reasons_are_one_alert_that_people_take_in_hand_as_one(open_desk: Settings) -> None:
    reasons = ids(open_desk)
    assert set(reasons) == {"R5", "usage_stopped"}
    (row,) = table(open_list.open_alerts(open_desk, AlertChoice(), now=LATER), "operators").rows
    assert getattr(row[4], "value", "").endswith("(1 more)")
    alerts.changed(open_desk, lambda book: book.assign(reasons["usage_stopped"], "Kim", who="Robin", now=LATER))
    alerts.changed(open_desk, lambda book: book.acknowledge(reasons["R5"], who="Kim", now=LATER))
    with open_store(open_desk.store_url) as store:
        kept = AlertBook(store).episodes(subject=STOPPED)
    assert {(one.assignee, one.acknowledged_by) for one in kept} == {("Kim", "Kim")}
    text = drawn(alerts.one_alert(open_desk, reasons["R5"], now=LATER))
    assert "Other reasons" in text
    assert "No reservation in 30 days" in text


def test_an_owner_whom_nobody_knows_is_no_empty_list(open_desk: Settings) -> None:
    with pytest.raises(UsageError, match="has 'Kim' in it") as caught:
        open_list.open_alerts(open_desk, AlertChoice(owner="Kim"), now=LATER)
    assert "names no owner" in caught.value.hint


def test_alerts_are_found_by_the_accounts_owner_under_id_or_name(tmp_path: Path) -> None:
    owners = {STOPPED: ("71", "Kim Roe"), LATE: ("72", "Kim Roe"), STEADY: ("73", "Ada Poe")}
    company = [
        {
            "operator_id": operator, "company_id": operator, "owner_id": identifier, "owner_name": name,
            "created_at": NOW - timedelta(days=600),
        }
        for operator, (identifier, name) in owners.items()
    ]  # fmt: skip
    settings = settings_in(tmp_path)
    fill(settings.lake_folder, stories() | {"company": company})
    take(settings, lambda: NOW, Scoring())
    alerts.checked(settings, now=LATER)

    def found(owner: str) -> set[str]:
        report = open_list.open_alerts(settings, AlertChoice(owner=owner, all=True), now=LATER)
        return {row[1].text for row in table(report, "operators").rows} if report.sections else set()  # type: ignore[union-attr]

    assert found("kim") == found("71") == {NAMES[STOPPED]}
    assert found("72") == found("poe") == set()  # a namesake's, and somebody else's, accounts are quiet


def test_where_the_files_are_gone_nothing_that_is_not_known_is_left_out(open_desk: Settings) -> None:
    shutil.rmtree(open_desk.lake_folder / SNAPSHOTS)
    report = open_list.open_alerts(open_desk, AlertChoice(owner="Kim"), now=LATER)
    assert len(table(report, "operators").rows) == 2
    assert any("whose they are is not known" in warning.text for warning in report.warnings)


def test_the_list_can_be_narrowed_and_may_be_empty(open_desk: Settings) -> None:
    only = open_list.open_alerts(open_desk, AlertChoice(rule="USAGE_STOPPED"), now=LATER)
    assert len(table(only, "operators").rows) == 1
    nobody = open_list.open_alerts(open_desk, AlertChoice(severities=("low",), assignee="Kim"), now=LATER)
    assert nobody.headline is not None
    assert nobody.headline.text == (
        "No open alert matches the filter (severity low, assigned to Kim); without it there are 2."
    )
    assert "No open alert" in drawn(nobody)


def test_what_has_not_been_judged_is_said(made_up: Settings) -> None:
    with open_store(made_up.store_url) as store:
        keep_made_up(store, 0, [reading(0, 85)])
    with pytest.raises(UsageError, match="No snapshot has been checked for alerts yet"):
        open_list.open_alerts(made_up, AlertChoice(), now=LATER)
    alerts.checked(made_up, now=LATER)
    assert open_list.open_alerts(made_up, AlertChoice(), now=LATER).warnings == ()
    with open_store(made_up.store_url) as store:
        keep_made_up(store, 7, [reading(7, 20)])
    (warning,) = open_list.open_alerts(made_up, AlertChoice(), now=LATER).warnings
    assert warning.text.startswith("1 snapshot scored since has not been checked")


def test_one_alert_shows_its_figures_with_the_receipts_of_its_snapshot(open_desk: Settings) -> None:
    report = alerts.one_alert(open_desk, ids(open_desk)["usage_stopped"][:6], now=LATER)
    lines = {
        line.label: line.figure
        for part in report.sections
        for block in part.blocks
        if isinstance(block, Figures)
        for line in block.lines
    }
    activity = lines["Days since last booking"]
    assert isinstance(activity, Fact)
    assert (activity.value, activity.unit) == (34, "days")
    assert {receipt.stream for receipt in activity.basis} == {"reservation", "score"}
    assert (report.operator_id, report.operator_name) == (STOPPED, NAMES[STOPPED])
    text = drawn(report)
    assert "Call: find out whether they still drive" in text
    assert "raised" in text


def test_one_alert_of_a_snapshot_that_is_gone_has_gaps_for_figures(open_desk: Settings) -> None:
    alert = ids(open_desk)["usage_stopped"]
    with open_store(open_desk.store_url) as store:
        History(store).forget([one.id for one in History(store).snapshots()])
    report = alerts.one_alert(open_desk, alert, now=LATER)
    figures = [line.figure for part in report.sections if part.id == "figures" for line in part.blocks[0].lines]  # type: ignore[union-attr]
    assert all(isinstance(figure, Gap) for figure in figures)
    assert "no longer in the history" in " ".join(drawn(report).split())  # wherever the terminal breaks the line


def test_people_acknowledge_assign_and_snooze(open_desk: Settings) -> None:
    alert, now = ids(open_desk)["usage_stopped"], LATER
    alerts.changed(open_desk, lambda book: book.assign(alert, "Kim", who="Robin", now=now))
    alerts.changed(open_desk, lambda book: book.acknowledge(alert, who="Kim", now=now))
    row = table(open_list.open_alerts(open_desk, AlertChoice(assignee="kim"), now=now), "operators").rows[0]
    assert getattr(row[5], "value", "") == "acknowledged since 2026-10-25, Kim"
    alerts.changed(open_desk, lambda book: book.snooze(alert, now + timedelta(days=7), who="Kim", now=now))

    def listed(moment: datetime, *, snoozed: bool = False) -> bool:
        choice = AlertChoice(rule="usage_stopped", all=snoozed)
        return bool(open_list.open_alerts(open_desk, choice, now=moment).sections)

    assert not listed(now)
    assert listed(now, snoozed=True)
    assert listed(now + timedelta(days=7))
    text = drawn(alerts.one_alert(open_desk, alert, now=now))
    assert all(word in text for word in ("Robin", "acknowledged", "snoozed", "assigned"))


def test_a_check_says_what_it_raised_and_what_is_over(made_up: Settings) -> None:
    with open_store(made_up.store_url) as store:
        keep_made_up(store, 0, [reading(0, 20)])
    report = alerts.checked(made_up, now=LATER)
    assert report.headline is not None
    assert report.headline.text == "1 alert stood already when alerts were first checked: none of them is new."
    (row,) = table(report, "raised").rows
    assert getattr(row[4], "value", "") == "The score is 20. (1 more)"
    assert getattr(row[5], "value", "").startswith("standing since ")
    with open_store(made_up.store_url) as store:
        keep_made_up(store, 7, [reading(7, 20), reading(7, 20, operator="op-2")])
    second = alerts.checked(made_up, now=LATER)
    assert second.headline is not None
    assert second.headline.text == "1 alert raised, 0 rose, 0 cleared, 1 go on."
    with open_store(made_up.store_url) as store:
        keep_made_up(store, 28, [reading(28, 90), reading(28, 90, operator="op-2")])
    over = alerts.checked(made_up, now=LATER)
    assert len(table(over, "cleared").rows) == 4
    assert "The score is 90 again." in drawn(over)
    assert "Nothing new." in drawn(alerts.checked(made_up, now=LATER))


def test_the_simulation_is_told_with_the_rules_that_are_off(filled: Settings) -> None:
    report = alerts.simulated(filled, WEEKS, now=LATER)
    rules = [row[0] for row in table(report, "raised").rows]
    assert Text("login_idle (off)") in rules
    assert len(rules) == len(alert_rules(filled).rules)
    assert report.warnings == ()
    assert "usage_stopped" in drawn(report)


# --- the command line --------------------------------------------------------------------------------------------------


def said(capsys: pytest.CaptureFixture[str], settings: Settings, *arguments: str) -> tuple[int | None, str, str]:
    capsys.readouterr()
    code = run(["--config", str(settings_file(settings.lake_folder.parent)), "alerts", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_commands(copied: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with open_store(copied.store_url) as store:
        newest = History(store).latest()
        assert newest is not None
        History(store).forget([newest.id])
        folder = copied.lake_folder / newest.place
        keep_in(History(store), replace(newest, kind="scored"), readings(folder, newest))
    code, out, _ = said(capsys, copied, "check")
    assert (code, "stood already" in " ".join(out.split())) == (0, True)
    code, out, _ = said(capsys, copied, "--json", "--severity", "high")
    assert (code, json.loads(out)["kind"]) == (0, "alerts")
    alert = ids(copied)["usage_stopped"]
    assert said(capsys, copied, "ack", alert[:8], "--as", "Kim")[1].endswith("is acknowledged by Kim.\n")
    assert "assigned to Robin" in said(capsys, copied, "assign", alert, "Robin")[1]
    assert "snoozed until 2026-12-01 00:00 UTC" in said(capsys, copied, "snooze", alert, "--until", "2026-12-01")[1]
    code, out, _ = said(capsys, copied, "show", alert)
    assert (code, "Robin" in out) == (0, True)
    code, out, _ = said(capsys, copied, "simulate", "--weeks", "6")
    assert (code, "would have given" in " ".join(out.split())) == (0, True)
    code, out, _ = said(capsys, copied, "rules", "--json")
    assert [rule["id"] for rule in json.loads(out)] == [rule.id for rule in alert_rules(copied).rules]
    assert "why so: procedure" in said(capsys, copied, "rules")[1]


def test_the_shipped_file_is_a_start_for_ones_own(
    made_up: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(said(capsys, made_up, "rules", "--toml")[1], encoding="utf-8")
    code, out, _ = said(capsys, made_up, "rules", "--rules", str(own), "--json")
    assert (code, len(json.loads(out))) == (0, len(alert_rules(made_up).rules))


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        ((), 2, "No snapshot has been checked for alerts yet."),
        (("check",), 2, "The history has no snapshot under the scorecard canonical to judge."),
        (("simulate",), 2, "The history has no snapshot"),
        (("show", "nope"), 2, "'nope' is no alert's id"),
        (("ack", "0123abcd"), 2, "There is no alert 0123abcd."),
        (("snooze", "0123abcd", "--until", "soon"), 2, "'soon' is neither a day nor an instant."),
        (("snooze", "0123abcd", "--until", "2020-01-01"), 2, "2020-01-01 has passed."),
        (("rules", "--rules", "nowhere.toml"), 5, "The alert rules nowhere.toml cannot be read"),
        (("--severity", "awful"), 2, "Invalid value for '--severity'"),
    ],
)
def test_faults_are_one_sentence(
    made_up: Settings,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    complaint: str,
) -> None:
    found, out, err = said(capsys, made_up, *arguments)
    assert (found, out) == (code, "")
    assert err.startswith(f"Error: {complaint}")


def test_the_setting_names_the_rules(tmp_path: Path) -> None:
    path = settings_file(tmp_path)
    own = tmp_path / "mine.toml"
    own.write_text('base = "shipped"\n[[rules]]\nid = "growth"\nenabled = false\n', encoding="utf-8")
    path.write_text(f"{path.read_text(encoding='utf-8')}[alerts]\nrules = '{own}'\n", encoding="utf-8")
    rules = alert_rules(load_settings(path))
    assert {rule.id for rule in rules.rules if not rule.enabled} == {"growth", "login_idle"}
