"""Normal forms of the identifiers that operators go by: each raises `UsageError` with the reason otherwise."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation

from customer_research.domain.names import phone_key
from customer_research.domain.values import LEGACY, SAFE_INTEGER
from customer_research.errors import UsageError

FREE_MAIL_DOMAINS = frozenset(
    f"{name}.{ending}"
    for name, endings in {
        "gmail": "com",
        "googlemail": "com",
        "yahoo": "com ca co.uk fr de es it com.mx com.br",
        "ymail": "com",
        "rocketmail": "com",
        "hotmail": "com ca co.uk fr de es it",
        "outlook": "com fr de es",
        "live": "com ca co.uk fr",
        "msn": "com",
        "icloud": "com",
        "me": "com",
        "mac": "com",
        "aol": "com",
        "comcast": "net",
        "verizon": "net",
        "sbcglobal": "net",
        "att": "net",
        "bellsouth": "net",
        "cox": "net",
        "protonmail": "com ch",
        "proton": "me",
        "gmx": "com net de",
        "mail": "com",
        "zoho": "com",
    }.items()
    for ending in endings.split()
)
"""Public mail providers: two operators on one of these have nothing in common (S38)."""

_WRAPPERS = "\"'`<>{}[]()“”‘’«»‹›„"  # noqa: RUF001 - these signs are the point
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")  # noqa: RUF001 - these signs are the point
_PREFIX = re.compile(r"^(?:op|operator)[_-]|^urn:uuid:", re.IGNORECASE)
_UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
_HEX32 = re.compile(r"^[0-9a-f]{32}$")
_STRIPE = re.compile(r"^acct_[A-Za-z0-9]{14,24}$")
_HUBSPOT = re.compile(r"^\d{1,20}(?:\.\d{1,20})?(?:[eE]\+?\d{1,3})?$")
_EMAIL = re.compile(r"^[^\s@<>\"',;:()]{1,64}@([a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+)$")
_HOST = re.compile(r"^(?=.{4,253}$)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,63}$")
_PHONE_SHAPE = re.compile(r"^\+?[\d\s().\-/]+(?:(?:x|ext\.?)\s*\d{1,6})?$", re.IGNORECASE)
_PREFIXES = 2
_MAX_ADDRESS = 320
_PHONE_DIGITS = range(7, 16)


def tidy(text: str) -> str:
    """NFKC, without invisible format characters and outer blanks."""
    composed = unicodedata.normalize("NFKC", text)
    return "".join(char for char in composed if unicodedata.category(char) != "Cf").strip()


def unwrap(text: str) -> str:
    """`tidy`, without surrounding quotes, brackets, braces and back-ticks, and without trailing commas."""
    previous, current = None, tidy(text)
    while current != previous:
        previous = current
        current = current.strip(_WRAPPERS).strip().rstrip(",;").rstrip()
    return current


def operator_id_residue(text: str) -> tuple[str, bool]:
    """What is left of an operator id after unwrapping and dropping a recognised prefix, and whether there was one."""
    current, prefixed = unwrap(text).translate(_DASHES), False
    for _ in range(_PREFIXES):
        if match := _PREFIX.match(current):
            current, prefixed = unwrap(current[match.end() :]), True
    return current.lower(), prefixed


def normalize_operator_id(text: str) -> str:
    """The canonical dashed lower-case UUID, or `legacy:<digits>` for an old or test style number.

    Any UUID version is accepted; the nil UUID and those of one repeated digit are placeholders and refused.

    Raises:
        UsageError: with the reason, when it is neither.
    """
    residue, _ = operator_id_residue(text)
    if _HEX32.match(residue):
        residue = "-".join((residue[:8], residue[8:12], residue[12:16], residue[16:20], residue[20:]))
    if _UUID.match(residue):
        if len(set(residue) - {"-"}) == 1:
            raise UsageError(f"{residue} is a placeholder, not an operator id: all its digits are the same.")
        return residue
    number = residue.removeprefix(LEGACY)
    if number.isascii() and number.isdigit():
        return LEGACY + number
    digits = sum(char in "0123456789abcdef" for char in residue)
    raise UsageError(
        f"This is not an operator id: it needs 32 hexadecimal digits, and {digits} were found.",
        hint="An operator id looks like 1b4e28ba-2fa1-11d2-883f-0016d3cca427.",
    )


def normalize_hubspot_id(value: str | float) -> str:
    """A HubSpot id as an integer string, from an integer, a float export or text such as `1.2345678901E10`.

    Raises:
        UsageError: when it is not a whole positive number, or above 2^53, where floats have lost digits.
    """
    text = "" if isinstance(value, bool) else unwrap(str(value))
    try:
        number = Decimal(text) if _HUBSPOT.match(text) else None
    except InvalidOperation:
        number = None
    if number is None:
        raise UsageError("A HubSpot id is a whole number, such as 12345678901.")
    if number > SAFE_INTEGER:
        raise UsageError("This HubSpot id is above 2^53: a spreadsheet or export has lost its last digits.")
    if number <= 0 or number != number.to_integral_value():
        raise UsageError("A HubSpot id is a positive whole number; this one is not, so an export has changed it.")
    return str(int(number))


def normalize_stripe_account(text: str) -> str:
    """A Stripe account id, blanks stripped and its case kept (`acct_` and 14 to 24 letters and digits).

    Raises:
        UsageError: when it has another form.
    """
    account = text.strip()
    if not _STRIPE.match(account):
        raise UsageError("A Stripe account id is acct_ followed by 14 to 24 letters and digits, with its exact case.")
    return account


def normalize_email(text: str) -> str:
    """An e-mail address for comparison: the whole of it casefolded (keep the original for display).

    Raises:
        UsageError: when it is no address.
    """
    address = unwrap(text).casefold()
    address = unwrap(address.removeprefix("mailto:"))
    if len(address) > _MAX_ADDRESS or not _EMAIL.match(address):
        raise UsageError("This is not an e-mail address.")
    return address


def normalize_domain(text: str) -> str:
    """A web domain: no scheme, user, `www.`, port, path; casefolded.

    Raises:
        UsageError: when it is no domain.
    """
    host = re.sub(r"^[a-z][a-z0-9+.-]*://", "", unwrap(text).casefold())
    host = re.split(r"[/?#]", host, maxsplit=1)[0].rpartition("@")[2]
    host = re.sub(r":\d+$", "", host).removeprefix("www.").rstrip(".")
    if not _HOST.match(host):
        raise UsageError("This is not a web domain.")
    return host


def is_free_mail(domain: str) -> bool:
    """Whether the (normalised) domain is a public mail provider's, which never identifies a company."""
    return domain in FREE_MAIL_DOMAINS


def normalize_phone(text: str) -> str:
    """A telephone number's digits, without extension and without the North American country code 1.

    Raises:
        UsageError: when it has other characters, or not 7 to 15 digits.
    """
    number = unwrap_phone(text)
    digits = phone_key(number)
    if not _PHONE_SHAPE.match(number) or len(digits) not in _PHONE_DIGITS:
        raise UsageError("A telephone number has 7 to 15 digits and no letters.")
    return digits


def unwrap_phone(text: str) -> str:
    """`tidy` with typographic dashes as hyphens and without a `tel:` scheme; brackets stay, they are part of it."""
    return re.sub(r"^tel:", "", tidy(text).strip("\"'`<>").translate(_DASHES), flags=re.IGNORECASE).strip()


def literal(text: str) -> str:
    """The text as it stands but for case, invisible characters and runs of blanks: for matching signs literally."""
    return " ".join(tidy(text).casefold().split())
