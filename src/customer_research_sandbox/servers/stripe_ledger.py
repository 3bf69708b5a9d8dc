"""What Stripe knows of the world: connected accounts, and charges, refunds and disputes on the account where each lives.

It is made of the very records that the warehouse has from Stripe. A direct charge lives on the operator's connected account. A charge
that the platform takes for an operator lives on the platform; where it succeeded, the connected account has the other side
of the transfer, which is a payment, too, and no further charge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Any, Literal
from zlib import crc32

from customer_research_sandbox.dataset import ProjectedRows, Relation, Row

Home = Literal["direct", "destination", "on_behalf_of"]
"""direct: charged on the connected account; destination: on the platform, which sends the money on; on_behalf_of: on the platform in
the operator's name."""

REVOKED, DINARS = "acct_1SandboxRevoked", "acct_1SandboxDinars"
"""Accounts of nobody: one that took its permission back, and one that is paid in Kuwaiti dinars."""

_ELSEWHERE = 40
"""One account in so many is charged on the platform in either way."""

_FEW = 100
"""Only accounts with fewer charges: the platform's list stays one that a report may read."""

_TRY_AGAIN_SECONDS = 900
"""An attempt so soon after a failed one of the same amount belongs to the same intent."""

_OWN = 7
"""Charges of the platform's own, which are for no operator."""


def home_of(account: str) -> Home:
    """Where the sandbox charges for an account with few charges."""
    share = crc32(account.encode()) % _ELSEWHERE
    return "destination" if share == 0 else "on_behalf_of" if share == _ELSEWHERE // 2 else "direct"


@dataclass(slots=True)
class Owned:
    """One connected account: where it is charged, and its records, oldest first."""

    home: Home
    charges: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)
    disputes: list[Row] = field(default_factory=list)


class Accounts(Mapping[str, Owned]):
    """Connected accounts by id; the records of one are made when it is asked for, for a world has a hundred thousand."""

    def __init__(self, warehouse: Mapping[str, Relation]) -> None:
        self._rows: dict[str, Sequence[Row]] = {
            name: there.rows if (there := warehouse.get(f"STRIPE_MOOVS.{name}")) is not None else ()
            for name in ("CHARGE", "REFUND", "DISPUTE")
        }
        self._places = {name: _by_account(rows) for name, rows in self._rows.items()}
        self._made: dict[str, Owned] = {}

    def add(self, name: str, owner: Owned) -> None:
        """Connect another account."""
        self._made[name] = owner

    def on_platform(self) -> list[tuple[str, Owned]]:
        """Those that are charged on the platform."""
        there = [name for name in self if name in self._made or self._home(name) != "direct"]
        return [(name, self[name]) for name in there if self[name].home != "direct"]

    def __getitem__(self, name: str) -> Owned:
        if name not in self._made:
            if name not in self._places["CHARGE"]:
                raise KeyError(name)
            charges, refunds, disputes = (
                [shown(self._rows[kind][place]) for place in self._places[kind].get(name, ())]
                for kind, shown in (("CHARGE", _charge), ("REFUND", _refund), ("DISPUTE", _dispute))
            )
            charges.sort(key=_age)
            _intents(charges)
            self._made[name] = Owned(self._home(name), charges, refunds, disputes)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._places["CHARGE"], *self._made)))

    def __len__(self) -> int:
        return len({*self._places["CHARGE"], *self._made})

    def _home(self, name: str) -> Home:
        return home_of(name) if len(self._places["CHARGE"][name]) < _FEW else "direct"


def _by_account(rows: Sequence[Row]) -> dict[str, list[int]]:
    """Account → where its rows are; of compact records no row is made for that."""
    whose = (
        (one.account for one in rows.records)
        if isinstance(rows, ProjectedRows)
        else (row["CONNECTED_ACCOUNT_ID"] for row in rows)
    )
    found: dict[str, list[int]] = {}
    for place, account in enumerate(whose):
        found.setdefault(account, []).append(place)
    return found


