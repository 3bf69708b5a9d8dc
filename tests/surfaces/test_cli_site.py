"""`report all --folder` through a sandbox over HTTP: linked both ways, found by name, resumed, and nobody else's files touched."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import ASKED, ASKED_OF_COLOURS, chromium
from cli_runs import Run, changed, command
from playwright.sync_api import Browser, Page

from customer_research.documents.formats import html_
from customer_research.domain.line import Line
from customer_research.errors import BadAnswer, UsageError
from customer_research.reports.kinds import OPERATOR_KINDS
from customer_research.research.batch import site
from customer_research.research.batch.journal import NAME
from customer_research.research.portfolio import books
from customer_research.settings import Settings
from customer_research_sandbox.serve import Sandbox

OWNER = "Teun"
S02, S05, S27, S40 = (f"00000000-5ce0-11f0-a000-0000000000{number}" for number in ("02", "05", "27", "40"))
WRITTEN = (S02, S05, S27, S40)
"""Who is taken of the owner's book: among them an attack in a name, and a name in many scripts."""


@pytest.fixture(scope="module")
def config(config_path: Path, portfolio_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Settings with the pulled portfolio and a store of one's own; books are cut to a few operators."""
    folder = tmp_path_factory.mktemp("store")
    shutil.copyfile(portfolio_settings.store_url.removeprefix("sqlite:///"), folder / "store.db")
    places = {
        "lake": {"folder": str(portfolio_settings.lake_folder)},
        "store": {"url": f"sqlite:///{folder / 'store.db'}", "snapshots": str(folder / "snapshots")},
    }
    every_line = books.every_line

    def few(*asked: Any, **more: Any) -> tuple[Line, ...]:
        return tuple(line for line in every_line(*asked, **more) if line.operator_id in WRITTEN)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(books, "every_line", few)
        yield changed(config_path, folder, places)


@pytest.fixture(scope="module")
def written(config: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """The site of one owner's book, and what was said of it."""
    folder = tmp_path_factory.mktemp("site") / "of" / "teun"
    before = looks(config)
    done = command("report", "all", "--folder", str(folder), "--owner", OWNER, config=config)
    assert looks(config) == before, "nobody has looked at today's page"
    return folder, done


def looks(config: Path) -> list[tuple[Any, ...]]:
    """Who looked at which snapshot, as the store has it: other tests may have looked before it was copied."""
    with closing(sqlite3.connect(config.parent / "store.db")) as store:
        return store.execute("SELECT * FROM look ORDER BY 1, 2").fetchall()


@pytest.fixture
def call(clean_sandbox: Sandbox, config: Path) -> Callable[..., Run]:
    """Writes the site of one owner to a folder."""

    def wrote(folder: Path, *options: str) -> Run:
        return command("report", "all", "--folder", str(folder), "--owner", OWNER, *options, config=config)

    return wrote


class Links(HTMLParser):
    """Where the links of a page lead, with their words; those inside it are left out."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._href: str | None = None
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href") if tag == "a" else None
        self._href = href if href and not href.startswith("#") else None

    def handle_data(self, data: str) -> None:
        if self._href is not None:
            self.found.append((self._href, data))
            self._href = None


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def pages(folder: Path) -> list[Path]:
    return [path for path in files(folder) if path.suffix == ".html"]


def test_every_operator_of_the_book_has_its_pages(written: tuple[Path, Run]) -> None:
    folder, done = written
    assert done.code == 0
    assert done.err.endswith(f"Written: {folder / 'index.html'}\n")  # on a slow machine after how far it is
    assert done.out == "4 operators: done 4.\n"
    names = [f"{one}{end}" for one in WRITTEN for end in (".html", ".account-review.html")]
    assert sorted(path.name for path in (folder / "operators").iterdir()) == sorted(names)
    assert {path.name for path in folder.iterdir()} == {
        "index.html", "portfolio.html", "renewals.html", "digest.html", "operators", "journal.jsonl", "summary.csv",
    }  # fmt: skip


def test_no_link_is_dead_and_each_page_leads_back(written: tuple[Path, Run]) -> None:
    folder, _ = written
    for page in pages(folder):
        led = set()
        for href, _ in Links(page).found:
            if not href.startswith("http"):
                target = (page.parent / href.partition("#")[0]).resolve()
                assert target.exists(), (page.name, href)
                led.add(target)
        assert (folder / "index.html").resolve() in led or page.name == "index.html"
        if page.parent.name == "operators":
            one = page.name.partition(".")[0]
            twin = f"{one}.html" if "account-review" in page.name else f"{one}.account-review.html"
            assert (page.parent / twin).resolve() in led


def test_rows_of_all_lists_lead_to_those_who_were_written(written: tuple[Path, Run]) -> None:
    folder, _ = written
    pages = {f"operators/{one}.html" for one in WRITTEN}
    for name in ("index", "portfolio"):
        rows = {href for href, _ in Links(folder / f"{name}.html").found if href.startswith("operators/")}
        assert rows, name
        assert rows <= pages
    assert {href for href, _ in Links(folder / "index.html").found if href.startswith("operators/")} == pages


def test_a_page_alone_leads_nowhere(config: Path, tmp_path: Path) -> None:
    for kind in ("today", "portfolio", "digest", "renewals"):
        page = tmp_path / f"{kind}.html"
        assert command("report", kind, "-o", str(page), config=config).code == 0
        assert [href for href, _ in Links(page).found if not href.startswith("http")] == []
        assert "<script" not in page.read_text()
        assert '<nav class="menu"' not in page.read_text()


def test_all_is_its_owners_alone(written: tuple[Path, Run]) -> None:
    folder, _ = written
    assert {stat.S_IMODE(path.stat().st_mode) for path in files(folder)} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent, folder / "operators")} == {0o700}


def test_the_one_script_is_named_by_its_digest_and_holds_no_data(written: tuple[Path, Run]) -> None:
    folder, _ = written
    for page in pages(folder):
        text = page.read_text()
        scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
        assert scripts == ([html_.search_script()] if page.name == "index.html" else [])
        assert ("script-src" in text) is bool(scripts)
        assert "unsafe-inline" not in text


def test_what_is_masked_on_the_pages_is_masked_in_the_index(written: tuple[Path, Run]) -> None:
    folder, _ = written
    shown = (folder / "index.html").read_text() + (folder / "summary.csv").read_text() + (folder / NAME).read_text()
    assert not re.search(r"[\w.]{3,}@[\w-]+\.\w", shown)


# -- the folder ----------------------------------------------------------------------------------------------------------


def test_a_second_run_writes_all_anew_and_leaves_what_is_not_its_own(
    call: Callable[..., Run], clean_sandbox: Sandbox, tmp_path: Path
) -> None:
    folder = tmp_path / "site"
    assert call(folder).code == 0
    page = next(path for path in pages(folder) if path.parent.name == "operators")
    page.write_bytes(b"old")
    (folder / "mine.html").write_text("mine")
    (folder / "operators" / "mine.txt").write_text("mine")
    gone = folder / site.page_name("somebody who left", "profile")
    gone.write_text("old")
    record = {"key": "x", "operator_id": "somebody who left", "report": "../../mine"}
    with (folder / NAME).open("a") as file:
        file.write(json.dumps(record) + "\n")

    assert call(folder).code == 0

    assert page.read_bytes().startswith(b"<!doctype html>")
    assert not gone.exists()
    assert (folder / "mine.html").read_text() == (folder / "operators" / "mine.txt").read_text() == "mine"
    assert len((folder / NAME).read_text().splitlines()) == len(WRITTEN) + 2


@pytest.mark.parametrize("name", ["index.html", "digest.html", "operators"])
def test_a_folder_in_which_something_else_has_a_name_of_ours_is_refused(
    call: Callable[..., Run], tmp_path: Path, name: str
) -> None:
    (tmp_path / name).mkdir() if name == "operators" else (tmp_path / name).write_text("mine")
    done = call(tmp_path)
    assert done.code == 2
    assert f"holds {name}, which no earlier run has written" in done.err
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_serves_one_site(call: Callable[..., Run], written: tuple[Path, Run]) -> None:
    done = call(written[0], "--show-personal")
    assert done.code == 2
    assert "holds another batch (personal masked)" in done.err


def test_a_run_that_was_cut_off_continues(
    call: Callable[..., Run], clean_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, kept = tmp_path / "site", []

    def cut(*_given: Any) -> None:
        kept.extend(pages(folder))
        raise UsageError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(site, "_write_lists", cut)
        assert call(folder).code == 2
    assert kept
    assert not (folder / "index.html").exists()
    clean_sandbox.clear_request_log()

    assert call(folder).code == 0

    assert clean_sandbox.request_log == []
    assert (folder / "index.html").exists()


# -- what fails ----------------------------------------------------------------------------------------------------------


def test_a_silent_source_is_named_on_the_first_page(
    call: Callable[..., Run], clean_sandbox: Sandbox, tmp_path: Path
) -> None:
    clean_sandbox.set_faults("lago:auth")
    done = call(tmp_path / "site")
    assert done.code == 3
    index = (tmp_path / "site" / "index.html").read_text()
    assert "have pages that lack something" in index
    assert "Not in its pages" in index
    assert "Lago" in index[index.index("All operators") :]

    clean_sandbox.set_faults()
    assert call(tmp_path / "site", "--retry").code == 0
    assert "lack something" not in (tmp_path / "site" / "index.html").read_text()


def test_one_who_failed_is_named_and_not_linked(
    call: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(OPERATOR_KINDS["profile"])
    build = kind.report

    def broken(self: Any, account: Any, *more: Any) -> Any:
        if account.operator_id == S02:
            raise BadAnswer("Lago's answer is broken.", source="lago", stream="invoices")
        return build(self, account, *more)

    monkeypatch.setattr(kind, "report", broken)
    done = call(tmp_path)
    assert done.code == 6
    assert "Silvermead Livery, failed: Lago's answer is broken" in done.out
    index = (tmp_path / "index.html").read_text()
    assert re.search(r"1 operator of 4 has no page: Silvermead Livery", index)
    assert S02 not in index
    assert "Silvermead Livery" in index[index.index("All operators") :]


def test_names_of_files_are_safe_and_no_two_alike() -> None:
    ids = [
        "a",
        "A",
        "../../etc/passwd",
        "a/b",
        "a_b",
        "a-b",
        "é",
        "x" * 500,
        "x" * 501,
        "legacy:7",
        "",
        "a.account-review",
    ]
    names = [site.page_name(one, kind) for one in ids for kind in site.KINDS]
    assert len({name.lower() for name in names}) == len(names)
    assert all(re.fullmatch(r"operators/[a-z0-9_-]{1,64}(\.account-review)?\.html", name) for name in names)


# -- in a browser --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def look(browser: Browser, path: Path, *, width: int = 1280, dark: bool = False) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.on("console", lambda message: pytest.fail(message.text))
    page.goto(path.as_uri())
    return page


@pytest.mark.parametrize("name", ["index", "portfolio", "renewals", "digest", "operator", "review"])
def test_axe_finds_nothing_in_light_or_dark(browser: Browser, written: tuple[Path, Run], name: str) -> None:
    folder, _ = written
    first = folder / "operators" / S40
    own = {"operator": first.with_suffix(".html"), "review": first.with_suffix(".account-review.html")}
    page = look(browser, own.get(name, folder / f"{name}.html"))
    light = Axe().run(page, options=ASKED)
    page.emulate_media(color_scheme="dark")
    dark = Axe().run(page, options=ASKED_OF_COLOURS)
    page.close()
    assert light.violations_count == 0, light.generate_report()
    assert dark.violations_count == 0, dark.generate_report()


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_flows_over_the_first_page(browser: Browser, written: tuple[Path, Run], width: int) -> None:
    page = look(browser, written[0] / "index.html", width=width)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.close()


def test_a_name_is_found_from_a_file_without_a_server(browser: Browser, written: tuple[Path, Run]) -> None:
    page = look(browser, written[0] / "index.html")
    rows = page.locator("#part-operators tbody tr:visible")
    every = rows.count()
    page.fill("#find", "LIVERY  sílver")
    assert rows.count() == 1
    assert page.inner_text("#found") == f"1 of {every}"
    assert not page.is_visible("#part-calls")
    page.fill("#find", "")
    assert rows.count() == every
    assert page.is_visible("#part-calls")
    page.fill("#find", "silver")
    page.press("#find", "Enter")
    page.wait_for_load_state()
    assert page.inner_text("h1") == "Silvermead Livery"
    page.click("text=Find an operator")
    page.wait_for_load_state()
    assert page.evaluate("document.activeElement.id") == "find"
    page.close()


def test_without_scripts_the_whole_table_stands_there(browser: Browser, written: tuple[Path, Run]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((written[0] / "index.html").as_uri())
    assert not page.is_visible("#find")
    assert page.locator("#part-operators tbody tr:visible").count() == len(WRITTEN)
    context.close()
