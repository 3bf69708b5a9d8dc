"""The documentation says what the registries say: nothing stale, nothing missing, no command or link that does not exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from console_samples import ROOT, documents

from customer_research.errors import ConfigError
from customer_research.research.usecases import reference as registry
from customer_research.settings import ENV_PREFIX
from customer_research.surfaces import docs
from customer_research.surfaces.cli import COMMANDS, EXIT_CODES
from customer_research.surfaces.cli.group import cli

README = ROOT / "README.md"
REFERENCE = ROOT / "docs" / "reference"
WRITTEN = tuple(path for path in documents() if path.parent != REFERENCE)
"""Pages written by hand."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]\n]+\]\(([^)\s]+)\)")
_CELLS = re.compile(r"^\| (.+) \|$", re.MULTILINE)
_VENDOR_NAME = re.compile(r"^(?:lago|hubspot|metabase|notion|warehouse|ids)\.\w+$")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _prose(path: Path) -> str:
    return _FENCE.sub("", _text(path))


def _named(path: Path) -> set[str]:
    return set(_SPAN.findall(_prose(path)))


def _first_cells(text: str) -> list[str]:
    return [row.split(" | ")[0] for row in _CELLS.findall(text)]


# --- generated pages ---------------------------------------------------------------------------------------------------


def test_the_reference_pages_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert docs.main(["--check"]) == 0, capsys.readouterr().err


def test_checking_names_what_is_stale_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(docs, "FOLDER", tmp_path)
    monkeypatch.setattr(docs, "PAGES", {"one.md": lambda: "one", "two.md": lambda: "two"})
    assert docs.main([]) == 0
    assert docs.main(["--check"]) == 0
    (tmp_path / "two.md").write_text("old", encoding="utf-8")
    assert docs.main(["--check"]) == 1
    assert "Stale generated docs: two.md." in capsys.readouterr().err
    assert (tmp_path / "two.md").read_text(encoding="utf-8") == "old"
    assert docs.main([]) == 0
    assert (tmp_path / "two.md").read_text(encoding="utf-8") == "two\n"


def test_a_scorecard_with_a_fault_is_not_shown(tmp_path: Path) -> None:
    shipped = registry.scorecard_text("canonical")
    (tmp_path / "own.toml").write_text(shipped, encoding="utf-8")
    assert registry.scorecard_text(str(tmp_path / "own.toml")) == shipped
    (tmp_path / "own.toml").write_text(f"{shipped}\n[no_such_part]\na = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError):
        registry.scorecard_text(str(tmp_path / "own.toml"))


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("metrics.md", [m["name"] for m in registry.metrics()]),
        ("tables.md", [t["name"] for t in registry.tables()]),
        ("settings.md", [s["name"] for s in registry.settings()]),
        ("reports.md", [k["name"] for k in registry.kinds()]),
    ],
)
def test_a_reference_page_names_everything(page: str, names: list[str]) -> None:
    assert names
    assert set(names) - _named(REFERENCE / page) == set()


def test_the_rules_page_names_every_scorecard_rule_gate_and_finding() -> None:
    text = _text(REFERENCE / "rules.md")
    for name in registry.scorecards():
        section = text.partition(f"\n## `{name}` ")[2].partition("\n## ")[0]
        expected = [rule["id"] for rule in registry.rules(name)] + [
            gate["name"] for gate in registry.scorecard(name)["gates"]
        ]
        assert expected
        assert set(expected) - set(_first_cells(section)) == set(), name
    findings = text.partition("\n## Correlation findings")[2]
    assert {f["rule"] for f in registry.findings()} <= set(_first_cells(findings))


def test_the_sources_page_names_every_source_stream_check_and_scope() -> None:
    text = _text(REFERENCE / "sources.md")
    for source in registry.sources():
        section = text.partition(f"(`{source['name']}`)")[2].partition("\n## ")[0]
        parts = [*(s["name"] for s in source["streams"]), *(c["name"] for c in source["checks"]), *source["scopes"]]
        assert [part for part in parts if part not in section] == [], source["name"]


def test_the_command_line_page_names_every_command_and_exit_code() -> None:
    text = _text(REFERENCE / "cli.md")
    assert [name for name in COMMANDS if f"\n## `{name}`\n" not in text] == []
    assert {str(code) for code in EXIT_CODES} <= set(_first_cells(text))


# --- the README --------------------------------------------------------------------------------------------------------


def test_the_readme_shows_the_two_commands_first() -> None:
    (language, commands), *_ = _FENCE.findall(_text(README))
    assert language == "sh"
    assert [line.split("#")[0].strip() for line in commands.splitlines()] == ["./dev demo", "./dev test"]


