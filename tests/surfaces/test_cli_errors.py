"""Bad input at the command line: one clear sentence, the documented exit code, nothing shown that must not be."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from cli_runs import CREDENTIALS, SILENT_CHURN, SOURCES, WRONG, Run, changed, command, one_sentence

from customer_research.research.usecases import Answer, Table
from customer_research.research.usecases.answer import lines
from customer_research.surfaces.cli import COMMANDS, EXIT_CODES
from customer_research.surfaces.cli.answers import show
from customer_research.surfaces.cli.group import complain
from customer_research.surfaces.cli.output import Delivery
from customer_research_sandbox.serve import Sandbox

NAME = "Silvermead Livery"
KINDS = ("quick", "profile", "billing", "reservations", "payments", "health")


@pytest.fixture(autouse=True)
def _own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without settings of their own, in an empty folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(tmp_path)


WRONG_CALLS = [
    (("porfile", "x"), "did you mean profile or portfolio?"),
    (("frobnicate",), "There is no command 'frobnicate'. See `customer-research --help`."),
    ((), "Usage: customer-research"),
    (("--bogus",), "--bogus"),
    (("profile",), "OPERATOR"),
    (("profile", "Summit", "Ridge"), "in quotes"),
    (("profile", NAME, "--bogus"), "--bogus"),
    (("profile", NAME, "--format", "doc"), "'terminal', 'markdown', 'json'"),
    (("profile", NAME, "--json", "--format", "markdown"), "contradict"),
    (("profile", NAME, "--output", "x.doc"), ".md, .markdown, .json"),
    (("lookup", NAME, "--output", "."), "directory"),
    (("why", NAME), "WHAT"),
    (
        ("why", NAME, "health_scor"),
        "There is no figure, rule, cap, dimension or finding called 'health_scor'. Did you mean",
    ),
    (("why", NAME, "trend30d"), "trend_30d"),
    (("why", NAME, "mrr", "--rows", "0"), "range"),
    (("metrics", "zzzz"), "'zzzz'"),
    (("doctor", "--sample", "many"), "--sample"),
    (("doctor", "--write"), "--online"),
    (("doctor", "--docs", "page.md"), "--online"),
    (("config",), "needs a command: show"),
    (("sandbox",), "needs a command: calib, serve"),
    (("sandbox", "serve", "--fault", "lago:flood"), "--fault"),
    (("sandbox", "serve", "--as-of", "yesterday"), "2026-11-01"),
]


@pytest.mark.parametrize(
    ("arguments", "said"), WRONG_CALLS, ids=[" ".join(call) or "nothing" for call, _ in WRONG_CALLS]
)
def test_a_wrong_call(arguments: tuple[str, ...], said: str, config_path: Path) -> None:
    done = command(*arguments, config=config_path)

    assert done.code == 2
    if arguments:
        assert said in one_sentence(done)


@pytest.mark.parametrize("term", ["", "   ", "%", "_*", "a", "x" * 10_000])
@pytest.mark.parametrize("kind", ["lookup", "quick", "profile"])
def test_a_term_that_says_nothing(kind: str, term: str, config_path: Path) -> None:
    done = command(kind, term, config=config_path)

    assert done.code == 2
    assert "The search term" in one_sentence(done)


@pytest.mark.parametrize("card", ["nonsense", "nowhere/card.toml", "broken.toml", "empty.toml", "latin.toml", "."])
def test_a_scorecard_that_is_none(card: str, config_path: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("name = [", encoding="utf-8")
    (tmp_path / "empty.toml").write_text("", encoding="utf-8")
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')

    for arguments in (("health", SILENT_CHURN, "--scorecard", card), ("rules", card)):
        done = command(*arguments, config=config_path)
        assert done.code == 5
        assert card.partition(".")[0] in one_sentence(done)


# --- nobody, or several ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "term",
    ["No Such Company Anywhere", "x' OR '1'='1", "ride%", "nobody@nowhere.example.com", "op_12345", "acct_" + "0" * 16],
)
def test_nobody(term: str, config_path: Path) -> None:
    done = command("quick", term, config=config_path)

    assert done.code == 4
    assert term in one_sentence(done)


def test_an_id_that_nobody_has(config_path: Path) -> None:
    done = command("profile", "12345678-1234-1234-8234-123456789012", config=config_path)

    assert done.code == 4
    assert "12345678-1234-1234-8234-123456789012" in one_sentence(done)


@pytest.mark.parametrize("kind", KINDS)
def test_several_are_listed_and_none_is_picked(kind: str, config_path: Path) -> None:
    done = command(kind, "Summit", config=config_path)
    listed = done.err.splitlines()[1:]

    assert done.code == 4
    assert "3 operators answer to 'Summit'" in one_sentence(done)
    assert [line.split("  ")[1].split(". ")[1] for line in listed] == [
        "Summit Ridge Limousine",
        "Summit Vale Black Car",
        "Summit Point Shuttle",
    ]
    assert "churned" in listed[2]
    assert "@" not in done.err


def test_lookup_prints_its_answer_also_when_it_is_none(config_path: Path) -> None:
    several = command("lookup", "Summit", "--json", config=config_path)
    nobody = command("lookup", "No Such Company Anywhere", "--json", config=config_path)

    assert (several.code, nobody.code) == (4, 4)
    assert json.loads(several.out)["operator"] is None or not json.loads(several.out)["operator"].get("id")
    assert "What to do next" in nobody.out


# --- credentials and addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize("part", CREDENTIALS)
@pytest.mark.parametrize(("value", "reason"), [(None, "not_configured"), ("", "not_configured"), (WRONG, "denied")])
def test_one_credential_missing_or_wrong_leaves_a_gap(
    part: str, value: str | None, reason: str, config_path: Path, tmp_path: Path
) -> None:
    config = changed(config_path, tmp_path, {part: {CREDENTIALS[part]: value}})
    done = command("quick", SILENT_CHURN, "--json", config=config)
    report = json.loads(done.out)

    assert done.code == 3
    assert report["partial"] is True
    assert {(gap["source"], gap["reason"]) for gap in report["gaps"]} >= {(SOURCES[part], reason)}
    assert all(gap["next_step"] for gap in report["gaps"] if gap["source"] == SOURCES[part])


def test_every_credential_wrong(config_path: Path, tmp_path: Path) -> None:
    config = changed(config_path, tmp_path, {part: {name: WRONG} for part, name in CREDENTIALS.items()})

    for term in (SILENT_CHURN, NAME):
        done = command("profile", term, config=config)
        assert done.code == 6
        assert "refused the credential" in one_sentence(done)
    assert command("lookup", NAME, config=config).code == 6


def test_no_credential_at_all(tmp_path: Path) -> None:
    for term in (SILENT_CHURN, NAME):
        done = command("profile", term)
        assert done.code == 5
        assert "not configured" in one_sentence(done)
    assert command("lookup", NAME).code == 5


def test_a_credential_that_cannot_be_sent(config_path: Path, tmp_path: Path) -> None:
    for value in ("wr0ng\nline", "wr0ng two", "wröng"):
        done = command("quick", NAME, config=changed(config_path, tmp_path, {"lago": {"api_key": value}}))
        assert done.code == 5
        assert "lago.api_key" in one_sentence(done)
        assert value not in done.err


def test_no_host_answers(config_path: Path, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        config = changed(
            config_path, tmp_path, {"": {"deadline_seconds": 0.5}, **{part: {"url": address} for part in CREDENTIALS}}
        )
        done = command("profile", NAME, config=config)
        again = command("lookup", NAME, config=config)

    assert (done.code, again.code) == (6, 6)
    assert "cannot be reached" in one_sentence(done)


def test_an_address_that_is_none(config_path: Path, tmp_path: Path) -> None:
    done = command("quick", SILENT_CHURN, "--json", config=changed(config_path, tmp_path, {"lago": {"url": "lago"}}))
    gaps = {gap["source"]: gap for gap in json.loads(done.out)["gaps"]}

    assert done.code == 3
    assert gaps["lago"]["reason"] == "not_configured"
    assert "lago.url" in gaps["lago"]["detail"]


# --- the settings file -------------------------------------------------------------------------------------------

BROKEN = {
    "not TOML": (b"lago = [", "not valid TOML"),
    "unknown table": (b"[lagoo]\napi_key = 'k3y'\n", "There is no setting lagoo."),
    "unknown setting": (b"[lago]\napikey = 'k3y'\n", "Did you mean lago.api_key?"),
    "a number in words": (b"[lago]\nconcurrency = 'k3y'\n", "lago.concurrency"),
    "a list for a key": (b"[lago]\napi_key = ['k3y']\n", "lago.api_key"),
    "a value for a table": (b"lago = 'k3y'\n", "written [lago]"),
    "a clock without a zone": (b"clock = '2026-11-01T00:00:00'\n", "time zone"),
    "a negative deadline": (b"deadline_seconds = -1\n", "deadline_seconds"),
    "not UTF-8": (b"\xff\xfe", "not UTF-8"),
    "binary": (b"\x00\x01", "not valid TOML"),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("arguments", [("quick", NAME), ("config", "show"), ("doctor",)], ids=lambda one: one[0])
def test_a_broken_settings_file(arguments: tuple[str, ...], case: str, tmp_path: Path) -> None:
    content, said = BROKEN[case]
    path = tmp_path / "settings.toml"
    path.write_bytes(content)

    done = command(*arguments, config=path)

    assert done.code == 5
    assert said in one_sentence(done)
    assert "k3y" not in done.err
    assert "settings.toml" in done.err


@pytest.mark.parametrize("place", ["missing.toml", ".", "settings.toml/inside.toml"])
def test_a_settings_file_that_is_not_there(place: str, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").touch()

    done = command("quick", NAME, config=tmp_path / place)

    assert done.code == 5
    assert str(tmp_path) in one_sentence(done)


@pytest.mark.parametrize(
    ("name", "value"), [("LAGO__CONCURRENCY", "k3y"), ("LAGO__APIKEY", "k3y"), ("LINKS", "k3y"), ("LAGO", "k3y")]
)
def test_a_wrong_environment_variable_is_named(
    name: str, value: str, config_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"CUSTOMER_RESEARCH_{name}", value)

    done = command("quick", NAME, config=config_path)

    assert done.code == 5
    assert f"CUSTOMER_RESEARCH_{name}" in one_sentence(done)
    assert "k3y" not in done.err


# --- nothing half-written ----------------------------------------------------------------------------------------


def _failing(config: Path, folder: Path) -> dict[str, tuple[Run, int]]:
    wrong = changed(config, folder, {part: {name: WRONG} for part, name in CREDENTIALS.items()})
    return {
        "nobody": (command("profile", "No Such Company", "--output", "report.md", config=config), 4),
        "several": (command("profile", "Summit", "--output", "report.md", config=config), 4),
        "refused": (command("profile", NAME, "--output", "report.md", config=wrong), 6),
        "wrong call": (command("profile", NAME, "--output", "report.md", "--format", "doc", config=config), 2),
        "scorecard": (command("profile", NAME, "--output", "report.md", "--scorecard", "x", config=config), 5),
    }


def test_a_failure_leaves_the_old_file(config_path: Path, tmp_path: Path) -> None:
    old = tmp_path / "report.md"
    old.write_text("the old report", encoding="utf-8")

    for what, (done, code) in _failing(config_path, tmp_path).items():
        assert (what, done.code) == (what, code)
    assert old.read_text(encoding="utf-8") == "the old report"
    assert {path.name for path in tmp_path.iterdir()} - {"home"} == {"report.md", "changed.toml"}


@pytest.mark.parametrize("place", ["file/report.md", "/proc/self/report.md", "x" * 300 + ".md"])
def test_a_place_that_cannot_be_written(place: str, config_path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = command("quick", SILENT_CHURN, "--output", place, config=config_path)

    assert done.code == 2
    said = one_sentence(done)
    assert any(words in said for words in ("Cannot write", "cannot be written", "does not exist", "Invalid value"))
    assert {path.name for path in tmp_path.iterdir()} - {"home"} == {"file"}


# --- help --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [(name,) for name in COMMANDS] + [("config", "show"), ("sandbox", "serve")])
def test_every_command_has_its_help(path: tuple[str, ...]) -> None:
    done = command(*path, "--help")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: customer-research")


def test_the_help_names_all_commands_and_exit_codes() -> None:
    done = command("--help")

    assert done.code == 0
    assert all(f"  {name} " in done.out for name in COMMANDS)
    assert all(f"  {code} " in done.out and text in done.out for code, text in EXIT_CODES.items())


def test_doctor_without_online_asks_nobody(clean_sandbox: Sandbox, config_path: Path) -> None:
    assert command("doctor", config=config_path).code == 0
    assert clean_sandbox.request_log == []


@pytest.mark.parametrize("said", ["\x1b[31mred", "\x9b2J", "a\rb", "bell\x07", "\u202eover"])
def test_a_message_never_commands_the_terminal(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither our own words nor what the user or a vendor wrote; line breaks stay."""
    complain(f"First {said}.\nSecond.", f"Hint {said}.")
    written = capsys.readouterr().err
    assert all(char.isprintable() or char == "\n" for char in written)
    assert written.count("\N{REPLACEMENT CHARACTER}") == 2
    assert "\nSecond. Hint " in written


def test_an_answer_never_commands_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Nor do lines and tables of a vendor's or the user's words."""
    said = "red\x1b[31m\x9b2J\rbell\x07\u202e"
    table = Table(("Name",), ((said,),), before=(said,), after=(said,), last=said)
    for answer in (lines(said, (said, said), beside=(said,)), Answer(table)):
        assert show(answer, Delivery("terminal"), None) == 0
    out, err = capsys.readouterr()
    assert out.count("red") == 7
    assert all(char.isprintable() or char == "\n" for char in out + err)
