"""The Slack app over signed requests: who is answered and who is not, once, at once, and what stands in the answers."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from http_servers import with_settings
from pydantic import SecretStr
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_talks import CHANNEL, IDA, TEUN, WANDA, Talk, pressable, shown, talk

from customer_research.domain.access import NotedCall, Permission, SlackPerson
from customer_research.research.usecases import Actor, finished, use_alone
from customer_research.settings import Settings
from customer_research.store.access import CallBook
from customer_research.store.database import open_store
from customer_research.store.people import People
from customer_research.store.slack import SlackBook
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.slack_blocks import check_view
from customer_research_sandbox.servers.slack_space import ANSWERS, BOT_USER, SCOPES, Workspace

OPERATOR = "00000000-5ce0-11f0-a000-000000000002"
EMAILS = {
    TEUN: "teun.bexcombe@moovs-team.example.com",
    IDA: "ida.colvander@moovs-team.example.com",
}


@pytest.fixture(scope="module")
def own(portfolio_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A portfolio with alerts, in a store of its own; two people may ask."""
    folder = tmp_path_factory.mktemp("slack")
    kept = Path(portfolio_settings.store_url.removeprefix("sqlite:///"))
    shutil.copy(kept, folder / "own.db")
    own = with_settings(portfolio_settings, store={"url": SecretStr(f"sqlite:///{folder}/own.db")})
    from customer_research.research.usecases.alerts import Check

    use_alone("alerts check", Check(), Actor("tests", "cli"), lambda: own)
    allow(own, EMAILS[TEUN], "read", "finance", "act", owner="160000004")
    allow(own, EMAILS[IDA], "read")
    return own


def allow(settings: Settings, email: str, *permissions: Permission, owner: str = "", alone: bool = False) -> None:
    assert settings.clock is not None
    person = SlackPerson(email, permissions, owner, alone, settings.clock, "tests")
    with open_store(settings.store_url) as store:
        SlackBook(store).allow(person)


def calls(settings: Settings, surface: str = "slack") -> list[NotedCall]:
    with open_store(settings.store_url) as store:
        return [one for one in CallBook(store).newest()[0] if one.surface == surface]


@pytest.fixture
def space(sandbox: Sandbox) -> Iterator[Workspace]:
    """The workspace without what earlier tests said in it."""
    space = sandbox.slack
    space.private.clear()
    for channel in space.channels.values():
        channel.messages.clear()
    yield space
    space.scopes = set(SCOPES)
    sandbox.set_faults()
    sandbox.set_latency(0)


# -- commands ----------------------------------------------------------------------------------------------------------


def test_a_name_is_answered_privately_with_where_to_go_on(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> Any:
        first = await talk.typed("Silvermead")
        (further,) = await talk.done(talk.acts.presses(TEUN, {**pressable(first)["Billing"], "type": "button"}))
        return first, further.message

    first, billing = talk(own, sandbox, work)
    assert [one.message["blocks"] for one in space.private] == [first["blocks"], billing["blocks"]], "both stay"
    assert "Silvermead" in shown(first)
    assert set(pressable(first)) == {"Share here", "Profile", "Health", "Billing", "Brief", "Review"}
    assert "invoice" in shown(billing).lower()
    assert space.posted() == [], "nothing was said to others"
    noted = calls(own)[0]
    assert (noted.actor, noted.name, noted.operator_id, noted.outcome) == (EMAILS[TEUN], "billing", OPERATOR, "done")
    assert noted.size > 100


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("help", "/customer compare"),
        ("", "/customer profile"),
        ("today", "Teun Bexcombe"),
        ("renewals --days 30", "30 days"),
        ("at-risk", "Teun Bexcombe"),
        ("at-risk --team", "operators"),
        ("alerts", "Alert"),
        ("week", "week"),
        ("why Silvermead mrr", "Meaning:"),
        ("compare Silvermead, Dockyard Twin", "Silvermead"),
        ("find Silvermead", OPERATOR),
        ("“Silvermead Livery”", "Silvermead"),
        ("history Silvermead", "Silvermead"),
        ("meetings", "eeting"),
        ("schedules", "digest"),
        ("me", "told at"),
        ("set --zone Nowhere/City", "no time zone"),
        ("profile", "/customer profile OPERATOR"),
        ("profile --scorecard /etc/passwd Silvermead", "has no --scorecard"),
        ("renewals soon", "takes no"),
        ("renewals --days many", "days"),
        ("x" * 301, "longer than 300"),
        ("nobody at all 12345", "help"),
    ],
)
def test_what_can_be_asked(own: Settings, sandbox: Sandbox, space: Workspace, text: str, said: str) -> None:
    answer = talk(own, sandbox, lambda talk: talk.typed(text))
    assert said in shown(answer), shown(answer)[:400]
    assert space.commands_in(answer) == []


