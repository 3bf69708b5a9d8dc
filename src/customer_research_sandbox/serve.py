"""Start the whole sandbox in this process, in a thread of its own: vendors, Slack, calendars and a mail server, on free ports.

```python
with Sandbox.start(operators=400, seed=7) as sandbox:
    sandbox.addresses["lago"], sandbox.config_path, sandbox.request_log
    sandbox.set_faults("hubspot:http500")
```
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from customer_research import private
from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.project_facts import project_facts
from customer_research_sandbox.servers import (
    calendar,
    facts,
    g2,
    google_places,
    hubspot,
    intercom,
    lago,
    metabase,
    notion,
    slack,
    snowflake_account,
    snowflake_api,
    stripe,
)
from customer_research_sandbox.servers.app_database import AppDatabase
from customer_research_sandbox.servers.cards import SNOWFLAKE
from customer_research_sandbox.servers.diary import ZONE, Diary, diary_of
from customer_research_sandbox.servers.faults import CARRIERS, SOURCES, Controls, Fault, Faults, Request, parse_fault
from customer_research_sandbox.servers.mail import Mailbox
from customer_research_sandbox.servers.notion_pages import REPORTS_DATA_SOURCE
from customer_research_sandbox.servers.port import HOST, Port
from customer_research_sandbox.servers.slack_space import Workspace
from customer_research_sandbox.servers.snowflake import Warehouse
from customer_research_sandbox.servers.snowflake_account import Account
from customer_research_sandbox.servers.stripe_ledger import Ledger
from customer_research_sandbox.servers.wire import Vendor
from customer_research_sandbox.vocabulary import SCENARIO_IDS

if TYPE_CHECKING:
    from customer_research_sandbox.servers.mail_server import MailListener
    from customer_research_sandbox.servers.slack_socket import SlackSocket

_BASE_PATHS = {
    "lago": "/api/v1",
    "hubspot": "",
    "metabase": "",
    "notion": "/v1",
    "intercom": "",
    "snowflake": "",
    "stripe": "",
    "slack": "/api/",
    "calendar": "",
    "facts": "",
    "g2": "/api/v2",
    "google_places": "/v1",
}
APP_DATABASE = "app-database"
OPTIONAL = ("intercom", "snowflake", "stripe", APP_DATABASE, "facts", "reviews")
"""Vendors that are served always, and stand in the settings file only where somebody wants them: not everybody has them. With
`snowflake` the warehouse's queries go to Snowflake itself, and Metabase is not asked. The app's database is a real Postgres of
this machine's programs, and runs only where it is wanted; `reviews` are G2 and Google Places."""

_START_SECONDS = 30.0

_silent = logging.getLogger("customer_research_sandbox.connections")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


