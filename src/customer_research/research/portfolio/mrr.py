"""What everybody of a snapshot is billed a month, in their own currencies, and what of it the rates convert."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC

from customer_research.domain.money import Amounts
from customer_research.domain.rates import Rates, convert
from customer_research.domain.snapshot import Snapshot
from customer_research.engines.engine import Engine
from customer_research.research.portfolio.snapshot_view import mrr_of


def mrr_by_operator(engine: Engine) -> dict[str, Amounts | None]:
    """The MRR of every operator of the snapshot whose `accounts` the engine knows; None where it is not known."""
    rows = engine.run("SELECT operator_id, mrr_by_currency, mrr_usd, active_subscriptions FROM accounts")
    return {str(row["operator_id"]): mrr_of(row) for row in rows}


def worths(snapshot: Snapshot, rates: Rates | None) -> tuple[Callable[[Amounts | None], int | None], ...]:
    """What amounts are worth on the snapshot's day, in minor units: of the rates' currency (USD where none are set), and of USD.

    None where they are not known, or one of them has no rate.
    """
    day = snapshot.as_of.astimezone(UTC).date()

    def worth(given: Rates | None) -> Callable[[Amounts | None], int | None]:
        def of(amounts: Amounts | None) -> int | None:
            if amounts is None:
                return None
            telling = [money for money in amounts if money.minor]
            if given is None:
                return sum(money.minor for money in telling) if all(m.currency == "USD" for m in telling) else None
            total, _, _ = convert(telling, given, day)
            return total[0].minor if total else None

        return of

    return worth(rates), worth(None if rates is None else replace(rates, currency="USD"))
