"""Whether a provider's record is an operator's firm: by what both say, never by how sure the provider is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from customer_research.domain.match import CONFIDENCE
from customer_research.domain.names import name_key, phone_key, text_key

R = TypeVar("R")

_STATES = """
AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|DC District of Columbia
FL Florida|GA Georgia|HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|KY Kentucky|LA Louisiana|ME Maine
MD Maryland|MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|MO Missouri|MT Montana|NE Nebraska|NV Nevada
NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York|NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|OR Oregon
PA Pennsylvania|PR Puerto Rico|RI Rhode Island|SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|VT Vermont
VA Virginia|WA Washington|WV West Virginia|WI Wisconsin|WY Wyoming
"""
US_STATES = MappingProxyType(
    {
        spelling: letters
        for letters, _, name in (one.partition(" ") for one in _STATES.strip().replace("\n", "|").split("|"))
        for spelling in (letters.lower(), name.lower())
    }
)
"""How a state of the USA may be spelt, in lower case → its two letters."""

SHARED_DOMAINS = frozenset(
    """
    facebook.com instagram.com linkedin.com linktr.ee google.com goo.gl business.site sites.google.com yelp.com
    wixsite.com wix.com squarespace.com weebly.com wordpress.com blogspot.com godaddysites.com webflow.io carrd.co
    myshopify.com shopify.com github.io booking.com tripadvisor.com limoanywhere.com limos.com moovs.app moovs.com
    about.me bit.ly capterra.com g2.com mystrikingly.com netlify.app square.site twitter.com vercel.app web.app x.com youtube.com
    """.split()  # noqa: SIM905 - a list to read
)
"""Domains that many firms share: one of them, or one below it, is no firm's own."""

ZIP_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """What a provider's record says of whom it is about; empty: nothing."""

    names: tuple[str, ...] = ()
    domain: str = ""
    phone: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    usdot_number: str = ""


def way_of(known: Seen, told: Seen) -> str | None:
    """The best way by which a record is the firm's (`domain.match.CONFIDENCE`); None: it is not recognised."""
    ways = list(_ways(known, told))
    return max(ways, key=lambda way: CONFIDENCE[way]) if ways else None


def _ways(known: Seen, told: Seen) -> Iterable[str]:
    if known.usdot_number and told.usdot_number:
        if known.usdot_number == told.usdot_number:
            yield "usdot"
        return  # another number is another firm, whatever it is called
    if known.domain and known.domain == told.domain:
        yield "domain"
    if not _names(known) & _names(told):
        return
    if _same(zip_key(known.postal_code), zip_key(told.postal_code)):
        yield "name_and_postcode"
    if _same(phone_key(known.phone), phone_key(told.phone)):
        yield "name_and_phone"
    if _same(text_key(known.city), text_key(told.city)) and _same(state_key(known.state), state_key(told.state)):
        yield "name_and_city"


def best(known: Seen, told: Sequence[tuple[Seen, R]]) -> tuple[str, R] | None:
    """Of several records the one that is recognised by the best way; None where none is, or more than one by that way."""
    found = [(way, record) for seen, record in told if (way := way_of(known, seen)) is not None]
    if not found:
        return None
    top = max(CONFIDENCE[way] for way, _ in found)
    at_top = [one for one in found if CONFIDENCE[one[0]] == top]
    return at_top[0] if len(at_top) == 1 else None


def _names(seen: Seen) -> set[str]:
    return {key for name in seen.names if (key := name_key(name))}


def _same(one: str, other: str) -> bool:
    return bool(one) and one == other


def zip_key(code: str) -> str:
    """A postal code as it is compared: of a US one the five digits, else its letters and digits."""
    plain = "".join(sign for sign in code.casefold() if sign.isalnum())
    return plain[:ZIP_DIGITS] if plain.isdigit() else plain


def state_key(state: str) -> str:
    """A state or region as it is compared: of one of the USA its two letters."""
    return US_STATES.get(text_key(state), text_key(state))


def own_domain(domain: str, free_mail: frozenset[str] = frozenset()) -> str:
    """A firm's domain without its beginning `www.`; empty for one that others share, so that it says nothing."""
    host = domain.strip().casefold().partition("://")[2] or domain.strip().casefold()
    host = host.partition("/")[0].partition(":")[0].removeprefix("www.").rstrip(".")
    parts = host.split(".")
    above = {".".join(parts[place:]) for place in range(len(parts) - 1)}
    return "" if len(parts) < 2 or above & SHARED_DOMAINS or host in free_mail else host  # noqa: PLR2004 - a name and its ending
