"""`why` of a score, a dimension and a rule; formats by any usual word; a one-line profile that names what is missing."""

from __future__ import annotations

from dataclasses import replace

import click
import pytest
from report_accounts import AS_OF, full

from customer_research.documents.formats import FORMATS, NAMES, terminal
from customer_research.domain.evidence import Gap
from customer_research.domain.report import Absence, Freshness, Prose, Report, Table
from customer_research.errors import UsageError
from customer_research.reports.inquiries.reason import REPORT, Reason, ScorePart
from customer_research.reports.kinds import KINDS
from customer_research.research.one.judge import card_named
from customer_research.research.one.why import part_named
from customer_research.surfaces.cli.output import FormatName

CARD = card_named("canonical")


def _tables(report: Report) -> dict[str, Table]:
    blocks = [block for section in report.sections for block in section.blocks]
    return {block.caption: block for block in blocks if isinstance(block, Table)}


def test_the_score_is_taken_apart_into_its_dimensions_rules_and_gates() -> None:
    account = full()
    assert account.score is not None
    report = REPORT.build(Reason(account, ScorePart("health_score")))
    assert len(_tables(report)["Dimensions"].rows) == len(account.score.dimensions)
    assert len(_tables(report)["Points"].rows) == len(account.score.contributions)
    text = terminal.render(report)
    assert all(gate.because in " ".join(text.split()) for gate in account.score.gates)


def test_a_dimension_shows_its_own_rules_and_no_others() -> None:
    account = full()
    assert account.score is not None
    for dimension in account.score.dimensions:
        report = REPORT.build(Reason(account, ScorePart(dimension.name)))
        rows = _tables(report)["Points"].rows if dimension.contributions else ()
        assert [getattr(row[0], "text", "") for row in rows] == [one.rule for one in dimension.contributions]


def test_every_rule_of_the_scorecard_answers() -> None:
    account = full()
    assert account.score is not None
    given = {one.rule: one for one in account.score.contributions}
    unknown = {one.rule for dimension in account.score.dimensions for one in dimension.unevaluated}
    for rule in CARD.rules:
        asked = part_named(rule.id.lower(), CARD)
        assert asked is not None
        (section,) = REPORT.build(Reason(account, asked)).sections
        words = " ".join(block.text for block in section.blocks if isinstance(block, Prose))
        assert all(condition in words for condition in asked.conditions)
        if rule.id in given:
            assert given[rule.id].because in words
            assert any(fact is given[rule.id].fact for b in section.blocks if isinstance(b, Prose) for fact in b.facts)
        elif rule.id in unknown:
            assert any(isinstance(block, Absence) for block in section.blocks)
        else:
            assert "did not apply" in words


def test_an_unknown_name_is_told_the_nearest() -> None:
    assert part_named("open_tickets", CARD) is None
    for wrong, meant in (("paymnt", "payment"), ("helth_score", "health_score"), ("open_ticket", "open_tickets")):
        with pytest.raises(UsageError) as raised:
            part_named(wrong, CARD)
        assert meant in raised.value.hint


def test_an_account_without_a_score_says_so() -> None:
    report = REPORT.build(Reason(replace(full(), scores=()), ScorePart("health_score")))
    assert [type(block) for section in report.sections for block in section.blocks] == [Absence]


def test_formats_answer_to_their_suffixes_and_usual_words() -> None:
    choice = FormatName()
    for word, meant in (
        *((name, name) for name in FORMATS),
        *((suffix, one.name) for one in FORMATS.values() for suffix in one.suffixes),
        ("md", "markdown"),
        ("MD", "markdown"),
        ("txt", "terminal"),
        ("text", "terminal"),
        ("htm", "html"),
        ("excel", "xlsx"),
        ("powerpoint", "pptx"),
    ):
        assert choice.convert(word, None, None) == meant
    with pytest.raises(click.BadParameter) as raised:
        choice.convert("docx", None, None)
    assert all(name in raised.value.message for name in FORMATS)
    assert set(NAMES.values()) == set(FORMATS)


def test_the_one_line_names_each_source_that_is_missing() -> None:
    report = KINDS["quick"].report(full())
    gap = Gap("hubspot", "denied", "the token was refused")
    away = (Freshness("hubspot", "missing", None, None, (gap,)), Freshness("notion", "partial", AS_OF, None, ()))
    line = terminal.render(replace(report, freshness=away))
    assert line.strip().endswith("HubSpot missing · Notion in part")
    whole = tuple(replace(item, state="ok") for item in report.freshness)
    assert "missing" not in terminal.render(replace(report, freshness=whole))


def test_the_internal_brief_shows_whom_one_is_about_to_meet() -> None:
    account = full()
    text = terminal.render(KINDS["brief"].report(account), width=200)
    names = [row["name"] for row in account.records["contact"].rows if not row["has_left"] and row["name"]]
    emails = [row["email"] for row in account.records["contact"].rows if row["email"]]
    assert names
    assert all(name in text for name in names)
    assert not any(email in text for email in emails)
    profile = terminal.render(KINDS["profile"].report(account), width=200)
    assert not any(name in profile for name in names)
