"""CSM view rows to the canonical `csm` table, and what the view lacks: pure, tolerant of column spelling, strict about meaning."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from customer_research.connect.source import Batch, Row
from customer_research.connect.sql import SqlAnswer
from customer_research.domain import values
from customer_research.domain.collapse import preference
from customer_research.domain.records import names
from customer_research.domain.values import UnreadableError
from customer_research.errors import SchemaChanged
from customer_research.sources.warehouse.gaps import columns_gone, values_unread
from customer_research.sources.warehouse.records import TABLES

ALIASES: Mapping[str, str] = {
    "LAGO_CUSTOMER_STATUS": "LAGO_STATUS",
    "HS_COMPANY_ID": "HS_C_ID",
    "STRIPE_CONNECT_ACCOUNT_ID": "P_STRIPE_ACCOUNT_ID",
}
"""Names that older guides use, accepted on input only."""

OPTIONAL = frozenset({"DAYS_SINCE_LAST_CREATED_TRIP"})
"""Columns that only some variants of the view have; nothing is computed from them."""


def column_name(name: str) -> str:
    """One spelling for `P Company Name`, `p_company_name` and `P_COMPANY_NAME`: upper case, blanks as underscores."""
    return re.sub(r"\s+", "_", name.strip()).upper()


def vendor_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row under its canonical vendor column names; the canonical name wins over an alias of it."""
    named = {column_name(key): value for key, value in row.items()}
    for alias, name in ALIASES.items():
        if alias in named:
            value = named.pop(alias)
            named.setdefault(name, value)
    return named


text = values.text
lowered = values.enumerated
decimal = values.number
integer = values.whole
number_id = values.number_id
moment = values.instant
day = values.day
operator_id = values.operator_key
fleet = values.bucket
"""How values are read: as everywhere (`domain.values`). What cannot be read raises `UnreadableError`, see `ValueFaults`."""


def cents(value: Any) -> int | None:
    """Dollars as USD cents, half away from zero."""
    number = decimal(value)
    if number is None:
        return None
    doubled = int(abs(number) * 200)
    rounded = (doubled + 1) // 2
    return -rounded if number < 0 else rounded


PLAIN_VALUES = "Have the view give numbers and days as they are, and Metabase unformatted values (Admin, Localization)"
"""What to do about values that cannot be read, whichever way they come."""


class ValueFaults:
    """The values of one answer that are there and cannot be read, by column; each is null in its row.

    A few of them are faults of single records. Where they are many, the column is written in a form that is not known here,
    and its nulls would look as if nobody had a value.
    """

    FEW = 3
    SHARE = 10

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}

    def row(self, row: Mapping[str, Any], readers: Mapping[str, tuple[str, Callable[[Any], Any]]]) -> Row:
        """A row read column by column; `readers`: name → the answer's column and how it is read."""
        return {name: self._read(column, read, row.get(column)) for name, (column, read) in readers.items()}

    def column(self, column: str, values: Sequence[Any], read: Callable[[Any], Any]) -> list[Any]:
        """A column's values of many rows, read."""
        try:  # most columns can be read, and most cells of a wide table are empty
            return [None if value is None else read(value) for value in values]
        except UnreadableError:
            return [self._read(column, read, value) for value in values]

    def _read(self, column: str, read: Callable[[Any], Any], value: Any) -> Any:
        """A value read; None where there is none, or it cannot be read."""
        try:
            return None if value is None else read(value)
        except UnreadableError as error:
            self._counts[column] += 1
            self._reasons.setdefault(column, str(error))
            return None

    @property
    def sentence(self) -> str:
        """What cannot be read, with the first reason of each column; empty when everything can."""
        return "; ".join(f"{column}: {reason}" for column, reason in sorted(self._reasons.items()))

    def refuse(self, rows: Sequence[Mapping[str, Any]], stream: str) -> None:
        """Refuse an answer of which a column cannot be read: three values or more, and at least a tenth of those there.

        Raises:
            SchemaChanged: it names the column and the reason.
        """
        for column, count in self._counts.items():
            told = sum(row.get(column) is not None for row in rows)
            if count >= self.FEW and count * self.SHARE >= told:
                raise SchemaChanged(
                    f"The column {column.upper()} of {stream} cannot be read in {count} of {told} rows: "
                    f"{self._reasons[column]}.",
                    source="warehouse",
                    stream=stream,
                    hint=f"{PLAIN_VALUES}; `customer-research doctor --online` checks it.",
                )


