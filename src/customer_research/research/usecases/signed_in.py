"""Use cases of who is signed in on the web pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_research.domain.access import Session
from customer_research.domain.words import counted, instant_words
from customer_research.errors import UsageError
from customer_research.research.request import Request, argument, option, request
from customer_research.research.usecases.answer import Answer, Table, lines
from customer_research.store.database import open_store, open_to_read
from customer_research.store.identities import Identities
from customer_research.store.sessions import SessionBook

if TYPE_CHECKING:
    from customer_research.research.usecases.runner import Call
    from customer_research.settings import Settings


@request
class Sessions(Request):
    """Who is signed in on the web pages, whoever was there last first: how they came, since when, and what they may do and see now.

    Whom your proxy names by a header, and who uses the address that `web serve` prints, has no session.
    """

    def answer(self, call: Call) -> Answer:
        with open_to_read(call.settings.store_url) as store:
            found = SessionBook(store).all(call.clock())
        if not found:
            return lines("Nobody is signed in.")
        rows = tuple(
            (
                one.email,
                "API token" if one.token_id else "company",
                instant_words(one.began_at),
                instant_words(one.seen_at),
                *_granted(call.settings, one),
            )
            for one in found
        )
        return Answer(Table(("Who", "Came by", "Since", "Last here", "May", "Book"), rows, width=140))


def _granted(settings: Settings, one: Session) -> tuple[str, str]:
    """What somebody may, and whose operators they see."""
    if one.token_id:
        return ", ".join(one.permissions), f"owner {one.owner_id}" if one.owner_id else "everybody's"
    permissions, own = settings.web.granted(one.groups)
    if not permissions or (own and not one.owner_id):
        return "nothing", "none"
    return ", ".join(sorted(permissions)), f"owner {one.owner_id}" if own else "everybody's"


@request
class EndSessions(Request):
    """Sign WHO out of the web pages, in every browser and at once. Who came by an API token can sign in again until it is revoked.

    Which account owner they are was found once, by their address at the company's identity provider; --unlink forgets it, so that it is
    found anew when they sign in next.
    """

    who: str = argument("Whom, as `sessions list` names them.", metavar="WHO")
    unlink: bool = option("Forget which account owner they are, too.", False)

    def answer(self, call: Call) -> Answer:
        who = self.who.strip()
        if not who:
            raise UsageError("Nobody is named.", hint="`sessions list` shows who is signed in.")
        with open_store(call.settings.store_url) as store:
            ended = SessionBook(store).end_all(who, call.clock())
            unlinked = Identities(store).forget(who) if self.unlink else 0
        said = [f"{counted(ended, 'session')} of {who} ended."]
        if self.unlink:
            said.append(
                "Which account owner they are is forgotten." if unlinked else "No account owner was found by it."
            )
        return lines(*said)
