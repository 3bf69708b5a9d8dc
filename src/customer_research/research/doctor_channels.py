"""`doctor`'s look at the channels by which messages leave: what can be checked without sending one. A channel that is not set up has no row."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from customer_research.channels.channel import NotDelivered
from customer_research.channels.settings import WebhookPlace
from customer_research.connect.source import Clock
from customer_research.domain.check import CheckResult, not_tried
from customer_research.errors import CustomerResearchError
from customer_research.settings import Settings

_SLACK_NEEDED = "A bot token that Slack takes (chat:write; history scopes to look messages up)."
_EMAIL_NEEDED = "A mail server that is reached over TLS and lets us sign in, and a sender."
_WEBHOOK_NEEDED = "An https address, and a secret to sign with."
_FILE_NEEDED = "A folder that can be written to."


async def channels(settings: Settings, clock: Clock, *, online: bool) -> tuple[CheckResult, ...]:
    """A row for each channel that is set up; servers are asked only when `online`, and nothing is sent."""
    rows: list[CheckResult] = []
    if settings.slack.token is not None:
        rows.append(await _asked("channel.slack", _SLACK_NEEDED, lambda: _slack(settings, clock), online=online))
    if settings.email.host or settings.email.sender:
        rows.append(await _asked("channel.email", _EMAIL_NEEDED, lambda: _email(settings), online=online))
    rows += [_webhook(settings, name, place) for name, place in settings.webhook.places.items()]
    if settings.deliveries.folder is not None:
        rows.append(_file(settings.deliveries.folder))
    return tuple(rows)


async def _asked(name: str, needed: str, ask: Callable[[], Awaitable[str]], *, online: bool) -> CheckResult:
    if not online:
        return not_tried(name, needed)
    try:
        return CheckResult(name, "ok", await ask(), needed)
    except CustomerResearchError as error:
        return CheckResult(name, "fail", error.message, needed, error.hint)


async def _slack(settings: Settings, clock: Clock) -> str:
    from customer_research.channels.slack import SlackApi, SlackChannel  # noqa: PLC0415 - start-up time

    channel = SlackChannel(SlackApi(url=settings.slack.url, token=settings.slack.token), settings, clock)
    try:
        told = await channel.identity()
    finally:
        await channel.close()
    return f"Slack knows the token: {told.get('user') or 'an app'} in {told.get('team') or 'a workspace'}."


async def _email(settings: Settings) -> str:
    from customer_research.channels.email_ import EmailChannel  # noqa: PLC0415 - start-up time

    host = await EmailChannel(settings.email).greeted()
    return f"{host} answers{' and lets us sign in' if settings.email.user else ''}; nothing was sent."


def _webhook(settings: Settings, name: str, place: WebhookPlace) -> CheckResult:
    """The address's form and the secret; nobody is asked, since asking would tell."""
    check = f"channel.webhook.{name}"
    wrong = next(_wrong_webhook(settings, place), None)
    if wrong is not None:
        return CheckResult(check, "fail", wrong[0], _WEBHOOK_NEEDED, wrong[1])
    return CheckResult(
        check, "ok", "Its address and its secret have the right form; nothing was sent.", _WEBHOOK_NEEDED
    )


def _wrong_webhook(settings: Settings, place: WebhookPlace) -> Iterator[tuple[str, str]]:
    from customer_research.channels.webhook import signature  # noqa: PLC0415 - start-up time

    schemes = {"https", "http"} if settings.webhook.allow_private else {"https"}
    parts = urlsplit(place.url.get_secret_value())
    if parts.scheme not in schemes or not parts.hostname:
        yield "Its address does not begin with https://.", "Correct its url."
    try:
        signature(place.secret.get_secret_value(), "doctor", datetime.now(UTC), "{}")
    except (NotDelivered, CustomerResearchError) as error:
        yield error.message, error.hint


def _file(folder: Path) -> CheckResult:
    near = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    if near.is_dir() and os.access(near, os.W_OK):
        there = "is there" if folder.exists() else "will be made"
        return CheckResult("channel.file", "ok", f"{folder} {there} and can be written to.", _FILE_NEEDED)
    return CheckResult(
        "channel.file", "fail", f"{folder} cannot be written to.", _FILE_NEEDED, "Set deliveries.folder."
    )
