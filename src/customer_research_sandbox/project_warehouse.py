"""The warehouse's tables of all lives: trips, charges, the app's replicas and the CSM view.

Trips and charges are made into rows when read. Amounts are dollars in the models and the view, the processor's minor
units in the raw tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import chain

from customer_research_sandbox import vocabulary as words
from customer_research_sandbox.crm import TEAM
from customer_research_sandbox.dataset import ProjectedRows, Relation, Row
from customer_research_sandbox.project_csm import csm_rows
from customer_research_sandbox.state import Charge, Deal, Operator, OperatorLife, Trip
from customer_research_sandbox.warehouse_columns import COLUMNS

_SELLER_MESSAGES = {
    None: "Payment complete.",
    "insufficient_funds": "The bank returned the decline code `insufficient_funds`.",
    "generic_decline": "The bank did not return any further details with this decline.",
    "do_not_honor": "The bank returned the decline code `do_not_honor`.",
    "expired_card": "The bank returned the decline code `expired_card`.",
    "incorrect_cvc": "The bank returned the decline code `incorrect_cvc`.",
    "fraudulent": "The bank returned the decline code `fraudulent`.",
    "highest_risk_level": "Blocked for being too risky.",
}


def project_warehouse(lives: Sequence[OperatorLife], as_of: datetime) -> dict[str, Relation]:
    """Every relation of the warehouse, keyed `SCHEMA.NAME`."""
    trips = [trip for life in lives for trip in life.trips]
    charges = [charge for life in lives for charge in life.charges]
    shown = _ReservationRows(lives, as_of)
    relations = [
        Relation(
            "MOOVS",
            "CSM_MOOVS",
            COLUMNS["CSM_MOOVS"],
            list(chain.from_iterable(csm_rows(life, as_of) for life in lives)),
        ),
        Relation("FACT", "MOOVS_OPERATOR_RESERVATIONS", COLUMNS["RESERVATIONS"], ProjectedRows(trips, shown.row)),
        Relation(
            "MOZART_NEW",
            "MOOVS_PLATFORM_CHARGES",
            COLUMNS["PLATFORM_CHARGES"],
            ProjectedRows([charge for charge in charges if charge.in_model], _model_charge),
        ),
        Relation("STRIPE_MOOVS", "CHARGE", COLUMNS["STRIPE_CHARGE"], ProjectedRows(charges, _raw_charge)),
        _relation("STRIPE_MOOVS", "DISPUTE", COLUMNS["STRIPE_DISPUTE"], map(_dispute, charges)),
        _relation("STRIPE_MOOVS", "REFUND", COLUMNS["STRIPE_REFUND"], map(_refund, charges)),
        _relation("POSTGRES_SWOOP", "OPERATOR", COLUMNS["OPERATOR"], (_operator(life, as_of) for life in lives)),
        _each("POSTGRES_SWOOP", "USER", COLUMNS["USER"], lives, _users),
        _each("POSTGRES_SWOOP", "DRIVER", COLUMNS["DRIVER"], lives, _drivers),
        _each("SWOOP", "VEHICLE", COLUMNS["VEHICLE"], lives, _vehicles),
        _each("POSTGRES_SWOOP", "SUBSCRIPTION_LOG", COLUMNS["SUBSCRIPTION_LOG"], lives, _log),
        _each("MOOVS", "HUBSPOT_ALL_DEALS", COLUMNS["HUBSPOT_ALL_DEALS"], lives, _deals),
        _each("SWOOP", "NPS_SURVEY", COLUMNS["NPS_SURVEY"], lives, _answers),
    ]
    return {relation.qualified: relation for relation in relations}


def _relation(schema: str, name: str, names: Mapping[str, str], rows: Iterator[Row | None]) -> Relation:
    return Relation(schema, name, names, [row for row in rows if row is not None])


def _each(
    schema: str,
    name: str,
    names: Mapping[str, str],
    lives: Sequence[OperatorLife],
    project: Callable[[OperatorLife], Iterator[tuple[object, ...]]],
) -> Relation:
    """A relation whose rows are positional tuples of the columns, several a life."""
    keys = tuple(names)
    rows = [dict(zip(keys, values, strict=True)) for life in lives for values in project(life)]
    return Relation(schema, name, names, rows)


# -- reservations ------------------------------------------------------------------------------------------------------

_MINUTES = {"one-way": 45, "hourly": 180, "round-trip": 120}
_PASSENGERS = len(words.GIVEN_NAMES) * len(words.SURNAMES)


class _ReservationRows:
    """Makes a reservation row of a trip: the operator's constants once, the trip's own fields, the rest null."""

    def __init__(self, lives: Sequence[OperatorLife], as_of: datetime) -> None:
        self._as_of = as_of
        empty: Row = dict.fromkeys(COLUMNS["RESERVATIONS"])
        self._templates = {life.operator.operator_id: empty | _operator_part(life.operator) for life in lives}
        self._drivers = {
            life.operator.operator_id: [(item.driver_id, f"{item.first} {item.last}") for item in life.drivers]
            for life in lives
        }
        self._vehicles = {
            life.operator.operator_id: [(item.vehicle_id, item.name, item.kind) for item in life.vehicles]
            for life in lives
        }

    def row(self, trip: Trip) -> Row:
        """All columns of one trip."""
        operator = trip.operator
        row = self._templates[operator.operator_id].copy()
        self._identity(row, trip)
        self._money(row, trip)
        self._places(row, trip)
        self._people(row, trip)
        self._vehicle(row, trip)
        return row

    def _identity(self, row: Row, trip: Trip) -> None:
        tail = f"{trip.operator.index:06x}{trip.number:06x}"
        minutes = _MINUTES[trip.trip_type] + trip.salt % 37
        dropped = trip.pickup_at + timedelta(minutes=minutes)
        row["TRIP_ID"] = f"{trip.salt:08x}-7a1e-11f0-b1c2-{tail}"
        row["REQUEST_ID"] = f"{trip.salt:08x}-7a1f-11f0-b1c2-{tail}"
        row["CONFIRMATION_NUMBER"] = f"{trip.operator.slug[:2].upper()}{trip.operator.index:04d}-{trip.number}"
        row["ORDER_NUMBER"] = str(10_000 + trip.number)
        row["STATUS_SLUG"] = trip.status
        row["CREATED_AT"] = row["QUOTE_CREATED_AT"] = trip.created_at
        row["PICKUP_DATE_TIME"] = trip.pickup_at
        row["PICKUP_DATE"] = trip.pickup_at.date()
        row["PICKUP_TIME"] = _clock(trip.pickup_at, 5)
        row["DROPOFF_DATE_TIME"] = dropped if trip.status == "completed" and dropped <= self._as_of else None
        row["CANCELLED"] = trip.cancelled_at
        row["CANCELLATION_REASON"] = "passenger request" if trip.cancelled_at is not None else None
        row["TRIP_TYPE"], row["ORDER_TYPE"] = trip.trip_type, trip.order_type
        row["TOTAL_TRIP_TIME_MINUTES"] = minutes
        row["DISTANCE_MILES"] = round(4 + trip.salt % 461 / 10, 1)
        row["NUM_STOPS"] = 2 + (trip.salt >> 5) % 7 // 6
        row["TOTAL_GROUP_SIZE"] = 1 + (trip.salt >> 3) % 5
        row["BOOKING_SOURCE"] = "website" if trip.salt % 3 == 0 else "dispatch"
        row["IS_FARM_OUT"] = trip.farmed_to is not None
        row["IS_RETURN_TRIP"] = False

    @staticmethod
    def _money(row: Row, trip: Trip) -> None:
        total = trip.total_cents
        tax, gratuity = total * 6 // 100, total * 15 // 100
        discount = total // 20 if trip.salt % 23 == 0 else 0
        row["TOTAL_AMOUNT"] = total / 100
        row["AMOUNT_PAID"] = trip.paid_cents / 100
        row["AMOUNT_DUE"] = 0.0 if trip.status == "cancelled" else (total - trip.paid_cents) / 100
        row["TAX_AMOUNT"], row["DRIVER_GRATUITY_AMOUNT"] = tax / 100, gratuity / 100
        row["DISCOUNT_AMOUNT"] = discount / 100 if discount else None
        row["BASE_RATE"] = (total - tax - gratuity + discount) / 100
        row["TOTAL_DRIVER_EARNINGS_AMT"] = round(total * 0.3) / 100 if trip.driver is not None else None
        row["AFFILIATE_PAYABLE"] = trip.payable_cents / 100 if trip.payable_cents is not None else None
        row["PAYMENT_METHOD"] = "card" if trip.salt % 5 else "invoice"
        row["AVG_RATING"], row["RATING_COUNT"] = trip.rating, 1 if trip.rating is not None else None

    @staticmethod
    def _places(row: Row, trip: Trip) -> None:
        city, salt = trip.operator.city, trip.salt
        street = f"{100 + salt % 8900} {words.STREETS[(salt >> 4) % len(words.STREETS)]}, {city.name}"
        goal = f"{100 + (salt >> 9) % 8900} {words.STREETS[(salt >> 12) % len(words.STREETS)]}, {city.name}"
        if trip.order_type == "airport":
            field = f"{city.name} {city.airport}"
            if salt & 1:
                row["PICKUP_AIRPORT_NAME"], street = field, field
            else:
                row["DROPOFF_AIRPORT_NAME"], goal = field, field
        row["PICKUP_ADDRESS"], row["DROPOFF_ADDRESS"] = street, goal

    def _people(self, row: Row, trip: Trip) -> None:
        number = (trip.salt >> 7) % _PASSENGERS
        booker = _person(number // 3 * 3 % _PASSENGERS)
        passenger = _person(number)
        row["BOOKING_CONTACT_ID"] = f"bc-{trip.operator.index:05d}-{number // 3:03d}"
        row["BOOKING_CONTACT_FULL_NAME"] = booker
        row["BOOKING_CONTACT_EMAIL"] = _address(booker)
        row["PASSENGER_CONTACT_ID"] = f"pc-{trip.operator.index:05d}-{number:03d}"
        row["PASSENGER_CONTACT_FULL_NAME"] = passenger
        row["COMPANY_NAME"], row["FARMEE_OPERATOR_NAME"] = trip.company, trip.farmed_to
        row["DRIVER_APP_USED"] = trip.app_used
        drivers = self._drivers[trip.operator.operator_id]
        if trip.driver is not None:
            driver_id, name = drivers[trip.driver % len(drivers)] if drivers else (None, _person(trip.driver))
            row["DRIVER_ID"], row["DRIVER_FULL_NAME"] = driver_id, name

    def _vehicle(self, row: Row, trip: Trip) -> None:
        vehicles = self._vehicles[trip.operator.operator_id]
        if vehicles and trip.farmed_to is None:
            chosen = vehicles[(trip.salt >> 10) % len(vehicles)]
            row["VEHICLE_ID"], row["VEHICLE_NAME"], row["VEHICLE_TYPE"] = chosen


def _operator_part(operator: Operator) -> Row:
    return {
        "OPERATOR_ID": operator.operator_id,
        "OPERATOR_NAME": operator.name,
        "PICKUP_CITY": operator.city.name,
        "PICKUP_STATE": operator.city.state,
        "DROPOFF_CITY": operator.city.name,
        "DROPOFF_STATE": operator.city.state,
    }


@cache
def _address(booker: str) -> str:
    return f"{booker.lower().replace(' ', '.')}@riders.example.net"


def _clock(instant: datetime, letters: int) -> str:
    """The time of day, as far as so many letters tell it."""
    return instant.isoformat()[11 : 11 + letters]


@cache
def _person(number: int) -> str:
    surname, given = divmod(number, len(words.GIVEN_NAMES))
    return f"{words.GIVEN_NAMES[given]} {words.SURNAMES[surname % len(words.SURNAMES)]}"


# -- charges -----------------------------------------------------------------------------------------------------------


def _major(minor: int, currency: str) -> float:
    return minor / (1 if currency.upper() in words.ZERO_DECIMAL else 100)


def _network_status(charge: Charge) -> str:
    if charge.status == "succeeded":
        return "approved_by_network"
    return "not_sent_to_network" if charge.reason == "highest_risk_level" else "declined_by_network"


def _model_charge(charge: Charge) -> Row:
    dispute = charge.dispute
    return {
        "STRIPE_CHARGE_ID": charge.charge_id,
        "STRIPE_ACCOUNT_ID": charge.account,
        "OPERATOR_NAME": charge.operator.name,
        "STATUS": charge.status,
        "CREATED_DATE": charge.created_at.date(),
        "CREATED_TIME": _clock(charge.created_at, 8),
        "TOTAL_DOLLARS_CHARGED": _major(charge.amount, charge.currency),
        "TOTAL_DOLLARS_REFUNDED": _major(charge.refunded, charge.currency) if charge.refunded else None,
        "BILLING_DETAIL_NAME": _person(charge.salt % _PASSENGERS),
        "CARD_ID": charge.card_id,
        "OUTCOME_NETWORK_STATUS": _network_status(charge),
        "OUTCOME_REASON": charge.reason,
        "OUTCOME_SELLER_MESSAGE": _SELLER_MESSAGES.get(charge.reason),
        "OUTCOME_RISK_LEVEL": charge.risk_level,
        "OUTCOME_RISK_SCORE": charge.risk_score,
        "DISPUTE_ID": dispute.dispute_id if dispute is not None else None,
        "DISPUTE_STATUS": dispute.status if dispute is not None else None,
        "DISPUTE_REASON": dispute.reason if dispute is not None else None,
        "DISPUTED_AMOUNT": _major(dispute.amount, charge.currency) if dispute is not None else None,
        "DISPUTE_DATE": dispute.created_at.date() if dispute is not None else None,
    }


def _raw_charge(charge: Charge) -> Row:
    failed = charge.status == "failed"
    return {
        "ID": charge.charge_id,
        "CONNECTED_ACCOUNT_ID": charge.account,
        "CREATED": charge.created_at,
        "STATUS": charge.status,
        "AMOUNT": charge.amount,
        "AMOUNT_REFUNDED": charge.refunded,
        "CURRENCY": charge.currency,
        "CARD_ID": charge.card_id,
        "FAILURE_CODE": "card_declined" if failed else None,
        "FAILURE_MESSAGE": "Your card was declined." if failed else None,
        "OUTCOME_NETWORK_STATUS": _network_status(charge),
        "OUTCOME_REASON": charge.reason,
        "OUTCOME_SELLER_MESSAGE": _SELLER_MESSAGES.get(charge.reason),
        "OUTCOME_TYPE": "issuer_declined" if failed else "authorized",
        "OUTCOME_RISK_LEVEL": charge.risk_level,
        "OUTCOME_RISK_SCORE": charge.risk_score,
        "PAID": not failed,
        "CAPTURED": not failed,
        "REFUNDED": charge.refunded > 0 and charge.refunded == charge.amount,
        "DISPUTED": charge.dispute is not None,
        "BILLING_DETAILS_NAME": _person(charge.salt % _PASSENGERS),
        "DESCRIPTION": None,
    }


def _dispute(charge: Charge) -> Row | None:
    if charge.dispute is None:
        return None
    return {
        "ID": charge.dispute.dispute_id,
        "CHARGE_ID": charge.charge_id,
        "CONNECTED_ACCOUNT_ID": charge.account,
        "AMOUNT": charge.dispute.amount,
        "CURRENCY": charge.currency,
        "STATUS": charge.dispute.status,
        "REASON": charge.dispute.reason,
        "CREATED": charge.dispute.created_at,
    }


def _refund(charge: Charge) -> Row | None:
    if charge.refunded_at is None:
        return None
    return {
        "ID": f"re_{charge.charge_id[3:]}",
        "CHARGE_ID": charge.charge_id,
        "CONNECTED_ACCOUNT_ID": charge.account,
        "AMOUNT": charge.refunded,
        "CURRENCY": charge.currency,
        "STATUS": "succeeded",
        "REASON": "requested_by_customer",
        "CREATED": charge.refunded_at,
    }


# -- the app's replicas ------------------------------------------------------------------------------------------------


def _operator(life: OperatorLife, as_of: datetime) -> Row:
    operator = life.operator
    return {
        "OPERATOR_ID": operator.operator_id,
        "NAME": operator.name,
        "NAME_SLUG": operator.slug,
        "EMAIL": operator.email,
        "PHONE": operator.phone,
        "GENERAL_EMAIL": operator.email,
        "WEBSITE_URL": operator.website,
        "TERMS_AND_CONDITIONS_URL": f"{operator.website}/terms",
        "COMPANY_LOGO_URL": None,
        "STRIPE_ACCOUNT": operator.stripe_account_in_app,
        "PLAN": operator.app_plan,
        "ACTIVE_FOR_ANALYTICS": True,
        "RISK_SCORE": None,
        "INSTANT_PAYOUT_LIMIT_CENTS": 100_000,
        "DAILY_PAYMENT_LIMIT_CENTS": 500_000 * max(1, operator.vehicles // 5),
        "CREATED_AT": operator.signed_up,
        "UPDATED_AT": min(as_of, operator.signed_up + timedelta(days=30)),
    }


def _users(life: OperatorLife) -> Iterator[tuple[object, ...]]:
    for place, item in enumerate(life.members):
        mail = f"{item.first.lower()}.{item.last.lower()}{place}@{life.operator.slug}.example.com"
        yield (
            item.user_id, life.operator.operator_id, item.first, item.last, mail, item.role,
            item.created_at, item.last_login_at, item.removed_at,
        )  # fmt: skip


def _drivers(life: OperatorLife) -> Iterator[tuple[object, ...]]:
    city = life.operator.city
    for place, item in enumerate(life.drivers):
        mail = f"{item.first.lower()}.{item.last.lower()}.d{place}@{life.operator.slug}.example.com"
        phone = f"+1 {city.area.zfill(3)[-3:]} 555-01{place % 100:02d}"
        yield (
            item.driver_id, life.operator.operator_id, item.first, item.last, mail, phone,
            item.created_at, item.deactivated_at, item.removed_at,
        )  # fmt: skip


def _vehicles(life: OperatorLife) -> Iterator[tuple[object, ...]]:
    for place, item in enumerate(life.vehicles):
        plate = f"{life.operator.slug[:3].upper()}-{place + 1:03d}"
        yield (
            item.vehicle_id, life.operator.operator_id, item.name, item.kind, plate, item.colour, item.capacity,
            item.created_at, item.removed_at,
        )  # fmt: skip


def _log(life: OperatorLife) -> Iterator[tuple[object, ...]]:
    for item in life.log:
        yield (
            item.log_id, life.operator.operator_id, item.plan_code, item.event, item.plan_name, item.previous_plan,
            item.amount, item.started_at, item.notes, item.created_at, None,
        )  # fmt: skip


def _deals(life: OperatorLife) -> Iterator[tuple[object, ...]]:
    operator = life.operator
    if operator.hubspot_id is None:
        return
    for deal in life.deals:
        yield (
            str(30_000_000_000 + operator.index * 10 + deal.number), str(operator.hubspot_id), deal.name,
            *_labels(deal), deal.amount, deal.created_at.date(),
            deal.close_at.date() if deal.close_at is not None else None,
            TEAM[operator.index % len(TEAM)], deal.plan, deal.source,
        )  # fmt: skip


def _labels(deal: Deal) -> tuple[str, str]:
    pipeline, stages = words.PIPELINES[deal.pipeline]
    return pipeline, stages[deal.stage]


def _answers(life: OperatorLife) -> Iterator[tuple[object, ...]]:
    for item in life.answers:
        yield item.survey_id, life.operator.operator_id, item.score, item.csat, item.comment, item.trigger, item.at
