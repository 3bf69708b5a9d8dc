"""Exporting to Notion against the sandbox: one page, updated in place, never twice, never over a person's words."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from customer_research.documents.formats.notion import MOST_BYTES, pages
from customer_research.domain.evidence import Fact, Receipt
from customer_research.domain.report import Prose, Report, Section, Table, Text
from customer_research.errors import ConfigError, Unavailable
from customer_research.research.export import PageExport, to_notion
from customer_research.settings import Settings
from customer_research.sources.notion.pages import KEY, NotionPages
from customer_research.sources.notion.settings import NotionSettings
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.notion import PERSON_TOKEN, TOKEN
from customer_research_sandbox.servers.notion_pages import REPORTS_DATA_SOURCE

NOW = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
PROOF = Receipt("lago-1", "lago", "invoices", "GET /invoices", NOW, 3, "ab" * 32)


def report_of(number: int, *blocks: Any, text: str = "All is well.") -> Report:
    section = Section("Standing", (Prose(text, (Fact(3, "count", (PROOF,), NOW),)), *blocks), "standing")
    return Report(
        "profile", "Profile", f"operator-{number}", "Alder <Chauffeurs> | *Ltd*", NOW, NOW, (section,), freshness=()
    )


class Desk:
    """A workspace of the sandbox, the product's own store, and a person at the keyboard."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        store = settings.store.model_validate({"url": f"sqlite:///{folder / 'exports.db'}"})
        self.settings = settings.model_copy(update={"store": store})
        self.url = settings.of(NotionSettings).url

    def export(self, report: Report, **options: Any) -> PageExport:
        async def no_wait(_seconds: float) -> None:
            return None

        return asyncio.run(to_notion(self.settings, lambda: NOW, report, None, sleep=no_wait, **options))

    def ask(self, method: str, path: str, body: Any = None, token: str = TOKEN) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Notion-Version": "2026-03-11"}
        answer = httpx2.request(method, f"{self.url}{path}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def content(self, page: str) -> str:
        return str(self.ask("GET", f"/pages/{page}/markdown")["markdown"])

    def person_adds(self, page: str, words: str) -> None:
        edit = {"type": "insert_content", "insert_content": {"content": words, "position": {"type": "end"}}}
        self.ask("PATCH", f"/pages/{page}/markdown", edit, PERSON_TOKEN)

    def found(self, number: int) -> list[Any]:
        condition = {"property": KEY, "rich_text": {"equals": f"operator-{number}:profile:internal"}}
        query = f"/data_sources/{REPORTS_DATA_SOURCE}/query"
        return list(self.ask("POST", query, {"filter": condition})["results"])


@pytest.fixture
def desk(clean_sandbox: Sandbox, settings: Settings, tmp_path: Path) -> Desk:
    del clean_sandbox
    return Desk(settings, tmp_path)


def test_a_second_export_updates_the_same_page(desk: Desk) -> None:
    first = desk.export(report_of(1))
    again = desk.export(report_of(1))
    other = desk.export(report_of(1, text="Something changed."))

    assert (first.done, again.done, other.done) == ("created", "unchanged", "updated")
    assert first.page == again.page == other.page
    assert len(desk.found(1)) == 1
    assert "Something changed" in desk.content(first.page)
    assert "All is well" not in desk.content(first.page)


def test_properties_are_set_and_names_stay_text(desk: Desk) -> None:
    page = desk.ask("GET", f"/pages/{desk.export(report_of(2)).page}")["properties"]
    assert page["Name"]["title"][0]["plain_text"] == "Alder <Chauffeurs> | *Ltd*: Profile"
    assert page["Operator ID"]["rich_text"][0]["plain_text"] == "operator-2"
    assert page["As of"]["date"]["start"] == NOW.isoformat()
    assert page["Score"]["number"] is None
    assert page["Band"]["select"] is None


def test_what_a_person_wrote_is_not_overwritten(desk: Desk) -> None:
    page = desk.export(report_of(3)).page
    desk.person_adds(page, "Called them on Monday.")

    added = desk.export(report_of(3, text="Second."))
    later = desk.export(report_of(3, text="Third."))

    assert (added.done, later.done) == ("added a section", "added a section")
    assert "--force" in added.warning
    text = desk.content(page)
    assert all(words in text for words in ("Called them on Monday", "Second", "Third", "All is well"))
    forced = desk.export(report_of(3, text="Fourth."), force=True)
    assert (forced.done, forced.page) == ("updated", page)
    assert "Monday" not in desk.content(page)
    assert desk.export(report_of(3, text="Fifth.")).done == "updated"


def test_another_machine_finds_the_page_and_respects_the_person(desk: Desk, settings: Settings, tmp_path: Path) -> None:
    page = desk.export(report_of(4)).page
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = Desk(settings, elsewhere)
    assert other.export(report_of(4, text="From elsewhere.")).page == page
    desk.person_adds(page, "A person was here.")
    third = tmp_path / "third"
    third.mkdir()
    last = Desk(settings, third)
    assert last.export(report_of(4, text="From a third.")).done == "added a section"
    assert last.export(report_of(4, text="Again from the third.")).done == "added a section"
    assert "A person was here" in desk.content(page)


@pytest.mark.parametrize("where", ["create", "replace", "set_properties"])
def test_a_crash_between_a_call_and_its_record_makes_no_second_page(
    desk: Desk, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = {"create": 5, "replace": 6, "set_properties": 7}[where]
    real = getattr(NotionPages, where)

    async def dies(self: Any, *arguments: Any) -> Any:
        await real(self, *arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(NotionPages, where, dies)
    with pytest.raises(KeyboardInterrupt):
        desk.export(report_of(number))
    monkeypatch.undo()

    done = desk.export(report_of(number))
    assert done.done in {"created", "updated"}
    assert [page["id"] for page in desk.found(number)] == [done.page]
    assert "All is well" in desk.content(done.page)


@pytest.mark.parametrize(("number", "person", "where"), [(13, False, "replace"), (14, True, "append")])
def test_after_a_crash_our_own_words_are_ours_and_a_persons_are_theirs(
    desk: Desk, number: int, person: bool, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = desk.export(report_of(number)).page
    if person:
        desk.person_adds(page, "Called them on Monday.")
    real = getattr(NotionPages, where)

    async def dies(self: Any, *arguments: Any) -> Any:
        await real(self, *arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(NotionPages, where, dies)
    with pytest.raises(KeyboardInterrupt):
        desk.export(report_of(number, text="Second."))
    monkeypatch.undo()

    assert desk.export(report_of(number, text="Third.")).done == ("added a section" if person else "updated")
    assert ("Monday" in desk.content(page)) is person


def test_a_page_that_was_deleted_is_made_anew(desk: Desk) -> None:
    page = desk.export(report_of(8)).page
    desk.ask("PATCH", f"/pages/{page}", {"in_trash": True}, PERSON_TOKEN)
    done = desk.export(report_of(8, text="Back."))
    assert done.done == "created"
    assert done.page != page


def test_two_machines_at_once_leave_one_page(desk: Desk, settings: Settings, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    desks = (desk, Desk(settings, elsewhere))

    async def both() -> list[PageExport]:
        runs = (to_notion(one.settings, lambda: NOW, report_of(9), None) for one in desks)
        return list(await asyncio.gather(*runs))

    done = asyncio.run(both())
    assert len({one.page for one in done}) == 1
    assert [page["id"] for page in desk.found(9)] == [done[0].page]


def test_missing_properties_are_named_and_added_on_request(desk: Desk) -> None:
    desk.ask("PATCH", f"/data_sources/{REPORTS_DATA_SOURCE}", {"properties": {"Score": None, "Band": None}})
    with pytest.raises(ConfigError, match="lacks properties that an export needs: Score, Band") as found:
        desk.export(report_of(10))
    assert "--prepare" in found.value.hint
    assert desk.export(report_of(10), prepare=True).done == "created"


def test_no_data_source_is_a_missing_setting(desk: Desk) -> None:
    notion = desk.settings.of(NotionSettings).model_copy(update={"reports_data_source": ""})
    desk.settings = desk.settings.model_copy(update={"notion": notion})
    with pytest.raises(ConfigError) as found:
        desk.export(report_of(11))
    assert found.value.setting == "notion.reports_data_source"


def test_an_outage_is_said_and_the_next_run_goes_on(desk: Desk, clean_sandbox: Sandbox) -> None:
    clean_sandbox.set_faults("notion:http500")
    short = desk.settings.model_copy(update={"deadline_seconds": 0.2})
    kept, desk.settings = desk.settings, short
    with pytest.raises(Unavailable):
        desk.export(report_of(12))
    clean_sandbox.set_faults()
    desk.settings = kept
    assert desk.export(report_of(12)).done == "created"


def test_a_long_report_is_split_and_arrives_whole(desk: Desk) -> None:
    rows = tuple((Text(f"row {number} {'x' * 400}"), Fact(number, "count", (PROOF,), NOW)) for number in range(1500))
    long = report_of(13, Table(("Name", "Count"), rows, (PROOF,), "Many"))
    pieces = pages(long)
    assert len(pieces) > 1
    assert all(len(piece.encode()) <= MOST_BYTES for piece in pieces)
    text = desk.content(desk.export(long).page)
    assert all(f"row {number} " in text for number in range(1500))


def test_hostile_words_stay_words() -> None:
    (text,) = pages(report_of(14, Prose("# no heading"), Prose("- no list [x](javascript:alert(1)) $x$ {color=red}")))
    assert r"\# no heading" in text
    assert r"\- no list \[x\](javascript:alert(1)) \$x\$ \{color=red\}" in text
    named = replace(report_of(15), headline=Prose("<script>alert(1)</script>"))
    assert r"\<script\>" in pages(named)[0]
