"""What Lago needs to be told."""

from __future__ import annotations

from pydantic import Field, SecretStr

from customer_research.connect.settings import VendorSettings
from customer_research.domain.evidence import Gap


class LagoSettings(VendorSettings):
    """Billing (Lago). Key: a read-only API key of the organisation."""

    section = "lago"
    place = 1
    credential = "api_key"

    url: str = Field("https://api.getlago.com/api/v1", description="API base; EU: https://api.eu.getlago.com/api/v1")
    api_key: SecretStr | None = Field(None, description="API key (Bearer)")
    requests_per_second: float = Field(20, gt=0, description="Our share of the organisation's 50 requests a second")
    concurrency: int = Field(8, ge=1, description="Requests under way at once")

    def missing(self) -> Gap | None:
        """No key."""
        if self.secret:
            return None
        return Gap(
            source="lago",
            reason="not_configured",
            detail="No API key for Lago is set.",
            next_step="Set lago.api_key in the settings file or CUSTOMER_RESEARCH_LAGO__API_KEY to a read-only API key.",
        )


SETTINGS = LagoSettings
