"""What channels need to be told, beside what the vendors' own tables say (`slack`, `notion`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from customer_research.connect.settings import SettingsPart
from customer_research.domain.parsing import is_this_machine

Security = Literal["starttls", "tls", "none"]


class EmailSettings(SettingsPart):
    """The mail server by which messages leave (SMTP)."""

    host: str = Field("", description="The server; empty: no e-mail is sent")
    port: int = Field(587, ge=1, le=65535, description="Its port: 587 for starttls, 465 for tls")
    security: Security = Field(
        "starttls",
        description="starttls or tls, the certificate has to be the server's; none only to this machine itself",
    )
    user: str = Field("", description="Whom to sign in as; empty: nobody")
    password: SecretStr | None = Field(None, description="The password of that")
    sender: str = Field("", description="Whom messages are from: an address, or Name <address>")
    ca_file: Path | None = Field(None, description="Certificates of your own authority (PEM); empty: the system's")
    seconds: float = Field(30, gt=0, le=60, description="How long the server may take for one step")

    @model_validator(mode="after")
    def _safe(self) -> EmailSettings:
        if self.security == "none" and self.host and not is_this_machine(self.host):
            raise ValueError("must not be none for another machine: password and messages would be read on the way")
        return self


class WebhookPlace(SettingsPart):
    """A program that is told over HTTP."""

    url: SecretStr = Field(description="Its https address; it may hold a secret")
    secret: SecretStr = Field(description="With what it knows that a message is ours (whsec_...)")

    def __str__(self) -> str:
        return "(set)"


class WebhookSettings(SettingsPart):
    """Programs that are told over HTTP, signed as Standard Webhooks says."""

    places: Mapping[str, WebhookPlace] = Field(
        default_factory=dict, description="Names, each with url (https) and secret (whsec_...)"
    )
    allow_private: bool = Field(
        default=False, description="Addresses may lie in a private network, and be told over http: your own server's"
    )


class DeliverySettings(SettingsPart):
    """What holds for everything that is delivered."""

    folder: Path | None = Field(None, description="The folder of files that are delivered; empty: none are")
    at_once: int = Field(4, ge=1, le=32, description="Messages on their way at once, of one process")
    keep_days: int = Field(
        90, ge=1, description="How many days what a message said is kept after it was sent; that it was is kept on"
    )

    @field_validator("folder")
    @classmethod
    def _whole(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_absolute():
            raise ValueError("is no whole path")
        return value
