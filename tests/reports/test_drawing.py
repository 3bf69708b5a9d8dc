"""Charts drawn: every form, the unknown as unknown, nothing without a receipt, the same bytes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from report_accounts import AS_OF, HOSTILE
from report_charts import CHARTS, PROOF, UNKNOWN, charted, fact, money, month

from customer_research.documents import fonts
from customer_research.documents.charts import bars
from customer_research.documents.drawing import vega
from customer_research.documents.drawing.theme import DARK, LIGHT, THEMES, Theme
from customer_research.documents.present import Presenter
from customer_research.domain.evidence import Fact
from customer_research.domain.money import Money
from customer_research.domain.report import Chart, Event, Mark, Prose
from customer_research.errors import ExtraMissing, RenderError

SVG = "{http://www.w3.org/2000/svg}"


def drawn(chart: Chart, theme: Theme = LIGHT, key: str = "chart") -> str:
    return vega.svg(vega.spec(chart, Presenter(charted(chart)), theme), key)


def written(picture: str) -> list[str]:
    return ["".join(text.itertext()) for text in ET.fromstring(picture).iter(f"{SVG}text")]


@pytest.mark.parametrize("form", CHARTS)
def test_every_form_is_drawn_as_an_image_with_its_sentence_the_same_each_time(form: str) -> None:
    chart = CHARTS[form]
    picture = drawn(chart)
    root = ET.fromstring(picture)
    assert root.get("role") == "img"
    assert root.get("aria-label") == chart.says.text
    assert drawn(chart) == picture
    assert all(other.get("role") is None for other in root.iter() if other is not root)
    assert 'id="chart-unknown"' in picture


@pytest.mark.parametrize("form", CHARTS)
def test_the_unknown_is_written_and_never_drawn_as_a_number(form: str) -> None:
    chart = CHARTS[form]
    picture = drawn(chart)
    assert any("unknown" in text for text in written(picture))
    hatched = picture.count('fill="url(#chart-unknown)"')
    hollow = len(re.findall(rf'<path(?![^>]*fill=)[^>]*stroke="{LIGHT.tones["unknown"]}"', picture))
    assert hatched or hollow
    known = replace(chart, marks=tuple(mark for mark in chart.marks if isinstance(mark.figure, Fact)))
    if form != "quadrant":  # there the place along the axis may be unknown too
        assert 'fill="url(#chart-unknown)"' not in drawn(known)


def test_all_marks_of_a_chart_may_be_unknown() -> None:
    for form, at in (
        ("history", date(2026, 9, 1)),
        ("months", date(2026, 9, 1)),
        ("timeline", date(2026, 9, 1)),
        ("bands", "All"),
        ("quadrant", UNKNOWN),
    ):
        chart = Chart(form, "Nothing known", Prose("Nothing is known."), (Mark(at, UNKNOWN, label="A"),))  # type: ignore[arg-type]
        assert any("unknown" in text for text in written(drawn(chart))), form


def test_a_figure_without_a_receipt_is_not_drawn() -> None:
    made = Fact(3, "count", PROOF, AS_OF)
    chart = Chart("bands", "Bare", Prose("Bare."), (Mark("All", made),))
    presenter = Presenter(charted())
    object.__setattr__(made, "basis", ())
    with pytest.raises(RenderError, match="no receipt"):
        vega.spec(chart, presenter)


def test_a_chart_without_marks_is_refused() -> None:
    with pytest.raises(RenderError, match="no mark to draw"):
        vega.spec(Chart("bands", "None", Prose("None."), ()), Presenter(charted()))


def test_bars_stand_in_order_and_are_told_apart_when_they_share_a_name() -> None:
    marks = (Mark("Same", fact(9)), Mark("Unknown", UNKNOWN), Mark("Same", fact(2)))
    texts = written(drawn(Chart("dimensions", "Twins", Prose("Two."), marks)))
    assert [text for text in texts if text in {"Same", "Unknown"}] == ["Same", "Unknown", "Same"]


def test_currencies_are_never_drawn_against_each_other() -> None:
    both = money(Money("USD", 100_00), Money("JPY", 9000))
    marks = tuple(Mark(month(at), both) for at in range(30, 33))
    spec = vega.spec(Chart("months", "Revenue", Prose("Revenue."), marks, height="Revenue"), Presenter(charted()))
    assert [one["layer"][1]["encoding"]["y"]["axis"]["title"] for one in spec["vconcat"]] == [
        "Revenue, USD",
        "Revenue, JPY",
    ]
    lanes = written(drawn(CHARTS["timeline"]))
    assert {"Invoices, USD", "Credit notes, EUR"} <= set(lanes)


def test_the_year_before_stands_beside_its_months() -> None:
    texts = written(drawn(CHARTS["months"]))
    assert (
        len([text for text in texts if text.startswith("Oct")]) == 2
    )  # thirteen months from October to October, not twenty-five
    assert {"Year before", "This year"} <= set(texts)


def test_steps_add_up_and_the_total_stands_on_zero() -> None:
    spec = vega.spec(CHARTS["waterfall"], Presenter(charted()))
    ends = [(row["from"], row["to"]) for row in spec["data"]["values"]]
    assert ends == [(0, 38), (26, 38), (None, None), (0, 26)]


def test_events_are_numbered_in_order() -> None:
    spec = vega.spec(CHARTS["history"], Presenter(charted()))
    numbers = [row for layer in spec["layer"] for row in layer.get("data", {}).get("values", ()) if "number" in row]
    assert [row["number"] for row in numbers[:2]] == ["1", "2"]


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_names_are_text_in_a_drawing(name: str) -> None:
    marks = (Mark(HOSTILE[name], fact(5), series=HOSTILE[name], label=HOSTILE[name]), Mark("Next", fact(7)))
    for form in ("bands", "waterfall"):
        picture = drawn(Chart(form, HOSTILE[name], Prose(HOSTILE[name]), marks))
        tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(picture).iter()}
        assert tags <= {"svg", "title", "defs", "pattern", "rect", "g", "path", "line", "text"}


def test_hostile_series_are_text_in_lanes_and_legends() -> None:
    marks = tuple(Mark(date(2026, at, 1), fact(at), series=words) for words in HOSTILE.values() for at in (3, 4))
    for form in ("timeline", "months", "history"):
        ET.fromstring(drawn(Chart(form, "Wild", Prose("Wild."), marks)))


def test_personal_data_is_masked_in_drawings() -> None:
    chart = Chart("bands", "Owners", Prose("Owners."), (Mark("dana.roe@alder.example.com", fact(3)),))
    assert "d•••@alder.example.com" in written(drawn(chart))


def test_png_is_a_picture_with_the_papers_colour() -> None:
    for theme in THEMES.values():
        picture = vega.png(vega.spec(CHARTS["bands"], Presenter(charted()), theme), 1.0)
        assert picture.startswith(b"\x89PNG")
    spec = vega.spec(CHARTS["bands"], Presenter(charted()))
    assert vega.png(spec) == vega.png(spec)


def test_ids_of_two_drawings_differ() -> None:
    assert 'id="a-unknown"' in drawn(CHARTS["bands"], key="a")
    assert "url(#a-unknown)" in drawn(CHARTS["bands"], key="a")


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_colours_keep_their_contrast(theme: Theme) -> None:
    for colour in (theme.ink, theme.quiet, *theme.tones.values()):
        assert contrast(colour, theme.paper) >= 4.5, colour
    for colour in theme.series:
        assert contrast(colour, theme.paper) >= 3, colour
    assert contrast(theme.series[0], theme.earlier) >= 3  # the outline of the year before


def test_each_role_has_a_colour_of_its_own() -> None:
    for one, other in combinations(LIGHT.colours, 2):
        assert one != other
    assert len(LIGHT.colours) == len(DARK.colours)


def test_the_package_that_draws_may_be_missing(monkeypatch: Any) -> None:
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    vega._converter.cache_clear()
    with pytest.raises(ExtraMissing, match="vl-convert-python, which is not installed") as refused:
        drawn(CHARTS["bands"])
    assert "customer-research[documents]" in refused.value.hint
    vega._converter.cache_clear()


def test_events_without_marks_nearby_widen_the_axis() -> None:
    chart = replace(CHARTS["history"], events=(Event(date(2024, 1, 1), Prose("Signed")),))
    assert "Jan 2024" in written(drawn(chart))


def test_a_series_named_the_year_before_is_drawn_as_such_where_it_stands() -> None:
    marks = tuple(
        Mark(month(at), fact(at, "count"), series=series)
        for series in ("Year before", "Last 12 months")
        for at in (30, 31)
    )
    picture = drawn(Chart("months", "Trips", Prose("Trips."), marks))
    assert picture.count(f'fill="{LIGHT.earlier}"') == 3  # two columns, and the legend's sign
    assert len([text for text in written(picture) if text.startswith(("Jul", "Aug"))]) == 2


@pytest.mark.parametrize(("least", "most"), [(0, 80), (40, 100), (0, 100)])
def test_scores_stand_on_the_whole_scale_whatever_they_are(least: int, most: int) -> None:
    marks = (Mark(date(2026, 10, 1), fact(least)), Mark(date(2026, 10, 8), fact(most)))
    told = json.dumps(vega.spec(Chart("history", "Score", Prose("Scores."), marks), Presenter(charted())))
    assert '"domain": [0.0, 100.0]' in told.replace("100]", "100.0]").replace("[0,", "[0.0,")


def test_points_and_their_fractions_stand_on_one_axis() -> None:
    marks = (Mark("Start", fact(92)), Mark("Rule", fact(-3.8, "number")), Mark("Score", fact(88), series="total"))
    spec = vega.spec(Chart("waterfall", "Score", Prose("Score."), marks), Presenter(charted()))
    assert "vconcat" not in spec
    assert bars(Chart("waterfall", "Score", Prose("Score."), marks), 10)[0] == "█" * 10


DRAWN_APART = """
import sys
from customer_research.documents.drawing import parts, vega
from customer_research.documents.drawing.theme import LIGHT
bars = {"mark": "bar", "encoding": {"y": {"field": "name"}, "x": {"field": "height", "type": "quantitative"}}}
rows = [{"name": "\\N{SNOWMAN}\\N{HIGH VOLTAGE SIGN}\\N{BLACK SUN WITH RAYS}" * 4, "height": 1}]
sys.stdout.write(vega.svg(parts.frame(LIGHT, "Bars.", {"data": {"values": rows}, "usermeta": {"theme": LIGHT.name}, **bars})))
"""
"""Draws bars whose name is in several of the package's fonts, each with another width; the bars begin where the name ends."""


def test_a_drawing_takes_no_measure_from_the_machines_fonts(tmp_path: Path) -> None:
    """Where the machine has a font with a character that Noto Sans lacks, the converter would take it before the package's."""
    drawn = set()
    for folder in ("no folder", fonts.folder_of("Noto Emoji"), fonts.folder_of("Noto Sans Symbols2"), fonts.FOLDER):
        config = tmp_path / "fonts.conf"
        config.write_text(f'<?xml version="1.0"?><fontconfig><dir>{folder}</dir></fontconfig>', encoding="utf-8")
        environment = os.environ | {"FONTCONFIG_FILE": str(config)}
        ran = subprocess.run(
            (sys.executable, "-c", DRAWN_APART), env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        drawn.add(ran.stdout)
    assert len(drawn) == 1
