"""Display by unit, cleaning, masking, links, audience."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_accounts import AS_OF, full, receipt

import customer_research
from customer_research.documents.masking import mask_text
from customer_research.documents.page import Page
from customer_research.documents.present import GAP_WORDS, Presenter, mask, safe_link
from customer_research.domain.catalogue import Unit
from customer_research.domain.evidence import Fact, Gap, GapReason
from customer_research.domain.money import Money
from customer_research.domain.report import Block, FigureLine, Figures, Personal, Prose, Report, Section, Table, Text
from customer_research.domain.words import DISPLAYS, clean, unit_words, value_words
from customer_research.errors import RenderError
from customer_research.health.sentences import filled
from customer_research.reports.kinds import KINDS
from customer_research.reports.tones import tone_of

RECEIPT = receipt("lago", "invoices")
SOURCE = Path(customer_research.__file__).parent


def fact(value: Any, unit: Any, metric: str = "") -> Fact[Any]:
    return Fact(value, unit, (RECEIPT,), AS_OF, metric)


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0, "count", "0"),
        (60000, "count", "60,000"),
        (-3, "count", "-3"),
        (7.0, "count", "7"),
        (Decimal(7), "count", "7"),
        (0.0, "ratio", "0%"),
        (0.95, "ratio", "95%"),
        (0.9634, "ratio", "96.3%"),
        (-0.25, "ratio", "-25%"),
        (1.0, "ratio", "100%"),
        (1.5, "ratio", "150%"),
        (0.99999, "ratio", "over 99.9%"),
        (0.00001, "ratio", "under 0.1%"),
        (-0.00001, "ratio", "between -0.1% and 0%"),
        (0, "days", "0 days"),
        (1, "days", "1 day"),
        (12.55, "days", "12.6 days"),
        (-4, "days", "-4 days"),
        (0, "usd_minor", "$0.00"),
        (123450, "usd_minor", "$1,234.50"),
        (-5, "usd_minor", "-$0.05"),
        ((), "money", "0"),
        ((Money("USD", 0),), "money", "$0.00"),
        (Money("JPY", 120000), "money", "¥120,000"),
        (Money("KWD", -1234), "money", "-KWD 1.234"),
        (Money("CAD", 1250), "money", "CA$12.50"),
        (Money("ISK", 0), "money", "ISK 0"),
        ((Money("CAD", -1250), Money("JPY", 300)), "money", "-CA$12.50 and ¥300"),
        ((Money("CAD", 26900), Money("USD", 0)), "money", "CA$269.00"),
        ((Money("CAD", 0), Money("USD", 0)), "money", "CA$0.00 and $0.00"),
        (Money("=1", 100), "money", "1.00 =1"),
        (date(2026, 2, 28), "date", "2026-02-28"),
        (datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2))), "timestamp", "2026-02-28 23:30 UTC"),
        ("Starter", "text", "Starter"),
        ("", "text", "(blank)"),
        (True, "boolean", "yes"),
        (False, "boolean", "no"),
        (0, "points", "0"),
        (-15, "points", "-15"),
        (0.0, "number", "0"),
        (1234.56, "number", "1,234.6"),
        (-2.25, "number", "-2.3"),
        (3.25, "number", "3.3"),
        (-0.04, "number", "0"),
        (0.0325, "ratio", "3.3%"),
        (1 - 2**-53, "ratio", "100%"),
        (Decimal("0.5"), "ratio", "50%"),
        (0.8415, "measure", "0.842"),
        (-0.00123, "precise", "-0.00123"),
    ],
)
def test_each_unit_has_one_display(value: Any, unit: Any, words: Any) -> None:
    assert value_words(fact(value, unit)) == words


@pytest.mark.parametrize(
    ("value", "unit", "metric"),
    [
        (0.0004, "ratio", "high_risk_share"),
        (0.31, "ratio", "usage_trend"),
        (123450, "usd_minor", "mrr_usd"),
        (3.25, "number", "avg_risk_score"),
        (2.25, "days", "avg_days_to_pay"),
        ((Money("CAD", 26900), Money("USD", 0)), "money", "mrr"),
        (datetime(2026, 3, 1, 1, 30, tzinfo=UTC), "timestamp", "last_activity_at"),
        (True, "boolean", "pending_cancellation"),
    ],
)
def test_a_sentence_says_a_value_as_a_report_does(value: Any, unit: str, metric: str) -> None:
    found = fact(value, unit, metric)
    words = value_words(found)
    assert filled("It is {it}.", {"it": found}) == f"It is {words}."


def test_a_sentence_with_its_own_noun_brings_neither_sign_nor_unit() -> None:
    known = {"days": fact(2.25, "days"), "one": fact(1.04, "days"), "added": fact(2, "count", "members_added_90d")}
    assert filled("{days|day|days}, {one|day|days}, {added|member|members}", known) == "2.3 days, 1 day, 2 members"
    assert filled("{bad|day|days}", {"bad": fact(float("nan"), "days")}) == "An unknown number of days"


def test_nobody_else_formats_a_share_or_an_amount() -> None:
    """A percent or thousands with decimals written by hand is a second formatter, which sooner or later disagrees."""
    by_hand = re.compile(r":,?\.\d%\}|:,\.\d+f\}|\.quantize\(Decimal\(\"0\.1")
    rooms = ("health", "reports", "documents", "research", "surfaces", "domain", "identity", "sources")
    found = [
        f"{path.relative_to(SOURCE)}: {line.strip()}"
        for room in rooms
        for path in sorted((SOURCE / room).rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if by_hand.search(line)
    ]
    assert found == []


def test_every_unit_of_the_catalogue_has_a_display() -> None:
    of_scores = {"measure", "precise", "estimate", "estimate_ratio", "estimate_number", "estimate_days"}
    assert set(DISPLAYS) == set(get_args(Unit)) | of_scores | {"word"}


def test_a_vendors_word_for_a_state_is_shown_as_people_write_it() -> None:
    told = {"needs_response": "needs response", "LOST_TO_RIVAL": "lost to rival", "USD": "USD", "Paid": "Paid"}
    assert {word: unit_words(word, "word") for word in told} == told


@pytest.mark.parametrize("unit", sorted(DISPLAYS))
def test_none_is_no_value_of_any_unit(unit: Any) -> None:
    with pytest.raises(RenderError, match="not a value of unit"):
        value_words(fact(None, unit))


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (True, "count"),
        (1.5, "count"),
        ("3", "count"),
        (float("nan"), "ratio"),
        (float("inf"), "days"),
        (12.5, "usd_minor"),
        ((149,), "money"),
        (149, "money"),
        (datetime(2026, 1, 1, tzinfo=UTC), "date"),
        (datetime(2026, 1, 1), "timestamp"),  # noqa: DTZ001 - the case
        (1, "boolean"),
        (1, "text"),
    ],
)
def test_a_value_of_another_unit_is_refused(value: Any, unit: Any) -> None:
    with pytest.raises(RenderError, match="not a value of unit"):
        value_words(fact(value, unit))


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(RenderError, match="unknown unit"):
        value_words(fact(3, "furlongs"))


def test_changes_carry_their_sign() -> None:
    assert value_words(fact(0.12, "ratio", "trend_30d")) == "+12%"
    assert value_words(fact(0.0, "ratio", "trend_30d")) == "0%"
    assert value_words(fact(0.0001, "ratio", "trend_30d")) == "under +0.1%"
    assert value_words(fact(-500, "usd_minor", "mrr_difference")) == "-$5.00"
    assert value_words(fact(0.12, "ratio", "refund_rate")) == "12%"


def test_every_gap_reason_has_words() -> None:
    assert set(GAP_WORDS) == set(get_args(GapReason))


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil.example\x07link\x1b]8;;\x07", "link"),
        ("\x9b2Jgone", "gone"),
        ("a\r\nb\tc", "a b c"),
        ("safe\u202egnp\u2066x\u2069\u200f", "safegnpx"),
        ("ze\u200bro\ufeff\u00ad", "zero"),
        ("bell\x07\x00\x7f", "bell"),
        ("re\x1cco\x1drd\x1es\x1f", "records"),  # `split` would make blanks of these
        ("lone\ud800", "lone\ufffd"),
        ("line\u2028sep", "line sep"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
    ],
)
def test_texts_lose_what_commands_a_terminal(raw: Any, plain: Any) -> None:
    assert clean(raw) == plain


@given(st.text())
def test_cleaned_text_is_one_printable_line_and_stays_so(text: Any) -> None:
    plain = clean(text)
    assert "\n" not in plain
    assert all(char.isprintable() or char in "\u200c\u200d" for char in plain)
    assert clean(plain) == plain


@pytest.mark.parametrize(
    ("personal", "masked"),
    [
        (Personal("dana.roe@alder.example.com", "email"), "d•••@alder.example.com"),
        (Personal("no address", "email"), "•••"),
        (Personal("+1 (555) 010-2030", "phone"), "•••30"),
        (Personal("Dana van Roe", "person"), "D. V. R."),
        (Personal("", "person"), "•••"),
        (Personal("1 Elm Street", "address"), "(address hidden)"),
        (Personal("\x1b[31m\u202eDana", "person"), "D."),
    ],
)
def test_personal_data_is_masked_by_kind(personal: Any, masked: Any) -> None:
    assert mask(personal) == masked


def test_addresses_and_numbers_inside_texts_are_masked() -> None:
    text = "Ask dana.roe@alder.example.com or +1 555 010 2030, (555) 010-9999"
    assert mask_text(text) == "Ask d•••@alder.example.com or •••30, •••99"


@pytest.mark.parametrize(
    "text",
    ["3f0c2a10-7d11-11ef-9a00-0242ac120002", "2026-11-01 09:30 UTC", "$1,234.50", "1234567890", "DOOM-7 (sure)"],
)
def test_ids_dates_and_amounts_are_not_taken_for_phones(text: Any) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://crm.example.com/company/77", "https://crm.example.com/company/77"),
        ("https://crm.example.com/a)b|c<d>", "https://crm.example.com/a%29b%7Cc%3Cd%3E"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("https:///nohost", ""),
        ("https://x.example/\x1b[31m", ""),
        ("http://[broken", ""),
        ("", ""),
    ],
)
def test_links_are_web_addresses_or_nothing(url: Any, safe: Any) -> None:
    assert safe_link(url) == safe


def stripped(made: Fact[Any]) -> Fact[Any]:
    """A fact whose receipts were taken away behind the type's back."""
    object.__setattr__(made, "basis", ())
    return made


