"""`mcp serve` as a process of its own: its output is messages alone, its errors name no customer."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_runs import SILENT_CHURN, changed, command
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_calls import ERAS, told

from customer_research.research.usecases import finished
from customer_research.surfaces.logs import Redacted

PRINTS = """
import builtins, os, sys
from customer_research.research.usecases import one
async def noisy(self, call):
    print("printed"); os.write(1, b"written\\n"); sys.stdout.write("said"); sys.__stdout__.flush()
    raise RuntimeError("Silvermead Livery owes money")
one.Lookup.answer = noisy
from customer_research.surfaces.cli.group import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture
def config_path(config_path: Path, tmp_path: Path) -> Path:
    """Settings with a store of their own, in which the calls are noted."""
    return changed(config_path, tmp_path, {"store": {"url": f"sqlite:///{tmp_path}/own.db"}})


def serving(config: Path) -> StdioServerParameters:
    arguments = ["-m", "customer_research", "--config", str(config), "mcp", "serve"]
    return StdioServerParameters(command=sys.executable, args=arguments)


def conversation(*requests: dict[str, Any]) -> str:
    """Messages of an older client, which shakes hands first."""
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    first = [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
    ]
    asked = [{"jsonrpc": "2.0", "id": number, **one} for number, one in enumerate(requests, 1)]
    return "".join(f"{json.dumps(message)}\n" for message in (*first, *asked))


@pytest.mark.parametrize("era", ERAS)
def test_a_client_starts_it_and_asks(config_path: Path, era: str) -> None:
    async def session() -> dict[str, Any]:
        async with Client(serving(config_path), mode=era) as client:
            assert len((await client.list_tools()).tools) == 9
            return told(await client.call_tool("operator_find", {"term": SILENT_CHURN}))

    assert finished(session())["operator"]["name"] == "Silvermead Livery"


def test_every_line_is_a_message_whatever_is_printed_and_a_failure_names_nobody(config_path: Path) -> None:
    asked = {"method": "tools/call", "params": {"name": "operator_find", "arguments": {"term": "x"}}}
    process = subprocess.Popen(
        [sys.executable, "-c", PRINTS, "--config", str(config_path), "mcp", "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(conversation(asked, {"method": "tools/list"}))
        process.stdin.flush()
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.stdin.close()
        rest, errors = process.stdout.read(), process.stderr.read()

    answers = {line["id"]: line for line in lines}
    assert rest == ""
    assert answers[1]["result"]["isError"] is True
    assert answers[1]["result"]["structuredContent"]["error"] == "Unexpected failure (RuntimeError)."
    assert len(answers[2]["result"]["tools"]) == 9
    assert {"printed", "written", "said"} <= {word for word in ("printed", "written", "said") if word in errors}
    assert "RuntimeError" in errors
    assert "Silvermead" not in errors
    assert process.returncode == 0


def test_a_log_says_what_failed_and_where_but_not_about_whom() -> None:
    def broken() -> None:
        raise ValueError("dana.roe@summit.example.com owes $4,000")

    try:
        broken()
    except ValueError:
        record = logging.LogRecord(
            "x", logging.ERROR, "f", 1, "for %s\x1b[31m", ("ann.poe@x.example.com",), sys.exc_info()
        )
    line = Redacted().format(record)

    assert "ValueError < test_mcp_stdio.py:" in line
    assert "a•••@x.example.com" in line
    assert not {"dana", "4,000", "\x1b", "\n"} & {word for word in ("dana", "4,000", "\x1b", "\n") if word in line}


def test_without_the_sdk_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("customer_research.surfaces.mcp.command.find_spec", lambda _name: None)
    done = command("mcp", "serve")
    assert (done.code, done.out) == (5, "")
    assert "pip install 'customer-research[mcp]'" in done.err
