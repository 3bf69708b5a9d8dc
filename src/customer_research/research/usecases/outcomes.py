"""Use cases of what people record: what was done about an operator, and why one left."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from customer_research.domain.money import to_minor
from customer_research.domain.outcome import ChurnKind, ChurnReason, Intervention, Outcome, RecordKind
from customer_research.domain.parsing import day
from customer_research.errors import UsageError
from customer_research.research import options
from customer_research.research.request import Request, argument, option, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, lines, of_report

if TYPE_CHECKING:
    from customer_research.research.usecases.runner import Call


def _on() -> str | None:
    on: str | None = options.instant("The day it happened; default: today.")
    return on


def _note() -> str:
    note: str = option("A few words.", "")
    return note


@request
class Done(Request):
    """Note what was done about OPERATOR."""

    WHOSE = ("operator",)

    operator: str = options.operator()
    kind: Intervention = option("What was done.")
    on: str | None = _on()
    note: str = _note()

    def answer(self, call: Call) -> Answer:
        return _recorded(call, self, "intervention", self.kind)


@request
class Churn(Request):
    """Note that OPERATOR left, when and why."""

    WHOSE = ("operator",)

    operator: str = options.operator()
    reason: ChurnReason = option("Why it left.")
    kind: ChurnKind = option("By choice or not paying.", "voluntary")
    on: str | None = _on()
    secondary: ChurnReason | None = option("A second reason.", None)
    competitor: str = option("Who won it.", "")
    lost_mrr: float | None = option("The MRR lost.", None, metavar="USD", ge=0)
    returns: bool | None = option("Whether it may come back.", None, flags=("--may-return/--will-not-return",))
    note: str = _note()

    def answer(self, call: Call) -> Answer:
        return _recorded(
            call,
            self,
            "churn",
            self.reason,
            secondary=self.secondary or "",
            churn_kind=self.kind,
            competitor=self.competitor,
            lost_minor=None if self.lost_mrr is None else to_minor(self.lost_mrr, "USD"),
            returns=self.returns,
        )


def _recorded(call: Call, asked: Done | Churn, kind: RecordKind, what: str, **more: Any) -> Answer:
    now = call.clock()
    record = Outcome("", kind, "", "", _day(asked.on) or now.date(), what, call.actor.name, now, asked.note, **more)
    kept = rooms.outcomes.record(call.settings, asked.operator, record)
    what = f"left for {kept.what}" if kept.kind == "churn" else kept.what
    return lines(f"Recorded {kept.id}: {kept.name[:80]}, {kept.on}, {what.replace('_', ' ')}.")


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return day(text)
    except ValueError:
        raise UsageError(f"{text[:40]!r} is no day.", hint="Write 2026-11-01.") from None


@request
class Listed(Request):
    """What was recorded, of OPERATOR or of all, the newest first."""

    WHOSE = ("operator",)

    operator: str | None = options.operator(None)

    def answer(self, call: Call) -> Answer:
        return of_report(rooms.outcomes.outcomes_report(call.settings, self.operator, now=call.clock()))


@request
class Retraction(Request):
    """Take record ID back; it is kept, and does not count any more."""

    record: str = argument("The record's id.", metavar="ID")
    note: str = _note()

    def answer(self, call: Call) -> Answer:
        taken = rooms.outcomes.retract(
            call.settings, self.record, note=self.note, who=call.actor.name, now=call.clock()
        )
        return lines(f"Record {taken.retracts} of {taken.name[:80]} does not count any more.")
