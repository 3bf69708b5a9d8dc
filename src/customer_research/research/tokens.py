"""The use cases behind `tokens`: making, listing and revoking what lets programs in."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from customer_research.domain.access import PERMISSIONS, Permission, Token
from customer_research.domain.report import Report
from customer_research.errors import UsageError
from customer_research.reports.inquiries.tokens_report import REPORT, TokenList
from customer_research.research import options
from customer_research.research.receipts import kept_receipt
from customer_research.settings import Settings
from customer_research.store.access import TokenBook
from customer_research.store.database import open_store

SOURCE = "store"
LONGEST = 200
"""Characters of a token's name."""


def create(
    settings: Settings,
    name: str,
    *,
    email: str,
    owner_id: str,
    permissions: Collection[Permission],
    days: int,
    who: str,
    now: datetime,
) -> tuple[Token, str]:
    """Make a token; it comes back with the text that lets in, which is nowhere kept.

    Raises:
        UsageError: it has no name, or the address is none.
        StoreError: the store cannot be written to.
    """
    name, owner_id = name.strip(), owner_id.strip()
    if not name or len(name) > LONGEST:
        raise UsageError(f"A token's name has 1 to {LONGEST} characters.", hint="Say what it is for.")
    email = options.email_of(email, "Calls are noted under it: --email ada@example.com.")
    granted = tuple(one for one in PERMISSIONS if one == "read" or one in permissions)
    token = Token("", name, email, granted, owner_id, now, who, now + timedelta(days=days))
    with open_store(settings.store_url) as store:
        return TokenBook(store).add(token)


def revoke(settings: Settings, token_id: str, *, now: datetime) -> Token:
    """Take a token back, at once and for good.

    Raises:
        UsageError: there is no such token.
        StoreError: the store cannot be written to.
    """
    with open_store(settings.store_url) as store:
        return TokenBook(store).revoke(token_id, now)


def tokens_report(settings: Settings, *, now: datetime) -> Report:
    """All tokens, the newest first.

    Raises:
        StoreError: the store cannot be read.
    """
    with open_store(settings.store_url) as store:
        found = TokenBook(store).all()
        receipt = kept_receipt(
            "tokens",
            tuple(map(repr, found)),
            source=SOURCE,
            stream="tokens",
            query="all tokens",
            fetched_at=now,
            place=store.place,
        )
    return REPORT.build(TokenList(found, receipt, now))
