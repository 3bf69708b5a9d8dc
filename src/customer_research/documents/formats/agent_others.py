"""Small answers that are no reports: a figure taken apart, the verdicts on a draft, who may be meant; and several in one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from customer_research.documents.formats import explanation
from customer_research.documents.formats.agent import DIGEST
from customer_research.documents.present import GAP_WORDS
from customer_research.documents.quoting import Quotes
from customer_research.documents.small_answer import AnswerState, PartOfAnswer, SmallAnswer, Statement
from customer_research.domain.explanation import Explanation
from customer_research.domain.words import clean, counted, instant_text

LONGEST_REQUEST = 1_500
"""So many characters of what was sent are shown of one receipt."""

_MINOR = "_minor"


def of_explanation(explained: Explanation, *, requests: bool = False, show_personal: bool = False) -> SmallAnswer:
    """A figure with its formula, the records behind it and, where it was fetched again, whether it is the same."""
    told = explanation.as_json(explained, show_personal=show_personal)
    quotes, figure = Quotes(), told["figure"]
    gap = figure.get("gap")
    receipts = figure.get("receipts", ())
    cites = tuple(range(1, len(receipts) + 1))
    parts = (
        PartOfAnswer("figure", (_figure(told, gap, cites, quotes),)),
        PartOfAnswer("meaning", tuple(_meaning(told))),
        PartOfAnswer("replay", tuple(_replay(told["replay"]))),
        PartOfAnswer("records", tuple(_records(told["evidence"], quotes, cites)), 1),
    )
    return SmallAnswer(
        "partial" if gap and gap["reason"] not in {"none_found", "not_applicable"} else "ok",
        f"{told['label']} ({told['metric']})",
        {"id": explained.operator_id, "name": quotes.words(told["operator"]["name"], "")},
        figure.get("as_of", "").replace("+00:00", "Z"),
        tuple(part for part in parts if part.statements),
        quotes,
        ({**gap, "missing": (told["label"],)},) if gap else (),
        citations={number: _citation(number, one, requests) for number, one in zip(cites, receipts, strict=True)},
    )


def _figure(
    told: Mapping[str, Any], gap: Mapping[str, Any] | None, cites: tuple[int, ...], quotes: Quotes
) -> Statement:
    figure = told["figure"]
    value = GAP_WORDS[gap["reason"]] if gap else figure["shown"]
    value = quotes.words(value, "") if not gap and figure["unit"] == "text" else value
    unit = "" if gap else figure["unit"].removeprefix("text")
    columns = {"columns": ["figure", "value", "unit", "metric"]}
    return Statement("figure", columns, cites, ((told["label"], value, unit, told["metric"]),), ((),), 1)


def _meaning(told: Mapping[str, Any]) -> Iterator[Statement]:
    yield Statement("meaning", {"label": "Formula", "text": told["formula"]})
    for label, text in (("Healthy", told["healthy"]), ("Note", told["figure"].get("note", ""))):
        if text:
            yield Statement("meaning", {"label": label, "text": text})


def _replay(replay: Mapping[str, Any] | None) -> Iterator[Statement]:
    if replay is not None:
        same = "Fetched again: the same value from the same records."
        yield Statement("replay", {"text": same if replay["same"] else " ".join(replay["differences"])})


def _records(evidence: Mapping[str, Any], quotes: Quotes, cites: tuple[int, ...]) -> Iterator[Statement]:
    if evidence["note"]:
        yield Statement("records", {"text": evidence["note"]})
    rows = evidence["rows"]
    if rows:
        columns = [name for name in rows[0] if name != "fetch_id"]
        table = tuple(tuple(_cell(row, name, quotes) for name in columns) for row in rows)
        named = [name.removesuffix(_MINOR) for name in columns]
        yield Statement("records", {"columns": named}, cites, table, ((),) * len(table), evidence["total"])


def _cell(row: Mapping[str, Any], name: str, quotes: Quotes) -> str:
    value = row[name]
    if value is None:
        return ""
    if explanation.is_amount(name, value):
        return explanation.amount_words(row, name)
    return quotes.words(value, "") if isinstance(value, str) else str(value)


def _citation(number: int, receipt: Mapping[str, Any], requests: bool) -> Mapping[str, Any]:  # noqa: FBT001 - as asked
    told = {
        "number": number,
        "source": receipt["source"],
        "stream": receipt["stream"],
        "time": receipt["fetched_at"].replace("+00:00", "Z"),
        "digest": receipt["digest"][:DIGEST],
    }
    if not requests:
        return told
    query = receipt["query"]
    more = {"cut": len(query) - LONGEST_REQUEST} if len(query) > LONGEST_REQUEST else {}
    return {**told, "place": receipt["place"], "requests": query[:LONGEST_REQUEST], **more}


def of_verdicts(verdicts: Sequence[Mapping[str, Any]], *, whole: bool, as_of: datetime | None = None) -> SmallAnswer:
    """The numbers of a draft with their verdicts, those that are wrong first; `whole`: every source answered; `as_of`: by when."""
    quotes = Quotes()
    order = ("contradicted", "unsupported", "supported")
    ranked = sorted(verdicts, key=lambda one: order.index(one["verdict"]))
    counts = {state: sum(one["verdict"] == state for one in verdicts) for state in order}
    rows = tuple(
        (
            one["number"],
            one["verdict"],
            quotes.sentence(clean(one["reason"] or one["figure"])),
            str(one["start"]),
            ", ".join(map(str, one["citations"])),
        )
        for one in ranked
    )
    total = f"{counted(len(verdicts), 'number')}: {', '.join(f'{count} {state}' for state, count in counts.items())}."
    statements = [Statement("verdict", {"text": total})]
    if rows:
        columns = {"columns": ["number", "verdict", "why", "at character", "receipts"]}
        statements.append(Statement("numbers", columns, (), rows, ((),) * len(rows), len(rows)))
    parts = tuple(PartOfAnswer(one.part, (one,), 3 - place) for place, one in enumerate(statements))
    instant = instant_text(as_of) if as_of is not None else ""
    return SmallAnswer("ok" if whole else "partial", "Check of a draft", {}, instant, parts, quotes)


def of_candidates(said: str, hint: str, matches: Iterable[Any], status: AnswerState, as_of: datetime) -> SmallAnswer:
    """Who may be meant, where no one operator is: nobody is chosen."""
    quotes = Quotes()
    rows = tuple(
        (
            match.candidate.operator_id,
            quotes.words(clean(match.candidate.name), "warehouse"),
            "churned" if match.candidate.churned else quotes.words(match.candidate.status or "status not known", ""),
            quotes.sentence(clean(match.because)),
        )
        for match in matches
    )
    statements = [Statement("headline", {"text": quotes.sentence(clean(f"{said} {hint}".strip()))})]
    if rows:
        columns = {"columns": ["operator id", "Operator", "Status", "Why"]}
        statements.append(Statement("candidates", columns, (), rows, ((),) * len(rows), len(rows)))
    parts = tuple(PartOfAnswer(one.part, (one,), 3 - place) for place, one in enumerate(statements))
    return SmallAnswer(status, "Which operator is meant", {}, instant_text(as_of), parts, quotes)


_QUOTED = re.compile(r"\[quoted (\d+)\]")


def together(answers: Sequence[SmallAnswer]) -> SmallAnswer:
    """Several answers about the same as one: their parts after each other, each source's receipts numbered once."""
    first, *others = answers
    for other in others:
        first = _two(first, other)
    return first


