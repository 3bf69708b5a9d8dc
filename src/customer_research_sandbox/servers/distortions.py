"""Answers as a vendor out of its mind sends them: bodies without measure, lists without end, records withheld, cut texts."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Send

from customer_research_sandbox.servers.intercom_search import mark_of

BOMB_BYTES = 200 * (1 << 20)
"""Blanks that a `bomb` unpacks to."""

LEVELS = 100_000
"""Lists in each other under `deep`."""

ANNOUNCED = 10**9
"""Pages and records that `pages` announces."""

TEXTS = frozenset({"legal_name", "plain_text", "hs_note_body", "hs_email_subject", "dealname", "jobtitle", "subject"})
"""Fields that `surrogate` puts half a character behind, where they hold more than one word (an id stays as it is)."""

_BLANKS = b" " * (1 << 16)
_JSON = [(b"content-type", b"application/json")]

Memory = MutableMapping[str, Any]
"""The first page of each list, which `repeat` gives again."""


def bomb() -> Response:
    """A small body that unpacks to `BOMB_BYTES`."""
    return Response(_packed(), headers={"content-type": "application/json", "content-encoding": "gzip"})


@lru_cache(maxsize=1)
def _packed() -> bytes:
    packer = zlib.compressobj(1, wbits=31)
    pieces = [packer.compress(_BLANKS) for _ in range(BOMB_BYTES // len(_BLANKS))]
    return b"".join([*pieces, packer.compress(b"[]"), packer.flush()])


def deep() -> Response:
    """Lists in each other, `LEVELS` times."""
    return Response(b"[" * LEVELS + b"]" * LEVELS, media_type="application/json")


async def endless(request: Request, send: Send) -> None:
    """Blanks until the client has enough."""
    await send({"type": "http.response.start", "status": 200, "headers": _JSON})
    while not await request.is_disconnected():
        await send({"type": "http.response.body", "body": _BLANKS, "more_body": True})


def distorted(kind: str, source: str, request: Request, response: Response, memory: Memory) -> Response:
    """The answer with what `pages`, `repeat`, `short` or `surrogate` does to it; one that is no JSON as it is."""
    try:
        body = json.loads(bytes(response.body))
    except ValueError:
        return response
    if kind == "surrogate":
        body = _halved(body)
    elif response.status_code < 300:
        _BY_KIND[kind](source, request, body, memory)
    changed = Response(json.dumps(body).encode(), response.status_code, media_type="application/json")
    kept = {name: value for name, value in response.headers.items() if name not in {"content-length", "content-type"}}
    changed.headers.update(kept)
    return changed


def _halved(body: Any) -> Any:
    if isinstance(body, list):
        return [_halved(one) for one in body]
    if not isinstance(body, dict):
        return body
    return {
        name: f"{value}\ud83d" if name in TEXTS and isinstance(value, str) and " " in value else _halved(value)
        for name, value in body.items()
    }


def _list(body: Any) -> list[Any] | None:
    """The records that an answer lists; None for an answer about one."""
    if isinstance(body, list):
        return body
    if not isinstance(body, dict):
        return None
    if any(isinstance(body.get(name), kind) for name, kind in _LISTING):
        return next((value for value in body.values() if isinstance(value, list)), None)
    rows = body["data"].get("rows") if isinstance(body.get("data"), dict) else None
    return rows if isinstance(rows, list) else None


_LISTING = (("meta", dict), ("results", list), ("pages", dict), ("has_more", bool))
"""What only an answer that lists records has."""


def _named(request: Request) -> bool:
    """Whether records were asked for by their ids, or are no records: such an answer has no further pages."""
    return any(part in request.url.path for part in ("/batch/", "/properties/", "/owners/"))


def _pages(source: str, request: Request, body: Any, _memory: Memory) -> None:
    records = _list(body)
    if records is None or not isinstance(body, dict) or _named(request):
        return
    if source == "lago":
        body["meta"] |= {
            "next_page": body["meta"]["current_page"] + 1, "total_pages": ANNOUNCED, "total_count": ANNOUNCED,
        }  # fmt: skip
    elif source == "notion":
        body |= {"has_more": True, "next_cursor": records[0]["id"] if records else None}
    elif source == "intercom":
        body["pages"]["next"] = {"per_page": 150, "starting_after": mark_of(records[-1]) if records else ""}
        body["total_count"] = ANNOUNCED
    elif source == "stripe":
        body["has_more"] = True
    elif source == "hubspot":
        after = request.query_params.get("after", "0")
        body["paging"] = {"next": {"after": str((int(after) if after.isdigit() else 0) + 100)}}
        body |= {"total": ANNOUNCED} if "total" in body else {}


def _repeat(source: str, request: Request, body: Any, memory: Memory) -> None:
    records = _list(body)
    if records is None or _named(request) or source == "metabase":
        return
    asked = "&".join(f"{name}={value}" for name, value in request.query_params.multi_items() if name not in _PLACE)
    whose = request.headers.get("stripe-account", "")  # each connected account has lists of its own
    first = memory.setdefault(f"{source} {whose} {request.url.path}?{asked} {_sent(request)}", list(records))
    records[:] = first


def _sent(request: Request) -> str:
    """What a list was asked for in the request's body, its page apart: another question has another first page."""
    try:
        body = json.loads(bytes(request.scope["asked"]) or b"{}")
    except ValueError:
        return ""
    told = body.items() if isinstance(body, dict) else ()
    return json.dumps(sorted((name, value) for name, value in told if name not in _PLACE))


def _short(source: str, request: Request, body: Any, _memory: Memory) -> None:
    records = _list(body)
    own = any(part in request.url.path for part in ("/properties/", "/owners/"))
    if not records or own or (source == "lago" and body["meta"]["next_page"] is not None):
        return
    records.pop()
    if source == "notion":
        body["request_status"] = {"type": "incomplete"}
    elif source == "stripe":
        body["has_more"] = True
    elif source == "metabase" and isinstance(body, dict):
        body["data"]["rows_truncated"] = body["row_count"] = len(records)


_PLACE = frozenset({"page", "after", "start_cursor", "starting_after"})
_BY_KIND: Mapping[str, Callable[[str, Request, Any, Memory], None]] = {
    "pages": _pages,
    "repeat": _repeat,
    "short": _short,
}
