"""On what terms scorecards are tried, calibrated and alerted by: as it is asked for, and as the past takes it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from customer_research.errors import UsageError
from customer_research.research import options
from customer_research.research.request import option, part, request

Every = Literal["month", "quarter"]
Counting = Literal["voluntary", "any"]
"""Which churn is counted: voluntary alone (windows that hold a non-payment churn are dropped), or any."""

_NEW_CARD = "The new scorecard; must not be there yet."


def _tables() -> Any:
    return option("Canonical tables in a folder, instead of the lake's.", None, file="folder", metavar="DIR")


def _every(text: str = "How far the dates lie apart.") -> Any:
    return option(text, "month")


def _counting() -> Any:
    return option("Leaving by choice alone, or for not paying, too.", "voluntary", flags=("--churn",))


def signals(text: str, default: Any = None) -> Any:
    """A table of signals."""
    return option(text, default, file="file", metavar="FILE.csv")


@request
class TrialTerms:
    """On what a scorecard is tried: which tables or signals, at which dates, and which churn counts."""

    tables: Path | None = _tables()
    signals: Path | None = signals("A table of signals, instead of any tables.")
    points: Path | None = option(
        "The signals of that table, with expert points.", None, file="file", metavar="POINTS.json"
    )
    every: Every = _every()
    counting: Counting = _counting()
    since: str | None = options.instant("No date before this one.")
    until: str | None = options.instant("Churn is told up to then; default: billing's last pull.")
    managers: int | None = option("Account managers; default: the owners HubSpot names.", None, ge=1)
    seed: int = option("Seed of folds and bootstrap.", 0)

    @property
    def dates(self) -> tuple[datetime | None, datetime | None]:
        """No date before the first, and until when churn is told; None: whenever it begins, and billing's last pull.

        Raises:
            UsageError: one is no day or instant.
        """
        first, last = (None if text is None else options.instant_of(text) for text in (self.since, self.until))
        return first, last


@request
class ThresholdTerms:
    """How to choose where a scorecard alerts, and what to write."""

    card: str = options.card()
    capacity: float | None = option("New alerts a week that people can take.", None, gt=0)
    cost: float | None = option("What a contact costs.", None, metavar="USD", gt=0)
    save_rate: float | None = option("Share of contacted accounts that stay for it.", None, gt=0, le=1)
    value: float | None = option(
        "What a kept account is worth; default: its list price of a year, in the middle.", None, metavar="USD", gt=0
    )
    output: Path | None = option(_NEW_CARD, None, file="new", metavar="CARD.toml")
    alerts: Path | None = option(
        "Alert rules with the threshold; must not be there yet.", None, file="new", metavar="RULES.toml"
    )
    ground: TrialTerms = part(TrialTerms)

    def check(self) -> None:
        """Refuse terms that choose in no way or in two, and files that are there already.

        Raises:
            UsageError: so it is.
        """
        if (self.capacity is None) == (self.cost is None):
            raise UsageError(
                "Choose by capacity or by cost, one of them.",
                hint="Give --capacity ALERTS_A_WEEK, or --cost USD --save-rate SHARE.",
            )
        if self.cost is not None and not self.save_rate:
            raise UsageError("Choosing by cost needs --save-rate: the share of contacted accounts that stay for it.")
        for path in (self.output, self.alerts):
            if path is not None and path.exists():
                raise UsageError(f"{path} exists, and nothing is written over.", hint="Give another name.")


@request
class DriftTerms:
    """Which calibration is checked, on what, and where the refitted scorecard goes."""

    card: str = options.card()
    output: Path | None = option(_NEW_CARD, None, file="new", metavar="CARD.toml")
    ground: TrialTerms = part(TrialTerms)


@request
class CalibrationTerms:
    """On what a scorecard is calibrated, how, and where the new one goes."""

    signals: Path | None = signals("The table of signals and churn.")
    points: Path | None = option("The expert's points.", None, file="file", metavar="POINTS.json")
    output: Path | None = option(
        "The new scorecard; must not be there yet.", None, flags=("--output", "-o"), file="new", metavar="CARD.toml"
    )
    seed: int = option("The same seed, the same result.", 0, ge=0, le=2**31 - 1)
    result: Path | None = option("Every figure as JSON.", None, file="new", metavar="RESULT.json")
    confirm: bool = option("Adopt what would only be proposed: a person has looked at the report.", False)
    keep: tuple[str, ...] = option(
        "A suspected leak that is none: a person has looked. Repeatable.", (), metavar="SIGNAL"
    )
    drop: tuple[str, ...] = option("A signal to leave out, suspected or not. Repeatable.", (), metavar="SIGNAL")
    base: str = option("The scorecard whose rules the signals are.", "", metavar="SCORECARD")
    split: Literal["accounts", "forward"] = option(
        "Judge on other accounts, or on later dates (90 days between).", "accounts"
    )
    only_tried: bool = option("Leave the rules that the past cannot judge out of the new scorecard.", False)
    tables: Path | None = _tables()
    every: Every = _every("How far dates lie apart.")
    counting: Counting = _counting()
    draws: int = option("Refits for the intervals.", 200, ge=50, le=10_000)

    def check(self) -> Path:
        """Where the new scorecard goes.

        Raises:
            UsageError: nobody said so, or what was said does not go together.
        """
        if self.output is None or (self.signals is None) != (self.points is None):
            raise UsageError(
                "Calibrating needs --output CARD.toml, and --signals FILE.csv with --points POINTS.json or neither.",
                hint="See `customer-research calibrate --help`.",
            )
        if self.signals is not None and (self.tables is not None or self.only_tried):
            raise UsageError("--tables and --only-tried are of a lake's past, and --signals is a table of its own.")
        return self.output
