"""Which company is whose, for everybody: the live path's two steps as SQL over what has landed.

The company that the CSM view names (also by an id that it had before a merge), else every company whose operator property
holds the operator's id; without those that somebody refused, and with those that somebody confirmed. Deals and gaps are made by
the very functions of the live path, and so is what records were before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from customer_research.connect.source import DECIDED, Ask, Link, Row, gap_row
from customer_research.domain.evidence import Gap
from customer_research.domain.match import CONFIRMED
from customer_research.domain.records import state_name
from customer_research.sources.hubspot import normalise
from customer_research.sources.hubspot.bulk import KINDS
from customer_research.sources.hubspot.live import TABLES, strange_stages, truncated
from customer_research.sources.hubspot.records import RECORDS
from customer_research.sources.hubspot.records import TABLES as CANONICAL
from customer_research.sources.hubspot.states import states

_RULED = f"{DECIDED}company"
_NEEDS = ("operator", "hubspot_company", "hubspot_merge", _RULED)

_COMPANY_OF = f"""known_id AS (
    SELECT company_id AS id, company_id FROM hubspot_company
    UNION
    SELECT m.old_id AS id, m.company_id
    FROM hubspot_merge AS m
    INNER JOIN hubspot_company AS c ON c.company_id = m.company_id
    WHERE NOT EXISTS (SELECT 1 FROM hubspot_company AS x WHERE x.company_id = m.old_id)
),
refused AS (SELECT operator_id, record_id FROM {_RULED} WHERE ruling = 'refused'),
by_csm AS (
    SELECT o.operator_id, k.company_id
    FROM operator AS o
    INNER JOIN known_id AS k ON k.id = o.hubspot_company_id
    ANTI JOIN refused AS r ON r.operator_id = o.operator_id AND r.record_id = k.company_id
),
found AS (
    SELECT operator_id, company_id, 'csm' AS linked_by FROM by_csm
    UNION ALL
    SELECT o.operator_id, c.company_id, 'property' AS linked_by
    FROM operator AS o
    INNER JOIN hubspot_company AS c ON c.operator_property = o.operator_id
    ANTI JOIN refused AS r ON r.operator_id = o.operator_id AND r.record_id = c.company_id
    WHERE NOT EXISTS (SELECT 1 FROM by_csm AS b WHERE b.operator_id = o.operator_id)
),
company_of AS (
    SELECT * FROM found
    UNION ALL
    SELECT o.operator_id, c.company_id, '{CONFIRMED}' AS linked_by
    FROM {_RULED} AS d
    INNER JOIN operator AS o ON o.operator_id = d.operator_id
    INNER JOIN hubspot_company AS c ON c.company_id = d.record_id
    ANTI JOIN found AS f ON f.operator_id = d.operator_id AND f.company_id = d.record_id
    WHERE d.ruling = 'confirmed'
)"""  # noqa: S608 - text of our own

_LINKED = f"""{_COMPANY_OF},
linked AS (
    SELECT l.operator_id, a.type, a.id, MIN(a.position) AS position
    FROM company_of AS l
    INNER JOIN hubspot_association AS a ON a.company_id = l.company_id
    GROUP BY l.operator_id, a.type, a.id
)"""  # noqa: S608 - text of our own


def _listed(table: str, alias: str, *but: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in CANONICAL[table].column_names if name not in {"operator_id", *but})


COMPANY = f"""WITH {_COMPANY_OF}
SELECT
    l.operator_id,
    {_listed("company", "c", "linked_by", "owner_name")},
    CASE WHEN c.owner_id IS NOT NULL THEN COALESCE(w.name, 'owner ' || c.owner_id) END AS owner_name,
    l.linked_by
