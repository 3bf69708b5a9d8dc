"""The app: each request of Slack's is acknowledged at once, taken once, and worked on behind that; who asks is known first.

```python
async with Runner(settings) as runner, slack_app(settings, runner, desk) as app:
    await app.over_http(scope, receive, send)
```
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sized
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import aiohttp
from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from customer_research.documents.formats import render
from customer_research.documents.formats.slack_blocks import ASK, escape
from customer_research.documents.formats.slack_controls import (
    ALERT_ACK,
    ALERT_ASSIGN,
    ALERT_BLOCK,
    ALERT_OUTCOME,
    ALERT_SNOOZE,
)
from customer_research.domain.report import Report
from customer_research.errors import ConfigError, CustomerResearchError, UsageError
from customer_research.research.usecases import Answer, Runner, SlackDesk
from customer_research.settings import Settings
from customer_research.surfaces.slack import modals
from customer_research.surfaces.slack.acting import acted, told_in
from customer_research.surfaces.slack.commands import COMMAND, Asked, asked, said
from customer_research.surfaces.slack.home import HERE, MUTE, REFRESH, UNMUTE, home_of, preferred
from customer_research.surfaces.slack.members import Member, Members
from customer_research.surfaces.slack.messages import (
    OPEN_ALERT,
    PDF,
    SHARE,
    Told,
    ask_again,
    content,
    of_answer,
    of_error,
    of_help,
    plain,
)
from customer_research.surfaces.slack.talking import (
    ELSEWHERE,
    ByUrl,
    Directly,
    Place,
    Privately,
    code_of,
    posted,
    waiting,
)

logger = logging.getLogger(__name__)

PATH = "/slack/events"
AT_ONCE = 40
"""Requests that are being worked on; a further one is told to ask again. The runner's own queue is as long."""

LATE_SECONDS = 20.0
"""How long requests under way may go on when the app ends."""

UNREACHED = (aiohttp.ClientError, OSError, TimeoutError)
"""Slack did not answer, or not to the end."""

_SLACK_SECONDS = 10
_NOT_DONE = "Slack did not answer. Ask again."

