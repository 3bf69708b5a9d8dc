"""Whether each number of a draft is supported, contradicted or unsupported by what an answer knows."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Literal

from customer_research.drafts.claims import Claim, claims_of
from customer_research.drafts.known import Known
from customer_research.drafts.quantities import ABOUT, Quantity, comparable, same_currency
from customer_research.drafts.topics import shared, topics, weighed

State = Literal["supported", "contradicted", "unsupported"]

SPEAKS = 0.45
"""From here a label fits the words around a number so well that another value of it contradicts."""

FITS = 0.2
"""From here a label with the same value supports a number that could be anybody's, a small count."""

MOVED = 0.6
"""How much a verb of rising or falling tells that a number is a trend."""

OTHER_TIME = 0.5
"""What is left of a fit where a label speaks of the time before and the words around the number do not, or the other way round."""

HALF = Decimal("0.5")

TELLING = 3.0
"""Of a sentence of ours so many words that fit are all that can be asked for."""

NEARLY = 0.6
"""A label with the same value supports unless another fits so much better: its own fit is under this share of the other's."""


SEVERAL = 3
"""A label of so many words says what it is, wherever in a sentence they stand."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A claim, whether it is supported, and why: the figure that supports or contradicts it where one does."""

    claim: Claim
    state: State
    reason: str
    known: Known | None = None


def verified(draft: str, known: Sequence[Known]) -> tuple[Verdict, ...]:
    """Every number of a draft with its verdict, in the draft's order."""
    return tuple(_Check(known).verdicts(claims_of(draft)))


def _plain(sentence: str) -> str:
    return " ".join(sentence.casefold().strip(" -*.:>_").split())


_NAMED = re.compile(
    r"\b(?:in|over|during|within|the|last|past|previous|prior|next)\s+(?:(?:the|last|past|previous|prior|next)\s+)*$",
    re.IGNORECASE,
)


_COUNTED = re.compile(r"\s+[a-z]", re.IGNORECASE)


@dataclass(frozen=True)
class _Fit:
    """A known number with how well it fits, and whether it says what the claim says."""

    known: Known
    fit: float
    same: bool


class _Check:
    def __init__(self, known: Sequence[Known]) -> None:
        self._known = tuple(known)

    @cached_property
    def _rarity(self) -> Mapping[str, float]:
        """How much a word tells: little where many labels have it."""
        labels = {one.label: one.topics for one in self._known}
        counts = Counter(word for words in labels.values() for word in words)
        return {word: 1 / (1 + math.log(count)) for word, count in counts.items()}

    @cached_property
    def _cites(self) -> bool:
        """Whether what is known has citations: else those of a draft say nothing here."""
        return any(one.citations for one in self._known)

    @cached_property
    def _quoted(self) -> Mapping[str, Known]:
        """Our own sentences: what is taken from us word for word is as true as we are."""
        return {_plain(one.label): one for one in self._known if not one.words}

    def verdicts(self, claims: Sequence[Claim]) -> Iterator[Verdict]:
        earlier: Verdict | None = None
        for claim in claims:
            verdict = self._verdict(claim)
            if verdict is None:
                continue
            if earlier is not None and claim.place == "to" and earlier.claim.place == "from":
                verdict = self._ends(earlier, verdict)
            earlier = verdict
            yield verdict

    def _verdict(self, claim: Claim) -> Verdict | None:
        fits = sorted(self._fits(claim), key=lambda one: (-round(one.fit, 2), not one.known.words))
        quoted = self._span(claim) or self._quoted.get(_plain(claim.sentence))
        if quoted is not None:
            return Verdict(claim, "supported", "", quoted)
        if claim.none:
            return self._none(claim, fits)
        if claim.citations and self._cites:
            fits = [one for one in fits if set(one.known.citations) & set(claim.citations)]
            if not fits:
                return Verdict(claim, "unsupported", "What is cited says no number of this kind.")
        return self._denied(claim, fits) if claim.negated else self._judged(claim, fits)

    def _judged(self, claim: Claim, fits: Sequence[_Fit]) -> Verdict:
        """By the label that fits best: with the same value it supports, with another it contradicts."""
        same = next((one for one in fits if one.same), None)
        other = next((one for one in fits if not one.same and one.fit >= SPEAKS), None)
        told = next((one for one in fits if not one.same and one.fit >= SPEAKS and not one.known.unknown), None)
        rival = told.fit if told else 0.0
        named = next((one for one in fits if one.same and self._in_full(claim, one.known)), None)
        if named is not None:
            return Verdict(claim, "supported", "", named.known)
        if same is not None and same.fit >= max(self._least(claim), NEARLY * rival):
            return Verdict(claim, "supported", "", same.known)
        if told is not None:
            return Verdict(claim, "contradicted", f"It is {told.known.told}.", told.known)
        if other is not None:
            return Verdict(claim, "unsupported", f"It is not known: {other.known.told}.", other.known)
        return Verdict(claim, "unsupported", "No figure says so.")

    @staticmethod
    def _in_full(claim: Claim, known: Known) -> bool:
        """Whether a sentence names a label of several words in full; one of the time before is told apart by its place alone."""
        several = len(known.topics) >= SEVERAL and known.words and "previous" not in known.topics
        return bool(several) and known.topics <= {*topics(claim.sentence)}

    def _span(self, claim: Claim) -> Known | None:
        """The figure whose span of days a claim only names (`in 30 days`)."""
        if claim.quantity.kind != "days" or not _NAMED.search(claim.before[-24:] or claim.before):
            return None
        around = weighed(claim.before, claim.after, claim.sentence)
        spanning = (one for one in self._known if claim.quantity.number in one.windows)
        return next((one for one in spanning if shared(around, one.topics, self._rarity) >= FITS), None)

    def _none(self, claim: Claim, fits: Sequence[_Fit]) -> Verdict | None:
        """`no open ticket`: whatever speaks of it says how many there are; where nothing does, it is no number."""
        best = next((one for one in fits if one.fit >= SPEAKS), None)
        if best is None:
            return None
        if best.known.unknown:
            return Verdict(claim, "unsupported", f"It is not known: {best.known.told}.", best.known)
        zero = next((one for one in fits if one.same and one.fit >= NEARLY * best.fit), None)
        if zero is not None:
            return Verdict(claim, "supported", "", zero.known)
        return Verdict(claim, "contradicted", f"It is {best.known.told}.", best.known)

    @staticmethod
    def _denied(claim: Claim, fits: Sequence[_Fit]) -> Verdict:
        same = next((one for one in fits if one.same), None)
        if same is not None and same.fit >= FITS:
            return Verdict(claim, "contradicted", f"It is so: {same.known.told}.", same.known)
        return Verdict(claim, "supported", "")

    @staticmethod
    def _least(claim: Claim) -> float:
        """How well a label with the same value must fit: the less, the more a value is nobody else's."""
        quantity = claim.quantity
        if quantity.kind in {"date", "identifier", "year"}:
            return 0.0
        digits = len(f"{abs(quantity.number).normalize():f}".replace(".", "").rstrip("0"))
        return {1: FITS, 2: FITS, 3: FITS / 2}.get(digits, 0.0)

    def _fits(self, claim: Claim) -> Iterator[_Fit]:
        around = weighed(claim.before, claim.after, claim.sentence) | dict.fromkeys(topics(claim.text), 1.0)
        if claim.direction:
            around["trend"] = max(around.get("trend", 0.0), MOVED)
        near = {*topics(claim.before), *topics(claim.after), *(["previous"] if claim.place == "from" else ())}
        if "previous" in near:
            around["previous"] = 1.0
        for known in self._known:
            own = known.claim
            alike = own is None or _of_a_kind(claim, own)
            if not alike and (own is None or not _of_another_unit(claim, own)):
                continue
            fit = shared(around, known.topics, self._rarity, most=None if known.words else TELLING)
            timed = bool(known.windows or claim.window or claim.place)
            if timed and ("previous" in known.topics) != ("previous" in near):
                fit *= OTHER_TIME
            elsewhere = bool(claim.window and known.windows and claim.window not in known.windows)
            yield _Fit(known, fit, own is not None and alike and not elsewhere and says(claim, own))

    @staticmethod
    def _ends(first: Verdict, second: Verdict) -> Verdict:
        """The two ends of a change stand in the order that the verb says."""
        one, two = first.claim.quantity.number, second.claim.quantity.number
        if second.claim.direction and (two - one) * second.claim.direction < 0:
            return replace(second, state="contradicted", reason="The two numbers move the other way.")
        return second


