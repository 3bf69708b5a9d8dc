"""`why` as text and as JSON: value, definition, requests as sent, records, replay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Literal

from customer_research.documents.masking import People, mask_numbers, mask_text
from customer_research.documents.present import gap_words, mask, source_title
from customer_research.domain.evidence import Fact, Figure, Gap, Receipt
from customer_research.domain.explanation import Explanation
from customer_research.domain.money import Money, recorded
from customer_research.domain.report import Personal
from customer_research.domain.words import clean, counted, instant_words, list_words, money_words, value_words

Words = Callable[[str], str]
"""Gives a text as its reader may see it."""

SCHEMA = "customer-research/explanation/1"


def as_text(explained: Explanation, *, show_personal: bool, requests: bool = False, sql: bool = False) -> str:
    """The explanation for a terminal, in words; `requests` adds what was sent, `sql` the query over the canonical tables."""
    return "\n".join(_lines(explained, show_personal=show_personal, requests=requests, sql=sql))


def _lines(explained: Explanation, *, show_personal: bool, requests: bool, sql: bool) -> Iterator[str]:
    words = reader(explained, show_personal=show_personal)
    yield f"{explained.label} ({explained.metric}) of {words(explained.operator_name)} ({explained.operator_id})"
    yield f"  Value:    {figure_words(explained.figure)}"
    if isinstance(explained.figure, Fact):
        yield f"  As of:    {instant_words(explained.figure.as_of)}"
        if explained.figure.note:
            yield f"  Note:     {words(explained.figure.note)}"
    yield f"  Meaning:  {explained.formula}"
    if explained.healthy:
        yield f"  Healthy:  {explained.healthy}"
    yield from _evidence_lines(explained, words, show_personal=show_personal)
    if explained.replayed is not None:
        yield f"  Replay:   {figure_words(explained.replayed.figure)}"
        for difference in explained.replayed.differences or ("the same value from the same records",):
            yield f"            {words(difference)}"
    yield from _receipt_lines(explained.figure, words, requests=requests)
    if sql:
        yield f"  Tables:   {', '.join(explained.tables)}"
        yield "  Query over the canonical tables:"
        yield from (f"    {line}" for line in explained.sql.splitlines())


def figure_words(figure: Figure) -> str:
    """A value, or why there is none."""
    return value_words(figure) if isinstance(figure, Fact) else gap_words(figure)


def _receipt_lines(figure: Figure, words: Words, *, requests: bool) -> Iterator[str]:
    if isinstance(figure, Gap):
        if figure.next_step:
            yield f"  Next:     {words(figure.next_step)}"
        return
    for receipt in figure.basis:
        yield f"  Receipt:  {receipt_words(receipt)}"
        if not requests:
            continue
        place, *sent = request_lines(receipt, words)
        yield f"            {place}"
        yield "            as sent:"
        yield from (f"      {line}" for line in sent)


def receipt_words(receipt: Receipt) -> str:
    """A receipt in a line."""
    return (
        f"{receipt.id}: {source_title(receipt.source)} {receipt.stream}, "
        f"{counted(receipt.rows, 'record')} by {counted(receipt.requests, 'request')}, {instant_words(receipt.fetched_at)}"
    )


def request_lines(receipt: Receipt, words: Words) -> tuple[str, ...]:
    """Where its records came from, and what was sent for them."""
    return (
        f"at {clean(receipt.place)}; SHA-256 of the records begins {receipt.digest[:16]}",
        *(_indented(line, words) for line in receipt.query.splitlines()),
        *(f"parameter {name} = {words(value)}" for name, value in receipt.parameters),
    )


def _indented(line: str, words: Words) -> str:
    """A line of a query, cleaned but with its indentation."""
    return " " * (len(line) - len(line.lstrip(" "))) + words(line)


def _evidence_lines(explained: Explanation, words: Words, *, show_personal: bool) -> Iterator[str]:
    evidence = explained.evidence
    shown = "" if evidence.complete else f" (the newest {len(evidence.rows)} shown)"
    yield f"  Records behind it: {evidence.total}{shown}"
    if explained.evidence_note:
        yield f"    {words(explained.evidence_note)}"
    headers, rows = records(explained, words, show_personal=show_personal)
    if rows:
        yield "    " + " | ".join(headers)
    yield from ("    " + " | ".join(row) for row in rows)


def records(
    explained: Explanation, words: Words, *, show_personal: bool
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The records behind a figure in words: the names of their columns, and a cell a column of each."""
    evidence = explained.evidence
    amounts = {name for name in evidence.columns if name.endswith(_MINOR)}
    columns = [name for name in evidence.columns if name != _CURRENCY or not amounts]  # an amount has its own beside it
    hidden = frozenset() if show_personal else explained.personal_columns
    told = (dict(zip(evidence.columns, row, strict=True)) for row in evidence.rows)
    return (
        tuple(name.removesuffix(_MINOR).replace("_", " ") for name in columns),
        tuple(tuple(_cell(record, name, hidden, words) for name in columns) for record in told),
    )