FIELDS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "operator_id": ("LAGO_EXTERNAL_CUSTOMER_ID", operator_id),
    "subscription_id": ("LAGO_ID", text),
    "status": ("LAGO_STATUS", lowered),
    "plan_code": ("LAGO_PLAN_CODE", text),
    "plan_name": ("LAGO_PLAN_NAME", text),
    "plan_interval": ("LAGO_PLAN_INTERVAL", lowered),
    "mrr_minor": ("CALCULATED_MRR", cents),
    "waterfall_event": ("LAGO_WATERFALL_EVENT", lowered),
    "event_date": ("LAGO_EVENT_DATE", day),
    "started_at": ("LAGO_STARTED_AT", moment),
    "terminated_at": ("LAGO_TERMINATED_AT", moment),
    "created_at": ("LAGO_CREATED_AT", moment),
    "name": ("P_COMPANY_NAME", text),
    "email": ("P_GENERAL_EMAIL", text),
    "phone": ("PHONE_NUMBER", text),
    "app_plan": ("P_PLAN", lowered),
    "stripe_account": ("P_STRIPE_ACCOUNT_ID", text),
    "stripe_customer": ("P_STRIPE_CUSTOMER", text),
    "custom_domain": ("P_CUSTOM_DOMAIN", text),
    "signed_up_on": ("P_CREATED_DATE", day),
    "vehicles": ("P_VEHICLES_TOTAL", integer),
    "drivers": ("P_DRIVERS_COUNT", integer),
    "members": ("P_TOTAL_MEMBERS", integer),
    "setup_score": ("P_SETUP_SCORE", integer),
    "hubspot_company_id": ("HS_C_ID", number_id),
    "hubspot_deal_id": ("HS_D_DEAL_ID", number_id),
    "customer_segment": ("HS_C_PROPERTY_CUSTOMER_SEGMENT", text),
    "fleet_size": ("HS_C_PROPERTY_MOOVS_FLEET_SIZE", fleet),
    "hubspot_churn_status": ("HS_D_CHURN_STATUS", text),
    "pipeline_segment": ("HS_D_PIPELINE_SEGMENT", text),
    "reservations_total": ("R_TOTAL_RESERVATIONS_COUNT", integer),
    "reservations_30d": ("R_LAST_30_DAYS_RESERVATIONS_COUNT", integer),
    "reservation_amount_12m_minor": ("R_T12M_TOTAL_AMOUNT", cents),
    "last_reservation_at": ("R_LAST_TRIP_CREATED_AT", moment),
    "last_assignment_at": ("DA_LAST_ASSIGNED_DRIVER_AT", moment),
    "engagement_status": ("DA_ENGAGEMENT_STATUS", text),
}
"""Canonical column → the view's column and how it is read. Coordinates are read as a pair, `is_current` over all rows."""

KEY_COLUMNS = frozenset({"LAGO_EXTERNAL_CUSTOMER_ID", "LAGO_ID", "LAGO_STATUS", "LAGO_STARTED_AT", "P_COMPANY_NAME"})
"""Without these an operator cannot be told apart or collapsed."""

COLUMNS = frozenset(name for name, _ in FIELDS.values()) | {"LATITUDE", "LONGITUDE"}
"""All columns of the view that canonical rows are made from."""

