"""What a source's own settings are made of, the bounds that hold for every vendor, and all settings as a source sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from customer_research.domain.evidence import Gap


class SettingsPart(BaseModel):
    """One table of the settings file."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @field_validator("api_key", "token", "signing_secret", "app_token", check_fields=False)
    @classmethod
    def _sendable(cls, value: SecretStr | None) -> SecretStr | None:
        """A credential as it can be sent in a header; a blank one is none."""
        text = value.get_secret_value().strip() if value is not None else ""
        if not all("!" <= sign <= "~" for sign in text):
            raise ValueError("holds a blank, a line break or a letter that no credential has; copy it again")
        return SecretStr(text) if text else None


class VendorSettings(SettingsPart):
    """A vendor's table: its address, the credential, our share of what it allows; a source adds what else it needs.

    `section` is the table's name in the file, `place` where it is shown among those of the other sources, `credential` the
    name of the field that holds the secret, `placed_by` of the one that says where the vendor is.
    """

    section: ClassVar[str]
    place: ClassVar[int]
    credential: ClassVar[str] = "token"
    placed_by: ClassVar[str] = "url"

    if TYPE_CHECKING:  # each source declares them itself, in the order in which they are shown
        url: str
        requests_per_second: float
        concurrency: int

    @property
    def secret(self) -> str:
        """The credential; empty when it is not set."""
        held: SecretStr | None = getattr(self, self.credential)
        return held.get_secret_value() if held is not None else ""

    @property
    def headers(self) -> dict[str, str]:
        """What is sent with every request."""
        return {"Authorization": f"Bearer {self.secret}"}

    def missing(self) -> Gap | None:
        """The gap that stands for the source while it is not configured; None when it is."""
        if self.secret:
            return None
        name = f"{self.section}.{self.credential}"
        return Gap(self.section, "not_configured", f"The setting {name} is missing.", f"Set {name} to a credential.")


class BoundsSettings(SettingsPart):
    """What is taken of a vendor at most: beyond it an answer is not read, a list not followed, and a gap says so."""

    body_mb: float = Field(16, gt=0, description="Megabytes of one answer, after unpacking")
    values: int = Field(1_000_000, ge=1, description="Values in one answer (its commas and opening brackets)")
    depth: int = Field(64, ge=1, description="Lists and objects of one answer that may lie in each other")
    pages: int = Field(1_000, ge=1, description="Pages of one list about one operator")
    bad_records: int = Field(
        100, ge=1, description="Records of one sync's stream that may be unreadable before it fails"
    )
    sync_body_mb: float = Field(100, gt=0, description="As body_mb, in a sync: an export holds many operators' records")
    sync_values: int = Field(3_000_000, ge=1, description="As values, in a sync")
    sync_pages: int = Field(100_000, ge=1, description="As pages, in a sync: pages of one list about all operators")

    @property
    def of_a_sync(self) -> BoundsSettings:
        """The bounds that hold in a sync."""
        own = {"body_mb": self.sync_body_mb, "values": self.sync_values, "pages": self.sync_pages}
        return self.model_copy(update=own)


V = TypeVar("V", bound=VendorSettings)


class SettingsTree(Protocol):
    """All settings, as a source sees them: its own table by its class, and what holds for every source."""

    @property
    def bounds(self) -> BoundsSettings:
        """What is taken of an answer and a list at most."""

    @property
    def deadline_seconds(self) -> float:
        """Total time a stream may take, retries included."""

    @property
    def reads_in_place(self) -> bool:
        """Whether the engine reads the warehouse's tables where they are, so that they need not be pulled."""

    def of(self, part: type[V]) -> V:
        """A source's own table."""
