"""One settings tree, built once at the edge; the sources' tables are collected from their `settings.py`.

Precedence: environment (`CUSTOMER_RESEARCH_LAGO__API_KEY`, …) over the settings file (`--config FILE`, else
`settings.toml` in the user's configuration folder) over defaults. Secrets are `SecretStr` and never printed.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    SecretStr,
    ValidationError,
    create_model,
    field_validator,
)
from pydantic_core import CoreSchema, core_schema

from customer_research import private
from customer_research.calendars.settings import GoogleSettings, IcsSettings, MeetingsSettings, MicrosoftSettings
from customer_research.channels.settings import DeliverySettings, EmailSettings, WebhookSettings
from customer_research.connect.settings import BoundsSettings, SettingsPart, V, VendorSettings
from customer_research.domain.parsing import EARLIEST, LATEST, is_reckoned, toml
from customer_research.domain.zones import known
from customer_research.errors import ConfigError
from customer_research.firms.settings import FactsSettings, FmcsaSettings, PeopleDataLabsSettings
from customer_research.reviews.settings import G2Settings, GooglePlacesSettings
from customer_research.sources import settings_models
from customer_research.web_settings import ADDRESS, LOOPBACK, WebSettings

ENV_PREFIX = "CUSTOMER_RESEARCH_"

_CONTRAST, _DARK = 4.5, 0.04045
"""What WCAG asks of text on its background, and below which a part of a colour counts as dark."""

_QUOTED = re.compile(r'"(\w+)"')
_CREDENTIALS_IN_ADDRESS = re.compile(r"//\S*@")


class LakeSettings(SettingsPart):
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


class StoreSettings(SettingsPart):
    """The application's own state: score history, alerts."""

    url: SecretStr | None = Field(
        None, description="SQLAlchemy URL (postgresql+psycopg://...); empty: SQLite in the user's data folder"
    )
    snapshots: Path | None = Field(
        default=None, description="Folder of account snapshots; empty: `snapshots` in the user's data folder"
    )


class RatesSettings(SettingsPart):
    """Exchange rates: without them amounts stay in their own currencies and are never added."""

    file: Path | None = Field(None, description="The European Central Bank's eurofxref-hist.csv (or its .zip)")
    own: Path | None = Field(
        None, description="CSV of rates that it leaves out: date,base,quote,rate (1 base = rate quote)"
    )
    currency: str = Field("USD", pattern="^[A-Z]{3}$", description="Currency of converted totals (ISO 4217)")


class EngineSettings(SettingsPart):
    """Where a portfolio is scored."""

    name: str = Field("duckdb", description="duckdb, postgres, spark or snowflake")
    url: SecretStr | None = Field(None, description="Where the engine is; nothing for DuckDB")
    memory_mb: int = Field(2000, ge=200, description="Memory that DuckDB may use; more is spilled to disk")
    threads: int = Field(0, ge=0, description="Threads of DuckDB; 0: as many as the machine has")
    views: bool = Field(
        default=False,
        description="Snowflake only: trips, charges and people are read where they are and not copied into the lake",
    )


class AlertSettings(SettingsPart):
    """Alerts on the score history."""

    rules: Path | None = Field(
        None, description='Alert rules (TOML): alone, or changes with `base = "shipped"`; empty: the shipped rules'
    )


class ServeSettings(SettingsPart):
    """How programs and agents reach the server over HTTP (`mcp serve --http`)."""

    url: str = Field(
        "",
        description="Its address as clients write it (https://research.example.com/mcp); empty: that of this machine",
    )
    allowed_hosts: tuple[str, ...] = Field(
        (),
        description="Host names that requests may name, besides that of `url` and this machine's own (NAME or NAME:PORT)",
    )
    allowed_origins: tuple[str, ...] = Field(
        (), description="Origins of web pages whose scripts may ask (https://NAME); empty: none"
    )

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not ADDRESS.fullmatch(value):
            raise ValueError("is no http(s) address; write https://research.example.com/mcp")
        return value.rstrip("/")


