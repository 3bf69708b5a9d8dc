"""What the app's database needs to be told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator, model_validator

from customer_research.connect.postgres import is_postgres, read_address
from customer_research.connect.settings import VendorSettings
from customer_research.domain.evidence import Gap
from customer_research.errors import ConfigError
from customer_research.sources.app_database.records import LOGICAL

TABLE = "table"
"""In a mapping: where the records are, SCHEMA.TABLE; all else names columns."""

_SECRET = frozenset({"password", "sslpassword"})
"""What libpq takes behind the `?` and nobody may write there: the address is shown, and stands in files that are."""

_FORM = "write postgresql://ROLE@HOST:PORT/DATABASE; the password has a setting of its own"


class AppDatabaseSettings(VendorSettings):
    """The app's own database (a Postgres replica). Password: that of a role that may read the mapped columns and nothing else."""

    section = "app_database"
    place = 7
    credential = "password"

    url: str = Field(
        "", description="postgresql://ROLE@HOST:PORT/DATABASE of the replica, without password; empty: it is not read"
    )
    password: SecretStr | None = Field(None, description="The role's password; empty where another way lets it in")
    tls: Literal["verify-full", "verify-ca", "require", "disable"] = Field(
        "verify-full",
        description="What is asked of the encryption: verify-full checks the server's name and certificate",
    )
    root_certificate: Path | None = Field(
        None, description="File of the authority that signed the server's certificate; empty: those the system trusts"
    )
    mapping: Mapping[str, Mapping[str, str]] = Field(
        default_factory=dict,
        description="trip, member, driver → `table` (SCHEMA.TABLE) and the column of each value; `doctor --online` proposes it",
    )
    zone: str = Field("", description="Zone of instants without one (type timestamp), e.g. UTC; empty: there are none")
    amounts: Literal["major", "minor"] = Field("major", description="Unit of amounts: major (dollars) or minor (cents)")
    stale_minutes: float = Field(60, gt=0, description="A replica that lags by more is not used until it has caught up")
    live_seconds: float = Field(5, gt=0, description="Time of one statement about one operator")
    bulk_seconds: float = Field(60, gt=0, description="Time of one statement of a sync")
    requests_per_second: float = Field(20, gt=0, description="Our own limit of transactions")
    concurrency: int = Field(3, ge=1, le=4, description="Connections at once; the role has four")

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        if not value:
            return value
        try:
            address = read_address(value, "app_database.url") if is_postgres(value) else None
        except ConfigError:
            address = None
        if address is None or address.password or not address.host or not _SECRET.isdisjoint(address.options):
            raise ValueError(_FORM)
        return value

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key if value else ""
        except (KeyError, ValueError, OSError):
            raise ValueError("is no name of a zone such as America/Los_Angeles or UTC") from None

    @model_validator(mode="after")
    def _mapped(self) -> Self:
        for name, columns in self.mapping.items():
            if fault := fault_of(name, columns):
                raise ValueError(f"app_database.mapping: {fault}")
        return self

    @property
    def mapping_digest(self) -> str:
        """The first digits of the mapping's SHA-256: records read by another one are read anew."""
        told = {name: dict(columns) for name, columns in self.mapping.items()}
        rest = [self.zone, self.amounts]
        return hashlib.sha256(json.dumps([told, rest], sort_keys=True).encode()).hexdigest()[:12]

    def missing(self) -> Gap | None:
        """No address."""
        if self.url:
            return None
        return Gap(
            "app_database",
            "not_configured",
            "No address of the app's database is set.",
            "Set app_database.url to postgresql://ROLE@HOST:PORT/DATABASE of its replica.",
        )


def fault_of(name: str, columns: Mapping[str, str]) -> str:
    """What is wrong with a mapping of one kind of records; empty: nothing."""
    kind = LOGICAL.get(name)
    if kind is None:
        return f"{name} is none of {', '.join(LOGICAL)}"
    if strange := sorted(columns.keys() - {TABLE, *kind.known}):
        return f"{name} has no {', '.join(strange)}"
    if any(not value.strip() or "\0" in value for value in columns.values()):
        return f"{name} has an empty name"
    if len(columns.get(TABLE, "").split(".")) != 2:  # noqa: PLR2004 - schema and table
        return f"{name}.table must be SCHEMA.TABLE"
    if lacking := [column for column in kind.needed if column not in columns]:
        return f"{name} lacks {', '.join(lacking)}: figures would be wrong without; map them (a view may give them), or leave {name} out"
    return ""


SETTINGS = AppDatabaseSettings
