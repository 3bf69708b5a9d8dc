"""A digest sees every change of a record, but not the order in which a warehouse added floats up."""

import hashlib
import json
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from customer_research.connect.request_log import digest_rows

_PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=["Cs"]))
_ROW = st.dictionaries(st.sampled_from(["a", "b", "ä", "fetch_id"]), _PLAIN | st.lists(_PLAIN, max_size=2))


@given(st.lists(_ROW, max_size=6))
def test_a_digest_is_that_of_each_rows_canonical_json(rows: list[dict[str, Any]]) -> None:
    def written(row: dict[str, Any]) -> str:
        kept = {name: value for name, value in row.items() if name != "fetch_id"}
        rounded = {name: float(f"{value:.12g}") if isinstance(value, float) else value for name, value in kept.items()}
        return json.dumps(rounded, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    told = "\n".join(sorted(map(written, rows)))
    assert digest_rows(rows) == hashlib.sha256(told.encode()).hexdigest()


_INSTANT = st.datetimes(timezones=st.sampled_from([UTC, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")]))


@given(st.lists(st.fixed_dictionaries({"at": _INSTANT | st.none(), "n": st.integers() | st.none()}), max_size=6))
def test_instants_are_written_in_utc(rows: list[dict[str, Any]]) -> None:
    def written(row: dict[str, Any]) -> str:
        at = None if row["at"] is None else row["at"].astimezone(UTC).isoformat().replace("+00:00", "Z")
        return json.dumps({"at": at, "n": row["n"]}, separators=(",", ":"))

    told = "\n".join(sorted(map(written, rows)))
    assert digest_rows(rows) == hashlib.sha256(told.encode()).hexdigest()


def test_the_last_bits_of_a_float_do_not_change_a_digest() -> None:
    assert digest_rows([{"average": 0.1 + 0.2}]) == digest_rows([{"average": 0.3}])


def test_a_change_does() -> None:
    assert digest_rows([{"average": 0.3}]) != digest_rows([{"average": 0.3000001}])
    assert digest_rows([{"n": 3}]) != digest_rows([{"n": 4}])
    assert digest_rows([{"n": None}]) != digest_rows([{"n": 0}])
