"""A page to look at: what the sandbox's Slack shows, drawn from blocks, everything escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Any

from starlette.responses import HTMLResponse

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.servers.slack_space import Workspace, moment

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:46rem;margin:2rem auto;color:#1d1c1d}
article{border-left:3px solid #ddd;padding:.2rem .9rem;margin:1.2rem 0}
.private{border-color:#e8a723}.head{font-size:1.15rem;font-weight:700;margin:.3rem 0}
.context,.when{color:#616061;font-size:.85rem}.button{border:1px solid #999;border-radius:4px;padding:.1rem .5rem;margin-right:.4rem}
hr{border:0;border-top:1px solid #ddd}table{border-collapse:collapse}td{border:1px solid #ddd;padding:.1rem .4rem}
"""
_LINK = re.compile(r"&lt;(https?://[^|\s]*?)\|(.*?)&gt;")
_BOLD = re.compile(r"(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])")
_ITALIC = re.compile(r"(?<![\w_])_(\S(?:[^_\n]*\S)?)_(?![\w_])")


def page_of_workspace(space: Workspace) -> HTMLResponse:
    """All conversations, with how many messages each has; and what people were told privately."""
    rows = [
        f'<li><a href="/show/{escape(one.id)}">{escape(_named(space, one.id))}</a>: {len(one.messages)} messages</li>'
        for one in space.channels.values()
    ]
    told = [
        f'<article class="private"><div class="when">to {escape(_person(space, one.user))} alone, in '
        f"{escape(_named(space, one.channel))}</div>{_drawn(one.message)}</article>"
        for one in space.private
    ]
    homes = [f"<h2>Home of {escape(_person(space, user))}</h2>{_drawn(view)}" for user, view in space.homes.items()]
    return _page("Slack", f"<ul>{''.join(rows)}</ul>{''.join(told)}{''.join(homes)}")


def page_of_channel(space: Workspace, channel: str) -> HTMLResponse:
    """The messages of one conversation, the oldest first."""
    found = space.channels.get(channel)
    if found is None:
        return _page("Not found", "", 404)
    drawn = [
        f'<article><div class="when">{escape(_person(space, one["user"]))}, {moment(one["ts"]):%Y-%m-%d %H:%M} UTC'
        f"{', in a thread' if 'thread_ts' in one else ''}{', edited' if 'edited' in one else ''}</div>{_drawn(one)}</article>"
        for one in found.messages
    ]
    return _page(_named(space, channel), "".join(drawn) or "<p>No messages.</p>")


def _person(space: Workspace, user: str) -> str:
    return str(space.users.get(user, {}).get("real_name", user))


def _named(space: Workspace, channel: str) -> str:
    found = space.channels.get(channel)
    if found is None:
        return channel
    return f"Direct messages with {_person(space, found.direct)}" if found.direct else f"#{found.name}"


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return HTMLResponse(f'<!doctype html><html lang="en">{head}<h1>{escape(title)}</h1>{body}</html>', status)


def _drawn(message: Row) -> str:
    blocks = message.get("blocks") or []
    shown = "".join(part for block in blocks for part in _block(block)) or f"<p>{_marked(message.get('text', ''))}</p>"
    files = "".join(f'<p class="button">{escape(one["title"])}</p>' for one in message.get("files", ()))
    return shown + files


def _block(block: dict[str, Any]) -> Iterator[str]:
    kind = block.get("type")
    if kind == "header":
        yield f'<p class="head">{_text(block["text"])}</p>'
    elif kind == "divider":
        yield "<hr>"
    elif kind == "context":
        yield f'<p class="context">{" ".join(_text(one) for one in block["elements"])}</p>'
    elif kind == "section":
        fields = [block["text"]] if "text" in block else block["fields"]
        yield f"<p>{'<br>'.join(map(_text, fields))} {_pressed(block.get('accessory'))}</p>"
    elif kind == "actions":
        yield f"<p>{''.join(map(_pressed, block['elements']))}</p>"
    elif kind == "input":
        yield f"<p>{_text(block['label'])} {_pressed(block['element'])}</p>"
    elif kind == "table":
        rows = ("".join(f"<td>{escape(str(cell.get('text', '')))}</td>" for cell in row) for row in block["rows"])
        yield f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _pressed(element: Any) -> str:
    """Something to press or to fill in, by what it says."""
    if not element:
        return ""
    said = element.get("text") or element.get("placeholder") or {"type": "plain_text", "text": element["type"]}
    options = ", ".join(_text(one["text"]) for one in element.get("options", ()))
    return f'<span class="button">{_text(said)}{f": {options}" if options else ""}</span>'


def _text(part: dict[str, Any]) -> str:
    return _marked(part["text"]) if part["type"] == "mrkdwn" else _plain(part["text"])


def _plain(text: str) -> str:
    """A text object without markup as HTML: Slack undoes the three escapes there, too."""
    return escape(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def _marked(text: str) -> str:
    """Slack's markup as HTML: the text's own escapes are undone once and made anew."""
    plain = text.replace("&lt;", "\0").replace("&gt;", "\1").replace("&amp;", "&")
    made = _LINK.sub(r'<a href="\1">\2</a>', escape(plain))
    made = _ITALIC.sub(r"<i>\1</i>", _BOLD.sub(r"<b>\1</b>", made))
    return made.replace("\0", "&lt;").replace("\1", "&gt;").replace("\n", "<br>")
