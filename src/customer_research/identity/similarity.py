"""Names that a mistyped term may have meant: by words (rare ones weigh more), then by the whole name without blanks."""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

MIN_SIMILARITY = 0.72
"""Below this a name is not offered as an answer; `nearest` looks further down."""

_CONVINCING = 0.9
_WORD_CUTOFF = 0.6
_WORDS_KEPT = 40
_SCORED = 100
_WHOLE_CUTOFF = 78.0
_WHOLE_KEPT = 20
_NEAR = 300
_FEWEST_LISTS = 4


class Texts:
    """Texts behind one another, so that those which contain a term are found by one search in C instead of one a text."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._joined = "\n".join(texts)
        self._starts = [0, *accumulate(len(text) + 1 for text in texts)]

    def containing(self, term: str) -> Iterator[tuple[int, str]]:
        """Positions and texts that contain the term (which is not empty and has no line break), in order."""
        at = self._joined.find(term)
        while at >= 0:
            position = bisect_right(self._starts, at) - 1
            yield position, self._texts[position]
            at = self._joined.find(term, self._starts[position + 1])


@dataclass(slots=True, eq=False)
class Pieces:
    """Texts by the runs of letters they hold: what may be like a term is found without looking at every text.

    The index costs a hundred times a look at every text, so that the first term is answered without it. A term of fewer than
    `fewest` pieces (of `size` letters) shares too little with what it was meant to be: for it, too, every text is looked at,
    or, with `spread`, every text whose length differs by no more than that. `ends` marks the ends of a text, so that its first
    and last letters have pieces of their own; `counted` texts are counted, those with the term's rarest pieces: more find more,
    and take longer.
    """

    texts: Sequence[str]
    size: int
    fewest: int
    counted: int
    ends: bool = False
    spread: int | None = None
    _places: dict[str, list[int]] | None = None
    _by_length: dict[int, dict[int, str]] = field(default_factory=dict)
    _asked: bool = False

    def near(self, term: str) -> dict[int, str]:
        """Positions and texts that share the most of a term's rarest pieces; all texts for the first term, or a short one."""
        if not self._asked:
            self._asked = True
            return dict(enumerate(self.texts))
        pieces = self._pieces(term)
        if len(pieces) < self.fewest:
            return self._of_length(len(term))
        if self._places is None:
            self._places = self._indexed()
        known = (self._places[piece] for piece in sorted(pieces) if piece in self._places)
        shared: Counter[int] = Counter()
        counted = 0
        for number, held in enumerate(sorted(known, key=len)):
            counted += len(held)
            if number >= _FEWEST_LISTS and counted > self.counted:
                break
            shared.update(held)
        return {position: self.texts[position] for position in _most(shared, _NEAR)}

    def _of_length(self, length: int) -> dict[int, str]:
        if self.spread is None:
            return dict(enumerate(self.texts))
        if not self._by_length:
            for position, text in enumerate(self.texts):
                self._by_length.setdefault(len(text), {})[position] = text
        lengths = range(length - self.spread, length + self.spread + 1)
        found: dict[int, str] = {}
        for one in lengths:
            found |= self._by_length.get(one, {})
        return found

    def _indexed(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = defaultdict(list)
        for position, text in enumerate(self.texts):
            for piece in self._pieces(text):
                places[piece].append(position)
        return dict(places)

    def _pieces(self, text: str) -> set[str]:
        whole = f"^{text}$" if self.ends else text
        return {whole[at : at + self.size] for at in range(len(whole) - self.size + 1)}


def _most(shared: Counter[int], most: int) -> list[int]:
    """The positions counted most often, about so many: whole steps of the count, the last one cut in order of position."""
    steps: dict[int, list[int]] = defaultdict(list)
    for position, count in shared.items():
        steps[count].append(position)
    found: list[int] = []
    for count in sorted(steps, reverse=True):
        room = most - len(found)
        if room <= 0:
            break
        step = steps[count]
        found += step if len(step) <= room else sorted(step)[:room]
    return found


@dataclass(frozen=True, slots=True)
class NameIndex:
    """Folded names, their words and where each word occurs; positions are those of `names`."""

    names: Sequence[str]
    compact: Sequence[str]
    pieces: Pieces
    places: dict[str, list[int]]
    words: list[str]
    like: Pieces

    @classmethod
    def of(cls, names: Sequence[str]) -> NameIndex:
        """Index folded names."""
        places: dict[str, list[int]] = defaultdict(list)
        for position, name in enumerate(names):
            for word in dict.fromkeys(name.split()):
                places[word].append(position)
        compact = [name.replace(" ", "") for name in names]
        words = list(places)
        of_words = Pieces(words, size=3, fewest=6, ends=True, spread=2, counted=4000)
        return cls(names, compact, Pieces(compact, size=4, fewest=5, counted=12_000), dict(places), words, of_words)

    def weight(self, word: str) -> float:
        """How much a word tells: rare words more (inverse document frequency); an unknown word as the rarest."""
        return math.log(1 + (len(self.names) + 1) / (len(self.places.get(word, ())) + 1))

    def similar(self, term: str, cutoff: float = MIN_SIMILARITY) -> list[tuple[int, float]]:
        """Positions of names like the folded term with their similarity (0..1), best first, none below `cutoff`."""
        scores = {position: self._score(term, position) for position in self._by_words(term)}
        if max(scores.values(), default=0.0) < _CONVINCING:
            for position in self._by_whole_name(term):
                scores.setdefault(position, self._score(term, position))
        kept = [(position, score) for position, score in scores.items() if score >= cutoff]
        return sorted(kept, key=lambda pair: (-pair[1], pair[0]))

    def _by_words(self, term: str) -> list[int]:
        """Positions sharing (nearly) the telling words of the term, the most promising first.

        Widespread words ("limousine", mistyped or not) are looked at only when the term has no other: beside rare ones they
        add nothing but time, and the final score counts them anyway.
        """
        words = dict.fromkeys(term.split())
        telling = [word for word in words if not self._widespread(word)] or list(words)
        likes = [self._like(word) for word in telling]
        if not all(likes) and not any(map(self._telling, likes)):
            return []  # some word is like none, the others are in too many names: the whole name tells more
        rare = [[hit for hit in close if not self._widespread(hit[0])] for close in likes]
        found: dict[int, float] = defaultdict(float)
        for close in rare if any(rare) else [close[:1] for close in likes]:
            for position, gain in self._gains(close).items():
                found[position] += gain
        return heapq.nsmallest(_SCORED, found, key=lambda position: (-found[position], position))

    def _telling(self, close: Sequence[tuple[str, float, int]]) -> bool:
        """Whether a word is like one that few names have."""
        return any(not self._widespread(like) for like, _, _ in close)

    def _gains(self, close: Sequence[tuple[str, float, int]]) -> dict[int, float]:
        """Position → the weight of its word nearest to the one that these known words are like."""
        best: dict[int, float] = {}
        for like, closeness, _ in reversed(close):
            gain = self.weight(like) * closeness
            for position in self.places[like]:
                best[position] = max(gain, best.get(position, 0.0))
        return best

    def _like(self, word: str) -> list[tuple[str, float, int]]:
        """Known words like this one, the nearest first, with their likeness."""
        return process.extract(
            word, self.like.near(word), scorer=OSA.normalized_similarity, score_cutoff=_WORD_CUTOFF, limit=_WORDS_KEPT
        )

    def _widespread(self, word: str) -> bool:
        return len(self.places.get(word, ())) > max(50, len(self.names) // 20)

    def _by_whole_name(self, term: str) -> list[int]:
        """Positions whose name is like the term when blanks are ignored (words run together or torn apart)."""
        compact = term.replace(" ", "")
        hits = process.extract(
            compact, self.pieces.near(compact), scorer=fuzz.ratio, score_cutoff=_WHOLE_CUTOFF, limit=_WHOLE_KEPT
        )
        return [position for _, _, position in hits]

    def _score(self, term: str, position: int) -> float:
        """Similarity of a term and one name: of the whole strings, or of the term's words to the name's words."""
        name = self.names[position]
        whole = max(
            fuzz.ratio(term, name),
            fuzz.token_sort_ratio(term, name),
            fuzz.ratio(term.replace(" ", ""), self.compact[position]),
        )
        return max(whole / 100, 0.95 * self._covered(term, name))

    def _covered(self, term: str, name: str) -> float:
        """Share of the term's telling weight that the name's words cover, each word by its nearest."""
        words = name.split()
        total = gained = 0.0
        for word in term.split():
            weight = self.weight(word)
            nearest = max((OSA.normalized_similarity(word, other) for other in words), default=0.0)
            total += weight
            gained += weight * (nearest if nearest >= _WORD_CUTOFF else 0.0)
        return gained / total if total else 0.0
