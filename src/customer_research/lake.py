"""The lake: landing and canonical tables of all operators as Parquet files, and the one manifest that says which count.

```
manifest.json   what there is; replaced in one step, always after the files that it names
lock            held by the one program that writes
landing/        records as the sources gave them: SOURCE.TABLE-SERIAL.parquet
tables/         canonical tables: TABLE-SERIAL.parquet, and rows that they had: TABLE.past-SERIAL.parquet
scratch/        what a run needs meanwhile
snapshots/      scored portfolios (not this module's)
```

A file that the manifest does not name does not count: a run that was killed leaves such files, and the next one removes
them. File names are never used again, so that who reads by an older manifest reads what that manifest meant.
"""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from customer_research import private
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.parsing import json_value
from customer_research.domain.tables import Edition, LastPull, TableFile, TableSet
from customer_research.errors import UsageError
from customer_research.record_tables import LAKE_TABLES, STATES

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MANIFEST = "manifest.json"
VERSION = 2
"""The manifest's layout; a program refuses a lake of a later one. In the first, tables did not tell since when they stood so."""

Room = Literal["landing", "tables"]
ROOMS: tuple[Room, ...] = ("landing", "tables")
SCRATCH = "scratch"
_OWN = frozenset({*ROOMS, SCRATCH, "snapshots", "lock", MANIFEST})
"""What lies in a lake's folder."""

FOLDED_QUERY_LENGTH = 2000
"""Characters of a folded receipt's request lines that are kept, half from the beginning, half from the end."""


