"""Today: whom to call, why, until when and with what at stake; whom one meets, what ends or renews, and what moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from customer_research.domain.book import Book, Owner, PlannedMeeting
from customer_research.domain.evidence import Fact, Gap, merge_basis
from customer_research.domain.health import standing_label
from customer_research.domain.line import WEEKS, Line
from customer_research.domain.money import totals
from customer_research.domain.portfolio import Mover, Moves
from customer_research.domain.report import Absence, Block, Cell, Prose, Statement, Text, Tone
from customer_research.domain.words import counted, value_words
from customer_research.reports import lines
from customer_research.reports.blocks import Proof, bullets, stated
from customer_research.reports.calendars_heard import unheard
from customer_research.reports.kind import Head, Kind, section
from customer_research.reports.lines import list_table, old_figures, owner_words
from customer_research.reports.movers import uncompared

MOVED = 3
"""How many operators that got worse, and that got better, are told."""


def _count(book: Book, value: int) -> Fact[int]:
    return Fact(value, "count", (book.receipt,), book.snapshot.as_of)


def _headline(book: Book) -> Prose:
    operators = counted(book.operators, "operator")
    if not book.operators:
        return Prose("Nobody in the snapshot is a customer now.", (_count(book, 0),), "unknown")
    open_ = sum(owner.unsettled for owner in book.owners)
    if not book.of and not open_:
        return Prose(f"None of {operators} needs somebody within a month.", (_count(book, 0),), "good")
    soon = sum(owner.soon for owner in book.owners)
    at_risk = sum(owner.at_risk for owner in book.owners)
    words = (
        f"Of {operators} {_needing(soon)}; {at_risk or 'none'} {'are' if at_risk > 1 else 'is'}"
        f"{' known to be' if open_ else ''} At Risk or Critical."
    )
    words += f" A silent source leaves it open of {open_}." if open_ else ""
    stake = totals(money for line in book.lines if line.level != "watch" for money in line.mrr or ())
    facts: list[Fact[object]] = [_count(book, number) for number in (soon, at_risk, *((open_,) if open_ else ()))]
    unknown = sum(line.mrr is None for line in book.lines)
    if stake:
        basis = merge_basis(
            [cell for line in book.lines if isinstance(cell := lines.mrr(line, book.snapshot.as_of), Fact)]
        )
        money: Fact[object] = Fact(stake, "money", basis, book.snapshot.as_of, "mrr")
        words += f" {value_words(money)} of MRR a month is at stake in the {len(book.lines)} shown"
        words += f" (of {unknown} not known)." if unknown else "."
        facts.append(money)
    return Prose(words, tuple(facts), "bad" if at_risk or soon else "unknown" if open_ else "watch")


def _needing(soon: int) -> str:
    if not soon:
        return "none needs somebody this week"
    return f"{soon} need{'s' if soon == 1 else ''} somebody now or this week"


def _calls(book: Book) -> Block:
    if not book.lines:
        return Prose("Nothing known asks for a call.", (_count(book, 0),), "good")
    as_of = book.snapshot.as_of
    changes = _changes(book)
    rows = [
        (
            lines.operator(line),
            lines.mrr(line, as_of),
            _health(book, line, changes.get(line.operator_id)),
            lines.until(line, as_of),
            lines.why(line, as_of),
        )
        for line in book.lines
    ]
    headers = ("Operator", "MRR", "Health", "Until", "Why, and what to do first")
    return list_table(headers, rows, book.of, (book.receipt,), right=("MRR",), under=headers[-1])


def _health(book: Book, line: Line, change: Mover | None) -> Cell:
    cell = lines.health(line, book.snapshot.as_of)
    if change is None or not change.points or not isinstance(cell, Fact) or isinstance(book.moves, Gap):
        return cell
    proof = merge_basis([cell, Fact(0, "points", (book.moves.receipt,), book.snapshot.as_of)])
    return stated(
        f"{line.health} ({change.points:+d})",
        proof,
        book.snapshot.as_of,
        cell.tone if isinstance(cell, Statement) else "neutral",
    )


def _changes(book: Book) -> dict[str, Mover]:
    if isinstance(book.moves, Gap):
        return {}
    moves = book.moves
    return {mover.operator_id: mover for mover in (*moves.new_at_risk, *moves.worse, *moves.better)}


def _meetings(book: Book) -> Iterator[Block | None]:
    unknown = tuple(unheard(book.calendars, book.generated_at, book.meetings_until or book.generated_at))
    if book.meetings is None:
        yield Prose("Not known: HubSpot's calendar was not read.", (), "unknown")
    elif book.meetings:
        rows = [
            (
                Text(meeting.name, operator=meeting.operator_id),
                _when(meeting),
                stated(meeting.title or "without a title", (meeting.receipt,), book.snapshot.as_of, theirs=True),
            )
            for meeting in book.meetings
        ]
        yield list_table(("Operator", "When", "What"), rows, len(rows), (book.receipt,))
    elif unknown:
        yield Prose("None with these operators is known.", (_count(book, 0),), "unknown")
    elif book.calendars:
        yield Prose("The calendars have none with these operators.", (_count(book, 0),))
    else:
        yield Prose(
            f"HubSpot had none with these operators at {book.snapshot.as_of:%Y-%m-%d %H:%M} UTC.", (_count(book, 0),)
        )
    yield bullets(unknown)


def _when(meeting: PlannedMeeting) -> Cell:
    """The hour of a meeting, or the day of one without; and what is to be known of it beside."""
    proof = Proof((meeting.receipt,), meeting.receipt.fetched_at)
    if meeting.all_day:
        return proof.fact(meeting.starts_at.date(), "date", note="; ".join(filter(None, ("all day", meeting.note))))
    return proof.fact(meeting.starts_at, "timestamp", note=meeting.note)


def _renewals(book: Book) -> Block:
    if not book.renewals:
        if book.renewals_unknown:
            return Prose(
                f"Not known of {counted(book.renewals_unknown, 'operator')}: a source is silent.", (), "unknown"
            )
        return Prose("No subscription ends or renews.", (_count(book, 0),))
    as_of = book.snapshot.as_of
    rows = []
    for line in book.renewals:
        day, name = lines.next_day(line, "ends_on", "renews_on") or (None, "")
        words = f"{lines.DAYS[name]} {day:%Y-%m-%d}" if day else ""
        tone: Tone = "bad" if name == "ends_on" else "neutral"
        rows.append(
            (
                lines.operator(line),
                lines.fact(line, name, words, "text", as_of, tone=tone),
                lines.mrr(line, as_of),
                lines.health(line, as_of),
            )
        )
    return list_table(
        ("Operator", "What, and when", "MRR", "Health"), rows, book.renewals_of, (book.receipt,), right=("MRR",)
    )


def _weeks(book: Book) -> Iterator[Block | None]:
    drawn = lines.weeks_table(book.lines, book.history, book.snapshot.as_of, book.receipt)
    yield drawn
    yield lines.weeks_note(book.lines) if drawn else None


def _since(book: Book) -> str:
    return "What moved" if isinstance(book.moves, Gap) else f"What moved since {book.moves.then.as_of:%Y-%m-%d}"


def _moved(book: Book) -> Iterator[Block]:
    moves = book.moves
    if isinstance(moves, Gap):
        yield Absence("What moved", moves)
        return
    unknown = uncompared(moves)
    if unknown is not None:
        yield unknown
    fell = {mover.operator_id for mover in moves.new_at_risk}
    worse = (*moves.new_at_risk, *(mover for mover in moves.worse if mover.operator_id not in fell))
    items = [
        _mover_line(book, moves, "Worse", worse),
        _mover_line(book, moves, "Better", moves.better),
        _mover_line(book, moves, "Left", moves.left),
        _mover_line(book, moves, "New", moves.came),
    ]
    yield bullets(item for item in items if item is not None) or Prose(
        "Nobody's standing is known to have changed." if unknown else "Nobody's standing changed.",
        (Fact(0, "count", (moves.receipt,), book.snapshot.as_of),),
    )


def _mover_line(book: Book, moves: Moves, word: str, movers: Sequence[Mover]) -> Prose | None:
    if not movers:
        return None
    told = ", ".join(_mover_words(mover) for mover in movers[:MOVED])
    more = f" and {len(movers) - MOVED} more" if len(movers) > MOVED else ""
    facts: tuple[Fact[Any], ...] = (Fact(len(movers), "count", (moves.receipt,), book.snapshot.as_of),)
    named = (stated(mover.name, (moves.receipt,), book.snapshot.as_of, theirs=True) for mover in movers[:MOVED])
    facts += tuple(name for name in named if isinstance(name, Fact))
    return Prose(f"{word}: {told}{more}.", facts, "bad" if word in {"Worse", "Left"} else "neutral")


def _mover_words(mover: Mover) -> str:
    name = mover.name or mover.operator_id
    if mover.points is None or mover.then is None:
        return name
    return f"{name} ({mover.then} to {mover.now}, {standing_label(mover.band, mover.status)})"


def _owners(book: Book) -> Block | None:
    """Everybody's books beside each other, those first with the most operators that need somebody soon; last that of nobody."""
    if book.named or len(book.owners) <= 1:
        return None
    ranked = sorted(book.owners, key=lambda one: (not one.owner_id, -one.soon, -one.at_risk, one.name.casefold()))
    as_of, proof = book.snapshot.as_of, (book.receipt,)

    def row(owner: Owner) -> tuple[Cell, ...]:
        unknown = f"of {owner.mrr_unknown} not known" if owner.mrr_unknown else ""
        return (
            Text(owner.name or "nobody"),
            _count(book, owner.operators),
            _count(book, owner.soon),
            _count(book, owner.at_risk),
            Fact(owner.mrr, "money", proof, as_of, "mrr", unknown),
        )

    headers = ("Account owner", "Operators", "Now or this week", "At Risk or Critical", "MRR")
    return list_table(headers, [row(owner) for owner in ranked], len(ranked), proof, right=headers[1:])


KIND = Kind(
    "today",
    "Today",
    lambda book: Head(
        book.generated_at, book.snapshot.as_of, book.freshness, _headline(book), title=f"Today: {owner_words(book)}"
    ),
    (
        section("calls", "Call first", _calls, weight=3),
        section("meetings", "Meetings in 7 days", _meetings),
        section("renewals", "Ends or renews in 30 days", _renewals),
        section("owners", "By account owner", _owners, weight=1),
        section("moved", "What moved", _moved, titled=_since),
        section("weeks", f"Health in {WEEKS} weeks", _weeks, weight=0),
        section("old", "Old figures", lambda book: bullets(old_figures(book))),
    ),
    answers="Whom do I call first, why, and until when; whom do I meet, what ends or renews, and what moved since I looked?",
    place=125,
    about="everybody",
    use_case="today",
    needs=frozenset(),
)
