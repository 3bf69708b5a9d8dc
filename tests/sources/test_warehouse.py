"""The warehouse session over real HTTP: the sandbox's Metabase executes the Snowflake SQL that it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from worlds import Worlds

from customer_research.connect.source import Subject
from customer_research.connect.sql import Parameter, SqlAnswer
from customer_research.domain.evidence import Receipt
from customer_research.engines.dialect import with_bindings
from customer_research.engines.metabase import MetabaseRunner
from customer_research.errors import ConfigError, Denied, EngineError, SchemaChanged, SourceError, Truncated
from customer_research.record_tables import TABLES
from customer_research.settings import Settings, load_settings
from customer_research.sources.warehouse.live import operators
from customer_research.sources.warehouse.session import WarehouseSession
from customer_research.sources.warehouse.settings import MetabaseSettings
from customer_research.sources.warehouse.source import SOURCE
from customer_research_sandbox.serve import Sandbox

T = TypeVar("T")
Use = Callable[[WarehouseSession], Awaitable[T]]

COUNTS = """SELECT COUNT(*) AS charge_attempts, SUM(amount_minor) AS amount, MIN(currency) AS currency
FROM charge WHERE created_at < $as_of"""
PEOPLE = """SELECT (SELECT COUNT(*) FROM member) AS members, (SELECT COUNT(*) FROM driver) AS drivers,
(SELECT COUNT(*) FROM survey) AS surveys"""


@pytest.fixture(scope="module")
def running(worlds: Worlds) -> Iterator[Sandbox]:
    with worlds.running(slow_seconds=0.5) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    running.clear_request_log()
    yield running
    running.set_faults()


def scenario(number: int) -> str:
    return f"00000000-5ce0-11f0-a000-{number:012d}"


def configured(sandbox: Sandbox, **metabase: Any) -> Settings:
    settings = load_settings(sandbox.config_path)
    return settings.model_copy(update={"metabase": settings.of(MetabaseSettings).model_copy(update=metabase)})


def using(sandbox: Sandbox, use: Use[T], **metabase: Any) -> T:
    async def go() -> T:
        settings = configured(sandbox, **metabase)
        now = sandbox.dataset.as_of
        session = SOURCE.open(settings, lambda: now)
        session.attach(MetabaseRunner(session.http, settings.of(MetabaseSettings).database), with_bindings)
        try:
            return await use(session)
        finally:
            await session.close()

    return asyncio.run(go())


def rows(sandbox: Sandbox, relation: str, column: str, value: str) -> list[Mapping[str, Any]]:
    return [row for row in sandbox.dataset.warehouse[relation].rows if row[column] == value]


def subject(sandbox: Sandbox, number: int, *, account: bool = True) -> Subject:
    operator = scenario(number)
    known = rows(sandbox, "MOOVS.CSM_MOOVS", "LAGO_EXTERNAL_CUSTOMER_ID", operator)
    found = known[0]["P_STRIPE_ACCOUNT_ID"] if account else None
    return Subject(operator, sandbox.dataset.as_of, stripe_account=found)


def asked(sandbox: Sandbox) -> int:
    return len(sandbox.request_log)


# -- the CSM view --------------------------------------------------------------------------------------------------------


def test_the_csm_stream_gives_the_operators_rows_with_their_receipt(sandbox: Sandbox) -> None:
    stream = next(stream for stream in SOURCE.streams if stream.name == "csm")
    batch = using(sandbox, lambda session: stream.fetch(session, subject(sandbox, 9)))
    made = batch.tables["csm"]
    raw = rows(sandbox, "MOOVS.CSM_MOOVS", "LAGO_EXTERNAL_CUSTOMER_ID", scenario(9))
    assert len(made) == len(raw) == 4
    assert [row["is_current"] for row in made].count(True) == 1
    assert next(row for row in made if row["is_current"])["status"] == "active"
    assert {tuple(row) for row in made} == {TABLES["csm"].column_names}
    assert {row["fetch_id"] for row in made} == {batch.receipts[0].id}
    assert sorted(row["mrr_minor"] for row in made) == sorted(round(row["CALCULATED_MRR"] * 100) for row in raw)
    assert (batch.gaps, asked(sandbox)) == ({}, 1)


def test_an_unknown_operator_has_no_rows_and_no_gap(sandbox: Sandbox) -> None:
    batch = using(sandbox, lambda session: session.csm_by_operator("legacy:12345"))
    assert (batch.tables, batch.gaps) == ({"csm": []}, {})
    assert batch.receipts[0].parameters == (("operator_id", "12345"),)


def test_the_directory_is_whole_in_one_request(sandbox: Sandbox) -> None:
    batch = using(sandbox, lambda session: session.csm_directory())
    raw = sandbox.dataset.warehouse["MOOVS.CSM_MOOVS"].rows
    made = batch.tables["csm"]
    assert (len(made), asked(sandbox)) == (len(raw), 1)
    operators = {row["operator_id"] for row in made}
    assert len([row for row in made if row["is_current"]]) == len(operators)
    by_id = {row["subscription_id"]: row for row in made}
    for row in raw:
        same = by_id[row["LAGO_ID"]]
        assert same["name"] == (row["P_COMPANY_NAME"].strip() or None)
        assert same["started_at"] == row["LAGO_STARTED_AT"]
        assert same["stripe_account"] == row["P_STRIPE_ACCOUNT_ID"]


def test_a_cut_directory_is_noticed_though_exports_do_not_tell(sandbox: Sandbox) -> None:
    sandbox.set_faults("metabase:truncate")
    with pytest.raises(Truncated):
        using(sandbox, lambda session: session.csm_directory())
    with pytest.raises(Truncated):
        using(sandbox, operators)


def test_the_app_database_knows_operators_without_a_subscription(sandbox: Sandbox) -> None:
    found = using(sandbox, operators)
    raw = sandbox.dataset.warehouse["POSTGRES_SWOOP.OPERATOR"].rows
    assert {one.operator_id for one in found.candidates} == {row["OPERATOR_ID"] for row in raw}
    one = using(sandbox, lambda session: operators(session, scenario(6)))
    assert [candidate.operator_id for candidate in one.candidates] == [scenario(6)]


# -- queries over canonical tables -----------------------------------------------------------------------------------------


def test_reservations_are_aggregated_in_one_request(sandbox: Sandbox) -> None:
    sql = """SELECT COUNT(*) AS trips, SUM(total_minor) AS total, SUM(paid_minor) AS paid, MAX(created_at) AS latest,
        COUNT(CASE WHEN status = 'completed' THEN 1 END) AS completed FROM reservation"""
    who = subject(sandbox, 2)
    found = using(sandbox, lambda s: s.query(sql, tables=("reservation",), subject=who, stream="usage"))
    raw = rows(sandbox, "FACT.MOOVS_OPERATOR_RESERVATIONS", "OPERATOR_ID", scenario(2))
    assert found.gaps == {}
    assert found.answer.rows == [
        {
            "trips": len(raw),
            "total": sum(round(row["TOTAL_AMOUNT"] * 100) for row in raw),
            "paid": sum(round(row["AMOUNT_PAID"] * 100) for row in raw),
            "latest": max(row["CREATED_AT"] for row in raw),
            "completed": sum(row["STATUS_SLUG"] == "completed" for row in raw),
        }
    ]
    assert asked(sandbox) == 1


@pytest.mark.parametrize("table", ["reservation", "charge", "dispute", "member", "driver", "survey"])
def test_every_column_of_every_bound_table_can_be_asked(sandbox: Sandbox, table: str) -> None:
    names = TABLES[table].column_names
    sql = f"SELECT {', '.join(names)} FROM {table} ORDER BY created_at DESC LIMIT 5"
    who = subject(sandbox, 20)
    found = using(sandbox, lambda s: s.query(sql, tables=(table,), subject=who, stream=table))
    assert found.answer.columns == names
    for row in found.answer.rows:
        assert row["operator_id"] == scenario(20)
        for column in TABLES[table].columns:
            kind = {"text": str, "integer": int, "number": float, "boolean": bool, "timestamp": datetime}[column.type]
            assert row[column.name] is None or isinstance(row[column.name], kind), column.name


def test_the_physical_table_serves_as_well_as_the_card(sandbox: Sandbox) -> None:
    sql = "SELECT COUNT(*) AS trips FROM reservation"
    who = subject(sandbox, 2)

    async def trips(session: WarehouseSession) -> Any:
        found = await session.query(sql, tables=("reservation",), subject=who, stream="usage")
        return found.answer.rows[0]["trips"]

    card = using(sandbox, trips)
    names = ["FACT.MOOVS_OPERATOR_RESERVATIONS", 'MOZART."MODEL - Moovs Operator Reservations"']
    assert {using(sandbox, trips, reservations=name) for name in names} == {card}


def test_a_query_without_a_runner_says_so(sandbox: Sandbox) -> None:
    async def go() -> None:
        session = WarehouseSession(configured(sandbox), lambda: datetime.now(UTC))
        try:
            await session.query("SELECT 1 FROM member", tables=("member",), subject=subject(sandbox, 2), stream="x")
        finally:
            await session.close()

    with pytest.raises(ConfigError):
        asyncio.run(go())


# -- what is not there ----------------------------------------------------------------------------------------------------


def people(session: WarehouseSession, who: Subject) -> Awaitable[Any]:
    return session.query(PEOPLE, tables=("member", "driver", "survey"), subject=who, stream="people")


def test_a_missing_survey_table_is_a_gap_for_that_table_only(sandbox: Sandbox) -> None:
    who = subject(sandbox, 2)
    whole = using(sandbox, lambda s: people(s, who)).answer.rows[0]

    async def twice(session: WarehouseSession) -> tuple[Any, int, int]:
        found = await people(session, who)
        first = asked(sandbox)
        await people(session, who)
        return found, first, asked(sandbox)

    sandbox.clear_request_log()
    found, first, second = using(sandbox, twice, survey="SWOOP.NO_SUCH_TABLE")
    assert {table: gap.reason for table, gap in found.gaps.items()} == {"survey": "not_configured"}
    assert "SWOOP.NO_SUCH_TABLE" in found.gaps["survey"].detail
    assert found.answer.rows == [{**whole, "surveys": 0}]
    assert second - first == 1, "what is missing is found out once"


def test_a_survey_table_that_is_switched_off_costs_no_request(sandbox: Sandbox) -> None:
    who = subject(sandbox, 2)
    found = using(sandbox, lambda s: people(s, who), survey="")
    assert (found.gaps["survey"].reason, asked(sandbox)) == ("not_configured", 1)


def test_a_relation_without_the_needed_columns_is_named(sandbox: Sandbox) -> None:
    who = subject(sandbox, 2)
    found = using(sandbox, lambda s: people(s, who), driver="SWOOP.VEHICLE")
    assert set(found.gaps) == {"driver"}
    assert found.gaps["driver"].reason == "unavailable"
    assert "DRIVER_ID" in found.gaps["driver"].detail
    assert found.answer.rows[0]["members"] > 0


def test_when_no_table_of_a_query_is_there_it_fails(sandbox: Sandbox) -> None:
    who = subject(sandbox, 2)
    with pytest.raises(SchemaChanged, match="NO_SUCH"):
        using(
            sandbox,
            lambda s: s.query("SELECT COUNT(*) AS n FROM driver", tables=("driver",), subject=who, stream="x"),
            driver="SWOOP.NO_SUCH",
        )


def test_a_query_that_is_wrong_by_itself_fails_as_it_is(sandbox: Sandbox) -> None:
    who = subject(sandbox, 2)
    with pytest.raises(SchemaChanged, match="NO_SUCH_COLUMN"):
        using(
            sandbox, lambda s: s.query("SELECT no_such_column FROM member", tables=("member",), subject=who, stream="x")
        )


class Thin:
    """A warehouse whose reservations lack the columns `gone`."""

    def __init__(self, *gone: str) -> None:
        self.gone = gone
        self.queries: list[str] = []

    async def run(
        self, sql: str, parameters: Mapping[str, Parameter], *, stream: str, whole: bool = False
    ) -> SqlAnswer:
        self.queries.append(sql)
        receipt = Receipt("r", "warehouse", stream, sql, datetime(2026, 11, 1, tzinfo=UTC), 0, "d")
        if stream == "columns":
            there = set(TABLES_OF_VENDOR) - set(self.gone)
            return SqlAnswer(tuple(name.lower() for name in there), [], receipt)
        if any(f".{name}" in sql for name in self.gone):
            raise SchemaChanged("invalid identifier", source="warehouse", stream=stream)
        return SqlAnswer(("n",), [{"n": 1}], receipt)


TABLES_OF_VENDOR = [
    "OPERATOR_ID",
    "TRIP_ID",
    "CONFIRMATION_NUMBER",
    "ORDER_NUMBER",
    "STATUS_SLUG",
    "CREATED_AT",
    "PICKUP_DATE_TIME",
    "CANCELLED",
    "TOTAL_AMOUNT",
    "AMOUNT_PAID",
    "AMOUNT_DUE",
    "TRIP_TYPE",
    "ORDER_TYPE",
    "DISTANCE_MILES",
    "TOTAL_TRIP_TIME_MINUTES",
    "DRIVER_FULL_NAME",
    "COMPANY_NAME",
    "VEHICLE_NAME",
    "DRIVER_APP_USED",
    "AVG_RATING",
    "FARMEE_OPERATOR_NAME",
]


def thin(sandbox: Sandbox, runner: Thin) -> Any:
    async def go(session: WarehouseSession) -> Any:
        session.attach(runner, with_bindings)
        who = Subject("o-1", datetime(2026, 11, 1, tzinfo=UTC))
        return await session.query(
            "SELECT COUNT(*) AS n FROM reservation", tables=("reservation",), subject=who, stream="u"
        )

    return using(sandbox, go)


def test_optional_columns_that_are_absent_are_detected_and_read_as_null(sandbox: Sandbox) -> None:
    runner = Thin("AVG_RATING", "VEHICLE_NAME")
    found = thin(sandbox, runner)
    assert (found.answer.rows, found.gaps) == ([{"n": 1}], {})
    assert len(runner.queries) == 3
    assert "AVG_RATING" not in runner.queries[-1]


def test_a_column_that_figures_need_is_never_read_as_null(sandbox: Sandbox) -> None:
    with pytest.raises(SchemaChanged, match="AMOUNT_PAID"):
        thin(sandbox, Thin("AVG_RATING", "AMOUNT_PAID"))


# -- the charge path -------------------------------------------------------------------------------------------------------


def cards(sandbox: Sandbox, who: Subject, names: tuple[str, ...] = ("card",), **metabase: Any) -> Any:
    return using(sandbox, lambda s: s.card_query(dict.fromkeys(names, COUNTS), who), **metabase)


def test_the_direct_account_costs_one_request_a_query(sandbox: Sandbox) -> None:
    found = cards(sandbox, subject(sandbox, 15), ("card", "card_money", "card_monthly"))
    assert (found.path.kind, found.gap, found.errors) == ("direct", None, {})
    assert found.answers["card"].rows[0]["charge_attempts"] > 0
    assert found.path.receipts == (found.answers["card"].receipt,)
    assert asked(sandbox) == 3


def test_without_an_account_in_the_csm_view_the_model_is_joined(sandbox: Sandbox) -> None:
    direct = cards(sandbox, subject(sandbox, 2))
    joined = cards(sandbox, subject(sandbox, 2, account=False))
    assert (direct.path.kind, joined.path.kind) == ("direct", "join")
    assert joined.answers["card"].rows == direct.answers["card"].rows
    assert "operator table" in joined.path.note


def test_an_empty_model_leads_to_the_raw_tables_in_minor_units(sandbox: Sandbox) -> None:
    found = cards(sandbox, subject(sandbox, 16), ("card", "card_money"))
    assert found.path.kind == "raw"
    assert found.answers["card"].rows == [{"charge_attempts": 30, "amount": 300_000, "currency": "USD"}]
    assert "STRIPE_MOOVS.CHARGE" in found.answers["card_money"].receipt.query
    assert len(found.path.receipts) == 2
    assert asked(sandbox) == 4


def test_yen_are_not_divided(sandbox: Sandbox) -> None:
    found = cards(sandbox, subject(sandbox, 14))
    assert found.answers["card"].rows == [{"charge_attempts": 30, "amount": 360_000, "currency": "JPY"}]


def test_the_raw_tables_are_reached_through_the_operator_table_as_well(sandbox: Sandbox) -> None:
    found = cards(sandbox, subject(sandbox, 16, account=False))
    assert (found.path.kind, found.answers["card"].rows[0]["charge_attempts"]) == ("raw", 30)


def test_no_account_anywhere_is_not_applicable_and_not_zero(sandbox: Sandbox) -> None:
    found = cards(sandbox, subject(sandbox, 17))
    assert (found.path.kind, found.answers) == ("none", {})
    assert found.of("card").reason == "not_applicable"
    assert len(found.path.receipts) == 2


def test_the_path_is_decided_once(sandbox: Sandbox) -> None:
    who = subject(sandbox, 16)

    async def go(session: WarehouseSession) -> list[int]:
        steps = []
        await session.card_query({"listing": COUNTS}, who)
        steps.append(asked(sandbox))
        await session.card_query({"card": COUNTS, "listing": COUNTS}, who)
        steps.append(asked(sandbox))
        found = await session.query("SELECT COUNT(*) AS n FROM dispute", tables=("dispute",), subject=who, stream="d")
        steps.append(asked(sandbox))
        assert found.answer.rows == [{"n": 0}]
        assert (await session.charge_path(who)).kind == "raw"
        steps.append(asked(sandbox))
        return steps

    assert using(sandbox, go) == [3, 5, 6, 6]


def test_one_failing_card_query_does_not_take_the_others(sandbox: Sandbox) -> None:
    sqls = {"card": COUNTS, "wrong": "SELECT no_such_column FROM charge"}
    found = using(sandbox, lambda s: s.card_query(sqls, subject(sandbox, 2)))
    assert set(found.answers) == {"card"}
    assert isinstance(found.of("wrong"), SchemaChanged)


def test_a_missing_raw_dispute_table_leaves_the_charges(sandbox: Sandbox) -> None:
    sqls = {
        "card": f"SELECT ({COUNTS.replace(', SUM(amount_minor) AS amount, MIN(currency) AS currency', '')}) "
        "AS charge_attempts, (SELECT COUNT(*) FROM dispute) AS disputes"
    }
    found = using(sandbox, lambda s: s.card_query(sqls, subject(sandbox, 16)), raw_dispute="STRIPE_MOOVS.NONE")
    assert found.path.kind == "raw"
    assert found.answers["card"].rows[0]["charge_attempts"] == 30
    assert found.gaps["dispute"].reason == "unavailable"


def test_raw_tables_that_are_gone_make_the_card_figures_unknown(sandbox: Sandbox) -> None:
    found = cards(sandbox, subject(sandbox, 16), raw_charge="STRIPE_MOOVS.NONE")
    assert found.answers == {}
    assert isinstance(found.of("card"), SchemaChanged)


def test_raw_tables_that_are_switched_off_leave_the_models_zero(sandbox: Sandbox) -> None:
    found = cards(sandbox, subject(sandbox, 16), raw_charge="", raw_dispute="")
    assert (found.path.kind, found.answers["card"].rows[0]["charge_attempts"]) == ("direct", 0)


def test_the_deciding_query_must_count_attempts(sandbox: Sandbox) -> None:
    with pytest.raises(EngineError):
        using(sandbox, lambda s: s.card_query({"card": "SELECT COUNT(*) AS n FROM charge"}, subject(sandbox, 2)))


# -- finders ---------------------------------------------------------------------------------------------------------------


def test_an_operator_is_found_by_account_confirmation_and_charge(sandbox: Sandbox) -> None:
    who = subject(sandbox, 2)
    trip = rows(sandbox, "FACT.MOOVS_OPERATOR_RESERVATIONS", "OPERATOR_ID", scenario(2))[0]
    charge = rows(sandbox, "MOZART_NEW.MOOVS_PLATFORM_CHARGES", "STRIPE_ACCOUNT_ID", str(who.stripe_account))[0]

    async def go(session: WarehouseSession) -> None:
        by_account = await session.owners("stripe_account", str(who.stripe_account))
        assert by_account.operator_ids == (scenario(2),)
        assert (await session.owners("stripe_account", str(who.stripe_account).swapcase())).operator_ids == ()
        assert (await session.owners("confirmation", trip["CONFIRMATION_NUMBER"])).operator_ids == (scenario(2),)
        assert (await session.owners("confirmation", "x' OR '1'='1")).operator_ids == ()
        by_charge = await session.owners("charge", charge["STRIPE_CHARGE_ID"])
        assert (by_charge.operator_ids, by_charge.stripe_accounts) == ((scenario(2),), (who.stripe_account,))

    using(sandbox, go)
    assert asked(sandbox) == 5


def test_a_charge_that_only_the_raw_tables_know_is_found(sandbox: Sandbox) -> None:
    who = subject(sandbox, 16)
    charge = rows(sandbox, "STRIPE_MOOVS.CHARGE", "CONNECTED_ACCOUNT_ID", str(who.stripe_account))[0]
    found = using(sandbox, lambda s: s.owners("charge", charge["ID"]))
    assert (found.operator_ids, found.stripe_accounts) == ((scenario(16),), (who.stripe_account,))


# -- faults ----------------------------------------------------------------------------------------------------------------


FAULTS: dict[str, type[SourceError]] = {
    "down": SourceError,
    "http500": SourceError,
    "http429": SourceError,
    "auth": Denied,
    "truncate": Truncated,
    "badjson": SourceError,
    "drop": SourceError,
    "schema": SchemaChanged,
}


@pytest.mark.parametrize("kind", FAULTS)
def test_no_fault_gives_a_figure(sandbox: Sandbox, kind: str) -> None:
    who = subject(sandbox, 2)
    sandbox.set_faults(f"warehouse:{kind}")
    usage = "SELECT COUNT(CASE WHEN status = 'completed' THEN 1 END) AS n FROM reservation"

    async def go(session: WarehouseSession) -> None:
        session.http._deadline_seconds = 1.5
        with pytest.raises(FAULTS[kind]) as caught:
            await session.csm_by_operator(who.operator_id)
        assert caught.value.source == "warehouse"
        with pytest.raises(FAULTS[kind]):
            await session.query(usage, tables=("reservation",), subject=who, stream="usage")
        found = await session.card_query({"card": COUNTS}, who)
        assert found.answers == {}
        assert isinstance(found.of("card"), FAULTS[kind])

    using(sandbox, go)


def test_a_gone_column_of_the_trips_leaves_the_people(sandbox: Sandbox) -> None:
    who = subject(sandbox, 2)
    sandbox.set_faults("warehouse:schema")
    assert using(sandbox, lambda s: people(s, who)).gaps == {}
    with pytest.raises(SchemaChanged, match="STATUS_SLUG"):
        using(
            sandbox,
            lambda s: s.query(
                "SELECT COUNT(*) AS n FROM reservation", tables=("reservation",), subject=who, stream="u"
            ),
        )


def test_the_source_says_what_is_not_configured() -> None:
    gap = SOURCE.missing(Settings.model_validate({}))
    assert gap is not None
    assert gap.reason == "not_configured"
    assert "metabase.url" in gap.detail
    assert "metabase.api_key" in gap.detail
    with pytest.raises(ConfigError):
        SOURCE.open(Settings.model_validate({}), lambda: datetime.now(UTC))
