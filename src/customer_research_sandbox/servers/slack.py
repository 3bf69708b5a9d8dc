"""Slack's Web API as far as an app of ours needs it: messages, history, views, people, files, private answers; limits by method.

What it does not have: OAuth's install flow, conversations beyond those of `Workspace`, canvases, reactions, scheduled messages.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.limits import Clock, RollingWindow
from customer_research_sandbox.servers.slack_blocks import BlockError, check_message, check_view
from customer_research_sandbox.servers.slack_page import page_of_channel, page_of_workspace
from customer_research_sandbox.servers.slack_space import (
    ANSWER_SECONDS,
    ANSWERS,
    APP_ID,
    BOT_ID,
    BOT_USER,
    TEAM_ID,
    TEAM_NAME,
    Channel,
    Workspace,
)
from customer_research_sandbox.servers.wire import Vendor, answer, bearer

TOKEN = "xoxb-sandbox-slack-bot"  # noqa: S105  (the sandbox's own, opens nothing)
APP_TOKEN = "xapp-sandbox-slack-app"  # noqa: S105
SIGNING_SECRET = "sandbox-slack-signing-secret"  # noqa: S105

MINUTE = 60.0
TIER_1, TIER_2, TIER_3, TIER_4 = 1, 20, 50, 100
"""Calls a minute of a method (https://docs.slack.dev/apis/web-api/rate-limits)."""

SPECIAL = 300
"""Calls a minute of `auth.test`, of which the documentation says "hundreds"."""

_DECODED = ("blocks", "metadata", "view", "files")
"""Arguments that a form has as JSON."""

_HISTORY, _MOST_HISTORY = 100, 999


class SlackError(Exception):
    """`{"ok": false, "error": …}`, with what stands beside it."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


class _Method(NamedTuple):
    """A method: what does it, which scope it needs ("": none, `KIND:…`: that of the conversation), calls a minute."""

    does: Callable[[Row, Request], Row]
    scope: str
    a_minute: int


class SlackServer(Vendor):
    """Slack over one workspace."""

    source = "slack"
    public_prefixes = ("/commands/", "/actions/", "/upload/", "/show")

    def __init__(self, people: Sequence[Row], as_of: datetime, controls: Controls, clock: Clock) -> None:
        super().__init__(controls)
        self.space = Workspace(people, as_of)
        self.socket_url = ""
        """Where `apps.connections.open` sends an app; "": there is no socket."""
        self._clock = clock
        self._windows: dict[tuple[str, str], RollingWindow] = {}
        self._methods: Mapping[str, _Method] = {
            "auth.test": _Method(self._auth_test, "", SPECIAL),
            "apps.connections.open": _Method(self._open_socket, "", TIER_1),
            "chat.postMessage": _Method(self._post, "chat:write", 0),
            "chat.postEphemeral": _Method(self._post_ephemeral, "chat:write", TIER_4),
            "chat.update": _Method(self._update, "chat:write", TIER_3),
            "chat.delete": _Method(self._delete, "chat:write", TIER_3),
            "conversations.history": _Method(self._history, "KIND:history", TIER_3),
            "conversations.replies": _Method(self._replies, "KIND:history", TIER_3),
            "conversations.info": _Method(self._info, "KIND:read", TIER_3),
            "conversations.members": _Method(self._members, "KIND:read", TIER_4),
            "conversations.open": _Method(self._open, "im:write", TIER_3),
            "users.info": _Method(self._user, "users:read", TIER_4),
            "users.lookupByEmail": _Method(self._by_email, "users:read.email", TIER_3),
            "views.open": _Method(self._open_view, "", TIER_4),
            "views.update": _Method(self._update_view, "", TIER_4),
            "views.publish": _Method(self._publish, "", TIER_4),
            "files.getUploadURLExternal": _Method(self._announce, "files:write", TIER_4),
            "files.completeUploadExternal": _Method(self._complete, "files:write", TIER_4),
        }

    def routes(self) -> Sequence[BaseRoute]:
        """The methods, private answers, uploads, and pages to look at."""
        return [
            Route("/api/{method}", self._call, methods=["GET", "POST"]),
            Route("/commands/{rest:path}", self._answered, methods=["POST"]),
            Route("/upload/{file}", self._uploaded, methods=["POST"]),
            Route("/show", self._show),
            Route("/show/{channel}", self._show_channel),
        ]

    def authorised(self, request: Request) -> bool:
        """Whether the token is the app's: that of its bot, or the one that opens a socket."""
        return bearer(request, APP_TOKEN if request.url.path.endswith("/apps.connections.open") else TOKEN)

    def error(self, status: int, message: str = "") -> Response:  # noqa: ARG002  (Slack has codes, no sentences)
        """`{"ok": false, "error": …}`: with status 200, but for limits and failures of Slack itself."""
        if status == 429:
            return answer({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "1"})
        if status >= 500:
            return answer({"ok": False, "error": "internal_error"}, status)
        return answer({"ok": False, "error": "invalid_auth" if status == 401 else "unknown_method"})

    async def _call(self, request: Request) -> Response:
        name = request.path_params["method"]
        method = self._methods.get(name)
        if method is None:
            return self.error(404)
        try:
            asked = await _arguments(request)
            limited = self._limited(name, method, str(asked.get("channel", "")))
            if limited is not None:
                return limited
            self._granted(method.scope, asked)
            told = {"ok": True, **method.does(asked, request)}
        except SlackError as error:
            told = {"ok": False, "error": error.code, **error.more}
        except BlockError as error:
            told = {"ok": False, "error": error.code, "response_metadata": {"messages": [f"[ERROR] {error.said}"]}}
        return answer(told, headers={"x-oauth-scopes": ",".join(sorted(self.space.scopes))})

    def _limited(self, name: str, method: _Method, channel: str) -> Response | None:
        """A refusal where a method is called too often; messages count for each conversation, one a second."""
        if not self.controls.rate_limits:
            return None
        key = (name, channel if not method.a_minute else "")
        limit, seconds = (method.a_minute, MINUTE) if method.a_minute else (1, 1.0)
        verdict = self._windows.setdefault(key, RollingWindow(limit, seconds, self._clock)).take()
        if verdict.allowed:
            return None
        refused = self.error(429)
        refused.headers["Retry-After"] = str(max(math.ceil(verdict.reset_seconds), 1))
        return refused

    def _granted(self, scope: str, asked: Row) -> None:
        if scope.startswith("KIND:"):
            scope = f"{self._channel(asked).kind}:{scope.removeprefix('KIND:')}"
        if scope and scope not in self.space.scopes:
            raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(self.space.scopes)))

    # -- messages ------------------------------------------------------------------------------------------------------

    def _channel(self, asked: Row, name: str = "channel", *, to_write: bool = False) -> Channel:
        """The conversation that is meant, as far as the app may read it, or write to it; a person's id means their direct one."""
        wanted = str(asked.get(name) or "")
        if wanted in self.space.users and to_write and "im:write" in self.space.scopes:
            self._member(wanted)
            return self.space.direct(wanted)
        channel = self.space.channels.get(wanted)
        if channel is None:
            by_name = (one for one in self.space.channels.values() if one.name and wanted.removeprefix("#") == one.name)
            channel = next(by_name, None) if to_write else None
        if channel is None or (channel.private and BOT_USER not in channel.members):
            raise SlackError("channel_not_found")
        if to_write and channel.archived:
            raise SlackError("is_archived")
        if to_write and BOT_USER not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    def _post(self, asked: Row, _request: Request) -> Row:
        channel = self._channel(asked, to_write=True)
        content = _content(asked)
        if asked.get("thread_ts"):
            content["thread_ts"] = self._message(channel, str(asked["thread_ts"]))["ts"]
        message = self.space.post(channel, content)
        return {"channel": channel.id, "ts": message["ts"], "message": message}

    def _post_ephemeral(self, asked: Row, _request: Request) -> Row:
        channel = self._channel(asked, to_write=True)
        user = str(asked.get("user") or "")
        if user not in channel.members:
            raise SlackError("user_not_in_channel")
        content = _content(asked)
        self.space.tell(channel.id, user, content)
        return {"message_ts": self.space.private[-1].message["ts"]}

    def _message(self, channel: Channel, stamp: str) -> Row:
        for message in channel.messages:
            if message["ts"] == stamp:
                return message
        raise SlackError("message_not_found" if stamp else "no_message_ts")

    def _own(self, asked: Row, refused: str) -> tuple[Channel, Row]:
        channel = self._channel(asked, to_write=True)
        message = self._message(channel, str(asked.get("ts") or ""))
        if message["user"] != BOT_USER:
            raise SlackError(refused)
        return channel, message

    def _update(self, asked: Row, _request: Request) -> Row:
        channel, message = self._own(asked, "cant_update_message")
        content = _content(asked)
        kept = {name: message[name] for name in ("metadata",) if name in message and name not in content}
        for name in ("text", "blocks"):
            message.pop(name, None)
        message |= {**kept, **content, "edited": {"user": BOT_USER, "ts": self.space.stamp()}}
        return {"channel": channel.id, "ts": message["ts"], "text": message.get("text", ""), "message": message}

    def _delete(self, asked: Row, _request: Request) -> Row:
        channel, message = self._own(asked, "cant_delete_message")
        channel.messages.remove(message)
        return {"channel": channel.id, "ts": message["ts"]}

    def _history(self, asked: Row, _request: Request) -> Row:
        """The newest first; answers in threads are not among them."""
        channel = self._channel(asked)
        if BOT_USER not in channel.members:
            raise SlackError("not_in_channel")
        return self._listed([one for one in channel.messages if one.get("thread_ts", one["ts"]) == one["ts"]], asked)

    def _replies(self, asked: Row, _request: Request) -> Row:
        """A message and the answers to it, the oldest first."""
        channel = self._channel(asked)
        first = self._message(channel, str(asked.get("ts") or ""))["ts"]
        thread = [one for one in channel.messages if first in {one["ts"], one.get("thread_ts")}]
        return self._listed(thread[::-1], asked, newest_first=False)

    def _listed(self, messages: Sequence[Row], asked: Row, *, newest_first: bool = True) -> Row:
        inclusive = _yes(asked.get("inclusive"))
        oldest, latest = float(asked.get("oldest") or 0), float(asked.get("latest") or "inf")
        found = [
            one
            for one in messages
            if oldest < float(one["ts"]) < latest or (inclusive and float(one["ts"]) in {oldest, latest})
        ]
        found = sorted(found, key=lambda one: one["ts"], reverse=newest_first)
        start, limit = _whole(asked.get("cursor"), 0), min(_whole(asked.get("limit"), _HISTORY), _MOST_HISTORY)
        shown = found[start : start + limit]
        if not _yes(asked.get("include_all_metadata")):
            shown = [{name: value for name, value in one.items() if name != "metadata"} for one in shown]
        more = start + limit < len(found)
        told: Row = {"messages": shown, "has_more": more, "pin_count": 0}
        return {**told, "response_metadata": {"next_cursor": str(start + limit)}} if more else told

    # -- conversations and people --------------------------------------------------------------------------------------

    def _info(self, asked: Row, _request: Request) -> Row:
        channel = self._channel(asked)
        shown = {
            "id": channel.id,
            "name": channel.name,
            "is_channel": channel.kind == "channels",
            "is_group": channel.kind == "groups",
            "is_im": bool(channel.direct),
            "is_private": channel.private,
            "is_archived": channel.archived,
            "is_ext_shared": channel.shared,
            "is_shared": channel.shared,
            "is_org_shared": False,
            "is_pending_ext_shared": False,
            "is_member": BOT_USER in channel.members,
        }
        return {"channel": {**shown, "user": channel.direct} if channel.direct else shown}

    def _members(self, asked: Row, _request: Request) -> Row:
        return {"members": sorted(self._channel(asked).members), "response_metadata": {"next_cursor": ""}}

    def _open(self, asked: Row, _request: Request) -> Row:
        users = [one for one in str(asked.get("users") or "").split(",") if one]
        if len(users) != 1:
            raise SlackError("users_list_not_supplied" if not users else "not_enough_users")
        self._member(users[0])
        return {"channel": {"id": self.space.direct(users[0]).id}, "no_op": False, "already_open": False}

    def _member(self, user: str) -> Row:
        found = self.space.users.get(user)
        if found is None:
            raise SlackError("user_not_found")
        if found["deleted"]:
            raise SlackError("user_disabled")
        return found

    def _user(self, asked: Row, _request: Request) -> Row:
        found = self.space.users.get(str(asked.get("user") or ""))
        if found is None:
            raise SlackError("user_not_found")
        return {"user": self._visible(found)}

    def _by_email(self, asked: Row, _request: Request) -> Row:
        wanted = str(asked.get("email") or "").lower()
        for user in self.space.users.values():
            if wanted and not user["deleted"] and str(user["profile"].get("email", "")).lower() == wanted:
                return {"user": self._visible(user)}
        raise SlackError("users_not_found")

    def _visible(self, user: Row) -> Row:
        """Addresses are for those alone who were granted them."""
        if "users:read.email" in self.space.scopes:
            return user
        return {**user, "profile": {name: value for name, value in user["profile"].items() if name != "email"}}

    def _auth_test(self, _asked: Row, request: Request) -> Row:
        mine = {"user": "customer-research", "user_id": BOT_USER, "bot_id": BOT_ID, "app_id": APP_ID}
        return {"url": str(request.base_url), "team": TEAM_NAME, "team_id": TEAM_ID, **mine}

    def _open_socket(self, _asked: Row, _request: Request) -> Row:
        if not self.socket_url:
            raise SlackError("socket_mode_not_enabled")
        return {"url": self.socket_url}

    # -- views ---------------------------------------------------------------------------------------------------------

    def _open_view(self, asked: Row, _request: Request) -> Row:
        check_view(asked.get("view"))
        if asked["view"]["type"] != "modal":
            raise SlackError("invalid_arguments")
        wrong = self.space.take_trigger(str(asked.get("trigger_id") or ""))
        if wrong:
            raise SlackError(wrong)
        view = {**asked["view"], "id": f"V0MODAL{len(self.space.modals) + 1}", "team_id": TEAM_ID, "hash": "1"}
        self.space.modals.append(view)
        return {"view": view}

    def _update_view(self, asked: Row, _request: Request) -> Row:
        check_view(asked.get("view"))
        for view in self.space.modals:
            if view["id"] == asked.get("view_id"):
                view.update(asked["view"])
                return {"view": view}
        raise SlackError("not_found")

    def _publish(self, asked: Row, _request: Request) -> Row:
        check_view(asked.get("view"))
        user = str(asked.get("user_id") or "")
        if asked["view"]["type"] != "home":
            raise SlackError("invalid_arguments")
        self._member(user)
        self.space.homes[user] = {**asked["view"], "id": f"V0HOME{user}", "team_id": TEAM_ID}
        return {"view": self.space.homes[user]}

    # -- files ---------------------------------------------------------------------------------------------------------

    def _announce(self, asked: Row, request: Request) -> Row:
        name, length = str(asked.get("filename") or ""), _whole(asked.get("length"), 0)
        if not name or length <= 0:
            raise SlackError("invalid_arguments")
        made = self.space.announce(name, length)
        return {"file_id": made.id, "upload_url": f"{request.base_url}upload/{made.id}"}

    async def _uploaded(self, request: Request) -> Response:
        made, body = self.space.files.get(request.path_params["file"]), await request.body()
        if made is None or len(body) != made.length:
            return PlainTextResponse("The length is another than announced." if made else "Not found", 400)
        made.content = body
        return PlainTextResponse(f"OK - {len(body)}")

    def _complete(self, asked: Row, _request: Request) -> Row:
        wanted = asked.get("files") or []
        files = [self.space.files.get(str(one.get("id"))) for one in wanted]
        if not files or any(one is None or one.content is None for one in files):
            raise SlackError("file_not_found")
        channel = self._channel(asked, "channel_id", to_write=True) if asked.get("channel_id") else None
        shown = []
        for one, named in zip(files, wanted, strict=True):
            assert one is not None
            one.title = str(named.get("title") or one.name)
            shown.append({"id": one.id, "name": one.name, "title": one.title, "size": one.length})
            if channel is not None:
                one.shared_in.append(channel.id)
        if channel is not None:
            thread = {"thread_ts": str(asked["thread_ts"])} if asked.get("thread_ts") else {}
            self.space.post(channel, {"text": str(asked.get("initial_comment") or ""), "files": shown, **thread})
        return {"files": shown}

    # -- private answers and pages -------------------------------------------------------------------------------------

    async def _answered(self, request: Request) -> Response:
        """An answer to a `response_url`: to one person, or to the conversation where `response_type` says so."""
        found = self.space.answering.get(request.url.path)
        if found is None or found.used >= ANSWERS:
            return answer({"ok": False, "error": "used_url" if found else "invalid_url"}, 404)
        if self.space.now() - found.since > ANSWER_SECONDS:
            return answer({"ok": False, "error": "expired_url"}, 404)
        asked = json.loads(await request.body() or b"{}")
        if asked.get("delete_original"):
            found.used += 1
            return PlainTextResponse("ok")
        try:
            content = _content(asked)
        except BlockError as error:
            return answer({"ok": False, "error": error.code}, 400)
        found.used += 1
        channel = self.space.channels.get(found.channel)
        if asked.get("response_type") == "in_channel" and channel is not None:
            self.space.post(channel, content)
        else:
            self.space.tell(found.channel, found.user, content, instead=_yes(asked.get("replace_original")))
        return PlainTextResponse("ok")

    def _show(self, _request: Request) -> Response:
        return page_of_workspace(self.space)

    def _show_channel(self, request: Request) -> Response:
        return page_of_channel(self.space, request.path_params["channel"])


