"""A digest sees every change of a record, but not the order in which a warehouse added floats up."""

from customer_research.connect.request_log import digest_rows


def test_the_last_bits_of_a_float_do_not_change_a_digest() -> None:
    assert digest_rows([{"average": 0.1 + 0.2}]) == digest_rows([{"average": 0.3}])


def test_a_change_does() -> None:
    assert digest_rows([{"average": 0.3}]) != digest_rows([{"average": 0.3000001}])
    assert digest_rows([{"n": 3}]) != digest_rows([{"n": 4}])
    assert digest_rows([{"n": None}]) != digest_rows([{"n": 0}])
