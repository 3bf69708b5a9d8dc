"""Slack: a message of the app's own, found again by a key in its metadata.

Slack has no key of ours that makes a second post impossible, so that a message which may be there is looked for in the history
of its conversation since it was begun. Without the right to read that history it cannot be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Unpack

from customer_research.channels.channel import Delayed, Failure, Outgoing, Refused, Sighting, Unsure, failure, harmless
from customer_research.connect.http import Doubles, Http, Method, Params, Vendor
from customer_research.connect.request_log import RequestLog
from customer_research.connect.settings import SettingsTree, VendorSettings
from customer_research.connect.source import Clock
from customer_research.errors import SourceError

EVENT = "customer_research_delivery"
"""The type of the metadata that has the key; every member of the conversation can read both."""

BEFORE = timedelta(seconds=60)
"""Slack's clock and ours may differ by so much."""

PAGE, MOST_PAGES = 200, 10
"""Messages of a page of history, and how many pages are read at most; what lies beyond cannot be told."""

SECONDS = 30.0
"""How long a call may take, waits for Slack's limits included."""

UNSURE = frozenset({"fatal_error", "internal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
"""Errors of which Slack says that some of what was asked for may have been done."""

LATER = frozenset({"ratelimited", "rate_limited", "accesslimited", "org_login_required"})
"""Errors after which nothing was done, and the same may be asked again."""

UNEDITABLE = frozenset(
    {
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "channel_not_found",
        "is_inactive",
        "not_in_channel",
    }
)
"""A message that cannot be rewritten: what was to stand in its place is posted."""

NO_THREAD = frozenset({"thread_not_found", "message_not_found"})
"""The message that began the thread is not there (any more)."""

HINTS: Mapping[str, str] = {
    "account_inactive": "The app's user was switched off: install the app again.",
    "channel_not_found": "Check the id of the channel, and invite the app there.",
    "invalid_auth": "Check slack.token.",
    "is_archived": "Choose another channel.",
    "messages_tab_disabled": "Switch on the Messages Tab of the app's home.",
    "missing_scope": "Install the app again with the scopes of its manifest.",
    "not_in_channel": "Invite the app into the channel.",
    "token_expired": "Check slack.token.",
    "token_revoked": "Install the app again, and set slack.token.",
    "user_not_found": "Check the person's Slack id.",
}

_VENDOR = Vendor(
    "slack", "Slack", message=lambda body: str(body.get("error") or "") if isinstance(body, Mapping) else ""
)
_PEOPLE = ("U", "W")
_TEXT = 3_000


class SlackApi(VendorSettings):
    """Where Slack is, and what the app posts with, as the HTTP client takes it."""

    section = "slack"
    place = 0

    url: str = "https://slack.com/api/"
    token: Any = None
    requests_per_second: float = 4.0
    concurrency: int = 4


class SlackError(Exception):
    """Slack answered `ok: false`; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class SlackChannel:
    """Messages of the app in channels, and to people directly.

    Args:
        api: where Slack is, and the token.
        settings: what holds for every vendor.
        clock: the present instant.
        doubles: what tests put in the place of the network and of time.

    Raises:
        ConfigError: no token, or no address.
    """

    title: ClassVar[str] = "Slack"

    def __init__(self, api: SlackApi, settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]) -> None:
        self._http = Http(_VENDOR, api, settings, clock, deadline_seconds=SECONDS, **doubles)
        self._direct: dict[str, str] = {}

    async def close(self) -> None:
        """Close the pool."""
        await self._http.close()

    async def send(self, outgoing: Outgoing) -> str:
        """Post the message, or rewrite the one in whose place it goes; see `Channel.send`."""
        log = self._http.log("delivery")
        if outgoing.original:
            edited = await self._edited(outgoing, log)
            if edited:
                return edited
        conversation = await self._conversation(outgoing.message.address.place, log)
        body = {
            "channel": conversation,
            **_content(outgoing.message.content),
            "metadata": {"event_type": EVENT, "event_payload": {"key": outgoing.key}},
            "unfurl_links": False,
            "unfurl_media": False,
        }
        root = _stamp(outgoing.thread, conversation)
        answer = await self._posted({**body, "thread_ts": root} if root else body, log)
        if answer is None:  # the message that began the thread was deleted
            answer = await self._posted(body, log)
        return f"{(answer or {}).get('channel') or conversation}/{(answer or {}).get('ts')}"

    async def look_up(self, outgoing: Outgoing) -> Sighting:
        """Look for the key in the conversation since the message was begun; see `Channel.look_up`."""
        assert outgoing.begun_at is not None
        log = self._http.log("delivery")
        try:
            conversation = await self._conversation(outgoing.message.address.place, log)
            root = _stamp(outgoing.thread, conversation)
            asked: dict[str, str | int | bool] = {
                "channel": conversation,
                "oldest": f"{(outgoing.begun_at - BEFORE).timestamp():.6f}",
                "include_all_metadata": True,
                "limit": PAGE,
            }
            seen = (
                await self._search("conversations.replies", {**asked, "ts": root}, outgoing.key, log) if root else None
            )
            return seen or await self._search("conversations.history", asked, outgoing.key, log) or Sighting("absent")
        except Refused as error:
            return Sighting("cannot_tell", because=error.message)

    async def identity(self) -> Mapping[str, Any]:
        """Who the token is, as `auth.test` tells it.

        Raises:
            Refused, Delayed: as `Channel.send`.
        """
        return await self._read("auth.test", {}, self._http.log("doctor"))

    # -- steps ---------------------------------------------------------------------------------------------------------

    async def _posted(self, body: Mapping[str, Any], log: RequestLog) -> Mapping[str, Any] | None:
        """Post a message; None where it was to stand in a thread that is not there."""
        try:
            return await self._call("chat.postMessage", log, json=body)
        except SlackError as error:
            if error.code in NO_THREAD and "thread_ts" in body:
                return None
            raise _failed("chat.postMessage", error.code) from None
        except SourceError as error:
            raise failure(error) from None

    async def _edited(self, outgoing: Outgoing, log: RequestLog) -> str:
        """Rewrite the original, which may be done twice; empty where Slack does not let anybody."""
        conversation, _, stamp = outgoing.original.partition("/")
        body = {"channel": conversation, "ts": stamp, **_content(outgoing.message.content)}
        try:
            await self._call("chat.update", log, json=body, safe=True)
        except SlackError as error:
            if error.code in UNEDITABLE:
                return ""
            raise harmless(_failed("chat.update", error.code)) from None
        except SourceError as error:
            raise harmless(failure(error)) from None
        except Unsure as error:
            raise harmless(error) from None
        return outgoing.original

    async def _conversation(self, place: str, log: RequestLog) -> str:
        """The conversation's id: of a person the direct one, opened if need be."""
        if not place.startswith(_PEOPLE):
            return place
        if place not in self._direct:
            answer = await self._read("conversations.open", {"users": place}, log)
            opened = answer.get("channel")
            self._direct[place] = str(opened.get("id") or place) if isinstance(opened, Mapping) else place
        return self._direct[place]

    async def _search(
        self, method: str, asked: Mapping[str, str | int | bool], key: str, log: RequestLog
    ) -> Sighting | None:
        """Look through the pages of a list of messages; None where the key is in none of them, or the thread is not there."""
        cursor: Mapping[str, str] = {}
        for _ in range(MOST_PAGES):
            answer = await self._read(method, {**asked, **cursor}, log, gone=NO_THREAD)
            for message in answer.get("messages") or ():
                if _key(message) == key:
                    return Sighting("there", f"{asked['channel']}/{message.get('ts')}")
            following = (answer.get("response_metadata") or {}).get("next_cursor")
            if not following:
                return None
            cursor = {"cursor": str(following)}
        return Sighting("cannot_tell", because=f"More than {PAGE * MOST_PAGES:,} messages were posted there since.")

    # -- calls ---------------------------------------------------------------------------------------------------------

    async def _read(
        self, method: str, asked: Params, log: RequestLog, *, gone: frozenset[str] = frozenset()
    ) -> Mapping[str, Any]:
        """What Slack tells; asking twice changes nothing, so that no failure leaves anything unsure.

        Raises:
            Refused, Delayed: as `Channel.send`. An error of `gone` is an empty answer.
        """
        try:
            return await self._call(method, log, params=asked, safe=True)
        except SlackError as error:
            if error.code in gone:
                return {}
            raise harmless(_failed(method, error.code)) from None
        except SourceError as error:
            raise harmless(failure(error)) from None
        except Unsure as error:
            raise harmless(error) from None

    async def _call(
        self, method: str, log: RequestLog, *, json: Any = None, params: Params | None = None, safe: bool = False
    ) -> Mapping[str, Any]:
        """Slack's answer; what is asked with *params* only reads, and so every method takes it as a query.

        Raises:
            SlackError: Slack did not do it.
            SourceError: the request failed.
            Unsure: something that no answer of Slack's is.
        """
        verb: Method = "POST" if params is None else "GET"
        body = (await self._http.send(verb, method, params=params, json=json, log=log, safe=safe)).body
        if not isinstance(body, Mapping) or not isinstance(body.get("ok"), bool):
            raise Unsure(f"The answer to {method} is none of Slack's.", hint="Check slack.url.")
        if not body["ok"]:
            raise SlackError(str(body.get("error") or "unknown_error")[:60])
        return body


def _content(content: Mapping[str, Any]) -> dict[str, Any]:
    """What of a message Slack takes; a message always has a text, which notifications show."""
    made: dict[str, Any] = {"text": str(content.get("text") or "")[:_TEXT]}
    if content.get("blocks"):
        made["blocks"] = content["blocks"]
    return made


def _stamp(remote: str, conversation: str) -> str:
    """The stamp of a message there that begins a thread; empty where it is of another conversation."""
    place, _, stamp = remote.partition("/")
    return stamp if place == conversation else ""


def _key(message: Any) -> str:
    metadata = message.get("metadata") if isinstance(message, Mapping) else None
    if not isinstance(metadata, Mapping) or metadata.get("event_type") != EVENT:
        return ""
    return str((metadata.get("event_payload") or {}).get("key") or "")


def _failed(method: str, code: str) -> Failure:
    """What an error of Slack's means for the message."""
    if code in UNSURE:
        return Unsure(f"Slack failed while it did {method} ({code}).")
    if code in LATER:
        return Delayed(f"Slack does not do {method} now ({code}).")
    return Refused(f"Slack refused {method} ({code}).", hint=HINTS.get(code, ""))
