"""Stripe: where a charge lives, what of it is read, and that nothing is added twice or guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from worlds import Worlds

from customer_research import private
from customer_research.connect.source import Batch, Stream, Subject
from customer_research.domain.check import Diagnosis
from customer_research.errors import ConfigError, Denied, SchemaChanged
from customer_research.settings import Settings, load_settings
from customer_research.sources import discover
from customer_research.sources.stripe import bulk, checks, normalise
from customer_research.sources.stripe.records import TABLES as STRIPE_TABLES
from customer_research.sources.stripe.session import PERMISSIONS
from customer_research.sources.stripe.settings import VERSION, StripeSettings
from customer_research.sources.warehouse.records import TABLES
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.stripe_ledger import REVOKED, Home, Owned, dispute_row

SOURCE = discover()["stripe"]
CARDS, REFUNDS = SOURCE.streams

TOLD: dict[str, Any] = {
    "id": "ch_1",
    "object": "charge",
    "amount": 1_000,
    "amount_refunded": 0,
    "billing_details": {"name": "Ada Roe"},
    "created": 1_790_000_000,
    "currency": "usd",
    "outcome": {"reason": None, "risk_level": "normal", "risk_score": 12, "seller_message": "Payment complete."},
    "payment_method": "pm_1",
    "status": "succeeded",
}


def row(**changes: Any) -> dict[str, Any]:
    return normalise.charge_row({**TOLD, **changes}, "acct_A")


# -- rows -------------------------------------------------------------------------------------------------------------


def test_rows_have_the_columns_of_the_warehouse_and_no_others() -> None:
    dispute = normalise.dispute_row({**TOLD, "id": "dp_1", "charge": "ch_1", "status": "lost", "reason": "fraudulent"})
    for table, found in {"charge": row(), "dispute": dispute}.items():
        assert {"operator_id", *found} == set(TABLES[table].column_names)
    assert bulk.CHARGE.columns == TABLES["charge"].types("operator_id")
    own = {"stripe_account", "read_on"}
    assert {k: v for k, v in bulk.DISPUTE.columns.items() if k not in own} == TABLES["dispute"].types("operator_id")


def test_a_charge_as_it_is() -> None:
    found = row()
    assert found["created_at"] == datetime.fromtimestamp(1_790_000_000, UTC)
    assert (found["status"], found["currency"], found["failure_reason"]) == ("succeeded", "USD", None)
    assert (found["card_id"], found["risk_level"], found["risk_score"]) == ("pm_1", "normal", 12.0)
    assert row(payment_method=None, source={"id": "card_9"})["card_id"] == "card_9"
    outcome = {"reason": None, "seller_message": "The bank declined."}
    failed = row(status="failed", outcome=outcome, failure_code="card_declined")
    assert failed["failure_reason"] == "The bank declined."
    assert row(status="failed", outcome=None, failure_code="card_declined")["failure_reason"] == "card_declined"


@pytest.mark.parametrize(
    ("currency", "amount", "minor"),
    [
        ("usd", 1_050, 1_050),
        ("jpy", 12_000, 12_000),
        ("kwd", 12_340, 12_340),
        ("isk", 50_000, 500),
        ("ugx", 500, 5),
        ("mga", 7, 700),
    ],
)
def test_amounts_are_minor_units_as_the_project_counts_them(currency: str, amount: int, minor: int) -> None:
    found = row(currency=currency, amount=amount, amount_refunded=amount)
    assert (found["amount_minor"], found["refunded_minor"]) == (minor, minor)


@pytest.mark.parametrize(
    "broken",
    [
        {"amount": None}, {"amount": "10"}, {"amount": True}, {"currency": None}, {"created": None}, {"created": 1_790_000_000_000},
        {"id": ""}, {"status": "disappeared"}, {"status": None}, {"amount_refunded": 1.5}, {"amount_refunded": None}, {"outcome": {"risk_score": "high"}},
    ],
)  # fmt: skip
def test_what_lacks_a_promised_field_is_not_guessed(broken: Mapping[str, Any]) -> None:
    with pytest.raises(SchemaChanged):
        row(**broken)


def test_an_inquiry_is_active_as_long_as_somebody_must_answer() -> None:
    told = {"id": "dp_1", "charge": {"id": "ch_1"}, "amount": 5, "currency": "eur", "created": 1_790_000_000}
    active = {
        status: normalise.dispute_row({**told, "status": status})["is_active"]
        for status in ("warning_needs_response", "warning_under_review", "warning_closed", "needs_response", "won")
    }
    assert list(active.values()) == [True, True, False, True, False]
    assert normalise.dispute_row({**told, "status": "won"})["charge_id"] == "ch_1"


def test_whose_a_charge_of_the_platform_is() -> None:
    destination = {"transfer_data": {"destination": {"id": "acct_B", "object": "account"}}}
    assert normalise.made_for({**TOLD, **destination, "on_behalf_of": "acct_C"}) == "acct_B"
    assert normalise.made_for({**TOLD, "transfer_data": None, "on_behalf_of": "acct_C"}) == "acct_C"
    assert normalise.made_for(TOLD) is None


# -- the key ----------------------------------------------------------------------------------------------------------


def test_only_a_restricted_key_is_taken_and_none_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    for key in ("sk_live_abcdefgh", "pk_live_abcdefgh", "whatever"):
        private.write(file, f'[stripe]\napi_key = "{key}"\n'.encode())
        with pytest.raises(ConfigError, match=r"rk_") as caught:
            load_settings(file)
        assert key not in f"{caught.value} {caught.value.hint}"
    own = StripeSettings(api_key="rk_live_x")  # type: ignore[call-arg,arg-type]
    assert own.headers == {"Authorization": "Bearer rk_live_x", "Stripe-Version": VERSION}
    assert StripeSettings(api_key="  ").missing() is not None  # type: ignore[call-arg,arg-type]


# -- the sandbox ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sandbox(worlds: Worlds) -> Iterator[Sandbox]:
    with worlds.running(also=("stripe",)) as running:
        yield running


@pytest.fixture(scope="module")
def settings(sandbox: Sandbox) -> Settings:
    return load_settings(sandbox.config_path)


def with_own(settings: Settings, **changes: Any) -> Settings:
    own = settings.of(StripeSettings).model_copy(update=changes)
    return settings.model_copy(update={"stripe": own})


def at(settings: Settings) -> datetime:
    assert settings.clock is not None
    return settings.clock


def fetched(settings: Settings, account: str | None, stream: Stream = CARDS) -> Batch:
    async def work() -> Batch:
        session = SOURCE.open(settings, lambda: at(settings))
        try:
            return await stream.fetch(session, Subject("one", at(settings), stripe_account=account))
        finally:
            await session.close()

    return asyncio.run(work())


@pytest.fixture
def busiest(sandbox: Sandbox) -> Iterator[tuple[str, Owned]]:
    """The account with 3,000 charges; it stays where it is charged."""
    name, owner = max(sandbox.stripe.accounts.items(), key=lambda told: len(told[1].charges))
    kept = owner.home, list(owner.disputes)
    yield name, owner
    owner.home, owner.disputes = kept


def test_three_thousand_charges_are_the_same_rows_wherever_they_live(
    settings: Settings, busiest: tuple[str, Owned]
) -> None:
    name, owner = busiest
    owner.disputes.append(dispute_row("dp_inquiry", owner.charges[7], "warning_needs_response", at(settings)))
    found: dict[Home, Batch] = {}
    homes: tuple[Home, ...] = ("direct", "destination")
    for home in homes:
        owner.home = home
        found[home] = fetched(with_own(settings, live_pages=50), name)
        assert not found[home].gaps
    tables = {home: batch.tables for home, batch in found.items()}
    assert len(tables["direct"]["charge"]) == len(owner.charges) >= 2_000
    assert [one["status"] for one in tables["direct"]["dispute"]] == ["warning_needs_response"]
    for home in homes[1:]:
        for table, rows in tables["direct"].items():
            assert sorted(tables[home][table], key=repr) == sorted(rows, key=repr), (home, table)
    charges, platform, *_ = found["direct"].receipts
    assert charges.rows == len(owner.charges)
    assert platform.rows == 0
    assert all(f"Stripe-Account: {name}" in line for line in charges.query.splitlines())
    assert "Stripe-Account" not in platform.query


def test_refunds_have_their_own_dates_wherever_the_charge_lives(settings: Settings, sandbox: Sandbox) -> None:
    name, owner = next((n, o) for n, o in sandbox.stripe.accounts.items() if o.home == "direct" and len(o.refunds) > 1)
    direct = fetched(settings, name, REFUNDS)
    rows = {row["refund_id"]: row for row in direct.tables["refund"]}
    assert {key: int(row["created_at"].timestamp()) for key, row in rows.items()} == {
        one["id"]: one["created"] for one in owner.refunds
    }
    assert {row["fetch_id"] for row in rows.values()} == {direct.receipts[0].id}
    assert set(next(iter(rows.values()))) == set(STRIPE_TABLES["refund"].column_names)
    owner.home = "on_behalf_of"
    try:
        elsewhere = fetched(settings, name, REFUNDS).tables["refund"]
    finally:
        owner.home = "direct"
    apart = ({**row, "fetch_id": None} for row in elsewhere)
    assert sorted(apart, key=repr) == sorted(({**row, "fetch_id": None} for row in rows.values()), key=repr)
    assert fetched(settings, None, REFUNDS).gaps["refund"].reason == "not_applicable"


def test_what_is_read_is_what_the_settings_say(settings: Settings, busiest: tuple[str, Owned]) -> None:
    name, owner = busiest
    for home, elsewhere in (("direct", "platform"), ("destination", "connected")):
        owner.home = home  # type: ignore[assignment]
        found = fetched(with_own(settings, charges_on=elsewhere, live_pages=50), name)
        assert found.tables["charge"] == []
    few = fetched(with_own(settings, live_pages=1), name)
    assert {gap.reason for gap in few.gaps.values()} == {"truncated"}
    assert all("sync stripe" in gap.next_step for gap in few.gaps.values())


def test_what_is_too_long_for_a_report_is_not_begun_again(
    sandbox: Sandbox, settings: Settings, busiest: tuple[str, Owned]
) -> None:
    few = with_own(settings, live_pages=2, charges_on="connected")

    async def twice() -> tuple[int, Batch]:
        session = SOURCE.open(few, lambda: at(settings))
        subject = Subject("one", at(settings), stripe_account=busiest[0])
        try:
            sandbox.clear_request_log()
            await CARDS.fetch(session, subject)
            first = len(sandbox.request_log)
            return first, await CARDS.fetch(session, subject)
        finally:
            await session.close()

    first, again = asyncio.run(twice())
    assert first <= 12  # the newest page, one of each span, and one of disputes
    assert len(sandbox.request_log) == first + 1
    assert busiest[0] in again.gaps["charge"].detail


def test_an_operator_without_account_is_asked_for_nowhere(sandbox: Sandbox, settings: Settings) -> None:
    sandbox.clear_request_log()
    assert {gap.reason for gap in fetched(settings, None).gaps.values()} == {"not_applicable"}
    assert not sandbox.request_log


@pytest.mark.parametrize("kind", ["charges", "disputes"])
def test_a_missing_permission_is_named(sandbox: Sandbox, settings: Settings, kind: str) -> None:
    account = next(iter(sandbox.stripe.accounts))
    sandbox.stripe.permissions.discard(kind)
    try:
        with pytest.raises(Denied, match=rf"lacks the permission {PERMISSIONS[kind]} \(rak_\w+\)") as caught:
            fetched(settings, account)
        found = diagnosed(settings, "permissions")
    finally:
        sandbox.stripe.permissions.add(kind)
    assert caught.value.hint
    assert found.status == "fail"
    assert kind in found.found


def test_an_account_that_was_closed_is_named_and_told_apart(sandbox: Sandbox, settings: Settings) -> None:
    assert REVOKED in sandbox.stripe.revoked
    with pytest.raises(Denied, match=REVOKED):
        fetched(settings, REVOKED)
    sandbox.stripe.connect = False
    try:
        with pytest.raises(Denied, match="on connected accounts"):
            fetched(settings, next(iter(sandbox.stripe.accounts)))
    finally:
        sandbox.stripe.connect = True


def diagnosed(settings: Settings, name: str, account: str | None = None) -> Diagnosis:
    async def work() -> Diagnosis:
        session = SOURCE.open(settings, lambda: at(settings))
        subject = None if account is None else Subject("one", at(settings), stripe_account=account)
        try:
            return await next(check for check in checks.CHECKS if check.name == name).run(session, subject)
        finally:
            await session.close()

    return asyncio.run(work())


def test_the_doctor_counts_both_homes_and_attempts_apart_from_payments(sandbox: Sandbox, settings: Settings) -> None:
    account = next(name for name, one in sandbox.stripe.accounts.items() if one.home == "direct")
    assert {diagnosed(settings, check.name, account).status for check in checks.CHECKS} == {"ok"}
    found = diagnosed(with_own(settings, charges_on="connected"), "homes")
    assert (found.status, found.settings) == ("warn", {"stripe.charges_on": "both"})
    assert "made for a connected account" in found.found
    assert "attempts for" in found.found
    charges: list[Mapping[str, Any]] = [
        {"id": "ch_1", "payment_intent": "pi_1"},
        {"id": "ch_2", "payment_intent": "pi_1"},
    ]
    assert checks._tries([*charges, {"id": "ch_3"}]) == "3 attempts for 2 payments"


def test_an_account_of_the_operator_that_is_closed_is_found_by_the_doctor(settings: Settings) -> None:
    found = diagnosed(settings, "account", REVOKED)
    assert found.status == "fail"
    assert REVOKED in found.found


def test_a_list_that_promises_more_and_gives_nothing_is_told(sandbox: Sandbox, settings: Settings) -> None:
    name = next(iter(sandbox.stripe.accounts))
    sandbox.set_faults("stripe:truncate")
    try:
        gaps = fetched(settings, name).gaps
    finally:
        sandbox.set_faults()
    assert {gap.reason for gap in gaps.values()} == {"truncated"}
