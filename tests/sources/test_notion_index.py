"""Many operators' tickets by an index: what asking for each operator in turn would give, in a fraction of the time."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from customer_research.sources.notion.index import KeyIndex
from customer_research.sources.notion.matching import TicketKeys, match
from customer_research.sources.notion.normalise import Ticket

WORDS = ("Oak", "Harbor", "Lantern", "Limo", "LLC", "Inc", "&", "and", "Café", "Shuttle", "Enterprise", "Ö'Neil", "co")
IDS = (
    "0b7c1a52-6a1e-4f0e-9d53-0a4c5f7e1d01",
    "0b7c1a52-6a1e-4f0e-9d53-0a4c5f7e1d02",
    "11111111-1111-1111-1111-111111111111",
    "legacy:40771",
    "legacy:4077",
    "TEST-customer",
    "customer 7",
)
phrases = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
wanted = st.builds(
    TicketKeys.of,
    st.sampled_from(IDS),
    st.lists(phrases, max_size=2),
    st.lists(phrases | st.sampled_from(["HLL"]), max_size=2),
)
spelt_ids = st.sampled_from(IDS).flatmap(
    lambda one: st.sampled_from(
        [one, one.upper(), one.replace("-", ""), f"op_{one}", one.removeprefix("legacy:"), f"x{one}1"]
    )
)
texts = st.lists(phrases | spelt_ids | st.sampled_from(["11111111", "-1111", "1" * 40]), max_size=4).map
tickets = st.fixed_dictionaries(
    {
        "operator_id": st.none() | spelt_ids | st.lists(spelt_ids, max_size=2).map(tuple),
        "tags": st.lists(phrases | st.sampled_from(["hll", ""]), max_size=2).map(tuple),
        "title": st.none() | texts(" ".join),
        "description": st.none() | texts("".join),
        "summary": st.none() | texts(" / ".join),
    }
)


def ticket(values: dict[str, Any]) -> Ticket:
    return Ticket("page", values, None, None, None)


@given(st.lists(wanted, max_size=6), tickets)
def test_the_index_finds_what_asking_for_each_operator_finds(
    operators: list[TicketKeys], values: dict[str, Any]
) -> None:
    one = ticket(values)
    naive = [(operator.operator_id, how) for operator in operators if (how := match(one, operator)) is not None]
    assert list(KeyIndex(operators).matches(one)) == naive


def test_ten_thousand_operators_are_looked_up_not_tried() -> None:
    operators = [
        TicketKeys.of(f"{n:08x}-0000-4000-8000-{n:012x}", (f"Company {n} of Harbor Lane",), (f"alias {n}",))
        for n in range(10_000)
    ]
    index = KeyIndex(operators)
    asked: list[str] = []

    class Counted(Ticket):
        def text(self, role: str) -> str | None:
            asked.append(role)
            return Ticket.text(self, role)

    values = {
        "title": "Company 77 of Harbor Lane",
        "description": f"see {operators[5].operator_id}",
        "tags": ("alias 9",),
    }
    found = dict(index.matches(Counted("p", values, None, None, None)))
    assert found == {
        operators[77].operator_id: ("title", False),
        operators[5].operator_id: ("text", False),
        operators[9].operator_id: ("tag", True),
    }
    assert len(asked) < 20
