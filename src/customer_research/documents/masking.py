"""Personal data in texts: found by its form, or because the account names the person, and masked.

In running text (titles, notes, names of deals, legal names) four forms are
looked for: card numbers and account numbers (checked by their own arithmetic), social-security numbers, e-mail addresses in
disguise too, and phone numbers; and the names of persons that the account's own records tell (`People`). Persons whom no
record names are not recognised: that would take a language model, which decides by chance. How much is found and how often
something else is taken for it stands in `docs/decisions/0007-how-personal-data-is-found.md`, with what it was compared with.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

HIDDEN = "•••"

Span = tuple[int, int, str]
"""Where something personal stands in a text, and what is shown in its place."""

_AT = r"(?:\s?@\s?|%40|\s?[\[({<]\s?(?:at|@)\s?[\])}>]\s?|_at_|\sat\s)"
_DOT = r"(?:\.|\s\.|\.\s(?=\w+\b(?!\s\w))|\s?[\[({]\s?dot\s?[\])}]\s?|\sdot\s)"
_EMAIL = re.compile(
    rf"(?P<local>\"[^\"\n]{{1,64}}\"|(?<![\w])\w(?:[\w.+'-]|\s?[\[({{]dot[\])}}]\s?|\sdot\s){{0,63}}?)"
    rf"(?P<at>{_AT})(?P<domain>[\w-]+(?:{_DOT}[\w-]+)*{_DOT}[^\W\d_]{{2,}}|localhost)(?!\w)",
    re.IGNORECASE,
)
_SPELT_DOT = re.compile(r"[\s\[({]dot[\s\])}]", re.IGNORECASE)
_CARD = re.compile(r"(?<![\w-])(?:\d{13,19}|\d{4}([ .-])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ .-])\d{6}\2\d{4,5})(?![\w-])")
_ISSUERS = re.compile(r"3[47]|3[0689]|35|4|5[0-8]|6|2[2-7]")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
_SOCIAL = re.compile(
    r"(?<![\w-])(?!000)\d{3}([ -])\d{2}\1\d{4}(?![\w-])|(?i:ssn|social security(?: number| no\.?)?)\W{0,3}(\d{9})(?!\d)"
)
_SHAPED_PHONE = re.compile(r"(?<![\w-])(?:\+\d[\d\s().-]{7,16}\d|\(?\d{3}\)?[-.\s]\d{3}[-.]\d{4})(?![\w-])")
_BETWEEN = r"(?:[^\w,$:;%=]|[xX\u30fc])"
_PERHAPS_PHONE = re.compile(rf"[+\uff0b]{_BETWEEN}{{0,9}}\d(?:{_BETWEEN}{{0,4}}\d){{5}}|\d(?:{_BETWEEN}{{0,4}}\d){{6}}")
"""What a number of any country's plan holds at least: 6 digits behind a plus, or 7 (Canada's 310 1234, which has no area code)."""

_DAY = re.compile(r"(?:^|(?<=[A-Za-z:;,] ))(?:19|20)\d\d-[01]\d-[0-3]\d(?=[.,:;]?(?:$| [A-Za-z]))")
_IDENTIFIER = re.compile(r"(?=\d*[a-f])[0-9a-f]+")
"""What is no number of any plan, though it has digits enough: a day between words, and a text that is an id and nothing else.

They stand in every list, and to look for numbers of a plan loads the plans of all countries.
"""

_LOCAL_PHONE = re.compile(
    r"(?<![\w./$#-])[2-9]\d{2}-\d{4}(?![\w-])"
    r"|(?i:\b(?:phone|call|ring|tel|cell|mobile|office|fax|dial|text|whatsapp)\b\D{0,12})(\d{3}[ .]\d{4})(?![\w-])"
)
_TRUNK_PHONE = re.compile(r"(?<![\w./$#:-])\(?0[1-9]\d{0,3}\)?(?:[ ./-]?\d{2,4}){2,4}(?![\w-])")
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")
_ABROAD = re.compile(r"(?<![\w.-])00(?=[1-9])")
_PATH = re.compile(r"[/=]$")
_NUMBERED = re.compile(r"\b(?:id|company|deal|ticket|invoice|order|trip|charge|record|po)\s?[:#]?\s?$", re.IGNORECASE)
_FEWEST_DIGITS = 7
_TRUNK_DIGITS = range(9, 12)
_SHORTEST_NAME = 3

_WORDS = """
april art august banks baker best bill brook brooks carter case cash chance chase christian cook cooper day dean dick
drew driver duke east faith fields fisher forest foster frank gay glass gold grace grant gray green grove guy hall hill
holiday hope hunter iris ivy jack joy june king lake lane law little long love major mark marsh mason may miles miller
moon north page park parks pat penny person pleasant pool porter post powers price prince ray reed rich rivers rob rose
ruby rush sales sandy shore short shuttle silver skip snow south spring stone storm street summer summers sunny taylor
temple trip trips turner violet walker ward waters way wells west will wills winter winters wood woods young
"""
_EVERYDAY = frozenset(_WORDS.split())
"""Names that are words too: alone they mean the word (`Will the import run?`); beside the rest of the name, the person."""


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*", name)


def masked_word(word: str) -> str:
    """A word's first character and no more: `d•••`."""
    return f"{word[0]}{HIDDEN}" if word else HIDDEN


