"""The account review, the brief and the churn risk of one operator: what they say, and of what."""

from __future__ import annotations

import io
import re
import struct
import zlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from pptx import Presentation
from pypdf import PdfReader
from report_accounts import (
    ACCOUNTS,
    AS_OF,
    HOSTILE,
    OPERATOR,
    advised,
    all_records,
    churned,
    contribution,
    empty,
    figure,
    full,
    nothing,
    receipt,
    row,
    score,
)
from report_past import history, past_score, with_past

from customer_research.documents.brand import brand_of
from customer_research.documents.formats import render, terminal
from customer_research.domain.account import Account, Records
from customer_research.domain.account_snapshot import Code
from customer_research.domain.advice import Advice, Meeting
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.health import Dimension, HealthScore
from customer_research.domain.occasion import Occasion
from customer_research.domain.peers import Middle, PeerGroup, PeerGroups, Peers
from customer_research.domain.report import Bullets, Chart, Report, Table, Text
from customer_research.domain.vocabularies import Severity
from customer_research.errors import ConfigError, UsageError
from customer_research.reports import days, pictures, progress, value
from customer_research.reports.kinds import EVERY_KIND, OPERATOR_KINDS
from customer_research.reports.tones import PRIORITY_TONES
from customer_research.research.one.peer_groups import keep_groups, peers_of
from customer_research.settings import BrandSettings
from customer_research.store.accounts import decode, encode

REVIEW, BRIEF, RISK = (OPERATOR_KINDS[name] for name in ("account-review", "brief", "churn-risk"))


def words(report: Report, section: str) -> str:
    """A section's text in a wide terminal, on one line."""
    (found,) = [part for part in report.sections if part.id == section]
    return " ".join(terminal.render(replace(report, sections=(found,), warnings=(), freshness=()), width=200).split())


def charts(report: Report) -> list[str]:
    """The titles of the charts."""
    return [block.title for part in report.sections for block in part.blocks if isinstance(block, Chart)]


def engagement(title: str, day: date) -> dict[str, Any]:
    """A meeting of that title."""
    at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    return row("engagement", engagement_id=title, type="meeting", title=title, occurred_at=at)


def with_rows(account: Account, table: str, *rows: dict[str, Any]) -> Account:
    """The account with these rows in a table."""
    return replace(account, records={**account.records, table: replace(account.records[table], rows=rows)})


def retention(points: dict[str, int]) -> HealthScore:
    """A score under `retention` with these rules."""
    kinds = {"P": "Payment", "E": "Engagement", "S": "Support", "C": "Contract"}
    found = tuple(
        replace(
            contribution(rule, "retention", p, f"{rule} says so.", "reservations_30d"), category=kinds.get(rule[0], "")
        )
        for rule, p in points.items()
    )
    whole = max(0, min(100, 100 + sum(points.values())))
    dimension = Dimension("retention", 1.0, 100, whole, "monitor", found)
    return replace(score(whole), scorecard="retention", dimensions=(dimension,), gates=())


# -- parts ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPERATOR_KINDS)
def test_a_kind_has_the_sections_and_charts_that_its_page_names(name: str) -> None:
    kind = OPERATOR_KINDS[name]
    for account in (with_past(full()), nothing(), empty(), churned()):
        report = kind.report(account)
        assert {part.title for part in report.sections if part.title} <= set(kind.titles)
        assert set(charts(report)) <= set(kind.charts)
        assert report.kind == name


def test_every_kind_answers_a_question() -> None:
    assert all(kind.answers.endswith("?") for kind in EVERY_KIND.values())


# -- windows -------------------------------------------------------------------------------------------------------------


def test_windows_are_half_open_and_count_by_day() -> None:
    account = full()
    window = days.window_since(account, date(2026, 10, 22))
    assert (window.first, window.end, window.days) == (date(2026, 10, 22), date(2026, 11, 1), 10)
    booked = days.counted(account, window, "booked")
    assert isinstance(booked, Fact)
    assert booked.value == 20
    assert window.before.words == "2026-10-12 to 2026-10-21"


