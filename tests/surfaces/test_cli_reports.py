"""Every report in every format through the real command line."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from cli_runs import SILENT_CHURN, changed, command, one_sentence
from cli_shown import FORMATS, INJECTION, KINDS, UNICODE, Shown
from rich.cells import cell_len

from customer_research_sandbox.serve import Sandbox


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
    done = command("health", SILENT_CHURN, "--scorecard", card, "--full", config=config_path)

    assert done.code == 0
    assert f"Scorecard {card}" in done.out
    assert f"Scorecard {card}" not in shown("health", SILENT_CHURN, "--full").out


def test_a_scorecard_of_ones_own(config_path: Path, tmp_path: Path) -> None:
    from customer_research.health import scorecard

    shipped = Path(scorecard.__file__).parent / "scorecards" / "canonical.toml"
    own = tmp_path / "mine.toml"
    own.write_text(shipped.read_text(encoding="utf-8").replace('name = "canonical"', 'name = "mine"'), encoding="utf-8")

    done = command("health", SILENT_CHURN, "--scorecard", str(own), "--full", config=config_path)

    assert done.code == 0
    assert "Scorecard mine" in done.out
