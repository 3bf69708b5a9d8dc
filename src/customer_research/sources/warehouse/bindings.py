"""Where the bound canonical tables live in the warehouse, as SQL text (DuckDB's dialect, transpiled by the runner).

A binding is one SELECT that renames the vendor's columns to the canonical ones of `records`, for one operator (who
comes in as `$operator_id` or `$stripe_account`) or for everybody. Money leaves as integer minor units, trip statuses as the closed
list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from customer_research.connect.source import Subject
from customer_research.domain.evidence import Receipt
from customer_research.domain.records import SQL_TYPES, names
from customer_research.domain.vocabularies import TRIP_STATUSES
from customer_research.errors import ConfigError
from customer_research.sources.warehouse.records import TABLES
from customer_research.sources.warehouse.settings import MetabaseSettings

PathKind = Literal["direct", "join", "raw", "none"]

BOUND = tuple(name for name, table in TABLES.items() if table.bound)
"""The canonical tables that stay in the warehouse."""


@dataclass(frozen=True, slots=True)
class ChargePath:
    """How an operator's card charges were reached.

    direct: the charge model by the account that the CSM view tells; join: the model joined to the app database's operator
    table; raw: Stripe's raw tables in minor units, because the model has no row of the account; none: no account anywhere,
    so the operator takes no cards through Moovs. `account` is None when only the join knows it; `receipts` prove the
    decision.
    """

    kind: PathKind
    account: str | None
    note: str
    receipts: tuple[Receipt, ...] = ()


_RESERVED = frozenset(
    names(
        "ACCOUNT ALL CASE COLUMN CONNECTION CONSTRAINT DATABASE FROM GROUP ISSUE JOIN ORDER ORGANIZATION ROW ROWS "
        "SAMPLE SCHEMA SELECT SET START TABLE TRIGGER UNION UPDATE USER VALUES VIEW WHERE WITH"
    )
)
_CARD = re.compile(r"\{\{#[0-9]+(?:-[a-z0-9-]+)?\}\}")
_PART = r'(?:"[^"\x00]+"|[A-Za-z_][A-Za-z0-9_$]*)'
_RELATION = re.compile(rf"{_PART}(?:\.{_PART}){{0,2}}")


def relation(name: str, setting: str) -> str:
    """A configured relation as SQL: a card reference as one quoted identifier, reserved words quoted, the rest bare.

    Raises:
        ConfigError: when the setting is neither `{{#CARD}}` nor `[DATABASE.]SCHEMA.TABLE`.
    """
    text = name.strip()
    if _CARD.fullmatch(text):
        return f'"{text}"'
    if not _RELATION.fullmatch(text):
        raise ConfigError(
            f"The setting metabase.{setting} is neither a card reference nor a table name.",
            setting=f"metabase.{setting}",
            hint="Write {{#642}} for a Metabase card, or SCHEMA.TABLE.",
        )
    return ".".join(_quoted(part) for part in re.findall(_PART, text))


def _quoted(part: str) -> str:
    return f'"{part.upper()}"' if part.upper() in _RESERVED else part


@dataclass(frozen=True, slots=True)
class Binding:
    """One canonical table's place: an expression per column, the relations by alias, and the clause after SELECT.

    `relations` maps an alias to the name of its setting; `whose` is the vendor's column that says whose a record is: the
    operator, or with `by_account` the Stripe account. `also` is a condition on every record; `optional` are vendor columns
    (`alias.COLUMN`) that may be absent from a deployment without making any figure wrong: they are then read as null.
    `tail` and `also` name relations as `{alias}`.
    """

    table: str
    columns: Mapping[str, str]
    relations: Mapping[str, str]
    tail: str
    whose: str
    by_account: bool = False
    also: str = ""
    optional: frozenset[str] = field(default_factory=frozenset)

    def sql(self, settings: MetabaseSettings, absent: frozenset[str] = frozenset()) -> str:
        """The SELECT of one operator, with vendor columns in `absent` (`alias.COLUMN`) read as null."""
        one = f"{self.whose} = ${'stripe_account' if self.by_account else 'operator_id'}"
        return self._select(self.columns, [one, self.also], settings, absent)

    def everybody(self, settings: MetabaseSettings, absent: frozenset[str] = frozenset()) -> str:
        """The SELECT of all operators; by account, the column `stripe_account` says whose a record is, not `operator_id`."""
        columns = dict(self.columns)
        if self.by_account:
            del columns["operator_id"]
            columns["stripe_account"] = self.whose
        return self._select(columns, [self.also], settings, absent)

    def _select(
        self, columns: Mapping[str, str], conditions: Sequence[str], settings: MetabaseSettings, absent: frozenset[str]
    ) -> str:
        listed = ",\n  ".join(f"{_without(text, absent)} AS {name}" for name, text in columns.items())
        places = {alias: relation(getattr(settings, name), name) for alias, name in self.relations.items()}
        wanted = " AND ".join(filter(None, conditions))
        tail = f"{self.tail}\nWHERE {wanted}" if wanted else self.tail
        return f"SELECT\n  {listed}\n{tail.format(**places)}"

    def vendor_columns(self, alias: str) -> frozenset[str]:
        """The columns of the relation `alias` that the binding reads."""
        text = " ".join((*self.columns.values(), self.tail, self.whose, self.also))
        return frozenset(re.findall(rf"\b{alias}\.([A-Z][A-Z0-9_]*)", text))


def _without(expression: str, absent: frozenset[str]) -> str:
    for name in absent:
        expression = re.sub(rf"\b{re.escape(name)}\b", "CAST(NULL AS VARCHAR)", expression)
    return expression


def empty(table: str) -> str:
    """A binding with the table's columns and no row, for a table that this deployment does not have."""
    nulls = ", ".join(f"CAST(NULL AS {SQL_TYPES[column.type]}) AS {column.name}" for column in TABLES[table].columns)
    return f"SELECT {nulls} WHERE 1 = 0"


