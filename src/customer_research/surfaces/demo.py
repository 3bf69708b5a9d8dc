"""The demo: a sandbox of all vendors in a process of its own, and the real commands run against it over HTTP.

What people would get by Slack and e-mail is delivered to the sandbox's, and kept when it ends.
"""

from __future__ import annotations

import io
import json
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, redirect_stdout
from multiprocessing import get_context
from pathlib import Path
from urllib.request import urlopen

from customer_research import private
from customer_research.surfaces.cli.group import run

OPERATOR = "00000000-5ce0-11f0-a000-000000000002"
OWNER = "Teun Bexcombe"
"""Scenario S02: pays on time, uses the product less and less, and nobody has spoken to them for 70 days."""

OUTPUT = Path("demo-out")
KINDS = ("profile", "billing", "reservations", "payments", "health")
MANY = ("portfolio", "churn-risk", "digest")
PLAIN = ("md", "json")
CHANNEL = "C0SUCCESS"
READERS = (f"slack:{CHANNEL}", "email:cs@moovs-team.example.com")
"""Where the week and a brief are delivered: a channel of the sandbox's Slack, an address of its mail server."""

REVIEW = "account-review"
FILLING = (
    ("sync",),
    ("portfolio", "score"),
    ("history", "backfill", "--weeks", "5"),
    ("alerts", "check", "--limit", "5"),
)
"""What is done before there is something to look at."""

HANDED = ("html", "pdf", "pptx", "xlsx", "csv")
"""What an account review is handed on as."""


@contextmanager
def sandbox(*arguments: str) -> Iterator[tuple[Path, str]]:
    """A sandbox in its own process; gives the settings file that points at it, and the address of its Slack.

    Within, a process that is told to end (SIGTERM) is interrupted: it takes the sandbox with it.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _sandbox(*arguments) as told:
            yield told
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _sandbox(*arguments: str) -> Iterator[tuple[Path, str]]:
    command = [sys.executable, "-m", "customer_research", "sandbox", "serve", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                sys.exit("The sandbox did not start; its message stands above.")
            told = json.loads(line)
            yield Path(told["config"]), told["addresses"]["slack"]
        finally:
            process.terminate()


def step(config: Path, *arguments: str, show: bool = True) -> int:
    """Run one command against the sandbox, saying which."""
    if show:
        sys.stdout.write(f"\n$ customer-research --config {config} {shlex.join(arguments)}\n")
        sys.stdout.flush()
    return run(["--config", str(config), *arguments])


def filled(config: Path) -> int:
    """Pull, score and check everybody; 0, or the exit code of the first command that failed, after which none is run."""
    return next((code for arguments in FILLING if (code := step(config, *arguments))), 0)


def delivered(config: Path) -> Iterator[int]:
    """The week for the team and a brief about S02, as schedules would bring them, each by Slack and by e-mail; exit codes."""
    to = [word for address in READERS for word in ("--to", address)]
    brief = ("brief", "--set", f"operator={OPERATOR}", "--cron", "0 8 * * 1")
    for name, what in (("team-digest", ()), ("brief-silvermead", brief)):
        yield step(config, "schedule", "add", name, *what, *to)
        yield step(config, "schedule", "run", name)
    yield step(config, "outbox", "send")


def keep_delivered(config: Path, slack: str) -> Sequence[Path]:
    """What arrived, kept beyond the sandbox's end: the channel as a page, the e-mails as files."""
    page, mailbox = OUTPUT / "slack.html", OUTPUT / "mailbox"
    with urlopen(f"{slack.removesuffix('api/')}show/{CHANNEL}", timeout=10) as shown:  # noqa: S310 - the sandbox's own address
        private.write(page, shown.read())
    shutil.copytree(config.with_name("mail"), mailbox, dirs_exist_ok=True)
    return page, mailbox


def _into(kind: str, suffix: str) -> tuple[str, str]:
    return "--output", str(OUTPUT / f"{kind}.{suffix}")


def reports_of_one(config: Path) -> tuple[Sequence[int], str]:
    """What all reports of S02 are made of, fetched once, and the reports; exit codes, and what the commands printed."""
    with redirect_stdout(io.StringIO()) as printed:
        taken = config.with_name("taken.account.json.gz")
        codes = [step(config, "snapshot", OPERATOR, "--output", str(taken))]
        of_one = [(kind, suffix) for kind in KINDS for suffix in PLAIN] + [(REVIEW, suffix) for suffix in HANDED]
        codes += [
            step(config, "report", kind, "--snapshot", str(taken), *_into(kind, suffix), show=False)
            for kind, suffix in of_one
        ]
    return codes, printed.getvalue()


def main() -> int:
    """Sandbox up, doctor, a lookup, the profile of S02; everybody pulled and scored; reports in demo-out/, messages; last, today."""
    started = time.perf_counter()
    private.make_folder(OUTPUT)
    sys.stdout.write(
        "Starting the sandbox: Lago, HubSpot, Metabase, Notion, Slack, calendars and mail on loopback ports, 400 invented operators ...\n"
    )
    sys.stdout.flush()
    with sandbox() as (config, slack), ProcessPoolExecutor(1, get_context("spawn")) as beside:
        codes = [
            step(config, "doctor", "--online"),
            step(config, "lookup", OPERATOR),
            step(config, "profile", OPERATOR),
            *(step(config, *arguments) for arguments in FILLING),
        ]
        of_one = beside.submit(reports_of_one, config)  # they compare with everybody's scores and with those of before
        codes.append(step(config, "portfolio", "--limit", "10"))
        codes += [step(config, kind, *_into(kind, suffix), show=False) for kind in MANY for suffix in PLAIN]
        codes += delivered(config)
        made, printed = of_one.result()
        codes += made
        sys.stdout.write(printed)
        arrived = keep_delivered(config, slack)
        codes.append(step(config, "today", "--owner", OWNER))
    failed = [code for code in codes if code != 0]
    page, mailbox = arrived
    sys.stdout.write(
        f"\nDemo finished in {time.perf_counter() - started:.0f} s; the reports lie in {OUTPUT}/. The week and the brief as they were "
        f"delivered: {page} (the sandbox's Slack) and {mailbox}/ (e-mails; a mail program opens them).\n"
    )
    return max(failed, default=0)


if __name__ == "__main__":
    sys.exit(main())
