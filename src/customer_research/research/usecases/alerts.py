"""Use cases of alerts: what is open, one alert, what people do about it, a check, a simulation, the rules."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from customer_research.domain.words import clean, counted
from customer_research.errors import UsageError
from customer_research.research import options
from customer_research.research.alerting.requests import AlertChoice
from customer_research.research.request import Request, argument, option, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, Line, Text, lines, of_report

if TYPE_CHECKING:
    from customer_research.domain.alert import Episode, RuleInWords
    from customer_research.research.usecases.runner import Call

NOW = "now"

_LONGEST_NOTE = 500
"""Characters of a note."""


def _rules() -> Path | None:
    path: Path | None = option("A file of rules; default: setting alerts.rules.", None, file="file")
    return path


def _alert() -> str:
    named: str = argument("The alert's id, or the beginning of it.", metavar="ID")
    return named


@request
class Open(AlertChoice, Request):
    """The open alerts, the most urgent first, with money, owner, reason and the next step: one for each operator, whatever many rules
    speak of it. What can wait for more than a week is counted; `--all` lists it.

    Alerts come from rules over the score history: `alerts check` judges what `portfolio score` has kept. An alert is raised once
    and stays one until it is cleared; a source that fails is one alert about the source, never a decline of operators.
    Exit code 3: a source was missing in the newest snapshot that was judged.
    """

    WHOSE = ("owner",)

    def answer(self, call: Call) -> Answer:
        alone = bool(call.actor.book)
        return of_report(rooms.open_list.open_alerts(call.settings, self, now=call.clock(), alone=alone))


@request
class Check(Request):
    """Judge the snapshots that were scored since the last check (the first time: the newest), raise and clear alerts, and say which.
    What the first check finds had come together until then: it is standing, not new.

    The same snapshot judged twice changes nothing; two programs that do so at once raise an alert once.
    """

    limit: int = options.limit()

    def answer(self, call: Call) -> Answer:
        return of_report(rooms.alerts.checked(call.settings, now=call.clock(), most=self.limit or None))


@request
class One(Request):
    """Alert ID in full: figures with receipts, what to do, and what happened to it."""

    WHOSE = ("alert",)

    alert: str = _alert()

    def answer(self, call: Call) -> Answer:
        return of_report(rooms.alerts.one_alert(call.settings, self.alert, now=call.clock()))


@request
class Seen(Request):
    """Note that alert ID has been seen, with a few words if there are any."""

    WHOSE = ("alert",)

    alert: str = _alert()
    note: str = option("A few words: what is being done about it.", "")

    def answer(self, call: Call) -> Answer:
        note = clean(self.note)[:_LONGEST_NOTE]
        episode = rooms.alerts.changed(
            call.settings, lambda book: book.acknowledge(self.alert, who=call.actor.name, now=call.clock(), note=note)
        )
        return _said(episode, f"acknowledged by {episode.acknowledged_by}")


@request
class Unseen(Request):
    """Take back that alert ID has been seen."""

    WHOSE = ("alert",)

    alert: str = _alert()

    def answer(self, call: Call) -> Answer:
        episode = rooms.alerts.changed(
            call.settings, lambda book: book.take_back(self.alert, who=call.actor.name, now=call.clock())
        )
        return _said(episode, "not acknowledged")


@request
class Snooze(Request):
    """Hide alert ID until a day to come (its midnight) or an instant, UTC; `now` ends a snooze. It is not raised anew
    meanwhile, even if it clears and comes back.
    """

    WHOSE = ("alert",)

    alert: str = _alert()
    until: str = option("A day or an instant to come, UTC; now ends a snooze.", metavar="DATE")

    def answer(self, call: Call) -> Answer:

        now, until = call.clock(), self.until.strip()
        ends = until.lower() == NOW
        moment = now if ends else options.instant_of(self.until)
        if not ends and moment <= now:
            raise UsageError(f"{until} has passed.", hint=f"Give a day to come, or --until {NOW} to end a snooze.")
        episode = rooms.alerts.changed(
            call.settings, lambda book: book.snooze(self.alert, moment, who=call.actor.name, now=now)
        )
        return _said(
            episode, f"snoozed until {moment:%Y-%m-%d %H:%M} UTC" if episode.snoozed(now) else "no longer snoozed"
        )


@request
class Assignment(Request):
    """Give alert ID to NAME; an empty NAME takes it away."""

    WHOSE = ("alert",)

    alert: str = _alert()
    name: str = argument("The person; empty: nobody.")

    def answer(self, call: Call) -> Answer:
        who, now = call.actor.name, call.clock()
        episode = rooms.alerts.changed(
            call.settings, lambda book: book.assign(self.alert, self.name.strip(), who=who, now=now)
        )
        return _said(episode, f"assigned to {episode.assignee}" if episode.assignee else "assigned to nobody")


def _said(episode: Episode, what: str) -> Answer:
    return lines(f"Alert {episode.id} ({episode.title}: {episode.source or episode.name}) is {what}.")


@request
class Tell(Request):
    """Put messages into the outbox: one for each alert that is new and cannot wait, one for each change of band after it, in its thread.

    What was told is not told again, however often this runs. A reader gets at most so many in a week (--budget); what is to be done
    at once comes beyond that, the rest stands in `alerts`, and the digest counts it. What stood at the first check is not new.
    Exit code 3: nobody knows where an account owner wants to be told, or whose an alert is.
    """

    to: tuple[str, ...] = option(
        "An address told of everybody's operators (repeatable): slack:C0123.", (), metavar="ADDRESS"
    )
    owners: bool = option("Each account owner of their own operators, as they want it (`me set`).", False)
    budget: int = option("How many alerts a reader gets in a week.", 3, ge=1)

    def answer(self, call: Call) -> Answer:
        told = rooms.alert_messages.tell(
            call.settings, to=self.to, owners=self.owners, budget=self.budget, now=call.clock()
        )
        return lines(*told.words(), state="partial" if told.partial else "done")


@request
class Rules(Request):
    """The alert rules: when each is raised and cleared, whom it concerns, what to do, and why so."""

    OUTPUT_AFTER = "rules"
    DOCUMENT = "As JSON."

    rules: Path | None = _rules()
    toml: bool = option("The shipped file, as a start for one's own.", False)

    def answer(self, call: Call) -> Answer:
        if self.toml:
            from customer_research.health.alerts.declared import shipped_rules

            return Answer(Text((f"{shipped_rules().rstrip()}\n",)))
        found = rooms.alerts.rules_in_words(call.settings, self.rules)
        words = [line for rule in found for line in ("", *_rule_lines(rule))][1:]
        return lines(*words, document=[dataclasses.asdict(rule) for rule in found])


def _rule_lines(rule: RuleInWords) -> tuple[Line, ...]:
    off = "" if rule.enabled else ", switched off"
    quiet, cool_down = counted(rule.quiet_days, "day"), counted(rule.cool_down_days, "day")
    return (
        (f"{rule.id}  ", f"{rule.title} ({rule.severity}{off})"),
        ("    when:   ", rule.when),
        ("    for:    ", rule.concerns),
        ("    do:     ", f"{rule.action} ({rule.owner})"),
        ("    why so: ", rule.reason),
        ("    pause:  ", f"cleared after {quiet} without it; not raised again within {cool_down} after that"),
    )


@request
class Simulation(Request):
    """How many alerts each rule (those switched off, too) would have raised on the history, for how long, on how many operators, and
    how many of these left within 90 days. Nothing is written. What was not judged at a past date (see `history backfill`) raises
    nothing there.
    """

    weeks: int = option("How many weeks back.", 52, ge=1, le=1040)
    rules: Path | None = _rules()

    def answer(self, call: Call) -> Answer:
        found = rooms.alerts.simulated(
            call.settings, self.weeks, rules=self.rules, now=call.clock(), progress=call.progress
        )
        return of_report(found)
