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
_PIECE = 4
_FEWEST_PIECES = 5
_NEAR = 300
_RAREST = 12


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


class Pieces:
    """Texts by the runs of letters they hold: what may be like a term is found without looking at every text.

    The index costs a hundred times a look at every text, so that the first term is answered without it.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._places: dict[str, list[int]] | None = None
        self._asked = False

    def near(self, term: str) -> dict[int, str]:
        """Positions and texts that share the most of a term's rarest pieces; all texts for the first term, or a short one."""
        pieces = set(_pieces(term))
        if not self._asked or len(pieces) < _FEWEST_PIECES:
            self._asked = True
            return dict(enumerate(self._texts))
        if self._places is None:
            self._places = self._indexed()
        places = sorted((self._places.get(piece, []) for piece in sorted(pieces)), key=len)
        shared = Counter(position for held in places[:_RAREST] for position in held)
        return {position: self._texts[position] for position, _ in shared.most_common(_NEAR)}

    def _indexed(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = defaultdict(list)
        for position, text in enumerate(self._texts):
            for piece in set(_pieces(text)):
                places[piece].append(position)
        return dict(places)


def _pieces(text: str) -> list[str]:
    return [text[at : at + _PIECE] for at in range(len(text) - _PIECE + 1)]


@dataclass(frozen=True, slots=True)
class NameIndex:
    """Folded names, their words and where each word occurs; positions are those of `names`."""

    names: Sequence[str]
    compact: Sequence[str]
    pieces: Pieces
    places: dict[str, list[int]]
    words: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, names: Sequence[str]) -> NameIndex:
        """Index folded names."""
        places: dict[str, list[int]] = defaultdict(list)
        for position, name in enumerate(names):
            for word in dict.fromkeys(name.split()):
                places[word].append(position)
        compact = [name.replace(" ", "") for name in names]
        return cls(names, compact, Pieces(compact), dict(places), list(places))

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
        rare = [[hit for hit in close if not self._widespread(hit[0])] for close in likes]
        found: dict[int, float] = defaultdict(float)
        for close in rare if any(rare) else [close[:1] for close in likes]:
            for position, gain in self._gains(close).items():
                found[position] += gain
        return heapq.nsmallest(_SCORED, found, key=lambda position: (-found[position], position))

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
            word, self.words, scorer=OSA.normalized_similarity, score_cutoff=_WORD_CUTOFF, limit=_WORDS_KEPT
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