def initials(name: str) -> str:
    """A person's name as strangers may see it, as in `E. G.`."""
    return " ".join(f"{word[0].upper()}." for word in _words(name)) or HIDDEN


def tail(text: str, digits: int) -> str:
    """The last digits of a number: `•••33`."""
    return HIDDEN + "".join([char for char in text if char.isdigit()][-digits:])


# -- persons -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class People:
    """Persons whose names are masked in running text, and the operator's own name, whose words are no person's.

    A whole name is found in any case, with any accents and joints. A part of one only where it is written as a name, is no
    everyday word and is not in the operator's name: `Dunmoor` says nothing of a person in `Dunmoor Limousines`. A company
    that bears a person's whole name in front keeps its name.
    """

    names: tuple[str, ...] = ()
    operator: str = ""

    def found(self, text: str) -> Iterator[Span]:
        """Where `text` names one of them."""
        if not self.names:
            return
        folded = _unaccented(text)
        own = _unaccented(self.operator).casefold()
        patterns, borne = _looked_for(self.names, own)
        kept = _places(folded.casefold(), own) if borne else ()
        for pattern in patterns:
            for hit in pattern.finditer(folded):
                if not any(start <= hit.start() and hit.end() <= end for start, end in kept):
                    yield hit.start(), hit.end(), initials(text[hit.start() : hit.end()])


def _places(text: str, part: str) -> tuple[tuple[int, int], ...]:
    return tuple((hit.start(), hit.end()) for hit in re.finditer(re.escape(part), text)) if part else ()


def _wholes(names: tuple[str, ...]) -> Iterator[str]:
    return (name for name in (_unaccented(" ".join(name.split())).casefold() for name in names) if name)


@lru_cache(maxsize=64)
def _looked_for(names: tuple[str, ...], operator: str) -> tuple[tuple[re.Pattern[str], ...], bool]:
    """Whole names first, then parts of names, longest first; and whether the operator's name begins with one of them."""
    own = frozenset(_words(operator))
    whole = sorted({tuple(_words(name)) for name in _wholes(names)}, key=lambda words: -len("".join(words)))
    parts = {word for words in whole for word in words if len(word) >= _SHORTEST_NAME} - _EVERYDAY - own
    found = []
    if joined := "|".join(r"[\W_]{0,3}".join(map(re.escape, words)) for words in whole if len(words) > 1):
        found.append(re.compile(rf"(?<![^\W\d_])(?:{joined})(?![^\W\d_])", re.IGNORECASE))
    if parts:
        written = sorted(parts, key=lambda word: (-len(word), word))
        titled = "|".join(re.escape(part[0].upper()) + f"(?i:{re.escape(part[1:])})" for part in written)
        found.append(re.compile(rf"(?<![A-Z])(?:{titled})(?![a-z])"))
    return tuple(found), any(operator.startswith(name) for name in _wholes(names))


def _unaccented(text: str) -> str:
    """The text without accents and wide forms, character by character, so that places in it are places in the original."""
    return text if text.isascii() else "".join(map(_plain, text))


@lru_cache(maxsize=4096)
def _plain(char: str) -> str:
    if char == "\u2019":  # a typesetter's apostrophe
        return "'"
    base = unicodedata.normalize("NFKD", char)[0]
    return base if char.isalpha() or char.isdigit() or unicodedata.category(char) == "Po" else char


# -- running text --------------------------------------------------------------------------------------------------------


