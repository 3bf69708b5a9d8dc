"""Alarms of leaks: what is suspected, what a person or the guard decided, and what each suspect does to the score."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np

from customer_research.domain.calibration import Decider, LeakAlarm, LeakDecision, LeakEffect
from customer_research.errors import UsageError
from customer_research.health.calibration.evaluation import RiskOrder
from customer_research.health.calibration.fitting import Design
from customer_research.health.calibration.leaks import alone, suspicion
from customer_research.health.calibration.logistic import losses
from customer_research.health.calibration.panel import Panel
from customer_research.health.calibration.points import PointScore
from customer_research.health.calibration.validation import Fold, out_of_fold

_SHOWN = 60


def alarms(panel: Panel, keep: Collection[str], drop: Collection[str]) -> tuple[LeakAlarm, ...]:
    """Every signal that is suspected or that a person dropped, with what was decided; its effect is not told yet.

    Raises:
        UsageError: a name to keep or drop is no signal, or is to be both; or no signal would be left.
    """
    _refuse(panel.names, keep, drop)
    base = float(panel.churned.mean())
    found = []
    for column, name in enumerate(panel.names):
        known = alone(panel, column)
        why = suspicion(name, known, base)
        if not why and name not in drop:
            continue
        decision, by = _decided(name, keep, drop, repeats=known.repeats_the_label)
        found.append(LeakAlarm(name, why, known.auc, known.fires, known.churn_where_fires, decision, by))
    if all(name in {one.signal for one in found if one.decision == "dropped"} for name in panel.names):
        raise UsageError(
            "Every signal is dropped, so none is left.",
            hint="; ".join(f"{one.signal}: {one.why or 'a person dropped it'}" for one in found) + ".",
        )
    return tuple(found)


def _refuse(names: Sequence[str], keep: Collection[str], drop: Collection[str]) -> None:
    if strangers := [name for name in (*keep, *drop) if name not in names]:
        raise UsageError(
            f"There is no signal {strangers[0][:_SHOWN]!r} to keep or drop.",
            hint=f"The signals are {', '.join(names)}.",
        )
    if both := [name for name in keep if name in drop]:
        raise UsageError(f"{both[0]!r} cannot be both kept and dropped.", hint="Give --keep or --drop, one of them.")


def _decided(name: str, keep: Collection[str], drop: Collection[str], *, repeats: bool) -> tuple[LeakDecision, Decider]:
    """A person's word goes before the guard's."""
    if name in drop:
        return "dropped", "person"
    if name in keep:
        return "kept", "person"
    return ("dropped", "guard") if repeats else ("open", "nobody")


class Effects:
    """What signals do to a score, judged out of fold on the same rows with each of them and without it.

    `folds` are those of one repeat (none: too little churn for a probability); the score is that of the expert at `tau` 0.
    """

    def __init__(
        self, panel: Panel, expert_of: Callable[[Panel], PointScore], folds: Sequence[Fold], tau: float
    ) -> None:
        self._panel, self._expert_of, self._folds, self._tau = panel, expert_of, folds, tau
        self._found: dict[frozenset[str], tuple[float | None, float | None]] = {}

    def told(self, alarms: Sequence[LeakAlarm]) -> tuple[LeakAlarm, ...]:
        """The alarms with their effects, each beside all other signals that count."""
        counting = set(self._panel.names) - {alarm.signal for alarm in alarms if alarm.decision == "dropped"}
        return tuple(replace(alarm, effect=self._of(alarm.signal, counting)) for alarm in alarms)

    def _of(self, name: str, counting: set[str]) -> LeakEffect:
        auc_with, loss_with = self._judged(frozenset(counting | {name}))
        auc_without, loss_without = self._judged(frozenset(counting - {name}))
        return LeakEffect(auc_with, auc_without, loss_with, loss_without)

    def _judged(self, names: frozenset[str]) -> tuple[float | None, float | None]:
        if not names:
            return None, None
        if names not in self._found:
            self._found[names] = self._judge(self._panel.only(list(names)))
        return self._found[names]

    def _judge(self, panel: Panel) -> tuple[float, float | None]:
        expert = self._expert_of(panel)
        if not self._folds:
            risk = -expert.scores(panel.signals).astype(np.float64)
            return RiskOrder(risk, panel.churned).auc(np.ones(len(panel))), None
        found = out_of_fold(panel, Design.of(panel, expert), expert, [self._folds], [self._tau])
        (predicted,), (scores,) = (one[:, found.tested] for one in found.of(self._tau))
        churned = panel.churned[found.tested]
        auc = RiskOrder(-scores, churned).auc(np.ones(len(churned)))
        return auc, float(losses(predicted, churned.astype(np.float64)).mean())