def report_of(*blocks: Block) -> Report:
    report = KINDS["quick"].build(full())
    return replace(report, sections=(Section("Part", blocks, "part"),))


def test_a_figure_without_a_receipt_cannot_be_made() -> None:
    with pytest.raises(RenderError, match="no receipt"):
        Fact(3, "count", (), AS_OF)
    with pytest.raises(RenderError, match="neither a fact nor a gap"):
        FigureLine("Trips", 3)  # type: ignore[arg-type]
    with pytest.raises(RenderError, match="bare value"):
        Table(("Trips",), ((3,),))  # type: ignore[arg-type]


def test_the_presenter_refuses_figures_whose_receipts_are_gone() -> None:
    lines = Figures((FigureLine("Trips", stripped(fact(3, "count"))),))
    table = Table(("Trips",), ((stripped(fact(3, "count")),),))
    prose = Prose("3 trips", (stripped(fact(3, "count")),))
    for block in (lines, table, prose):
        with pytest.raises(RenderError, match="no receipt"):
            Presenter(report_of(block))


def test_the_presenter_refuses_a_bare_value_in_a_figure() -> None:
    line = FigureLine("Trips", fact(3, "count"))
    object.__setattr__(line, "figure", 3)
    with pytest.raises(RenderError, match="bare value"):
        Presenter(report_of(Figures((line,))))


