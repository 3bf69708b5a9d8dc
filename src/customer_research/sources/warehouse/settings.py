"""What the warehouse needs to be told: where Metabase is and the relations behind it, or how Snowflake itself lets us in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from customer_research.connect.settings import SettingsTree, VendorSettings
from customer_research.domain.evidence import Gap
from customer_research.domain.parsing import is_this_machine


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


RESERVATIONS = "FACT.MOOVS_OPERATOR_RESERVATIONS"
"""Where the reservations are that Metabase knows as a card; a card's number means nothing to Snowflake."""


def in_snowflake(settings: MetabaseSettings) -> MetabaseSettings:
    """The relations as Snowflake itself has them: a card's reference is the table behind it."""
    if not settings.reservations.strip().startswith("{{"):
        return settings
    return settings.model_copy(update={"reservations": RESERVATIONS})


Way = Literal["key_pair", "oauth", "token"]
"""How a program is let in by Snowflake: a key pair, OAuth client credentials, a programmatic access token."""

WAYS: Mapping[Way, str] = MappingProxyType({"key_pair": "private_key_file", "oauth": "client_secret", "token": "token"})
"""Way → the setting that holds its credential."""

_ACCOUNT = re.compile(r"[A-Za-z0-9_]+(?:[.-]+[A-Za-z0-9_]+)*")
_ADDRESS = re.compile(r"https?://([^/?#@:]+)(:\d+)?(/[^?#]*)?")


class SnowflakeSettings(VendorSettings):
    """Warehouse by Snowflake itself. With account, url, user or a way in set, queries go there and not to Metabase.

    Exactly one way in: a key pair (`private_key_file`), OAuth client credentials (`client_id`), or a programmatic access token
    (`token`); never a password. The relations stay those of `metabase`.
    """

    section = "snowflake"
    place = 6

    account: str = Field("", description="Account identifier, as MYORG-MYACCOUNT; set: queries go to Snowflake itself")
    url: str = Field("", description="Address; empty: https://ACCOUNT.snowflakecomputing.com")
    user: str = Field("", description="The service user whose key pair it is")
    private_key_file: Path | None = Field(None, description="Key pair: the private key (PEM, PKCS 8, best encrypted)")
    passphrase: SecretStr | None = Field(None, description="Key pair: what an encrypted private key is opened with")
    token: SecretStr | None = Field(None, description="Programmatic access token")
    client_id: str = Field("", description="OAuth: the client's id at your identity provider")
    client_secret: SecretStr | None = Field(None, description="OAuth: the client's secret")
    token_url: str = Field("", description="OAuth: the identity provider's token endpoint")
    scope: str = Field("", description="OAuth: the scope to ask for, as session:role:MY_ROLE; empty: none")
    role: str = Field("", description="Role, in capitals as SHOW ROLES has it; empty: the user's default")
    warehouse: str = Field("", description="Virtual warehouse that computes; empty: the user's default")
    database: str = Field("", description="Database of the relations; empty: the user's default")
    default_schema: str = Field("", description="Schema of relations that are named without one")
    statement_seconds: int = Field(300, ge=1, description="Longest time of one statement, which Snowflake holds, too")
    requests_per_second: float = Field(20, gt=0, description="Our own limit: Snowflake publishes none")
    concurrency: int = Field(6, ge=1, description="Requests under way at once")

    @model_validator(mode="before")
    @classmethod
    def _no_password(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "password" in given:
            raise ValueError(
                "Snowflake lets no program in by a password alone; remove snowflake.password, and set private_key_file, "
                "client_id with client_secret and token_url, or token"
            )
        return given

    @field_validator("account")
    @classmethod
    def _named(cls, value: str) -> str:
        text = value.strip()
        if text and (not _ACCOUNT.fullmatch(text) or text.lower().endswith("snowflakecomputing.com")):
            raise ValueError(
                "is no account identifier; write MYORG-MYACCOUNT, without https:// and snowflakecomputing.com"
            )
        return text

    @field_validator("url", "token_url")
    @classmethod
    def _private(cls, value: str) -> str:
        """Credentials go there."""
        found = _ADDRESS.fullmatch(value)
        if value and (found is None or (value.startswith("http:") and not is_this_machine(found[1]))):
            raise ValueError("is no https address")
        return value.rstrip("/")

    @field_validator("token_url")
    @classmethod
    def _endpoint(cls, value: str) -> str:
        if value and not urlsplit(value).path:
            raise ValueError("is no endpoint; write the whole address, as https://login.example.com/oauth2/token")
        return value

    @model_validator(mode="after")
    def _one_way(self) -> SnowflakeSettings:
        given = [WAYS[way] for way in self.ways]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are set: keep one way in")
        return self

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways in that are set up, or begun: one, or none."""
        begun = {"key_pair": self.private_key_file, "oauth": self.client_id or self.client_secret, "token": self.token}
        return tuple(way for way in WAYS if begun[way])

    @property
    def chosen(self) -> bool:
        """Whether queries go to Snowflake itself: anything says where it is or how it lets us in."""
        return bool(self.account or self.url or self.user or self.ways)

    @property
    def address(self) -> str:
        """Where the account is; an underscore of its name is a hyphen there."""
        return self.url or f"https://{self.account.replace('_', '-').lower()}.snowflakecomputing.com"

    @property
    def secret(self) -> str:
        """What stands for the credential; of a key pair the key's place, for the key itself is never held here."""
        held = self.token or self.client_secret
        return held.get_secret_value() if held is not None else str(self.private_key_file or "")

    def missing(self) -> Gap | None:
        """No account, or not all that a way in needs."""
        needs = {"key_pair": ("account", "user"), "oauth": ("client_id", "client_secret", "token_url"), "token": ()}
        wanted = [name for way in self.ways for name in needs[way]]
        absent = [name for name in wanted if not getattr(self, name)]
        if not self.account and not self.url and "account" not in absent:
            absent.insert(0, "account")
        if not self.ways:
            absent.append("private_key_file (or client_id, or token)")
        if not absent:
            return None
        return Gap(
            "warehouse",
            "not_configured",
            f"The warehouse is not configured: {' and '.join(f'snowflake.{name}' for name in absent)} not set.",
            "Set account and one way in, or remove the [snowflake] settings to go through Metabase.",
        )


def direct(settings: SettingsTree) -> SnowflakeSettings | None:
    """Snowflake's settings where queries go there; None: they go through Metabase. Nowhere else is that decided."""
    own = settings.of(SnowflakeSettings)
    return own if own.chosen else None


def missing(settings: SettingsTree) -> Gap | None:
    """What the way that queries take lacks."""
    return (direct(settings) or settings.of(MetabaseSettings)).missing()


SETTINGS = (MetabaseSettings, SnowflakeSettings)
