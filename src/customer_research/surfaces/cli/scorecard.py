"""`scorecard use`: another default scorecard, behind the gate."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from customer_research.surfaces.cli.backtest import TOO_LITTLE, WORSE, ground_options, settings_and_clock

if TYPE_CHECKING:
    from customer_research.research.past.backtest.trials import TrialOrder
    from customer_research.research.past.default_card import Proposal

USE_HELP = """\
Make NAME (a shipped scorecard, or a file such as `calibrate` writes) the default: the setting scorecard in the settings file.

It asks the gate of `backtest --gate` with the default as the old one, and tells how many operators change band, as of the
lake's newest snapshot. Nothing is written when the gate does not pass, unless --anyway is given. Of the settings file only this
one setting changes; comments stay. A scorecard that was calibrated is tried fairly with --since, after its last date.

Exit code: 0 it is the default; 12 it is worse; 13 there is too little churn to tell; 5 there is no such scorecard, or it scores
no operators, or nobody has confirmed it; 2 the call is wrong, or there is nothing to ask the gate on.
"""


@click.group("scorecard", help="The default scorecard of reports, lists and alerts.")
def scorecard() -> None:
    """Scorecard commands."""


@scorecard.command("use", help=USE_HELP)
@click.argument("name")
@click.option("--anyway", is_flag=True, help="Whatever the gate says, or where it cannot be asked.")
@click.option("--dry-run", "dry", is_flag=True, help="Tell it all and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="JSON.")
@ground_options
@click.pass_context
def use(
    ctx: click.Context, name: str, *, anyway: bool, dry: bool, as_json: bool, ground: Callable[..., TrialOrder]
) -> int:
    """Make a scorecard the default."""
    from customer_research.research.past import default_card  # noqa: PLC0415 - start-up time

    settings, clock = settings_and_clock(ctx)
    found = default_card.propose(settings, name, ground(), clock, anyway=anyway)
    code = 0 if anyway else _code(found)
    file = default_card.adopt(ctx.find_root().obj, found) if not (code or dry or found.same) else None
    if as_json:
        click.echo(json.dumps(_document(found, code, None if file is None else str(file)), indent=2))
    else:
        for line in default_card.told(found):
            click.echo(line)
        if file is not None:
            click.echo(f"Written: scorecard in {file}", err=True)
        elif not found.same:
            why = "" if dry else " --anyway makes it the default all the same."
            click.echo(f"Nothing was written.{why}", err=True)
    return code


def _code(found: Proposal) -> int:
    if found.gate is None or found.gate.verdict == "pass":
        return 0
    return WORSE if found.gate.verdict == "worse" else TOO_LITTLE


def _document(found: Proposal, code: int, file: str | None) -> dict[str, Any]:
    told = asdict(found)
    gate, moves = told.pop("gate"), told.pop("moves")
    if moves is not None:
        moves["as_of"] = moves["as_of"].isoformat()
        moves["moved"] = found.moves.moved if found.moves is not None else 0
    return {
        **told,
        "gate": gate and {key: gate[key] for key in ("verdict", "why")},
        "moves": moves,
        "exit_code": code,
        "written": file,
    }