Body = Mapping[str, Any]
Work = Callable[[Member, Place], Awaitable[None]]
D = TypeVar("D", bound=Sized)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the app is in its workspace."""

    team: str
    user: str
    bot: str


@asynccontextmanager
async def slack_app(settings: Settings, runner: Runner, desk: SlackDesk) -> AsyncIterator[SlackApp]:
    """The app over a runner; at its end requests under way are waited for.

    Args:
        settings: with Slack's own.
        runner: runs the use cases; its audit is the caller's (`SlackDesk.note` notes in the store).
        desk: says who may ask; the caller closes it.

    Raises:
        ConfigError: the token is missing, or Slack does not know it.
    """
    client = client_of(settings)
    app = SlackApp(settings, runner, desk, client, await _identity(client))
    try:
        yield app
    finally:
        await app.end()


def client_of(settings: Settings) -> AsyncWebClient:
    """A client of the Web API: it waits out limits, and sends nothing a second time by itself.

    Raises:
        ConfigError: the token is missing.
    """
    token = settings.slack.token
    if token is None:
        raise ConfigError.missing("slack.token", "Set it to the app's bot token.")
    return AsyncWebClient(
        token.get_secret_value(),
        base_url=settings.slack.url,
        timeout=_SLACK_SECONDS,
        retry_handlers=waiting(),
        logger=logger,
    )


async def _identity(client: AsyncWebClient) -> Identity:
    try:
        told = await client.auth_test()
    except SlackApiError as error:
        raise ConfigError(
            f"Slack does not take the bot token ({code_of(error)}).",
            setting="slack.token",
            hint="Install the app in the workspace, and copy its bot token.",
        ) from None
    return Identity(str(told["team_id"]), str(told["user_id"]), str(told["bot_id"]))


class SlackApp:
    """Listens; made by `slack_app`."""

    def __init__(
        self, settings: Settings, runner: Runner, desk: SlackDesk, client: AsyncWebClient, identity: Identity
    ) -> None:
        self._settings, self._runner, self._desk = settings, runner, desk
        self._client = client
        self._members = Members(client, desk, identity.team)
        self._tasks: set[asyncio.Task[None]] = set()
        secret = settings.slack.signing_secret

        async def installed() -> AuthorizeResult:
            """The app's own installation: it serves one workspace, and asks Slack nothing before it acknowledges."""
            return AuthorizeResult(
                enterprise_id=None,
                team_id=identity.team,
                bot_user_id=identity.user,
                bot_id=identity.bot,
                bot_token=client.token,
            )

        self.bolt = AsyncApp(
            client=AsyncWebClient(base_url=settings.slack.url),
            authorize=installed,
            signing_secret=secret.get_secret_value() if secret is not None else "",
            logger=logger,
        )
        self._listen()

    @property
    def over_http(self) -> AsyncSlackRequestHandler:
        """The app as an ASGI application that answers at `PATH`.

        Raises:
            ConfigError: nothing would tell that a request is Slack's.
        """
        if self._settings.slack.signing_secret is None:
            hint = "It stands among the app's credentials; over socket mode it is not needed."
            raise ConfigError.missing("slack.signing_secret", hint)
        return AsyncSlackRequestHandler(self.bolt, PATH)

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def end(self) -> None:
        """Wait for what is under way, then stop it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LATE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- what Slack sends ----------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        bolt = self.bolt
        bolt.command(COMMAND)(self._typed)
        bolt.event("app_mention")(self._mentioned)
        bolt.event("message")(self._written)
        bolt.event("app_home_opened")(self._home_opened)
        bolt.shortcut(modals.LOOKUP)(self._shortcut)
        bolt.view(modals.LOOKUP)(self._lookup_submitted)
        bolt.view(modals.OUTCOME)(self._outcome_submitted)
        bolt.action(re.compile(f"^{ASK}:"))(self._asked_by_button)
        bolt.action(OPEN_ALERT)(self._asked_by_button)
        bolt.action(SHARE)(self._shared)
        bolt.action(PDF)(self._sent_as_pdf)
        for name in (ALERT_ACK, ALERT_SNOOZE, ALERT_ASSIGN):
            bolt.action(name)(self._acted)
        bolt.action(ALERT_OUTCOME)(self._outcome_asked)
        for name in (REFRESH, HERE, MUTE, UNMUTE):
            bolt.action(name)(self._home_pressed)

    async def _typed(self, ack: Any, body: Body) -> None:
        """Somebody types `/customer …`; it is repeated to them, since Slack shows nobody what was typed."""
        text = said(str(body.get("text") or ""))
        await ack(text=escape(f"{COMMAND} {text}".strip()), response_type="ephemeral")
        place = ByUrl(self._client, str(body["response_url"]), str(body["user_id"]))
        self._start(
            f"trigger {body['trigger_id']}", str(body["user_id"]), str(body["channel_id"]), place, self._answering(text)
        )

    async def _mentioned(self, ack: Any, body: Body) -> None:
        """Somebody names the app in a conversation: they alone see the answer."""
        await ack()
        event = body["event"]
        if event.get("bot_id") or not event.get("user"):
            return
        user, channel = str(event["user"]), str(event["channel"])
        place = Privately(self._client, channel, user, str(event.get("thread_ts") or ""))
        self._start(
            f"event {body['event_id']}", user, channel, place, self._answering(said(str(event.get("text") or "")))
        )

    async def _written(self, ack: Any, body: Body) -> None:
        """Somebody writes to the app directly; what programs write, and changes of messages, are none of ours."""
        await ack()
        event = body["event"]
        if event.get("channel_type") != "im" or event.get("subtype") or event.get("bot_id") or not event.get("user"):
            return
        user = str(event["user"])
        text = said(str(event.get("text") or ""))
        place = Directly(self._client, user)
        self._start(f"event {body['event_id']}", user, str(event["channel"]), place, self._answering(text))

    async def _home_opened(self, ack: Any, body: Body) -> None:
        await ack()
        event = body["event"]
        if event.get("tab") == "home":
            user = str(event["user"])
            place = _AtHome(self._client, user)
            self._start(f"event {body['event_id']}", user, "", place, self._show_home)

    async def _home_pressed(self, ack: Any, body: Body) -> None:
        await ack()
        user, action = str(body["user"]["id"]), body["actions"][0]

        async def work(member: Member, place: Place) -> None:
            await preferred(self._runner, member, action)
            await self._show_home(member, place)

        self._start(_pressed(body), user, "", _AtHome(self._client, user), work)

    async def _shortcut(self, ack: Any, body: Body) -> None:
        """The modal opens before it is known who asks: it shows nothing, and the trigger is good for three seconds."""
        await ack()
        message = body.get("message") or {}
        back = modals.Back(str(body.get("response_url") or ""), str(body.get("channel", {}).get("id") or ""))
        view = modals.lookup(back, said(str(message.get("text") or "")))
        await self._open(body, view)

    async def _outcome_asked(self, ack: Any, body: Body) -> None:
        await ack()
        back = modals.Back(str(body.get("response_url") or ""), _channel(body), _value(body))
        await self._open(body, modals.outcome(back))

    async def _open(self, body: Body, view: dict[str, Any]) -> None:
        """Open a modal; a trigger that was used before, or is late, opens none."""
        try:
            await self._client.views_open(trigger_id=str(body["trigger_id"]), view=view)
        except SlackApiError as error:
            logger.warning("Slack opened no modal (%s)", code_of(error))

    async def _lookup_submitted(self, ack: Any, body: Body) -> None:
        await ack()
        view, user = body["view"], str(body["user"]["id"])
        back = modals.Back.of(view.get("private_metadata") or "")
        self._start(
            _submitted(body), user, back.channel, self._at(back.url, user), self._answering(modals.asked_in(view))
        )

    async def _outcome_submitted(self, ack: Any, body: Body) -> None:
        await ack()
        view, user = body["view"], str(body["user"]["id"])
        back = modals.Back.of(view.get("private_metadata") or "")
        _alert, _, operator = back.subject.partition(" ")
        request = {"operator": operator, **modals.done_in(view)}

        async def note(member: Member, place: Place) -> None:
            answer = await self._runner.use("outcome done", request, member.actor)
            await place.tell(content(answer))

        self._start(_submitted(body), user, back.channel, self._at(back.url, user), note)

    async def _asked_by_button(self, ack: Any, body: Body) -> None:
        await ack()
        action = body["actions"][0]
        text = str(action.get("value") or (action.get("selected_option") or {}).get("value") or "")
        if action["action_id"] == OPEN_ALERT:
            text = f"alert {text}"
        self._press(body, self._answering(text))

    async def _shared(self, ack: Any, body: Body) -> None:
        """The answer is made anew for everybody in the conversation; the audit has who shared it."""
        await ack()
        text, channel = _value(body), _channel(body)

        async def share(member: Member, place: Place) -> None:
            question = ask_again(text, member.owner_id)
            _answer, told = await self._used(
                question, member, lambda found: content(found, by=member.name, question=question.text), "share"
            )
            await self._posted(place, posted(self._client, channel=channel, told=told))

        self._press(body, share)

    async def _sent_as_pdf(self, ack: Any, body: Body) -> None:
        await ack()
        text, channel = _value(body), _channel(body)

        async def send(member: Member, place: Place) -> None:
            answer, _ = await self._used(ask_again(text, member.owner_id), member, lambda _found: "", "pdf")
            await self._posted(place, self._upload(answer, channel, member))

        self._press(body, send)

    async def _acted(self, ack: Any, body: Body) -> None:
        """What people do about an alert; its message says so afterwards."""
        await ack()

        async def act(member: Member, place: Place) -> None:
            use_case, request = await acted(body["actions"][0], self._alert(body), self._members, self._runner.now())
            answer = await self._runner.use(use_case, request, member.actor)
            await place.tell(content(answer))
            if (changed := told_in(body, answer, member.name)) is not None:
                container = body["container"]
                stamp, channel = str(container["message_ts"]), str(container["channel_id"])
                await self._client.chat_update(channel=channel, ts=stamp, text=changed.text, blocks=changed.blocks)

        self._press(body, act)

    def _alert(self, body: Body) -> str:
        """The alert that a control is of: the block's id has it, where the control's own value cannot."""
        return str(body["actions"][0].get("block_id") or "").removeprefix(ALERT_BLOCK)

    # -- working on it -------------------------------------------------------------------------------------------------

    def _press(self, body: Body, work: Work) -> None:
        user = str(body["user"]["id"])
        place = self._at(str(body.get("response_url") or ""), user)
        self._start(_pressed(body), user, _channel(body), place, work)

    def _at(self, url: str, user: str) -> Place:
        """Where somebody is answered: by a `response_url`, or directly where there is none."""
        return ByUrl(self._client, url, user) if url else Directly(self._client, user)

    def _start(self, name: str, user: str, channel: str, place: Place, work: Work) -> None:
        """Work on a request behind its acknowledgement."""
        todo: Coroutine[Any, Any, None] = self._worked(name, user, channel, place, work)
        if len(self._tasks) >= AT_ONCE:
            todo.close()
            todo = self._told(place, plain(f"{AT_ONCE} questions are being worked on.", "Ask again in a minute."))
        task = asyncio.get_running_loop().create_task(todo)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _worked(self, name: str, user: str, channel: str, place: Place, work: Work) -> None:
        try:
            if not await self._desk.take(name):
                return
            member = await self._members.who(user)
            await self._members.require_inside(channel)
            await work(member, place)
        except CustomerResearchError as error:
            await self._told(place, of_error(error))
        except SlackApiError as error:
            logger.warning("Slack refused: %s", code_of(error))
            await self._told(place, plain(f"Slack refused ({code_of(error)})."))
        except (*UNREACHED, SlackClientError) as error:
            logger.warning("Slack did not answer: %s", type(error).__name__)
            await self._told(place, plain(_NOT_DONE))
        except Exception as error:
            logger.exception("A request of Slack's failed")
            await self._told(
                place, plain(f"Unexpected failure ({type(error).__name__}).", "It is a defect of the app: report it.")
            )

    async def _told(self, place: Place, told: Told) -> None:
        """Tell the last that there is to tell; where Slack takes not even that, the log has it."""
        try:
            await place.tell(told)
        except (*UNREACHED, SlackClientError) as error:
            logger.warning("Somebody could not be told how it ended: %s", type(error).__name__)

    def _answering(self, text: str) -> Work:
        """What answers a question."""

        async def answer(member: Member, place: Place) -> None:
            question = asked(text, member.owner_id)
            await place.tell(of_help() if question is None else await self._answer(question, member))

        return answer

    async def _answer(self, question: Asked, member: Member) -> Told:
        try:
            _answer, told = await self._used(question, member, lambda found: of_answer(found, question))
        except UsageError as error:
            return of_error(error, question)
        return told

    async def _used(
        self, question: Asked, member: Member, draw: Callable[[Answer], D], how: str = ""
    ) -> tuple[Answer, D]:
        """The answer to a question, and what is told of it; the audit has `how` it was shown to others."""
        actor = replace(member.actor, surface=f"{member.actor.surface}:{how}") if how else member.actor
        return await self._runner.told(question.command.use_case, question.request, actor, draw)

    async def _show_home(self, member: Member, _place: Place) -> None:
        await self._client.views_publish(user_id=member.user, view=await home_of(self._runner, member))

    async def _posted(self, place: Place, posting: Awaitable[None]) -> None:
        """Post into a conversation; whoever shares it hears why it cannot be."""
        try:
            await posting
        except SlackApiError as error:
            if code_of(error) not in ELSEWHERE:
                raise
            await place.tell(plain("I cannot post here.", "Invite me to the conversation, then share again."))

    async def _upload(self, answer: Answer, channel: str, member: Member) -> None:
        report = answer.body
        assert isinstance(report, Report), "the button stands under reports alone"
        brand = await asyncio.to_thread(_brand, self._settings)
        made = await asyncio.to_thread(render, report, "pdf", brand=brand)
        name = re.sub(r"[^A-Za-z0-9]+", "-", report.title).strip("-")[:80] or "review"
        comment = escape(f"Shared by {member.name}")
        await self._client.files_upload_v2(
            channel=channel, filename=f"{name}.pdf", content=made, title=report.title[:200], initial_comment=comment
        )


def _brand(settings: Settings) -> Any:
    from customer_research.documents.brand import brand_of  # noqa: PLC0415 - start-up time

    return brand_of(settings.brand.color, settings.brand.logo, settings.brand.manager)


@dataclass(frozen=True, slots=True)
class _AtHome:
    """The home tab, where it cannot be shown as asked: a refusal or a failure."""

    client: AsyncWebClient
    user: str

    async def tell(self, told: Told) -> None:
        await self.client.views_publish(user_id=self.user, view={"type": "home", "blocks": told.blocks})


def _pressed(body: Body) -> str:
    action = body["actions"][0]
    return f"action {body['user']['id']} {action['action_id']} {action['action_ts']}"


def _value(body: Body) -> str:
    """What a button was given."""
    return str(body["actions"][0].get("value") or "")


def _submitted(body: Body) -> str:
    view = body["view"]
    return f"view {view['id']} {view.get('hash', '')} {body.get('trigger_id', '')}"


def _channel(body: Body) -> str:
    return str((body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id") or "")