def _two(one: SmallAnswer, other: SmallAnswer) -> SmallAnswer:
    numbers = {_same(told): number for number, told in one.citations.items()}
    citations, moved = dict(one.citations), dict[int, int]()
    for number, told in other.citations.items():
        moved[number] = numbers.get(_same(told)) or max(citations, default=0) + 1
        citations[moved[number]] = {**told, "number": moved[number]}
    quotes, again = one.quotes.with_those_of(other.quotes)
    names = {part.name for part in one.parts}

    def renamed(text: Any) -> Any:
        if isinstance(text, str):
            return _QUOTED.sub(lambda hit: again[int(hit[1])], text)
        return [renamed(item) for item in text] if isinstance(text, list | tuple) else text

    def cited(found: Iterable[int]) -> tuple[int, ...]:
        return tuple(moved[number] for number in found if number in moved)

    parts = tuple(
        replace(
            part,
            name=(name := f"{other.title.lower()} {part.name}" if part.name in names else part.name),
            statements=tuple(
                replace(
                    said,
                    part=name,
                    told={key: renamed(value) for key, value in said.told.items()},
                    cites=cited(said.cites),
                    rows=tuple(tuple(map(renamed, row)) for row in said.rows),
                    row_cites=tuple(map(cited, said.row_cites)),
                )
                for said in part.statements
            ),
        )
        for part in other.parts
    )
    status = "partial" if "partial" in {one.status, other.status} else one.status
    gaps = {(gap["source"], gap["reason"], gap["detail"]): gap for gap in (*other.gaps, *one.gaps)}
    fresh = {item["source"]: item for item in (*other.freshness, *one.freshness)}
    return replace(
        one,
        status=status,
        parts=(*one.parts, *parts),
        quotes=quotes,
        gaps=tuple(gaps.values()),
        freshness=tuple(fresh.values()),
        citations=citations,
    )


def _same(told: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(told[name] for name in ("source", "stream", "time", "digest"))
