"""Use cases of records that are perhaps an operator's: list them, and decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from customer_research.documents.masking import mask_text
from customer_research.domain.match import Ruling
from customer_research.domain.words import clean, counted, shortened
from customer_research.research import options
from customer_research.research.request import Request, argument, option, part, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, Table, lines, unlisted
from customer_research.research.usecases.books import Whose

if TYPE_CHECKING:
    from customer_research.research.matches import RecordMatch
    from customer_research.research.usecases.runner import Call

SCHEMA = "customer-research.matches/1"
_SHORT, _LONGEST_ID = 8, 16
_TITLE, _NAME = 36, 28


@request
class Listed(Request):
    """Tickets, conversations, HubSpot companies, reviews and providers' records of firms that are probably OPERATOR's, the newest first;
    without OPERATOR those of one's own book, or with --team everybody's.

    What is found by its words alone takes no points until somebody confirms it. --decided lists those that somebody confirmed or refused.
    """

    DOCUMENT = "JSON."
    WHOSE = ("operator", "whose")

    operator: str | None = options.operator(None)
    whose: Whose = part(Whose)
    decided: bool = option("Those that were confirmed or refused.", False)
    limit: int = options.limit()

    def answer(self, call: Call) -> Answer:
        room = rooms.matches
        found = (room.decided if self.decided else room.waiting)(
            call.settings, self.operator, self.whose.whom(call.settings.owner), call.clock()
        )
        document = {"schema": SCHEMA, "matches": [_document(one) for one in found]}
        if not found:
            what = "No match was confirmed or refused." if self.decided else "No match waits for a decision."
            return lines(what, document=document)
        shown = found[: self.limit or len(found)]
        more = unlisted(len(found) - len(shown))
        return Answer((_decisions if self.decided else _waiting)(shown, len(found), more), document=document)


def _waiting(shown: tuple[RecordMatch, ...], count: int, more: tuple[str, ...]) -> Table:
    return Table(
        ("Operator", "Record", "What it says", "Found by", "Begun"),
        tuple((_name(one), _id(one), _what(one), _path(one), _begun(one)) for one in shown),
        before=(f"{counted(count, 'match waits', 'matches wait')} for a decision:",),
        after=more,
        last="`customer-research matches confirm OPERATOR RECORD`, or `refuse`.",
    )


def _decisions(shown: tuple[RecordMatch, ...], count: int, more: tuple[str, ...]) -> Table:
    made = [(one, one.decision) for one in shown if one.decision is not None]
    return Table(
        ("Operator", "Record", "What it says", "Decision", "By", "On", "Note"),
        tuple(
            (
                _name(one),
                _id(one),
                _what(one),
                told.ruling,
                clean(told.who),
                f"{told.decided_at:%Y-%m-%d}",
                mask_text(clean(told.note)),
            )
            for one, told in made
        ),
        before=(f"{counted(count, 'match was', 'matches were')} decided:",),
        after=more,
        last="`customer-research matches reopen OPERATOR RECORD` takes a decision back.",
    )


def _name(match: RecordMatch) -> str:
    return shortened(clean(match.name), _NAME)


def _id(match: RecordMatch) -> str:
    """As much of a record's id as names it: of a long random one the beginning."""
    return match.record_id if len(match.record_id) <= _LONGEST_ID else match.record_id[:_SHORT]


def _what(match: RecordMatch) -> str:
    return shortened(f"{match.table}: {mask_text(clean(match.title)) or 'without a title'}", _TITLE)


def _path(match: RecordMatch) -> str:
    way = match.matched_by.replace("_", " ")
    return way if match.confidence is None else f"{way} ({match.confidence:g})"


def _begun(match: RecordMatch) -> str:
    return f"{match.created_at:%Y-%m-%d}" if match.created_at is not None else ""


def _document(match: RecordMatch) -> dict[str, Any]:
    told = match.decision
    return {
        "table": match.table,
        "record_id": match.record_id,
        "operator_id": match.operator_id,
        "name": clean(match.name),
        "title": mask_text(clean(match.title)),
        "matched_by": match.matched_by,
        "is_certain": match.is_certain,
        "confidence": match.confidence,
        "created_at": match.created_at.isoformat() if match.created_at is not None else None,
        "decision": None if told is None else told.ruling,
        "decided_by": None if told is None else clean(told.who),
        "decided_at": None if told is None else told.decided_at.isoformat(),
        "note": None if told is None else mask_text(clean(told.note)),
    }


class _Decision(Request):
    WHOSE = ("operator",)

    operator: str
    record: str


def _record() -> str:
    record: str = argument("The record's id, or its beginning.", metavar="RECORD")
    return record


def _note() -> str:
    note: str = option("Why, in a few words.", "")
    return note


@request
class Confirm(_Decision):
    """Say that RECORD, a ticket, a conversation, a review or a provider's record of the firm, is OPERATOR's: then it counts as surely its own.

    In reports of one operator it counts at once, in lists from the next sync and score on.
    """

    operator: str = options.operator()
    record: str = _record()
    note: str = _note()

    def answer(self, call: Call) -> Answer:
        return _decided(call, self, "confirmed", self.note)


@request
class Refuse(_Decision):
    """Say that RECORD, a ticket, a conversation, a review or a provider's record of the firm, is not OPERATOR's: then it is not shown there any more, and counts for nothing.

    In reports of one operator it is gone at once, in lists from the next sync and score on.
    """

    operator: str = options.operator()
    record: str = _record()
    note: str = _note()

    def answer(self, call: Call) -> Answer:
        return _decided(call, self, "refused", self.note)


@request
class Reopen(_Decision):
    """Take back what was decided of RECORD and OPERATOR: the match stands as it was found."""

    operator: str = options.operator()
    record: str = _record()

    def answer(self, call: Call) -> Answer:
        return _decided(call, self, "open", "")


def _decided(call: Call, asked: _Decision, ruling: Ruling, note: str) -> Answer:
    match = rooms.matches.decide(
        call.settings, asked.operator, asked.record, ruling, who=call.actor.name, now=call.clock(), note=note
    )
    what = "open again" if ruling == "open" else ruling
    document = {"schema": SCHEMA, "matches": [{**_document(match), "decision": None if ruling == "open" else ruling}]}
    return lines(
        f"{_what(match)} ({_id(match)}) and {_name(match)}: {what}.",
        "Reports of this operator follow at once; lists do after the next sync and score.",
        document=document,
    )
