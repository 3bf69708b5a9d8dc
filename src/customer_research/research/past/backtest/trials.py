"""The use cases behind `backtest`: scorecards tried on past dates, side by side, and the gate of a new one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from customer_research.connect.source import Clock
from customer_research.domain.outcome import Outcome
from customer_research.domain.report import Freshness
from customer_research.domain.tables import TableSet
from customer_research.errors import UsageError
from customer_research.health.backtest.trial import PanelScores, Rows, compare, gate, try_card
from customer_research.health.calibration.panel import Flags, panel_of
from customer_research.health.scorecard import Scorecard
from customer_research.reports.inquiries.backtest_report import (
    Backtest,
    ChurnReasons,
    Interventions,
    TrialGround,
)
from customer_research.research.one.freshness import by_source, line_of
from customer_research.research.past.backtest.lookback import WINDOW, CardScores, Lookback, look_back
from customer_research.research.past.backtest.signals import EXPERT, SignalTable, any_card, card_say, given_signals
from customer_research.research.past.outcomes import recorded
from customer_research.research.past.requests import TrialTerms
from customer_research.research.portfolio.measurement import tables_at_hand
from customer_research.settings import Settings

MOST_CARDS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What scorecards are tried on: the rows, each scorecard's say on them, and the ground as a report tells of it."""

    rows: Rows
    tried: tuple[PanelScores, ...]
    shown: TrialGround
    cards: tuple[Scorecard | None, ...] = field(default=())
    past: Lookback | None = None


def backtest(
    settings: Settings,
    cards: tuple[str, ...],
    terms: TrialTerms,
    clock: Clock,
    *,
    thresholds: tuple[int, ...] = (),
    alert_at: int | None = None,
    gating: bool = False,
) -> Backtest:
    """Try one scorecard, or two side by side, the old one first.

    Args:
        settings: say where the lake is, and the scorecard where none is named.
        cards: the scorecards' names or files.
        terms: on what.
        clock: the present.
        thresholds: of alerts, to be told besides the scorecards' own.
        alert_at: the threshold of the time before churn; None: At Risk's highest score.
        gating: whether to tell if the second may replace the first.

    Raises:
        UsageError: too many scorecards, or not two for a gate; the tables or signals are wrong or begin too late.
        ConfigError: no such scorecard, or a fault in it.
        EngineError, StoreError: a query failed, or the store cannot be read.
    """
    names = cards or ((EXPERT,) if terms.signals is not None else (settings.scorecard,))
    if len(names) > MOST_CARDS or (gating and len(names) != MOST_CARDS):
        raise UsageError(
            f"{len(names)} scorecards were given: a gate needs two, the old one first; without it one or two can be tried.",
        )
    ground, seed = tread(settings, names, terms, clock), terms.seed
    rows, (records, receipt) = ground.rows, recorded(settings)
    difference = compare(rows, *ground.tried, seed=seed) if len(ground.tried) == MOST_CARDS else None
    return Backtest(
        trials=tuple(
            try_card(rows, tried, thresholds=thresholds, alert_at=alert_at, seed=seed) for tried in ground.tried
        ),
        difference=difference,
        gate=gate(difference) if gating and difference is not None else None,
        ground=replace(ground.shown, remarks=(*ground.shown.remarks, *flattered(ground))),
        intervened=intervened(rows, records),
        why=why_left(ground, records),
        recorded=receipt,
        now=clock(),
    )


def flattered(ground: Ground) -> Iterable[str]:
    """The scorecards that were calibrated on dates that they are tried on here."""
    for card in ground.cards:
        if card is None or card.churn is None or not ground.shown.dates:
            continue
        last = card.churn.last_as_of
        if f"{ground.shown.dates[0]:%Y-%m-%d}" <= last:
            yield (
                f"{card.name} {card.version} was calibrated on dates up to {last}: what is told of it on these flatters it. "
                "Its own report is out of fold; --since tries it on later dates."
            )


def tread(
    settings: Settings, names: Sequence[str], terms: TrialTerms, clock: Clock, *, open_too: bool = False
) -> Ground:
    """The rows to try scorecards on, from the lake, from anybody's canonical tables, or from a table of signals.

    Raises:
        UsageError, ConfigError, EngineError: as `backtest`.
    """
    since, until = terms.dates
    if terms.signals is not None:
        given = given_signals(terms.signals, terms.points, names, managers=terms.managers or 0, now=clock())
        return _of_signals(terms.signals, _between(given, since, until))
    cards = [_with_rules(name) for name in names]
    with tables_at_hand(settings, clock, terms.tables) as (engine, tables):
        past = look_back(
            engine,
            tables,
            cards,
            terms,
            until or known_until(tables, clock()),
            open_too=open_too,
            patience=settings.lake.patience,
            tests=settings.test_operators,
        )
    if terms.managers is not None:
        past = replace(past, managers=terms.managers)
    return _of_past(past, tables)


def _with_rules(name: str) -> Scorecard:
    card = any_card(name)
    if not card.rules:
        raise UsageError(
            f"The scorecard {card.name} scores the signals of a table, not operators.",
            hint="Give the table, too: --signals FILE.csv --points POINTS.json.",
        )
    return card


def known_until(tables: TableSet, now: datetime) -> datetime:
    """Until when billing told who is a customer: when its subscriptions were last pulled, never after *now*."""
    pulled = [receipt.fetched_at for receipt in tables.files["subscription"].receipts] if _has_billing(tables) else []
    return min([now, max(pulled)]) if pulled else now


def _has_billing(tables: TableSet) -> bool:
    return "subscription" in tables.files