def test_a_window_before_what_is_read_is_a_gap() -> None:
    found = days.counted(full(), days.Window(date(2020, 1, 1), date(2020, 2, 1)), "booked")
    assert isinstance(found, Gap)
    assert found.reason == "not_applicable"


def test_of_few_before_no_change_is_told() -> None:
    account = full()
    one, many = (
        days.counted(account, days.window_since(account, day), "booked")
        for day in (date(2026, 10, 31), date(2026, 8, 1))
    )
    assert isinstance(days.change(many, one), Gap)
    change = days.change(one, many)
    assert isinstance(change, Fact)
    assert change.value < 0


def test_months_before_the_first_booking_are_not_drawn_as_empty() -> None:
    chart = pictures.reservations_by_month(full())
    assert chart is not None
    before = [mark.at for mark in chart.marks if mark.series == "Year before"]
    assert len(before) == 5
    assert "the year before is known from 2025-06 on" in chart.says.text


def test_revenue_in_several_currencies_is_not_drawn_as_one() -> None:
    account = full()
    found = account.records["usage_daily"]
    rows = tuple({**one, "currency": "CAD"} if at % 2 else one for at, one in enumerate(found.rows))
    assert (
        pictures.revenue_by_month(
            replace(account, records={**account.records, "usage_daily": replace(found, rows=rows)})
        )
        is None
    )


# -- account review ------------------------------------------------------------------------------------------------------


def test_a_review_looks_back_to_the_last_one_or_the_day_given_or_90_days() -> None:
    account = with_rows(
        full(), "engagement", engagement("Q3 QBR", date(2026, 9, 1)), engagement("Check-in", date(2026, 10, 1))
    )
    assert "Looks back to the last review, “Q3 QBR” on 2026-09-01." in words(REVIEW.report(account), "value")
    asked = REVIEW.report(account, Occasion(since=date(2026, 10, 10)))
    assert "Looks back to 2026-10-10, as asked." in words(asked, "value")
    assert "Looks back 90 days: no earlier review is recorded" in words(REVIEW.report(full()), "value")
    assert "earlier reviews are not known" in words(REVIEW.report(nothing()), "value")


def test_a_review_needs_a_day_to_look_back_on() -> None:
    for day in (AS_OF.date(), date(2027, 1, 1)):
        with pytest.raises(UsageError, match="There is no day to look back on"):
            REVIEW.report(full(), Occasion(since=day))
    assert REVIEW.report(full(), Occasion(since=date(2026, 10, 31))).sections


def test_a_customers_review_looks_back_to_the_same_day_without_saying_why() -> None:
    account = with_rows(full(), "engagement", engagement("Q3 QBR", date(2026, 9, 1)))
    text = words(REVIEW.report(account, Occasion(audience="customer")), "value")
    assert "since 2026-09-01" in text
    assert "QBR" not in text


def test_a_review_says_first_what_matters() -> None:
    report = REVIEW.report(with_past(full()))
    assert report.sections[0].title == "In short"
    text = words(report, "summary")
    assert "180 reservations" in text
    assert "No invoice is overdue." in text
    assert "Declining: -26 points in 30 days" in text
    assert "Bring home: Call before the next bill." in text


def test_wins_are_at_most_three_and_proven() -> None:
    wins = value.wins(full(), days.window_since(full(), date(2026, 8, 3)))
    assert 1 <= len(wins) <= 3
    assert all(win.facts for win in wins)
    assert value.wins(nothing(), days.window_since(full(), date(2026, 8, 3))) == ()


def test_what_moved_the_score_is_told_rule_by_rule() -> None:
    report = REVIEW.report(with_past(full()), Occasion(since=date(2026, 10, 5)))
    text = words(report, "health")
    assert "From 92 (Healthy) on 2026-10-02 to 66 (At Risk)." in text
    assert re.search(r"Payment 0 -15", text)
    assert pictures.SCORE_HISTORY in charts(report)