def _columns(text: str) -> dict[str, str]:
    pairs = (line.strip().split(" = ", 1) for line in text.strip().splitlines())
    return {name.strip(): expression.strip() for name, expression in pairs}


def _optional(alias: str, columns: str) -> frozenset[str]:
    return frozenset(f"{alias}.{name}" for name in columns.split())


def _cents(column: str) -> str:
    return f"CAST(ROUND({column} * 100) AS BIGINT)"


_SPELT = " ".join(f"WHEN '{word}' THEN '{status}'" for status, spelt in TRIP_STATUSES.items() for word in spelt)
_TRIP_STATUS = f"CASE LOWER(REPLACE(REPLACE(TRIM(r.STATUS_SLUG), '-', '_'), ' ', '_')) {_SPELT} ELSE 'other' END"

RESERVATION = Binding(
    "reservation",
    _columns(f"""
        operator_id = r.OPERATOR_ID
        trip_id = CAST(r.TRIP_ID AS VARCHAR)
        confirmation_number = CAST(r.CONFIRMATION_NUMBER AS VARCHAR)
        order_number = CAST(r.ORDER_NUMBER AS VARCHAR)
        status = {_TRIP_STATUS}
        created_at = r.CREATED_AT
        pickup_at = r.PICKUP_DATE_TIME
        cancelled_at = CAST(r.CANCELLED AS TIMESTAMP)
        total_minor = {_cents("r.TOTAL_AMOUNT")}
        paid_minor = {_cents("r.AMOUNT_PAID")}
        due_minor = {_cents("r.AMOUNT_DUE")}
        currency = 'USD'
        trip_type = LOWER(TRIM(r.TRIP_TYPE))
        order_type = LOWER(TRIM(r.ORDER_TYPE))
        distance_miles = CAST(r.DISTANCE_MILES AS DOUBLE)
        duration_minutes = CAST(r.TOTAL_TRIP_TIME_MINUTES AS DOUBLE)
        driver_name = NULLIF(TRIM(r.DRIVER_FULL_NAME), '')
        company_name = NULLIF(TRIM(r.COMPANY_NAME), '')
        vehicle_name = r.VEHICLE_NAME
        driver_app_used = r.DRIVER_APP_USED
        rating = CAST(r.AVG_RATING AS DOUBLE)
        farmee_name = NULLIF(TRIM(r.FARMEE_OPERATOR_NAME), '')
    """),
    {"r": "reservations"},
    "FROM {r} AS r",
    "r.OPERATOR_ID",
    optional=_optional(
        "r",
        "ORDER_NUMBER CANCELLED TRIP_TYPE ORDER_TYPE DISTANCE_MILES TOTAL_TRIP_TIME_MINUTES VEHICLE_NAME AVG_RATING",
    ),
)

_MODEL_MOMENT = (
    "COALESCE(TRY_CAST(STRFTIME(c.CREATED_DATE, '%Y-%m-%d') || ' ' || CAST(c.CREATED_TIME AS VARCHAR) AS TIMESTAMP), "
    "CAST(c.CREATED_DATE AS TIMESTAMP))"
)
_MODEL_REASON = "CASE WHEN LOWER(TRIM(c.STATUS)) = 'failed' THEN COALESCE(NULLIF(c.OUTCOME_REASON, ''), c.OUTCOME_SELLER_MESSAGE) END"
_ACTIVE_DISPUTE = "('warning_needs_response', 'warning_under_review', 'needs_response', 'under_review')"


