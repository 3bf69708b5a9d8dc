"""One settings tree, built once at the edge.

Precedence: environment (`CUSTOMER_RESEARCH_LAGO__API_KEY`, …) over the settings file (`--config FILE`, else
`settings.toml` in the user's configuration folder) over defaults. Secrets are `SecretStr` and never printed.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from customer_research import private
from customer_research.domain.reading import EARLIEST, LATEST, is_reckoned, toml
from customer_research.errors import ConfigError

ENV_PREFIX = "CUSTOMER_RESEARCH_"

_QUOTED = re.compile(r'"(\w+)"')
_CREDENTIALS_IN_ADDRESS = re.compile(r"//\S*@")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("api_key", "token", check_fields=False)
    @classmethod
    def _sendable(cls, value: SecretStr | None) -> SecretStr | None:
        """A credential as it can be sent in a header; a blank one is none."""
        text = value.get_secret_value().strip() if value is not None else ""
        if not all("!" <= sign <= "~" for sign in text):
            raise ValueError("holds a blank, a line break or a letter that no credential has; copy it again")
        return SecretStr(text) if text else None


class LagoSettings(_Part):
    """Billing (Lago). Key: a read-only API key of the organisation."""

    url: str = Field("https://api.getlago.com/api/v1", description="API base; EU: https://api.eu.getlago.com/api/v1")
    api_key: SecretStr | None = Field(None, description="API key (Bearer)")
    requests_per_second: float = Field(20, gt=0, description="Our share of the organisation's 50 requests a second")
    concurrency: int = Field(8, ge=1, description="Requests under way at once")


class HubSpotSettings(_Part):
    """CRM (HubSpot). Token: a service key (or an existing private app's token) with read scopes."""

    url: str = Field("https://api.hubapi.com", description="API base")
    token: SecretStr | None = Field(None, description="Service key or private-app token (Bearer)")
    version: str = Field("2026-09", description="API version: a date (2026-09) or v3 for the legacy paths")
    operator_properties: tuple[str, ...] = Field(
        ("operator_id", "moovs_operator_id"),
        description="Company properties that may hold the operator id, first existing wins",
    )
    requests_per_second: float = Field(15, gt=0, description="General limit; search has its own 4 a second")
    concurrency: int = Field(8, ge=1, description="Requests under way at once")


class MetabaseSettings(_Part):
    """Warehouse through Metabase. Key: an API key whose group may run native queries on the Snowflake database."""

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


class NotionSettings(_Part):
    """Tickets (Notion), and where reports are exported to. Token: an internal integration that both are shared with."""

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


class BoundsSettings(_Part):
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


class LakeSettings(_Part):
    """The lake: canonical tables of all operators as Parquet files."""

    folder: Path | None = Field(None, description="Its folder; empty: `lake` in the user's data folder")
    overlap_days: int = Field(35, ge=1, description="How far an incremental pull goes back, for records that changed")
    full_days: int = Field(
        7,
        ge=0,
        description="Days after which a sync asks for everything again: not every vendor tells what was deleted",
    )
    deadline_seconds: float = Field(
        120, gt=0, description="Total time one step of a sync's stream may take, retries included"
    )
    stale_hours: float = Field(
        48,
        gt=0,
        description="Age of a stream's last pull, at the date that is scored, beyond which its tables are unknown; one whose"
        " last pull failed is unknown at once",
    )

    @property
    def patience(self) -> timedelta:
        """How old a stream's last pull may be at the instant that is spoken of."""
        return timedelta(hours=self.stale_hours)


class StoreSettings(_Part):
    """The application's own state: score history, alerts."""

    url: SecretStr | None = Field(
        None, description="SQLAlchemy URL (postgresql+psycopg://...); empty: SQLite in the user's data folder"
    )
    snapshots: Path | None = Field(
        default=None, description="Folder of account snapshots; empty: `snapshots` in the user's data folder"
    )


class RatesSettings(_Part):
    """Exchange rates: without them amounts stay in their own currencies and are never added."""

    file: Path | None = Field(None, description="The European Central Bank's eurofxref-hist.csv (or its .zip)")
    own: Path | None = Field(
        None, description="CSV of rates that it leaves out: date,base,quote,rate (1 base = rate quote)"
    )
    currency: str = Field("USD", pattern="^[A-Z]{3}$", description="Currency of converted totals (ISO 4217)")


class EngineSettings(_Part):
    """Where a portfolio is scored."""

    name: str = Field("duckdb", description="duckdb, postgres, spark or snowflake")
    url: SecretStr | None = Field(None, description="Where the engine is; nothing for DuckDB")
    memory_mb: int = Field(2000, ge=200, description="Memory that DuckDB may use; more is spilled to disk")
    threads: int = Field(0, ge=0, description="Threads of DuckDB; 0: as many as the machine has")
    views: bool = Field(
        default=False,
        description="Snowflake only: trips, charges and people are read where they are and not copied into the lake",
    )


class AlertSettings(_Part):
    """Alerts on the score history."""

    rules: Path | None = Field(
        None, description='Alert rules (TOML): alone, or changes with `base = "shipped"`; empty: the shipped rules'
    )


class Settings(BaseSettings):
    """All settings. Build with `load_settings`; every value has its origin in `origins`."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    lago: LagoSettings = Field(default_factory=LagoSettings)  # type: ignore[arg-type]
    hubspot: HubSpotSettings = Field(default_factory=HubSpotSettings)  # type: ignore[arg-type]
    metabase: MetabaseSettings = Field(default_factory=MetabaseSettings)  # type: ignore[arg-type]
    notion: NotionSettings = Field(default_factory=NotionSettings)  # type: ignore[arg-type]
    bounds: BoundsSettings = Field(default_factory=BoundsSettings)  # type: ignore[arg-type]
    lake: LakeSettings = Field(default_factory=LakeSettings)  # type: ignore[arg-type]
    store: StoreSettings = Field(default_factory=StoreSettings)  # type: ignore[arg-type]
    engine: EngineSettings = Field(default_factory=EngineSettings)  # type: ignore[arg-type]
    alerts: AlertSettings = Field(default_factory=AlertSettings)  # type: ignore[arg-type]
    rates: RatesSettings = Field(default_factory=RatesSettings)  # type: ignore[arg-type]
    clock: datetime | None = Field(
        None, description="Fixes the present instant (the sandbox does); empty: the real time"
    )
    deadline_seconds: float = Field(12, gt=0, description="Total time a stream may take, retries included")
    scorecard: str = Field(
        "canonical",
        description="Scorecard of the reports: canonical, canonical_1, guide or billing_guide, or a file of your own",
    )
    owner: str = Field("", description="Whose accounts `--mine` means: your HubSpot owner id, or your name there")
    test_operators: tuple[str, ...] = Field(
        (),
        description="Operator ids, or beginnings of ids with a * behind, of your own tests and demonstrations: whether they "
        "left proves nothing, so that backtests and calibrations leave them out",
    )
    playbook: Path | None = Field(None, description="Your own playbook (TOML: what to do when); empty: the shipped one")
    show_personal: bool = Field(default=False, description="Show personal data unmasked")
    links: Mapping[str, str] = Field(default_factory=dict, description="Deep-link patterns by kind, with {id}")

    @property
    def lake_folder(self) -> Path:
        """Where the lake lies."""
        return self.lake.folder or data_folder() / "lake"

    @property
    def snapshots_folder(self) -> Path:
        """Where account snapshots lie."""
        return self.store.snapshots or data_folder() / "snapshots"

    @property
    def store_url(self) -> str:
        """Where the application's own state is kept, as SQLAlchemy names places; a secret."""
        given = self.store.url.get_secret_value() if self.store.url is not None else ""
        return given or f"sqlite:///{data_folder() / 'customer-research.db'}"

    @field_validator("clock")
    @classmethod
    def _aware(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("needs a time zone, e.g. 2026-11-01T00:00:00Z")
        if value is not None and not is_reckoned(value):
            raise ValueError(f"lies outside the years {EARLIEST} to {LATEST}")
        return value.astimezone(UTC) if value else None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over the file (which comes in as init values); no dotenv, no secret folder."""
        del dotenv_settings, file_secret_settings, settings_cls
        return (env_settings, init_settings)


def default_path() -> Path:
    """The settings file used without `--config`."""
    import platformdirs  # noqa: PLC0415 - start-up time

    return Path(platformdirs.user_config_dir("customer-research")) / "settings.toml"


def data_folder() -> Path:
    """The user's data folder of this program."""
    import platformdirs  # noqa: PLC0415 - start-up time

    return Path(platformdirs.user_data_dir("customer-research"))


def cache_folder() -> Path:
    """The user's folder for what this program may lose."""
    import platformdirs  # noqa: PLC0415 - start-up time

    return Path(platformdirs.user_cache_dir("customer-research"))


def _read(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        return toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise ConfigError(
                f"The settings file {path} does not exist.", setting="--config", hint="Check the path."
            ) from None
        return {}
    except UnicodeDecodeError:
        raise ConfigError(
            f"The settings file {path} is not UTF-8 text.", setting="--config", hint="Save it as UTF-8."
        ) from None
    except OSError as error:
        raise ConfigError(
            f"The settings file {path} cannot be read: {error.strerror}.", setting="--config", hint="Give another file."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"The settings file {path} is not valid TOML: {error}.", setting="--config", hint="Correct that line."
        ) from None


def load_settings(path: Path | None = None) -> Settings:
    """Build the tree from the environment and a file.

    Raises:
        ConfigError: the file is missing, broken, or a setting has a wrong name or value (never showing the value).
    """
    file = path or default_path()
    values = _read(file, required=path is not None)
    try:
        return Settings(**values)
    except ValidationError as error:
        raise _wrong_setting(error, values, file) from None
    except SettingsError as error:
        field = _QUOTED.search(str(error))
        name = _variable(field[1]) if field else f"{ENV_PREFIX}..."
        raise ConfigError(f"The environment variable {name} is not JSON.", hint="Correct or unset it.") from None


def check_writable(name: str) -> None:
    """Refuse to write a setting that the file would not decide.

    Raises:
        ConfigError: the environment sets it, before any file.
    """
    if (variable := _variable(name)) in os.environ:
        raise ConfigError(
            f"The environment variable {variable} goes before the settings file.", setting=name, hint="Unset it first."
        )


def write_setting(path: Path | None, name: str, value: str) -> Path:
    """Write one text setting of the top level into the settings file, in one step; comments and all other settings stay.

    Args:
        path: the file; None: the default one, which is made when it is not there.
        name: the setting.
        value: what it shall be.

    Raises:
        ConfigError: the environment sets it, before any file; or the file is broken or cannot be written.
    """
    import tomlkit  # noqa: PLC0415 - start-up time

    check_writable(name)
    file = (path or default_path()).resolve()
    before = _read(file, required=path is not None)
    try:
        text = file.read_bytes().decode() if file.exists() else ""
        document = tomlkit.parse(text)
        if name in document:
            document[name] = value
        else:  # the first line: between others it might part a comment from what it is about
            line = tomlkit.document()
            line[name] = value
            document = tomlkit.parse(tomlkit.dumps(line).rstrip("\n") + ("\r\n" if "\r\n" in text else "\n") + text)
        changed = tomlkit.dumps(document)
        assert toml(changed) == {**before, name: value}  # nobody's settings are lost to a library's fault
        private.make_folder(file.parent)
        private.write(file, changed.encode())
    except OSError as error:
        raise ConfigError(
            f"The settings file {file} cannot be written: {error.strerror}.", setting=name, hint="Give another file."
        ) from None
    return file


def _wrong_setting(error: ValidationError, values: Mapping[str, Any], file: Path) -> ConfigError:
    """What is wrong with the first wrong setting and where it stands, never its value."""
    first = error.errors(include_input=False, include_url=False)[0]
    path = [str(part) for part in first["loc"]]
    name = ".".join(path) or "settings"
    place = str(file) if _holds(values, path) else f"the environment ({_variable(name)})"
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(name, [known.name for known in describe_defaults(Settings)], n=1)
        meant = f"Did you mean {close[0]}? " if close else ""
        return ConfigError(f"There is no setting {name}.", setting=name, hint=f"{meant}Correct it in {place}.")
    if first["type"] in {"model_type", "model_attributes_type", "dict_type"}:
        said = f"it is a table of settings, written [{name}]"
    else:
        said = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return ConfigError(f"The setting {name} is wrong: {said}.", setting=name, hint=f"Correct it in {place}.")


def _holds(values: Any, path: list[str]) -> bool:
    """Whether the file itself has the setting of this path."""
    for part in path:
        if not isinstance(values, Mapping) or part not in values:
            return not isinstance(values, Mapping)
        values = values[part]
    return True


def _variable(name: str) -> str:
    return ENV_PREFIX + name.upper().replace(".", "__")


@dataclass(frozen=True, slots=True)
class SettingValue:
    """One setting: dotted name, what may be shown of it (never a secret), where it comes from, and its meaning."""

    name: str
    shown: str
    origin: str
    meaning: str


def describe(settings: Settings, path: Path | None) -> tuple[SettingValue, ...]:
    """Every setting with its origin: environment, the settings file, or default."""
    file = path or default_path()
    in_file = _read(file, required=False)
    return tuple(_described(settings, in_file, str(file)))


def describe_defaults(settings_class: type[Settings]) -> tuple[SettingValue, ...]:
    """Every setting with its default, whatever the environment says."""
    return tuple(_described(settings_class.model_construct(), {}, ""))


def _described(settings: Settings, in_file: Mapping[str, Any], file: str) -> Iterator[SettingValue]:
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if not isinstance(value, _Part):
            yield _one(name, value, field.description, name in in_file, file)
            continue
        part = in_file.get(name, {})
        for key, inner in type(value).model_fields.items():
            yield _one(f"{name}.{key}", getattr(value, key), inner.description, key in part, file)


def _one(name: str, value: Any, meaning: str | None, in_file: bool, file: str) -> SettingValue:  # noqa: FBT001
    variable = _variable(name)
    origin = f"environment {variable}" if variable in os.environ else file if in_file else "default"
    return SettingValue(name, _shown(value), origin, meaning or "")


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return "(set)"
    if value is None or value == "":
        return "(not set)"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {inner}" for key, inner in value.items()) or "(none)"
    return _CREDENTIALS_IN_ADDRESS.sub("//(hidden)@", str(value))


__all__ = [
    "AlertSettings",
    "BoundsSettings",
    "EngineSettings",
    "HubSpotSettings",
    "LagoSettings",
    "LakeSettings",
    "MetabaseSettings",
    "NotionSettings",
    "RatesSettings",
    "SettingValue",
    "Settings",
    "StoreSettings",
    "cache_folder",
    "check_writable",
    "data_folder",
    "default_path",
    "describe",
    "describe_defaults",
    "load_settings",
    "write_setting",
]
