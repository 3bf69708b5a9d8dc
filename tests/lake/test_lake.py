"""The lake's manifest: what counts, faults between its steps, the lock, and manifests that cannot be used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from customer_research import lake as lake_module
from customer_research.domain.evidence import Gap, Receipt
from customer_research.errors import UsageError
from customer_research.lake import Lake, LakeState, LakeWriter, LandingFile, OpenPull, StoredTable, StreamState, fold

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def receipt(number: int, query: str = "GET /x") -> Receipt:
    return Receipt(f"id{number}", "lago", "invoices", query, NOW, number, f"digest{number}", place="https://x.example")


def put(writer: LakeWriter, content: bytes = b"rows") -> StoredTable:
    """A canonical table written and committed."""
    file, _ = writer.fresh("tables", "invoice")
    writer.path(file).write_bytes(content)
    made = StoredTable((file,), 1, content.decode(), (receipt(1),), "recipe")
    writer.put_tables({"invoice": made})
    return made


def test_a_state_survives_as_it_was(tmp_path: Path) -> None:
    gap = Gap("lago", "truncated", "Only a part.", "Again.")
    pull = OpenPull("mark", NOW, "cursor", {"invoice": ("landing/b.parquet",)}, (receipt(2),), 7)
    stream = StreamState(
        shape="s",
        place="https://x.example",
        mark="m",
        succeeded_at=NOW,
        full_at=NOW,
        tried_at=NOW,
        failure=gap,
        landed={"invoice": LandingFile("landing/a.parquet", 3, "d", (receipt(1),))},
        partial={"invoice": gap},
        unfinished=pull,
    )
    with Lake(tmp_path).writing() as writer:
        for name in ("a", "b"):
            (tmp_path / "landing" / f"{name}.parquet").touch()
        writer.put_stream("lago.invoices", stream)
        told = writer.state
    assert Lake(tmp_path).state() == told
    assert told.streams == {"lago.invoices": stream}


def test_a_lake_that_is_not_there_has_gaps_for_all(tmp_path: Path) -> None:
    tables = Lake(tmp_path / "nowhere").tables()
    assert tables.files == {}
    assert tables.gaps["invoice"] == Gap(
        "lago", "unavailable", "The table invoice was never pulled.", "Run `customer-research sync`."
    )
    assert not (tmp_path / "nowhere").exists()


def test_tables_are_told_with_files_and_gaps(tmp_path: Path) -> None:
    stated = Gap("hubspot", "denied", "Refused.", "Ask.")
    with Lake(tmp_path).writing() as writer:
        made = put(writer)
        writer.put_tables({}, {"company": stated, "invoice": stated})
    tables = Lake(tmp_path).tables()
    assert tables.files["invoice"].paths == (tmp_path / made.files[0],)
    assert tables.receipts == (receipt(1),)
    assert tables.gaps["company"] == stated
    assert "invoice" not in tables.gaps
    (tmp_path / made.files[0]).unlink()
    with pytest.raises(UsageError, match=r"lacks its file tables/invoice-000000001\.parquet"):
        Lake(tmp_path).tables()


class Killed(BaseException):
    """Stands for the death of the program."""


STEPS = ("write_through", "_replace_manifest", "os.fsync", "Path.replace")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True])
def test_a_commit_that_dies_leaves_the_old_lake_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, *, after: bool
) -> None:
    owner, _, name = step.rpartition(".")
    place = {"": lake_module, "os": os, "Path": Path}[owner] if step != "_replace_manifest" else LakeWriter
    with Lake(tmp_path).writing() as writer:
        old = put(writer, b"old")
    whole = getattr(place, name)

    def dying(*arguments: object) -> None:
        if after:
            whole(*arguments)
        raise Killed

    with Lake(tmp_path).writing() as writer, monkeypatch.context() as patched:
        patched.setattr(place, name, dying)
        with pytest.raises(Killed):
            put(writer, b"new")
    found = Lake(tmp_path).tables().files["invoice"]
    content = found.paths[0].read_bytes()
    assert content.decode() == found.digest
    assert content in {b"old", b"new"}
    assert (content == b"new") == (after and step in {"_replace_manifest", "Path.replace"})
    with Lake(tmp_path).writing() as writer:
        kept = [path.name for path in (tmp_path / "tables").iterdir()]
        assert kept == [found.paths[0].name]
        made = put(writer, b"again")
        assert made.files != old.files
    assert sorted(path.name for path in tmp_path.iterdir()) == ["landing", "lock", "manifest.json", "scratch", "tables"]


def test_rubbish_goes_and_what_is_not_the_lakes_stays(tmp_path: Path) -> None:
    snapshot = tmp_path / "snapshots" / "s" / "scores.parquet"
    with Lake(tmp_path).writing() as writer:
        made = put(writer)
    for path in (tmp_path / "landing" / ".x.part", tmp_path / "scratch" / "d" / "f", snapshot):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with Lake(tmp_path).writing() as writer:
        (writer.scratch / "meanwhile").touch()
    assert list((tmp_path / "landing").iterdir()) == list((tmp_path / "scratch").iterdir()) == []
    assert snapshot.exists()
    assert (tmp_path / made.files[0]).exists()


def test_only_one_program_writes(tmp_path: Path) -> None:
    text = f"""
