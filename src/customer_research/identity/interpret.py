"""What a lookup term may be: every reading of it, most specific first."""

from __future__ import annotations

import re
from collections.abc import Mapping

from customer_research.domain.identity import IdKind, Interpretation
from customer_research.domain.values import LEGACY
from customer_research.errors import UsageError
from customer_research.identity.normalise import (
    is_free_mail,
    literal,
    normalize_domain,
    normalize_email,
    normalize_hubspot_id,
    normalize_operator_id,
    normalize_phone,
    normalize_stripe_account,
    operator_id_residue,
    tidy,
    unwrap,
)

MAX_TERM = 10_000
MAX_ADDRESS = 320
MAX_NAME = 100
WILDCARDS = "%_*?"

_INVOICE = re.compile(r"^[A-Za-z]{2,10}(?:-[A-Za-z0-9]{1,12}){1,4}-\d{1,9}$")
_TICKET = re.compile(r"^[A-Za-z]{1,10}-\d{1,9}$")
_CHARGE = re.compile(r"^(?:ch|py|pi)_[A-Za-z0-9]{8,64}$")
_CONFIRMATION = re.compile(r"^#?(?=[A-Za-z-]*\d)[A-Za-z0-9][A-Za-z0-9-]{2,31}$")
_HEX_AND_DASHES = re.compile(r"^[0-9a-f-]+$")
_UUID_SHAPE = re.compile(r"^[0-9a-z]{6,10}(?:-[0-9a-z]{2,6}){3}-[0-9a-z]{8,14}$")
_BRACKETED_ADDRESS = re.compile(r"<\s*([^<>\s]+@[^<>\s]+)\s*>")
_HUBSPOT_DIGITS = 6
_LIKELY_UUID_DIGITS = 24
FREE_MAIL_REMARK = "a public mail provider's domain, never used to find a company"
LEGACY_REMARK = "format not recognised as an operator id: an old or test style number, compared as it stands"


def interpret(term: str) -> tuple[Interpretation, ...]:
    """All readings of a term, most specific first; an exact id form has only that reading.

    Raises:
        UsageError: for nothing, one character, wildcards alone, more than 100 characters of a name (10,000 of anything),
            and ids that are recognisably broken.
    """
    text = _accepted(term)
    return _as_identifier(text) or _as_address(text) or _as_words(text)


def _accepted(term: str) -> str:
    if len(term) > MAX_TERM:
        raise UsageError(f"The search term has {len(term):,} characters; give at most {MAX_NAME}.")
    text = tidy(term)
    if not text:
        raise UsageError("The search term is blank; give a name, id, e-mail, phone or Stripe account.")
    if not text.replace(" ", "").strip(WILDCARDS):
        raise UsageError("The search term has only wildcard signs, which are not searched; give at least two letters.")
    if len(text) > MAX_ADDRESS:
        raise UsageError(f"The search term has {len(text):,} characters; give at most {MAX_NAME}.")
    if len(unwrap(text)) == 1 or len(text) == 1:
        raise UsageError("The search term has only one character; give at least two.")
    return text


def _as_identifier(text: str) -> tuple[Interpretation, ...]:
    residue, prefixed = operator_id_residue(text)
    if _uuid_like(residue) or (prefixed and residue.isdecimal()):
        return (_operator(normalize_operator_id(residue)),)
    bare = unwrap(text)
    if bare[:5].lower() == "acct_":
        account = normalize_stripe_account("acct_" + bare[5:])
        return (Interpretation("stripe_account", bare[:5] + account[5:]),)
    if _CHARGE.match(bare):
        return (Interpretation("charge", bare),)
    return ()


def _uuid_like(residue: str) -> bool:
    if _UUID_SHAPE.match(residue) and sum(char.isdigit() for char in residue) > 1:
        return True
    digits = residue.replace("-", "")
    return len(digits) >= _LIKELY_UUID_DIGITS and bool(_HEX_AND_DASHES.match(residue)) and any(map(str.isdigit, digits))


def _operator(value: str) -> Interpretation:
    if value.startswith(LEGACY):
        return Interpretation("legacy_id", value, LEGACY_REMARK)
    return Interpretation("operator_id", value)


def _as_address(text: str) -> tuple[Interpretation, ...]:
    """An e-mail address (also within `Name <address>`), then its domain; `@domain` alone is a domain."""
    bracketed = _BRACKETED_ADDRESS.search(text)
    candidate = bracketed[1] if bracketed else unwrap(text)
    if "@" not in candidate:
        return ()
    try:
        if candidate.startswith("@"):
            return (_domain(normalize_domain(candidate[1:])),)
        address = normalize_email(candidate)
    except UsageError:
        return ()
    return (Interpretation("email", address), _domain(address.rpartition("@")[2]))


def _domain(value: str) -> Interpretation:
    return Interpretation("domain", value, FREE_MAIL_REMARK if is_free_mail(value) else "")


def _as_words(text: str) -> tuple[Interpretation, ...]:
    bare = unwrap(text)
    readings = [*_as_number(bare, text), *_as_domain(bare)]
    if _CONFIRMATION.match(bare):
        readings.append(Interpretation("confirmation", bare.lstrip("#")))
    for kind, shape in _NUMBERS.items():
        if shape.match(bare):
            readings.append(Interpretation(kind, bare.upper()))
    name = literal(text)
    if len(name) > MAX_NAME:
        raise UsageError(f"The name has {len(name):,} characters; give at most {MAX_NAME} of them.")
    if not any(char.isalnum() or ord(char) > 0x7F for char in name):  # noqa: PLR2004 - beyond ASCII: emoji names
        raise UsageError("The search term has no letter or digit; give at least two.")
    return (*readings, Interpretation("name", name))


_NUMBERS: Mapping[IdKind, re.Pattern[str]] = {"invoice": _INVOICE, "ticket": _TICKET}


def _as_number(bare: str, text: str) -> list[Interpretation]:
    """HubSpot id (six digits or more), old style number (fewer), phone."""
    readings = []
    if bare.isascii() and bare.isdigit() and len(bare) < _HUBSPOT_DIGITS:
        readings.append(_operator(LEGACY + bare))
    else:
        readings += _maybe_hubspot(bare)
    try:
        readings.append(Interpretation("phone", normalize_phone(text)))
    except UsageError:
        return readings
    return readings


def _maybe_hubspot(bare: str) -> list[Interpretation]:
    """A reading as HubSpot id; "24.7" and other short or broken numbers are none."""
    try:
        value = normalize_hubspot_id(bare)
    except UsageError:
        return []
    return [Interpretation("hubspot_id", value)] if len(value) >= _HUBSPOT_DIGITS else []


def _as_domain(bare: str) -> list[Interpretation]:
    try:
        return [_domain(normalize_domain(bare))]
    except UsageError:
        return []
