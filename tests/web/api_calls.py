"""The JSON API, called as its own description says, and its answers held against that description."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx2
import jsonschema
from hypothesis import strategies as st

from customer_research.surfaces.web.endpoints import Endpoint
from customer_research.surfaces.web.openapi import document

S02, S05 = "00000000-5ce0-11f0-a000-000000000002", "00000000-5ce0-11f0-a000-000000000005"

SAMPLES: dict[str, Any] = {
    "operator": S02,
    "operators": [S02, S05],
    "term": S02,
    "metric": "mrr",
    "kind": "portfolio-summary",
    "assumptions": ["open_tickets=12"],
    "draft": "2 invoices are overdue.",
}
"""What stands for a word that has to be given."""

ABOUT = document("http://test", "customer-research")


@cache
def _judge(place: str) -> jsonschema.Draft202012Validator:
    """What judges answers of an operation, as `path method status media type`."""
    path, method, status, media = place.split(" ")
    told = ABOUT["paths"][path][method]["responses"][status]["content"][media]["schema"]
    whole = {**told, "components": ABOUT["components"]}
    return jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())


def fault(one: Endpoint, answer: httpx2.Response) -> str:
    """In what an answer is none that the description promises; empty: in nothing."""
    told = ABOUT["paths"][one.path][one.method.lower()]["responses"]
    status = str(answer.status_code)
    if status not in told:
        return f"{status} is not declared"
    if not re.fullmatch("[0-9a-f]{16}", answer.headers.get("request-id", "")):
        return "no request id"
    if "content" not in told[status]:
        return "a body where there is none" if answer.content else ""
    media = answer.headers.get("content-type", "")
    if media not in told[status]["content"]:
        return f"{media} is not declared"
    found = jsonschema.exceptions.best_match(
        _judge(f"{one.path} {one.method.lower()} {status} {media}").iter_errors(answer.json())
    )
    return "" if found is None else f"{'/'.join(map(str, found.absolute_path))}: {found.message[:200]}"


def asked(client: httpx2.Client, one: Endpoint, given: dict[str, Any], **headers: str) -> httpx2.Response:
    """Call an operation."""
    if one.method == "POST":
        return client.post(one.path, json=given, headers=headers)
    words = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
    return client.get(one.path, params=words, headers=headers)


def needed(one: Endpoint, **more: Any) -> dict[str, Any]:
    """What an operation has to be given."""
    samples = {**SAMPLES, **more}
    return {name: samples[name] for name, word in one.parameters.items() if word.needed}


_ODD = st.sampled_from(["", " ", "0", "-1", "true", "../../etc/passwd", "<b>", "ü\u202e", "%00", "';--", "x" * 400])


def values(told: Any) -> st.SearchStrategy[Any]:
    """Values that fit a schema, by and large."""
    if "enum" in told:
        return st.sampled_from(told["enum"])
    if told["type"] == "array":
        return st.lists(values(told["items"]), max_size=3)
    if told.get("format") == "date":
        return st.dates().map(str)
    text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12) | st.sampled_from(
        [S02, "limo"]
    )
    least, most = told.get("minimum", -5), told.get("maximum", 10_000)
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "boolean": st.booleans(),
        "integer": st.integers(int(least), int(most)),
        "number": st.floats(least, most).map(lambda number: round(number, 2)),
        "string": text,
    }
    return kinds[told["type"]]


def requests(one: Endpoint, *, right: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Requests of an operation: such as its description allows, or such as have something else in them."""
    known = {name: values(word.schema) for name, word in one.parameters.items()}
    least = {name: found for name, found in known.items() if one.parameters[name].needed}
    fine = st.fixed_dictionaries(least, optional={name: found for name, found in known.items() if name not in least})
    if right:
        return fine
    odd = st.fixed_dictionaries({}, optional=dict.fromkeys((*known, "colour", "file"), _ODD))
    return st.tuples(fine, odd).map(lambda pair: {**pair[0], **pair[1]})