def test_without_a_history_the_review_says_so() -> None:
    assert "earlier scores were not read" in words(REVIEW.report(full()), "health")


def test_what_could_be_judged_only_once_has_no_effect() -> None:
    past = past_score(30, 92, S4=-20)
    (one,) = [moved for moved in progress.moved(past, score(), {"S4": "support"}) if moved.rule == "S4"]
    assert (one.then, one.now, one.effect, one.why) == (-20, None, 0.0, "It could not be checked now.")


def test_a_reading_of_the_day_is_preferred_and_else_the_first() -> None:
    account = replace(full(), history=history(past_score(60, 70), past_score(30, 92)))
    found = progress.compared_with(account, date(2026, 9, 15))
    assert found is not None
    assert found.score == 70
    first = progress.compared_with(account, date(2020, 1, 1))
    assert first is not None
    assert first.score == 70


def test_the_waterfall_adds_up_to_the_score() -> None:
    made = score()
    base = sum(d.weight * d.base for d in made.dimensions)
    points = sum(d.weight * c.points for d in made.dimensions for c in d.contributions)
    account = replace(full(), scores=(replace(made, score=round(base + points)),))
    chart = pictures.contributions_waterfall(account)
    assert chart is not None
    steps = [mark for mark in chart.marks if mark.series != pictures.TOTAL]
    start, end = (mark for mark in chart.marks if mark.series == pictures.TOTAL)
    heights = [mark.figure.value for mark in (start, *steps, end) if isinstance(mark.figure, Fact)]
    assert sum(heights[:-1]) == pytest.approx(heights[-1], abs=0.1)


def test_the_agenda_fills_half_an_hour_and_an_hour_for_enterprise() -> None:
    for segment, minutes in (("SMB", 30), ("Enterprise", 60)):
        text = words(REVIEW.report(full(segment=segment)), "agenda")
        assert sum(map(int, re.findall(r"\((\d+) min\)", text))) == minutes


def test_next_steps_have_a_day() -> None:
    (table,) = [
        b
        for part in REVIEW.report(full()).sections
        if part.id == "next_steps"
        for b in part.blocks
        if isinstance(b, Table)
    ]
    due = table.rows[0][1]
    assert isinstance(due, Fact)
    assert due.value > AS_OF.date()


def test_a_thousand_invoices_are_drawn_of_the_newest() -> None:
    invoice = {**all_records()["invoice"].rows[0]}
    rows = tuple({**invoice, "invoice_id": f"i{n}", "issuing_date": date(2026, 10, 1)} for n in range(1000))
    account = with_rows(full(), "invoice", *rows)
    chart = pictures.bills(account)
    assert chart is not None
    assert len(chart.marks) < 100
    assert len(terminal.render(REVIEW.report(account), width=100).splitlines()) < 250


# -- brief ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("meeting", get_args(Meeting))
def test_a_brief_has_topics_people_and_what_to_prepare_for_every_kind_of_talk(meeting: Meeting) -> None:
    for account in (full(), nothing(), empty()):
        report = BRIEF.report(account, Occasion(meeting=meeting))
        assert {"topics", "said", "attendees"} <= {part.id for part in report.sections}
        assert "Before the call: " in words(report, "topics")


def test_topics_suit_the_talk() -> None:
    account = advised(full())
    assert "Propose" not in words(BRIEF.report(account, Occasion(meeting="escalation")), "topics")
    assert "Fleet over the limit" in words(BRIEF.report(account, Occasion(meeting="expansion")), "topics")


@pytest.mark.parametrize("meeting", get_args(Meeting))
def test_a_cancellation_is_the_first_topic_of_every_talk(meeting: Meeting) -> None:
    def first(**values: Any) -> str:
        report = BRIEF.report(advised(full(**values)), Occasion(meeting=meeting))
        (topics,) = (part for part in report.sections if part.id == "topics")
        (listed,) = (block for block in topics.blocks if isinstance(block, Bullets))
        assert listed.items[0].facts
        return listed.items[0].text

    announced = first(pending_cancellation=True, subscription_ends_on=date(2026, 11, 20), days_to_end=19)
    assert announced.startswith("The subscription is set to end on 2026-11-20, in 19 days; $149.00 a month go with it.")
    assert "speaks of cancelling" in first(cancellation_mentioned=True)
    assert "cancel" not in first()


