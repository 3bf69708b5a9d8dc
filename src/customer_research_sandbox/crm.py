"""People and talk around an operator: members, drivers, vehicles, contacts, deals, engagements, tickets, answers."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from customer_research_sandbox import vocabulary as words
from customer_research_sandbox.draws import Weighted, instant_between, poisson, stream, uuid_text
from customer_research_sandbox.population import contract_end_of, phone_of
from customer_research_sandbox.simulation import Story, TicketSpan
from customer_research_sandbox.state import (
    Answer,
    Contact,
    Deal,
    Driver,
    Engagement,
    LogEntry,
    Member,
    OperatorLife,
    Ticket,
    Vehicle,
)

TEAM = ("Ida Colvander", "Marten Yarborne", "Salome Pellworth", "Teun Bexcombe", "Wanda Quenby")
"""Moovs' own people in the world: HubSpot owners and ticket assignees."""

_CONTACTS = {"Free": (1, 2), "SMB": (1, 2), "Mid-Market": (2, 4), "Enterprise": (4, 9)}
_TALK = {"Free": 0.2, "SMB": 0.4, "Mid-Market": 0.8, "Enterprise": 2.0}
_TITLES = (
    "Owner",
    "Operations manager",
    "Dispatcher",
    "Fleet manager",
    "Controller",
    "General manager",
    "Office manager",
)
_ROLES = ("owner", "admin", "dispatcher", "dispatcher", "accounting")
_KIND = Weighted([("note", 35.0), ("email", 35.0), ("call", 20.0), ("meeting", 10.0)])
_TOPICS = (
    "onboarding",
    "monthly check-in",
    "invoice question",
    "new feature walk-through",
    "driver app roll-out",
    "booking site",
)
_MEETINGS = (
    "Monthly check-in",
    "Quarterly business review",
    "Renewal talk",
    "New feature walk-through",
    "Driver app roll-out",
)
_PLANNED = 1 / 9
"""The share of customers with a meeting in the calendar."""

TICKET_TOPICS = (
    "Price zone not applied on booking site", "Driver app loses position", "Invoice export is empty", "Add toll field",
    "Calendar shows wrong zone", "Duplicate confirmation mail", "Report by vehicle", "Card hold released too early",
    "Quote form does not load", "Import of contacts stops", "Shuttle timetable view", "Round trip saved as one way",
)  # fmt: skip
_TEAMS = ("Pocketflows", "Prod", "Eng", "Ensemble", "Layer", "Support")
_DONE_STATUS = Weighted([("Done", 80.0), ("Archived", 12.0), ("Not doing anymore", 8.0)])
_OPEN_STATUS = Weighted([("Ingestion", 30.0), ("Accepted", 35.0), ("In progress", 35.0)])
_OPEN_STAGE = ("Not started", "Backlog", "Problem Validation", "Eng Design", "In Development", "Code Review", "QA")
_TICKETS_FROM, _TICKETS_EACH = 2_000, 50


def ticket_numbers(index: int) -> int:
    """The first ticket number of an operator; each has a block of its own, so that no operator shifts another's."""
    return _TICKETS_FROM + index * _TICKETS_EACH


def fill_crm(seed: int, story: Story, as_of: datetime) -> None:
    """Write the tickets, people and talk of a story into its life."""
    writer = _Crm(story, stream(seed, story.life.operator.index, "crm"), as_of)
    writer.tickets()
    writer.staff()
    writer.people()
    writer.deals()
    writer.talk()
    writer.answers()
    writer.log()
    plan_meetings(story.life, stream(seed, story.life.operator.index, "meetings"), as_of)


