"""Answers as messages: a report with what can be pressed under it, candidates as buttons, errors in a sentence; nothing unescaped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from customer_research.documents.formats import explanation, slack_
from customer_research.documents.formats.slack_blocks import (
    Blocks,
    actions,
    asks,
    button,
    context,
    cut,
    escape,
    sections,
    select,
    texts,
    within,
)
from customer_research.documents.formats.slack_controls import alert_controls
from customer_research.domain.explanation import Explanation
from customer_research.domain.report import Report, Table, Text
from customer_research.errors import AmbiguousOperator, CustomerResearchError, OperatorNotFound
from customer_research.research.usecases import Answer
from customer_research.research.usecases import Table as PlainTable
from customer_research.surfaces.slack.commands import COMMAND, HELP, Asked, asked, help_lines

SHARE, PDF, OPEN_ALERT = "share", "pdf", "open_alert"
"""What buttons under an answer do: show it to the whole channel, send it there as a PDF, show one alert."""

MOST_CANDIDATES, MOST_ALERTS = 10, 25
_FURTHER = ("profile", "health", "billing", "brief", "review")
"""What is asked next about an operator."""

_FALLBACK = 300


@dataclass(frozen=True, slots=True)
class Told:
    """One message: the text of notifications, and the blocks."""

    text: str
    blocks: Blocks = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.text) + sum(map(len, texts(self.blocks)))


def plain(text: str, *more: str) -> Told:
    """A message of a few sentences, each as it is."""
    lines = [escape(line) for line in (text, *more) if line]
    return Told(_short(lines[0] if lines else "-"), _sections(lines))


def of_answer(answer: Answer, question: Asked) -> Told:
    """What one person is told, with what can be pressed under it."""
    told = content(answer)
    return Told(told.text, [*told.blocks, *_controls(answer, question)])


def content(answer: Answer, *, by: str = "", question: str = "") -> Told:
    """An answer itself; for a channel with who shared it, and what was asked."""
    body = answer.body
    if isinstance(body, Report):
        made = json.loads(slack_.render(body))
        told = Told(made["text"], made["blocks"])
    elif isinstance(body, Explanation):
        told = _lines(explanation.as_text(body, show_personal=False).splitlines(), headed=True)
    elif isinstance(body, PlainTable):
        told = _lines(_rows(body))
    elif isinstance(body, tuple):
        told = _lines(answer.lines)
    else:
        told = _lines("".join(body.pieces).splitlines())
    beside = [context(" ".join(answer.beside))] if answer.beside else []
    shared = [context(f"Shared by {by}: {COMMAND} {question}")] if by else []
    return Told(told.text, [*shared, *told.blocks, *beside])


def _rows(table: PlainTable) -> Iterable[str]:
    yield from table.before
    for row in table.rows:
        named = (f"{header}: {cell}" for header, cell in zip(table.headers[1:], row[1:], strict=True) if cell)
        yield f"• {row[0]} ({'; '.join(named)})"
    yield from table.after
    if table.last:
        yield table.last


def _lines(lines: Iterable[str], *, headed: bool = False) -> Told:
    """Lines as they are; `headed`: the first of them names the rest."""
    shown = [escape(line.strip()) for line in lines if line.strip()] or ["Nothing."]
    head = [f"*{shown[0]}*"] if headed else [shown[0]]
    return Told(_short(shown[0]), _sections([*head, *shown[1:]]))


def of_error(error: CustomerResearchError, question: Asked | None = None) -> Told:
    """What went wrong, and what to do; whom a name may mean as buttons that ask the same of them."""
    if isinstance(error, AmbiguousOperator | OperatorNotFound) and question is not None:
        matches = error.candidates if isinstance(error, AmbiguousOperator) else error.nearest
        return _candidates(error, matches, question)
    told = _words(error)
    return Told(_short(told), _sections([told]))


def _words(error: CustomerResearchError) -> str:
    return " ".join(escape(part) for part in (error.message, error.hint) if part)


def _candidates(error: CustomerResearchError, matches: Sequence[Any], question: Asked) -> Told:
    """Each candidate with its standing; the program does not choose."""
    told = _words(error)
    reasons = [escape(reason) for reason in getattr(error, "reasons", ())]
    shown = matches[:MOST_CANDIDATES]
    lines = [f"• {escape(_standing(match))}" for match in shown]
    if len(matches) > len(shown):
        lines.append(f"{len(matches) - len(shown)} more: write more of the name.")
    if not matches:
        lines.append(f"`{COMMAND} {HELP}` tells what can be asked.")
    pressed = asks((match.candidate.name or match.operator_id, question.about(match.operator_id)) for match in shown)
    blocks = _sections([told, *reasons, *lines])
    return Told(_short(told), [*blocks, *([actions(pressed)] if pressed else [])])


def _standing(match: Any) -> str:
    candidate = match.candidate
    state = "churned" if candidate.churned else candidate.status or "status not known"
    return f"{candidate.name or candidate.operator_id}: {state} ({match.because})"


def of_help() -> Told:
    """What can be asked."""
    lines = [f"*{escape(typed)}*  {escape(about)}" for typed, about in help_lines()]
    head = "What can be asked. Answers are yours alone until you share them."
    return Told(head, _sections([head, *lines]))


# -- what can be pressed -----------------------------------------------------------------------------------------------


def _controls(answer: Answer, question: Asked) -> Blocks:
    body, text = answer.body, question.text
    if not isinstance(body, Report):
        return []
    if question.command.use_case == "alerts show":
        alert = str(question.words.get("alert", ""))
        return alert_controls(_alert_id(body) or alert, body.operator_id)
    blocks: Blocks = []
    alerts = list(_alerts(body)) if question.command.use_case == "alerts" else []
    if alerts:
        chosen = select(OPEN_ALERT, "Open an alert", ((label, one) for one, label in alerts[:MOST_ALERTS]))
        blocks.append(actions([chosen]))
    elements = [button("Share here", SHARE, text)]
    if question.command.use_case == "account-review":
        elements.append(button("PDF here", PDF, text))
    if body.operator_id and question.command.word != "find":
        rest = [word for word in _FURTHER if word != question.command.word]
        elements += asks((word.capitalize(), f"{word} {body.operator_id}") for word in rest)
    return [*blocks, actions(elements)]


_ALERT = re.compile(r"Alert ([0-9a-f]{4,12})\b")


def _alert_id(report: Report) -> str:
    found = _ALERT.match(report.title)
    return found[1] if found else ""


def _alerts(report: Report) -> Iterable[tuple[str, str]]:
    """The ids of a list's alerts, and whom each is about."""
    for section in report.sections:
        for block in section.blocks:
            if not isinstance(block, Table) or "Id" not in block.headers:
                continue
            at = block.headers.index("Id")
            about = next((place for place, header in enumerate(block.headers) if header in {"Operator", "Source"}), 0)
            for row in block.rows:
                named, one = row[about], row[at]
                if isinstance(named, Text) and isinstance(one, Text):
                    yield one.text, f"{named.text} ({one.text})"


def ask_again(text: str, owner_id: str) -> Asked:
    """The question of a button: what it asks was made by us, and is read as if typed."""
    found = asked(text, owner_id)
    assert found is not None, "no button asks for help"
    return found


def _sections(lines: Sequence[str]) -> Blocks:
    """Lines as blocks; what has no room is counted, a line's end as JSON has it, which is what Slack seems to count."""
    return sections(within([cut(line) for line in lines], slack_.MOST_CHARACTERS, "{}.", joint=2))


def _short(text: str) -> str:
    return cut(text, _FALLBACK)
