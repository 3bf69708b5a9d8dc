"""Scorecards: named, versioned sets of rules, weights, bands and gates, declared in TOML and checked when loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, PlainValidator, StrictBool, StrictInt, model_validator

from customer_research.domain.health import BAND_ORDER, Band, Status
from customer_research.errors import ConfigError
from customer_research.health.churn_evidence import AlertChoice, ChurnEvidence, SignalPoints
from customer_research.health.declaration import (
    Fault,
    Identifier,
    Natural,
    Place,
    Score,
    declared,
    in_order,
    shaped,
    shipped_text,
)
from customer_research.health.rules import ONE_CASE, Cases, MetricName, metrics_of, read

PERMILLE = 1000
"""Weights are whole thousandths, so that every engine adds them up to the same figure."""

_ALL = 1000
"""Points that take any dimension from its top to 0, whatever else is given."""

Cap = Literal["monitor", "at_risk", "critical"]


def _permille(share: object) -> int:
    if isinstance(share, bool) or not isinstance(share, int | float):
        raise Fault(f"it must be a number, not {share!r}")
    steps = share * PERMILLE
    if not 0 <= steps <= PERMILLE or abs(steps - round(steps)) > 1e-6:  # noqa: PLR2004 - binary fractions' dust
        raise Fault(f"it must be from 0 to 1, in steps of 0.001, not {share}")
    return round(steps)


Permille = Annotated[int, PlainValidator(_permille)]
"""A share from 0 to 1, given in steps of a thousandth."""


class Cuts(NamedTuple):
    """The least scores of three bands; what is below is critical."""

    healthy: StrictInt
    monitor: StrictInt
    at_risk: StrictInt


@dataclass(frozen=True, slots=True)
class DimensionRule:
    """A dimension: its weight in thousandths, where its score starts, and the metrics of which one must be known.

    `needs` must all be known besides: without them the others say nothing of the dimension.
    """

    name: Identifier
    title: str
    weight: Permille
    base: Score
    known_by: tuple[MetricName, ...]
    needs: tuple[MetricName, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: the cases in which it fires, its points (times the metric `per`, at most `cap`), and its exclusions.

    `unless` names rules that, when they fire, leave this one out; `not_for` statuses it does not judge. A rule of 0 points is
    a `note`: what it says is shown and costs nothing. `category` is what kind of sign it is, for those who group by it. One
    with an `option` is there when that is switched on.
    """

    id: Annotated[str, shaped("[A-Z][A-Za-z0-9]{0,11}", "it must be an id such as P1")]
    dimension: str
    cases: Cases
    points: StrictInt
    window: str
    per: MetricName = ""
    cap: Natural = 0
    unless: tuple[str, ...] = ()
    not_for: tuple[Status, ...] = ()
    category: str = ""
    note: StrictBool = False
    option: str = ""

    @property
    def key(self) -> str:
        """The rule's part of a column name."""
        return self.id.lower()

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that decide it."""
        return metrics_of(self.cases)

    @property
    def most(self) -> int:
        """The most points that it takes (below 0) or gives; without a cap, what a metric multiplies takes a dimension's all."""
        if not self.per:
            return self.points
        most = self.cap or _ALL
        return most if self.points > 0 else -most


@dataclass(frozen=True, slots=True)
class GateRule:
    """A condition that caps the band; `reason` says why there is such a cap."""

    name: Identifier
    cases: Cases
    cap: Cap
    not_for: tuple[Status, ...] = ()
    reason: str = ""


