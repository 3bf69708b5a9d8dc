"""What the matrix of faults judges by: a report or a list that tells better, other or no things than the true one is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from benchmarks.differing import lists, reports, silent

TRUE = {"score": "70", "band": "Monitor", "why": "Payment -30 (P2)", "mrr": "USD 100"}


def report(
    score: Any = 70, band: str = "Monitor", due: Any = 500, said: tuple[str, str] = ("One failed.", "bad")
) -> str:
    """A report with a score, a band, a figure and a sentence; None is a gap."""

    def figure(label: str, metric: str, value: Any) -> dict[str, Any]:
        return {"label": label, "metric": metric, **({"gap": {}} if value is None else {"value": value})}

    figures = [figure("Score", "health_score", score), figure("Band", "band", band), figure("Due", "due", due)]
    text, tone = said
    blocks = [
        {"type": "figures", "figures": figures},
        {"type": "bullets", "items": [{"text": text, "tone": tone, "facts": []}]},
        {
            "type": "table",
            "caption": "Invoices (12)",
            "headers": ["Nr", "Sum"],
            "rows": [[{"value": "I-1"}, {"value": 5}]],
        },
    ]
    freshness = [{"source": "lago", "state": "ok" if due is not None else "missing"}]
    section = {"id": "all", "blocks": blocks}
    return json.dumps({"headline": None, "sections": [section], "freshness": freshness})


@pytest.mark.parametrize(
    ("told", "gone", "wrong"),
    [
        ({}, 0, ()),
        ({"score": 40}, 1, ()),
        ({"score": None, "band": "Not settled", "due": None}, 3, ()),
        ({"score": 71}, 1, ("all, Score, health_score: 71 instead of 70",)),
        ({"band": "Healthy"}, 1, ("band Healthy instead of Monitor",)),
        ({"band": "At Risk"}, 1, ()),
        ({"due": 0}, 1, ("all, Due, due: 0 instead of 500",)),
        ({"said": ("All is paid.", "good")}, 0, ("praise: All is paid.",)),
        ({"said": ("Nothing is known.", "unknown")}, 0, ()),
    ],
)
def test_a_report_may_tell_less_or_worse_and_nothing_else(
    told: dict[str, Any], gone: int, wrong: tuple[str, ...]
) -> None:
    found = reports(report(**told), report())
    assert (found.gone, found.wrong) == (gone, wrong)
    assert silent(report(**told)) == ({"lago"} if "due" in told and told["due"] is None else set())


def listing(**operators: dict[str, str] | None) -> str:
    rows = [",".join(("operator_id", *TRUE))]
    rows += [",".join((name, *{**TRUE, **told}.values())) for name, told in operators.items() if told is not None]
    return "\n".join(rows)


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ({}, ()),
        ({"score": "", "band": "Not settled", "mrr": ""}, ()),
        ({"score": "40", "band": "At Risk (60 points)"}, ()),
        ({"score": "80"}, ("b score 80 instead of 70",)),
        ({"band": "Healthy"}, ("b band Healthy instead of Monitor",)),
        ({"mrr": "USD 0"}, ("b mrr USD 0 instead of USD 100",)),
        ({"why": "no risk in the figures known"}, ("b why: no risk in the figures known instead of Payment -30 (P2)",)),
        (None, ("1 of 2 operators fell out of the list: b",)),
    ],
)
def test_a_list_may_tell_less_or_worse_of_everybody_and_nothing_else(
    told: dict[str, str] | None, wrong: tuple[str, ...]
) -> None:
    found = lists(listing(a={}, b=told), listing(a={}, b={}))
    assert found.wrong == wrong
    assert bool(found.gone) is (told != {})
