"""Books: what lists keep ready is what the portfolio says; an owner sees whom to call, what renews and what moved."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from importlib import resources
from pathlib import Path

import pytest
from pydantic import SecretStr
from scored_demo import without

from customer_research.documents.formats import markdown, terminal
from customer_research.domain.account import Account
from customer_research.domain.book import RENEWAL_WINDOWS, Book, PlannedMeeting
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.health import PRESENT
from customer_research.domain.line import Line
from customer_research.domain.snapshot import Snapshot
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.engine import Room
from customer_research.errors import UsageError
from customer_research.reports.kinds.renewals import KIND as RENEWALS
from customer_research.reports.kinds.today import KIND as TODAY
from customer_research.reports.standing_figures import health
from customer_research.research.off import lake_tables
from customer_research.research.portfolio.book_lines import FileListing, keep
from customer_research.research.portfolio.books import LINES, book, quarter_end, renewals
from customer_research.research.portfolio.listing import choose
from customer_research.research.portfolio.requests import Selection
from customer_research.research.portfolio.score import score
from customer_research.research.portfolio.selection import told_of
from customer_research.research.portfolio.snapshot_view import view_of
from customer_research.research.portfolio.snapshots import snapshots_of
from customer_research.settings import Settings, StoreSettings
from customer_research.store.books import Books
from customer_research.store.database import open_store
from customer_research.store.history import History


@pytest.fixture(scope="module")
def own(portfolio_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The demo's lake with a store of one's own, in which its newest snapshot is kept."""
    url = SecretStr(f"sqlite:///{tmp_path_factory.mktemp('books') / 'store.db'}")
    settings = portfolio_settings.model_copy(update={"store": StoreSettings(url=url)})
    folder, snapshot = newest(settings)
    with open_store(settings.store_url) as store:
        keep(store, settings, folder, snapshot, snapshot.as_of)
    return settings


@pytest.fixture
def fresh(own: Settings, tmp_path: Path) -> Settings:
    """The same store, at which nobody has looked yet."""
    (tmp_path / "store.db").write_bytes(Path(own.store_url.removeprefix("sqlite:///")).read_bytes())
    url = SecretStr(f"sqlite:///{tmp_path / 'store.db'}")
    return own.model_copy(update={"store": StoreSettings(url=url)})


def newest(settings: Settings) -> tuple[Path, Snapshot]:
    return next(snapshots_of(settings.lake_folder))


def looked(settings: Settings, owner: str | None = None, most: int | None = LINES) -> Book:
    now = settings.clock
    assert now is not None
    return book(settings, owner, now=now, most=most)


@pytest.fixture(scope="module")
def accounts(own: Settings) -> Mapping[str, Account]:
    """The operators present as the portfolio shows them, in its order."""
    folder, snapshot = newest(own)
    with view_of(own, folder, snapshot, snapshot.as_of) as view:
        return told_of(view, [one.operator_id for one in choose(FileListing(view).everybody(), Selection())[0]])


def every_line(settings: Settings) -> Iterator[Line]:
    with open_store(settings.store_url) as store:
        snapshot = History(store).latest()
        assert snapshot is not None
        ready = Books(store).ready(snapshot)
        assert ready is not None
        yield from Books(store).lines(ready)


def test_a_line_says_of_each_operator_present_what_the_portfolio_says(
    own: Settings, accounts: Mapping[str, Account]
) -> None:
    found = {line.operator_id: line for line in every_line(own)}
    assert found.keys() == accounts.keys()
    for one, line in found.items():
        account = accounts[one]
        assert account.score is not None
        assert account.urgency is not None
        assert line.status in PRESENT
        assert (line.name, line.band, line.score) == (account.name, account.score.band, account.score.score)
        told = account.urgency
        assert (line.level, line.until, line.because, line.sooner) == (told.level, told.until, told.because, told.open)
        shown = health(account)
        assert line.health == (shown.value if isinstance(shown, Fact) else "")
        for part, metric in (("mrr", "mrr"), ("ends_on", "subscription_ends_on"), ("renews_on", "renewal_date")):
            figure = account.figures[metric]
            assert getattr(line, part) == (figure.value if isinstance(figure, Fact) else None)
            assert line.basis.get(part, ()) == (figure.basis if isinstance(figure, Fact) else ())


def test_the_order_is_that_of_the_portfolio_where_no_source_is_silent(
    own: Settings, accounts: Mapping[str, Account]
) -> None:
    needing = [one for one, account in accounts.items() if account.urgency and account.urgency.level != "watch"]
    levels = {one: accounts[one].urgency.level for one in needing}  # type: ignore[union-attr] # filtered above
    shown = looked(own, most=None)
    assert {line.operator_id for line in shown.lines} == set(needing)
    assert [levels[line.operator_id] for line in shown.lines] == [levels[one] for one in needing]


