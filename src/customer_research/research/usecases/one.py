"""Use cases about one operator: lookup, reports, assumptions, what is missing, why a figure is as it is, account snapshots."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_research.domain.access import NotedCall
from customer_research.domain.advice import Meeting
from customer_research.domain.evidence import ANSWERS, Gap
from customer_research.domain.occasion import Occasion
from customer_research.domain.report import Audience
from customer_research.domain.words import counted
from customer_research.errors import UsageError
from customer_research.reports.kinds import OPERATOR_KINDS, declared
from customer_research.reports.kinds.lookup import Field
from customer_research.research import options
from customer_research.research.request import Content, Request, argument, option, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, State, Table, lines, of_report, written

if TYPE_CHECKING:
    from customer_research.domain.identity import LookupAnswer
    from customer_research.domain.report import Report
    from customer_research.drafts.verdicts import Verdict
    from customer_research.research.usecases.runner import Call


@request
class Lookup(Request):
    """Find an operator by any identifier or name (TERM).

    --field tells one field of its contacts unmasked, and leaves all other personal data masked; who asked is noted in the store.
    """

    WHOSE = ("term",)

    term: str = argument("Any identifier or name, or a part of it.")
    field: Field | None = option("One field of its contacts, unmasked; who asked for it is noted.", None)

    async def answer(self, call: Call) -> Answer:
        async with call.research() as research:
            report, answer = await research.lookup_report(self.term, contact_field=self.field)
        if self.field is not None and report.operator_id:
            await call.aside(_note, call, self.field, report)
        return Answer(report, _state(answer, report))


def _note(call: Call, field: str, report: Report) -> None:
    """Note who asked for a person's data, before it is shown."""
    name, at = f"{call.case.name} {field}", call.clock()
    rooms.audit.note(
        call.settings,
        NotedCall(at, call.actor.name, call.actor.surface, name, report.operator_id, (), 0, "done", 0.0),
    )


def _state(answer: LookupAnswer, report: Report) -> State:
    """A lookup's state: as a report's that is asked for by the same term; one operator alone, if only like it, is found."""
    if answer.best is not None or answer.total == 1:
        return "partial" if report.partial else "done"
    if answer.matches:
        return "not_found"
    reasons = {gap.reason for item in report.freshness for gap in item.gaps}
    if not reasons:
        return "not_found"
    return "not_configured" if reasons == {"not_configured"} else "failed"


@request
class Plain(Request):
    """An operator, and by which scorecard it is judged."""

    operator: str = options.operator()
    scorecard: str | None = options.scorecard()


@request
class OfKind(Plain):
    """The report about one operator of the kind that the use case is called after."""

    WHOSE = ("operator",)

    OUTPUT_AFTER = "scorecard"

    async def answer(self, call: Call) -> Answer:
        kind, occasion = call.case.name, occasion_of(self)
        async with call.research() as research:
            return of_report(await research.report(kind, self.operator, scorecard=self.scorecard, occasion=occasion))


_OCCASION: Mapping[str, tuple[Any, Callable[[], Any]]] = {
    "since": (datetime | None, options.since),
    "audience": (Audience, options.audience),
    "meeting": (Meeting, options.meeting),
}
"""What an occasion may set → its type and its field."""


@cache
def request_of(kind: str) -> type[OfKind]:
    """The request of a kind that is made of one account: the options of an occasion that it takes are its fields."""
    fields = [(name, *_OCCASION[name]) for name in _OCCASION if name in declared(kind)["options"]]
    named = {"__annotations__": {name: hint for name, hint, _ in fields}, "__module__": __name__}
    made = type(OfKind.__name__, (OfKind,), {**named, **{name: field() for name, _, field in fields}})
    return request(made)


def occasion_of(asked: Any) -> Occasion:
    """The occasion that a request asks for, as far as it has fields for one."""
    since = getattr(asked, "since", None)
    return Occasion(
        getattr(asked, "audience", "internal"),
        getattr(asked, "meeting", "check-in"),
        since.date() if since is not None else None,
    )


