"""Advice: what a playbook says to do about an operator, and what raised it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from customer_research.domain.evidence import Fact
from customer_research.domain.vocabularies import Severity

Area = Literal["call", "account", "growth"]
"""Where it is done: on the call, on the account, or for growth."""

Meeting = Literal["check-in", "qbr", "renewal", "escalation", "expansion"]
"""The kinds of talks with an operator."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do about an operator.

    `play` is the playbook's entry, `source` the rule or finding that raised it (the play itself where a condition did),
    `because` what it says and `facts` the proof (never empty). `meetings` are the
    talks in which it is a topic (none: any).
    """

    play: str
    area: Area
    priority: Severity
    owner: str
    action: str
    source: str
    because: str
    facts: tuple[Fact[Any], ...]
    meetings: tuple[Meeting, ...] = ()
