"""A store or an engine on a real Postgres that refuses: each fault its own sentence, no part of the password in any."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from places import postgres
from psycopg import sql
from pydantic import SecretStr

from customer_research.connect.postgres import read_address
from customer_research.engines import open_engine
from customer_research.errors import ConfigError, CustomerResearchError, EngineError, StoreError
from customer_research.research.doctor_places import places
from customer_research.settings import EngineSettings, Settings, StoreSettings, describe, load_settings
from customer_research.sources.lago.settings import LagoSettings
from customer_research.store.database import open_store

pytestmark = pytest.mark.xdist_group("engines")
PASSWORD = "hush/quiet@calm:still%mute#low?dim"
PARTS = re.findall(r"[a-z]{3,}", PASSWORD)
SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    """HOST:PORT of a server whose users but one need a password: `app` may write, `reader` may not, `frozen` only reads."""
    with postgres() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            for role in ("app", "reader", "frozen"):
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(PASSWORD))
                )
            connection.execute("CREATE DATABASE written OWNER app")
            connection.execute("CREATE DATABASE closed")
            connection.execute("ALTER ROLE frozen SET default_transaction_read_only = on")
            (hba,) = connection.execute("SHOW hba_file").fetchone() or ("",)
            rules = (
                "local all all trust",
                "host all tester 127.0.0.1/32 trust",
                "host all all 127.0.0.1/32 scram-sha-256",
            )
            Path(hba).write_text("\n".join(rules) + "\n", encoding="utf-8")
            connection.execute("SELECT pg_reload_conf()")
        with psycopg.connect(url.rpartition("/")[0] + "/closed", autocommit=True) as connection:
            connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        yield url.rpartition("@")[2].partition("/")[0]


def _store(url: str) -> None:
    open_store(url).close()


def _engine(url: str) -> None:
    with open_engine("postgres", url) as engine:
        assert engine.run("SELECT 1 AS a") == [{"a": 1}]


OPENING: tuple[Callable[[str], None], ...] = (_store, _engine)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("written", [PASSWORD, quote(PASSWORD, safe="")], ids=["as it is", "escaped"])
@pytest.mark.parametrize("opened", OPENING)
def test_store_and_engine_take_the_same_addresses(
    scheme: str, written: str, opened: Callable[[str], None], place: str
) -> None:
    opened(f"{scheme}://app:{written}@{place}/written")


FAULTS = {
    "wrong password": ("app:{password}x@{place}/written", "refused the user or the password"),
    "no password": ("app@{place}/written", "refused the user or the password"),
    "unknown user": ("nobody:{password}@{place}/written", "refused the user or the password"),
    "wrong database": ("app:{password}@{place}/absent", "has no database of that name"),
    "wrong host": ("app:{password}@nowhere.invalid/written", "cannot be found: nobody knows that host"),
    "wrong port": ("app:{password}@127.0.0.1:1/written", "does not answer"),
    "no TLS": ("app:{password}@{place}/written?sslmode=require", "do not agree on encryption (TLS)"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("opened", OPENING)
def test_each_fault_has_its_own_sentence(fault: str, opened: Callable[[str], None], place: str) -> None:
    written, words = FAULTS[fault]
    url = "postgresql://" + written.format(password=PASSWORD, place=place)

    with pytest.raises((StoreError, EngineError)) as caught:
        opened(url)

    error = caught.value
    assert words in error.message
    assert error.message.endswith(".")
    assert ("engine.url" if opened is _engine else "store.url") in error.hint
    assert error.exit_code == 7
    assert_hushed(error)


@pytest.mark.parametrize(("user", "database"), [("reader", "closed"), ("frozen", "closed")])
def test_a_role_that_may_only_read_is_told_in_words(user: str, database: str, place: str) -> None:
    with pytest.raises(StoreError, match="does not let this user write") as caught:
        open_store(f"postgresql://{user}:{PASSWORD}@{place}/{database}")
    assert "GRANT" in caught.value.hint
    assert_hushed(caught.value)


@pytest.mark.parametrize(
    "url",
    [f"postgresql://app:{PASSWORD}@host:x/d", f"postgresql://app:{PASSWORD}", f"postgresql://app:{PASSWORD}@h/d#f"],
)
@pytest.mark.parametrize("opened", OPENING)
def test_an_address_of_another_form_is_not_repeated(url: str, opened: Callable[[str], None]) -> None:
    with pytest.raises(CustomerResearchError) as caught:
        opened(url)
    assert_hushed(caught.value)


def assert_hushed(error: CustomerResearchError) -> None:
    told = f"{error.message} {error.hint} {error!r} {error.__cause__!r}"
    assert [part for part in PARTS if part in told] == []
    assert "SQLSTATE" not in told
    assert not re.search(r"\b(28P01|28000|3D000|42501|25006|08\w{3})\b", told)


def _settings(url: str) -> Settings:
    parts = {
        "store": StoreSettings(url=SecretStr(url)),
        "engine": EngineSettings(name="postgres", url=SecretStr(url)),  # type: ignore[call-arg]
    }
    return load_settings().model_copy(update=parts)


def test_doctor_looks_at_the_store_and_the_engine(place: str) -> None:
    good, bad = (f"postgres://app:{PASSWORD}@{place}/{name}" for name in ("written", "absent"))
    store, engine = places(_settings(good), online=True)
    assert (store.status, engine.status) == ("ok", "ok")
    assert "can be read and written to" in store.found
    open_store(good).close()
    assert "(migration 0" in places(_settings(good), online=True)[0].found
    with psycopg.connect(**read_address(good, "x").libpq) as connection:  # type: ignore[arg-type]
        left = connection.execute("SELECT count(*) FROM pg_tables WHERE tablename LIKE '%doctor%'").fetchone()
    assert left == (0,)
    assert [row.status for row in places(_settings(good), online=False)] == ["skipped", "skipped"]

    for row in places(_settings(bad), online=True):
        assert row.status == "fail"
        assert "has no database of that name" in row.found
        assert [part for part in PARTS if part in json.dumps([row.found, row.fix])] == []


def test_config_show_has_no_part_of_a_password() -> None:
    address = f"https://me:{PASSWORD}@billing.example/api"
    settings = _settings(f"postgres://app:{PASSWORD}@h/d").model_copy(
        update={"lago": load_settings().of(LagoSettings).model_copy(update={"url": address})}
    )
    told = " ".join(value.shown for value in describe(settings, None))
    assert [part for part in PARTS if part in told] == []


def test_a_missing_driver_is_a_setting_to_correct(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    for opened in OPENING:
        with pytest.raises(ConfigError) as caught:
            opened("postgresql://app@127.0.0.1:1/d")
        assert caught.value.exit_code == 5
        assert "pip install 'customer-research[postgres]'" in caught.value.hint