NOBODY = People()


def mask_text(text: str, people: People = NOBODY) -> str:
    """A running text with addresses, phone, card, account and social-security numbers and known persons' names masked."""
    return _without(text, _found(text, people))


def mask_numbers(text: str) -> str:
    """A running text without card, account and social-security numbers: nobody reads those here, asked for or not."""
    return _without(text, _numbers(_unaccented(text))) if _digits(text) >= _FEWEST_DIGITS else text


def _found(text: str, people: People) -> Iterator[Span]:
    yield from _of_any_text(text)
    yield from people.found(text)


@lru_cache(maxsize=4096)
def _of_any_text(text: str) -> tuple[Span, ...]:
    """The places of what is personal whoever the people are; a report repeats most of its texts, and formats repeat them all."""
    folded = _unaccented(text)
    many = _digits(folded) >= _FEWEST_DIGITS
    found = [*_numbers(folded)] if many else []
    found += _addresses(folded)
    if many and not folded.strip().isdigit():  # a number alone in its cell is an identifier
        found += _phones(folded)
    return tuple(found)


def _without(text: str, found: Iterable[Span]) -> str:
    """The text with each place replaced; of places that overlap the first found stands."""
    taken: list[Span] = []
    for start, end, instead in found:
        if all(end <= other[0] or other[1] <= start for other in taken):
            taken.append((start, end, instead))
    for start, end, instead in sorted(taken, reverse=True):
        text = f"{text[:start]}{instead}{text[end:]}"
    return text


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def _numbers(text: str) -> Iterator[Span]:
    """Card numbers (by issuer and check digit), bank accounts (by checksum) and social-security numbers (by shape)."""
    for hit in _CARD.finditer(text):
        from stdnum import luhn  # noqa: PLC0415 - start-up time: few texts hold such a number

        bare = re.sub(r"\D", "", hit[0])
        if _ISSUERS.match(bare) and luhn.is_valid(bare):
            yield hit.start(), hit.end(), tail(bare, 4)
    for hit in _IBAN.finditer(text):
        from stdnum import iban  # noqa: PLC0415 - start-up time

        if iban.is_valid(hit[0]):
            yield hit.start(), hit.end(), tail(hit[0], 4)
    for hit in _SOCIAL.finditer(text):
        group = 2 if hit[2] else 0
        yield hit.start(group), hit.end(group), tail(hit[group], 4)


def _addresses(text: str) -> Iterator[Span]:
    for hit in _EMAIL.finditer(text):
        at = hit["at"].strip().casefold()
        spelled = "." in hit["local"] or _SPELT_DOT.search(hit[0])
        if at == "at" and not spelled:  # `look at app.example`
            continue
        yield hit.start(), hit.end(), f"{masked_word(hit['local'].lstrip(chr(34)))}@{hit['domain']}"


def _phones(text: str) -> Iterator[Span]:
    plus = _ABROAD.sub(" +", text)  # as written abroad; places stay
    if _PERHAPS_PHONE.search(_DAY.sub("", plus)) and not _IDENTIFIER.fullmatch(text):
        yield from _planned_phones(text, plus)
    for hit in _LOCAL_PHONE.finditer(text):
        group = 1 if hit[1] else 0
        yield hit.start(group), hit.end(group), tail(hit[group], 2)
    yield from ((hit.start(), hit.end(), tail(hit[0], 2)) for hit in _SHAPED_PHONE.finditer(text))  # of no plan, too
    for hit in _TRUNK_PHONE.finditer(text):
        if _digits(hit[0]) in _TRUNK_DIGITS and not _DATE.search(hit[0]):
            yield hit.start(), hit.end(), tail(hit[0], 2)


def _planned_phones(text: str, plus: str) -> Iterator[Span]:
    """Numbers of some country's numbering plan, in a text and in the same with a plus before what is written as abroad."""
    from phonenumbers import Leniency, PhoneNumberMatcher  # noqa: PLC0415 - start-up time: few texts may hold one

    for match in PhoneNumberMatcher(plus, "US", leniency=Leniency.VALID):
        before = text[: match.start]
        identifier = _PATH.search(before) or (match.raw_string.isdigit() and _NUMBERED.search(before))
        if not identifier:
            abroad = plus[match.start] != text[match.start]  # the first of two zeros stands before the plus
            yield match.start - abroad, match.end, tail(match.raw_string, 2)
