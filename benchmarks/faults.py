"""Every fault of every source: what each report then says, how long it waits, and how much memory it takes.

The sandbox of the scenarios runs in a process of its own whose faults are switched, and each command in a process of its own. A row is
one fault of one source: four reports of one operator that has something in every source, then a sync of that source into a lake
in which the three others stand (under a bomb of all, into an empty one), the portfolio's scores and its list, and the same over a
lake that had all.

Each must have exit code 3 (partial), or 0 where it tells all that it tells without the fault. What it tells must be what it tells
without the fault, or less, or worse, never better (`benchmarks.differing`). No secret may stand in it, no other source may be
missing; the wait may be what the same command takes without a fault, one deadline and `SLACK_SECONDS`, and its memory `MOST_MB` (a
sync's: what it takes without a fault, if that is more). A cell is the exit code (of a lake: of sync, scores and list), and
whatever is not so is a line of its own below the table. A row in which something is amiss is run once more, and counts as it was then:
a machine that does something else meanwhile is no fault. Deadlines are short here, and there are no rate limits; else nothing
differs from the settings as they are.
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
from customer_research.settings import Settings, load_settings
from customer_research_sandbox.servers.faults import KINDS

EXPLAINED = {
    "overview, Location: ": "the billing address stands in for HubSpot's, and has no state",
    "owner_name: owner ": "the owner's id stands in for a name that HubSpot did not tell",
}
"""What differs under a fault and is right so, and why."""

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
SYNC, SCORE, LIST = "sync", "score", "portfolio"
SCORING = {SCORE: ("portfolio", "score", "--no-track"), LIST: ("portfolio", "--csv", "--limit", "0")}
NEW, AGAIN = "new ", "again "
"""Before a command's name: over a lake that never had the source, and over one that had it whole an hour before."""

FULL: Mapping[str, Sequence[str]] = {NEW: (), AGAIN: ("--full",)}
DEADLINE_SECONDS = 6
SLACK_SECONDS = 6
"""For retries within a deadline's last request, and for what else the machine does."""

EVERYTHING = "bomb"
"""The fault under which a sync asks all sources: one source's bomb must not cost another its answer."""

