"""What is set of company facts and of those who tell them."""

from __future__ import annotations

from pydantic import Field, SecretStr

from customer_research.connect.settings import SettingsPart, VendorSettings
from customer_research.domain.evidence import Gap

_KEPT = "Days after which a value is too old to use"


class FactsSettings(SettingsPart):
    """Company facts: what others say of an operator's firm (`facts fetch`, `facts import`)."""

    miss_days: int = Field(
        90, ge=1, description="Days for which a provider that knew no such firm is not asked for it again"
    )
    hubspot_keep_days: int = Field(180, ge=1, description=f"{_KEPT} that HubSpot told")
    usdot_property: str = Field(
        "", description="HubSpot company property that holds the USDOT number; empty: HubSpot does not have it"
    )


class FmcsaSettings(VendorSettings):
    """The US DOT's census of carriers (FMCSA), as open data; it needs no key."""

    section = "fmcsa"
    place = 30

    url: str = Field("https://data.transportation.gov", description="Where the open data lie")
    dataset: str = Field("az4n-8mr2", pattern="^[a-z0-9]{4}-[a-z0-9]{4}$", description="The Company Census File's id")
    keep_days: int = Field(90, ge=1, description=_KEPT)
    requests_per_second: float = Field(2, gt=0, description="Requests a second")
    concurrency: int = Field(2, ge=1, description="Requests under way at once")

    @property
    def secret(self) -> str:
        """There is none."""
        return ""

    @property
    def headers(self) -> dict[str, str]:
        """Nothing is sent beside the question."""
        return {}

    def missing(self) -> Gap | None:
        """Nothing is missing: anybody may ask."""
        return None


class PeopleDataLabsSettings(VendorSettings):
    """People Data Labs: data on companies, a credit a match."""

    section = "people_data_labs"
    place = 31
    credential = "api_key"

    url: str = Field("https://api.peopledatalabs.com", description="API base")
    api_key: SecretStr | None = Field(None, description="API key; empty: it is not asked")
    budget: int = Field(100, ge=0, description="Credits that may be spent in a calendar month (UTC)")
    min_likelihood: int = Field(
        6,
        ge=1,
        le=10,
        description="How sure it has to be of a match, 1 to 10: below, it answers with none and takes nothing",
    )
    keep_days: int = Field(180, ge=1, description=f"{_KEPT}; it is deleted then")
    requests_per_second: float = Field(
        0.16, gt=0, description="Requests a second: 10 a minute are allowed on the free plan, 1,000 on others"
    )
    concurrency: int = Field(1, ge=1, description="Requests under way at once")

    @property
    def headers(self) -> dict[str, str]:
        """The key."""
        return {"X-Api-Key": self.secret}

    def missing(self) -> Gap | None:
        """No key."""
        if self.secret:
            return None
        return Gap(
            "people_data_labs",
            "not_configured",
            "No key of People Data Labs is set.",
            "Set people_data_labs.api_key (or CUSTOMER_RESEARCH_PEOPLE_DATA_LABS__API_KEY).",
        )
