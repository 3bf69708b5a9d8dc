"""The sandbox world's records, in the vendors' own shapes.

The world (`world.py`) simulates operators month by month and projects every vendor's records from that one state into a
`Dataset`; the servers (`servers/`) serve it over HTTP. Nothing of the product reads a `Dataset`: the product sees only
what the servers answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")

Row = dict[str, Any]
"""One record: JSON-ready values for API vendors; str, int, float, bool, `date`, `datetime` (UTC) or None for the warehouse."""


class ProjectedRows(Sequence[Row], Generic[T]):
    """Rows that are made from compact records when read: a table of 160,000 trips by 96 columns costs its trips only."""

    __slots__ = ("_project", "_records")

    def __init__(self, records: Sequence[T], project: Callable[[T], Row]) -> None:
        self._records = records
        self._project = project

    @property
    def records(self) -> Sequence[T]:
        """What the rows are made from, in their order."""
        return self._records

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Row]:
        return map(self._project, self._records)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return ProjectedRows(self._records[index], self._project)
        return self._project(self._records[index])


@dataclass(frozen=True, slots=True)
class Relation:
    """One warehouse table: its columns with Snowflake types, in order, and its rows (keys are exactly the columns)."""

    schema: str
    name: str
    columns: Mapping[str, str]
    rows: Sequence[Row]

    @property
    def qualified(self) -> str:
        """`SCHEMA.NAME`, both upper case."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class LagoRecords:
    """Objects as Lago's API returns them in a list: amounts in minor units, `*_at` ISO 8601 UTC, dates `YYYY-MM-DD`.

    `subscriptions` carry `plan_overrides` (only the single-subscription GET shows it) and `plan_code`; `payments` carry
    `invoice_ids` and `external_customer_id`; every object knows its customer as `external_customer_id`.
    """

    customers: list[Row] = field(default_factory=list)
    plans: list[Row] = field(default_factory=list)
    subscriptions: list[Row] = field(default_factory=list)
    invoices: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)
    credit_notes: list[Row] = field(default_factory=list)
    applied_coupons: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class HubSpotRecords:
    """CRM objects by type, each `{id, properties, createdAt, updatedAt, archived, associations}`.

    `objects` is keyed by object type (companies, contacts, deals, notes, emails, calls, meetings); property values are
    strings or None; `associations` maps an object type to a list of ids. `properties` holds, per object type, the property
    definitions the properties API lists; `owners` are the owners API's records, `pipelines` those of the pipelines API (None:
    those of the vocabulary).
    """

    objects: dict[str, list[Row]] = field(default_factory=dict)
    properties: dict[str, list[Row]] = field(default_factory=dict)
    owners: list[Row] = field(default_factory=list)
    pipelines: list[Row] | None = None


@dataclass(frozen=True, slots=True)
class NotionRecords:
    """The tickets database: its ids, its property schema, and one flat row a ticket.

    A ticket row has: page_id (UUID), number (int, shown as DOOM-n), title, status, stage (list), priority (or None),
    types (list), priority_score, impact_score, effort_score (number or None), assigned (list of names), team (list),
    due_date (`YYYY-MM-DD` or None), tags (list), description, summary, operator_id (str or None), created_time and
    last_edited_time (ISO 8601 UTC, minute precision), body (Markdown).
    """

    database_id: str
    data_source_id: str
    title: str
    schema: dict[str, Row]
    tickets: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class IntercomRecords:
    """A support workspace: companies, contacts, conversations and tickets as its API tells them, and ids of what was deleted.

    `contacts` hold the Intercom ids of their companies as `company_refs` and what was merged into them as `merged` (id,
    instant); `conversations` their contacts' ids as `contact_ids`, their company's Intercom id as `company_ref` (None: it names
    none), how they came about as `delivered_as`, when a contact wrote first as `asked_at`, and the number of their parts in
    `statistics`; `tickets` their contacts' ids as `contact_ids` and conversations as `conversation_ids`. Instants are Unix seconds. `zone` is the workspace's; `by_day` says
    whether its search of conversations compares instants by that zone's days, as the search of contacts always does;
    `cursor_pages` whether the list of a company's contacts names its next page by a cursor, as the contract has it, or by an address,
    as its examples do.
    """

    workspace: str = "sndbx7ic"
    zone: str = "America/Los_Angeles"
    by_day: bool = True
    cursor_pages: bool = False
    companies: list[Row] = field(default_factory=list)
    contacts: list[Row] = field(default_factory=list)
    conversations: list[Row] = field(default_factory=list)
    tickets: list[Row] = field(default_factory=list)
    deleted: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A whole sandbox world at `as_of`; `truth` is never served to the product."""

    seed: int
    as_of: datetime
    warehouse: dict[str, Relation]
    lago: LagoRecords
    hubspot: HubSpotRecords
    notion: NotionRecords
    truth: list[Row]
    intercom: IntercomRecords = field(default_factory=IntercomRecords)
