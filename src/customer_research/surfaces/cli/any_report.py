"""`report`: every kind of report through one command; and `digest`, `summary` of the portfolio by their own names."""

from __future__ import annotations

import difflib
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from customer_research.errors import UsageError
from customer_research.surfaces.cli.reports import (
    AUDIENCE,
    MEETING,
    REPORTS,
    SCORECARD,
    SINCE,
    code_of,
    occasion_of,
    report_of,
    report_options,
)
from customer_research.surfaces.cli.session import PARTIAL, Delivery, settings_of, with_research

if TYPE_CHECKING:
    from customer_research.domain.occasion import Occasion
    from customer_research.domain.report import Report
    from customer_research.research import Research

OF_ONE = (*REPORTS, "history", "missing", "lookup")
"""Kinds that take one operator."""

OF_SEVERAL = ("comparison",)
OF_EVERYBODY = ("digest", "portfolio", "portfolio-summary", "portfolio-churn-risk", "alerts")
KINDS = (*OF_ONE, *OF_SEVERAL, *OF_EVERYBODY)

REPORT_HELP = f"""\
The report KIND, in any format.

About one OPERATOR: {", ".join(OF_ONE)}. About two to ten: {", ".join(OF_SEVERAL)}. About everybody, without OPERATOR:
{", ".join(OF_EVERYBODY)}; churn-risk without OPERATOR is that of the portfolio.

--audience customer makes a report that shows nothing internal; kinds that have no form for customers refuse it. --snapshot ID
makes it of an account snapshot (`customer-research snapshot`), without OPERATOR and without asking any source.
"""


@click.command("report", help=REPORT_HELP)
@click.argument("kind", shell_complete=lambda _context, _parameter, given: [k for k in KINDS if k.startswith(given)])
@click.argument("operators", nargs=-1, metavar="[OPERATOR]...")
@AUDIENCE
@SINCE
@MEETING
@click.option("--snapshot", "snapshot_id", metavar="ID", help="Of this account snapshot: an id or a file.")
@SCORECARD
@report_options
@click.pass_context
def report(
    ctx: click.Context,
    kind: str,
    operators: tuple[str, ...],
    *,
    audience: str,
    since: datetime | None,
    meeting: str,
    snapshot_id: str | None,
    scorecard: str | None,
    delivery: Delivery,
) -> int:
    """Write one report of any kind."""
    chosen = _kind(kind, operators)
    occasion = occasion_of(audience=audience, meeting=meeting, since=since)
    _admit(chosen, occasion)
    if snapshot_id is not None:
        if operators:
            raise UsageError("A snapshot names its operator itself.", hint="Leave OPERATOR or --snapshot out.")
        return _of_snapshot(ctx, chosen, snapshot_id, occasion, delivery)
    _count(chosen, operators)
    if chosen in OF_EVERYBODY:
        return _of_everybody(ctx, chosen, delivery)
    if chosen == "lookup":
        return _lookup(ctx, operators[0], delivery)
    return report_of(ctx, lambda research: _made(research, chosen, operators, scorecard, occasion), delivery)


def _kind(name: str, operators: tuple[str, ...]) -> str:
    """The kind that is meant, with hyphens or underscores.

    Raises:
        UsageError: there is none; the nearest are named.
    """
    wanted = name.strip().lower().replace("_", "-")
    if wanted == "churn-risk" and not operators:
        return "portfolio-churn-risk"
    wanted = {"qbr": "account-review", "compare": "comparison", "summary": "portfolio-summary"}.get(wanted, wanted)
    if wanted in KINDS:
        return wanted
    close = difflib.get_close_matches(wanted, KINDS, n=3)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"Kinds: {', '.join(KINDS)}."
    raise UsageError(f"There is no report {name[:60]!r}.", hint=hint)


