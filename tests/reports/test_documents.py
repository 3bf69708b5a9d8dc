"""Workbooks, slides and CSV: real values read back from the files, nothing run, nothing overflowing, all formats agreeing."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import golden
import pytest
from document_charts import CHARTS, charted
from documents_read import squeezed, words
from openpyxl import load_workbook
from pptx import Presentation
from pptx.util import Inches
from report_accounts import ACCOUNT_KINDS, ACCOUNTS, AS_OF, HOSTILE, full, receipt

from customer_research.documents.charts import height_of
from customer_research.documents.fonts import measure
from customer_research.documents.formats import FORMATS, csv_, json_, pdf, pptx_, render, xlsx
from customer_research.documents.formats.slide_charts import inert
from customer_research.domain.calibration import Estimate
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.money import Money, digits
from customer_research.domain.report import Block, Bullets, FigureLine, Figures, Prose, Report, Section, Table, Text
from customer_research.errors import UsageError
from customer_research.reports.kinds import KINDS

PROOF = (receipt("lago", "invoices"),)
STARTS = ("=", "+", "-", "@")


def report_of(*blocks: Block, name: str = "Alder Chauffeurs") -> Report:
    made = KINDS["profile"].build(full(name))
    return replace(made, sections=(Section("Part", blocks, "part"),), warnings=(), headline=None, freshness=())


def fact(value: Any, unit: str, metric: str = "") -> Fact[Any]:
    return Fact(value, unit, PROOF, AS_OF, metric)


def book(report: Report, **options: Any) -> Any:
    return load_workbook(io.BytesIO(xlsx.render(report, **options)))


def lines(report: Report, **options: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_.render(report, **options))))


def deck(report: Report, **options: Any) -> Any:
    return Presentation(io.BytesIO(pptx_.render(report, **options)))


def texts(presentation: Any) -> Iterator[str]:
    for slide in presentation.slides:
        for shape in slide.shapes:
            if shape.has_text_frame:
                yield shape.text_frame.text
            elif getattr(shape, "has_table", False):
                yield from (cell.text for row in shape.table.rows for cell in row.cells)


def notes(presentation: Any) -> str:
    return "\n".join(slide.notes_slide.notes_text_frame.text for slide in presentation.slides if slide.has_notes_slide)


def large_texts(slide: Any) -> Iterator[tuple[str, float]]:
    """The paragraphs of a slide below its title with the size of their letters: of shapes and of tables, without the footer."""
    for shape in slide.shapes:
        if shape == slide.shapes.title or shape.name == "footer":
            continue
        frames = [shape.text_frame] if shape.has_text_frame else []
        if getattr(shape, "has_table", False):
            frames = [cell.text_frame for row in shape.table.rows for cell in row.cells]
        for paragraph in (one for frame in frames for one in frame.paragraphs if one.text):
            yield paragraph.text, min(run.font.size.pt for run in paragraph.runs)


EVERY_UNIT = Figures(
    (
        FigureLine("Trips", fact(1234, "count")),
        FigureLine("Rate", fact(0.9713, "ratio"), "good"),
        FigureLine("Change", fact(-0.42, "ratio", "trend_30d"), "bad"),
        FigureLine("Age", fact(14, "days")),
        FigureLine("Mean age", fact(2.5, "days")),
        FigureLine("Dollars", fact((Money("USD", -123_450),), "money")),
        FigureLine("Yen", fact((Money("JPY", 1200),), "money")),
        FigureLine("Dinars", fact(Money("KWD", 12_345), "money")),
        FigureLine("Both", fact((Money("CAD", 1250), Money("JPY", 900)), "money")),
        FigureLine("Nothing", fact((), "money")),
        FigureLine("Volume", fact(14_900, "usd_minor")),
        FigureLine("Day", fact(date(2026, 11, 20), "date")),
        FigureLine("Seen", fact(datetime(2026, 10, 30, 15, 45, tzinfo=AS_OF.tzinfo), "timestamp")),
        FigureLine("Open", fact(True, "boolean")),
        FigureLine("Plan", fact("=1+1", "text")),
        FigureLine("Bills", Gap("lago", "unavailable", "the connection timed out", "Try again.")),
    )
)


# -- workbooks ---------------------------------------------------------------------------------------------------------


def figures_of(report: Report) -> dict[str, list[tuple[Any, str, str]]]:
    found: dict[str, list[tuple[Any, str, str]]] = {}
    for row in book(report)["Figures"].iter_rows(min_row=2):
        found.setdefault(row[1].value, []).append((row[2].value, row[3].value or "", row[2].number_format))
    return found


def test_workbooks_hold_values_not_words() -> None:
    found = figures_of(report_of(EVERY_UNIT))
    assert found["Trips"] == [(1234, "count", "#,##0")]
    assert found["Rate"] == [(0.9713, "ratio", "0.0%")]
    assert found["Change"] == [(-0.42, "ratio", "+0.0%;-0.0%;0.0%")]
    assert found["Age"][0][2] == '#,##0 "days"'
    assert found["Dollars"] == [(-1234.5, "USD", "[$USD] #,##0.00;-[$USD] #,##0.00")]
    assert found["Yen"] == [(1200, "JPY", "[$JPY] #,##0;-[$JPY] #,##0")]
    assert found["Dinars"] == [(12.345, "KWD", "[$KWD] #,##0.000;-[$KWD] #,##0.000")]
    assert [unit for _, unit, _ in found["Both"]] == ["CAD", "JPY"]
    assert found["Volume"][0][:2] == (149, "USD")
    assert found["Day"][0][0] == datetime(2026, 11, 20)  # noqa: DTZ001 - as openpyxl gives days
    assert found["Seen"][0][0] == datetime(2026, 10, 30, 15, 45)  # noqa: DTZ001
    assert found["Open"][0][0] is True
    assert found["Plan"] == [("=1+1", "", "General")]
    assert found["Bills"][0][0] == "not available (Lago)"


@pytest.mark.parametrize("account", ["hostile", "nothing", "money"])
@pytest.mark.parametrize("kind", ["profile", "billing"])
def test_workbooks_run_nothing_of_a_vendor(kind: Any, account: Any) -> None:
    made = xlsx.render(KINDS[kind].build(ACCOUNTS[account]()))
    with zipfile.ZipFile(io.BytesIO(made)) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
        links = "".join(parts.read(name).decode() for name in parts.namelist() if name.endswith(".xml.rels"))
    assert sheets
    assert not any("<f>" in sheet for sheet in sheets)
    assert "evil" not in links
    assert not any(cell.data_type == "f" for page in load_workbook(io.BytesIO(made)) for row in page for cell in row)


def test_sheets_are_tables_under_a_frozen_header_with_names_of_their_own() -> None:
    row = (Text("a"),)
    blocks = [
        Table(("A",), (row,), PROOF, name) for name in ("T" * 40, "T" * 41, "a/b:c?[d]*", "summary", "History", "'")
    ]
    made = book(report_of(*blocks, EVERY_UNIT))
    names = [page.title for page in made]
    assert len({name.lower() for name in names}) == len(names) == 10
    assert all(page.freeze_panes == "A2" for page in made)
    assert all(len(page.tables) == 1 for page in made)
    assert all(next(iter(page.tables.values())).autoFilter for page in made)


def test_columns_of_money_have_their_currency_beside_them() -> None:
    rows = ((Text("a"), fact(Money("USD", 150), "money")), (Text("b"), fact(Money("JPY", 7), "money")))
    page = book(report_of(Table(("Name", "Total"), rows, PROOF, "Bills", 9)))["Bills"]
    assert [[cell.value for cell in row] for row in page] == [
        ["Name", "Total", "Total (currency)", "Receipts"],
        ["a", 1.5, "USD", "1"],
        ["b", 7, "JPY", "1"],
    ]


def test_long_words_and_same_headers_are_no_trouble() -> None:
    row = (Text("x" * 40_000), Text("b"))
    page = book(report_of(Table(("A", "a"), (row,), PROOF, "Long", words=("a",))))["Long"]
    assert [cell.value for cell in page[1]] == ["A", "a 2", "Receipts"]
    assert str(page["A2"].value).endswith("(40000 characters; the JSON report has all)")
    assert len(str(page["A2"].value)) == 32_767


# -- CSV ---------------------------------------------------------------------------------------------------------------


def test_csv_is_for_programs() -> None:
    found = {(line["label"], line["unit"]): line for line in lines(report_of(EVERY_UNIT)) if line["section"] == "part"}
    assert found["Dollars", "USD"]["value"] == "-123450"
    assert found["Both", "JPY"]["value"] == "900"
    assert found["Rate", "ratio"]["value"] == "0.9713"
    assert found["Seen", "timestamp"]["value"] == "2026-10-30T15:45:00Z"
    assert found["Open", "boolean"]["value"] == "true"
    assert found["Plan", "text"]["value"] == "'=1+1"
    assert found["Bills", ""]["gap"] == "unavailable"
    assert found["Bills", ""]["value"] == ""
    assert all(line["receipts"] == "lago-invoices" for line in found.values() if not line["gap"])


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_csv_runs_nothing_of_a_vendor(kind: Any) -> None:
    for line in lines(KINDS[kind].build(ACCOUNTS["hostile"]())):
        for name, cell in line.items():
            assert not cell.startswith(STARTS) or float(cell.strip("%").replace(",", "").replace("$", "")), (name, cell)


def test_an_estimate_is_a_number_for_programs_and_words_for_people() -> None:
    report = report_of(Figures((FigureLine("Churn", fact(Estimate(0.12, 0.1, 0.15), "estimate_ratio")),)))
    (line,) = [line for line in lines(report) if line["label"] == "Churn"]
    assert (line["value"], line["text"]) == ("0.12", "12% [10%-15%]")
    assert figures_of(report)["Churn"][0][0] == "12% [10%-15%]"


def test_csv_tells_each_cell_with_its_row() -> None:
    rows = ((Text("Jan"), fact(3, "count")), (Text("Feb"), Gap("lago", "stale", "too old")))
    found = [line for line in lines(report_of(Table(("Month", "Trips"), rows, PROOF, "Trips"))) if line["row"]]
    told = [
        (line["row"], line["label"], line["of"], line["value"], line["gap"])
        for line in found
        if line["block"][0] == "t"
    ]
    assert told == [
        ("1", "Month", "Jan", "Jan", ""),
        ("1", "Trips", "Jan", "3", ""),
        ("2", "Month", "Feb", "Feb", ""),
        ("2", "Trips", "Feb", "", "stale"),
    ]


# -- slides ------------------------------------------------------------------------------------------------------------


def assert_inside(presentation: Any) -> None:
    for slide in presentation.slides:
        for shape in slide.shapes:
            assert shape.left >= 0
            assert shape.top >= 0
            assert shape.left + shape.width <= presentation.slide_width, (shape.name, shape.width)
            assert shape.top + shape.height <= presentation.slide_height, (shape.name, shape.height)


@pytest.mark.parametrize("account", ["full", "nothing", "hostile"])
@pytest.mark.parametrize("kind", ["profile", "quick"])
def test_slides_hold_what_they_show(kind: Any, account: Any) -> None:
    made = deck(KINDS[kind].build(ACCOUNTS[account]()))
    assert_inside(made)
    assert all(slide.shapes.title is not None and slide.shapes.title.text for slide in made.slides)
    assert ("Receipts:" in notes(made)) is (account != "nothing")


def test_charts_are_native_and_described() -> None:
    made = deck(charted())
    frames = [shape for slide in made.slides for shape in slide.shapes if getattr(shape, "has_chart", False)]
    assert [frame._element.nvGraphicFramePr.cNvPr.get("descr") for frame in frames] == [
        chart.says.text for chart in CHARTS.values()
    ]
    history, dimensions, waterfall, months, timeline, bands, quadrant = (frame.chart.plots[0] for frame in frames)
    assert list(history.series[0].values) == [height_of(mark.figure) for mark in CHARTS["history"].marks]
    assert list(dimensions.series[0].values) == [85, 42, None]
    assert {series.name: list(series.values) for series in waterfall.series} == {
        "Base": [None, 85, 85, None],
        "Adds": [None, None, 20, None],
        "Takes": [None, 15, None, None],
        "Stands at": [100, None, None, 105],
    }
    assert [series.name for series in months.series] == ["This year", "The year before"]
    assert [list(series.values) for series in timeline.series] == [[149, None, None], [None, 149, None]]
    assert list(bands.series[0].values) == [250, 12]
    assert sorted(value for series in quadrant.series for value in series.values) == [0.8, 0.971]
    told = "\n".join(texts(made))
    assert "Unknown: 2026-06-01 (not available (Lago))." in told
    assert "Unknown: Cedar (not available (Lago))." in told
    assert "2026-08-12: Invoice failed" in told


def test_workbooks_of_charts_run_nothing() -> None:
    made = pptx_.render(charted())
    with zipfile.ZipFile(io.BytesIO(made)) as parts:
        books = [parts.read(name) for name in parts.namelist() if name.endswith(".xlsx")]
    assert len(books) == len(CHARTS)
    for one in books:
        assert not any(cell.data_type == "f" for page in load_workbook(io.BytesIO(one)) for row in page for cell in row)
    assert inert("=1") == "'=1"
    assert inert("https://evil.example") == "'https://evil.example"


def test_waterfalls_cross_zero() -> None:
    from customer_research.domain.report import Chart, Mark

    marks = (Mark("Base", fact(10, "points"), "total"), Mark("A", fact(-30, "points")), Mark("B", fact(-5, "points")))
    made = deck(report_of(Chart("waterfall", "Points", Prose("Down."), marks)))
    (frame,) = [shape for slide in made.slides for shape in slide.shapes if getattr(shape, "has_chart", False)]
    assert {series.name: list(series.values) for series in frame.chart.plots[0].series} == {
        "Base": [None, None, -20],
        "Takes": [None, 10, None],
        "Stands at": [10, None, None],
        "Takes (below zero)": [None, -20, -5],
    }


@pytest.mark.parametrize(
    ("kind", "account"),
    [  # of each kind every third account, beginning with another one
        (kind, account) for at, kind in enumerate(ACCOUNT_KINDS) for account in list(ACCOUNTS)[at % 3 :: 3]
    ],
)
def test_a_slide_is_read_from_the_back_of_a_room(kind: Any, account: Any) -> None:
    made = deck(KINDS[kind].build(ACCOUNTS[account]()))
    for slide in list(made.slides)[1:]:
        shown = [shape.name for shape in slide.shapes if shape.name == "number" or getattr(shape, "has_chart", False)]
        assert len(shown) <= 1, shown
        told = list(large_texts(slide))
        assert all(size >= 16 for _, size in told), told
        assert sum(len(shape.text_frame.paragraphs) for shape in slide.shapes if shape.has_text_frame) <= 8


def test_a_sentence_stands_under_its_number_and_a_list_on_few_slides() -> None:
    number = Prose("Usage fell to 20 trips, by 42%.", (fact(20, "count"), fact(-0.42, "ratio")), "bad")
    share = Prose("The app is used on 39.7% of 120 trips.", (fact(120, "count"), fact(0.397, "ratio")), "watch")
    made = deck(report_of(Bullets((share, number))))
    (slide,) = list(made.slides)[1:]
    assert [shape.text_frame.text for shape in slide.shapes if shape.name == "number"] == ["39.7%"]
    assert [text for text, _ in large_texts(slide)][1:] == [share.text, number.text]
    many = deck(report_of(Bullets(tuple(Prose(f"Sentence {at}.") for at in range(20)))))
    assert len(many.slides) == 4
    assert "8 more sentences in the notes." in "\n".join(texts(many))
    assert "Sentence 19." in notes(many)


def test_of_then_and_now_the_present_number_is_large() -> None:
    then, now = (
        Fact(value, "points", (receipt("memory", "scores"),), at, "health_score")
        for value, at in ((91, AS_OF - timedelta(days=35)), (79, AS_OF))
    )
    for facts in ((then, now), (now, then)):
        made = deck(report_of(Prose("From 91 (Healthy) on 2026-09-27 to 79 (Monitor).", facts)))
        assert [shape.text_frame.text for slide in made.slides for shape in slide.shapes if shape.name == "number"] == [
            "79"
        ]


def test_a_number_that_is_part_of_another_is_none() -> None:
    made = deck(report_of(Prose("Reservations: 1,200 of them.", (fact(1, "count"), fact(200, "count")))))
    assert not [shape for slide in made.slides for shape in slide.shapes if shape.name == "number"]


def test_a_pictures_message_is_its_title_and_the_reason_stands_below() -> None:
    chart = replace(CHARTS["bands"], says=Prose("12 of 262 are critical; most pay late."))
    (slide,) = list(deck(report_of(chart)).slides)[1:]
    assert slide.shapes.title.text == "12 of 262 are critical."
    assert [text for text, _ in large_texts(slide)] == ["Most pay late."]


def test_what_has_no_room_stands_in_the_notes() -> None:
    rows = tuple((Text(f"MOO-{number}"), fact(number, "count"), Text("word " * 400)) for number in range(40))
    made = deck(
        report_of(
            Table(("Invoice", "Lines", "Words"), rows, PROOF, "Invoices", words=("Words",)), Prose("sentence " * 900)
        )
    )
    assert_inside(made)
    assert "Invoices (6 of 40)" in list(texts(made))
    told = notes(made)
    assert all(f"MOO-{number} | {number} | word word" in told for number in range(40))
    assert "word " * 399 in told
    assert "sentence " * 899 in told
    assert "Receipts:\nLago invoices" in told


def template(path: Path) -> Path:
    """A template with named placeholders, a slide of its own, and a narrow place for tables."""
    made: Any = Presentation()
    layout = made.slide_layouts[1]
    layout.name = "House"
    title, body = list(layout.placeholders)[:2]
    title.name, body.name = "title", "table"
    body.left, body.top, body.width, body.height = Inches(2), Inches(2), Inches(6), Inches(4)
    made.slides.add_slide(layout).shapes.title.text = "Of the template"
    made.save(str(path))
    return path


def test_a_template_gives_the_layouts_and_none_of_its_slides(tmp_path: Path) -> None:
    chosen = template(tmp_path / "mine.pptx")
    table = Table(("Invoice", "Lines"), ((Text("MOO-1"), fact(3, "count")),), PROOF)
    made = deck(report_of(EVERY_UNIT, table), template=chosen)
    assert made.slide_width == Presentation(str(chosen)).slide_width
    assert "Of the template" not in list(texts(made))
    assert_inside(made)
    tables = [
        (slide.slide_layout.name, shape.left, round(shape.width, -2))
        for slide in made.slides
        for shape in slide.shapes
        if getattr(shape, "has_table", False)
    ]
    assert ("House", Inches(2), round(Inches(6), -2)) in tables
    shown = [slide for slide in made.slides if any(getattr(shape, "has_table", False) for shape in slide.shapes)]
    assert not [place.name for slide in shown for place in slide.placeholders if not place.text_frame.text]


@pytest.mark.parametrize("content", [b"", b"no presentation", b"PK\x03\x04broken"])
def test_what_is_no_template_is_refused(content: Any, tmp_path: Path) -> None:
    path = tmp_path / "bad.pptx"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="cannot be read as a presentation"):
        pptx_.render(report_of(EVERY_UNIT), template=path)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_names_are_safe_in_all_documents(name: Any) -> None:
    hurt = HOSTILE[name]
    report = report_of(
        Prose(hurt), Table((hurt, "B"), ((Text(hurt), Text("b")),), PROOF, hurt, words=("B",)), name=hurt
    )
    assert_inside(deck(report))
    assert book(report)["Summary"]
    assert lines(report)


# -- all of them -------------------------------------------------------------------------------------------------------


def parts(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from parts(child)
    elif isinstance(value, list):
        for child in value:
            yield from parts(child)


def in_a_workbook(line: Mapping[str, Any]) -> list[tuple[Any, str]]:
    """How a figure of the JSON stands in a workbook: values with their units."""
    value, unit = line["value"], line["unit"]
    if unit == "money":
        return [(float(Decimal(one["minor"]).scaleb(-digits(one["currency"]))), one["currency"]) for one in value] or [
            (0, "")
        ]
    if unit == "usd_minor":
        return [(value / 100, "USD")]
    if unit in {"date", "timestamp"}:
        return [(datetime.fromisoformat(value).replace(tzinfo=None), unit)]
    return [(value, "" if unit == "text" else unit)]


def spoken(text: str) -> str:
    """Words alone: a picture's message and reason are two sentences on a slide."""
    return re.sub(r"[\s.;]+", "", text).lower()


