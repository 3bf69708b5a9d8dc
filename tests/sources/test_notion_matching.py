"""Which tickets are an operator's, by which path, and how sure."""

from __future__ import annotations

from typing import Any

import pytest
from crm_records import OPERATOR, OTHER, notion_schema

from customer_research.domain.names import name_key, text_key
from customer_research.domain.values import operator_id
from customer_research.sources.notion.matching import FILTERS_IN_GROUP, TicketKeys, filters, match
from customer_research.sources.notion.normalise import Ticket, probe

NAME = "Harbor & Lantern Limo LLC"
WANTED = TicketKeys.of(OPERATOR, (NAME,), ("HLL",))
SCHEMA = probe(notion_schema())


def ticket(**values: Any) -> Ticket:
    return Ticket("p", values, None, None, None)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"operator_id": OPERATOR}, ("operator_id", True)),
        ({"operator_id": OPERATOR.upper().replace("-", "")}, ("operator_id", True)),
        ({"operator_id": f"op_{OPERATOR}"}, ("operator_id", True)),
        ({"tags": ("HLL",)}, ("tag", True)),
        ({"tags": ("hll", "Enterprise")}, ("tag", True)),
        ({"tags": ("Harbor and Lantern Limo",)}, ("tag", True)),
        ({"tags": ("Harbor and Lantern Limo, L.L.C.",)}, ("tag", True)),
        ({"tags": ("Harbor & Lantern Limo Inc",)}, ("tag", False)),
        ({"tags": ("Harbor & Lantern Limo Incorporated", "HLL")}, ("tag", True)),
        ({"title": "Harbor & Lantern Limo LLC: app is slow"}, ("title", False)),
        ({"title": "[HARBOR AND LANTERN LIMO] app is slow"}, ("title", False)),
        ({"description": f"see operator {OPERATOR}."}, ("text", False)),
        ({"summary": "Reported by Harbor & Lantern Limo"}, ("text", False)),
        ({"operator_id": OPERATOR, "tags": ("HLL",), "title": NAME}, ("operator_id", True)),
        ({"tags": ("Enterprise",), "title": "Shuttle timetable"}, None),
        ({"tags": ("Harbor",)}, None),
        ({"title": "Harbor & Lantern Limousines: app is slow"}, None),
        ({"title": "Old Harbor"}, None),
        ({"title": None, "tags": ()}, None),
        ({}, None),
    ],
)
def test_each_path_and_its_certainty(values: dict[str, Any], expected: tuple[str, bool] | None) -> None:
    assert match(ticket(**values), WANTED) == expected


def test_a_ticket_of_another_operator_is_not_matched_by_its_texts() -> None:
    assert match(ticket(operator_id=OTHER, title=NAME, summary=OPERATOR), WANTED) is None
    assert match(ticket(operator_id=OTHER, tags=("HLL",)), WANTED) == ("tag", True)


@pytest.mark.parametrize("generic", ["Enterprise", "enterprise", "Shuttle", "SHUTTLE"])
def test_generic_tags_identify_nobody_whatever_the_operator_is_called(generic: str) -> None:
    wanted = TicketKeys.of(OPERATOR, ("Shuttle", "Enterprise LLC"), (generic,))
    assert match(ticket(tags=(generic,), title=f"{generic} view"), wanted) is None


def test_short_names_are_not_looked_for_in_texts_but_as_tags() -> None:
    wanted = TicketKeys.of(OPERATOR, ("Oak",), ())
    assert match(ticket(title="Oak panel is brown"), wanted) is None
    assert match(ticket(tags=("Oak",)), wanted) == ("tag", True)


def test_a_name_of_five_characters_is_looked_for() -> None:
    assert match(ticket(title="The Quays: slow"), TicketKeys.of(OPERATOR, ("Quays Inc",), ())) == ("title", False)


def test_a_legacy_number_is_matched_by_property_only() -> None:
    wanted = TicketKeys.of("legacy:12345", (), ())
    assert match(ticket(operator_id="12345"), wanted) == ("operator_id", True)
    assert match(ticket(summary="invoice 12345"), wanted) is None


def test_names_are_compared_without_case_accents_punctuation_and_legal_form() -> None:
    assert name_key("  Caf\u00e9  N\u00f8rd & Sons, Ltd. ") == name_key("cafe n\u00f8rd and sons")
    assert name_key("O'Neil's Cars Co") == "oneils cars"
    assert name_key("LLC") == "llc"
    assert text_key("A_b\u2014c") == "a b c"


def conditions(names: tuple[str, ...] = (NAME,), aliases: tuple[str, ...] = ("HLL",)) -> list[dict[str, Any]]:
    return [part for one in filters(TicketKeys.of(OPERATOR, names, aliases), SCHEMA) for part in one["or"]]


def test_the_filter_asks_for_every_path() -> None:
    asked = conditions()
    assert {"property": "operator_id", "rich_text": {"contains": OPERATOR}} in asked
    assert {"property": "Tags", "multi_select": {"contains": "HLL"}} in asked
    assert {"property": "Tags", "multi_select": {"contains": "Harbor and Lantern Limo"}} in asked
    assert {"property": "Name", "title": {"contains": "Harbor & Lantern Limo"}} in asked
    assert {"property": "Name", "title": {"contains": "Harbor and Lantern Limo"}} in asked
    assert {"property": "Summary", "rich_text": {"contains": OPERATOR}} in asked


def test_the_filter_never_asks_for_generic_tags_or_for_options_that_do_not_exist() -> None:
    tags = [
        part["multi_select"]["contains"]
        for part in conditions(aliases=("Enterprise", "Shuttle", "Nope"))
        if part["property"] == "Tags"
    ]
    assert tags == ["Harbor and Lantern Limo"]


def test_without_an_id_property_it_is_not_asked_for() -> None:
    schema = {role: item for role, item in SCHEMA.items() if role != "operator_id"}
    asked = [part for one in filters(WANTED, schema) for part in one["or"]]
    assert all(part["property"] != "operator_id" for part in asked)


def test_very_many_names_are_asked_in_several_filters() -> None:
    names = tuple(f"Company number {place}" for place in range(120))
    groups = filters(TicketKeys.of(OPERATOR, names, ()), SCHEMA)
    assert len(groups) > 1
    assert all(1 <= len(group["or"]) <= FILTERS_IN_GROUP for group in groups)


@pytest.mark.parametrize(
    ("text", "expected"), [(f" {{{OPERATOR.upper()}}} ", OPERATOR), ("77", "legacy:77"), ("Harbor", None)]
)
def test_ids_as_people_write_them(text: str, expected: str | None) -> None:
    assert operator_id(text) == expected
