"""The declaration of alert rules: the shipped file, a user's file and its changes, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from alert_cases import FINDINGS, HEAD, SHARED, rules_of, shipped
from scored_accounts import NAMES

from customer_research.domain.vocabularies import SEGMENTS
from customer_research.errors import ConfigError
from customer_research.health.alerts.declared import load_alert_rules, shipped_rules
from customer_research.health.alerts.rules import DimensionTest, MetricTest, ScoreDropTest

IDLE = 'id = "idle"\nkind = "metric"\nmetric = "days_since_login"\nside = "high"\nbecause = "Idle for {days_since_login|day|days}."\n'


def test_the_shipped_rules_cover_what_the_notes_ask_for() -> None:
    rules = shipped()
    assert {rule.kind for rule in rules.rules} == {
        "metric", "condition", "dimension", "band_drop", "score_drop", "finding", "signals", "source_gap"
    }  # fmt: skip
    findings = {rule.id for rule in rules.rules if rule.kind == "finding"}
    untold = {"R4", "R15", "R23", "R24", "R25"}  # all is well; the season; the support chat
    assert findings == {finding.id for finding in FINDINGS} - untold
    assert all(rule.reason and rule.action and "churned" not in rule.statuses for rule in rules.rules)
    assert {rule.id for rule in rules.rules} - {rule.id for rule in rules.enabled} == {"login_idle"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("renewal_window", {"Free": 90, "SMB": 45, "Mid-Market": 90, "Enterprise": 120}),
        ("renewal_final", {"Free": 30, "SMB": 14, "Mid-Market": 30, "Enterprise": 60}),
        ("usage_drop", {"Free": -0.25, "SMB": -0.5, "Mid-Market": -0.3, "Enterprise": -0.2}),
    ],
)
def test_shipped_limits_by_segment_are_those_of_the_notes(rule: str, expected: dict[str, float]) -> None:
    found = shipped().named(rule)
    assert found is not None
    assert isinstance(found.test, MetricTest)
    assert found.test.threshold is not None
    assert {segment: found.test.threshold.raise_at.of(segment) for segment in SEGMENTS} == expected


def test_a_score_drop_is_ten_points_in_thirty_days() -> None:
    found = shipped().named("score_drop")
    assert found is not None
    assert isinstance(found.test, ScoreDropTest)
    assert (found.test.threshold.raise_at.default, found.test.days) == (-10, 30)


def test_a_users_file_changes_shipped_rules_by_id_and_adds_its_own(tmp_path: Path) -> None:
    path = tmp_path / "alerts.toml"
    path.write_text(
        'base = "shipped"\ncool_down_days = 7\n[[rules]]\nid = "login_idle"\nenabled = true\nraise_at = 21\n'
        f'[[rules]]\nid = "R8"\nenabled = false\n[[rules]]\n{SHARED}{IDLE}raise_at = 90\nclear_at = 30\n',
        encoding="utf-8",
    )
    rules = load_alert_rules(path, NAMES, FINDINGS)
    idle, old = rules.named("login_idle"), rules.named("score_drop")
    assert idle is not None
    assert isinstance(idle.test, MetricTest)
    assert idle.test.threshold is not None
    assert (idle.enabled, idle.test.threshold.raise_at.of(None)) == (True, 21)
    assert old is not None
    assert (old.quiet_days, old.cool_down_days) == (21, 7)
    assert [rule.id for rule in rules.rules if not rule.enabled] == ["R8"]
    assert rules.rules[-1].id == "idle"
    assert len(rules.rules) == len(shipped().rules) + 1
    assert rules.digest != shipped().digest


def test_the_example_in_the_shipped_file_is_right(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    lines = [line[6:] for line in shipped_rules().splitlines() if re.match("#     [^ ]", line)]
    path.write_text("\n".join(lines), encoding="utf-8")
    idle = load_alert_rules(path, NAMES, FINDINGS).named("login_idle")
    assert idle is not None
    assert idle.enabled


def test_a_file_without_base_stands_alone() -> None:
    assert [rule.id for rule in rules_of(f"{IDLE}raise_at = 14\nclear_at = 7").rules] == ["idle"]


def test_both_limits_are_inclusive_and_nothing_changes_between_them() -> None:
    high = rules_of(f"{IDLE}raise_at = {{ default = 7, SMB = 14 }}\nclear_at = 3").rules[0].test
    low = (
        rules_of('id = "low"\nkind = "dimension"\ndimension = "score"\nside = "low"\nraise_at = 29\nclear_at = 40')
        .rules[0]
        .test
    )
    assert isinstance(high, MetricTest)
    assert high.threshold is not None
    assert isinstance(low, DimensionTest)
    assert [high.threshold.state(days, "SMB") for days in (14, 13, 4, 3)] == ["holds", "between", "between", "clears"]
    assert [high.threshold.state(days, None) for days in (7, 6, 3)] == ["holds", "between", "clears"]
    assert [low.threshold.state(score) for score in (0, 29, 30, 39, 40)] == [
        "holds", "holds", "between", "between", "clears"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (f"{IDLE}raise_at = 7\nclear_at = 7", "'clear_at' must be below 'raise_at'"),
        (f"{IDLE}raise_at = {{ default = 7, SMB = 2 }}\nclear_at = 3", "but they are 3 and 2 for SMB"),
        (f"{IDLE}raise_at = {{ SMB = 7 }}\nclear_at = 3", "needs a 'default'"),
        (f"{IDLE}raise_at = {{ default = 7, Tiny = 9 }}\nclear_at = 3", "'Tiny' is not a segment"),
        (f"{IDLE}raise_at = nan\nclear_at = 3", "must be finite"),
        (IDLE.replace("high", "up") + "raise_at = 7\nclear_at = 3", "'side' is 'up'; known: low, high"),
        (f'{IDLE}raise_at = "7"\nclear_at = 3', "'raise_at' must be a number"),
        (f"{IDLE}raise_at = 7", "'clear_at' is missing"),
        (f'{IDLE}raise_at = 7\nclear_at = 3\nstatuses = ["churned"]', "churned operators raise no alerts"),
        (f'{IDLE}raise_at = 7\nclear_at = 3\nsegments = ["Big"]', "names 'Big'; known: Free"),
        (f'{IDLE}raise_at = 7\nclear_at = 3\nexcused_by = ["R99"]', "'R99' is no correlation rule"),
        (f'{IDLE}raise_at = 7\nclear_at = 3\nonly_if = "nope > 1"', "'nope' is not a metric"),
        (f'{IDLE}raise_at = 7\nclear_at = 3\nonly_if = "1) OR (1 = 1"', "cannot be read"),
        (f'{IDLE}raise_at = 7\nclear_at = 3\ncovered_by = ["idle"]', "names 'idle'"),
        (f"{IDLE}raise_at = 7\nclear_at = 3\ncool_down_days = -1", "must be 0 or more"),
        (f'{IDLE}raise_at = 7\nclear_at = 3\nseverty = "low"', "unknown key 'severty'"),
        ('id = "x"\nkind = "weather"', "'kind' is 'weather'; known: metric"),
        (
            'id = "x"\nkind = "metric"\nmetric = "nope"\nside = "high"\nraise_at = 7\nclear_at = 3\nbecause = "X."',
            "'nope' is not a metric",
        ),
        ('id = "x"\nkind = "condition"\nwhen = "1 = 1; DROP TABLE x"\nbecause = "X."', "which a condition may not"),
        ('id = "x"\nkind = "band_drop"\nto = ["healthy"]\ndays = 30\npoints = 3', "names 'healthy'"),
        ('id = "x"\nkind = "score_drop"\ndays = 30\nraise_at = 1\nclear_at = 5', "changes of the score"),
        ('kind = "finding"\nfindings = ["R99"]', "'R99' is no correlation rule"),
        ('id = "x"\nkind = "signals"\nfindings = ["R1"]\nat_least = 2', "'at_least' is 2"),
        (
            'id = "x y"\nkind = "dimension"\ndimension = "score"\nside = "low"\nraise_at = 29\nclear_at = 40',
            "'id' must be made of letters",
        ),
    ],
)
def test_faults_are_told_in_one_sentence_that_names_the_place(table: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=f"made-up rules, rules .*: .*{complaint}") as told:
        rules_of(table)
    assert told.value.setting == "alerts.rules"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("nonsense", "is not valid TOML"),
        (HEAD, "'rules' is empty"),
        ('base = "mine"\n', "'base' is 'mine'; known: shipped"),
        ('base = "shipped"\n[[rules]]\nenabled = false\n', "'id' is missing"),
        ('base = "shipped"\nrules = 3\n', "must be a list of tables"),
        ('base = "shipped"\n[[rules]]\nid = "login_idle"\nraise_at = 1\n', "'clear_at' must be below 'raise_at'"),
        (HEAD + "answer = 42\n[[rules]]\n" + SHARED + IDLE + "raise_at = 7\nclear_at = 3", "unknown key 'answer'"),
    ],
)
def test_a_faulty_file_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=complaint):
        load_alert_rules(path, NAMES, FINDINGS)


def test_two_rules_of_one_id_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    table = f"{IDLE}raise_at = 7\nclear_at = 3"
    with pytest.raises(ConfigError, match="an id of its own"):
        rules_of(table, table.replace('"idle"', '"IDLE"'))
    with pytest.raises(ConfigError, match="cannot be read: FileNotFoundError"):
        load_alert_rules(tmp_path / "none.toml", NAMES, FINDINGS)
