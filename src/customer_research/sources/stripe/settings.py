"""What Stripe needs to be told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator

from customer_research.connect.settings import VendorSettings
from customer_research.domain.evidence import Gap

VERSION = "2026-10-28.endive"
"""The API that is spoken, whatever the account is set to. Names may change between releases that bear a name, within one they do not."""

RESTRICTED = ("rk_live_", "rk_test_")
"""What a restricted key begins with: it can be made to read four things, and no more."""

Homes = Literal["both", "connected", "platform"]
"""Where passengers' charges may be: on the operators' connected accounts, on the platform's own, or some here and some there."""


class StripeSettings(VendorSettings):
    """Card charges (Stripe itself). Key: a restricted key that may read charges and refunds, disputes and connected accounts."""

    section = "stripe"
    place = 8
    credential = "api_key"

    url: str = Field("https://api.stripe.com", description="API base")
    api_key: SecretStr | None = Field(
        None, description="Restricted key (rk_live_... or rk_test_...); empty: Stripe is not asked"
    )
    charges_on: Homes = Field(
        "both",
        description="Accounts that hold passengers' charges: connected (direct charges), platform (destination charges, on_behalf_of)"
        " or both; `doctor --online` counts them",
    )
    live_pages: int = Field(
        30, ge=1, description="Pages of 100 of one list that a report may read; an account with more is left to sync"
    )
    requests_per_second: float = Field(80, gt=0, description="Our share of Stripe's 100 a second")
    list_requests_per_second: float = Field(20, gt=0, description="Our share of the 25 a second of one list")
    concurrency: int = Field(8, ge=1, description="Requests under way at once")

    @field_validator("api_key")
    @classmethod
    def _restricted(cls, value: SecretStr | None) -> SecretStr | None:
        """A key that may only read what it was made for; a secret key moves money."""
        if value is None or value.get_secret_value().startswith(RESTRICTED):
            return value
        if value.get_secret_value().startswith("sk_"):
            raise ValueError(
                "is a secret key, which may do everything, payments included; make a restricted key (rk_...) and set that"
            )
        raise ValueError("is no restricted key; it begins with rk_live_ or rk_test_")

    @property
    def on_connected(self) -> bool:
        """Whether the connected accounts' own charges are read."""
        return self.charges_on != "platform"

    @property
    def on_platform(self) -> bool:
        """Whether the platform's charges are read, for those that are made for a connected account."""
        return self.charges_on != "connected"

    @property
    def headers(self) -> dict[str, str]:
        """The key, and the version of the API that is spoken."""
        return {**super().headers, "Stripe-Version": VERSION}

    def missing(self) -> Gap | None:
        """No key."""
        if self.secret:
            return None
        return Gap(
            "stripe",
            "not_configured",
            "No Stripe key is set.",
            "Set stripe.api_key (or CUSTOMER_RESEARCH_STRIPE__API_KEY) to a restricted key that may read charges and disputes.",
        )


SETTINGS = StripeSettings