def test_the_readme_has_every_command_and_exit_code() -> None:
    cells = _first_cells(_text(README))
    named = {span.split()[0] for cell in cells for span in _SPAN.findall(cell)}
    assert set(COMMANDS) - named == set()
    assert [cell for cell in cells if cell.isdecimal()] == [str(code) for code in EXIT_CODES]


def test_the_readme_names_the_folders_of_the_code() -> None:
    named = " ".join(_first_cells(_text(README).partition("\n## Where things are\n")[2]))
    packages = {path.parent.name for path in (ROOT / "src/customer_research").glob("*/__init__.py")}
    assert {name for name in packages if not re.search(rf"[`/]{name}`", named)} == set()


def test_the_guide_to_real_systems_names_every_hubspot_scope() -> None:
    guide = _named(ROOT / "docs/guides/connecting-real-systems.md")
    (hubspot,) = (source for source in registry.sources() if source["name"] == "hubspot")
    assert set(hubspot["scopes"]) - guide == set()


def test_the_index_lists_every_page() -> None:
    index = set(_LINK.findall(_text(ROOT / "docs/README.md")))
    docs_folder = ROOT / "docs"
    pages = {path.relative_to(docs_folder).as_posix() for path in docs_folder.rglob("*.md")} - {"README.md"}
    assert len(pages) >= 14
    assert {page for page in pages if not page.startswith("decisions/")} - index == set()


def test_each_decision_has_a_number_of_its_own_and_its_links_say_it() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in decisions] == [*range(1, len(decisions) + 1)]
    assert [page.name for page in decisions if not _text(page).startswith(f"# {int(page.name[:4])}. ")] == []
    linked = re.compile(r"\bdecision (\d+)\]\(\S*?decisions/(\d+)-")
    said = [pair for path in documents() for pair in linked.findall(_text(path))]
    assert len(said) > 10
    assert [pair for pair in said if int(pair[0]) != int(pair[1])] == []


# --- all written pages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_page_names_a_path_of_a_machine(path: Path) -> None:
    assert re.findall(r"(?<![\w}])/(?:work|tmp|home|root|Users|var/folders)/\S*", _text(path)) == []


def _calls(path: Path) -> Iterator[str]:
    """Every call of the command line that a page shows: in code spans and after prompts."""
    for span in _SPAN.findall(_prose(path)):
        if span.startswith("customer-research "):
            yield span
    for language, text in _FENCE.findall(_text(path)):
        for line in text.splitlines():
            if language == "console" and line.startswith("$ customer-research "):
                yield line.removeprefix("$ ")


def _options(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


def _command(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None, name
    return command


def _known_options(words: list[str]) -> set[str]:
    """The options that a call may use: the program's before the command, then the command's (or its sub-command's)."""
    command = _command(words[0])
    if isinstance(command, click.Group):
        assert len(words) > 1 or command.invoke_without_command, words
        names = [word for word in words[1:] if not re.fullmatch(r"\d+|.+\.\w+", word)]  # an option's file or figure
        chosen = command.resolve_command(click.Context(command), names)[1] if names else None
        command = chosen or command
    return _options(command) | _options(cli) | {"--help"}


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_and_option_exists(path: Path) -> None:
    for call in _calls(path):
        words = [word for word in shlex.split(call)[1:] if word != "..."]
        options = {word.split("=")[0] for word in words if word.startswith("-") and word != "-"}
        plain = [word for word in words if not word.startswith("-") and word not in {"FILE", "COMMAND"}]
        known = _known_options(plain) if plain else _options(cli) | {"--help", "-h"}
        assert options - known == set(), call


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_option_named_alone_exists(path: Path) -> None:
    all_options = _options(cli) | {"--check", "--help"}
    for name in COMMANDS:
        command = _command(name)
        all_options |= _options(command)
        if isinstance(command, click.Group):
            context = click.Context(command)
            found = [command.get_command(context, one) for one in command.list_commands(context)]
            all_options = all_options.union(*(_options(one) for one in found if one is not None))
    named = {span.split()[0] for span in _named(path) if span.startswith("--")}
    assert named - all_options == set()


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_setting_and_variable_exists(path: Path) -> None:
    settings = {setting["name"] for setting in registry.settings()}
    variables = {setting["variable"] for setting in registry.settings()}
    checks = {f"{source['name']}.{check['name']}" for source in registry.sources() for check in source["checks"]}
    named = _named(path)
    assert {name for name in named if _VENDOR_NAME.match(name)} - settings - checks - {"ids.consistent"} == set()
    assert {name for name in named if name.startswith(ENV_PREFIX)} - variables == set()


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_of_the_script_exists(path: Path) -> None:
    offered = set(re.findall(r"^\./dev (\w+)", _text(ROOT / "dev"), re.MULTILINE))
    assert offered >= {"demo", "test"}
    assert set(re.findall(r"\./dev (\w+)", _text(path))) - offered == set()
