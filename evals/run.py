"""Ask all questions and print what came of them: `python -m evals.run [--config FILE] [--only WORD] [--model VENDOR:NAME]`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import httpx2

from customer_research.settings import load_settings
from evals.asking import asked, connected
from evals.driving import Bounds, Talk, driven
from evals.judging import CHARACTERS_A_TOKEN, Outcome
from evals.questions import Question, questions
from evals.vendors import VENDORS, Model
from evals.world import started

USUAL = Bounds()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the evals; 1 where a question does not pass, 2 where what is asked for makes no sense."""
    given = _parser().parse_args(arguments)
    chosen = [one for one in questions() if not given.only or given.only in {one.id, one.topic, one.tool}]
    if given.config:
        kept = [one for one in chosen if not one.hostile]
        if len(kept) < len(chosen):
            print(f"{len(chosen) - len(kept)} questions need the sandbox that the evals start: not asked.")
        chosen = kept
    if not chosen:
        print(f"No question is called {given.only!r}, nor is a topic or a tool.", file=sys.stderr)
        return 2
    if not given.config:
        print("Starting the sandbox, pulling and scoring it (a minute or two) ...", flush=True)
    with nullcontext(given.config) if given.config else started() as config:
        if given.model:
            talks = asyncio.run(_with_a_model(config, chosen, given.model, given.url, _bounds(given)))
            return print_talks(talks)
        return print_outcomes(asyncio.run(_without(config, chosen)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("evals", description=__doc__)
    parser.add_argument(
        "--config", type=Path, help="settings of a demo sandbox that runs, pulled, scored and checked for alerts"
    )
    parser.add_argument("--only", default="", help="one question's id, a topic, or a tool")
    parser.add_argument(
        "--model", type=_model, help="have a model answer, as anthropic:NAME or openai:NAME; needs a key, costs money"
    )
    parser.add_argument("--url", default="", help="where the model's vendor listens, if not at its own address")
    parser.add_argument("--turns", type=int, default=USUAL.turns, help="most turns of a model for a question")
    parser.add_argument("--tokens", type=int, default=USUAL.tokens, help="most tokens of a model for a question")
    parser.add_argument("--seconds", type=float, default=USUAL.seconds, help="most seconds of a model for a question")
    return parser


def _model(written: str) -> tuple[type[Model], str]:
    vendor, _, name = written.partition(":")
    if vendor not in VENDORS or not name:
        raise argparse.ArgumentTypeError(f"write it as VENDOR:NAME, with {' or '.join(VENDORS)}")
    return VENDORS[vendor], name


def _bounds(given: argparse.Namespace) -> Bounds:
    return Bounds(given.turns, given.tokens, given.seconds)


async def _without(config: Path, chosen: Sequence[Question]) -> Sequence[Outcome]:
    async with connected(load_settings(config), config) as client:
        return await asked(client, chosen)


async def _with_a_model(
    config: Path, chosen: Sequence[Question], model: tuple[type[Model], str], url: str, bounds: Bounds
) -> Sequence[Talk]:
    kind, name = model
    async with connected(load_settings(config), config) as client, httpx2.AsyncClient(timeout=bounds.seconds) as http:
        make = partial(kind, name, url=url)
        return [await driven(one, client, make, bounds, http) for one in chosen]


def print_outcomes(outcomes: Sequence[Outcome]) -> int:
    """The table, what is wrong, and the totals; 1 where something is."""
    print(f"{'question':24} {'tool':20} {'characters':>10} {'figures':>8} {'cited':>6}  result")
    for one in outcomes:
        result = "pass" if one.passed else "FAIL"
        print(f"{one.question.id:24} {one.question.tool:20} {one.size:10,} {one.figures:8} {one.cited:6}  {result}")
        for fault in one.faults:
            print(f"    {fault}")
    sizes = [one.size for one in outcomes]
    mean = sum(sizes) / len(sizes)
    passed = sum(one.passed for one in outcomes)
    tokens = mean / CHARACTERS_A_TOKEN
    print(
        f"{passed} of {len(outcomes)} pass, each in one call. Characters a question: {mean:,.0f} on average, {max(sizes):,} at most; "
        f"about {tokens:,.0f} tokens (characters / {CHARACTERS_A_TOKEN}). Figures: {sum(one.figures for one in outcomes):,}, "
        f"cited: {sum(one.cited for one in outcomes):,}."
    )
    return int(passed < len(outcomes))


def print_talks(talks: Sequence[Talk]) -> int:
    """What a model did, what is wrong, and the totals; 1 where something is."""
    print(f"{'question':24} {'calls':>5} {'read':>8} {'tokens':>8}  result")
    for one in talks:
        result = "FAIL" if one.faults else "pass"
        print(f"{one.question.id:24} {len(one.tools):5} {one.read:8,} {one.tokens:8,}  {result}  {' '.join(one.tools)}")
        for fault in one.faults:
            print(f"    {fault}")
    passed = sum(not one.faults for one in talks)
    calls = sum(len(one.tools) for one in talks) / len(talks)
    print(
        f"{passed} of {len(talks)} pass; {calls:.1f} calls, {sum(one.read for one in talks) / len(talks):,.0f} characters read and "
        f"{sum(one.tokens for one in talks) / len(talks):,.0f} tokens (as the vendor counts) a question."
    )
    return int(passed < len(talks))


if __name__ == "__main__":
    sys.exit(main())
