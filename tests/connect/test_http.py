"""The HTTP client: the error tables, retries, limits, deadlines, redaction. Time is injected, nothing sleeps."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import httpx2
import pytest

from customer_research.connect import http
from customer_research.connect.answers import json_message
from customer_research.connect.failures import CLIENT_ERRORS, client_error, status_error
from customer_research.connect.http import Http, Pace, Vendor, segment
from customer_research.connect.latest import LATEST
from customer_research.connect.request_log import RequestLog
from customer_research.connect.settings import BoundsSettings
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
from customer_research.settings import Settings
from customer_research.sources.lago.settings import LagoSettings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SECRET = "key-of-the-house/+&"
LAGO = Vendor("lago", "Lago", convention="reset_seconds")
Answer = httpx2.Response | Exception


@dataclass
class Time:
    """Time that passes only when somebody sleeps."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)
    sleeping: Callable[[], None] = lambda: None

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.sleeping()
        self.now += seconds
        await asyncio.sleep(0)

    def pace(self, jitter: float = 0.0) -> Pace:
        return Pace(timer=lambda: self.now, sleep=self.sleep, jitter=lambda: jitter)


@dataclass
class Script:
    """A transport that gives the answers in turn, the last one for ever, and keeps the requests."""

    answers: list[Answer]
    seen: list[httpx2.Request] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        answer = self.answers[min(len(self.seen), len(self.answers) - 1)]
        self.seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)


def answer(status: int = 200, body: Any = None, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, json={"ok": True} if body is None else body, headers=named)


def connection(
    script: Callable[..., Any], time: Time | None = None, *, vendor: Vendor = LAGO, jitter: float = 0.0, **options: Any
) -> Http:
    given = {"url": "https://billing.example/api/v1", "api_key": SECRET, "requests_per_second": 1000, "concurrency": 8}
    own = {name: options.pop(name, value) for name, value in given.items()}
    doubles: Any = {"transport": httpx2.MockTransport(script), "pace": (time or Time()).pace(jitter)}
    if "transport" in options:
        doubles["transport"] = options.pop("transport")
    settings = Settings(**{"deadline_seconds": 15, **options})
    return Http(vendor, LagoSettings.model_validate(own), settings, lambda: NOW, **doubles)


def ask(
    script: Callable[..., Any], question: Callable[[Http, RequestLog], Awaitable[Any]] | None = None, **options: Any
) -> Any:
    async def asked() -> Any:
        made = connection(script, **options)
        try:
            log = made.log("invoices")
            return await (question(made, log) if question else made.get("/invoices", log=log))
        finally:
            await made.close()

    return asyncio.run(asked())


def write(made: Http, log: RequestLog) -> Awaitable[Any]:
    return made.post("/notes", json={"a": 1}, log=log, safe=False)


def client_exceptions() -> Iterable[type[Exception]]:
    found = vars(httpx2).values()
    return [kind for kind in found if inspect.isclass(kind) and issubclass(kind, Exception)]


# --- the tables ---------------------------------------------------------------------------------------------------------


def test_every_status_that_http_has_is_either_a_success_or_an_error() -> None:
    for status in range(100, 600):
        kind = status_error(status)
        assert (kind is None) is (200 <= status < 300), status
        assert kind is None or issubclass(kind, SourceError)


@pytest.mark.parametrize("status", [0, 600, 999])
def test_statuses_that_http_does_not_have_are_bad_answers(status: int) -> None:
    assert status_error(status) is BadAnswer


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [
        (Denied, {401, 402, 403}),
        (NotThere, {404, 410}),
        (RateLimited, {429, 529}),
        (Unavailable, {408, 425, *(s.value for s in HTTPStatus if s.value >= 500)}),
    ],
)
def test_statuses_with_a_meaning(kind: type[SourceError], statuses: set[int]) -> None:
    known = {s.value for s in HTTPStatus} | {529}
    assert {status for status in known if status_error(status) is kind} == statuses


