"""Use cases about the program itself: what its registries declare, its settings, and whether everything is in order."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from customer_research.errors import UsageError
from customer_research.research.request import Request, argument, option, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, Line, Text, lines, written

if TYPE_CHECKING:
    from customer_research.domain.check import CheckResult
    from customer_research.research.usecases.runner import Call

MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL", "skipped": "skip"}


@request
class Metrics(Request):
    """List the metrics: name, unit, formula in words, tables, healthy range."""

    DOCUMENT = "JSON."

    search: str = argument("A part of the name or label.", "")

    def answer(self, call: Call) -> Answer:
        word = self.search.lower()
        found = [
            metric for metric in rooms.reference.metrics() if word in f"{metric['name']} {metric['label']}".lower()
        ]
        if not found:
            raise UsageError(
                f"No metric's name or label holds {self.search[:60]!r}.", hint="Without a word all are listed."
            )
        words = ((f"{metric['name']:<34}{metric['unit']:<11}", metric["formula"]) for metric in found)
        return lines(*words, document=found)


@request
class Rules(Request):
    """List the rules of a scorecard (canonical, guide, billing_guide, or a TOML file)."""

    OUTPUT_AFTER = "scorecard"
    DOCUMENT = "JSON."

    scorecard: str = argument("A scorecard, or a file.", "canonical", or_file=True)
    toml: bool = option("The scorecard's file, as a start for one's own.", False)

    def answer(self, call: Call) -> Answer:
        if self.toml:
            return Answer(Text((f"{rooms.reference.scorecard_text(self.scorecard).rstrip()}\n",)))
        found = rooms.reference.rules(self.scorecard)
        words: list[Line] = []
        for rule in found:
            unless = rooms.reference.not_counted(rule)
            when = f"{rule['when']} (not counted {unless})" if unless else rule["when"]
            words.append((f"{rule['id']:<6}{rule['dimension']:<12}{rule['points']!s:>5}  ", when))
        return lines(*words, document=found)


@request
class Playbook(Request):
    """List the plays of the playbook that the settings name (else the shipped one): what raises each, until when, who does what.

    Reports take all their advice from it. --shipped prints the shipped declaration, to begin a file of your own with.
    """

    OUTPUT_AFTER = ""
    DOCUMENT = "JSON."

    shipped: bool = option("Print the shipped declaration (TOML).", False)

    def answer(self, call: Call) -> Answer:
        if self.shipped:
            return Answer(Text((rooms.reference.shipped_playbook(),)))
        found = rooms.reference.plays(call.settings.playbook)
        words: list[Line] = []
        for play in found:
            only = f" [{', '.join(play['segments'])}]" if play["segments"] else ""
            words += [
                (f"{play['id']:<22}", f"{play['raised_by']}{only}"),
                (" " * 22, f"{play['owner']}: {play['action']}"),
            ]
        return lines(*words, document=found)


@request
class Config(Request):
    """List every setting with its value and origin (default, file, environment)."""

    DOCUMENT = "JSON."

    def answer(self, call: Call) -> Answer:
        from customer_research.settings import describe

        found = describe(call.settings, call.config)
        width = max(len(setting.name) for setting in found) + 2
        words = ((f"{setting.name:<{width}}", f"{setting.shown:<44}  {setting.origin}") for setting in found)
        document = [{"name": setting.name, "value": setting.shown, "origin": setting.origin} for setting in found]
        return lines(*words, document=document)


@request
class Doctor(Request):
    """Check settings and, with --online, the live systems; one row a check with the exact fix."""

    OUTPUT_AFTER = "sample"
    DOCUMENT = "JSON."

    online: bool = option("Send requests; without it only the settings are looked at.", False)
    sample: int = option("Operators to compare ids on.", 20, ge=1, le=200)
    write: bool = option("Write the settings that the checks found (to --config or the user's file).", False)
    docs: Path | None = option("Write the id findings as a Markdown page.", None, file="new")

    async def answer(self, call: Call) -> Answer:
        from customer_research.settings import write_settings

        if (self.write or self.docs is not None) and not self.online:
            raise UsageError("--write and --docs tell what the live systems answered.", hint="Add --online.")
        async with call.research() as research:
            results = await research.doctor(online=self.online, sample=self.sample)
        beside: list[str] = []
        if self.write:
            changes = {name: value for result in results for name, value in result.settings.items()}
            unchanged = "Nothing to write: the settings are as found."
            beside.append(f"Written: {write_settings(call.config, changes)}" if changes else unchanged)
        beside += written(self.docs, rooms.doctor.findings_page(results, call.settings).encode())
        failed = any(result.status == "fail" for result in results)
        return lines(
            *(line for result in results for line in _row(result)),
            state="failed" if failed else "done",
            document=[dataclasses.asdict(result) for result in results],
            beside=tuple(beside),
        )


def _row(result: CheckResult) -> Iterator[Line]:
    yield f"{MARKS[result.status]}  {result.check}"
    yield "      found:  ", result.found
    if result.status != "ok":
        yield "      needed: ", result.needed
        if result.fix:
            yield "      fix:    ", result.fix