_GIVEN = "CAST($operator_id AS VARCHAR)"

MODEL_CHARGE = Binding(
    "charge",
    _columns(f"""
        operator_id = {_GIVEN}
        charge_id = c.STRIPE_CHARGE_ID
        stripe_account = c.STRIPE_ACCOUNT_ID
        status = LOWER(TRIM(c.STATUS))
        created_at = {_MODEL_MOMENT}
        amount_minor = {_cents("c.TOTAL_DOLLARS_CHARGED")}
        refunded_minor = COALESCE({_cents("c.TOTAL_DOLLARS_REFUNDED")}, 0)
        currency = 'USD'
        card_id = c.CARD_ID
        failure_reason = {_MODEL_REASON}
        risk_level = LOWER(TRIM(c.OUTCOME_RISK_LEVEL))
        risk_score = CAST(c.OUTCOME_RISK_SCORE AS DOUBLE)
        cardholder = c.BILLING_DETAIL_NAME
    """),
    {"c": "charges"},
    "FROM {c} AS c",
    "c.STRIPE_ACCOUNT_ID",
    by_account=True,
    optional=_optional("c", "CREATED_TIME OUTCOME_REASON OUTCOME_SELLER_MESSAGE BILLING_DETAIL_NAME"),
)
MODEL_DISPUTE = Binding(
    "dispute",
    _columns(f"""
        operator_id = {_GIVEN}
        dispute_id = c.DISPUTE_ID
        charge_id = c.STRIPE_CHARGE_ID
        status = LOWER(TRIM(c.DISPUTE_STATUS))
        is_active = COALESCE(LOWER(TRIM(c.DISPUTE_STATUS)) IN {_ACTIVE_DISPUTE}, FALSE)
        reason = c.DISPUTE_REASON
        amount_minor = {_cents("c.DISPUTED_AMOUNT")}
        currency = 'USD'
        created_at = CAST(c.DISPUTE_DATE AS TIMESTAMP)
    """),
    {"c": "charges"},
    "FROM {c} AS c",
    "c.STRIPE_ACCOUNT_ID",
    by_account=True,
    also="c.DISPUTE_ID IS NOT NULL",
    optional=frozenset({"c.DISPUTE_REASON"}),
)


def _joined(binding: Binding) -> Binding:
    """The charge model's records by the app's operator table instead of the account."""
    return replace(
        binding,
        columns={**binding.columns, "operator_id": "o.OPERATOR_ID"},
        relations={"c": "charges", "o": "operator"},
        tail="FROM {c} AS c\nINNER JOIN {o} AS o ON o.STRIPE_ACCOUNT = c.STRIPE_ACCOUNT_ID",
        whose="o.OPERATOR_ID",
        by_account=False,
    )


RAW_CHARGE = Binding(
    "charge",
    _columns(f"""
        operator_id = {_GIVEN}
        charge_id = h.ID
        stripe_account = h.CONNECTED_ACCOUNT_ID
        status = LOWER(TRIM(h.STATUS))
        created_at = h.CREATED
        amount_minor = CAST(h.AMOUNT AS BIGINT)
        refunded_minor = COALESCE(CAST(h.AMOUNT_REFUNDED AS BIGINT), 0)
        currency = COALESCE(UPPER(TRIM(h.CURRENCY)), 'USD')
        card_id = h.CARD_ID
        failure_reason = CASE WHEN LOWER(TRIM(h.STATUS)) = 'failed' THEN COALESCE(h.FAILURE_CODE, h.FAILURE_MESSAGE) END
        risk_level = LOWER(TRIM(h.OUTCOME_RISK_LEVEL))
        risk_score = CAST(h.OUTCOME_RISK_SCORE AS DOUBLE)
        cardholder = CAST(NULL AS VARCHAR)
    """),
    {"h": "raw_charge"},
    "FROM {h} AS h",
    "h.CONNECTED_ACCOUNT_ID",
    by_account=True,
    optional=frozenset({"h.FAILURE_CODE", "h.FAILURE_MESSAGE"}),
)
RAW_DISPUTE = Binding(
    "dispute",
    _columns(f"""
        operator_id = {_GIVEN}
        dispute_id = d.ID
        charge_id = d.CHARGE_ID
        status = LOWER(TRIM(d.STATUS))
        is_active = COALESCE(LOWER(TRIM(d.STATUS)) IN {_ACTIVE_DISPUTE}, FALSE)
        reason = d.REASON
        amount_minor = CAST(d.AMOUNT AS BIGINT)
        currency = COALESCE(UPPER(TRIM(h.CURRENCY)), 'USD')
        created_at = d.CREATED
    """),
    {"d": "raw_dispute", "h": "raw_charge"},
    "FROM {d} AS d\nINNER JOIN {h} AS h ON h.ID = d.CHARGE_ID",
    "h.CONNECTED_ACCOUNT_ID",
    by_account=True,
    optional=frozenset({"d.REASON"}),
)
"""Stripe's own integers are minor units already: zero-decimal currencies are not divided."""

