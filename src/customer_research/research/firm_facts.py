"""Company facts as reports show them: what the store keeps of an operator's firm, and nothing that would have to be fetched."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from customer_research.domain.account import Account, Records
from customer_research.domain.evidence import Gap, each_once
from customer_research.domain.firm import FIELDS, KEPT, FirmFact, as_decided, sureness
from customer_research.domain.match import PROBABLE
from customer_research.errors import StoreError
from customer_research.firms import discover
from customer_research.settings import Settings


def title_of(provider: str) -> str:
    """What readers call a provider: of one that only files come from, the name that was given."""
    known = discover().get(provider)
    return known.title if known is not None else provider


def with_company_facts(account: Account, settings: Settings) -> Account:
    """An account with the facts that are kept of its firm, as far as their match is probable at least; without any it is as it was."""
    found = records_of(settings, account.operator_id, account.as_of)
    return account if found is None else replace(account, records={**account.records, KEPT: found})


def records_of(settings: Settings, operator_id: str, at: datetime) -> Records | None:
    """The facts that were kept of an operator's firm until an instant; None without any."""
    try:
        facts = kept(settings, operator_id, at)
    except StoreError as error:
        return Records(KEPT, (), (), Gap("facts", "unavailable", error.message.rstrip("."), error.hint))
    shown = [one for one in facts if one.fetched_at <= at and one.confidence >= PROBABLE]
    if not shown:
        return None
    order = list(FIELDS)
    shown.sort(key=lambda one: (order.index(one.field), one.provider))
    rows = tuple(
        {
            "field": one.field,
            "label": FIELDS[one.field].label,
            "value": None if one.is_stale(at) else one.value,
            "unit": one.unit,
            "provider": one.provider,
            "title": title_of(one.provider),
            "sureness": sureness(one),
            "observed_at": one.observed_at,
            "fetched_at": one.fetched_at,
            "expires_at": one.expires_at,
            "fetch_id": one.receipt.id,
        }
        for one in shown
    )
    return Records(KEPT, rows, each_once(one.receipt for one in shown))


def kept(settings: Settings, operator_id: str, now: datetime) -> tuple[FirmFact, ...]:
    """What is kept of an operator's firm, as people decided of the records until now; values whose licence asks for it are deleted where their day has come.

    Raises:
        StoreError: the store cannot be read.
    """
    from customer_research.store.database import is_there, open_store  # noqa: PLC0415 - most reports have no facts to show

    if not is_there(settings.store_url):
        return ()
    from customer_research.store.firms import FirmBook  # noqa: PLC0415 - as above
    from customer_research.store.matches import MatchBook  # noqa: PLC0415 - as above

    with open_store(settings.store_url) as store:
        book = FirmBook(store)
        facts = book.of(operator_id)
        if any(one.is_erased and one.value is not None and one.is_stale(now) for one in facts):
            with suppress(StoreError):  # another program writes: they are not shown, and deleted the next time
                book.erase(now)
        made = MatchBook(store).decisions(operator_id) if facts else ()
        return tuple(as_decided(facts, [one for one in made if one.decided_at <= now]))