from pathlib import Path
from customer_research.errors import UsageError
from customer_research.lake import Lake
try:
    with Lake(Path({str(tmp_path)!r})).writing():
        print("wrote")
except UsageError as error:
    print(error.message)
"""
    for held in (True, False):
        lake = Lake(tmp_path)
        with lake.writing() if held else nullcontext():
            done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
        assert done.stdout == (f"Another program is writing to the lake {tmp_path}.\n" if held else "wrote\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"version": 3, "streams": "of another kind"}', "written by a later version"),
        (b'{"version": 1, "serial": ', "is damaged"),
        (b'{"version": 1, "serial": "many"}', "is damaged"),
        (b"[]", "is damaged"),
        (b"\xff\xfe", "is damaged"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused_and_kept(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(UsageError, match=said) as caught:
        Lake(tmp_path).state()
    assert caught.value.hint
    with pytest.raises(UsageError, match=said), Lake(tmp_path).writing():
        pass
    assert (tmp_path / "manifest.json").read_bytes() == content


def test_a_folder_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="Cannot write to the lake"), Lake(tmp_path / "file").writing():
        pass
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        Lake(tmp_path).state()


def test_a_commit_names_only_what_is_there(tmp_path: Path) -> None:
    with Lake(tmp_path).writing() as writer:
        file, _ = writer.fresh("tables", "invoice")
        with pytest.raises(UsageError, match="Cannot write"):
            writer.put_tables({"invoice": StoredTable((file,), 1, "d", ())})
        assert writer.state == LakeState()
    assert not (tmp_path / "manifest.json").exists()


def test_receipts_fold_into_one_that_adds_up() -> None:
    assert fold((), "invoices") is None
    assert fold((receipt(1),), "invoices") == receipt(1)
    some = tuple(replace(receipt(number), query=f"GET /invoices?page={number}") for number in range(1, 500))
    folded = fold(some, "invoices")
    assert folded is not None
    assert (folded.rows, folded.requests, folded.fetched_at) == (sum(range(500)), 499, NOW)
    first, last = folded.query.split("\n")[0], folded.query.split("\n")[-1]
    assert (first, last) == ("GET /invoices?page=1", "GET /invoices?page=499")
    assert len(folded.query) < 2100
    assert folded != fold(some[:-1], "invoices")
    assert json.loads(json.dumps(folded.query)) == folded.query


@pytest.mark.parametrize("cut", [(), (0,), (1,), (2,), (0, 2), (0, 1, 2)])
def test_a_folded_receipt_is_cut_where_any_part_is_and_as_new_as_the_newest(cut: tuple[int, ...]) -> None:
    parts = [replace(receipt(at), truncated=at in cut, fetched_at=NOW - timedelta(hours=at in cut)) for at in range(3)]
    folded = fold(tuple(parts), "invoices")
    assert folded is not None
    assert folded.truncated == bool(cut)
    assert folded.fetched_at == (NOW - timedelta(hours=1) if len(cut) == len(parts) else NOW)


def test_a_table_of_the_first_layout_stands_as_it_was_pulled_last() -> None:
    older, newer = NOW - timedelta(hours=3), NOW
    streams = {"lago.invoices": StreamState("s", succeeded_at=newer), "lago.fees": StreamState("s", succeeded_at=older)}
    made = StoredTable(("a",), 1, "d", (receipt(1),), streams=tuple(streams))
    imported = StoredTable(("b",), 1, "d", (receipt(1), replace(receipt(2), fetched_at=older)))
    found = lake_module._dated(LakeState(streams=streams, tables={"invoice": made, "deal": imported})).tables
    assert {name: (one.since, one.until) for name, one in found.items()} == {
        "invoice": (newer, older),
        "deal": (newer, older),
    }