def _of_past(past: Lookback, tables: TableSet) -> Ground:
    rows = rows_of(past)
    shown = TrialGround(
        **_counts(rows),
        dates=past.instants,
        every=past.every,
        counting=past.counting,
        known_until=past.known_until,
        dropped=past.dropped,
        remarks=past.warnings,
        place="",
        receipts=past.receipts,
        basis=past.receipts[-1:],
        freshness=tuple(_freshness(tables)),
    )
    return Ground(rows, tuple(map(tried_of, past.cards)), shown, tuple(one.card for one in past.cards), past)


def _counts(rows: Rows) -> dict[str, int]:
    """How many rows, accounts, churned ones and account owners there are, as a report names them."""
    panel = rows.panel
    return {
        "rows": len(panel),
        "churned_rows": int(panel.churned.sum()),
        "accounts": panel.account_count,
        "churned_accounts": panel.churned_accounts,
        "managers": rows.managers,
    }


def _between(given: SignalTable, since: datetime | None, until: datetime | None) -> SignalTable:
    """The rows of the dates that were asked for."""
    instants = given.rows.panel.instants
    kept = np.array(
        [(since is None or as_of >= since) and (until is None or as_of <= until) for as_of in instants],
        dtype=np.bool_,
    )
    if kept.all():
        return given
    if not kept.any():
        raise UsageError(
            f"The table has no date that was asked for: its dates are {min(instants):%Y-%m-%d} to {max(instants):%Y-%m-%d}."
        )
    return replace(given, rows=given.rows.where(kept), tried=tuple(one.where(kept) for one in given.tried))


def _of_signals(path: Path, given: SignalTable) -> Ground:
    dates = tuple(sorted(set(given.rows.panel.instants)))
    left_out = ", ".join(given.left_out)
    shown = TrialGround(
        **_counts(given.rows),
        dates=dates,
        every="",
        counting="",
        known_until=dates[-1],
        dropped=(),
        remarks=(f"Columns that no signal was declared for were left out: {left_out}.",) if left_out else (),
        place=path.name,
        receipts=given.receipts,
        basis=given.receipts,
        freshness=(),
    )
    return Ground(given.rows, given.tried, shown, given.cards)


def rows_of(past: Lookback) -> Rows:
    """The rows as numerics need them, without signals."""
    panel = panel_of(past.operator_ids, past.as_of, np.zeros((len(past), 0)), past.churned, ())
    step = {"month": 30.0, "quarter": 90.0}[past.every]
    return Rows(panel, past.churned_at, step, past.managers)


def tried_of(one: CardScores) -> PanelScores:
    """A scorecard's say on the rows; its own probabilities where it was calibrated."""
    return card_say(one.card, one.scores, one.bands, _own_curve(one), uncapped=one.uncapped, left_out=one.left_out)


def _own_curve(one: CardScores) -> tuple[float, float] | None:
    """The curve of the scorecard's calibration; None without one, or where rules count here that it was not made with."""
    churn = one.card.churn
    left = {out.rule for out in one.left_out if out.whole}
    if churn is None or not set(churn.uncalibrated) <= left:
        return None
    return churn.curve.intercept, churn.curve.slope


def intervened(rows: Rows, records: Sequence[Outcome]) -> Interventions | None:
    """How many rows had an intervention in their window, and how their churn differs; None when none was recorded."""
    done = [one for one in records if one.kind == "intervention"]
    if not done:
        return None
    by_operator: dict[str, list[datetime]] = {}
    for one in done:
        by_operator.setdefault(one.operator_id, []).append(datetime.fromisoformat(f"{one.on}T12:00:00+00:00"))
    touched = _touched(rows, by_operator)
    churned: Flags = rows.panel.churned
    return Interventions(
        records=len(done),
        rows=int(touched.sum()),
        accounts=len({one for one, had in zip(rows.panel.operator_ids, touched, strict=True) if had}),
        churned=int((touched & churned).sum()),
        others=int((~touched).sum()),
        others_churned=int((~touched & churned).sum()),
    )


def why_left(ground: Ground, records: Sequence[Outcome]) -> ChurnReasons | None:
    """What people recorded of why accounts left; None when nothing was recorded, or the rows are a table of signals."""
    told = {one.operator_id: one for one in records if one.kind == "churn"}
    past = ground.past
    if not told or past is None:
        return None
    left = {
        one: kind for one, kind, churned in zip(past.operator_ids, past.kinds, past.churned, strict=True) if churned
    }
    known = {one: told[one] for one in left if one in told}
    reasons = Counter(one.what for one in known.values())
    return ChurnReasons(
        reasons=tuple(sorted(reasons.items(), key=lambda entry: (-entry[1], entry[0]))),
        untold=len(left) - len(known),
        not_by_billing=len(set(told) - set(left)),
        other_kind=sum(
            left[one] in {"voluntary", "non_payment"} and left[one] != record.churn_kind
            for one, record in known.items()
        ),
    )


def _touched(rows: Rows, done: Mapping[str, Iterable[datetime]]) -> Flags:
    told = zip(rows.panel.operator_ids, rows.panel.instants, strict=True)
    return np.array(
        [any(timedelta(0) <= on - as_of <= WINDOW for on in done.get(one, ())) for one, as_of in told],
        dtype=np.bool_,
    )


def _freshness(tables: TableSet) -> Iterable[Freshness]:
    """When each source of the tables answered last, and what it did not tell."""
    gaps = [gap for name, gap in tables.gaps.items() if name != "gap"]
    for source, instants, own in by_source(tables.receipts, gaps):
        missing = tuple(gap for gap in own if gap.reason in {"unavailable", "denied"})
        yield line_of(source, missing, max(instants, default=None), known=bool(instants))