@request
class Assumptions(Request):
    """OPERATOR's health score if figures were other than they are: each METRIC=VALUE is assumed, derived figures are recomputed,
    and the same scorecard judges. What comes out is labelled hypothetical and carries its assumptions as receipts.

    Values: counts 12; shares 0.95 or 95%; US dollars 199.00; days 12; yes or no; dates 2026-11-30; unknown.
    """

    WHOSE = ("operator",)

    operator: str = options.operator()
    assumptions: tuple[str, ...] = argument("Metrics and their assumed values.", metavar="METRIC=VALUE...")
    scorecard: str | None = options.scorecard()

    async def answer(self, call: Call) -> Answer:
        async with call.research() as research:
            return of_report(await research.whatif(self.operator, self.assumptions, scorecard=self.scorecard))


@request
class Missing(Plain):
    """What is unknown of OPERATOR, and how far it could move the health score: for each figure that a rule needs, the score's
    bounds over the rule's outcomes, the widest first, with the step that closes the gap.
    """

    WHOSE = ("operator",)

    async def answer(self, call: Call) -> Answer:
        async with call.research() as research:
            return of_report(await research.missing(self.operator, scorecard=self.scorecard))


@request
class Comparison(Request):
    """Compare 2 to 10 operators: the differences that matter, figures side by side, actions."""

    WHOSE = ("operators",)

    operators: tuple[str, ...] = argument("Two to ten operators.", metavar="OPERATOR OPERATOR...")
    scorecard: str | None = options.scorecard()

    async def answer(self, call: Call) -> Answer:
        async with call.research() as research:
            return of_report(await research.compare(self.operators, scorecard=self.scorecard))


@request
class Why(Request):
    """Why a figure or a judgement about OPERATOR is as it is, in words: how it stands, what it means, the records behind it.

    WHAT is a figure (mrr, overdue_invoices; `customer-research metrics` lists them), the `score`, a dimension of it (payment,
    engagement, support, growth), a rule (P1, E3; `customer-research rules` lists them), a cap ("usage falling", "active dispute";
    listed there, too) or a finding (R9, "silent churn risk").
    """

    WHOSE = ("operator",)

    DOCUMENT = "JSON."

    operator: str = options.operator()
    metric: str = argument("A figure, `score`, a dimension, a rule, a cap or a finding.", metavar="WHAT")
    replay: bool = option("Send the requests again and compare.", False)
    rows: int = option("Records to show.", 20, ge=1, le=500)
    requests: bool = option("Show the requests as they were sent.", False)
    sql: bool = option("Show the metric's query over the canonical tables as well.", False)

    async def answer(self, call: Call) -> Answer:
        async with call.research() as research:
            judged = await research.reason(self.operator, self.metric)
            if judged is not None:
                if self.replay or self.sql or self.requests:
                    raise UsageError(
                        f"{self.metric} is a judgement over several figures: it has no requests of its own.",
                        hint="Ask the same of a figure that it reads.",
                    )
                return of_report(judged)
            explained = await research.why(self.operator, self.metric, replay=self.replay, rows=self.rows)
        if explained.replayed is not None and not explained.replayed.same:
            return Answer(explained, "different")
        unknown = isinstance(explained.figure, Gap) and explained.figure.reason not in ANSWERS
        return Answer(explained, "partial" if unknown else "done")


