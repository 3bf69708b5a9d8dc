"""Which HubSpot company is whose, as the lake has it: the companies that are linked, and those that may be an operator's without one.

A company that is only alike (its web domain, its name with a telephone number or a city) is linked to nobody before somebody confirms it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from customer_research.domain.tables import TableSet
from customer_research.engines.engine import Engine
from customer_research.engines.rows import canonical_columns
from customer_research.lake import Lake
from customer_research.research.firm_owners import Firm, Firms, of_lake
from customer_research.research.lake_directory import attached
from customer_research.settings import Settings

COMPANY = "company"
_LANDED = "hubspot_company"
_READ = ("company_id", "name", "created_at", "domain", "city", "phone")

_LINKED = f"""
SELECT
    operator_id, company_id AS record_id, name AS title, linked_by AS matched_by, created_at,
    linked_by = 'confirmed' OR COUNT(*) OVER (PARTITION BY company_id) = 1 AS is_certain
FROM {COMPANY} ORDER BY created_at DESC NULLS LAST, record_id, operator_id
"""  # noqa: S608 - names of ours
_OTHERS = f"""
SELECT company_id AS record_id, name AS title, created_at, domain, name, city, phone FROM {_LANDED}
{{where}} ORDER BY created_at DESC NULLS LAST, record_id
"""  # noqa: S608 - names of ours


def company_matches(settings: Settings, engine: Engine, tables: TableSet) -> Iterator[Mapping[str, Any]]:
    """The matches of HubSpot's companies: record_id, operator_id, title, matched_by, is_certain and created_at.

    A company that two operators have is surely neither's.
    """
    linked = engine.run(_LINKED) if attached(engine, tables, COMPANY) else []
    yield from linked
    if not _landed(settings, engine):
        return
    taken, served = ({row[name] for row in linked} for name in ("record_id", "operator_id"))
    firms = Firms(of_lake(settings))
    for row in engine.run(_OTHERS.format(where="")):
        told = {name: str(row[name] or "") for name in ("domain", "name", "city", "phone")}
        found = None if row["record_id"] in taken else firms.match(Firm(**told))
        if found is not None and found[0] not in served:
            yield {**row, "operator_id": found[0], "matched_by": found[1], "is_certain": False}


def company_named(settings: Settings, engine: Engine, company_id: str) -> Mapping[str, Any] | None:
    """A company by its id, whoever's it is: record_id, title and created_at; None: the lake has none."""
    if not _landed(settings, engine):
        return None
    return next(iter(engine.run(_OTHERS.format(where="WHERE company_id = $id"), {"id": company_id})), None)


def _landed(settings: Settings, engine: Engine) -> bool:
    """Give the engine HubSpot's companies as they landed; whether they did."""
    lake = Lake(settings.lake_folder)
    landed = [found for one in lake.state().streams.values() if (found := one.landed.get(_LANDED)) is not None]
    if landed:
        kinds = canonical_columns(COMPANY)
        engine.attach(_LANDED, [lake.folder / landed[0].file], {name: kinds[name] for name in _READ})
    return bool(landed)
