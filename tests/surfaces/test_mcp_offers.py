"""Resources, prompts and completion of the MCP server."""

from __future__ import annotations

import json

import pytest
from cli_runs import SILENT_CHURN
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError
from mcp.types import PromptReference, ResourceTemplateReference, TextContent, TextResourceContents
from mcp_calls import talk

from customer_research.documents.small_answer import AIM
from customer_research.domain.catalogue import METRICS
from customer_research.settings import Settings
from customer_research.surfaces.mcp.offers import PROMPTS

PREP, OPERATOR = PromptReference(name="prep_call"), ResourceTemplateReference(uri="operator://{id}")


def read(settings: Settings, uri: str) -> str:
    async def work(client: Client) -> str:
        (content,) = (await client.read_resource(uri)).contents
        assert isinstance(content, TextResourceContents)
        return content.text

    return talk(settings, work)


def refused(settings: Settings, uri: str) -> str:
    async def work(client: Client) -> str:
        with pytest.raises(MCPError) as error:
            await client.read_resource(uri)
        return error.value.message

    return talk(settings, work)


def completed(settings: Settings, ref: PromptReference | ResourceTemplateReference, name: str, value: str) -> list[str]:
    async def work(client: Client) -> list[str]:
        return (await client.complete(ref, {"name": name, "value": value})).completion.values

    return talk(settings, work)


def test_metrics_and_scorecards_can_be_attached(settings: Settings) -> None:
    async def work(client: Client) -> list[str]:
        return [one.uri for one in (await client.list_resources()).resources]

    uris = talk(settings, work)
    assert uris[0] == "customer-research://metrics"
    assert {one["name"] for one in json.loads(read(settings, uris[0]))} == set(METRICS)
    assert all(json.loads(read(settings, uri)) for uri in uris[1:])


@pytest.mark.parametrize("written", [SILENT_CHURN, SILENT_CHURN.replace("-", "%2D")])
def test_an_operator_can_be_attached_by_its_id(settings: Settings, written: str) -> None:
    text = read(settings, f"operator://{written}")
    assert len(text) <= AIM
    assert json.loads(text)["operator"]["name"] == "Silvermead Livery"


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("operator://zzyzx", "No operator answers to 'zzyzx'."),
        ("customer-research://scorecards/none", "There is no resource"),
        ("file:///etc/passwd", "There is no resource"),
    ],
)
def test_what_is_not_there_is_a_sentence(settings: Settings, uri: str, said: str) -> None:
    assert refused(settings, uri).startswith(said)


def test_each_prompt_asks_with_its_arguments(settings: Settings) -> None:
    async def work(client: Client) -> dict[str, str]:
        told = {}
        for prompt in (await client.list_prompts()).prompts:
            assert prompt.arguments is not None
            assert prompt.arguments[0].name == "operator"
            (message,) = (await client.get_prompt(prompt.name, {"operator": 'Silver"mead\n\x1b[31m'})).messages
            assert isinstance(message.content, TextContent)
            told[prompt.name] = message.content.text
        return told

    told = talk(settings, work)
    assert list(told) == list(PROMPTS)
    assert all('"Silver\\"mead"' in text and "\x1b" not in text and "{" not in text for text in told.values())
    assert "check-in call" in told["prep_call"]


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("prep_cal", {}, "There is no prompt 'prep_cal'."),
        ("prep_call", {}, "needs the argument 'operator'"),
        ("why_red", {"operator": "x", "meeting": "qbr"}, "has no argument 'meeting'"),
    ],
)
def test_a_wrong_prompt_is_a_sentence(settings: Settings, name: str, given: dict[str, str], said: str) -> None:
    async def work(client: Client) -> str:
        with pytest.raises(MCPError) as error:
            await client.get_prompt(name, given)
        return error.value.message

    assert said in talk(settings, work)


def test_operators_are_completed_from_the_newest_snapshot(portfolio_settings: Settings) -> None:
    assert completed(portfolio_settings, PREP, "operator", "silverm") == ["Silvermead Livery"]
    assert completed(portfolio_settings, OPERATOR, "id", "silverm") == [SILENT_CHURN]
    assert completed(portfolio_settings, PREP, "operator", "") == []
    assert completed(portfolio_settings, PREP, "operator", "zzyzx") == []
    assert len(completed(portfolio_settings, PREP, "operator", "a")) == 20
    assert completed(portfolio_settings, PREP, "meeting", "e") == ["escalation", "expansion"]


def test_without_a_snapshot_nothing_is_completed_and_nobody_is_asked(settings: Settings) -> None:
    assert completed(settings, PREP, "operator", "silverm") == []
