"""What a client can attach or start with: resources, prompts, and the completion of operators from what lies on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from mcp import types

from customer_research.documents.formats import agent
from customer_research.documents.quoting import reads_as_name
from customer_research.domain.report import Report
from customer_research.domain.words import clean
from customer_research.errors import CustomerResearchError, UsageError
from customer_research.research.usecases import Actor, Runner, reference
from customer_research.surfaces.mcp.answering import list_of

SCHEME = "customer-research://"
METRICS, SCORECARDS, OPERATORS = f"{SCHEME}metrics", f"{SCHEME}scorecards/", "operator://"
JSON = "application/json"

COMPLETED = 20
"""How many completions are given at most."""

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Prompt:
    """A way to begin: what it is for, what it takes (argument → what it means, needed where it is the operator), what it asks."""

    title: str
    about: str
    takes: Mapping[str, str]
    asks: str


_OPERATOR = {"operator": "Operator id, name, or any identifier."}

PROMPTS: Mapping[str, Prompt] = {
    "prep_call": Prompt(
        "Prepare a call",
        "What to know, to ask and to have at hand before a call with an operator.",
        {**_OPERATOR, "meeting": "check-in, qbr, renewal, escalation or expansion; default check-in."},
        "Prepare me for a {meeting} call with the operator {operator}. Use operator_report with kind brief and this meeting. In the "
        "first sentence what matters most; then at most five figures, each with source and citation; then what to ask, and what not "
        "to open with. Say what is not known.",
    ),
    "account_review": Prompt(
        "Write an account review",
        "What an operator got, how it stands, what comes next; checked before it is handed over.",
        {**_OPERATOR, "audience": "internal, or customer for words that the customer may see; default internal."},
        "Write an account review of the operator {operator} for the audience {audience}. Use operator_report with kind account-review "
        "and this audience. Then check the text with draft_verify and correct what is contradicted or unsupported.",
    ),
    "why_red": Prompt(
        "Why is it red?",
        "Why an operator's score is low or capped, and what would move it.",
        _OPERATOR,
        "Why is the operator {operator} at risk? Use operator_health. Name the score with its band and cap, the rules that cost most "
        "points with their figures, and what is not known. Then try with assume what the score would be if the worst figure were "
        "mended, and say that this is hypothetical.",
    ),
}

_DEFAULTS = {"meeting": "check-in", "audience": "internal"}


def prompts() -> list[types.Prompt]:
    """The prompts as clients are told of them."""
    return [
        types.Prompt(
            name=name,
            title=prompt.title,
            description=prompt.about,
            arguments=[
                types.PromptArgument(name=argument, description=about, required=argument not in _DEFAULTS)
                for argument, about in prompt.takes.items()
            ],
        )
        for name, prompt in PROMPTS.items()
    ]


def prompt(name: str, given: Mapping[str, str]) -> types.GetPromptResult:
    """A prompt with its arguments.

    Raises:
        UsageError: there is none, or an argument is unknown or missing.
    """
    if name not in PROMPTS:
        raise UsageError(f"There is no prompt {name[:40]!r}.", hint=f"Prompts: {', '.join(PROMPTS)}.")
    chosen = PROMPTS[name]
    unknown = [one for one in given if one not in chosen.takes]
    missing = [one for one in chosen.takes if one not in _DEFAULTS and not given.get(one, "").strip()]
    if unknown or missing:
        wrong = f"has no argument {unknown[0][:40]!r}" if unknown else f"needs the argument {missing[0]!r}"
        raise UsageError(f"The prompt {name} {wrong}.", hint=f"Its arguments: {', '.join(chosen.takes)}.")
    filled = {one: clean(given.get(one) or _DEFAULTS.get(one, ""))[:_LONGEST] for one in chosen.takes}
    filled["operator"] = json.dumps(filled["operator"], ensure_ascii=False)
    text = types.TextContent(type="text", text=chosen.asks.format(**filled))
    return types.GetPromptResult(description=chosen.about, messages=[types.PromptMessage(role="user", content=text)])


# -- resources -----------------------------------------------------------------------------------------------------------


def resources() -> list[types.Resource]:
    """The resources that are always there."""
    cards = (
        types.Resource(
            uri=f"{SCORECARDS}{name}",
            name=f"scorecard_{name}",
            title=f"Scorecard {name}",
            description="Its dimensions, rules, caps and bands.",
            mime_type=JSON,
        )
        for name in reference.scorecards()
    )
    metrics = types.Resource(
        uri=METRICS,
        name="metrics",
        title="Metrics",
        description="Every metric: what it means, its unit and its formula.",
        mime_type=JSON,
    )
    return [metrics, *cards]


def templates() -> list[types.ResourceTemplate]:
    """The resource of each operator."""
    return [
        types.ResourceTemplate(
            uri_template=f"{OPERATORS}{{id}}",
            name="operator",
            title="Operator",
            description="The small profile of one operator, by its operator id.",
            mime_type=JSON,
        )
    ]


async def resource(uri: str, runner: Runner, actor: Actor) -> str:
    """A resource's content.

    Raises:
        UsageError: there is none of this address.
        CustomerResearchError: as the report on an operator.
    """
    if uri == METRICS:
        kept = ("name", "label", "unit", "formula", "healthy")
        return _compact([{name: one[name] for name in kept if one[name]} for one in reference.metrics()])
    if uri.startswith(SCORECARDS) and uri.removeprefix(SCORECARDS) in reference.scorecards():
        return _compact(reference.scorecard(uri.removeprefix(SCORECARDS)))
    if uri.startswith(OPERATORS) and (operator := unquote(uri.removeprefix(OPERATORS)).strip("/")):
        found = await runner.use("profile", {"operator": operator}, actor)
        assert isinstance(found.body, Report)
        return agent.render(found.body)
    raise UsageError(
        f"There is no resource {uri[:80]!r}.", hint=f"Resources: {METRICS}, {SCORECARDS}NAME, {OPERATORS}ID."
    )


def _compact(told: object) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=str)


# -- completion ----------------------------------------------------------------------------------------------------------


async def completed(params: types.CompleteRequestParams, runner: Runner, actor: Actor) -> types.Completion:
    """Operators of the newest snapshot whose name contains what is typed: names for a prompt, ids for a resource; nobody is asked."""
    name, typed = params.argument.name, clean(params.argument.value)[:_LONGEST]
    if isinstance(params.ref, types.PromptReference) and name in _DEFAULTS:
        words = PROMPTS["prep_call" if name == "meeting" else "account_review"].takes[name]
        known = [word for word in _words(words) if word.startswith(typed)]
        return types.Completion(values=known, total=len(known), has_more=False)
    if name not in {"operator", "id"} or not typed:
        return types.Completion(values=[], total=0, has_more=False)
    try:
        found = await runner.use("portfolio", {"choice": {"search": typed, "limit": COMPLETED}}, actor)
    except CustomerResearchError:  # no snapshot yet: there is nothing to complete from
        return types.Completion(values=[], total=0, has_more=False)
    assert isinstance(found.body, Report)
    rows, total = list_of(agent.small_answer(found.body))
    by_id = isinstance(params.ref, types.ResourceTemplateReference)
    values = [quote(row[0], safe=":-") if by_id or not reads_as_name(row[1]) else row[1] for row in rows[:COMPLETED]]
    return types.Completion(values=values, total=total, has_more=total > len(values))


def _words(told: str) -> list[str]:
    """The values that the description of an argument lists."""
    listed = told.partition(";")[0].replace(" or ", ", ").split(", ")
    return [word.split(" ")[0] for word in listed if word]
