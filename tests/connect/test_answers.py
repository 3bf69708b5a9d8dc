"""What is taken of an answer at most: bytes after unpacking, values, levels; and texts that every format can show."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from customer_research.connect import answers
from customer_research.connect.answers import TooMuchError, document, parsed, received
from customer_research.connect.settings import BoundsSettings

MEGABYTE = 1 << 20


def bounds(**values: Any) -> BoundsSettings:
    return BoundsSettings.model_validate(values)


def reading(response: httpx2.Response, *, wanted: bool = True, **values: Any) -> answers.Answer:
    return asyncio.run(received(response, bounds(**values), wanted=wanted))


def blanks(megabytes: int) -> bytes:
    return gzip.compress(b"[" + b" " * (megabytes * MEGABYTE) + b"]", 9)


async def _endless(sent: list[int]) -> AsyncIterator[bytes]:
    while True:
        sent.append(1)
        yield b" " * 65_536


def test_a_bomb_is_given_up_before_it_is_unpacked() -> None:
    response = httpx2.Response(200, headers={"content-encoding": "gzip"}, stream=_Sent([blanks(60)]))
    tracemalloc.start()
    with pytest.raises(TooMuchError, match="larger than 2 MB") as caught:
        reading(response, body_mb=2)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.setting == "bounds.body_mb"
    assert most < 20 * MEGABYTE


def test_a_body_without_end_is_given_up() -> None:
    sent: list[int] = []
    with pytest.raises(TooMuchError):
        reading(httpx2.Response(200, stream=_Sent(_endless(sent))), body_mb=1)
    assert len(sent) == 17


def test_of_an_error_the_beginning_is_enough() -> None:
    sent: list[int] = []
    answer = reading(httpx2.Response(500, stream=_Sent(_endless(sent))), wanted=False, body_mb=1)
    assert (answer.status, len(sent)) == (500, 2)


class _Sent(httpx2.AsyncByteStream):
    def __init__(self, pieces: list[bytes] | AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if isinstance(self._pieces, list):
            for piece in self._pieces:
                yield piece
            return
        async for piece in self._pieces:
            yield piece


@pytest.mark.parametrize(
    "body",
    [b"[" * 3_000 + b"]" * 3_000, b"[" * 200_000, b'{"a":' * 70 + b"1" + b"}" * 70, b"[[1,[" * 33 + b"]]]" * 33],
    ids=["lists", "not closed", "objects", "behind other values"],
)
def test_what_lies_too_deep_is_refused(body: bytes) -> None:
    with pytest.raises(TooMuchError, match="more than 64 levels deep"):
        document(body, bounds())


def test_the_deepest_that_is_allowed_is_read() -> None:
    assert document(b"[" * 64 + b"]" * 64, bounds()) is not None
    assert document(b'{"a": [1, {"b": "[[[["}]}', bounds(depth=3)) == {"a": [1, {"b": "[[[["}]}


def test_values_are_counted_before_they_are_made() -> None:
    with pytest.raises(TooMuchError, match="more than 1,000 values") as caught:
        document(b"[" + b"[]," * 600 + b"[]]", bounds(values=1_000))
    assert caught.value.setting == "bounds.values"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb'["cut \ud83d"]', "cut �"),
        (rb'["\uDE00 cut"]', "� cut"),
        (b'["\xed\xa0\xbd raw"]', "� raw"),
        (rb'["\ud83d\ude00 whole"]', "😀 whole"),
        (rb'["\\ud83d is text"]', "\\ud83d is text"),
        ('["Größe 😀 ퟿"]'.encode(), "Größe 😀 ퟿"),
    ],
    ids=["first half", "second half", "encoded half", "whole", "escaped backslash", "no half"],
)
def test_half_a_character_is_shown_as_a_replacement(body: bytes, text: str) -> None:
    assert document(body, bounds()) == [text]
    text.encode()


def test_a_half_is_replaced_in_names_and_wherever_it_lies() -> None:
    found = document(rb'{"a\ud800": {"b": [1, null, {"c": "\ud800"}]}}', bounds())
    assert found == {"a�": {"b": [1, None, {"c": "�"}]}}


def test_a_large_body_is_parsed_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    async def parse(body: bytes) -> list[str]:
        went: list[str] = []

        async def to_thread(*call: Any) -> Any:
            went.append(call[0].__name__)
            return call[0](*call[1:])

        monkeypatch.setattr(asyncio, "to_thread", to_thread)
        assert await parsed(body, bounds()) == json.loads(body)
        return went

    assert asyncio.run(parse(b"[1]")) == []
    assert asyncio.run(parse(b'["' + b"x" * answers.OFF_LOOP_BYTES + b'"]')) == ["document"]


def test_brackets_in_texts_are_no_levels_and_hide_none() -> None:
    assert document(b'[{"a": "[[[[{{{{"}]', bounds(depth=2)) == [{"a": "[[[[{{{{"}]
    with pytest.raises(TooMuchError, match="nested more than 2 levels"):
        document(b'[{"a": "}}]]", "b": []}]', bounds(depth=2))
    assert document(b'[{"a": []}, {"b": 1}]', bounds(depth=3)) == [{"a": []}, {"b": 1}]
