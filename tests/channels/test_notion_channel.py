"""Notion as a channel, against the sandbox's workspace: one page a message, gone on with after a crash, nobody's words lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest
from far_sides import NOW, Clock, NotionSide, message, outgoing, run, sent
from worlds import Worlds

from customer_research.channels.channel import Delayed, Refused, Unsure
from customer_research.channels.notion import NotionChannel
from customer_research.domain.delivery import Address
from customer_research_sandbox.dataset import NotionRecords
from customer_research_sandbox.servers.notion import PERSON_TOKEN

MADE = message(NotionSide.address, content={"markdown": ["First part", "Second part"]})
BEGUN = outgoing(MADE, begun_at=NOW)


@pytest.fixture(scope="module")
def records(worlds: Worlds) -> NotionRecords:
    return worlds.dataset().notion


@pytest.fixture
def side(records: NotionRecords) -> NotionSide:
    return NotionSide(Clock(), records)


def person_writes(side: NotionSide, page: str, words: str) -> None:
    edit = {"type": "insert_content", "insert_content": {"content": words, "position": {"type": "end"}}}
    headers = {"Authorization": f"Bearer {PERSON_TOKEN}", "Notion-Version": "2026-03-11"}

    async def ask() -> int:
        async with httpx2.AsyncClient(transport=side.line) as client:
            url = f"http://notion.test/v1/pages/{page}/markdown"
            return (await client.patch(url, json=edit, headers=headers)).status_code

    assert asyncio.run(ask()) == 200


def test_a_message_is_a_page_with_its_title_kind_and_key_and_all_of_its_text(side: NotionSide) -> None:
    remote = sent(side, outgoing(MADE))
    assert side.arrived(MADE) == 1
    content = side.content(remote.partition("/")[0])
    assert content.index("First part") < content.index("Second part")
    assert run(side, lambda channel: channel.look_up(BEGUN)).remote == remote


def test_a_page_that_was_made_before_a_crash_is_found_and_given_its_text(side: NotionSide) -> None:
    side.line.state = "cut"
    with pytest.raises(Unsure):
        sent(side, outgoing(MADE))
    side.line.state = ""
    assert side.arrived(MADE) == 1
    seen = run(side, lambda channel: channel.look_up(BEGUN))
    assert seen.found == "there"
    assert "Second part" in side.content(seen.remote.partition("/")[0])
    assert side.arrived(MADE) == 1


def test_what_notion_does_not_have_is_absent_after_several_looks(side: NotionSide) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    channel = NotionChannel(side.pages(), "Export key", sleep)
    assert asyncio.run(channel.look_up(BEGUN)).found == "absent"
    assert waits == [1.0, 1.0]


def test_a_message_in_anothers_place_rewrites_its_page_again_and_again(side: NotionSide) -> None:
    remote = sent(side, outgoing(MADE))
    page = remote.partition("/")[0]
    for words in ("Moved to four", "Moved to five"):
        moved = message(NotionSide.address, words, updates=MADE.key, content={"markdown": [words]})
        remote = sent(side, outgoing(moved, original=remote))
        assert remote.partition("/")[0] == page
        assert side.content(page).strip() == words
        assert side.arrived(moved) == 0


def test_what_a_person_wrote_into_the_page_stays_and_each_change_is_added_once(side: NotionSide) -> None:
    remote = sent(side, outgoing(MADE))
    page = remote.partition("/")[0]
    person_writes(side, page, "Mine")
    for minute, words in enumerate(("Moved to four", "Moved to five")):
        moved = message(NotionSide.address, words, updates=MADE.key, content={"markdown": [words, "More"]})
        leaving = replace(outgoing(moved, original=remote), put_at=NOW + timedelta(minutes=minute))
        for _ in range(2):  # the second time as after a crash
            remote = sent(side, leaving)
        assert remote.partition("/")[0] == page
    content = side.content(page)
    assert "Mine" in content
    assert [content.count(words) for words in ("Moved to four", "Moved to five", "More")] == [1, 1, 2]


def test_a_page_that_was_deleted_is_made_anew(side: NotionSide) -> None:
    remote = sent(side, outgoing(MADE))
    pages = side.pages()
    asyncio.run(pages.remove(remote.partition("/")[0], pages.log()))
    moved = message(NotionSide.address, "moved", updates=MADE.key)
    assert sent(side, outgoing(moved, original=remote)) != remote
    assert side.arrived(moved) == 1


def test_another_data_source_than_that_of_the_settings_is_refused(side: NotionSide) -> None:
    with pytest.raises(Refused, match="another data source"):
        sent(side, outgoing(message(Address("notion", "elsewhere"))))


def test_a_data_source_without_the_key_is_refused_before_a_page_is_made(side: NotionSide) -> None:
    channel = NotionChannel(side.pages(), "No such property", _no_sleep)
    with pytest.raises(Refused, match="no text property") as refused:
        asyncio.run(channel.send(outgoing(MADE)))
    assert "--prepare" in refused.value.hint


async def _no_sleep(_seconds: float) -> None:
    return None


def test_faults_of_notion_say_whether_a_page_may_be_there(side: NotionSide, no_waiting: None) -> None:
    side.fault("http429")
    with pytest.raises(Delayed):
        sent(side, outgoing(MADE))
    side.fault("http500")
    with pytest.raises(Delayed, match="Notion"):
        sent(side, outgoing(MADE))  # the properties are only read
    with pytest.raises(Delayed):
        run(side, lambda channel: channel.look_up(BEGUN))
    side.fault("auth")
    with pytest.raises(Refused):
        sent(side, outgoing(MADE))
    assert run(side, lambda channel: channel.look_up(BEGUN)).found == "cannot_tell"
    side.fault()
    side.line.state = "down"
    with pytest.raises(Delayed):
        sent(side, outgoing(MADE))
