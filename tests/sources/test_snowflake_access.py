"""The three ways into Snowflake against a server that judges each: what is let in, what each refusal says, and that no secret is told."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from snowflake_warehouse import scenario, settings_of, using
from worlds import Worlds

from customer_research.connect.source import Batch
from customer_research.errors import ConfigError, CustomerResearchError, Denied, Unavailable
from customer_research.settings import load_settings
from customer_research.sources.warehouse.access import Login, account_name
from customer_research.sources.warehouse.session import WarehouseSession
from customer_research.sources.warehouse.settings import SnowflakeSettings
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.snowflake_account import CLIENT_ID, CLIENT_SECRET, ROLE, TOKEN, USER, fingerprint

PASSPHRASE = "correct horse battery staple"


@pytest.fixture(scope="module")
def running(worlds: Worlds) -> Iterator[Sandbox]:
    with worlds.running(also=("snowflake",)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox, keys: tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey]) -> Iterator[Sandbox]:
    account = running.snowflake
    account.public_keys = [public(keys[0])]
    account.token_ends, account.oauth_seconds = None, 600
    account.oauth_given.clear()
    present = account.now
    yield running
    account.now = present


@pytest.fixture(scope="module")
def keys() -> tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey]:
    made = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]
    return made[0], made[1]


def public(key: rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def written(folder: Path, key: Any, passphrase: str = "") -> Path:
    lock: KeySerializationEncryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    file = folder / "key.p8"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    return file


def key_pair(file: Path, passphrase: str | None = None, **more: Any) -> dict[str, Any]:
    return {"token": None, "user": USER, "private_key_file": file, "passphrase": passphrase, **more}


def oauth(sandbox: Sandbox, secret: str = CLIENT_SECRET, **more: Any) -> dict[str, Any]:
    url = f"{sandbox.addresses['snowflake']}/oauth/token-request"
    return {"token": None, "client_id": CLIENT_ID, "client_secret": secret, "token_url": url, **more}


async def csm(session: WarehouseSession) -> Batch:
    return await session.csm_by_operator(scenario(9))


def let_in(sandbox: Sandbox, **snowflake: Any) -> None:
    assert len(using(settings_of(sandbox, **snowflake), csm).tables["csm"]) == 4


def refused(sandbox: Sandbox, **snowflake: Any) -> CustomerResearchError:
    with pytest.raises(CustomerResearchError) as told:
        using(settings_of(sandbox, **snowflake), csm)
    assert told.value.message.endswith(".")
    assert told.value.message.count(". ") == 0  # one sentence
    assert told.value.hint
    return told.value


# -- key pair ------------------------------------------------------------------------------------------------------------


def test_a_key_pair_lets_in(sandbox: Sandbox, keys: Any, tmp_path: Path) -> None:
    let_in(sandbox, **key_pair(written(tmp_path, keys[0])))
    let_in(sandbox, **key_pair(written(tmp_path, keys[0], PASSPHRASE), PASSPHRASE))
    let_in(sandbox, **key_pair(written(tmp_path, keys[0]), user=USER.lower(), account="sandbox-moovs.eu-west-1"))


def test_two_keys_serve_while_they_are_rotated(sandbox: Sandbox, keys: Any, tmp_path: Path) -> None:
    new = key_pair(written(tmp_path, keys[1]))
    assert "394304" in refused(sandbox, **new).message
    sandbox.snowflake.public_keys = [public(keys[0]), public(keys[1])]
    let_in(sandbox, **new)
    sandbox.snowflake.public_keys = [public(keys[1])]
    let_in(sandbox, **new)


@pytest.mark.parametrize(("name", "value"), [("user", "SOMEBODY"), ("account", "OTHER-ACCOUNT")])
def test_a_key_of_somebody_else_is_refused(sandbox: Sandbox, keys: Any, tmp_path: Path, name: str, value: str) -> None:
    error = refused(sandbox, **key_pair(written(tmp_path, keys[0])) | {name: value})
    assert isinstance(error, Denied)
    assert "Snowflake refused the credential (390144: JWT token is invalid)" in error.message


def test_a_clock_that_is_wrong_is_told(sandbox: Sandbox, keys: Any, tmp_path: Path) -> None:
    late = sandbox.dataset.as_of + timedelta(hours=2)
    sandbox.snowflake.now = lambda: late
    error = refused(sandbox, **key_pair(written(tmp_path, keys[0])))
    assert "394301: JWT token has expired" in error.message
    assert "clock" in error.hint


def test_a_key_that_cannot_be_used_says_why(sandbox: Sandbox, keys: Any, tmp_path: Path) -> None:
    def said(file: Path, passphrase: str | None = None) -> str:
        error = refused(sandbox, **key_pair(file, passphrase))
        assert isinstance(error, ConfigError)
        assert PASSPHRASE not in f"{error} {error.hint}"
        return error.message.replace(str(file), "FILE")

    locked = written(tmp_path, keys[0], PASSPHRASE)
    assert said(locked, "") == said(locked)
    assert said(locked) == "The key file FILE is encrypted, and there is no passphrase."
    assert said(locked, "wrong") == "The key file FILE cannot be opened with the passphrase."
    assert said(tmp_path / "nothing.p8") == "The key file FILE cannot be read: No such file or directory."
    (tmp_path / "text.p8").write_text("no key")
    assert said(tmp_path / "text.p8") == "The key file FILE holds no private key in PEM."
    curve = written(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    assert said(curve) == "The key file FILE holds a key that is not RSA."


def test_a_key_pair_without_its_package_says_which(
    sandbox: Sandbox, keys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jwt", None)
    error = refused(sandbox, **key_pair(written(tmp_path, keys[0])))
    assert error.message == "A key pair for Snowflake needs PyJWT with cryptography, which is not installed."
    assert "customer-research[keypair]" in error.hint


def claims_of(login: Login) -> tuple[str, dict[str, Any]]:
    token = asyncio.run(login.token())
    return token, jwt.decode(token, options={"verify_signature": False, "verify_exp": False, "verify_iat": False})


def test_a_key_pairs_token_says_what_snowflake_wants_and_is_made_anew_before_it_ends(
    sandbox: Sandbox, keys: Any, tmp_path: Path
) -> None:
    settings = settings_of(sandbox, **key_pair(written(tmp_path, keys[0])))
    now = datetime(2026, 11, 1, tzinfo=UTC)
    login = Login(settings.of(SnowflakeSettings), settings, lambda: now)
    token, claims = claims_of(login)
    assert claims["sub"] == f"SANDBOX-MOOVS.{USER}"
    assert claims["iss"] == f"SANDBOX-MOOVS.{USER}.SHA256:{fingerprint(public(keys[0]))}"
    assert 0 < claims["exp"] - claims["iat"] < 3600
    now += timedelta(minutes=49)
    assert claims_of(login)[0] == token
    now += timedelta(minutes=2)
    renewed, later = claims_of(login)
    assert renewed != token
    assert later["iat"] - claims["iat"] == 51 * 60
    asyncio.run(login.close())


@pytest.mark.parametrize(
    ("account", "name"),
    [
        ("myorg-my_account", "MYORG-MY_ACCOUNT"),
        ("xy12345.us-east-2.aws", "XY12345"),
        ("myorg-account.privatelink", "MYORG-ACCOUNT"),
        ("xy12345-extra.global", "XY12345"),
    ],
)
def test_an_account_is_named_without_its_region(account: str, name: str) -> None:
    assert account_name(account) == name


def test_an_account_tells_its_address() -> None:
    def address(**given: Any) -> str:
        return SnowflakeSettings.model_validate(given).address

    assert address(account="MYORG-MY_ACCOUNT") == "https://myorg-my-account.snowflakecomputing.com"
    assert address(account="A-B", url="https://a.privatelink.example.com/") == "https://a.privatelink.example.com"


# -- OAuth ---------------------------------------------------------------------------------------------------------------


def test_client_credentials_let_in_by_one_token(sandbox: Sandbox) -> None:
    async def twice(session: WarehouseSession) -> int:
        await asyncio.gather(csm(session), csm(session), csm(session))
        return len(sandbox.snowflake.oauth_given)

    assert using(settings_of(sandbox, **oauth(sandbox, scope="session:role:READER")), twice) == 1


def test_an_access_token_is_renewed_before_it_ends(sandbox: Sandbox) -> None:
    now = sandbox.dataset.as_of
    sandbox.snowflake.now = lambda: now

    async def all_day(session: WarehouseSession) -> list[int]:
        nonlocal now
        given = []
        for _ in range(6):
            await csm(session)
            given.append(len(sandbox.snowflake.oauth_given))
            now += timedelta(minutes=4)
        return given

    assert using(settings_of(sandbox, **oauth(sandbox)), all_day, lambda: now) == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(("seconds", "asked"), [(120, [1, 1, 2, 2, 3, 3]), (6_000, [1] * 6)])
def test_a_token_of_any_life_is_used_for_a_while(sandbox: Sandbox, seconds: int, asked: list[int]) -> None:
    """One that holds for less than the spare time, too: it is not asked for with every request."""
    now = sandbox.dataset.as_of
    sandbox.snowflake.now, sandbox.snowflake.oauth_seconds = (lambda: now), seconds

    async def all_day(session: WarehouseSession) -> list[int]:
        nonlocal now
        given = []
        for _ in range(6):
            await csm(session)
            given.append(len(sandbox.snowflake.oauth_given))
            now += timedelta(seconds=30)
        return given

    assert using(settings_of(sandbox, **oauth(sandbox)), all_day, lambda: now) == asked


def test_a_client_that_is_wrong_or_revoked_is_told(sandbox: Sandbox) -> None:
    error = refused(sandbox, **oauth(sandbox, "wrong"))
    assert isinstance(error, Denied)
    assert "identity provider refused the credential (401" in error.message
    assert "snowflake.client_secret" in error.hint

    async def revoked(session: WarehouseSession) -> None:
        await csm(session)
        sandbox.snowflake.oauth_given.clear()
        with pytest.raises(Denied, match="390303: Invalid OAuth access token"):
            await csm(session)
        assert len((await csm(session)).tables["csm"]) == 4  # with a token of its own

    using(settings_of(sandbox, **oauth(sandbox)), revoked)


# -- programmatic access token -------------------------------------------------------------------------------------------


def test_a_token_lets_in_until_it_ends(sandbox: Sandbox) -> None:
    sandbox.snowflake.token_ends = sandbox.dataset.as_of + timedelta(days=1)
    let_in(sandbox)
    sandbox.snowflake.token_ends = sandbox.dataset.as_of
    assert "Programmatic access token is expired" in refused(sandbox).message
    assert "Programmatic access token is invalid" in refused(sandbox, token="another").message


# -- settings ------------------------------------------------------------------------------------------------------------


def wrong(tmp_path: Path, text: str) -> ConfigError:
    file = tmp_path / "settings.toml"
    file.write_text(f"[snowflake]\n{text}\n")
    with pytest.raises(ConfigError) as told:
        load_settings(file)
    return told.value


def test_a_password_is_refused_with_what_to_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = wrong(tmp_path, 'account = "A-B"\npassword = "hunter2-secret"')
    assert "remove snowflake.password, and set private_key_file, client_id with client_secret" in error.message
    assert "hunter2" not in f"{error.message} {error.hint}"
    monkeypatch.setenv("CUSTOMER_RESEARCH_SNOWFLAKE__PASSWORD", "hunter2-secret")
    assert "remove snowflake.password" in wrong(tmp_path, 'account = "A-B"').message


def test_two_ways_in_and_wrong_addresses_are_refused(tmp_path: Path) -> None:
    two = wrong(tmp_path, 'token = "t"\nprivate_key_file = "key.p8"')
    assert two.message == "The setting snowflake is wrong: private_key_file and token are set: keep one way in."
    assert "is no account identifier" in wrong(tmp_path, 'account = "https://a.snowflakecomputing.com"').message
    assert "is no https address" in wrong(tmp_path, 'url = "http://a.example.com"').message
    assert "is no https address" in wrong(tmp_path, 'token_url = "ftp://a.example.com/token"').message
    assert "is no endpoint" in wrong(tmp_path, 'token_url = "https://a.example.com/"').message


@pytest.mark.parametrize(
    "account",
    ["a.snowflakecomputing.com", "MYORG-A.SNOWFLAKECOMPUTING.COM", "a b", "-a", "a-", "a/b", f"a{'-' * 5_000}!", "é"],
)
def test_what_is_no_account_is_refused_at_once(tmp_path: Path, account: str) -> None:
    assert "is no account identifier" in wrong(tmp_path, f'account = "{account}"').message


def test_who_cannot_be_reached_is_named_by_the_setting_at_fault(sandbox: Sandbox) -> None:
    nowhere = "http://127.0.0.1:9"
    away = refused(sandbox, **{**oauth(sandbox), "token_url": f"{nowhere}/token"})
    assert isinstance(away, Unavailable)
    assert "snowflake.token_url" in away.hint
    assert "snowflake.url" in refused(sandbox, url=nowhere).hint
    by_account = settings_of(sandbox, account="MYORG-NOBODY", url=None)
    assert WarehouseSession(by_account, lambda: sandbox.dataset.as_of).http._address == "snowflake.account"


# -- secrets -------------------------------------------------------------------------------------------------------------


class Echo(httpx2.AsyncBaseTransport):
    """A server that repeats in its refusal all that it was sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = (await request.aread()).decode()
        if request.url.path.endswith("/token-request"):
            return httpx2.Response(200, json={"access_token": "given-access-token", "expires_in": 600})
        told = f"{request.headers['authorization']} {body[:40]}"
        self.sent.append(request.headers["authorization"].removeprefix("Bearer "))
        return httpx2.Response(401, json={"code": "390144", "message": told})