def test_a_book_is_found_by_id_name_and_part_of_a_name(own: Settings) -> None:
    named = next(owner for owner in looked(own).owners if owner.name.startswith("Teun"))
    books = [looked(own, asked) for asked in (named.owner_id, named.name, "teun", named.name.upper())]
    assert {found.owners for found in books} == {(named,)}
    assert all(line.owner_id == named.owner_id for line in books[0].lines)
    assert books[0].operators == named.operators
    assert books[0].of >= len(books[0].lines) == LINES
    with pytest.raises(UsageError, match="Nobody") as refused:
        looked(own, "Nobody")
    assert named.name in refused.value.hint


def test_today_says_whom_to_call_why_until_when_and_with_what_at_stake(own: Settings) -> None:
    found = looked(own, "Teun")
    text = markdown.render(TODAY.build(found))
    first = found.lines[0]
    assert first.name in text
    assert first.because.rstrip(".") in text
    assert f"{first.until:%Y-%m-%d}" in text
    assert f"{found.owners[0].soon} need somebody now or this week" in text
    assert "of MRR a month is at stake in the 10 shown" in text
    assert not re.search(r"\bR\d+\b|\b[PEGS]\d\b|_", " ".join(line.split("](")[0] for line in text.splitlines()[:20]))


def test_who_has_nobody_to_call_is_told_so(own: Settings) -> None:
    found = replace(looked(own, "Teun"), lines=(), of=0, renewals=(), renewals_of=0, meetings=())
    text = markdown.render(TODAY.build(found))
    assert "needs somebody within a month" in text
    assert "Nothing known asks for a call" in text
    assert "No subscription ends or renews" in text
    meeting = PlannedMeeting("x", "Limo", "Review", found.snapshot.as_of, found.receipt)
    assert "Review" in markdown.render(TODAY.build(replace(found, meetings=(meeting,))))
    nobody = markdown.render(TODAY.build(replace(found, operators=0)))
    assert "Nobody in the snapshot is a customer now" in nobody


def test_what_moved_is_told_since_the_snapshot_that_one_looked_at_before(fresh: Settings) -> None:
    folder, snapshot = newest(fresh)
    assert isinstance(looked(fresh, "Teun").moves, Gap)
    fallen = looked(fresh, "Teun").lines[0]
    with open_store(fresh.store_url) as store:
        history = History(store)
        later = replace(snapshot, id="f" * 16, as_of=snapshot.as_of + timedelta(days=1))
        rows = (replace(one, snapshot=later.id, as_of=later.as_of) for one in history.readings(snapshot.id))
        moved = (
            replace(one, score=3, band="critical") if one.operator_id == fallen.operator_id else one for one in rows
        )
        history.save(later, moved)
        keep(store, fresh, folder, later, later.as_of)
    then = looked(fresh, "Teun").moves
    assert not isinstance(then, Gap)
    assert (then.then.id, [mover.operator_id for mover in (*then.new_at_risk, *then.worse)]) == (
        snapshot.id,
        [fallen.operator_id],
    )
    text = markdown.render(TODAY.build(looked(fresh, "Teun")))
    assert f"What moved since {snapshot.as_of:%Y-%m-%d}" in text
    assert f"Worse: {fallen.name}" in text
    other = looked(fresh, "Ida").moves
    assert isinstance(other, Gap)  # she never looked, and a week ago there was nothing


def test_lines_that_an_older_version_left_out_are_made(fresh: Settings) -> None:
    shown = looked(fresh).lines
    with open_store(fresh.store_url) as store, store.begin() as connection:
        connection.exec_driver_sql("DELETE FROM book")
        connection.exec_driver_sql("DELETE FROM book_line")
    assert looked(fresh).lines == shown


def test_without_a_snapshot_it_says_what_to_do(own: Settings, tmp_path: Path) -> None:
    url = SecretStr(f"sqlite:///{tmp_path / 'store.db'}")
    empty = own.model_copy(update={"store": StoreSettings(url=url)})
    with pytest.raises(UsageError, match="no snapshot") as refused:
        looked(empty)
    assert "portfolio score" in refused.value.hint


@pytest.mark.parametrize(
    ("day", "last"), [("2026-10-01", "2026-12-31"), ("2026-12-31", "2026-12-31"), ("2024-02-29", "2024-03-31")]
)
def test_a_quarter_ends_with_its_third_month(day: str, last: str) -> None:
    assert quarter_end(date.fromisoformat(day)) == date.fromisoformat(last)