def test_who_a_name_may_mean_is_asked_with_buttons(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> Any:
        first = await talk.typed("brief Summit --meeting renewal")
        chosen = next(iter(pressable(first).values()))
        (answer,) = await talk.done(talk.acts.presses(TEUN, {**chosen, "type": "button"}))
        return first, chosen, answer.message

    first, chosen, answer = talk(own, sandbox, work)
    assert len(pressable(first)) >= 2
    word, operator, *options = chosen["value"].split(" ")
    assert (word, len(operator), options) == ("brief", 36, ["--meeting", "renewal"])
    assert "Summit" in shown(answer)


def test_a_mention_and_a_direct_message_are_answered(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> Any:
        (told,) = await talk.done(talk.acts.mention(TEUN, "quick Silvermead"))
        await talk.done(talk.acts.says(TEUN, "quick <mailto:x@y.example|Silvermead> &amp; Co"))
        await talk.done(talk.acts.says(TEUN, "Silvermead"))
        return told

    told = talk(own, sandbox, work)
    assert (told.user, told.channel) == (TEUN, CHANNEL)
    assert "Silvermead" in shown(told.message)
    first, second = space.posted(space.direct(TEUN).id)
    assert "Silvermead &amp; Co" in shown(first), "what is not found is said as it was written"
    assert "Silvermead" in shown(second)
    assert space.posted(CHANNEL) == []


# -- who is not answered ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("U0GUEST", "guests"),
        ("U0SINGLE", "guests"),
        ("U0ROBOT", "programs"),
        ("U0LEFT", "deactivated"),
        ("U0PENDING", "not confirmed"),
        ("U0PARTNER", "another workspace"),
        ("U0STRANGER", "not among those"),
        (WANDA, "not among those"),
    ],
)
def test_nobody_else_is_answered(own: Settings, sandbox: Sandbox, space: Workspace, user: str, said: str) -> None:
    before = len(calls(own))
    answer = talk(own, sandbox, lambda talk: talk.typed("Silvermead", user))
    assert said in shown(answer)
    assert "Silvermead" not in shown(answer)
    assert len(calls(own)) == before, "no use case was asked"


