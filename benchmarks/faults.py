"""Every fault of every source: what each report then says, how long it waits, and how much memory it takes.

The sandbox of the scenarios runs in its own process with one fault at a time, and each command in a process of its own. A row is
one fault of one source: the exit codes (3 is partial), a report's longest wait and largest peak of resident memory, the sync's peak, and
how many scores are *better* than without the fault, of the operator or in the portfolio. None may be, and no secret may be told.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.serving import served
from benchmarks.tables import table
from customer_research.sandbox.servers.faults import KINDS
from customer_research.settings import Settings, load_settings

SOURCES = ("lago", "hubspot", "metabase", "notion")
OPERATOR = "00000000-5ce0-11f0-a000-000000000034"
"""S34: invoices, charges, contacts, engagements and tickets, so that every source has something to lose."""
REPORTS = {
    "profile": ("profile", OPERATOR, "--format", "markdown"),
    "health": ("health", OPERATOR, "--json"),
    "billing": ("billing", OPERATOR, "--format", "markdown"),
    "account-review": ("report", "account-review", OPERATOR, "--format", "markdown"),
}
PARTIAL = 3


@dataclass(frozen=True, slots=True)
class Told:
    """What one command did: its exit code, its output, seconds of the clock, peak of resident memory in megabytes."""

    code: int
    out: str
    wall: float
    peak_mb: float


@dataclass(slots=True)
class Seen:
    """What was seen under one fault."""

    codes: dict[str, int] = field(default_factory=dict)
    wall: float = 0.0
    peak_mb: float = 0.0
    sync_mb: float = 0.0
    scores: dict[str, float] = field(default_factory=dict)
    secrets: int = 0

    def take(self, name: str, told: Told, secrets: Sequence[str]) -> None:
        """Keep a command's code and its costs."""
        self.codes[name] = told.code
        if name in REPORTS:
            self.wall, self.peak_mb = max(self.wall, told.wall), max(self.peak_mb, told.peak_mb)
        elif name == "sync":
            self.sync_mb = told.peak_mb
        self.secrets += sum(secret in told.out for secret in secrets)


def told_by(config: Path, *words: str) -> Told:
    """Run a command in a process of its own."""
    command = (sys.executable, "-m", "customer_research", "--config", str(config), *words)
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Told(process.returncode, out, time.perf_counter() - started, usage.ru_maxrss / 1024)


def seen_under(*fault: str) -> Seen:
    """Every report of the operator, then a sync into an empty lake and the portfolio's scores, under this fault (or none)."""
    seen = Seen()
    with served(0, "--operators", "0", *(word for one in fault for word in ("--fault", one))) as config:
        secrets = secrets_of(load_settings(config))
        for name, words in REPORTS.items():
            told = told_by(config, *words)
            seen.take(name, told, secrets)
            if name == "health" and told.code in {0, PARTIAL}:
                seen.scores |= {"": score} if (score := _score(told.out)) is not None else {}
        for name, words in {"sync": ("sync",), "score": ("portfolio", "score")}.items():
            seen.take(name, told_by(config, *words), secrets)
        listed = told_by(config, "portfolio", "--csv", "--limit", "0")
        seen.take("portfolio", listed, secrets)
        seen.scores |= dict(_listed(listed.out))
    return seen


def secrets_of(settings: Settings) -> list[str]:
    """The credentials that no output may hold."""
    told = settings.model_dump(mode="python")
    return [text for text in _secret_texts(told) if len(text) > 3]


def _secret_texts(told: Mapping[str, object]) -> Iterator[str]:
    for value in told.values():
        if isinstance(value, Mapping):
            yield from _secret_texts(value)
        elif hasattr(value, "get_secret_value"):
            yield str(value.get_secret_value())


def _score(out: str) -> float | None:
    """The headline score of the health report in JSON, at its lower end."""
    start = out.find("{")
    report, _ = json.JSONDecoder().raw_decode(out[start:])
    told = [fact["value"] for fact in report["headline"]["facts"] if fact["metric"] == "health_score"]
    return float(told[0]) if told and told[0] is not None else None


def _listed(out: str) -> Iterator[tuple[str, float]]:
    start = out.find("operator_id")
    for row in csv.DictReader(io.StringIO(out[start:] if start >= 0 else "")):
        if row.get("score"):
            yield row["operator_id"], float(row["score"])


def run(*sizes: int) -> None:
    """Print the table; `sizes`: how many faults of each source, all when not given."""
    kinds = KINDS[: sizes[0]] if sizes else KINDS
    whole = seen_under()
    rows = [_row("none", whole, whole)]
    for source in SOURCES:
        for kind in kinds:
            rows.append(_row(f"{source}:{kind}", seen_under(f"{source}:{kind}"), whole))
            print(" ".join(rows[-1]), file=sys.stderr, flush=True)
    print(
        table(
            ("fault", *REPORTS, "sync", "score", "portfolio", "wait s", "peak MB", "sync MB", "better", "secrets"), rows
        )
    )


def _row(name: str, seen: Seen, whole: Seen) -> list[str]:
    better = [one for one, score in seen.scores.items() if score > whole.scores.get(one, -1)]
    codes = [str(code) for code in seen.codes.values()]
    return [
        name,
        *codes,
        f"{seen.wall:.1f}",
        f"{seen.peak_mb:.0f}",
        f"{seen.sync_mb:.0f}",
        str(len(better)),
        str(seen.secrets),
    ]