def _content(asked: Row) -> Row:
    """What a message keeps of what was sent, once it is checked."""
    text, blocks, metadata = str(asked.get("text") or ""), asked.get("blocks"), asked.get("metadata")
    check_message(text, blocks, metadata)
    given = {"text": text, "blocks": blocks, "metadata": metadata, "unfurl_links": asked.get("unfurl_links")}
    return {name: value for name, value in given.items() if value is not None}


async def _arguments(request: Request) -> Row:
    """A method's arguments: of the query, of a form, or of a JSON object."""
    asked: Row = dict(request.query_params)
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        asked |= _decoded(body.decode(), "invalid_json", (dict,)) if body else {}
    else:
        asked |= dict(parse_qsl(body.decode(), keep_blank_values=True))
    for name in _DECODED:
        if isinstance(asked.get(name), str):
            asked[name] = _decoded(asked[name], "invalid_arguments", (list, dict))
    return asked


def _decoded(text: str, refused: str, types: Collection[type]) -> Any:
    try:
        found = json.loads(text)
    except ValueError:
        raise SlackError(refused) from None
    if not isinstance(found, tuple(types)):
        raise SlackError(refused)
    return found


def _yes(value: Any) -> bool:
    return value in {True, "1", "true", "True"}


def _whole(value: Any, default: int) -> int:
    return int(value) if str(value or "").isdecimal() else default
