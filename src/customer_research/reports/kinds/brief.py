"""Before a call: objective, snapshot, topics, questions, open promises, checklist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from customer_research.documents.answering import unable_words
from customer_research.documents.present import source_title
from customer_research.domain.account import Account
from customer_research.domain.advice import Advice, Meeting
from customer_research.domain.evidence import ANSWERS, Fact, Gap, merge_basis
from customer_research.domain.occasion import Occasion
from customer_research.domain.report import Block, FigureLine, Prose
from customer_research.domain.vocabularies import SEVERITIES
from customer_research.domain.words import counted, value_words
from customer_research.reports import judgement, progress, shared_tables
from customer_research.reports.blocks import bullets, proven_prose
from customer_research.reports.disagreements import disagreements
from customer_research.reports.figure_lines import figure, figures, present
from customer_research.reports.kind import Head, Kind, section
from customer_research.reports.recommend import due_words
from customer_research.reports.record_rows import Row, day_of, known_rows, newest, records, table
from customer_research.reports.standing_figures import health
from customer_research.reports.tones import PRIORITY_TONES

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
        "G7": "What made you think of cancelling, and what would change your mind?",
        "R9": "Who runs the day-to-day now, and how do you book trips at the moment?",
        "R11": "Who has taken over from the contact that left?",
        "R14": "Are vehicles or drivers missing?",
        "R17": "What keeps you from the first trip in the system?",
    }
)
"""What raised advice → the question that it calls for."""

_TOPICS, _QUESTIONS_MOST, _PROMISES, _CONTACTS = 4, 5, 5, 5


@dataclass(frozen=True, slots=True)
class Talk:
    """A talk with an operator: of which kind, and what to talk about."""

    account: Account
    meeting: Meeting
    topics: tuple[Advice, ...]


def talk(account: Account, occasion: Occasion) -> Talk:
    """The talk before which a brief is asked for."""
    return Talk(account, occasion.meeting, _topics(account, occasion.meeting))


def _head(told: Talk) -> Head:
    article = "an" if told.meeting == "escalation" else "a"
    return judgement.head(told.account, title=f"Brief for {article} {TITLES[told.meeting]}")


def _objective(account: Account, meeting: Meeting) -> Iterator[Prose]:
    yield Prose(OBJECTIVES[meeting])
    if meeting == "renewal":
        renewal, left = account.fact("renewal_date"), account.fact("days_to_renewal")
        if renewal is not None and left is not None:
            yield Prose(f"The contract is up on {value_words(renewal)}, {_in_days(left)}.", (renewal, left), "watch")
        else:
            known = figure(account, "renewal_date")
            none = isinstance(known, Gap) and known.reason in ANSWERS
            reason = "neither a contract's end nor a yearly plan is on record" if none else "it is not known"
            yield Prose(f"There is no renewal date: {reason}.", (), "unknown")


def _in_days(left: Fact[Any]) -> str:
    return f"in {value_words(left)}" if left.value >= 0 else f"{value_words(left).lstrip('-')} ago"


def _health(account: Account) -> Iterator[FigureLine]:
    """Score and band, and what became of them, where that is known."""
    tone = judgement.band_tone(account.score) if account.score else "unknown"
    yield FigureLine("Health", health(account), tone)
    trend = progress.trend_words(account)
    for label, told in (("Its trend", trend), ("Health before", progress.last_settled(account))):
        if told is not None:
            words = Fact(told.text.rstrip("."), "text", merge_basis(told.facts), account.as_of)
            yield FigureLine(label, words, told.tone)


_SNAPSHOT = present(
    figures(
        _health,
        """
        base_plan_name mrr reservations_30d usage_trend outstanding overdue_invoices open_tickets
        nps_latest: Latest NPS, 180 days (0 to 10)
        renewal_date
        """,
    )
)
"""How it stands, in a few lines; what is truly absent is left out."""


# -- what to talk about --------------------------------------------------------------------------------------------------


def _topics(account: Account, meeting: Meeting) -> tuple[Advice, ...]:
    """Advice for this kind of talk or for any, the most urgent first; of one urgency that for this kind of talk."""
    fits = [advice for advice in account.advice if not advice.meetings or meeting in advice.meetings]
    ranked = sorted(fits, key=lambda one: (SEVERITIES.index(one.priority), not one.meetings))
    return tuple(ranked[:_TOPICS])


def _topic_list(account: Account, topics: tuple[Advice, ...]) -> Block:
    items = [
        Prose(
            f"{advice.action} ({due_words(account, advice)}; {advice.because.rstrip('.')})",
            advice.facts,
            PRIORITY_TONES[advice.priority],
        )
        for advice in topics
    ]
    none = judgement.nothing_found(account, "Nothing in the figures known presses: ask, and listen.")
    return bullets(items, ordered=True) or Prose(none)


def _questions(meeting: Meeting, topics: tuple[Advice, ...]) -> Block | None:
    raised = [(_ASK[advice.source], advice.facts) for advice in topics if advice.source in _ASK]
    asked: dict[str, tuple[Fact[Any], ...]] = {}
    for question, facts in (*raised, *((question, ()) for question in _QUESTIONS[meeting])):
        asked.setdefault(question, facts)
    return bullets(Prose(question, facts) for question, facts in list(asked.items())[:_QUESTIONS_MOST])


def _open_tickets(account: Account) -> list[Row]:
    """The tickets that are open and surely the operator's."""
    return [row for row in known_rows(account, "ticket") if row["is_open"] and row["is_certain"]]


