"""Slack messages: within Slack's limits and ours, nothing that mentions, links or formats by itself."""

from __future__ import annotations

import bisect
import json
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from report_accounts import ACCOUNT_KINDS, ACCOUNTS, HOSTILE, full, without
from report_charts import CHARTS, charted, fact, only

from customer_research.documents.formats import slack_, slack_blocks
from customer_research.domain.report import Prose, Report, Section, Table, Text
from customer_research.reports.kinds import KINDS


def message(report: Report) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(slack_.render(report))
    return made


def texts(made: dict[str, Any]) -> list[str]:
    found = [made["text"]]
    for block in made["blocks"]:
        found += [part["text"] for part in (block.get("text"), *block.get("elements", ())) if part]
    return found


def judge(made: dict[str, Any]) -> None:
    """Slack's documented limits, and ours."""
    assert set(made) == {"text", "blocks"}
    assert 0 < len(made["blocks"]) <= slack_.MOST_BLOCKS == 40
    assert sum(map(len, texts(made)[1:])) <= 9_000
    for block in made["blocks"]:
        if block["type"] == "header":
            assert block["text"]["type"] == "plain_text"
            assert 0 < len(block["text"]["text"]) <= 150
        elif block["type"] == "section":
            assert set(block) == {"type", "text"}
            assert block["text"]["type"] == "mrkdwn"
            assert block["text"]["verbatim"] is True
            assert 0 < len(block["text"]["text"]) <= 3_000
        elif block["type"] == "context":
            assert 0 < len(block["elements"]) <= 10
            assert all(0 < len(part["text"]) <= 3_000 for part in block["elements"])
        else:
            assert block == {"type": "divider"}
    for text in texts(made):
        for tag in re.findall(r"<[^>]*>", text):
            assert re.fullmatch(r"<https://[^|<>\s]+\|[^<>]*>", tag), tag
        assert not re.search(r"&(?!amp;|lt;|gt;)", text)


@pytest.mark.parametrize("account", ACCOUNTS)
@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_every_report_keeps_the_limits_and_its_bytes(kind: str, account: str) -> None:
    report = KINDS[kind].build(ACCOUNTS[account]())
    judge(message(report))
    assert slack_.render(report) == slack_.render(report)


def test_charts_are_told_in_words() -> None:
    made = message(charted(*(CHARTS[form] for form in ("dimensions", "history"))))
    judge(made)
    for form in CHARTS:
        assert any(CHARTS[form].title in text for text in alone(CHARTS[form]))


def alone(*blocks: Any) -> list[str]:
    made = message(only(*blocks))
    judge(made)
    return texts(made)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_names_command_nothing(name: str) -> None:
    judge(message(KINDS["profile"].build(full(name=HOSTILE[name]))))


@pytest.mark.parametrize(
    "attack", ["<!channel>", "<!here|x>", "<@U123>", "<https://evil.example|Lago>", "&lt;!channel&gt;"]
)
def test_mentions_and_links_of_vendors_are_words(attack: str) -> None:
    escaped = slack_blocks.escape(attack)
    assert "<" not in escaped
    assert any(escaped in text for text in alone(Prose(f"Name {attack} ends")))


def test_formatting_of_vendors_is_words() -> None:
    assert re.search(r"[*~`]", slack_blocks.escape("*bold* ~gone~ `code` ```block```")) is None
    assert "_" not in slack_blocks.escape("_under_ score")
    assert slack_blocks.escape("standard_monthly 2*3") == "standard_monthly 2*3"


def test_a_long_report_is_cut_and_says_so() -> None:
    made = message(charted(wild=True))
    judge(made)
    assert any(re.search(r"\d+ more sections? in the whole report", t) for t in texts(made))
    rows = tuple((Text(f"MOO-{at}"), fact(at, "count")) for at in range(1000))
    assert any("992 more rows" in text for text in alone(Table(("Invoice", "Amount"), rows, caption="All")))
    shown = alone(*(Prose("Words. " * 300) for _ in range(9)))
    assert any("more lines in the whole report" in text for text in shown)


