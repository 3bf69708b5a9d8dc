"""What a session learns only once."""

from __future__ import annotations

import asyncio

import pytest

from customer_research.connect.session import Once


def test_a_value_is_fetched_once_however_many_ask_at_the_same_time() -> None:
    fetched: list[int] = []

    async def fetch() -> int:
        await asyncio.sleep(0)
        fetched.append(1)
        return len(fetched)

    async def go() -> list[int]:
        once: Once[int] = Once()
        return await asyncio.gather(*(once.get(fetch) for _ in range(5)))

    assert asyncio.run(go()) == [1] * 5
    assert fetched == [1]


def test_a_failure_is_not_kept() -> None:
    async def fail() -> int:
        raise ValueError("not now")

    async def give() -> int:
        return 7

    async def go() -> int:
        once: Once[int] = Once()
        with pytest.raises(ValueError, match="not now"):
            await once.get(fail)
        return await once.get(give)

    assert asyncio.run(go()) == 7