@pytest.mark.parametrize(
    "report",
    [report_of(EVERY_UNIT), charted(), KINDS["billing"].build(ACCOUNTS["money"]())],
    ids=["units", "charts", "money"],
)
def test_all_formats_tell_the_same_figures(report: Report) -> None:
    told = json.loads(json_.render(report))
    pages = squeezed(words(pdf.render(report)))
    made = deck(report)
    slides = " ".join((*texts(made), notes(made)))
    sheet, table = figures_of(report), lines(report)
    others = [squeezed(render(report, name).decode()) for name in ("html",) if name in FORMATS]
    figures = [line for part in parts(told["sections"]) for line in part.get("figures", ())]
    assert figures
    for line in figures:
        if "gap" in line:
            continue
        label, text = line["label"], line["text"]
        assert squeezed(f"{label}{text}") in pages, label
        assert label in slides
        assert text in slides, label
        assert all(squeezed(text) in page for page in others), label
        values = [(value, unit) for value, unit, _ in sheet[label]]
        assert [found for found in values if found in in_a_workbook(line)], (label, values)
        rows = [row for row in table if row["label"] == label and not row["gap"]]
        raw = (
            [str(one["minor"]) for one in line["value"]] if line["unit"] == "money" else [row["value"] for row in rows]
        )
        assert {row["value"] for row in rows} >= set(raw), label
    for chart in (part for part in parts(told["sections"]) if part.get("type") == "chart"):
        assert squeezed(chart["says"]["text"]) in pages
        assert spoken(chart["says"]["text"]) in spoken(slides)
        marks = [row for row in table if row["block"].startswith("chart ") and row["block"].endswith(chart["title"])]
        texts_ = [mark["figure"]["text"] for mark in chart["marks"] if "text" in mark["figure"]]
        assert {row["text"] for row in marks} >= set(texts_)


