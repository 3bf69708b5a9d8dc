"""An open connection to Stripe: its lists by cursor, for the platform or for one of its connected accounts."""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, Unpack

from customer_research.connect.http import Doubles, Params, Vendor, segment
from customer_research.connect.lasting import Lasting
from customer_research.connect.paging import Page, Stretch, every
from customer_research.connect.request_log import RequestLog
from customer_research.connect.session import VendorSession
from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock
from customer_research.errors import Denied, NotThere
from customer_research.sources.stripe.normalise import changed
from customer_research.sources.stripe.settings import StripeSettings

SOURCE_NAME = "stripe"
PAGE_SIZE = 100
"""Records on one page of a list, the most there may be."""

PLATFORM_SECONDS = 300.0
"""How long the platform's own lists stand in a process that makes many reports: no filter of theirs names an operator, so that each report
would read all of them. The receipt says when they were read."""

Kind = Literal["charges", "refunds", "disputes", "accounts"]
LISTED: tuple[Kind, ...] = ("charges", "refunds", "disputes")
"""Lists of payments."""

PERMISSIONS: Mapping[str, str] = {
    "charges": "Charges and Refunds: Read",
    "refunds": "Charges and Refunds: Read",
    "disputes": "Disputes: Read",
    "accounts": "Connect, Accounts: Read",
}
"""What is listed → what a restricted key needs for it, as Stripe's page of keys calls it."""

GONE = "account_invalid"
"""Stripe's code for a connected account that is deleted, or that this platform may no longer look at."""

MISSING = "resource_missing"
"""Stripe's code for a record that is not there."""

_PERMISSION = re.compile(r"\brak_\w+")
_FORBIDDEN = 403

Record = Mapping[str, Any]


def _error(body: Any) -> Record:
    error = body.get("error") if isinstance(body, Mapping) else None
    return error if isinstance(error, Mapping) else {}


def message(body: Any) -> str:
    """Stripe's own words in an error body."""
    return str(_error(body).get("message") or "")


def code(body: Any) -> str:
    """The code of an error body; where it has none, the error's type."""
    error = _error(body)
    return str(error.get("code") or error.get("type") or "")


def vendor(own: StripeSettings) -> Vendor:
    """Stripe, with our share of what one of its lists allows besides the share of all."""
    limits = tuple((f"/v1/{name}", own.list_requests_per_second) for name in PERMISSIONS)
    return Vendor(SOURCE_NAME, "Stripe", message=message, code=code, own_limits=limits)


class StripeSession(VendorSession[StripeSettings]):
    """One connection to one platform and its connected accounts; it only reads.

    Raises:
        ConfigError: no key, or an address that is none.
    """

    def __init__(self, settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]) -> None:
        own = settings.of(StripeSettings)
        super().__init__(vendor(own), own, settings, clock, **doubles)
        self.clock = clock
        self.platform: Mapping[Kind, Lasting[Any]] = {kind: Lasting(PLATFORM_SECONDS) for kind in LISTED}
        """The platform's own lists, as `lists` has read them."""
        self.too_long = set[tuple[Kind, str | None]]()
        """Lists, each with the account whose it is (None: the platform's), that proved longer than a report reads."""

    async def read(
        self, path: str, log: RequestLog, *, params: Params | None = None, account: str | None = None
    ) -> Record:
        """The object at a path below `/v1`; *account*: as that connected account has it, None: the platform.

        Raises:
            Denied: the key is wrong, lacks a permission (the error names it), or the account may not be looked at (code `GONE`).
            SourceError: as `Http.send`.
        """
        headers = None if account is None else {"Stripe-Account": segment(account)}  # the CSM view may hold anything
        reply = await self.http.send(
            "GET", f"/v1/{path}", params=params, headers=headers, log=log, accept=(_FORBIDDEN,)
        )
        if reply.status == _FORBIDDEN:
            raise self._forbidden(path, reply.body, log, account)
        return self.http.mapping(reply.body, log)

    def _forbidden(self, path: str, body: Any, log: RequestLog, account: str | None) -> Denied:
        if code(body) == GONE:
            named = account or path.rpartition("/")[2]
            sentence = f"Stripe has no connected account {named}, or it no longer lets this platform read it."
            hint = "Ask the operator whether the account was closed or disconnected; then correct the account that we know."
            error = self.http.error(Denied, sentence, log.stream, hint)
        else:
            kind = path.partition("/")[0]
            right = _PERMISSION.search(message(body))
            told = f" ({right[0]})" if right else ""
            whose = "" if account is None else " on connected accounts"
            sentence = f"Stripe's key lacks the permission {PERMISSIONS.get(kind, kind)}{told}{whose}."
            hint = "Give it to the restricted key of stripe.api_key at dashboard.stripe.com/apikeys."
            error = self.http.error(Denied, sentence, log.stream, hint)
        error.code = code(body)
        return error

    async def one(
        self, kind: Kind, identifier: str, log: RequestLog, *, account: str | None = None, expand: tuple[str, ...] = ()
    ) -> Record | None:
        """One record; None: Stripe says by its own code that there is none."""
        try:
            params: Params = {"expand[]": expand or None}
            return await self.read(f"{kind}/{segment(identifier)}", log, params=params, account=account)
        except NotThere as error:
            if error.code == MISSING:
                return None
            raise

    def asking(
        self,
        kind: Kind,
        *,
        account: str | None = None,
        since: int = 0,
        until: int = 0,
        expand: tuple[str, ...] = (),
    ) -> Callable[[str | None, RequestLog], Awaitable[Page]]:
        """What asks for a page of a list, newest first, from behind a record's id on.

        *since*: made then or later, *until*: made before, Unix seconds; 0: whenever.
        """

        async def ask(cursor: str | None, log: RequestLog) -> Page:
            params: Params = {
                "limit": PAGE_SIZE,
                "created[gte]": since or None,
                "created[lt]": until or None,
                "starting_after": cursor,
                "expand[]": expand or None,
            }
            answer = await self.read(kind, log, params=params, account=account)
            records = self.http.results(answer, log, "data")
            goes_on = answer.get("has_more")
            if not isinstance(goes_on, bool):
                raise changed(f"Stripe's list of {kind} does not say whether there is more.")
            following = str(records[-1].get("id") or "") if records else ""
            return Page(records, following or None if goes_on else None, whole=bool(following) or not goes_on)

        return ask

    async def listed(
        self,
        kind: Kind,
        log: RequestLog,
        *,
        account: str | None = None,
        since: int = 0,
        until: int = 0,
        expand: tuple[str, ...] = (),
        start: str | None = None,
        pages: int = sys.maxsize,
    ) -> Stretch:
        """A list from behind the record *start* on, as far as *pages* go."""
        ask = self.asking(kind, account=account, since=since, until=until, expand=expand)
        return await every(self.http, log, ask, start=start, pages=pages)
