"""Metabase's catalogue: databases, tables, fields and saved questions, the seed items as facts of the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.servers.snowflake import MODEL_NAME, base_type
from customer_research_sandbox.servers.templates import TemplateError

SNOWFLAKE, OTHER = 2, 3
"""Database ids: the warehouse, and the application's PostgreSQL (for those who believe that the warehouse is number 3)."""

OPERATOR_FIELD = 58047
"""Field id of OPERATOR_ID in the reservations model."""

_FIRST_FIELD, _FIRST_TABLE = 60_000, 7_000
_MODEL_TABLE = ("MOZART", MODEL_NAME)

DATABASES: tuple[Row, ...] = (
    {
        "id": SNOWFLAKE,
        "name": "Snowflake",
        "engine": "snowflake",
        "is_sample": False,
        "timezone": "UTC",
        "details": {"warehouse": "REPORTING"},
    },
    {
        "id": OTHER,
        "name": "Moovs Production",
        "engine": "postgres",
        "is_sample": False,
        "timezone": "UTC",
        "details": {"dbname": "moovs"},
    },
)


COLLECTION: Row = {"id": 12, "name": "Customer success", "archived": False, "location": "/"}
"""The folder that holds all saved questions."""


@dataclass(frozen=True, slots=True)
class Card:
    """A saved question or model: a table as it is (`table`), or native SQL."""

    id: int
    name: str
    kind: str
    table: tuple[str, str] | None = None
    sql: str = ""
    description: str | None = None


CARDS: tuple[Card, ...] = (
    Card(642, MODEL_NAME, "model", table=_MODEL_TABLE, description="One row a trip of every operator."),
    Card(855, "Moovs Platform Charges", "question", table=("MOZART_NEW", "MOOVS_PLATFORM_CHARGES")),
    Card(1469, "CSM_MOOVS", "question", table=("MOOVS", "CSM_MOOVS")),
    Card(
        948,
        "Moovs Account Data - Detail",
        "question",
        sql="""SELECT P_COMPANY_NAME AS MOOVS_COMPANY_NAME, HS_C_PROPERTY_NAME AS HUBSPOT_COMPANY_NAME,
  LAGO_EXTERNAL_CUSTOMER_ID AS OPERATOR_ID, HS_C_ID AS COMPANY_ID, R_TOTAL_RESERVATIONS_COUNT AS ALL_TRIPS_COUNT,
  P_VEHICLES_TOTAL AS VEHICLES_TOTAL, P_DRIVERS_COUNT AS DRIVERS_COUNT, HS_D_CHURN_STATUS AS CHURN_STATUS,
  CALCULATED_MRR AS TOTAL_MRR_NUMERIC, LAGO_PLAN_NAME, HS_C_PROPERTY_CUSTOMER_SEGMENT AS CUSTOMER_SEGMENT
FROM MOOVS.CSM_MOOVS
WHERE LAGO_STATUS = 'active'""",
    ),
    Card(
        1479,
        "Accounts without a trip for 30 days",
        "question",
        sql="""SELECT *
FROM MOOVS.CSM_MOOVS
WHERE LAGO_STATUS = 'active'
  AND (R_LAST_TRIP_CREATED_AT IS NULL OR R_LAST_TRIP_CREATED_AT < DATEADD('day', -30, CURRENT_TIMESTAMP()))""",
    ),
)


