"""Names and telephone numbers in the one form in which they are compared: for matching only, never shown."""

from __future__ import annotations

import re
import unicodedata

_LEGAL_FORMS = {
    "llc": "llc",
    **dict.fromkeys(("inc", "incorporated"), "inc"),
    **dict.fromkeys(("corp", "corporation"), "corp"),
    **dict.fromkeys(("ltd", "limited"), "ltd"),
    **dict.fromkeys(("co", "company"), "co"),
}
"""How a legal form is written → which one it is."""
_UNHEARD = re.compile(r"['’`´.]")  # noqa: RUF001 - these signs are the point
_WORD = re.compile(r"[^\W_]+")
_WITHOUT_ACCENT = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}  # noqa: RUF001 - these signs are the point
)
_EXTENSION = re.compile(r"(?:x|ext\.?)\s*\d{1,6}$", re.IGNORECASE)
_NORTH_AMERICAN = 11


def text_key(text: str) -> str:
    """A text as its words, one blank between: no case, accents or punctuation, `&` is "and", `O'Neil` and `A.B.` are one word each.

    Two texts that a person reads alike are equal; one of nothing but punctuation is empty.
    """
    plain = text.casefold()
    if not plain.isascii():
        parts = unicodedata.normalize("NFKD", plain)
        plain = "".join(char for char in parts if unicodedata.category(char) not in {"Mn", "Cf"})
        plain = plain.casefold().translate(_WITHOUT_ACCENT)
    return " ".join(_WORD.findall(_UNHEARD.sub("", plain.replace("&", " and "))))


def name_key(name: str) -> str:
    """A company's name as `text_key`, without the legal form at its end."""
    words = text_key(name).split()
    while len(words) > 1 and words[-1] in _LEGAL_FORMS:
        words.pop()
    return " ".join(words)


def legal_form(name: str) -> str:
    """The legal form at the end of a company's name, however it is written: `inc` for Inc. and Incorporated; empty: it has none."""
    words = text_key(name).split()
    return " ".join(_LEGAL_FORMS[word] for word in words[len(name_key(name).split()) :])


def phone_key(number: str) -> str:
    """A telephone number's digits, without extension and without the North American country code 1."""
    digits = "".join(char for char in _EXTENSION.sub("", number.strip()) if char.isdigit())
    return digits[1:] if len(digits) == _NORTH_AMERICAN and digits.startswith("1") else digits
