"""Everything that holds personal data or secrets is for its owner alone, whatever the umask, and also after an upgrade."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_runs import SILENT_CHURN, changed, command

from customer_research import private
from customer_research.lake import Lake
from customer_research.settings import Settings, write_settings
from customer_research.store.accounts import AccountSnapshots
from customer_research.store.database import open_store

pytestmark = pytest.mark.skipif(os.name == "nt", reason="impossible here: other permissions")


@pytest.fixture(params=[0o000, 0o022], ids=["umask 000", "umask 022"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.fixture(scope="module")
def monday(portfolio_settings: Settings, config_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a Monday's commands write under the widest umask, beside a lake that was pulled and scored so."""
    folder = tmp_path_factory.mktemp("private")
    work, out = folder / "work", folder / "out"
    out.mkdir(0o755)
    out.chmod(0o755)
    operators = folder / "operators.txt"
    operators.write_text(f"{SILENT_CHURN}\n", encoding="utf-8")
    places = {
        "lake": {"folder": str(portfolio_settings.lake_folder)},
        "store": {"url": f"sqlite:///{work / 'deep' / 'store.db'}", "snapshots": str(work / "snapshots")},
    }
    config = changed(config_path, folder, places)
    steps = [
        ("portfolio", "score"),
        ("snapshot", SILENT_CHURN, "-o", str(out / "copy.json.gz")),
        *(("quick", SILENT_CHURN, "-o", str(out / f"quick.{suffix}")) for suffix in ("md", "pdf", "xlsx")),
        ("portfolio", "-o", str(out / "portfolio.csv")),
        ("batch", str(operators), "-o", str(out / "batch")),
        ("history", SILENT_CHURN),
        ("alerts", "check"),
    ]
    before = os.umask(0)
    try:
        for step in steps:
            done = command(*step, config=config)
            assert done.code in {0, 3}, (step, done.err)
    finally:
        os.umask(before)
    return folder


def _open(place: Path) -> dict[str, str]:
    """What others than the owner may do with a path and all below it."""
    paths = [place, *place.rglob("*")]
    return {str(path): oct(path.stat().st_mode) for path in paths if path.lstat().st_mode & 0o077}


def test_what_a_monday_writes_is_for_its_owner_alone(monday: Path) -> None:
    written = [path.relative_to(monday).as_posix() for path in monday.rglob("*")]
    wanted = (
        "work/deep/store.db",
        f"work/snapshots/{SILENT_CHURN}/",
        "out/copy.json.gz",
        "out/quick.md",
        "out/quick.pdf",
        "out/quick.xlsx",
        "out/portfolio.csv",
        "out/batch/summary.csv",
        "out/batch/journal.jsonl",
    )
    assert [name for name in wanted if not any(path.startswith(name) for path in written)] == []
    assert _open(monday / "work") == {}
    assert {path: mode for path, mode in _open(monday / "out").items() if path != str(monday / "out")} == {}
    assert [name for name in written if name.endswith(".part")] == []


def test_a_lake_is_for_its_owner_alone(portfolio_settings: Settings) -> None:
    lake = portfolio_settings.lake_folder
    assert {path.name for path in lake.iterdir()} >= {"manifest.json", "lock", "landing", "tables", "snapshots"}
    assert _open(lake) == {}