def test_a_brief_for_a_renewal_tells_its_day_or_that_there_is_none() -> None:
    renewal = Occasion(meeting="renewal")
    assert "The contract is up on 2026-11-20, in 14 days." in words(BRIEF.report(full(), renewal), "topics")
    assert "neither a contract's end nor a yearly plan" in words(BRIEF.report(empty(), renewal), "topics")
    assert "it is not known" in words(BRIEF.report(nothing(), renewal), "topics")


def test_a_brief_names_the_people_and_masks_how_to_reach_them() -> None:
    text = terminal.render(BRIEF.report(full()), width=200)
    assert "Dana Roe" in text
    rows = full().records["contact"].rows
    assert not any(row[kind] in text for row in rows for kind in ("email", "phone") if row[kind])


def contacts(*people: dict[str, Any]) -> Account:
    blank = {"email": None, "phone": None, "job_title": None, "is_primary": False, "has_left": False}
    rows = (row("contact", contact_id=str(n), **{**blank, **one}) for n, one in enumerate(people))
    return with_rows(full(), "contact", *rows)


def test_who_decides_who_uses_it_and_who_left() -> None:
    account = contacts(
        {"name": "Ann Ash", "job_title": "Dispatcher"},
        {"name": "Bo Birch", "job_title": "Bookkeeper", "is_primary": True},
        {"name": "dana  roe", "job_title": "Co-Owner"},
        {"name": "Cy Cole", "job_title": "President", "has_left": True},
    )
    text = re.sub(r" \[[\d,]+\]", "", words(BRIEF.report(account), "attendees"))
    order = [text.index(name) for name in ("dana roe", "Bo Birch", "Ann Ash", "Kit Marlow", "Cy Cole")]
    assert order == sorted(order)
    assert "dana roe Co-Owner (decides) 2026-10-30" in text  # the member of that name
    assert text.count("Roe") + text.count("roe") == 1
    assert "Bookkeeper (primary contact)" in text
    assert "Kit Marlow uses the app as dispatcher never" in text
    assert "Cy Cole left (was President): who took over?" in text
    assert "and more 1 who left" in text  # Lee Onan, removed from the app


@pytest.mark.parametrize(
    ("name", "section", "what"),
    [
        ("contact", "attendees", "Contacts in HubSpot"),
        ("team", "attendees", "Members of the app"),
        ("engagement", "said", "Notes, calls and meetings"),
        ("ticket", "said", "Tickets and commitments"),
        ("deal", "said", "Deals"),
    ],
)
def test_records_that_did_not_come_are_a_gap_by_name(name: str, section: str, what: str) -> None:
    gap = Gap("hubspot", "unavailable", "It did not answer (500).")
    account = full()
    silent = replace(account, records={**account.records, name: Records(name, (), (), gap)})
    text = words(BRIEF.report(silent), section)
    assert what in text
    assert "It did not answer (500)." in text
    assert "none is on record" not in text
    assert "Nobody is on record" not in text


def engaged(*rows: dict[str, Any]) -> Account:
    blank = {"type": "note", "title": None, "body": None, "occurred_at": AS_OF - timedelta(days=1)}
    made = (row("engagement", engagement_id=str(n), **{**blank, **one}) for n, one in enumerate(rows))
    return with_rows(full(), "engagement", *made)


