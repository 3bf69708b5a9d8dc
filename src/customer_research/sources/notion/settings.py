"""What Notion needs to be told: where the tickets are, and where reports go."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, SecretStr

from customer_research.connect.settings import VendorSettings
from customer_research.domain.evidence import Gap


class NotionSettings(VendorSettings):
    """Tickets (Notion), and where reports are exported to. Token: an internal integration that both are shared with."""

    section = "notion"
    place = 4

    url: str = Field("https://api.notion.com/v1", description="API base")
    token: SecretStr | None = Field(None, description="Integration token (Bearer)")
    version: str = Field("2026-03-11", description="Notion-Version: 2026-03-11, 2025-09-03 or 2022-06-28")
    tickets_database: str = Field("13b8aeaa-3759-80f8-8d7c-dd2f627d2578", description="Tickets database id")
    tickets_data_source: str = Field("", description="Its data source id, when known (saves a request)")
    properties: Mapping[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="What your tickets' properties are called where not as usual: what for → names, e.g. priority → Urgency",
    )
    other_data_sources: tuple[str, ...] = Field(
        (), description="Data sources of the tickets database that hold no tickets, by name or id"
    )
    reports_data_source: str = Field("", description="Data source that reports are exported to; empty: no export")
    aliases: Mapping[str, tuple[str, ...]] = Field(default_factory=dict, description="Operator id → ticket tags")
    requests_per_second: float = Field(3, gt=0, description="Average over time; Retry-After rules")
    concurrency: int = Field(4, ge=1, description="Requests under way at once")

    @property
    def headers(self) -> dict[str, str]:
        """The token, and the generation of the API that is spoken."""
        return {**super().headers, "Notion-Version": self.version}

    def missing(self) -> Gap | None:
        """No token, or no tickets."""
        if not self.secret:
            detail = "No Notion token is set."
            step = "Set notion.token (or CUSTOMER_RESEARCH_NOTION__TOKEN) to the token of an integration that may read the tickets."
        elif not (self.tickets_database or self.tickets_data_source):
            detail, step = "No tickets database is set.", "Set notion.tickets_database to its id."
        else:
            return None
        return Gap("notion", "not_configured", detail, step)


SETTINGS = NotionSettings