DISPLAY_ONLY = frozenset(
    names(
        "PHONE_NUMBER P_CUSTOM_DOMAIN P_STRIPE_CUSTOMER LATITUDE LONGITUDE HS_D_DEAL_ID HS_D_PIPELINE_SEGMENT "
        "LAGO_CREATED_AT LAGO_PLAN_INTERVAL R_LAST_30_DAYS_RESERVATIONS_COUNT R_LAST_TRIP_CREATED_AT"
    )
)
"""Columns that no metric is made from: when one is gone, its values are null and the other figures stand."""

DIRECTORY = names(
    "operator_id subscription_id status plan_code plan_name mrr_minor waterfall_event event_date started_at "
    "terminated_at name email phone stripe_account custom_domain hubspot_company_id"
)
"""The canonical columns that a lookup needs of every operator."""

DIRECTORY_COLUMNS = tuple(FIELDS[name][0] for name in DIRECTORY)
"""The same, as the view names them."""


def coordinates(row: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Latitude and longitude in degrees; 0,0, half a pair and impossible values are unknown."""
    try:
        latitude, longitude = decimal(row.get("LATITUDE")), decimal(row.get("LONGITUDE"))
    except UnreadableError:
        return None, None
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return None, None
    if abs(latitude) > 90 or abs(longitude) > 180:  # noqa: PLR2004 - the globe's own limits
        return None, None
    return float(latitude), float(longitude)


def csm_row(row: Mapping[str, Any], fetch_id: str, unread: ValueFaults | None = None) -> Row:
    """One canonical `csm` row; `is_current` is False until `csm_rows` has seen all rows of the operator."""
    named = vendor_row(row)
    values = (unread or ValueFaults()).row(named, FIELDS)
    values["latitude"], values["longitude"] = coordinates(named)
    values["is_current"] = False
    values["fetch_id"] = fetch_id
    return {name: values[name] for name in TABLES["csm"].column_names}


def csm_rows(rows: Iterable[Mapping[str, Any]], fetch_id: str, unread: ValueFaults | None = None) -> list[Row]:
    """Canonical `csm` rows of any number of operators, one of each marked `is_current` ; rows without id drop."""
    made = [row for row in (csm_row(one, fetch_id, unread) for one in rows) if row["operator_id"] is not None]
    best: dict[str, Row] = {}
    for row in made:
        known = best.get(row["operator_id"])
        if known is None or preference(row) < preference(known):
            best[row["operator_id"]] = row
    for row in best.values():
        row["is_current"] = True
    return made


def absent_columns(columns: Sequence[str]) -> frozenset[str]:
    """Columns of the view that canonical rows need and an answer with `columns` does not have."""
    return COLUMNS - frozenset(vendor_row(dict.fromkeys(columns)))


def csm_batch(answer: SqlAnswer, *, of_one: bool = False) -> Batch:
    """The canonical `csm` rows of an answer that has every row of each of its operators, and what the view lacks.

    *of_one*: they are one operator's, so that a value that cannot be read is a gap of the table.

    Raises:
        SchemaChanged: when a column is gone without which operators cannot be told apart, or cannot be read.
    """
    gone = absent_columns(answer.columns)
    if gone & KEY_COLUMNS:
        named = ", ".join(sorted(gone & KEY_COLUMNS))
        raise SchemaChanged(
            f"The CSM view has no column {named}.",
            source="warehouse",
            stream="csm",
            hint="Check metabase.csm; `customer-research doctor --online` lists what is gone.",
        )
    unread = ValueFaults()
    rows = csm_rows(answer.rows, answer.receipt.id, unread)
    unread.refuse([vendor_row(row) for row in answer.rows] if unread.sentence else (), "csm")
    needed = gone - DISPLAY_ONLY
    gaps = {"csm": columns_gone("csm", "csm", needed)} if needed else {}
    if of_one and unread.sentence:
        gaps.setdefault("csm", values_unread("csm", unread.sentence))
    return Batch({"csm": rows}, (answer.receipt,), gaps)
