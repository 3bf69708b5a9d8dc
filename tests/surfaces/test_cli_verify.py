"""`verify`: a draft held against what the sources say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_runs import SILENT_CHURN, WRONG, changed, command

TRUE = "They took 20 reservations in 30 days after 60 in the 30 before. MRR is $199 and no ticket is open.\n"


def _draft(folder: Path, text: str | bytes) -> str:
    path = folder / "draft.md"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_what_the_sources_say_is_supported(config_path: Path, tmp_path: Path) -> None:
    done = command("verify", _draft(tmp_path, TRUE), "--operator", SILENT_CHURN, config=config_path)

    assert (done.code, done.err) == (0, "")
    assert "0 contradicted, 0 unsupported" in done.out


def test_what_they_do_not_say_ends_with_1_and_stands_first(config_path: Path, tmp_path: Path) -> None:
    draft = _draft(tmp_path, f"{TRUE}They owe $4,000. They want 37 buses.")
    done = command("verify", draft, "--operator", SILENT_CHURN, "--json", config=config_path)
    told = json.loads(done.out)

    assert done.code == 1
    assert [(one["number"], one["verdict"]) for one in told if one["verdict"] != "supported"] == [
        ("$4,000", "contradicted"),
        ("37", "unsupported"),
    ]
    assert {(TRUE + "They owe $4,000.")[one["start"] : one["end"]] for one in told} >= {"$4,000", "20", "$199"}


def test_a_silent_source_makes_it_partial_and_supports_no_zero(config_path: Path, tmp_path: Path) -> None:
    silent = changed(config_path, tmp_path, {"notion": {"token": WRONG}})
    known = command("verify", _draft(tmp_path, "MRR is $199."), "--operator", SILENT_CHURN, config=silent)
    none = command("verify", _draft(tmp_path, "No ticket is open."), "--operator", SILENT_CHURN, config=silent)

    assert (known.code, none.code) == (3, 1)
    assert "not known" in " ".join(none.out.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "No operator is named."),
        (("--operator", SILENT_CHURN, "--kind", "profil"), "There is no report 'profil'."),
    ],
)
def test_a_call_that_is_wrong_is_told(arguments: tuple[str, ...], said: str, config_path: Path, tmp_path: Path) -> None:
    done = command("verify", _draft(tmp_path, TRUE), *arguments, config=config_path)
    assert done.code == 2
    assert said in done.err


def test_a_draft_that_is_no_text_is_refused(config_path: Path, tmp_path: Path) -> None:
    draft = _draft(tmp_path, b"\xff\xfe\x00binary")
    done = command("verify", draft, "--operator", SILENT_CHURN, config=config_path)
    assert (done.code, "is no text" in done.err) == (2, True)


def test_citations_are_those_of_the_report_that_is_named(config_path: Path, tmp_path: Path) -> None:
    report = json.loads(command("profile", SILENT_CHURN, "--json", config=config_path).out)
    tickets = next(one["number"] for one in report["receipts"] if one["source"] == "notion")
    draft = _draft(tmp_path, f"MRR is $199 [{tickets}].")
    free = command("verify", draft, "--operator", SILENT_CHURN, config=config_path)
    cited = command("verify", draft, "--operator", SILENT_CHURN, "--kind", "profile", config=config_path)
    assert (free.code, cited.code) == (0, 1)
