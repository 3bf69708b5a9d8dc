"""Card figures by Stripe itself: those of the warehouse, under its own receipts; out of reach it moves nothing, off it leaves no trace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from worlds import Worlds

from customer_research.documents.formats import render
from customer_research.domain.account import Account
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Fact
from customer_research.domain.money import Money
from customer_research.reports.kinds import KINDS
from customer_research.research import Research
from customer_research.settings import Settings, StoreSettings, load_settings
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.stripe_ledger import refund_row

pytestmark = pytest.mark.usefixtures("no_waiting")

BUSY, YEN, CASH = (f"00000000-5ce0-11f0-a000-0000000000{number}" for number in (18, 14, 17))
"""An operator with 3,000 charges, one that is paid in yen, and one that takes no cards."""
CARDS = {name for name, metric in METRICS.items() if metric.tables and set(metric.tables) <= {"charge", "dispute"}}


@pytest.fixture(scope="module")
def sandbox(worlds: Worlds) -> Iterator[Sandbox]:
    with worlds.running(also=("stripe",), slow_seconds=600) as running:
        yield running


@pytest.fixture(scope="module")
def settings(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    store = tmp_path_factory.mktemp("store") / "store.db"
    loaded = load_settings(sandbox.config_path)
    return loaded.model_copy(update={"store": StoreSettings(url=SecretStr(f"sqlite:///{store}"))})


def off(settings: Settings) -> Settings:
    return settings.model_copy(update={"stripe": settings.stripe.model_copy(update={"api_key": None})})  # type: ignore[attr-defined]


def account_of(settings: Settings, operator_id: str, *, finance: bool = True) -> Account:
    async def work() -> Account:
        async with Research(settings, finance=finance) as research:
            return await research.account_for(KINDS["profile"], operator_id)

    return asyncio.run(work())


@pytest.fixture(scope="module")
def before(sandbox: Sandbox, settings: Settings) -> Account:
    """The account without Stripe, which must not be asked."""
    sandbox.clear_request_log()
    found = account_of(off(settings), BUSY)
    assert not [one for one in sandbox.request_log if one.source == "stripe"]
    return found


def judged(account: Account) -> Any:
    return account.figures, account.scores, account.findings, account.advice


def values_of(account: Account) -> dict[str, Any]:
    figures = {name: account.figures[name] for name in CARDS}
    return {name: one.value if isinstance(one, Fact) else one.reason for name, one in figures.items()}


def freshness(account: Account) -> Any:
    return next((one for one in account.freshness if one.source == "stripe"), None)


def test_the_figures_are_the_warehouses_by_receipts_of_stripe(settings: Settings, before: Account) -> None:
    account = account_of(settings, BUSY)
    assert values_of(account) == values_of(before)
    assert [(one.score, one.digest) for one in account.scores] == [(one.score, one.digest) for one in before.scores]
    facts = [one for name in CARDS if isinstance(one := account.figures[name], Fact)]
    assert len(facts) > 10
    assert {receipt.source for fact in facts for receipt in fact.basis} == {"stripe"}
    assert freshness(account).state == "ok"
    assert "Stripe" in render(KINDS["profile"].report(account), "markdown").decode()


def test_refunds_are_shown_with_their_dates_where_stripe_tells_them(
    sandbox: Sandbox, settings: Settings, before: Account
) -> None:
    owner = max(sandbox.stripe.accounts.values(), key=lambda one: len(one.charges))
    made = refund_row("re_late", owner.charges[0], 4_200, before.as_of - timedelta(days=2, hours=3))
    owner.refunds.append(made)
    try:
        text = render(KINDS["payments"].report(account_of(settings, BUSY)), "markdown").decode()
    finally:
        owner.refunds.remove(made)
    (line,) = [line for line in text.splitlines() if "$42.00" in line]
    assert "2026-10-29 21:00" in line
    assert owner.charges[0]["id"] in line.replace("\\", "")
    assert "refunds" not in [one.id for one in KINDS["payments"].report(before).sections]


def test_who_may_not_see_payments_has_nothing_asked_of_stripe(sandbox: Sandbox, settings: Settings) -> None:
    sandbox.clear_request_log()
    account = account_of(settings, BUSY, finance=False)
    assert not [one for one in sandbox.request_log if one.source == "stripe"]
    assert set(values_of(account).values()) == {"not_permitted"}


def test_yen_stay_yen(settings: Settings) -> None:
    account, alone = account_of(settings, YEN), account_of(off(settings), YEN)
    assert values_of(account) == values_of(alone)
    figure = account.figures["charge_volume_90d"]
    assert isinstance(figure, Fact)
    assert (figure.value, {one.source for one in figure.basis}) == ((Money("JPY", 360_000),), {"stripe"})
    assert not figure.note  # by which path the warehouse reaches charges says nothing of Stripe's
    assert freshness(account).state == "ok"


def test_who_takes_no_cards_is_told_so_by_the_warehouse(settings: Settings) -> None:
    account, alone = account_of(settings, CASH), account_of(off(settings), CASH)
    assert values_of(account) == values_of(alone)
    assert set(values_of(account).values()) == {"not_applicable"}


def _revoked(sandbox: Sandbox, account: str) -> Callable[[], None]:
    sandbox.stripe.revoked.add(account)
    return lambda: sandbox.stripe.revoked.discard(account)


def _forbidden(sandbox: Sandbox, _account: str) -> Callable[[], None]:
    sandbox.stripe.permissions.discard("disputes")
    return lambda: sandbox.stripe.permissions.add("disputes")


def _fault(kind: str) -> Callable[[Sandbox, str], Callable[[], None]]:
    def begin(sandbox: Sandbox, _account: str) -> Callable[[], None]:
        sandbox.set_faults(f"stripe:{kind}")
        return sandbox.set_faults

    return begin


@pytest.mark.parametrize(
    ("begin", "told"),
    [
        (_fault("down"), ("unavailable", "cannot be reached")),
        (_fault("slow"), ("unavailable", "did not answer")),
        (_fault("http429"), ("unavailable", "rate limit")),
        (_fault("drop"), ("unavailable", "cannot be reached")),
        (_fault("truncate"), ("truncated", "more records than it gave")),
        (_revoked, ("denied", "no longer lets this platform")),
        (_forbidden, ("denied", "Disputes: Read")),
    ],
    ids=["down", "slow", "429", "cut", "short", "revoked", "permission"],
)
def test_out_of_reach_it_is_a_named_gap_and_moves_nothing(
    sandbox: Sandbox, settings: Settings, before: Account, begin: Any, told: tuple[str, str]
) -> None:
    name = max(sandbox.stripe.accounts, key=lambda one: len(sandbox.stripe.accounts[one].charges))
    end = begin(sandbox, name)
    try:
        account = account_of(settings.model_copy(update={"deadline_seconds": 4.0}), BUSY)
    finally:
        end()
    assert judged(account) == judged(before)
    gaps = freshness(account).gaps
    assert gaps
    assert {gap.reason for gap in gaps} == {told[0]}
    assert any(told[1] in gap.detail for gap in gaps)
    assert all(gap.next_step for gap in gaps)


def test_off_no_byte_speaks_of_it(before: Account) -> None:
    assert freshness(before) is None
    for form in ("markdown", "json"):
        assert "Stripe (card" not in render(KINDS["profile"].report(before), form).decode()
