"""RequestLogs, receipts and digests."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_research.connect.request_log import RequestLog, canonical_json, digest_rows, stamp

NOW = datetime(2026, 11, 1, tzinfo=UTC)
PLACE = "https://billing.example/api/v1"


def log(stream: str = "invoices") -> RequestLog:
    return RequestLog("lago", stream, PLACE, lambda: NOW)


def test_a_receipt_tells_the_requests_in_order() -> None:
    made = log()
    made.sent("GET", "/customers/abc/invoices?page=1&per_page=100")
    made.sent("POST", "/search", {"b": 1, "a": [True, None]})

    receipt = made.receipt([{"id": 1}, {"id": 2}], truncated=True)

    assert receipt.query.splitlines() == [
        "GET /customers/abc/invoices?page=1&per_page=100",
        'POST /search {"a":[true,null],"b":1}',
    ]
    assert (receipt.source, receipt.stream, receipt.place, receipt.fetched_at) == ("lago", "invoices", PLACE, NOW)
    assert (receipt.rows, receipt.requests, receipt.truncated) == (2, 2, True)


def test_a_receipt_may_prove_by_sql_and_parameters() -> None:
    made = log("charges")
    made.sent("POST", "/api/dataset", {})

    receipt = made.receipt([], query="SELECT 1", parameters={"operator": "abc", "as_of": NOW, "limit": 5})

    assert receipt.query == "SELECT 1"
    assert receipt.parameters == (("operator", "abc"), ("as_of", "2026-11-01T00:00:00Z"), ("limit", "5"))
    assert receipt.requests == 1


def test_ids_are_stable_and_differ_by_question_and_answer() -> None:
    def made(stream: str = "invoices", target: str = "/a", rows: tuple[dict[str, int], ...] = ({"id": 1},)) -> str:
        one = log(stream)
        one.sent("GET", target)
        return one.receipt(rows).id

    assert made() == made()
    assert len({made(), made(stream="payments"), made(target="/b"), made(rows=({"id": 2},)), made(rows=())}) == 5


def test_stamping_sets_the_receipt_without_changing_the_digest() -> None:
    rows: list[dict[str, object]] = [{"id": 1, "at": NOW}, {"id": 2, "at": None}]
    receipt = log().receipt(rows)

    stamped = stamp(rows, receipt)

    assert [row["fetch_id"] for row in stamped] == [receipt.id, receipt.id]
    assert digest_rows(stamped) == receipt.digest
    assert "fetch_id" not in rows[0]


def test_canonical_json_of_python_values() -> None:
    east = timezone(timedelta(hours=2))
    value = {"b": datetime(2026, 1, 1, 2, tzinfo=east), "a": date(2026, 1, 1), "c": Decimal("1.50"), "d": {"y", "x"}}

    assert canonical_json(value) == '{"a":"2026-01-01","b":"2026-01-01T00:00:00Z","c":"1.50","d":["x","y"]}'


def test_canonical_json_refuses_what_it_does_not_know() -> None:
    with pytest.raises(TypeError, match="object"):
        canonical_json(object())


rows_of_any_kind = st.lists(
    st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.text(max_size=9)), max_size=6
)


@given(rows_of_any_kind, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[dict[str, object]], random: Random) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert digest_rows(rows) == digest_rows(shuffled)


@given(rows_of_any_kind)
def test_one_row_more_is_another_digest(rows: list[dict[str, object]]) -> None:
    assert digest_rows(rows) != digest_rows([*rows, {"one": "more"}])
