"""The demo: a sandbox of all vendors in a process of its own, and the real commands run against it over HTTP."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from customer_research import private
from customer_research.surfaces.cli.group import run

OPERATOR = "00000000-5ce0-11f0-a000-000000000002"
OWNER = "Teun Bexcombe"
"""Scenario S02: pays on time, uses the product less and less, and nobody has spoken to them for 70 days."""

OUTPUT = Path("demo-out")
KINDS = ("profile", "billing", "reservations", "payments", "health")
MANY = ("portfolio", "churn-risk", "digest")
PLAIN = ("md", "json")
REVIEW = "account-review"
HANDED = ("html", "pdf", "pptx", "xlsx", "csv")
"""What an account review is handed on as."""


@contextmanager
def sandbox(*arguments: str) -> Iterator[Path]:
    """A sandbox in its own process; gives the settings file that points at it."""
    command = [sys.executable, "-m", "customer_research", "sandbox", "serve", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                sys.exit("The sandbox did not start; its message stands above.")
            yield Path(json.loads(line)["config"])
        finally:
            process.terminate()


def step(config: Path, *arguments: str, show: bool = True) -> int:
    """Run one command against the sandbox, saying which."""
    if show:
        sys.stdout.write(f"\n$ customer-research --config {config} {shlex.join(arguments)}\n")
        sys.stdout.flush()
    return run(["--config", str(config), *arguments])


def _into(kind: str, suffix: str) -> tuple[str, str]:
    return "--output", str(OUTPUT / f"{kind}.{suffix}")


def main() -> int:
    """Sandbox up, doctor, a lookup, the profile of S02; everybody pulled and scored; reports in demo-out/; last, today."""
    started = time.perf_counter()
    private.make_folder(OUTPUT)
    sys.stdout.write(
        "Starting the sandbox: Lago, HubSpot, Metabase and Notion on loopback ports, 400 invented operators ...\n"
    )
    sys.stdout.flush()
    with sandbox() as config:
        codes = [
            step(config, "doctor", "--online"),
            step(config, "lookup", OPERATOR),
            step(config, "profile", OPERATOR),
            step(config, "sync"),
            step(config, "portfolio", "score"),
            step(config, "history", "backfill", "--weeks", "5"),
            step(config, "alerts", "check", "--limit", "5"),
            step(config, "portfolio", "--limit", "10"),
        ]
        taken = config.with_name(
            "taken.account.json.gz"
        )  # what all reports of one operator are made of is fetched once
        codes.append(step(config, "snapshot", OPERATOR, "--output", str(taken)))
        of_one = [(kind, suffix) for kind in KINDS for suffix in PLAIN] + [(REVIEW, suffix) for suffix in HANDED]
        codes += [
            step(config, "report", kind, "--snapshot", str(taken), *_into(kind, suffix), show=False)
            for kind, suffix in of_one
        ]
        codes += [step(config, kind, *_into(kind, suffix), show=False) for kind in MANY for suffix in PLAIN]
        codes.append(step(config, "today", "--owner", OWNER))
    failed = [code for code in codes if code != 0]
    sys.stdout.write(f"\nDemo finished in {time.perf_counter() - started:.0f} s; the reports lie in {OUTPUT}/.\n")
    return max(failed, default=0)


if __name__ == "__main__":
    sys.exit(main())
