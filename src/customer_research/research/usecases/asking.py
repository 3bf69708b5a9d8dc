"""Use cases about who may ask from outside: API tokens, and the audit of what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_research.domain.access import PERMISSIONS
from customer_research.domain.words import counted
from customer_research.research import options
from customer_research.research.request import Request, argument, option, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, Text, lines, of_report

if TYPE_CHECKING:
    from customer_research.research.usecases.runner import Call


@request
class CreateToken(Request):
    """Make an API token, and print it: it is shown this once, and kept nowhere.

    Whoever has it may read reports over HTTP; --finance adds what operators pay and are paid, --personal lets them ask for personal
    data, --act lets them acknowledge alerts and record what was done. --owner holds them to one account owner's operators.
    """

    name: str = argument("What it is for.")
    email: str = option("Whom its calls are noted under.", metavar="ADDRESS")
    owner: str = option("Only this account owner's operators (HubSpot's owner id).", "", metavar="ID")
    act: bool = option("May act on alerts and record what was done.", False)
    finance: bool = option("May see what operators pay and are paid.", False)
    personal: bool = option("May ask for personal data.", False)
    days: int = option("Days until it expires.", 90, ge=1, le=1095)

    def answer(self, call: Call) -> Answer:
        granted = {one for one in PERMISSIONS if getattr(self, one, False)}
        made, text = rooms.tokens.create(
            call.settings,
            self.name,
            email=self.email,
            owner_id=self.owner,
            permissions=granted,
            days=self.days,
            who=call.actor.name,
            now=call.clock(),
        )
        said = f"Token {made.id} grants {', '.join(made.permissions)} until {made.expires_at:%Y-%m-%d}."
        once = "It is not shown again: keep it where secrets are kept."
        return Answer(Text((f"{text}\n",)), beside=(said, once))


@request
class ListTokens(Request):
    """The API tokens, the newest first: for whom, what they grant, until when, and when they were last used. Secrets are not kept."""

    def answer(self, call: Call) -> Answer:
        return of_report(rooms.tokens.tokens_report(call.settings, now=call.clock()))


@request
class RevokeToken(Request):
    """Take token ID back: from its next call on it lets nobody in."""

    token: str = argument("The token's id, as `tokens list` shows it.", metavar="ID")

    def answer(self, call: Call) -> Answer:
        gone = rooms.tokens.revoke(call.settings, self.token, now=call.clock())
        return lines(f"Token {gone.id} ({gone.name}) is revoked.")


@request
class Audit(Request):
    """Who asked for what of whom, the newest first: of OPERATOR, or of everybody.

    Calls over HTTP and by MCP clients are noted, refused and failed ones too; commands typed here are not. What was typed is not
    kept: which use case, which operator, the receipts behind the answer, how much was given out, how it ended and how long it took.
    """

    operator: str | None = options.operator(None)
    actor: str = option("Only those whose name has this in it.", "", metavar="NAME")
    since: str | None = options.instant("Only from this day or instant on, UTC.")
    refused: bool = option("Only what was refused.", False)
    limit: int = options.limit()

    def answer(self, call: Call) -> Answer:
        since = None if self.since is None else options.instant_of(self.since)
        report = rooms.audit.audit_report(
            call.settings,
            self.operator,
            actor=self.actor,
            since=since,
            refused=self.refused,
            most=self.limit or None,
            now=call.clock(),
        )
        return of_report(report)


@request
class PruneAudit(Request):
    """Remove what was noted of calls more than so many days ago. Nothing removes it otherwise."""

    days: int = option("How many days are kept.", ge=1, metavar="DAYS")

    def answer(self, call: Call) -> Answer:
        gone = rooms.audit.prune(call.settings, self.days, now=call.clock())
        return lines(f"{counted(gone, 'call')} removed.")
