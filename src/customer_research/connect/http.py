"""The one HTTP client: every request of every source goes through `Http`.

It keeps one connection pool a vendor, our share of the vendor's rate limit, bounded retries of what is worth retrying,
one deadline a stream, and one table from statuses and client exceptions to the error tree. Retryability is decided by
these tables, never by the text of a message.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, Unpack
from urllib.parse import quote, urlsplit, urlunsplit

from customer_research.connect.answers import Answer, TooMuchError, json_message, parsed, received
from customer_research.connect.failures import SUCCESS, client_error, status_error
from customer_research.connect.latest import LATEST
from customer_research.connect.limits import Convention, bucket, told_wait
from customer_research.connect.request_log import RequestLog
from customer_research.connect.settings import SettingsTree, VendorSettings
from customer_research.connect.source import Clock
from customer_research.connect.turns import LONGEST_SECONDS, AllTurns
from customer_research.domain.parsing import is_this_machine
from customer_research.errors import (
    BadAnswer,
    ConfigError,
    Denied,
    NotThere,
    RateLimited,
    SourceError,
    Truncated,
    Unavailable,
)
from customer_research.private import cache_folder

if TYPE_CHECKING:
    import ssl

    import httpx2

logger = logging.getLogger(__name__)

E = TypeVar("E", bound=SourceError)

Method = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
ParamValue = str | int | bool | Sequence[str]
Params = Mapping[str, ParamValue | None]
"""Query parameters; None is left out, a sequence repeats the name (`status[]=active&status[]=pending`)."""

Token = Callable[[], Awaitable[str]]
"""Gives the bearer token that a request carries now: for credentials that hold for an hour and are then made anew."""

TOKENS_KEPT = 3
"""So many of the latest tokens are struck out of what is told: an answer may still speak of one that was renewed meanwhile."""

MAX_ATTEMPTS = 4
"""Times one request is sent at most."""

MAX_WAIT_SECONDS = 60.0
"""Longest wait between two attempts, whatever the vendor says; the stream's deadline usually ends it earlier."""

FIRST_BACKOFF_SECONDS = 0.25
LIMITED_BACKOFF_SECONDS = 1.0
"""First wait after a refusal by rate limit that does not say how long; doubled each time, as the other."""

CONNECT_TIMEOUT_SECONDS = 5.0
MESSAGE_LENGTH = 200
"""Characters of a vendor's own message that an error repeats."""

REDIRECTION = 3

NEVER_SENT = frozenset(["ConnectError", "ConnectTimeout", "PoolTimeout"])
"""Client exceptions after which even a write may be sent again: the vendor has not seen it."""

RETRY_READS = frozenset([408, 425, 429, 500, 502, 503, 504, 529])
"""Statuses after which a read is sent again."""

RETRY_WRITES = frozenset([429, 529])
"""Statuses after which a write is sent again: refused before it was carried out."""


def segment(text: str) -> str:
    """One path segment, percent-encoded."""
    return quote(text, safe="")


@dataclass(frozen=True, slots=True)
class Vendor:
    """What `Http` must know of a vendor.

    `name` is the source's name in receipts and gaps, `title` the one in sentences. `message` reads the vendor's own words out of
    an error body (parsed JSON, else text), `code` its own name of the failure, where it has one. `own_limits` are further limits
    on paths with a given ending, in requests a second (HubSpot's search). `is_text` says that its answers are text and no JSON
    (a calendar feed).
    """

    name: str
    title: str
    convention: Convention = "retry_after"
    reset_header: str = "x-ratelimit-reset"
    message: Callable[[Any], str] = json_message
    code: Callable[[Any], str] = lambda _: ""
    own_limits: tuple[tuple[str, float], ...] = ()
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, headers (lower-case names) and the parsed JSON body (text when it is not JSON)."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Pace:
    """Time as `Http` feels it, so that tests need not wait: a monotonic timer, a sleep, and jitter in [0, 1)."""

    timer: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = field(default=SystemRandom().random)


@dataclass(slots=True)
class _Failure:
    """Why an attempt failed, and whether and when another one is worth it."""

    error: SourceError
    again: bool
    wait: float | None = None


class Doubles(TypedDict, total=False):
    """What tests put in the place of the network and of time."""

    transport: httpx2.AsyncBaseTransport
    pace: Pace


