"""What operators' firms are known by, so that a provider can be asked about them: from the lake, and from facts that are sure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from customer_research.domain.firm import CLUES, Clues
from customer_research.domain.match import CERTAIN, CONFIRMED
from customer_research.errors import UsageError
from customer_research.firms.matching import own_domain
from customer_research.identity.normalise import is_free_mail
from customer_research.lake import Lake
from customer_research.research.engine_choice import scratch
from customer_research.research.lake_directory import attached, listed
from customer_research.settings import Settings

if TYPE_CHECKING:
    from customer_research.store.firms import FirmBook

Row = Mapping[str, Any]

_COMPANIES = """
SELECT DISTINCT operator_id, company_id, domain, website, phone, city, state, country, linked_by FROM company
ORDER BY operator_id, company_id
"""
_LINKED = frozenset({"csm", "property", CONFIRMED})


def clues_of(
    settings: Settings, wanted: frozenset[str] | None, book: FirmBook, but: str, now: datetime
) -> tuple[Clues, ...]:
    """What is known of the operators wanted (None: all), by their names.

    A company counts that is surely one operator's alone, and a domain that is no other operator's. Facts of the provider `but`
    itself count for nothing: they would confirm themselves.

    Raises:
        UsageError: the lake has no operators.
    """
    tables = Lake(settings.lake_folder).tables()
    if not tables.files.keys() & {"csm", "operator"}:
        raise UsageError("The lake has no operators.", hint="Run `customer-research sync`.")
    with scratch(settings) as engine:
        names = {one.operator_id: one.name for one in reversed(list(listed(engine, tables)))}
        rows = engine.run(_COMPANIES) if attached(engine, tables, "company") else []
    companies, owners = _companies(rows), _owners(rows)
    numbers = _numbers(book, but, now)
    found = []
    for operator_id in names.keys() if wanted is None else names.keys() & wanted:
        company = companies.get(operator_id, {})
        domain = domain_of(company)
        told = {name: _text(company.get(name)) for name in ("company_id", "phone", "city", "state", "country")}
        own = domain if len(owners.get(domain, ())) == 1 else ""
        found.append(Clues(operator_id, names[operator_id], domain=own, **told, **numbers.get(operator_id, {})))
    return tuple(sorted(found, key=lambda one: (one.name.casefold(), one.operator_id)))


def domain_of(company: Row) -> str:
    """A company's own domain; empty where it has none, or shares it with many."""
    told = (own_domain(_text(company.get(name))) for name in ("domain", "website"))
    return next((one for one in told if one and not is_free_mail(one)), "")


def _companies(rows: Sequence[Row]) -> Mapping[str, Row]:
    """The company of each operator that surely has one alone, which is no other operator's."""
    sure = [row for row in rows if row["linked_by"] in _LINKED]
    pairs = {(str(row["operator_id"]), str(row["company_id"])) for row in sure}
    operators, companies = Counter(one for one, _ in pairs), Counter(one for _, one in pairs)
    return {
        str(row["operator_id"]): row
        for row in sure
        if operators[str(row["operator_id"])] == companies[str(row["company_id"])] == 1
    }


def _owners(rows: Sequence[Row]) -> Mapping[str, set[str]]:
    """Whose companies bear each domain."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        found[domain_of(row)].add(str(row["operator_id"]))
    return found


def _numbers(book: FirmBook, but: str, now: datetime) -> Mapping[str, dict[str, str]]:
    """Numbers and codes that another provider surely told, by operator; where two contradict each other there is none."""
    told: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for fact in book.of():
        sure = fact.confidence >= CERTAIN and not fact.is_stale(now)
        if fact.field in CLUES and fact.provider != but and sure:
            text = str(fact.value).strip()
            if fact.field == "usdot_number":
                text = text.lstrip("0") if text.isascii() and text.isdigit() else ""
            told[fact.operator_id][fact.field].add(text)
    return {
        operator_id: {name: next(iter(values)) for name, values in fields.items() if len(values) == 1}
        for operator_id, fields in told.items()
    }


def _text(value: Any) -> str:
    return str(value).strip() if value is not None else ""
