"""The clients that `mcp install` knows: where each keeps its servers, and how its settings are written."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from customer_research import private
from customer_research.errors import UsageError

NAME = "customer-research"
COPY = ".before-customer-research"
"""Behind the name of a file: the copy of it as it was."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client: its title, its settings file below the user's folder and in a project (empty: it has none), its key for servers.

    `typed` says that each server names its transport; `toml` that the file is TOML.
    """

    title: str
    file: str
    project: str = ""
    key: str = "mcpServers"
    typed: bool = False
    toml: bool = False

    def path(self, *, project: bool) -> Path:
        """The settings file.

        Raises:
            UsageError: it has none for a project.
        """
        if not project:
            return Path.home() / self.file
        if not self.project:
            raise UsageError(f"{self.title} has no settings of a project.", hint="Leave --project out.")
        return Path.cwd() / self.project


def _application(path: str) -> str:
    """Where programs of the desktop keep their settings, below the user's folder."""
    if sys.platform == "darwin":
        return f"Library/Application Support/{path}"
    return f"AppData/Roaming/{path}" if os.name == "nt" else f".config/{path}"


CLIENTS: Mapping[str, Client] = {
    "claude-code": Client("Claude Code", ".claude.json", ".mcp.json", typed=True),
    "claude-desktop": Client("Claude Desktop", _application("Claude/claude_desktop_config.json")),
    "cursor": Client("Cursor", ".cursor/mcp.json", ".cursor/mcp.json"),
    "vscode": Client("VS Code", _application("Code/User/mcp.json"), ".vscode/mcp.json", "servers", typed=True),
    "windsurf": Client("Windsurf", ".codeium/windsurf/mcp_config.json"),
    "codex": Client("Codex", ".codex/config.toml", key="mcp_servers", toml=True),
    "gemini": Client("Gemini CLI", ".gemini/settings.json", ".gemini/settings.json"),
}


def entry(client: Client, config: Path | None) -> dict[str, Any]:
    """How the client starts the server: this Python, so that it is found whatever the client's path is."""
    chosen = ["--config", str(config.resolve())] if config is not None else []
    started = {"command": sys.executable, "args": ["-m", "customer_research", *chosen, "mcp", "serve"]}
    return {"type": "stdio", **started} if client.typed else started


def installed(name: str, config: Path | None, *, project: bool = False, dry: bool = False) -> Iterator[str]:
    """Add the server to a client's settings; what was done, line by line.

    Raises:
        UsageError: the settings cannot be read, or are not what the client writes.
    """
    client = CLIENTS[name]
    path = client.path(project=project)
    before = _text(path)
    after = (_toml if client.toml else _json)(client, path, before, entry(client, config))
    if before == after:
        yield f"{client.title} knows it already: {path}"
        return
    if dry:
        yield f"Would write {path}:"
        yield after
        return
    if before is not None:
        copy = path.with_name(f"{path.name}{COPY}")
        private.write_over(copy, before.encode())
        yield f"Kept: {copy}"
    path.parent.mkdir(parents=True, exist_ok=True)
    private.write_over(path.resolve(), after.encode())
    yield f"Written: {path}"
    yield f"Start {client.title} anew; the server is called {NAME}."


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8") if path.exists() else None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read {path}: {type(error).__name__}.", hint="Look at the file.") from None


def _json(client: Client, path: Path, before: str | None, made: Mapping[str, Any]) -> str:
    try:
        told = json.loads(before) if before and before.strip() else {}
        servers = told.setdefault(client.key, {})
        servers[NAME] = {**servers.get(NAME, {}), **made}
    except (ValueError, AttributeError, TypeError):
        raise UsageError(
            f"{path} is not JSON as {client.title} writes it (comments, perhaps).",
            hint=f"Add it by hand under {client.key!r}: {json.dumps({NAME: made})}",
        ) from None
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _toml(client: Client, path: Path, before: str | None, made: Mapping[str, Any]) -> str:
    import tomlkit  # noqa: PLC0415 - start-up time
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    try:
        told = tomlkit.parse(before or "")
        servers = told.setdefault(client.key, tomlkit.table(is_super_table=True))
        servers[NAME] = dict(made)
    except (TOMLKitError, TypeError):
        raise UsageError(f"{path} is not TOML as {client.title} writes it.", hint="Mend the file.") from None
    return tomlkit.dumps(told)
