"""What reading reviews needs to be told."""

from __future__ import annotations

from pydantic import Field, SecretStr

from customer_research.connect.settings import VendorSettings


class G2Settings(VendorSettings):
    """G2: reviews that operators wrote about our product, with your own account's token."""

    section = "g2"
    place = 30

    url: str = Field("https://data.g2.com/api/v2", description="API base")
    token: SecretStr | None = Field(None, description="API token of your G2 account (scope products.reviews.read)")
    product: str = Field("", description="Your product's id at G2")
    licence: str = Field(
        "our G2 account's contract",
        min_length=1,
        description="Under which contract its reviews are kept: shown beside them",
    )
    whole_days: int = Field(
        7, ge=0, description="Days after which all reviews are asked for again: G2 does not tell what was deleted"
    )
    requests_per_second: float = Field(
        5, gt=0, le=40, description="Requests a second; beyond 100 from your address G2 is silent for 60 s"
    )
    concurrency: int = Field(1, ge=1, description="Requests under way at once")


class GooglePlacesSettings(VendorSettings):
    """Google Places (New): what passengers wrote about an operator, shown while you look and never kept."""

    section = "google_places"
    place = 31
    credential = "api_key"

    url: str = Field("https://places.googleapis.com/v1", description="API base")
    api_key: SecretStr | None = Field(None, description="API key with Places API (New); each look is charged")
    requests_per_second: float = Field(5, gt=0, description="Requests a second")
    concurrency: int = Field(1, ge=1, description="Requests under way at once")

    @property
    def headers(self) -> dict[str, str]:
        """The key goes in a header: an address ends up in logs."""
        return {"X-Goog-Api-Key": self.secret}
