"""The scorecard that a calibration writes: a new declaration (TOML), of signals alone or of a scorecard's rules made anew."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import tomlkit
from tomlkit.items import AoT, Table

from customer_research.domain.calibration import Calibration, LeakAlarm, ObservedChurn, Platt
from customer_research.health.calibration.panel import Signal
from customer_research.health.calibration.points import PERMILLE, PointScore
from customer_research.health.calibration.procedure import CalibrationResult
from customer_research.health.churn_evidence import State
from customer_research.health.scorecard import Cuts, Scorecard

_DIGITS = 6
_MINIMUM_COVERAGE = 0.5
_NAME = "calibrated"


@dataclass(frozen=True, slots=True)
class Origin:
    """What a scorecard was made from, for its version: digests of the panel's rows, and of the expert's points."""

    signals: str
    points: str

    def version(self, told: Calibration) -> str:
        """The same input and the same word of a person, the same version: the day of the last as-of, heads of digests."""
        said = sorted((alarm.decision, alarm.signal) for alarm in told.alarms if alarm.decided_by == "person")
        chosen = f".{hashlib.sha256(repr(said).encode()).hexdigest()[:4]}" if said else ""
        return f"{told.last_as_of:%Y-%m-%d}.{self.signals[:6]}{self.points[:4]}.{told.seed}{chosen}"


def card_text(calibrated: CalibrationResult, origin: Origin, base: str | None = None) -> str:
    """The declaration; `base` is that of the scorecard whose rules the signals are (None: the signals stand alone).

    The curve must be known: nothing is written where the ladder gives no probability.
    """
    told, ships = calibrated.told, calibrated.ships
    if told.curve is None:
        raise ValueError("a calibration without a curve writes no scorecard")
    expert = {signal.name: signal.expert_points for signal in told.signals}
    document = _alone(ships) if base is None else tomlkit.parse(base)
    uncalibrated = () if base is None else _rework(document, ships, expert)
    document["name"] = _NAME if base is None else f"{document['name']}_{_NAME}"
    document["version"] = origin.version(told)
    document["title"] = _title(told)
    _cut_bands(document, told)
    document.append("signals", _signals(ships, expert))
    document.append("calibration", _calibration(told, told.curve, origin, uncalibrated))
    return tomlkit.dumps(document)


def _title(told: Calibration) -> str:
    made = "the expert's points with a probability" if told.outcome == "refused" else "fitted"
    proposed = ", proposed" if _state(told) == "proposed" else ""
    return f"Calibrated on {told.events} churned accounts: {made}{proposed}"


def _state(told: Calibration) -> State:
    """What is open, a proposal or a suspected leak of which nobody has decided, is for nobody to score by."""
    if told.outcome == "proposed" or told.undecided:
        return "proposed"
    return "adopted" if told.outcome == "adopted" else "expert"


def _alone(ships: PointScore) -> tomlkit.TOMLDocument:
    """A scorecard of signals: dimensions and bands, no rules."""
    document = tomlkit.document()
    document.add(
        tomlkit.comment("Written by `customer-research calibrate`; used by `customer-research calibrate predict`.")
    )
    document.add(tomlkit.nl())
    document.update({"name": "", "version": "", "title": "", "minimum_coverage": _MINIMUM_COVERAGE, "bands": {}})
    document["dimensions"] = {
        name: {
            "title": name.capitalize(),
            "weight": weight / PERMILLE,
            "base": ships.bases.get(name, 100),
            "known_by": [],
        }
        for name, weight in ships.weights.items()
    }
    return document


def _cut_bands(document: tomlkit.TOMLDocument, told: Calibration) -> None:
    """The bands of the score; where they moved, a dimension keeps its own, for its points keep their sum."""
    if told.cuts.after != told.cuts.before and "dimension_bands" not in document:
        document.append("dimension_bands", cut_table(told.cuts.before))
    for band, cut in zip(Cuts._fields, told.cuts.after, strict=True):
        document["bands"][band] = cut


def cut_table(cuts: tuple[int, int, int]) -> Table:
    """The least scores of healthy, monitor and at risk, as a declaration has them."""
    table = tomlkit.table()
    table.update(Cuts(*cuts)._asdict())
    return table


def _rework(document: tomlkit.TOMLDocument, ships: PointScore, expert: Mapping[str, float]) -> tuple[str, ...]:
    """Give a scorecard's dimensions and rules their new weights and points; the rules that were no signals."""
    for name, dimension in document["dimensions"].items():
        dimension["weight"] = ships.weights.get(name, 0) / PERMILLE
    factors = {
        signal.name.lower(): signal.points / expert[signal.name] for signal in ships.signals if expert[signal.name]
    }
    untouched = []
    for rule in document["rules"]:
        if rule.get("note"):
            continue
        factor = factors.get(rule["id"].lower())
        if factor is None:
            untouched.append(str(rule["id"]))
            continue
        rule["points"] = round(rule["points"] * factor)
        if "cap" in rule:
            rule["cap"] = max(1, round(rule["cap"] * factor))
    return tuple(untouched)


