"""Loading scorecards: what is refused, the digest, sentences, and SQL that other engines can read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from scored_accounts import NAMES, RECEIPT, account, evidence, figures, run, score, scorecard

from customer_research.domain.evidence import Fact, Figure, Gap
from customer_research.errors import ConfigError, EngineError
from customer_research.health.assembly import assemble
from customer_research.health.scorecard import declaration_of, load_scorecard, shipped_scorecards
from customer_research.health.scoring import long_sql, scoring_sql
from customer_research.health.sentences import filled

CARD = """
name = "mine"
version = "7"
title = "Mine"
minimum_coverage = 0.5
[bands]
healthy = 80
monitor = 60
at_risk = 40
[terms]
quiet = "reservations_30d = 0"
[dimensions.support]
title = "Support"
weight = 1
base = 100
known_by = ["open_tickets"]
[[rules]]
id = "S1"
dimension = "support"
when = "open_tickets >= 1 AND NOT quiet"
points = -10
per = "open_tickets"
cap = 25
because = "{open_tickets|ticket|tickets}."
fact = "open_tickets"
window = "now"
[[gates]]
name = "quiet"
when = "quiet"
cap = "monitor"
because = "Quiet."
fact = "reservations_30d"
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_shipped() -> None:
    assert shipped_scorecards() == ("billing_guide", "canonical", "canonical_1", "guide", "retention")
    for name in shipped_scorecards():
        card = load_scorecard(name, NAMES)
        assert card.name == name.removesuffix("_1")  # an earlier version has its name, so that old snapshots find it
        assert len(card.digest) == 64


def test_the_first_canonical_is_as_old_snapshots_were_scored_with_it() -> None:
    card = load_scorecard("canonical_1", NAMES)
    assert (card.name, card.version) == ("canonical", "1")
    assert card.digest == "4596014693dc9631078d0a89fdca1ffea59dddcf400be65389db9859093ab304"


def test_the_canonical_weights_and_cuts_are_those_of_the_notes() -> None:
    card = scorecard()
    assert {d.name: d.weight for d in card.dimensions} == {
        "payment": 400,
        "engagement": 250,
        "support": 200,
        "growth": 150,
    }
    assert (card.cuts, card.minimum_coverage, card.critical_cap) == ((80, 60, 40), 500, "at_risk")


def test_a_card_from_a_file(tmp_path: Path) -> None:
    card = load_scorecard(write(tmp_path, CARD), NAMES)
    scores = [run(scoring_sql(card), [account(open_tickets=n)])[0]["score"] for n in (0, 1, 2, 9)]
    assert scores == [100, 90, 80, 75]
    assert run(scoring_sql(card), [account(open_tickets=9, reservations_30d=0)])[0]["band"] == "monitor"


def test_the_digest_is_of_what_is_said_not_of_its_layout(tmp_path: Path) -> None:
    card = load_scorecard(write(tmp_path, CARD), NAMES)
    assert load_scorecard(write(tmp_path, "# a remark\n" + CARD), NAMES).digest == card.digest
    assert load_scorecard(write(tmp_path, CARD.replace("-10", "-11")), NAMES).digest != card.digest


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("weight = 1", "weight = 0.9", "add up to 1"),
        ("weight = 1", "weight = 1.5", "'weight' must be from 0 to 1"),
        ("weight = 1", 'weight = "1"', "'weight' must be a number, not"),
        ("base = 100", "base = 101", "'base' must be 100 or less"),
        ('known_by = ["open_tickets"]', 'known_by = ["tickets"]', "not a metric"),
        ('known_by = ["open_tickets"]', "known_by = []", "at least one metric"),
        ("open_tickets >= 1 AND", "open_things >= 1 AND", "'open_things' is not a metric"),
        ("open_tickets >= 1 AND", "open_tickets >= AND", "cannot be read"),
        ("open_tickets >= 1 AND NOT quiet", "open_tickets + 1", "neither true nor false"),
        ("open_tickets >= 1 AND NOT quiet", "(SELECT 1) = 1", "which a condition may not"),
        ("open_tickets >= 1 AND NOT quiet", "SQRT(open_tickets) > 1", "which a condition may not"),
        ("open_tickets >= 1 AND NOT quiet", "t.open_tickets > 1", "not a metric"),
        ('quiet = "reservations_30d = 0"', 'quiet = "later = 0"\\nlater = "TRUE"', "not a metric"),
        ("points = -10", "points = 0", "points that are not 0"),
        ("points = -10", "points = -1.5", "'points' must be a whole number"),
        ("points = -10", "points = true", "'points' must be a whole number"),
        ('per = "open_tickets"', 'per = "tickets"', "not a metric"),
        ("cap = 25", "cap = -1", "'cap' must be 0 or more"),
        ('dimension = "support"', 'dimension = "payment"', "declared dimension"),
        ('id = "S1"', 'id = "S 1"', "id such as P1"),
        ('window = "now"', 'window = "now"\nwindwo = "now"', "unknown key 'windwo'"),
        ('window = "now"', 'window = "now"\nunless = ["S9"]', "no earlier rule"),
        (
            'window = "now"',
            (
                'window = "now"\n[[rules]]\nid = "S2"\ndimension = "support"\nwhen = "open_tickets > 5"\npoints = -1\n'
                'because = "Many."\nfact = "open_tickets"\nwindow = "now"\nunless = ["s1"]'
            ),
            "rules S2: 'unless' names 's1', which is no earlier rule",
        ),
        ('window = "now"', 'window = "now"\nnot_for = ["new"]', "'not_for' names 'new'; known: active"),
        ('window = "now"', 'window = "now"\noption = "x"', "not declared under"),
        ('window = "now"', 'window = "now"\n[[rules]]\nid="S2"', "rules S2: 'dimension' is missing"),
        ("{open_tickets|ticket|tickets}.", "{tickets}.", "not a metric"),
        ("{open_tickets|ticket|tickets}.", "{open_tickets|ticket}.", "whole sentence"),
        ("{open_tickets|ticket|tickets}.", "no full stop", "whole sentence"),
        ('cap = "monitor"', 'cap = "healthy"', "'cap' is 'healthy'; known: monitor, at_risk, critical"),
        ("monitor = 60", "monitor = 30", "cut-offs must fall"),
        ('name = "mine"', 'name = "Mine!"', "lower-case letters"),
        ("minimum_coverage = 0.5", "minimum_coverage = 0", "above 0"),
        ("minimum_coverage = 0.5", "minimum_coverage = 0.5005", "steps of 0.001"),
        ("[bands]", "[bands", "not valid TOML"),
    ],
)
def test_faults_are_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in CARD
    with pytest.raises(ConfigError, match=complaint):
        load_scorecard(write(tmp_path, CARD.replace(old, new.replace("\\n", "\n"), 1)), NAMES)


