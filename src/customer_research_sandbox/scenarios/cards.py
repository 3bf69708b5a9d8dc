"""Scenarios about passengers' card charges and the paths on which they are found."""

from __future__ import annotations

from datetime import datetime

from customer_research_sandbox.scenarios.script import Script
from customer_research_sandbox.state import OperatorLife


def zero_decimal(as_of: datetime) -> list[OperatorLife]:
    """S14: thirty charges of 12,000 yen, only in the raw table."""
    script = Script(as_of, 14, "zero_decimal_currency", "Kogane Bay Transport").quiet(skip={"cards"})
    script.operator.charge_currency, script.operator.stripe_in_model = "jpy", False
    script.charges(30, 88, 2, minor=12_000)
    return [script.life]


def no_account_in_app(as_of: datetime) -> list[OperatorLife]:
    """S15: the app's operator table has no processor account, the CSM view has it."""
    script = Script(as_of, 15, "no_stripe_in_operator", "Sidedoor Gantry Cars").quiet()
    script.operator.stripe_account_in_app = None
    return [script.life]


def raw_only(as_of: datetime) -> list[OperatorLife]:
    """S16: the charges model knows nothing of the account, the raw table has 30 charges of 100 USD."""
    script = Script(as_of, 16, "model_missing_raw_present", "Rawstone Quay Livery")
    script.operator.stripe_in_model = False
    return [script.quiet().life]


def no_card_processing(as_of: datetime) -> list[OperatorLife]:
    """S17: no processor account anywhere."""
    script = Script(as_of, 17, "no_card_processing", "Cashbox Lane Limousine").quiet(skip={"cards"})
    script.operator.stripe_account = script.operator.stripe_account_in_app = None
    return [script.life]


def big_operator_declines(as_of: datetime) -> list[OperatorLife]:
    """S18: 3,000 charges in 90 days, 120 failed: thirty cards, each tried four times in a row between good ones."""
    script = Script(as_of, 18, "big_operator_declines", "Grandvale Metro Chauffeurs", plan="vip-monthly")
    script.operator.vehicles, script.operator.drivers, script.operator.members = 60, 70, 12
    script.bill(script.subscribe("vip-monthly", 720), range(24))
    script.quiet(skip={"billing", "cards"})
    step = 86 / 30
    for group in range(30):
        start = 88 - group * step
        script.charges(96, start, start - step * 0.9)
        script.charges(4, start - step * 0.9, start - step, failed=True, card=f"5ce5cluster{group:03d}")
    return [script.life]


def tiny_operator_decline(as_of: datetime) -> list[OperatorLife]:
    """S19: four charges, one of them failed."""
    script = Script(as_of, 19, "tiny_operator_decline", "Smallgate Cars").quiet(skip={"cards"})
    script.charges(2, 60, 40)
    script.charges(1, 40, 30, failed=True)
    script.charges(1, 30, 10)
    return [script.life]


def active_dispute(as_of: datetime) -> list[OperatorLife]:
    """S20: a dispute of 900 USD needs a response, an old one was lost; a ticket is open since three days."""
    script = Script(as_of, 20, "active_dispute", "Claimsworth Harbor Limousine").quiet(skip={"cards"})
    script.charges(1, 201, 199, dispute=("lost", 170))
    script.charges(29, 88, 2)
    script.charges(1, 41, 39, minor=90_000, dispute=("needs_response", 9))
    script.ticket(3, tags=[script.operator.name])
    return [script.life]


def zero_success(as_of: datetime) -> list[OperatorLife]:
    """S39: twenty-five attempts on twenty-five cards, all failed."""
    script = Script(as_of, 39, "zero_success", "Deadbolt Vista Cars").quiet(skip={"cards"})
    script.charges(25, 60, 2, failed=True)
    return [script.life]
