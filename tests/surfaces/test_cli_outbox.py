"""`outbox`: what is to be sent and was is listed and shown, sent, sent again, dropped and forgotten."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cli_runs import changed, command, one_sentence
from far_sides import message

from customer_research.domain.delivery import Address, Message
from customer_research.settings import load_settings
from customer_research.store.database import open_store
from customer_research.store.outbox import Outbox

NOW = datetime(2026, 11, 1, tzinfo=UTC)
FILE, MAILBOX, NOWHERE = Address("file", "week.md"), Address("email", "ada@example.com"), Address("file", "../week.md")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    settings = tmp_path / "sandbox.toml"
    settings.write_text(
        f'clock = "2026-11-01T00:00:00Z"\n[deliveries]\nfolder = "{tmp_path}/files"\n[store]\nurl = "x"\n',
        encoding="utf-8",
    )
    return changed(settings, tmp_path, {"store": {"url": f"sqlite:///{tmp_path}/own.db"}})


def put(config: Path, *messages: Message) -> None:
    with open_store(load_settings(config).store_url) as store:
        for one in messages:
            assert Outbox(store).put(one, now=NOW)


def listed(config: Path, *more: str) -> str:
    done = command("outbox", "list", "--format", "markdown", *more, config=config)
    assert done.code == 0, done.err
    return done.out


def test_an_empty_outbox_says_so(config: Path) -> None:
    assert "Nothing has been put into the outbox yet." in listed(config)
    assert not (config.parent / "own.db").exists(), "who looks leaves no file behind"


def test_what_is_due_is_sent_and_what_fails_stays_until_somebody_decides(config: Path) -> None:
    good, bad = message(FILE), message(NOWHERE, title="Lost")
    put(config, good, bad, message(MAILBOX))
    assert "3 ready." in listed(config)
    done = command("outbox", "send", config=config)
    assert done.code == 6
    assert done.out == "3 messages taken. Now: 1 sent, 2 failed.\n"
    assert (config.parent / "files" / "week.md").read_text() == "Two operators at risk"
    shown = listed(config, "--state", "failed")
    assert "would lie outside the folder" in shown
    assert "No mail server is set up. Set email.host." in shown
    assert good.key[:12] not in shown
    assert "ada@example.com" not in shown, "personal data is masked"
    assert "ada@example.com" in listed(config, "--channel", "email", "--show-personal")
    assert command("outbox", "send", config=config).out == "0 messages taken. Now: 1 sent, 2 failed.\n"
    again = command("outbox", "retry", "--failed", config=config)
    assert again.out == "2 messages to be sent again.\n"
    gone = command("outbox", "drop", bad.key[:8], "--because", "A wrong name.", config=config)
    assert gone.out == f"Delivery {bad.key[:8]} (Lost) is dropped.\n"
    one = command("outbox", "show", bad.key[:8], "--format", "markdown", config=config).out
    assert "Dropped. It is not sent." in one
    assert ": A wrong name." in one
    assert "Two operators at risk" in one


def test_old_messages_are_forgotten_and_stay_known(config: Path) -> None:
    made = message(FILE)
    put(config, made)
    assert command("outbox", "send", config=config).code == 0
    assert command("outbox", "forget", "--days", "1", config=config).out == "0 messages forgotten.\n"
    with open_store(load_settings(config).store_url) as store:
        assert Outbox(store).forget(datetime(2030, 1, 1, tzinfo=UTC)) == 1
    assert "What it said is no longer kept." in command("outbox", "show", made.key, config=config).out


def test_a_program_reads_the_same(config: Path) -> None:
    put(config, message(FILE, kind="alert", subject="op-1"))
    told = json.loads(command("outbox", "list", "--kind", "alert", "--subject", "op-1", "--json", config=config).out)
    assert told["kind"] == "deliveries"
    assert "No delivery is like that." in listed(config, "--kind", "brief")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "0" * 32), "There is no delivery 0000"),
        (("show", "x"), "'x' is no delivery's key"),
        (("retry",), "Nothing is named to be sent again."),
        (("retry", "0" * 8), "There is no delivery"),
        (("drop", "0" * 8), "There is no delivery"),
        (("list", "--state", "failled"), "There is no state 'failled' of deliveries."),
        (("list", "--channel", "fax"), "There is no channel 'fax' of deliveries."),
    ],
)
def test_what_cannot_be_done_is_said(config: Path, arguments: tuple[str, ...], said: str) -> None:
    done = command("outbox", *arguments, config=config)
    assert done.code == 2
    assert said in one_sentence(done)


@pytest.mark.parametrize("place", ["slack", "email", "notion", "webhook", "file"])
def test_one_delivery_of_every_channel_tells_what_it_says(config: Path, place: Any) -> None:
    made = message(Address(place, "x@example.com" if place == "email" else "x"), elsewhere=MAILBOX)
    put(config, made)
    shown = command("outbox", "show", made.key, "--format", "markdown", config=config).out
    assert "Ready. It waits for its time." in shown
    assert ("at\\_risk" if place == "webhook" else "operators at risk") in shown.replace("at_risk", "at\\_risk")
    assert "ada@example.com" not in shown