def _signals(ships: PointScore, expert: Mapping[str, float]) -> AoT:
    return tomlkit.item(
        [
            {
                "name": signal.name,
                "dimension": signal.dimension,
                "points": _plain(signal.points),
                "expert_points": _plain(expert[signal.name]),
            }
            for signal in ships.signals
        ]
    )


def _plain(number: float) -> float:
    """A whole number without its point."""
    return int(number) if float(number).is_integer() else float(number)


def _calibration(told: Calibration, curve: Platt, origin: Origin, uncalibrated: Sequence[str]) -> Table:
    table = tomlkit.table()
    table.add(tomlkit.comment("P(churn within window_days) = 1 / (1 + exp(-(intercept + slope * (100 - score))))"))
    said = {
        "state": _state(told),
        **_rounded(asdict(curve)),
        **{key: getattr(told, key) for key in ("window_days", "events", "accounts", "rows")},
        "first_as_of": f"{told.first_as_of:%Y-%m-%d}",
        "last_as_of": f"{told.last_as_of:%Y-%m-%d}",
        "split": told.split,
        "seed": told.seed,
        **({} if told.tau is None else {"tau": told.tau}),
        "signals_digest": origin.signals,
        "points_digest": origin.points,
        **({"uncalibrated_rules": list(uncalibrated)} if uncalibrated else {}),
        "observed": [_observed(line) for line in told.observed],
        **({"alarms": [_alarm(alarm) for alarm in told.alarms]} if told.alarms else {}),
    }
    table.update(said)
    return table


def _alarm(alarm: LeakAlarm) -> dict[str, Any]:
    """A signal that was suspected of knowing the churn, what it does, and who decided what."""
    effect = asdict(alarm.effect) if alarm.effect is not None else {}
    figures = {"auc": alarm.auc, "churn_where_fires": alarm.churn_where_fires, **effect}
    return {key: getattr(alarm, key) for key in ("signal", "why", "decision", "decided_by")} | _rounded(figures)


def _observed(line: ObservedChurn) -> dict[str, Any]:
    counts = {key: value for key, value in asdict(line).items() if key != "rate"}
    return counts | _rounded({"rate": line.rate.value, "low": line.rate.low, "high": line.rate.high})


def _rounded(figures: Mapping[str, float | None]) -> dict[str, float]:
    """Figures as they are written; what is not known is left out."""
    return {key: round(value, _DIGITS) for key, value in figures.items() if value is not None}


def card_score(card: Scorecard) -> PointScore:
    """The score of points that a scorecard gives signals: its own signals', or its rules' (each at its full points)."""
    signals = tuple(Signal(signal.name, signal.dimension, signal.points) for signal in card.signals) or tuple(
        Signal(rule.id, rule.dimension, float(-(rule.points if not rule.cap else _capped(rule.points, rule.cap))))
        for rule in card.rules
    )
    weights = {dimension.name: dimension.weight for dimension in card.dimensions}
    return PointScore(signals, weights, {dimension.name: dimension.base for dimension in card.dimensions})


def _capped(points: int, cap: int) -> int:
    """The most that a rule whose points are counted by a metric takes or gives."""
    return cap if points > 0 else -cap
