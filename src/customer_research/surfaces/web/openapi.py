"""What the JSON API takes and answers, as OpenAPI 3.1: made from its operations and from the schema of reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, get_args

from customer_research import __version__
from customer_research.research.usecases import State
from customer_research.surfaces.web.endpoints import Endpoint, endpoints

ANSWER = "customer-research/answer/1"
"""The version of what stands around every answer: a reader refuses what it does not know. Fields may be added under it."""

PROBLEM = "urn:customer-research:problem:"
"""What the kinds of problems begin with."""

ABOUT = """\
Every use case that may be asked for over HTTP: what the pages show and what people do on them. Reading is GET, and changes nothing; \
acting is POST. A figure of a report is a value with its unit and the ids of its receipts, or a gap with the reason why it is not known."""

_REFERENCE = "#/components/schemas/"
_REFUSALS: Mapping[int, str] = {
    400: "A parameter is unknown, missing or out of its bounds, or what is asked for cannot be done.",
    401: "Nobody is let in by this token or cookie.",
    403: "The right, or the permission to see what operators pay, is missing.",
    404: "No operator answers to the term, or it is of another's book.",
    409: "Several operators answer to the term: `candidates`.",
    500: "It is our fault, or a setting is missing.",
    502: "A source did not give what was asked for.",
    503: "Too many are waiting, or the store cannot be used.",
    504: "It took longer than it may.",
}
_REFUSALS_OF_POST: Mapping[int, str] = {
    413: "The body is too large.",
    415: "The body is no JSON.",
    422: "The Idempotency-Key was sent with another request.",
}


@cache
def document(origin: str, cookie: str) -> dict[str, Any]:
    """The description.

    Args:
        origin: the server's address.
        cookie: what the cookie of a session is called.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": "customer-research", "version": __version__, "description": ABOUT},
        "servers": [{"url": origin}],
        "security": [{"token": []}, {"session": []}],
        "paths": {path: {one.method.lower(): _operation(one)} for path, one in endpoints().items()},
        "components": {
            "schemas": {**_report_schemas(), **_ANSWERS, "Problem": _PROBLEM},
            "headers": {"RequestId": {"description": "What to name in a complaint.", "schema": {"type": "string"}}},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "`tokens create` makes one."},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": cookie,
                    "description": "Of who signed in on the pages.",
                },
            },
        },
    }


def _operation(one: Endpoint) -> dict[str, Any]:
    case, posted = one.case, one.method == "POST"
    given: dict[str, Any] = _body(one) if posted else {"parameters": [*_query(one), _KNOWN]}
    refusals = {**_REFUSALS, **(_REFUSALS_OF_POST if posted else {})}
    answers = {str(status): _refusal(words) for status, words in sorted(refusals.items())}
    found = {
        "description": "The answer.",
        "headers": _HEADERS,
        "content": _content("application/json", _answer_of(one)),
    }
    return {
        "operationId": one.path.removeprefix("/api/v1/").replace("/", "_").replace("-", "_"),
        "summary": case.sentence,
        "description": case.about,
        "tags": [case.name.partition(" ")[0]],
        **given,
        "responses": {"200": found, **({} if posted else {"304": _UNCHANGED}), **answers},
    }


def _query(one: Endpoint) -> list[dict[str, Any]]:
    return [
        {
            "name": word.name,
            "in": "query",
            "required": word.needed,
            "description": word.schema["description"],
            "schema": {key: value for key, value in word.schema.items() if key != "description"},
            **({"style": "form", "explode": True} if word.many else {}),
        }
        for word in one.parameters.values()
    ]


def _body(one: Endpoint) -> dict[str, Any]:
    needed = [word.name for word in one.parameters.values() if word.needed]
    told = {
        "type": "object",
        "properties": {word.name: dict(word.schema) for word in one.parameters.values()},
        "additionalProperties": False,
        **({"required": needed} if needed else {}),
    }
    return {"parameters": [_ONCE], "requestBody": {"required": True, "content": _content("application/json", told)}}


