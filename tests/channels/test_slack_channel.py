"""Slack as a channel, against the sandbox's workspace: what is posted, found again, rewritten; which errors mean what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from far_sides import NOW, Clock, SlackSide, message, outgoing, plain_settings, run, sent

from customer_research.channels import slack as module
from customer_research.channels.channel import Delayed, NotDelivered, Refused, Unsure
from customer_research.channels.slack import SlackApi, SlackChannel
from customer_research.domain.delivery import Address
from customer_research.errors import ConfigError

CHANNEL = "C0SUCCESS"
MADE = message(SlackSide.address)
BEGUN = outgoing(MADE, begun_at=NOW)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def side(clock: Clock) -> SlackSide:
    return SlackSide(clock)


def test_a_message_is_posted_with_its_key(side: SlackSide) -> None:
    remote = sent(side, outgoing(MADE))
    (posted,) = side.space.posted()
    assert remote == f"{CHANNEL}/{posted['ts']}"
    assert [one["text"] for one in posted["blocks"]] == [one["text"] for one in MADE.content["blocks"]]
    assert posted["metadata"] == {"event_type": "customer_research_delivery", "event_payload": {"key": MADE.key}}


def test_a_message_to_a_person_goes_into_the_direct_conversation_and_is_found_there(side: SlackSide) -> None:
    made = message(Address("slack", "U0STRANGER"))
    remote = sent(side, outgoing(made))
    assert remote.startswith("D0STRANGER/")
    seen = run(side, lambda channel: channel.look_up(outgoing(made, begun_at=NOW)))
    assert (seen.found, seen.remote) == ("there", remote)


def test_what_may_have_been_posted_is_found_by_its_key_since_a_minute_before(side: SlackSide, clock: Clock) -> None:
    assert run(side, lambda channel: channel.look_up(BEGUN)).found == "absent"
    remote = sent(side, outgoing(MADE))
    assert run(side, lambda channel: channel.look_up(BEGUN)).remote == remote
    other = outgoing(message(SlackSide.address, "2026-W45"), begun_at=NOW)
    assert run(side, lambda channel: channel.look_up(other)).found == "absent"
    late = replace(BEGUN, begun_at=NOW + timedelta(seconds=61))
    assert run(side, lambda channel: channel.look_up(late)).found == "absent", "older messages are another's"


def test_a_message_of_another_program_is_not_taken_for_ours(side: SlackSide) -> None:
    metadata = {"event_type": "another_program", "event_payload": {"key": MADE.key}}
    (conversation,) = (one for one in side.space.channels.values() if one.id == CHANNEL)
    side.space.post(conversation, {"text": "Theirs", "metadata": metadata})
    assert run(side, lambda channel: channel.look_up(BEGUN)).found == "absent"


def test_the_key_is_found_on_a_later_page_and_beyond_the_last_it_cannot_be_told(
    side: SlackSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    monkeypatch.setattr(module, "MOST_PAGES", 3)
    remote = sent(side, outgoing(MADE))
    channel = side.space.channels[CHANNEL]
    for _ in range(5):
        side.space.post(channel, {"text": "noise"})
    assert run(side, lambda one: one.look_up(BEGUN)).remote == remote
    side.space.post(channel, {"text": "noise"})
    seen = run(side, lambda one: one.look_up(BEGUN))
    assert (seen.found, seen.because) == ("cannot_tell", "More than 6 messages were posted there since.")


@pytest.mark.parametrize("scope", ["channels:history"])
def test_without_the_right_to_read_history_it_cannot_be_told(side: SlackSide, scope: str) -> None:
    side.space.scopes -= {scope}
    seen = run(side, lambda channel: channel.look_up(BEGUN))
    assert seen.found == "cannot_tell"
    assert "missing_scope" in seen.because


def test_an_answer_goes_into_the_thread_and_is_found_there(side: SlackSide) -> None:
    root = sent(side, outgoing(MADE))
    follower = message(SlackSide.address, "later", after=MADE.key)
    remote = sent(side, outgoing(follower, thread=root))
    posted = side.space.posted()[-1]
    assert posted["thread_ts"] == root.partition("/")[2]
    seen = run(side, lambda channel: channel.look_up(outgoing(follower, thread=root, begun_at=NOW)))
    assert seen.remote == remote


def test_a_thread_whose_beginning_was_deleted_goes_on_in_the_channel(side: SlackSide) -> None:
    root = sent(side, outgoing(MADE))
    side.space.channels[CHANNEL].messages.clear()
    follower = message(SlackSide.address, "later", after=MADE.key)
    remote = sent(side, outgoing(follower, thread=root))
    (posted,) = side.space.posted()
    assert "thread_ts" not in posted
    seen = run(side, lambda channel: channel.look_up(outgoing(follower, thread=root, begun_at=NOW)))
    assert seen.remote == remote
    elsewhere = outgoing(message(SlackSide.address, "third"), thread="C0OTHER/1.1")
    assert sent(side, elsewhere)
    assert "thread_ts" not in side.space.posted()[-1]


def test_a_message_in_anothers_place_rewrites_it_or_is_posted_where_that_is_gone(side: SlackSide) -> None:
    original = sent(side, outgoing(MADE))
    moved = message(SlackSide.address, "moved", updates=MADE.key, content={"text": "Moved to four"})
    assert sent(side, outgoing(moved, original=original)) == original
    (posted,) = side.space.posted()
    assert posted["text"] == "Moved to four"
    assert side.arrived(MADE) == 1, "it keeps its own key"
    side.space.channels[CHANNEL].messages.clear()
    assert sent(side, outgoing(moved, original=original)) != original
    assert side.arrived(moved) == 1


@pytest.mark.parametrize(
    ("place", "code"),
    [("C0NOWHERE", "channel_not_found"), ("U0LEFT", "user_disabled"), ("U0NOBODY", "user_not_found")],
)
def test_an_address_that_slack_does_not_take_is_refused(side: SlackSide, place: str, code: str) -> None:
    with pytest.raises(Refused, match=code):
        sent(side, outgoing(message(Address("slack", place))))
    assert side.space.posted() == []


def test_an_archived_channel_is_refused_with_what_to_do(side: SlackSide) -> None:
    side.space.channels[CHANNEL].archived = True
    with pytest.raises(Refused, match="is_archived") as refused:
        sent(side, outgoing(MADE))
    assert refused.value.hint == "Choose another channel."


def test_a_wrong_token_is_refused_and_its_text_stands_nowhere(side: SlackSide) -> None:
    side.fault("auth")
    with pytest.raises(Refused) as refused:
        sent(side, outgoing(MADE))
    assert "xoxb" not in f"{refused.value.message}{refused.value.hint}"


@pytest.mark.parametrize(("kind", "expected"), [("http500", Unsure), ("badjson", NotDelivered)])
def test_what_slack_does_not_answer_well_is_not_known(
    side: SlackSide, kind: str, expected: type[NotDelivered], no_waiting: None
) -> None:
    side.fault(kind)
    with pytest.raises(expected):
        sent(side, outgoing(MADE))
    side.fault()
    assert run(side, lambda channel: channel.look_up(BEGUN)).found == ("there" if side.arrived(MADE) else "absent")


def test_a_line_that_is_cut_before_the_answer_leaves_a_message_that_is_found(side: SlackSide) -> None:
    side.line.state = "cut"
    with pytest.raises(Unsure):
        sent(side, outgoing(MADE))
    side.line.state = ""
    assert run(side, lambda channel: channel.look_up(BEGUN)).found == "there"
    assert side.arrived(MADE) == 1


def test_what_never_reached_slack_is_certainly_not_posted(side: SlackSide, no_waiting: None) -> None:
    side.line.state = "down"
    with pytest.raises(Delayed):
        sent(side, outgoing(MADE))


def test_a_rate_limit_says_how_long_to_wait(side: SlackSide, no_waiting: None) -> None:
    side.fault("http429")
    with pytest.raises(Delayed) as delayed:
        sent(side, outgoing(MADE))
    assert delayed.value.wait == 1
    with pytest.raises(Delayed):
        run(side, lambda channel: channel.look_up(BEGUN))


def test_reading_leaves_nothing_unsure(side: SlackSide, no_waiting: None) -> None:
    side.fault("http500")
    with pytest.raises(Delayed):
        run(side, lambda channel: channel.look_up(BEGUN))
    with pytest.raises(Delayed):
        sent(side, outgoing(message(Address("slack", "U0STRANGER"))))
    with pytest.raises(Delayed):
        sent(side, outgoing(MADE, original=f"{CHANNEL}/1.1"))


@pytest.mark.parametrize(
    ("code", "expected"),
    [("fatal_error", Unsure), ("internal_error", Unsure), ("ratelimited", Delayed), ("msg_blocks_too_long", Refused)],
)
def test_each_error_of_slack_says_whether_anything_was_done(code: str, expected: type[NotDelivered]) -> None:
    assert type(module._failed("chat.postMessage", code)) is expected


def test_who_the_token_is_can_be_asked(side: SlackSide) -> None:
    assert run(side, lambda channel: channel.identity())["team"] == "Sandbox"
    side.fault("auth")
    with pytest.raises(Refused):
        run(side, lambda channel: channel.identity())


def test_without_a_token_there_is_no_channel() -> None:
    with pytest.raises(ConfigError, match=r"slack\.token"):
        SlackChannel(SlackApi(), plain_settings(), Clock())
