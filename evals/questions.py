"""The questions as data: `questions.toml` beside this module, read and checked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("questions.toml")


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its one stable answer.

    Args:
        id: its name.
        topic: what kind of question it is.
        asks: the question, in a manager's words.
        tool, arguments: the one call that answers it.
        says: each a list of words that must stand together in one statement, row, gap or citation.
        never: words that may stand nowhere but under `quoted`.
        quotes: words that must stand under `quoted`: somebody else's.
        status: of the answer; `refused` where the call is to be an error.
        hostile: it needs the records that `evals.world` plants.
        model: what must stand in a model's own answer (default: the first words of each of `says`).
    """

    id: str
    topic: str
    asks: str
    tool: str
    arguments: Mapping[str, Any]
    says: tuple[tuple[str, ...], ...]
    never: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    status: str = "ok"
    hostile: bool = False
    model: tuple[str, ...] = ()


def _question(told: Mapping[str, Any]) -> Question:
    unknown = told.keys() - {one.name for one in fields(Question)}
    if unknown:
        raise ValueError(f"{told.get('id')}: no question has {sorted(unknown)}.")
    lists = {name: tuple(told.get(name, ())) for name in ("never", "quotes", "model")}
    return Question(**{**told, **lists, "says": tuple(map(tuple, told["says"]))})


@cache
def questions() -> tuple[Question, ...]:
    """All of them, in the file's order.

    Raises:
        ValueError: two have one id, one has a field that there is none of, or says nothing that could be checked.
    """
    found = tuple(map(_question, tomllib.loads(FILE.read_text(encoding="utf-8"))["question"]))
    if len({one.id for one in found}) < len(found):
        raise ValueError("Two questions have the same id.")
    empty = [one.id for one in found if not (one.says or one.quotes)]
    if empty:
        raise ValueError(f"Nothing is expected of {empty}.")
    return found
