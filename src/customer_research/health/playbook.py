"""The playbook: what to do about an operator, declared in `playbook.toml`, each play tied to what raises it."""

# ruff: noqa: S608 - every name in these texts is checked when the plays are read; nothing comes from outside
from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, cast, get_args

from customer_research.domain.advice import MEETINGS, Advice, Area, Meeting
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
from customer_research.domain.reading import toml
from customer_research.domain.vocabularies import CLAMP, SEGMENTS, SEVERITIES, Severity
from customer_research.errors import ConfigError
from customer_research.health.declaration import Declaration
from customer_research.health.rules import Case, Vocabulary, case_sql, read_cases
from customer_research.health.sentences import filled

SHIPPED = "shipped"
"""As a file's `base`: its plays are changes of the shipped ones, by id."""

DEFAULT = "default"
STATUSES = PRESENT
"""Whom plays concern that are not raised by a rule or finding: those who left are not asked for more."""

_AREAS: tuple[Area, ...] = get_args(Area)
_MONTH = 30
_HIGH, _MEDIUM = -20, -10


@dataclass(frozen=True, slots=True)
class BySegment:
    """A text for all segments, and those that differ."""

    default: str
    others: tuple[tuple[str, str], ...] = ()

    def of(self, segment: str | None) -> str:
        """The text of a segment; the default for one that is not named or not known."""
        return dict(self.others).get(segment or "", self.default)

    @property
    def words(self) -> str:
        """The text, the segments that differ after it."""
        rest = ", ".join(f"{segment}: {text}" for segment, text in self.others)
        return f"{self.default} ({rest})" if rest and self.default else rest or self.default


@dataclass(frozen=True, slots=True)
class Play:
    """One entry of the playbook; see `playbook.toml` for what each part means. `action` is empty where the finding tells."""

    id: str
    area: Area
    owner: BySegment
    priority: BySegment
    action: str
    also: BySegment
    reason: str
    raised_by: tuple[str, ...] = ()
    otherwise: str = ""
    cases: tuple[Case, ...] = ()
    bands: tuple[Band, ...] = ()
    score_below: int | None = None
    dropped_to: tuple[Band, ...] = ()
    risks: int | None = None
    segments: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = STATUSES
    meetings: tuple[Meeting, ...] = ()

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


# -- reading -------------------------------------------------------------------------------------------------------------


def shipped_text() -> str:
    """The shipped declaration."""
    return resources.files("customer_research.health").joinpath("playbook.toml").read_text(encoding="utf-8")


def load_playbook(path: Path | None, known_metrics: Collection[str]) -> Playbook:
    """The shipped playbook (no path), or that of a file, checked against the metrics that exist.

    Raises:
        ConfigError: the file cannot be read, or any fault in the declaration; it names the place.
    """
    if path is None:
        return read_playbook(shipped_text(), "the shipped playbook", frozenset(known_metrics))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(f"The playbook {path} cannot be read: {type(error).__name__}.", "Check the path.") from None
    return read_playbook(text, f"playbook {path.name}", frozenset(known_metrics))


@cache
def read_playbook(text: str, place: str, known_metrics: frozenset[str]) -> Playbook:
    """A playbook from the text of a declaration (see `load_playbook`)."""
    try:
        top = Declaration(_document(text, place), place)
        version, words = top.text("version"), Vocabulary(known_metrics, top.mapping("terms"))
        plays: dict[str, Play] = {}
        for table in top.tables("plays", "id"):
            play = _play(table, words)
            if play.id in plays:
                raise table.error("it needs an id of its own.")
            plays[play.id] = play
        top.finish()
    except ConfigError as error:
        raise _wrong(error.message, error.hint) from None
    return Playbook(version, tuple(plays.values()))


def _wrong(message: str, hint: str = "") -> ConfigError:
    return ConfigError(message, setting="playbook", hint=hint)


