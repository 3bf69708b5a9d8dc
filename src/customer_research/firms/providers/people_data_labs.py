"""People Data Labs: a company by its website or name, a credit a match; who is not found costs nothing.

Its answer holds far more than is taken here, persons among it: only the fields below are read, and nothing else is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from customer_research.connect.http import Doubles, Http, Params, Vendor
from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock
from customer_research.domain.firm import Clues, FactValue
from customer_research.errors import SchemaChanged
from customer_research.firms.matching import Seen, own_domain, way_of
from customer_research.firms.provider import Found, Limits, Miss, Provider, Reply
from customer_research.firms.reading import text_of, whole_of
from customer_research.firms.settings import PeopleDataLabsSettings

STREAM = "company_enrich"
PATH = "/v5/company/enrich"
WRONG_REQUEST, NOT_FOUND = 400, 404
SURE = 10
"""The most that `likelihood` can be."""

_TEXTS = {
    "size": "headcount_range",
    "industry": "industry",
    "founded": "founded_year",
    "inferred_revenue": "revenue_range",
    "type": "company_type",
}

VENDOR = Vendor("people_data_labs", "People Data Labs")


class PeopleDataLabs:
    """Its company API. A request may cost a credit, so that one that may have been carried out is not sent again."""

    def __init__(self, settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]) -> None:
        self._own = settings.of(PeopleDataLabsSettings)
        self._http = Http(VENDOR, self._own, settings, clock, **doubles)

    async def ask(self, some: Sequence[Clues]) -> Mapping[str, Reply]:
        """See `Asking.ask`."""
        return {one.operator_id: await self._one(one) for one in some}

    async def _one(self, clues: Clues) -> Reply:
        log = self._http.log(STREAM)
        params: Params = {**asked(clues), "min_likelihood": self._own.min_likelihood}
        reply = await self._http.send(
            "GET", PATH, params=params, log=log, safe=False, accept=(WRONG_REQUEST, NOT_FOUND)
        )
        if reply.status == WRONG_REQUEST:  # it would be refused again
            return Miss(f"People Data Labs refused the question: {self._http.told(reply.body)}")
        if reply.status == NOT_FOUND:
            return Miss("People Data Labs knows no such company")
        record = self._http.mapping(reply.body, log)
        identifier = text_of(record.get("id"))
        if identifier is None:
            hint = "Check people_data_labs.url."
            sentence = "People Data Labs sent a company without its id."
            raise self._http.error(SchemaChanged, sentence, log.stream, hint)
        way = way_of(_known(clues), _seen(record))
        if way is None:
            return Miss("the company that People Data Labs found is not surely this one", credits=1)
        values = values_of(record)
        receipt = log.receipt([{"id": identifier, **values}])
        return Found(identifier, way, values, receipt, likelihood=_likelihood(record), credits=1)

    async def looked_at(self) -> str:
        """What a question without a company finds: it is refused, and costs nothing, by whoever takes the key."""
        log = self._http.log(STREAM)
        await self._http.send("GET", PATH, log=log, safe=False, accept=(WRONG_REQUEST, NOT_FOUND))
        return "The key is taken."

    async def close(self) -> None:
        """See `Asking.close`."""
        await self._http.close()


async def check(settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]) -> str:
    """Whether the key is taken; no credit is."""
    session = PeopleDataLabs(settings, clock, **doubles)
    try:
        return await session.looked_at()
    finally:
        await session.close()


def asked(clues: Clues) -> Mapping[str, str]:
    """What is told of the firm: that which is known."""
    told = {
        "website": clues.domain,
        "name": clues.name,
        "locality": clues.city,
        "region": clues.state,
        "postal_code": clues.postal_code,
        "country": clues.country,
    }
    return {name: value for name, value in told.items() if value}


def can_ask(clues: Clues) -> bool:
    """A domain of its own; or a name and where it is: a name alone is many firms'."""
    return bool(clues.domain or (clues.name and (clues.postal_code or clues.city)))


def _known(clues: Clues) -> Seen:
    return Seen((clues.name,), clues.domain, "", clues.city, clues.state, clues.postal_code)


def _seen(record: Mapping[str, Any]) -> Seen:
    place = record.get("location")
    where = place if isinstance(place, Mapping) else {}
    names = tuple(text_of(record.get(name)) or "" for name in ("name", "display_name"))
    return Seen(
        names,
        own_domain(text_of(record.get("website")) or ""),
        city=text_of(where.get("locality")) or "",
        state=text_of(where.get("region")) or "",
        postal_code=text_of(where.get("postal_code")) or "",
    )


def values_of(record: Mapping[str, Any]) -> Mapping[str, FactValue]:
    """The facts of a record."""
    funding = whole_of(record.get("total_funding_raised"))
    read: dict[str, FactValue | None] = {
        "headcount": whole_of(record.get("employee_count")),
        "funding_usd": None if funding is None else funding * 100,
        **{field: text_of(record.get(name)) for name, field in _TEXTS.items()},
    }
    return {field: value for field, value in read.items() if value is not None}


def _likelihood(record: Mapping[str, Any]) -> float | None:
    told = whole_of(record.get("likelihood"))
    return None if told is None else min(told, SURE) / SURE


PROVIDER = Provider(
    name="people_data_labs",
    title="People Data Labs",
    licence="Licensed for internal use while the contract runs; not to be handed on",
    paid=True,
    fields=("headcount", *_TEXTS.values(), "funding_usd"),
    finds_by="the company's own domain; else name with postal code or town",
    at_once=1,
    erases=True,
    can_ask=can_ask,
    open=PeopleDataLabs,
    missing=lambda settings: settings.of(PeopleDataLabsSettings).missing(),
    limits=lambda settings: Limits(
        settings.of(PeopleDataLabsSettings).keep_days, settings.of(PeopleDataLabsSettings).budget
    ),
    check=check,
)
