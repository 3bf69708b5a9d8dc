"""Personal data and hostile names in every report on the command line: masked, shown when asked for, and told as they are."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest
from cli_runs import SILENT_CHURN, changed, command
from cli_shown import FORMATS, INJECTION, KINDS, UNICODE, WILDCARD, Shown

from customer_research_sandbox.serve import Sandbox


@pytest.fixture(scope="module")
def shown(config_path: Path) -> Shown:
    """Runs a command once and remembers what it printed."""
    return cache(lambda *arguments: command(*arguments, config=config_path))


@pytest.fixture(scope="module")
def persons(sandbox: Sandbox) -> set[str]:
    """E-mail addresses, phones and names of the operator's contacts, and its own address, as the vendors hold them."""
    company = next(
        one for one in sandbox.dataset.hubspot.objects["companies"] if SILENT_CHURN in one["properties"].values()
    )
    wanted = set(map(str, company["associations"]["contacts"]))
    found = set()
    for contact in sandbox.dataset.hubspot.objects["contacts"]:
        if str(contact["id"]) in wanted:
            held = contact["properties"]
            found |= {held["email"], held["phone"], held["lastname"]}
    customer = next(one for one in sandbox.dataset.lago.customers if one["external_id"] == SILENT_CHURN)
    return {text for text in (*found, customer["email"], customer["phone"]) if text}


@pytest.mark.parametrize("style", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_personal_data_is_masked(kind: str, style: str, shown: Shown, persons: set[str]) -> None:
    done = shown(kind, SILENT_CHURN, "--format", style)

    assert len(persons) >= 6
    assert [text for text in persons if text in done.out] == []
    assert re.search(r"[\w.+-]{2,}@", done.out) is None


@pytest.mark.parametrize("style", FORMATS)
def test_personal_data_is_shown_when_asked_for(
    style: str, config_path: Path, persons: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    asked = command("profile", SILENT_CHURN, "--format", style, "--show-personal", config=config_path)
    setting = changed(config_path, tmp_path, {"": {"show_personal": True}})
    always = command("profile", SILENT_CHURN, "--format", style, config=setting)

    told = asked.out.replace("\\", "")
    of_contacts = {text for text in persons if "office@" not in text and not text.startswith("+")}
    assert of_contacts
    assert [text for text in of_contacts if text not in told] == []
    assert always.out == asked.out


def test_candidates_show_no_address(config_path: Path) -> None:
    done = command("quick", "Larchwood", config=config_path)
    listed = command("lookup", "Transport", config=config_path)

    assert re.search(r"[\w.+-]{2,}@", done.out + done.err + listed.out + listed.err) is None


@pytest.mark.parametrize("operator", [WILDCARD, INJECTION, UNICODE])
@pytest.mark.parametrize("kind", ["lookup", "quick", "profile"])
def test_a_hostile_name_is_told_as_it_is_and_does_nothing(
    kind: str, operator: str, sandbox: Sandbox, shown: Shown
) -> None:
    name = next(one["name"] for one in sandbox.dataset.lago.customers if one["external_id"] == operator)
    done = {style: shown(kind, operator, "--format", style) for style in FORMATS}

    assert {one.code for one in done.values()} == {0}
    assert json.loads(done["json"].out)["operator"]["name"] == name
    assert "<script>" not in re.sub(r"`[^`]*`", "", done["markdown"].out)
    rows = [line for line in done["markdown"].out.splitlines() if line.startswith("|")]
    assert all(_cells(line) == _cells(header) for header, line in _below(rows))
    for text in (done["terminal"].out, done["markdown"].out):
        assert all(sign.isprintable() or sign in {"\n", "\u200d"} for sign in text)


def _cells(line: str) -> int:
    return len(re.sub(r"\\.", "", line).split("|"))


def _below(rows: list[str]) -> list[tuple[str, str]]:
    """Each table row with its table's header (the row above the dashes)."""
    header, found = "", []
    for number, line in enumerate(rows):
        if number + 1 < len(rows) and set(rows[number + 1]) <= set("|-: "):
            header = line
        found.append((header, line))
    return found
