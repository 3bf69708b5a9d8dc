"""What the warehouse needs to be told: where Metabase is, and the relations behind it."""

from __future__ import annotations

from pydantic import Field, SecretStr

from customer_research.connect.settings import VendorSettings
from customer_research.domain.evidence import Gap


class MetabaseSettings(VendorSettings):
    """Warehouse through Metabase. Key: an API key whose group may run native queries on the Snowflake database."""

    section = "metabase"
    place = 3
    credential = "api_key"

    url: str = Field("", description="Metabase address, e.g. https://metabase.example.com")
    api_key: SecretStr | None = Field(None, description="API key (x-api-key)")
    database: int = Field(2, ge=1, description="Database id of Snowflake")
    requests_per_second: float = Field(10, gt=0, description="Our own limit: Metabase documents none")
    concurrency: int = Field(6, ge=1, description="Queries under way at once")
    reservations: str = Field("{{#642}}", description="Reservations relation: a card reference or SCHEMA.TABLE")
    charges: str = Field("MOZART_NEW.MOOVS_PLATFORM_CHARGES", description="Charge model relation (Card 855)")
    csm: str = Field("MOOVS.CSM_MOOVS", description="CSM master view relation (Card 1469)")
    operator: str = Field("POSTGRES_SWOOP.OPERATOR", description="Operator table of the app database")
    member: str = Field("POSTGRES_SWOOP.USER", description="User table of the app database")
    driver: str = Field("POSTGRES_SWOOP.DRIVER", description="Driver table of the app database")
    survey: str = Field("SWOOP.NPS_SURVEY", description="NPS/CSAT answers; empty: not available")
    raw_charge: str = Field("STRIPE_MOOVS.CHARGE", description="Raw Stripe charges, in cents")
    raw_dispute: str = Field("STRIPE_MOOVS.DISPUTE", description="Raw Stripe disputes, in cents")

    @property
    def headers(self) -> dict[str, str]:
        """Metabase's own header for keys."""
        return {"x-api-key": self.secret}

    def missing(self) -> Gap | None:
        """No address or no key."""
        absent = [name for name, there in (("url", self.url), ("api_key", self.secret)) if not there]
        if not absent:
            return None
        return Gap(
            "warehouse",
            "not_configured",
            f"The warehouse is not configured: {' and '.join(f'metabase.{name}' for name in absent)} not set.",
            "Set Metabase's address and an API key whose group may query the Snowflake database.",
        )


SETTINGS = MetabaseSettings
