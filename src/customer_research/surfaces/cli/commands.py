"""Commands made from the registry of use cases: a request's fields are arguments and options, its answer is drawn.

What a terminal needs of its own stands by hand: how progress looks (`progress`), `history OPERATOR` without a sub-command, a
CSV asked for by a file's name, a batch's `--json`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import click

from customer_research.errors import UsageError
from customer_research.research.usecases import GROUPS, USE_CASES, UseCase
from customer_research.surfaces.cli.fields import made, parameters
from customer_research.surfaces.cli.output import delivery_of, output_format, own_options, settings_of

SHOW = "show"


class OperatorFirst(click.Group):
    """`history OPERATOR` is `history show OPERATOR`, unless OPERATOR is the name of a sub-command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Put the sub-command before an operator."""
        return super().resolve_command(ctx, args if args and args[0] in self.commands else [SHOW, *args])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options of `show` may come before the operator, too."""
        own = {"-h", "--help"}
        if args and args[0].startswith("-") and args[0] not in own:
            args = [SHOW, *args]
        return super().parse_args(ctx, args)


class Asked(click.Group):
    """A command with arguments of its own: a sub-command of it is told by the first word."""

    allow_interspersed_args = True

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of the sub-command that the first word names, else of the command itself."""
        inner = self.commands.get(args[0]) if args else None
        if inner is None:
            return super().make_context(info_name, args, parent, **extra)
        return inner.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The sub-command that the first word names, else the command itself."""
        del ctx
        return args[0], self.commands.get(args[0], self), args[1:]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """All words are its own."""
        return click.Command.parse_args(self, ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Do what the command itself does."""
        return click.Command.invoke(self, ctx)


def command_of(name: str) -> click.Command:
    """The command of this name, with its sub-commands where it has some."""
    inside = {rest: _command(case) for rest, case in _inside(name).items()}
    if name == "history":
        return OperatorFirst(
            name,
            commands=inside,
            help=GROUPS[name],
            options_metavar="",
            subcommand_metavar="OPERATOR | COMMAND ...",
            callback=_nothing,
        )
    if name in GROUPS:
        return click.Group(name, commands=inside, help=GROUPS[name])
    return _command(USE_CASES[name], inside)


def _nothing() -> None:
    """What a group does by itself."""


def _inside(group: str) -> Mapping[str, UseCase]:
    """The use cases of a group by the rest of their names."""
    named = (name.split(" ", 1) for name in USE_CASES if name.startswith(f"{group} "))
    return {rest: USE_CASES[f"{first} {rest}"] for first, rest in named}


def _command(case: UseCase, inside: Mapping[str, click.Command] = MappingProxyType({})) -> click.Command:
    """The command of one use case; a group by itself where there are sub-commands."""

    def callback(**values: Any) -> int:
        context = click.get_current_context()
        return 0 if context.invoked_subcommand is not None else _run(context, case, values)

    request = case.request()
    params = list(parameters(request))
    place = request.OUTPUT_AFTER
    after = len(params) if place is None else [str(param.name) for param in params].index(place) + 1 if place else 0
    made_of: dict[str, Any] = {
        "name": case.name.rpartition(" ")[2],
        "help": case.about,
        "params": [*params[:after], *own_options(case), *params[after:]],
        "callback": callback,
    }
    if inside:
        if any(isinstance(param, click.Argument) for param in params):
            return Asked(**made_of, commands=dict(inside), invoke_without_command=True, subcommand_metavar="")
        return click.Group(**made_of, commands=dict(inside), invoke_without_command=True)
    return click.Command(**made_of)


def _run(context: click.Context, case: UseCase, values: dict[str, Any]) -> int:
    """Take what is the terminal's own out of the values, ask, and draw the answer."""
    from customer_research.research.usecases import Actor, use_alone  # noqa: PLC0415 - start-up time
    from customer_research.surfaces.cli.answers import show  # noqa: PLC0415
    from customer_research.surfaces.cli.progress import progress_of  # noqa: PLC0415

    if case.name in _BEFORE:
        _BEFORE[case.name](values)
    who = (values.pop("shown_who", None) or "").strip()
    delivery = delivery_of(context, case, values)
    request = made(case.request(), values)
    with progress_of(case) as progress:
        answer = use_alone(
            case.name,
            request,
            Actor(who or login(), "cli"),
            lambda: settings_of(context),
            config=context.find_root().obj,
            progress=progress,
        )
    return show(answer, delivery, request)


def login() -> str:
    """The user's login name."""
    import getpass  # noqa: PLC0415 - start-up time

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return "unknown user"


# -- before a use case is asked ----------------------------------------------------------------------------------------


def _csv_of_everybody(values: dict[str, Any]) -> None:
    """A file named .csv asks for the CSV of everybody, unless `--format csv` asks for the report as one."""
    output, style = values["shown_output"], values["shown_format"]
    named = output is not None and output.suffix.lower() == ".csv" and style != "csv"
    if not (values["choice__csv"] or named):
        return
    if values["shown_json"] or style is not None:
        raise UsageError("CSV and another format contradict each other.", hint="Give one of them.")
    values |= {"choice__csv": True, "shown_format": "terminal"}


def _batch_format(values: dict[str, Any]) -> None:
    """`--json` is of the reports, too."""
    style, as_json = values["format"], values["shown_json"]
    values["format"] = output_format(style, as_json=as_json, output=None) if style or as_json else None


_BEFORE: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "portfolio": _csv_of_everybody,
    "churn-risk": _csv_of_everybody,
    "batch": _batch_format,
}
