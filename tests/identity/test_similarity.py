"""Which texts are looked at more closely: those that share most pieces with what was asked for."""

from __future__ import annotations

from collections import Counter

import pytest

from customer_research.identity.similarity import _most


@pytest.mark.parametrize(
    ("most", "positions"),
    [
        (0, []),
        (1, [7]),
        (2, [7, 3]),  # of those that share as much the earlier ones
        (3, [7, 5, 3]),
        (4, [7, 5, 3, 1]),
        (9, [7, 5, 3, 1, 2]),
    ],
)
def test_those_that_share_most_come_first_and_the_last_step_is_cut_by_position(most: int, positions: list[int]) -> None:
    shared = Counter({5: 2, 3: 2, 1: 1, 7: 4, 2: 1})
    assert _most(shared, most) == positions
