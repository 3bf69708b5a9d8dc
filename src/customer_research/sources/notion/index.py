"""Whose tickets are these, for many operators: an index of what identifies them, so that each ticket is judged for a few; pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from customer_research.domain.names import name_key, text_key
from customer_research.domain.values import operator_id
from customer_research.sources.notion.matching import TicketKeys, match
from customer_research.sources.notion.normalise import Ticket

_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}"
_IN_TEXTS = re.compile(f"(?=({_ID}))")
"""Everything in a text that may be an operator id, also where two overlap."""


class KeyIndex:
    """Operators by id, by tag and by the words of their names.

    It only tells for whom a ticket *may* be; `match` judges, so that there is one rule. Equal to asking `match` for every
    operator, in time that grows with the tickets alone.
    """

    def __init__(self, operators: Iterable[TicketKeys]) -> None:
        self._wanted = list(operators)
        self._by_id: dict[str, list[int]] = defaultdict(list)
        self._by_tag: dict[str, list[int]] = defaultdict(list)
        self._by_name: dict[str, list[int]] = defaultdict(list)
        self._lengths: dict[str, set[int]] = defaultdict(set)
        """First word of a name → how many words such names have."""
        self._by_text_id: dict[str, list[int]] = defaultdict(list)
        self._odd: dict[str, list[int]] = defaultdict(list)
        """Ids that are no UUIDs, looked for in every text."""
        for place, wanted in enumerate(self._wanted):
            self._add(place, wanted)

    def _add(self, place: int, wanted: TicketKeys) -> None:
        self._by_id[wanted.operator_id].append(place)
        for key in wanted.tag_keys:
            self._by_tag[key].append(place)
        for name in wanted.name_keys:
            words = name.split()
            self._by_name[name].append(place)
            self._lengths[words[0]].add(len(words))
        for identifier in wanted.text_ids:
            (self._by_text_id if re.fullmatch(_ID, identifier) else self._odd)[identifier].append(place)

    def matches(self, ticket: Ticket) -> Iterator[tuple[str, tuple[str, bool]]]:
        """The operators whose ticket it is, each once and in their order, by which path, and whether that is certain."""
        for place in sorted(set(self._candidates(ticket))):
            wanted = self._wanted[place]
            how = match(ticket, wanted)
            if how is not None:
                yield wanted.operator_id, how

    def _candidates(self, ticket: Ticket) -> Iterator[int]:
        holders = [operator_id(part) for part in ticket.names("operator_id")]
        for holder in holders:
            yield from self._by_id.get(holder or "", ())
        for tag in ticket.names("tags"):
            for key in (text_key(tag), name_key(tag)):
                yield from self._by_tag.get(key, ())
        if any(holder is not None for holder in holders):
            return  # texts do not count then
        for role in ("title", "description", "summary"):
            text = ticket.text(role)
            if text is not None:
                yield from self._named(text_key(text).split())
                yield from self._held(text.casefold())

    def _named(self, words: list[str]) -> Iterator[int]:
        """The operators whose whole name these words have somewhere."""
        for start, word in enumerate(words):
            for length in self._lengths.get(word, ()):
                yield from self._by_name.get(" ".join(words[start : start + length]), ())

    def _held(self, text: str) -> Iterator[int]:
        """The operators whose id the text has somewhere."""
        for found in _IN_TEXTS.finditer(text):
            yield from self._by_text_id.get(found[1], ())
        for identifier, places in self._odd.items():
            if identifier in text:
                yield from places