@request
class Verify(Request):
    """Hold each number, date, amount and share of a draft (FILE, text or Markdown) against what reports on its operators say.

    supported: a figure says so, in this unit, currency and direction, as it is rounded; contradicted: the figure that the sentence
    speaks of says otherwise; unsupported: no figure says so, or what it speaks of is unknown. "No open ticket" is a number too.
    With --kind, citations ([3], receipt 3) are that report's receipts, and a number must stand in what it cites. Exit code 1: a
    number is contradicted or unsupported; 3: all are supported as far as sources answered, but one did not.
    """

    WHOSE = ("operators",)

    DOCUMENT = "JSON."

    draft: Content = argument("The draft; - reads standard input.", file="content", metavar="FILE")
    operators: tuple[str, ...] = option("Whom it is about (repeatable).", (), flags=("--operator",), metavar="OPERATOR")
    kind: str = option("The report whose citations the draft has.", "")
    scorecard: str | None = options.scorecard()

    async def answer(self, call: Call) -> Answer:
        if not self.operators:
            raise UsageError("No operator is named.", hint="Say whom the draft is about: --operator OPERATOR.")
        if self.kind and self.kind not in OPERATOR_KINDS:
            raise UsageError(f"There is no report {self.kind[:40]!r}.", hint=f"Reports: {', '.join(OPERATOR_KINDS)}.")
        try:
            draft = self.draft.content.decode()
        except UnicodeDecodeError:
            raise UsageError("The draft is no text.", hint="Give a file of text or Markdown in UTF-8.") from None
        async with call.research() as research:
            check = rooms.draft_check.checked
            verdicts, whole = await check(research, draft, self.operators, kind=self.kind, scorecard=self.scorecard)
        wrong = any(verdict.state != "supported" for verdict in verdicts)
        state: State = "different" if wrong else "done" if whole else "partial"
        return Answer(_verdict_table(verdicts), state, [_verdict_plain(one) for one in verdicts])


def _verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """A row a number: those that are wrong first, each with the reason and its sentence."""
    order = {"contradicted": 0, "unsupported": 1, "supported": 2}
    rows = sorted(verdicts, key=lambda one: order[one.state])
    counts = {state: sum(one.state == state for one in verdicts) for state in order}
    total = ", ".join(f"{count} {state}" for state, count in counts.items())
    return Table(
        ("Number", "Verdict", "Why", "Sentence"),
        tuple((one.claim.text, one.state, one.reason or _because(one), one.claim.sentence.strip()) for one in rows),
        state=1,
        styles=tuple({"contradicted": "red", "unsupported": "yellow"}.get(one.state, "") for one in rows),
        last=f"{counted(len(verdicts), 'number')}: {total}.",
    )


def _because(verdict: Verdict) -> str:
    """The figure, or the sentence of ours, that a verdict rests on."""
    return textwrap.shorten(verdict.known.told, 90, placeholder="…") if verdict.known else ""


def _verdict_plain(verdict: Verdict) -> Mapping[str, Any]:
    claim = verdict.claim
    return {
        "number": claim.text,
        "start": claim.start,
        "end": claim.end,
        "verdict": verdict.state,
        "reason": verdict.reason,
        "figure": _because(verdict),
        "citations": list(verdict.known.citations) if verdict.known else [],
    }


@request
class Snapshot(Request):
    """Read everything that any report about OPERATOR needs, and keep it.

    Prints the snapshot's id. `customer-research report KIND --snapshot ID` makes the same bytes again, on another day and, with
    --output FILE carried over, on another machine. The file holds personal data unmasked; only its owner may read it.
    """

    operator: str | None = options.operator(None)
    scorecard: str | None = options.scorecard()
    output: Path | None = option(
        "Write a copy to this file, to carry it over.", None, flags=("--output", "-o"), file="new"
    )
    listed: bool = option("List the snapshots that are kept (of OPERATOR: an operator id).", False, flags=("--list",))

    async def answer(self, call: Call) -> Answer:
        if self.listed:
            found = rooms.account_snapshots.kept(call.settings, self.operator or "*")
            return lines(*(f"{number}  {owner}  as of {instant}" for owner, instant, number in found))
        if self.operator is None:
            raise UsageError("No operator is named.", hint="Give one, or --list.")
        async with call.research() as research:
            taken, path = await rooms.account_snapshots.take(research, self.operator, scorecard=self.scorecard)
        state: State = "partial" if any(item.state != "ok" for item in taken.account.freshness) else "done"
        return lines(taken.id, state=state, beside=written(self.output, path.read_bytes()))


@request
class Difference(Request):
    """What differs between two account snapshots: A and B are ids, files, or days (2026-10-31)."""

    before: str = argument("The earlier snapshot.", metavar="A", or_file=True)
    after: str = argument("The later snapshot.", metavar="B", or_file=True)
    operator: str = option("Whose snapshots two days mean: an operator id.", "", metavar="ID")

    def answer(self, call: Call) -> Answer:
        return Answer(
            rooms.account_snapshots.compared(call.settings, self.before, self.after, operator_id=self.operator)
        )