SYNC_DEADLINE_SECONDS = 20
AMPLE_SECONDS = 120
"""The same where nothing is wrong: what all is compared with must be whole, however busy the machine is."""

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
        """What is told without a fault; and the lakes: one with everything, and for each source one with the three others."""
        made = {}
        for source in SOURCES.values():
            others = [other for other in SOURCES.values() if other != source]
            made[f"without-{source}"] = self._run((SYNC, *others), self._folder / f"without-{source}")
        shutil.copytree(self._folder / "without-warehouse", self._folder / "with-all")
        made["with-all"] = self._run((SYNC, "warehouse"), self._folder / "with-all")
        self._now += timedelta(hours=1)  # two contents of a lake at one instant are no earlier and no later one
        self._whole.told |= self._reports()
        for stage, lake in ((NEW, "without-warehouse"), (AGAIN, "with-all")):
            self._whole.told |= self._scored(stage, (SYNC, "warehouse", *FULL[stage]), lake)
        self._load = False
        if bad := {name: told.code for name, told in (made | self._whole.told).items() if told.code}:
            raise RuntimeError(f"Without a fault all must be told, but exit codes are {bad}.")
        return self._whole

    def seen(self, source: str, *, everything: bool) -> Seen:
        """What is told under the fault that is in force, of this source; with `everything` all are synced, into an empty lake."""
        seen = Seen(self._reports())
        new = ((SYNC,), "") if everything else ((SYNC, source), f"without-{source}")
        seen.told |= self._scored(NEW, *new)
        seen.told |= self._scored(AGAIN, (SYNC, source, *FULL[AGAIN]), "with-all")
        seen.wrong += self._complaints(seen, source)
        return seen

    def _reports(self) -> dict[str, Told]:
        return {name: self._run(words) for name, words in REPORTS.items()}

    def _scored(self, stage: str, sync: Sequence[str], lake: str) -> dict[str, Told]:
        """A sync into a copy of a lake (into an empty one, if that has no name), the scores and the list."""
        place = self._folder / "lake"
        shutil.rmtree(place, ignore_errors=True)
        if lake:
            shutil.copytree(self._folder / lake, place)
        commands = {SYNC: sync, **SCORING}
        return {stage + name: self._run(words, place) for name, words in commands.items()}

    def _run(self, words: Sequence[str], lake: Path | None = None) -> Told:
        place = lake or self._folder / "no-lake"
        environment = {
            "CUSTOMER_RESEARCH_CLOCK": self._now.isoformat(),
            "CUSTOMER_RESEARCH_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
            "CUSTOMER_RESEARCH_LAKE__DEADLINE_SECONDS": str(AMPLE_SECONDS if self._load else SYNC_DEADLINE_SECONDS),
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
        for stage in (NEW, AGAIN):
            name = stage + LIST
            compared = differing.lists(seen.told[name].out, self._whole.told[name].out)
            yield from (f"{name}: {complaint}" for complaint in compared.wrong)
            for command in (SYNC, *SCORING):
                if complaint := _code(seen.told[stage + command].code, compared, nothing=command == SYNC):
                    yield f"{stage}{command}: {complaint}"

    def _costs(self, name: str, told: Told, true: Told) -> Iterator[str]:
        is_sync = name.endswith(SYNC)
        deadline = SYNC_DEADLINE_SECONDS if is_sync else DEADLINE_SECONDS
        if told.wall > true.wall + deadline + SLACK_SECONDS:
            yield f"took {told.wall:.1f} s, {true.wall:.1f} s without the fault"
        if told.peak_mb > max(MOST_MB, true.peak_mb if is_sync else 0):
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


def _reason(complaint: str) -> str:
    """Why something that differs is right so; empty where it is amiss."""
    return next((f" ({why})" for words, why in EXPLAINED.items() if words in complaint), "")


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


def run(*numbers: int) -> None:
    """Print the table; `numbers`: the rows that are wanted, counted from 1 in the table's order, all when none is given."""
    every = [(f"{vendor}:{kind}", source) for vendor, source in SOURCES.items() for kind in KINDS]
    wanted = [every[number - 1] for number in numbers] or every
    began = time.perf_counter()
    rows, complaints = [], list[str]()
    with tempfile.TemporaryDirectory() as folder, switched(0, SLOW_SECONDS) as (config, switch):
        matrix = Matrix(config, Path(folder))
        rows.append(_row("none", matrix.prepare(), 0))
        for fault, source in wanted:
            started = time.perf_counter()
            switch(fault)
            seen = matrix.seen(source, everything=fault.endswith(f":{EVERYTHING}"))
            if not all(map(_reason, seen.wrong)):
                seen = matrix.seen(source, everything=fault.endswith(f":{EVERYTHING}"))
            switch("")
            rows.append(_row(fault, seen, time.perf_counter() - started))
            complaints += [f"{fault}: {complaint}{_reason(complaint)}" for complaint in seen.wrong]
            print(" ".join(rows[-1]), *seen.wrong, sep="\n  ", file=sys.stderr, flush=True)
    head = ("fault", *REPORTS, *(stage + "lake" for stage in (NEW, AGAIN)), *COSTS, "amiss", "row s")
    print(table(head, rows))
    amiss = sum(not _reason(complaint) for complaint in complaints)
    minutes = (time.perf_counter() - began) / 60
    print(f"{len(rows) - 1} rows in {minutes:.0f} minutes; {amiss} things amiss, {len(complaints) - amiss} explained.")
    print(*complaints, sep="\n")


COSTS = ("wait s", "peak MB", "sync s", "sync MB")
"""Of a row: the longest wait and the highest peak of its reports and lists, and those of its syncs."""


def _row(fault: str, seen: Seen, seconds: float) -> list[str]:
    syncs = [seen.told[stage + SYNC] for stage in (NEW, AGAIN)]
    others = [told for told in seen.told.values() if told not in syncs]
    return [
        fault,
        *map(seen.code, REPORTS),
        *("/".join(seen.code(stage + name) for name in (SYNC, *SCORING)) for stage in (NEW, AGAIN)),
        *(text for some in (others, syncs) for text in _costs_of(some)),
        str(sum(not _reason(complaint) for complaint in seen.wrong)),
        f"{seconds:.0f}",
    ]


def _costs_of(some: Sequence[Told]) -> tuple[str, str]:
    return f"{max(told.wall for told in some):.1f}", f"{max(told.peak_mb for told in some):.0f}"
