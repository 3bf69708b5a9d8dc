"""Where an answer goes: to one person alone, by `response_url`, into a conversation so that they alone see it, or directly."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any, Protocol

from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from customer_research.surfaces.slack.messages import Told

logger = logging.getLogger(__name__)

_GONE = 404
_RETRIES = 2
_UNFIT = frozenset({"invalid_blocks", "msg_blocks_too_long", "invalid_blocks_format"})
"""Slack does not take the blocks: the text is told alone."""


def waiting() -> list[AsyncRetryHandler]:
    """What a client does about limits: it waits them out. Nothing else is sent again: it may have arrived."""
    return [AsyncRateLimitErrorRetryHandler(max_retry_count=_RETRIES)]


def code_of(error: SlackApiError) -> str:
    """What Slack calls an error; of an answer that is no JSON the client keeps no code."""
    get = getattr(error.response, "get", None)
    return str(get("error") or "no code") if get is not None else "no JSON"


class Place(Protocol):
    """Where somebody hears an answer; nobody else does."""

    async def tell(self, told: Told) -> None:
        """Tell them.

        Raises:
            SlackApiError: Slack does not take it.
        """


@dataclass(frozen=True, slots=True)
class Directly:
    """The app's direct conversation with somebody."""

    client: AsyncWebClient
    user: str

    async def tell(self, told: Told) -> None:
        """Tell them."""
        await posted(self.client, channel=self.user, told=told)


@dataclass(frozen=True, slots=True)
class Privately:
    """A conversation in which they alone see it; directly, where they are not in it."""

    client: AsyncWebClient
    channel: str
    user: str
    thread: str = ""

    async def tell(self, told: Told) -> None:
        """Tell them."""
        more = {"thread_ts": self.thread} if self.thread else {}
        try:
            await _fitting(self.client.chat_postEphemeral, told, channel=self.channel, user=self.user, **more)
        except SlackApiError as error:
            if code_of(error) not in ELSEWHERE:
                raise
            await Directly(self.client, self.user).tell(told)


ELSEWHERE = frozenset({"user_not_in_channel", "not_in_channel", "channel_not_found", "is_archived"})
"""The conversation takes nothing of the app's, or not for this person."""


@dataclass(frozen=True, slots=True)
class ByUrl:
    """A `response_url`, as often and as long as it takes answers; then directly."""

    client: AsyncWebClient
    url: str
    user: str

    async def tell(self, told: Told) -> None:
        """Tell them."""
        hook = AsyncWebhookClient(self.url, timeout=self.client.timeout, logger=logger, retry_handlers=waiting())
        answer = await hook.send(text=told.text, blocks=told.blocks, response_type="ephemeral", replace_original=False)
        if answer.status_code == _GONE:  # five answers, or half an hour
            await Directly(self.client, self.user).tell(told)
        elif answer.status_code >= 400 and told.blocks:  # noqa: PLR2004 - HTTP's bound
            logger.warning("Slack did not take an answer's blocks (%s); its text was told alone", answer.status_code)
            await self.tell(replace(told, blocks=[]))
        elif answer.status_code >= 400:  # noqa: PLR2004
            logger.warning("Slack did not take an answer (%s)", answer.status_code)


async def posted(client: AsyncWebClient, *, channel: str, told: Told) -> Any:
    """Post a message; its text alone where Slack does not take the blocks.

    Raises:
        SlackApiError: Slack does not take it.
    """
    return await _fitting(client.chat_postMessage, told, channel=channel, unfurl_links=False, unfurl_media=False)


async def _fitting(call: Any, told: Told, **given: Any) -> Any:
    try:
        return await call(text=told.text, blocks=told.blocks or None, **given)
    except SlackApiError as error:
        if code_of(error) not in _UNFIT or not told.blocks:
            raise
        logger.warning("Slack did not take a message's blocks (%s); its text was told alone", code_of(error))
        return await call(text=told.text, **given)
