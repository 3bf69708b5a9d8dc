"""`outcome`: what was done about an operator, and why it left: `done`, `churn`, `list`, `retract`."""

from __future__ import annotations

import getpass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from customer_research.domain.outcome import CHURN_KINDS, CHURN_REASONS, INTERVENTIONS
from customer_research.domain.parsing import day
from customer_research.errors import AmbiguousOperator, OperatorNotFound, UsageError
from customer_research.surfaces.cli.reports import report_options, unresolved
from customer_research.surfaces.cli.session import PARTIAL, Delivery, settings_of

if TYPE_CHECKING:
    from customer_research.domain.outcome import Outcome
    from customer_research.settings import Settings

HELP = """\
Record what no system knows: what was done about an operator that may leave, and why one left.

Records are added and never changed; `outcome retract` takes a wrong one back. Billing stays the truth on who left and when:
a recorded reason stands beside it. `backtest` tells how what was done biases the figures.
"""

WHO = click.option("--as", "who", metavar="NAME", help="Who records it; default: the user's login name.")
NOTE = click.option("--note", default="", help="A few words.")
ON = click.option("--on", "day", metavar="DATE", help="The day it happened; default: today.")
OPERATOR = click.argument("operator")


@click.group("outcome", help=HELP)
def outcome() -> None:
    """Interventions and churn, recorded by people."""


@outcome.command("done", help="Note what was done about OPERATOR.")
@OPERATOR
@click.option("--kind", "what", type=click.Choice(INTERVENTIONS), required=True, help="What was done.")
@ON
@NOTE
@WHO
@click.pass_context
def done(ctx: click.Context, operator: str, *, what: Any, day: str | None, note: str, who: str | None) -> int:
    """Record an intervention."""
    from customer_research.research.past import outcomes  # noqa: PLC0415 - start-up time

    settings, now = _settings_and_now(ctx)
    try:
        kept = outcomes.record_intervention(settings, operator, what, _day(day), note=note, who=_who(who), now=now)
    except (AmbiguousOperator, OperatorNotFound) as error:
        return unresolved(error)
    return _said(kept)


@outcome.command("churn", help="Note that OPERATOR left, when and why.")
@OPERATOR
@click.option("--reason", type=click.Choice(CHURN_REASONS), required=True, help="Why it left.")
@click.option(
    "--kind", type=click.Choice(CHURN_KINDS), default="voluntary", show_default=True, help="By choice or not paying."
)
@ON
@click.option("--secondary", type=click.Choice(CHURN_REASONS), help="A second reason.")
@click.option("--competitor", default="", help="Who won it.")
@click.option("--lost-mrr", type=click.FloatRange(min=0), metavar="USD", help="The MRR lost.")
@click.option("--may-return/--will-not-return", "returns", default=None, help="Whether it may come back.")
@NOTE
@WHO
@click.pass_context
def churn(
    ctx: click.Context,
    operator: str,
    *,
    reason: Any,
    kind: Any,
    day: str | None,
    secondary: Any,
    competitor: str,
    lost_mrr: float | None,
    returns: bool | None,
    note: str,
    who: str | None,
) -> int:
    """Record a churn."""
    from customer_research.research.past import outcomes  # noqa: PLC0415 - start-up time

    settings, now = _settings_and_now(ctx)
    try:
        kept = outcomes.record_churn(
            settings,
            operator,
            reason,
            kind,
            _day(day),
            secondary=secondary,
            competitor=competitor,
            lost_minor=None if lost_mrr is None else round(lost_mrr * 100),
            returns=returns,
            note=note,
            who=_who(who),
            now=now,
        )
    except (AmbiguousOperator, OperatorNotFound) as error:
        return unresolved(error)
    return _said(kept)


@outcome.command("list", help="What was recorded, of OPERATOR or of all, the newest first.")
@click.argument("operator", required=False)
@report_options
@click.pass_context
def list_(ctx: click.Context, operator: str | None, *, delivery: Delivery) -> int:
    """List the records that count."""
    from customer_research.research.past import outcomes  # noqa: PLC0415 - start-up time

    settings, now = _settings_and_now(ctx)
    try:
        report = outcomes.outcomes_report(settings, operator, now=now)
    except (AmbiguousOperator, OperatorNotFound) as error:
        return unresolved(error)
    delivery(report)
    return PARTIAL if report.partial else 0


@outcome.command("retract", help="Take record ID back; it is kept, and does not count any more.")
@click.argument("record", metavar="ID")
@NOTE
@WHO
@click.pass_context
def retract(ctx: click.Context, record: str, note: str, who: str | None) -> int:
    """Retract a record."""
    from customer_research.research.past import outcomes  # noqa: PLC0415 - start-up time

    settings, now = _settings_and_now(ctx)
    taken = outcomes.retract(settings, record, note=note, who=_who(who), now=now)
    click.echo(f"Record {taken.retracts} of {_line(taken.name)} does not count any more.")
    return 0


def _settings_and_now(ctx: click.Context) -> tuple[Settings, datetime]:
    from customer_research.research import system_clock  # noqa: PLC0415 - start-up time

    settings = settings_of(ctx)
    return settings, settings.clock or system_clock()


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return day(text)
    except ValueError:
        raise UsageError(f"{text[:40]!r} is no day.", hint="Write 2026-11-01.") from None


def _who(given: str | None) -> str:
    """Who records it: as told, else the login name."""
    if given is not None and given.strip():
        return given.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return "unknown user"


def _said(kept: Outcome) -> int:
    what = f"left for {kept.what}" if kept.kind == "churn" else kept.what
    click.echo(f"Recorded {kept.id}: {_line(kept.name)}, {kept.on}, {what.replace('_', ' ')}.")
    return 0


def _line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:80]
