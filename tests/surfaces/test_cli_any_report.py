"""`report`: every kind through one command, what it refuses, and the kinds that have commands of their own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cli_runs import SILENT_CHURN, changed, command, one_sentence

from customer_research.reports.kinds import EVERY_KIND, OPERATOR_KINDS
from customer_research.research.usecases.kinds import KINDS, REPORTS
from customer_research.surfaces.cli import COMMANDS

TWIN = "00000000-5ce0-11f0-a000-000000000012"


def test_the_command_knows_every_kind() -> None:
    assert set(KINDS) == set(EVERY_KIND)
    assert tuple(REPORTS) == tuple(OPERATOR_KINDS)


def test_kinds_have_commands_of_their_own() -> None:
    assert {"account-review", "brief", "digest", "playbook"} <= COMMANDS.keys()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("portfolo",), "There is no report 'portfolo'. Did you mean portfolio or portfolio-summary?"),
        (("zzz", "x"), "There is no report 'zzz'. Kinds: "),
        (("profile",), "The report profile is about one operator, and none is named."),
        (("profile", "a", "b"), "The report profile is about one operator, and 2 are named."),
        (("digest", "a"), "The report digest is about everybody: it takes no operator."),
        (("comparison", "a"), "A comparison takes 2 to 10 operators, not 1."),
        (("health", "a", "--audience", "customer"), "The report health is internal: it has no form for customers."),
        (("digest", "--audience", "customer"), "The report digest is internal: it has no form for customers."),
        (("profile", "a", "--snapshot", "ab12"), "A snapshot names its operator itself."),
        (("profile", "--snapshot", "ffff"), "ffff"),
        (("account-review", "a", "--since", "soon"), "--since"),
    ],
)
def test_a_wrong_call_is_one_sentence(arguments: tuple[str, ...], complaint: str, config_path: Path) -> None:
    done = command("report", *arguments, config=config_path)
    assert done.code == 2
    assert complaint in one_sentence(done) + done.err


@pytest.mark.parametrize("kind", ["account-review", "brief", "churn-risk", "lookup", "missing"])
def test_a_kind_about_one_operator(kind: str, config_path: Path) -> None:
    done = command("report", kind, SILENT_CHURN, "--json", config=config_path)
    assert (done.code, done.err) == (0, "")
    assert "Silvermead Livery" in done.out


def test_a_history_where_nothing_was_ever_scored(config_path: Path, tmp_path: Path) -> None:
    own = changed(config_path, tmp_path, {"store": {"url": f"sqlite:///{tmp_path / 'store.db'}"}})
    assert "There is no score history yet." in command("report", "history", SILENT_CHURN, "--json", config=own).err


def test_a_comparison_through_report(config_path: Path) -> None:
    done = command("report", "compare", SILENT_CHURN, TWIN, "--json", config=config_path)
    assert json.loads(done.out)["kind"] == "comparison"


def test_a_customer_reads_nothing_of_ours(config_path: Path) -> None:
    own = command("account-review", SILENT_CHURN, "--audience", "customer", "--format", "markdown", config=config_path)
    same = command("report", "qbr", SILENT_CHURN, "--audience", "customer", "--format", "markdown", config=config_path)
    assert own.code == 0
    assert own.out == same.out
    assert not re.search(r"(?i)health \d|churn|SELECT|GET /|\bR9\b|localhost|127\.0\.0\.1", own.out)
    assert "reservations" in own.out


def test_options_of_the_occasion(config_path: Path) -> None:
    since = command("account-review", SILENT_CHURN, "--since", "2026-10-01", config=config_path)
    assert "Looks back to 2026-10-01, as asked." in since.out
    renewal = command("brief", SILENT_CHURN, "--meeting", "renewal", config=config_path)
    assert "Brief for a renewal talk" in renewal.out


def test_kinds_about_everybody_need_a_snapshot(config_path: Path) -> None:
    for kind in ("digest", "portfolio-summary", "churn-risk", "portfolio"):
        done = command("report", kind, config=config_path)
        assert "There is no snapshot of the portfolio yet." in one_sentence(done)
    assert command("digest", config=config_path).code == 2


def test_the_playbook_is_listed() -> None:
    plays = json.loads(command("playbook", "--json").out)
    assert {"id", "raised_by", "owner", "action", "reason"} <= plays[0].keys()
    assert "save_call" in command("playbook").out
    assert command("playbook", "--shipped").out.startswith("# What to do about an operator")


def test_a_playbook_of_ones_own_is_used(config_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'version = "1"\n[[plays]]\nid = "own"\nraised_by = ["R9"]\narea = "call"\nowner = "Ada"\n'
        'action = "Send a postcard."\nreason = "proposed"\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("CUSTOMER_RESEARCH_PLAYBOOK", str(own))
    assert "Send a postcard." in command("report", "health", SILENT_CHURN, config=config_path).out
    own.write_text("plays = 3\n", encoding="utf-8")
    done = command("report", "health", SILENT_CHURN, config=config_path)
    assert done.code == 5
    assert "playbook own.toml" in one_sentence(done)