def test_what_just_fits_is_shown_whole() -> None:
    """The room is used up to its last character, line ends included, and a report with one more is cut."""
    lines = [Prose("x" * 400) for _ in range(20)]

    def cut(last: int) -> bool:
        return any("in the whole report" in text for text in alone(*lines, Prose("y" * last)))

    fitting = 1 + bisect.bisect_left(range(1, 2_000), x=True, key=lambda last: cut(last + 1))
    shown = alone(*lines, Prose("y" * fitting))
    parts = sum("xxxx" in text or "yyyy" in text for text in shown)
    assert (cut(fitting), cut(fitting + 1)) == (False, True)
    assert sum(map(len, shown[1:])) + parts == slack_.MOST_CHARACTERS - slack_._MARGIN


@pytest.mark.parametrize(("sections", "lines"), [(3, 4), (9, 5), (30, 1), (50, 1), (12, 40), (6, 90), (2, 300)])
@pytest.mark.parametrize("length", [10, 300])
def test_every_section_is_shown_or_counted_among_those_left_out(sections: int, lines: int, length: int) -> None:
    """One that is shown in part is shown: it says itself how much of it is left."""
    told = tuple(Section(f"Part {at:02}", (Prose("x" * length),) * lines) for at in range(sections))
    made = message(replace(only(), sections=told))
    judge(made)
    shown = re.findall(r"\*Part \d+\*", " ".join(texts(made)))
    left_out = re.findall(r"(\d+) more sections? in the whole report", " ".join(texts(made)))
    assert len(shown) == len(set(shown))
    assert len(shown) + sum(map(int, left_out)) == sections
    assert ("0" in left_out, len(left_out)) <= (False, 1)


@pytest.mark.parametrize("length", [1, 2_898, 2_899, 2_900, 2_901, 5_000])
def test_no_paragraph_is_empty_or_too_long(length: int) -> None:
    """A line that fills a paragraph stands alone in one, whatever comes before and after."""
    for lines in (("x" * length,), ("a", "x" * length, "b"), ("x" * length,) * 2):
        blocks = slack_blocks.sections(lines)
        sizes = [len(block["text"]["text"]) for block in blocks]
        assert all(0 < size <= 2_900 for size in sizes)
        assert "".join(block["text"]["text"] for block in blocks).count("x") >= min(length, 2_800)


def test_links_to_records_are_kept() -> None:
    made = "\n".join(texts(message(KINDS["billing"].build(full()))))
    assert re.search(r"<https://billing\.example\.com/[^|]+\|[^>]+>", made)


def test_a_missing_source_is_said() -> None:
    assert any(
        "Partial data: Lago did not answer in full." in text
        for text in texts(message(KINDS["profile"].build(without("lago"))))
    )


def test_personal_data_is_masked() -> None:
    assert "dana.roe" not in slack_.render(KINDS["profile"].build(full()))


def test_a_cell_without_words_has_no_header() -> None:
    blocks = json.loads(slack_.render(KINDS["brief"].build(full())))["blocks"]
    rows = [line for block in blocks for line in json.dumps(block, ensure_ascii=False).split("\\n") if "•" in line]
    assert any("Phone or e-mail: •••" in row for row in rows)
    assert not [row for row in rows if row.rstrip('"}').endswith(("Phone or e-mail:", "Last login:", "Words:"))]


def lines_of(report: Report) -> list[str]:
    return [line for text in texts(message(report)) for line in text.splitlines()]


def test_no_heading_stands_above_its_like_and_no_row_has_empty_places() -> None:
    for kind in ACCOUNT_KINDS:
        lines = lines_of(KINDS[kind].build(full()))
        named = [line.rpartition(" (")[0] or line for line in lines]
        assert [one for one, after in pairwise(named) if one == after and one.startswith("*")] == [], kind
        assert [line for line in lines if "·  ·" in line or line.endswith("· ")] == [], kind


def test_an_address_is_where_its_name_leads_and_is_not_spelt() -> None:
    address = "https://crm.example/contacts/0/record/0-2/10900013000"
    table = Table(("Page", "Address"), ((Text("HubSpot company"), Text(address, link=address)),), words=("Address",))
    report = replace(KINDS["profile"].build(full()), sections=(Section("Links", (table,)),))
    assert f"• <{address}|HubSpot company>" in lines_of(report)
