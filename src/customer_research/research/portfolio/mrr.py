"""What everybody of a snapshot is billed a month, in their own currencies, and what of it the rates convert."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date

from customer_research.domain.money import Amounts, totals
from customer_research.domain.rates import Rates, convert
from customer_research.domain.snapshot import Snapshot
from customer_research.engines.engine import Engine
from customer_research.research.portfolio.snapshot_view import mrr_of


class MrrByOperator:
    """The MRR of every operator of the snapshot whose `accounts` the engine knows; leaves the table `worths` there.

    `worths` has a line an operator: `worth`, its MRR in minor units of the currency that the rates convert into (USD where
    none are set), and `usd`; null where it is not known or has no rate.
    """

    def __init__(self, engine: Engine, snapshot: Snapshot, rates: Rates | None) -> None:
        rows = engine.run("SELECT operator_id, mrr_by_currency, mrr_usd, active_subscriptions FROM accounts")
        self._held = {str(row["operator_id"]): mrr_of(row) for row in rows}
        day = snapshot.as_of.astimezone(UTC).date()
        in_usd = None if rates is None else replace(rates, currency="USD")
        columns = {"operator_id": "VARCHAR", "worth": "BIGINT", "usd": "BIGINT"}
        engine.create(
            "worths",
            columns,
            [
                {"operator_id": one, "worth": _worth(amounts, rates, day), "usd": _worth(amounts, in_usd, day)}
                for one, amounts in self._held.items()
            ],
        )

    def sum(self, operator_ids: Iterable[str]) -> tuple[Amounts, int]:
        """The MRR of these operators, each currency on its own, and of how many it is not known."""
        held = [self._held.get(str(one)) for one in operator_ids]
        known = totals(money for amounts in held for money in amounts or ())
        return tuple(money for money in known if money.minor), sum(amounts is None for amounts in held)


def _worth(amounts: Amounts | None, rates: Rates | None, day: date) -> int | None:
    if amounts is None:
        return None
    telling = [money for money in amounts if money.minor]
    if rates is None:
        return sum(money.minor for money in telling) if all(money.currency == "USD" for money in telling) else None
    total, _, _ = convert(telling, rates, day)
    return total[0].minor if total else None