def _document(text: str, place: str) -> dict[str, Any]:
    """What a declaration says in full: with `base`, its changes applied to the shipped plays."""
    try:
        document = toml(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(f"{place} is not valid TOML: {error}.") from None
    base = document.pop("base", None)
    if base is None:
        return document
    if base != SHIPPED:
        raise _wrong(f"{place}: 'base' is {base!r}; known: {SHIPPED}.")
    shipped = tomllib.loads(shipped_text())
    plays = {table["id"]: table for table in shipped["plays"]}
    own = document.get("plays", [])
    if not isinstance(own, list) or not all(isinstance(table, dict) and "id" in table for table in own):
        raise _wrong(f"{place}: 'plays' must be a list of tables with an id.")
    for table in own:
        plays[table["id"]] = {**plays.get(table["id"], {}), **table}
    terms = shipped.get("terms", {}) | document.get("terms", {})
    return shipped | document | {"plays": list(plays.values()), "terms": terms}


def _play(declared: Declaration, words: Vocabulary) -> Play:
    conditional = "when" in declared or "cases" in declared
    play = Play(
        id=declared.text("id"),
        area=cast("Area", declared.text("area")),
        owner=_by_segment(declared, "owner"),
        priority=_by_segment(declared, "priority", ""),
        action=declared.text("action", ""),
        also=_by_segment(declared, "also", ""),
        reason=declared.text("reason"),
        raised_by=declared.texts("raised_by", ()),
        otherwise=declared.text("otherwise", ""),
        cases=read_cases(declared, words) if conditional else (),
        bands=cast("tuple[Band, ...]", declared.texts("bands", ())),
        score_below=declared.integer("score_below") if "score_below" in declared else None,
        dropped_to=cast("tuple[Band, ...]", declared.texts("dropped_to", ())),
        risks=declared.integer("risks") if "risks" in declared else None,
        segments=declared.texts("segments", ()),
        statuses=cast("tuple[Status, ...]", declared.texts("statuses", STATUSES)),
        meetings=cast("tuple[Meeting, ...]", declared.texts("meetings", ())),
    )
    declared.finish()
    _check(play, declared)
    return play


def _by_segment(declared: Declaration, key: str, default: str | None = None) -> BySegment:
    """A text or number for all segments, or a table by segment."""
    if key not in declared:
        if default is None:
            raise declared.error(f"{key!r} is missing.")
        return BySegment(default)
    found = declared.any(key)
    table = found if isinstance(found, dict) else {DEFAULT: found}
    for name, value in table.items():
        if name not in (DEFAULT, *SEGMENTS) or isinstance(value, bool) or not isinstance(value, str | int):
            raise declared.error(f"{key!r}: {name!r} = {value!r} is no value of a segment ({', '.join(SEGMENTS)}).")
    if DEFAULT not in table and default is None:
        raise declared.error(f"{key!r} needs a {DEFAULT!r}, for operators of any other segment.")
    others = tuple((name, str(value)) for name, value in table.items() if name != DEFAULT)
    return BySegment(str(table.get(DEFAULT, default or "")), others)


def _check(play: Play, declared: Declaration) -> None:
    """Refuse words that mean nothing, and a play that nothing can raise or that says nothing."""
    declared.only(
        {
            "area": ((play.area,), _AREAS),
            "bands": (play.bands, BAND_ORDER),
            "dropped_to": (play.dropped_to, BAND_ORDER),
            "segments": (play.segments, SEGMENTS),
            "meetings": (play.meetings, MEETINGS),
            "statuses": (play.statuses, get_args(Status)),
            "priority": ([text for text in _texts(play.priority) if text], SEVERITIES),
        }
    )
    if not play.trigger:
        raise declared.error(
            "nothing raises it: give 'raised_by', 'when', 'bands', 'dropped_to', 'risks' or 'otherwise'."
        )
    findings_only = play.raised_by and all(name.startswith("R") for name in play.raised_by)
    if not play.action and not findings_only:
        raise declared.error("'action' is missing (only findings tell their own).")


def _texts(by_segment: BySegment) -> tuple[str, ...]:
    return (by_segment.default, *(text for _, text in by_segment.others))


# -- advising ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known:
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
class _Raised:
    source: str
    because: str
    facts: tuple[Fact[Any], ...]
    priority: Severity
    action: str = ""


def advise(playbook: Playbook, known: Known) -> tuple[Advice, ...]:
    """What the playbook says to do, most urgent first; the same action is given once, by what raised it first.

    Nothing is advised without a fact that it rests on.
    """
    found = [advice for at, play in enumerate(playbook.plays) for advice in _of_play(playbook, at, play, known)]
    once: dict[str, Advice] = {}
    for advice in sorted(found, key=lambda advice: (SEVERITIES.index(advice.priority), _rank(advice, known))):
        once.setdefault(advice.action, advice)
    return tuple(once.values())


def _rank(advice: Advice, known: Known) -> int:
    """Of one priority: findings first, in their order, then rules, then what only the standing raised (it names no cause)."""
    order = {finding.rule: at for at, finding in enumerate(known.findings)}
    return order.get(advice.source, len(order) + (advice.source == advice.play))


def _of_play(playbook: Playbook, at: int, play: Play, known: Known) -> Iterator[Advice]:
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


def _raised(playbook: Playbook, at: int, play: Play, known: Known) -> Iterator[_Raised]:
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


def _by_rules(playbook: Playbook, play: Play, known: Known) -> Iterator[_Raised]:
    for finding in known.findings:
        if finding.rule in play.raised_by:
            yield _Raised(finding.rule, finding.because, finding.facts, finding.priority, finding.action)
    answered = {name for one in playbook.plays for name in one.raised_by} | _SPEAK_FOR
    for contribution in known.score.contributions if known.score else ():
        named = contribution.rule in play.raised_by
        left = (
            contribution.dimension == play.otherwise and contribution.points < 0 and contribution.rule not in answered
        )
        if contribution.rule != CLAMP and (named or left):
            yield _Raised(contribution.rule, contribution.because, (contribution.fact,), _by_points(contribution))


_SPEAK_FOR = frozenset({"E6", "E7", "S5"})
"""Rules that speak for the account and ask for nothing."""


def _by_points(contribution: Contribution) -> Severity:
    if contribution.points <= _HIGH:
        return "high"
    return "medium" if contribution.points <= _MEDIUM else "low"


def _by_condition(at: int, play: Play, known: Known) -> Iterator[_Raised]:
    number = known.row.get(f"case_{at}")
    if not number or (play.bands and not _stands(play, known.score)):
        return
    case = play.cases[int(number) - 1]
    fact = known.figures.get(case.fact)
    facts = (fact,) if isinstance(fact, Fact) else ()
    yield _Raised(play.id, filled(case.because, known.figures), facts, "medium")


def _stands(play: Play, score: HealthScore | None) -> bool:
    """Whether the operator stands in one of the play's bands, or below its score."""
    if score is None or score.score is None:
        return False
    most = score.score if score.highest is None else score.highest  # what is unknown is no reason to call
    return score.band in play.bands or (play.score_below is not None and most < play.score_below)


def _by_band(play: Play, score: HealthScore) -> Iterator[_Raised]:
    basis = merge_basis([contribution.fact for contribution in score.contributions])
    if not basis:
        return
    as_of = score.contributions[0].fact.as_of
    fact = Fact(score.score, "points", basis, as_of, "health_score")
    yield _Raised(play.id, f"Health {score.score} of 100, {standing_label(score.band, score.status)}.", (fact,), "high")


def _by_drop(play: Play, known: Known) -> Iterator[_Raised]:
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
        yield _Raised(play.id, text, (fact,), "high")


def _by_count(play: Play, least: int, known: Known) -> Iterator[_Raised]:
    risks = [finding for finding in known.findings if finding.kind == "risk"]
    if len(risks) >= least:
        facts = tuple(dict.fromkeys(fact for finding in risks for fact in finding.facts[:1]))
        listed = ", ".join(f"{finding.title} ({finding.rule})" for finding in risks)
        yield _Raised(play.id, f"{len(risks)} risks hold at once: {listed}.", facts, "high")
