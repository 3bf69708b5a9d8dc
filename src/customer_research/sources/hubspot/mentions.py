"""What a logged note says: that the operator speaks of cancelling, or that a contact of theirs has left.

Closed lists of words and phrases, read clause by clause, so that a denial ("no cancellation requested"), an offer ("cancel
any time") or a cancelled trip is not taken for a cancelled subscription. When in doubt the answer is no: these signals
cost points (rule G7) and alarm people (rule R11).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence


def _each(listed: str) -> frozenset[str]:
    """The words of a list written with blanks."""
    return frozenset(listed.split())


_QUOTED = re.compile(r"^\s*>.*$", re.MULTILINE)
_CLAUSE = re.compile(
    r"[.!?;:\n()]|,|\s[-\u2013\u2014]\s"
    r"|\b(?:and|but|however|although|though|because|since|after|while|so|unless|until)\b"
)
_WORD = re.compile(r"[a-z0-9][a-z0-9'-]*")
_NO_CHOICE = re.compile(r"\bno (?:other )?(?:choice|option|alternative) but to\b")

_CLIENTS = re.compile(r"\b(?:corporate|client|customer|house|hotel|school|bank)(?:'s)? (?:account|contract)s?\b")
"""Accounts and contracts that the operator has with others."""

_CANCEL = re.compile(
    r"(?:cancel(?:s|ed|led|ing|ling|ation|lation)?|terminat(?:e|es|ed|ing|ion)|discontinu(?:e|es|ed|ing|ation))$"
)
_NOUN_OR_GERUND = re.compile(r"(?:cancel(?:ation|lation|ing|ling)|terminat(?:ion|ing)|discontinu(?:ation|ing))$")
_PAST = re.compile(r"(?:cancell?ed|terminated|discontinued)$")

_OURS = _each(
    "subscription subscriptions account accounts contract contracts plan plans service services membership moovs "
    "agreement renewal license licenses licence licences platform software"
)
"""What a cancellation of the operator's own business with Moovs speaks of."""

_THEIRS = _each(
    "trip trips ride rides reservation reservations booking bookings order orders pickup pickups transfer transfers job "
    "jobs run runs farm-out farm-outs quote quotes flight flights event events wedding weddings charge charges payment "
    "payments transaction transactions invoice invoices refund refunds fee fees policy policies rate rates button link "
    "mail email emails e-mail ticket tickets feature meeting meetings call calls demo demos appointment appointments "
    "session sessions training trainings webinar visit visits kickoff kick-off driver drivers chauffeur chauffeurs "
    "corporate-client passenger passengers rider riders guest guests vehicle vehicles car cars"
)
"""What other cancellations speak of: the operator's own trade, money, and dates in the calendar."""

_INTENT = _each(
    "want wants wanted wanting ask asks asked asking request requests requested requesting consider considers considered "
    "considering think thinks thinking thought plan plans planned planning intend intends intended intending intention "
    "decide decides decided deciding threaten threatens threatened threatening going will would wish wishes need needs "
    "like might about ready likely mention mentions mentioned mentioning discuss discussed discussing submit submitted "
    "sent send received notice risk talk talks talked talking whether leaning insist insists insisted"
)
_AFTER_NOUN = frozenset(["request", "requested", "notice", "risk", "letter", "form", "date", "effective", "received"])
_NEGATIONS = _each(
    "no not never without neither nor nobody none against avoid avoided avoiding prevent prevented preventing instead "
    "rather withdrew withdraw withdrawn withdrawing revoked rescinded retracted averted don't doesn't didn't won't "
    "wouldn't isn't aren't wasn't weren't haven't hasn't hadn't can't cannot couldn't shouldn't"
)
_TAKEN_BACK = _each(
    "withdrawn withdrew revoked rescinded retracted averted avoided reversed unlikely no not never isn't wasn't"
)
_NO_DENIAL = frozenset(["sure", "certain", "only", "just", "clear", "decided"])
"""`not` before these denies nothing: "not sure whether to cancel"."""