def test_renewals_of_a_quarter_are_those_up_to_its_last_day(own: Settings) -> None:
    now = own.clock
    assert now is not None
    last = quarter_end(now.date())
    found = renewals(own, None, now=now, until=last)
    every = renewals(own, None, now=now, days=400)
    assert found.renews
    assert found.renews == tuple(one for one in every.renews if one.renews_on and one.renews_on <= last)
    assert found.ends == tuple(one for one in every.ends if one.ends_on and one.ends_on <= last)
    text = markdown.render(RENEWALS.build(found))
    assert f"Until {last}, the end of the quarter, of" in text
    assert f"Renew until {last}" in text


def test_renewals_stand_by_day_within_the_window_of_their_segment(own: Settings) -> None:
    now = own.clock
    assert now is not None
    found = renewals(own, None, now=now)
    every = list(every_line(own))
    day = found.snapshot.as_of.date()
    ends = [line for line in every if line.ends_on is not None and line.ends_on >= day]
    assert sorted(found.ends, key=lambda line: line.operator_id) == sorted(ends, key=lambda line: line.operator_id)
    assert [line.ends_on for line in found.ends] == sorted(line.ends_on for line in found.ends if line.ends_on)
    for line in every:
        opens = line.renews_on is not None and 0 <= (line.renews_on - day).days <= RENEWAL_WINDOWS[line.segment]
        assert (line in found.renews) is (opens and line.ends_on is None)
    assert all(line.bills_on is not None and 0 <= (line.bills_on - day).days <= 7 for line in found.bills)
    soon = renewals(own, "Teun", now=now, days=10)
    assert all((line.renews_on - day).days <= 10 for line in soon.renews if line.renews_on)
    text = markdown.render(RENEWALS.build(found))
    assert f"{len(found.ends)} are set to end" in text
    assert f"10 of {len(found.renews)} shown" in text


def test_the_windows_are_those_by_which_urgency_goes() -> None:
    told = resources.files("customer_research.health").joinpath("urgency.toml").read_text(encoding="utf-8")
    (line,) = (line for line in told.splitlines() if line.startswith("opening"))
    found = {
        name: int(days)
        for names, days in re.findall(
            r"segment (?:= |IN \()('[^)]*?')\)? AND days_to_renewal >= 0 AND days_to_renewal <= (\d+)", line
        )
        for name in re.findall(r"'([^']+)'", names)
    }
    assert found == dict(RENEWAL_WINDOWS)


def test_a_screen_holds_it(own: Settings) -> None:
    text = terminal.render(TODAY.build(looked(own, "Teun")), width=100)
    assert "Call first" in text


def test_what_is_not_known_says_so(own: Settings) -> None:
    found = looked(own)
    unknown = replace(found.lines[0], mrr=None, health="", basis={})
    text = markdown.render(TODAY.build(replace(found, lines=(unknown,), of=1)))
    assert text.count("not known") >= 4
    assert "$0" not in text


@pytest.mark.parametrize("source", ["lago", "hubspot", "notion", "warehouse"])
def test_with_a_source_silent_nobody_leaves_the_list_and_nothing_unknown_is_none(
    source: str, own: Settings, tmp_path: Path
) -> None:
    now = own.clock
    assert now is not None
    with DuckDB(Room(reach=(own.lake_folder, tmp_path))) as engine:
        tables = without(lake_tables(own), source)
        snapshot = score(engine, tables, now, "canonical", folder=tmp_path, clock=lambda: now)
    url = SecretStr(f"sqlite:///{tmp_path / 'store.db'}")
    silent = own.model_copy(update={"store": StoreSettings(url=url)})
    with open_store(silent.store_url) as store:
        keep(store, silent, tmp_path / snapshot.id, snapshot, now)
    whole, found = looked(own, most=None), looked(silent, most=None)
    there = {line.operator_id for line in found.lines}
    gone = {line.operator_id for line in whole.lines if line.operator_id not in there}
    present = {line.operator_id for line in every_line(silent)}
    assert gone & present == set()
    headline = TODAY.build(found).headline
    assert headline is not None
    assert headline.tone != "good"
    text = markdown.render(TODAY.build(replace(found, renewals=(), renewals_of=0)))
    told = renewals(silent, None, now=now)
    coming = RENEWALS.build(replace(told, ends=(), renews=()))
    assert coming.headline is not None
    if source == "lago":
        assert "No subscription ends or renews" not in text
        assert "a silent source leaves it open" in headline.text.lower()
        assert told.unknown["ends_on"] > 300
        assert coming.headline.tone == "unknown"
        assert "it is not known" in coming.headline.text
