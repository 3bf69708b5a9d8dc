"""Alerts: what a rule says of an operator (or a source) in one snapshot, the episodes it makes, and what became of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from customer_research.domain.evidence import Receipt
from customer_research.domain.vocabularies import SEVERITIES, Severity

AlertState = Literal["holds", "clears", "over", "between", "unknown"]
"""What a rule says of a subject: it is to be raised; it no longer holds; it does not concern the subject (any more); neither
(between raising and clearing, or a graver alert covers it); or what it needs is not known. The last two change nothing."""

Happening = Literal["raised", "continued", "cleared"]
"""What a snapshot can do to an episode."""

EventKind = Literal["raised", "cleared", "acknowledged", "taken back", "snoozed", "assigned"]
"""What can happen to an episode; each is kept for ever with who did it and when."""

SOURCE_SUBJECT = "source:"
"""How the subject of an alert about a source begins; any other subject is an operator's id."""


@dataclass(frozen=True, slots=True)
class Observation:
    """The instant and the snapshot in which something was seen."""

    as_of: datetime
    snapshot: str


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why a rule holds, in a sentence, with the metrics that say so (name → value as JSON has it; None: unknown)."""

    because: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Episode:
    """One rule's alert about one subject, from raising to clearing; the `number`th of that rule and subject (from 1).

    `because` and `facts` are those of the last snapshot in which the rule held (`held`); `cleared` None while it is open.
    `acknowledged_by` and `assignee` are empty when nobody is; `snoozed_until` hides it from the list till then.
    """

    rule: str
    subject: str
    name: str
    number: int
    title: str
    severity: Severity
    told: Grounds
    raised: Observation
    held: Observation
    cleared: Observation | None = None
    cleared_because: str = ""
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    snoozed_until: datetime | None = None
    assignee: str = ""

    @property
    def id(self) -> str:
        """12 hexadecimal digits that are the same wherever the same episode is found."""
        return episode_id(self.rule, self.subject, self.number)

    @property
    def open(self) -> bool:
        """Whether it has not been cleared."""
        return self.cleared is None

    @property
    def source(self) -> str:
        """The source that it is about; empty when it is about an operator."""
        return self.subject.removeprefix(SOURCE_SUBJECT) if self.subject.startswith(SOURCE_SUBJECT) else ""

    def snoozed(self, now: datetime) -> bool:
        """Whether it is hidden at this instant."""
        return self.snoozed_until is not None and now < self.snoozed_until


@dataclass(frozen=True, slots=True)
class Alert:
    """Everything that is open about one operator or source: one story, whatever many rules tell it.

    `reasons` are its open episodes, the gravest first; it rises and falls with them. What somebody does to one of them, that
    person does to all. `id` is that of the oldest.
    """

    reasons: tuple[Episode, ...]

    @property
    def subject(self) -> str:
        """The operator's id, or the source."""
        return self.reasons[0].subject

    @property
    def oldest(self) -> Episode:
        """The reason that was raised first."""
        return min(self.reasons, key=lambda one: (one.raised.as_of, SEVERITIES.index(one.severity), one.rule))

    @property
    def id(self) -> str:
        """The id by which it is called."""
        return self.oldest.id

    def snoozed(self, now: datetime) -> bool:
        """Whether it is hidden: a reason that came after the snooze shows it again."""
        return all(reason.snoozed(now) for reason in self.reasons)


def alerts_of(episodes: Iterable[Episode]) -> tuple[Alert, ...]:
    """Open episodes as alerts, one a subject; of its reasons the gravest first, then the oldest."""
    by_subject: dict[str, list[Episode]] = {}
    for one in episodes:
        by_subject.setdefault(one.subject, []).append(one)
    order = {severity: rank for rank, severity in enumerate(SEVERITIES)}
    return tuple(
        Alert(tuple(sorted(found, key=lambda one: (order[one.severity], one.raised.as_of, one.rule))))
        for found in by_subject.values()
    )


@dataclass(frozen=True, slots=True)
class AlertsAbout:
    """The alerts about one operator that are open, or were cleared in the last 90 days, by the day they were raised.

    `as_of` is the instant of the newest snapshot that was judged; `receipt` proves what the store gave.
    """

    episodes: tuple[Episode, ...]
    as_of: datetime
    receipt: Receipt


Key = tuple[str, str]
"""A rule's id and a subject."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one snapshot did to one episode; `episode` is how it stands afterwards."""

    what: Happening
    episode: Episode


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One line of an episode's audit: what was done, by whom, at which hour, and in which snapshot it was seen."""

    episode: str
    kind: EventKind
    at: datetime
    who: str
    detail: str = ""
    seen: Observation | None = None


@dataclass(frozen=True, slots=True)
class RuleInWords:
    """An alert rule as people read it: what raises and clears it, whom it concerns, and where its limits come from."""

    id: str
    kind: str
    title: str
    severity: Severity
    when: str
    concerns: str
    owner: str
    action: str
    quiet_days: int
    cool_down_days: int
    reason: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class ChurnShare:
    """Of `known` cases (those with 90 days of history after them) `churned` left within 90 days."""

    known: int
    churned: int

    @property
    def share(self) -> float | None:
        """The share that left; None when no case is known."""
        return self.churned / self.known if self.known else None


@dataclass(frozen=True, slots=True)
class Tally:
    """What one rule would have done.

    `at_start` of its `alerts` were raised by the first snapshot (what had come together until then), the rest in the weeks
    after: `per_week` on average and `worst_week` at most. `held` counts every snapshot in which it held of a subject: what
    a rule without episodes would have sent. `unknown` counts those that could not be told. `median_days` from raising to
    clearing is None when nothing was cleared. `churn` counts each alerted operator once, by its first alert.
    """

    rule: str
    title: str
    severity: Severity
    enabled: bool
    alerts: int
    at_start: int
    operators: int
    still_open: int
    held: int
    unknown: int
    per_week: float
    worst_week: int
    median_days: float | None
    churn: ChurnShare


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """A simulation: the instants that it went through, a tally a rule, and how many operators leave anyway (`base`).

    `blind` are the instants whose metrics are no longer there: metric rules were unknown in them. `new_alerts` counts what the
    rules in force would have raised after the first instant as people see it: one alert an operator or source while anything is
    open of it.
    """

    instants: tuple[datetime, ...]
    blind: tuple[datetime, ...]
    tallies: tuple[Tally, ...]
    episodes: tuple[Episode, ...]
    base: ChurnShare
    new_alerts: int = 0

    @property
    def weeks(self) -> float:
        """From the first to the last instant."""
        return (self.instants[-1] - self.instants[0]) / timedelta(days=7) if self.instants else 0.0


def episode_id(rule: str, subject: str, number: int) -> str:
    """The id of the `number`th episode of a rule and subject."""
    return hashlib.sha256(f"{rule}\n{subject}\n{number}".encode()).hexdigest()[:12]