_SUBJECTS = frozenset(["they", "he", "she", "we", "i", "it", "who", "which"])
_DOUBTING = frozenset(["think", "thinks", "believe", "believes", "expect", "expects"])
_BEFORE, _OBJECT_AFTER, _OBJECT_BEFORE = 6, 6, 4
"""How far, in words, a denial or an object may stand from the word it belongs to."""

_SYSTEM = r"(?:provider|vendor|platform|software|system|solution)"
_US = rf"(?:moovs|(?:the|our|your|this) (?:moovs )?(?:service|subscription|account|product|{_SYSTEM}))"
_LEAVING = re.compile(
    r"\b(?:clos(?:e|es|ed|ing)|delet(?:e|es|ed|ing)|shut(?:ting)? down) (?:the|their|our|his|her|this|my) (?:moovs )?"
    r"(?:account|subscription)\b(?! (?:manager|page|setting))"
    rf"|\b(?:stop|stopping|quit|quitting) (?:using|paying for) (?:us\b|{_US}\b)"
    rf"|\bleav(?:e|es|ing) (?:moovs\b|{_US}\b|us\b(?! (?:a|an|some|feedback|good|with|in|out)\b))"
    r"|\b(?:switch|switches|switched|switching|move|moves|moved|moving|migrate|migrated|migrating|going|went)(?: over)? to "
    rf"(?:(?:a|the|one of (?:the|our)) competitors?|(?:another|a different|a new|some other) {_SYSTEM})\b"
    r"|\b(?:switch|switching|move|moving|migrate|migrating) away(?: from (?:moovs|us)\b|$)"
    rf"|\bno longer (?:needs?|wants?|requires?|uses?|using|interested in) (?:to use )?(?:us\b|{_US}\b)"
    r"|\b(?:will|would|going to|about to|likely to|plans? to|might|may) churn\b"
)
_NOT_RENEWING = re.compile(
    r"\b(?:not|never|won't|don't|doesn't|didn't|isn't|aren't|wouldn't|no intention|no plans?|declin(?:e|es|ed|ing)"
    r"|refus(?:e|es|ed|ing)|decided against)"
    r"(?: (?:be|to|of|on|going|want|wants|wanting|planning|plan|intend|intending|likely|wish|wishing))*"
    r" renew(?:ing|s|al)?\b"
    r"(?! (?:the|their|his|her|its|a|an)? ?(?:insurance|card|licen[cs]e|permit|registration|certificate|domain|passport))"
    r"|\bnon-?\s?renewal\b"
)

_PEOPLE = (
    r"(?:champion|contact|point of contact|owner|manager|dispatcher|controller|administrator|admin|director|coordinator"
    r"|supervisor|bookkeeper|accountant|gm|ceo|coo|cfo|president|founder)"
)
_WORKPLACE = r"(?:company|business|firm|organi[sz]ation|operator|team|role|position|job)"
_GONE = re.compile(
    rf"\b(?:left|leaving|leaves|departed|departing|quit|quits|quitting) (?:the|their|his|her|this) {_WORKPLACE}\b"
    rf"|\bno longer (?:works? |working |employed )?(?:at|with|for|by) (?:the|this|that|their) {_WORKPLACE}\b"
    r"|\bno longer (?:works? |working |employed )?(?:with them|there|here)\b"
    r"|\b(?:has|have|had|just|recently|who) resigned\b|\bis resigning\b|\bresigned (?:from|in|on|last|as|effective)\b"
    r"|\b(?:has|have|had|just|recently) (?:been )?(?:retired|laid off|let go)\b|\b(?:was|were) (?:let go|laid off)\b"
    r"|\b(?:his|her|whose|contact's|champion's) last day (?:is|was|will be|at|with)\b"
    rf"|\bmoved on to (?:another|a new|a different) (?:employer|{_WORKPLACE})\b"
    r"|\b(?:took|accepted|starting|started|found) (?:a|another) (?:new |different )?(?:job|role|position) "
    r"(?:at|with|elsewhere)\b"
    rf"|\b{_PEOPLE} (?:(?:has|have|had|just|recently|already|suddenly) )*(?:left|departed|quit)"
    r"(?= *$| (?:in|last|this|abruptly|suddenly|recently|to join|without notice)\b)"
)
_NOT_A_CONTACT = re.compile(
    r"\b(?:drivers?|chauffeurs?|passengers?|riders?|guests?|vehicles?|cars?|bus|buses|vans?|affiliates?|features?|api)\b"
)
_OUR_OWN = re.compile(
    r"\bour (?:own )?(?:csm|account (?:manager|executive)|rep|representative|colleague|support|sales|engineer)\b|\bmoovs\b"
)