def test_what_was_said_last_is_quoted_and_kept_short() -> None:
    account = engaged(
        {"title": "Old", "occurred_at": AS_OF - timedelta(days=90)},
        {"type": "call", "title": "Prices\n\n today", "body": "We will leave. " * 60},
        {"type": "meeting", "title": "Next quarter", "occurred_at": AS_OF + timedelta(days=4)},
        {"type": "note", "body": "x" * 500, "occurred_at": AS_OF - timedelta(days=2)},
    )
    text = re.sub(r" \[[\d,]+\]", "", words(BRIEF.report(account), "said"))
    assert "call “Prices today”: “We will leave. We will leave." in text
    assert text.count("We will leave.") < 10
    assert "x" * 120 not in text
    assert "2026-11-05 planned meeting “Next quarter”" in text
    assert text.index("“Prices today”") < text.index("xxx") < text.index("“Old”")
    assert text.count("Next quarter") == 1


def test_a_hostile_note_harms_no_format() -> None:
    hurt = " ".join(HOSTILE.values())
    report = BRIEF.report(engaged({"title": hurt, "body": hurt}))
    assert "<script>" not in render(report, "html").decode()
    assert "\x1b" not in terminal.render(report)
    assert not re.search(r"(?<!\\)\]\(javascript", render(report, "markdown").decode())


def test_a_brief_is_one_screen() -> None:
    busy = contacts(*({"name": f"Person {n}", "job_title": "Owner", "has_left": n > 4} for n in range(9)))
    for account in (full(), with_past(full()), advised(full()), busy, empty()):
        for meeting in get_args(Meeting):
            text = terminal.render(BRIEF.report(account, Occasion(meeting=meeting)), width=100)
            assert len(text.partition("Sources ─")[0].splitlines()) <= 45, meeting


# -- churn risk ----------------------------------------------------------------------------------------------------------


def at_risk(**points: int) -> Account:
    account = full(mrr_usd=20000)
    return replace(account, scores=(*account.scores, retention(points)))


def test_the_risk_is_what_retention_lacks_with_level_and_loss() -> None:
    report = RISK.report(at_risk(E1=-30, E2=-20, C8=10))
    assert report.headline is not None
    assert report.headline.text == (
        "Risk 40 of 100. Medium risk. Expected loss $59.60 of MRR a month. Act this week, by 2026-11-08: 1 dispute is active."
    )
    assert "it is not a probability" in words(report, "risk")
    assert "Category Engagement" in words(report, "risk")
    assert " +30 " in words(report, "leaving")
    assert " -10 " in words(report, "staying")


def test_the_steps_to_the_risk_count_what_speaks_for_leaving() -> None:
    report = RISK.report(at_risk(E1=-30, E2=-20, C8=10))
    (chart,) = (block for part in report.sections for block in part.blocks if isinstance(block, Chart))
    assert chart.says.text == "2 signs for leaving come to 50 points."
    shown = [(mark.at, mark.tone) for mark in chart.marks[:-1]]
    assert shown == [("E1 says so", "bad"), ("E2 says so", "bad"), ("C8 says so", "good")]
    with_none = RISK.report(at_risk(C8=10))
    assert not [block for part in with_none.sections for block in part.blocks if isinstance(block, Chart)]


def test_a_sign_says_of_which_days_it_is_and_without_any_that_it_is_of_now() -> None:
    account = at_risk(E1=-30, E2=-20)
    (dimension,) = account.scores[-1].dimensions
    of_days, of_now = dimension.contributions
    told = replace(dimension, contributions=(of_days, replace(of_now, window="")))
    account = replace(account, scores=(*account.scores[:-1], replace(account.scores[-1], dimensions=(told,))))
    signs = next(part for part in RISK.report(account).sections if part.id == "leaving")
    (listed,) = (block for block in signs.blocks if isinstance(block, Table))
    assert [(row[0].value, row[-1]) for row in listed.rows] == [(30, Text("90 days")), (20, Text("now"))]  # type: ignore[union-attr]


def test_one_that_left_has_no_risk_any_more() -> None:
    report = RISK.report(churned())
    assert report.headline is not None
    assert report.headline.text.startswith("No risk is worked out: churned on 2026-08-15.")
    assert len(report.sections) == 1


def test_an_unknown_risk_is_said_to_be_unknown() -> None:
    unknown = replace(retention({}), score=None)
    report = RISK.report(replace(nothing(), scores=(*nothing().scores, unknown)))
    assert report.headline is not None
    assert report.headline.text == "The risk is not known: neither billing nor usage is."
    assert "risk of the account was not worked out" in words(RISK.report(full()), "risk")