def test_settings_are_for_their_owner_alone(
    umask: int, config_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "new" / "settings.toml"
    monkeypatch.setattr("customer_research.settings.default_path", lambda: target)
    for _ in ("made", "changed"):
        assert write_settings(None, {"notion.tickets_data_source": "abc"}) == target
        assert _open(target.parent) == {}, umask
        target.chmod(0o644)
    assert _open(config_path) == {}, "the sandbox's own"


def test_a_folder_of_the_user_stays_as_it_is(monday: Path) -> None:
    assert (monday / "out").stat().st_mode & 0o777 == 0o755


def test_sqlite_keeps_its_own_files_private(umask: int, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with open_store(f"sqlite:///{folder / 'store.db'}") as store, store.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a)")
        found = sorted(path.name for path in folder.iterdir())
        assert found == ["store.db", "store.db-shm", "store.db-wal"], umask
        assert _open(tmp_path / "a") == {}


def test_what_an_older_version_left_open_is_closed(umask: int, tmp_path: Path) -> None:
    lake, snapshots, store = tmp_path / "lake", tmp_path / "snapshots", tmp_path / "store.db"
    with Lake(lake).writing() as writer:
        writer.put_tables({})
    (lake / "landing" / "lago.x-000000001.parquet").write_bytes(b"")
    (lake / "snapshots" / "one").mkdir(parents=True)
    (lake / "snapshots" / "one" / "scores.parquet").write_bytes(b"")
    (snapshots / "operator").mkdir(parents=True)
    (snapshots / "operator" / "20260101T000000Z-0123456789abcdef.account.json.gz").write_bytes(b"")
    open_store(f"sqlite:///{store}").close()
    for path in (lake, *lake.rglob("*"), snapshots, *snapshots.rglob("*"), store):
        path.chmod(0o755 if path.is_dir() else 0o644)

    Lake(lake).state()
    AccountSnapshots(snapshots)
    open_store(f"sqlite:///{store}").close()

    assert (_open(lake), _open(snapshots), _open(store)) == ({}, {}, {}), umask


def test_what_a_link_leads_to_stays_as_it_is(tmp_path: Path) -> None:
    """Whoever may put a link into a folder may not have the program change files elsewhere."""
    (tmp_path / "ours").mkdir(mode=0o700)
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_text("theirs")
    elsewhere.chmod(0o644)
    link = tmp_path / "ours" / "link"
    link.symlink_to(elsewhere)
    private.close_to_others(link)
    private.close_folder_to_others(tmp_path / "ours")
    assert elsewhere.stat().st_mode & 0o777 == 0o644


def test_a_lake_among_other_things_closes_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("", encoding="utf-8")
    tmp_path.chmod(0o755)
    (tmp_path / "mine.txt").chmod(0o644)

    with Lake(tmp_path).writing() as writer:
        writer.put_tables({})

    assert set(_open(tmp_path)) == {str(tmp_path), str(tmp_path / "mine.txt")}


@pytest.mark.parametrize(("had", "has"), [(0o644, 0o600), (0o640, 0o640), (0o600, 0o600)])
def test_a_report_written_over_keeps_what_its_owner_narrowed(had: int, has: int, tmp_path: Path) -> None:
    session = importlib.import_module("customer_research.surfaces.cli.output")
    target = tmp_path / "report.md"
    target.write_text("old", encoding="utf-8")
    target.chmod(had)

    session.deliver("new", target)

    assert (target.read_text(encoding="utf-8"), target.stat().st_mode & 0o777) == ("new", has)


_KILLED = """
import os, signal, sys
from pathlib import Path
from customer_research import private
folder = Path(sys.argv[1])
with private.draft_folder(folder, "20260101-canonical") as draft, private.scratch_folder(folder), private.draft_of(folder / "x"):
    (draft / "scores.parquet").write_bytes(b"1")
    print("ready", flush=True)
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


def test_drafts_of_killed_runs_go_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    foreign = tmp_path / ".download-1.part"
    foreign.write_bytes(b"")
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(tmp_path), "living"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as living:
        assert living.stdout is not None
        living.stdout.readline()
        kept = sorted(path.name for path in tmp_path.iterdir())
        subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path), "killed"], stdout=subprocess.PIPE, check=False)
        assert len(list(tmp_path.iterdir())) == len(kept) + 3

        with private.draft_folder(tmp_path, "next"), private.scratch_folder(tmp_path):
            pass

        assert sorted(path.name for path in tmp_path.iterdir()) == kept
        living.communicate()
    assert sorted(path.name for path in tmp_path.iterdir()) == [foreign.name, "x"]


@pytest.mark.parametrize(
    "name",
    [
        "customer-research-24go86_6-{}.part",  # the random part may end in a digit
        "customer-research-abcdefgh-{}.part",
        "customer-research-12345678-{}.part",
        ".customer-research-{}-0.part",
        ".20260101-canonical-{}.part",
    ],
)
def test_a_draft_is_its_processs_whatever_its_name_holds_besides(name: str, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    living, dead = (tmp_path / name.format(number) for number in (os.getppid(), gone.pid))
    living.mkdir()
    dead.mkdir()
    with private.draft_folder(tmp_path, "next"):
        pass
    assert list(tmp_path.iterdir()) == [living]


def test_files_that_duckdb_writes_are_private(tmp_path: Path) -> None:
    """DuckDB writes its files itself: it keeps the permissions of the empty one that it is given."""
    from customer_research.engines.duckdb import DuckDB

    before = os.umask(0)
    try:
        with DuckDB() as engine:
            engine.export("SELECT 1 AS a", tmp_path / "new.parquet")
            engine.export("SELECT 2 AS a", tmp_path / "new.parquet")
            assert _open(engine.scratch) == {}
    finally:
        os.umask(before)
    assert _open(tmp_path / "new.parquet") == {}
