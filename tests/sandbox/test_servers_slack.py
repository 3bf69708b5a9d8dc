"""Slack's server, asked by Slack's own client: messages, history, people, views, files, private answers, limits, refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any

import httpx2
import pytest
from sandbox_caller import Caller
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier

from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.faults import Fault
from customer_research_sandbox.servers.slack import SIGNING_SECRET, TIER_3, TOKEN
from customer_research_sandbox.servers.slack_acts import Acts
from customer_research_sandbox.servers.slack_blocks import MOST_CHARACTERS, MOST_TEXT
from customer_research_sandbox.servers.slack_space import BOT_USER, SCOPES, Workspace

CHANNEL = "C0SUCCESS"


@pytest.fixture
def space(running: Sandbox) -> Iterator[Workspace]:
    yield running.slack
    running.slack.scopes = set(SCOPES)


@pytest.fixture
def client(running: Sandbox) -> WebClient:
    return WebClient(TOKEN, base_url=running.addresses["slack"], timeout=10)


def refused(call: Any, **asked: Any) -> Any:
    with pytest.raises(SlackApiError) as caught:
        call(**asked)
    return caught.value.response


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(action: str = "go", **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": action, **more}


def test_a_message_is_posted_found_by_its_metadata_and_changed(client: WebClient, space: Workspace) -> None:
    key = {"event_type": "customer_research_delivery", "event_payload": {"key": "k1"}}
    sent = client.chat_postMessage(channel=CHANNEL, text="Hello", blocks=[section("*Hello*")], metadata=key)
    assert space.channels[CHANNEL].messages[-1]["ts"] == sent["ts"]
    oldest = str(float(sent["ts"]) - 1)
    plain = client.conversations_history(channel=CHANNEL, oldest=oldest)
    assert [one["text"] for one in plain["messages"]] == ["Hello"]
    assert "metadata" not in plain["messages"][0]
    whole = client.conversations_history(channel=CHANNEL, oldest=oldest, include_all_metadata=True)
    assert whole["messages"][0]["metadata"] == key
    changed = client.chat_update(channel=CHANNEL, ts=sent["ts"], text="Bye")
    assert changed["message"]["metadata"] == key
    assert "blocks" not in changed["message"]
    client.chat_delete(channel=CHANNEL, ts=sent["ts"])
    assert client.conversations_history(channel=CHANNEL, oldest=oldest)["messages"] == []


def test_threads_stand_apart_from_the_history(client: WebClient) -> None:
    first = client.chat_postMessage(channel="C0ALERTS", text="First")["ts"]
    client.chat_postMessage(channel="C0ALERTS", text="Second", thread_ts=first)
    history = client.conversations_history(channel="C0ALERTS")
    assert [one["text"] for one in history["messages"]] == ["First"]
    thread = client.conversations_replies(channel="C0ALERTS", ts=first)
    assert [one["text"] for one in thread["messages"]] == ["First", "Second"]


def test_history_goes_on_by_cursors(client: WebClient, space: Workspace) -> None:
    channel = space.direct("U0MEMBER3")
    for number in range(5):
        client.chat_postMessage(channel="U0MEMBER3", text=str(number))
    pages = client.conversations_history(channel=channel.id, limit=2)
    assert [[one["text"] for one in page["messages"]] for page in pages] == [["4", "3"], ["2", "1"], ["0"]]


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("C0NOWHERE", "channel_not_found"),
        ("C0OLD", "is_archived"),
        ("C0CLOSED", "not_in_channel"),
        ("U0LEFT", "user_disabled"),
    ],
)
def test_conversations_that_take_nothing(client: WebClient, channel: str, error: str) -> None:
    assert refused(client.chat_postMessage, channel=channel, text="Hello")["error"] == error


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"text": ""}, "no_text"),
        ({"text": "a" * (MOST_TEXT + 1)}, "msg_too_long"),
        ({"text": "a", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"text": "a", "blocks": [section("a" * 3001)]}, "invalid_blocks"),
        ({"text": "a", "blocks": [section("")]}, "invalid_blocks"),
        ({"text": "a", "blocks": [{"type": "alert"}]}, "invalid_blocks"),
        ({"text": "a", "blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "a"}}]}, "invalid_blocks"),
        ({"text": "a", "blocks": [{"type": "actions", "elements": [button(), button()]}]}, "invalid_blocks"),
        ({"text": "a", "blocks": [{"type": "actions", "elements": [button(value="a" * 2001)]}]}, "invalid_blocks"),
        ({"text": "a", "blocks": [section("a" * 2900)] * 5}, "msg_blocks_too_long"),
        ({"text": "a", "metadata": {"event_type": "x"}}, "invalid_metadata_format"),
    ],
)
def test_messages_that_are_not_taken(client: WebClient, message: dict[str, Any], error: str) -> None:
    sent = {"channel": CHANNEL, **message}
    assert refused(client.api_call, api_method="chat.postMessage", json=sent)["error"] == error


def test_a_message_at_its_limits_is_taken(client: WebClient) -> None:
    blocks = [section("a" * 3000)] * 4
    blocks.append({"type": "actions", "elements": [button(f"go{number}") for number in range(5)]})
    assert len(json.dumps(blocks)) < MOST_CHARACTERS
    assert client.chat_postMessage(channel=CHANNEL, text="a" * MOST_TEXT, blocks=blocks)["ok"]


def test_people_are_found_by_their_address_and_id(client: WebClient, space: Workspace) -> None:
    found = client.users_lookupByEmail(email="Ida.Colvander@moovs-team.example.com")["user"]
    assert found["id"] == "U0MEMBER0"
    assert client.users_info(user=found["id"])["user"]["profile"]["email"] == "ida.colvander@moovs-team.example.com"
    assert refused(client.users_lookupByEmail, email="nobody@example.com")["error"] == "users_not_found"
    assert refused(client.users_info, user="U0NOBODY")["error"] == "user_not_found"
    space.scopes.discard("users:read.email")
    assert "email" not in client.users_info(user=found["id"])["user"]["profile"]
    answer = refused(client.users_lookupByEmail, email="ida.colvander@moovs-team.example.com")
    assert (answer["error"], answer["needed"]) == ("missing_scope", "users:read.email")


def test_direct_conversations_are_opened_once(client: WebClient) -> None:
    opened = {client.conversations_open(users="U0MEMBER1")["channel"]["id"] for _ in range(2)}
    assert opened == {"D0MEMBER1"}
    assert client.conversations_info(channel="D0MEMBER1")["channel"]["is_im"]
    assert client.conversations_info(channel="C0PARTNER")["channel"]["is_ext_shared"]
    assert BOT_USER in client.conversations_members(channel=CHANNEL)["members"]


def test_only_who_is_there_can_be_told_something_privately(client: WebClient, space: Workspace) -> None:
    client.chat_postEphemeral(channel=CHANNEL, user="U0MEMBER0", text="Only you")
    assert (space.private[-1].user, space.private[-1].message["text"]) == ("U0MEMBER0", "Only you")
    answer = refused(client.chat_postEphemeral, channel=CHANNEL, user="U0PARTNER", text="Only you")
    assert answer["error"] == "user_not_in_channel"


def test_a_trigger_opens_one_modal_in_time(client: WebClient, space: Workspace, monkeypatch: Any) -> None:
    title = {"type": "plain_text", "text": "A modal"}
    view = {"type": "modal", "title": title, "blocks": [section("Hello")]}
    trigger = space.trigger()
    opened = client.views_open(trigger_id=trigger, view=view)["view"]
    assert refused(client.views_open, trigger_id=trigger, view=view)["error"] == "exchanged_trigger_id"
    late = space.trigger()
    monkeypatch.setattr("customer_research_sandbox.servers.slack_space.TRIGGER_SECONDS", -1)
    assert refused(client.views_open, trigger_id=late, view=view)["error"] == "expired_trigger_id"
    client.views_update(view_id=opened["id"], view={**view, "blocks": [section("Bye")]})
    assert space.modals[-1]["blocks"] == [section("Bye")]
    long_title = {**view, "title": {"type": "plain_text", "text": "a" * 25}}
    assert refused(client.views_open, trigger_id=space.trigger(), view=long_title)["error"] == "invalid_arguments"


def test_each_person_has_a_home(client: WebClient, space: Workspace) -> None:
    client.views_publish(user_id="U0MEMBER0", view={"type": "home", "blocks": [section("Mine")]})
    assert space.homes["U0MEMBER0"]["blocks"] == [section("Mine")]
    too_many = {"type": "home", "blocks": [{"type": "divider"}] * 101}
    assert refused(client.views_publish, user_id="U0MEMBER0", view=too_many)["error"] == "invalid_blocks"


def test_a_file_is_announced_sent_and_shared(client: WebClient, space: Workspace) -> None:
    shared = client.files_upload_v2(channel=CHANNEL, filename="review.pdf", content=b"%PDF", title="Review")
    kept = space.files[shared["file"]["id"]]
    assert (kept.content, kept.title, kept.shared_in) == (b"%PDF", "Review", [CHANNEL])
    assert space.channels[CHANNEL].messages[-1]["files"][0]["title"] == "Review"
    announced = client.files_getUploadURLExternal(filename="a.pdf", length=4)
    answer = refused(client.files_completeUploadExternal, files=[{"id": announced["file_id"]}])
    assert answer["error"] == "file_not_found"
    assert httpx2.post(announced["upload_url"], content=b"%").status_code == 400


def test_tokens_and_methods_that_are_none(running: Sandbox, client: WebClient) -> None:
    stranger = WebClient("xoxb-wrong", base_url=running.addresses["slack"])
    assert refused(stranger.auth_test)["error"] == "invalid_auth"
    assert refused(client.api_call, api_method="chat.nothing")["error"] == "unknown_method"
    assert client.auth_test()["user_id"] == BOT_USER
    assert refused(client.apps_connections_open, app_token="xoxb-wrong")["error"] == "invalid_auth"


def test_limits_hold_for_each_method_and_conversation(running: Sandbox, client: WebClient) -> None:
    running.set_rate_limits(hold=True)
    try:
        for number in range(2):
            client.chat_postMessage(channel=f"U0MEMBER{number}", text="Hello")
        answer = refused(client.chat_postMessage, channel="U0MEMBER0", text="Again")
        assert (answer.status_code, answer["error"], answer.headers["Retry-After"]) == (429, "ratelimited", "1")
        for _ in range(TIER_3):
            client.conversations_history(channel=CHANNEL, limit=1)
        answer = refused(client.conversations_history, channel=CHANNEL, limit=1)
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert client.conversations_info(channel=CHANNEL)["ok"]
    finally:
        running.set_rate_limits(hold=False)


@pytest.mark.parametrize(
    ("kind", "status", "error"),
    [("http500", 500, "internal_error"), ("http429", 429, "ratelimited"), ("auth", 200, "invalid_auth")],
)
def test_faults_in_slacks_own_words(ask: Caller, client: WebClient, kind: str, status: int, error: str) -> None:
    ask.sandbox.set_faults(f"slack:{kind}")
    answer = refused(client.auth_test)
    assert (answer.status_code, answer["error"]) == (status, error)


def test_a_message_may_be_posted_though_the_connection_is_cut(ask: Caller, client: WebClient, space: Workspace) -> None:
    ask.sandbox.set_faults(Fault("slack", "drop"))
    before = len(space.posted("C0ALERTS"))
    with pytest.raises((OSError, HTTPException, ValueError)):
        client.chat_postMessage(channel="C0ALERTS", text="Did it come?")
    ask.sandbox.set_faults()
    assert len(space.posted("C0ALERTS")) == before + 1


def test_a_private_answer_is_taken_five_times_and_for_half_an_hour(
    running: Sandbox, space: Workspace, monkeypatch: Any
) -> None:
    root = running.addresses["slack"].removesuffix("/api/")
    url = root + space.answer_at(CHANNEL, "U0MEMBER0")
    for _ in range(5):
        assert httpx2.post(url, json={"text": "Hello"}).text == "ok"
    again = httpx2.post(url, json={"text": "Hello"})
    assert (again.status_code, again.json()["error"]) == (404, "used_url")
    shared = root + space.answer_at(CHANNEL, "U0MEMBER0")
    httpx2.post(shared, json={"text": "For all", "response_type": "in_channel"})
    assert space.posted(CHANNEL)[-1]["text"] == "For all"
    assert httpx2.post(shared, json={"text": "a", "blocks": [{"type": "x"}]}).json()["error"] == "invalid_blocks"
    now = space.now()
    monkeypatch.setattr(space, "now", lambda: now + 1801)
    assert httpx2.post(shared, json={"text": "Late"}).json()["error"] == "expired_url"


def test_what_people_do_is_signed_as_slack_signs_it(running: Sandbox, space: Workspace) -> None:
    acts = Acts(space, running.addresses["slack"].removesuffix("/api/"))
    verifier = SignatureVerifier(SIGNING_SECRET)
    message = space.channels[CHANNEL].messages[-1]
    every = [
        acts.command("U0MEMBER0", "Silvermead"),
        acts.mention("U0MEMBER0", "Silvermead", retry=1),
        acts.says("U0MEMBER0", "Silvermead"),
        acts.opens_home("U0MEMBER0"),
        acts.presses("U0MEMBER0", {"action_id": "go", "type": "button", "value": "1"}, message=message),
        acts.presses("U0MEMBER0", {"action_id": "go", "type": "button", "value": "1"}),
        acts.presses_at_home("U0MEMBER0", {"action_id": "go", "type": "button"}),
        acts.shortcut("U0MEMBER0", "lookup", message),
        acts.shortcut("U0MEMBER0", "lookup"),
        acts.submits("U0MEMBER0", {"id": "V1"}, {}),
    ]
    for sent in every:
        assert verifier.is_valid_request(sent.body, dict(sent.headers))
    assert every[0].payload["response_url"].startswith("http://127.0.0.1:")
    assert every[1].headers["x-slack-retry-num"] == "1"


def test_the_page_to_look_at_is_escaped(ask: Caller, client: WebClient, space: Workspace) -> None:
    client.chat_postMessage(
        channel="C0ALERTS",
        text="x",
        blocks=[
            {"type": "header", "text": {"type": "plain_text", "text": "Ann &amp; &lt;Co&gt;"}},
            section("*Bold* &lt;script&gt; <https://example.com|there>"),
            {"type": "actions", "elements": [button()]},
        ],
    )
    page = httpx2.get(ask.sandbox.addresses["slack"].replace("/api/", "/show/C0ALERTS"))
    assert "Ann &amp; &lt;Co&gt;" in page.text
    assert "<b>Bold</b> &lt;script&gt;" in page.text
    assert '<a href="https://example.com">there</a>' in page.text
    assert "<script" not in page.text
    listed = httpx2.get(ask.sandbox.addresses["slack"].replace("/api/", "/show")).text
    assert "#customer-success" in listed
    assert httpx2.get(ask.sandbox.addresses["slack"].replace("/api/", "/show/C0NOWHERE")).status_code == 404


def test_mentions_in_a_message_are_told(space: Workspace) -> None:
    assert space.commands_in(
        {"text": "<!channel> <@U1> <https://example.com|x>", "blocks": [section("&lt;!here&gt;")]}
    ) == [
        "!channel",
        "@U1",
    ]
