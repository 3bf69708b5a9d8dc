"""What lines, gates and findings say of two thousand made-up operators and of the demo's fits the figures beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any

import pytest
from drawn_accounts import drawn
from scored_accounts import NAMES, account, evidence, figures, run, scorecard

from customer_research.domain.catalogue import ACCOUNT_TABLE, METRICS
from customer_research.domain.health import Finding, HealthScore
from customer_research.health.alerts.declared import load_alert_rules
from customer_research.health.alerts.rules import MetricTest
from customer_research.health.assembly import assemble
from customer_research.health.findings import assemble_findings, findings_sql, load_findings
from customer_research.health.playbook import load_playbook
from customer_research.health.rules import case_sql
from customer_research.health.scoring import scoring_sql
from customer_research.health.sentences import filled
from customer_research.research.portfolio.snapshots import accounts, snapshots_of
from customer_research.settings import Settings

CARDS = ("canonical", "retention")
PLACEHOLDER = re.compile(r"\{(\w+)(?:\|[^{}]*)?\}")
NUMBER = re.compile(r"[-+]?\$?[\d,]+(?:\.\d+)?")
RANGES = {"healthy": range(80, 101), "monitor": range(60, 80), "at_risk": range(40, 60), "critical": range(40)}
MOVED = re.compile(r"\b(fell|rose) from (\S+) to (\S+?)[ ;.]")
FALLING = re.compile(
    r"\b[Uu]sage falls|\breservations fall|\buses the product less|\bfalls in silence|\bfell by the month"
)
GROWING = re.compile(r"\b[Uu]sage grows(?! by the quarter)")
QUARTER_GROWING = re.compile(r"\b[Uu]sage grows by the quarter")


@dataclass(frozen=True)
class Sentence:
    """What is said, of which rule, from which template, by which figures it says to rest on (None: those of its template)."""

    rule: str
    template: str
    text: str
    cited: frozenset[str] | None


@dataclass(frozen=True)
class Operator:
    row: Mapping[str, Any]
    scores: Mapping[str, HealthScore]
    findings: tuple[Finding, ...]
    sentences: tuple[Sentence, ...]


def told(rows: Iterable[Mapping[str, Any]]) -> Iterator[Operator]:
    """What the product says of each."""
    known = list(rows)
    cards, correlations = [scorecard(name) for name in CARDS], load_findings(NAMES)
    plays = [play for play in load_playbook(None, NAMES).plays if play.cases]
    raised = ", ".join(f"{case_sql(play.cases)} AS {play.id}" for play in plays)
    queries = [
        *(scoring_sql(card) for card in cards),
        findings_sql(correlations),
        f"SELECT operator_id, {raised} FROM {ACCOUNT_TABLE}",
    ]
    answers = [{answer["operator_id"]: answer for answer in run(query, known)} for query in queries]
    for row in known:
        said: list[Sentence] = []
        facts = figures(row)
        *scored, held, advised = (answer[row["operator_id"]] for answer in answers)
        scores = {card.name: assemble(card, one, facts, evidence) for card, one in zip(cards, scored, strict=True)}
        for card, one in zip(cards, scored, strict=True):
            lines = {line.rule: line.because for line in scores[card.name].contributions}
            rules = [
                (f"{card.name} {rule.id}", rule.cases, one[f"case_{rule.key}"], lines.get(rule.id))
                for rule in card.rules
            ]
            gates = {gate.name: gate.because for gate in scores[card.name].gates}
            rules += [(gate.name, gate.cases, one[f"gate_{gate.name}"], gates.get(gate.name)) for gate in card.gates]
            said += [
                Sentence(name, cases[case - 1].because, text, None)
                for name, cases, case, text in rules
                if text and case
            ]
        found = assemble_findings(correlations, held, facts)
        by_id = {rule.id: rule for rule in correlations}
        for finding in found:
            template = by_id[finding.rule].cases[held[f"case_{finding.rule.lower()}"] - 1].because
            cited = frozenset(str(fact.metric) for fact in finding.facts)
            said.append(Sentence(finding.rule, template, finding.because, cited))
        for play in plays:
            if number := advised[play.id]:
                template = play.cases[number - 1].because
                said.append(Sentence(f"play {play.id}", template, filled(template, facts), None))
        yield Operator(row, scores, found, tuple(said))


STOPPED: dict[str, Any] = {
    "reservations_30d": 0,
    "reservations_prev_30d": 0,
    "reservations_60d": 0,
    "trend_30d": None,
    "usage_trend": None,
}
FALLEN: dict[str, Any] = {
    "reservations_30d": 20,
    "reservations_prev_30d": 60,
    "reservations_60d": 80,
    "trend_30d": -2 / 3,
    "usage_trend": -2 / 3,
}
FAILING: dict[str, Any] = {
    "invoices_failed_90d": 3,
    "charge_success_rate": 0.5,
    "charges_failed_90d": 50,
    "payment_success_worst": 0.5,
}
SILENT: dict[str, Any] = {"days_since_contact": None, "engagements_90d": 0}
SELDOM = [
    account(operator_id=f"seldom {number}", future_trips_30d=0, trend_30d_seasonal=None, **use, **signs)
    for number, (use, signs) in enumerate(product((STOPPED, FALLEN), (FAILING, SILENT)))
]
"""What the drawn operators hardly ever are."""


@pytest.fixture(scope="module")
def operators() -> list[Operator]:
    return list(told([*drawn(2000, seed=11), *SELDOM]))


@pytest.fixture(scope="module")
def demo(portfolio_settings: Settings) -> list[Operator]:
    found = next(snapshots_of(portfolio_settings.lake_folder), None)
    assert found is not None
    return list(told(accounts(found[0])))


def wrong_figures(operator: Operator) -> Iterator[str]:
    """Sentences that say another figure than they rest on."""
    for sentence in operator.sentences:
        names = PLACEHOLDER.findall(sentence.template)
        parts = PLACEHOLDER.split(sentence.template)[::2]
        shape = "(.+?)".join(re.escape(part) for part in parts)
        match = re.fullmatch(shape, sentence.text, re.IGNORECASE)
        if match is None:
            yield f"{sentence.rule}: {sentence.text}"
            continue
        for name, words in zip(names, match.groups(), strict=True):
            value = operator.row[name]
            if not _says(words, value, METRICS[name].unit) or (
                value is not None and name not in (sentence.cited or {name})
            ):
                yield f"{sentence.rule}: {sentence.text} ({name} is {value}, cited: {sorted(sentence.cited or ())})"


def _says(words: str, value: Any, unit: str) -> bool:
    """Whether words as a report has them say the value."""
    if value is None:
        return "unknown" in words.lower()
    if isinstance(value, date):
        return words == value.isoformat()
    if words.lower() in {"under 0.1%", "over 99.9%"}:
        return bool(0 < value < 0.001 if "nder" in words else 0.999 < value < 1)
    number = float(NUMBER.match(words)[0].replace("$", "").replace(",", ""))  # type: ignore[index]
    scale, blur = {"ratio": (100, 0.051), "usd_minor": (0.01, 0.0), "number": (1, 0.051)}.get(unit, (1, 0.051))
    return bool(abs(number - value * scale) <= blur)


def wrong_words(operator: Operator) -> Iterator[str]:
    """Sentences that say a fall or a rise that is none, or both at once."""
    row = operator.row
    now, before = row["reservations_30d"], row["reservations_prev_30d"]
    grows = falls = False
    for sentence in operator.sentences:
        for verb, was, became in MOVED.findall(sentence.text):
            first, last = (float(text.rstrip("%").replace(",", "")) for text in (was, became))
            if not (first > last if verb == "fell" else first < last):
                yield f"{sentence.rule}: {sentence.text}"
        if FALLING.search(sentence.text):
            falls = True
            if not now < before:
                yield f"{sentence.rule}: {sentence.text} ({before} to {now})"
        if QUARTER_GROWING.search(sentence.text) and not row["reservations_90d"] > row["reservations_prev_90d"]:
            yield f"{sentence.rule}: {sentence.text}"
        if GROWING.search(sentence.text):
            grows = True
            if not now > before:
                yield f"{sentence.rule}: {sentence.text} ({before} to {now})"
        if (
            "did a year ago" in sentence.text
            and not row["reservations_30d_year_ago"] < row["reservations_prev_30d_year_ago"]
        ):
            yield f"{sentence.rule}: {sentence.text}"
        if "by half or more" in sentence.text and not now * 2 <= before:
            yield f"{sentence.rule}: {sentence.text} ({before} to {now})"
    if grows and falls:
        yield f"grows and falls: {[sentence.text for sentence in operator.sentences]}"


def praise_beside_risk(operator: Operator) -> Iterator[str]:
    """Praise (R4) of whom a finding, a line or a gate says something else."""
    praised = [finding for finding in operator.findings if finding.rule == "R4"]
    health = operator.scores["canonical"]
    if praised:
        yield from (f"R4 beside {other.rule}" for other in operator.findings if other.kind in {"risk", "conflict"})
        yield from (
            f"R4 beside {line.rule}: {line.because}"
            for line in health.contributions
            if line.points < 0 and line.rule != "clamp"
        )
        yield from (f"R4 beside {gate.name}: {gate.because}" for gate in health.gates)
    falls = {"E1", "E2", "E3"}.intersection(line.rule for line in health.contributions)
    if falls:
        yield from (f"{line.rule} beside {falls}" for line in health.contributions if line.rule in {"E5", "E6", "E7"})


def out_of_range(operator: Operator) -> Iterator[str]:
    """A score outside the range of its band, or a range within one band that is called not settled."""
    health = operator.scores["canonical"]
    if health.band in RANGES and health.score not in RANGES[health.band]:
        yield f"{health.score} is {health.band}"
    if health.band in RANGES and health.highest is not None and health.highest not in RANGES[health.band]:
        yield f"{health.score} to {health.highest} is {health.band}"


CHECKS = (wrong_figures, wrong_words, praise_beside_risk, out_of_range)


@pytest.mark.parametrize("check", CHECKS)
def test_of_made_up_operators(check: Any, operators: list[Operator]) -> None:
    assert sorted({fault for operator in operators for fault in check(operator)})[:20] == []


@pytest.mark.parametrize("check", CHECKS)
def test_of_the_demo(check: Any, demo: list[Operator]) -> None:
    assert sorted({fault for operator in demo for fault in check(operator)})[:20] == []


def test_an_alert_of_a_drop_is_raised_by_a_drop() -> None:
    alerts = {rule.id: rule.test for rule in load_alert_rules(None, NAMES, load_findings(NAMES)).rules}
    drop = alerts["usage_drop"]
    assert isinstance(drop, MetricTest)
    found = run(f"SELECT * FROM {ACCOUNT_TABLE} WHERE {drop.sides[0].sql}", drawn(2000, seed=12))
    assert found
    assert [row for row in found if not row["reservations_30d"] < row["reservations_prev_30d"]] == []


def test_every_rule_and_finding_is_said_of_someone(operators: list[Operator]) -> None:
    said = {sentence.template for operator in operators for sentence in operator.sentences}
    cards = [scorecard(name) for name in CARDS]
    every = {case.because for card in cards for rule in card.rules for case in rule.cases}
    every |= {case.because for card in cards for gate in card.gates for case in gate.cases}
    every |= {case.because for play in load_playbook(None, NAMES).plays for case in play.cases}
    every |= {case.because for rule in load_findings(NAMES) for case in rule.cases}
    assert every - said == set()
