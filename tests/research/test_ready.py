"""Lists read from the lines that were kept: they say what the snapshot's files say, and load nothing that computes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from customer_research.domain.evidence import Fact
from customer_research.domain.health import PRESENT
from customer_research.domain.line import Line
from customer_research.domain.portfolio import Sort
from customer_research.domain.report import Figures, Report, Table, Text
from customer_research.domain.snapshot import SNAPSHOTS
from customer_research.errors import UsageError
from customer_research.research.alerting.alerts import checked
from customer_research.research.alerting.open_list import open_alerts
from customer_research.research.alerting.requests import AlertChoice
from customer_research.research.portfolio import newest, ready
from customer_research.research.portfolio.book_lines import FileListing, keep
from customer_research.research.portfolio.listing import Listing
from customer_research.research.portfolio.ready import StoreListing, made_with, newest_listing
from customer_research.research.portfolio.requests import Selection
from customer_research.research.portfolio.snapshots import snapshots_of, write_description
from customer_research.settings import Settings, StoreSettings, load_settings
from customer_research.store.books import book
from customer_research.store.database import open_store


@pytest.fixture(scope="module")
def own(portfolio_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The demo's lake with a store of one's own, in which its newest snapshot is kept and checked for alerts."""
    url = SecretStr(f"sqlite:///{tmp_path_factory.mktemp('ready') / 'store.db'}")
    settings = portfolio_settings.model_copy(update={"store": StoreSettings(url=url)})
    folder, snapshot = next(snapshots_of(settings.lake_folder))
    with open_store(settings.store_url) as store:
        keep(store, settings, folder, snapshot, snapshot.as_of)
    checked(settings, now=snapshot.as_of)
    return settings


@contextmanager
def listed(settings: Settings) -> Iterator[Listing]:
    assert settings.clock is not None
    with newest_listing(settings, settings.clock) as listing:
        yield listing


CHOICES = (
    Selection(),
    Selection(limit=0),
    Selection(statuses=("churned", "never_started"), limit=0),
    Selection(bands=("critical", "at_risk"), min_mrr=100),
    Selection(segments=("SMB", "Enterprise"), findings=("r1", "R2", "R18")),
    Selection(owner="teun", search="limo"),
    Selection(search="nobody is called so"),
)


