"""The input of a batch, in every shape that people's files have."""

from __future__ import annotations

import pytest

from customer_research.errors import UsageError
from customer_research.research.batch.entries import Entry, read_entries


def _terms(content: bytes, name: str = "") -> list[tuple[int, str]]:
    return [(entry.line, entry.term) for entry in read_entries(content, name=name)]


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (b"a@b.example\nAlder\n", "", [(1, "a@b.example"), (2, "Alder")]),
        (b"\xef\xbb\xbfAlder\r\n\r\n  # note\r\n  Birch  \r\n", "book.txt", [(1, "Alder"), (4, "Birch")]),
        (b"Alder\rBirch", "", [(1, "Alder"), (2, "Birch")]),
        (b"Smith, Jones & Co\nAlder, Inc.\n", "book.txt", [(1, "Smith, Jones & Co"), (2, "Alder, Inc.")]),
        (b"operator_id\nAlder\n", "", [(2, "Alder")]),
        (b"Operator ID,MRR\nAlder,5\n,6\n#x,7\nBirch,8\n", "", [(2, "Alder"), (5, "Birch")]),
        (b'Alder,5\n"Smith, Jones & Co",6\n', "book.CSV", [(1, "Alder"), (2, "Smith, Jones & Co")]),
        (b"name;plan\nAlder;pro\n", "", [(2, "Alder")]),
        (b"Alder\tpro\nBirch\tvip\n", "book.tsv", [(1, "Alder"), (2, "Birch")]),
        (b'id,note\n"Alder\nLimo",x\nBirch,y\n', "", [(2, "Alder Limo"), (4, "Birch")]),
        ("Ñandú\nläge".encode("utf-16"), "", [(1, "Ñandú"), (2, "läge")]),
        (b"name\nname\n", "", [(2, "name")]),
    ],
)
def test_identifiers_are_read_with_their_lines(content: bytes, name: str, expected: list[tuple[int, str]]) -> None:
    assert _terms(content, name) == expected


def test_nothing_is_dropped_silently() -> None:
    content = "\n".join(f"operator {number}" for number in range(5000)).encode()
    assert len(_terms(content)) == 5000
    assert _terms(b"x\nx\n") == [(1, "x"), (2, "x")]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "names no operator"),
        (b"# only a note\n\n", "names no operator"),
        (b"operator_id\n", "names no operator"),
        (b"\xff\xfe\xfa", "not text"),
        (b"caf\xe9\n", "not text in UTF-8"),
        (b"a\0b\n", "not text"),
    ],
)
def test_what_is_no_input_is_refused_in_a_sentence(content: bytes, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_entries(content)


def test_an_entry_is_its_line_and_term() -> None:
    assert read_entries(b"\nAlder") == (Entry(2, "Alder"),)
