"""The playbook: what to do about an operator, declared in `playbook.toml`, each play tied to what raises it."""

# ruff: noqa: S608 - every name in these texts is checked when the plays are read; nothing comes from outside
from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self, cast

from pydantic import StrictInt, model_validator

from customer_research.domain.advice import Advice, Area, Meeting
from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.domain.evidence import Fact, Figure, Gap, merge_basis
from customer_research.domain.health import (
    BAND_LABELS,
    BAND_ORDER,
    PRESENT,
    Band,
    Contribution,
    Finding,
    HealthScore,
    Status,
    standing_label,
)
from customer_research.domain.history import ScoreHistory
from customer_research.domain.vocabularies import CLAMP, SEVERITIES, Segment, Severity
from customer_research.health.declaration import Fault, Place, changed, declared, in_order, shipped_text
from customer_research.health.rules import Cases, case_sql, read, with_cases
from customer_research.health.segments import BySegment, Extras, Priorities, Texts
from customer_research.health.sentences import filled

STATUSES = PRESENT
"""Whom plays concern that are not raised by a rule or finding: those who left are not asked for more."""

_FILE = "playbook.toml"
_MONTH = 30
_HIGH, _MEDIUM = -20, -10
_NONE = BySegment("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One entry of the playbook; see `playbook.toml` for what each part means. `action` is empty where the finding tells."""

    id: str
    area: Area
    owner: Texts
    priority: Priorities = _NONE
    action: str = ""
    also: Extras = _NONE
    reason: str
    raised_by: tuple[str, ...] = ()
    otherwise: str = ""
    cases: Cases = ()
    bands: tuple[Band, ...] = ()
    score_below: StrictInt | None = None
    dropped_to: tuple[Band, ...] = ()
    risks: StrictInt | None = None
    segments: tuple[Segment, ...] = ()
    statuses: tuple[Status, ...] = STATUSES
    meetings: tuple[Meeting, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _conditional(cls, table: Any) -> Any:
        return with_cases(table) if isinstance(table, dict) and "when" in table else table

    @model_validator(mode="after")
    def _meant(self) -> Self:
        """Refuse a play that nothing can raise or that says nothing."""
        if not self.trigger:
            known = "'raised_by', 'when', 'bands', 'dropped_to', 'risks' or 'otherwise'"
            raise Fault(f"nothing raises it: give {known}")
        findings_only = self.raised_by and all(name.startswith("R") for name in self.raised_by)
        if not self.action and not findings_only:
            raise Fault("'action' is missing (only findings tell their own)")
        return self

    @property
    def trigger(self) -> str:
        """What raises it, in words."""
        parts = [", ".join(self.raised_by)] if self.raised_by else []
        parts += [f"a deduction in {self.otherwise} that no other play answers"] if self.otherwise else []
        parts += [" or ".join(case.when.sql for case in self.cases)] if self.cases else []
        standing = [f"band {' or '.join(BAND_LABELS[band] for band in self.bands)}"] if self.bands else []
        standing += [f"score below {self.score_below}"] if self.score_below is not None else []
        parts += [" or ".join(standing)] if standing else []
        parts += [f"band fell to {' or '.join(BAND_LABELS[b] for b in self.dropped_to)}"] if self.dropped_to else []
        parts += [f"{self.risks} risks or more at once"] if self.risks is not None else []
        return "; ".join(parts)


@declared
@dataclass(frozen=True, slots=True)
class Playbook:
    """The plays of one declaration, in its order."""

    version: str
    plays: tuple[Play, ...]

    @property
    def sql(self) -> str:
        """One row per operator: operator_id and `case_<number>` of each play with a condition (see `rules.case_sql`)."""
        cases = [f", {case_sql(play.cases)} AS case_{at}" for at, play in enumerate(self.plays) if play.cases]
        return f"SELECT operator_id{''.join(cases)} FROM {ACCOUNT_TABLE}"

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        in_order(self.plays, table="plays")
        return self


# -- reading -------------------------------------------------------------------------------------------------------------


def shipped_plays() -> str:
    """The shipped declaration."""
    return shipped_text(_FILE)


def load_playbook(path: Path | None, known_metrics: Collection[str]) -> Playbook:
    """The shipped playbook (no path), or that of a file, checked against the metrics that exist.

    Raises:
        ConfigError: the file cannot be read, or any fault in the declaration; it names the place.
    """
    name = "the shipped playbook" if path is None else f"playbook {path.name}"
    text = shipped_plays() if path is None else Place(name, "playbook").text(path, "playbook")
    return read_playbook(text, name, frozenset(known_metrics))


@cache
def read_playbook(text: str, name: str, known_metrics: frozenset[str]) -> Playbook:
    """A playbook from the text of a declaration (see `load_playbook`); `name` is where that stands, for complaints."""
    place = Place(name, "playbook")
    document = changed(place.tables(text), tomllib.loads(shipped_plays()), "plays", place)
    return read(Playbook, document, place, known_metrics)


# -- advising ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Situation:
    """What a playbook looks at: the operator's row of `Playbook.sql`, its figures, score, findings and earlier scores."""

    row: Mapping[str, Any]
    figures: Mapping[str, Figure]
    score: HealthScore | None
    findings: tuple[Finding, ...]
    history: ScoreHistory | Gap

    def text(self, metric: str) -> str | None:
        """A metric's value as text; None where it is unknown."""
        found = self.figures.get(metric)
        return str(found.value) if isinstance(found, Fact) else None


@dataclass(frozen=True, slots=True)
class _Trigger:
    source: str
    because: str
    facts: tuple[Fact[Any], ...]
    priority: Severity
    action: str = ""


def advise(playbook: Playbook, known: Situation) -> tuple[Advice, ...]:
    """What the playbook says to do, most urgent first; the same action is given once, by what raised it first.

    Nothing is advised without a fact that it rests on.
    """
    found = [advice for at, play in enumerate(playbook.plays) for advice in _of_play(playbook, at, play, known)]
    once: dict[str, Advice] = {}
    for advice in sorted(found, key=lambda advice: (SEVERITIES.index(advice.priority), _rank(advice, known))):
        once.setdefault(advice.action, advice)
    return tuple(once.values())


def _rank(advice: Advice, known: Situation) -> int:
    """Of one priority: findings first, in their order, then rules, then what only the standing raised (it names no cause)."""
    order = {finding.rule: at for at, finding in enumerate(known.findings)}
    return order.get(advice.source, len(order) + (advice.source == advice.play))


def _of_play(playbook: Playbook, at: int, play: Play, known: Situation) -> Iterator[Advice]:
    segment = known.text("segment")
    if play.segments and segment not in play.segments:
        return
    for raised in _raised(playbook, at, play, known):
        action = play.action or raised.action
        also = play.also.of(segment)
        priority = cast("Severity", play.priority.of(segment) or raised.priority)
        if action and raised.facts:
            yield Advice(
                play=play.id,
                area=play.area,
                priority=priority,
                owner=play.owner.of(segment),
                action=f"{action} {also}".rstrip(),
                source=raised.source,
                because=raised.because,
                facts=raised.facts,
                meetings=play.meetings,
            )


def _raised(playbook: Playbook, at: int, play: Play, known: Situation) -> Iterator[_Trigger]:
    """What raises a play of this operator."""
    if play.raised_by or play.otherwise:
        if not play.bands or _stands(play, known.score):
            yield from _by_rules(playbook, play, known)
        return
    if known.text("status") not in play.statuses:
        return
    if play.cases:
        yield from _by_condition(at, play, known)
    elif play.dropped_to:
        yield from _by_drop(play, known)
    elif play.risks is not None:
        yield from _by_count(play, play.risks, known)
    elif known.score is not None and _stands(play, known.score):
        yield from _by_band(play, known.score)


def _by_rules(playbook: Playbook, play: Play, known: Situation) -> Iterator[_Trigger]:
    for finding in known.findings:
        if finding.rule in play.raised_by:
            yield _Trigger(finding.rule, finding.because, finding.facts, finding.priority, finding.action)
    answered = {name for one in playbook.plays for name in one.raised_by} | _SPEAK_FOR
    for contribution in known.score.contributions if known.score else ():
        named = contribution.rule in play.raised_by
        left = (
            contribution.dimension == play.otherwise and contribution.points < 0 and contribution.rule not in answered
        )
        if contribution.rule != CLAMP and (named or left):
            yield _Trigger(contribution.rule, contribution.because, (contribution.fact,), _by_points(contribution))


_SPEAK_FOR = frozenset({"E6", "E7", "S5"})
"""Rules that speak for the account and ask for nothing."""


def _by_points(contribution: Contribution) -> Severity:
    if contribution.points <= _HIGH:
        return "high"
    return "medium" if contribution.points <= _MEDIUM else "low"


def _by_condition(at: int, play: Play, known: Situation) -> Iterator[_Trigger]:
    number = known.row.get(f"case_{at}")
    if not number or (play.bands and not _stands(play, known.score)):
        return
    case = play.cases[int(number) - 1]
    fact = known.figures.get(case.fact)
    facts = (fact,) if isinstance(fact, Fact) else ()
    yield _Trigger(play.id, filled(case.because, known.figures), facts, "medium")


def _stands(play: Play, score: HealthScore | None) -> bool:
    """Whether the operator stands in one of the play's bands, or below its score."""
    if score is None or score.score is None:
        return False
    most = score.score if score.highest is None else score.highest  # what is unknown is no reason to call
    return score.band in play.bands or (play.score_below is not None and most < play.score_below)


def _by_band(play: Play, score: HealthScore) -> Iterator[_Trigger]:
    basis = merge_basis([contribution.fact for contribution in score.contributions])
    if not basis:
        return
    as_of = score.contributions[0].fact.as_of
    fact = Fact(score.score, "points", basis, as_of, "health_score")
    yield _Trigger(
        play.id, f"Health {score.score} of 100, {standing_label(score.band, score.status)}.", (fact,), "high"
    )


def _by_drop(play: Play, known: Situation) -> Iterator[_Trigger]:
    """The band is worse than a month before: both readings are known, and the score fell with it."""
    history, score = known.history, known.score
    if isinstance(history, Gap) or score is None or score.score is None or score.band not in play.dropped_to:
        return
    month = next((change for change in history.changes if change.days == _MONTH and change.on is not None), None)
    then = next((past for past in history.past if month is not None and past.as_of == month.on), None)
    if month is None or then is None or month.points is None or month.points >= 0:
        return
    if BAND_ORDER.index(then.band) < BAND_ORDER.index(score.band):
        text = f"The band fell from {BAND_LABELS[then.band]} on {then.as_of:%Y-%m-%d} to {BAND_LABELS[score.band]}."
        fact = Fact(month.points, "points", (history.receipt,), then.as_of, "score_change")
        yield _Trigger(play.id, text, (fact,), "high")


def _by_count(play: Play, least: int, known: Situation) -> Iterator[_Trigger]:
    risks = [finding for finding in known.findings if finding.kind == "risk"]
    if len(risks) >= least:
        facts = tuple(dict.fromkeys(fact for finding in risks for fact in finding.facts[:1]))
        listed = ", ".join(f"{finding.title} ({finding.rule})" for finding in risks)
        yield _Trigger(play.id, f"{len(risks)} risks hold at once: {listed}.", facts, "high")
