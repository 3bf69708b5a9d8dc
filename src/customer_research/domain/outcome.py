"""What people record of an account, and no system knows: what was done to keep it, and why it left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

Intervention = Literal["call", "meeting", "email", "save_offer", "discount", "training", "escalation", "other"]
"""What was done about an account that may leave."""

ChurnReason = Literal[
    "price",
    "product_fit",
    "support",
    "competitor",
    "business_closed",
    "budget",
    "internal",
    "implementation",
    "other",
]
"""Why an account left."""

ChurnKind = Literal["voluntary", "non_payment"]
"""Whether it left by choice, or because it did not pay."""

RecordKind = Literal["intervention", "churn", "retraction"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One record; records are added and never changed: a wrong one is retracted by another, which names it in `retracts`.

    For an intervention `what` says which; for a churn it is the reason, `secondary` a second one, `churn_kind` its kind,
    `competitor` who won it, `lost_minor` the MRR lost in USD cents (None: not told), `returns` whether it may come back.
    `on` is the day it happened, `who` recorded it at `recorded_at`.
    """

    id: str
    kind: RecordKind
    operator_id: str
    name: str
    on: date
    what: str
    who: str
    recorded_at: datetime
    note: str = ""
    secondary: str = ""
    churn_kind: str = ""
    competitor: str = ""
    lost_minor: int | None = None
    returns: bool | None = None
    retracts: str = ""
