"""How an answer is wanted: a report's format, file, personal data or not; and writing what was made."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from customer_research.documents.formats import FORMATS, NAMES, as_file, load
from customer_research.errors import UsageError
from customer_research.research.usecases import written
from customer_research.surfaces.cli import screen

if TYPE_CHECKING:
    from customer_research.documents.brand import Brand
    from customer_research.domain.report import Report
    from customer_research.research.usecases import UseCase
    from customer_research.settings import Settings

SUFFIXES = {suffix: name for name, known in FORMATS.items() for suffix in known.suffixes}
"""File suffix → format."""

_ASKED = ("format", "json", "output", "personal", "full", "receipts", "template")
"""What may be asked of an answer's form; a command has the options of these that fit it."""

STANDARD_OUTPUT = Path("-")
"""As `--output`: not a file of that name."""

WHO = {
    "alerts": "Who does it, for the audit; default: the user's login name.",
    "outcome": "Who records it; default: the user's login name.",
}
"""Groups whose commands a person answers for → what is said of `--as`."""


class FormatName(click.Choice[str]):
    """A format by its name, a file's suffix (`md`, `.txt`) or another usual word for it; a wrong one is told all names."""

    def __init__(self) -> None:
        super().__init__(tuple(FORMATS))

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The format's name."""
        return super().convert(NAMES.get(value.strip().lower().removeprefix("."), value), param, ctx)


class OutputFile(click.Path):
    """A file that a command is to write: refused before any work when its folder is not there."""

    def __init__(self, *, allow_dash: bool = False) -> None:
        super().__init__(path_type=Path, dir_okay=False, allow_dash=allow_dash)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path.

        Raises:
            UsageError: its folder does not exist, or nothing can be written there.
        """
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if path == STANDARD_OUTPUT and self.allow_dash:
            return path
        folder = path.resolve().parent
        if not folder.is_dir():
            raise UsageError(f"The folder {path.parent} does not exist.", hint="Make it first, or give another file.")
        if not os.access(folder, os.W_OK) and not (path.exists() and os.access(path, os.W_OK)):
            raise UsageError(f"The folder {path.parent} cannot be written to.", hint="Give another file.")
        return path


# -- what a command says of its output ---------------------------------------------------------------------------------


def own_options(case: UseCase) -> Sequence[click.Option]:
    """The options of a command that are the terminal's own: how the answer is shown, and who asks."""
    who = WHO.get(case.name.partition(" ")[0], "")
    if case.right == "act":
        return (_option("who", "--as", metavar="NAME", help=who),)
    return tuple(_output_options(case))


def _output_options(case: UseCase) -> Sequence[click.Option]:
    if case.answers == "report":
        return (
            _format("How to show it; default: terminal."),
            _json("JSON (the same as --format json)."),
            _option(
                "output",
                "--output",
                "-o",
                type=OutputFile(allow_dash=True),
                help=f"Write to a file; its suffix ({', '.join(SUFFIXES)}) names the format.",
            ),
            _personal("Show e-mail addresses, phones and names unmasked."),
            *_on_a_screen(),
            _option(
                "template",
                "--template",
                type=click.Path(path_type=Path, dir_okay=False, exists=True),
                help="Your own .pptx for slides: its layouts and placeholders are used.",
            ),
        )
    beside = _option(
        "output",
        "--report",
        type=OutputFile(),
        help="The report in a file; its suffix names the format. Default: printed.",
    )
    if case.answers == "report beside":
        return (beside, *_on_a_screen())
    if case.answers == "report printed":
        return (_format("How to print it; default: terminal."), beside, *_on_a_screen())
    told = case.request().DOCUMENT
    json: tuple[click.Option, ...] = (_json(told),) if told else ()
    if case.answers in {"explanation", "verdicts"}:
        small = click.Choice(("terminal", "json", "agent"))
        json = (*json, _option("format", "--format", type=small, help="How to show it; agent: small JSON for agents."))
    return (*json, _personal("Show personal data unmasked.")) if case.answers == "explanation" else json


def _option(name: str, *flags: str, **asked: Any) -> click.Option:
    return click.Option([*flags, f"shown_{name}"], **asked)


def _format(words: str) -> click.Option:
    return _option("format", "--format", type=FormatName(), help=words)


def _json(words: str) -> click.Option:
    return _option("json", "--json", is_flag=True, help=words)


def _personal(words: str) -> click.Option:
    return _option("personal", "--show-personal", is_flag=True, help=words)