FROM company_of AS l
INNER JOIN hubspot_company AS c ON c.company_id = l.company_id
LEFT JOIN hubspot_owner AS w ON w.owner_id = c.owner_id"""  # noqa: S608 - text of our own

CONTACT = f"""WITH {_LINKED}
SELECT l.operator_id, {_listed("contact", "c", "is_primary")}, l.position = 0 AS is_primary
FROM linked AS l
INNER JOIN hubspot_contact AS c ON c.contact_id = l.id
WHERE l.type = 'contacts'"""  # noqa: S608 - text of our own

_SINGLE = " ".join(f"WHEN '{kind}' THEN '{kind.removesuffix('s')}'" for kind in normalise.ENGAGEMENT_PROPERTIES)

ENGAGEMENT = f"""WITH {_LINKED}
SELECT l.operator_id, {_listed("engagement", "e")}
FROM linked AS l
INNER JOIN hubspot_engagement AS e ON e.engagement_id = l.id AND e.type = CASE l.type {_SINGLE} END"""  # noqa: S608

_DEALS = f"""WITH {_LINKED}
SELECT l.operator_id, d.*
FROM linked AS l
INNER JOIN hubspot_deal AS d ON d.deal_id = l.id
WHERE l.type = 'deals'
ORDER BY l.operator_id, l.position, l.id"""  # noqa: S608 - text of our own

_MISSING = f"""WITH {_LINKED},
landed AS (
    SELECT 'contacts' AS type, contact_id AS id FROM hubspot_contact
    UNION ALL
    SELECT 'deals' AS type, deal_id AS id FROM hubspot_deal
    UNION ALL
    SELECT type || 's' AS type, engagement_id AS id FROM hubspot_engagement
)
SELECT l.operator_id, l.type, COUNT(*) AS missing, MAX(g.reason) AS reason, MAX(g.detail) AS detail, MAX(g.next_step) AS next_step
FROM linked AS l
LEFT JOIN landed AS r ON r.type = l.type AND r.id = l.id
LEFT JOIN hubspot_gap AS g ON g.object_type = l.type
WHERE r.id IS NULL OR g.object_type IS NOT NULL
GROUP BY l.operator_id, l.type
ORDER BY l.operator_id, l.type"""  # noqa: S608 - text of our own
"""Operators with associated records that have not landed, by type, and why."""

_UNTOLD = f"""WITH {_COMPANY_OF}
SELECT o.operator_id, p.detail, p.next_step
FROM operator AS o
CROSS JOIN hubspot_portal AS p
WHERE p.operator_property = '' AND NOT EXISTS (SELECT 1 FROM company_of AS b WHERE b.operator_id = o.operator_id)
ORDER BY o.operator_id"""  # noqa: S608 - text of our own


def deals(ask: Ask) -> Iterator[Row]:
    """The canonical deals; stages are looked up where one of the operator's deals does not say what it is, as live."""
    stages = _stages(ask)
    for _, of_one in _by_operator(ask(_DEALS)):
        yield from _deals_of(of_one, stages)


def _stages(ask: Ask) -> Mapping[str, normalise.Stage]:
    rows = ask("SELECT id, label, is_open, is_won FROM hubspot_stage")
    return {row["id"]: normalise.Stage(row["label"], row["is_open"], row["is_won"]) for row in rows}


def _deals_of(rows: list[Row], stages: Mapping[str, normalise.Stage]) -> list[Row]:
    records = [_record(row) for row in rows]
    used = stages if any(normalise.stage_unknown(record) for record in records) else {}
    return [
        {**normalise.deal_row(record, row["operator_id"], stages=used), "fetch_id": row["fetch_id"]}
        for row, record in zip(rows, records, strict=True)
    ]


def _record(row: Row) -> Mapping[str, Any]:
    return {"id": row["deal_id"], "properties": {name: row[name] for name in normalise.DEAL_PROPERTIES}}