def test_what_is_sent_again_is_what_the_tree_calls_retryable() -> None:
    for status in http.RETRY_READS:
        kind = status_error(status)
        assert kind is not None
        assert kind.retryable
    assert http.RETRY_WRITES < http.RETRY_READS
    never = {status for status in range(100, 500) if (kind := status_error(status)) and not kind.retryable}
    assert not never & http.RETRY_READS


def test_every_exception_of_the_client_is_in_the_table_and_nothing_else() -> None:
    assert {kind.__name__ for kind in client_exceptions()} == set(CLIENT_ERRORS)
    assert set(CLIENT_ERRORS) > http.NEVER_SENT


def test_an_exception_that_httpx2_may_grow_follows_its_parent() -> None:
    class NewKindOfCut(httpx2.NetworkError):
        pass

    assert client_error(NewKindOfCut("cut")) is Unavailable
    assert client_error(KeyError("ours")) is None


@pytest.mark.parametrize("kind", client_exceptions(), ids=lambda kind: kind.__name__)
def test_every_exception_of_the_client_becomes_its_error(kind: type[Exception]) -> None:
    try:
        raised = kind("boom")
    except TypeError:
        request = httpx2.Request("GET", "https://billing.example")
        extra = {"request": request, "response": httpx2.Response(500, request=request)}
        wanted = inspect.signature(kind).parameters
        given = {name: value for name, value in extra.items() if name in wanted}
        raised = kind(*(["boom"] if "message" in wanted else []), **given)
    time = Time()

    with pytest.raises(SourceError) as caught:
        ask(Script([raised]), time=time)

    expected = CLIENT_ERRORS[kind.__name__]
    assert type(caught.value) is expected
    assert (caught.value.source, caught.value.stream) == ("lago", "invoices")
    assert len(time.slept) == (http.MAX_ATTEMPTS - 1 if expected is Unavailable else 0)


def test_a_bug_of_our_own_is_not_dressed_as_an_outage() -> None:
    with pytest.raises(KeyError):
        ask(Script([KeyError("ours")]))


# --- retries ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", sorted(http.RETRY_READS))
def test_a_read_is_sent_again_until_it_is_answered(status: int) -> None:
    script = Script([answer(status), answer(status), answer(200)])

    assert ask(script) == {"ok": True}
    assert len(script.seen) == 3


@pytest.mark.parametrize("status", [s for s in range(300, 600) if s not in http.RETRY_READS])
def test_other_refusals_are_final(status: int) -> None:
    script, time = Script([answer(status)]), Time()

    with pytest.raises(SourceError):
        ask(script, time=time)

    assert (len(script.seen), time.slept) == (1, [])


def test_attempts_are_bounded_and_back_off() -> None:
    script, time = Script([answer(503)]), Time()

    with pytest.raises(Unavailable, match=r"^Lago failed to answer \(503\)\.$"):
        ask(script, time=time)

    assert len(script.seen) == http.MAX_ATTEMPTS
    assert time.slept == [0.25, 0.5, 1.0]


def test_jitter_stretches_the_waits_by_up_to_a_half() -> None:
    time = Time()
    with pytest.raises(Unavailable):
        ask(Script([answer(500)]), time=time, jitter=1.0)
    assert time.slept == [0.375, 0.75, 1.5]


@pytest.mark.parametrize("status", sorted(http.RETRY_READS - http.RETRY_WRITES))
def test_a_write_that_may_have_been_carried_out_is_not_repeated(status: int) -> None:
    script = Script([answer(status), answer(200)])
    with pytest.raises(Unavailable):
        ask(script, write)
    assert len(script.seen) == 1


@pytest.mark.parametrize("status", sorted(http.RETRY_WRITES))
def test_a_write_refused_by_rate_limit_is_repeated(status: int) -> None:
    script = Script([answer(status), answer(200)])
    assert ask(script, write) == {"ok": True}


