"""The small answer that agents get: statements with their citations, and a count of what is left out; never a cut that nobody is told of.

It is measured as it is sent, as compact JSON. What weighs least is left out first, and counted by its part.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Any, Literal

from customer_research.documents.quoting import Quote, Quotes
from customer_research.domain.report import WEIGHT
from customer_research.domain.words import shortened

AIM, LIMIT = 8_000, 20_000
"""Characters of an answer: what it is kept to where nothing else is asked for, and what none exceeds."""

LARGER = 16_000
"""What an answer is kept to for one who asks for certain parts of it."""

_LEFT_OUT, _MOST_CONCERNS, _LONGEST_GAP = 700, 8, 300
"""The room that is kept for the counts of what is left out; how many missing things, and characters, one gap tells."""

AnswerState = Literal["ok", "partial", "ambiguous", "not_found"]
"""ok: every source answered; partial: one did not, see `gaps`; ambiguous, not_found: nobody was chosen, candidates may follow."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said: a sentence, a figure under its label, or rows under their columns; the part it belongs to, and what proves it.

    `row_cites` are the citations of each row beside those of the whole; `total` says how many rows there are in all.
    """

    part: str
    told: Mapping[str, Any]
    cites: tuple[int, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    row_cites: tuple[tuple[int, ...], ...] = ()
    total: int = 0

    def cited(self, rows: int) -> tuple[int, ...]:
        """What it cites with so many of its rows."""
        return tuple(sorted({*self.cites, *chain.from_iterable(self.row_cites[:rows])}))

    def plain(self, rows: int) -> dict[str, Any]:
        """As it is sent, with so many of its rows; where rows cite differently, the last column says what each cites."""
        if not self.rows:
            return {"part": self.part, **self.told, **({"cites": list(self.cites)} if self.cites else {})}
        own = [tuple(sorted(set(cites))) for cites in self.row_cites[:rows]]
        each = len(set(own)) > 1
        table: list[list[Any]] = [list(row) for row in self.rows[:rows]]
        if each:
            table = [[*row, list(cites)] for row, cites in zip(table, own, strict=True)]
        cites = self.cites if each else self.cited(rows)
        return {
            "part": self.part,
            **self.told,
            **({"columns": [*self.told["columns"], "cites"]} if each else {}),
            "rows": table,
            **({"of": self.total} if self.total > rows else {}),
            **({"cites": list(cites)} if cites else {}),
        }


@dataclass(frozen=True, slots=True)
class PartOfAnswer:
    """Statements of one part, and how much it matters: the higher, the longer it is kept; 0: only where it is asked for."""

    name: str
    statements: tuple[Statement, ...]
    weight: int = WEIGHT


@dataclass(frozen=True, slots=True)
class SmallAnswer:
    """Everything that could be said, before what has no room is left out.

    Args:
        status: how complete it is.
        title: what it is about, in words.
        operator: id and name; empty where it is about several or nobody.
        as_of: the instant that it speaks of.
        parts: what is said, in order.
        gaps, freshness: what is not known, and how sources answered.
        citations: by number, as the whole report numbers its receipts.
        quotes: where words of others went.
        next_cursor: where a longer list goes on; empty: it does not.
    """

    status: AnswerState
    title: str
    operator: Mapping[str, str]
    as_of: str
    parts: tuple[PartOfAnswer, ...]
    quotes: Quotes
    gaps: tuple[Mapping[str, Any], ...] = ()
    freshness: tuple[Mapping[str, Any], ...] = ()
    citations: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    next_cursor: str = ""

    def fitted(self, most: int = AIM, wanted: Sequence[str] = ()) -> dict[str, Any]:
        """The answer in at most so many characters of compact JSON, as plain values.

        Args:
            most: the characters.
            wanted: the parts that are asked for; none: all that are not for the whole report only.
        """
        return _Fitting(self, most, frozenset(wanted)).answer()


def compact(answer: Mapping[str, Any]) -> str:
    """An answer as it is sent: JSON without blanks."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class _Fitting:
    def __init__(self, whole: SmallAnswer, most: int, wanted: frozenset[str]) -> None:
        self._whole, self._wanted = whole, wanted
        self._cited: set[int] = set()
        self._quoted: dict[int, Quote] = {}
        self._kept: dict[tuple[int, int], int] = {}
        self._gaps_left = 0
        self._head: dict[str, Any] = {
            "status": whole.status,
            "title": whole.title,
            **({"operator": dict(whole.operator)} if whole.operator else {}),
            **({"as_of": whole.as_of} if whole.as_of else {}),
        }
        self._sources: dict[str, Any] = {
            "gaps": self._gaps(most // 3),
            "freshness": [dict(item) for item in whole.freshness],
        }
        head = compact({**self._head, **self._sources})
        self._room = most - _LEFT_OUT - len(whole.next_cursor)
        self._spend(self._cost((), head), (), head)

    def answer(self) -> dict[str, Any]:
        """Parts by weight, and in each its statements in order, until there is no room; the order of reading is kept."""
        asked = [
            (place, part)
            for place, part in enumerate(self._whole.parts)
            if (self._asked_for(part) if self._wanted else part.weight > 0)
        ]
        for _, group in groupby(sorted(asked, key=lambda one: -one[1].weight), key=lambda one: one[1].weight):
            self._share(list(group))
        said = [
            one.plain(self._kept[at, number]) for at, number, one in self._statements() if (at, number) in self._kept
        ]
        known = self._whole.citations
        return {
            **self._head,
            "statements": said,
            **self._sources,
            "citations": [dict(known[number]) for number in sorted(self._cited) if number in known],
            "quoted": [_quote(self._quoted[number]) for number in sorted(self._quoted)],
            "left_out": list(self._left_out()),
            "next_cursor": self._whole.next_cursor or None,
        }

    def _asked_for(self, part: PartOfAnswer) -> bool:
        """Whether a part was asked for: by its name, or by that of what it belongs to."""
        return not {part.name, part.name.partition(".")[0]}.isdisjoint(self._wanted)

    def _gaps(self, most: int) -> list[dict[str, Any]]:
        """What is not known, in at most so many characters; the rest is counted."""
        kept: list[dict[str, Any]] = []
        for gap in map(_gap, self._whole.gaps):
            most -= len(compact(gap)) + 1
            if most < 0:
                self._gaps_left = len(self._whole.gaps) - len(kept)
                break
            kept.append(gap)
        return kept

    def _statements(self) -> Iterator[tuple[int, int, Statement]]:
        for at, part in enumerate(self._whole.parts):
            for number, one in enumerate(part.statements):
                yield at, number, one

    def _share(self, parts: Sequence[tuple[int, PartOfAnswer]]) -> None:
        """Parts of one weight: each gets its share of the room first, then each in turn what is left."""
        share = self._room // len(parts)
        for room in (share, None):
            for place, part in parts:
                left = self._room if room is None else room
                for number, one in enumerate(part.statements):
                    left -= self._take((place, number), one, left)

    def _take(self, place: tuple[int, int], one: Statement, room: int) -> int:
        """Keep as many of its rows as there is room for, beside those that are kept; the room that this took."""
        before = self._kept.get(place)
        if before == len(one.rows):
            return 0
        had = 0 if before is None else len(compact(one.plain(before))) + 1
        for rows in range(len(one.rows), before or (0 if one.rows else -1), -1):
            text, cites = compact(one.plain(rows)), one.cited(rows)
            cost = self._cost(cites, text) - had
            if cost <= min(room, self._room):
                self._kept[place] = rows
                self._spend(cost, cites, text)
                return cost
        return 0

    def _cost(self, cites: Iterable[int], text: str) -> int:
        known = self._whole.citations
        more = sum(len(compact(known[number])) + 1 for number in set(cites) - self._cited if number in known)
        quotes = (one for one in self._whole.quotes.named(text) if one.number not in self._quoted)
        return len(text) + 1 + more + sum(len(compact(_quote(one))) + 1 for one in quotes)

    def _spend(self, cost: int, cites: Iterable[int], text: str) -> None:
        quotes = {one.number: one for one in self._whole.quotes.named(text)}
        self._room -= cost
        self._cited.update(cites)
        self._quoted |= quotes

    def _left_out(self) -> Iterator[dict[str, Any]]:
        """For each part: how many of its statements, and how many rows of those that are told, are not there."""
        missing: dict[str, Counter[str]] = {}
        unasked: list[PartOfAnswer] = []
        for at, part in enumerate(self._whole.parts):
            if self._wanted and not self._asked_for(part):
                unasked.append(part)
                continue
            found = missing.setdefault(part.name, Counter())
            for number, one in enumerate(part.statements):
                kept = self._kept.get((at, number))
                found["statements" if kept is None else "rows"] += 1 if kept is None else len(one.rows) - kept
        if self._gaps_left:
            missing["gaps"] = Counter(statements=self._gaps_left)
        for name, counts in missing.items():
            if counts.total():
                yield {"part": name, **{what: count for what, count in counts.items() if count}}
        if unasked:
            names = list(dict.fromkeys(part.name for part in unasked))
            yield {"not_asked_for": names, "statements": sum(len(part.statements) for part in unasked)}


def _gap(gap: Mapping[str, Any]) -> dict[str, Any]:
    missing = list(gap.get("missing", ()))
    more = len(missing) - _MOST_CONCERNS
    told = {**gap, "missing": missing[:_MOST_CONCERNS], **({"more": more} if more > 0 else {})}
    short = {name: shortened(value, _LONGEST_GAP) for name, value in told.items() if isinstance(value, str)}
    return {name: value for name, value in {**told, **short}.items() if value}


def _quote(quote: Quote) -> dict[str, Any]:
    cut = {"cut": quote.cut} if quote.cut else {}
    return {"number": quote.number, **({"source": quote.source} if quote.source else {}), "text": quote.text, **cut}
