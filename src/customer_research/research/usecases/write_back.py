"""The use case of writing to HubSpot: what would change there, and with --send what did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from customer_research.domain.words import clean, counted, instant_words
from customer_research.errors import UsageError
from customer_research.research import options
from customer_research.research.request import Request, option, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, Table, unlisted

if TYPE_CHECKING:
    from customer_research.research.usecases.runner import Call
    from customer_research.research.write_back import WriteBack
    from customer_research.sources.hubspot.write_back import Taken

SCHEMA = "customer-research.write-back/1"


@request
class WriteBackRequest(Request):
    """Write health score, band, urgency and its day to the operators' companies in HubSpot, from the newest snapshot.

    Without --send nothing is written: it shows what would change. Only what differs is sent, so that a second run sends nothing; the
    day of the score is written again after a week at the latest. What is not known is written as empty. Values of a later day than
    the snapshot's are left alone, as are operators that do not have one company of their own alone. The values lie in properties
    of a group of their own, which --prepare adds; they count as no activity, and no other property is touched.

    The key needs crm.objects.companies.write, and for --prepare crm.schemas.companies.write.
    Exit code 3: HubSpot refused some companies, or the run was cut off; a later run goes on.
    """

    DOCUMENT = "JSON."

    send: bool = option("Write; without it nothing is written.", False)
    prepare: bool = option("With --send: first add the properties that HubSpot lacks.", False)
    most: int = option("Refuse to write more companies than so many.", 1_000, ge=1)
    limit: int = options.limit()

    async def answer(self, call: Call) -> Answer:
        if self.prepare and not self.send:
            raise UsageError("--prepare adds properties to HubSpot.", hint="Add --send.")
        done = await rooms.write_back.write_back(
            call.settings, call.clock, send=self.send, prepare=self.prepare, most=self.most
        )
        told = (
            _table(done, self.limit or len(done.changes))
            if done.changes
            else (_before(done), *_told(done), _last(done))
        )
        return Answer(told, "partial" if done.taken.refused or done.cut else "done", _document(done))


def _table(done: WriteBack, most: int) -> Table:
    shown = done.changes[:most]
    return Table(
        ("Operator", "Company", "What changes"),
        tuple((clean(one.name), one.company_id, "; ".join(one.words())) for one in shown),
        before=(_before(done),),
        after=(*unlisted(len(done.changes) - len(shown)), *_told(done)),
        last=_last(done),
    )


def _before(done: WriteBack) -> str:
    return f"From the snapshot as of {instant_words(done.snapshot.as_of)}."


def _told(done: WriteBack) -> Iterator[str]:
    """What was left alone, and what was not taken."""
    if done.same:
        yield f"{counted(done.same, 'company has', 'companies have')} these values already."
    if done.newer:
        yield f"{counted(done.newer, 'company', 'companies')} with values of a later day: left alone."
    if done.without:
        yield f"{counted(done.without, 'operator')} without a company of their own alone: not written."
    if done.gone:
        yield f"{counted(done.gone, 'company', 'companies')} no longer in HubSpot."
    yield from not_taken("company", done.taken, done.cut)


def not_taken(what: str, taken: Taken, cut: str) -> Iterator[str]:
    """What HubSpot did not take of what was written to it, each by its id, and what ended the run before its end."""
    for record, why in taken.refused.items():
        yield f"HubSpot refused {what} {record}: {clean(why)}"
    if cut:
        yield f"Cut off: {clean(cut)} Run it again: what was written stays."


def _last(done: WriteBack) -> str:
    number = len(done.changes)
    if done.lacking and not done.sent:
        return "HubSpot lacks the properties: --send --prepare adds them and writes."
    if not number:
        return "Nothing to write."
    if done.sent:
        return f"{counted(len(done.taken.written), 'company', 'companies')} written."
    return f"{counted(number, 'company', 'companies')} would be written: --send does it."


def _document(done: WriteBack) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "snapshot": done.snapshot.id,
        "as_of": done.snapshot.as_of.isoformat(),
        "sent": done.sent,
        "written": len(done.taken.written),
        "same": done.same,
        "newer": done.newer,
        "gone": done.gone,
        "without": done.without,
        "lacking": list(done.lacking),
        "refused": done.taken.refused,
        "cut": done.cut,
        "changes": [
            {
                "operator_id": one.operator_id,
                "company_id": one.company_id,
                "values": {name: {"from": before, "to": after} for name, (before, after) in one.values.items()},
            }
            for one in done.changes
        ],
    }
