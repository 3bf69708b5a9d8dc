"""`doctor`'s look at those who tell company facts: the ones that are set up, or of which something is kept; others have no row."""

from __future__ import annotations

from customer_research.connect.source import Clock
from customer_research.domain.check import CheckResult, not_tried
from customer_research.errors import CustomerResearchError, StoreError
from customer_research.firms import discover
from customer_research.firms.provider import Provider
from customer_research.settings import Settings
from customer_research.store.database import open_to_read
from customer_research.store.firms import FirmBook


async def tellers(settings: Settings, clock: Clock, *, online: bool) -> tuple[CheckResult, ...]:
    """A row for each provider that is a source of nothing else; they are asked only when `online`, and nothing is bought."""
    try:
        with open_to_read(settings.store_url) as store:
            held = frozenset(FirmBook(store).holdings())
    except StoreError:  # the store has a row of its own
        held = frozenset[str]()
    used = [
        one
        for one in discover().values()
        if one.check is not None and (one.name in held or (one.paid and one.missing(settings) is None))
    ]
    return tuple([await _row(one, settings, clock, online=online) for one in used])


async def _row(provider: Provider, settings: Settings, clock: Clock, *, online: bool) -> CheckResult:
    name, needed = f"facts.{provider.name}", f"{provider.title} answers, and has the fields that are read."
    if not online:
        return not_tried(name, needed)
    assert provider.check is not None
    try:
        return CheckResult(name, "ok", await provider.check(settings, clock), needed)
    except CustomerResearchError as error:
        return CheckResult(name, "fail", error.message, needed, error.hint)