@pytest.mark.parametrize(
    ("error", "attempts"),
    [(httpx2.ConnectError("refused"), 2), (httpx2.ReadError("cut"), 1), (httpx2.RemoteProtocolError("cut"), 1)],
    ids=["never sent", "maybe sent", "answer cut"],
)
def test_a_write_is_repeated_only_when_the_vendor_has_not_seen_it(error: Exception, attempts: int) -> None:
    script = Script([error, answer(200)])
    if attempts == 1:
        with pytest.raises(Unavailable):
            ask(script, write)
    else:
        assert ask(script, write) == {"ok": True}
    assert len(script.seen) == attempts


@pytest.mark.parametrize(
    ("error", "never_sent"),
    [(httpx2.ConnectError("refused"), True), (httpx2.PoolTimeout("full"), True), (httpx2.ReadError("cut"), False)],
    ids=["refused", "no connection", "cut"],
)
def test_an_outage_says_whether_the_vendor_may_have_seen_the_request(error: Exception, never_sent: bool) -> None:
    with pytest.raises(Unavailable) as raised:
        ask(Script([error]), write, time=Time())
    assert raised.value.never_sent is never_sent
    with pytest.raises(Unavailable) as raised:
        ask(Script([answer(503)]), write)
    assert not raised.value.never_sent


# --- rate limits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"Retry_After": "2"}, [2.0]),
        ({"X_RateLimit_Reset": "3"}, [3.0]),
        ({}, [1.0]),
    ],
    ids=["Retry-After", "Lago's reset", "nothing told"],
)
def test_a_refusal_by_rate_limit_waits_as_told(headers: dict[str, str], waits: list[float]) -> None:
    time = Time()
    assert ask(Script([answer(429, None, **headers), answer(200)]), time=time) == {"ok": True}
    assert time.slept == waits


def test_a_reset_header_on_other_answers_is_no_order_to_wait() -> None:
    time = Time()
    assert ask(Script([answer(500, None, X_RateLimit_Reset="9"), answer(200)]), time=time) == {"ok": True}
    assert time.slept == [0.25]


def test_retry_after_is_obeyed_when_a_server_is_away() -> None:
    time = Time()
    assert ask(Script([answer(503, None, Retry_After="4"), answer(200)]), time=time) == {"ok": True}
    assert time.slept == [4.0]


def test_no_waiting_past_the_deadline_and_the_wait_is_told() -> None:
    script, time = Script([answer(429, None, Retry_After="40")]), Time()

    with pytest.raises(RateLimited, match="rate limit") as caught:
        ask(script, time=time)

    assert (caught.value.retry_after, caught.value.hint) == (40.0, "Try again in 40 s.")
    assert (len(script.seen), time.slept) == (1, [])


def test_waits_are_capped_whatever_the_vendor_says() -> None:
    time = Time()
    assert ask(Script([answer(429, None, Retry_After="99999"), answer(200)]), time=time, deadline_seconds=1000) == {
        "ok": True
    }
    assert time.slept == [http.MAX_WAIT_SECONDS]


def test_one_refusal_holds_the_vendors_other_requests_too() -> None:
    script, time = Script([answer(429, None, Retry_After="5"), answer(200)]), Time()

    async def first_then_second(made: Http, log: RequestLog) -> Any:
        refused = asyncio.Event()
        time.sleeping = refused.set

        async def later() -> Any:
            await refused.wait()
            return await made.get("/b", log=made.log("payments"))

        return await asyncio.gather(made.get("/a", log=log), later())

    assert ask(script, first_then_second, time=time) == [{"ok": True}, {"ok": True}]
    assert time.now >= 105
    assert len(script.seen) == 3


def test_a_hold_longer_than_the_deadline_is_told_without_asking_again() -> None:
    script, time = Script([answer(429, None, Retry_After="40")]), Time()

    async def twice(made: Http, log: RequestLog) -> None:
        with pytest.raises(RateLimited):
            await made.get("/a", log=log)
        with pytest.raises(RateLimited) as caught:
            await made.get("/b", log=made.log("payments"))
        assert (caught.value.stream, caught.value.retry_after) == ("payments", 40.0)

    ask(script, twice, time=time)
    assert (len(script.seen), time.slept) == (1, [])


