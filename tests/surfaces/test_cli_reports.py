"""Every report in every format through the real command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from cli_runs import SILENT_CHURN, Run, changed, command, one_sentence
from rich.cells import cell_len

from customer_research_sandbox.serve import Sandbox

KINDS = ("lookup", "quick", "profile", "billing", "reservations", "payments", "health")
FORMATS = ("terminal", "markdown", "json")
WILDCARD, INJECTION, UNICODE = (f"00000000-5ce0-11f0-a000-0000000000{number}" for number in (26, 27, 40))

Shown = Callable[..., Run]


@pytest.fixture(scope="module")
def shown(config_path: Path) -> Shown:
    """Runs a command once and remembers what it printed."""
    return cache(lambda *arguments: command(*arguments, config=config_path))


@pytest.mark.parametrize("style", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_report_in_every_format(kind: str, style: str, shown: Shown) -> None:
    done = shown(kind, SILENT_CHURN, "--format", style)

    assert (done.code, done.err) == (0, "")
    assert "Silvermead Livery" in done.out
    if style == "json":
        report = json.loads(done.out)
        assert report["schema"] == "customer-research/report/1"
        assert (report["kind"], report["operator"]["id"], report["partial"]) == (kind, SILENT_CHURN, False)
        assert report["receipts"]
    if style == "markdown" and kind != "quick":
        assert done.out.startswith("# ")
        assert "[^1]" in done.out


def test_json_has_its_short_form(shown: Shown) -> None:
    assert shown("quick", SILENT_CHURN, "--json").out == shown("quick", SILENT_CHURN, "--format", "json").out


def test_quick_is_one_line(shown: Shown) -> None:
    assert len(shown("quick", SILENT_CHURN, "--format", "terminal").out.splitlines()) == 1


@pytest.mark.parametrize("width", [80, 100, 160])
@pytest.mark.parametrize("operator", [SILENT_CHURN, UNICODE, INJECTION])
def test_no_line_is_wider_than_the_terminal(
    operator: str, width: int, config_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    done = command("health" if operator == SILENT_CHURN else "billing", operator, config=config_path)

    assert done.code == 0
    assert [line for line in done.out.splitlines() if cell_len(line) > width] == []


# --- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "style"),
    [("r.md", "markdown"), ("r.json", "json"), ("r.txt", "terminal"), ("R.MD", "markdown"), ("plain", "terminal")],
)
def test_the_suffix_names_the_format(name: str, style: str, config_path: Path, shown: Shown, tmp_path: Path) -> None:
    target = tmp_path / "a folder" / name
    target.parent.mkdir()

    done = command("quick", SILENT_CHURN, "--output", str(target), config=config_path)

    assert (done.code, done.out, done.err) == (0, "", f"Written: {target}\n")
    assert target.read_text(encoding="utf-8").rstrip() == shown("quick", SILENT_CHURN, "--format", style).out.rstrip()
    assert [path.name for path in target.parent.iterdir()] == [name]


def test_a_folder_that_is_not_there_is_refused_before_any_work(
    config_path: Path, clean_sandbox: Sandbox, tmp_path: Path
) -> None:
    lacking = tmp_path / "not there"
    options = [
        *(("quick", SILENT_CHURN, "--output", name) for name in ("r.md", "r.pdf")),
        ("portfolio", "-o", "p.csv"),
        ("snapshot", SILENT_CHURN, "-o", "s.json.gz"),
        ("doctor", "--online", "--docs", "d.md"),
        ("calibrate", "-o", "card.toml"),
        ("calibrate", "predict", "--scorecard", "card.toml", "--signals", "s.csv", "-o", "p.csv"),
        ("thresholds", "--report", "b.md"),
    ]
    for *call, name in options:
        done = command(*call, str(lacking / name), config=config_path)
        assert done.code == 2, call
        assert one_sentence(done) == f"Error: The folder {lacking} does not exist. Make it first, or give another file."
    assert clean_sandbox.request_log == []
    assert not lacking.exists()


def test_a_file_is_replaced_keeping_its_permissions_and_links(config_path: Path, tmp_path: Path) -> None:
    target, link = tmp_path / "old.json", tmp_path / "link.json"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o640)
    link.symlink_to(target)

    assert command("quick", SILENT_CHURN, "--output", str(link), config=config_path).code == 0
    assert link.is_symlink()
    assert json.loads(target.read_text(encoding="utf-8"))["kind"] == "quick"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_to_not_replaced(config_path: Path) -> None:
    done = command("quick", SILENT_CHURN, "--output", "/dev/null", config=config_path)

    assert done.code == 0
    assert Path("/dev/null").is_char_device()


def test_a_dash_is_standard_output(
    config_path: Path, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = command("quick", SILENT_CHURN, "--json", "--output", "-", config=config_path)

    assert done.out == shown("quick", SILENT_CHURN, "--json").out
    assert list(tmp_path.iterdir()) == []


# --- personal data -----------------------------------------------------------------------------------------------

WITH_PERSONS = ("lookup", "profile", "billing")


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


# --- hostile names -----------------------------------------------------------------------------------------------


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


# --- parts missing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["quick", "profile", "billing", "reservations", "payments", "health"])
def test_with_billing_alone(kind: str, config_path: Path, tmp_path: Path) -> None:
    done = command(kind, SILENT_CHURN, "--json", config=changed(config_path, tmp_path, {}, only="lago"))
    report = json.loads(done.out)

    assert done.code == 3
    assert {gap["source"] for gap in report["gaps"]} >= {"warehouse", "hubspot", "notion"}
    assert {gap["reason"] for gap in report["gaps"] if gap["source"] in {"hubspot", "notion"}} == {"not_configured"}
    assert {receipt["source"] for receipt in report["receipts"]} == {"lago"}


@pytest.mark.parametrize("card", ["guide", "billing_guide"])
def test_another_scorecard(card: str, config_path: Path, shown: Shown) -> None:
    done = command("health", SILENT_CHURN, "--scorecard", card, config=config_path)

    assert done.code == 0
    assert f"Scorecard {card}" in done.out
    assert f"Scorecard {card}" not in shown("health", SILENT_CHURN, "--format", "terminal").out


def test_a_scorecard_of_ones_own(config_path: Path, tmp_path: Path) -> None:
    from customer_research.health import scorecard

    shipped = Path(scorecard.__file__).parent / "scorecards" / "canonical.toml"
    own = tmp_path / "mine.toml"
    own.write_text(shipped.read_text(encoding="utf-8").replace('name = "canonical"', 'name = "mine"'), encoding="utf-8")

    done = command("health", SILENT_CHURN, "--scorecard", str(own), config=config_path)

    assert done.code == 0
    assert "Scorecard mine" in done.out
