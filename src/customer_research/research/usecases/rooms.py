"""The rooms that use cases work with, each loaded when something of it is first used: a command's help loads none."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from customer_research.reports.inquiries import (
        backtest_report,
        calibration_report,
        drift_report,
        thresholds_report,
    )
    from customer_research.research import (
        audit,
        company_facts,
        doctor,
        export,
        firm_facts,
        firm_import,
        lake_directory,
        matches,
        persons,
        reviews,
        standing,
        tokens,
        write_back,
    )
    from customer_research.research.alerting import alert_tasks, alerts, open_list
    from customer_research.research.batch import batch, entries, site
    from customer_research.research.delivering import alert_messages, deliveries
    from customer_research.research.meetings import listing, reading, upkeep
    from customer_research.research.one import account_snapshots, draft_check, resolve
    from customer_research.research.past import default_card, monthly_trial, outcomes
    from customer_research.research.past.backtest import trials
    from customer_research.research.past.calibration import drift, on_files, on_lake, thresholds
    from customer_research.research.past.history import backfill, operator_history, proof
    from customer_research.research.portfolio import books, history, newest, own_book, peers, take
    from customer_research.research.scheduling import declared, planning, requests
    from customer_research.research.sync import all_sources, import_tables
    from customer_research.research.usecases import calibration_json, reference, scheduled

_HOMES = {
    "reports.inquiries": ("backtest_report", "calibration_report", "drift_report", "thresholds_report"),
    "research": (
        "audit",
        "company_facts",
        "doctor",
        "export",
        "firm_facts",
        "firm_import",
        "lake_directory",
        "matches",
        "persons",
        "reviews",
        "standing",
        "tokens",
        "write_back",
    ),
    "research.alerting": ("alert_tasks", "alerts", "open_list"),
    "research.batch": ("batch", "entries", "site"),
    "research.delivering": ("alert_messages", "deliveries"),
    "research.meetings": ("listing", "reading", "upkeep"),
    "research.one": ("account_snapshots", "draft_check", "resolve"),
    "research.past": ("default_card", "monthly_trial", "outcomes"),
    "research.past.backtest": ("trials",),
    "research.past.calibration": ("drift", "on_files", "on_lake", "thresholds"),
    "research.past.history": ("backfill", "operator_history", "proof"),
    "research.portfolio": ("books", "history", "newest", "own_book", "peers", "take"),
    "research.scheduling": ("declared", "planning", "requests"),
    "research.sync": ("all_sources", "import_tables"),
    "research.usecases": ("calibration_json", "reference", "scheduled"),
}
_HOME = {name: f"customer_research.{home}.{name}" for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a room."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(_HOME[name])
