"""A report cut to the room there is: the weightiest first, nothing left out without its number."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_accounts import ACCOUNT_KINDS, full, without

from customer_research.documents.first_screen import Room, entries, first_screen, leads
from customer_research.documents.formats import terminal
from customer_research.documents.page import Grid, Heading, Line, List, Node, Pairs, Paragraph, Part
from customer_research.documents.present import Value
from customer_research.domain.occasion import Occasion
from customer_research.domain.report import Text
from customer_research.reports.kinds import KINDS, OPERATOR_KINDS

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def value(text: str) -> Value:
    return Value(Text(text), text)


def lines(count: int, kind: str = "bullets") -> List:
    return List(kind, tuple(Line(f"line {number}") for number in range(count)))


def rows(count: int, total: int | None = None) -> Grid:
    cells = tuple((value(f"row {number}"),) for number in range(count))
    return Grid("table", ("Operator",), cells, (False,), count if total is None else total)


def part(title: str, *nodes: Node, weight: int = 2) -> Part:
    return Part(Heading(title, title.lower()), nodes, weight)


def height(node: Node) -> int:
    if isinstance(node, Grid):
        return len(node.rows) + 2
    return len(node.lines) if isinstance(node, List) else len(node.pairs) if isinstance(node, Pairs) else 1


def room(size: int, least: int = 6) -> Room:
    return Room(size, height, 2, 1, least)


def taken(found: tuple[Part, ...], given_room: Room) -> int:
    return sum(given_room.taken(one.nodes) for one in found)


def test_all_is_shown_where_there_is_room() -> None:
    parts = (part("One", lines(3)), part("Two", rows(4)))
    found = first_screen(parts, room(40))
    assert (found.parts, found.left_out) == (parts, ())


def test_the_weightiest_stands_first_and_lighter_parts_keep_a_third() -> None:
    parts = (part("Light", lines(50)), part("Heavy", lines(50), weight=3))
    found = first_screen(parts, room(30))
    assert [one.heading.text for one in found.parts] == ["Heavy", "Light"]
    assert [entries(one) for one in found.parts] == [18, 8]
    assert found.left_out == (("Light", 42), ("Heavy", 32))


def test_parts_of_one_weight_share_and_the_first_takes_what_is_left() -> None:
    found = first_screen((part("A", lines(30)), part("B", lines(3)), part("C", lines(30))), room(31))
    assert [(one.heading.text, entries(one)) for one in found.parts] == [("A", 18), ("B", 3), ("C", 4)]


def test_a_cut_table_tells_how_many_rows_of_how_many_it_shows() -> None:
    found = first_screen((part("A", rows(25, total=60)),), room(10))
    (grid,) = found.parts[0].nodes
    assert isinstance(grid, Grid)
    assert (len(grid.rows), grid.title, found.left_out) == (6, "(6 of 60 shown)", (("A", 19),))


def test_the_title_of_a_list_never_stands_without_it() -> None:
    titled = part("A", Paragraph("prose", Line("One.")), Paragraph("prose", Line("Top risks:")), lines(9))
    assert [leads(node) for node in titled.nodes] == [False, True, False]
    for size in range(3, 20):
        found = first_screen((titled,), room(size)).parts
        assert not leads(found[0].nodes[-1])


def test_what_weighs_nothing_is_counted_and_not_shown() -> None:
    found = first_screen((part("A", lines(2)), part("Appendix", rows(3), weight=0)), room(40))
    assert [one.heading.text for one in found.parts] == ["A"]
    assert found.left_out == (("Appendix", 3),)


NODES = st.one_of(
    st.integers(1, 12).map(lines),
    st.integers(1, 12).map(rows),
    st.integers(1, 8).map(lambda count: Pairs("figures", tuple((f"label {at}", value("1")) for at in range(count)))),
    st.sampled_from(["A sentence.", "Risks:"]).map(lambda text: Paragraph("prose", Line(text))),
)
PARTS = st.lists(st.builds(lambda nodes, weight: part("", *nodes, weight=weight), st.lists(NODES, min_size=1, max_size=4), st.integers(0, 3)), max_size=7)  # fmt: skip


@given(PARTS, st.integers(0, 60), st.integers(1, 9))
def test_nothing_takes_more_than_there_is_and_nothing_is_lost(parts: list[Part], size: int, least: int) -> None:
    named = [replace(one, heading=Heading(f"Part {at}")) for at, one in enumerate(parts)]
    given_room = room(size, least)
    found = first_screen(named, given_room)
    assert taken(found.parts, given_room) <= size
    assert [one.weight for one in found.parts] == sorted((one.weight for one in found.parts), reverse=True)
    here = {one.heading.text: entries(one) for one in found.parts}
    left = dict(found.left_out)
    for one in named:
        assert here.get(one.heading.text, 0) + left.get(one.heading.text, 0) == entries(one)


@pytest.mark.parametrize("size", [-5, 0, 1])
def test_where_there_is_no_room_all_is_counted(size: int) -> None:
    found = first_screen((part("A", lines(2)), part("B", rows(3), weight=3)), room(size))
    assert (found.parts, found.left_out) == ((), (("A", 2), ("B", 3)))


# -- on a terminal -------------------------------------------------------------------------------------------------------


def test_a_customers_screen_says_of_a_silent_source_what_the_whole_form_says() -> None:
    report = OPERATOR_KINDS["account-review"].report(without("lago"), Occasion(audience="customer"))
    screen = terminal.render(report, width=100, height=45, receipts=False)
    assert "Not available at the moment: billing. What rests on that is left out." in screen
    assert not re.search(r"Not known|did not answer|^Read 20", screen, re.MULTILINE)


def test_a_screen_names_the_oldest_reading_where_sources_were_read_at_several_times() -> None:
    report = OPERATOR_KINDS["profile"].report(full())
    first, *others = (one for one in report.freshness if one.state == "ok")
    apart = replace(report, freshness=(replace(first, fetched_at=NOW - timedelta(days=2)), *others))
    read = [one for one in terminal.render(apart, height=45).split("\n") if one.startswith("Read ")]
    assert read[0].startswith("Read 2026-10-30 00:00 UTC or later: ")


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_receipts_are_counted_where_they_are_not_shown(kind: str) -> None:
    report = KINDS[kind].build(full())
    without_them, with_them = (terminal.render(report, width=100, height=45, receipts=shown) for shown in (False, True))
    assert kind == "quick" or "`--receipts` shows the " in without_them
    assert not re.search(r"\[\d", without_them) or kind == "quick"
    assert "Receipts ─" in with_them or kind == "quick"
