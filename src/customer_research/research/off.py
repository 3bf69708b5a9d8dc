"""Which optional sources are off. It is decided here alone, by their settings: then nothing of theirs is lacking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from customer_research.connect.failures import gap_of
from customer_research.connect.source import Source
from customer_research.domain.evidence import Gap
from customer_research.domain.tables import TableSet
from customer_research.errors import CustomerResearchError
from customer_research.lake import Lake
from customer_research.record_tables import SOURCES, is_off
from customer_research.settings import Settings
from customer_research.sources import discover


def off(settings: Settings, sources: Mapping[str, Source]) -> Mapping[str, Gap]:
    """The optional sources that are not set up, each with the gap that says so."""
    told = {
        name: source.missing(settings) for name, source in sources.items() if name in SOURCES and SOURCES[name].optional
    }
    return {name: gap for name, gap in told.items() if gap is not None}


def off_tables(settings: Settings) -> Mapping[str, Gap]:
    """Their tables, each with that gap."""
    return {table: gap for name, gap in off(settings, discover()).items() for table in SOURCES[name].tables}


def lake_tables(settings: Settings) -> TableSet:
    """The lake's canonical tables, and why each of the others is not there: never pulled, or of a source that is off.

    Raises:
        UsageError: as `Lake.tables`.
    """
    tables = Lake(settings.lake_folder).tables()
    absent = {name: gap for name, gap in off_tables(settings).items() if name not in tables.files}
    return replace(tables, gaps={**tables.gaps, **absent})


def failure(error: CustomerResearchError, source: str) -> Gap:
    """The gap that a failed fetch leaves: a wrong setting does not switch an optional source off."""
    gap = gap_of(error, source)
    return replace(gap, reason="unavailable") if is_off(gap) else gap
