"""Totals in one currency: only with a dated rate for every amount, and the rates in the figure's receipt."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from customer_research.domain.evidence import Fact, Figure, Gap, Receipt
from customer_research.domain.money import amounts_of
from customer_research.domain.rates import Rate, Rates, convert
from customer_research.domain.report import FigureLine

SOURCE = "rates"
_NEXT_STEP = "Set rates.file to the European Central Bank's eurofxref-hist.csv."


def needs_conversion(figure: Figure, currency: str) -> bool:
    """Whether a figure holds an amount in another currency than this one."""
    return isinstance(figure, Fact) and any(money.currency != currency for money in amounts_of(figure))


def converted(figure: Figure, rates: Rates | None, as_of: datetime) -> Figure:
    """A money figure as one total at the rates of `as_of`; a gap where a rate is missing, since a part is no total."""
    if isinstance(figure, Gap):
        return figure
    if rates is None:
        return Gap(SOURCE, "not_configured", "no exchange rates are set, so there is no total", _NEXT_STEP)
    day = as_of.astimezone(UTC).date()
    total, used, missing = convert(amounts_of(figure), rates, day)
    if missing:
        of = ", ".join(missing)
        detail = f"no rate of {of} to {rates.currency} on {day.isoformat()} or in the seven days before, so no total"
        return Gap(SOURCE, "none_found", detail, "Add the rate to the file that rates.own names.")
    basis = (*figure.basis, _receipt(rates, used)) if used else figure.basis
    note = "; ".join(rate.words for rate in used)
    return Fact(total, "money", basis, figure.as_of, "converted_total", note)


def converted_line(label: str, figure: Figure, rates: Rates | None, as_of: datetime) -> tuple[FigureLine, ...]:
    """The line `label in USD`, where the figure holds another currency and rates are set to convert it; none elsewhere."""
    currency = rates.currency if rates is not None else "USD"
    if not needs_conversion(figure, currency):
        return ()
    return (FigureLine(f"{label} in {currency}", converted(figure, rates, as_of)),)


def _receipt(rates: Rates, used: tuple[Rate, ...]) -> Receipt:
    """The proof of a conversion: each rate with its day, and the file that they stand in."""
    proof, words = rates.receipt, "\n".join(rate.words for rate in used)
    return Receipt(
        id=f"{proof.id}-{hashlib.sha256(words.encode()).hexdigest()[:8]}",
        source=SOURCE,
        stream=proof.stream,
        query=f"{'; '.join(words.splitlines())} ({proof.query})",
        fetched_at=proof.fetched_at,
        rows=len(used),
        digest=proof.digest,
        place=proof.place,
    )
