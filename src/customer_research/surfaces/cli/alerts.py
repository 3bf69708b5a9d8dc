"""`alerts`: what is open, most urgent first; `check`, `show`, `ack`, `snooze`, `assign`, `rules`, `simulate`."""

from __future__ import annotations

import dataclasses
import getpass
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from customer_research.domain.vocabularies import SEVERITIES
from customer_research.errors import UsageError
from customer_research.surfaces.cli import screen
from customer_research.surfaces.cli.hanging import hanging
from customer_research.surfaces.cli.reports import report_options
from customer_research.surfaces.cli.session import PARTIAL, Delivery, settings_of

if TYPE_CHECKING:
    from customer_research.domain.alert import Episode, RuleInWords
    from customer_research.domain.report import Report
    from customer_research.settings import Settings

WEEKS = 52

HELP = """\
The open alerts, the most urgent first, with money, owner, reason and the next step: one for each operator, whatever many rules
speak of it. What can wait for more than a week is counted; `--all` lists it.

Alerts come from rules over the score history: `alerts check` judges what `portfolio score` has kept. An alert is raised once
and stays one until it is cleared; a source that fails is one alert about the source, never a decline of operators.
Exit code 3: a source was missing in the newest snapshot that was judged.
"""
CHECK_HELP = """\
Judge the snapshots that were scored since the last check (the first time: the newest), raise and clear alerts, and say which.
What the first check finds had come together until then: it is standing, not new.

The same snapshot judged twice changes nothing; two programs that do so at once raise an alert once.
"""
SIMULATE_HELP = """\
How many alerts each rule (those switched off, too) would have raised on the history, for how long, on how many operators, and
how many of these left within 90 days. Nothing is written. What was not judged at a past date (see `history backfill`) raises
nothing there.
"""
SNOOZE_HELP = """\
Hide alert ID until a day to come (its midnight) or an instant, UTC; `now` ends a snooze. It is not raised anew
meanwhile, even if it clears and comes back.
"""
NOW = "now"
MOST = click.option(
    "--limit", "most", type=click.IntRange(min=0), default=25, show_default=True, help="How many lines; 0: all."
)
ID = click.argument("alert", metavar="ID")
WHO = click.option("--as", "who", metavar="NAME", help="Who does it, for the audit; default: the user's login name.")
RULES_FILE = click.option(
    "--rules",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file of rules; default: setting alerts.rules.",
)


@click.group("alerts", invoke_without_command=True, help=HELP)
@click.option("--severity", "severities", multiple=True, type=click.Choice(SEVERITIES), help="Only these (repeatable).")
@click.option("--rule", default="", help="Only this rule's.")
@click.option("--assignee", default="", help="Only those assigned to this person.")
@click.option("--owner", default="", help="Only of accounts of this HubSpot owner: id, name, or a part of it.")
@click.option("--mine", is_flag=True, help="Only of your own accounts (setting owner).")
@click.option("--all", "snoozed", is_flag=True, help="Snoozed ones and those that can wait, too.")
@MOST
@report_options
@click.pass_context
def alerts(
    ctx: click.Context,
    severities: tuple[Any, ...],
    rule: str,
    assignee: str,
    owner: str,
    *,
    mine: bool,
    snoozed: bool,
    most: int,
    delivery: Delivery,
) -> int:
    """List the open alerts, unless a sub-command does something else."""
    if ctx.invoked_subcommand is not None:
        return 0
    from customer_research.research.alerting import alerts as desk  # noqa: PLC0415 - start-up time

    settings, now = _settings_and_now(ctx)
    if mine and not settings.owner:
        raise UsageError("Nobody said whose accounts are yours.", hint="Set owner to your HubSpot owner id or name.")
    book = settings.owner if mine else owner.strip()
    choice = desk.Choice(severities, rule.strip(), assignee.strip(), snoozed, most or None, book)
    return _delivered(desk.open_alerts(settings, choice, now=now), delivery)


@alerts.command("check", help=CHECK_HELP)
@MOST
@report_options
@click.pass_context
def check(ctx: click.Context, *, most: int, delivery: Delivery) -> int:
    """Judge what has been scored."""
    from customer_research.research.alerting import alerts as desk  # noqa: PLC0415 - start-up time

    settings, now = _settings_and_now(ctx)
    return _delivered(desk.checked(settings, now=now, most=most or None), delivery)


@alerts.command("show", help="Alert ID in full: figures with receipts, what to do, and what happened to it.")
@ID
@report_options
@click.pass_context
def show(ctx: click.Context, alert: str, *, delivery: Delivery) -> int:
    """Show one alert; its id may be shortened."""
    from customer_research.research.alerting import alerts as desk  # noqa: PLC0415 - start-up time

    settings, now = _settings_and_now(ctx)
    return _delivered(desk.one_alert(settings, alert, now=now), delivery)


@alerts.command("ack", help="Note that alert ID has been seen.")
@ID
@WHO
@click.pass_context
def ack(ctx: click.Context, alert: str, who: str | None) -> int:
    """Acknowledge an alert."""
    from customer_research.research.alerting import alerts as desk  # noqa: PLC0415 - start-up time

    settings, now = _settings_and_now(ctx)
    episode = desk.acknowledge(settings, alert, who=_who(who), now=now)
    return _said(episode, f"acknowledged by {episode.acknowledged_by}")