def _answer_of(one: Endpoint) -> dict[str, Any]:
    shape = {"report": "ReportAnswer", "explanation": "ExplanationAnswer"}.get(one.case.answers, "PlainAnswer")
    return {"$ref": _REFERENCE + shape}


def _content(media_type: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {media_type: {"schema": schema}}


def _refusal(words: str) -> dict[str, Any]:
    told = _content("application/problem+json", {"$ref": f"{_REFERENCE}Problem"})
    return {"description": words, "headers": _HEADERS, "content": told}


_HEADERS = {"Request-Id": {"$ref": "#/components/headers/RequestId"}}
_UNCHANGED = {"description": "The answer is the one whose ETag was sent.", "headers": _HEADERS}
_KNOWN = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of an answer that one has.",
    "schema": {"type": "string"},
}
_ONCE = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A random key: sent again with the same request within a day, nothing is done twice.",
    "schema": {"type": "string", "maxLength": 200},
}


def _report_schemas() -> dict[str, Any]:
    """The schema of reports, its parts named beside it."""
    text = (files("customer_research.documents.formats") / "report.schema.json").read_text(encoding="utf-8")
    whole: dict[str, Any] = json.loads(text.replace('"#/$defs/', f'"{_REFERENCE}Report.'))
    parts = whole.pop("$defs")
    del whole["$schema"]
    return {"Report": whole, **{f"Report.{name}": part for name, part in parts.items()}}


def _answer(needed: tuple[str, ...], one_of: tuple[str, ...], **parts: Any) -> dict[str, Any]:
    """The schema of an answer with one of some parts."""
    head = {
        "schema": {"const": ANSWER},
        "use_case": {"type": "string"},
        "state": {"enum": list(get_args(State)), "description": "How complete it is, or how it came out."},
        "beside": {"type": "array", "items": {"type": "string"}, "description": "What is said beside it."},
    }
    choice = {"oneOf": [{"required": [name]} for name in one_of]} if one_of else {}
    told = {"type": "object", "required": [*head, *needed], "properties": {**head, **parts}}
    return {**told, "additionalProperties": False, **choice}


_STRINGS = {"type": "array", "items": {"type": "string"}}
_TABLE = {
    "type": "object",
    "required": ["headers", "rows"],
    "properties": {"headers": _STRINGS, "rows": {"type": "array", "items": _STRINGS}},
    "additionalProperties": False,
}
_REPORT = {"$ref": f"{_REFERENCE}Report"}
_EXPLANATION = {
    "type": "object",
    "required": ["schema", "operator", "metric", "label", "formula", "figure", "evidence"],
    "properties": {"schema": {"const": "customer-research/explanation/1"}},
    "description": "A figure taken apart: value or gap, meaning, query, the records behind it.",
}
_PLAIN = {
    "document": {"description": "What programs read of it: as the command line gives by --format json."},
    "table": _TABLE,
    "lines": _STRINGS,
    "text": {"type": "string"},
}
_ANSWERS = {
    "ReportAnswer": _answer(("report",), (), report=_REPORT),
    "ExplanationAnswer": _answer((), ("report", "explanation"), report=_REPORT, explanation=_EXPLANATION),
    "PlainAnswer": _answer((), tuple(_PLAIN), **_PLAIN),
}
_CANDIDATE = {
    "type": "object",
    "required": ["operator", "name", "because"],
    "properties": {name: {"type": "string"} for name in ("operator", "name", "because")},
    "additionalProperties": False,
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "hint", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Which kind it is, for programs."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong."},
        "hint": {"type": "string", "description": "What to do."},
        "request_id": {"type": "string"},
        "candidates": {"type": "array", "items": _CANDIDATE, "description": "Operators that may be meant."},
    },
    "additionalProperties": False,
}
