"""Another default scorecard: behind the gate of `backtest --gate`, with what it would change told beforehand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from customer_research.connect.source import Clock
from customer_research.domain.backtest import Gate
from customer_research.domain.health import BAND_LABELS, BAND_ORDER, Band
from customer_research.errors import ConfigError, UsageError
from customer_research.health.backtest.trial import compare, gate
from customer_research.health.scorecard import Scorecard, shipped_scorecards
from customer_research.research.one.judge import card_named
from customer_research.research.past.backtest.trials import flattered, tread
from customer_research.research.past.requests import TrialTerms
from customer_research.research.portfolio import take
from customer_research.research.portfolio.requests import Scoring
from customer_research.research.portfolio.snapshots import readings, snapshots_of
from customer_research.settings import Settings, check_writable, write_settings

SETTING = "scorecard"


@dataclass(frozen=True, slots=True)
class BandMoves:
    """How many operators stand in which band by the default and by the new scorecard, at one instant, of all `operators`."""

    as_of: datetime
    operators: int
    bands: tuple[tuple[Band, Band, int], ...]

    @property
    def moved(self) -> int:
        """How many change band."""
        return sum(count for before, after, count in self.bands if before != after)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A scorecard as the new default: what the gate says, and who would change band.

    `named` is what the setting would be; `old` and `new` are the scorecards in words. `gate` None: it cannot be asked, and
    `untold` says why. `moves` None: it cannot be told who would move, and `unmoved` says why. `remarks` are what the gate's figures must be read with.
    """

    named: str
    old: str
    new: str
    same: bool
    gate: Gate | None
    untold: str
    moves: BandMoves | None
    unmoved: str
    remarks: tuple[str, ...]


def propose(settings: Settings, name: str, terms: TrialTerms, clock: Clock, *, anyway: bool = False) -> Proposal:
    """Ask the gate whether the scorecard may be the default, and look at who would change band.

    `anyway`: where the gate cannot be asked, say why and go on.

    Raises:
        ConfigError: no such scorecard, one that scores no operators, or one that nobody has confirmed; or the environment
            names the default.
        UsageError: there is nothing to ask the gate on.
        EngineError: a query failed.
    """
    check_writable(SETTING)
    card, named = card_named(name), name if name in shipped_scorecards() else str(Path(name).resolve())
    remarks: tuple[str, ...] = ()
    found, old, new, untold = None, settings.scorecard, _words(card, named), ""
    try:
        now = card_named(old)
        old = _words(now, settings.scorecard)
        if now.digest == card.digest and settings.scorecard == named:
            return Proposal(named, old, new, True, None, "", None, "", ())
        ground = tread(settings, (settings.scorecard, named), terms, clock)
        found, remarks = gate(compare(ground.rows, *ground.tried, seed=terms.seed)), tuple(flattered(ground))
    except (UsageError, ConfigError) as error:
        if not anyway:
            raise
        untold = str(error)
    moves, unmoved = _moves(settings, named, clock)
    return Proposal(named, old, new, False, found, untold, moves, unmoved, remarks)


def adopt(file: Path | None, proposed: Proposal) -> Path:
    """Make it the default, in the settings file; the file.

    Raises:
        ConfigError: the environment names another scorecard, or the file cannot be written.
    """
    return write_settings(file, {SETTING: proposed.named})


def _words(card: Scorecard, named: str) -> str:
    """A scorecard's name and version, and its file where it has one: two files may say the same of themselves."""
    file = "" if named in shipped_scorecards() else f" ({Path(named).name})"
    return f"{card.name} {card.version}{file}"


def _moves(settings: Settings, named: str, clock: Clock) -> tuple[BandMoves | None, str]:
    """Everybody under both scorecards at the instant of the lake's newest snapshot; else why it cannot be told."""
    try:
        newest = next((snapshot for _, snapshot in snapshots_of(settings.lake_folder)), None)
        if newest is None:
            return None, "There is no snapshot yet: `customer-research portfolio score` takes one."
        before, after = (_bands(settings, one, newest.as_of, clock) for one in (settings.scorecard, named))
    except (UsageError, ConfigError) as error:
        return None, str(error)
    counted = Counter((band, after[operator]) for operator, band in before.items())
    order = sorted(counted, key=lambda pair: tuple(map(BAND_ORDER.index, pair)))
    return BandMoves(newest.as_of, len(before), tuple((*pair, counted[pair]) for pair in order)), ""


def _bands(settings: Settings, scorecard: str, as_of: datetime, clock: Clock) -> dict[str, Band]:
    with take.taken_aside(settings, clock, Scoring(as_of=as_of.isoformat(), scorecard=scorecard)) as (folder, snapshot):
        return {one.operator_id: one.band for one in readings(folder, snapshot)}


def words(proposed: Proposal) -> Sequence[str]:
    """What is proposed, a sentence a line."""
    if proposed.same:
        return (f"{proposed.new} is the default already.",)
    lines = [f"Default scorecard: {proposed.old} to {proposed.new}."]
    lines.append(
        proposed.gate.why
        if proposed.gate is not None
        else f"The new scorecard was not tried against the old one: {proposed.untold}"
    )
    lines += proposed.remarks
    if proposed.moves is None:
        return (*lines, f"Who would change band is not known. {proposed.unmoved}")
    return (*lines, *_moved(proposed.moves))


def _moved(moves: BandMoves) -> Sequence[str]:
    head = f"{moves.moved} of {moves.operators} operators change band as of {moves.as_of:%Y-%m-%d %H:%M} UTC"
    if not moves.moved:
        return (f"{head}.",)
    changes = (
        f"  {BAND_LABELS[before]} to {BAND_LABELS[after]}: {count}"
        for before, after, count in moves.bands
        if before != after
    )
    return (f"{head}:", *changes)
