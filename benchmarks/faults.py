"""Every fault of every source: what each report then says, how long it waits, and how much memory it takes.

The sandbox of the scenarios runs in a process of its own whose faults are switched, and each command in a process of its own. A row is
one fault of one source: four reports of one operator that has something in every source, then a sync of that source into a lake
in which the three others stand, the portfolio's scores and its list. Each must have exit code 3 (partial), or 0 where it tells all
that it tells without the fault; what it tells must be what it tells without the fault, or less, or worse, never better
(`benchmarks.differing`); no secret may stand in it, no other source may be missing, the wait may be what the same command takes
without a fault, one deadline and `SLACK_SECONDS`, and its memory `MOST_MB`. A cell is the exit code, and whatever is not so is a line
of its own below the table. Deadlines are short here, else nothing differs from the settings as they are.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from benchmarks import differing
from benchmarks.differing import Compared
from benchmarks.forked import Told, told_by
from benchmarks.serving import switched
from benchmarks.tables import table
from customer_research.sandbox.servers.faults import KINDS
from customer_research.settings import Settings, load_settings

SOURCES = {"lago": "lago", "hubspot": "hubspot", "metabase": "warehouse", "notion": "notion"}
"""What the sandbox calls a source, and what reports do."""

OPERATOR = "00000000-5ce0-11f0-a000-000000000034"
"""S34: invoices, charges, contacts, engagements and tickets, so that every source has something to lose."""

REPORTS = {
    "profile": ("profile", OPERATOR, "--json"),
    "health": ("health", OPERATOR, "--json"),
    "billing": ("billing", OPERATOR, "--json"),
    "account-review": ("report", "account-review", OPERATOR, "--format", "json"),
}
SCORING = {"score": ("portfolio", "score", "--no-track"), "portfolio": ("portfolio", "--csv", "--limit", "0")}
DEADLINE_SECONDS = 6
SLACK_SECONDS = 6
"""For retries within a deadline's last request, and for what else the machine does."""

SYNC_DEADLINE_SECONDS = 15
SLOW_SECONDS = 60
MOST_MB = 400
PARTIAL = 3
NOTHING_WORKED = 6


@dataclass(slots=True)
class Seen:
    """What was told under one fault, by the command's name."""

    told: dict[str, Told] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def code(self, name: str) -> str:
        """The exit code of a command."""
        return str(self.told[name].code)

    def peak(self, *names: str) -> float:
        """The highest peak of these commands, megabytes."""
        return max(self.told[name].peak_mb for name in names)


class Matrix:
    """The commands over one sandbox, in a folder for lakes."""

    def __init__(self, config: Path, folder: Path) -> None:
        self._config = config
        self._folder = folder
        settings = load_settings(config)
        assert settings.clock is not None
        self._secrets = list(secrets_of(settings))
        self._now = settings.clock
        self._load = True
        self._whole = Seen()

    def prepare(self) -> Seen:
        """What is told without a fault; and for each source the lake in which the three others stand."""
        for source in SOURCES.values():
            others = [other for other in SOURCES.values() if other != source]
            self._run(("sync", *others), self._folder / f"without-{source}")
        self._now += timedelta(hours=1)  # two contents of a lake at one instant are no earlier and no later one
        for name, words in REPORTS.items():
            self._whole.told[name] = self._run(words)
        lake = self._lake("warehouse")
        self._whole.told["sync"] = self._run(("sync", "warehouse"), lake)
        for name, words in SCORING.items():
            self._whole.told[name] = self._run(words, lake)
        self._load = False
        if bad := {name: told.code for name, told in self._whole.told.items() if told.code}:
            raise RuntimeError(f"Without a fault all must be told, but exit codes are {bad}.")
        return self._whole

    def seen(self, source: str) -> Seen:
        """What is told under the fault that is in force, of this source."""
        seen = Seen({name: self._run(words) for name, words in REPORTS.items()})
        lake = self._lake(source)
        seen.told["sync"] = self._run(("sync", source), lake)
        for name, words in SCORING.items():
            seen.told[name] = self._run(words, lake)
        seen.wrong += self._complaints(seen, source)
        return seen

    def _lake(self, source: str) -> Path:
        """A copy of the lake without this source."""
        lake = self._folder / "lake"
        shutil.rmtree(lake, ignore_errors=True)
        shutil.copytree(self._folder / f"without-{source}", lake)
        return lake

    def _run(self, words: Sequence[str], lake: Path | None = None) -> Told:
        place = lake or self._folder / "no-lake"
        environment = {
            "CUSTOMER_RESEARCH_CLOCK": self._now.isoformat(),
            "CUSTOMER_RESEARCH_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
            "CUSTOMER_RESEARCH_LAKE__DEADLINE_SECONDS": str(SYNC_DEADLINE_SECONDS),
            "CUSTOMER_RESEARCH_LAKE__FOLDER": str(place),
            "CUSTOMER_RESEARCH_STORE__URL": f"sqlite:///{place}.db",
        }
        return told_by(("--config", str(self._config), *words), environment, load=self._load)

    def _complaints(self, seen: Seen, source: str) -> Iterator[str]:
        for name, told in seen.told.items():
            true = self._whole.told[name]
            yield from (f"{name}: {complaint}" for complaint in self._costs(name, told, true))
            if name in REPORTS:
                yield from (f"{name}: {complaint}" for complaint in _of_report(told, true, source))
        told, true = seen.told["portfolio"], self._whole.told["portfolio"]
        compared = differing.lists(told.out, true.out)
        yield from (f"portfolio: {complaint}" for complaint in compared.wrong)
        for name in SCORING:
            if complaint := _code(seen.told[name].code, compared, nothing=False):
                yield f"{name}: {complaint}"
        if complaint := _code(seen.told["sync"].code, compared, nothing=True):
            yield f"sync: {complaint}"

    def _costs(self, name: str, told: Told, true: Told) -> Iterator[str]:
        deadline = SYNC_DEADLINE_SECONDS if name == "sync" else DEADLINE_SECONDS
        if told.wall > true.wall + deadline + SLACK_SECONDS:
            yield f"took {told.wall:.1f} s, {true.wall:.1f} s without the fault"
        if told.peak_mb > max(MOST_MB, true.peak_mb if name == "sync" else 0):
            yield f"took {told.peak_mb:.0f} MB"
        if any(secret in text for secret in self._secrets for text in (told.out, told.messages)):
            yield "tells a secret"