@alerts.command("snooze", help=SNOOZE_HELP)
@ID
@click.option("--until", metavar="DATE", required=True, help="A day or an instant to come, UTC; now ends a snooze.")
@WHO
@click.pass_context
def snooze(ctx: click.Context, alert: str, until: str, who: str | None) -> int:
    """Snooze an alert."""
    from customer_research.research.alerting import alerts as desk  # noqa: PLC0415 - start-up time
    from customer_research.research.portfolio.take import instant  # noqa: PLC0415

    settings, now = _settings_and_now(ctx)
    ends = until.strip().lower() == NOW
    moment = now if ends else instant(until)
    if not ends and moment <= now:
        raise UsageError(f"{until.strip()} has passed.", hint=f"Give a day to come, or --until {NOW} to end a snooze.")
    episode = desk.snooze(settings, alert, moment, who=_who(who), now=now)
    return _said(episode, f"snoozed until {moment:%Y-%m-%d %H:%M} UTC" if episode.snoozed(now) else "no longer snoozed")


@alerts.command("assign", help="Give alert ID to NAME; an empty NAME takes it away.")
@ID
@click.argument("name")
@WHO
@click.pass_context
def assign(ctx: click.Context, alert: str, name: str, who: str | None) -> int:
    """Assign an alert."""
    from customer_research.research.alerting import alerts as desk  # noqa: PLC0415 - start-up time

    settings, now = _settings_and_now(ctx)
    episode = desk.assign(settings, alert, name.strip(), who=_who(who), now=now)
    return _said(episode, f"assigned to {episode.assignee}" if episode.assignee else "assigned to nobody")


@alerts.command(
    "rules", help="The alert rules: when each is raised and cleared, whom it concerns, what to do, and why so."
)
@RULES_FILE
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--toml", "as_toml", is_flag=True, help="The shipped file, as a start for one's own.")
@click.pass_context
def rules(ctx: click.Context, path: Path | None, *, as_json: bool, as_toml: bool) -> int:
    """List the rules; a file of one's own is checked on the way."""
    from customer_research.research.alerting import alerts as desk  # noqa: PLC0415 - start-up time

    if as_toml:
        from customer_research.health.alerts.declared import shipped_rules  # noqa: PLC0415 - start-up time

        click.echo(shipped_rules().rstrip("\n"))
        return 0
    found = desk.rules_in_words(settings_of(ctx), path)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(rule) for rule in found], indent=2, ensure_ascii=False))
    else:
        click.echo("\n\n".join(map(_rule_text, found)))
    return 0


@alerts.command("simulate", help=SIMULATE_HELP)
@click.option("--weeks", type=click.IntRange(1, 1040), default=WEEKS, show_default=True, help="How many weeks back.")
@RULES_FILE
@report_options
@click.pass_context
def simulate(ctx: click.Context, weeks: int, path: Path | None, *, delivery: Delivery) -> int:
    """Try the rules on the history."""
    from customer_research.research.alerting import alerts as desk  # noqa: PLC0415 - start-up time

    settings, now = _settings_and_now(ctx)
    with _progress() as told:
        report = desk.simulated(settings, weeks, rules=path, now=now, told=told)
    return _delivered(report, delivery)


def _settings_and_now(ctx: click.Context) -> tuple[Settings, datetime]:
    from customer_research.research import system_clock  # noqa: PLC0415 - start-up time

    settings = settings_of(ctx)
    return settings, settings.clock or system_clock()


def _delivered(report: Report, delivery: Delivery) -> int:
    delivery(report)
    return PARTIAL if report.partial else 0


def _who(given: str | None) -> str:
    """Who does it: as told, else the login name."""
    if given is not None and given.strip():
        return given.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return "unknown user"


def _said(episode: Episode, what: str) -> int:
    text = f"Alert {episode.id} ({episode.title}: {episode.source or episode.name}) is {what}."
    click.echo("".join(c if c.isprintable() else " " for c in text))
    return 0


def _rule_text(rule: RuleInWords) -> str:
    off = "" if rule.enabled else ", switched off"
    quiet, cool_down = map(_days, (rule.quiet_days, rule.cool_down_days))
    return "\n".join(
        (
            hanging(f"{rule.id}  ", f"{rule.title} ({rule.severity}{off})"),
            hanging("    when:   ", rule.when),
            hanging("    for:    ", rule.concerns),
            hanging("    do:     ", f"{rule.action} ({rule.owner})"),
            hanging("    why so: ", rule.reason),
            hanging(
                "    pause:  ", f"cleared after {quiet} without it; not raised again within {cool_down} after that"
            ),
        )
    )


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar with counts on stderr; nothing when it is not a terminal."""
    if not screen.lively():
        yield lambda _done, _of: None
        return
    from rich.console import Console  # noqa: PLC0415 - start-up time
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("Judging snapshots"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