def plan_meetings(life: OperatorLife, rng: Random, as_of: datetime) -> None:
    """One customer in nine has a meeting in the calendar: within three weeks, in working hours, entered some days ago."""
    if life.terminated_at is not None or not life.subscriptions or rng.random() >= _PLANNED:
        return
    day = (as_of + timedelta(days=1 + int(rng.random() * 20))).replace(minute=0, second=0, microsecond=0)
    title = _MEETINGS[int(rng.random() * len(_MEETINGS))]
    owner = life.operator.index % len(TEAM)
    at, logged = day.replace(hour=14 + int(rng.random() * 8)), as_of - timedelta(days=1 + int(rng.random() * 6))
    life.planned.append(Engagement(len(life.engagements), "meeting", at, title, "", owner=owner, logged_at=logged))


class _Crm:
    def __init__(self, story: Story, rng: Random, as_of: datetime) -> None:
        self._story = story
        self._life: OperatorLife = story.life
        self._operator = story.life.operator
        self._rng = rng
        self._as_of = as_of
        self._born = self._operator.signed_up

    def _distressed(self, at: datetime) -> bool:
        """Whether everything goes wrong at the operator at an instant."""
        began = self._story.profile.distress_at
        return began is not None and began <= at

    # -- tickets ---------------------------------------------------------------------------------------------------

    def tickets(self) -> None:
        """One ticket for each span of the simulation that began before the as-of."""
        first = ticket_numbers(self._operator.index)
        for offset, span in enumerate(self._story.tickets[:_TICKETS_EACH]):
            self._life.tickets.append(self._ticket(first + offset, span))

    def _ticket(self, number: int, span: TicketSpan) -> Ticket:
        rng = self._rng
        resolved = span.resolved if span.resolved is not None and span.resolved < self._as_of else None
        enterprise = self._operator.segment == "Enterprise" and rng.random() < 0.15
        title = TICKET_TOPICS[int(rng.random() * len(TICKET_TOPICS))]
        ticket = Ticket(
            page_id=uuid_text(rng),
            number=number,
            title=title,
            status=_OPEN_STATUS.draw(rng) if resolved is None else _DONE_STATUS.draw(rng),
            stage=[_OPEN_STAGE[int(rng.random() * len(_OPEN_STAGE))] if resolved is None else "Deployed / Done"],
            priority=span.priority,
            types=[span.kind],
            created_at=span.opened,
            edited_at=resolved
            if resolved is not None
            else span.opened + (self._as_of - span.opened) * rng.random() * 0.5,
            team=[_TEAMS[int(rng.random() * len(_TEAMS))]],
            assigned=[TEAM[int(rng.random() * len(TEAM))]],
            due_on=(span.opened + timedelta(days=30)).date() if enterprise and rng.random() < 0.6 else None,
            summary=f"{title}; reported through {('chat', 'mail', 'a call')[int(rng.random() * 3)]}.",
            scores=(rng.randrange(11), rng.randrange(11), rng.randrange(11))
            if rng.random() < 0.5
            else (None, None, None),
        )
        self._tag(ticket)
        if enterprise:
            ticket.tags.append("Enterprise")
        return ticket

    def _tag(self, ticket: Ticket) -> None:
        """How the ticket names its operator: by tag 45 %, by id 25 %, by title 20 %, not at all 10 %."""
        drawn = self._rng.random()
        if drawn < 0.45:
            ticket.tags.append(self._operator.name)
        elif drawn < 0.70:
            ticket.operator_id = self._operator.operator_id
        elif drawn < 0.90:
            ticket.title = f"{self._operator.name}: {ticket.title[0].lower()}{ticket.title[1:]}"

    # -- people and vehicles ---------------------------------------------------------------------------------------

    def _name(self) -> tuple[str, str]:
        rng = self._rng
        return words.GIVEN_NAMES[int(rng.random() * 30)], words.SURNAMES[int(rng.random() * 30)]

    def _joined(self) -> datetime:
        """Most of the staff were there from the start, a fifth joined since; nobody joins an operator in distress."""
        if self._rng.random() < 0.8:
            return min(self._born + timedelta(days=self._rng.random() * 14), self._as_of - timedelta(minutes=5))
        return instant_between(self._rng, self._born, self._story.profile.distress_at or self._as_of)

    def staff(self) -> None:
        """Members of the app with their last log-in, drivers and vehicles."""
        gone = self._life.terminated_at
        for place in range(self._operator.members):
            first, last = self._name()
            joined = self._joined()
            role = "owner" if place == 0 else _ROLES[int(self._rng.random() * len(_ROLES))]
            self._life.members.append(
                Member(uuid_text(self._rng, 1), first, last, role, joined, self._last_login(joined, gone))
            )
        for _ in range(self._operator.drivers):
            first, last = self._name()
            driver = Driver(uuid_text(self._rng, 1), first, last, self._joined())
            if self._rng.random() < 0.08:
                driver.deactivated_at = instant_between(self._rng, driver.created_at, self._as_of)
            self._life.drivers.append(driver)
        for place in range(self._operator.vehicles):
            kind, capacity = words.VEHICLE_TYPES[int(self._rng.random() ** 1.6 * len(words.VEHICLE_TYPES))]
            colour = words.COLOURS[int(self._rng.random() * len(words.COLOURS))]
            self._life.vehicles.append(
                Vehicle(uuid_text(self._rng, 1), f"{kind} {place + 1:02d}", kind, capacity, colour, self._joined())
            )

    def _last_login(self, joined: datetime, gone: datetime | None) -> datetime | None:
        """The last log-in: a few days before the end of use; one member in fifteen never logged in."""
        if self._rng.random() < 1 / 15:
            return None
        used = [month.end for month in self._life.months if month.trips > 0]
        end = min([self._as_of, *used[-1:], *([gone] if gone is not None else [])])
        return max(end - timedelta(days=self._rng.expovariate(1 / 5.0)), joined)

    def people(self) -> None:
        """HubSpot contacts; the champion's departure is known to HubSpot in 60 % of cases."""
        rng = self._rng
        for place in range(rng.randint(*_CONTACTS[self._operator.size])):
            first, last = self._name()
            created = min(self._born + timedelta(days=rng.random() * 60), self._as_of - timedelta(minutes=2))
            self._life.contacts.append(
                Contact(
                    number=place,
                    first=first,
                    last=last,
                    email=f"{first.lower()}.{last.lower().replace('-', '')}@{self._operator.domain}",
                    phone=phone_of(self._operator.city, rng.randrange(100)),
                    title=_TITLES[0] if place == 0 else _TITLES[int(rng.random() * len(_TITLES))],
                    created_at=created,
                    modified_at=instant_between(rng, created, self._as_of),
                )
            )
        for left in self._story.champion_left:
            if rng.random() < 0.60 and left > self._born:
                self._champion_left(left)

    def _champion_left(self, left: datetime) -> None:
        contact = self._life.contacts[0]
        contact.left_at = left
        contact.modified_at = max(contact.modified_at, left)
        note = f"{contact.first} has left the company; new point of contact to be found."
        self._engage("note", left, "", note)

    # -- deals and talk --------------------------------------------------------------------------------------------

    def deals(self) -> None:
        """The deal that won the operator, and for one in ten paying operators an open add-on deal."""
        rng, operator = self._rng, self._operator
        pipeline = {"Free": "smb", "SMB": "smb", "Mid-Market": "mid", "Enterprise": "enterprise"}[operator.segment]
        closed = self._story.profile.started or self._born
        created = closed - timedelta(days=10 + rng.random() * 60)
        amount = sum(item.amount_cents for item in self._life.subscriptions if item.status in {"active", "terminated"})
        self._life.deals.append(
            Deal(
                number=0,
                name=f"{operator.name} - new",
                pipeline=pipeline,
                stage=f"{pipeline}_paid" if operator.segment != "Free" else "smb_lead",
                kind="newbusiness",
                amount=round(amount / 100, 2) if operator.segment != "Free" else None,
                created_at=created,
                close_at=closed if operator.segment != "Free" else None,
                plan=operator.app_plan,
                source=operator.source,
            )
        )
        if operator.segment != "Free" and self._life.terminated_at is None and rng.random() < 0.08:
            self._expansion_deal()
        self._contract()

    def _expansion_deal(self) -> None:
        if self._distressed(self._as_of):
            return
        created = self._as_of - timedelta(days=1 + self._rng.random() * 80)
        self._life.deals.append(
            Deal(
                number=1,
                name=f"{self._operator.name} - add-on",
                pipeline="addon",
                stage=("addon_lead", "addon_discovery", "addon_demo", "addon_prospecting")[int(self._rng.random() * 4)],
                kind="existingbusiness",
                amount=float(self._rng.choice((299, 499, 598, 998))),
                created_at=max(created, self._born),
                close_at=self._as_of + timedelta(days=self._rng.randrange(10, 90)),
            )
        )

    def _contract(self) -> None:
        """Annual contracts and most of Enterprise have their end in the CRM."""
        annual = any(
            item.plan_code.endswith("-annual") and item.status == "active" for item in self._life.subscriptions
        )
        started = self._story.profile.started
        if started is None or (not annual and self._operator.segment != "Enterprise"):
            return
        if self._rng.random() < 0.7:
            self._operator.contract_end = contract_end_of(started, self._as_of)

    def talk(self) -> None:
        """Logged engagements, month by month, fewer once the operator is gone."""
        for month in self._life.months:
            gone = self._life.terminated_at is not None and month.start > self._life.terminated_at
            for _ in range(poisson(self._rng, _TALK[self._operator.size] * (0.1 if gone else 1.0))):
                at = instant_between(self._rng, max(month.start, self._born), month.end)
                topic = _TOPICS[int(self._rng.random() * len(_TOPICS))]
                self._engage(_KIND.draw(self._rng), at, topic.capitalize(), f"Spoke about the {topic}.")
        self._life.engagements.sort(key=lambda item: item.at)
        for place, item in enumerate(self._life.engagements):
            item.number = place

    def _engage(self, kind: str, at: datetime, title: str, body: str) -> None:
        duration = int(self._rng.uniform(120, 2_400)) * 1000 if kind == "call" else None
        owner = self._operator.index % len(TEAM)
        self._life.engagements.append(Engagement(0, kind, at.replace(microsecond=0), title, body, duration, owner))

    def answers(self) -> None:
        """NPS answers of the simulation, and CSAT after one resolved ticket in four."""
        for at, score in self._story.surveys:
            if at >= self._born:
                self._life.answers.append(Answer(uuid_text(self._rng), at, score, None, None, "quarterly"))
        for span in self._story.tickets:
            if span.resolved is None or span.resolved >= self._as_of - timedelta(days=1) or self._rng.random() >= 0.25:
                continue
            content = 2.2 if self._distressed(span.resolved) else 4.2
            csat = min(5, max(1, round(self._rng.gauss(content, 0.9))))
            at = span.resolved + timedelta(hours=6)
            self._life.answers.append(Answer(uuid_text(self._rng), at, None, csat, None, "post_support"))
        self._life.answers.sort(key=lambda item: item.at)

    def log(self) -> None:
        """The app's own log of subscription events."""
        for item in self._life.subscriptions:
            if item.started_at is None:
                continue
            plan = words.PLANS[item.plan_code]
            amount = round(item.amount_cents / 100, 2)
            self._log(
                plan, item.event if item.status == "active" else "new", item.previous_plan, amount, item.started_at
            )
            if item.terminated_at is not None:
                self._log(plan, item.event, item.previous_plan, amount, item.terminated_at)

    def _log(self, plan: words.Plan, event: str, previous: str | None, amount: float, at: datetime) -> None:
        previous_name = words.PLANS[previous].name if previous is not None else None
        entry = LogEntry(uuid_text(self._rng, 1), plan.code, event, plan.name, previous_name, amount, at, None, at)
        self._life.log.append(entry)