def _of_report(told: Told, true: Told, source: str) -> Iterator[str]:
    if told.code not in {0, PARTIAL}:
        yield f"exit code {told.code}: {told.messages.strip()[:200]}"
        return
    compared = differing.reports(told.out, true.out)
    yield from compared.wrong
    if complaint := _code(told.code, compared, nothing=False):
        yield complaint
    if others := differing.silent(told.out) - {source}:
        yield f"without {', '.join(sorted(others))}, too"


def _code(code: int, compared: Compared, *, nothing: bool) -> str:
    """What is wrong with an exit code; with `nothing`, 6 is as right as 3."""
    if code == 0:
        return f"exit code 0, though {compared.gone} figures are gone" if compared.gone else ""
    if code == PARTIAL or (nothing and code == NOTHING_WORKED):
        return "" if compared.gone else f"exit code {code}, though nothing is gone"
    return f"exit code {code}"


def secrets_of(settings: Settings) -> Iterator[str]:
    """The credentials that no output may hold."""
    for text in _secret_texts(settings.model_dump(mode="python")):
        if len(text) > 3:
            yield text


def _secret_texts(told: Mapping[str, object]) -> Iterator[str]:
    for value in told.values():
        if isinstance(value, Mapping):
            yield from _secret_texts(value)
        elif hasattr(value, "get_secret_value"):
            yield str(value.get_secret_value())


def run(*sizes: int) -> None:
    """Print the table; `sizes`: how many faults of each source, all when not given."""
    kinds = KINDS[: sizes[0]] if sizes else KINDS
    began = time.perf_counter()
    rows, complaints = [], list[str]()
    with tempfile.TemporaryDirectory() as folder, switched(0, SLOW_SECONDS) as (config, switch):
        matrix = Matrix(config, Path(folder))
        rows.append(_row("none", matrix.prepare(), 0))
        for fault, source in ((f"{vendor}:{kind}", own) for vendor, own in SOURCES.items() for kind in kinds):
            started = time.perf_counter()
            switch(fault)
            seen = matrix.seen(source)
            switch("")
            rows.append(_row(fault, seen, time.perf_counter() - started))
            complaints += [f"{fault}: {complaint}" for complaint in seen.wrong]
            print(" ".join(rows[-1]), *seen.wrong, sep="\n  ", file=sys.stderr, flush=True)
    head = ("fault", *REPORTS, "sync", *SCORING, "wait s", "peak MB", "sync s", "sync MB", "amiss", "row s")
    print(table(head, rows))
    print(f"{len(rows) - 1} rows in {(time.perf_counter() - began) / 60:.0f} minutes; {len(complaints)} things amiss.")
    print(*complaints, sep="\n")


def _row(fault: str, seen: Seen, seconds: float) -> list[str]:
    names = (*REPORTS, *SCORING)
    return [
        fault,
        *map(seen.code, (*REPORTS, "sync", *SCORING)),
        f"{max(seen.told[name].wall for name in names):.1f}",
        f"{seen.peak(*names):.0f}",
        f"{seen.told['sync'].wall:.1f}",
        f"{seen.peak('sync'):.0f}",
        str(len(seen.wrong)),
        f"{seconds:.0f}",
    ]
