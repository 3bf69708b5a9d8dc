"""Whether an answer is right: its size, its citations, what must stand in it and what must not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from customer_research.documents.small_answer import AIM, LIMIT, compact
from customer_research.drafts.claims import claims_of
from evals.questions import Question

CHARACTERS_A_TOKEN = 4
"""How tokens are estimated; what a model really counts differs by model, and is more for JSON and identifiers."""

_OURS = frozenset({"candidates", "verdict", "numbers", "meaning"})
"""Parts that speak of the question itself (who may be meant, what a draft says, a formula): no source said them."""

_OF_ITSELF = re.compile(
    r"\d+ operators?(?: answer to|:)|Scorecard \w+, version \d|Risk \(0 to 100\) ranks|It gives -?\d+ points where"
)
"""How sentences begin that tell what the answer itself is, or how a rule is declared: nothing was measured."""

_NOT_KNOWN = re.compile(
    r"\b(?:none found|not known|does not apply|not recorded|not available|no earlier|no snapshot)\b"
)
_AMOUNTS = frozenset({"money", "share"})
_FIGURES = frozenset({"money", "share", "points", "count"})
"""What is a figure: spans ("in 30 days") name what is counted, identifiers whose it is, and "no ..." is a gap's own word."""

_NO_FIGURE = frozenset({"figure", "metric", "unit", "operator id", "Operator id", "at character", "cites"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a question.

    Args:
        question: which.
        size: characters of the answer, as it was sent.
        figures: how many of its statements and rows have figures, and cited: how many of those have a citation.
        faults: why it does not pass; empty: it does.
    """

    question: Question
    size: int
    figures: int
    cited: int
    faults: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.faults


def judged(question: Question, answer: Mapping[str, Any], *, failed: bool) -> Outcome:
    """Judge an answer.

    Args:
        question: what was asked.
        answer: what the tool told.
        failed: whether the call was an error.
    """
    size = len(compact(answer))
    marks = [cited for line, cited in figure_lines(answer) if line]
    return Outcome(question, size, len(marks), sum(marks), tuple(_faults(question, answer, size, failed=failed)))


def _faults(question: Question, answer: Mapping[str, Any], size: int, *, failed: bool) -> Iterator[str]:
    status = "refused" if failed else str(answer.get("status"))
    if status != question.status:
        yield f"status {status} instead of {question.status}: {answer.get('error', '')}"
    if size > LIMIT or (size > AIM and "sections" not in question.arguments):
        yield f"{size:,} characters"
    yield from (f"no citation: {line[:120]}" for line, cited in figure_lines(answer) if not cited)
    known = {one["number"] for one in answer.get("citations", ())}
    dangling = _numbers(answer) - known
    if dangling:
        yield f"citations that are not told: {sorted(dangling)}"
    said = list(lines(answer))
    for words in question.says:
        if not any(all(word in line for word in words) for line in said):
            yield f"not said: {' + '.join(words)}"
    outside = json.dumps({**answer, "quoted": []}, ensure_ascii=False).casefold()
    yield from (f"said: {word}" for word in question.never if word.casefold() in outside)
    quoted = [one["text"] for one in answer.get("quoted", ())]
    yield from (f"not quoted: {word}" for word in question.quotes if not any(word in text for text in quoted))


def lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """Each statement, row, gap and error of an answer as one line of words; quoted words are none of ours."""
    for one in answer.get("statements", ()):
        label = f"{one['part']}: "
        for row in one.get("rows", ()):
            yield label + " | ".join(map(str, row))
        said = " | ".join(str(value) for name, value in one.items() if name not in {"part", "rows", "columns", "cites"})
        if said:
            yield label + said
        if "columns" in one:
            yield label + " | ".join(one["columns"])
    for name in ("gaps", "citations", "left_out", "freshness"):
        for told in answer.get(name, ()):
            yield f"{name}: " + " | ".join(map(str, told.values()))
    yield " | ".join(str(answer[name]) for name in ("error", "hint", "title", "status") if name in answer)
    yield " | ".join(map(str, answer.get("operator", {}).values()))


def figure_lines(answer: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Each statement and row that has a figure, and whether it is cited."""
    for one in answer.get("statements", ()):
        if one["part"] in _OURS or answer.get("status") == "ambiguous":
            continue
        whole = bool(one.get("cites"))
        columns = one.get("columns", [])
        for row in one.get("rows", ()):
            cells = [str(cell) for name, cell in zip(columns, row, strict=True) if name not in _NO_FIGURE]
            if any(_has_figure(cell, _FIGURES | {"date"}) for cell in cells):
                yield " | ".join(map(str, row)), whole or (columns[-1] == "cites" and bool(row[-1]))
        text = f"{one.get('label', '')}: {one.get('text', '')}" if "text" in one else ""
        if text and not _OF_ITSELF.match(one["text"]) and _has_figure(text, _FIGURES):
            yield text, whole


def _has_figure(text: str, kinds: frozenset[str]) -> bool:
    """Whether a text tells a figure; of what is not known only an amount beside it is one."""
    wanted = _AMOUNTS if _NOT_KNOWN.search(text) else kinds
    return any(claim.quantity.kind in wanted and not claim.none for claim in claims_of(text))


def _numbers(answer: Mapping[str, Any]) -> set[int]:
    """The citations that an answer names."""
    found: set[int] = set()
    for one in answer.get("statements", ()):
        found |= set(one.get("cites", ()))
        if one.get("columns", [""])[-1] == "cites":
            found |= {number for row in one["rows"] for number in row[-1]}
    return found
