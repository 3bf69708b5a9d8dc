"""What a batch has done, on disk: an append-only file that survives a kill at any moment, so that nothing is done twice."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from customer_research import private
from customer_research.domain.parsing import json_value
from customer_research.errors import UsageError

NAME = "journal.jsonl"
VERSION = 1


class Journal:
    """One line of JSON a record, written through to the disk before the next thing is begun.

    The first line says what the batch is about (`about`); a folder serves one such batch. A line that a kill cut off is
    dropped when the file is opened again. The file is locked while open, so that two programs do not do the same work.

    Raises:
        UsageError: the folder cannot be used, is in use, or belongs to another batch.
    """

    def __init__(self, folder: Path, about: Mapping[str, str]) -> None:
        self.folder = folder
        self._about = {"journal": VERSION, **about}
        self.records: dict[str, Mapping[str, Any]] = {}
        try:
            private.make_folder(folder)
            private.clear_drafts(folder)
            self._file: IO[bytes] = private.open_file(folder / NAME, "a+b")
        except OSError as error:
            raise UsageError(f"Cannot write to {folder}: {error.strerror}.", hint="Give another --output.") from None
        try:
            self._lock()
            self._read()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, key: str, record: Mapping[str, Any]) -> None:
        """Note a record under its key; a later one under the same key stands for it."""
        self._append({"key": key, **record})
        self.records[key] = record

    def only(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        """Forget all but these records, in one step; the last thing done to a journal.

        Raises:
            UsageError: it cannot be written.
        """
        lines = ({"key": key, **record} for key, record in records.items())
        self.write(NAME, b"".join(_line(one) for one in (self._about, *lines)))

    def write(self, name: str, made: bytes) -> None:
        """Write a file of the folder in one step: a kill leaves the old one or none.

        Raises:
            UsageError: it cannot be written.
        """
        try:
            private.write(self.folder / name, made)
        except OSError as error:
            raise UsageError(f"Cannot write {name}: {error.strerror}.", hint="Make room, then run again.") from None

    def _lock(self) -> None:
        with suppress(ImportError):  # not on every system; there two programs would do the same work twice
            fcntl = importlib.import_module("fcntl")
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UsageError(
                    f"Another batch is writing to {self.folder}.", hint="Wait for it, or give another --output."
                ) from None

    def _read(self) -> None:
        self._file.seek(0)
        content = self._file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            self._file.truncate(whole)
        lines = content[:whole].splitlines()
        if not lines:
            self._append(self._about)
            return
        head, *records = (self._parsed(line, number) for number, line in enumerate(lines, start=1))
        if head != self._about:
            told = ", ".join(f"{name} {value}" for name, value in head.items() if self._about.get(name) != value)
            raise UsageError(
                f"{self.folder} holds another batch ({told or 'with other options'}).",
                hint="Give another --output, or the options of that batch.",
            )
        for record in records:
            self.records[str(record.pop("key"))] = record

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            found = json_value(line)
        except ValueError:
            found = None
        if not isinstance(found, dict) or (number > 1 and "key" not in found):
            raise UsageError(
                f"Line {number} of {self.folder / NAME} is damaged.", hint="Give another --output, or remove that line."
            )
        return found

    def _append(self, record: Mapping[str, Any]) -> None:
        try:
            self._file.write(_line(record))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise UsageError(f"Cannot write {NAME}: {error.strerror}.", hint="Make room, then run again.") from None


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"