class ScheduleSettings(SettingsPart):
    """What is done by itself (`schedule add`)."""

    zone: str = Field("UTC", description="By whose clock (IANA) schedules go that name none: Europe/London")

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str) -> str:
        if not known(value):
            raise ValueError("is no time zone as IANA names them; write Europe/London")
        return value


Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures that a token may have: with a key pair, so that who can check a token cannot make one."""


class OidcSettings(SettingsPart):
    """Access tokens of your identity provider (OpenID Connect), beside our own API tokens. We issue none."""

    issuer: str = Field("", description="Who issues them, as `iss` says; empty: API tokens alone")
    audience: str = Field("", description="What `aud` must say; empty: serve.url")
    jwks_url: str = Field("", description="Where the issuer's keys are; empty: as its openid-configuration says")
    algorithms: tuple[Algorithm, ...] = Field(("RS256", "PS256", "ES256"), description="Signatures that count")
    email_claim: str = Field("email", description="The claim with whom a call is noted under")
    scopes_claim: str = Field("scope", description="The claim with the scopes: words, or a list (`scp`, `permissions`)")
    scope_prefix: str = Field(
        "customer-research.", description="What stands before read, act, finance and personal in a scope"
    )
    owner_claim: str = Field(
        "", description="The claim with the HubSpot owner id whose operators alone are shown; empty: everybody's"
    )

    @field_validator("issuer", "jwks_url")
    @classmethod
    def _private(cls, value: str) -> str:
        """Keys that somebody on the way could change would let anybody in."""
        if value and not ADDRESS.fullmatch(value):
            raise ValueError("is no http(s) address")
        if value.startswith("http:") and not LOOPBACK.match(value):
            raise ValueError("must begin with https://")
        return value


class SlackSettings(SettingsPart):
    """Your Slack app: what it posts with, and how what comes from Slack is known to be Slack's."""

    url: str = Field("https://slack.com/api/", description="Address of the Web API")
    token: SecretStr | None = Field(None, description="The app's bot token (xoxb-...): messages, people, files")
    signing_secret: SecretStr | None = Field(None, description="Proves that a request over HTTP is Slack's")
    app_token: SecretStr | None = Field(None, description="App-level token (xapp-...), for socket mode")

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        """The token goes there with every call."""
        if not ADDRESS.fullmatch(value) or (value.startswith("http:") and not LOOPBACK.match(value)):
            raise ValueError("is no https address; write https://slack.com/api/")
        return value.rstrip("/") + "/"


class BrandSettings(SettingsPart):
    """How documents to hand over look: yours."""

    color: str = Field(
        "",
        pattern="^(#[0-9a-fA-F]{6})?$",
        description="Colour of titles and of the first series in slides and PDF (#rrggbb); empty: a dark blue",
    )
    logo: Path | None = Field(None, description="PNG or JPEG on slides and PDF")
    manager: str = Field("", description="Who presents: the account manager's name on slides and PDF")
    template: Path | None = Field(
        None, description="Your own .pptx for slides, where the command names none (--template)"
    )

    @field_validator("color")
    @classmethod
    def _readable(cls, value: str) -> str:
        """A colour in which titles can be read on white (WCAG)."""
        if not value:
            return value
        parts = (int(value[at : at + 2], 16) / 255 for at in (1, 3, 5))
        red, green, blue = (part / 12.92 if part <= _DARK else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        if 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) < _CONTRAST:
            raise ValueError("is too light to be read on white; give a darker colour")
        return value


