"""What the lake knows of whom one may meet: companies, contacts and mail domains of operators."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from customer_research.domain.evidence import Gap
from customer_research.domain.meeting import LAKE, KnownPeople, MatchReason
from customer_research.domain.tables import TableSet
from customer_research.engines.engine import Engine
from customer_research.errors import UsageError
from customer_research.identity.normalise import is_free_mail, normalize_domain, normalize_email
from customer_research.lake import Lake
from customer_research.research.engine_choice import scratch
from customer_research.research.lake_directory import attached, listed
from customer_research.settings import Settings
from customer_research.sources.hubspot.settings import HubSpotSettings

_Pairs = Iterable[tuple[str | None, str]]
"""An identifier, and whose it is."""


def known_people(settings: Settings) -> KnownPeople:
    """The operators' companies, contacts and domains, as the lake has them. Of contacts, those who have left count no more.

    Raises:
        UsageError: the lake has no operators.
    """
    tables = Lake(settings.lake_folder).tables()
    if not tables.files.keys() & {"csm", "operator"}:
        raise UsageError(
            "The lake has no operators, so that nobody knows whom a meeting is with.",
            hint="Run `customer-research sync`.",
        )
    with scratch(settings) as engine:
        return _known(engine, tables)


def reasons_untold(settings: Settings, known: KnownPeople) -> frozenset[MatchReason]:
    """The reasons for which nobody can be known now, though HubSpot would tell: the lake lacks its companies or contacts, or everybody."""
    if not (known.companies or known.contact_ids or known.emails or known.domains):
        return frozenset(get_args(MatchReason))
    if settings.of(HubSpotSettings).missing() is not None:
        return frozenset()
    told: Mapping[MatchReason, Mapping[str, frozenset[str]]]
    told = {"association": known.companies, "contact": known.contact_ids}
    return frozenset(reason for reason, ids in told.items() if not ids)


_UNTOLD: Mapping[frozenset[MatchReason], str] = {
    frozenset(
        get_args(MatchReason)
    ): "The lake has no company, contact, address or mail domain of any operator: nobody knows whom a meeting is with.",
    frozenset(
        {"contact"}
    ): "The lake has no contact of any operator: a meeting is known by its company and mail domains alone.",
    frozenset(
        {"association"}
    ): "The lake has no company of any operator: a meeting is known by its contacts and mail domains alone.",
    frozenset(
        {"association", "contact"}
    ): "The lake has no company and no contact of any operator: a meeting is known by mail "
    "addresses and domains alone.",
}


def people_gaps(settings: Settings, known: KnownPeople) -> tuple[Gap, ...]:
    """Why it may not be known whom somebody meets, though calendars answered: as `reasons_untold`."""
    untold = reasons_untold(settings, known)
    if not untold:
        return ()
    next_step = "Run `customer-research sync`; `customer-research doctor` looks at the lake."
    return (Gap(LAKE, "unavailable", _UNTOLD[untold], next_step),)


def _known(engine: Engine, tables: TableSet) -> KnownPeople:
    everybody = {one.operator_id: one for one in reversed(list(listed(engine, tables)))}.values()
    companies = list(_rows(engine, tables, "company", "company_id", "domain"))
    contacts = list(_rows(engine, tables, "contact", "contact_id", "email", where="has_left IS NOT TRUE"))
    return KnownPeople(
        companies=_sets(
            ((one.hubspot_id, one.operator_id) for one in everybody), ((a, who) for who, a, _ in companies)
        ),
        contact_ids=_sets((a, who) for who, a, _ in contacts),
        emails=_sets(
            ((_email(one.email), one.operator_id) for one in everybody), ((_email(b), who) for who, _, b in contacts)
        ),
        domains=_sets(
            ((_domain(one.domain), one.operator_id) for one in everybody),
            ((_domain(b), who) for who, _, b in companies),
        ),
        names={one.operator_id: one.name for one in everybody},
    )


def _rows(
    engine: Engine, tables: TableSet, table: str, first: str, second: str, *, where: str = "TRUE"
) -> Iterator[tuple[str, str | None, str | None]]:
    if attached(engine, tables, table):
        query = f"SELECT operator_id, {first} AS a, {second} AS b FROM {table} WHERE {where}"  # noqa: S608 - our own names
        for row in engine.run(query):
            yield str(row["operator_id"]), row["a"], row["b"]


def _sets(*pairs: _Pairs) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for some in pairs:
        for key, operator_id in some:
            if key:
                found[str(key)].add(operator_id)
    return {key: frozenset(operators) for key, operators in found.items()}


def _email(text: str | None) -> str | None:
    try:
        return normalize_email(text) if text else None
    except UsageError:
        return None


def _domain(text: str | None) -> str | None:
    """A domain that tells whose mail it is; a public mail provider's tells of nobody."""
    try:
        found = normalize_domain(text) if text else None
    except UsageError:
        return None
    return None if found is None or is_free_mail(found) else found