class Sandbox:
    """A running sandbox. Use it as a context manager, or call `stop` when done."""

    def __init__(
        self, dataset: Dataset, controls: Controls, kept: Path | None = None, also: Iterable[str] = ()
    ) -> None:
        also = frozenset(also)
        self.dataset = dataset
        self._controls = controls
        self._warehouse = Warehouse(dataset.warehouse, dataset.as_of, kept)
        vendors = _vendors(dataset, self._warehouse, controls)
        self._slack = slack.SlackServer(dataset.hubspot.owners, dataset.as_of, controls, time.monotonic)
        self.calendars = calendar.CalendarServer(diary_of(dataset.hubspot, dataset.as_of), controls)
        companies = dataset.hubspot.objects.get("companies", [])
        self.g2 = g2.G2Server(companies, dataset.as_of, controls, time.monotonic)
        self.google_places = google_places.GooglePlacesServer(companies, dataset.as_of, controls)
        self._snowflake = snowflake_api.SnowflakeServer(self._warehouse, controls, time.monotonic)
        self._stripe = stripe.StripeServer(Ledger(dataset.warehouse, dataset.as_of), controls, time.monotonic)
        self.facts = facts.FactsServer(project_facts(companies), controls)
        beside = (self._snowflake, self._stripe, self._slack, self.calendars, self.facts, self.g2, self.google_places)
        everything = (*vendors, *beside)
        listeners = {one.source: _Listener(one.source, one.app(), controls) for one in everything}
        self._folder = Path(tempfile.mkdtemp(prefix="customer-research-sandbox-"))
        self.mailbox = Mailbox(self._folder / "mail")
        mail = _mail_listener(self.mailbox, controls)
        self._listeners: dict[str, Port] = {**listeners, **mail}
        self.addresses = {
            **{source: f"http://{HOST}:{one.port}{_BASE_PATHS[source]}" for source, one in listeners.items()},
            **{source: f"smtp://{HOST}:{one.port}" for source, one in mail.items()},
        }
        self.app_database = AppDatabase.of(dataset.warehouse) if APP_DATABASE in also else None
        self.config_path = self._folder / "settings.toml"
        private.write(
            self.config_path,
            "\n".join(
                [
                    _settings(dataset, self.diary.people, self.addresses, self._folder, controls, also=also),
                    *(self.app_database.settings if self.app_database is not None else ()),
                ]
            ).encode(),
        )
        (self._folder / "rates.csv").write_text(_rates(dataset.as_of), encoding="utf-8")
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="sandbox", daemon=True)
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise RuntimeError(f"The sandbox did not start within {_START_SECONDS:.0f} seconds.")

    @classmethod
    def start(
        cls,
        operators: int = 400,
        seed: int = 7,
        as_of: datetime | None = None,
        latency_ms: float = 0,
        faults: Iterable[Fault | str] = (),
        *,
        rate_limits: bool = True,
        slow_seconds: float = 30.0,
        dataset: Dataset | None = None,
        kept: Path | None = None,
        also: Iterable[str] = (),
    ) -> Sandbox:
        """Generate a world (or take *dataset*) and serve it.

        Args:
            operators: how many operators the world has, scenarios apart.
            seed: which world.
            as_of: the world's present, UTC; the generator's default when None.
            latency_ms: added to every answer, in milliseconds.
            faults: what is wrong from the start, as `Fault` or `SOURCE:KIND[:RATE]`.
            rate_limits: whether the vendors' rate limits hold, and with them those of our own in the settings file.
            slow_seconds: how long a `slow` fault waits.
            dataset: a world that exists already; *operators*, *seed* and *as_of* are then not looked at.
            kept: a file of DuckDB that keeps the warehouse's tables of this very world from one start to the next.
            also: optional vendors (`OPTIONAL`) that the settings file names, too.

        Raises:
            ValueError: for a fault or an optional vendor that does not exist.
            RuntimeError: the app's database is wanted, and this machine has no programs of Postgres.
        """
        if wrong := sorted(set(also) - set(OPTIONAL)):
            raise ValueError(f"There is no optional vendor {wrong[0]!r}: use {', '.join(OPTIONAL)}.")
        found = _parsed(faults)
        controls = Controls(Faults(found), latency_ms / 1000, slow_seconds, rate_limits)
        with _uncollected():
            return cls(dataset if dataset is not None else _generated(operators, seed, as_of), controls, kept, also)

    @property
    def snowflake(self) -> Account:
        """The sandbox's Snowflake account: who is let in, how long statements take, what was called off."""
        return self._snowflake.account

    @property
    def stripe(self) -> Ledger:
        """What the sandbox's Stripe knows: accounts, their charges, refunds and disputes, and what the key may read."""
        return self._stripe.ledger

    @property
    def slack(self) -> Workspace:
        """The workspace of the sandbox's Slack: what was posted, told and shown there."""
        return self._slack.space

    @property
    def diary(self) -> Diary:
        """What is entered in our own people's calendars."""
        return self.calendars.diary

    @contextmanager
    def slack_socket(self) -> Iterator[SlackSocket]:
        """Slack's socket mode, as long as it is wanted: an app that asks for a connection is given one."""
        from customer_research_sandbox.servers.slack_socket import SlackSocket  # noqa: PLC0415  (needs aiohttp)

        opened = SlackSocket()
        self._slack.socket_url = asyncio.run_coroutine_threadsafe(opened.open(), self._loop).result(_START_SECONDS)
        try:
            yield opened
        finally:
            self._slack.socket_url = ""
            asyncio.run_coroutine_threadsafe(opened.close(), self._loop).result(_START_SECONDS)

    @property
    def request_log(self) -> list[Request]:
        """Every request answered so far: source, method, path with query, status."""
        return list(self._controls.requests)

    def clear_request_log(self) -> None:
        """Forget the requests answered so far."""
        self._controls.requests.clear()

    def set_faults(self, *faults: Fault | str) -> None:
        """Put these faults in force instead of all earlier ones; without any, everything works again."""
        self._controls.faults.replace(_parsed(faults))
        asyncio.run_coroutine_threadsafe(self._apply(), self._loop).result(_START_SECONDS)

    def set_latency(self, milliseconds: float) -> None:
        """Add this to every answer from now on."""
        self._controls.latency_seconds = milliseconds / 1000

    def set_rate_limits(self, *, hold: bool) -> None:
        """Whether the vendors' rate limits hold from now on."""
        self._controls.rate_limits = hold

    def stop(self) -> None:
        """Close every connection and port, and remove the settings file. May be called twice."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._warehouse.close()
        if self.app_database is not None:
            self.app_database.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._apply())
        self._loop.call_soon(self._ready.set)
        self._loop.run_forever()
        self._loop.run_until_complete(self._shut())
        self._loop.close()

    async def _apply(self) -> None:
        """Listen where a source is up, refuse connections where it is down."""
        for source, listener in self._listeners.items():
            if self._controls.faults.refuses(source):
                listener.close()
            else:
                await listener.open()

    async def _shut(self) -> None:
        for listener in self._listeners.values():
            listener.end()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._loop.shutdown_default_executor()


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for garbage meanwhile: a world is millions of records that stay, and to look through them takes an eighth of its start."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _vendors(dataset: Dataset, warehouse: Warehouse, controls: Controls) -> tuple[Vendor, ...]:
    clock = time.monotonic
    return (
        lago.LagoServer(dataset.lago, dataset.as_of, controls, clock),
        hubspot.HubSpotServer(dataset.hubspot, dataset.as_of, controls, clock),
        metabase.MetabaseServer(warehouse, controls),
        notion.NotionServer(dataset.notion, dataset.as_of, controls, clock),
        intercom.IntercomServer(dataset.intercom, dataset.as_of, controls, clock),
    )


def _mail_listener(mailbox: Mailbox, controls: Controls) -> dict[str, MailListener]:
    """The mail server's port; none without the package that speaks SMTP (extra `delivery`)."""
    try:
        from customer_research_sandbox.servers.mail_server import MailListener  # noqa: PLC0415
    except ModuleNotFoundError:
        return {}
    return {"email": MailListener(mailbox, controls)}


