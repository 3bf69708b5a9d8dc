"""Each fault does what it says, on each source; latency and counting; starting, stopping and the command."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from click.testing import CliRunner
from sandbox_caller import Caller

from customer_research_sandbox.command import sandbox as command
from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.faults import KINDS, SOURCES, Fault, Faults, parse_fault
from customer_research_sandbox.servers.limits import RollingWindow

SQL = {
    "database": 2,
    "type": "native",
    "native": {"query": "SELECT LAGO_STATUS FROM MOOVS.CSM_MOOVS LIMIT 9", "template-tags": {}},
}


def typical(ask: Caller, dataset: Dataset, source: str) -> Any:
    """One request that brings several records."""
    if source == "lago":
        return ask("lago", "/invoices")
    if source == "hubspot":
        return ask("hubspot", "/crm/objects/2026-09/companies/search", {"limit": 20, "properties": ["name"]})
    if source == "notion":
        return ask("notion", f"/data_sources/{dataset.notion.data_source_id}/query", {"page_size": 20})
    if source == "intercom":
        everything = {"field": "updated_at", "operator": ">", "value": 0}
        return ask("intercom", "/conversations/search", {"query": everything, "pagination": {"per_page": 20}})
    return ask("metabase", "/api/dataset", SQL)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("kind", "status"), [("http500", 500), ("http429", 429), ("auth", 401)])
def test_error_answers(ask: Caller, dataset: Dataset, source: str, kind: str, status: Any) -> None:
    ask.sandbox.set_faults(f"{source}:{kind}")
    assert typical(ask, dataset, source).status_code == status


@pytest.mark.parametrize("source", SOURCES)
def test_a_429_of_a_fault_carries_the_vendors_own_convention(ask: Caller, dataset: Dataset, source: str) -> None:
    ask.sandbox.set_faults(f"{source}:http429")
    headers = typical(ask, dataset, source).headers
    convention = {
        "lago": "x-ratelimit-reset",
        "hubspot": "x-hubspot-ratelimit-interval-milliseconds",
        "notion": "retry-after",
        "intercom": "x-ratelimit-reset",
    }
    assert source == "metabase" or convention[source] in headers


@pytest.mark.parametrize("source", SOURCES)
def test_down_refuses_connections_and_the_port_comes_back(ask: Caller, dataset: Dataset, source: str) -> None:
    assert typical(ask, dataset, source).status_code in {200, 202}
    ask.sandbox.set_faults(f"{source}:down")
    with pytest.raises(httpx2.TransportError):
        typical(ask, dataset, source)
    with pytest.raises(httpx2.ConnectError):
        typical(ask, dataset, source)
    others = [other for other in SOURCES if other != source]
    assert all(typical(ask, dataset, other).status_code in {200, 202} for other in others)
    ask.sandbox.set_faults()
    assert typical(ask, dataset, source).status_code in {200, 202}


def test_down_now_and_then_cuts_the_connection(ask: Caller) -> None:
    ask.sandbox.set_faults("lago:down:0.5")
    outcomes = []
    for _ in range(6):
        try:
            outcomes.append(ask("lago", "/plans").status_code)
        except httpx2.TransportError:
            outcomes.append(0)
    assert outcomes == [200, 0, 200, 0, 200, 0]


@pytest.mark.parametrize("source", SOURCES)
def test_slow_answers_rightly_but_late(ask: Caller, dataset: Dataset, source: str) -> None:
    ask.sandbox.set_faults(f"{source}:slow")
    started = time.monotonic()
    assert typical(ask, dataset, source).status_code in {200, 202}
    assert time.monotonic() - started >= 0.05


def test_slow_outlasts_an_impatient_client(dataset: Dataset) -> None:
    with (
        Sandbox.start(dataset=dataset, faults=["notion:slow"]) as sandbox,
        httpx2.Client(timeout=0.2) as client,
        pytest.raises(httpx2.TimeoutException),
    ):
        client.get(f"{sandbox.addresses['notion']}/users/me")


@pytest.mark.parametrize("source", SOURCES)
def test_bad_json_is_a_200_that_cannot_be_read(ask: Caller, dataset: Dataset, source: str) -> None:
    ask.sandbox.set_faults(f"{source}:badjson")
    answer = typical(ask, dataset, source)
    assert answer.status_code in {200, 202}
    with pytest.raises(ValueError, match=r"."):
        answer.json()


@pytest.mark.parametrize("source", SOURCES)
def test_drop_cuts_the_body(ask: Caller, dataset: Dataset, source: str) -> None:
    ask.sandbox.set_faults(f"{source}:drop")
    with pytest.raises(httpx2.RemoteProtocolError):
        typical(ask, dataset, source)


def test_truncated_answers_say_less_than_they_promise(ask: Caller, dataset: Dataset) -> None:
    ask.sandbox.set_faults(*(f"{source}:truncate" for source in SOURCES))
    lago = typical(ask, dataset, "lago").json()
    assert len(lago["invoices"]) == 50
    assert lago["meta"]["total_count"] == len(dataset.lago.invoices)
    hubspot = typical(ask, dataset, "hubspot").json()
    assert (len(hubspot["results"]), hubspot["total"], "paging" in hubspot) == (
        10,
        len(dataset.hubspot.objects["companies"]),
        False,
    )
    notion = typical(ask, dataset, "notion").json()
    assert (len(notion["results"]), notion["has_more"], notion["next_cursor"]) == (10, True, None)
    chats = typical(ask, dataset, "intercom").json()
    assert (len(chats["conversations"]), chats["total_count"]) == (10, len(dataset.intercom.conversations))
    metabase = typical(ask, dataset, "metabase").json()
    assert (metabase["row_count"], metabase["data"]["rows_truncated"]) == (4, 4)


def test_a_field_is_gone(ask: Caller, dataset: Dataset) -> None:
    ask.sandbox.set_faults(*(f"{source}:schema" for source in SOURCES))
    assert all("payment_status" not in row for row in typical(ask, dataset, "lago").json()["invoices"])
    assert all("properties" not in row for row in typical(ask, dataset, "hubspot").json()["results"])
    assert all("Status" not in row["properties"] for row in typical(ask, dataset, "notion").json()["results"])
    assert all("state" not in row for row in typical(ask, dataset, "intercom").json()["conversations"])
    failed = typical(ask, dataset, "metabase").json()
    assert (failed["status"], failed["error"].splitlines()[-1]) == ("failed", "invalid identifier 'LAGO_STATUS'")
    star = {**SQL, "native": {"query": "SELECT * FROM MOOVS.CSM_MOOVS", "template-tags": {}}}
    columns = [column["name"] for column in ask("metabase", "/api/dataset", star).json()["data"]["cols"]]
    assert "LAGO_STATUS" not in columns
    assert "LAGO_ID" in columns


def test_latency_is_added_to_every_answer(ask: Caller) -> None:
    ask.sandbox.set_latency(60)
    started = time.monotonic()
    ask("lago", "/plans")
    ask("notion", "/users/me")
    assert time.monotonic() - started >= 0.12


def test_a_rate_counts_requests_evenly() -> None:
    faults = Faults([Fault("lago", "http500", 0.25)])
    drawn = [faults.draw("lago") for _ in range(8)]
    assert drawn == [None, None, None, "http500"] * 2
    assert faults.draw("notion") is None
    faults.replace([Fault("lago", "http500", 0)])
    assert {faults.draw("lago") for _ in range(9)} == {None}


def test_faults_are_read_and_refused() -> None:
    assert parse_fault("warehouse:slow") == Fault("metabase", "slow", 1.0)
    assert parse_fault("lago:drop:0.3") == Fault("lago", "drop", 0.3)
    assert len(KINDS) == 16
    for wrong in ("lago", "lago:gone", "paypal:down", "lago:down:2", "lago:down:often", "a:b:c:d"):
        with pytest.raises(ValueError, match=r"\.$"):
            parse_fault(wrong)


def test_a_rolling_window_frees_its_places_one_by_one() -> None:
    now = [0.0]
    window = RollingWindow(2, 10.0, lambda: now[0])
    assert [window.take().remaining for _ in range(2)] == [1, 0]
    now[0] = 4.0
    refused = window.take()
    assert (refused.allowed, refused.reset_seconds) == (False, 6.0)
    now[0] = 10.0
    assert window.take().allowed


def test_the_log_says_what_was_asked(ask: Caller) -> None:
    ask.sandbox.clear_request_log()
    ask("lago", "/plans?page=1")
    ask("lago", "/plans", headers={"Authorization": "none"})
    assert ask.sandbox.request_log == [
        ("lago", "GET", "/api/v1/plans?page=1", 200),
        ("lago", "GET", "/api/v1/plans", 401),
    ]


def test_rate_limits_hold_unless_switched_off(dataset: Dataset, running: Sandbox) -> None:
    running.set_rate_limits(hold=True)
    with httpx2.Client(headers={"Authorization": "Bearer sandbox-hubspot-token"}) as client:
        address = f"{running.addresses['hubspot']}/crm/owners/2026-09"
        assert "x-hubspot-ratelimit-max" in client.get(address).headers
        running.set_rate_limits(hold=False)
        assert "x-hubspot-ratelimit-max" not in client.get(address).headers


def test_the_settings_file_names_everything(running: Sandbox, dataset: Dataset) -> None:
    settings = tomllib.loads(running.config_path.read_text(encoding="utf-8"))
    assert settings["clock"] == "2026-11-01T00:00:00Z"
    assert settings["lago"]["url"].endswith("/api/v1")
    assert settings["metabase"]["database"] == 2
    assert settings["notion"]["tickets_database"] == dataset.notion.database_id
    assert set(settings["links"]) == {
        "lago_customer",
        "lago_invoice",
        "hubspot_company",
        "metabase_card",
        "notion_page",
    }
    samples = {
        "lago_customer": dataset.lago.customers[0]["external_id"],
        "lago_invoice": dataset.lago.invoices[0]["lago_id"],
        "hubspot_company": dataset.hubspot.objects["companies"][0]["id"],
        "metabase_card": 642,
        "notion_page": dataset.notion.tickets[0]["page_id"],
    }
    for name, pattern in settings["links"].items():
        assert httpx2.get(pattern.replace("{id}", str(samples[name]))).status_code == 200


def test_stopping_frees_the_ports_and_the_settings(dataset: Dataset) -> None:
    with Sandbox.start(dataset=dataset) as sandbox:
        config, address = sandbox.config_path, urlsplit(sandbox.addresses["lago"])
        assert config.exists()
    sandbox.stop()
    assert not config.exists()
    with socket.socket() as made:
        assert made.connect_ex((address.hostname, address.port)) != 0


def test_the_command_serves_until_told_to_stop() -> None:
    code = "from customer_research_sandbox.command import sandbox; sandbox()"
    options = ["--operators", "2", "--as-of", "2026-10-01", "--fault", "hubspot:http500", "--latency", "1"]
    command_line = [sys.executable, "-c", code, "serve", *options]
    signals = (signal.SIGINT, signal.SIGTERM)
    with ExitStack() as stack:
        started = {number: stack.enter_context(_process(command_line)) for number in signals}
        for number, process in started.items():
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            assert (set(told), told["as_of"]) == ({"addresses", "config", "as_of"}, "2026-10-01T00:00:00Z")
            settings = tomllib.loads(Path(told["config"]).read_text(encoding="utf-8"))
            key = {"Authorization": f"Bearer {settings['lago']['api_key']}"}
            assert httpx2.get(f"{told['addresses']['lago']}/plans", headers=key).status_code == 200
            process.send_signal(number)
            rest, _ = process.communicate(timeout=60)
            assert (process.returncode, rest) == (0, "")
            assert not Path(told["config"]).exists()


@contextmanager
def _process(command_line: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command_line, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    "arguments",
    [["--fault", "lago:gone"], ["--fault", "x"], ["--as-of", "tomorrow"], ["--latency", "-1"], ["--operators", "-1"]],
)
def test_the_command_refuses_in_one_sentence(arguments: Any) -> None:
    result = CliRunner().invoke(command, ["serve", *arguments])
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from customer_research_sandbox.command import sandbox; print([m for m in ('uvicorn', 'duckdb', 'sqlglot', 'starlette') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_the_first_page_comes_again_of_the_same_question_only(ask: Caller, dataset: Dataset) -> None:
    def found(**more: Any) -> list[str]:
        answer = ask("notion", f"/data_sources/{dataset.notion.data_source_id}/query", {"page_size": 20, **more})
        return [row["id"] for row in answer.json()["results"]]

    oldest = [{"timestamp": "created_time", "direction": "ascending"}]
    true, other = found(), found(sorts=oldest)
    ask.sandbox.set_faults("notion:repeat")
    assert (found(), found(sorts=oldest)) == (true, other)
    assert found(start_cursor=true[-1]) == true != other
