"""Whose records are whose, over landed rows made up by hand: which of two sources tells an operator's name and Stripe account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from customer_research.domain.records import SQL_TYPES
from customer_research.engines.duckdb import Memory
from customer_research.sources.warehouse.links import CHARGE, OPERATOR
from customer_research.sources.warehouse.source import SOURCE

LANDED = {table.name: table for stream in SOURCE.bulk for table in stream.tables}
AT = datetime(2026, 5, 1, tzinfo=UTC)


def linked(sql: str, **rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a link makes of these rows."""
    memory = Memory()
    for name, table in LANDED.items():
        memory.create(name, {column: SQL_TYPES[kind] for column, kind in table.columns.items()}, rows.get(name, []))
    return memory.run(sql)


def csm(account: str | None, **more: Any) -> dict[str, Any]:
    return {"operator_id": "op", "name": "Of the view", "stripe_account": account, "is_current": True, **more}


def app(account: str | None, **more: Any) -> dict[str, Any]:
    return {"operator_id": "op", "name": "Of the app", "stripe_account": account, **more}


@pytest.mark.parametrize("of_app", ["acct_app", None, "nobody"])
@pytest.mark.parametrize("of_view", ["acct_view", None, "nobody"])
def test_the_csm_view_tells_name_and_account_before_the_app_and_charges_are_of_the_account_told(
    of_view: str | None, of_app: str | None
) -> None:
    rows = {
        "csm": [] if of_view == "nobody" else [csm(of_view)],
        "app_operator": [] if of_app == "nobody" else [app(of_app)],
        "charge_by_account": [
            {"stripe_account": account, "charge_id": f"ch_{account}"} for account in ("acct_app", "acct_view")
        ],
    }
    expected = next((one for one in (of_view, of_app) if one not in {None, "nobody"}), None)
    found = linked(OPERATOR, **rows)
    if of_view == of_app == "nobody":
        assert found == []
        return
    (operator,) = found
    assert operator["stripe_account"] == expected
    assert operator["name"] == ("Of the app" if of_view == "nobody" else "Of the view")
    told = "".join(f"{name}|" for name, account in (("csm", of_view), ("app", of_app)) if account != "nobody")
    assert operator["known_by"] == f"|{told}"
    charges = linked(CHARGE, **rows)
    assert [(one["operator_id"], one["charge_id"]) for one in charges] == (
        [("op", f"ch_{expected}")] if expected else []
    )


def test_what_the_current_row_lacks_comes_of_the_next_that_has_it() -> None:
    rows = [csm(None), csm("acct_old", name="Older", is_current=False)]
    (operator,) = linked(OPERATOR, csm=rows, app_operator=[app("acct_app")])
    assert (operator["name"], operator["stripe_account"]) == ("Of the view", "acct_old")
