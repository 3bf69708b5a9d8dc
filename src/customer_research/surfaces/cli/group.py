"""The click group: commands loaded when they run, and every failure told in one sentence on stderr."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

from customer_research.errors import CustomerResearchError
from customer_research.surfaces.cli import COMMANDS, VERSION, top_help


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of the documentation."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        path = module if "." in module else f"customer_research.surfaces.cli.{module}"
        command: click.Command = getattr(importlib.import_module(path), attribute)
        return command

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
            advice = f"did you mean {' or '.join(close)}?" if close else f"commands: {', '.join(COMMANDS)}."
            ctx.fail(f"There is no command {args[0][:60]!r}; {advice}")
        return super().resolve_command(ctx, args)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.version_option(version=VERSION, prog_name="customer-research")
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


def run(arguments: list[str] | None = None) -> int:  # noqa: PLR0911 - one return a kind of failure
    """Run the command line and return its exit code (see `EXIT_CODES`)."""
    try:
        result: Any = cli.main(args=arguments, prog_name="customer-research", standalone_mode=False)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "customer-research"
        complain(error.format_message(), f"See `{command} --help`.")
        return 2
    except click.ClickException as error:
        complain(error.format_message())
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    except CustomerResearchError as error:
        complain(error.message, error.hint)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("CUSTOMER_RESEARCH_DEBUG") == "1":
            raise
        complain(
            f"Unexpected failure ({type(error).__name__}).",
            "Please report it with the traceback that CUSTOMER_RESEARCH_DEBUG=1 shows.",
        )
        return 1
    return result if isinstance(result, int) else 0