def test_who_only_calls_himself_so_is_not_let_in(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    space.add_user("U0FALSE", "Teun Bexcombe", "teun@elsewhere.example.org")
    assert "not among those" in shown(talk(own, sandbox, lambda talk: talk.typed("Silvermead", "U0FALSE")))
    space.add_user("U0FALSE", EMAILS[TEUN], "")
    assert "not confirmed" in shown(talk(own, sandbox, lambda talk: talk.typed("Silvermead", "U0FALSE")))
    del space.users["U0FALSE"]


def test_nothing_is_said_in_a_conversation_shared_with_others(
    own: Settings, sandbox: Sandbox, space: Workspace
) -> None:
    answer = talk(own, sandbox, lambda talk: talk.typed("Silvermead", channel="C0PARTNER"))
    assert "shared with another company" in shown(answer)
    hidden = talk(own, sandbox, lambda talk: talk.typed("Silvermead", channel="C0CLOSED"))
    assert "Silvermead Livery" in shown(hidden), "a channel of our own, in which the app is not"


def test_a_hidden_conversation_counts_as_shared(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    space.channels["G0LEADS"].members.discard(BOT_USER)
    try:
        answer = talk(own, sandbox, lambda talk: talk.typed("Silvermead", channel="G0LEADS"))
    finally:
        space.channels["G0LEADS"].members.add(BOT_USER)
    assert "cannot see whether" in shown(answer)


def test_rights_are_those_that_were_given(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> Any:
        return [shown(await talk.typed(text, IDA)) for text in ("billing Silvermead", "today", "ack 12345678")]

    billing, today, ack = talk(own, sandbox, work)
    assert "$" not in billing, "what they pay is withheld"
    assert "may not use today" in today
    assert "may not use alerts ack" in ack
    assert {one.outcome for one in calls(own)[:2]} == {"NotAllowed"}


def test_one_book_alone_is_told_of_no_other(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    allow(own, "salome.pellworth@moovs-team.example.com", "read", "finance", owner="160000003", alone=True)

    async def work(talk: Talk) -> Any:
        return [shown(await talk.typed(text, "U0MEMBER2")) for text in (f"profile {OPERATOR}", "at-risk --team")]

    foreign, listed = talk(own, sandbox, work)
    assert "another's book" in foreign
    assert "Salome Pellworth" in listed


# -- once, at once, and only from Slack --------------------------------------------------------------------------------------


def test_the_same_request_is_worked_on_once(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> list[int]:
        command = talk.acts.command(TEUN, "quick Silvermead")
        event = talk.acts.mention(TEUN, "quick Silvermead", event_id="Ev0ONCE")
        again = talk.acts.event(event.payload["event"], TEUN, event_id="Ev0ONCE", retry=1)
        first = await talk.typed("Silvermead")
        press = talk.acts.presses(TEUN, {**pressable(first)["Brief"], "type": "button"})
        return [len(await talk.done(sent)) for sent in (command, command, event, event, again, press, press)]

    assert talk(own, sandbox, work) == [1, 0, 1, 0, 0, 1, 0]


def test_what_another_process_took_is_not_done_again(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    sent: list[Any] = []

    async def first(talk: Talk) -> int:
        sent.append(talk.acts.command(TEUN, "quick Silvermead"))
        return len(await talk.done(sent[0]))

    async def second(talk: Talk) -> int:
        return len(await talk.done(sent[0]))

    assert (talk(own, sandbox, first), talk(own, sandbox, second)) == (1, 0)


def test_it_is_acknowledged_at_once_whatever_is_slow(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> list[float]:
        sandbox.set_latency(5_000)
        every = [
            talk.acts.command(TEUN, "profile Silvermead"),
            talk.acts.mention(TEUN, "profile Silvermead"),
            talk.acts.opens_home(TEUN),
            talk.acts.presses(TEUN, {"action_id": "ask:0", "value": "brief Silvermead", "type": "button"}),
        ]
        took = [(await talk.send(sent))[2] for sent in every]
        for task in tuple(talk.app._tasks):
            task.cancel()
        return took

    assert max(talk(own, sandbox, work)) < 1


def test_only_what_slack_signed_lately_is_taken(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> list[int]:
        sent = talk.acts.command(TEUN, "quick Silvermead")
        body = sent.body.decode()
        signed = [talk.acts.signed(body, time.time() + seconds) for seconds in (-301, 301)]
        wrong = {"x-slack-signature": "v0=" + "0" * 64}
        stranger = [(await talk.send(sent, one))[0] for one in (*signed, wrong)]
        return [*stranger, (await talk.send(sent))[0]]

    assert talk(own, sandbox, work) == [401, 401, 401, 200]


def test_too_many_at_once_are_told_so(
    own: Settings, sandbox: Sandbox, space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("customer_research.surfaces.slack.app.AT_ONCE", 0)
    answer = talk(own, sandbox, lambda talk: talk.typed("quick Silvermead"))
    assert "Ask again in a minute" in shown(answer)


# -- sharing -----------------------------------------------------------------------------------------------------------


def test_sharing_tells_everybody_and_is_noted(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> Any:
        first = await talk.typed("profile Silvermead")
        await talk.done(talk.acts.presses(TEUN, {**pressable(first)["Share here"], "type": "button"}))
        closed = talk.acts.presses(TEUN, {**pressable(first)["Share here"], "type": "button"}, "C0CLOSED")
        (refused,) = await talk.done(closed)
        return refused.message

    refused = talk(own, sandbox, work)
    (shared,) = space.posted(CHANNEL)
    assert "Shared by Teun Bexcombe: /customer profile Silvermead" in shown(shared)
    assert pressable(shared) == {}
    assert "Invite me" in shown(refused)
    noted = calls(own, "slack:share")
    assert {(one.actor, one.name, one.operator_id) for one in noted} == {(EMAILS[TEUN], "profile", OPERATOR)}


def test_a_review_goes_into_the_conversation_as_a_pdf(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> Any:
        first = await talk.typed("review Silvermead")
        return await talk.done(talk.acts.presses(TEUN, {**pressable(first)["PDF here"], "type": "button"}))

    assert talk(own, sandbox, work) == []
    (file,) = [one for one in space.files.values() if one.shared_in == [CHANNEL]]
    assert file.content is not None
    assert file.content.startswith(b"%PDF")
    assert file.name.endswith(".pdf")
    assert calls(own, "slack:pdf")[0].operator_id == OPERATOR


def test_the_sixth_answer_to_an_address_comes_directly(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> None:
        sent = talk.acts.command(TEUN, "quick Silvermead")
        path = sent.payload["response_url"].removeprefix(talk.acts.address)
        space.answering[path].used = ANSWERS
        assert await talk.done(sent) == []

    talk(own, sandbox, work)
    (told,) = space.posted(space.direct(TEUN).id)
    assert "Silvermead" in shown(told)


# -- alerts, modals, home ----------------------------------------------------------------------------------------------


def test_alerts_are_opened_and_acted_on(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> Any:
        listed = await talk.typed("alerts --team")
        menu = pressable(listed)["Open an alert"]
        chosen = {"action_id": menu["action_id"], "type": "static_select", "selected_option": menu["options"][0]}
        (one,) = await talk.done(talk.acts.presses(TEUN, chosen))
        controls = pressable(one.message)
        assert set(controls) >= {"Acknowledge", "Snooze", "Assign"}
        message = space.post(space.channels["C0ALERTS"], {"text": "Alert", "blocks": one.message["blocks"]})
        snooze = {**controls["Snooze"], "type": "static_select", "selected_option": controls["Snooze"]["options"][2]}
        assign = {**controls["Assign"], "type": "users_select", "selected_user": IDA}
        guest = {**assign, "selected_user": "U0GUEST"}
        told = []
        for action in ({**controls["Acknowledge"], "type": "button"}, snooze, assign, guest):
            (answer,) = await talk.done(talk.acts.presses(TEUN, action, "C0ALERTS", message))
            told.append(shown(answer.message))
        return told, message

    told, message = talk(own, sandbox, work)
    assert "acknowledged by teun.bexcombe" in told[0]
    assert "snoozed until 2026-11-08" in told[1]
    assert "assigned to Ida Colvander" in told[2]
    assert "full member" in told[3]
    lines = [block for block in message["blocks"] if block.get("block_id") == "alert_state"]
    assert len(lines) == 1, "what was done last stands in the message, once"
    assert "assigned to Ida Colvander" in shown({"blocks": lines})


def test_what_was_done_is_noted_by_a_modal(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> Any:
        press = {"action_id": "alert_outcome", "value": f"abcd1234 {OPERATOR}", "type": "button"}
        view = await talk.opened(talk.acts.presses(TEUN, press, "C0ALERTS"))
        values = {
            "kind": {"kind": {"selected_option": {"value": "call"}}},
            "note": {"note": {"value": "Spoke <!here>"}},
        }
        (told,) = await talk.done(talk.acts.submits(TEUN, view, values))
        return told.message

    said = shown(talk(own, sandbox, work))
    assert "Recorded" in said
    assert "Silvermead" in said
    assert space.commands_in({"text": said}) == []


def test_shortcuts_ask_by_a_modal(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> Any:
        message = space.post(space.channels[CHANNEL], {"text": "Silvermead Livery called"}, IDA)
        view = await talk.opened(talk.acts.shortcut(TEUN, "lookup", message))
        written = view["blocks"][0]["element"]["initial_value"]
        values = {"term": {"term": {"value": "Silvermead"}}, "word": {"word": {"selected_option": {"value": "health"}}}}
        (told,) = await talk.done(talk.acts.submits(TEUN, view, values))
        view = await talk.opened(talk.acts.shortcut(TEUN, "lookup"))
        await talk.done(talk.acts.submits(TEUN, view, values))
        return written, told

    written, told = talk(own, sandbox, work)
    assert written == "Silvermead Livery called"
    assert (told.user, told.channel) == (TEUN, CHANNEL)
    assert "Silvermead" in shown(told.message)
    (directly,) = space.posted(space.direct(TEUN).id)
    assert "Silvermead" in shown(directly), "from nowhere it is told directly"


def test_the_home_tab_has_ones_own_book(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> None:
        for user in (TEUN, "U0GUEST"):
            await talk.done(talk.acts.opens_home(user))
        await talk.done(talk.acts.presses_at_home(TEUN, {"action_id": "home_refresh", "type": "button"}))
        await talk.done(talk.acts.presses_at_home(TEUN, {**pressable(space.homes[TEUN])["Renewals"], "type": "button"}))

    talk(own, sandbox, work)
    assert "Teun Bexcombe" in shown(space.homes[TEUN])
    check_view(space.homes[TEUN])
    assert "guests" in shown(space.homes["U0GUEST"])
    assert len(space.posted(space.direct(TEUN).id)) == 1


def test_how_one_is_told_is_said_on_the_home_tab(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> list[str]:
        await talk.done(talk.acts.opens_home(IDA))
        seen = [shown(space.homes[IDA])]
        for label in ("Tell me here", "Mute", "Unmute all"):
            control = pressable(space.homes[IDA])[label]
            chosen = {"selected_option": control["options"][1]} if label == "Mute" else {}
            await talk.done(talk.acts.presses_at_home(IDA, {**control, **chosen}))
            seen.append(shown(space.homes[IDA]))
        return seen

    before, here, muted, unmuted = talk(own, sandbox, work)
    assert f"slack:{IDA}" not in before
    assert f"slack:{IDA}" in here
    assert "alert until 2026-11-08" in muted
    assert "alert until" not in unmuted


def test_who_one_is_may_stand_with_how_one_is_told(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    email = "marten.yarborne@moovs-team.example.com"
    allow(own, email, "read", "finance")
    with open_store(own.store_url) as store:
        People(store).change(email, lambda one: replace(one, owner_id="160000002"))
    assert "Marten Yarborne" in shown(talk(own, sandbox, lambda talk: talk.typed("today", "U0MEMBER1")))


# -- faults ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["slack:http500", "slack:down", "slack:badjson", "slack:drop", "slack:auth"])
def test_slack_itself_failing_leaves_a_line_in_the_log(
    own: Settings, sandbox: Sandbox, space: Workspace, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(talk: Talk) -> None:
        sandbox.set_faults(fault)
        status, _, _ = await talk.send(talk.acts.says(TEUN, "quick Silvermead"))
        assert status == 200
        await talk.idle()
        sandbox.set_faults()

    talk(own, sandbox, work)
    said = [record for record in caplog.records if record.name.startswith("customer_research.surfaces.slack")]
    assert said
    assert not any(record.exc_info for record in said), "a fault of Slack's is no defect of ours"
    assert "Silvermead" not in caplog.text


def test_limits_of_slack_are_waited_out(
    own: Settings, sandbox: Sandbox, space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def no_wait(_self: Any, *, state: Any, response: Any, **_more: Any) -> None:
        state.next_attempt_requested = True
        found = {name.lower(): value for name, value in response.headers.items()}
        waited.append(float(found["retry-after"][0]))

    monkeypatch.setattr(AsyncRateLimitErrorRetryHandler, "prepare_for_next_attempt_async", no_wait)

    async def work(talk: Talk) -> None:
        sandbox.set_faults("slack:http429:0.5")
        await talk.done(talk.acts.says(TEUN, "quick Silvermead"))

    talk(own, sandbox, work)
    (told,) = space.posted(space.direct(TEUN).id)
    assert "Silvermead" in shown(told)
    assert waited == [1.0]


def test_what_programs_say_is_not_answered(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> int:
        said = {"channel": CHANNEL, "text": "quick Silvermead", "ts": "1.0", "bot_id": "B0OTHER"}
        mention = talk.acts.event({**said, "type": "app_mention"}, "U0ROBOT")
        message = talk.acts.event({**said, "type": "message", "channel_type": "im"}, "U0ROBOT")
        edited = talk.acts.event(
            {"type": "message", "subtype": "message_changed", "channel": "D1", "channel_type": "im"}, TEUN
        )
        return sum([len(await talk.done(sent)) for sent in (mention, message, edited)])

    assert talk(own, sandbox, work) == 0
    assert space.posted() == []


def test_a_silent_source_is_told_as_a_gap(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> Any:
        sandbox.set_faults("lago:http500")
        return await talk.typed(f"profile {OPERATOR}")

    assert "Partial data" in shown(talk(own, sandbox, work))


def test_blocks_that_slack_refuses_give_way_to_the_text(
    own: Settings, sandbox: Sandbox, space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("customer_research_sandbox.servers.slack_blocks.MOST_CHARACTERS", 10)

    async def work(talk: Talk) -> Any:
        by_url = await talk.typed("quick Silvermead")
        await talk.done(talk.acts.says(TEUN, "quick Silvermead"))
        return by_url

    by_url = talk(own, sandbox, work)
    (directly,) = space.posted(space.direct(TEUN).id)
    for told in (by_url, directly):
        assert "Silvermead" in told["text"]
        assert not told.get("blocks")


def test_what_is_under_way_ends_with_the_app(own: Settings, sandbox: Sandbox, space: Workspace) -> None:
    async def work(talk: Talk) -> None:
        await talk.send(talk.acts.command(TEUN, "quick Silvermead"))

    talk(own, sandbox, work)
    assert len(space.private) == 1, "it was waited for"


def test_the_store_being_away_is_told(own: Settings, sandbox: Sandbox, space: Workspace, tmp_path: Path) -> None:
    gone = with_settings(own, store={"url": SecretStr(f"sqlite:///{tmp_path}/gone.db")})

    async def work(talk: Talk) -> Any:
        with open_store(gone.store_url) as store, store.begin() as connection:
            connection.exec_driver_sql("DROP TABLE slack_request")
        return await talk.typed("quick Silvermead")

    assert "store" in shown(talk(gone, sandbox, work)).lower()


def test_settings_that_are_missing_are_named(own: Settings, sandbox: Sandbox) -> None:
    from customer_research.errors import ConfigError
    from customer_research.surfaces.slack.serving import app_alone, socket_mode

    async def opened(changes: dict[str, Any]) -> None:
        chosen = with_settings(own, slack={**own.slack.model_dump(), **changes})
        async with app_alone(chosen) as app:
            if changes.get("app_token", "") is None:
                async with socket_mode(app, chosen):
                    pass
            _ = app.over_http

    for name in ("token", "signing_secret", "app_token"):
        with pytest.raises(ConfigError, match=f"slack.{name}"):
            finished(opened({name: None}))
    with pytest.raises(ConfigError, match="does not take the bot token"):
        finished(opened({"token": SecretStr("xoxb-wrong")}))
