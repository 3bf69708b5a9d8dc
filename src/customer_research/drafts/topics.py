"""What a number speaks of: the words around it, in one form each, so that "trips", "rides" and "bookings" are the same thing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+", re.IGNORECASE)

_SAME = {
    "reservation": "trips trip rides ride bookings booking booked reservations jobs",
    "invoice": "bill bills billed invoices invoiced",
    "outstanding": "owes owed owe unpaid balance open-balance",
    "overdue": "late past-due",
    "ticket": "tickets case cases issue issues",
    "previous": "before prior earlier preceding",
    "mrr": "recurring",
    "charge": "charges charged card cards",
    "dispute": "disputes disputed chargeback chargebacks",
    "fail": "failed failing declined fails failure failures",
    "end": "ends ended ending expires expire",
    "renew": "renewal renews renewed renewing",
    "pay": "pays paid paying payment payments",
    "contact": "contacts contacted spoke talked touch",
    "login": "logins logged log signin",
    "refund": "refunds refunded",
    "driver": "drivers chauffeur chauffeurs",
    "vehicle": "vehicles cars car fleet",
    "member": "members users user seats seat",
    "cancel": "cancelled canceled cancellation cancellations cancels",
    "score": "scores scored health",
    "point": "points",
    "complete": "completed",
    "subscription": "subscriptions subscribed plan",
    "trend": "change changed changes fell rose decline declined growth grew drop dropped fall fallen usage",
    "resolve": "resolved closed solved",
    "customer": "customers",
    "add": "added new",
    "succeed": "succeeded success successful",
    "revenue": "earned income sales",
    "value": "worth",
}
_FORMS: Mapping[str, str] = {form: one for one, forms in _SAME.items() for form in (one, *forms.split())}

_SMALL = """
a an and are as at be been by for from had has have he her his in into is it its of on or our she than that
the their them there they this to was we were which who will with you your not no per so still now only just
about over under more less than since after last each every all both it's i they're but if do does did day
days week weeks month months year years one two of out up down usd eur gbp percent receipt source
"""
_EMPTY = frozenset(_SMALL.split())


@cache
def _form(word: str) -> str:
    word = word.casefold().removesuffix("'s")
    if word in _FORMS:
        return _FORMS[word]
    for ending in ("ies", "es", "s"):
        if word.endswith(ending) and len(word) > len(ending) + 3 and not word.endswith("ss"):
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word


def topics(text: str) -> list[str]:
    """The words of a text that tell what it speaks of, in its order; numbers and small words are none."""
    words = (word for word in _WORD.findall(text) if not word.isdigit())
    return [_form(word) for word in words if word.casefold() not in _EMPTY and len(word) > 1]


def weighed(before: str, after: str, rest: str) -> dict[str, float]:
    """The words around a number with how much each tells of it: the nearest most, the rest of the sentence little."""
    found: dict[str, float] = dict.fromkeys(topics(rest), 0.35)
    for words in (list(reversed(topics(before)))[:6], topics(after)[:5]):
        for distance, word in enumerate(words):
            found[word] = max(found.get(word, 0.0), 1.0 - 0.1 * distance)
    return found


def shared(
    around: Mapping[str, float], label: Iterable[str], rarity: Mapping[str, float], *, most: float | None = None
) -> float:
    """How well a label fits the words around a number: 0, no word of it is there, to 1, all are and stand near.

    With `most`, so much of it is all that can be asked for: a long sentence is not named in full.
    """
    words = set(label)
    whole = sum(rarity.get(word, 1.0) for word in words)
    if not whole:
        return 0.0
    named = {word for word in words if word in around}
    if named <= {"previous"}:  # when alone says nothing of what
        return 0.0
    found = sum(around[word] * rarity.get(word, 1.0) for word in named)
    return min(1.0, found / (whole if most is None else min(whole, most)))