def test_personal_records_need_a_receipt() -> None:
    bare: Any = Personal("Dana Roe", "person")
    with pytest.raises(RenderError, match="without a receipt"):
        Table(("Name",), ((bare,),), basis=(RECEIPT,))
    row = ((Fact(bare, "text", (RECEIPT,), AS_OF),),)
    assert RECEIPT in Presenter(report_of(Table(("Name",), row))).receipts


def test_each_receipt_has_one_number_in_order_of_appearance() -> None:
    second = receipt("hubspot", "relationship")
    lines = Figures(
        (
            FigureLine("A", fact(1, "count")),
            FigureLine("B", Fact(2, "count", (second, RECEIPT), AS_OF)),
            FigureLine("C", fact(3, "count")),
        )
    )
    presenter = Presenter(replace(report_of(lines), headline=None, warnings=()))
    assert presenter.receipts == (RECEIPT, second)
    assert presenter.line(lines.lines[1]).notes == (1, 2)


def test_a_shared_note_is_told_once() -> None:
    noted = [replace(fact(number, "count"), note="from the raw tables") for number in (1, 2)]
    lines = Figures((FigureLine("A", noted[0]), FigureLine("B", noted[1])))
    presenter = Presenter(report_of(lines))
    assert presenter.notes == (("from the raw tables", ("A", "B")),)
    assert presenter.line(lines.lines[0]).note == ""


