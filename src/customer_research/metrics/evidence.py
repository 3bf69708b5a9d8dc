"""Which records stand behind a figure: for each kind of evidence that the catalogue declares its query."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from customer_research.domain import catalogue


@dataclass(frozen=True, slots=True)
class Records:
    """The records to show: columns of one relation, those that meet `where`, newest first.

    `tables` are the canonical tables read; `uses` the shared relations in front of the query, the last being the relation
    (a canonical table's own name when it is read as it is). `newest` is the ordering instant, the first column the id.
    In `where` the relation is `r`, the instants of `moment` are `m`.
    """

    tables: tuple[str, ...]
    uses: tuple[str, ...]
    relation: str
    columns: tuple[str, ...]
    newest: str
    where: str = ""

    @property
    def sql(self) -> str:
        """The query without its shared relations."""
        columns = ",\n    ".join(f"r.{name}" for name in (*self.columns, "operator_id"))
        where = f"\nWHERE {self.where}" if self.where else ""
        order = f"r.{self.newest} DESC NULLS LAST, r.{self.columns[0]}"
        return f"SELECT\n    {columns}\nFROM {self.relation} AS r\nCROSS JOIN moment AS m{where}\nORDER BY {order}"


def _kinds(name: str, entry: Mapping[str, Any]) -> Iterator[tuple[str, Records]]:
    """The kinds of evidence of one entry, which differ in their condition only.

    Rows of a canonical `table` are those that were known at T; `relations` are shared ones, the last of which is read.
    """
    table, relations = entry.get("table", ""), entry.get("relations", "").split()
    known = "r.created_at < m.t" if table else ""
    for kind, condition in (entry["where"] or {name: ""}).items():
        yield (
            kind,
            Records(
                tables=tuple((table or entry["tables"]).split()),
                uses=("moment", *relations),
                relation=table or relations[-1],
                columns=tuple(entry["columns"].split()),
                newest=entry["newest"],
                where=f"{known} AND ({condition})" if known and condition else known or condition,
            ),
        )


RECORDS: Mapping[str, Records] = MappingProxyType(
    dict(kind for name, entry in catalogue.RECORDS.items() for kind in _kinds(name, entry))
)
"""Every kind of evidence that metrics name. For a count or a sum they are exactly the records counted or added."""
