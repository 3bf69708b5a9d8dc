"""The life of an alert: one episode of a rule and subject at a time, raised once, cleared once.

`step` is the whole of it: (episode so far, what the rule says now) → (episode, what happened). The same state twice makes
nothing new, and what is unknown changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from customer_research.domain.alert import AlertState, Change, Episode, Grounds, Key, Observation
from customer_research.health.alerts.rules import AlertRule

RETIRED = "The rule is no longer in force."


class Teller:
    """Gives the words of changes; this one gives none, for when nobody reads them."""

    def name(self, subject: str) -> str:
        """The subject's name."""
        return subject

    def told(self, rule: AlertRule, subject: str) -> Grounds:
        """Why the rule holds."""
        del rule, subject
        return Grounds()

    def cleared(self, rule: AlertRule, subject: str) -> str:
        """Why it no longer does."""
        del rule, subject
        return ""


SILENT = Teller()


def step(
    rule: AlertRule,
    subject: str,
    last: Episode | None,
    state: AlertState,
    seen: Observation,
    *,
    teller: Teller = SILENT,
    assignee: str = "",
) -> Change | None:
    """What a rule's state makes of the last episode of a subject (None: there was none); None when nothing happens.

    A snapshot older than the last one in which something was seen changes nothing. What no longer holds is cleared when it
    has not held for `quiet_days`; what the rule no longer concerns, at once. Within `cool_down_days` after clearing nothing
    is raised. A snooze that has not run out, and who has it in hand, pass on to the next episode; who has another reason of
    the same subject in hand (`assignee`) has this one, too.
    """
    if last is not None and seen.as_of < _latest(last).as_of:
        return None
    if last is None or last.cleared is not None:
        raised = _raised(rule, subject, last, seen, teller) if state == "holds" else None
        if raised is not None and assignee and not raised.episode.assignee:
            return Change("raised", replace(raised.episode, assignee=assignee))
        return raised
    if state == "holds":
        held = replace(last, name=teller.name(subject), told=teller.told(rule, subject), held=seen)
        return Change("continued", held)
    if state == "over" or (state == "clears" and seen.as_of >= last.held.as_of + timedelta(days=rule.quiet_days)):
        return Change("cleared", replace(last, cleared=seen, cleared_because=teller.cleared(rule, subject)))
    return None


def _latest(episode: Episode) -> Observation:
    return episode.cleared or episode.held


def _raised(rule: AlertRule, subject: str, last: Episode | None, seen: Observation, teller: Teller) -> Change | None:
    if last is not None and last.cleared is not None and _cooling(rule, last.cleared, seen):
        return None
    episode = Episode(
        rule=rule.id,
        subject=subject,
        name=teller.name(subject),
        number=last.number + 1 if last else 1,
        title=rule.title,
        severity=rule.severity,
        told=teller.told(rule, subject),
        raised=seen,
        held=seen,
        snoozed_until=last.snoozed_until if last and last.snoozed(seen.as_of) else None,
        assignee=last.assignee if last else "",
    )
    return Change("raised", episode)


def _cooling(rule: AlertRule, cleared: Observation, seen: Observation) -> bool:
    return seen == cleared or seen.as_of < cleared.as_of + timedelta(days=rule.cool_down_days)


def advance(
    rules: Sequence[AlertRule],
    states: Mapping[str, Mapping[str, AlertState]],
    last: Mapping[Key, Episode],
    seen: Observation,
    teller: Teller,
) -> Iterator[Change]:
    """All changes that one snapshot makes, in the order of the rules and subjects.

    `states` are those of `rules` (rule id → subject → state); `last` the last episode of each rule and subject. Open
    episodes of rules that are not among `rules` are cleared. While an alert of a graver rule (`covered_by`) is open, none of
    a lesser one is raised of the same subject: also while the graver one cannot be told, or waits to be cleared.
    """
    open_subjects: dict[str, set[str]] = {}
    hands = {episode.subject: episode.assignee for episode in last.values() if episode.open and episode.assignee}
    for (rule_id, subject), episode in last.items():
        if episode.open:
            open_subjects.setdefault(rule_id, set()).add(subject)
    open_after: dict[str, set[str]] = {}
    for rule in rules:
        still = open_subjects.pop(rule.id, set())
        open_after[rule.id] = now_open = set(still)
        of_rule = states[rule.id]
        concerned = still.union(subject for subject, state in of_rule.items() if state == "holds")
        covered = set().union(*(open_after.get(graver, ()) for graver in rule.covered_by)) - still
        for subject in sorted(concerned - covered):
            state = of_rule.get(subject, "unknown")
            before, hand = last.get((rule.id, subject)), hands.get(subject, "")
            if change := step(rule, subject, before, state, seen, teller=teller, assignee=hand):
                (now_open.discard if change.what == "cleared" else now_open.add)(subject)
                yield change
    yield from _retired(open_subjects, last, seen)


def _retired(subjects: Mapping[str, set[str]], last: Mapping[Key, Episode], seen: Observation) -> Iterator[Change]:
    for rule_id in sorted(subjects):
        for subject in sorted(subjects[rule_id]):
            episode = last[rule_id, subject]
            if seen.as_of >= _latest(episode).as_of:
                yield Change("cleared", replace(episode, cleared=seen, cleared_because=RETIRED))