def test_what_is_listed_of_lines_is_what_is_listed_of_the_files(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    now = own.clock
    assert now is not None

    def every() -> list[Report]:
        lists = [newest.portfolio_report(own, one, now=now) for one in CHOICES]
        lists += [newest.portfolio_report(own, Selection(), now=now, sort=sort) for sort in get_args(Sort)]
        lists += [newest.digest_report(own, now=now, owner=owner) for owner in ("", "teun")]
        choices = (AlertChoice(all=True, limit=0), AlertChoice(), AlertChoice(owner="teun", limit=3))
        return [*lists, *(open_alerts(own, choice, now=now) for choice in choices)]

    with listed(own) as listing:
        assert isinstance(listing, StoreListing)
    of_lines = every()
    monkeypatch.setattr(ready, "_kept", lambda *_: None)
    monkeypatch.setattr(ready, "_fits", lambda *_: False)
    with listed(own) as listing:
        assert isinstance(listing, FileListing)
    assert every() == of_lines


def test_how_soon_somebody_is_needed_is_read_without_the_lines(own: Settings) -> None:
    with listed(own) as listing:
        lines = listing.lines([one.operator_id for one in listing.everybody()])
        assert listing.needs([*lines, "nobody"]) == {one: line.need for one, line in lines.items()}
    told = {(line.level, line.sooner, line.need.waits) for line in lines.values()}
    assert {waits for _, _, waits in told} == {True, False}
    assert all(waits == (not sooner and level in {"this_month", "watch"}) for level, sooner, waits in told)


def test_alerts_read_the_lines_that_they_show_and_no_others(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert own.clock is not None
    asked: list[int] = []
    whole = StoreListing.lines

    def noted(self: StoreListing, operator_ids: Collection[str]) -> Mapping[str, Line]:
        asked.append(len(operator_ids))
        return whole(self, operator_ids)

    monkeypatch.setattr(StoreListing, "lines", noted)
    open_alerts(own, AlertChoice(all=True, limit=2), now=own.clock)
    assert asked == [2]


def test_a_digest_of_an_owner_tells_of_that_owners_operators_alone(own: Settings) -> None:
    assert own.clock is not None
    with listed(own) as listing:
        people = [one for one in listing.people() if one[1].startswith("Teun")]
        ids = listing.owned(tuple(people))
        present = [one for one in listing.everybody() if one.operator_id in ids and one.status in PRESENT]
    ((owner_id, name),) = people
    reports = [newest.digest_report(own, now=own.clock, owner=asked) for asked in (owner_id, name, "teun")]
    assert reports[0] == reports[1] == reports[2]
    (report,) = reports[:1]
    assert report.title == f"Weekly digest: {name}"
    blocks = [block for part in report.sections for block in part.blocks]
    cells = [row[0] for block in blocks if isinstance(block, Table) for row in block.rows]
    named = {cell.operator for cell in cells if isinstance(cell, Text) and cell.operator}
    assert named
    assert named <= ids
    (total,) = [line.figure for block in blocks if isinstance(block, Figures) for line in block.lines][:1]
    assert isinstance(total, Fact)
    assert total.value == len(present) > 0
    with pytest.raises(UsageError, match="No account owner"):
        newest.digest_report(own, now=own.clock, owner="nobody at all")


def test_lines_made_with_other_settings_are_made_anew(own: Settings, tmp_path: Path) -> None:
    copied = tmp_path / "store.db"
    shutil.copy(own.store_url.removeprefix("sqlite:///"), copied)
    linked = own.model_copy(
        update={
            "store": StoreSettings(url=SecretStr(f"sqlite:///{copied}")),
            "links": {"hubspot_company": "http://hub/{id}"},
        }
    )
    with listed(linked) as listing:
        assert isinstance(listing, StoreListing)
        lines = listing.lines([one.operator_id for one in listing.everybody()])
    assert sum(line.link.startswith("http://hub/") for line in lines.values()) > 100


def test_what_goes_into_lines_is_what_they_were_made_with(tmp_path: Path) -> None:
    card, playbook = tmp_path / "card.toml", tmp_path / "plays.toml"
    card.write_text("name = 'one'")
    playbook.write_text("base = 'shipped'")
    (tmp_path / "settings.toml").touch()
    links = {"hubspot_company": "http://a/{id}", "lago_customer": "http://b/{id}"}
    settings = load_settings(tmp_path / "settings.toml").model_copy(
        update={"scorecard": str(card), "playbook": playbook, "links": links}
    )

    def made(**changed: Any) -> str:
        return made_with(settings.model_copy(update=changed))

    rates = settings.rates.model_copy
    same = {made(), made(links=dict(reversed(links.items()))), made(owner="Kim")}
    others = [
        made(links={**links, "lago_customer": "http://c/{id}"}),
        made(links={"hubspot_company": "http://a/{id}"}),
        made(scorecard="canonical"),
        made(playbook=None),
        *(made(rates=rates(update=one)) for one in ({"currency": "EUR"}, {"file": card}, {"own": card})),
    ]
    for file, text in ((card, "name = 'two'"), (playbook, "base = ''")):
        file.write_text(text)
        others.append(made())
    assert len(same) == 1
    assert len({*same, *others}) == 1 + len(others)


def test_lines_that_are_not_there_are_made(own: Settings, tmp_path: Path) -> None:
    copied = tmp_path / "store.db"
    shutil.copy(own.store_url.removeprefix("sqlite:///"), copied)
    bare = own.model_copy(update={"store": StoreSettings(url=SecretStr(f"sqlite:///{copied}"))})
    with open_store(bare.store_url) as store, store.begin() as connection:
        connection.execute(sa.delete(book))
    with listed(bare) as listing, listed(own) as known:
        assert isinstance(listing, StoreListing)
        assert listing.everybody() == known.everybody()


def test_a_snapshot_that_the_store_does_not_know_is_read_from_its_files(own: Settings, tmp_path: Path) -> None:
    folder, snapshot = next(snapshots_of(own.lake_folder))
    lake = tmp_path / "lake"
    newer = replace(snapshot, id="0" * 16, taken_at=snapshot.taken_at.replace(year=2027), place=f"{SNAPSHOTS}/newer")
    for name, one in ((snapshot.id, snapshot), (newer.id, newer)):
        shutil.copytree(folder, lake / SNAPSHOTS / name)
        write_description(lake / SNAPSHOTS / name, one)
    settings = own.model_copy(update={"lake": own.lake.model_copy(update={"folder": lake})})
    with listed(settings) as listing:
        assert isinstance(listing, FileListing)
        assert listing.snapshot.id == newer.id


def test_lists_load_no_engine_no_source_and_no_declaration(own: Settings, tmp_path: Path) -> None:
    assert own.clock is not None
    config = tmp_path / "settings.toml"
    config.write_text(
        f'clock = "{own.clock:%Y-%m-%dT%H:%M:%SZ}"\n[store]\nurl = "{own.store_url}"\n[lake]\nfolder = "{own.lake_folder}"\n'
        f'[rates]\nfile = "{own.rates.file}"\n[links]\n'
        + "".join(f"{name} = {json.dumps(link)}\n" for name, link in own.links.items()),
        encoding="utf-8",
    )
    heavy = [
        "duckdb",
        "pyarrow",
        "pandas",
        "numpy",
        "httpx",
        "sqlglot",
        "sqlalchemy.dialects.postgresql",
        "pydantic_settings",
    ]
    heavy += ["customer_research.health.scorecard", "customer_research.sources.lago.source", "stdnum"]
    heavy += [f"customer_research.domain.{name}" for name in ("advice", "backtest", "identity", "person")]
    books = [
        "customer_research.domain.calibration",
        "customer_research.store.alerts",
        "customer_research.reports.judgement",
    ]
    program = (
        "import sys; from customer_research.surfaces.cli.group import run; run(sys.argv[2:]); "
        "print([name for name in sys.argv[1].split() if name in sys.modules])"
    )
    for words in ("today", "portfolio", "alerts", "digest", "renewals"):
        unneeded = [*heavy, *books] if words in {"today", "renewals"} else heavy
        done = subprocess.run(
            [sys.executable, "-c", program, " ".join(unneeded), "--config", str(config), words],
            check=True,
            capture_output=True,
            text=True,
        )
        assert done.stdout.splitlines()[-1] == "[]", words
        assert len(done.stdout.splitlines()) > 10, words
