"""A model's driver against endpoints that speak the vendors' own wire formats, on this machine: bounds, errors, and what is checked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
from evals.asking import connected
from evals.driving import Bounds, Talk, driven
from evals.questions import Question, questions
from evals.run import main, print_talks
from evals.vendors import VENDORS, Model

from customer_research.research.usecases import finished
from customer_research.settings import Settings

KEY = "sk-not-a-real-key"
PREP = next(one for one in questions() if one.id == "prep-silvermead")
CALL = ("operator_report", {"operator": "Silvermead"})
GOOD = "Silvermead scores 79 (Monitor, capped because usage is falling): 20 reservations in 30 days, after 60 in the 30 before."


class Endpoint:
    """A vendor on this machine: gives the scripted turns one after the other, and keeps what it was asked."""

    def __init__(self, vendor: str, script: Sequence[Any]) -> None:
        self.vendor, self.script = vendor, list(script)
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    def answer(self, at: int) -> tuple[int, Any]:
        said = self.script[min(at, len(self.script) - 1)]
        if isinstance(said, int):
            return said, {"error": {"message": f"refused {KEY}"}}
        if said is None:
            return 200, {"unexpected": True}
        return 200, _anthropic(said, at) if self.vendor == "anthropic" else _openai(said, at)


def _anthropic(said: Any, at: int) -> dict[str, Any]:
    if isinstance(said, str):
        content = [{"type": "text", "text": said}]
    else:
        content = [{"type": "tool_use", "id": f"toolu_{at}", "name": said[0], "input": said[1]}]
    return {
        "type": "message",
        "role": "assistant",
        "content": content,
        "usage": {"input_tokens": 900, "output_tokens": 100},
    }


def _openai(said: Any, at: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said if isinstance(said, str) else None}
    if not isinstance(said, str):
        written = said[1] if isinstance(said[1], str) else json.dumps(said[1])
        call = {"id": f"call_{at}", "type": "function", "function": {"name": said[0], "arguments": written}}
        message["tool_calls"] = [call]
    return {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {"total_tokens": 1_000}}


@contextmanager
def serving(vendor: str, *script: Any) -> Iterator[Endpoint]:
    endpoint = Endpoint(vendor, script)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            endpoint.headers.append({name.lower(): value for name, value in self.headers.items()})
            endpoint.bodies.append({"path": self.path, **json.loads(body)})
            status, told = endpoint.answer(len(endpoint.bodies) - 1)
            sent = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    endpoint.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for vendor in VENDORS.values():
        monkeypatch.setenv(vendor.key_name, KEY)


def talk(settings: Settings, endpoint: Endpoint, question: Question = PREP, bounds: Bounds = Bounds()) -> Talk:  # noqa: B008 - it never changes
    make: Any = partial(VENDORS[endpoint.vendor], "a-model", url=endpoint.url)

    async def session() -> Talk:
        async with connected(settings) as client, httpx2.AsyncClient() as http:
            return await driven(question, client, make, bounds, http)

    return finished(session())


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_model_calls_a_tool_reads_it_and_is_right(settings: Settings, vendor: str) -> None:
    with serving(vendor, CALL, GOOD) as endpoint:
        done = talk(settings, endpoint)
    assert done.faults == []
    assert (done.tools, done.tokens, done.text) == (["operator_report"], 2_000, GOOD)
    assert 3_000 < done.read < 8_000
    assert print_talks([done]) == 0
    assert all(KEY not in json.dumps(body) for body in endpoint.bodies)


def test_anthropics_messages_are_as_documented(settings: Settings) -> None:
    with serving("anthropic", CALL, GOOD) as endpoint:
        talk(settings, endpoint)
    first, second = endpoint.bodies
    assert endpoint.headers[0]["x-api-key"] == KEY
    assert endpoint.headers[0]["anthropic-version"] == "2023-06-01"
    assert first["path"] == "/v1/messages"
    assert {"model", "max_tokens", "system", "tools", "messages"} < first.keys()
    assert {"name", "description", "input_schema"} == first["tools"][0].keys()
    assert first["messages"] == [{"role": "user", "content": PREP.asks}]
    asked, result = second["messages"][1:]
    assert asked["role"] == "assistant"
    assert result["content"][0]["tool_use_id"] == asked["content"][0]["id"]
    assert "20 reservations in 30 days" in result["content"][0]["content"]


def test_openais_messages_are_as_documented(settings: Settings) -> None:
    with serving("openai", CALL, GOOD) as endpoint:
        talk(settings, endpoint)
    first, second = endpoint.bodies
    assert endpoint.headers[0]["authorization"] == f"Bearer {KEY}"
    assert first["path"] == "/v1/chat/completions"
    assert [one["role"] for one in first["messages"]] == ["system", "user"]
    assert first["tools"][0]["type"] == "function"
    assert {"name", "description", "parameters"} == first["tools"][0]["function"].keys()
    asked, result = second["messages"][2:]
    assert (result["role"], result["tool_call_id"]) == ("tool", asked["tool_calls"][0]["id"])


@pytest.mark.parametrize(
    ("vendor", "script", "bounds", "fault"),
    [  # what the vendors' wire has no part in is asked of one of them; that both are read right is asked above
        ("anthropic", (CALL, f"{GOOD} They owe $999."), Bounds(), "$999 is"),
        ("openai", (CALL, "They are at 12 points."), Bounds(), "the model does not say: 79 of 100"),
        ("anthropic", (CALL, f"{GOOD} Call +1 312 555-0102."), Bounds(), "the model says: 555-0102"),
        ("openai", (CALL,), Bounds(turns=3), "no answer within 3 turns"),
        ("anthropic", (CALL,), Bounds(tokens=1_500), "more than 1,500 tokens"),
        ("openai", (CALL, GOOD), Bounds(seconds=0.0), "not done within 0 s"),
        *((vendor, (529,), Bounds(), "The model's vendor answered 529.") for vendor in VENDORS),
        *((vendor, (None,), Bounds(), "not as documented") for vendor in VENDORS),
    ],
)
def test_what_goes_wrong_is_told(
    settings: Settings, vendor: str, script: Sequence[Any], bounds: Bounds, fault: str
) -> None:
    with serving(vendor, *script) as endpoint:
        done = talk(settings, endpoint, bounds=bounds)
    assert any(fault in one for one in done.faults), done.faults
    assert KEY not in " ".join(done.faults)
    assert print_talks([done]) == 1


def test_a_call_that_no_tool_takes_is_told_to_the_model_who_may_mend_it(settings: Settings) -> None:
    with serving(
        "openai", ("operator_delete", {}), ("operator_report", "{"), ("operator_report", {"who": "x"}), CALL, GOOD
    ) as endpoint:
        done = talk(settings, endpoint)
    assert done.faults == []
    said = [one["content"] for one in endpoint.bodies[-1]["messages"] if one["role"] == "tool"]
    assert all("error" in one for one in said[:3])
    assert "no argument 'who'" in said[2]


def test_without_a_key_or_a_vendor_nothing_is_sent(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with serving("anthropic", GOOD) as endpoint:
        done = talk(settings, endpoint)
    assert done.faults == ["ANTHROPIC_API_KEY is not set."]
    assert endpoint.bodies == []


def test_a_vendor_that_is_away_is_told_without_the_key(settings: Settings) -> None:
    done = talk(settings, _away())
    assert done.faults == ["The model cannot be reached (ConnectError)."]


def _away() -> Endpoint:
    endpoint = Endpoint("openai", ())
    endpoint.url = "http://127.0.0.1:1"
    return endpoint


@pytest.mark.parametrize("written", ["llama:x", "openai", "openai:"])
def test_a_model_is_written_as_vendor_and_name(written: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--model", written])
    assert "VENDOR:NAME" in capsys.readouterr().err


def test_the_command_runs_a_model_on_a_question(
    settings: Settings, config_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving("anthropic", CALL, GOOD) as endpoint:
        given = ["--config", str(config_path), "--only", PREP.id, "--model", "anthropic:a-model", "--url", endpoint.url]
        assert main(given) == 0
    assert "1 of 1 pass; 1.0 calls" in capsys.readouterr().out


def test_the_model_type_cannot_be_made_without_its_vendor() -> None:
    assert all(issubclass(kind, Model) for kind in VENDORS.values())
