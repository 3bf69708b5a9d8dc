"""Every sample of a filled lake in the documentation is what the command prints."""

from __future__ import annotations

import shutil
from pathlib import Path

import earlier
import pytest
from console_samples import REFRESH, Sample, documents, fill, refreshed, samples

from customer_research.settings import Settings
from customer_research_sandbox.serve import Sandbox

FILLED = [sample for path in documents() for sample in samples(path) if "lake" in sample.directives]


@pytest.fixture(scope="module")
def filled(
    sandbox: Sandbox,
    portfolio_settings: Settings,
    shared_folder: Path,
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A copy, which the samples may change, of a lake and store that were filled once a state of `src`."""
    made = (
        earlier.folder_of(pytestconfig, "samples", "src", "tests/docs/console_samples.py") or shared_folder
    ) / "filled"
    earlier.once(made, lambda: fill(made, sandbox, portfolio_settings.lake_folder))
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("samples") / "filled"))


@pytest.mark.parametrize("sample", FILLED, ids=lambda sample: sample.place)
def test_a_sample_of_the_lake_is_what_the_command_prints(
    sample: Sample, clean_sandbox: Sandbox, filled: Path, tmp_path: Path
) -> None:
    assert "\n".join(refreshed(sample, clean_sandbox, tmp_path, filled)) == "\n".join(sample.lines), REFRESH