def test_paths_with_a_limit_of_their_own_take_from_both_buckets() -> None:
    vendor = Vendor("hubspot", "HubSpot", own_limits=(("/search", 4.0),))

    @dataclass
    class Bucket:
        taken: int = 0

        async def acquire(self) -> None:
            self.taken += 1

    async def spent(made: Http, log: RequestLog) -> tuple[int, int]:
        ((ending, own),), general = made._own_buckets, made._bucket
        assert (ending, own.max_rate / own.time_period, general.max_rate) == ("/search", 4.0, 1000)
        searches, requests = Bucket(), Bucket()
        vars(made).update(_own_buckets=((ending, searches),), _bucket=requests)
        for path in ("/companies/search", "/companies/1", "/deals/search"):
            await made.get(path, log=log)
        return searches.taken, requests.taken

    assert ask(Script([answer()]), spent, vendor=vendor) == (2, 3)


def test_no_more_requests_under_way_than_allowed() -> None:
    under_way, most = 0, 0

    async def busy(request: httpx2.Request) -> httpx2.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return answer()

    async def many(made: Http, log: RequestLog) -> None:
        await asyncio.gather(*(made.get(f"/{n}", log=log) for n in range(20)))

    ask(busy, many, concurrency=3)
    assert most == 3


# --- deadline -----------------------------------------------------------------------------------------------------------


def test_a_silent_vendor_is_left_at_the_deadline() -> None:
    async def silent(request: httpx2.Request) -> httpx2.Response:
        await asyncio.Event().wait()
        return answer()

    with pytest.raises(Unavailable, match=r"^Lago did not answer within 0\.01 s\.$"):
        ask(silent, deadline_seconds=0.01)


def test_the_deadline_belongs_to_the_stream_and_not_to_the_request() -> None:
    time = Time()

    async def two(made: Http, log: RequestLog) -> None:
        await made.get("/a", log=log)
        time.now += 16
        await made.get("/fresh", log=made.log("other"))
        await made.get("/b", log=log)

    with pytest.raises(Unavailable, match="within 15 s"):
        ask(Script([answer()]), two, time=time)


def test_retries_end_with_the_deadline() -> None:
    script, time = Script([answer(500)]), Time()
    with pytest.raises(Unavailable):
        ask(script, time=time, deadline_seconds=0.6)
    assert time.slept == [0.25]


# --- what is sent and recorded -------------------------------------------------------------------------------------------


def test_requests_are_sent_and_recorded_alike() -> None:
    script = Script([answer()])

    async def question(made: Http, log: RequestLog) -> tuple[str, ...]:
        await made.get(
            f"customers/{segment('a/b c')}/subscriptions",
            params={"page": 1, "status[]": ["active", "pending"], "deep": True, "none": None},
            log=log,
        )
        await made.post("/search", json={"q": "x"}, log=log)
        return log.requests

    requests = ask(script, question)
    sent = [request.url.raw_path.decode() for request in script.seen]
    assert requests == (f"GET {sent[0].removeprefix('/api/v1')}", 'POST /search {"q":"x"}')
    assert (
        sent[0] == "/api/v1/customers/a%2Fb%20c/subscriptions?page=1&status%5B%5D=active&status%5B%5D=pending&deep=true"
    )
    assert script.seen[1].content == b'{"q":"x"}'
    assert script.seen[0].headers["authorization"] == f"Bearer {SECRET}"


def test_a_retried_request_is_recorded_once() -> None:
    async def question(made: Http, log: RequestLog) -> tuple[str, ...]:
        await made.get("/a", log=log)
        return log.requests

    assert ask(Script([answer(500), answer()]), question) == ("GET /a",)