_MINOR, _CURRENCY = "_minor", "currency"
"""How columns of amounts end, and the column that names their currency."""


def is_amount(name: str, value: Any) -> bool:
    """Whether a column of a record is an amount of money."""
    return name.endswith(_MINOR) and isinstance(value, int)


def amount_words(record: Mapping[str, Any], name: str) -> str:
    """An amount of a record in words, or that its currency is not known."""
    money = recorded(record, name)
    return money_words(money) if money is not None else "currency not recorded"


def _cell(record: Mapping[str, Any], name: str, hidden: frozenset[str], words: Words) -> str:
    value = record[name]
    if value is None:
        return "(none)"
    if name in hidden:
        return mask(_personal(name, value))
    if is_amount(name, value):
        return amount_words(record, name)
    if isinstance(value, datetime):
        return instant_words(value)
    return words(list_words(str(value)))


def _personal(name: str, value: Any) -> Personal:
    kind: Literal["email", "phone", "person"] = "email" if name == "email" else "phone" if name == "phone" else "person"
    return Personal(str(value), kind)


def reader(explained: Explanation, *, show_personal: bool) -> Words:
    """What makes texts of an explanation fit for its reader."""
    people = People(explained.people, explained.operator_name)
    return lambda text: mask_numbers(clean(text)) if show_personal else mask_text(clean(text), people)


def as_json(explained: Explanation, *, show_personal: bool) -> dict[str, Any]:
    """The explanation as a versioned record."""
    evidence, words = explained.evidence, reader(explained, show_personal=show_personal)
    hidden = frozenset() if show_personal else explained.personal_columns
    rows = [
        {name: _plain_cell(name, value, hidden, words) for name, value in zip(evidence.columns, row, strict=True)}
        for row in evidence.rows
    ]
    replayed = explained.replayed
    return {
        "schema": SCHEMA,
        "operator": {"id": explained.operator_id, "name": words(explained.operator_name)},
        "metric": explained.metric,
        "label": explained.label,
        "formula": explained.formula,
        "healthy": explained.healthy,
        "tables": list(explained.tables),
        "sql": explained.sql,
        "figure": _figure(explained.figure, words),
        "evidence": {"total": evidence.total, "note": words(explained.evidence_note), "rows": rows},
        "replay": None
        if replayed is None
        else {
            "same": replayed.same,
            "figure": _figure(replayed.figure, words),
            "differences": [words(one) for one in replayed.differences],
        },
    }


def _plain_cell(name: str, value: Any, hidden: frozenset[str], words: Words) -> Any:
    if value is not None and name in hidden:
        return mask(_personal(name, value))
    return words(value) if isinstance(value, str) else _plain(value)


def _figure(figure: Figure, words: Words) -> dict[str, Any]:
    if isinstance(figure, Gap):
        told = {"detail": words(figure.detail), "next": words(figure.next_step)}
        return {"gap": {"source": figure.source, "reason": figure.reason, **told}}
    return {
        "value": words(figure.value) if isinstance(figure.value, str) else _plain(figure.value),
        "unit": figure.unit,
        "shown": words(value_words(figure)),
        "as_of": figure.as_of.isoformat(),
        "note": words(figure.note),
        "receipts": [_receipt(receipt, words) for receipt in figure.basis],
    }


def _receipt(receipt: Receipt, words: Words) -> dict[str, Any]:
    return {
        "id": receipt.id,
        "source": receipt.source,
        "stream": receipt.stream,
        "query": "\n".join(_indented(line, words) for line in receipt.query.splitlines()),
        "parameters": {name: words(str(value)) for name, value in receipt.parameters},
        "fetched_at": receipt.fetched_at.isoformat(),
        "rows": receipt.rows,
        "requests": receipt.requests,
        "truncated": receipt.truncated,
        "place": receipt.place,
        "digest": receipt.digest,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return {"currency": value.currency, "minor": value.minor}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value
