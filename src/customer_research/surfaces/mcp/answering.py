"""From a tool's arguments to its small answer: the use cases are asked, their answers made small, a list's next page signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from customer_research.documents.formats import agent, agent_others
from customer_research.documents.small_answer import LIMIT, PartOfAnswer, SmallAnswer, compact
from customer_research.domain.explanation import Explanation
from customer_research.domain.report import Report
from customer_research.errors import AmbiguousOperator, OperatorNotFound, UsageError
from customer_research.research.usecases import Actor, Answer, Runner
from customer_research.surfaces.mcp.tools import ASKED, Arguments, Ask, Tool

DEADLINE = 45.0
"""Seconds after which a tool says that it could not be done: clients give up after 60."""

_IDS, OWNERS = "operator id", "owners"
_BESIDE = 50
"""What the few lines weigh that count a list by owner: more than any list, less than the headline."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and who hears how far it is."""

    actor: Actor
    heard: Callable[..., None]


async def answered(runner: Runner, tool: Tool, given: Arguments, caller: Caller, key: bytes) -> dict[str, Any]:
    """A tool's answer as plain values. `key` signs cursors.

    Raises:
        CustomerResearchError: as the use case says; whom a term may mean is an answer.
    """
    page = _Page.of(tool, given, key)
    try:
        answers = [await _asked(runner, ask, given, caller) for ask in tool.asks(given)]
    except AmbiguousOperator as error:
        return _nobody(error, "ambiguous", error.candidates, runner)
    except OperatorNotFound as error:
        return _nobody(error, "not_found", error.nearest, runner)
    whole = agent_others.together(answers) if len(answers) > 1 else answers[0]
    room, wanted = tool.room(given), given.get("sections", ())
    if wanted and "field" in given:
        wanted = (ASKED, *wanted)
    return page.told(whole, room, wanted) if tool.lists(given) else _fitted(whole, room, wanted)


async def _asked(runner: Runner, ask: Ask, given: Arguments, caller: Caller) -> SmallAnswer:
    _answer, drawn = await runner.told(
        ask.use_case,
        ask.request,
        caller.actor,
        lambda found: _Drawn(_wanted(_small(found, given, runner), ask)),
        progress=caller.heard,
        seconds=DEADLINE,
    )
    return drawn.small


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A use case's answer, made small; as long as what is sent of it."""

    small: SmallAnswer

    def __len__(self) -> int:
        return len(compact(self.small.fitted()))


def _wanted(small: SmallAnswer, ask: Ask) -> SmallAnswer:
    if not ask.parts:
        return small
    return replace(small, parts=tuple(part for part in small.parts if part.name.partition(".")[0] in ask.parts))


def _small(found: Answer, given: Arguments, runner: Runner) -> SmallAnswer:
    if isinstance(found.body, Report):
        return agent.small_answer(found.body)
    if isinstance(found.body, Explanation):
        return agent_others.of_explanation(found.body, requests=bool(given.get("requests")))
    return agent_others.of_verdicts(found.document, whole=found.state != "partial", as_of=runner.now())


def _nobody(error: Any, status: Any, matches: Any, runner: Runner) -> dict[str, Any]:
    reasons = " ".join(getattr(error, "reasons", ()))
    said = " ".join(filter(None, (error.message, reasons)))
    return agent_others.of_candidates(said, error.hint, matches, status, runner.now()).fitted()


def _fitted(whole: SmallAnswer, room: int, wanted: Any) -> dict[str, Any]:
    """The answer; parts that are asked for and that there are none of are named with those that there are."""
    names = list(dict.fromkeys(part.name for part in whole.parts))
    unknown = [name for name in wanted if name not in names]
    if unknown:
        hint = f"Its parts: {', '.join(names)}."
        raise UsageError(f"{whole.title} has no part {unknown[0][:40]!r}.", hint=hint)
    answer = whole.fitted(room, wanted)
    assert len(compact(answer)) <= LIMIT
    return answer