class Http:
    """One vendor's connection: pool, credential, limits, retries, deadline.

    Args:
        vendor: what the vendor is called and how it speaks.
        own: its settings: address, credential (never seen in an error or a log), our own rate (bursts of one second
            allowed), requests under way at once.
        settings: what holds for every vendor: the bounds of an answer, and the deadline.
        clock: the present instant.
        deadline_seconds: total time of one log (a stream), retries included, our own limits' queue apart; None: as
            the settings have it.
        token: the bearer token of each request, where the credential is not itself what is sent.
        doubles: what tests put in the place of the network and of time.

    Raises:
        ConfigError: the credential is not set, or the address is none.
    """

    def __init__(
        self,
        vendor: Vendor,
        own: VendorSettings,
        settings: SettingsTree,
        clock: Clock,
        *,
        deadline_seconds: float | None = None,
        token: Token | None = None,
        **doubles: Unpack[Doubles],
    ) -> None:
        self._credential, self._address = f"{own.section}.{own.credential}", f"{own.section}.{own.placed_by}"
        gap = own.missing() if not own.secret else None
        if gap is not None:
            raise ConfigError(gap.detail, setting=self._credential, hint=gap.next_step)
        _require_address(own.url, self._address)
        self.vendor = vendor
        self.place = _without_credentials(own.url)
        self.clock = clock
        self.bounds = settings.bounds
        self._base_url = own.url.rstrip("/")
        self._base_path = urlsplit(self._base_url).path
        self._headers = own.headers
        self._secrets = (own.secret,) if own.secret else ()
        self._token = token
        self._tokens: tuple[str, ...] = ()
        self._deadline_seconds = settings.deadline_seconds if deadline_seconds is None else deadline_seconds
        self._transport = transport = doubles.get("transport")
        self._pace = doubles.get("pace") or Pace()
        self._gate = asyncio.Semaphore(own.concurrency)
        self._bucket = bucket(own.requests_per_second)
        self._own_buckets = tuple((ending, bucket(rate)) for ending, rate in vendor.own_limits)
        rates = (own.requests_per_second, *(rate for _, rate in vendor.own_limits)) if transport is None else ()
        self._turns = AllTurns(cache_folder, (vendor.name, self.place, *self._secrets), rates, self._pace.timer)
        self._held_until = 0.0
        self._client: httpx2.AsyncClient | None = None

    def log(self, stream: str, *, within: RequestLog | None = None, seconds: float | None = None) -> RequestLog:
        """A new log of this vendor's requests for *stream*; `within` another one it shares that one's time, or has so many seconds."""
        log = RequestLog(self.vendor.name, stream, self.place, self.clock)
        if within is not None:
            log.deadline = within.deadline
        elif seconds is not None:
            log.deadline = self._pace.timer() + seconds
        return log

    async def pause(self, seconds: float, log: RequestLog) -> None:
        """Wait, no longer than the log's stream may take: what is asked after that is too late."""
        await self._pace.sleep(min(seconds, self.seconds_left(log)))

    async def get(self, path: str, *, params: Params | None = None, log: RequestLog) -> Any:
        """The parsed JSON of a GET.

        Raises:
            SourceError: as `send`.
        """
        return (await self.send("GET", path, params=params, log=log)).body

    async def post(
        self, path: str, *, json: Any, params: Params | None = None, log: RequestLog, safe: bool = True
    ) -> Any:
        """The parsed JSON of a POST; `safe` says that it only reads and may be sent again.

        Raises:
            SourceError: as `send`.
        """
        return (await self.send("POST", path, params=params, json=json, log=log, safe=safe)).body

    async def send(
        self,
        method: Method,
        path: str,
        *,
        params: Params | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        log: RequestLog,
        safe: bool = True,
        accept: Collection[int] = (),
    ) -> Reply:
        """Send one request, again where that is worth it, and give the answer.

        Args:
            method: HTTP method.
            path: below the base URL; escape its parts with `segment`.
            params: query parameters.
            json: body; None sends none.
            form: fields of a form as the body, which the log does not repeat: a token is asked for so.
            headers: what is asked by a header of this request alone (whose account); noted in the log, so no secrets.
            log: where the request is noted, and whose deadline counts.
            safe: whether the request only reads; a write is repeated only when the vendor has not carried it out.
            accept: statuses to be given back instead of raised.

        Raises:
            SourceError: the vendor did not give the answer: `Denied`, `NotThere`, `RateLimited`, `Unavailable` or
                `BadAnswer`, with the stream of *log*.
        """
        request = self._build(method, path, params, json, form)
        target = request.url.raw_path.decode("ascii")
        request.headers.update(headers or {})
        noted = "".join(f" {name}: {value}" for name, value in (headers or {}).items())
        log.sent(method, self._redact(target.removeprefix(self._base_path) + noted), self._redact_json(json))
        if log.deadline is None:
            log.deadline = min(self._pace.timer() + self._deadline_seconds, LATEST.get())
        return await self._persist(request, log, safe=safe, accept=accept)

    async def read(
        self, path: str, log: RequestLog, *, params: Params | None = None, json: Any = None
    ) -> Mapping[str, Any]:
        """The JSON object that answers a GET, or with *json* a POST that only reads.

        Raises:
            BadAnswer: it is no object.
            SourceError: as `send`.
        """
        method: Method = "GET" if json is None else "POST"
        return self.mapping((await self.send(method, path, params=params, json=json, log=log)).body, log)

    def mapping(self, body: Any, log: RequestLog) -> Mapping[str, Any]:
        """An answer as a JSON object.

        Raises:
            BadAnswer: it is not one.
        """
        if isinstance(body, Mapping):
            return body
        raise self._strange("an answer that is not a JSON object", log)

    def results(self, answer: Mapping[str, Any], log: RequestLog, name: str = "results") -> list[Mapping[str, Any]]:
        """The records that an answer lists under a *name*.

        Raises:
            BadAnswer: it has no list of records: that is not an empty list.
        """
        found = answer.get(name)
        if isinstance(found, list) and all(isinstance(item, Mapping) for item in found):
            return found
        raise self._strange(f"an answer without a list of {name}", log)

    def _strange(self, what: str, log: RequestLog) -> BadAnswer:
        hint = f"Check {self._address}: it must be the API's address."
        return self.error(BadAnswer, f"{self.vendor.title} sent {what}.", log.stream, hint)

    async def close(self) -> None:
        """Close the pool; closing twice is allowed."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _build(
        self, method: Method, path: str, params: Params | None, body: Any, form: Mapping[str, str] | None
    ) -> httpx2.Request:
        client = self._open()
        given = {name: _param(value) for name, value in (params or {}).items() if value is not None}
        url = f"{self._base_url}/{path.lstrip('/')}"
        return client.build_request(method, url, params=given or None, json=body, data=form)

    def _open(self) -> httpx2.AsyncClient:
        if self._client is None:
            import httpx2  # noqa: PLC0415 - start-up time

            self._client = httpx2.AsyncClient(
                headers=self._headers,
                timeout=httpx2.Timeout(self._deadline_seconds, connect=CONNECT_TIMEOUT_SECONDS),
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=30.0),
                # A TLS context takes 20 ms to build; a plain http address cannot need one (redirects are not followed).
                verify=_tls() if self._base_url.startswith("https:") else False,
                transport=self._transport,
                # A proxy of the environment is for the world outside; this machine is reached directly.
                trust_env=not is_this_machine(urlsplit(self._base_url).hostname or ""),
                follow_redirects=False,
            )
        return self._client

    async def _persist(self, request: httpx2.Request, log: RequestLog, *, safe: bool, accept: Collection[int]) -> Reply:
        attempt = 0
        while True:
            attempt += 1
            outcome = await self._attempt(request, log, safe=safe, accept=accept)
            if isinstance(outcome, Reply):
                return outcome
            if not outcome.again or attempt == MAX_ATTEMPTS:
                raise outcome.error
            await self._wait(self._delay(outcome, attempt), log, outcome.error)

    async def _attempt(
        self, request: httpx2.Request, log: RequestLog, *, safe: bool, accept: Collection[int]
    ) -> Reply | _Failure:
        queued = await self._turn(request.url.path, log) if self.seconds_left(log) > 0 else None
        if queued is not None:
            return _Failure(queued, again=False)
        started = self._pace.timer()
        left = self.seconds_left(log)
        if left <= 0:
            return _Failure(self._late(log), again=False)
        try:
            async with asyncio.timeout(left):
                if self._token is not None:
                    self._authorise(request, await self._token())
                answer = await self._exchange(request, log)
                took = (self._pace.timer() - started) * 1000
                logger.debug(
                    "%s %s %s: %d in %.0f ms", self.vendor.name, request.method, log.stream, answer.status, took
                )
                return await self._read(answer, request.url.path, log, safe=safe, accept=accept)
        except TimeoutError:
            return _Failure(self._late(log), again=False)
        except TooMuchError as error:
            return _Failure(self._too_much(error, log), again=False)
        except Exception as error:
            kind = client_error(error)
            if kind is None:
                raise
            never_sent = type(error).__name__ in NEVER_SENT
            failure = self._unreachable(kind, error, log)
            if isinstance(failure, Unavailable):
                failure.never_sent = never_sent
            return _Failure(failure, again=kind is Unavailable and (safe or never_sent))

    def _authorise(self, request: httpx2.Request, token: str) -> None:
        request.headers["Authorization"] = f"Bearer {token}"
        if token not in self._tokens:
            self._tokens = (*self._tokens, token)[-TOKENS_KEPT:]

    async def _turn(self, path: str, log: RequestLog) -> RateLimited | None:
        """Wait for our own limits; that is no silence of the vendor's, so the deadline moves. The error, if it takes too long."""
        begun = self._pace.timer()
        for number, (ending, own) in enumerate(self._own_buckets, 1):
            if path.endswith(ending):
                await own.acquire()
                if not await self._turns.wait(number, self._pace.sleep):
                    return self._limited(log, LONGEST_SECONDS)
        await self._bucket.acquire()
        if not await self._turns.wait(0, self._pace.sleep):
            return self._limited(log, LONGEST_SECONDS)
        if log.deadline is not None:
            log.deadline = min(log.deadline + self._pace.timer() - begun, LATEST.get())
        return None

    async def _exchange(self, request: httpx2.Request, log: RequestLog) -> Answer:
        async with self._gate:
            held = self._held_until - self._pace.timer()
            if held > 0:
                await self._wait(held, log, self._limited(log, held))
            response = await self._open().send(request, stream=True)
            try:
                return await received(response, self.bounds, wanted=response.status_code in SUCCESS)
            finally:
                await response.aclose()

    async def _read(
        self, answer: Answer, path: str, log: RequestLog, *, safe: bool, accept: Collection[int]
    ) -> Reply | _Failure:
        kind = None if answer.status in accept else status_error(answer.status)
        if kind is not None:
            body = await self._error_body(answer)
            failure = self._refused(kind, answer, path, log, safe=safe, told=self.told(body))
            failure.error.code = self.vendor.code(body)
            return failure
        if self.vendor.is_text:
            return Reply(answer.status, answer.headers, answer.text)
        try:
            body = await parsed(answer.content, self.bounds)
        except ValueError:
            sentence = f"{self.vendor.title} sent an answer that is not JSON (status {answer.status})."
            hint = f"Check {self._address}: it must be the API's, not a web page's."
            return _Failure(self.error(BadAnswer, sentence, log.stream, hint), again=False)
        return Reply(answer.status, answer.headers, body)

    def _refused(
        self, kind: type[SourceError], answer: Answer, path: str, log: RequestLog, *, safe: bool, told: str
    ) -> _Failure:
        status = answer.status
        again = status in (RETRY_READS if safe else RETRY_WRITES)
        wait = told_wait(
            answer.headers,
            convention=self.vendor.convention if kind is RateLimited else "retry_after",
            reset_header=self.vendor.reset_header,
            now=self.clock(),
        )
        if kind is RateLimited:
            if wait is not None:
                self._held_until = max(self._held_until, self._pace.timer() + min(wait, MAX_WAIT_SECONDS))
            return _Failure(self._limited(log, wait), again=again, wait=wait)
        sentence, hint = self._words(kind, status, told, path)
        return _Failure(self.error(kind, sentence, log.stream, hint), again=again, wait=wait)

    def _words(self, kind: type[SourceError], status: int, told: str, path: str) -> tuple[str, str]:
        title = self.vendor.title
        detail = f"{status}: {told}" if told else str(status)
        if kind is Denied:
            return (
                f"{title} refused the credential ({detail}).",
                f"Check {self._credential}; `customer-research doctor --online` tells what it lacks.",
            )
        if kind is NotThere:
            return f"{title} has no record at {self._redact(path)} ({detail}).", "Check the id that was asked for."
        if kind is Unavailable:
            return f"{title} failed to answer ({detail}).", "Try again later; nothing is wrong with the request."
        if status // 100 == REDIRECTION:
            return f"{title} points to another address ({status}).", f"Correct {self._address}."
        return f"{title} refused the request ({detail}).", "Run `customer-research doctor --online`."

    async def _error_body(self, answer: Answer) -> Any:
        try:
            return await parsed(answer.content, self.bounds)
        except (ValueError, TooMuchError):
            return answer.text if "html" not in answer.headers.get("content-type", "") else ""

    def told(self, body: Any) -> str:
        """The vendor's own words in an answer's body: one short line, without secrets and control characters."""
        words = " ".join("".join(c if c.isprintable() else " " for c in self.vendor.message(body)).split())
        return self._redact(words)[:MESSAGE_LENGTH].rstrip(".")

    def _delay(self, failure: _Failure, attempt: int) -> float:
        if failure.wait is not None:
            return min(failure.wait, MAX_WAIT_SECONDS)
        first = LIMITED_BACKOFF_SECONDS if isinstance(failure.error, RateLimited) else FIRST_BACKOFF_SECONDS
        return float(first * 2 ** (attempt - 1) * (1 + self._pace.jitter() / 2))

    async def _wait(self, seconds: float, log: RequestLog, otherwise: SourceError) -> None:
        """Sleep, or raise *otherwise* at once when the stream's deadline would pass meanwhile."""
        if seconds >= self.seconds_left(log):
            raise otherwise
        await self._pace.sleep(seconds)

    def seconds_left(self, log: RequestLog) -> float:
        """How long the log's stream may still take."""
        deadline = log.deadline
        return self._deadline_seconds if deadline is None else max(deadline - self._pace.timer(), 0.0)

    def _late(self, log: RequestLog) -> Unavailable:
        if self._pace.timer() >= LATEST.get():
            said, hint = "in the time that was left", "Try again later, or ask for less at once."
        else:
            said, hint = f"within {self._deadline_seconds:g} s", "Try again later, or raise deadline_seconds."
        return self.error(Unavailable, f"{self.vendor.title} did not answer {said}.", log.stream, hint)

    def _too_much(self, error: TooMuchError, log: RequestLog) -> Truncated:
        sentence = f"{self.vendor.title}'s answer is {error.what}: it was not read further."
        hint = f"Raise {error.setting} only if such an answer is to be expected of {self.vendor.title}."
        return self.error(Truncated, sentence, log.stream, hint)

    def _limited(self, log: RequestLog, wait: float | None) -> RateLimited:
        when = "Try again in a minute." if wait is None else f"Try again in {max(wait, 1):.0f} s."
        sentence = f"{self.vendor.title}'s rate limit did not let the request through."
        return RateLimited(sentence, source=self.vendor.name, stream=log.stream, retry_after=wait, hint=when)

    def _unreachable(self, kind: type[SourceError], error: Exception, log: RequestLog) -> SourceError:
        name = type(error).__name__
        words = self._redact(" ".join(str(error).split()))[:MESSAGE_LENGTH]
        detail = f"{name}: {words}" if words else name
        if kind is Unavailable:
            sentence = f"{self.vendor.title} cannot be reached at {self.place} ({detail})."
            return self.error(kind, sentence, log.stream, f"Check {self._address} and the network.")
        sentence = f"The request to {self.vendor.title} cannot be sent ({detail})."
        return self.error(kind, sentence, log.stream, f"Check {self._address}.")

    def error(self, kind: type[E], sentence: str, stream: str, hint: str = "") -> E:
        """A failure of this vendor in a stream, to be raised."""
        return kind(sentence, source=self.vendor.name, stream=stream, hint=hint)

    def _redact(self, text: str) -> str:
        for secret in (*self._secrets, *self._tokens):
            text = text.replace(secret, "[secret]").replace(quote(secret, safe=""), "[secret]")
        return text

    def _redact_json(self, body: Any) -> Any:
        if isinstance(body, str):
            return self._redact(body)
        if isinstance(body, Mapping):
            return {key: self._redact_json(value) for key, value in body.items()}
        if isinstance(body, (list, tuple)):
            return [self._redact_json(value) for value in body]
        return body


@cache
def _tls() -> ssl.SSLContext:
    import httpx2  # noqa: PLC0415 - start-up time

    return httpx2.create_ssl_context()


def _require_address(base_url: str, setting: str) -> None:
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        hint = "Write it like https://api.example.com/v1."
        raise ConfigError(f"The setting {setting} is not an http(s) address.", setting=setting, hint=hint)


def _without_credentials(base_url: str) -> str:
    parts = urlsplit(base_url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))


def _param(value: ParamValue) -> str | list[str]:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int)) else list(value)
