"""Files and folders that hold personal data or secrets: for their owner alone (0600, 0700), whatever the umask is.

What this program makes, it makes so from the first byte. A folder that was there before stays as its owner has it.
Drafts carry the number of the process that makes them and are locked by it: what a killed one left, the next removes.
"""

from __future__ import annotations

import importlib
import itertools
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

FILE = 0o600
FOLDER = 0o700
_OTHERS = 0o077

_DRAFT = re.compile(r"(?:\.customer-research-(?P<process>\d+)-\d+|customer-research-\w+-(?P<scratch>\d+))\.part")
_FOLDER_DRAFT = re.compile(r"\..+-(?P<process>\d+)\.part")
_OLD_SECONDS = 24 * 3600
"""A draft that nobody holds is left behind by then, even when a process of that number lives."""

_numbers = itertools.count()


def config_folder() -> Path:
    """The user's folder for this program's settings."""
    return _user_folder("config")


def data_folder() -> Path:
    """The user's data folder of this program."""
    return _user_folder("data")


def cache_folder() -> Path:
    """The user's folder for what this program may lose."""
    return _user_folder("cache")


def _user_folder(kind: str) -> Path:
    import platformdirs  # noqa: PLC0415 - start-up time

    return Path(getattr(platformdirs, f"user_{kind}_dir")("customer-research"))


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are not there; one that is there stays as it is.

    Raises:
        OSError: it cannot be made.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        folder.mkdir(FOLDER)
    except FileExistsError:
        if not folder.is_dir():
            raise


def open_file(path: Path, mode: str) -> IO[Any]:
    """Open a file of ours as `open` does; text is UTF-8. One that others may read is closed to them first.

    Raises:
        OSError: it cannot be opened.
    """
    text = {} if "b" in mode else {"encoding": "utf-8", "errors": "replace"}
    opened: IO[Any] = open(path, mode, opener=_opener, **text)  # type: ignore[call-overload]  # noqa: SIM115
    close_to_others(path)
    return opened


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags, FILE)


def make_file(path: Path) -> None:
    """Make an empty file for a program that fills it itself; one that is there is emptied.

    Raises:
        OSError: it cannot be made.
    """
    open_file(path, "wb").close()


@contextmanager
def draft_of(target: Path) -> Iterator[Path]:
    """An empty file beside *target*, which takes its place in one step when the block ends well, and is gone otherwise.

    Raises:
        OSError: it cannot be made, or cannot take its place.
    """
    with _draft_beside(target) as draft:
        yield draft
        draft.replace(target)


@contextmanager
def _draft_beside(target: Path) -> Iterator[Path]:
    draft = target.with_name(f".customer-research-{os.getpid()}-{next(_numbers)}.part")
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE))
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def write(target: Path, content: bytes) -> None:
    """Write a file in one step: who is interrupted leaves the old one or none.

    Raises:
        OSError: it cannot be written.
    """
    with draft_of(target) as draft:
        draft.write_bytes(content)


def write_new(target: Path, content: bytes) -> None:
    """As `write`, a file that must not be there yet.

    Raises:
        FileExistsError: it is there.
        OSError: it cannot be written.
    """
    with _draft_beside(target) as draft:
        draft.write_bytes(content)
        try:
            os.link(draft, target)  # unlike a rename, this refuses to replace
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            with open_file(target, "xb") as file:
                file.write(content)


def write_over(target: Path, content: bytes) -> None:
    """Put content where somebody says, for its owner alone; a device or pipe is written to, never replaced.

    A file that is there keeps what its owner lets others do, unless everybody could read it, as by an older version.

    Raises:
        OSError: it cannot be written.
    """
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
    clear_drafts(target.parent)
    with draft_of(target) as draft:
        draft.write_bytes(content)
        if target.exists() and not target.stat().st_mode & stat.S_IROTH:
            draft.chmod(stat.S_IMODE(target.stat().st_mode))


@contextmanager
def draft_folder(folder: Path, name: str) -> Iterator[Path]:
    """A new folder in *folder* (made when it is not there) in which *name* is prepared; gone at the end unless renamed.

    Raises:
        OSError: it cannot be made.
    """
    make_folder(folder)
    clear_drafts(folder, folders=True)
    draft = folder / f".{name}-{os.getpid()}.part"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(FOLDER)
    with _held(draft):
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def scratch_folder(folder: Path | None = None) -> Iterator[Path]:
    """A new folder for what is needed until the block ends; in *folder*, or where the system has temporary files.

    Raises:
        OSError: it cannot be made.
    """
    if folder is not None:
        make_folder(folder)
    clear_drafts(folder or Path(tempfile.gettempdir()))
    made = Path(tempfile.mkdtemp(prefix="customer-research-", suffix=f"-{os.getpid()}.part", dir=folder))
    with _held(made):
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)


def clear_drafts(folder: Path, *, folders: bool = False) -> None:
    """Remove the drafts in a folder whose process is gone, with *folders* those of `draft_folder` too; nothing else."""
    with suppress(OSError):
        for entry in [entry for entry in os.scandir(folder) if entry.name.endswith(".part")]:
            process = _process_of(entry.name, folders=folders)
            path = Path(entry.path)
            if process is not None and _left_behind(path, process):
                remove(path)


def _process_of(name: str, *, folders: bool) -> int | None:
    """The number of the process that made a draft of this name; None when it is none of ours."""
    found = _DRAFT.fullmatch(name) or (_FOLDER_DRAFT.fullmatch(name) if folders else None)
    return None if found is None else next(int(number) for number in found.groupdict().values() if number)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all in it; what is not there or cannot be removed is left."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _left_behind(draft: Path, process: int) -> bool:
    if process == os.getpid():
        return False
    try:
        old = time.time() - draft.lstat().st_mtime > _OLD_SECONDS
        if not old and _lives(process):
            return False
        with _held(draft):  # a process of another machine or container has a number of its own, and its lock
            return True
    except OSError:
        return False


def _lives(process: int) -> bool:
    if os.name == "nt":  # there the question would end the process
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """The lock of a draft, kept by the kernel until its holder ends or is killed; OSError when somebody else has it."""
    try:
        fcntl = importlib.import_module("fcntl")
    except ImportError:  # not on every system; there the process's number and the day decide
        yield
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def close_to_others(path: Path) -> None:
    """Take from others what an older version of the program let them; what is not there, or not ours, stays."""
    with suppress(OSError):
        mode = path.lstat().st_mode
        if mode & _OTHERS and (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            path.chmod(stat.S_IMODE(mode) & ~_OTHERS)


def close_folder_to_others(folder: Path, ours: Callable[[os.DirEntry[str]], bool] = lambda _entry: True) -> None:
    """As `close_to_others`, of all below a folder that are *ours* (asked of its own entries), and of itself if all are.

    The folder itself comes last: one that is closed has been gone through.
    """
    with suppress(OSError):
        entries = list(os.scandir(folder))
        known = [entry for entry in entries if ours(entry)]
        for entry in known:
            for place, _, files in os.walk(entry.path):
                for name in files:
                    close_to_others(Path(place, name))
                close_to_others(Path(place))
            close_to_others(Path(entry.path))
        if len(known) == len(entries):
            close_to_others(folder)


def is_open_to_others(path: Path) -> bool:
    """Whether others than its owner may reach what is there."""
    try:
        return bool(path.stat().st_mode & _OTHERS)
    except OSError:
        return False