class Ledger:
    """All accounts of one platform. A test changes records, homes, `revoked` and `permissions`; what it changed is served at once."""

    def __init__(self, warehouse: Mapping[str, Relation], as_of: datetime) -> None:
        self._warehouse = warehouse
        self._as_of = as_of
        self.revoked = {REVOKED}
        """Accounts that are no longer connected."""
        self.shut = set[str]()
        """Accounts that are listed as connected, and may not be looked at all the same."""
        self.permissions = {"charges", "refunds", "disputes", "accounts"}
        """What the key may list."""
        self.connect = True
        """Whether the key's permissions hold on connected accounts, too."""

    @cached_property
    def accounts(self) -> Accounts:
        """The connected accounts by their ids."""
        found = Accounts(self._warehouse)
        found.add(REVOKED, Owned("direct"))
        found.add(DINARS, Owned("direct", [self._extra(n, 12_340 + 10 * n, "kwd") for n in range(3)]))
        return found

    @cached_property
    def own(self) -> list[Row]:
        """The platform's own charges, made for no operator."""
        return [self._extra(100 + number, 4_900, "usd") for number in range(_OWN)]

    def _extra(self, number: int, amount: int, currency: str) -> Row:
        row = {
            "ID": f"ch_1Sandbox{number:04d}", "CREATED": self._as_of.replace(hour=0), "STATUS": "succeeded",
            "AMOUNT": amount, "AMOUNT_REFUNDED": 0, "CURRENCY": currency, "CARD_ID": None, "OUTCOME_REASON": None,
            "OUTCOME_SELLER_MESSAGE": None, "OUTCOME_TYPE": "authorized", "OUTCOME_NETWORK_STATUS": "approved_by_network",
            "OUTCOME_RISK_LEVEL": "normal", "OUTCOME_RISK_SCORE": 5, "PAID": True, "CAPTURED": True, "REFUNDED": False,
            "DISPUTED": False, "BILLING_DETAILS_NAME": None, "FAILURE_CODE": None, "FAILURE_MESSAGE": None,
        }  # fmt: skip
        made = _charge(row)
        return {**made, "created": made["created"] - 86_400 * (number % 50 + 1)}

    # -- what an account lists ----------------------------------------------------------------------------------------

    def listed(self, kind: str, account: str | None) -> list[Row]:
        """The records of a kind that an account lists, newest first; None: the platform."""
        if kind == "accounts":
            return sorted((account_row(name, self._as_of) for name in self.accounts if name not in self.revoked), key=_age, reverse=True)  # fmt: skip
        if account is None:
            elsewhere = self.accounts.on_platform()
            made = chain.from_iterable(self._for(kind, name, one) for name, one in elsewhere)
            rows = [*made, *(self.own if kind == "charges" else ())]
        else:
            owner = self.accounts[account]
            rows = list(getattr(owner, kind)) if owner.home == "direct" else self._mirrors(kind, owner)
        return sorted(rows, key=_age, reverse=True)

    @staticmethod
    def _for(kind: str, name: str, owner: Owned) -> list[Row]:
        """An operator's records as the platform has them."""
        rows: list[Row] = getattr(owner, kind)
        return [_made_for(row, name, owner.home) for row in rows] if kind == "charges" else rows

    @staticmethod
    def _mirrors(kind: str, owner: Owned) -> list[Row]:
        """What a connected account has of charges that the platform took for it."""
        if kind != "charges":
            return []
        return [
            {**row, "id": f"py_{row['id'][3:]}", "source_transfer": f"tr_{row['id'][3:]}", "payment_intent": None}
            for row in owner.charges
            if row["status"] == "succeeded"
        ]

    def charge(self, identifier: str, account: str | None) -> Row | None:
        """A charge as an account lists it."""
        return next((row for row in self.listed("charges", account) if row["id"] == identifier), None)


def _age(row: Row) -> tuple[int, str]:
    return row["created"], row["id"]


def _made_for(row: Row, account: str, home: Home) -> Row:
    sent_on = {"amount": None, "destination": account} if home == "destination" else None
    return {**row, "transfer_data": sent_on, "on_behalf_of": account if home == "on_behalf_of" else None}


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _intents(charges: list[Row]) -> None:
    """Give attempts the intent that each belongs to."""
    before: dict[int, Row] = {}
    for row in charges:
        last = before.get(row["amount"])
        soon = last is not None and last["status"] == "failed" and row["created"] - last["created"] < _TRY_AGAIN_SECONDS
        row["payment_intent"] = last["payment_intent"] if soon and last is not None else f"pi_{row['id'][3:]}"
        before[row["amount"]] = row


def account_row(name: str, as_of: datetime) -> Row:
    """A connected account as `GET /v1/accounts` shows it."""
    return {
        "id": name, "object": "account", "business_profile": {"mcc": "4121", "name": None, "url": None},
        "business_type": "company", "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True, "controller": {"type": "application"}, "country": "US",
        "created": _seconds(as_of) - 86_400 * 900 - crc32(name.encode()) % 86_400, "default_currency": "usd",
        "details_submitted": True, "email": None, "metadata": {}, "payouts_enabled": True, "type": "standard",
    }  # fmt: skip


