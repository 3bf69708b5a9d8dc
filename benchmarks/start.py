"""What starting the command line costs in CPU time, against `python -c pass`.

Every command runs in turn, many rounds, and the medians are compared. The bar: `--help` costs at most 6 times
`python -c pass`. And what starting the MCP server on standard input costs, from no process to its first answer, against importing
the SDK that it is made with; its bar is 2.5 times.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence

from benchmarks.tables import table, times

ROUNDS = 21
BAR = 6.0
BASE = "python -c pass"
COMMANDS = {
    BASE: ("-c", "pass"),
    "import of the command line": ("-c", "import customer_research.surfaces.cli"),
    "import of the package": ("-c", "import customer_research"),
    "--help": ("-m", "customer_research", "--help"),
    "profile --help": ("-m", "customer_research", "profile", "--help"),
    "metrics (loads the registries)": ("-m", "customer_research", "metrics"),
}

SERVER_ROUNDS, SERVER_BAR = 7, 2.5
SDK = ("-c", "import mcp.server.lowlevel.server, mcp.server.stdio")
SERVER = ("-m", "customer_research", "mcp", "serve")
LIST = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/list",
    "params": {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    },
}
"""The first request of a client, which needs no handshake."""


def cpu_seconds(arguments: Sequence[str], said: str = "") -> float:
    """User and system time of one Python process, to which something is said."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.PIPE, input=said, text=True)
    if said and '"tools"' not in done.stdout:
        sys.exit(f"The server did not list its tools: {done.stdout[:200]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run() -> None:
    """Measure all commands in turn and print the ratios."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, arguments in COMMANDS.items():
            taken[name].append(cpu_seconds(arguments))
    base = statistics.median(taken[BASE])
    rows = [(name, times(statistics.median(found) / base), times(min(found) / base)) for name, found in taken.items()]
    print(table(("CPU time", "median", "least"), rows))
    print(f"The bar: --help at most {times(BAR)}.")
    server()


def server() -> None:
    """Measure the start of the MCP server beside the import of its SDK, and print the ratio."""
    said = f"{json.dumps(LIST)}\n"
    pairs = [(cpu_seconds(SDK), cpu_seconds(SERVER, said)) for _ in range(SERVER_ROUNDS)]
    ratios = [ours / theirs for theirs, ours in pairs]
    rows = [("mcp serve, until its tools are listed", times(statistics.median(ratios)), times(min(ratios)))]
    print(table(("CPU time against importing the SDK", "median", "least"), rows))
    print(f"The bar: at most {times(SERVER_BAR)}.")


if __name__ == "__main__":
    run()
