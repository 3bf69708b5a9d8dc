"""`tokens` and `audit`: what lets programs in is made, shown once and taken back; what they asked for is listed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cli_runs import Run, changed, command, one_sentence

from customer_research.domain.access import NotedCall
from customer_research.settings import load_settings
from customer_research.store.access import CallBook, TokenBook
from customer_research.store.database import open_store


@pytest.fixture
def config(config_path: Path, tmp_path: Path) -> Path:
    return changed(config_path, tmp_path, {"store": {"url": f"sqlite:///{tmp_path}/own.db"}})


def created(config: Path, *more: str) -> Run:
    done = command("tokens", "create", "nightly notes", "--email", "ada@example.com", *more, config=config)
    assert done.code == 0, done.err
    return done


def test_a_token_is_shown_once_and_lets_in_until_it_is_revoked(config: Path) -> None:
    settings = load_settings(config)
    assert settings.clock is not None
    done = created(config, "--finance", "--owner", "160000001")
    text = done.out.strip()
    assert text.startswith("crt_")
    assert "\n" not in text
    token_id = text.split("_")[1]
    assert done.err.splitlines() == [
        f"Token {token_id} grants read, finance until 2027-01-30.",
        "It is not shown again: keep it where secrets are kept.",
    ]
    with open_store(settings.store_url) as store:
        found = TokenBook(store).admitted(text, settings.clock)
    assert found is not None
    assert (found.permissions, found.owner_id, found.email) == (("read", "finance"), "160000001", "ada@example.com")
    assert found.expires_at - found.created_at == timedelta(days=90)

    for style in ("terminal", "markdown", "json"):
        shown = command("tokens", "list", "--format", style, config=config).out
        assert token_id in shown
        assert text.split("_", 2)[2] not in shown
        assert "ada@example.com" not in shown, "personal data is masked"
    assert "ada@example.com" in command("tokens", "list", "--show-personal", config=config).out
    assert "valid" in command("tokens", "list", config=config).out

    gone = command("tokens", "revoke", token_id, config=config)
    assert gone.out == f"Token {token_id} (nightly notes) is revoked.\n"
    with open_store(settings.store_url) as store:
        assert TokenBook(store).admitted(text, settings.clock) is None
    assert "revoked" in command("tokens", "list", config=config).out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "x", "--email", "ada"), "'ada' is no e-mail address."),
        (("create", " ", "--email", "ada@example.com"), "A token's name has 1 to 200 characters."),
        (("create", "x", "--email", "ada@example.com", "--days", "0"), "--days"),
        (("revoke", "0123456789"), "There is no token '0123456789'."),
    ],
)
def test_what_cannot_be_done_is_said(config: Path, arguments: tuple[str, ...], said: str) -> None:
    done = command("tokens", *arguments, config=config)
    assert done.code == 2
    assert said in one_sentence(done)


def test_who_asked_for_whom_is_listed_and_thinned_out(config: Path) -> None:
    settings = load_settings(config)
    assert settings.clock is not None
    operator = "00000000-5ce0-11f0-a000-000000000002"
    seen = NotedCall(settings.clock, "ada@example.com", "http", "quick", operator, ("a", "b"), 1_234, "done", 0.251)
    refused = replace(seen, at=seen.at - timedelta(days=3), outcome="NotAllowed", receipts=(), size=0, actor="grace")
    assert "No such call has been noted." in command("audit", "list", config=config).out
    with open_store(settings.store_url) as store:
        for call in (refused, seen):
            CallBook(store).add(call)
    shown = command("audit", "list", operator, "--format", "markdown", config=config).out
    assert "ada@example.com" not in shown
    for word in ("quick", "http", operator, "refused", "done", "1,234", "0.3"):
        assert word in shown, word
    assert "ada@example.com" in command("audit", "list", "--show-personal", config=config).out
    told = json.loads(command("audit", "list", "--refused", "--json", config=config).out)
    (table,) = told["sections"][0]["blocks"]
    assert len(table["rows"]) == 1
    assert "No such call" in command("audit", "list", "--since", "2026-11-02", config=config).out
    assert "No such call" in command("audit", "list", "--actor", "lee", config=config).out
    assert command("audit", "prune", "--days", "2", config=config).out == "1 call removed.\n"
    assert command("audit", "prune", "--days", "2", config=config).out == "0 calls removed.\n"