def test_replies_give_status_headers_and_body() -> None:
    async def question(made: Http, log: RequestLog) -> Any:
        return await made.send("POST", "/batch", json={}, log=log)

    reply = ask(Script([answer(207, {"errors": []}, X_Extra="1")]), question)
    assert (reply.status, reply.headers["x-extra"], reply.body) == (207, "1", {"errors": []})


def test_accepted_statuses_are_given_back() -> None:
    async def question(made: Http, log: RequestLog) -> Any:
        return await made.send("GET", "/a", log=log, accept={404})

    assert ask(Script([answer(404, {"code": "gone"})]), question).status == 404


def test_an_empty_body_is_none() -> None:
    assert ask(lambda request: httpx2.Response(204)) is None


@pytest.mark.parametrize("body", [b'{"a": [1, 2', b"<html>hello", b"\xff\xfe"], ids=["cut", "a page", "no text"])
def test_what_is_not_json_is_a_bad_answer(body: bytes) -> None:
    script = Script([httpx2.Response(200, content=body)])
    with pytest.raises(BadAnswer, match="not JSON") as caught:
        ask(script)
    assert "lago.url" in caught.value.hint
    assert len(script.seen) == 1


@pytest.mark.parametrize(
    ("body", "what"),
    [(b" " * 2_000_000, "larger than 1 MB"), (b"[" * 200_000, "nested more than 64 levels deep")],
    ids=["large", "deep"],
)
def test_an_answer_beyond_a_bound_is_truncated_and_not_asked_for_again(body: bytes, what: str) -> None:
    script = Script([httpx2.Response(200, content=body)])
    with pytest.raises(Truncated, match=f"Lago's answer is {what}: it was not read further") as caught:
        ask(script, bounds=BoundsSettings.model_validate({"body_mb": 1}))
    assert "bounds." in caught.value.hint
    assert len(script.seen) == 1


def test_the_message_of_an_error_without_end_is_its_beginning() -> None:
    body = b'{"message": "no"}' + b" " * 100_000
    with pytest.raises(Denied, match=r"\(401"):
        ask(Script([httpx2.Response(401, content=body)]))


# --- sentences and secrets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "kind", "sentence"),
    [
        (
            answer(401, {"status": 401, "error": "Unauthorized"}),
            Denied,
            "Lago refused the credential (401: Unauthorized).",
        ),
        (answer(404, {"message": "Not here."}), NotThere, "Lago has no record at /api/v1/invoices (404: Not here)."),
        (answer(422, {"error": {"message": "bad page"}}), BadAnswer, "Lago refused the request (422: bad page)."),
        (answer(302, {}), BadAnswer, "Lago points to another address (302)."),
        (httpx2.Response(500, text="Oops\n\n\x1b[31m now"), Unavailable, "Lago failed to answer (500: Oops [31m now)."),
        (httpx2.Response(502, html="<h1>no</h1>"), Unavailable, "Lago failed to answer (502)."),
    ],
    ids=lambda value: str(getattr(value, "status_code", "")),
)
def test_errors_are_one_sentence(response: httpx2.Response, kind: type[SourceError], sentence: str) -> None:
    with pytest.raises(kind) as caught:
        ask(Script([response]))
    assert caught.value.message == sentence
    assert caught.value.hint


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "m", "error": "e"}, "m"),
        ({"error": "e"}, "e"),
        ({"errors": {"name": "missing", "size": "wrong"}}, "name, size"),
        ({"errors": [1]}, ""),
        ("plain", "plain"),
        ([1], ""),
        (None, ""),
    ],
)
def test_the_vendors_own_words(body: Any, words: str) -> None:
    assert json_message(body) == words


def test_an_error_has_the_vendors_own_name_of_the_failure() -> None:
    named = replace(LAGO, code=lambda body: str(body["code"]))
    with pytest.raises(NotThere) as caught:
        ask(Script([answer(404, {"code": "gone"})]), vendor=named)
    assert caught.value.code == "gone"
    with pytest.raises(NotThere) as caught:
        ask(Script([answer(404, {"code": "gone"})]))
    assert caught.value.code == ""


