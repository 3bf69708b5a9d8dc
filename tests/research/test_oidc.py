"""Access tokens of an identity provider that answers over real HTTP, with keys of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from issuers import AUDIENCE, IdentityProvider, identity_provider
from pydantic import ValidationError

from customer_research.connect import http
from customer_research.domain.access import Visitor
from customer_research.errors import SourceError
from customer_research.research import oidc
from customer_research.research.oidc import Issuer
from customer_research.research.usecases import finished
from customer_research.settings import OidcSettings, Settings

T = TypeVar("T")
ADA = Visitor("ada@example.com", frozenset({"read", "finance"}))


class Timer:
    """Seconds that go forward when they are told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as running:
        yield running


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def issuer(provider: IdentityProvider, timer: Timer) -> Callable[..., Issuer]:
    """The issuer with some settings as given."""

    def made(**changes: Any) -> Issuer:
        own = OidcSettings(**{"issuer": provider.address, **changes})
        settings = Settings(oidc=own)  # type: ignore[call-arg]
        return Issuer(settings, AUDIENCE, lambda: datetime.now(UTC), timer)

    return made


def seen(issuer: Issuer, *tokens: str) -> list[Visitor | None]:
    async def visitors() -> list[Visitor | None]:
        return [await issuer.visitor(token) for token in tokens]

    return finished(visitors())


def test_a_token_of_the_issuer_lets_in_with_what_its_scopes_say(
    provider: IdentityProvider, issuer: Callable[..., Issuer]
) -> None:
    assert seen(issuer(), provider.token(), provider.token(scope=None), provider.token(aud=["x", AUDIENCE])) == [
        ADA,
        Visitor("ada@example.com", frozenset()),
        ADA,
    ]
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"], "the keys are asked for once"


def test_claims_are_called_as_the_settings_say(provider: IdentityProvider, issuer: Callable[..., Issuer]) -> None:
    own = issuer(
        email_claim="upn", scopes_claim="scp", scope_prefix="cr:", owner_claim="hubspot_owner", audience="api://cr",
        jwks_url=f"{provider.address}/keys",
    )  # fmt: skip
    claims: dict[str, Any] = {"upn": "kim@example.com", "scp": ["cr:read", "cr:act", 7], "aud": "api://cr"}
    whole = provider.token(**claims, hubspot_owner=160000001)
    without = provider.token(**claims)
    assert seen(own, whole, without) == [
        Visitor("kim@example.com", frozenset({"read", "act"}), "160000001"),
        None,
    ], "without the claim nobody knows whose operators may be shown"
    assert provider.asked == ["/keys"]


def _made_up(provider: IdentityProvider) -> str:
    """Signed with the public key as if it were a shared secret."""
    shared = b"-----BEGIN PUBLIC KEY, not really, of at least so many bytes-----"
    return provider.token(key=shared, algorithm="HS512")


REFUSED: dict[str, Callable[[IdentityProvider], str]] = {
    "expired": lambda p: p.token(exp=int(datetime.now(UTC).timestamp()) - 60),
    "of another audience": lambda p: p.token(aud="https://elsewhere.example.com/mcp"),
    "of another issuer": lambda p: p.token(iss="https://elsewhere.example.com"),
    "not valid yet": lambda p: p.token(nbf=int(datetime.now(UTC).timestamp()) + 600),
    "without an end": lambda p: p.token(exp=None),
    "without an audience": lambda p: p.token(aud=None),
    "unsigned": lambda p: p.unsigned(),
    "with a shared secret": _made_up,
    "of an unknown key": lambda p: p.token(kid="unheard of"),
    "of somebody else's key": lambda p: p.token(key=rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    "of another algorithm than the key's": lambda p: p.token(algorithm="PS256"),
    "of nobody": lambda p: p.token(email=None),
    "of an address that is not confirmed": lambda p: p.token(email_verified=False),
    "changed": lambda p: p.token()[:-6] + "AAAAAA",
    "no token": lambda p: "a.b.c",
    "endless": lambda p: "a" * 20_000,
}


@pytest.mark.parametrize("which", REFUSED)
def test_what_is_refused(which: str, provider: IdentityProvider, issuer: Callable[..., Issuer]) -> None:
    own = issuer()
    assert seen(own, REFUSED[which](provider), provider.token()) == [None, ADA]


def test_a_new_key_counts_and_the_old_one_does_no_more(
    provider: IdentityProvider, issuer: Callable[..., Issuer], timer: Timer
) -> None:
    own = issuer()
    old = provider.token()
    assert seen(own, old) == [ADA]
    provider.rotate("second")
    assert seen(own, provider.token()) == [None], "the issuer was asked a moment ago"
    timer.now += oidc.ASKED_AGAIN_SECONDS
    assert seen(own, provider.token(), old) == [ADA, None]


def test_made_up_keys_do_not_make_us_ask_the_issuer_each_time(
    provider: IdentityProvider, issuer: Callable[..., Issuer], timer: Timer
) -> None:
    own = issuer()
    made_up = [provider.token(kid=f"made-up-{number}") for number in range(20)]
    seen(own, *made_up)
    assert provider.asked.count("/keys") == 1
    timer.now += oidc.ASKED_AGAIN_SECONDS
    seen(own, *made_up)
    assert provider.asked.count("/keys") == 2


def test_keys_that_are_old_are_read_again_and_count_on_while_the_issuer_is_silent(
    provider: IdentityProvider, issuer: Callable[..., Issuer], timer: Timer, no_waiting: None
) -> None:
    own = issuer()
    token = provider.token()
    assert seen(own, token) == [ADA]
    provider.broken = True
    timer.now += oidc.KEPT_SECONDS + 1
    asked = len(provider.asked)
    assert seen(own, token, token) == [ADA, ADA]
    assert len(provider.asked) - asked == http.MAX_ATTEMPTS, "asked again so many times, and then not for a while"
    timer.now += oidc.SILENT_SECONDS
    for _ in range(2):
        with pytest.raises(SourceError, match="The identity provider failed to answer"):
            seen(own, token)


def test_an_issuer_that_never_answered_is_an_outage_not_a_wrong_token(
    provider: IdentityProvider, issuer: Callable[..., Issuer], timer: Timer, no_waiting: None
) -> None:
    own = issuer()
    provider.broken = True
    for _ in range(2):
        with pytest.raises(SourceError):
            seen(own, provider.token())
    provider.broken = False
    timer.now += oidc.ASKED_AGAIN_SECONDS
    assert seen(own, provider.token()) == [ADA]


def test_a_configuration_of_another_issuer_is_not_believed(
    provider: IdentityProvider, issuer: Callable[..., Issuer]
) -> None:
    provider.claimed_issuer = "https://elsewhere.example.com"
    with pytest.raises(SourceError, match="configuration of another issuer"):
        seen(issuer(), provider.token())


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://id.example.com"},
        {"issuer": "http://127.0.0.1.example.com"},
        {"jwks_url": "ftp://id.example.com/keys"},
        {"algorithms": ("HS256",)},
        {"algorithms": ("none",)},
    ],
)
def test_settings_that_would_let_anybody_in_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OidcSettings(**wrong)


def test_the_tokens_of_these_tests_are_what_they_say(provider: IdentityProvider) -> None:
    head = jwt.get_unverified_header(provider.unsigned())
    assert head["alg"] == "none"
    assert jwt.get_unverified_header(_made_up(provider))["alg"] == "HS512"
