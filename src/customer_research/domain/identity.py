"""Identity: the identifiers that an operator goes by, and what a lookup answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

IdKind = Literal[
    "operator_id",
    "legacy_id",
    "stripe_account",
    "hubspot_id",
    "email",
    "domain",
    "phone",
    "name",
    "confirmation",
    "charge",
    "invoice",
    "ticket",
]
"""What a term was understood as."""


@dataclass(frozen=True, slots=True)
class Interpretation:
    """How a term was read: its kind, its normalised value, and remarks for the reader (never the raw term's markup)."""

    kind: IdKind
    value: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One operator as the lookup directory knows it (CSM rows collapsed to one).

    `mrr_minor` is USD minor units over active rows; None when the view has no figure. `status` is the collapsed
    LAGO_STATUS (active, pending, terminated, canceled) and `churned` is what its last event says. `proof` names the receipts (by
    id) that brought the rows it was made of.
    """

    operator_id: str
    name: str
    email: str | None = None
    phone: str | None = None
    domain: str | None = None
    stripe_account: str | None = None
    hubspot_id: str | None = None
    plan_code: str | None = None
    plan_name: str | None = None
    status: str | None = None
    churned: bool = False
    mrr_minor: int | None = None
    city: str | None = None
    rows: int = 1
    proof: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """One answer of a lookup: the operator, the rule that found it, the sentence that says why, and how sure (0 to 1).

    `proof` names the receipts (by id) of the record that tells whose the term is, where that is another than the candidate's.
    """

    candidate: Candidate
    how: str
    because: str
    confidence: float
    proof: tuple[str, ...] = ()

    @property
    def operator_id(self) -> str:
        """The operator's canonical id."""
        return self.candidate.operator_id


@dataclass(frozen=True, slots=True)
class LookupAnswer:
    """What a lookup found: readings of the term, ranked matches, the single best only when unambiguous.

    `total` counts distinct operators that matched (the list holds at most ten); `reasons` and `next_steps` are filled
    when nothing matched; `hints` tell of near misses (a Stripe account that differs only in case).
    """

    term: str
    interpretations: tuple[Interpretation, ...]
    matches: tuple[Match, ...]
    best: Match | None
    total: int
    reasons: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()

    @property
    def ambiguous(self) -> bool:
        """More than one operator matched and none stands out."""
        return self.best is None and bool(self.matches)