def test_open_alerts_stand_beside_the_risk() -> None:
    report = RISK.report(with_past(at_risk(E1=-30)))
    assert "Silent churn (high, since 2026-10-29)" in words(report, "alerts")
    assert "Processor" not in words(report, "alerts")


@pytest.mark.parametrize(
    ("severity", "tone"), {"critical": "bad", "high": "bad", "medium": "watch", "low": "neutral"}.items()
)
def test_an_alert_beside_the_risk_has_the_tone_that_it_has_everywhere(severity: Severity, tone: str) -> None:
    account = with_past(at_risk(E1=-30))
    assert not isinstance(account.alerts, Gap)
    episodes = tuple(replace(one, severity=severity) for one in account.alerts.episodes)
    report = RISK.report(replace(account, alerts=replace(account.alerts, episodes=episodes)))
    (listed,) = (part.blocks[0] for part in report.sections if part.id == "alerts")
    assert isinstance(listed, Bullets)
    assert [item.tone for item in listed.items] == [tone] == [PRIORITY_TONES[severity]]


def test_nothing_is_read_that_is_not_there() -> None:
    account = replace(full(), records={name: Records(name, (), ()) for name in full().records})
    for kind in OPERATOR_KINDS.values():
        assert terminal.render(kind.report(account), width=100)
    assert account.operator_id == OPERATOR


@pytest.mark.parametrize("name", OPERATOR_KINDS)
def test_a_stored_account_gives_the_same_report(name: str) -> None:
    account = with_past(full())
    again = decode(encode(account, Code("1", "digest", {}))).account
    assert again == account
    kind = OPERATOR_KINDS[name]
    assert terminal.render(kind.report(again), width=100) == terminal.render(kind.report(account), width=100)


@pytest.mark.parametrize("kind", ["health", "brief"])
def test_what_cannot_be_told_now_is_told_as_it_was_last_with_its_day_and_never_in_its_place(kind: str) -> None:
    """A silent source may hide a fall: the last known value stands beside the gap."""
    told = plain(OPERATOR_KINDS[kind].report(replace(nothing(), history=history())))
    last = history().past[-1]
    assert (
        f"Last settled on {last.as_of:%Y-%m-%d}: 80 Monitor (Payment 100, Engagement 100, Support 100, Growth 50)"
        in told
    )
    ranged = history(past_score(30, 92), past_score(7, 53, "unsettled"))  # the least of a range settles nothing
    assert "92 Healthy" in plain(OPERATOR_KINDS[kind].report(replace(nothing(), history=ranged)))
    for quiet in (
        with_past(full()),
        nothing(),
        replace(nothing(), history=history(past_score(7, None, "insufficient"))),
    ):
        assert "Last settled" not in plain(OPERATOR_KINDS[kind].report(quiet))


def plain(report: Report) -> str:
    return " ".join(terminal.render(report, width=400).split())


# -- the customer's review ---------------------------------------------------------------------------------------------


def peers(**operators: int) -> Peers:
    """Similar operators: half of everything, with so many behind each middle."""
    proof = (receipt("portfolio", "score"),)
    middles = {name: Fact(0.5, "ratio", proof, AS_OF) for name in operators}
    return Peers("size_tier", middles, operators)


@pytest.mark.parametrize("name", ACCOUNTS)
def test_a_customers_review_is_at_most_eight_slides_or_six_pages(name: str) -> None:
    account = replace(ACCOUNTS[name](), peers=peers(driver_app_rate=34, setup_completion=30))
    report = REVIEW.report(account, Occasion(audience="customer"))
    slides = Presentation(io.BytesIO(render(report, "pptx"))).slides
    assert len(slides) <= 8
    assert len(PdfReader(io.BytesIO(render(report, "pdf"))).pages) <= 6
    assert {section.id for section in report.sections} <= {"value", "goals", "peers", "wins", "next_steps"}
    assert all(section.blocks for section in report.sections)
    for words_ in (render(report, style).decode() for style in ("markdown", "html")):
        assert "Receipts" not in words_
        assert "[^1]" not in words_
        assert "Source: " in words_ or name == "nothing"


