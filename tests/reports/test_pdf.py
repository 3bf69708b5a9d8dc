"""PDF: a tagged document whose words are all drawn, all on the page, and the same bytes each time."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pdfua
import pikepdf
import pytest
from document_charts import CHARTS, charted
from documents_read import runs, squeezed, words
from pypdf import PdfReader
from report_accounts import ACCOUNT_KINDS, ACCOUNTS, AS_OF, HOSTILE, answer, full, hostile, receipt

from customer_research.documents.fonts.measure import UNDRAWN, breakable, drawable, em, shortened
from customer_research.documents.formats import pdf
from customer_research.documents.formats.columns import FIRST, LONGEST, LONGEST_WORD, NARROWEST, side_by_side
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.money import Money
from customer_research.domain.report import (
    Absence,
    Block,
    Cell,
    FigureLine,
    Figures,
    Prose,
    Report,
    Section,
    Table,
    Text,
)
from customer_research.reports.kinds import KINDS
from customer_research.reports.kinds.lookup import KIND as LOOKUP
from customer_research.reports.kinds.lookup import Search


def report_of(*blocks: Block, name: str = "Alder Chauffeurs") -> Report:
    made = KINDS["profile"].build(full(name))
    return replace(made, sections=(Section("Part", blocks, "part"),), warnings=(), headline=None, freshness=())


def assert_sound(made: bytes, path: Path) -> None:
    """Every glyph is one of the font's, every run lies inside the page's margins, and the checker finds nothing."""
    with pikepdf.open(io.BytesIO(made)) as opened:
        width, height = (float(value) for value in opened.pages[0].mediabox[2:])
    for page, run in runs(made):
        assert 0 not in run.glyphs, page
        assert run.left >= 45, (page, run)
        assert run.right <= width - 45, (page, run)
        assert run.low >= 20, (page, run)
        assert run.high <= height - 20, (page, run)
    path.write_bytes(made)
    found = pdfua.validate(str(path))
    assert [finding for outcome in found.outcomes for finding in outcome.findings] == []


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
@pytest.mark.parametrize("account", ["full", "nothing", "hostile", "money"])
def test_every_kind_is_sound(kind: Any, account: Any, tmp_path: Path) -> None:
    assert_sound(pdf.render(KINDS[kind].build(ACCOUNTS[account]())), tmp_path / "made.pdf")


def test_a_lookup_is_sound(tmp_path: Path) -> None:
    made = pdf.render(LOOKUP.build(Search(answer(3), (receipt("warehouse", "directory"),), (), AS_OF)))
    assert_sound(made, tmp_path / "made.pdf")
    assert "Summit Cars 3" in words(made)


def test_the_same_report_gives_the_same_bytes() -> None:
    report = KINDS["profile"].build(hostile())
    assert pdf.render(report) == pdf.render(report)


def test_it_says_what_it_is() -> None:
    made = PdfReader(io.BytesIO(pdf.render(KINDS["billing"].build(full()))))
    assert made.metadata is not None
    assert made.metadata.title == "Alder Chauffeurs: Billing"
    assert "/CreationDate" not in made.metadata
    assert [str(entry["/Title"]) for entry in made.outline if isinstance(entry, dict)][-1] == "Receipts"
    assert f"1 of {len(made.pages)}" in made.pages[0].extract_text()
    assert "As of 2026-11-01 00:00 UTC" in made.pages[-1].extract_text()


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_names_are_words_and_nothing_else(name: Any, tmp_path: Path) -> None:
    hurt = HOSTILE[name]
    rows = ((Text(hurt), Text("b"), Text(hurt)),)
    report = report_of(Prose(hurt), Table(("A", "B", hurt), rows, caption=hurt, words=("B", hurt)), name=hurt)
    assert_sound(pdf.render(report), tmp_path / "made.pdf")


@pytest.mark.parametrize(
    "markup", ["#panic()", "$x$ `a` *b* _c_ @d <e> https://evil.example", '#include "/etc/hosts"', "\\u{41}", "= Head"]
)
def test_markup_of_the_typesetter_is_not_read(markup: Any) -> None:
    made = pdf.render(report_of(Prose(markup), name=markup))
    assert squeezed(words(made)).count(squeezed(markup)) >= 3
    with pikepdf.open(io.BytesIO(made)) as opened:
        links = [
            str(note.A.URI) for page in opened.pages for note in page.get("/Annots", []) if "/URI" in note.get("/A", {})
        ]
    assert links == []


def test_a_character_that_no_font_has_is_shown_as_such(tmp_path: Path) -> None:
    made = pdf.render(report_of(Prose("a \U0001d54f \U00013000 b"), name="\U00013000"))
    assert_sound(made, tmp_path / "made.pdf")
    assert UNDRAWN in words(made)


def invoices(count: int, *more: str) -> Table:
    proof = (receipt("lago", "invoices"),)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            Text(f"MOO-{number}"),
            Fact(AS_OF.date(), "date", proof, AS_OF),
            Fact(Money("USD", number * 100), "money", proof, AS_OF),
            *(Text(f"a long value {number}") for _ in more),
        )
        for number in range(count)
    )
    return Table(("Invoice", "Issued", "Total", *more), rows, proof, "Invoices", 2000, words=more)


def test_more_columns_than_fit_are_drawn_below_each_other(tmp_path: Path) -> None:
    made = pdf.render(report_of(invoices(3, *(f"Column {number}" for number in range(14)))))
    assert_sound(made, tmp_path / "made.pdf")
    assert words(made).count("MOO-2 ") > 1


def test_a_thousand_rows() -> None:
    made = PdfReader(io.BytesIO(pdf.render(report_of(invoices(1000)))))
    assert "(1000 of 2000 shown)" in made.pages[0].extract_text()
    assert "MOO-999" in made.pages[-2].extract_text() + made.pages[-1].extract_text()
    assert all("Invoice" in page.extract_text() for page in made.pages[:-1])  # the header of each page


def test_figures_keep_their_notes_and_gaps_their_reason() -> None:
    gap = Gap("lago", "unavailable", "the connection timed out", "Try again.")
    fact = Fact(0.971, "ratio", (receipt("lago", "invoices"),), AS_OF)
    text = words(
        pdf.render(
            report_of(Figures((FigureLine("Rate", fact, "good"), FigureLine("MRR", gap))), Absence("Bills", gap))
        )
    )
    assert "97.1% (good) 1" in text
    assert "not available (Lago)" in text
    assert "Bills: not available (Lago): the connection timed out Gaps" in text
    assert "Missing: MRR; Bills. Next: Try again." in text
    assert "· abababababab" in text


def test_links_lead_to_receipts_and_out() -> None:
    with pikepdf.open(io.BytesIO(pdf.render(KINDS["profile"].build(full())))) as opened:
        actions = [note for page in opened.pages for note in page.get("/Annots", [])]
        outward = [str(note.A.URI) for note in actions if "/URI" in note.get("/A", {})]
    assert outward
    assert all(link.startswith("https://") for link in outward)
    assert len(actions) > len(outward)


def test_a_customer_is_told_no_query() -> None:
    made = words(pdf.render(replace(KINDS["profile"].build(full()), audience="customer"), show_personal=True))
    assert "GET /" not in made
    assert "Internal" not in made
    assert "Dana Roe" not in made


# -- widths ------------------------------------------------------------------------------------------------------------


def test_widths_are_the_fonts_own() -> None:
    assert em("0") == pytest.approx(0.572)
    assert em("漢") == 1.0
    assert em("e\u0301") == em("e")
    assert drawable("Ace \U0001f690 لیموزین 한글 \U00013000") == f"Ace \U0001f690 لیموزین 한글 {UNDRAWN}"


def test_only_words_that_do_not_fit_may_break() -> None:
    assert breakable("short words", 5) == "short words"
    assert breakable("LLLL on", 2) == "L\u200bL\u200bL\u200bL on"
    assert "\u200b" in breakable("ل" * 40, 5)
    assert shortened("A very long name indeed", 8) == "A very long na…"
    assert shortened("short", 8) == "short"


def test_columns_fill_the_width_and_come_in_groups() -> None:
    (one,) = side_by_side((("A", "B"), ("word", "a longer text of many words")), 50, 1)
    assert one.chosen == (0, 1)
    assert sum(one.widths) == pytest.approx(50)
    groups = side_by_side([["Incomprehensible"] * 9], 50, 1)
    assert [group.chosen[0] for group in groups] == [0] * len(groups)
    assert sorted({at for group in groups for at in group.chosen}) == list(range(9))
    assert all(sum(group.widths) == pytest.approx(50) for group in groups)


PADDING = 1.0
SHORT, LONG = "a " * 200, "x" * 90


@pytest.mark.parametrize(("cell", "least"), [(LONG, LONGEST_WORD), ("a", NARROWEST), ("mmmm", em("mmmm"))])
@pytest.mark.parametrize("others", [1, 2, 5])
def test_a_column_is_as_narrow_as_its_longest_word_within_bounds(cell: str, least: float, others: int) -> None:
    """And the first has its own least: so wide is a table whose columns just stand beside each other."""
    row = [SHORT, *[cell] * others]
    fits = max(FIRST, NARROWEST + PADDING) + others * (least + PADDING)
    assert len(side_by_side([row], fits + 0.001, PADDING)) == 1
    assert (len(side_by_side([row], fits - 0.001, PADDING)) == 1) is (others == 1)  # the last is never alone


@pytest.mark.parametrize(("cell", "wanted"), [(SHORT, LONGEST), ("a " * 9, em("a " * 9)), ("a", NARROWEST)])
def test_where_all_fits_the_width_is_shared_by_what_each_wants(cell: str, wanted: float) -> None:
    (one,) = side_by_side([[SHORT, cell]], 400.0, PADDING)
    first, second = one.widths
    assert second / first == pytest.approx((wanted + PADDING) / (LONGEST + PADDING))


def test_a_first_column_of_short_names_takes_no_more_than_they_want() -> None:
    fits = max(em("ab"), NARROWEST) + PADDING + 2 * (LONGEST_WORD + PADDING)
    assert len(side_by_side([["ab", LONG, LONG]], fits + 0.001, PADDING)) == 1
    assert len(side_by_side([["ab", LONG, LONG]], fits - 0.001, PADDING)) == 2


# -- charts ------------------------------------------------------------------------------------------------------------


def test_charts_are_pictures_with_their_sentence_as_alternative(tmp_path: Path) -> None:
    made = pdf.render(charted())
    assert_sound(made, tmp_path / "made.pdf")
    with pikepdf.open(io.BytesIO(made)) as opened:
        told = [
            str(part.Alt)
            for part in opened.objects
            if isinstance(part, pikepdf.Dictionary) and part.get("/S") == "/Figure"
        ]
    assert sorted(told) == sorted(chart.says.text for chart in CHARTS.values())
    text = words(made)
    assert all(chart.says.text in text for chart in CHARTS.values())
    assert "2026-08-12: Invoice failed <script>" in text


def test_a_chart_without_marks_is_its_sentence() -> None:
    made = pdf.render(report_of(replace(CHARTS["bands"], marks=())))
    assert "12 of 262 are critical." in words(made)


def test_sources_of_which_the_same_is_to_be_said_share_a_line() -> None:
    account = full()
    answered, *_ = (item for item in account.freshness if item.state == "ok")
    alike = replace(answered, warning="", latest_record_at=None, gaps=())
    told = tuple(replace(alike, source=name) for name in ("hubspot", "lago", "notion"))
    silent = replace(alike, source="warehouse", state="missing", fetched_at=None)
    made = PdfReader(io.BytesIO(pdf.render(KINDS["quick"].build(replace(account, freshness=(*told, silent))))))
    text = " ".join(" ".join(page.extract_text() for page in made.pages).split())
    assert text.count("answered in full") == 1
    assert "HubSpot, Lago, Notion: answered in full" in text
    assert "Warehouse: " in text
