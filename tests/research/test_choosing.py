"""Whom a list shows and in which order: choices over made-up standings, without a snapshot."""

from __future__ import annotations

from typing import Any

import pytest

from customer_research.domain.line import Standing
from customer_research.domain.portfolio import Sort
from customer_research.errors import UsageError
from customer_research.research.portfolio.listing import choose
from customer_research.research.portfolio.requests import Selection


def standing(operator_id: str, **told: Any) -> Standing:
    known: dict[str, Any] = {
        "name": f"{operator_id} Limo", "status": "active", "band": "healthy", "segment": "SMB", "owner": "Kim Lee",
        "score": 80, "attention": 0, "trend": 0.0, "worth": 100, "usd": 100, "mrr": (), "findings": (),
    }  # fmt: skip
    return Standing(operator_id, **{**known, **told})


EVERYBODY = (
    standing("a", findings=("R1", "R9"), attention=3, usd=5000, worth=5000),
    standing("b", band="critical", findings=("R2",), attention=9, score=20, usd=None, worth=None),
    standing("c", status="onboarding", segment="Enterprise", owner="Ola Berg", trend=-0.5, usd=200, worth=200),
    standing("d", status="churned", score=None, band="outside"),
    standing("e", name="Alder   Chauffeurs", owner="", trend=None, score=None, band="insufficient"),
)


def chosen(sort: Sort = "name", **asked: Any) -> str:
    found, _ = choose(EVERYBODY, Selection(**asked), sort)
    return "".join(one.operator_id for one in found)


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({}, "aebc"),
        ({"statuses": ("churned",)}, "d"),
        ({"bands": ("critical", "insufficient")}, "eb"),
        ({"segments": ("Enterprise",)}, "c"),
        ({"owner": "berg"}, "c"),
        ({"findings": ("r9",)}, "a"),
        ({"findings": ("R1", "R2")}, "ab"),
        ({"findings": ("R3",)}, ""),
        ({"search": "alder  chauff"}, "e"),
        ({"search": "limo", "bands": ("healthy",)}, "ac"),
        ({"min_mrr": 2}, "ac"),
        ({"min_mrr": 2.01}, "a"),
    ],
)
def test_each_part_of_a_choice_holds_and_an_empty_one_lets_everybody_through(asked: dict[str, Any], ids: str) -> None:
    assert chosen(**asked) == ids


@pytest.mark.parametrize(
    ("sort", "ids"), [("attention", "bace"), ("score", "ebac"), ("mrr", "aceb"), ("name", "aebc"), ("trend", "cabe")]
)
def test_who_is_unknown_stands_where_it_is_looked_for(sort: Sort, ids: str) -> None:
    everybody = chosen(sort)
    assert sorted(everybody) == sorted(ids)
    assert everybody == ids


def test_an_owner_that_nobody_has_is_no_empty_list() -> None:
    with pytest.raises(UsageError):
        chosen(owner="Zed")