@dataclass(frozen=True, slots=True)
class LandingFile:
    """A landing table as the last complete pull left it: its file below the lake's folder, rows, digest of its content.

    `receipts` prove the rows: that of the last pull which brought everything, and those of what changed since.
    """

    file: str
    rows: int
    digest: str
    receipts: tuple[Receipt, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenPull:
    """A pull that was cut off: what it was asked (`since`, `until`), how far it came, and the files it brought.

    `parts` are files by landing table in the order in which they came; a later one stands for an earlier one.
    """

    since: str | None
    until: datetime
    cursor: str | None = None
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    receipts: tuple[Receipt, ...] = ()
    rows: int = 0


@dataclass(frozen=True, slots=True)
class StreamState:
    """What the lake knows of one bulk stream.

    `shape` is the digest of its landing tables' declaration, `place` where the records came from: under another shape or
    from another place everything is pulled anew. `mark` is where the next pull begins, `succeeded_at` the instant of the
    last complete pull and `full_at` of the last that asked for everything. `partial` holds landing tables of which the
    source told only a part, `failure` why the last pull failed.
    """

    shape: str
    place: str = ""
    mark: str | None = None
    succeeded_at: datetime | None = None
    full_at: datetime | None = None
    tried_at: datetime | None = None
    failure: Gap | None = None
    landed: Mapping[str, LandingFile] = field(default_factory=dict)
    partial: Mapping[str, Gap] = field(default_factory=dict)
    unfinished: OpenPull | None = None


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A canonical table: its files below the lake's folder, rows, digest of the content, and the receipts that prove it.

    `recipe` says what it was made from, so that it is made again only when that changed; empty for an imported one.
    `streams` are the bulk streams (`source.stream`) that its rows come from; none for an imported one.

    `since` is when its content was first seen and `until` when last (None: not known), `place` where its records came from.
    `editions` are the contents before it, oldest first, and `versions` the files of the rows that these had and it has not.
    """

    files: tuple[str, ...]
    rows: int
    digest: str
    receipts: tuple[Receipt, ...]
    recipe: str = ""
    streams: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    place: str = ""
    editions: tuple[Edition, ...] = ()
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LakeState:
    """Everything that the manifest says: streams by `source.stream`, canonical tables, and gaps for those that lack.

    `serial` numbers the files, each once in the lake's life. `former` are tables that cannot be made at present, kept for what
    they were.
    """

    version: int = VERSION
    serial: int = 0
    streams: Mapping[str, StreamState] = field(default_factory=dict)
    tables: Mapping[str, StoredTable] = field(default_factory=dict)
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    former: Mapping[str, StoredTable] = field(default_factory=dict)

    @property
    def named(self) -> frozenset[str]:
        """The files that count, as paths below the lake's folder."""
        every = (*self.tables.values(), *self.former.values())
        found = {name for made in every for name in (*made.files, *made.versions)}
        for stream in self.streams.values():
            found |= {landed.file for landed in stream.landed.values()}
            if stream.unfinished is not None:
                found |= {name for names in stream.unfinished.parts.values() for name in names}
        return frozenset(found)


class Lake:
    """A lake's folder, to be read; `writing` opens it for a program that changes it.

    Reading takes no lock: the manifest is replaced in one step, and the files it names stay until a later run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def state(self) -> LakeState:
        """What the manifest says; an empty state where there is no lake yet.

        Raises:
            UsageError: the manifest cannot be read, is damaged, or is that of a later version.
        """
        path = self.folder / MANIFEST
        if private.is_open_to_others(self.folder):  # an older version left it so
            self._close_to_others()
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return LakeState()
        except OSError as error:
            raise UsageError(f"The lake {self.folder} cannot be read: {error.strerror}.", hint="Check it.") from None
        return _read(content, path)

    def tables(self) -> TableSet:
        """The canonical tables, and a gap for each that was never pulled; what is stale at an instant, `TableSet.at` tells.

        Raises:
            UsageError: as `state`, or a file is gone.
        """
        state = self.state()
        files = {
            name: TableFile(
                name,
                tuple(self._there(file) for file in made.files),
                made.rows,
                made.digest,
                made.receipts,
                tuple(_pulls(state, made.streams)),
                made.since,
                made.editions,
                tuple(self._there(file) for file in made.versions),
            )
            for name, made in state.tables.items()
        }
        lacking = [name for name in LAKE_TABLES if name not in {*files, *STATES.values()}]
        return TableSet(str(self.folder), files, {name: state.gaps.get(name, _never(name)) for name in lacking})

    def _close_to_others(self) -> None:
        """Close what is the lake's to others; a folder in which other things lie, too, stays as its owner has it."""
        private.close_folder_to_others(self.folder, lambda entry: entry.name.removesuffix(".part") in _OWN)

    def _there(self, file: str) -> Path:
        path = self.folder / file
        if not path.is_file():
            raise UsageError(
                f"The lake {self.folder} lacks its file {file}.",
                hint="Run `customer-research sync --full`: it pulls everything anew.",
            )
        return path

    @contextmanager
    def writing(self) -> Iterator[LakeWriter]:
        """The lake, to be changed by this program alone until the block ends; rubbish of earlier runs is removed.

        Raises:
            UsageError: as `state`; the folder cannot be written to, or another program is writing to it.
        """
        try:
            for name in (*ROOMS, SCRATCH):
                private.make_folder(self.folder / name)
            lock = private.open_file(self.folder / "lock", "ab")
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        with lock:
            _hold(lock.fileno(), self.folder)
            self._close_to_others()
            writer = LakeWriter(self.folder, self.state())
            writer.tidy()
            try:
                yield writer
            finally:
                writer.clear_scratch()


class LakeWriter:
    """The one program that changes a lake: new files first, then `commit` of a state that names them."""

    def __init__(self, folder: Path, state: LakeState) -> None:
        self.folder = folder
        self.state = state
        self._serial = state.serial

    @property
    def scratch(self) -> Path:
        """A folder for what is needed meanwhile; emptied at the end."""
        return self.folder / SCRATCH

    def path(self, file: str) -> Path:
        """Where a file that the state names lies."""
        return self.folder / file

    def fresh(self, room: Room, stem: str) -> tuple[str, int]:
        """The name, below the lake's folder, of a new file, and its number; it counts when a committed state names it."""
        self._serial += 1
        return f"{room}/{stem}-{self._serial:09d}.parquet", self._serial

    def commit(self, state: LakeState) -> None:
        """Make *state* what the lake is: its new files on the disk first, then the manifest in one step.

        Raises:
            UsageError: the folder cannot be written to; the lake is then as it was.
        """
        numbered = replace(state, version=VERSION, serial=self._serial)
        try:
            new = numbered.named - self.state.named
            for file in new:
                write_through(self.path(file))
            for room in {file.partition("/")[0] for file in new}:
                write_through(self.folder / room)
            self._replace_manifest(numbered)
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        self.state = numbered

    def put_stream(self, name: str, stream: StreamState) -> None:
        """Commit what the lake knows of one stream."""
        self.commit(replace(self.state, streams={**self.state.streams, name: stream}))

    def put_tables(self, tables: Mapping[str, StoredTable], gaps: Mapping[str, Gap] | None = None) -> None:
        """Commit canonical tables, each in place of the one of its name; *gaps*, when given, replace all gaps."""
        together = {**self.state.tables, **tables}
        stated = self.state.gaps if gaps is None else gaps
        left = {name: gap for name, gap in stated.items() if name not in together}
        self.commit(replace(self.state, tables=together, gaps=left))

    def tidy(self) -> None:
        """Remove the files that the manifest does not name."""
        named = self.state.named
        for room in ROOMS:
            for path in (self.folder / room).iterdir():
                if f"{room}/{path.name}" not in named:
                    private.remove(path)
        private.remove(self.folder / f"{MANIFEST}.part")
        self.clear_scratch()

    def clear_scratch(self) -> None:
        """Remove what was needed meanwhile."""
        for path in self.scratch.iterdir():
            private.remove(path)

    def _replace_manifest(self, state: LakeState) -> None:
        draft = self.folder / f"{MANIFEST}.part"
        with private.open_file(draft, "wb") as file:
            file.write(_adapter().dump_json(state, indent=1))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.folder / MANIFEST)
        write_through(self.folder)


