"""`mcp install`: each client's settings get the server, beside what was there; a copy is kept; what cannot be read is left alone."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest
from cli_runs import command

from customer_research.surfaces.mcp.clients import CLIENTS, COPY, NAME


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def servers(client: str, path: Path) -> dict[str, dict[str, object]]:
    text = path.read_text(encoding="utf-8")
    told = tomllib.loads(text) if CLIENTS[client].toml else json.loads(text)
    found: dict[str, dict[str, object]] = told[CLIENTS[client].key]
    return found


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_gets_the_server_with_the_settings_file(client: str, home: Path) -> None:
    config = home / "settings.toml"
    config.write_text("", encoding="utf-8")
    done = command("mcp", "install", "--client", client, config=config)
    path = home / CLIENTS[client].file

    assert (done.code, done.err) == (0, "")
    assert f"Written: {path}" in done.out
    made = servers(client, path)[NAME]
    assert made["command"] == sys.executable
    assert made["args"] == ["-m", "customer_research", "--config", str(config), "mcp", "serve"]
    assert ("type" in made) is CLIENTS[client].typed
    assert command("mcp", "install", "--client", client, config=config).out.startswith(
        f"{CLIENTS[client].title} knows it"
    )


def test_what_was_there_stays_and_a_copy_is_kept(home: Path) -> None:
    path = home / ".cursor/mcp.json"
    path.parent.mkdir()
    before = '{"mcpServers": {"other": {"command": "x"}, "customer-research": {"env": {"A": "ä"}}}, "theme": "dark"}'
    path.write_text(before, encoding="utf-8")
    done = command("mcp", "install", "--client", "cursor")

    told = json.loads(path.read_text(encoding="utf-8"))
    assert done.code == 0
    assert told["theme"] == "dark"
    assert told["mcpServers"]["other"] == {"command": "x"}
    assert told["mcpServers"][NAME]["env"] == {"A": "ä"}
    assert path.with_name(f"mcp.json{COPY}").read_text(encoding="utf-8") == before


def test_toml_keeps_its_comments(home: Path) -> None:
    path = home / ".codex/config.toml"
    path.parent.mkdir()
    path.write_text('# mine\nmodel = "o"\n\n[mcp_servers.other]\ncommand = "x"\n', encoding="utf-8")
    command("mcp", "install", "--client", "codex")
    assert path.read_text(encoding="utf-8").startswith("# mine\n")
    assert set(servers("codex", path)) == {"other", NAME}


def test_a_dry_run_writes_nothing(home: Path) -> None:
    done = command("mcp", "install", "--client", "claude-code", "--dry-run")
    assert done.out.startswith(f"Would write {home / '.claude.json'}:")
    assert NAME in done.out
    assert list(home.iterdir()) == []


def test_a_project_has_its_own_file_where_the_client_has_one(home: Path) -> None:
    done = command("mcp", "install", "--client", "vscode", "--project")
    refused = command("mcp", "install", "--client", "windsurf", "--project")
    assert done.code == 0
    assert "servers" in json.loads((home / ".vscode/mcp.json").read_text(encoding="utf-8"))
    assert refused.code == 2
    assert "has no settings of a project" in refused.err


@pytest.mark.parametrize(
    ("client", "content"),
    [
        ("cursor", '{"a": 1} // mine'),
        ("cursor", "[1]"),
        ("cursor", '{"mcpServers": []}'),
        ("codex", "= x"),
        ("gemini", b"\xff"),
    ],
)
def test_a_file_that_is_not_understood_is_left_alone(client: str, content: str | bytes, home: Path) -> None:
    path = home / CLIENTS[client].file
    path.parent.mkdir()
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = command("mcp", "install", "--client", client)

    assert done.code == 2
    assert str(path) in done.err
    assert path.read_bytes() == (content if isinstance(content, bytes) else content.encode())
    assert [one.name for one in path.parent.iterdir()] == [path.name]
