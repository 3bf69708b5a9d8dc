"""FMCSA's census: the US DOT's own register of carriers, as open data (Socrata); the trade's register, and free.

Every column comes as text. An operator whose USDOT number is known is asked for by it; else by its name within its state, and a
record counts only if town, postal code or telephone say the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from customer_research.connect.http import Doubles, Http, Params, Vendor
from customer_research.connect.request_log import RequestLog
from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock
from customer_research.domain.firm import Clues, FactValue
from customer_research.domain.names import name_key
from customer_research.errors import SchemaChanged, Truncated
from customer_research.firms.matching import US_STATES, Seen, best, state_key
from customer_research.firms.provider import Found, Limits, Miss, Provider, Reply
from customer_research.firms.reading import day_of, text_of, whole_of
from customer_research.firms.settings import FmcsaSettings

STREAM = "census"
MOST_RECORDS = 200
"""Records of one answer: more of one name in one state are not told apart."""

_COLUMNS = [
    "dot_number",
    "legal_name",
    "dba_name",
    "phone",
    "phy_city",
    "phy_state",
    "phy_zip",
    "status_code",
    "carrier_operation",
    "power_units",
    "total_drivers",
    "docket1_status_code",
    "docket2_status_code",
    "docket3_status_code",
    "safety_rating",
    "mcs150_date",
]
_AT_HOME = frozenset({"", "us", "usa", "united states", "united states of america"})

_STATUS = {"A": "active", "I": "inactive", "P": "pending", "X": "out of business"}
_OPERATION = {"A": "interstate", "B": "within a state, hazardous goods", "C": "within a state"}
_RATING = {"S": "satisfactory", "C": "conditional", "U": "unsatisfactory"}

VENDOR = Vendor("fmcsa", "FMCSA's census")


class FmcsaCensus:
    """The register."""

    def __init__(self, settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]) -> None:
        own = settings.of(FmcsaSettings)
        self._path = f"/resource/{own.dataset}.json"
        self._http = Http(VENDOR, own, settings, clock, **doubles)

    async def ask(self, some: Sequence[Clues]) -> Mapping[str, Reply]:
        """See `Asking.ask`."""
        told = await asyncio.gather(*map(self._one, some))
        return {one.operator_id: reply for one, reply in zip(some, told, strict=True)}

    async def _one(self, clues: Clues) -> Reply:
        log = self._http.log(STREAM)
        where = f"dot_number='{clues.usdot_number}'" if clues.usdot_number else _by_name(clues)
        params: Params = {
            "$select": ",".join(_COLUMNS),
            "$where": where,
            "$order": "dot_number",
            "$limit": MOST_RECORDS,
        }
        rows = self._rows(await self._http.get(self._path, params=params, log=log), log)
        found = best(seen_of(clues), [(_seen(row), row) for row in rows])
        if found is None:
            return Miss(
                "the register has no such carrier" if not rows else "no carrier of the register is surely this firm"
            )
        way, row = found
        receipt = log.receipt([row])
        return Found(str(row["dot_number"]), way, values_of(row), receipt, day_of(row.get("mcs150_date")))

    async def looked_at(self) -> str:
        """What a look at one record finds."""
        log = self._http.log(STREAM)
        params: Params = {"$select": ",".join(_COLUMNS), "$where": "dot_number='1'", "$limit": 1}
        self._rows(await self._http.get(self._path, params=params, log=log), log)
        return f"The register has the {len(_COLUMNS)} columns that are read."

    def _rows(self, body: Any, log: RequestLog) -> list[Mapping[str, Any]]:
        if not isinstance(body, list) or not all(isinstance(row, Mapping) and row.get("dot_number") for row in body):
            raise self._http.error(
                SchemaChanged,
                "FMCSA's census sent no list of carriers with their numbers.",
                log.stream,
                "Check fmcsa.url and fmcsa.dataset.",
            )
        if len(body) == MOST_RECORDS:
            raise self._http.error(
                Truncated, f"FMCSA's census has {MOST_RECORDS} carriers or more of such a name.", log.stream
            )
        return body

    async def close(self) -> None:
        """See `Asking.close`."""
        await self._http.close()


async def check(settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]) -> str:
    """Whether the register has the columns that are read: one that it has not is refused by name."""
    census = FmcsaCensus(settings, clock, **doubles)
    try:
        return await census.looked_at()
    finally:
        await census.close()


def can_ask(clues: Clues) -> bool:
    """A USDOT number; or a name, a state of the USA, and what tells firms of one name apart."""
    if clues.usdot_number:
        return True
    here = clues.country.casefold() in _AT_HOME and state_key(clues.state) in US_STATES.values()
    return here and bool(_words(clues)) and bool(clues.phone or clues.postal_code or clues.city)


def _words(clues: Clues) -> list[str]:
    return [word for word in name_key(clues.name).upper().split() if word.isascii() and word.isalnum()]


def _by_name(clues: Clues) -> str:
    """All words of the name in their order, whatever stands between: the register spells names in capitals, with legal forms."""
    pattern = f"%{'%'.join(_words(clues))}%"
    named = f"(upper(legal_name) like '{pattern}' OR upper(dba_name) like '{pattern}')"
    return f"phy_state='{state_key(clues.state)}' AND {named}"


def seen_of(clues: Clues) -> Seen:
    """What the firm is known by, as records are compared with it."""
    return Seen((clues.name,), "", clues.phone, clues.city, clues.state, clues.postal_code, clues.usdot_number)


def _seen(row: Mapping[str, Any]) -> Seen:
    told = {name: text_of(row.get(name)) or "" for name in _COLUMNS}
    return Seen(
        (told["legal_name"], told["dba_name"]),
        "",
        told["phone"],
        told["phy_city"],
        told["phy_state"],
        told["phy_zip"],
        told["dot_number"].lstrip("0"),
    )


def values_of(row: Mapping[str, Any]) -> Mapping[str, FactValue]:
    """The facts of a record; no name, officer, address or telephone is among them."""
    dockets = {text_of(row.get(f"docket{place}_status_code")) for place in (1, 2, 3)} - {None}
    read: dict[str, FactValue | None] = {
        "usdot_number": text_of(row.get("dot_number")),
        "power_units": whole_of(row.get("power_units")),
        "drivers": whole_of(row.get("total_drivers")),
        "authority": None if not dockets else "active" if "A" in dockets else "not active",
        "carrier_operation": _coded(_OPERATION, row.get("carrier_operation")),
        "register_status": _coded(_STATUS, row.get("status_code")),
        "safety_rating": _coded(_RATING, row.get("safety_rating")),
    }
    return {field: value for field, value in read.items() if value is not None}


def _coded(words: Mapping[str, str], value: Any) -> str | None:
    """A code in words; one that is not known as it stands."""
    code = text_of(value)
    return None if code is None else words.get(code.upper(), code)


PROVIDER = Provider(
    name="fmcsa",
    title="FMCSA census",
    licence="Public data of the US government",
    paid=False,
    fields=(
        "usdot_number",
        "power_units",
        "drivers",
        "authority",
        "carrier_operation",
        "register_status",
        "safety_rating",
    ),
    finds_by="the USDOT number where it is known; else name and state, with postal code, telephone or town",
    at_once=1,
    erases=False,
    can_ask=can_ask,
    open=FmcsaCensus,
    missing=lambda settings: settings.of(FmcsaSettings).missing(),
    limits=lambda settings: Limits(settings.of(FmcsaSettings).keep_days),
    check=check,
)
