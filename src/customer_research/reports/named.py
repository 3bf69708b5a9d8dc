"""The words of records that a report's sentences may take in: names of operators and owners, and what the records of an account say.

Nobody needs them to read a report; who hands it to a language model keeps them apart from our own words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Receipt

_OF_SOMEBODY = frozenset({"operator_id", "owner_id", "subject"})
"""A record with one of these fields is about an operator or an owner, whom it names in one of `_NAMES`."""

_NAMES = ("name", "operator_name", "owner")


def words_of(subject: Any) -> Iterator[str]:
    """The words of records in what a report is made of."""
    if isinstance(subject, Account):
        yield from _of_account(subject)
    elif isinstance(subject, Mapping):
        for value in subject.values():
            yield from words_of(value)
    elif isinstance(subject, tuple | list | frozenset):
        for value in subject:
            yield from words_of(value)
    elif is_dataclass(subject) and not isinstance(subject, Fact | Receipt | type):
        named = {field.name for field in fields(subject)}
        if named & _OF_SOMEBODY:
            yield from (value for name in _NAMES if isinstance(value := getattr(subject, name, None), str))
        for name in named:
            value = getattr(subject, name)
            if not isinstance(value, str):
                yield from words_of(value)


def _of_account(account: Account) -> Iterator[str]:
    yield account.name
    for figure in account.figures.values():
        if isinstance(figure, Fact) and figure.unit == "text" and isinstance(figure.value, str):
            yield figure.value
    for found in account.records.values():
        for row in found.rows:
            yield from (value for value in row.values() if isinstance(value, str))
