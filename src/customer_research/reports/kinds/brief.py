"""Before a call, on one page: what to talk about, how it stands, what was last said, what is open, who is who."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.advice import Advice, Meeting
from customer_research.domain.evidence import ANSWERS, Fact, Gap
from customer_research.domain.occasion import Occasion
from customer_research.domain.report import Block, Prose
from customer_research.domain.review import REVIEW
from customer_research.domain.vocabularies import SEVERITIES
from customer_research.domain.words import counted, value_words
from customer_research.reports import judgement
from customer_research.reports.attendees import TEAM, who_is_who
from customer_research.reports.blocks import bullets, proven_prose
from customer_research.reports.figure_lines import figure, is_true
from customer_research.reports.glance import standing
from customer_research.reports.kind import STREAMS, Head, Kind, section
from customer_research.reports.last_words import open_tickets, said_and_open
from customer_research.reports.recommend import due_words, to_do
from customer_research.reports.record_rows import records
from customer_research.reports.reviews import reviews_to_raise

TITLES: Mapping[Meeting, str] = MappingProxyType(
    {
        "check-in": "check-in",
        "qbr": "business review",
        "renewal": "renewal talk",
        "escalation": "escalation call",
        "expansion": "expansion talk",
    }
)
OBJECTIVES: Mapping[Meeting, str] = MappingProxyType(
    {
        "check-in": "Hear how it goes, clear what is open, and agree on one next step.",
        "qbr": "Show the value delivered, and agree on the goals of the coming quarter.",
        "renewal": "Get the renewal agreed: the terms, who decides, and until when.",
        "escalation": "Take the trouble seriously: every open point leaves the call with an owner and a day.",
        "expansion": "Find out whether more business fits now, and agree on a proposal and its day.",
    }
)
_QUESTIONS: Mapping[Meeting, tuple[str, ...]] = MappingProxyType(
    {
        "check-in": ("What has changed in the business since we last spoke?", "What takes more time than it should?"),
        "qbr": (
            "Which of last quarter's goals did you reach, and what kept you from the others?",
            "What does the coming season look like, and what do you need for it?",
        ),
        "renewal": (
            "What would make you hesitate to sign?",
            "Who else decides, and what do they need to see?",
        ),
        "escalation": (
            "What has this cost you, and who on your side is affected?",
            "What has to be true in a week for you to say that it is settled?",
        ),
        "expansion": (
            "Where do you lose bookings or hours today?",
            "What would have to be true for the next plan or an add-on to pay for itself?",
        ),
    }
)
_FIRST_TRIP = "What keeps you from the first trip in the system?"
_ASK: Mapping[str, str] = MappingProxyType(
    {
        "E1": "What has stopped the bookings?",
        "E2": "What has stopped the bookings?",
        "E3": "What has changed in the bookings of the last weeks?",
        "G6": "Why was less booked than in the quarter before?",
        "P1": "What stands in the way of paying the open invoices?",
        "P2": "Which card or account should we charge instead?",
        "P3": "What do riders hear when a card is declined, and since when?",
        "P4": "What do riders hear when a card is declined, and since when?",
        "P4b": "What do riders hear when a card is declined, and since when?",
        "R8": "What do riders hear when a card is declined, and since when?",
        "P6": "How is the business going: are you taking bookings elsewhere?",
        "P7": "What lies behind the disputed charges?",
        "S4": "What lay behind your last rating?",
        "G5": "What was missing in the plan that you left?",
        "R9": "Who runs the day-to-day now, and how do you book trips at the moment?",
        "R11": "Who has taken over from the contact that left?",
        "R14": "Are vehicles or drivers missing?",
        "R17": _FIRST_TRIP,
    }
)
"""What raised advice → the question that it calls for."""

_QUIET = frozenset({"E1", "E2", "E3"})
_SEASON, _OF_SEASON = "R15", "Is the quiet month the season, as the figures say, and how sure are the trips to come?"
"""The finding that a quiet month is no decline, and what is asked of the rules that see one."""

_PREPARE: Mapping[Meeting, str] = MappingProxyType(
    {
        "check-in": "write down the one thing that this call must bring.",
        "qbr": "make the account review for the customer, and send it two days ahead.",
        "renewal": "have the proposal and the value since the last review at hand.",
        "escalation": "speak to whoever works on what is open.",
        "expansion": "have the next plan's price and the limits that the operator reaches at hand.",
    }
)
"""What to have at hand when the talk begins."""

_CANCELLATION = "G7"
"""The rule of a cancellation, announced or spoken of: the first topic tells of it, whatever the talk."""

_TOPICS, _ASKED = 3, 2


@dataclass(frozen=True, slots=True)
class Talk:
    """A talk with an operator: of which kind, what to talk about, and how many topics more there are."""

    account: Account
    meeting: Meeting
    topics: tuple[Prose, ...]
    more: int


def talk(account: Account, occasion: Occasion) -> Talk:
    """The talk before which a brief is asked for; of its topics one at least is of this kind of talk, where there is one."""
    leaving = [one for one in (_leaving(account),) if one is not None]
    raised, room = _raised(account, occasion.meeting), _TOPICS - len(leaving)
    shown, rest = raised[:room], raised[room:]
    own = next((one for one in rest if one.meetings), None)
    if own is not None and not any(one.meetings for one in shown):
        shown = [*shown[:-1], own]
    topics = (*leaving, *_to_discuss(account, shown))
    return Talk(account, occasion.meeting, topics, len(rest))


def _head(told: Talk) -> Head:
    """The head of every report, without the caps, which its headline names."""
    article = "an" if TITLES[told.meeting][0] in "aeiou" else "a"
    found, score = judgement.head(told.account, title=f"Brief for {article} {TITLES[told.meeting]}"), told.account.score
    caps = {judgement.gate_prose(gate, score) for gate in score.gates} if score is not None else ()
    return replace(found, warnings=tuple(one for one in found.warnings if one not in caps))


# -- what to talk about --------------------------------------------------------------------------------------------------


def _leaving(account: Account) -> Prose | None:
    """That the operator is about to leave, or speaks of it: nothing else comes before."""
    ends, left, mrr = (account.fact(name) for name in ("subscription_ends_on", "days_to_end", "mrr"))
    ask = "Ask: What made you decide so, and what would change your mind?"
    if is_true(account, "pending_cancellation") and ends is not None:
        facts = tuple(fact for fact in (ends, left, mrr) if fact is not None)
        days = f", {_in_days(left)}" if left is not None else ""
        money = f"; {value_words(mrr)} a month go with it" if mrr is not None else ""
        return Prose(f"The subscription is set to end on {value_words(ends)}{days}{money}. {ask}", facts, "bad")
    spoken = account.fact("cancellation_mentioned")
    if spoken is not None and spoken.value:
        return Prose(f"A note, call or e-mail of the last 90 days speaks of cancelling. {ask}", (spoken,), "bad")
    return None


def _in_days(left: Fact[Any]) -> str:
    return f"in {value_words(left)}" if left.value >= 0 else f"{value_words(left).lstrip('-')} ago"


def _raised(account: Account, meeting: Meeting) -> list[Advice]:
    """Advice for this kind of talk or for any, the most urgent first; of one urgency that for this kind of talk."""
    fits = [advice for advice in account.advice if not advice.meetings or meeting in advice.meetings]
    told = [advice for advice in fits if advice.source != _CANCELLATION or _leaving(account) is None]
    return sorted(told, key=lambda one: (SEVERITIES.index(one.priority), not one.meetings))


def _question(account: Account, advice: Advice) -> str:
    """The question that a piece of advice calls for; empty: none."""
    if advice.source in _QUIET and any(one.source == _SEASON for one in account.advice):
        return _OF_SEASON
    never = any(fact.metric == "reservations_ever" and not fact.value for fact in advice.facts)
    return _FIRST_TRIP if never else _ASK.get(advice.source, "")  # where none was ever there, none has stopped


def _to_discuss(account: Account, chosen: Iterable[Advice]) -> Iterator[Prose]:
    """What is so, and until when to ask or do what about it; no question twice."""
    asked = set[str]()
    for advice in chosen:
        question = _question(account, advice)
        new = question and question not in asked
        asked.add(question)
        yield to_do(account, advice, f"Ask {due_words(account, advice)}: {question}" if new else "")


def _topics(told: Talk) -> Iterator[Block | None]:
    """What the talk is to bring, what to talk about in order, and what to ask besides."""
    first = _renewal(told.account) if told.meeting == "renewal" else Prose("")
    yield replace(first, text=f"{first.text} {OBJECTIVES[told.meeting].rstrip('.')}:".lstrip())
    none = judgement.nothing_found(told.account, "Nothing in the known figures is urgent: listen.")
    topics = told.topics or (Prose(none),)
    more = f" {counted(told.more, 'more topic')} in the health report." if told.more else ""
    ask = Prose(f"Ask: {' '.join(_QUESTIONS[told.meeting][:_ASKED])}{more}")
    room = len(told.topics) + 1 < _TOPICS  # the page holds no more, with what it rests on
    raised = reviews_to_raise(told.account) if room else None
    yield bullets((*topics, *((raised,) if raised is not None else ()), ask, _prepared(told)), ordered=True)


def _prepared(told: Talk) -> Prose:
    tickets, proof = open_tickets(told.account), records(told.account, "ticket").receipts
    have = f"get the state and a date of {counted(len(tickets), 'open ticket')}; " if tickets else ""
    text = f"Before the call: {have}{_PREPARE[told.meeting]}"
    return proven_prose(text, proof if tickets else (), told.account.as_of)


def _renewal(account: Account) -> Prose:
    renewal, left = account.fact("renewal_date"), account.fact("days_to_renewal")
    if renewal is not None and left is not None:
        return Prose(f"The contract is up on {value_words(renewal)}, {_in_days(left)}.", (renewal, left), "watch")
    known = figure(account, "renewal_date")
    none = isinstance(known, Gap) and known.reason in ANSWERS
    reason = "neither a contract's end nor a yearly plan is on record" if none else "it is not known"
    return Prose(f"There is no renewal date: {reason}.", (), "unknown")


KIND = Kind(
    "brief",
    "Brief before a call",
    _head,
    (
        section("topics", "To talk about", _topics, weight=3),
        section("standing", "How it stands", lambda told: standing(told.account)),
        section("said", "Last said, and open", lambda told: said_and_open(told.account)),
        section("attendees", "Who is who", lambda told: who_is_who(told.account)),
    ),
    answers="What must I know, ask and have at hand in the five minutes before a call?",
    place=30,
    prepare=talk,
    options=("meeting",),
    needs=STREAMS | {TEAM, REVIEW},
    past=True,
)