@pytest.mark.parametrize("name", ["results", "data"])
def test_an_answer_without_its_list_is_no_empty_one(name: str) -> None:
    http = connection(Script([answer()]))
    given = [{"id": 1}]
    assert http.results({name: given}, http.log("test"), name) == given
    for wrong in ({}, {name: None}, {name: [1]}, {"others": given}):
        with pytest.raises(BadAnswer, match=f"list of {name}"):
            http.results(wrong, http.log("test"), name)


@pytest.mark.parametrize(
    "script",
    [
        Script([answer(401, {"message": f"no such key {SECRET}"})]),
        Script([answer(500, {"message": f"{SECRET}" * 30})]),
        Script([httpx2.ConnectError(f"proxy said {SECRET}")]),
    ],
    ids=["refused", "long", "client"],
)
def test_secrets_never_reach_an_error(script: Script) -> None:
    with pytest.raises(SourceError) as caught:
        ask(script)
    assert SECRET not in caught.value.message + caught.value.hint
    assert len(caught.value.message) < 400


def test_secrets_never_reach_a_log_or_a_receipt() -> None:
    async def question(made: Http, log: RequestLog) -> Any:
        await made.get("/a", params={"key": SECRET}, log=log)
        await made.post("/b", json={"deep": [{"key": f"x{SECRET}"}], "n": 1}, log=log)
        return log.receipt([])

    receipt = ask(Script([answer()]), question, url=f"https://user:{segment(SECRET)}@billing.example/api/v1/")
    assert SECRET not in repr(receipt)
    assert "house" not in repr(receipt)
    assert receipt.place == "https://billing.example/api/v1"


def test_secrets_never_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="customer_research")
    ask(Script([answer()]))
    assert "lago GET invoices: 200" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "address", ["", "billing.example", "ftp://billing.example", "https://", "file:///etc", "https://a.example/v1?x=1"]
)
def test_an_address_that_is_none_is_refused_at_once(address: str) -> None:
    with pytest.raises(ConfigError, match="not an http") as caught:
        connection(Script([answer()]), url=address)
    assert caught.value.setting == "lago.url"


@pytest.mark.parametrize(
    ("address", "proxied"),
    [
        ("http://127.0.0.1:8000/v1", False),
        ("http://localhost/v1", False),
        ("http://[::1]:8000", False),
        ("http://billing.example/v1", True),
        ("http://127.example/v1", True),
    ],
)
def test_a_proxy_of_the_environment_is_not_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, address: str, proxied: bool
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    async def mounts() -> bool:
        made = connection(Script([answer()]), url=address, transport=None)
        try:
            return any(transport is not None for transport in made._open()._mounts.values())
        finally:
            await made.close()

    assert asyncio.run(mounts()) is proxied


def test_closing_twice_and_unopened_is_allowed() -> None:
    async def closed() -> None:
        made = connection(Script([answer()]))
        await made.close()
        await made.get("/a", log=made.log("x"))
        await made.close()
        await made.close()

    asyncio.run(closed())


def test_importing_the_client_does_not_load_httpx2() -> None:
    code = "import sys, customer_research.connect.http as h; sys.exit('httpx2' in sys.modules or 'aiolimiter' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, env={"PYTHONPATH": ":".join(sys.path)}).returncode
        == 0
    )


def test_a_stream_ends_when_whoever_asked_wants_to_have_heard() -> None:
    time = Time()
    script = Script([answer(503), answer(503), answer()])

    async def hurried(made: Http, log: RequestLog) -> Any:
        LATEST.set(time.now + 0.3)
        return await made.get("/invoices", log=log)

    with pytest.raises(Unavailable, match="Lago failed to answer"):
        ask(script, hurried, time=time)
    assert len(script.seen) == 2, "the first wait is a quarter of a second, the second one would be over the time"