@declared
@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """A checked scorecard; `digest` proves what it says.

    `dimension_cuts` are those of a dimension's own bands: the same, unless churn has moved those of the score.

    `minimum_coverage` is in thousandths of the weights; `critical_cap` the band above which one of `critical_dimensions` in its
    own critical band does not let the operator rise (None: no such cap), `critical_reason` why. With `one_number` a cap holds
    the score, too, at the top of its band. `by_evidence` (unless the declaration counts coverage by the dimension): a rule that a
    silent source keeps from being judged takes its share of its dimension's weight from the coverage, and the score is the
    least it can be (see `health.scoring`). Who has a status of `outside` has no band. `offered` are the optional rules by name
    with what they mean, `options` those that are switched on. A calibrated scorecard has `signals`, and `churn`, the evidence
    behind its points and its probability; `alerting` says where it alerts and what its bands were tied to.
    """

    name: Identifier
    version: str
    title: str
    minimum_coverage: Annotated[Permille, Field(gt=0)]
    critical_cap: Annotated[Cap | None, Field(alias="dimension_critical_cap")] = None
    critical_dimensions: tuple[str, ...]
    critical_reason: str = ""
    one_number: StrictBool = False
    coverage_by: Literal["dimension", "evidence"] = "evidence"
    outside: Annotated[tuple[Status, ...], Field(alias="outside_bands")] = ()
    cuts: Annotated[Cuts, Field(alias="bands")]
    dimension_cuts: Annotated[Cuts, Field(alias="dimension_bands")]
    dimensions: tuple[DimensionRule, ...]
    rules: tuple[Annotated[Rule, ONE_CASE], ...] = ()
    gates: tuple[Annotated[GateRule, ONE_CASE], ...] = ()
    offered: Mapping[str, str] = field(default_factory=dict, compare=False)
    signals: tuple[SignalPoints, ...] = ()
    churn: Annotated[ChurnEvidence | None, Field(alias="calibration")] = None
    alerting: AlertChoice | None = None
    options: tuple[str, ...]
    digest: str

    @model_validator(mode="before")
    @classmethod
    def _with_names(cls, table: dict[str, Any]) -> dict[str, Any]:
        """Dimensions named by their keys, and what the score's bands and all dimensions stand for when nothing else is said."""
        dimensions = table.get("dimensions", {})
        if not isinstance(dimensions, dict) or not all(isinstance(one, dict) for one in dimensions.values()):
            raise Fault("'dimensions' must be a table of tables")
        named = [{**one, "name": name} for name, one in dimensions.items()]
        critical = table.get("critical_dimensions", list(dimensions)) if "dimension_critical_cap" in table else []
        own = {key: table[key] for key in ("dimension_bands",) if key in table} or {
            "dimension_bands": table.get("bands")
        }
        return {**table, **own, "dimensions": named, "critical_dimensions": critical}

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        names = [dimension.name for dimension in self.dimensions]
        if sum(dimension.weight for dimension in self.dimensions) != PERMILLE:
            raise Fault("the weights of the dimensions must add up to 1")
        if not self.rules and not self.signals:
            raise Fault("it has no rules")
        if unknown := [name for name in self.critical_dimensions if name not in names]:
            raise Fault(f"'critical_dimensions' names {unknown[0]!r}, which is no dimension")
        self._check_dimensions()
        for rule in self.rules:
            self._check_rule(rule, names)
        for signal in self.signals:
            if signal.dimension not in names or sum(one.name == signal.name for one in self.signals) > 1:
                raise Fault("it needs a name of its own and a declared dimension", where=f"signals {signal.name}")
        counting = [rule for rule in self.rules if not rule.option or rule.option in self.options]
        in_order(counting, "unless")
        for key, cuts in (("bands", self.cuts), ("dimension_bands", self.dimension_cuts)):
            self._check_cuts(cuts, key)
        return self

    def _check_dimensions(self) -> None:
        for dimension in self.dimensions:
            where = f"dimensions {dimension.name}"
            if not dimension.known_by and self.rules:
                raise Fault("it needs at least one metric in 'known_by'", where=where)
            if not dimension.weight and self.churn is None:  # churn may show that a whole dimension tells nothing
                raise Fault("'weight' must be above 0", where=where)

    def _check_rule(self, rule: Rule, dimensions: Collection[str]) -> None:
        where = f"rules {rule.id}"
        if rule.dimension not in dimensions:
            raise Fault(f"'dimension' is {rule.dimension!r}, which is no declared dimension", where=where)
        if not rule.points and not rule.note and self.churn is None:  # churn may hold a rule at 0
            raise Fault("it needs points that are not 0", where=where)
        if rule.option and rule.option not in self.offered:
            raise Fault(f"option {rule.option!r} is not declared under [options]", where=where)

    def _check_cuts(self, cuts: Cuts, key: str) -> None:
        healthy, monitor, at_risk = cuts
        falling = 0 < at_risk < monitor < healthy
        if self.alerting or self.churn:  # bands that churn does not separate are one: the others are empty
            falling = 0 <= at_risk <= monitor <= healthy
        if not falling or healthy > 100:  # noqa: PLR2004 - scores run from 0 to 100
            complaint = "the cut-offs must fall from healthy over monitor to at_risk, within 1 to 100"
            raise Fault(complaint, where=key)

    @property
    def by_evidence(self) -> bool:
        """Whether coverage counts the evidence within a dimension, not the dimension as a whole."""
        return self.coverage_by == "evidence"

    def band(self, score: int | None) -> Band:
        """The band of a score, before gates."""
        return _band(score, self.cuts)

    def dimension_band(self, score: int | None) -> Band:
        """The band that a dimension's own score stands in."""
        return _band(score, self.dimension_cuts)

    def probability(self, score: int | None) -> float | None:
        """The probability of churn within the calibration's window, by the score before gates; None where there is none to tell.

        That is so without a calibration, without a score, for a proposal, and where rules count that were not calibrated.
        """
        if score is None or self.churn is None or self.churn.state == "proposed" or self.churn.uncalibrated:
            return None
        return self.churn.curve.probability(score)

    def rules_of(self, dimension: str) -> tuple[Rule, ...]:
        """A dimension's rules, in order."""
        return tuple(rule for rule in self.rules if rule.dimension == dimension)


