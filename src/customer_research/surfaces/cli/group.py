"""The click group: commands loaded when they run, and every failure told in one sentence on stderr."""

from __future__ import annotations

import contextlib
import difflib
import errno
import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

from customer_research import __version__
from customer_research.errors import CustomerResearchError
from customer_research.surfaces.cli import COMMANDS, PROGRAMS, top_help

UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What the system says when standard output takes no more."""


class LazyGroup(click.Group):
    """A group that makes a command only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of the documentation."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Make and return one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        if cmd_name in PROGRAMS:
            command: click.Command = getattr(importlib.import_module(PROGRAMS[cmd_name][0]), cmd_name)
            return command
        from customer_research.surfaces.cli.commands import command_of  # noqa: PLC0415 - start-up time

        return command_of(cmd_name)

    def get_help(self, ctx: click.Context) -> str:
        """The same text that `--help` prints before click is loaded."""
        del ctx
        return top_help()

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest commands when one is unknown."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], COMMANDS, n=2)
            advice = f"; did you mean {' or '.join(close)}?" if close else "."
            ctx.fail(f"There is no command {args[0][:60]!r}{advice}")
        return super().resolve_command(ctx, args)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.version_option(version=__version__, prog_name="customer-research")
@click.pass_context
def cli(ctx: click.Context, config_path: Path | None) -> None:
    """Know one operator before the call, with a receipt for every figure."""
    ctx.obj = config_path


def plain(text: str) -> str:
    """Text for the terminal without control characters (an error may quote a vendor or the caller)."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def complain(message: str, hint: str = "") -> None:
    """Print one failure to stderr."""
    click.echo(f"Error: {plain(message)}" + (f" {plain(hint)}" if hint else ""), err=True)


def _list_candidates(error: CustomerResearchError) -> None:
    """List whom a term that names no single operator may mean."""
    matches = getattr(error, "candidates", ()) or getattr(error, "nearest", ())
    for number, match in enumerate(matches, start=1):
        candidate = match.candidate
        state = "churned" if candidate.churned else candidate.status or "status not known"
        name = "".join(char for char in candidate.name if char.isprintable())[:60]
        click.echo(f"  {number}. {name}  {candidate.operator_id}  {state}  ({match.because})", err=True)


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code (see `EXIT_CODES`)."""
    output = sys.stdout
    try:
        result: Any = cli.main(args=arguments, prog_name="customer-research", standalone_mode=False)
    except SystemExit as stop:
        return _reader_gone(stop, output)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except CustomerResearchError as error:
        complain(error.message, error.hint)
        _list_candidates(error)
        return error.exit_code
    except click.ClickException as error:
        return _wrong_call(error)
    except Exception as error:
        if os.environ.get("CUSTOMER_RESEARCH_DEBUG") == "1":
            raise
        return _unexpected(error)
    return result if isinstance(result, int) else 0


def _reader_gone(stop: SystemExit, output: Any) -> int:
    """Click ends the program so when whoever read the output has closed it (`| head -1`), which is no failure.

    A server ends it so, too, when it cannot begin; that is one.
    """
    if not stop.code:
        return 0
    if sys.stdout is output and not isinstance(stop.__context__, BrokenPipeError):
        return 1  # click, which puts another in the place of a closed one, has met none, nor has rich
    _mute()
    return 0


def _mute() -> None:
    """Send the rest of the output nowhere, so that the interpreter's own last flush has nothing to complain of."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())  # type: ignore[union-attr]


def _wrong_call(error: click.ClickException) -> int:
    """Say what is wrong with the call, and where its help stands."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "customer-research"
    message = error.format_message()
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and isinstance(error.ctx.command, click.Group):
        message = f"`{command}` needs a command: {', '.join(error.ctx.command.list_commands(error.ctx))}"
    if "unexpected extra argument" in message:
        message = f"{message.rstrip('.')}: put a name of several words in quotes"
    complain(message if message.endswith((".", "?", ")")) else f"{message}.", f"See `{command} --help`.")
    return 2


def _unexpected(error: Exception) -> int:
    """A full disk is the caller's to mend; anything else is a defect of ours."""
    if isinstance(error, OSError) and error.errno in UNWRITABLE:
        _mute()
        complain(f"The output cannot be written: {error.strerror}.", "Make room, or send it elsewhere.")
        return 2
    complain(
        f"Unexpected failure ({type(error).__name__}).",
        "Please report it with the traceback that CUSTOMER_RESEARCH_DEBUG=1 shows.",
    )
    return 1