def _mail_settings(address: str) -> dict[str, str | int | list[str]]:
    """The table of settings by which messages are sent to the sandbox."""
    sender = "Customer research <research@moovs-team.example.com>"
    return {"host": HOST, "port": int(address.rpartition(":")[2]), "security": "none", "sender": sender}


class _Listener(Port):
    """The port of a source over HTTP; connections that are open are cut when it refuses others."""

    def __init__(self, source: str, app: ASGIApp, controls: Controls) -> None:
        super().__init__()
        self._source = source
        self._controls = controls
        self._config = uvicorn.Config(
            app, lifespan="off", access_log=False, log_config=None, http="h11", ws="none", proxy_headers=False
        )
        self._config.load()
        self._state = ServerState()

    def end(self) -> None:
        """Refuse connections, cut those that are open, and give the port up."""
        super().end()
        for connection in list(self._state.connections):
            transport = connection.transport
            if transport is not None:
                transport.abort()

    def _protocol(self) -> _Connection:
        return _Connection(self._config, self._state, lambda: self._controls.faults.cuts(self._source))


class _Connection(H11Protocol):
    """An HTTP connection that a `down` fault may cut at the start of a request."""

    def __init__(self, config: uvicorn.Config, state: ServerState, cuts: Callable[[], bool]) -> None:
        super().__init__(config, state, {})
        self.logger = _silent
        self._cuts = cuts

    def data_received(self, data: bytes) -> None:
        """Read from the client, unless the source is down for this request."""
        cycle: RequestResponseCycle | None = self.cycle
        if (cycle is None or cycle.response_complete) and self._cuts():
            self.transport.abort()
            return
        super().data_received(data)


def _parsed(faults: Iterable[Fault | str]) -> list[Fault]:
    return [parse_fault(fault) if isinstance(fault, str) else fault for fault in faults]


def _generated(operators: int, seed: int, as_of: datetime | None) -> Dataset:
    from customer_research_sandbox import world  # noqa: PLC0415  (tests with a dataset of their own need no generator)

    return world.generate(seed=seed, n_operators=operators, as_of=as_of if as_of is not None else world.DEFAULT_AS_OF)


def clock_text(as_of: datetime) -> str:
    """The world's present as settings and the command write it."""
    return as_of.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_UNITS_PER_EURO = {"USD": 1.08, "CAD": 1.5, "GBP": 0.85, "JPY": 165.0}
"""Invented exchange rates of the currencies in which the world's operators are billed."""


def _rates(as_of: datetime) -> str:
    """A table of rates in the European Central Bank's form: working days of two weeks before the world's present."""
    days = (as_of.date() - timedelta(days=back) for back in range(1, 15))
    lines = [",".join(("Date", *_UNITS_PER_EURO))]
    lines += [
        ",".join((day.isoformat(), *map(str, _UNITS_PER_EURO.values()))) for day in days if day.weekday() < _SATURDAY
    ]
    return "\n".join(lines) + "\n"


_SATURDAY = 5


_UNLIMITED = 1000
"""Requests a second of our own, where the vendors hold no limit either."""


_FEEDS = 2
"""So many people have a feed; the others' calendars are at Microsoft. Google's need a key, which is made where they are tried."""


