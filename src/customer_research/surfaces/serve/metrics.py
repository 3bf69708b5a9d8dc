"""What a server counts, in Prometheus' form: use cases, runs, the outbox. No operator, no person, no text is in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from customer_research.domain.delivery import STATES
from customer_research.domain.schedule import Run, Schedule
from customer_research.errors import StoreError
from customer_research.research.usecases import Background, Use

logger = logging.getLogger(__name__)

CONTENT_TYPE = CONTENT_TYPE_LATEST
PREFIX = "customer_research"
SECONDS = (0.05, 0.25, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


class Figures:
    """The figures of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            self._registry.register(collector)
        labels = ("use_case", "surface", "outcome")
        self._uses = Counter(f"{PREFIX}_uses", "Uses of use cases by how they ended.", labels, registry=self._registry)
        self._seconds = Histogram(
            f"{PREFIX}_use_seconds",
            "How long uses took.",
            ("use_case",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._runs = Counter(
            f"{PREFIX}_runs", "Runs of schedules by how they ended.", ("schedule", "state"), registry=self._registry
        )

    def watch(self, background: Background) -> None:
        """Tell how the store stands, too, and what is under way in this process."""
        self._registry.register(_Stored(background))

    def used(self, use: Use) -> None:
        """Count a use."""
        self._uses.labels(use.name, use.actor.surface, use.outcome).inc()
        self._seconds.labels(use.name).observe(use.seconds)

    def ran(self, _schedule: Schedule, run: Run) -> None:
        """Count a run that ended or was skipped."""
        self._runs.labels(run.schedule, run.state).inc()

    def written(self) -> bytes:
        """All figures as they are now."""
        return generate_latest(self._registry)


class _Stored(Collector):
    """What the store knows: all processes that share it tell the same."""

    def __init__(self, background: Background) -> None:
        self._background = background

    def describe(self) -> Iterator[Metric]:
        """Nothing: the store is not asked when this is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The figures; without those of the store where it does not answer."""
        yield _gauge("runs_under_way", "Runs under way in this process.", self._background.scheduler.running)
        try:
            found = self._background.standing()
        except StoreError as error:
            logger.warning("The store could not be read for the metrics: %s", type(error).__name__)
            yield _gauge("store_up", "Whether the store answers.", 0)
            return
        yield _gauge("store_up", "Whether the store answers.", 1)
        messages = GaugeMetricFamily(f"{PREFIX}_messages", "Messages of the outbox by state.", labels=("state",))
        for state in STATES:
            messages.add_metric((state,), found.messages.counts.get(state, 0))
        yield messages
        oldest = found.messages.oldest_due
        waits = 0.0 if oldest is None else self._background.age(oldest)
        yield _gauge("messages_oldest_due_seconds", "How long the oldest message that is due has waited.", waits)
        last = GaugeMetricFamily(
            f"{PREFIX}_schedule_last_run_timestamp_seconds",
            "When the newest run of a schedule was planned, by its state.",
            labels=("schedule", "state"),
        )
        for name, run in found.runs.items():
            last.add_metric((name, run.state), run.planned_at.timestamp())
        yield last
        paused = GaugeMetricFamily(f"{PREFIX}_schedule_paused", "Schedules that are paused.", labels=("schedule",))
        for name in sorted(found.paused):
            paused.add_metric((name,), 1)
        yield paused


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)
