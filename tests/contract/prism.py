"""Prism as a judge: it serves a vendor's contract and says of each request what the contract does not allow."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx2

HERE = Path(__file__).parent
PRISM = HERE / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
DROPPED_HEADERS = frozenset({"host", "content-length", "connection", "accept-encoding"})


@dataclass(frozen=True)
class Sent:
    """One request as it went over the wire: method, target (path and query), headers, body."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query_names(self) -> frozenset[str]:
        """Names of the query parameters, decoded."""
        return frozenset(name for name, _ in parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    def without(self, *, header: str) -> Sent:
        """The same request without one header."""
        kept = tuple((name, value) for name, value in self.headers if name.lower() != header.lower())
        return Sent(self.method, self.target, kept, self.body)


@dataclass(frozen=True)
class Verdict:
    """What the judge said: the status, and the violations (None: none)."""

    status: int
    violations: str | None

    @property
    def refused(self) -> bool:
        """Whether the contract does not allow the request."""
        return self.violations is not None or not 200 <= self.status < 300


class Contract:
    """One vendor's OpenAPI document, as far as Prism is lax about it: which operation, which query names."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def operation(self, method: str, path: str) -> str | None:
        """The path template that a request falls under, the most literal first; None if the contract has none."""
        found = [template for template, pattern in self._patterns if pattern.fullmatch(path)]
        named = [template for template in found if method.lower() in self.document["paths"][template]]
        return min(named, key=lambda template: template.count("{"), default=None)

    def unknown_parameters(self, sent: Sent) -> frozenset[str]:
        """Query names that the operation does not declare."""
        template = self.operation(sent.method, sent.path)
        if template is None:
            return sent.query_names
        item = self.document["paths"][template]
        declared = [*item.get("parameters", ()), *item[sent.method.lower()].get("parameters", ())]
        resolved = [self._resolve(parameter) for parameter in declared]
        return sent.query_names - {one["name"] for one in resolved if one["in"] == "query"}

    @cached_property
    def _patterns(self) -> list[tuple[str, re.Pattern[str]]]:
        return [
            (path, re.compile(re.sub(r"\\{[^/]+?\\}", "[^/]+", re.escape(path)))) for path in self.document["paths"]
        ]

    def _resolve(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in part:
            found: Any = self.document
            for key in part["$ref"].removeprefix("#/").split("/"):
                found = found[key.replace("~1", "/").replace("~0", "~")]
            part = found
        return part


class Judge:
    """A running Prism."""

    def __init__(self, address: str) -> None:
        self._client = httpx2.Client(base_url=address, timeout=60, trust_env=False)

    def ask(self, sent: Sent) -> Verdict:
        """Send the request to the contract."""
        headers = [(name, value) for name, value in sent.headers if name.lower() not in DROPPED_HEADERS]
        answer = self._client.request(sent.method, sent.target, headers=headers, content=sent.body or None)
        return Verdict(answer.status_code, answer.headers.get("sl-violations"))

    def close(self) -> None:
        """Release sockets."""
        self._client.close()


@contextmanager
def judge(specification: Path) -> Iterator[Judge]:
    """Start Prism on a specification; ends it afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = ["node", str(PRISM), "mock", "-h", "127.0.0.1", "-p", str(port), "--errors", str(specification)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            _await_listening(process)
            asked = Judge(f"http://127.0.0.1:{port}")
            try:
                yield asked
            finally:
                asked.close()
        finally:
            process.terminate()


def _await_listening(process: subprocess.Popen[str]) -> None:
    """Read Prism's output until it listens, then keep it from filling its pipe."""
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if "listening on" in line:
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return
    raise AssertionError("Prism did not start: " + "".join(said))
