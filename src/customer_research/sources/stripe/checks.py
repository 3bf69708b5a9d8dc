"""What `doctor` asks Stripe: the key and what it may read, on whose account the charges are, and whether accounts are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit

from customer_research.connect.source import Check, Subject
from customer_research.domain.check import Diagnosis
from customer_research.errors import Denied
from customer_research.sources.stripe import normalise
from customer_research.sources.stripe.session import GONE, PERMISSIONS, Kind, Record, StripeSession

SCOPES = (*dict.fromkeys(PERMISSIONS.values()), "each with Connect permission, so that it holds on connected accounts")

KINDS: tuple[Kind, ...] = ("charges", "refunds", "disputes", "accounts")
HOST = "api.stripe.com"
SAMPLE_ACCOUNTS = 5
"""Connected accounts whose newest charges are looked at."""


async def key(session: StripeSession, _subject: Subject | None) -> Diagnosis:
    """Does the key open Stripe, and does it read live records?"""
    await session.read("charges", session.log("doctor"), params={"limit": 1})
    mode = "live" if session.own.secret.startswith("rk_live_") else "test"
    found, needed = f"a restricted key of the {mode} mode", "a restricted key of the live mode"
    if mode == "test" and urlsplit(session.own.url).hostname == HOST:
        return Diagnosis("warn", found, needed, "Make a key in live mode: test mode has no passengers.")
    return Diagnosis("ok", found, needed)


async def permissions(session: StripeSession, _subject: Subject | None) -> Diagnosis:
    """May the key read all that is read, on the platform and on a connected account?"""
    account = await _an_account(session)
    lacking: list[str] = [name for name in KINDS if not await _may(session, name, None)]
    if account is not None:
        connected: tuple[Kind, ...] = ("charges", "refunds", "disputes")
        lacking += [f"{name} of connected accounts" for name in connected if not await _may(session, name, account)]
    needed = "; ".join(SCOPES)
    if not lacking:
        return Diagnosis("ok", f"may read {', '.join(KINDS)}", needed)
    fix = "Give the restricted key these permissions at dashboard.stripe.com/apikeys."
    return Diagnosis("fail", f"may not read {', '.join(lacking)}", needed, fix)


async def _may(session: StripeSession, kind: Kind, account: str | None) -> bool:
    try:
        await session.read(kind, session.log("doctor"), params={"limit": 1}, account=account)
    except Denied as error:
        return error.code == GONE
    return True


async def _an_account(session: StripeSession) -> str | None:
    try:
        found = await session.listed("accounts", session.log("doctor"), pages=1)
    except Denied:
        return None
    return normalise.identifier(found.records[0], "account") if found.records else None


async def homes(session: StripeSession, _subject: Subject | None) -> Diagnosis:
    """On whose account are passengers' charges: the operators' connected ones, or the platform's?"""
    log = session.log("doctor")
    platform = (await session.listed("charges", log, pages=1)).records
    accounts = (await session.listed("accounts", log, pages=1)).records[:SAMPLE_ACCOUNTS]
    connected: list[Record] = []
    for one in accounts:
        connected += await _newest(session, normalise.identifier(one, "account"))
    direct = [one for one in connected if not normalise.is_mirror(one)]
    sent_on = [one for one in platform if normalise.made_for(one) is not None]
    found = (
        f"of {len(connected)} charges on {len(accounts)} connected accounts {len(direct)} are direct, {len(connected) - len(direct)} the other"
        f" side of a transfer; of {len(platform)} on the platform {len(sent_on)} are made for a connected account. {_tries((*direct, *sent_on))}"
    )
    needed = "stripe.charges_on says where passengers' charges are"
    if not direct and not sent_on:
        return Diagnosis("skipped", found, needed)
    told = "both" if direct and sent_on else "connected" if direct else "platform"
    if told == session.own.charges_on:
        return Diagnosis("ok", found, needed)
    fix = f"Set stripe.charges_on to {told} if the sample is like the rest."
    return Diagnosis("warn", found, needed, fix, {"stripe.charges_on": told})


async def _newest(session: StripeSession, account: str) -> Sequence[Record]:
    try:
        return (await session.listed("charges", session.log("doctor"), account=account, pages=1)).records
    except Denied as error:
        if error.code == GONE:
            return ()
        raise


def _tries(charges: Sequence[Record]) -> str:
    """How many attempts of how many intents: somebody who tries again with another card has one intent and two charges."""
    intents = Counter(
        normalise.reference(one.get("payment_intent")) or normalise.identifier(one, "charge") for one in charges
    )
    return f"{len(charges)} attempts for {len(intents)} payments"


async def account(session: StripeSession, subject: Subject | None) -> Diagnosis:
    """May the operator's own account be read?"""
    needed = "the account that the CSM view names is connected to the platform"
    if subject is None or subject.stripe_account is None:
        return Diagnosis("skipped", "no operator with an account was named", needed)
    name = subject.stripe_account
    try:
        found = await session.one("accounts", name, session.log("doctor"))
    except Denied as error:
        if error.code != GONE:
            raise
        return Diagnosis("fail", error.message, needed, error.hint)
    if found is None:
        return Diagnosis("fail", f"Stripe knows no account {name}", needed, "Correct the account in the app.")
    takes = "takes" if found.get("charges_enabled") is True else "takes no"
    return Diagnosis("ok", f"{name} is connected and {takes} charges", needed)


CHECKS = (
    Check("key", "Does the key open Stripe?", key),
    Check("permissions", "May the key read all that is needed?", permissions),
    Check("homes", "On whose account are passengers' charges?", homes),
    Check("account", "Is the operator's account connected?", account),
)