def test_a_customer_is_compared_with_others_only_where_they_are_enough() -> None:
    def told(account: Account) -> list[str]:
        return [section.id for section in REVIEW.report(account, Occasion(audience="customer")).sections]

    assert "peers" in told(replace(full(), peers=peers(driver_app_rate=11, setup_completion=12)))
    assert "peers" not in told(replace(full(), peers=peers(driver_app_rate=11)))  # one share is no picture
    assert "peers" not in told(full())


def test_fewer_than_ten_others_are_no_group(tmp_path: Path) -> None:
    middles = (Middle("driver_app_rate", 0.5, 11), Middle("setup_completion", 0.6, 10))
    groups = tuple(PeerGroup("size_tier", name, middles[:count]) for name, count in (("250k-1M", 2), ("<50k", 0)))
    keep_groups(tmp_path, PeerGroups(AS_OF, groups, receipt("portfolio", "score")))
    found = peers_of(tmp_path, full().figures)
    assert isinstance(found, Peers)
    assert dict(found.operators) == {"driver_app_rate": 11}
    small = replace(full(), figures={**full().figures, "size_tier": figure("size_tier", "<50k")})
    assert isinstance(peers_of(tmp_path, small.figures), Gap)
    assert isinstance(peers_of(tmp_path / "none", full().figures), Gap)


def test_a_comparison_says_in_how_many_measures() -> None:
    account = replace(full(), peers=peers(driver_app_rate=34, setup_completion=30, charge_success_rate=25))
    text = words(REVIEW.report(account, Occasion(audience="customer")), "peers")
    assert "Ahead of similar operators in 3 of 3 measures." in text
    assert "24 or more other operators of a similar size, none of them named" in text


def test_goals_name_those_that_are_open() -> None:
    account = replace(full(), figures={**full().figures, "driver_app_rate": figure("driver_app_rate", 0.397)})
    text = words(REVIEW.report(account, Occasion(audience="customer")), "goals")
    assert "3 of 4 goals are reached; open: trips driven with the driver app 39.7% (goal 50%)." in text


def test_a_snapshot_of_an_account_keeps_its_peers() -> None:
    account = replace(full(), peers=peers(driver_app_rate=34))
    assert decode(encode(account, Code("1", "2", {}))).account == account


# -- the user's own look -----------------------------------------------------------------------------------------------


