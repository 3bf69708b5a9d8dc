"""What a term is read as, and which terms are refused in one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_research.errors import UsageError
from customer_research.identity.interpret import FREE_MAIL_REMARK, interpret

UUID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"


def kinds(term: str) -> list[tuple[str, str]]:
    return [(reading.kind, reading.value) for reading in interpret(term)]


@pytest.mark.parametrize(
    ("term", "readings"),
    [
        (UUID, [("operator_id", UUID)]),
        (f"op_{UUID.upper()}", [("operator_id", UUID)]),
        (f"<{UUID}>", [("operator_id", UUID)]),
        ("op_12345", [("legacy_id", "legacy:12345")]),
        ("acct_1AbCdEfGhIjKlMnO", [("stripe_account", "acct_1AbCdEfGhIjKlMnO")]),
        ("ACCT_1AbCdEfGhIjKlMnO", [("stripe_account", "ACCT_1AbCdEfGhIjKlMnO")]),
        ("ch_3AbCdEfGhIjKl", [("charge", "ch_3AbCdEfGhIjKl")]),
        ("py_3AbCdEfGhIjKl", [("charge", "py_3AbCdEfGhIjKl")]),
        ("Office@harbor.example.com", [("email", "office@harbor.example.com"), ("domain", "harbor.example.com")]),
        ("Ann Lee <ann@harbor.example.com>", [("email", "ann@harbor.example.com"), ("domain", "harbor.example.com")]),
        ("@harbor.example.com", [("domain", "harbor.example.com")]),
        (
            "https://www.harbor.example.com/x",
            [("domain", "harbor.example.com"), ("name", "https://www.harbor.example.com/x")],
        ),
        ("1.2345678901E10", [("hubspot_id", "12345678901"), ("name", "1.2345678901e10")]),
        ("Harbor Lantern", [("name", "harbor lantern")]),
        ("limousine-east-west-coast-transport1", [("name", "limousine-east-west-coast-transport1")]),
        ("operator-transport", [("name", "operator-transport")]),
        ("QF0012-33", [("confirmation", "QF0012-33"), ("name", "qf0012-33")]),
        ("Ride@Night", [("name", "ride@night")]),
        ("x' OR '1'='1", [("name", "x' or '1'='1")]),
    ],
)
def test_readings(term: str, readings: list[tuple[str, str]]) -> None:
    assert kinds(term) == readings


def test_digits_have_several_readings() -> None:
    assert ("hubspot_id", "12345678901") in kinds("12345678901")
    assert [kind for kind, _ in kinds("4155550123")] == ["hubspot_id", "phone", "confirmation", "name"]
    assert kinds("(415) 555-0123")[0] == ("phone", "4155550123")
    assert kinds("12345")[0] == ("legacy_id", "legacy:12345")


def test_free_mail_is_remarked() -> None:
    assert interpret("someone@gmail.com")[1].remark == FREE_MAIL_REMARK


@pytest.mark.parametrize(
    ("term", "sentence"),
    [
        ("", "blank"),
        (" \t\n\u200b ", "blank"),
        ("%", "wildcard"),
        ("_", "wildcard"),
        (" %_* ? ", "wildcard"),
        ("a", "one character"),
        ("'a'", "one character"),
        ("é", "one character"),
        ("--", "no letter or digit"),
        ("<>'", "no letter or digit"),
        ("a" * 101, "at most 100"),
        ("harbor " * 40, "at most 100"),
        ("a" * 10_000, "at most 100"),
        ("a" * 10_001, "10,001 characters"),
        ("1b4e28ba-2fa1-11d2-883f-0016d3cca42", "31 were found"),
        ("1b4e28ba-2fa1-11d2-883f-0016d3cca42z", "not an operator id"),
        ("00000000-0000-0000-0000-000000000000", "placeholder"),
        ("acct_123", "14 to 24"),
    ],
)
def test_refused_in_one_sentence(term: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as refused:
        interpret(term)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 160


@given(st.text(max_size=120))
def test_any_text_is_read_or_refused(term: str) -> None:
    try:
        readings = interpret(term)
    except UsageError:
        return
    assert readings


@pytest.mark.parametrize("piece", ["op_", '",', "<", "< @", "a.", "1-", "(", "a@", "--a"])
def test_long_hostile_terms_are_refused(piece: str) -> None:
    """Refused before any reading that could backtrack: the suite's time limit would tell."""
    with pytest.raises(UsageError):
        interpret(piece * (10_000 // len(piece)))
