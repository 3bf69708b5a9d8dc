"""Documents are read where nothing can be typed: no command and no option of the command line stands in any of them."""

from __future__ import annotations

import email
import email.policy
import io
import json
import re
import zipfile
from dataclasses import replace

import pytest
from document_charts import charted
from report_accounts import ACCOUNT_KINDS, churned, full, gap_of, nothing, without

from customer_research.documents.brand import HOUSE
from customer_research.documents.formats import FORMATS, notion, pdf, render, terminal
from customer_research.documents.page import Page, untyped
from customer_research.domain.evidence import Gap
from customer_research.domain.occasion import Occasion
from customer_research.domain.report import Absence, Prose, Report, Section
from customer_research.reports.kinds import KINDS, OPERATOR_KINDS

COMMANDS = re.compile(r"`(?:customer-research|[a-z]+(?:-[a-z]+)*(?: --?[a-z]| [A-Z]|`))[^`]*|(?<![\w-])--[a-z][\w-]+")
"""A command in backticks, an option."""

FILES = tuple(name for name in FORMATS if name not in {"terminal", "json", "csv"})
"""The formats of documents: a terminal is where one types, and programs are told what to do."""

STEP = "Check it; `customer-research doctor --online` says what. Run `customer-research sync lago --full`."


def text_of(report: Report, style: str) -> str:
    """The words of a document."""
    if style == "pdf":  # as they are handed to Typst
        made = pdf._Writer(Page(report), HOUSE).document()
        return json.dumps({**made, "parts": [_without_pictures(part) for part in made["parts"]]}, ensure_ascii=False)
    content = render(report, style)
    if style == "email":
        body = email.message_from_bytes(content, policy=email.policy.default).get_body(("html",))
        return _bare(str(body.get_content())) if body is not None else ""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            return "\n".join(_bare(parts.read(name).decode()) for name in parts.namelist() if name.endswith(".xml"))
    return _bare(content.decode()) if style == "html" else content.decode()


def _without_pictures(part: dict[str, object]) -> dict[str, object]:
    nodes = part["nodes"]
    assert isinstance(nodes, list)
    return {**part, "nodes": [{key: value for key, value in node.items() if key != "svg"} for node in nodes]}


def _bare(markup: str) -> str:
    return re.sub(r"<[^>]+>", " ", re.sub(r"<style.*?</style>|<svg.*?</svg>", "", markup, flags=re.DOTALL))


@pytest.mark.parametrize("style", FILES)
def test_no_document_names_a_command(style: str) -> None:
    gap = Gap("lago", "unavailable", "the connection timed out", STEP)
    answered = Gap("score history", "none_found", "no score yet", STEP)
    blocks = (Absence("Bills", gap), Absence("Scores", answered), Prose("Two are late.", step="`billing` lists them."))
    report = replace(
        charted(), sections=(Section("Part", blocks, "part"),), warnings=(Prose("Old.", (), "watch", STEP),)
    )
    text = text_of(report, style)
    assert COMMANDS.findall(text) == []
    assert "Two are late." in text


def test_notion_pages_name_none_either() -> None:
    report = replace(charted(), sections=(Section("Part", (Prose("Late.", step=STEP),), "part"),))
    assert "customer-research doctor" not in "".join(notion.pages(report))


@pytest.mark.parametrize(
    "account",
    [full(), nothing(), without("warehouse"), without("lago"), without("hubspot"), without("notion"), churned()],
    ids=["all known", "nothing", "no trips", "no bills", "no CRM", "no tickets", "left"],
)
@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_no_kind_names_a_command(kind: str, account: object) -> None:
    report = KINDS[kind].build(account)
    for style in ("html", "slack", "xlsx"):
        assert COMMANDS.findall(text_of(report, style)) == [], style


@pytest.mark.parametrize("style", FILES)
def test_a_customers_documents_name_none(style: str) -> None:
    for name in (name for name, kind in OPERATOR_KINDS.items() if kind.for_customers):
        report = OPERATOR_KINDS[name].report(without("lago"), Occasion(audience="customer"))
        assert COMMANDS.findall(text_of(report, style)) == [], name


def test_where_one_can_type_the_step_is_told() -> None:
    report = replace(charted(), sections=(Section("Part", (Prose("Late.", step="`billing` lists them."),), "part"),))
    assert "Late. `billing` lists them." in terminal.render(report, width=200)
    assert "Late. `billing` lists them." in render(report, "json").decode()


def test_what_is_left_of_a_step() -> None:
    assert untyped(STEP) == "Check it."
    assert untyped("Set lago.api_key; then ask again.") == "Set lago.api_key; then ask again."
    assert untyped("Run `customer-research sync`.") == ""
    assert untyped(gap_of("lago").next_step) == gap_of("lago").next_step


def test_the_pattern_finds_what_it_forbids() -> None:
    for text in ("run `customer-research sync`", "`billing`", "(`--all` lists them)", "(--since gives another day)"):
        assert COMMANDS.search(text), text
    assert not COMMANDS.search("Tick 3 -- well-known, pre-paid")
