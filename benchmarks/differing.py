"""A report under a fault beside the same one without: what is told otherwise, what is told better, and what is no longer told.

A fault may take figures away, and may make a score worse. Whatever else differs is named: another value of the same figure, a row that
was not there, a good sentence that was not there, a band or a score that is better, an operator that is no longer listed.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from customer_research.connect.answers import REPLACEMENT
from customer_research.domain.health import BAND_LABELS, BAND_ORDER, NO_BAND

Place = tuple[str, ...]
Values = Mapping[Place, Sequence[Any]]

BANDS = tuple(BAND_LABELS[band] for band in BAND_ORDER if band not in NO_BAND)
"""Best to worst."""

NO_BANDS = frozenset(BAND_LABELS[band] for band in NO_BAND) | {"not settled"}
SCORES = ("health_score", "coverage", "payment_score", "engagement_score", "support_score", "growth_score", "score")
"""What a fault may lower."""

CALM = "no risk in the figures known"
"""What the list of operators says of who has no sign of risk."""


@dataclass(frozen=True, slots=True)
class Compared:
    """How a report under a fault differs from the one without: how many figures are gone, and what is wrong, in words."""

    gone: int
    wrong: tuple[str, ...]


def reports(told: str, true: str) -> Compared:
    """Two reports in JSON."""
    here, there = _facts(_document(told)), _facts(_document(true))
    gone = sum(not set(map(_key, here.get(place, ()))) >= set(map(_key, values)) for place, values in there.items())
    wrong = [
        sentence
        for place, values in here.items()
        for value in values
        if (sentence := _wrong(place, value, there.get(place, ())))
    ]
    known = {_key(text) for text, _ in _sentences(_document(true))}
    praise = [text for text, tone in _sentences(_document(told)) if tone == "good" and _key(text) not in known]
    return Compared(gone, tuple(dict.fromkeys([*wrong, *(f"praise: {text}" for text in praise)])))


def lists(told: str, true: str) -> Compared:
    """Two lists of operators in CSV."""
    here, there = _lines(told), _lines(true)
    lost = [name for name in there if name not in here]
    wrong = [f"{len(lost)} of {len(there)} operators fell out of the list: {', '.join(lost[:3])}"] if lost else []
    gone = 0
    for name in here.keys() & there.keys():
        for column, value in here[name].items():
            true_value = there[name][column]
            gone += value != true_value
            if value and value != true_value and (sentence := _wrong_cell(column, value, true_value)):
                wrong.append(f"{name} {sentence}")
    return Compared(gone + len(lost), tuple(wrong))


def silent(told: str) -> set[str]:
    """The sources that a report in JSON calls missing or incomplete."""
    return {one["source"] for one in _document(told).get("freshness", ()) if one["state"] != "ok"}


def _wrong_cell(column: str, value: str, true: str) -> str:
    """What is wrong with a cell that differs and is not empty."""
    if column in SCORES:
        better = not true or float(value) > float(true)
        return f"{column} {value} instead of {true or 'none'}" if better else ""
    if column == "why":
        return f"why: {value} instead of {true}" if value == CALM else ""
    if column == "band":
        return _better_band(value.partition(" (")[0], [true.partition(" (")[0]])
    return "" if value in {"unknown", "not known"} else f"{column} {value} instead of {true or 'none'}"


def _wrong(place: Place, value: Any, true: Sequence[Any]) -> str:
    """What is wrong with a value at a place of a report; empty when nothing is."""
    if any(_key(value) == _key(one) for one in true):
        return ""
    where = ", ".join(part for part in place if part)
    if isinstance(value, str) and value.partition(", ")[0] in NO_BANDS:
        return ""
    if place[-1] in SCORES and all(isinstance(one, int | float) and value <= one for one in true):
        return ""
    if place[-1] == "band" or "Standing" in place:
        return _better_band(str(value), list(map(str, true)))
    return f"{where}: {_short(value)} instead of {' or '.join(map(_short, true)) or 'nothing'}"


def _better_band(value: str, true: Sequence[str]) -> str:
    if value in NO_BANDS:
        return ""
    ranks = [BANDS.index(one) for one in true if one in BANDS]
    if value in BANDS and ranks and BANDS.index(value) >= min(ranks):
        return ""
    return f"band {value} instead of {' or '.join(true) or 'none'}"


def _facts(report: Mapping[str, Any]) -> dict[Place, list[Any]]:
    """The values of a report by where they stand: section, title of the block, label or metric."""
    found: dict[Place, list[Any]] = defaultdict(list)
    for fact in (report.get("headline") or {}).get("facts", ()):
        found["headline", str(fact.get("metric"))].append(fact["value"])
    for section in report["sections"]:
        for block in section["blocks"]:
            for place, fact in _block(block):
                if "value" in fact:
                    found[section["id"], *place].append(fact["value"])
    return found


def _block(block: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    for figure in block.get("figures", ()):
        yield (figure["label"], figure.get("metric", "")), figure
    for row in block.get("rows", ()):
        named = next((str(cell.get("text")) for cell in row if "value" not in cell and "gap" not in cell), "")
        for header, cell in zip(block["headers"], row, strict=True):
            yield ((block.get("caption") or "").partition(" (")[0], named, header, cell.get("metric", "")), cell
    for mark in block.get("marks", ()):
        if block.get("form") in {"timeline", "months"}:
            yield (block["title"], mark["series"], mark["at"]), mark["figure"]
    for item in (*block.get("items", ()), block):
        for fact in item.get("facts", ()):
            yield ("sentence", str(fact.get("metric"))), fact


def _sentences(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every sentence with its tone."""
    headline = report.get("headline")
    items = [*([headline] if headline else []), *report.get("warnings", ())]
    for section in report["sections"]:
        for block in section["blocks"]:
            items += block.get("items", ())
            if block["type"] == "prose":
                items.append(block)
    yield from ((item["text"], item["tone"]) for item in items)


def _document(text: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(text)
    return found


def _lines(text: str) -> dict[str, dict[str, str]]:
    return {row["operator_id"]: row for row in csv.DictReader(io.StringIO(text.replace(REPLACEMENT, "")))}


def _key(value: Any) -> str:
    """A value to be compared; a mark in the place of half a character (fault `surrogate`) takes nothing away."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False).replace(REPLACEMENT, "")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