class _Alone:
    """A table that is checked by itself: of those that nobody sets, nothing is compiled, which is most of what reading settings cost."""

    def __get_pydantic_core_schema__(self, part: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        del handler
        return core_schema.no_info_plain_validator_function(part.model_validate)


P = TypeVar("P", bound=SettingsPart)
Table = Annotated[P, _Alone()]


class _GeneralSettings(BaseModel):
    """The settings but for the sources' own tables."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    bounds: Table[BoundsSettings] = Field(default_factory=BoundsSettings.model_construct)
    lake: Table[LakeSettings] = Field(default_factory=LakeSettings.model_construct)
    store: Table[StoreSettings] = Field(default_factory=StoreSettings.model_construct)
    engine: Table[EngineSettings] = Field(default_factory=EngineSettings.model_construct)
    alerts: Table[AlertSettings] = Field(default_factory=AlertSettings.model_construct)
    brand: Table[BrandSettings] = Field(default_factory=BrandSettings.model_construct)
    rates: Table[RatesSettings] = Field(default_factory=RatesSettings.model_construct)
    meetings: Table[MeetingsSettings] = Field(default_factory=MeetingsSettings.model_construct)
    ics: Table[IcsSettings] = Field(default_factory=IcsSettings.model_construct)
    facts: Table[FactsSettings] = Field(default_factory=FactsSettings.model_construct)
    serve: Table[ServeSettings] = Field(default_factory=ServeSettings.model_construct)
    web: Table[WebSettings] = Field(default_factory=WebSettings.model_construct)
    oidc: Table[OidcSettings] = Field(default_factory=OidcSettings.model_construct)
    schedules: Table[ScheduleSettings] = Field(default_factory=ScheduleSettings.model_construct)
    slack: Table[SlackSettings] = Field(default_factory=SlackSettings.model_construct)
    email: Table[EmailSettings] = Field(default_factory=EmailSettings.model_construct)
    webhook: Table[WebhookSettings] = Field(default_factory=WebhookSettings.model_construct)
    deliveries: Table[DeliverySettings] = Field(default_factory=DeliverySettings.model_construct)
    clock: datetime | None = Field(
        None, description="Fixes the present instant (the sandbox does); empty: the real time"
    )
    deadline_seconds: float = Field(12, gt=0, description="Total time a stream may take, retries included")
    scorecard: str = Field(
        "canonical",
        description="Scorecard of the reports: canonical, canonical_1, guide or billing_guide, or a file of your own",
    )
    owner: str = Field(
        "",
        description="Whose book `today` and `renewals` show, and `--mine` means: your HubSpot owner id, or your name",
    )
    test_operators: tuple[str, ...] = Field(
        (),
        description="Operator ids, or beginnings of ids with a * behind, of your own tests and demonstrations: whether they "
        "left proves nothing, so that backtests and calibrations leave them out, and no review compares with them",
    )
    playbook: Path | None = Field(None, description="Your own playbook (TOML: what to do when); empty: the shipped one")
    show_personal: bool = Field(default=False, description="Show personal data unmasked")
    links: Mapping[str, str] = Field(default_factory=dict, description="Deep-link patterns by kind, with {id}")

    def of(self, part: type[V]) -> V:
        """A source's own table, by its class."""
        found: V = getattr(self, part.section)
        return found

    @property
    def reads_in_place(self) -> bool:
        """Whether the engine reads the warehouse's tables where they are, so that they need not be pulled."""
        return self.engine.views

    @property
    def lake_folder(self) -> Path:
        """Where the lake lies."""
        return self.lake.folder or private.data_folder() / "lake"

    @property
    def snapshots_folder(self) -> Path:
        """Where account snapshots lie."""
        return self.store.snapshots or private.data_folder() / "snapshots"

    @property
    def store_url(self) -> str:
        """Where the application's own state is kept, as SQLAlchemy names places; a secret."""
        given = self.store.url.get_secret_value() if self.store.url is not None else ""
        return given or f"sqlite:///{private.data_folder() / 'customer-research.db'}"

    @field_validator("clock")
    @classmethod
    def _aware(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("needs a time zone, e.g. 2026-11-01T00:00:00Z")
        if value is not None and not is_reckoned(value):
            raise ValueError(f"lies outside the years {EARLIEST} to {LATEST}")
        return value.astimezone(UTC) if value else None


_VENDORS: tuple[type[VendorSettings], ...] = (
    *settings_models(),
    GoogleSettings,
    MicrosoftSettings,
    FmcsaSettings,
    PeopleDataLabsSettings,
    G2Settings,
    GooglePlacesSettings,
)

if TYPE_CHECKING:

    class Settings(_GeneralSettings):
        """All settings. Build with `load_settings`; `describe` tells where each value comes from."""

else:
    Settings = create_model(
        "Settings",
        __base__=_GeneralSettings,
        __module__=__name__,
        __doc__="All settings. Build with `load_settings`; `describe` tells where each value comes from.",
        **{part.section: (Table[part], Field(default_factory=part.model_construct)) for part in _VENDORS},
    )


def default_path() -> Path:
    """The settings file used without `--config`."""
    return private.config_folder() / "settings.toml"


def _read(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        return toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not required:
            return {}
        wrong, hint = "does not exist", "Check the path."
    except UnicodeDecodeError:
        wrong, hint = "is not UTF-8 text", "Save it as UTF-8."
    except OSError as error:
        wrong, hint = f"cannot be read: {error.strerror}", "Give another file."
    except tomllib.TOMLDecodeError as error:
        wrong, hint = f"is not valid TOML: {error}", "Correct that line."
    raise ConfigError(f"The settings file {path} {wrong}.", setting="--config", hint=hint)


def load_settings(path: Path | None = None) -> Settings:
    """Build the tree from the environment and a file.

    Raises:
        ConfigError: the file is missing, broken, or a setting has a wrong name or value (never showing the value).
    """
    file = path or default_path()
    values = _read(file, required=path is not None)
    try:
        return Settings(**_merged(values, _of_environment()))
    except ValidationError as error:
        raise _wrong_setting(error, values, file) from None


def _of_environment() -> Mapping[str, Any]:
    """What the environment sets, as a settings file would say it.

    Raises:
        ConfigError: a table or a list is no JSON.
    """
    if not any(name.upper().startswith(ENV_PREFIX) for name in os.environ):
        return {}
    from pydantic_settings import EnvSettingsSource, SettingsError  # noqa: PLC0415 - start-up time

    try:
        return EnvSettingsSource(Settings, env_prefix=ENV_PREFIX, env_nested_delimiter="__")()  # type: ignore[arg-type]
    except SettingsError as error:
        field = _QUOTED.search(str(error))
        name = _variable(field[1]) if field else f"{ENV_PREFIX}..."
        raise ConfigError(f"The environment variable {name} is not JSON.", hint="Correct or unset it.") from None


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """One tree of two: what `over` says goes first, table by table."""
    inner = {
        name: _merged(under[name], value)
        for name, value in over.items()
        if isinstance(value, dict) and isinstance(under.get(name), dict)
    }
    return {**under, **over, **inner}


def check_writable(name: str) -> None:
    """Refuse to write a setting that the file would not decide.

    Raises:
        ConfigError: the environment sets it, before any file.
    """
    if (variable := _variable(name)) in os.environ:
        raise ConfigError(
            f"The environment variable {variable} goes before the settings file.", setting=name, hint="Unset it first."
        )


def write_settings(path: Path | None, changes: Mapping[str, Any]) -> Path:
    """Change settings in the settings file, in one step; its comments and all other settings stay.

    Args:
        path: the file; None: the default one, which is made when it is not there.
        changes: dotted names → what they shall be.

    Raises:
        ConfigError: the environment sets one, before any file; or the file is broken or cannot be written.
    """
    import tomlkit  # noqa: PLC0415 - start-up time

    for name in changes:
        check_writable(name)
    file = (path or default_path()).resolve()
    wanted = _read(file, required=path is not None)
    try:
        text = file.read_bytes().decode() if file.exists() else ""
        document = tomlkit.parse(text)
        first = (
            tomlkit.document()
        )  # lines of new settings stand before all others: between them they might part a comment
        for name, value in changes.items():
            top = first if name not in document and "." not in name else document
            for place in (top, wanted):
                _put(place, name.split("."), value)
        lines = tomlkit.dumps(first).replace("\n", "\r\n" if "\r\n" in text else "\n")
        changed = lines + tomlkit.dumps(document)
        assert toml(changed) == wanted  # nobody's settings are lost to a library's fault
        private.make_folder(file.parent)
        private.write(file, changed.encode())
    except OSError as error:
        raise ConfigError(
            f"The settings file {file} cannot be written: {error.strerror}.",
            setting=next(iter(changes)),
            hint="Give another file.",
        ) from None
    return file


def _put(table: Any, path: Sequence[str], value: Any) -> None:
    *tables, last = path
    for name in tables:
        table = table.setdefault(name, {})
    table[last] = list(value) if isinstance(value, tuple) else value


def _wrong_setting(error: ValidationError, values: Mapping[str, Any], file: Path) -> ConfigError:
    """What is wrong with the first wrong setting and where it stands, never its value."""
    first = error.errors(include_input=False, include_url=False)[0]
    path = [str(part) for part in first["loc"]]
    name = ".".join(path) or "settings"
    variable = _variable(name)
    place = str(file) if variable not in os.environ and _holds(values, path) else f"the environment ({variable})"
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
    sections = [part.section for part in _VENDORS]
    for name in (*sections, *(name for name in Settings.model_fields if name not in sections)):
        field = Settings.model_fields[name]
        value = getattr(settings, name)
        if not isinstance(value, SettingsPart):
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
