"""What a failure means: a status or an exception of the HTTP client in the error tree, an error as a gap; never by its text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from customer_research.domain.evidence import Gap, GapReason
from customer_research.errors import (
    BadAnswer,
    ConfigError,
    CustomerResearchError,
    Denied,
    NotThere,
    RateLimited,
    SchemaChanged,
    SourceError,
    Truncated,
    Unavailable,
)

SUCCESS = range(200, 300)

STATUS_ERRORS: Mapping[int, type[SourceError]] = MappingProxyType(
    {
        401: Denied,
        402: Denied,
        403: Denied,
        404: NotThere,
        408: Unavailable,
        410: NotThere,
        425: Unavailable,
        429: RateLimited,
        529: RateLimited,
    }
)
"""Statuses with a meaning of their own; the rest follow `STATUS_FAMILIES`."""

STATUS_FAMILIES: Mapping[int, type[SourceError]] = MappingProxyType(
    {1: BadAnswer, 3: BadAnswer, 4: BadAnswer, 5: Unavailable}
)
"""First digit → error, for statuses that `STATUS_ERRORS` does not name."""

_UNREACHABLE = (
    "HTTPError RequestError TransportError TimeoutException ConnectTimeout ReadTimeout WriteTimeout PoolTimeout NetworkError "
    "ConnectError ReadError WriteError CloseError ProtocolError RemoteProtocolError ProxyError DecodingError"
)
_WRONG = (
    "LocalProtocolError UnsupportedProtocol TooManyRedirects HTTPStatusError InvalidURL CookieConflict StreamError "
    "StreamConsumed StreamClosed ResponseNotRead RequestNotRead SSEError"
)

CLIENT_ERRORS: Mapping[str, type[SourceError]] = MappingProxyType(
    {**dict.fromkeys(_UNREACHABLE.split(), Unavailable), **dict.fromkeys(_WRONG.split(), BadAnswer)}
)
"""httpx2's exceptions by class name (so that the library is loaded only when a request is made)."""


def status_error(status: int) -> type[SourceError] | None:
    """The error that an HTTP status means; None for a success."""
    if status in SUCCESS:
        return None
    return STATUS_ERRORS.get(status) or STATUS_FAMILIES.get(status // 100, BadAnswer)


def client_error(error: BaseException) -> type[SourceError] | None:
    """The error that an exception of the HTTP client means, by its nearest class in the table; None if not one."""
    return next((CLIENT_ERRORS[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in CLIENT_ERRORS), None)


REASONS: dict[type[SourceError], tuple[GapReason, str]] = {
    Denied: ("denied", "Check the credential and its scopes: `customer-research doctor --online`."),
    NotThere: ("none_found", "Check the id: `customer-research lookup` shows the identifiers that are known."),
    RateLimited: ("unavailable", "Wait a minute and run the same command again."),
    Unavailable: (
        "unavailable",
        "Run the same command again later; `customer-research doctor --online` tests the connection.",
    ),
    BadAnswer: ("unavailable", "`customer-research doctor --online` shows what the source answers."),
    SchemaChanged: ("unavailable", "A field is gone at the source: `customer-research doctor --online` names it."),
    Truncated: ("truncated", "Ask for less at once, or raise the source's limit."),
}
"""Every kind of source failure → the gap's reason and next step (a test holds this table complete)."""


def gap_of(error: CustomerResearchError, source: str) -> Gap:
    """The gap that a failed fetch leaves, with the error's own hint when it has one."""
    if isinstance(error, ConfigError):
        return Gap(source=source, reason="not_configured", detail=error.message, next_step=error.hint)
    reason, step = (
        REASONS.get(type(error), ("unavailable", "Run the same command again later."))
        if isinstance(error, SourceError)
        else ("unavailable", "Run the same command again; if it persists, report it.")
    )
    return Gap(source=source, reason=reason, detail=error.message, next_step=error.hint or step)
