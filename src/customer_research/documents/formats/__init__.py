"""Renderers: functions of a report, and the one list of the formats that they give.

A format's module has `render(report, *, show_personal=False)`, which gives text or bytes; it is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import Any

from customer_research.domain.report import Report
from customer_research.errors import ExtraMissing


@dataclass(frozen=True, slots=True)
class Format:
    """A format of reports: its name, what it is, the suffixes of its files, its media type.

    `binary` formats are no text for a terminal. `options` are keywords that its renderer takes beside `show_personal`;
    `aliases` are other words for it, beside its suffixes without the dot.
    """

    name: str
    title: str
    module: str
    suffixes: tuple[str, ...]
    media_type: str
    binary: bool = False
    options: frozenset[str] = frozenset()
    aliases: tuple[str, ...] = ()


_OFFICE = "application/vnd.openxmlformats-officedocument"
_SCREEN = frozenset({"color", "height", "receipts"})
_BRAND, _TEMPLATE = frozenset({"brand"}), frozenset({"brand", "template"})

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        one.name: one
        for one in (
            Format(
                "terminal",
                "text for a terminal",
                "terminal",
                (".txt", ".text"),
                "text/plain",
                False,
                _SCREEN,
                ("plain",),
            ),
            Format("markdown", "Markdown (GitHub flavour)", "markdown", (".md", ".markdown"), "text/markdown"),
            Format("json", "JSON with a schema", "json_", (".json",), "application/json"),
            Format("agent", "the small answer for agents, JSON", "agent", (".agent",), "application/json"),
            Format(
                "html",
                "one HTML page with charts, for a browser",
                "html_",
                (".html", ".htm"),
                "text/html",
                options=frozenset({"site"}),
            ),
            Format(
                "email",
                "an e-mail message, a draft to address",
                "email_",
                (".eml",),
                "message/rfc822",
                True,
                aliases=("mail",),
            ),
            Format("slack", "a Slack message as Block Kit JSON", "slack_", (".slack",), "application/json"),
            Format("csv", "CSV, a line a figure", "csv_", (".csv",), "text/csv"),
            Format(
                "xlsx", "Excel workbook", "xlsx", (".xlsx",), f"{_OFFICE}.spreadsheetml.sheet", True, aliases=("excel",)
            ),
            Format(
                "pptx",
                "PowerPoint slides",
                "pptx_",
                (".pptx",),
                f"{_OFFICE}.presentationml.presentation",
                True,
                _TEMPLATE,
                ("powerpoint", "slides"),
            ),
            Format("pdf", "PDF, tagged", "pdf", (".pdf",), "application/pdf", True, _BRAND),
        )
    }
)
"""Every format by name."""


NAMES: Mapping[str, str] = MappingProxyType(
    {
        word: one.name
        for one in FORMATS.values()
        for word in (one.name, *(suffix[1:] for suffix in one.suffixes), *one.aliases)
    }
)
"""Every word for a format (its name, suffixes without the dot, aliases) → its name."""


_NEEDS = {"pptx": "Slides need python-pptx", "typst": "A PDF needs Typst", "xlsxwriter": "A workbook needs XlsxWriter"}


def load(module: str) -> ModuleType:
    """A module of this folder, with the packages that it needs.

    Raises:
        ExtraMissing: one of the packages is not installed.
    """
    try:
        return import_module(f"{__name__}.{module}")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _NEEDS:
            raise
        raise ExtraMissing(_NEEDS[package], "documents") from None


def render(report: Report, name: str, *, show_personal: bool = False, **options: Any) -> bytes:
    """A report in one of the formats, text as UTF-8; options that are None, or that the format does not know, are left out.

    Raises:
        RenderError: a figure without a receipt, or an option that the renderer refuses.
        ExtraMissing: a package that the format needs is not installed.
    """
    chosen = FORMATS[name]
    module = load(chosen.module)
    known = {name: value for name, value in options.items() if name in chosen.options and value is not None}
    made: str | bytes = module.render(report, show_personal=show_personal, **known)
    return made.encode() if isinstance(made, str) else made


def as_file(report: Report, name: str, **options: Any) -> bytes:
    """A report as a file or a terminal has it: as `render`, a text with one line's end behind it."""
    made = render(report, name, **options)
    return made if FORMATS[name].binary else made.rstrip(b"\n") + b"\n"