def test_unknown_cards_files_and_options(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no scorecard 'mine'") as unknown:
        load_scorecard("mine", NAMES)
    assert "canonical" in unknown.value.hint
    with pytest.raises(ConfigError, match="cannot be read"):
        load_scorecard(tmp_path / "absent.toml", NAMES)
    with pytest.raises(ConfigError, match="no option 'additive'"):
        load_scorecard("guide", NAMES, options=["additive"])
    with pytest.raises(ConfigError, match="not a metric"):
        load_scorecard("canonical", ["open_tickets"])


@pytest.mark.parametrize("name", ["canonical", "guide", "billing_guide"])
@pytest.mark.parametrize("dialect", ["snowflake", "postgres", "spark"])
def test_the_queries_are_portable(name: str, dialect: str) -> None:
    """Through the other dialect and back they still give the same rows; those that come back in the same words need no proof."""
    rows = [
        account(open_tickets_over_7d=2, usage_trend=-0.5, active_disputes=1),
        account(["reservations_30d", "open_tickets"]) | {"operator_id": "other"},
    ]
    scored = scoring_sql(scorecard(name))
    for sql in (scored, *long_sql(scorecard(name), f"({scored}) AS scored").values()):
        there = sqlglot.transpile(sql, read="duckdb", write=dialect)[0]
        back = sqlglot.transpile(there, read=dialect, write="duckdb")[0]
        if [back] != sqlglot.transpile(sql, read="duckdb", write="duckdb"):
            assert sorted(run(back, rows), key=str) == sorted(run(sql, rows), key=str)


def test_a_row_of_another_account_is_refused() -> None:
    (row,) = run(scoring_sql(scorecard()), [account(active_disputes=1)])
    with pytest.raises(EngineError, match="active_disputes"):
        assemble(scorecard(), row, figures(account(["active_disputes"])), evidence)


def fact(value: Any, unit: str) -> Fact[Any]:
    return Fact(value, unit, (RECEIPT,), datetime(2026, 11, 1, tzinfo=UTC))


def test_sentences_are_filled() -> None:
    known: dict[str, Figure] = {"a": fact(1, "count"), "b": fact(2.0, "days"), "c": Gap("lago", "unavailable", "down")}
    assert filled("{a|ticket is|tickets are} open for {b|day|days}.", known) == "1 ticket is open for 2 days."
    assert filled("{c|day|days} and {c}.", known) == "An unknown number of days and unknown."


def test_bands_that_moved_leave_those_of_a_dimension_and_its_cap_where_they_were(tmp_path: Path) -> None:
    text = (
        declaration_of("canonical")[0].replace("healthy = 80", "healthy = 85").replace("monitor = 60", "monitor = 75")
    )
    moved = text.replace("at_risk = 40", "at_risk = 72")
    own = "\n[dimension_bands]\nhealthy = 80\nmonitor = 60\nat_risk = 40\n"
    for more, band, gates in ((own, "monitor", set()), ("", "critical", {"payment_critical"})):
        file = tmp_path / "moved.toml"
        file.write_text(moved + more, encoding="utf-8")
        found = score(account(invoices_failed_90d=2), load_scorecard(file, NAMES))
        (payment,) = (one for one in found.dimensions if one.name == "payment")
        assert (payment.score, payment.band) == (70, band)
        assert {gate.name for gate in found.gates} == gates
        assert (found.uncapped is not None) is bool(gates)  # the cap of the query is that of the gate