@pytest.mark.parametrize("style", ["pptx", "xlsx"])
def test_the_same_report_gives_the_same_bytes(style: Any) -> None:
    report = charted()
    assert render(report, style) == render(report, style)


def test_documents_are_as_they_were_when_somebody_last_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that is meant is written down by `.venv/bin/python tests/reports/golden.py`.

    Nothing adds floats by `sum`, whose last digit is another from Python 3.12 on, and with it the bytes.
    """

    def strict(values: Iterable[Any], /, start: Any = 0) -> Any:
        values = list(values)
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if caller.startswith("customer_research."):
            assert not any(isinstance(value, float) for value in values), f"{caller} adds floats: use math.fsum."
        return real(values, start)

    real = sum
    monkeypatch.setattr("builtins.sum", strict)
    measure._width.cache_clear()
    assert golden.digests() == json.loads(golden.FILE.read_text(encoding="utf-8"))


def test_weighted_points_and_whole_ones_stand_in_one_waterfall() -> None:
    from customer_research.domain.report import Chart, Mark

    marks = (
        Mark("Start", fact(92.5, "number"), "total"),
        Mark("A", fact(-3.5, "number")),
        Mark("Score", fact(89, "points"), "total"),
    )
    made = deck(report_of(Chart("waterfall", "Points", Prose("Down."), marks)))
    (frame,) = [shape for slide in made.slides for shape in slide.shapes if getattr(shape, "has_chart", False)]
    assert list(frame.chart.plots[0].categories) == ["Start", "A", "Score"]
    assert frame.chart.value_axis.minimum_scale == 0
