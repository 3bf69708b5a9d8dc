"""What passengers wrote at Google is shown and kept nowhere: planted words are in no file, log, audit, message or answer of an agent."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from made_up_lake import fill, settings_file
from places_served import COMPANIES, doubles, google_server
from places_served import settings as made_settings
from worlds import Worlds

from customer_research.errors import UsageError
from customer_research.research import reviews
from customer_research.research.usecases import USE_CASES, Actor, Answer, Runner, Text, finished
from customer_research.research.usecases.gate import noting
from customer_research.research.usecases.runner import Use
from customer_research.research.usecases.schedules import SENT
from customer_research.reviews.google import GooglePlaces
from customer_research.reviews.settings import GooglePlacesSettings
from customer_research.settings import load_settings
from customer_research.store.database import open_store
from customer_research.surfaces.mcp.tools import TOOLS
from customer_research.surfaces.slack.commands import COMMANDS
from customer_research_sandbox.scenarios.reviews import PLANTED, place_id, scenario_id
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.google_places import KEY

OPERATOR = scenario_id(2)


@pytest.fixture(scope="module")
def served(worlds: Worlds) -> Iterator[Sandbox]:
    with worlds.running(also=("reviews",)) as running:
        yield running


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A settings file of a lake that knows the operators."""
    known = [
        {"operator_id": one["properties"]["moovs_operator_id"], "name": one["properties"]["name"]} for one in COMPANIES
    ]
    fill(tmp_path / "lake", {"operator": known})
    return settings_file(tmp_path)


def bytes_below(*folders: Path) -> bytes:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert files
    return b"".join(path.read_bytes() for path in files)


def test_a_look_leaves_nothing_in_any_file_of_a_process(served: Sandbox, config: Path, tmp_path: Path) -> None:
    with config.open("a", encoding="utf-8") as file:
        file.write(f'[google_places]\nurl = "{served.addresses["google_places"]}"\napi_key = "{KEY}"\n')
    home = tmp_path / "home"
    home.mkdir()
    told = {
        name: str(home / name.lower())
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "TMPDIR")
    }
    Path(told["TMPDIR"]).mkdir()
    env = {**os.environ, "HOME": str(home), **told}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "customer_research", "--config", str(config), *words]
        return subprocess.run(line, capture_output=True, text=True, env=env, timeout=120, check=False)

    assert run("reviews", "place", OPERATOR, place_id(2)).returncode == 0
    looked = run("reviews", "live", OPERATOR)
    assert looked.returncode == 0, looked.stderr
    assert looked.stdout.count(PLANTED) == 2
    assert "by Ann Passenger https://www.google.com/maps/contrib/" in looked.stdout
    assert "+1 312 555 0188" not in looked.stdout, "what is personal in the words is masked"
    assert "Source: Google Maps." in looked.stdout
    left = bytes_below(tmp_path, served.config_path.parent)
    assert place_id(2).encode() in left, "the id of the place is kept"
    for word in (PLANTED, "Ann Passenger", "maps/contrib"):
        assert word.encode() not in left, word
    served.set_faults("google_places:down")
    down = run("reviews", "live", OPERATOR)
    served.set_faults()
    assert down.returncode == 6
    assert "Google Places cannot be reached" in down.stderr
    hostile = run("reviews", "place", scenario_id(27), place_id(27))
    assert hostile.returncode == 0
    shown = run("reviews", "live", scenario_id(27)).stdout
    assert "\x1b" not in shown
    assert PLANTED in shown


def test_no_audit_log_or_message_has_it_and_it_cannot_be_sent(
    config: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    settings = load_settings(config).model_copy(update={"google_places": made_settings().of(GooglePlacesSettings)})
    monkeypatch.setattr(reviews, "GooglePlaces", partial(GooglePlaces, **doubles(google_server())))
    heard: list[Use] = []

    async def look() -> Answer:
        with open_store(settings.store_url) as store:
            async with Runner(settings, audit=noting(store, heard.append)) as runner:
                ada = Actor("ada", "mcp")
                await runner.use("reviews place", {"operator": OPERATOR, "place_id": place_id(2)}, ada)
                found = await runner.use("reviews live", {"operator": OPERATOR}, ada)
                hostile = {"operator": scenario_id(27)}
                await runner.use("reviews place", {**hostile, "place_id": place_id(27)}, ada)
                shown = (await runner.use("reviews live", hostile, ada)).body
                assert isinstance(shown, Text)
                assert not any("\x1b" in piece or "\n" in piece[:-1] for piece in shown.pieces)
                wish = {"name": "daily", "use_case": "reviews live", "set": (f"operator={OPERATOR}",)}
                with pytest.raises(UsageError, match="cannot be sent"):
                    await runner.use("schedule add", {**wish, "cron": "0 7 * * *", "to": ("slack:C1",)}, ada)
                return found

    with caplog.at_level(logging.DEBUG):
        answer = finished(look())
    assert isinstance(answer.body, Text)
    assert PLANTED in "".join(answer.body.pieces)
    assert (answer.document, answer.lines) == (None, ()), "a run of a schedule would keep lines"
    assert [one.name for one in heard[:2]] == ["reviews place", "reviews live"]
    assert PLANTED not in f"{heard!r}{caplog.text}"
    assert PLANTED.encode() not in bytes_below(tmp_path)
    assert USE_CASES["reviews live"].answers not in SENT


def test_no_agent_and_no_channel_can_ask_for_it() -> None:
    used = {command.use_case for command in COMMANDS.values()}
    assert not any(name.startswith("reviews") for name in used)
    assert "live" not in {name.partition("_")[2] for name in (tool.name for tool in TOOLS)}