def _admit(kind: str, occasion: Occasion) -> None:
    """Refuse an audience for which the kind has no form, before anything is fetched."""
    if occasion.audience == "internal":
        return
    from customer_research.reports.kinds import EVERY_KIND  # noqa: PLC0415 - start-up time

    if kind in EVERY_KIND:
        EVERY_KIND[kind].admit(occasion)
    else:
        raise UsageError(
            f"The report {kind} is internal: it has no form for customers.",
            hint="`account-review --audience customer` is made for them.",
        )


def _count(kind: str, operators: tuple[str, ...]) -> None:
    """Refuse too many or too few operators (a comparison counts its own)."""
    if kind in OF_ONE and len(operators) != 1:
        given = "none is" if not operators else f"{len(operators)} are"
        raise UsageError(
            f"The report {kind} is about one operator, and {given} named.",
            hint="Put a name of several words in quotes; `report comparison A B` compares.",
        )
    if kind in OF_EVERYBODY and operators:
        raise UsageError(f"The report {kind} is about everybody: it takes no operator.", hint="Leave OPERATOR out.")


async def _made(
    research: Research, kind: str, operators: tuple[str, ...], scorecard: str | None, occasion: Occasion
) -> Report:
    if kind == "comparison":
        return await research.compare(operators, scorecard=scorecard)
    if kind == "missing":
        return await research.missing(operators[0], scorecard=scorecard)
    if kind == "history":
        from customer_research.research.past.history.operator_history import history_report  # noqa: PLC0415 - start-up time

        return await history_report(research, operators[0], scorecard=scorecard)
    return await research.report(kind, operators[0], scorecard=scorecard, occasion=occasion)


def _lookup(ctx: click.Context, term: str, delivery: Delivery) -> int:
    async def work(research: Research) -> tuple[Report, int]:
        made, answer = await research.lookup_report(term)
        return made, code_of(answer, made)

    made, code = with_research(ctx, work)
    delivery(made)
    return code


def _of_snapshot(
    ctx: click.Context,
    kind: str,
    snapshot_id: str,
    occasion: Occasion,
    delivery: Delivery,
) -> int:
    from customer_research.research.one import account_snapshots  # noqa: PLC0415 - start-up time

    chosen = "churn-risk" if kind == "portfolio-churn-risk" else kind
    found = account_snapshots.find(settings_of(ctx), snapshot_id)
    made = account_snapshots.report(found, chosen, occasion)
    if not account_snapshots.same_code(found):
        click.echo("Note: another version of the program took this snapshot; the bytes may differ from then.", err=True)
    delivery(made)
    return PARTIAL if made.partial else 0


def _of_everybody(ctx: click.Context, kind: str, delivery: Delivery) -> int:
    from customer_research.research import system_clock  # noqa: PLC0415 - start-up time
    from customer_research.research.portfolio import newest  # noqa: PLC0415
    from customer_research.research.portfolio.selection import Selection  # noqa: PLC0415

    settings = settings_of(ctx)
    now = settings.clock or system_clock()
    given: dict[str, Any] = {"now": now}
    if kind == "alerts":
        from customer_research.research.alerting import alerts as alerting  # noqa: PLC0415 - start-up time

        made = alerting.open_alerts(settings, alerting.Choice(most=25), **given)
    elif kind == "digest":
        made = newest.digest_report(settings, **given)
    elif kind == "portfolio-summary":
        made = newest.summary_report(settings, **given)
    elif kind == "portfolio":
        made = newest.portfolio_report(settings, Selection(), **given)
    else:
        made = newest.risk_report(settings, Selection(), **given)
    delivery(made)
    return PARTIAL if made.partial else 0


DIGEST_HELP = """\
The week up to the newest snapshot: who is newly at risk, worse, better; the money at risk by currency; critical alerts; what
was done about alerts; what to do; what is stale.

It compares with the snapshot of a week before (`customer-research history backfill`, or a score every day).
"""


@click.command("digest", help=DIGEST_HELP)
@report_options
@click.pass_context
def digest(ctx: click.Context, *, delivery: Delivery) -> int:
    """Show the weekly digest."""
    return _of_everybody(ctx, "digest", delivery)
