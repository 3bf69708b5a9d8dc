"""Whose is it: the operators whose ticket has a number, judged as their own tickets are."""

from __future__ import annotations

from collections.abc import Sequence

from customer_research.connect.concurrent import together
from customer_research.connect.source import Whose
from customer_research.domain.identity import Candidate, Interpretation
from customer_research.sources.notion.index import WantedIndex
from customer_research.sources.notion.matching import Wanted
from customer_research.sources.notion.session import NotionSession
from customer_research.sources.notion.tickets import in_bin, readable


async def whose(session: NotionSession, readings: tuple[Interpretation, ...], directory: Sequence[Candidate]) -> Whose:
    """The operators of *directory* whose ticket has this very number; those that a ticket surely names, where it names any.

    Raises:
        SourceError: Notion cannot be read.
    """
    number = next((reading.value for reading in readings if reading.kind == "ticket"), None)
    if number is None:
        return Whose()
    recording = session.http.recording("find_ticket")
    places = [(place, held) for place in await session.places(recording) if (held := place.schema.get("number"))]
    conditions = [
        {"property": held.name, "unique_id": {"equals": int(number.rpartition("-")[2])}} for _, held in places
    ]
    answers = await together(
        *(session.query(place, wanted, recording) for (place, _), wanted in zip(places, conditions, strict=True))
    )
    tickets = [
        ticket
        for (place, _), found in zip(places, answers, strict=True)
        for ticket in readable([page for page in found.pages if not in_bin(page)], place.schema)[0]
    ]
    named = [ticket for ticket in tickets if (ticket.text("number") or "").upper() == number]
    aliases = session.aliases
    index = WantedIndex(Wanted.of(c.operator_id, (c.name,), aliases.get(c.operator_id, ())) for c in directory)
    matches = [match for ticket in named for match in index.matches(ticket)]
    sure = [match for match in matches if match[1][1]] or matches
    owners = tuple(("ticket", one) for one in dict.fromkeys(operator_id for operator_id, _ in sure))
    return Whose(owners, (recording.receipt([{"number": number} for _ in named]),))