def _on_a_screen() -> Sequence[click.Option]:
    """What is asked of a report on the terminal: a file has all of it."""
    return (
        _option("full", "--full", is_flag=True, help="On the terminal: the whole report, not only its first screen."),
        _option("receipts", "--receipts", is_flag=True, help="On the terminal: with the receipts of the figures."),
    )


# -- what the caller wants ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the caller wants an answer: its format, the file (None: standard output), personal data shown or not, slides' template.

    On the terminal a report is its first screen without receipts, unless it is wanted in full, or with them; a file has all.
    """

    format: str
    output: Path | None = None
    show_personal: bool = False
    full: bool = False
    receipts: bool = False
    template: Path | None = None
    brand: Brand | None = None

    def __call__(self, report: Report) -> None:
        """Render the report and hand it over."""
        made = as_file(
            report,
            self.format,
            show_personal=self.show_personal,
            color=self.output is None and screen.coloured(),
            height=None if self.full or self.output else screen.REPORT,
            receipts=self.receipts or self.output is not None,
            template=self.template,
            brand=self.brand,
        )
        deliver(made if FORMATS[self.format].binary else made.decode(), self.output)


def delivery_of(context: click.Context, case: UseCase, values: dict[str, Any]) -> Delivery:
    """The delivery that the options ask for, which are taken out; refused before anything is fetched when it cannot be.

    Raises:
        UsageError: options that contradict each other, or a suffix that names no format.
    """
    asked = {name: values.pop(f"shown_{name}", None) for name in _ASKED}
    target = None if asked["output"] == STANDARD_OUTPUT else asked["output"]
    style = output_format(asked["format"], as_json=bool(asked["json"]), output=target)
    if FORMATS[style].binary and target is None and screen.terminal():
        suffix = FORMATS[style].suffixes[0]
        raise UsageError(f"{style} is no text for a terminal.", hint=f"Give a file: --output report{suffix}")
    template, brand = look_of(context, style, asked["template"])
    refuse_template(style, template)
    personal = bool(asked["personal"]) or (case.answers == "report" and settings_of(context).show_personal)
    return Delivery(
        style, target, personal, bool(asked["full"]), bool(asked["receipts"]), template=template, brand=brand
    )


def look_of(context: click.Context, style: str, template: Path | None) -> tuple[Path | None, Brand | None]:
    """The template and the brand of a document: as asked, else as the settings say; none for a format that takes none.

    Raises:
        ConfigError: the logo that the settings name is no picture.
    """
    if "brand" not in FORMATS[style].options:
        return template, None
    from customer_research.documents.brand import brand_of  # noqa: PLC0415 - start-up time

    chosen = settings_of(context).brand
    own = chosen.template if "template" in FORMATS[style].options else None
    return template or own, brand_of(chosen.color, chosen.logo, chosen.manager)


def settings_of(context: click.Context) -> Settings:
    """The settings that `--config`, the environment and the user's file give."""
    from customer_research.settings import load_settings  # noqa: PLC0415 - start-up time

    return load_settings(context.find_root().obj)


def refuse_template(style: str, template: Path | None) -> None:
    """Refuse a template that the format does not use, or that cannot be read, before anything is fetched.

    Raises:
        UsageError: there is a template, and the format takes none, or it is no presentation.
    """
    if template is None:
        return
    if "template" not in FORMATS[style].options:
        taking = ", ".join(name for name, known in FORMATS.items() if "template" in known.options)
        raise UsageError(f"{style} takes no template.", hint=f"Formats that take one: {taking}.")
    load("slide_layouts").opened(template)


def output_format(chosen: str | None, *, as_json: bool, output: Path | None) -> str:
    """The format that the options ask for: `--format`, `--json`, or the output file's suffix."""
    if as_json and chosen not in {None, "json"}:
        raise UsageError(f"--json and --format {chosen} contradict each other.", hint="Give one of them.")
    if as_json:
        return "json"
    if chosen is not None:
        return chosen
    if output is None or not output.suffix:
        return "terminal"
    if output.suffix.lower() not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise UsageError(f"The suffix {output.suffix} names no format.", hint=f"Use one of {known}, or --format.")
    return SUFFIXES[output.suffix.lower()]


def deliver(made: str | bytes, output: Path | None) -> None:
    """Print what was made, or write it to a file in one step (an interrupted write leaves the old file).

    Raises:
        UsageError: the file cannot be written.
    """
    if output is None:
        click.echo(made, nl=False)
        return
    for line in written(output, made.encode() if isinstance(made, str) else made):
        click.echo(line, err=True)
