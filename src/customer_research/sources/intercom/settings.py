"""What Intercom needs to be told."""

from __future__ import annotations

from pydantic import Field, SecretStr

from customer_research.connect.settings import VendorSettings
from customer_research.domain.evidence import Gap

VERSION = "2.16"
"""The API that is spoken: before 2.15 a conversation names no company, before 2.16 nobody tells what was deleted."""


class IntercomSettings(VendorSettings):
    """Support chat (Intercom). Token: an access token of a private app that may read conversations, people, companies and tickets."""

    section = "intercom"
    place = 5

    url: str = Field(
        "https://api.intercom.io",
        description="API base of the workspace's region: https://api.intercom.io, https://api.eu.intercom.io or"
        " https://api.au.intercom.io",
    )
    token: SecretStr | None = Field(None, description="Access token (Bearer); empty: no support chat is read or shown")
    workspace: str = Field("", description="Workspace id, for links to conversations; empty: no links")
    requests_per_second: float = Field(50, gt=0, description="Our share of the 10,000 a minute of one app")
    concurrency: int = Field(8, ge=1, description="Requests under way at once")

    @property
    def headers(self) -> dict[str, str]:
        """The token, and the version of the API that is spoken: without it the app's own setting would decide."""
        return {**super().headers, "Intercom-Version": VERSION}

    def missing(self) -> Gap | None:
        """No token."""
        if self.secret:
            return None
        return Gap(
            "intercom",
            "not_configured",
            "No Intercom token is set.",
            "Set intercom.token (or CUSTOMER_RESEARCH_INTERCOM__TOKEN) to the access token of an app that may read conversations.",
        )


SETTINGS = IntercomSettings
