"""What people are told of a message that did not reach them: by another way, in a few sentences."""

from __future__ import annotations

from customer_research.domain.delivery import Delivery, Envelope, Message, State
from customer_research.domain.words import instant_text, instant_words
from customer_research.research.delivering.composing import FORMS, plain_message

NOTICE = "notice"
"""The kind of these messages. Of one that fails nobody is told again."""


def notice(held: Delivery, state: State, reason: str) -> Message | None:
    """What is told of a delivery that is given up; None where nobody is to hear of it."""
    message = held.message
    if message.elsewhere in {None, message.address} or state not in {"failed", "unknown"}:
        return None
    way = FORMS[message.address.channel].title
    happened = (
        f"could not be delivered by {way}" if state == "failed" else f"may not have arrived by {way}: nobody can tell"
    )
    lines = (
        f"{message.title!r} {happened}.",
        reason,
        f"It was made at {instant_words(held.put_at)}. `customer-research outbox retry {held.key[:8]}` sends it again.",
    )
    envelope = Envelope(
        NOTICE, message.subject, f"{held.key}/{state}/{instant_text(held.changed_at)}", message.elsewhere
    )
    word = "Not delivered" if state == "failed" else "Not known to be delivered"
    return plain_message(f"{word}: {message.title}", lines, envelope)
