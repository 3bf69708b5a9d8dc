"""Which words of an answer are somebody else's, and how they are quoted: apart from ours, capped, with no link.

An agent reads an answer as one text. Words of a vendor's record (a note, a ticket's title, a company's name) may ask it for something;
they are therefore told only as quotations, and a sentence of ours names the quotation. A name or a code that cannot be read as a
sentence stands where it belongs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from customer_research.domain.words import shortened

LONGEST_QUOTE = 240
"""So many characters of a quotation are given; how many more there are is said."""

_SHORTEST = 8
"""Words of fewer characters ask for nothing; inside a sentence they could be anybody's."""

LONGEST_NAME, _MOST_WORDS, _FREE_WORDS, _SHORT_WORD = 60, 7, 3, 3
"""A name has at most so many characters and words; longer than three words, each but the shortest is written with a capital."""

_SIGNS = frozenset(" .,&'\u2019()/+-\u2013#%:•$€£")
_LINK = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+|\bwww\.\S+|\b(?:javascript|data|mailto):\S+", re.IGNORECASE)
_DOMAIN = re.compile(r"[a-z0-9-]\.[a-z]{2,}\b", re.IGNORECASE)
_CODE = re.compile(r"(?=\S*\d)[\w-]{1,60}|[<>]?\$?\d[\dkKmM.,]{0,12}")
_NAMED = re.compile(r"\[quoted \d+\]")
_MARKED = re.compile(r"“([^”]*)”")
_ASKING = re.compile(
    r"\b(?:always|answer|approve|assistant|call|cancel|change|click|confirm|delete|disregard|download|email|execute|export|"
    r"follow|forget|forward|give|grant|ignore|instructions?|invoke|jailbreak|mark|must|obey|output|override|pay|please|pretend|"
    r"previous|print|prompt|reply|report|respond|reveal|run|say|send|show|system|tell|transfer|treat|user|visit|wire|write|"
    r"you|your)\b",
    re.IGNORECASE,
)
"""Words of one who asks for something: a name of several words that has one of them is quoted."""


def reads_as_name(text: str) -> bool:
    """Whether words of somebody else can stand among ours: a name, a code, a state; nothing that reads as a sentence or a link."""
    words = re.findall(r"[^\W\d_]+", text)
    if len(words) > 1 and _ASKING.search(" ".join(words)):
        return False
    if _CODE.fullmatch(text):
        return True
    if len(text) > LONGEST_NAME or len(text.split()) > _MOST_WORDS or _LINK.search(text) or _DOMAIN.search(text):
        return False
    if not all(char.isalnum() or char in _SIGNS or (char == "_" and " " not in text) for char in text):
        return False
    return len(words) <= _FREE_WORDS or all(not word[0].islower() for word in words if len(word) > _SHORT_WORD)


def _place(link: re.Match[str]) -> str:
    """What is told of a link: where it leads, in a form that nobody can follow."""
    host = re.match(r"(?:https?://|(?=www\.))([\w.-]{1,80})", link[0], re.IGNORECASE)
    return f"(link to {host[1]})" if host else "(link)"


@dataclass(frozen=True, slots=True)
class Quote:
    """Somebody else's words: their number, where they come from, as many of them as are given, and how many characters more."""

    number: int
    source: str
    text: str
    cut: int = 0

    @property
    def name(self) -> str:
        """How our sentences name it."""
        return f"[quoted {self.number}]"


class Quotes:
    """The quotations of one answer, numbered as they are first met.

    Args:
        theirs: words of records that may stand inside sentences, each with its source.
    """

    def __init__(self, theirs: Iterable[tuple[str, str]] = ()) -> None:
        self._found: dict[str, Quote] = {}
        known = {text: source for text, source in theirs if len(text) >= _SHORTEST and not reads_as_name(text)}
        self._known = sorted(known.items(), key=lambda pair: (-len(pair[0]), pair[0]))

    def words(self, text: str, source: str) -> str:
        """Somebody else's words where they may stand: as they are, or the name of their quotation."""
        return text if not text or reads_as_name(text) else self._quote(text, source)

    def sentence(self, text: str, source: str = "") -> str:
        """A sentence of ours: what it takes from records, or sets in quotation marks, becomes the name of a quotation."""
        for words, whose in self._known:
            if words in text:
                text = text.replace(words, self._quote(words, whose))
        return _MARKED.sub(lambda hit: self._marked(hit[0], hit[1], source), text)

    def _marked(self, whole: str, text: str, source: str) -> str:
        """What stands in quotation marks: a name as it is, a quotation by its name alone."""
        if _NAMED.fullmatch(text):
            return text
        return whole if reads_as_name(text) or _NAMED.search(text) else self._quote(text, source)

    def named(self, text: str) -> tuple[Quote, ...]:
        """The quotations that a text names."""
        return tuple(quote for quote in self._found.values() if quote.name in text)

    def _quote(self, text: str, source: str) -> str:
        if text not in self._found:
            bare = _LINK.sub(_place, text)
            shown = shortened(bare, LONGEST_QUOTE)
            cut = 0 if shown == bare else len(bare) - len(shown) + 1  # the dots at the end stand for what is not given
            self._found[text] = Quote(len(self._found) + 1, source, shown, cut)
        return self._found[text].name

    def with_those_of(self, other: Quotes) -> tuple[Quotes, Mapping[int, str]]:
        """These and another's as one, and the other's numbers with the names that they have in it."""
        both = Quotes()
        both._found = dict(self._found)
        names = {}
        for text, quote in other._found.items():
            both._found.setdefault(text, replace(quote, number=len(both._found) + 1))
            names[quote.number] = both._found[text].name
        return both, names