def _diaries(people: Sequence[str], address: str) -> dict[str, dict[str, str | int | list[str]]]:
    """Whose calendars are read where."""
    domains = sorted({one.rpartition("@")[2] for one in people})
    feeds = {json.dumps(one): f"{address}/feeds/{calendar.FEED_SECRET}/{one}.ics" for one in people[:_FEEDS]}
    return {
        "meetings": {"own_domains": domains, "zone": ZONE},
        "ics": {"allow_private": True},
        "ics.feeds": {**feeds},
        "microsoft": {
            "url": f"{address}/v1.0",
            "login_url": f"{address}/login",
            "tenant": calendar.TENANT,
            "client_id": calendar.CLIENT_ID,
            "client_secret": calendar.CLIENT_SECRET,
            "calendars": list(people[_FEEDS:]),
        },
    }


def _settings(
    dataset: Dataset,
    people: Sequence[str],
    addresses: Mapping[str, str],
    folder: Path,
    controls: Controls,
    *,
    also: Collection[str],
) -> str:
    """The settings file that makes the product read this sandbox, its clock fixed to the world's present."""
    roots = {source: addresses[source].removesuffix(_BASE_PATHS[source]) for source in SOURCES}
    tables: dict[str, dict[str, str | int | list[str]]] = {
        "lago": {"url": addresses["lago"], "api_key": lago.API_KEY},
        "hubspot": {"url": addresses["hubspot"], "token": hubspot.TOKEN},
        "metabase": {"url": addresses["metabase"], "api_key": metabase.API_KEY, "database": SNOWFLAKE},
        "notion": {
            "url": addresses["notion"],
            "token": notion.TOKEN,
            "tickets_database": dataset.notion.database_id,
            "reports_data_source": REPORTS_DATA_SOURCE,
        },
        "slack": {
            "url": addresses["slack"],
            "token": slack.TOKEN,
            "signing_secret": slack.SIGNING_SECRET,
            "app_token": slack.APP_TOKEN,
        },
        **_diaries(people, addresses["calendar"]),
        **({"email": _mail_settings(addresses["email"])} if "email" in addresses else {}),
        "deliveries": {"folder": str(folder / "deliveries")},
        "lake": {"folder": str(folder / "lake")},
        "store": {"url": f"sqlite:///{folder / 'customer-research.db'}", "snapshots": str(folder / "snapshots")},
        "rates": {"file": str(folder / "rates.csv")},
        "links": {
            "lago_customer": f"{roots['lago']}/customer/{{id}}",
            "lago_invoice": f"{roots['lago']}/invoice/{{id}}",
            "hubspot_company": f"{roots['hubspot']}/contacts/0/record/0-2/{{id}}",
            "metabase_card": f"{roots['metabase']}/question/{{id}}",
            "notion_page": f"{roots['notion']}/page/{{id}}",
        },
    }
    if "intercom" in also:
        tables["intercom"] = {
            "url": addresses["intercom"],
            "token": intercom.TOKEN,
            "workspace": dataset.intercom.workspace,
        }
    if "snowflake" in also:
        tables["snowflake"] = {
            "account": snowflake_account.ACCOUNT,
            "url": addresses["snowflake"],
            "token": snowflake_account.TOKEN,
            "role": snowflake_account.ROLE,
            "warehouse": snowflake_account.WAREHOUSE,
            "database": snowflake_account.DATABASE,
        }
    if "stripe" in also:
        tables["stripe"] = {"url": addresses["stripe"], "api_key": stripe.KEY}
    if "facts" in also:
        paced = {} if controls.rate_limits else {"requests_per_second": _UNLIMITED}
        tables["fmcsa"] = {"url": f"{addresses['facts']}/fmcsa", **paced}
        tables["people_data_labs"] = {
            "url": f"{addresses['facts']}/pdl",
            "api_key": facts.API_KEY,
            "requests_per_second": 5,
            **paced,
        }
    if "reviews" in also:
        tables["g2"] = {"url": addresses["g2"], "token": g2.TOKEN, "product": g2.PRODUCT}
        tables["google_places"] = {"url": addresses["google_places"], "api_key": google_places.KEY}
    if not controls.rate_limits:
        if "stripe" in tables:
            tables["stripe"]["list_requests_per_second"] = _UNLIMITED
        for vendor in (vendor for vendor in (*SOURCES, *CARRIERS) if vendor in tables):
            tables[vendor]["requests_per_second"] = _UNLIMITED
    lines = [
        f"clock = {json.dumps(clock_text(dataset.as_of))}",
        f"test_operators = {json.dumps([f'{SCENARIO_IDS}*'])}",
    ]
    for name, values in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    return "\n".join(lines) + "\n"
