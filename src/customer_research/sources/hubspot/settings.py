"""What HubSpot needs to be told."""

from __future__ import annotations

from pydantic import Field, SecretStr

from customer_research.connect.settings import VendorSettings
from customer_research.domain.evidence import Gap


class HubSpotSettings(VendorSettings):
    """CRM (HubSpot). Token: a service key (or an existing private app's token) with read scopes."""

    section = "hubspot"
    place = 2

    url: str = Field("https://api.hubapi.com", description="API base")
    token: SecretStr | None = Field(None, description="Service key or private-app token (Bearer)")
    version: str = Field("2026-09", description="API version: a date (2026-09) or v3 for the legacy paths")
    operator_properties: tuple[str, ...] = Field(
        ("operator_id", "moovs_operator_id"),
        description="Company properties that may hold the operator id, first existing wins",
    )
    requests_per_second: float = Field(15, gt=0, description="General limit; search has its own 4 a second")
    concurrency: int = Field(8, ge=1, description="Requests under way at once")

    def missing(self) -> Gap | None:
        """No token."""
        if self.secret:
            return None
        return Gap(
            "hubspot",
            "not_configured",
            "No HubSpot token is set.",
            "Set hubspot.token (or CUSTOMER_RESEARCH_HUBSPOT__TOKEN) to a service key with the scopes of the HubSpot page.",
        )


SETTINGS = HubSpotSettings
