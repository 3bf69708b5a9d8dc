"""The command line: its commands, exit codes and entry point.

Importing this module costs next to nothing: `--help` is written from the registry of use cases and the table below; click,
and what a command does, are loaded only when one runs.
"""

from __future__ import annotations

import gc
import os
import sys

from customer_research.research.usecases.registry import GROUP_SENTENCES, USE_CASES

EXIT_CODES = {
    0: "done, every source answered",
    1: "unexpected failure (a defect: please report it); `why --replay` found another value",
    2: "the call is wrong: unknown command, option, or a term that cannot be looked up",
    3: "done, but partial: a source is missing, and the report names the gap",
    4: "no operator found, or more than one (the candidates are listed)",
    5: "a setting is missing or wrong",
    6: "a source refused or failed and nothing could be shown; a check of `doctor` failed",
    7: "the store (score history, alerts) cannot be used, or the engine that computes could not be reached or failed",
    10: "`calibrate`: fitted points are proposed, and a person has to confirm them or to settle a suspected leak (0: adopted)",
    11: "`calibrate`: refused, the expert's points stay (not enough churn, or nothing better was found); `thresholds`: the score is not shown to tell who leaves",
    12: "`backtest --gate`, `scorecard use`: the new scorecard is worse than the old one",
    13: "`backtest --gate`, `scorecard use`: too little churn to tell whether it is worse",
    14: "`drift`: churn is not as the scorecard says; its intercept is to be refitted",
    130: "interrupted",
}

PROGRAMS = {
    "serve": (
        "customer_research.surfaces.serve.command",
        "Do what is scheduled, deliver messages, answer agents and Slack, until told to end.",
    ),
    "web": (
        "customer_research.surfaces.web.command",
        "The web pages: `web serve`.",
    ),
    "mcp": (
        "customer_research.surfaces.mcp.command",
        "Serve agents: `mcp serve`; `mcp install` tells a client of it.",
    ),
    "slack": (
        "customer_research.surfaces.slack.command",
        "The Slack app: `slack serve`, `slack manifest`, and who may ask there.",
    ),
    "sandbox": ("customer_research_sandbox.command", "Run the sandbox: all vendors over HTTP, no credentials."),
}
"""Commands that are no use cases, each a program of its own: the module that has it, and one line for the help."""


def _commands() -> dict[str, str]:
    """The first words of the use cases' names, in their order, and the programs."""
    told: dict[str, str] = {}
    for name, case in USE_CASES.items():
        first = name.partition(" ")[0]
        told.setdefault(first, GROUP_SENTENCES.get(first) or case.sentence)
    return {**told, **{name: line for name, (_, line) in PROGRAMS.items()}}


COMMANDS = _commands()
"""Command → one line for the help."""

COMPLETE_VARIABLE = "_CUSTOMER_RESEARCH_COMPLETE"
"""Set by the shell when it asks for completions (click's convention)."""

INTRODUCTION = """\
Usage: customer-research [--config FILE] COMMAND ...

  Know one operator before the call, with a receipt for every figure.

  OPERATOR is any identifier: operator id, Stripe account, HubSpot id, e-mail,
  domain, phone, trip confirmation, charge id, name or part of a name.
"""


_OBJECTS = 50_000
"""New objects after which cycles among them are looked for; with Python's 700 a tenth of a short command goes into that."""


def top_help() -> str:
    """The text of `customer-research --help`."""
    width = max(map(len, COMMANDS)) + 2
    lines = [
        INTRODUCTION,
        "Options:",
        "  --config FILE  Settings file (TOML); else settings.toml in the user's configuration folder.",
        "  --version      Show the version.",
        "  -h, --help     Show this text; `customer-research COMMAND --help` tells of one command.",
        "",
        "Commands:",
        *(f"  {name:<{width}}{text}" for name, text in COMMANDS.items()),
        "",
        "Exit codes:",
        *(f"  {code:<{width}}{text}" for code, text in EXIT_CODES.items()),
    ]
    return "\n".join(lines)


def main() -> None:
    """The console script."""
    arguments = sys.argv[1:]
    if arguments in ([], ["--help"], ["-h"]) and COMPLETE_VARIABLE not in os.environ:
        sys.exit(_print_help())
    gc.set_threshold(_OBJECTS)
    os.environ.setdefault(
        "PYDANTIC_DISABLE_PLUGINS", "__all__"
    )  # we have none, and to look for them reads what is installed
    from customer_research.surfaces.cli.group import run  # noqa: PLC0415 - start-up time

    code = run(arguments)
    _leave_unsearched()
    sys.exit(code)


def _leave_unsearched() -> None:
    """Spare the search through all that was loaded for cycles, before Python ends: a seventh of a short command.

    DuckDB's binding complains on standard error of what that search has not taken away.
    """
    if "duckdb" not in sys.modules:
        gc.freeze()


def _print_help() -> int:
    """Print the help before click is loaded; a reader that stops early is no failure."""
    try:
        print(top_help(), flush=True)  # noqa: T201
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