def _of_a_kind(claim: Claim, own: Claim) -> bool:
    written, true = claim.quantity, own.quantity
    if claim.none:
        return True
    if (
        written.kind == "count"
        and true.kind == "days"
        and _COUNTED.match(claim.after)
        and topics(claim.after.split()[0])
    ):
        return False  # 24 invoices are no span, "24 since the last" may be one
    return true.kind == "date" if written.kind == "year" else comparable(written.kind, true.kind)


def _of_another_unit(claim: Claim, own: Claim) -> bool:
    """Whether a known number is the very one, but of another unit: 67 points for 67 %."""
    number = abs(claim.quantity.number)
    return number > 0 and number == abs(own.quantity.number) and "year" not in {claim.quantity.kind, own.quantity.kind}


def says(claim: Claim, own: Claim) -> bool:
    """Whether a known number says what a claim says, rounded as it is written."""
    written, true = claim.quantity, own.quantity
    if isinstance(true.value, date):
        return _same_day(written, true.value)
    if isinstance(written.value, str) or isinstance(true.value, str):
        return str(written.value).casefold() == str(true.value).casefold()
    if written.kind == "money" and not same_currency(written.currency, true.currency):
        return False
    moved = written.kind in {"share", "money", "points"} and claim.direction * own.direction < 0
    return not moved and _within(claim, abs(true.number), whole=true.kind in {"count", "points"})


def _within(claim: Claim, value: Decimal, *, whole: bool) -> bool:
    """Whether a value lies where a claim says: in its range, beyond its bound, or as near as it is rounded.

    What counts (`whole`) and is written as a whole number is meant as it stands.
    """
    low, high = abs(claim.quantity.number), abs((claim.until or claim.quantity).number)
    step = max(claim.quantity.step, (claim.until or claim.quantity).step)
    if claim.until is not None:
        return low - step <= value <= high + step
    if claim.bound == "at least":
        return value >= low
    if claim.bound == "at most":
        return value <= low
    if claim.bound == "about":
        return abs(value - low) <= max(step, ABOUT * value, _round(low))
    exact = whole and value == value.to_integral_value() and step <= HALF
    return value == low if exact else abs(value - low) <= step


def _round(number: Decimal) -> Decimal:
    """Half of the last place of a number that is not 0: about 30 is 25 to 35."""
    exponent = number.normalize().as_tuple().exponent
    return Decimal(1).scaleb(exponent) / 2 if isinstance(exponent, int) else Decimal(0)


def _same_day(written: Quantity, true: date) -> bool:
    if written.kind == "year":
        return written.number == true.year
    if not isinstance(written.value, date):
        return False
    return (written.value.month, written.value.day) == (true.month, true.day) and written.value.year in {1, true.year}


def unsupported(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Those that nothing supports."""
    return tuple(one for one in verdicts if one.state != "supported")
