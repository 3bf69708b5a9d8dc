"""Every sample in the documentation is what the command prints: run through the real command line, over real HTTP.

Those of a filled lake have a file of their own.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from console_samples import REFRESH, ROOT, Sample, SampleError, documents, refreshed, samples, with_excerpts

from customer_research.settings import Settings, load_settings
from customer_research.sources.hubspot.settings import HubSpotSettings
from customer_research.sources.lago.settings import LagoSettings
from customer_research.sources.notion.settings import NotionSettings
from customer_research.sources.warehouse.settings import MetabaseSettings
from customer_research_sandbox.serve import Sandbox

pytestmark = pytest.mark.xdist_group("docs")

SAMPLES = tuple(sample for path in documents() for sample in samples(path))
LIVE = [sample for sample in SAMPLES if "lake" not in sample.directives]
GUIDES = ROOT / "docs" / "guides"


@pytest.mark.parametrize("sample", LIVE, ids=lambda sample: sample.place)
def test_a_sample_is_what_the_command_prints(sample: Sample, clean_sandbox: Sandbox, tmp_path: Path) -> None:
    assert "\n".join(refreshed(sample, clean_sandbox, tmp_path)) == "\n".join(sample.lines), REFRESH


def test_every_walkthrough_has_samples() -> None:
    with_samples = {sample.path.name for sample in SAMPLES if sample.path.parent == GUIDES}
    assert with_samples == {path.name for path in GUIDES.glob("*.md")} - {
        "app-database.md",
        "card-charges.md",
        "company-facts.md",
        "deliveries.md",
        "evals.md",
        "meetings.md",
        "metrics-over-time.md",
        "not-tried-live.md",
        "reviews.md",
        "sandbox.md",
        "schedules.md",
        "serving-agents.md",
        "web-pages.md",
        "serving-pages.md",
        "snowflake.md",
        "support-chat.md",
    }


def test_the_excerpts_are_those_of_the_sources_pages() -> None:
    page = GUIDES / "not-tried-live.md"
    text = page.read_text(encoding="utf-8")
    assert with_excerpts(text) == text, REFRESH
    named = set(re.findall(r"<!-- from: src/customer_research/sources/(\w+)/README.md -->", text))
    assert named == {path.parent.name for path in (ROOT / "src/customer_research/sources").glob("*/README.md")}


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", GUIDES / "connecting-real-systems.md"], ids=lambda path: path.name
)
def test_the_settings_files_shown_set_up_all_sources(path: Path, tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "settings.toml"
    file.write_text(shown, encoding="utf-8")
    settings: Settings = load_settings(file)
    assert settings.of(LagoSettings).api_key
    assert settings.of(HubSpotSettings).token
    assert settings.of(MetabaseSettings).url
    assert settings.of(MetabaseSettings).api_key
    assert settings.of(NotionSettings).token
    assert set(tomllib.loads(shown)) >= {"lago", "hubspot", "metabase", "notion"}


def _page(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    return page


def _sample(folder: Path, comments: str, command: str) -> Sample:
    (found,) = samples(_page(folder, f"{comments}\n```console\n$ {command}\n```\n"))
    return Sample(ROOT / "page.md", found.first, found.last, found.lines, found.directives)


def test_a_sample_with_other_output_is_noticed(clean_sandbox: Sandbox, tmp_path: Path) -> None:
    sample = _sample(tmp_path, "<!-- keep: first 1 -->", "customer-research rules")
    lines = refreshed(sample, clean_sandbox, tmp_path)
    assert lines[0] == "$ customer-research rules"
    assert lines[1].startswith("P1")
    assert lines[2:] == ("...",)
    assert lines != sample.lines


def test_kept_parts_stand_in_the_order_of_the_output(clean_sandbox: Sandbox, tmp_path: Path) -> None:
    sample = _sample(tmp_path, "<!-- keep: last 1; from Commands: +1 -->", "customer-research --help")
    assert [line[:9] for line in refreshed(sample, clean_sandbox, tmp_path)[1:]] == [
        "...",
        "Commands:",
        "  lookup ",
        "...",
        "  130    ",
    ]


@pytest.mark.parametrize(
    ("comments", "command", "says"),
    [
        ("<!-- keep: Nothing of the kind -->", "customer-research rules", "nothing that is called"),
        ("<!-- keep: from no such text +1 -->", "customer-research rules", "nothing that is called"),
        ("<!-- config: other -->", "customer-research rules", "knows only none"),
        ("", "rm --help", "only customer-research is run"),
        ("", "customer-research rules\n$ customer-research rules", "write one"),
    ],
)
def test_a_sample_that_cannot_be_run_is_refused(
    comments: str, command: str, says: str, clean_sandbox: Sandbox, tmp_path: Path
) -> None:
    with pytest.raises(SampleError, match=says):
        refreshed(_sample(tmp_path, comments, command), clean_sandbox, tmp_path)


@pytest.mark.parametrize("text", ["```console\n$ customer-research rules\n", "<!-- keep: head -->\n\ntext\n"])
def test_a_page_that_cannot_be_read_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(SampleError):
        samples(_page(tmp_path, text))
