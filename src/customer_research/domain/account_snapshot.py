"""What a report was made of, kept: one operator's account, and the program that read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from customer_research.domain.account import Account


@dataclass(frozen=True, slots=True)
class Code:
    """The program that took a snapshot: its version, the SHA-256 of its files, and the libraries that decide a report's bytes."""

    version: str
    digest: str
    libraries: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """One operator's account as it was read. `id` is taken from its content: the same content has the same id."""

    id: str
    account: Account
    code: Code
