"""Settings written into the settings file: nothing else of it changes, whatever it looks like, and nobody else may read it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from customer_research.errors import ConfigError
from customer_research.settings import default_path, load_settings, write_settings
from customer_research.sources.lago.settings import LagoSettings


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'scorecard = "guide"\n'),
        ("# mine\n", 'scorecard = "guide"\n# mine\n'),
        ("scorecard = 'canonical' # ours\n", 'scorecard = "guide" # ours\n'),
        ("owner = 'Kim'\n\n# billing\n[lago]\nurl = 'x' # y\n", 'scorecard = "guide"\nowner = \'Kim\'\n\n# billing\n[lago]\nurl = \'x\' # y\n'),
        ("[lago]\nurl = 'x'\n[store]\n", 'scorecard = "guide"\n[lago]\nurl = \'x\'\n[store]\n'),
        ("owner = 'Kim'\r\nscorecard = 'a'\r\n[lago]\r\n", "owner = 'Kim'\r\nscorecard = \"guide\"\r\n[lago]\r\n"),
        ("owner = 'Kim'\r\n[lago]\r\n", "scorecard = \"guide\"\r\nowner = 'Kim'\r\n[lago]\r\n"),
        ("links.account = 'https://a/{id}'\nnotion.aliases = {a = ['b']}", 'scorecard = "guide"\nlinks.account = \'https://a/{id}\'\nnotion.aliases = {a = [\'b\']}'),
    ],
)  # fmt: skip
def test_only_that_setting_changes(tmp_path: Path, before: str, after: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(before.encode())
    file.chmod(0o644)
    assert write_settings(file, {"scorecard": "guide"}) == file
    assert file.read_bytes().decode() == after
    assert tomllib.loads(after) == {**tomllib.loads(before), "scorecard": "guide"}
    assert file.stat().st_mode & 0o777 == 0o600
    assert load_settings(file).scorecard == "guide"
    assert [path.name for path in tmp_path.iterdir()] == ["settings.toml"]


def test_several_settings_are_written_each_where_it_belongs(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("owner = 'Kim'\n[lake]\nfull_days = 3\n")
    write_settings(file, {"scorecard": "guide", "owner": "Lee", "lake.full_days": 9, "lake.overlap_days": 40})
    assert file.read_text() == 'scorecard = "guide"\nowner = "Lee"\n[lake]\nfull_days = 9\noverlap_days = 40\n'


def test_a_path_with_any_sign_is_written_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.touch()
    odd = 'C:\\cards\\"my" card\n.toml'
    write_settings(file, {"scorecard": odd})
    assert load_settings(file).scorecard == odd


def test_the_default_file_is_made_and_a_link_stays_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none-yet"))
    file = default_path()
    assert write_settings(None, {"scorecard": "guide"}) == file.resolve()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    write_settings(link, {"scorecard": "retention"})
    assert link.is_symlink()
    assert load_settings(file).scorecard == "retention"


def test_what_cannot_be_written_says_so_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.toml"
    with pytest.raises(ConfigError, match="does not exist"):
        write_settings(file, {"scorecard": "guide"})
    file.write_text("owner = ", "utf-8")
    with pytest.raises(ConfigError, match="is not valid TOML"):
        write_settings(file, {"scorecard": "guide"})
    assert file.read_text("utf-8") == "owner = "
    blocked = tmp_path / "no-folder"
    blocked.touch()
    monkeypatch.setattr("customer_research.settings.default_path", lambda: blocked / "settings.toml")
    with pytest.raises(ConfigError, match="cannot be"):
        write_settings(None, {"scorecard": "guide"})
    monkeypatch.setenv("CUSTOMER_RESEARCH_SCORECARD", "retention")
    with pytest.raises(ConfigError, match="CUSTOMER_RESEARCH_SCORECARD goes before"):
        write_settings(file, {"scorecard": "guide"})


def test_settings_of_tables_are_written_where_their_table_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(b"# mine\r\n[hubspot]\r\nurl = 'x' # theirs\r\n")
    changes = {"hubspot.operator_properties": ("a", "b"), "notion.tickets_data_source": "abc", "scorecard": "guide"}
    write_settings(file, changes)
    written = file.read_bytes().decode()
    assert written.startswith("scorecard = \"guide\"\r\n# mine\r\n[hubspot]\r\nurl = 'x' # theirs\r\n")
    assert tomllib.loads(written) == {
        "scorecard": "guide",
        "hubspot": {"url": "x", "operator_properties": ["a", "b"]},
        "notion": {"tickets_data_source": "abc"},
    }
    monkeypatch.setenv("CUSTOMER_RESEARCH_NOTION__TICKETS_DATA_SOURCE", "their own")
    with pytest.raises(ConfigError, match="CUSTOMER_RESEARCH_NOTION__TICKETS_DATA_SOURCE goes before"):
        write_settings(file, changes)
    assert file.read_bytes().decode() == written


def test_the_environment_goes_before_the_file_setting_by_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("owner = 'Kim'\n[lake]\nfull_days = 3\noverlap_days = 40\n[links]\naccount = 'https://a/{id}'\n")
    assert load_settings(file).lake.full_days == 3
    monkeypatch.setenv("CUSTOMER_RESEARCH_LAKE__FULL_DAYS", "9")
    monkeypatch.setenv("CUSTOMER_RESEARCH_LAGO__API_KEY", "key")
    monkeypatch.setenv("CUSTOMER_RESEARCH_TEST_OPERATORS", '["a", "b"]')
    found = load_settings(file)
    assert (found.lake.full_days, found.lake.overlap_days, found.owner) == (9, 40, "Kim")
    assert (found.of(LagoSettings).secret, found.test_operators) == ("key", ("a", "b"))
    assert found.links == {"account": "https://a/{id}"}
    monkeypatch.setenv("CUSTOMER_RESEARCH_LAKE__FULL_DAYS", "-1")
    with pytest.raises(ConfigError, match=r"lake\.full_days is wrong: .*greater than") as failed:
        load_settings(file)
    assert "CUSTOMER_RESEARCH_LAKE__FULL_DAYS" in failed.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[lake]\nfulldays = 3\n", "There is no setting lake.fulldays"),
        ("lake = 3\n", "it is a table of settings, written"),
        ("[lago]\napi_key = 'a b'\n", "lago.api_key is wrong: holds a blank"),
        ("nothing = 3\n", "There is no setting nothing"),
    ],
)
def test_a_wrong_setting_is_named_with_its_table(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as failed:
        load_settings(file)
    assert said in failed.value.message
    assert str(file) in failed.value.hint
