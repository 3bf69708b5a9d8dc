"""What a text claims in numbers: amounts, shares, days, spans, points and counts, in digits or in words, and "no ..." for none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from customer_research.drafts.patterns import PATTERNS, SHARE_WORDS, quantity
from customer_research.drafts.quantities import Quantity

Bound = Literal["exactly", "about", "at least", "at most"]
"""How a number is meant: as it stands, rounded, or as the lower or upper bound of the true one."""

LONGEST = 200_000
"""Characters of a draft that is read."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One number of a text.

    Args:
        text: as it is written, from `start` to `end` of the draft.
        quantity: what it says.
        bound: how it is meant.
        until: the upper end of a range (`20 to 30 trips`).
        direction: 1 or -1 where the sentence says that something rose or fell by it, else 0.
        negated: the sentence denies it.
        place: "from" or "to" where it is one end of a change.
        citations: the numbers of the citations that stand behind it.
        sentence, before, after: the sentence, and its words on both sides in the same clause, for what it speaks of.
        window: the days that it speaks of where the clause names them (`20 trips in 30 days`).
    """

    text: str
    start: int
    end: int
    quantity: Quantity
    bound: Bound = "exactly"
    until: Quantity | None = None
    direction: int = 0
    negated: bool = False
    place: Literal["", "from", "to"] = ""
    citations: tuple[int, ...] = ()
    sentence: str = field(default="", repr=False)
    before: str = field(default="", repr=False)
    after: str = field(default="", repr=False)
    window: Decimal | None = None

    @property
    def none(self) -> bool:
        """Whether it says in words that there is none (`no open ticket`)."""
        return bool(_NONE.fullmatch(self.text))


_SENTENCE = re.compile(r"(?<=[.!?;])(?<!\b[A-Z][a-z]{2}\.)(?<!Sept\.)\s+(?=[A-Z*_\"'(\[0-9$€£-])|\n+")
_ABOUT = re.compile(
    r"(?:\babout|\baround|\broughly|\bapproximately|\bapprox\.?|\bnearly|\balmost|\bclose to|\bjust (?:over|under)|~|≈)\s*$",
    re.IGNORECASE,
)
_LEAST = re.compile(
    r"(?:\bover|(?<!no )(?<!not )\bmore than|\babove|\bat least|\bexceed(?:s|ed|ing)?|\bno (?:fewer|less) than|≥|>)\s*$",
    re.IGNORECASE,
)
_MOST = re.compile(
    r"(?:\bunder|\bless than|\bfewer than|\bbelow|\bat most|\bup to|\b(?:no|not) more than|\bwithin|≤|<)\s*$",
    re.IGNORECASE,
)
_RISE = r"rose|rise[ns]?|rising|up|grew|grow[ns]?|growing|growth|increase[ds]?|increasing|higher|gain(?:ed|s)?|climb(?:ed|s)?|improve[ds]?|more"
_FALL = (
    r"fell|fall(?:s|en|ing)?|down|drop(?:s|ped|ping)?|decline[ds]?|declining|decrease[ds]?|decreasing|lower|lost|los[es]s?|shr[aiu]nk|slid|"
    r"worse(?:ned)?|fewer|less|halved|cut"
)  # fmt: skip
_MOVE = re.compile(rf"\b(?:(?P<rise>{_RISE})|(?P<fall>{_FALL}))\b", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:not|never|isn't|aren't|wasn't|didn't|doesn't|don't|hasn't|haven't|cannot|can't|nor)\b(?!\s+(?:only|yet|just|known|all|every|because|more|less|fewer|over|under))",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[,;:]\s|\s[-\u2013\u2014]\s|\b(?:and|but|while|although|because|which|so|after|whereas)\b", re.IGNORECASE
)
_NONE = dict(PATTERNS)["none"]
_NUMBERS = re.compile(r"\d+")


def claims_of(draft: str) -> tuple[Claim, ...]:
    """Every number of a draft, in its order; list markers, times of day, addresses and citations are none."""
    text = draft[:LONGEST]
    found: list[Claim] = []
    for start, end in _sentences(text):
        found.extend(_of_sentence(text, start, end))
    return tuple(found)


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for gap in _SENTENCE.finditer(text):
        yield start, gap.start()
        start = gap.end()
    yield start, len(text)


@dataclass(frozen=True, slots=True)
class _Hit:
    name: str
    match: re.Match[str]


def _hits(sentence: str) -> list[_Hit]:
    """The numbers of a sentence, none within another: what stands first in the list of patterns takes its place."""
    taken: list[_Hit] = []
    for name, pattern in PATTERNS:
        for match in pattern.finditer(sentence):
            if all(match.end() <= hit.match.start() or match.start() >= hit.match.end() for hit in taken):
                taken.append(_Hit(name, match))
    return sorted(taken, key=lambda hit: hit.match.start())


def _of_sentence(text: str, start: int, end: int) -> Iterator[Claim]:
    sentence = text[start:end]
    hits = _hits(sentence)
    claims: list[Claim] = []
    for hit in hits:
        said, match = quantity(hit.name, hit.match), hit.match
        if said is None:
            continue
        claim = Claim(match[0], start + match.start(), start + match.end(), said, sentence=sentence)
        claims.append(_in_place(claim, sentence, match.start(), match.end()))
    yield from _cited(_windowed(_joined(claims, sentence, start)), hits, start)


def _windowed(claims: list[Claim]) -> list[Claim]:
    """Each number with the span of days that follows it in its clause, before another number of its kind; else the one before it."""
    done = []
    for at, claim in enumerate(claims):
        span = next((one for one in claims[at + 1 : at + 2] if _spans(one, claim.after)), None)
        span = span or next((one for one in claims[max(at - 1, 0) : at] if _spans(one, claim.before)), None)
        done.append(replace(claim, window=span.quantity.number) if span and claim.quantity.kind != "days" else claim)
    return done


def _spans(one: Claim, words: str) -> bool:
    return one.quantity.kind == "days" and one.text in words


def _in_place(claim: Claim, sentence: str, start: int, end: int) -> Claim:
    """A claim with what the words on its two sides make of it."""
    before, after = sentence[:start], sentence[end:]
    clause = _CLAUSE.split(before)[-1]
    rest = _CLAUSE.split(after)[0]
    bound: Bound = "exactly"
    if _ABOUT.search(before) or claim.text.casefold() in SHARE_WORDS:
        bound = "about"
    elif _LEAST.search(before) or re.match(r"\s*\+|\s+or more\b", after):
        bound = "at least"
    elif _MOST.search(before) or re.match(r"\s+or (?:less|fewer)\b", after):
        bound = "at most"
    lasts = claim.quantity.kind == "days" and re.search(r"\b(?:for|in|since|over)\s+(?:\w+\s)?$", before)
    denied = bool(_DENIED.search(clause)) and claim.quantity.kind != "year" and not (claim.none or lasts)
    return replace(
        claim, bound=bound, negated=denied, direction=_direction(clause, rest, claim), before=clause, after=rest
    )


def _direction(clause: str, rest: str, claim: Claim) -> int:
    """Whether a sentence says that something rose or fell by this much: its own sign, the verb before it, the noun behind it."""
    if claim.quantity.kind not in {"share", "points", "money", "count"}:
        return 0
    if claim.text[:1] in "+-\u2212":
        return 1 if claim.text[0] == "+" else -1
    verbs = list(_MOVE.finditer(clause))
    told = verbs[-1] if verbs else _MOVE.match(rest.lstrip()[:20])
    if told is None:
        noun = re.match(
            r"\s+(?:\w+\s+)?(?:(?P<rise>increase|rise|growth|gain)|(?P<fall>decrease|decline|drop|fall|loss))\b", rest
        )
        told = noun
    return 0 if told is None else 1 if told["rise"] else -1


_COMPARED = re.compile(r"\b(?:after|against|versus|vs\.?|compared (?:with|to))\s+$", re.IGNORECASE)
"""Before the number of the time before: 20 trips in 30 days after 60."""


def _is_range(first: Claim, between: str) -> bool:
    """Whether the next number is the upper end of a range: 20-30, between 20 and 30; 20 to 30 where nothing moves from one to the other."""
    if re.fullmatch(r"-|\s?\u2013\s?", between):
        return True
    if between.strip() == "and":
        return bool(re.search(r"\bbetween\s*$", first.before, re.IGNORECASE))
    moves = (
        first.direction
        or re.search(r"\bfrom\s+(?:\w+\s+)?$", first.before, re.IGNORECASE)
        or _MOVE.search(first.before)
    )
    return between.strip() == "to" and not moves


def _joined(claims: list[Claim], sentence: str, start: int) -> list[Claim]:
    """Two numbers that are the ends of a range or of a change."""
    done: list[Claim] = []
    for claim in claims:
        last = done[-1] if done else None
        between = sentence[last.end - start : claim.start - start] if last else ""
        if last is None or (
            last.quantity.kind != claim.quantity.kind and "count" not in {last.quantity.kind, claim.quantity.kind}
        ):
            done.append(claim)
        elif _is_range(last, between):
            kind = claim.quantity.kind
            done[-1] = replace(
                last, text=sentence[last.start - start : claim.end - start], end=claim.end, after=claim.after,
                quantity=replace(last.quantity, kind=kind, currency=last.quantity.currency or claim.quantity.currency),
                until=claim.quantity,
            )  # fmt: skip
        elif re.fullmatch(r"\s*(?:\w+\s+){0,4}?(?:to|into|→|->)\s*(?:only\s+|just\s+|about\s+)?", between):
            done[-1] = replace(last, place="from", after=between + claim.text + claim.after)
            done.append(replace(claim, place="to", direction=claim.direction or last.direction))
        elif done and _COMPARED.search(sentence[: claim.start - start]):
            done.append(replace(claim, place="from"))
        else:
            done.append(claim)
    return done


def _cited(claims: list[Claim], hits: list[_Hit], start: int) -> Iterator[Claim]:
    """Each claim with the citations that follow it before the next sentence; several claims may share the last one."""
    marks = [
        (start + hit.match.start(), tuple(int(one) for one in _NUMBERS.findall(hit.match[0])))
        for hit in hits
        if hit.name == "citation"
    ]
    for claim in claims:
        following = [numbers for at, numbers in marks if at >= claim.end]
        yield replace(claim, citations=following[0] if following else ())
