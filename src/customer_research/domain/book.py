"""A book: the operators that one person looks after, as lists show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from customer_research.domain.evidence import Gap, Receipt
    from customer_research.domain.line import Line
    from customer_research.domain.meeting import Asked
    from customer_research.domain.money import Amounts
    from customer_research.domain.portfolio import Moves
    from customer_research.domain.report import Freshness
    from customer_research.domain.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class PlannedMeeting:
    """A meeting with an operator that HubSpot, or a calendar, has for a coming instant (UTC).

    `all_day`: it has days and no hours. `note` says what is to be known of it beside (empty: nothing).
    """

    operator_id: str
    name: str
    title: str
    starts_at: datetime
    receipt: Receipt
    all_day: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose book: HubSpot's id of the owner, and the name; both empty for that of nobody.

    It counts the operators present, those who need somebody now or this week (`soon`), those At Risk or Critical, and their MRR
    as far as it is known, each currency on its own. `unsettled` counts those of whom a silent source leaves open in which band
    they stand or how soon they need somebody; `days_unknown` those of whom it leaves open one of `DAYS`, and under `next` whether
    they end or renew.
    """

    owner_id: str
    name: str
    operators: int
    soon: int
    at_risk: int
    mrr: Amounts
    mrr_unknown: int
    unsettled: int = 0
    days_unknown: Mapping[str, int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Book:
    """What a person sees first: whom to call, whom they meet, what renews, what moved since they looked.

    `owners` says whose book it is (all owners where nobody is named), `named` whether somebody is. `lines` are those who need
    somebody, the most urgent first and then by MRR; `of` how many such there are, `operators` how many are present. `meetings` None: HubSpot did not tell, and no calendar was read; `calendars` says how those that are read answered (none: the meetings are HubSpot's at the snapshot), `meetings_until` up to when meetings are asked for; `renewals_unknown` counts those whose end or renewal is not known. `moves` are those since the snapshot looked at before (a gap: there is none).
    `left_out` counts the operators present whose lines are not kept ready, since there are more than the settings say; `history` proves the scores of earlier weeks that they carry.
    """

    snapshot: Snapshot
    generated_at: datetime
    owners: tuple[Owner, ...]
    named: bool
    lines: tuple[Line, ...]
    of: int
    operators: int
    meetings: tuple[PlannedMeeting, ...] | None
    renewals: tuple[Line, ...]
    renewals_of: int
    renewals_unknown: int
    moves: Moves | Gap
    receipt: Receipt
    freshness: tuple[Freshness, ...]
    left_out: int = 0
    history: Receipt | None = None
    calendars: tuple[Asked, ...] = ()
    meetings_until: datetime | None = None


RENEWAL_WINDOWS: Mapping[str, int] = MappingProxyType({"Enterprise": 120, "Mid-Market": 90, "SMB": 45, "Free": 45})
"""How many days before its renewal an operator of a segment is worked on; the same as urgency's `opening`."""

OTHER_WINDOW = 45
"""The days of an operator whose segment is not known."""

BILLING_DAYS = 7
"""How many days ahead the next bills are told."""


@dataclass(frozen=True, slots=True)
class Renewals:
    """What ends, renews or bills next in a book.

    `ends` are the subscriptions set to end, whenever; `renews` those whose renewal lies within the window of their segment (or
    within `days`, where so many are asked for); `bills` those billed within `BILLING_DAYS`. Each by day, then by MRR.
    `unknown` counts, for each of the three days, the operators of whom a silent source leaves it open. `until` is the day up to
    which all of it is asked for, where a day says so and not a number of `days`.
    """

    snapshot: Snapshot
    generated_at: datetime
    owners: tuple[Owner, ...]
    named: bool
    days: int | None
    ends: tuple[Line, ...]
    renews: tuple[Line, ...]
    bills: tuple[Line, ...]
    unknown: Mapping[str, int]
    operators: int
    receipt: Receipt
    freshness: tuple[Freshness, ...]
    left_out: int = 0
    until: date | None = None
