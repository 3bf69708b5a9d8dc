"""Who may have what: rights, the book of one account owner, what operators pay, personal data.

A use case is refused as a whole where it cannot be told without what its actor may not see; why so:
docs/decisions/0014-who-may-see-what.md.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from customer_research.errors import AmbiguousOperator, NotAllowed, OperatorNotFound
from customer_research.research.usecases import rooms
from customer_research.research.usecases.registry import RIGHTS, SEES, UseCase

if TYPE_CHECKING:
    from customer_research.domain.identity import LookupAnswer
    from customer_research.research.portfolio.own_book import OwnBook
    from customer_research.research.usecases.runner import Call

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a name for the audit, the surface that they came by, what they may do and see (`registry.RIGHTS`, `SEES`).

    `book` is the account owner (HubSpot's id) whose operators alone they may ask about; empty: everybody's.
    """

    name: str
    surface: str
    rights: frozenset[str] = RIGHTS | SEES
    book: str = ""

    def may(self, right: str) -> bool:
        """Whether they have a right."""
        return right in self.rights


def by_rights(actor: Actor, case: UseCase, request: Any) -> None:
    """The actor has the right that the use case needs, and may see what the request would show.

    Raises:
        NotAllowed: not so.
    """
    if not actor.may(case.right):
        raise _refusal(actor, case, case.right)
    if not actor.may("finance") and request.reads(case.needs) & KEPT:
        raise _refusal(actor, case, "finance", "It tells what operators pay.")
    if not actor.may("personal") and (getattr(request, "show_personal", False) or getattr(request, "field", None)):
        raise _refusal(actor, case, "personal", "Leave the personal data masked.")


def _refusal(actor: Actor, case: UseCase, right: str, said: str = "") -> NotAllowed:
    needs = f"It needs the permission {right}." if right in SEES else f"It needs the right to {right}."
    return NotAllowed(f"{actor.name} may not use {case.name}.", hint=f"{said} {needs}".strip())


KEPT = frozenset({"lake", "store"})
"""Where lists, scores and alerts come ready made, money and all; what is read live can be read without it."""


# -- the book of one owner ---------------------------------------------------------------------------------------------


async def within_book(call: Call, request: R) -> R:
    """The request as somebody may ask it who sees one owner's operators only: theirs named by id, lists narrowed to theirs.

    Raises:
        NotAllowed: it is about another's operator, or about everybody.
        OperatorNotFound, AmbiguousOperator: as the use case says; none but their own operators are named.
        UsageError: nothing is known yet of whose operators are whose.
    """
    asked: Any = request
    if not call.actor.book or not asked.reads(call.case.needs):
        return request
    given = {name: getattr(asked, name) for name in asked.WHOSE}
    named = [name for name, value in given.items() if value and name in _NAMES]
    told = named or [name for name in given if name in _CHOICES]
    if not told:
        raise NotAllowed(
            f"{call.actor.name} may not use {call.case.name} for everybody.",
            hint="It tells of more operators than those of one's own book: name one of them, where it takes one.",
        )
    book = await call.aside(rooms.own_book.own_book, call.settings, call.actor.book, call.clock())
    changes = {name: await _HANDLERS[name](call, book, given[name]) for name in told}
    return dataclasses.replace(asked, **changes)  # type: ignore[no-any-return]


async def _operator(call: Call, book: OwnBook, term: str) -> str:
    """The id of the one operator of the book that a term names; of an id nobody need be asked."""
    known = rooms.resolve.operator_id_of(term)
    if known is not None:
        if not book.holds(known):
            raise _of_another(call, term, known)
        return known
    found = await _search(call, term)
    own = [match for match in found.matches if book.holds(match.operator_id)]
    if found.best is not None and book.holds(found.best.operator_id):
        return found.best.operator_id
    if len(own) == 1:
        return own[0].operator_id
    if own:
        raise AmbiguousOperator(
            f"{len(own)} operators of your book answer to {term[:60]!r}.", candidates=tuple(own), hint="Give an id."
        )
    if not found.matches:
        raise OperatorNotFound(f"No operator answers to {term[:60]!r}.", hint="Check the spelling, or give its id.")
    raise _of_another(call, term, (found.best or found.matches[0]).operator_id)


def _of_another(call: Call, what: str, operator_id: str) -> NotAllowed:
    said = f"{call.actor.name} may not ask about {what[:60]!r}: it is of another's book."
    return NotAllowed(said, hint="Ask its account owner.", operator_id=operator_id)


async def _search(call: Call, term: str) -> LookupAnswer:
    if "live" in call.case.needs:
        async with call.research() as research:
            return await research.lookup(term)
    return await call.aside(rooms.lake_directory.search, call.settings, term)


async def _operators(call: Call, book: OwnBook, terms: tuple[str, ...]) -> tuple[str, ...]:
    return tuple([await _operator(call, book, term) for term in terms])


async def _alert(call: Call, book: OwnBook, alert: str) -> str:
    about = await call.aside(rooms.alerts.about, call.settings, alert)
    if about and not book.holds(about):  # one of a source is of nobody's operator
        raise _of_another(call, f"alert {alert}", about)
    return alert


async def _whose(call: Call, book: OwnBook, whose: Any) -> Any:
    return dataclasses.replace(
        whose, owner=_own(call, book, whose.owner), team=False
    )  # all there are for them are their own


async def _choice(call: Call, book: OwnBook, choice: Any) -> Any:
    _own(call, book, choice.owner)
    return dataclasses.replace(choice, owner=book.name_alone())


async def _owner(call: Call, book: OwnBook, owner: str) -> str:
    return _own(call, book, owner)


def _own(call: Call, book: OwnBook, owner: str) -> str:
    """The owner's id; another one than the actor's own is refused."""
    if owner.strip() and not book.is_called(owner):
        raise _other_book(call)
    return book.owner_id


def _other_book(call: Call) -> NotAllowed:
    return NotAllowed(f"{call.actor.name} may see no other's book.", hint="Leave the owner out.")


Handler = Callable[["Call", "OwnBook", Any], Awaitable[Any]]

_NAMES: Mapping[str, Handler] = {"operator": _operator, "operators": _operators, "term": _operator, "alert": _alert}
_CHOICES: Mapping[str, Handler] = {"whose": _whose, "choice": _choice, "owner": _owner}
_HANDLERS: Mapping[str, Handler] = {**_NAMES, **_CHOICES}
"""Fields of requests (`Request.WHOSE`) → what of them is theirs. Whoever is named decides; else the list is narrowed."""