class Catalogue:
    """Ids and metadata of what the warehouse holds."""

    def __init__(self, relations: Mapping[tuple[str, str], Mapping[str, str]]) -> None:
        self.cards = {card.id: card for card in CARDS if card.table is None or card.table in relations}
        self._relations = relations
        self._tables = {key: _FIRST_TABLE + number for number, key in enumerate(relations)}
        self._fields: dict[int, tuple[tuple[str, str], str]] = {}
        for key, columns in relations.items():
            first = self._first_field(key, columns)
            self._fields |= {first + number: (key, name) for number, name in enumerate(columns)}
        self._ids = {place: number for number, place in self._fields.items()}

    def _first_field(self, key: tuple[str, str], columns: Mapping[str, str]) -> int:
        """Consecutive ids a table, such that the model's OPERATOR_ID is field 58047."""
        if key == _MODEL_TABLE:
            return OPERATOR_FIELD - list(columns).index("OPERATOR_ID")
        return _FIRST_FIELD + 200 * list(self._relations).index(key)

    def card_sql(self, number: int) -> str:
        """The SQL of a saved question, for `{{#…}}`.

        Raises:
            TemplateError: when there is no such card.
        """
        card = self.cards.get(number)
        if card is None:
            raise TemplateError(
                f"Card {number} does not exist, or you do not have permissions to view it.", "invalid-query"
            )
        return card.sql if card.table is None else f"SELECT * FROM {relation_sql(card.table)}"

    def field_column(self, number: int) -> str:
        """The column of a field id, as quoted SQL.

        Raises:
            TemplateError: when there is no such field.
        """
        if number not in self._fields:
            raise TemplateError(f"Field {number} does not exist.", "invalid-query")
        return f'"{self._fields[number][1]}"'

    def card_has(self, number: int, field: int) -> bool:
        """Whether a card shows the column that a field id names."""
        place = self._fields.get(field)
        card = self.cards[number]
        if place is None:
            return False
        return card.table == place[0] if card.table is not None else place[1] in card.sql

    def field_id(self, card: Card, column: str) -> int | None:
        """The field id of a card's column; None for a computed one."""
        return None if card.table is None else self._ids.get((card.table, column))

    def listed_tables(self) -> list[Row]:
        """The tables as `GET /api/table` lists them, each with its database."""
        warehouse = next(known for known in DATABASES if known["id"] == SNOWFLAKE)
        return [{**table, "db": warehouse} for table in self.tables()]

    def named(self) -> list[Row]:
        """Everything that can be searched for, as `GET /api/search` shows it."""
        cards = [
            {
                "id": card.id,
                "name": card.name,
                "model": "dataset" if card.kind == "model" else "card",
                "archived": False,
            }
            for card in self.cards.values()
        ]
        tables = [{"id": table["id"], "name": table["name"], "model": "table"} for table in self.tables()]
        return [*cards, *tables, *({"id": row["id"], "name": row["name"], "model": "database"} for row in DATABASES)]

    def show_card(self, card: Card, hidden: frozenset[str]) -> Row:
        """A card as `GET /api/card/{id}` shows it, with the columns that its results have."""
        dataset_query: Row = {
            "database": SNOWFLAKE,
            "type": "native",
            "native": {"query": card.sql, "template-tags": {}},
        }
        if card.table is not None:
            dataset_query = {
                "database": SNOWFLAKE,
                "type": "query",
                "query": {"source-table": self._tables[card.table]},
            }
        return {
            "id": card.id,
            "name": card.name,
            "description": card.description,
            "type": card.kind,
            "display": "table",
            "query_type": dataset_query["type"],
            "database_id": SNOWFLAKE,
            "table_id": self._tables.get(card.table) if card.table is not None else None,
            "dataset_query": dataset_query,
            "result_metadata": self._result_metadata(card, hidden),
            "parameters": [],
            "parameter_mappings": [],
            "collection_id": COLLECTION["id"],
            "archived": False,
            "enable_embedding": False,
            "cache_ttl": None,
            "created_at": "2024-06-01T09:00:00Z",
            "updated_at": "2026-06-01T09:00:00Z",
            "creator_id": 1,
            "visualization_settings": {},
        }

    def _result_metadata(self, card: Card, hidden: frozenset[str]) -> list[Row]:
        if card.table is None:
            return []
        columns = self._relations[card.table]
        return [self._column(card.table, name, kind) for name, kind in columns.items() if name not in hidden]

    def _column(self, table: tuple[str, str], name: str, kind: str) -> Row:
        number = self._ids[table, name]
        return {
            "id": number,
            "name": name,
            "display_name": display_name(name),
            "base_type": base_type(kind),
            "effective_type": base_type(kind),
            "database_type": kind.split("(", maxsplit=1)[0],
            "table_id": self._tables[table],
            "field_ref": ["field", number, None],
            "semantic_type": None,
        }

    def show_field(self, number: int) -> Row | None:
        """A field as `GET /api/field/{id}` shows it; None when there is none."""
        if number not in self._fields:
            return None
        table, name = self._fields[number]
        return {**self._column(table, name, self._relations[table][name]), "table": self.show_table(table)}

    def show_table(self, key: tuple[str, str]) -> Row:
        """A table without its fields."""
        return {
            "id": self._tables[key],
            "db_id": SNOWFLAKE,
            "schema": key[0],
            "name": key[1],
            "display_name": display_name(key[1]),
            "active": True,
            "entity_type": "entity/GenericTable",
        }

    def table_metadata(self, number: int) -> Row | None:
        """A table with its fields; None when there is none."""
        for key, table_id in self._tables.items():
            if table_id == number:
                fields = [self._column(key, name, kind) for name, kind in self._relations[key].items()]
                return {**self.show_table(key), "fields": fields}
        return None

    def tables(self) -> list[Row]:
        """All tables of the warehouse."""
        return [self.show_table(key) for key in self._tables]


def relation_sql(key: tuple[str, str]) -> str:
    """A relation's name in SQL, quoted where Snowflake needs it."""
    return f'{key[0]}."{key[1]}"'


def display_name(name: str) -> str:
    """Metabase's friendly name: `OPERATOR_ID` is shown as `Operator ID`."""
    words = name.replace("_", " ").split(" ")
    return (
        " ".join("ID" if word.upper() == "ID" else word.capitalize() for word in words)
        if "_" in name or name.isupper()
        else name
    )


def card_parameters(parameters: Any) -> tuple[list[Row], list[tuple[int, Row]]]:
    """Split a card query's parameters into those of template tags and those of fields (`["dimension", ["field", N, …]]`)."""
    tags: list[Row] = []
    fields: list[tuple[int, Row]] = []
    for parameter in parameters:
        number = field_target(parameter.get("target"))
        if number is None:
            tags.append(parameter)
        else:
            fields.append((number, parameter))
    return tags, fields


def field_target(target: Any) -> int | None:
    """The field id of a target like `["dimension", ["field", 58047, null]]`; None for any other."""
    match target:
        case ["dimension", ["field" | "field-id", int(number), *_], *_]:
            return number
        case _:
            return None