def _band(score: int | None, cuts: tuple[int, int, int]) -> Band:
    if score is None:
        return "insufficient"
    return next((band for band, cut in zip(BAND_ORDER, cuts, strict=False) if score >= cut), "critical")


def shipped_scorecards() -> tuple[str, ...]:
    """The names of the scorecards that come with the product."""
    return tuple(sorted(file.stem for file in (Path(__file__).parent / "scorecards").glob("*.toml")))


def load_scorecard(
    name_or_path: str | Path, known_metrics: Collection[str], *, options: Collection[str] = (), any_kind: bool = False
) -> Scorecard:
    """A shipped scorecard by name, or one from a TOML file, checked against the metrics that exist.

    `options` switch on the optional rules that the file declares under `[options]`. `any_kind` gives also what the product
    does not score operators by: a proposal that nobody has confirmed, and a scorecard of a table's signals without rules.

    Raises:
        ConfigError: for an unknown name, an unreadable file, or any fault in the declaration; it names the place.
    """
    return read_scorecard(*declaration_of(name_or_path), known_metrics, options=options, any_kind=any_kind)


def read_scorecard(
    text: str, place: str, known_metrics: Collection[str], *, options: Collection[str] = (), any_kind: bool = False
) -> Scorecard:
    """A scorecard from its declaration; `place` is where that stands, for complaints. See `load_scorecard`."""
    card = _read(text, place, frozenset(known_metrics), tuple(sorted(options)))
    if not any_kind and not card.rules:
        raise ConfigError(
            f"{place} scores the signals of a table, not operators.",
            setting="scorecard",
            hint="Use it with `customer-research calibrate predict`.",
        )
    if not any_kind and card.churn is not None and card.churn.state == "proposed":
        raise ConfigError(
            f"{place} is proposed, not adopted.",
            setting="scorecard",
            hint="Once a person has looked at its report, calibrate again with what that asks for: --confirm, --keep or --drop.",
        )
    return card


@cache
def _read(text: str, name: str, metrics: frozenset[str], options: tuple[str, ...]) -> Scorecard:
    place = Place(name)
    document = place.tables(text)
    digest, offered = _digest(document, options), document.get("options", {})
    if own := sorted({"digest", "offered"} & set(document)):
        raise place.wrong(f"{name}: unknown key {own[0]!r}.")
    if missing := [option for option in options if option not in offered]:
        raise place.wrong(f"{name}: there is no option {missing[0]!r}; known: {', '.join(offered) or 'none'}.")
    card = read(Scorecard, {**document, "offered": offered, "options": options, "digest": digest}, place, metrics)
    return replace(card, rules=tuple(rule for rule in card.rules if not rule.option or rule.option in options))


def declaration_of(name_or_path: str | Path) -> tuple[str, str]:
    """The declaration (TOML) of a scorecard, and the words for where it stands.

    Raises:
        ConfigError: for an unknown name or an unreadable file.
    """
    shipped = shipped_scorecards()
    if str(name_or_path) in shipped:
        return shipped_text(f"scorecards/{name_or_path}.toml"), f"scorecard {name_or_path}"
    path = Path(name_or_path)
    if path.suffix != ".toml":
        raise ConfigError(
            f"There is no scorecard {str(name_or_path)!r}.",
            setting="scorecard",
            hint=f"Known: {', '.join(shipped)}; or give the path of a .toml file.",
        )
    place = f"scorecard {path.name}"
    return Place(place).text(path, "scorecard"), place


def _digest(document: Mapping[str, Any], options: Sequence[str]) -> str:
    """SHA-256 of what the declaration says: comments and layout do not count, options do."""
    content = {"declaration": document, "options": list(options)}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()
