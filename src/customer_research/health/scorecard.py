"""Scorecards: named, versioned sets of rules, weights, bands and gates, declared in TOML and checked when loaded."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import cast, get_args

from customer_research.domain.health import BAND_ORDER, Band, Status
from customer_research.errors import ConfigError
from customer_research.health.alert_choice import AlertChoice, read_alert_choice
from customer_research.health.churn_evidence import ChurnEvidence, SignalPoints, read_evidence, read_signals
from customer_research.health.declaration import Declaration
from customer_research.health.rules import Case, Vocabulary, metrics_of, read_cases

PERMILLE = 1000
"""Weights are whole thousandths, so that every engine adds them up to the same figure."""

_ALL = 1000
"""Points that take any dimension from its top to 0, whatever else is given."""

_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_RULE = re.compile(r"^[A-Z][A-Za-z0-9]{0,11}$")


@dataclass(frozen=True, slots=True)
class DimensionRule:
    """A dimension: its weight in thousandths, where its score starts, and the metrics of which one must be known.

    `needs` must all be known besides: without them the others say nothing of the dimension.
    """

    name: str
    title: str
    weight: int
    base: int
    known_by: tuple[str, ...]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: the cases in which it fires, its points (times the metric `per`, at most `cap`), and its exclusions.

    `unless` names rules that, when they fire, leave this one out; `not_for` statuses it does not judge. A rule of 0 points is
    a note: what it says is shown and costs nothing. `category` is what kind of sign it is, for those who group by it.
    """

    id: str
    dimension: str
    cases: tuple[Case, ...]
    points: int
    per: str
    cap: int
    unless: tuple[str, ...]
    not_for: tuple[str, ...]
    window: str
    category: str = ""

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

    name: str
    cases: tuple[Case, ...]
    cap: Band
    not_for: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A checked scorecard. `cuts` are the least scores of healthy, monitor and at_risk; `digest` proves what it says.

    `dimension_cuts` are those of a dimension's own bands: the same, unless churn has moved those of the score.

    `minimum_coverage` is in thousandths of the weights; `critical_cap` the band above which one of `critical_dimensions` in its
    own critical band does not let the operator rise (None: no such cap), `critical_reason` why. With `one_number` a cap holds
    the score, too, at the top of its band. `by_evidence` (unless the declaration counts coverage by the dimension): a rule that a
    silent source keeps from being judged takes its share of its dimension's weight from the coverage, and the score is the
    least it can be (see `health.scoring`). Who has a status of `outside` has no band. A calibrated scorecard has `signals`, and `churn`, the evidence behind its points
    and its probability; `alerting` says where it alerts and what its bands were tied to.
    """

    name: str
    version: str
    title: str
    minimum_coverage: int
    critical_cap: Band | None
    critical_dimensions: tuple[str, ...]
    critical_reason: str
    one_number: bool
    by_evidence: bool
    outside: tuple[Status, ...]
    cuts: tuple[int, int, int]
    dimension_cuts: tuple[int, int, int]
    dimensions: tuple[DimensionRule, ...]
    rules: tuple[Rule, ...]
    gates: tuple[GateRule, ...]
    options: tuple[str, ...]
    digest: str
    signals: tuple[SignalPoints, ...] = ()
    churn: ChurnEvidence | None = None
    alerting: AlertChoice | None = None

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
    folder = resources.files("customer_research.health").joinpath("scorecards")
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


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
def _read(text: str, place: str, metrics: frozenset[str], options: tuple[str, ...]) -> Scorecard:
    return _Reader(Declaration.parse(text, place), metrics, options).scorecard(text)


def declaration_of(name_or_path: str | Path) -> tuple[str, str]:
    """The declaration (TOML) of a scorecard, and the words for where it stands.

    Raises:
        ConfigError: for an unknown name or an unreadable file.
    """
    shipped = shipped_scorecards()
    if str(name_or_path) in shipped:
        file = resources.files("customer_research.health").joinpath("scorecards", f"{name_or_path}.toml")
        return file.read_text(encoding="utf-8"), f"scorecard {name_or_path}"
    path = Path(name_or_path)
    if path.suffix != ".toml":
        raise ConfigError(
            f"There is no scorecard {str(name_or_path)!r}.",
            setting="scorecard",
            hint=f"Known: {', '.join(shipped)}; or give the path of a .toml file.",
        )
    try:
        return path.read_text(encoding="utf-8"), f"scorecard {path.name}"
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The scorecard {path} cannot be read: {type(error).__name__}.", setting="scorecard"
        ) from None


class _Reader:
    """Turns one declaration into a scorecard."""

    def __init__(self, declared: Declaration, metrics: frozenset[str], options: tuple[str, ...]) -> None:
        self._declared = declared
        self._options = options
        self._words = Vocabulary(metrics, declared.mapping("terms"))
        self._calibrated = "calibration" in declared
        self._tied_to_churn = "alerting" in declared
        self._of_signals = "signals" in declared and "rules" not in declared

    def scorecard(self, text: str) -> Scorecard:
        top = self._declared
        offered = top.mapping("options")
        if missing := [option for option in self._options if option not in offered]:
            raise top.error(f"there is no option {missing[0]!r}; known: {', '.join(offered) or 'none'}.")
        dimensions = tuple(self._dimension(name, table) for name, table in top.named_tables("dimensions"))
        if sum(dimension.weight for dimension in dimensions) != PERMILLE:
            raise top.error("the weights of the dimensions must add up to 1.")
        names = frozenset(dimension.name for dimension in dimensions)
        rules = tuple(rule for table in top.tables("rules", "id") for rule in self._rule(table, names, offered))
        if not rules and not self._of_signals:
            raise top.error("it has no rules.")
        self._check_references(rules)
        cap = top.text("dimension_critical_cap", "")
        critical = top.texts("critical_dimensions", tuple(dimension.name for dimension in dimensions))
        if unknown := [name for name in critical if name not in names]:
            raise top.error(f"'critical_dimensions' names {unknown[0]!r}, which is no dimension.")
        cuts = self._cuts(top.table("bands"))
        card = Scorecard(
            name=self._identifier(top, "name"),
            version=top.text("version"),
            title=top.text("title"),
            minimum_coverage=self._share(top, "minimum_coverage"),
            critical_cap=self._cap(top, cap) if cap else None,
            critical_dimensions=critical if cap else (),
            critical_reason=top.text("critical_reason", ""),
            one_number=top.flag("one_number", default=False),
            by_evidence=self._by_evidence(top),
            outside=self._statuses(top, "outside_bands"),
            cuts=cuts,
            dimension_cuts=self._cuts(top.table("dimension_bands")) if "dimension_bands" in top else cuts,
            dimensions=dimensions,
            rules=rules,
            gates=tuple(self._gate(table) for table in top.tables("gates", "name")),
            options=self._options,
            digest=_digest(text, self._options),
            signals=read_signals(top, names),
            churn=read_evidence(top),
            alerting=read_alert_choice(top),
        )
        top.finish()
        return card

    def _dimension(self, name: str, declared: Declaration) -> DimensionRule:
        if not _NAME.match(name):
            raise declared.error("a dimension's name is made of lower-case letters, digits and underscores.")
        known_by = tuple(self._words.metric(metric, declared) for metric in declared.texts("known_by"))
        base = declared.integer("base")
        if not (known_by or self._of_signals) or not 0 <= base <= 100:  # noqa: PLR2004 - scores run from 0 to 100
            raise declared.error("it needs a base from 0 to 100 and at least one metric in 'known_by'.")
        # churn may show that a whole dimension tells nothing
        least = 0 if self._calibrated else 1
        weight = self._share(declared, "weight", least)
        needs = tuple(self._words.metric(metric, declared) for metric in declared.texts("needs", ()))
        dimension = DimensionRule(name, declared.text("title"), weight, base, known_by, needs)
        declared.finish()
        return dimension

    def _rule(self, declared: Declaration, dimensions: Collection[str], offered: Collection[str]) -> Sequence[Rule]:
        option = declared.text("option", "")
        if option and option not in offered:
            raise declared.error(f"option {option!r} is not declared under [options].")
        per = declared.text("per", "")
        rule = Rule(
            id=declared.text("id"),
            dimension=declared.text("dimension"),
            cases=read_cases(declared, self._words),
            points=declared.integer("points"),
            per=self._words.metric(per, declared) if per else "",
            cap=declared.integer("cap", 0),
            unless=declared.texts("unless", ()),
            not_for=self._statuses(declared, "not_for"),
            window=declared.text("window"),
            category=declared.text("category", ""),
        )
        idle = rule.points == 0 and not (
            declared.flag("note", default=False) or self._calibrated
        )  # or held at 0 by churn
        if not _RULE.match(rule.id) or rule.dimension not in dimensions or idle or rule.cap < 0:
            raise declared.error(
                "it needs an id such as P1, a declared dimension, points that are not 0, and no cap below 0."
            )
        declared.finish()
        return (rule,) if not option or option in self._options else ()

    def _gate(self, declared: Declaration) -> GateRule:
        not_for = self._statuses(declared, "not_for")
        name, cap = self._identifier(declared, "name"), self._cap(declared, declared.text("cap"))
        cases = read_cases(declared, self._words)
        reason = declared.text("reason", "")
        declared.finish()
        return GateRule(name, cases, cap, not_for, reason)

    def _check_references(self, rules: Sequence[Rule]) -> None:
        """Ids are unique, and `unless` names earlier rules only, so that exclusions cannot go round in circles."""
        earlier: set[str] = set()
        for rule in rules:
            if rule.id.lower() in earlier:
                raise self._declared.error(f"two rules are called {rule.id}.")
            if unknown := [other for other in rule.unless if other.lower() not in earlier]:
                raise self._declared.error(f"rule {rule.id}: 'unless' names {unknown[0]}, which is no earlier rule.")
            earlier.add(rule.id.lower())

    def _statuses(self, declared: Declaration, key: str) -> tuple[Status, ...]:
        statuses = declared.texts(key, ())
        if unknown := [status for status in statuses if status not in get_args(Status)]:
            raise declared.error(f"{unknown[0]!r} is not a status; known: {', '.join(get_args(Status))}.")
        return cast("tuple[Status, ...]", statuses)

    def _by_evidence(self, declared: Declaration) -> bool:
        way = declared.text("coverage_by", "evidence")
        if way not in ("dimension", "evidence"):
            raise declared.error(f"'coverage_by' is dimension or evidence, not {way!r}.")
        return way == "evidence"

    def _cap(self, declared: Declaration, text: str) -> Band:
        if text not in ("monitor", "at_risk", "critical"):
            raise declared.error(f"{text!r} is no cap; known: monitor, at_risk, critical.")
        return cast("Band", text)

    def _cuts(self, declared: Declaration) -> tuple[int, int, int]:
        healthy, monitor, at_risk = (declared.integer(band) for band in ("healthy", "monitor", "at_risk"))
        falling = 0 < at_risk < monitor < healthy
        if self._tied_to_churn or self._calibrated:  # bands that churn does not separate are one: the others are empty
            falling = 0 <= at_risk <= monitor <= healthy
        if not falling or healthy > 100:  # noqa: PLR2004 - scores run from 0 to 100
            raise declared.error("the cut-offs must fall from healthy over monitor to at_risk, within 1 to 100.")
        declared.finish()
        return healthy, monitor, at_risk

    def _identifier(self, declared: Declaration, key: str) -> str:
        text = declared.text(key)
        if not _NAME.match(text):
            raise declared.error(f"{key!r} is made of lower-case letters, digits and underscores, not {text!r}.")
        return text

    def _share(self, declared: Declaration, key: str, least: int = 1) -> int:
        """A share from `least` thousandths to 1, given in steps of a thousandth."""
        share = declared.number(key) * PERMILLE
        if not least - 0.5 < share <= PERMILLE or abs(share - round(share)) > 1e-6:  # noqa: PLR2004 - binary fractions' dust
            raise declared.error(f"{key!r} must be above 0 and at most 1, in steps of 0.001.")
        return round(share)


def _digest(text: str, options: Sequence[str]) -> str:
    """SHA-256 of what the declaration says: comments and layout do not count, options do."""
    content = {"declaration": tomllib.loads(text), "options": list(options)}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