def _png(width: int, height: int, colour: bytes) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress((b"\0" + colour * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_logo_colour_and_manager_stand_on_slides_and_pages(tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(_png(40, 20, b"\x0f\x5c\x4d"))
    brand = brand_of("#0f5c4d", logo, " Dana Whitfield ")
    report = REVIEW.report(full(), Occasion(audience="customer"))
    slides = Presentation(io.BytesIO(render(report, "pptx", brand=brand))).slides
    assert all(any(shape.name == "logo" for shape in slide.shapes) for slide in slides)
    assert "Presented by Dana Whitfield" in "\n".join(s.text_frame.text for s in slides[0].shapes if s.has_text_frame)
    assert str(slides[1].shapes.title.text_frame.paragraphs[0].runs[0].font.color.rgb) == "0F5C4D"
    page = PdfReader(io.BytesIO(render(report, "pdf", brand=brand))).pages[0]
    assert "Presented by Dana Whitfield" in page.extract_text()
    assert len(page.images) == 1


@pytest.mark.parametrize("content", [b"", b"GIF89a", None])
def test_what_is_no_logo_is_refused_in_a_sentence(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "logo.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(
        ConfigError, match=r"^The logo .*(cannot be read: No such file|is no PNG or JPEG, or too large\.)"
    ):
        brand_of("", path, "")


def test_a_colour_that_cannot_be_read_on_white_is_refused() -> None:
    assert BrandSettings(color="#0f5c4d", logo=None, manager="", template=None).color == "#0f5c4d"
    with pytest.raises(ValueError, match="too light"):
        BrandSettings(color="#ffcc00", logo=None, manager="", template=None)


def test_open_tickets_stand_in_the_order_in_which_they_ask_for_attention() -> None:
    def ticket(number: str, opened: int, priority: str | None = None, due: int | None = None) -> dict[str, Any]:
        told = {"number": number, "ticket_id": number, "title": f"About {number}", "priority": priority}
        dated = {"created_at": datetime(2026, 10, opened, tzinfo=UTC), "due_date": due and date(2026, 11, due)}
        state = {"status": "In progress", "is_open": True, "is_commitment": due is not None}
        return row("ticket", **told, **dated, **state, matched_by="operator_id", is_certain=True)

    ranked = [
        ticket("promise-soon", 20, "Low", 3),
        ticket("promise-later", 1, "High", 20),
        ticket("high-old", 2, "High"),
        ticket("high-new", 9, "High"),
        ticket("medium", 1, "Medium"),
        ticket("unsaid", 1),
        ticket("low", 1, "Low"),
    ]
    mixed = sorted(ranked, key=lambda one: one["ticket_id"])
    review = OPERATOR_KINDS["account-review"].build(with_rows(full(), "ticket", *mixed))
    (table,) = (
        block
        for section in review.sections
        for block in section.blocks
        if isinstance(block, Table) and block.caption == "Open tickets"
    )
    assert [cells[0].value for cells in table.rows if isinstance(cells[0], Fact)] == [one["number"] for one in ranked]
    brief = OPERATOR_KINDS["brief"].build(with_rows(full(), "ticket", *mixed))
    said = render(brief, "markdown").decode().partition("## Last said, and open")[2]
    assert said.index("promise-soon") < said.index("promise-later") < said.index("high-old")


@pytest.mark.parametrize(
    ("metric", "question"),
    [
        ("reservations_ever", "What keeps you from the first trip in the system?"),
        ("reservations_30d", "What has stopped the bookings?"),
    ],
)
def test_who_never_booked_is_not_asked_what_stopped_the_bookings(metric: str, question: str) -> None:
    advice = Advice("own", "call", "high", "CSM", "Call.", "E1", "No reservation.", (figure(metric, 0),))
    text = " ".join(
        words(OPERATOR_KINDS["brief"].report(replace(full(), advice=(advice,)), Occasion()), "topics").split()
    )
    assert question in text
    assert text.count("the first trip") + text.count("stopped the bookings") == 1


def test_no_money_in_any_currency_is_nothing_and_no_bare_number() -> None:
    text = words(OPERATOR_KINDS["brief"].report(full(mrr=(), outstanding=()), Occasion()), "standing")
    assert "nothing a month" in text
    assert "Owes nothing, " in text


def test_no_question_is_asked_twice() -> None:
    """Two signs of one thing call for one question; what else is to be done about the second stands in its place."""
    same = [
        Advice("own", "call", "high", "CSM", f"Do {rule}.", rule, f"Of {rule}.", (figure("charge_success_rate", 0.5),))
        for rule in ("P3", "R8", "P7")
    ]
    text = words(OPERATOR_KINDS["brief"].report(replace(full(), advice=tuple(same)), Occasion()), "topics")
    assert text.count("What do riders hear when a card is declined") == 1
    assert "What lies behind the disputed charges?" in text
    assert "Do R8" in text


def test_a_quiet_month_that_is_the_season_is_not_asked_about_as_a_decline() -> None:
    quiet, season = (
        Advice("own", "call", "high", "CSM", "Call.", rule, "No reservation.", (figure("reservations_30d", 0),))
        for rule in ("E1", "R15")
    )
    account = replace(full(), advice=(quiet, season))
    text = " ".join(words(OPERATOR_KINDS["brief"].report(account, Occasion()), "topics").split())
    assert "Is the quiet month the season" in text
    assert "stopped the bookings" not in text
