"""The MCP server in memory: its list of tools, what each answers, what it refuses, and how it goes on."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_runs import SILENT_CHURN, WRONG, changed
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError
from mcp_calls import ERAS, KEY, call, cited, rows, talk, told

from customer_research.documents.quoting import Quotes
from customer_research.documents.small_answer import AIM, LARGER, LIMIT, PartOfAnswer, SmallAnswer, Statement
from customer_research.research.usecases import Runner, Use
from customer_research.settings import Settings, load_settings
from customer_research.surfaces.mcp.answering import _Page
from customer_research.surfaces.mcp.server import INSTRUCTIONS, listed
from customer_research.surfaces.mcp.tools import TOOLS
from customer_research_sandbox.scenarios import expectations, scenario_id
from customer_research_sandbox.serve import Sandbox

LISTED = Path(__file__).parent / "mcp_tools.json"
"""The list of tools as it was when somebody last looked: `python tests/surfaces/test_mcp_tools.py` writes it anew."""

MOST_LISTED, MOST_INSTRUCTIONS = 10_000, 2_000


def tools() -> list[dict[str, Any]]:
    return [listed(tool).model_dump(by_alias=True, exclude_none=True, mode="json") for tool in TOOLS]


# -- what clients are told -----------------------------------------------------------------------------------------------


def test_the_list_of_tools_is_small_and_as_it_was() -> None:
    assert tools() == json.loads(LISTED.read_text(encoding="utf-8"))
    assert len(json.dumps(tools(), separators=(",", ":"), ensure_ascii=False)) <= MOST_LISTED
    assert len(INSTRUCTIONS) < MOST_INSTRUCTIONS
    assert len(tools()) == 9


@pytest.mark.parametrize("tool", tools(), ids=lambda tool: tool["name"])
def test_every_tool_reads_has_a_title_and_takes_nothing_unnamed(tool: dict[str, Any]) -> None:
    assert tool["title"]
    assert tool["annotations"] == {"readOnlyHint": True, "idempotentHint": True}
    assert tool["inputSchema"]["additionalProperties"] is False
    for told_ in tool["inputSchema"]["properties"].values():
        item = told_.get("items", told_)
        assert told_["description"]
        assert "enum" in item or "maxLength" in item or item["type"] in {"integer", "number", "boolean"}
        assert "maxItems" in told_ or told_["type"] != "array"


@pytest.mark.parametrize("era", ERAS)
def test_both_eras_of_the_protocol_are_served(settings: Settings, era: str) -> None:
    async def work(client: Client) -> list[str]:
        return [tool.name for tool in (await client.list_tools()).tools]

    assert talk(settings, work, era=era) == [tool.name for tool in TOOLS]
    assert call(settings, "operator_find", term=SILENT_CHURN, era=era)["operator"]["name"] == "Silvermead Livery"


# -- one operator --------------------------------------------------------------------------------------------------------


def test_a_prep_is_one_call(settings: Settings) -> None:
    answer = call(settings, "operator_report", operator="Silvermead")

    assert answer["status"] == "ok"
    assert answer["operator"] == {"id": SILENT_CHURN, "name": "Silvermead Livery"}
    assert cited(answer) == {one["number"] for one in answer["citations"]}
    assert "20 reservations in 30 days" in json.dumps(answer)
    assert answer["quoted"]


@pytest.mark.parametrize("kind", ["profile", "billing", "reservations", "account-review", "health"])
def test_each_report_is_within_its_limit_for_a_sample_of_scenarios(settings: Settings, kind: str) -> None:
    async def work(client: Client) -> dict[str, int]:
        sizes = {}
        for name in sorted(expectations())[:: 42 // 6]:
            operator = expectations()[name]["operator_id"]
            result = await client.call_tool("operator_report", {"operator": operator, "kind": kind})
            assert not result.is_error
            sizes[name] = len(json.dumps(told(result), ensure_ascii=False, separators=(",", ":")))
        return sizes

    assert max(talk(settings, work).values()) <= AIM


def test_sections_are_given_with_more_room_and_wrong_ones_are_named(settings: Settings) -> None:
    answer = call(settings, "operator_report", operator=SILENT_CHURN, kind="billing", sections=["invoices"])
    wrong = call(settings, "operator_report", operator=SILENT_CHURN, kind="billing", sections=["invoces"], failed=True)

    assert {one["part"].partition(".")[0] for one in answer["statements"]} == {"invoices"}
    assert "headline" in answer["left_out"][-1]["not_asked_for"]
    assert wrong["error"].endswith("has no part 'invoces'.")
    assert "invoices" in wrong["hint"]


def test_a_review_for_the_customer_tells_nothing_internal(settings: Settings) -> None:
    answer = call(settings, "operator_report", operator=SILENT_CHURN, kind="account-review", audience="customer")
    said = json.dumps(answer).casefold()
    assert cited(answer) == {one["number"] for one in answer["citations"]} != set()
    assert not any("stream" in one for one in answer["citations"]), "what it is cited by tells nothing of our systems"
    assert not any(word in said for word in ("churn", "at risk", "health "))


def test_assumptions_are_judged_by_the_same_rules(settings: Settings) -> None:
    answer = call(settings, "operator_health", operator=SILENT_CHURN, assume=["reservations_30d=60"])
    assert answer["title"] == "What if (hypothetical)"
    assert answer["statements"][0]["text"].startswith("Hypothetical:")


def test_changes_are_told_with_before_events_and_score(portfolio_settings: Settings) -> None:
    answer = call(portfolio_settings, "operator_changes", operator=SILENT_CHURN, since="2026-09-01")

    assert {"value", "activity", "readings"} <= {one["part"] for one in answer["statements"]}
    assert cited(answer) == {one["number"] for one in answer["citations"]}
    assert len({(one["source"], one["stream"], one["digest"]) for one in answer["citations"]}) == len(
        answer["citations"]
    )
    assert any(row[0] == "Reservations booked" for row in rows(answer, "value"))


def test_ten_are_compared_and_one_is_refused(settings: Settings) -> None:
    several = call(settings, "operators_compare", operators=[SILENT_CHURN, scenario_id(5)])
    one = call(settings, "operators_compare", operators=[SILENT_CHURN], failed=True)
    assert several["status"] == "ok"
    assert one["error"]


# -- who is meant --------------------------------------------------------------------------------------------------------


def test_two_that_may_be_meant_are_an_answer_with_both(settings: Settings) -> None:
    report = call(settings, "operator_report", operator="Limousine")
    lookup = call(settings, "operator_find", term="Limousine")

    assert report["status"] == lookup["status"] == "ambiguous"
    assert len(rows(report, "candidates")) > 1
    assert rows(report, "candidates")[0][0] in json.dumps(rows(lookup, "matches"))


def test_nobody_is_an_answer_too_and_an_id_in_another_case_is_named(settings: Settings) -> None:
    nobody = call(settings, "operator_report", operator="Zzyzx Nowhere")
    twin = call(settings, "operator_find", term="ACCT_5CE28CBC0DAFAE82")
    assert nobody["status"] == twin["status"] == "not_found"
    assert "case-sensitive" in json.dumps(twin)


# -- everybody -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["today", "renewals", "attention", "churn-risk", "week", "totals"])
def test_each_list_is_small_and_has_ids(portfolio_settings: Settings, view: str) -> None:
    answer = call(portfolio_settings, "portfolio_at_risk", view=view)
    assert len(json.dumps(answer, ensure_ascii=False, separators=(",", ":"))) <= AIM + 300
    assert (view == "today") == ("owners" in {one["part"] for one in answer["statements"]})
    if view not in {"week", "totals"}:
        assert any(one.get("columns", [""])[0] == "operator id" for one in answer["statements"])


def test_a_list_goes_on_to_its_end_and_lists_nobody_twice(portfolio_settings: Settings) -> None:
    async def work(client: Client) -> list[list[str]]:
        pages: list[list[str]] = []
        cursor: str | None = None
        while cursor is not None or not pages:
            given = {"view": "today", **({"cursor": cursor} if cursor else {})}
            answer = told(await client.call_tool("portfolio_at_risk", given))
            pages.append([row[0] for row in rows(answer, "calls")])
            cursor = answer["next_cursor"]
        return pages

    pages = talk(portfolio_settings, work)
    everybody = [one for page in pages for one in page]
    assert len(pages) > 1
    assert all(pages), "the last page is none too many"
    assert len(set(everybody)) == len(everybody) > 40


@pytest.mark.parametrize("operators", [1, 2, 50, 173, 174, 500])
@pytest.mark.parametrize("room", [AIM, LARGER])
def test_pages_of_any_list_have_all_of_it_once_and_none_is_empty(operators: int, room: int) -> None:
    listed_ = tuple((scenario_id(at), f"Operator {at}") for at in range(operators))
    line = {"columns": ["operator id", "name"]}
    whole = SmallAnswer(
        "ok", "All", {}, "2026-11-01T00:00:00Z",
        (PartOfAnswer("list", (Statement("list", line, (), listed_, ((),) * operators, operators),)),), Quotes(),
    )  # fmt: skip
    page, pages = _Page("portfolio_list", "asked", KEY), []
    while True:
        answer = page.told(whole, room, ())
        pages.append([(one[0], one[1]) for one in rows(answer, "list")])
        if answer["next_cursor"] is None:
            break
        read = page._read(answer["next_cursor"])
        assert read is not None
        page = replace(page, at=read["at"], snapshot=read["snapshot"])
    assert tuple(one for each in pages for one in each) == listed_
    assert all(pages), "the last page is none too many"


CURSORS: tuple[dict[str, Any], ...] = ({"view": "attention"}, {"view": "today", "owner": "Teun"})


def test_a_cursor_is_of_its_question_and_cannot_be_made_up(portfolio_settings: Settings) -> None:
    cursor = call(portfolio_settings, "portfolio_at_risk", view="today")["next_cursor"]
    forged = ("B" if cursor[0] == "A" else "A") + cursor[1:]
    for given in (*({**other, "cursor": cursor} for other in CURSORS), {"view": "today", "cursor": forged}):
        refused = call(portfolio_settings, "portfolio_at_risk", failed=True, **given)
        assert "cursor" in refused["error"]


def test_a_look_by_an_agent_is_not_noted(portfolio_settings: Settings) -> None:
    url = portfolio_settings.store.url
    assert url is not None
    store = Path(url.get_secret_value().removeprefix("sqlite:///"))
    before = store.read_bytes()
    call(portfolio_settings, "portfolio_at_risk", owner="Teun")
    assert store.read_bytes() == before


def test_alerts_that_nobody_has_checked_are_an_error_with_its_remedy(portfolio_settings: Settings) -> None:
    refused = call(portfolio_settings, "alerts_list", failed=True)
    assert refused == {
        "error": "No snapshot has been checked for alerts yet.",
        "hint": "Run `customer-research alerts check`.",
    }


# -- figures and drafts --------------------------------------------------------------------------------------------------


def test_a_figure_is_taken_apart_down_to_its_request(settings: Settings) -> None:
    asked: dict[str, Any] = {"figure": "overdue_invoices", "replay": True, "requests": True}
    answer = call(settings, "figure_why", operator=scenario_id(5), **asked)

    assert rows(answer, "figure") == [["Overdue invoices", "1", "count", "overdue_invoices"]]
    assert answer["citations"][0]["requests"].startswith("GET /customers/")
    assert "the same value" in json.dumps(answer)
    assert "requests" not in call(settings, "figure_why", operator=scenario_id(5), figure="mrr")["citations"][0]


def test_a_rule_is_taken_apart_too_and_a_wrong_name_has_its_nearest(settings: Settings) -> None:
    assert call(settings, "figure_why", operator=SILENT_CHURN, figure="E3")["title"] == "Why: Rule E3"
    wrong = call(settings, "figure_why", operator=SILENT_CHURN, figure="mmr", failed=True)
    assert "mrr" in wrong["hint"]


def test_a_drafts_numbers_are_judged_the_wrong_ones_first(settings: Settings) -> None:
    draft = "MRR is $199. They took 20 reservations in 30 days, and 3 tickets are open."
    answer = call(settings, "draft_verify", draft=draft, operators=[SILENT_CHURN])
    assert rows(answer, "numbers")[0][:2] == ["3", "contradicted"]
    assert answer["statements"][0]["text"] == "4 numbers: 1 contradicted, 0 unsupported, 3 supported."


# -- what is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "given", "said"),
    [
        ("operator_find", {"term": "x", "trem": "y"}, "no argument 'trem'"),
        ("operator_find", {}, "term: Field required"),
        ("operator_find", {"term": "x" * 201}, "term: String should have at most 200"),
        ("operator_report", {"operator": "x", "kind": "profil"}, "kind: Input should be"),
        ("operators_compare", {"operators": ["x"] * 11}, "operators"),
        ("figure_why", {"operator": "x", "figure": "mrr", "rows": 1000}, "rows: Input should be less"),
        ("draft_verify", {"draft": "x" * 20_001, "operators": ["x"]}, "draft: String should have at most"),
        ("operator_report", {"operator": "x", "since": "soon"}, "since"),
    ],
)
def test_a_call_that_is_wrong_is_told_in_a_sentence(
    settings: Settings, tool: str, given: dict[str, Any], said: str
) -> None:
    refused = call(settings, tool, failed=True, **given)
    assert said in refused["error"]
    assert refused["error"].endswith(".")
    assert refused["hint"]


def test_an_unknown_tool_is_an_error_of_the_protocol(settings: Settings) -> None:
    async def work(client: Client) -> None:
        with pytest.raises(MCPError, match="no tool 'operator_delete'"):
            await client.call_tool("operator_delete", {})

    talk(settings, work)


def test_a_silent_source_is_a_partial_answer_and_no_credential_shows(config_path: Path, tmp_path: Path) -> None:
    silent = load_settings(changed(config_path, tmp_path, {"notion": {"token": WRONG}}))
    answer = call(silent, "operator_report", operator=SILENT_CHURN)
    assert answer["status"] == "partial"
    assert answer["gaps"][0]["source"] == "notion"
    assert WRONG not in json.dumps(answer)


def test_a_defect_is_told_without_what_it_says(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_given: object, **_named: object) -> None:
        raise RuntimeError("Silvermead's secret")

    monkeypatch.setattr(Runner, "told", broken)
    refused = call(settings, "operator_find", term="x", failed=True)
    assert refused["error"] == "Unexpected failure (RuntimeError)."


# -- while it works ------------------------------------------------------------------------------------------------------


def test_progress_only_rises(settings: Settings) -> None:
    heard: list[float] = []

    async def work(client: Client) -> object:
        async def note(progress: float, total: float | None, message: str | None) -> None:
            heard.append(progress)

        return await client.call_tool("operator_report", {"operator": SILENT_CHURN}, progress_callback=note)

    talk(settings, work)
    assert len(heard) > 5
    assert heard == sorted(set(heard))


def test_a_call_that_is_given_up_stops_asking_vendors(clean_sandbox: Sandbox, settings: Settings) -> None:
    clean_sandbox.set_latency(2_000)
    uses: list[Use] = []

    async def work(client: Client) -> None:
        asked = asyncio.create_task(client.call_tool("operator_report", {"operator": SILENT_CHURN}))
        await asyncio.sleep(0.5)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await asyncio.sleep(0.5)

    talk(settings, work, audit=uses.append)
    assert [use.outcome for use in uses] == ["cancelled"]


def test_a_late_answer_is_a_sentence(
    clean_sandbox: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean_sandbox.set_latency(2_000)
    monkeypatch.setattr("customer_research.surfaces.mcp.answering.DEADLINE", 0.3)
    refused = call(settings, "operator_report", operator=SILENT_CHURN, failed=True)
    assert refused["error"].startswith("report took longer than")


def test_a_source_that_hangs_is_a_gap_long_before_the_deadline(
    clean_sandbox: Sandbox, config_path: Path, tmp_path: Path
) -> None:
    hasty = load_settings(changed(config_path, tmp_path, {"": {"deadline_seconds": 1.0}}))
    clean_sandbox.set_faults("notion:slow")
    answer = call(hasty, "operator_report", operator=SILENT_CHURN)
    assert answer["status"] == "partial"
    assert {gap["source"] for gap in answer["gaps"]} == {"notion"}
    assert any(row[0] == "Pays" for row in rows(answer, "standing"))


def test_every_use_is_heard_by_the_audit_with_the_tools_caller(settings: Settings) -> None:
    uses: list[Use] = []
    talk(settings, lambda client: client.call_tool("operator_find", {"term": SILENT_CHURN}), audit=uses.append)
    assert uses[0].size > 500
    assert [(use.actor.name, use.actor.surface, use.name, use.operator) for use in uses] == [
        ("ada", "stdio", "lookup", SILENT_CHURN)
    ]


def test_no_limit_is_above_what_clients_take() -> None:
    assert AIM <= LIMIT == 20_000


if __name__ == "__main__":
    LISTED.write_text(json.dumps(tools(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
