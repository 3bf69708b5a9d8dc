"""Which tickets are the operator's: the filter that asks Notion for candidates, and the rule that judges each; pure.

Precedence for each ticket: its operator_id property, then a tag that is one of the operator's names or aliases: both
certain, but for a tag with another legal form than every name (X Inc is perhaps another firm than X LLC). Then the full company name in the title, then the name or id in description or summary: both only probable, never
deducted. Generic tags identify nobody. A ticket that carries another operator's id is not matched by its texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from customer_research.connect.concurrent import chunks
from customer_research.domain.names import legal_form, name_key, text_key
from customer_research.domain.values import LEGACY, operator_id
from customer_research.sources.notion import normalise

MIN_NAME = 5
"""Characters a normalised company name must have to be looked for in texts."""

FILTERS_IN_GROUP = 100
"""Filters that one compound filter may hold; more are asked in further queries."""

_GENERIC = frozenset(text_key(tag) for tag in normalise.GENERIC_TAGS)


@dataclass(frozen=True, slots=True)
class TicketKeys:
    """What identifies the operator: its id, its names as spelt, and the keys of its tags and names.

    `forms` are the legal forms that its names and aliases bear, by the key of the name without it (empty: one bears none).
    """

    operator_id: str
    spellings: tuple[str, ...]
    tag_keys: frozenset[str]
    name_keys: tuple[str, ...]
    forms: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, operator_id: str, names: Sequence[str], aliases: Sequence[str]) -> TicketKeys:
        """From the operator's id, company names and ticket-tag aliases; generic and too short names are left out."""
        tags = {name_key(name) for name in (*names, *aliases)} | {text_key(name) for name in (*names, *aliases)}
        forms: dict[str, set[str]] = {}
        for name in (*names, *aliases):
            forms.setdefault(name_key(name), set()).add(legal_form(name))
        long_names = [name for name in names if len(name_key(name)) >= MIN_NAME and name_key(name) not in _GENERIC]
        return cls(
            operator_id=operator_id,
            spellings=tuple(dict.fromkeys(text for name in long_names for text in _spellings(name))),
            tag_keys=frozenset(tags - _GENERIC - {""}),
            name_keys=tuple(dict.fromkeys(name_key(name) for name in long_names)),
            forms={key: frozenset(borne) for key, borne in forms.items()},
        )

    def has_form(self, tag: str) -> bool:
        """Whether a tag bears a legal form that a name of the operator bears, or one of the two bears none."""
        form, borne = legal_form(tag), self.forms.get(name_key(tag), frozenset())
        return not form or not borne or "" in borne or form in borne

    @property
    def text_ids(self) -> tuple[str, ...]:
        """The id where a text may hold it; a plain number in a text may mean anything."""
        return () if self.operator_id.startswith(LEGACY) else self.ids

    @property
    def ids(self) -> tuple[str, ...]:
        """The id as a property may hold it: with dashes and without."""
        if self.operator_id.startswith(LEGACY):
            return (self.operator_id.removeprefix(LEGACY),)
        return self.operator_id, self.operator_id.replace("-", "")


def _spellings(name: str) -> Iterator[str]:
    """A company name without its legal form, as spelt, with `&` and with `and`."""
    words = name.split()
    while len(words) > 1 and name_key(" ".join(words)) == name_key(" ".join(words[:-1])):
        words.pop()
    bare = " ".join(words).rstrip(",.")
    yield bare
    yield re.sub(r"\s*&\s*", " and ", bare)
    yield re.sub(r"\band\b", "&", bare, flags=re.IGNORECASE)


def filters(wanted: TicketKeys, schema: normalise.Schema) -> list[Mapping[str, Any]]:
    """Compound filters that together cover every ticket that may be the operator's (at most 100 conditions each)."""
    conditions = [*_by_id(wanted, schema), *_by_tag(wanted, schema), *_by_text(wanted, schema)]
    unique = list({repr(condition): condition for condition in conditions}.values())
    return [{"or": some} for some in chunks(unique, FILTERS_IN_GROUP)]


def _by_id(wanted: TicketKeys, schema: normalise.Schema) -> Iterator[Mapping[str, Any]]:
    item = schema.get("operator_id")
    if item is None:
        return
    for text in wanted.ids:
        yield from _contains(item, text)


def _by_tag(wanted: TicketKeys, schema: normalise.Schema) -> Iterator[Mapping[str, Any]]:
    """Only options that exist: a multi-select contains whole options, and Notion may refuse one it does not know."""
    item = schema.get("tags")
    if item is None or item.type not in {"multi_select", "select"}:
        return
    word = "contains" if item.type == "multi_select" else "equals"
    for option in item.options:
        if _is_tag(option, wanted):
            yield {"property": item.name, item.type: {word: option}}


def _by_text(wanted: TicketKeys, schema: normalise.Schema) -> Iterator[Mapping[str, Any]]:
    for role in ("title", "description", "summary"):
        item = schema.get(role)
        if item is None:
            continue
        for text in (*wanted.spellings, *(() if role == "title" else wanted.text_ids)):
            yield from _contains(item, text)


def _contains(item: normalise.Property, text: str) -> Iterator[Mapping[str, Any]]:
    if item.type == "rollup":
        yield {"property": item.name, "rollup": {"any": {"rich_text": {"contains": text}}}}
    elif item.type in normalise.TEXT_TYPES:
        yield {"property": item.name, item.type: {"contains": text}}
    elif item.type == "formula":
        yield {"property": item.name, "formula": {"string": {"contains": text}}}
    elif item.type in {"select", "multi_select"}:
        word = "contains" if item.type == "multi_select" else "equals"
        for option in item.options:
            if text.casefold() in option.casefold():
                yield {"property": item.name, item.type: {word: option}}


def match(ticket: normalise.Ticket, wanted: TicketKeys) -> tuple[str, bool] | None:
    """How the ticket is the operator's (operator_id, tag, title, text) and whether that is certain; None if it is not."""
    holders = [operator_id(part) for part in ticket.names("operator_id")]
    if wanted.operator_id in holders:
        return "operator_id", True
    tags = [tag for tag in ticket.names("tags") if _is_tag(tag, wanted)]
    if tags:
        return "tag", any(map(wanted.has_form, tags))
    if any(holder is not None for holder in holders):
        return None
    if _names(ticket.text("title"), wanted.name_keys):
        return "title", False
    texts = [ticket.text("description"), ticket.text("summary")]
    if any(_names(text, wanted.name_keys) or _holds_id(text, wanted) for text in texts):
        return "text", False
    return None


def _is_tag(tag: str, wanted: TicketKeys) -> bool:
    return bool({text_key(tag), name_key(tag)} & wanted.tag_keys)


def _names(text: str | None, keys: Iterable[str]) -> bool:
    """Whether the text has one of the names whole, on word boundaries."""
    if text is None:
        return False
    words = f" {text_key(text)} "
    return any(f" {key} " in words for key in keys)


def _holds_id(text: str | None, wanted: TicketKeys) -> bool:
    return text is not None and any(identifier in text.casefold() for identifier in wanted.text_ids)
