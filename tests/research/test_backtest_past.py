"""The past from the lake: who churned by billing's own records, what could be known at each date, and what is left out."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from backtest_cases import BEGAN, NOW, ago, looked_back, subscription, tables_of
from portfolio_cases import Row

from customer_research.errors import UsageError
from customer_research.research.past.backtest.lookback import WINDOW, CardScores, Lookback
from customer_research.research.past.calibration.on_lake import panel_of_card, without_rules

LEFT = ago(200)
CHANGED, UNDATED, ODD = "changed", "undated", "odd"


def world() -> dict[str, list[Row]]:
    """Operators whose relation ends, or does not, in every way that billing tells apart."""
    subscriptions = [
        subscription("stays"),
        subscription("left", ended=LEFT),
        # a plan change: the successor begins within a week
        subscription(CHANGED, ended=ago(250)),
        subscription(CHANGED, began=ago(248), plan_code="vip-monthly"),
        # another one was pending when it ended, and began later
        subscription("waited", ended=ago(250)),
        subscription("waited", began=ago(230), created_at=ago(260), plan_code="vip-monthly"),
        # came back after two months: it had left
        subscription("returned", ended=ago(250)),
        subscription("returned", began=ago(190)),
        # canceled before it started
        subscription("never", status="canceled", started_at=None, canceled_at=ago(300), terminated_at=None),
        # an add-on went, the base stays
        subscription("addon"),
        subscription("addon", ended=ago(260), began=ago(500), is_base=False, plan_code="crm-standard-monthly"),
        # left without paying: two invoices, and one alone, which is no more than an oversight
        subscription("owed", ended=LEFT),
        subscription("forgot", ended=LEFT),
        # did not pay for a while, and stays
        subscription("owes"),
        # the CSM view calls its end a plan change, and there is no successor
        subscription(ODD, ended=LEFT),
    ]
    tables = tables_of(subscriptions, unpaid={"owed": (0, 1), "forgot": (0,), "owes": (6, 7)})
    ids = {row["operator_id"]: row["subscription_id"] for row in subscriptions}
    tables["subscription"].append({**subscription(UNDATED, ended=LEFT), "terminated_at": None})
    tables["csm"] = [
        {"operator_id": "stays", "subscription_id": ids["stays"], "status": "terminated", "waterfall_event": "churn",
         "event_date": ago(220).date(), "terminated_at": ago(220), "created_at": BEGAN, "hubspot_churn_status": "Churn"},
        {"operator_id": ODD, "subscription_id": ids[ODD], "status": "terminated", "waterfall_event": "plan_change",
         "event_date": LEFT.date(), "created_at": BEGAN},
    ]  # fmt: skip
    tables["ticket"] = [ticket("left", ago(240), is_open=True), ticket("stays", ago(235), is_open=False)]
    return tables


def ticket(operator: str, at: datetime, *, is_open: bool) -> Row:
    return {
        "operator_id": operator, "ticket_id": f"k-{operator}", "status": "In progress" if is_open else "Done", "is_open": is_open,
        "is_done": not is_open, "is_certain": True, "matched_by": "operator_id", "priority": "High", "created_at": at,
        "edited_at": at + timedelta(days=60),
    }  # fmt: skip


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Lookback:
    return looked_back(tmp_path_factory.mktemp("past"), world(), ("canonical", "retention"))


@pytest.fixture(scope="module")
def without_payments(tmp_path_factory: pytest.TempPathFactory) -> Lookback:
    tables = {**world(), "payment": []}
    return looked_back(tmp_path_factory.mktemp("unpaid"), tables, counting="any")


def churn_of(past: Lookback) -> dict[str, datetime]:
    """Who churned when, by the rows."""
    told = zip(past.operator_ids, past.churned_at, past.churned, strict=True)
    return {operator: at for operator, at, churned in told if churned and at is not None}


def dates_of(past: Lookback, operator: str) -> list[datetime]:
    return [at for one, at in zip(past.operator_ids, past.as_of, strict=True) if one == operator]


def points_of(past: Lookback, said: CardScores, rule: str, operator: str) -> dict[datetime, int]:
    column = [one.id for one in said.rules].index(rule)
    keys = zip(past.operator_ids, past.as_of, strict=True)
    told = zip(keys, said.points[:, column].tolist(), strict=True)
    return {at: points for (one, at), points in told if one == operator}


# --- truth -------------------------------------------------------------------------------------------------------


def test_churn_is_the_end_of_the_last_subscription_and_nothing_else(past: Lookback) -> None:
    assert churn_of(past) == {"left": LEFT, "returned": ago(250), "forgot": LEFT}
    assert "never" not in past.operator_ids
    assert max(dates_of(past, "left")) < LEFT
    assert [at for at in dates_of(past, "returned") if ago(250) < at < ago(190)] == []
    assert [at for at in dates_of(past, "returned") if at > ago(190)] != []


def test_a_churn_flag_of_the_csm_view_is_a_hint_only(past: Lookback) -> None:
    """`stays` is flagged as churned there and in HubSpot; billing has a running subscription."""
    assert len(dates_of(past, "stays")) == len(past.instants)


def test_ends_that_billing_does_not_tell_drop_rows_with_the_reason(past: Lookback) -> None:
    dropped = {one.reason: one.rows for one in past.dropped}
    assert UNDATED not in past.operator_ids  # it is not even known when it was active
    assert dropped["unclear"] == 3  # the dates before the end that the CSM view calls a plan change
    assert [at for at in dates_of(past, ODD) if at + WINDOW > LEFT] == []


def test_leaving_without_paying_is_kept_apart(past: Lookback, without_payments: Lookback) -> None:
    dropped = {one.reason: one.rows for one in past.dropped}
    assert dropped["non_payment"] == 3
    assert "owed" not in churn_of(past)
    assert dates_of(past, "owed") != []  # its earlier dates stay
    told = zip(without_payments.operator_ids, without_payments.kinds, without_payments.churned, strict=True)
    kinds = {one: kind for one, kind, churned in told if churned}
    assert kinds == dict.fromkeys(("left", "returned", "owed", "forgot"), "untold")


# --- dates and windows ---------------------------------------------------------------------------------------------------


def test_rows_lie_within_what_the_tables_can_tell(past: Lookback) -> None:
    assert min(past.as_of) >= BEGAN + timedelta(days=180)
    assert max(past.as_of) + WINDOW <= NOW
    assert {(b - a).days for a, b in zip(past.instants, past.instants[1:], strict=False)} == {30}
    dropped = {one.reason: one.rows for one in past.dropped}
    staying = ("stays", CHANGED, "waited", "returned", "addon", "owes")
    assert dropped["open"] == 3 * len(staying)  # the present, thirty and sixty days ago
    told = zip(past.operator_ids, past.as_of, past.churned, strict=True)
    in_window = [at for one, at, churned in told if one == "left" and churned]
    assert in_window == [at for at in dates_of(past, "left") if at < LEFT <= at + WINDOW]
    assert len(in_window) == 3


def test_tables_that_begin_too_late_or_know_no_subscriptions_are_refused(tmp_path: Path) -> None:
    tables = tables_of([subscription("new", began=ago(200))])
    for table in ("invoice", "payment", "reservation"):
        tables[table] = []
    with pytest.raises(UsageError, match="begin too late for a backtest"):
        looked_back(tmp_path / "a", tables)
    with pytest.raises(UsageError, match="nobody knows who churned"):
        looked_back(tmp_path / "b", {**tables, "subscription": []})


# --- no look ahead -------------------------------------------------------------------------------------------------------


def test_what_became_known_later_changes_no_earlier_score(past: Lookback, tmp_path: Path) -> None:
    """Everything after an instant is taken away or set back: what is told of the dates up to it stays the same."""
    until = ago(210)
    known = {name: [_then(row, until) for row in rows if _known_at(row) < until] for name, rows in world().items()}
    before = looked_back(tmp_path, known, ("canonical", "retention"), until=until)
    assert max(before.as_of) == ago(300)
    for later, earlier in zip(past.cards, before.cards, strict=True):
        first, second = _said(past, later), _said(before, earlier)
        shared = set(first) & set(second)
        assert len(shared) > 50
        assert {key: first[key] for key in shared} == {key: second[key] for key in shared}


def _said(past: Lookback, card: CardScores) -> dict[tuple[str, datetime], tuple[int, str, tuple[int, ...]]]:
    keys = zip(past.operator_ids, past.as_of, strict=True)
    told = zip(card.scores.tolist(), card.bands, map(tuple, card.points.tolist()), strict=True)
    return dict(zip(keys, told, strict=True))


def _known_at(row: Row) -> datetime:
    at: datetime = row["created_at"] if "created_at" in row else row.get("paid_at", BEGAN)
    return at


def _then(row: Row, until: datetime) -> Row:
    """A row as it stood at an instant: ends, payments and edits after it have not happened."""
    told = dict(row)
    if told.get("terminated_at") is not None and told["terminated_at"] >= until:
        told |= {"terminated_at": None, "status": "active"}
    if "payment_status" in told and told["updated_at"] >= until:
        told |= {"payment_status": "pending", "payment_overdue": False}
    return told


def test_invoices_stand_as_their_payments_told_then(past: Lookback) -> None:
    """Two invoices of one that owes failed two days after their issue: no earlier date knows of it."""
    failed = points_of(past, past.cards[0], "P2", "owes")
    first = BEGAN + timedelta(days=30 * (22 - 7))
    assert all(points == 0 for at, points in failed.items() if at <= first)
    assert min(failed.values()) == -30
    assert set(points_of(past, past.cards[0], "P2", "stays").values()) == {0}
    assert any("100%" in warning for warning in past.warnings)


def test_overwritten_values_are_left_out_by_name(past: Lookback, without_payments: Lookback) -> None:
    canonical, retention = past.cards
    left = {out.rule for out in canonical.left_out if out.whole}
    assert left == {"P5", "P7", "E4", "E6", "S1", "S2", "S3", "S5", "G4", "G5"}
    assert {out.rule for out in canonical.left_out if not out.whole} == {"G7"}
    assert not {rule.id for rule in canonical.rules} & left
    assert any("ticket" in out.overwritten for out in canonical.left_out)
    assert {"C1", "C3", "C4", "C6", "E7", "E8", "S1", "S2"} <= {out.rule for out in retention.left_out}
    assert (canonical.scores >= 0).all()
    gone = {out.rule for out in without_payments.cards[0].left_out if out.whole}
    assert {"P1", "P2", "P4b", "P5"} <= gone
    assert any("no payments" in warning for warning in without_payments.warnings)


def test_what_a_rule_took_is_its_severity(past: Lookback) -> None:
    panel = panel_of_card(past, past.cards[0])
    assert ((panel.signals >= 0) & (panel.signals <= 1)).all()
    points = {signal.name: signal.points for signal in panel.declared}
    assert points["E1"] == 20
    assert points["E5"] == -10  # a bonus
    assert points["P2"] == 30  # two failed invoices at once: the most that it took here
    column = panel.names.index("P2")
    ids = np.array(panel.operator_ids)
    assert panel.signals[ids == "owes", column].max() == 1
    assert panel.signals[ids == "stays", column].max() == 0


def test_a_receipt_names_the_tables_and_scorecards_behind_the_rows(past: Lookback) -> None:
    proof = past.receipts[-1]
    told = dict(proof.parameters)
    assert proof.source == "backtest"
    assert told["table subscription"] == "receipt-subscription"
    assert [value[:11] for name, value in proof.parameters if name == "scorecard"] == ["canonical 2", "retention 4"]


CARD = """
name = "x"
version = "1"
title = "X"
[[rules]]
id = "A1"
[[rules]]
id = "A2"
unless = ["A1"]
[calibration]
state = "expert"
uncalibrated_rules = ["A1"]
"""


def test_a_scorecard_without_the_rules_that_were_not_tried() -> None:
    text = without_rules(CARD, ["A1"])
    assert "A2" in text
    assert "A1" not in text
    assert "uncalibrated_rules" not in text
