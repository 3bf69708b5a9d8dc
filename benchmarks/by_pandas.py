"""The figures of reservations and charges by pandas, as an analyst would write them: masks, then one group-by a window."""

# ruff: noqa: PD010 - counts by two keys are unstacked, there is nothing to pivot
from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]

_TRIPS = [
    "operator_id", "status", "created_at", "pickup_at", "cancelled_at", "total_minor", "paid_minor", "due_minor",
    "driver_name", "driver_app_used", "farmee_name", "rating", "distance_miles", "duration_minutes",
]  # fmt: skip
_CHARGES = [
    "operator_id", "charge_id", "status", "created_at", "amount_minor", "refunded_minor", "currency", "card_id",
    "risk_level", "risk_score",
]  # fmt: skip


def _window(clock: Any, until: datetime, since: int, to: int = 0) -> Any:
    return (clock >= until - timedelta(days=since)) & (clock < until - timedelta(days=to))


def reservation_figures(folder: Path, until: datetime) -> Any:
    """Counts, sums and means of every window, by operator."""
    trips = pd.read_parquet(folder / "reservation.parquet", columns=_TRIPS)
    trips = trips[trips["created_at"] < until]
    trips["operator_id"] = trips["operator_id"].astype("category")
    late = (trips["status"] == "cancelled") & (trips["cancelled_at"] >= until)
    trips["status"] = trips["status"].mask(late, "confirmed").astype("category")
    by = "operator_id"
    grouped = trips.groupby(by, observed=True)["created_at"]
    out = grouped.agg(["size", "min", "max"])
    for since, to in ((30, 0), (60, 30), (60, 0), (90, 0), (180, 90), (365, 0), (395, 365), (425, 395), (455, 365)):
        out[f"booked_{since}_{to}"] = (
            trips[_window(trips["created_at"], until, since, to)].groupby(by, observed=True).size()
        )
    year = trips[_window(trips["created_at"], until, 360)]
    month = (until - year["created_at"]) // timedelta(days=30)
    out["active_months"] = month.groupby(year[by], observed=True).nunique()
    for since, to in ((365, 0), (90, 0), (180, 90)):
        rides = trips[_window(trips["pickup_at"], until, since, to)]
        out = out.join(_of_rides(rides, by).add_suffix(f"_{since}_{to}"))
    ahead = trips[(trips["pickup_at"] >= until) & (trips["status"] != "cancelled")]
    out = out.join(ahead.groupby(by, observed=True)["total_minor"].agg(["size", "sum"]).add_prefix("future_"))
    soon = ahead[ahead["pickup_at"] < until + timedelta(days=30)]
    out["future_30"] = soon.groupby(by, observed=True).size()
    past = trips[(trips["pickup_at"] < until) & (trips["status"] == "completed")]
    out["outstanding"] = past.groupby(by, observed=True)["due_minor"].sum()
    return out


def _of_rides(rides: Any, by: str) -> Any:
    done = rides[rides["status"] == "completed"]
    counts = rides.groupby([by, "status"], observed=True).size().unstack(fill_value=0)
    sums = done.groupby(by, observed=True)[["total_minor", "paid_minor", "distance_miles", "duration_minutes"]].agg(
        ["sum", "mean"]
    )
    sums.columns = ["_".join(column) for column in sums.columns]
    told = rides.groupby(by, observed=True).agg(
        drivers=("driver_name", "count"), farmed=("farmee_name", "count"), rating=("rating", "mean")
    )
    app = rides[rides["driver_name"].notna() & rides["driver_app_used"].fillna(value=False).astype(bool)]
    told["app"] = app.groupby(by, observed=True).size()
    told["own"] = done[done["farmee_name"].isna()].groupby(by, observed=True).size()
    told["billed"] = done[done["paid_minor"].notna()].groupby(by, observed=True)["total_minor"].sum()
    return counts.join(sums, how="left").join(told, how="left")


def charge_figures(folder: Path, until: datetime) -> Any:
    """Counts, sums and streaks of charges, by operator."""
    by = "operator_id"
    charges = pd.read_parquet(folder / "charge.parquet", columns=_CHARGES)
    charges = charges[charges["created_at"] < until]
    charges[by] = charges[by].astype("category")
    tried = charges[charges["status"].isin(["succeeded", "failed"])]
    out = charges.groupby(by, observed=True).agg(last=("created_at", "max"), currencies=("currency", "nunique"))
    out["attempts"] = tried.groupby(by, observed=True).size()
    for since, to in ((90, 0), (180, 90)):
        window = tried[_window(tried["created_at"], until, since, to)]
        good = window[window["status"] == "succeeded"].groupby(by, observed=True)
        out = out.join(
            good.agg(
                volume=("amount_minor", "sum"), refunded=("refunded_minor", "sum"), money=("currency", "nunique")
            ).add_suffix(f"_{since}")
        )
    recent = tried[_window(tried["created_at"], until, 90)].sort_values([by, "created_at", "charge_id"])
    out["risk"] = recent.groupby(by, observed=True)["risk_score"].mean()
    levels = recent.groupby([by, "risk_level"], observed=True).size().unstack(fill_value=0)
    states = recent.groupby([by, "status"], observed=True).size().unstack(fill_value=0)
    recent["run"] = (recent["status"] == "succeeded").groupby(recent[by], observed=True).cumsum()
    failed = recent[recent["status"] == "failed"]
    runs = failed.groupby([by, "run"], observed=True)["card_id"].nunique(dropna=False)
    out["streak"] = runs.groupby(level=0, observed=True).max()
    return out.join(levels.add_prefix("risk_")).join(states)