def mentions_cancellation(text: str) -> bool:
    """Whether *text* speaks of the operator cancelling, leaving Moovs, switching away or not renewing."""
    return any(_cancels(clause) for clause in _clauses(text))


def mentions_champion_left(text: str) -> bool:
    """Whether *text* says that a contact has left (or is leaving) the operator."""
    return any(_contact_gone(clause) for clause in _clauses(text))


def _clauses(text: str) -> list[str]:
    """Lower-case clauses with single blanks; lines quoted from an earlier mail are left out."""
    plain = _QUOTED.sub("", text).replace("\u2019", "'").casefold()
    plain = _CLIENTS.sub("corporate-client", _NO_CHOICE.sub("will", plain))
    return [" ".join(part.split()) for part in _CLAUSE.split(plain) if part and part.strip()]


def _cancels(clause: str) -> bool:
    if _NOT_RENEWING.search(clause):
        return True
    leaving = _LEAVING.search(clause)
    if leaving is not None and not _denied(_WORD.findall(clause[: leaving.start()])) and not _offered(clause):
        return True
    words = _WORD.findall(clause)
    return any(_CANCEL.match(word) and _is_ours(words, place) for place, word in enumerate(words)) and not _offered(
        clause
    )


def _offered(clause: str) -> bool:
    """A condition or an offer put to the reader, not something the operator said."""
    return bool(re.search(r"\b(?:if|when|should|can|may|could) you\b|\byou (?:can|may|could)\b|\bany ?time\b", clause))


def _is_ours(words: Sequence[str], place: int) -> bool:
    """Whether the cancelling word at *place* is about the operator's own subscription, and is not denied."""
    before, after = words[:place], words[place + 1 :]
    if _denied(before) or (_NOUN_OR_GERUND.match(words[place]) and _any(after[:4], _TAKEN_BACK)):
        return False
    object_after = _nearest(after[:_OBJECT_AFTER])
    if object_after is not None:
        return object_after in _OURS
    object_before = _nearest(tuple(reversed(before[-_OBJECT_BEFORE:])))
    if object_before is not None:
        return object_before in _OURS
    if _PAST.match(words[place]):
        return False
    return _any(before[-5:], _INTENT) or (bool(_NOUN_OR_GERUND.match(words[place])) and _any(after[:2], _AFTER_NOUN))


def _nearest(words: Sequence[str]) -> str | None:
    return next((word for word in words if word in _OURS or word in _THEIRS), None)


def _any(words: Sequence[str], listed: Collection[str]) -> bool:
    return any(word in listed for word in words)


def _denied(before: Sequence[str]) -> bool:
    """Whether the words before a phrase deny it; a denial ends at the next subject, except after "I don't think"."""
    near = list(before[-_BEFORE:])
    doubting = _any(near, _DOUBTING)
    subjects = [place for place, word in enumerate(near) if word in _SUBJECTS]
    if subjects and not doubting:
        near = near[subjects[-1] :]
    return any(
        word in _NEGATIONS and not (place + 1 < len(near) and near[place + 1] in _NO_DENIAL)
        for place, word in enumerate(near)
    )


def _contact_gone(clause: str) -> bool:
    found = _GONE.search(clause)
    if found is None or _OUR_OWN.search(clause):
        return False
    subject = clause[: found.start()]
    if _NOT_A_CONTACT.search(subject) or re.search(r"\b(?:if|whether|unless)\b", subject):
        return False
    return not _denied(_WORD.findall(subject))
