"""A real Postgres of this machine's programs, in a folder of its own.

It is not started as root, which Postgres refuses: a server's account runs it there.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

HOST = "127.0.0.1"
_ACCOUNTS = ("postgres", "nobody")
_ATTEMPTS = 5


class Postgres:
    """A server that runs as long as it is open; `cluster` are words for `initdb`, `options` some for the server.

    Raises:
        RuntimeError: the programs of Postgres are not on this machine, or it does not start.
    """

    def __init__(self, *options: str, cluster: Sequence[str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="customer-research-pg-"))  # another account must enter it
        self.port = 0
        try:
            self.own(self.folder)
            self.run("initdb", "-D", self.cluster, *cluster)
            self.start("-c fsync=off", *options)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    @property
    def cluster(self) -> Path:
        """Where its files are."""
        return self.folder / "cluster"

    def start(self, *options: str) -> None:
        """Start it, listening on this machine alone, at a port that is free: between choosing one and listening somebody else may take it."""
        log = self.folder / "log"
        for left in reversed(range(_ATTEMPTS)):
            self.port = free_port()
            words = " ".join((f"-p {self.port} -k {self.folder} -c listen_addresses={HOST}", *options))
            try:
                return self.run("pg_ctl", "start", "-w", "-D", self.cluster, "-l", log, "-o", words)
            except RuntimeError:
                if not left or "could not bind" not in log.read_text(errors="replace"):
                    raise
                log.unlink()
        return None

    def stop(self) -> None:
        """End the server and remove its folder; once more does nothing."""
        if self.folder.exists():
            self.run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", self.cluster)
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def own(self, path: Path) -> None:
        """Give a file to the account that runs the server."""
        account = _server_account()
        if account is not None:
            os.chown(path, account.pw_uid, account.pw_gid)

    def run(self, program: str, *words: object) -> None:
        """Run one of Postgres' programs as the account that runs the server."""
        found, account = programs(), _server_account()
        if found is None:
            raise RuntimeError("The programs of Postgres (Debian: postgresql) are not on this machine.")
        done = subprocess.run(  # noqa: S603 - programs of this machine
            [str(found / program), *map(str, words)],
            cwd=self.folder,
            user=None if account is None else account.pw_uid,
            group=None if account is None else account.pw_gid,
            extra_groups=None if account is None else [],
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # no pipe: the server would hold it open
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise RuntimeError(f"Postgres' program {program} failed ({done.returncode}).")


def programs() -> Path | None:
    """The folder of the newest installation's programs; None: there is none."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    newest = sorted(found, key=lambda path: float(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    candidates = [*newest, *([Path(on_path).resolve().parent] if on_path else [])]
    return next((folder for folder in candidates if (folder / "postgres").exists()), None)


def _server_account() -> pwd.struct_passwd | None:
    """An account to run it where this process is root's."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next((known[name] for name in _ACCOUNTS if name in known), None)


def free_port() -> int:
    """A port of this machine that is free now."""
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])