def test_a_joined_note_says_each_part_once() -> None:
    noted = replace(fact(1, "count"), note="from the raw tables.; from the raw tables.; USD assumed")
    lines = Figures((FigureLine("A", noted),))
    assert Presenter(report_of(lines)).line(lines.lines[0]).note == "from the raw tables.; USD assumed"


def test_several_requests_are_told_apart() -> None:
    several = replace(RECEIPT, query="GET /a\nGET /b", requests=2)
    one = replace(RECEIPT, query="SELECT 1\nFROM t", requests=1)
    assert [Presenter(report_of()).query(found) for found in (several, one)] == ["GET /a ; GET /b", "SELECT 1 FROM t"]


def test_gaps_with_one_cause_are_one_hole() -> None:
    gap = Gap("hubspot", "unavailable", "timed out", "Try again.")
    lines = Figures((FigureLine("Owner", gap), FigureLine("Industry", replace(gap, metric="x"))))
    (hole,) = Page(report_of(lines)).holes
    assert hole.concerns == ("Owner", "Industry")


def test_an_answer_is_no_hole() -> None:
    lines = Figures((FigureLine("Rate", Gap("lago", "none_found", "no invoice yet")),))
    page = Page(report_of(lines))
    assert page.holes == ()
    assert page.presenter.line(lines.lines[0]).text == "none found (Lago): no invoice yet"


def test_the_customer_sees_no_score_no_query_and_no_personal_data() -> None:
    report = replace(KINDS["profile"].build(full()), audience="customer")
    presenter = Presenter(report, show_personal=True)
    assert presenter.headline is None
    assert presenter.warnings == ()
    assert not {"health", "findings", "recommendations"} & {section.id for section in presenter.sections}
    assert presenter.personal(Personal("Dana Roe", "person")) == "D. R."
    assert presenter.query(RECEIPT) == ""


def test_tones_follow_the_healthy_ranges() -> None:
    assert tone_of(fact(0.97, "ratio", "charge_success_rate")) == "good"
    assert tone_of(fact(0.90, "ratio", "charge_success_rate")) == "watch"
    assert tone_of(fact(0.0, "ratio", "charge_success_rate")) == "bad"
    assert tone_of(fact(0, "days", "days_since_activity")) == "good"
    assert tone_of(fact(-0.24, "ratio", "trend_30d")) == "neutral"
    assert tone_of(fact(-0.25, "ratio", "trend_30d")) == "bad"
    assert tone_of(fact(0.2, "ratio", "trend_30d")) == "good"
    assert tone_of(fact(0.009, "ratio", "high_risk_share")) == "good"
    assert tone_of(fact(0.01, "ratio", "high_risk_share")) == "bad"
    assert tone_of(fact(7, "days", "oldest_open_days")) == "watch"
    assert tone_of(fact(True, "boolean", "pending_cancellation")) == "bad"
    assert tone_of(fact(False, "boolean", "pending_cancellation")) == "neutral"
    assert tone_of(fact(9999, "count", "vehicles")) == "neutral"
    assert tone_of(Gap("lago", "unavailable", "down")) == "unknown"


def test_text_cells_follow_their_table() -> None:
    cell = Presenter(report_of()).cell(Text("x", "watch", "javascript:1"))
    assert (cell.text, cell.tone, cell.link) == ("x", "watch", "")
