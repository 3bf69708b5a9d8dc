"""The command line: its commands, exit codes and entry point.

Importing this module costs next to nothing: `--help` is written from the tables below, and click and the commands'
modules are loaded only when a command runs.
"""

from __future__ import annotations

import os
import sys

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

COMMANDS = {
    "lookup": ("reports:lookup", "Find an operator by any identifier or name."),
    "quick": ("reports:quick", "One line about an operator."),
    "profile": ("reports:profile", "Who they are, what they pay, how they use it, what troubles them."),
    "billing": ("reports:billing", "Subscriptions, invoices, payment standing."),
    "reservations": ("reports:reservations", "Volume, revenue, trends and types of trips."),
    "payments": ("reports:payments", "Card processing: success, failures, risk, disputes."),
    "health": ("reports:health", "Health score, point by point."),
    "account-review": (
        "reports:account_review",
        "Before a review (QBR): value delivered, wins, what moved the score, agenda, next steps.",
    ),
    "brief": ("reports:brief", "Before a call: objective, snapshot, topics, questions, open promises, checklist."),
    "report": ("any_report:report", "Any kind of report, about one, several or all operators, in any format."),
    "digest": (
        "any_report:digest",
        "The week: newly at risk, worse, better, money at risk, what was done, what to do.",
    ),
    "snapshot": ("snapshots:snapshot", "Keep what an operator's reports are made of, to make them again later."),
    "diff": ("snapshots:diff", "What differs between two account snapshots: figures, records, scorecard, code."),
    "export": ("export:export", "Write a report about an operator to its page in Notion."),
    "compare": ("many:compare", "Two to ten operators side by side, the differences that matter first."),
    "batch": ("many:batch", "A report of each operator of a file and one summary; continues where it was cut off."),
    "whatif": ("many:whatif", "The health score if some figures were other than they are (hypothetical)."),
    "missing": ("many:missing", "Which unknown figure would move the health score most, and how far."),
    "sync": ("sync:sync", "Pull the records of all operators into the lake."),
    "import": ("tables:import_", "Check anybody's canonical tables (Parquet or CSV) and put them into the lake."),
    "score": ("scoring:score", "Score every operator of anybody's canonical tables, and print it."),
    "portfolio": (
        "portfolio:portfolio",
        "Who needs attention and why, over all operators; `portfolio score` scores them.",
    ),
    "churn-risk": (
        "portfolio:churn_risk",
        "Who may leave: ranked by what would be lost, with the signs for and against.",
    ),
    "history": (
        "history:history",
        "An operator's score over time and what moved it; backfill, list and verify snapshots.",
    ),
    "alerts": (
        "alerts:alerts",
        "What needs attention now, the most urgent first; check, acknowledge, snooze, assign, simulate.",
    ),
    "calibrate": (
        "calibrate:calibrate",
        "Fit a scorecard's points to real churn, as far as there is any; `calibrate predict` scores by it.",
    ),
    "backtest": (
        "backtest:backtest",
        "How well scorecards told on past dates who would leave; --gate OLD NEW for CI.",
    ),
    "thresholds": (
        "backtest:thresholds",
        "Where a scorecard should alert: by capacity or cost, on churn that happened.",
    ),
    "scorecard": (
        "scorecard:scorecard",
        "`scorecard use NAME`: the default scorecard, changed behind the gate of `backtest`.",
    ),
    "drift": ("backtest:drift", "Whether a calibration still holds, month by month."),
    "outcome": ("outcomes:outcome", "Record what was done about an operator, and why one left; list it."),
    "why": ("why:why", "One figure: value, formula, request as sent, records behind it."),
    "metrics": ("registry:metrics", "List the metrics."),
    "rules": ("registry:rules", "List a scorecard's rules."),
    "playbook": ("registry:playbook", "List what reports advise when: what raises it, who does it, until when."),
    "tables": ("tables:tables", "The canonical tables and their columns: what `import` takes."),
    "doctor": ("doctor:doctor", "Check settings, credentials and the open questions on live systems."),
    "config": ("config:config", "Show settings and where each comes from."),
    "sandbox": ("customer_research_sandbox.command:sandbox", "Run the sandbox: all vendors over HTTP, no credentials."),
}
"""Command name → (module:attribute, one line for the help). A module without a dot lies in this package."""

COMPLETE_VARIABLE = "_CUSTOMER_RESEARCH_COMPLETE"
"""Set by the shell when it asks for completions (click's convention)."""

INTRODUCTION = """\
Usage: customer-research [--config FILE] COMMAND ...

  Know one operator before the call, with a receipt for every figure.

  OPERATOR is any identifier: operator id, Stripe account, HubSpot id, e-mail,
  domain, phone, trip confirmation, charge id, name or part of a name.
"""


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
        *(f"  {name:<{width}}{text}" for name, (_, text) in COMMANDS.items()),
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
    from customer_research.surfaces.cli.group import run  # noqa: PLC0415 - start-up time

    sys.exit(run(arguments))


def _print_help() -> int:
    """Print the help before click is loaded; a reader that stops early is no failure."""
    try:
        print(top_help(), flush=True)  # noqa: T201
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