def _charge(row: Mapping[str, Any]) -> Row:
    """A charge as `GET /v1/charges` shows it, without what depends on where it lives."""
    succeeded = row["STATUS"] == "succeeded"
    return {
        "id": row["ID"], "object": "charge", "amount": row["AMOUNT"], "amount_captured": row["AMOUNT"] if succeeded else 0,
        "amount_refunded": row["AMOUNT_REFUNDED"], "application": None, "application_fee_amount": None,
        "balance_transaction": f"txn_{row['ID'][3:]}" if succeeded else None,
        "billing_details": {"address": None, "email": None, "name": row["BILLING_DETAILS_NAME"], "phone": None, "tax_id": None},
        "calculated_statement_descriptor": None, "captured": row["CAPTURED"], "created": _seconds(row["CREATED"]),
        "currency": row["CURRENCY"].lower(), "customer": None, "description": None, "disputed": row["DISPUTED"],
        "failure_code": row["FAILURE_CODE"], "failure_message": row["FAILURE_MESSAGE"], "fraud_details": {}, "livemode": False,
        "metadata": {}, "on_behalf_of": None,
        "outcome": {
            "advice_code": None, "network_advice_code": None, "network_decline_code": None,
            "network_status": row["OUTCOME_NETWORK_STATUS"], "reason": row["OUTCOME_REASON"],
            "risk_level": row["OUTCOME_RISK_LEVEL"], "risk_score": row["OUTCOME_RISK_SCORE"],
            "seller_message": row["OUTCOME_SELLER_MESSAGE"], "type": row["OUTCOME_TYPE"],
        },
        "paid": row["PAID"], "payment_intent": None, "payment_method": row["CARD_ID"],
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242", "funding": "credit"}},
        "receipt_email": None, "receipt_number": None, "receipt_url": None, "refunded": row["REFUNDED"], "review": None,
        "shipping": None, "source": None, "source_transfer": None, "statement_descriptor": None,
        "statement_descriptor_suffix": None, "status": row["STATUS"], "transfer_data": None, "transfer_group": None,
    }  # fmt: skip


def _refund(row: Mapping[str, Any]) -> Row:
    return {
        "id": row["ID"], "object": "refund", "amount": row["AMOUNT"], "balance_transaction": None, "charge": row["CHARGE_ID"],
        "created": _seconds(row["CREATED"]), "currency": row["CURRENCY"].lower(), "destination_details": None, "metadata": {},
        "payment_intent": None, "reason": row["REASON"], "receipt_number": None, "source_transfer_reversal": None,
        "status": row["STATUS"], "transfer_reversal": None,
    }  # fmt: skip


def _dispute(row: Mapping[str, Any]) -> Row:
    return {
        "id": row["ID"], "object": "dispute", "amount": row["AMOUNT"], "balance_transactions": [], "charge": row["CHARGE_ID"],
        "created": _seconds(row["CREATED"]), "currency": row["CURRENCY"].lower(), "enhanced_eligibility_types": [],
        "evidence": {}, "evidence_details": {"due_by": None, "has_evidence": False, "past_due": False, "submission_count": 0},
        "is_charge_refundable": row["STATUS"].startswith("warning_"), "livemode": False, "metadata": {}, "payment_intent": None,
        "reason": row["REASON"], "status": row["STATUS"],
    }  # fmt: skip


def refund_row(identifier: str, charge: Row, amount: int, created: datetime) -> Row:
    """A refund that somebody makes of a charge later."""
    told = {
        "ID": identifier, "AMOUNT": amount, "CHARGE_ID": charge["id"], "CREATED": created, "CURRENCY": charge["currency"],
        "REASON": "requested_by_customer", "STATUS": "succeeded",
    }  # fmt: skip
    return _refund(told)


def dispute_row(identifier: str, charge: Row, status: str, created: datetime) -> Row:
    """A dispute, or with a status `warning_...` an inquiry, of a charge."""
    told = {
        "ID": identifier, "AMOUNT": charge["amount"], "CHARGE_ID": charge["id"], "CREATED": created,
        "CURRENCY": charge["currency"], "REASON": "fraudulent", "STATUS": status,
    }  # fmt: skip
    return _dispute(told)
