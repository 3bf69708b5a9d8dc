"""The three renderers: hostile text stays text, layout holds, the envelope is closed."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from report_accounts import ACCOUNT_KINDS, ACCOUNTS, AS_OF, HOSTILE, answer, full, hostile, nothing, receipt
from report_charts import CHARTS, money
from rich.cells import cell_len

from customer_research.documents.charts import bars
from customer_research.documents.formats import json_, markdown, terminal
from customer_research.domain.evidence import Fact, Gap, GapReason
from customer_research.domain.money import Money
from customer_research.domain.report import (
    Block,
    Chart,
    Event,
    FigureLine,
    Figures,
    Freshness,
    Mark,
    Prose,
    Report,
    Section,
    Text,
)
from customer_research.domain.report import Table as TableBlock
from customer_research.errors import RenderError
from customer_research.reports.kinds import KINDS
from customer_research.reports.kinds.lookup import KIND as LOOKUP
from customer_research.reports.kinds.lookup import Search

RENDERERS = (json_.render, markdown.render, terminal.render)


def profile(account: Any) -> Report:
    return KINDS["profile"].build(account)


def with_blocks(*blocks: Block) -> Report:
    return replace(
        profile(full()), sections=(Section("Part", blocks, "part"),), warnings=(), headline=None, freshness=()
    )


@pytest.mark.parametrize("render", RENDERERS)
def test_renderers_refuse_a_figure_without_a_receipt(render: Any) -> None:
    made = Fact(3, "count", (receipt("lago", "invoices"),), AS_OF)
    object.__setattr__(made, "basis", ())
    with pytest.raises(RenderError, match="no receipt"):
        render(with_blocks(Figures((FigureLine("Trips", made),))))


@pytest.mark.parametrize("render", RENDERERS)
def test_renderers_refuse_a_value_that_is_not_of_its_unit(render: Any) -> None:
    made = Fact(None, "count", (receipt("lago", "invoices"),), AS_OF)
    with pytest.raises(RenderError, match="not a value of unit"):
        render(with_blocks(Figures((FigureLine("Trips", made),))))


@pytest.mark.parametrize("render", RENDERERS)
@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_no_control_or_bidi_character_leaves_any_renderer(render: Any, kind: Any) -> None:
    text = render(KINDS[kind].build(hostile()))
    loose = {char for char in text if unicodedata.category(char).startswith("C") and char not in "\n\u200c\u200d"}
    assert loose == set()


@pytest.mark.parametrize("render", RENDERERS)
@pytest.mark.parametrize("secret", ["dana.roe@alder", "Dana Roe", "010 2030", "010-2030", "Kim Park", "Robin Vale"])
def test_personal_data_is_masked_unless_asked_for(render: Any, secret: Any) -> None:
    met = {"brief"} if secret == "Dana Roe" else set()  # the contact whom one is about to meet
    shown = {kind: render(KINDS[kind].build(full())) for kind in ACCOUNT_KINDS}
    assert {kind for kind, text in shown.items() if secret in text} == met
    unmasked = [render(KINDS[kind].build(full()), show_personal=True) for kind in ACCOUNT_KINDS]
    assert any(secret in text.replace("\\", "") for text in unmasked)


# --- Markdown ---------------------------------------------------------------------------------------------------------


def tokens(text: Any) -> Iterator[Any]:
    parsed = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(text)
    for token in parsed:
        yield token
        yield from token.children or ()


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_hostile_text_makes_no_html_no_foreign_link_no_code_no_image(kind: Any) -> None:
    report = KINDS[kind].build(hostile())
    found = list(tokens(markdown.render(report)))
    assert not [token for token in found if token.type in {"html_inline", "html_block", "image", "fence", "code_block"}]
    links = [str(token.attrGet("href")) for token in found if token.type == "link_open"]
    assert all(re.match(r"https://(billing|crm|bi|notes)\.example\.com/", link) for link in links)


@pytest.mark.parametrize("kind", ["profile", "billing"])
def test_hostile_text_breaks_no_table(kind: Any) -> None:
    calm, wild = (list(tokens(markdown.render(KINDS[kind].build(account)))) for account in (full(), hostile()))
    for name in ("table_open", "tr_open", "td_open", "heading_open", "bullet_list_open", "list_item_open"):
        assert sum(t.type == name for t in wild) == sum(t.type == name for t in calm), name


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_escaped_text_reads_as_it_was(name: Any) -> None:
    plain = json.loads(json_.render(with_blocks(Prose(HOSTILE[name]))))["sections"][0]["blocks"][0]["text"]
    text = markdown.render(with_blocks(Prose(HOSTILE[name])))
    words = [
        token.content for token in MarkdownIt("gfm-like", {"linkify": False}).parse(text) if token.type == "inline"
    ]
    rendered = [
        "".join(child.content for child in token.children or ())
        for token in MarkdownIt("gfm-like", {"linkify": False}).parse(text)
        if token.type == "inline"
    ]
    assert plain in rendered, words


@pytest.mark.parametrize("start", ["- item", "+ item", "# head", "> quote", "1. one", "12) two", "=== x", "--- x"])
def test_no_sentence_begins_a_list_or_a_heading(start: Any) -> None:
    found = [token.type for token in tokens(markdown.render(with_blocks(Prose(start))))]
    assert "list_item_open" not in found
    assert found.count("heading_open") == 2  # the title, the part


@pytest.mark.parametrize("text", ["https://evil.example", "see www.evil.example now", "mailto:x", "a://b"])
def test_bare_addresses_of_vendors_are_not_made_links(text: Any) -> None:
    escaped = markdown.escape(text)
    assert not re.search(r"[A-Za-z]:\S|www\.", escaped)


def test_markdown_numbers_receipts_once_and_defines_each() -> None:
    text = markdown.render(profile(full()))
    defined = re.findall(r"^\[\^(\d+)\]: ", text, re.MULTILINE)
    used = set(re.findall(r"\[\^(\d+)\](?!:)", text))
    assert defined == [str(number) for number in range(1, len(defined) + 1)]
    assert used == set(defined)


# --- terminal ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [60, 80, 100, 120])
@pytest.mark.parametrize("kind", ["profile", "billing", "reservations", "payments", "health"])
@pytest.mark.parametrize("account", ["full", "hostile", "nothing"])
def test_no_line_is_wider_than_the_terminal(account: Any, kind: Any, width: Any) -> None:
    text = terminal.render(KINDS[kind].build(ACCOUNTS[account]()), width=width)
    assert max(cell_len(line) for line in text.split("\n")) <= width


def test_plain_output_has_no_escape_and_tones_are_words() -> None:
    text = terminal.render(profile(full()), width=100)
    assert "\x1b" not in text
    assert "97.1% (good)" in text
    assert "-42% (act)" in text


def test_colours_add_nothing_but_colours() -> None:
    report = profile(full())
    coloured = terminal.render(report, width=100, color=True)
    assert "\x1b[" in coloured
    plain = re.sub(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\", "", coloured)
    assert [line.rstrip() for line in plain.split("\n")] == terminal.render(report, width=100).split("\n")


def test_no_color_is_honoured(monkeypatch: Any) -> None:
    from rich.console import Console

    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(width=100, force_terminal=True, record=True)
    assert console.no_color
    with console.capture() as captured:
        terminal.show(profile(full()), console)
    assert not re.search(r"\x1b\[[0-9;]*3[1-7]m", captured.get())


def test_markup_of_vendors_is_not_markup() -> None:
    text = terminal.render(with_blocks(Prose("[red]x[/red] :smile: [link=http://x]y[/link]")), width=100)
    assert "[red]x[/red] :smile: [link=http://x]y[/link]" in text


def test_wide_tables_are_stacked_not_crushed() -> None:
    headers = tuple(f"Column {number}" for number in range(12))
    block = TableBlock(headers, (tuple(Text(f"longish-value-{number}") for number in range(12)),), words=headers)
    text = terminal.render(with_blocks(block), width=80)
    assert all(re.search(rf"Column {number}\s+longish-value-{number}\b", text) for number in range(12))


@pytest.mark.parametrize("width", range(48, 161, 7))
def test_no_figure_is_cut_and_no_column_lost_beside_amounts_of_several_currencies(width: int) -> None:
    amounts = tuple(Money(currency, minor) for minor, currency in ((161400, "CAD"), (36483, "EUR"), (5958300, "USD")))
    proof = (receipt("lago", "invoices"),)
    row = (
        Text("Healthy"),
        Fact(210, "count", proof, AS_OF),
        Fact(0.64, "ratio", proof, AS_OF),
        Fact(amounts, "money", proof, AS_OF),
        Fact(88.2, "number", proof, AS_OF),
    )
    block = TableBlock(
        ("Band", "Operators", "Share", "MRR", "Average score"),
        (row, row),
        caption="By band",
        align=("left", "right", "right", "right", "right"),
    )
    told = terminal.render(with_blocks(block), width=width)
    for figure in ("Healthy", "210", "64%", "CA$1,614.00", "€364.83", "$59,583.00", "88.2"):
        assert len(re.findall(rf"(?<![\w,.]){re.escape(figure)}(?![\w,.])", told)) == 2, told
    assert all(word in told for word in ("Band", "Operators", "Share", "MRR", "Average", "score")), told


@pytest.mark.parametrize("width", range(48, 161, 7))
def test_a_long_word_to_the_right_takes_no_column_away(width: int) -> None:
    """Words of a vendor without a blank beside figures: they are folded, and the columns behind them stand."""
    industry = (
        "Industry (a provider)",
        "transportation/trucking/railroad",
        "sure (company)",
        "2031-01-01",
        "2031-02-02",
    )
    headcount = ("Headcount (a provider)", "1,234", "probable (name and phone)", "2032-01-01", "2032-02-02")
    headers = ("Fact", "Value", "Match", "Fetched", "Good until")
    block = TableBlock(
        headers,
        tuple(tuple(map(Text, row)) for row in (industry, headcount)),
        align=("left", "right", "left", "left", "left"),
        words=headers,
    )
    told = terminal.render(with_blocks(block), width=width)
    assert all(figure in told for figure in ("1,234", *industry[3:], *headcount[3:])), told


def test_footnotes_shorten_runs() -> None:
    assert terminal.marks(()) == ""
    assert terminal.marks((3,)) == " [3]"
    assert terminal.marks((1, 2)) == " [1,2]"
    assert terminal.marks((1, 2, 3, 5, 7, 8)) == " [1-3,5,7,8]"


def test_each_receipt_is_listed_once() -> None:
    text = terminal.render(profile(full()), width=100)
    listed = re.findall(r"^\[(\d+)\] ", text.split("Receipts ─")[1], re.MULTILINE)
    assert listed == [str(number) for number in range(1, len(listed) + 1)]


def test_freshness_is_told_per_source() -> None:
    when = datetime.fromisoformat("2026-10-28T00:00:00Z")
    aged = Freshness("warehouse", "ok", AS_OF, when, (), "newest record is 4 days old")
    partial = Freshness("hubspot", "partial", AS_OF, None, (Gap("hubspot", "denied", "no deals scope", "Add it."),))
    text = terminal.render(replace(profile(full()), freshness=(aged, partial)), width=140)
    assert "Warehouse: answered in full; read 2026-11-01 00:00 UTC; newest record 2026-10-28 00:00 UTC; newest" in text
    assert "HubSpot: answered in part, refused the credential for the rest; read 2026-11-01 00:00 UTC" in text
    assert "access refused (HubSpot): no deals scope. Next: Add it." in text


def test_width_follows_the_terminal(monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    assert max(len(line) for line in terminal.render(profile(nothing())).split("\n")) == 72


# --- JSON -------------------------------------------------------------------------------------------------------------


def envelope(kind: str = "profile", account: Any = None, show_personal: bool = False) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json_.render(KINDS[kind].build(account or full()), show_personal=show_personal))
    return made


def walk(value: Any) -> Iterator[Any]:
    yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from walk(child)


def test_the_envelope_is_versioned_and_complete() -> None:
    made = envelope()
    assert made["schema"] == "customer-research/report/1"
    assert list(made) == [
        "schema",
        "kind",
        "title",
        "operator",
        "as_of",
        "generated_at",
        "audience",
        "personal",
        "partial",
        "headline",
        "warnings",
        "sections",
        "gaps",
        "freshness",
        "receipts",
    ]
    assert made["as_of"] == "2026-11-01T00:00:00Z"
    assert made["personal"] == "masked"


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_every_figure_has_receipts_that_are_in_the_envelope(kind: Any) -> None:
    made = envelope(kind)
    known = {proof["id"] for proof in made["receipts"]}
    figures = [part for part in walk(made["sections"]) if isinstance(part, dict) and "unit" in part]
    assert figures or kind == "churn-risk"  # this account was not judged by the scorecard of risks
    for figure in figures:
        assert figure["receipts"]
        assert set(figure["receipts"]) <= known
        assert figure["as_of"].endswith("Z")


def test_a_figure_line_is_a_value_or_a_gap() -> None:
    blocks = [
        part for part in walk(envelope(account=nothing())) if isinstance(part, dict) and part.get("type") == "figures"
    ]
    lines = [line for block in blocks for line in block["figures"]]
    assert lines
    assert all("value" not in line and line["gap"]["reason"] and line["gap"]["detail"] for line in lines)


def test_money_is_minor_units_per_currency() -> None:
    made = envelope("billing", ACCOUNTS["money"]())
    lines = {line["label"]: line for part in walk(made) if isinstance(part, dict) for line in part.get("figures", [])}
    assert lines["MRR (after coupons)"]["value"] == [
        {"currency": "CAD", "minor": -1250},
        {"currency": "JPY", "minor": 120000},
    ]
    assert lines["MRR (after coupons)"]["text"] == "-CA$12.50 and ¥120,000"


def test_personal_data_is_masked_in_json_and_marked() -> None:
    contacts = next(s for s in envelope()["sections"] if s["id"] == "contacts")["blocks"][0]["rows"][0]
    assert (contacts[0]["value"], contacts[0]["text"], contacts[0]["personal"]) == ("D. R.", "D. R.", "person")
    assert len(contacts[0]["receipts"]) == 1
    shown = next(s for s in envelope(show_personal=True)["sections"] if s["id"] == "contacts")["blocks"][0]["rows"][0]
    assert (shown[0]["text"], shown[0]["personal"]) == ("Dana Roe", "person")


def test_receipts_carry_what_a_replay_needs() -> None:
    proof = envelope()["receipts"][0]
    assert set(proof) >= {"id", "number", "source", "stream", "query", "parameters", "fetched_at", "rows", "digest"}


def test_a_customer_gets_no_queries() -> None:
    made = json.loads(json_.render(replace(profile(full()), audience="customer"), show_personal=True))
    assert all("query" not in proof and "digest" not in proof for proof in made["receipts"])
    assert made["personal"] == "masked"
    assert made["headline"] is None


SCHEMA = json.loads((Path(json_.__file__).parent / "report.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
@pytest.mark.parametrize("account", ACCOUNTS)
def test_every_envelope_follows_the_published_schema(account: Any, kind: Any) -> None:
    checker = Draft202012Validator(SCHEMA)
    errors = [
        f"{list(error.absolute_path)}: {error.message[:200]}"
        for error in checker.iter_errors(envelope(kind, ACCOUNTS[account]()))
    ]
    assert errors == []


def test_lookups_follow_the_schema_too() -> None:
    for found in (answer(0), answer(1), answer(3)):
        report = LOOKUP.build(Search(found, (receipt("warehouse", "directory"),), (), AS_OF))
        Draft202012Validator(SCHEMA).validate(json.loads(json_.render(report)))


def test_the_schema_knows_every_reason_of_a_gap() -> None:
    assert SCHEMA["$defs"]["gap"]["properties"]["reason"]["enum"] == list(get_args(GapReason))


def test_the_schema_refuses_a_figure_without_receipts() -> None:
    made = envelope("quick")
    made["sections"][0]["blocks"][0]["figures"][0]["receipts"] = []
    assert not Draft202012Validator(SCHEMA).is_valid(made)
    assert SCHEMA["title"] == json_.SCHEMA


# --- charts -----------------------------------------------------------------------------------------------------------


def scores_chart() -> Chart:
    proof = (receipt("portfolio", "scores"),)
    marks = (
        Mark(date(2026, 9, 1), Fact(61, "points", proof, AS_OF)),
        Mark(date(2026, 10, 1), Gap("lago", "unavailable", "the connection timed out")),
        Mark(date(2026, 11, 1), Fact(74, "points", proof, AS_OF), tone="watch"),
    )
    events = (Event(date(2026, 10, 12), Prose("Invoice <b>failed</b>")),)
    says = Prose("The score rose from 61 to 74.", (Fact(74, "points", proof, AS_OF),))
    return Chart("history", "Score", says, marks, height="Score", events=events)


@pytest.mark.parametrize("render", RENDERERS)
def test_a_chart_tells_its_figures_and_its_holes(render: Any) -> None:
    text = render(with_blocks(scores_chart()))
    assert all(word in text for word in ("2026-09-01", "61", "74", "2026-10-12", "timed out"))
    assert "not available" in text or '"unavailable"' in text


def test_a_chart_fits_the_schema() -> None:
    schema = json.loads((Path(json_.__file__).parent / "report.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(json_.envelope(with_blocks(scores_chart())))


def test_a_chart_refuses_a_bare_value() -> None:
    with pytest.raises(RenderError, match="bare value without a receipt"):
        Chart("bands", "Operators", Prose("Many."), (Mark("Healthy", 12),))  # type: ignore[arg-type]


def test_bars_of_a_waterfall_begin_where_the_one_before_ends() -> None:
    assert bars(CHARTS["waterfall"], 19) == ("█" * 19, " " * 13 + "█" * 6, "·" * 19, "█" * 13)


def test_bars_of_currencies_have_scales_of_their_own() -> None:
    marks = tuple(
        Mark("A", money(amount)) for amount in (Money("USD", 100_00), Money("USD", 50_00), Money("EUR", 3_00))
    )
    assert bars(Chart("bands", "Amounts", Prose("Amounts."), marks), 8) == ("█" * 8, "█" * 4, "█" * 8)