@dataclass(frozen=True, slots=True)
class _Page:
    """Where a list is: how many lines have been told, and of which snapshot."""

    tool: str
    asked: str
    key: bytes
    at: int = 0
    snapshot: str = ""

    @classmethod
    def of(cls, tool: Tool, given: Arguments, key: bytes) -> _Page:
        """The page that is asked for.

        Raises:
            UsageError: the cursor is none of ours, or of another question.
        """
        asked = json.dumps({name: given[name] for name in sorted(given) if name != "cursor"}, default=str)
        digest = hashlib.sha256(f"{tool.name} {asked}".encode()).hexdigest()[:16]
        page = cls(tool.name, digest, key)
        if not given.get("cursor"):
            return page
        told = page._read(given["cursor"])
        if told is None or told["asked"] != digest:
            raise UsageError("The cursor is of no answer to this question.", hint="Ask without cursor, or as before.")
        return replace(page, at=told["at"], snapshot=told["snapshot"])

    def told(self, whole: SmallAnswer, room: int, wanted: Any) -> dict[str, Any]:
        """The page of a list, and where it goes on.

        Raises:
            UsageError: there is a newer snapshot than the one that the cursor names.
        """
        snapshot = _snapshot(whole)
        if self.snapshot and self.snapshot != snapshot:
            raise UsageError("There is a newer snapshot: the list is another now.", hint="Ask again without cursor.")
        parts = tuple(_from(part, self.at) for part in filter(_list, whole.parts))[:1] if self.at else whole.parts
        rest = replace(whole, parts=tuple(map(_weighed, parts)))
        answer = _fitted(rest, room, wanted)
        listed = next((one for one in answer["statements"] if _is_list(one)), None)
        if listed is not None and listed.get("of", 0) > self.at + len(listed["rows"]):
            answer["next_cursor"] = self._signed(self.at + len(listed["rows"]), snapshot)
        return answer

    def _signed(self, at: int, snapshot: str) -> str:
        told = json.dumps({"asked": self.asked, "at": at, "snapshot": snapshot}, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._sign(told) + told).decode().rstrip("=")

    def _read(self, cursor: str) -> dict[str, Any] | None:
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except ValueError:
            return None
        if not hmac.compare_digest(raw[:_SIGNED], self._sign(raw[_SIGNED:])):
            return None
        told: dict[str, Any] = json.loads(raw[_SIGNED:])
        return told

    def _sign(self, told: bytes) -> bytes:
        return hmac.digest(self.key, told, "sha256")[:_SIGNED]


_SIGNED = 16
"""Bytes of a cursor's signature."""


def _snapshot(whole: SmallAnswer) -> str:
    """What a list is of: its instant, and the digest of what proves it."""
    proof = next(iter(whole.citations.values()), {})
    return f"{whole.as_of} {proof.get('digest', '')}"


def list_of(whole: SmallAnswer) -> tuple[tuple[tuple[str, ...], ...], int]:
    """The rows of an answer's list of operators, ids first, and how many there are in all."""
    listed = (one for part in whole.parts for one in part.statements if _is_list({**one.told, "part": one.part}))
    first = next(listed, None)
    return (first.rows, first.total) if first is not None else ((), 0)


def _is_list(one: Mapping[str, Any]) -> bool:
    """Whether a statement lists operators; the points of a chart are none."""
    return _IDS in one.get("columns", ()) and not str(one.get("part", "")).endswith(agent.CHART)


def _list(part: PartOfAnswer) -> bool:
    return any(_is_list({**one.told, "part": one.part}) for one in part.statements)


def _weighed(part: PartOfAnswer) -> PartOfAnswer:
    """The list that was asked for is kept before what is said beside it, but for the few lines that count it by owner."""
    if part.name == OWNERS:
        return replace(part, weight=_BESIDE)
    return replace(part, weight=part.weight + 1) if _list(part) else part


def _from(part: PartOfAnswer, at: int) -> PartOfAnswer:
    """A part further down its list of operators; what is no such list has been told."""
    statements = tuple(
        replace(one, rows=one.rows[at:], row_cites=one.row_cites[at:], told={**one.told, "from": at + 1})
        for one in part.statements
        if _is_list({**one.told, "part": one.part}) and len(one.rows) > at
    )
    return replace(part, statements=statements)