_CARD_PATHS: Mapping[PathKind, tuple[Binding, Binding]] = {
    "direct": (MODEL_CHARGE, MODEL_DISPUTE),
    "join": (_joined(MODEL_CHARGE), _joined(MODEL_DISPUTE)),
    "raw": (RAW_CHARGE, RAW_DISPUTE),
}

MEMBER = Binding(
    "member",
    _columns("""
        operator_id = u.OPERATOR_ID
        member_id = CAST(u.USER_ID AS VARCHAR)
        name = NULLIF(TRIM(COALESCE(u.FIRST_NAME, '') || ' ' || COALESCE(u.LAST_NAME, '')), '')
        role = u.ROLE_SLUG
        created_at = u.CREATED_AT
        removed_at = u.REMOVED_AT
        last_login_at = u.LAST_LOGIN_AT
    """),
    {"u": "member"},
    "FROM {u} AS u",
    "u.OPERATOR_ID",
    optional=frozenset({"u.FIRST_NAME", "u.LAST_NAME", "u.ROLE_SLUG"}),
)
DRIVER = Binding(
    "driver",
    _columns("""
        operator_id = v.OPERATOR_ID
        driver_id = CAST(v.DRIVER_ID AS VARCHAR)
        created_at = v.CREATED_AT
        deactivated_at = v.DEACTIVATED_AT
        removed_at = v.REMOVED_AT
    """),
    {"v": "driver"},
    "FROM {v} AS v",
    "v.OPERATOR_ID",
)
SURVEY = Binding(
    "survey",
    _columns("""
        operator_id = s.OPERATOR_ID
        survey_id = CAST(s.NPS_SURVEY_ID AS VARCHAR)
        nps = CAST(s.SCORE AS BIGINT)
        csat = CAST(s.CSAT AS BIGINT)
        created_at = s.CREATED_AT
    """),
    {"s": "survey"},
    "FROM {s} AS s",
    "s.OPERATOR_ID",
)

OPERATOR = Binding(
    "operator",
    _columns("""
        operator_id = o.OPERATOR_ID
        name = o.NAME
        stripe_account = NULLIF(o.STRIPE_ACCOUNT, '')
        created_at = o.CREATED_AT
    """),
    {"o": "operator"},
    "FROM {o} AS o",
    "o.OPERATOR_ID",
    optional=frozenset({"o.CREATED_AT"}),
)
"""The app's operators; not a canonical table, but what the list of operators is made from."""


def declared(path: ChargePath) -> Mapping[str, Binding]:
    """The binding of each bound table under a charge path; charge and dispute are absent when there is no account."""
    found: dict[str, Binding] = {"reservation": RESERVATION, "member": MEMBER, "driver": DRIVER, "survey": SURVEY}
    if path.kind != "none":
        found["charge"], found["dispute"] = _CARD_PATHS[path.kind]
    return found


def default_path(subject: Subject) -> ChargePath:
    """The first path to try: the account that the CSM view tells, else the join through the operator table."""
    if subject.stripe_account:
        return ChargePath("direct", subject.stripe_account, "Charge model by the account of the CSM view.")
    return ChargePath("join", None, "The CSM view has no account: charge model joined through the operator table.")


def bindings(settings: MetabaseSettings, subject: Subject, path: ChargePath | None = None) -> dict[str, str]:
    """SQL text per bound canonical table for one operator, in DuckDB's dialect.

    Tables that are switched off (an empty relation in the settings) or have no card account are bound to no rows.

    Raises:
        ConfigError: when a relation in the settings cannot be a table's name.
    """
    known = declared(path or default_path(subject))
    return {
        table: known[table].sql(settings) if table in known and configured(known[table], settings) else empty(table)
        for table in BOUND
    }


def configured(binding: Binding, settings: MetabaseSettings) -> bool:
    """Whether every relation of the binding has a name in the settings."""
    return all(getattr(settings, name).strip() for name in binding.relations.values())
