"""Documents: what a PDF account review with four charts costs, each format against Markdown, memory over a batch.

Run: `python -m benchmarks.documents [DOCUMENTS]`. The reports come from the sandbox, fetched before anything is measured; rendering
alone is measured, each format in a process of its own, its start (imports, fonts) told apart. The bars: a six-page review with
four charts in under one second of CPU after start-up, and memory of the last document of a batch at most 1.25 times that after
the first 40 (caches are full by then).
"""

from __future__ import annotations

import asyncio
import io
import pickle
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pypdf import PdfReader

from benchmarks.measured import cost
from benchmarks.serving import served
from benchmarks.tables import table, times
from customer_research.documents.formats import FORMATS, render
from customer_research.domain.report import Chart, Report
from customer_research.research import Research
from customer_research.settings import load_settings
from customer_research_sandbox.scenarios import expectations

DOCUMENTS = 400
OPERATORS = 20
REPEATS = 5
SETTLED = 40
BAR_SECONDS, BAR_MEMORY = 1.0, 1.25


@dataclass(frozen=True, slots=True)
class Made:
    """What rendering told: CPU seconds of the first document and of each later one, resident megabytes, the last document."""

    first: float
    later: tuple[float, ...]
    megabytes: tuple[float, ...]
    last: bytes


async def fetched(config: Path) -> list[Report]:
    """The account reviews of some scenarios' operators."""
    terms = [one["operator_id"] for one in expectations().values()][:OPERATORS]
    async with Research(load_settings(config)) as research:
        return [await research.report("account-review", term) for term in terms]


def charts(report: Report) -> int:
    """How many charts a report has."""
    return sum(isinstance(block, Chart) for section in report.sections for block in section.blocks)


def made(path: str, style: str, documents: int) -> Made:
    """Render so many documents one after the other, the reports in turn."""
    reports: Sequence[Report] = pickle.loads(Path(path).read_bytes())
    spent: list[float] = []
    megabytes: list[float] = []
    last = b""
    for number in range(documents):
        started = time.process_time()
        last = render(reports[number % len(reports)], style)
        spent.append(time.process_time() - started)
        megabytes.append(resident())
    return Made(spent[0], tuple(spent[1:]), tuple(megabytes), last)


def resident() -> float:
    """Resident memory in megabytes now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("The system does not tell a process's memory.")


def median(values: Sequence[float]) -> float:
    """The middle one of the values."""
    return sorted(values)[len(values) // 2]


def largest(reports: Sequence[Report]) -> Report:
    """The report with the most charts, and of these the one that becomes the longest as JSON."""
    return max(reports, key=lambda one: (charts(one), len(render(one, "json"))))


def told(path: str, one: str, drawings: int, documents: int) -> str:
    """Costs by format of the longest report, then a batch of PDFs."""
    of_one: dict[str, Made] = {style: cost(made, one, style, REPEATS).told for style in FORMATS}
    base = median(of_one["markdown"].later)
    rows = [
        (style, times(median(found.later) / base), times(found.first / base), f"{len(found.last) / 1024:,.0f} KB")
        for style, found in of_one.items()
    ]
    pdf = of_one["pdf"]
    pages = len(PdfReader(io.BytesIO(pdf.last)).pages)
    batch: Made = cost(made, path, "pdf", documents).told
    memory = batch.megabytes
    settled = memory[min(SETTLED, len(memory) - 1)]
    return "\n".join(
        (
            table(("format", "CPU, of Markdown's", "the first", "size"), rows),
            (
                f"PDF of {pages} pages with {drawings} charts: {median(pdf.later):.3f} s of CPU after start-up "
                f"(bar {BAR_SECONDS:.1f} s); the first in a process {pdf.first:.2f} s"
            ),
            (
                f"{documents} PDFs: {sum(batch.later) / max(1, len(batch.later)):.3f} s of CPU each; memory after the last "
                f"{times(memory[-1] / settled)} of that after {min(SETTLED, len(memory) - 1)} (bar {times(BAR_MEMORY)}), "
                f"{times(memory[-1] / memory[0])} of that after the first: {memory[0]:.0f}, {settled:.0f}, {memory[-1]:.0f} MB"
            ),
        )
    )


def run(documents: int = DOCUMENTS) -> None:
    """Fetch reports, render them in every format, print ratios."""
    with served(0) as config:
        reports = asyncio.run(fetched(config))
    with tempfile.TemporaryDirectory() as folder:  # the sandbox has ended: it does not compute beside what is measured
        everyone, one = _kept(Path(folder) / "all", reports), _kept(Path(folder) / "one", [largest(reports)])
        print(told(everyone, one, charts(largest(reports)), documents))


def _kept(path: Path, reports: Any) -> str:
    path.write_bytes(pickle.dumps(reports))
    return str(path)


if __name__ == "__main__":
    run(*map(int, sys.argv[1:2]))