def _by_operator(rows: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    for operator_id, found in groupby(rows, key=lambda row: str(row["operator_id"])):
        yield operator_id, list(found)


_HISTORY = "h.property, h.since, h.value, h.fetch_id"

_COMPANY_HISTORY = f"""WITH {_COMPANY_OF}
SELECT l.operator_id, l.company_id AS id, {_HISTORY}
FROM company_of AS l
INNER JOIN hubspot_history AS h ON h.type = 'companies' AND h.id = l.company_id
ORDER BY l.operator_id, l.company_id"""  # noqa: S608 - text of our own

_CONTACT_HISTORY = f"""WITH {_LINKED}
SELECT l.operator_id, l.id, {_HISTORY}
FROM linked AS l
INNER JOIN hubspot_contact AS c ON c.contact_id = l.id AND c.has_left IS NOT NULL
INNER JOIN hubspot_history AS h ON h.type = 'contacts' AND h.id = l.id
WHERE l.type = 'contacts'
ORDER BY l.operator_id, l.id"""  # noqa: S608 - text of our own

_DEAL_HISTORY = f"""WITH {_LINKED}
SELECT l.operator_id, l.id, {_HISTORY}
FROM linked AS l
INNER JOIN hubspot_history AS h ON h.type = 'deals' AND h.id = l.id
WHERE l.type = 'deals'
ORDER BY l.operator_id, l.id"""  # noqa: S608 - text of our own

Properties = Mapping[str, str | None]


def company_states(ask: Ask) -> Iterator[Row]:
    """What companies were, since when."""
    names = {row["owner_id"]: row["name"] for row in ask("SELECT owner_id, name FROM hubspot_owner")}

    def told(identifier: str, given: Properties) -> Row:
        owner = given["hubspot_owner_id"]
        named = names.get(owner) or f"owner {owner}" if owner is not None else None
        record = {"id": identifier, "properties": {"name": None, "createdate": None, **given}}
        return normalise.company_row(record, "", linked_by="", owner_name=named)

    for operator_id, rows in _by_operator(ask(_COMPANY_HISTORY)):
        yield from _states_of("company", operator_id, rows, told)


def contact_states(ask: Ask) -> Iterator[Row]:
    """Whether contacts had left, since when; of portals that mark it."""
    for operator_id, rows in _by_operator(ask(_CONTACT_HISTORY)):
        yield from _states_of("contact", operator_id, rows, lambda _, given: {"has_left": normalise.has_left(given)})


def deal_states(ask: Ask) -> Iterator[Row]:
    """What deals were, since when; of a stage HubSpot says today what a deal in it is."""
    stages = _stages(ask)
    today = {operator_id: _properties(rows) for operator_id, rows in _by_operator(ask(_DEALS))}
    for operator_id, rows in _by_operator(ask(_DEAL_HISTORY)):
        of_one = today.get(operator_id, {})

        def told(identifier: str, given: Properties, of_one: Mapping[str, Properties] = of_one) -> Row:
            return normalise.deal_row(_deal_then(identifier, given, of_one), "", stages=stages)

        yield from _states_of("deal", operator_id, [row for row in rows if row["id"] in of_one], told)


def _properties(rows: Iterable[Row]) -> Mapping[str, Properties]:
    return {row["deal_id"]: _record(row)["properties"] for row in rows}


def _deal_then(identifier: str, given: Properties, today: Mapping[str, Properties]) -> Mapping[str, Any]:
    """A deal as it was, with what never changes as it is."""
    now = today[identifier]
    flags = {} if given["dealstage"] == now["dealstage"] else dict.fromkeys(("hs_is_closed", "hs_is_closed_won"))
    return {"id": identifier, "properties": {**now, **given, **flags}}


def _states_of(
    table: str, operator_id: str, rows: Iterable[Row], told: Callable[[str, Properties], Row]
) -> Iterator[Row]:
    """The states that an operator's records of a canonical table were in: one row for each change of what figures rest on."""
    state = RECORDS.state_tables[state_name(table)]
    (key,) = CANONICAL[table].key
    kind = "companies" if table == "company" else f"{table}s"
    own = [name for name in state.column_names if name not in {"operator_id", "since", "fetch_id", key}]
    for identifier, found in groupby(rows, key=lambda row: str(row["id"])):
        versions, before = list(found), None
        for since, given in states(kind, versions):
            row = told(identifier, given)
            now = {name: row[name] for name in own}
            if now != before:
                fetch_id = versions[0]["fetch_id"]
                yield {"operator_id": operator_id, key: identifier, "since": since, **now, "fetch_id": fetch_id}
            before = now


def gaps(ask: Ask) -> Iterator[Row]:
    """What is unknown of whom: one gap a table, the first in the order of the live path."""
    for row in ask(_UNTOLD):
        gap = Gap("hubspot", "not_configured", row["detail"], row["next_step"])
        yield from (_gap_row(row["operator_id"], table, gap) for table in TABLES)
    order = list(KINDS)
    told: set[tuple[str, str]] = set()
    for operator_id, of_one in _by_operator(ask(_MISSING)):
        for row in sorted(of_one, key=lambda one: order.index(one["type"])):
            table = "engagement" if row["type"] in normalise.ENGAGEMENT_PROPERTIES else row["type"].removesuffix("s")
            if (operator_id, table) not in told:
                told.add((operator_id, table))
                yield _gap_row(operator_id, table, _gap(row))
    stages = _stages(ask)
    for operator_id, of_one in _by_operator(ask(_DEALS)):
        strange = sorted({str(row["stage"]) for row in _deals_of(of_one, stages) if row["is_open"] is None})
        if strange and (operator_id, "deal") not in told:
            yield _gap_row(operator_id, "deal", strange_stages(strange))


def _gap(row: Row) -> Gap:
    if row["reason"] is None:
        return truncated(row["type"], int(row["missing"]))
    return Gap("hubspot", row["reason"], row["detail"], row["next_step"])


def _gap_row(operator_id: str, table: str, gap: Gap) -> Row:
    return gap_row(gap, operator_id=operator_id, table_name=table, source=gap.source)


_ALL = (*_NEEDS, "hubspot_association")

LINKS = (
    Link("company", (*_NEEDS, "hubspot_owner"), COMPANY),
    Link("contact", (*_ALL, "hubspot_contact"), CONTACT),
    Link("deal", (*_ALL, "hubspot_deal", "hubspot_stage"), rows=deals),
    Link("engagement", (*_ALL, "hubspot_engagement"), ENGAGEMENT),
    Link(state_name("company"), (*_NEEDS, "hubspot_owner", "hubspot_history"), rows=company_states),
    Link(state_name("contact"), (*_ALL, "hubspot_contact", "hubspot_history"), rows=contact_states),
    Link(state_name("deal"), (*_ALL, "hubspot_deal", "hubspot_stage", "hubspot_history"), rows=deal_states),
    Link(
        "gap",
        (
            *_ALL, "hubspot_contact", "hubspot_deal", "hubspot_engagement", "hubspot_stage", "hubspot_gap",
            "hubspot_portal",
        ),
        rows=gaps,
    ),
)  # fmt: skip
