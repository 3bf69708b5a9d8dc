"""How often the settings' scorecard was right on the lake's own past: worked out once a month."""

from __future__ import annotations

from collections.abc import Callable

from customer_research.connect.source import Clock
from customer_research.domain.health import NO_BAND
from customer_research.domain.snapshot import Snapshot
from customer_research.domain.track import TrackRecord
from customer_research.errors import CustomerResearchError
from customer_research.reports.track_words import at_risk
from customer_research.research.one.track_record import due, keep_track
from customer_research.research.past.requests import TrialTerms
from customer_research.settings import Settings


def once_a_month(settings: Settings, snapshot: Snapshot, clock: Clock, say: Callable[[str], None]) -> None:
    """Work it out for a snapshot under the settings' scorecard, where it is due; `say` gets what is done, and what came of it.

    The snapshot stands whatever comes of it: what keeps it from being worked out is told, and it stays unknown.
    """
    if not due(settings.lake_folder, snapshot.digest, snapshot.taken_at):
        return
    say("Working out how often the score was right on earlier dates (once a month) ...")
    try:
        found = work_out(settings, clock)
    except (CustomerResearchError, ModuleNotFoundError, OSError) as error:
        why = error.message if isinstance(error, CustomerResearchError) else str(error)
        say(f"How often it was right stays unknown: {why}")
    else:
        say(at_risk(found).text)


def work_out(settings: Settings, clock: Clock) -> TrackRecord:
    """Try the settings' scorecard on the lake's past, and keep what is found.

    Raises:
        UsageError: the lake has no subscriptions, or begins too late.
        EngineError: a query failed.
        ConfigError: no such scorecard, or a fault in it.
        OSError: it cannot be written.
    """
    # numerics are slow to load, and who reads a record needs none
    from customer_research.health.backtest.trial import try_card  # noqa: PLC0415
    from customer_research.research.past.backtest.trials import tread  # noqa: PLC0415

    ground = tread(settings, (settings.scorecard,), TrialTerms(), clock)
    trial = try_card(ground.rows, ground.tried[0])
    dates = ground.shown.dates
    record = TrackRecord(
        scorecard=trial.name,
        version=trial.version,
        digest=trial.digest,
        first=dates[0],
        last=dates[-1],
        dates=len(dates),
        known_until=ground.shown.known_until,
        rows=trial.rows,
        churned=trial.evaluation.churned,
        churned_accounts=trial.evaluation.churned_accounts,
        auc=trial.evaluation.auc,
        bands=tuple(group for group in trial.bands if group.name not in NO_BAND),
        unjudged=tuple(one.rule for one in trial.left_out if one.whole),
        receipt=ground.shown.basis[0],
    )
    keep_track(settings.lake_folder, record)
    return record
