"""`why` of a score, a dimension and a rule; formats by any usual word; a one-line profile that names what is missing."""

from __future__ import annotations

import re
from dataclasses import replace

import click
import pytest
from report_accounts import AS_OF, full

from customer_research.documents.formats import FORMATS, NAMES, terminal
from customer_research.domain.account import Account
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Gap
from customer_research.domain.health import BAND_LABELS, UnjudgedGate
from customer_research.domain.report import Absence, Bullets, Freshness, Prose, Report, Table
from customer_research.errors import UsageError
from customer_research.health.findings import load_findings
from customer_research.reports.inquiries.reason import REPORT, Reason, ScorePart
from customer_research.reports.kinds import KINDS
from customer_research.research.one.judge import METRIC_NAMES, card_named
from customer_research.research.one.why import metric_named, part_named
from customer_research.research.usecases.one import Why
from customer_research.surfaces.cli.output import FormatName

CARD, FINDINGS = card_named("canonical"), load_findings(METRIC_NAMES)


def _tables(report: Report) -> dict[str, Table]:
    blocks = [block for section in report.sections for block in section.blocks]
    return {block.caption: block for block in blocks if isinstance(block, Table)}


def test_the_score_is_taken_apart_into_its_dimensions_rules_and_gates() -> None:
    account = full()
    assert account.score is not None
    report = REPORT.build(Reason(account, ScorePart("health_score", "Health score")))
    assert len(_tables(report)["Dimensions"].rows) == len(account.score.dimensions)
    assert len(_tables(report)["Points"].rows) == len(account.score.contributions)
    text = terminal.render(report)
    assert all(gate.because in " ".join(text.split()) for gate in account.score.gates)


def test_a_dimension_shows_its_own_rules_and_no_others() -> None:
    account = full()
    assert account.score is not None
    for dimension in account.score.dimensions:
        report = REPORT.build(Reason(account, ScorePart(dimension.name, dimension.name, "dimension")))
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
        listed = [block for block in section.blocks if isinstance(block, Bullets)]
        assert all(condition in listed[0].items[n].text for n, (_, condition) in enumerate(asked.cases))
        if rule.id in given:
            assert given[rule.id].because in words
            assert any(fact is given[rule.id].fact for b in section.blocks if isinstance(b, Prose) for fact in b.facts)
        elif rule.id in unknown:
            assert any(isinstance(block, Absence) for block in section.blocks)
        else:
            assert "did not apply" in words


def text_of(asked: ScorePart | None, account: Account) -> str:
    assert asked is not None
    return " ".join(terminal.render(REPORT.build(Reason(account, asked)), width=200).partition("Sources ─")[0].split())


def test_every_cap_answers_by_its_name_as_people_write_it() -> None:
    account = full()
    assert account.score is not None
    held = {gate.name for gate in account.score.gates}
    assert held
    for gate in CARD.gates:
        spelt = [gate.name.replace("_", " ").title(), gate.name.replace("_", "-")]
        spelt += [] if gate.name in METRICS else [gate.name]
        (asked,) = {part_named(name, CARD) for name in spelt}
        told = text_of(asked, account)
        assert ("does not hold: it caps nothing" in told) is (gate.name not in held)
        assert BAND_LABELS[gate.cap] in told
        assert gate.reason in told
    for name in CARD.critical_dimensions:
        assert "caps nothing" in text_of(part_named(f"{name} critical", CARD), account)


def test_a_cap_that_could_not_be_checked_says_so() -> None:
    account, gap = full(), Gap("lago", "unavailable", "Lago did not answer.")
    assert account.score is not None
    name = next(gate.name for gate in CARD.gates if gate.name not in {one.name for one in account.score.gates})
    open_ = replace(account.score, unjudged_gates=(UnjudgedGate(name, "monitor", gap),))
    assert "could not be checked" in text_of(
        part_named(name.replace("_", " "), CARD), replace(account, scores=(open_,))
    )


def test_every_finding_answers_by_its_id_and_its_title() -> None:
    account, held = full(), {finding.rule: finding for finding in full().findings}
    assert held
    for rule in FINDINGS:
        assert part_named(rule.id.lower(), CARD, FINDINGS) == part_named(rule.title.upper(), CARD, FINDINGS)
        told = text_of(part_named(rule.id, CARD, FINDINGS), account)
        if rule.id in held:
            assert held[rule.id].because in told
            assert held[rule.id].action in told
        else:
            assert f"{rule.title} ({rule.id}) does not hold" in told
    quiet = replace(
        account, findings=(), figures=dict.fromkeys(account.figures, Gap("lago", "unavailable", "It is down."))
    )
    assert "could not be checked in full" in text_of(part_named("R1", CARD, FINDINGS), quiet)


def test_a_figure_answers_by_its_name_and_its_label() -> None:
    assert metric_named("overdue_invoices") is metric_named("Overdue invoices")
    assert part_named("overdue invoices", CARD) is None


def test_an_unknown_name_is_told_the_nearest_in_a_sentence() -> None:
    assert part_named("open_tickets", CARD) is None
    for wrong, meant in (
        ("paymnt", "payment"), ("helth_score", "health score"), ("open_ticket", "open_tickets"), ("usage faling", "usage falling"),
    ):  # fmt: skip
        with pytest.raises(UsageError) as raised:
            part_named(wrong, CARD, FINDINGS)
        assert meant in raised.value.hint
    with pytest.raises(
        UsageError, match="There is no figure, rule, cap, dimension or finding called 'xyzzy'"
    ) as raised:
        part_named("xyzzy", CARD)
    assert "payment, engagement, support, growth" in raised.value.hint


def test_the_help_names_what_may_be_asked_for() -> None:
    told = re.findall(r"\w+", (Why.__doc__ or ""))
    assert {dimension.name for dimension in CARD.dimensions} <= set(told)
    for name in re.findall(r'"([^"]+)"|\b([A-Z]\d+)\b', (Why.__doc__ or "")):
        assert part_named("".join(name), CARD, FINDINGS) is not None
    for name in ("mrr", "overdue_invoices"):
        assert name in told
        assert metric_named(name).name == name


def test_an_account_without_a_score_says_so() -> None:
    report = REPORT.build(Reason(replace(full(), scores=()), ScorePart("health_score", "Health score")))
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