@pytest.mark.parametrize("way", ["key_pair", "oauth", "token"])
def test_no_secret_is_told_whatever_snowflake_says(
    sandbox: Sandbox, keys: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    caplog.set_level(logging.DEBUG)
    pem = written(tmp_path, keys[0], PASSPHRASE)
    given = {"key_pair": key_pair(pem, PASSPHRASE), "oauth": oauth(sandbox), "token": {}}[way]
    settings = settings_of(sandbox, **given)
    echo = Echo()
    login = Login(settings.of(SnowflakeSettings), settings, lambda: sandbox.dataset.as_of, transport=echo)
    log = login.http.log("told")

    async def ask() -> CustomerResearchError:
        from customer_research.connect.statements import Statements, Surroundings

        with pytest.raises(Denied) as told:
            await Statements(login.http, Surroundings(ROLE)).run("SELECT 1", [], log)
        await login.close()
        return told.value

    error = asyncio.run(ask())
    told = " ".join((error.message, error.hint, repr(error), caplog.text, *log.requests, repr(settings), repr(login)))
    secrets = [TOKEN, CLIENT_SECRET, PASSPHRASE, "given-access-token", "PRIVATE KEY", *echo.sent]
    assert echo.sent
    assert "[secret]" in error.message
    for secret in secrets:
        assert secret not in told
