"""`snapshot` and `diff` through the real command line."""

from __future__ import annotations

from pathlib import Path

from cli_runs import SILENT_CHURN, changed, command, one_sentence

GROWING = "00000000-5ce0-11f0-a000-000000000001"


def test_a_snapshot_is_taken_listed_carried_over_and_compared(config_path: Path, tmp_path: Path) -> None:
    config = changed(config_path, tmp_path, {"store": {"snapshots": str(tmp_path / "kept")}})
    copy = tmp_path / "carried.account.json.gz"

    taken = command("snapshot", SILENT_CHURN, "--output", str(copy), config=config)
    number = taken.out.strip()
    assert (taken.code, taken.err) == (0, f"Written: {copy}\n")
    assert number in command("snapshot", "--list", config=config).out

    same = command("diff", number, str(copy), config=config)
    assert same.code == 0
    assert "nothing differs" in same.out

    other = command("snapshot", GROWING, config=config).out.strip()
    assert "two operators" in one_sentence(command("diff", number, other, config=config))


def test_what_is_not_there_is_said(config_path: Path, tmp_path: Path) -> None:
    config = changed(config_path, tmp_path, {"store": {"snapshots": str(tmp_path / "kept")}})
    assert "No operator is named" in one_sentence(command("snapshot", config=config))
    assert "names no account snapshot" in one_sentence(command("diff", "yesterday", "today", config=config))
    assert "name no operator" in one_sentence(command("diff", "2026-10-30", "2026-10-31", config=config))
    days = command("diff", "2026-10-30", "2026-10-31", "--operator", GROWING, config=config)
    assert "There is no account snapshot" in one_sentence(days)


def test_a_report_of_a_snapshot_has_the_same_bytes_elsewhere(config_path: Path, tmp_path: Path) -> None:
    config = changed(config_path, tmp_path, {"store": {"snapshots": str(tmp_path / "kept")}})
    copy = tmp_path / "carried.account.json.gz"
    command("snapshot", SILENT_CHURN, "--output", str(copy), config=config)
    for kind in ("profile", "account-review"):
        here = command("report", kind, "--snapshot", str(copy), "--format", "json", config=config)
        assert (here.code, here.err) == (0, "")
        there = command("report", kind, "--snapshot", str(copy), "--format", "json")  # no settings, no sources
        assert there.out == here.out


def test_an_export_prints_where_the_page_is_and_what_was_done(config_path: Path, tmp_path: Path) -> None:
    config = changed(config_path, tmp_path, {"store": {"url": f"sqlite:///{tmp_path / 'own.db'}"}})
    first = command("export", "profile", SILENT_CHURN, config=config)
    assert (first.code, first.err) == (0, "")
    assert first.out.startswith("created: https://")
    refused = command("export", "health", SILENT_CHURN, "--audience", "customer", config=config)
    assert "internal" in one_sentence(refused)
