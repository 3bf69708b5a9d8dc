"""The rooms that use cases work with, each loaded when something of it is first used: a command's help loads none."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from customer_research.research import doctor, export
    from customer_research.research.alerting import alerts, open_list
    from customer_research.research.batch import batch, entries, site
    from customer_research.research.one import account_snapshots
    from customer_research.research.past import default_card, monthly_trial, outcomes
    from customer_research.research.past.backtest import trials
    from customer_research.research.past.calibration import drift, on_files, on_lake, result_json, thresholds
    from customer_research.research.past.history import backfill, operator_history, proof
    from customer_research.research.portfolio import books, history, newest, take
    from customer_research.research.sync import all_sources, import_tables
    from customer_research.research.usecases import reference

_HOMES = {
    "": ("doctor", "export"),
    ".alerting": ("alerts", "open_list"),
    ".batch": ("batch", "entries", "site"),
    ".one": ("account_snapshots",),
    ".past": ("default_card", "monthly_trial", "outcomes"),
    ".past.backtest": ("trials",),
    ".past.calibration": ("drift", "on_files", "on_lake", "result_json", "thresholds"),
    ".past.history": ("backfill", "operator_history", "proof"),
    ".portfolio": ("books", "history", "newest", "take"),
    ".sync": ("all_sources", "import_tables"),
    ".usecases": ("reference",),
}
_HOME = {name: f"customer_research.research{home}.{name}" for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a room."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(_HOME[name])
