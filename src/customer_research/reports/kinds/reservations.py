"""Reservations: how much the operator uses the product."""

from __future__ import annotations

from customer_research.domain.account import Account
from customer_research.domain.report import Block, FigureLine, Figures, Prose, Report, Section
from customer_research.reports import judgement, pictures, tables
from customer_research.reports.build import (
    STREAMS,
    Column,
    Kind,
    line,
    lines,
    listing,
    section,
    sections,
    share,
)
from customer_research.reports.days import LISTING
from customer_research.reports.frame import frame

_LISTINGS = frozenset(
    {
        "usage_monthly",
        "usage_types",
        "usage_statuses",
        "usage_recent",
        "usage_companies",
        "usage_drivers",
        "usage_farmouts",
    }
)


def build(account: Account) -> Report:
    """The reservations report of an account."""
    return frame(
        account,
        "reservations",
        "Reservations",
        sections(
            _volume(account),
            _revenue(account),
            _trend(account),
            section("By month", *_charts(account), _monthly(account), id="monthly"),
            section("By type and status", _types(account), _statuses(account), id="types"),
            section("Last trips", tables.recent_trips(account), id="recent"),
            section("Who", _companies(account), _drivers(account), _farmouts(account), id="who"),
            _signals(account),
            section("What the sources say together", judgement.findings(account), id="findings"),
            tables.links(account),
        ),
    )


def _volume(account: Account) -> Section | None:
    day = account.as_of.date().isoformat()
    period = Prose(
        f"Volume and revenue count trips by pickup in the 12 months to {day}; activity and trends count reservations by "
        "the day they were booked. Trips ahead are apart."
    )
    figures = (
        line(account, "Trips, 12 months", "trips_12m"),
        line(account, "Completed, 12 months", "completed_12m"),
        FigureLine("Completed share, 12 months", share(account, "completed_12m", "trips_12m")),
        line(account, "Cancelled, 12 months", "cancelled_12m"),
        line(account, "Cancellation rate, 12 months", "cancellation_rate"),
        line(account, "Pending, 12 months", "pending_12m"),
        line(account, "Booked ahead", "future_trips"),
        line(account, "Booked ahead, 30 days", "future_trips_30d"),
        line(account, "Reservations ever", "reservations_ever"),
        line(account, "Reservations per month, 12 months", "trips_per_month"),
    )
    return section("Volume", period, Figures(figures), id="volume")


def _revenue(account: Account) -> Section | None:
    return section(
        "Revenue",
        lines(
            account,
            """
            revenue_12m: Trip revenue, 12 months (completed)
            collected_12m: Collected, 12 months
            outstanding_trips: Outstanding balance
            collection_rate_12m: Collection rate, 12 months
            collection_rate_90d: Collection rate, 90 days
            avg_trip_value: Average trip value, 12 months
            booked_value_future: Booked ahead (value)
            revenue_90d: Trip revenue, 90 days
            revenue_prev_90d: In the 90 days before
            """,
        ),
        Prose("Trip revenue is the operator's own turnover, not what it pays to us."),
        id="revenue",
    )


def _trend(account: Account) -> Section | None:
    return section(
        "Trend",
        lines(
            account,
            """
            reservations_30d: Booked, 30 days
            reservations_prev_30d: In the 30 days before
            trend_30d: Change, 30 days
            seasonal_factor_30d: Same step a year before, 30 days (100% = level)
            trend_30d_seasonal: Change, 30 days, season taken out
            reservations_90d: Booked, 90 days
            reservations_prev_90d: In the 90 days before
            trend_90d: Change, 90 days
            trend_90d_year: Change, year on year
            """,
        ),
        id="trend",
    )


def _monthly(account: Account) -> Block:
    columns = (
        Column("month", "Month", "month"),
        Column("trips", "Trips", "count"),
        Column("completed", "Completed", "count"),
        Column("cancelled", "Cancelled", "count"),
        Column("revenue_minor", "Revenue", "money"),
    )
    return listing(account, "usage_monthly", "Last 12 months by pickup", columns, empty="No trip in these months.")


def _charts(account: Account) -> tuple[Block | None, ...]:
    return pictures.reservations_by_month(account), pictures.revenue_by_month(account)


def _types(account: Account) -> Block:
    columns = (
        Column("trip_type", "Trip type"),
        Column("order_type", "Order type"),
        Column("trips", "Trips", "count"),
        Column("revenue_minor", "Revenue", "money"),
    )
    return listing(account, "usage_types", "Types, 12 months", columns, empty="No trip in 12 months.")


def _statuses(account: Account) -> Block:
    columns = (
        Column("status", "Status"),
        Column("trips", "Trips", "count"),
        Column("total_minor", "Value", "money"),
    )
    return listing(account, "usage_statuses", "Statuses, 12 months", columns, empty="No trip in 12 months.")


def _companies(account: Account) -> Block:
    columns = (
        Column("company_name", "Company"),
        Column("trips", "Trips", "count"),
        Column("revenue_minor", "Revenue", "money"),
    )
    empty = "No trip for a corporate account in 12 months."
    return listing(account, "usage_companies", "Top companies, 12 months", columns, empty=empty)


def _drivers(account: Account) -> Block:
    columns = (
        Column("driver_name", "Driver", "person"),
        Column("trips", "Trips", "count"),
        Column("app_trips", "With the app", "count"),
    )
    return listing(account, "usage_drivers", "Top drivers, 90 days", columns, empty="No trip with a driver in 90 days.")


def _farmouts(account: Account) -> Block:
    columns = (Column("farmee_name", "Partner"), Column("trips", "Trips", "count"))
    return listing(
        account, "usage_farmouts", "Farmed out to, 12 months", columns, empty="No trip farmed out in 12 months."
    )


def _signals(account: Account) -> Section | None:
    return section(
        "Engagement signals",
        lines(
            account,
            """
            first_reservation_at: First reservation
            last_activity_at: Last booking
            days_since_activity: Days since last booking
            history_months: Months of history
            active_months_12m: Active months of 12
            driver_app_rate: Driver app adoption, 90 days
            farm_out_rate_90d: Farm-out rate, 90 days
            farm_out_rate_prev_90d: In the 90 days before
            own_completed_90d: Own completed trips, 90 days
            own_completed_prev_90d: In the 90 days before
            average_rating: Average rating, 12 months (1 to 5)
            average_distance_miles: Average distance, 12 months (miles)
            average_duration_minutes: Average duration, 12 months (minutes)
            engagement_status: Driver assignment (CSM view)
            days_since_assignment: Days since a driver was assigned
            days_since_login: Days since login
            lifetime_reservations_csm: Reservations ever (CSM view)
            """,
        ),
        id="signals",
    )


KIND = Kind(
    "reservations",
    "Reservations",
    STREAMS | _LISTINGS | {LISTING},
    build,
    for_customers=True,
    answers="How much is booked and ridden, when, by whom, and how does it change?",
    charts=(pictures.RESERVATIONS, pictures.REVENUE),
    parts=(
        "Volume",
        "Revenue",
        "Trend",
        "By month",
        "By type and status",
        "Last trips",
        "Who",
        "Engagement signals",
        "What the sources say together",
        "Links",
    ),
)