def fold(receipts: tuple[Receipt, ...], stream: str) -> Receipt | None:
    """One receipt for all of a stream: its requests (the first and the last of very many), rows and requests added up.

    Its digest is over the receipts' digests in their order; one receipt alone stays as it is. None without any.
    """
    if len(receipts) < 2:  # noqa: PLR2004 - one needs no folding
        return receipts[0] if receipts else None
    first = receipts[0]
    query = _shortened("\n".join(receipt.query for receipt in receipts))
    digest = hashlib.sha256("\n".join(receipt.digest for receipt in receipts).encode()).hexdigest()
    return Receipt(
        id=hashlib.sha256(f"{first.source}\x1f{stream}\x1f{query}\x1f{digest}".encode()).hexdigest()[:16],
        source=first.source,
        stream=stream,
        query=query,
        fetched_at=max(receipt.fetched_at for receipt in receipts),
        rows=sum(receipt.rows for receipt in receipts),
        digest=digest,
        truncated=any(receipt.truncated for receipt in receipts),
        requests=sum(receipt.requests for receipt in receipts),
        place=first.place,
    )


def _shortened(query: str) -> str:
    if len(query) <= FOLDED_QUERY_LENGTH:
        return query
    half = FOLDED_QUERY_LENGTH // 2
    left_out = query[half:-half].count("\n")
    return f"{query[:half]}\n[{left_out} more lines]\n{query[-half:]}"


@cache
def _adapter() -> TypeAdapter[LakeState]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - start-up time

    return TypeAdapter(LakeState)


def _read(content: bytes, path: Path) -> LakeState:
    from pydantic import ValidationError  # noqa: PLC0415 - start-up time

    version = _version(content)
    if version is not None and version > VERSION:
        raise UsageError(
            f"The lake {path.parent} was written by a later version of customer-research (layout {version}).",
            hint="Update customer-research, or give another lake.folder.",
        )
    try:
        state = _adapter().validate_json(content)
        return state if version == VERSION else _dated(state)
    except ValidationError:
        raise UsageError(
            f"The lake's manifest {path} is damaged.",
            hint="Remove that file and run `customer-research sync`: it pulls everything anew.",
        ) from None


def _dated(state: LakeState) -> LakeState:
    """The state of the first layout in this one: its tables stand as they were pulled, or imported, last."""

    def dated(made: StoredTable) -> StoredTable:
        pulled = [pull.succeeded_at for pull in _pulls(state, made.streams)]
        read = pulled or [receipt.fetched_at for receipt in made.receipts]
        return replace(made, since=max(read), until=min(read)) if read else made

    return replace(state, tables={name: dated(made) for name, made in state.tables.items()})


def _version(content: bytes) -> int | None:
    """The layout's number, read before the rest, which may mean something else in a later one."""
    with suppress(ValueError):
        found = json_value(content)
        if isinstance(found, dict) and isinstance(found.get("version"), int):
            return int(found["version"])
    return None


def _pulls(state: LakeState, streams: Iterable[str]) -> Iterator[LastPull]:
    """How the streams stand that a table's rows come from."""
    for name in streams:
        stream = state.streams.get(name)
        if stream is not None and stream.succeeded_at is not None:
            source, _, own = name.partition(".")
            failed_at = stream.tried_at if stream.failure is not None else None
            yield LastPull(source, own, stream.succeeded_at, failed_at, stream.failure)


def _never(table: str) -> Gap:
    return Gap(
        source=LAKE_TABLES[table].home,
        reason="unavailable",
        detail=f"The table {table} was never pulled.",
        next_step="Run `customer-research sync`.",
    )


def _hold(descriptor: int, folder: Path) -> None:
    with suppress(ImportError):  # not on every system; there nothing keeps two programs apart
        fcntl = importlib.import_module("fcntl")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(
                f"Another program is writing to the lake {folder}.", hint="Wait until its sync or import has ended."
            ) from None


def write_through(path: Path) -> None:
    """Have the system write a file, or a folder's list of names, to the disk before anything else is done."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(folder: Path, error: OSError) -> UsageError:
    return UsageError(f"Cannot write to the lake {folder}: {error.strerror}.", hint="Make room, or set lake.folder.")