def _commitments_first(account: Account) -> list[Row]:
    rows = newest(_open_tickets(account), "created_at", "ticket_id")
    rows.sort(key=lambda row: not row["is_commitment"])
    return [{**row, "promised": "commitment" if row["is_commitment"] else "ticket"} for row in rows]


_PROMISED = table(
    "ticket",
    "Tickets and commitments",
    "number Ticket, title, promised, created_at:day Opened, due_date:date Due",
    rows=_commitments_first,
    links={"number": shared_tables.link("notion_page", "ticket_id")},
    most=_PROMISES,
    empty="No open ticket.",
)


def _promises(account: Account) -> Iterator[Block]:
    """Commitments and tickets that are open, the open deals, and the last word that was spoken."""
    yield _last_word(account)
    yield _PROMISED(account)
    if any(row["is_open"] for row in known_rows(account, "deal")):
        yield shared_tables.deals(lambda row: row["is_open"])(account)


def _last_word(account: Account) -> Prose:
    rows = newest(known_rows(account, "engagement"), "occurred_at", "engagement_id")
    if not rows:
        return Prose("No contact is on record.", (), "unknown")
    last, receipts = rows[0], records(account, "engagement").receipts
    when = day_of(last["occurred_at"]) if last.get("occurred_at") else None
    title = f" “{last['title']}”" if last.get("title") else ""
    told = f"{last['type']}{title} on {when.isoformat()}" if when else f"{last['type']}{title}"
    return proven_prose(f"Last contact: {told}.", receipts, account.as_of)


def _still_there(account: Account) -> list[Row]:
    rows = [row for row in known_rows(account, "contact") if not row["has_left"]]
    return sorted(rows, key=lambda row: (not row["is_primary"], str(row["contact_id"])))


_EXPECTED = table(
    "contact",
    "Contacts",
    "name:contact, job_title Role, email:email E-mail, is_primary:boolean Primary",
    rows=_still_there,
    most=_CONTACTS,
    empty="No contact is on record: find out who decides.",
)


def _attendees(account: Account) -> Iterator[Block]:
    """The contacts that are still there, and whose account it is."""
    yield _EXPECTED(account)
    left = account.fact("contacts_left")
    if left is not None and left.value:
        yield Prose(f"{counted(left.value, 'contact')} left: ask who took over.", (left,), "watch")


def _checklist(account: Account, meeting: Meeting) -> Iterator[Prose]:
    for item in account.freshness:
        if item.state != "ok":
            text = f"{source_title(item.source)} {unable_words(item.gaps, partly=item.state == 'partial')}: look there."
            yield Prose(text, (), "watch")
    tickets = _open_tickets(account)
    if tickets:
        text = f"Get the state and a date of {counted(len(tickets), 'open ticket')}."
        yield proven_prose(text, records(account, "ticket").receipts, account.as_of)
    late = account.fact("overdue_invoices")
    if late is not None and late.value:
        yield Prose(f"Have the {counted(late.value, 'overdue invoice')} at hand (`billing`).", (late,))
    conflicts = [one for one in disagreements(account) if one.tone == "watch"]
    if conflicts:
        yield Prose(f"Settle first what sources disagree on: {conflicts[0].text}", conflicts[0].facts)
    yield Prose(_PREPARE[meeting])


_PREPARE: Mapping[Meeting, str] = MappingProxyType(
    {
        "check-in": "Write down the one thing that this call must bring.",
        "qbr": "Make `account-review --audience customer` and send it two days ahead.",
        "renewal": "Have the proposal and the value since the last review at hand (`account-review`).",
        "escalation": "Speak to the owner of every open ticket before the call.",
        "expansion": "Have the next plan's price and the limits that the operator reaches at hand.",
    }
)


KIND = Kind(
    "brief",
    "Brief before a call",
    _head,
    (
        section("objective", "Objective", lambda talk: _objective(talk.account, talk.meeting)),
        section("snapshot", "Snapshot", lambda talk: _SNAPSHOT(talk.account)),
        section("topics", "Topics", lambda talk: _topic_list(talk.account, talk.topics)),
        section("questions", "Questions", lambda talk: _questions(talk.meeting, talk.topics)),
        section("promises", "Open promises", lambda talk: _promises(talk.account)),
        section("attendees", "Who to expect", lambda talk: _attendees(talk.account)),
        section("checklist", "Before the call", lambda talk: bullets(_checklist(talk.account, talk.meeting))),
    ),
    answers="What must I know, ask and have at hand in the five minutes before a call?",
    place=30,
    prepare=talk,
    options=("meeting",),
    past=True,
)
