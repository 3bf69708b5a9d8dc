"""`schedule` and `me`: what is done by itself is added, listed, seen ahead, run, paused and removed; people say how they are told."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from cli_runs import changed, command, one_sentence

from customer_research.research.scheduling.declared import shipped
from customer_research.research.usecases import USE_CASES, validated
from customer_research.research.usecases.registry import use_case
from customer_research.settings import load_settings
from customer_research.store.database import open_store
from customer_research.store.outbox import Outbox
from customer_research.store.schedules import ScheduleBook


@pytest.fixture
def config(config_path: Path, tmp_path: Path) -> Path:
    return changed(config_path, tmp_path, {"store": {"url": f"sqlite:///{tmp_path}/own.db"}})


@pytest.mark.parametrize("name", shipped())
def test_what_is_shipped_can_be_added(name: str) -> None:
    one = shipped()[name]
    assert bool(one.cron) != bool(one.after)
    assert not one.after or one.after in shipped()
    assert one.use_case != "digest" or one.request == {"short": True}, "a week that comes by message has its form"
    assert one.sentence.endswith((".", ")."))
    validated(use_case(one.use_case).request(), one.request)


def test_nothing_is_on_until_it_is_added(config: Path) -> None:
    done = command("schedule", "list", config=config)
    assert done.code == 0, done.err
    rows = [line.split() for line in done.out.splitlines()[2:]]
    assert {row[0]: row[1] for row in rows if row and row[0] in shipped()} == dict.fromkeys(shipped(), "off")
    assert "can be added: `customer-research schedule add NAME`." in done.out
    assert command("schedule", "next", config=config).out == "No schedule is on.\n"
    assert command("schedule", "runs", config=config).out == "No run yet.\n"
    assert not (config.parent / "own.db").exists(), "who only looks leaves no store behind"


def test_a_shipped_schedule_is_added_with_a_clock_and_addresses_of_ones_own(config: Path) -> None:
    done = command(
        "schedule", "add", "weekly-digest", "--zone", "America/New_York", "--to", "slack:C0123", "--to", "owners",
        config=config,
    )  # fmt: skip
    assert (done.code, done.out.splitlines()) == (
        0,
        [
            "Added: weekly-digest (digest), 0 8 * * 1 America/New_York, to slack:C0123, owners.",
            "Next: Mon 2026-11-02 08:00 EST America/New_York (2026-11-02 13:00 UTC).",
        ],
    )
    ahead = command("schedule", "next", "weekly-digest", "--count", "2", config=config).out.splitlines()
    assert [line.split() for line in ahead[2:]] == [
        ["weekly-digest", "Mon", "2026-11-02", "08:00", "EST", "America/New_York", "2026-11-02", "13:00"],
        ["weekly-digest", "Mon", "2026-11-09", "08:00", "EST", "America/New_York", "2026-11-09", "13:00"],
    ]
    told = json.loads(command("schedule", "list", "--json", config=config).out)
    (one,) = told["schedules"]
    assert (one["next"], one["to"], one["last_run"]) == ("2026-11-02T13:00:00Z", ["slack:C0123", "owners"], None)


def test_what_comes_after_another_has_no_times(config: Path) -> None:
    assert command("schedule", "add", "nightly-sync", config=config).code == 0
    done = command("schedule", "add", "nightly-score", config=config)
    said = "Nobody hears of a run that fails: name somebody with --failures-to."
    assert done.out == f"Added: nightly-score (portfolio score), after nightly-sync, sent to nobody.\n{said}\n"
    assert "nightly-score comes after each run of nightly-sync." in command("schedule", "next", config=config).out
    refused = command("schedule", "remove", "nightly-sync", config=config)
    assert (refused.code, one_sentence(refused)) == (
        2,
        "Error: nightly-score comes after nightly-sync. Remove that first.",
    )
    again = command("schedule", "add", "third", "sync", "--after", "nightly-score", config=config)
    assert again.code == 0
    for name in ("third", "nightly-score", "nightly-sync"):
        assert command("schedule", "remove", name, config=config).out == f"{name} is removed.\n"


def test_a_schedule_of_ones_own_has_a_request(config: Path) -> None:
    done = command(
        "schedule", "add", "sources", "sync", "--cron", "0 */6 * * *", "--set", "sources=lago", "--set", "sources=hubspot",
        "--set", "full=true", "--late-hours", "2", config=config,
    )  # fmt: skip
    assert done.code == 0, done.err
    with open_store(load_settings(config).store_url) as store:
        (kept,) = ScheduleBook(store).all()
    assert kept.request == {"sources": ["lago", "hubspot"], "full": "true"}
    asked = asdict(validated(use_case("sync").request(), kept.request))
    assert (asked["sources"], asked["full"]) == (("lago", "hubspot"), True)
    assert set(kept.rights) >= {"read", "operate", "configure", "finance"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hourly"], "No schedule 'hourly' is shipped."),
        (["Weekly Digest", "digest", "--cron", "0 8 * * 1"], "'Weekly Digest' is no name of a schedule."),
        (["one", "digets", "--cron", "0 8 * * 1"], "There is no use case 'digets'. Did you mean digest?"),
        (["one", "digest"], "A schedule has times of its own, or comes after another."),
        (["one", "digest", "--cron", "0 8 * * 1", "--after", "two"], "A schedule has times of its own, or comes after"),
        (["one", "digest", "--after", "two"], "There is no schedule 'two'."),
        (["one", "digest", "--cron", "0 25 * * 1"], "'0 25 * * 1' is no cron line: Bad hour."),
        (["one", "digest", "--cron", "0 8 * * 1", "--zone", "Mars"], "There is no time zone 'Mars'."),
        (["one", "digest", "--cron", "0 8 * * 1", "--to", "fax:1"], "'fax:1' is no address"),
        (["one", "digest", "--cron", "0 8 * * 1", "--failures-to", "slack:"], "'slack:' is no address"),
        (["one", "digest", "--cron", "0 8 * * 1", "--set", "colour=red"], "'colour=red' sets no field of the request."),
        (["one", "digest", "--cron", "0 8 * * 1", "--set", "owner"], "'owner' sets no field of the request."),
        (["one", "digest", "--cron", "0 8 * * 1", "--set", "owner=a", "--set", "owner=b"], "owner is given twice."),
        (["one", "today", "--cron", "0 8 * * 1", "--set", "every=perhaps"], "every: Input should be a valid boolean"),
        (["one", "quick", "--cron", "0 8 * * 1"], "operator: Field required."),
        (["one", "sync", "--cron", "0 8 * * 1", "--to", "owners"], "sync is not told owner by owner."),
        (
            ["one", "why", "--cron", "0 8 * * 1", "--set", "operator=x", "--set", "metric=mrr", "--to", "slack:C1"],
            "What why answers",
        ),
        (
            ["one", "batch", "--cron", "0 8 * * 1", "--set", "file=x"],
            "What takes a file's content cannot be scheduled.",
        ),
        (["one", "report all", "--cron", "0 8 * * 1", "--set", "folder=pages"], "folder is no whole path."),
        (["one", "schedule run", "--cron", "0 8 * * 1", "--set", "name=one"], "A schedule of schedules there is not."),
    ],
)
def test_what_cannot_be_done_by_itself_is_refused_when_it_is_added(words: list[str], said: str, config: Path) -> None:
    done = command("schedule", "add", *words, config=config)
    assert done.code == 2
    assert one_sentence(done).startswith(f"Error: {said}"), done.err
    assert "off" in command("schedule", "list", config=config).out


def test_pausing_and_going_on(config: Path) -> None:
    assert command("schedule", "add", "team-digest", "--to", "slack:C0123", config=config).code == 0
    assert command("schedule", "pause", "team-digest", config=config).out == "team-digest is paused.\n"
    assert command("schedule", "next", config=config).out == "team-digest is paused.\n"
    assert " paused " in command("schedule", "list", config=config).out
    done = command("schedule", "resume", "team-digest", config=config)
    assert done.out == "team-digest is on. Next: Mon 2026-11-02 08:00 UTC.\n"
    assert command("schedule", "pause", "absent", config=config).code == 2


def test_the_setting_says_by_whose_clock(config: Path, tmp_path: Path) -> None:
    own = changed(config, tmp_path, {"schedules": {"zone": "Australia/Sydney"}})
    assert "0 8 * * 1 Australia/Sydney" in command("schedule", "add", "team-digest", "--to", "slack:C1", config=own).out
    wrong = changed(config, tmp_path, {"schedules": {"zone": "Sydney"}})
    refused = command("schedule", "list", config=wrong)
    assert (refused.code, "schedules.zone" in refused.err) == (5, True)


# -- people ------------------------------------------------------------------------------------------------------------


def test_how_somebody_is_told_is_kept_and_shown(config: Path) -> None:
    ada = ("--email", "ada@example.com")
    assert command("me", "show", *ada, config=config).out.splitlines() == [
        "ada@example.com",
        "  told at:   email:ada@example.com",
        "  clock:     UTC, quiet never",
        "  muted:     nothing",
        "  book:      none",
    ]
    done = command(
        "me", "set", *ada, "--name", "Ada", "--owner", "901", "--address", "slack:U01", "--zone", "Europe/London",
        "--quiet", "19:00-7:30", config=config,
    )  # fmt: skip
    assert done.code == 0, done.err
    done = command("me", "mute", "digest", "--until", "2026-11-20", *ada, config=config)
    assert done.out.splitlines() == [
        "Ada <ada@example.com>",
        "  told at:   slack:U01; failures at email:ada@example.com",
        "  clock:     Europe/London, quiet 19:00-07:30",
        "  muted:     digest until 2026-11-20 00:00 UTC",
        "  book:      HubSpot owner 901",
    ]
    assert "Ada" in command("me", "list", config=config).out
    assert "muted:     nothing" in command("me", "unmute", *ada, config=config).out
    assert command("me", "forget", *ada, config=config).out == "ada@example.com is forgotten.\n"
    assert "Of nobody it is known" in command("me", "list", config=config).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["set", "--email", "ada@example.com"], "Nothing is to be changed."),
        (["set", "--email", "ada", "--zone", "UTC"], "'ada' is no e-mail address."),
        (["set", "--email", "ada@example.com", "--zone", "Mars"], "There is no time zone 'Mars'."),
        (["set", "--email", "ada@example.com", "--quiet", "7pm"], "'7pm' are no hours."),
        (
            ["set", "--email", "ada@example.com", "--quiet", "7:00-07:00"],
            "Quiet hours begin and end at different times.",
        ),
        (["set", "--email", "ada@example.com", "--address", "fax:1"], "'fax:1' is no address"),
        (["mute", "digest", "--until", "2026-01-01", "--email", "ada@example.com"], "2026-01-01 has passed."),
    ],
)
def test_what_makes_no_sense_is_refused(words: list[str], said: str, config: Path) -> None:
    done = command("me", *words, config=config)
    assert (done.code, one_sentence(done).startswith(f"Error: {said}")) == (2, True), done.err


def test_the_use_cases_are_there() -> None:
    words = {name.partition(" ")[2] for name in USE_CASES if name.startswith("schedule ")}
    assert words == {"add", "list", "next", "runs", "run", "pause", "resume", "remove"}


# -- run now -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "needs"),
    [
        (["quick", "--set", "operator=00000000-5ce0-11f0-a000-000000000002"], "vendors, in the loop"),
        (["sync", "--set", "sources=notion"], "vendors, in the middle of work that computes"),
    ],
)
def test_a_schedule_is_run_by_hand(words: list[str], needs: str, config: Path, tmp_path: Path) -> None:
    own = changed(config, tmp_path, {"lake": {"folder": str(tmp_path / "lake")}})
    added = command("schedule", "add", "one", *words, "--cron", "0 8 * * 1", "--to", "slack:C0123", config=own)
    assert added.code == 0, added.err
    done = command("schedule", "run", "one", config=own)
    assert (done.code, done.out) == (0, "one: done. 1 message.\n"), needs
    with open_store(load_settings(own).store_url) as store:
        ((delivery,), _) = Outbox(store).list()
    assert (delivery.state, str(delivery.message.address)) == ("ready", "slack:C0123")
    rows = command("schedule", "runs", "one", config=own).out.splitlines()
    assert rows[2].split() == ["one", "2026-11-01", "00:00", "done", "asked", "for", "1", "1", "message."]


def test_a_run_by_hand_that_fails_says_so(config: Path) -> None:
    words = ("quick", "--set", "operator=nobody at all", "--cron", "0 8 * * 1")
    assert command("schedule", "add", "one", *words, config=config).code == 0
    done = command("schedule", "run", "one", config=config)
    assert done.code == 6
    assert done.out.startswith("one: failed. No operator answers to"), done.out
