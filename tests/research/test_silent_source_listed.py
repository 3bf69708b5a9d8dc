"""A portfolio scored while a source is silent: every form of its lists is partial and says what is unknown."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from made_up_lake import LATE, NOW, STEADY, STOPPED, fill, settings_file, settings_in, stories

from customer_research.domain.evidence import Gap
from customer_research.research.portfolio.requests import Scoring
from customer_research.research.portfolio.take import take
from customer_research.surfaces.cli.group import run

SILENT = Gap("lago", "unavailable", "Lago failed to answer (500).", "Try again later.")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Settings of a lake in which Lago's invoices could not be pulled, scored."""
    folder = tmp_path_factory.mktemp("silent")
    settings = settings_in(folder)
    fill(settings.lake_folder, stories(), {(None, "invoice"): SILENT})
    take(settings, lambda: NOW, Scoring())
    return str(settings_file(folder))


@pytest.mark.parametrize("kind", ["portfolio", "churn-risk"])
@pytest.mark.parametrize("form", ["--csv", "--json", "--format=markdown", "--output=list.csv"])
def test_a_list_is_partial_in_every_form(
    kind: str, form: str, config: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["--config", config, kind, form.replace("list.csv", str(tmp_path / "list.csv"))]) == 3
    told = capsys.readouterr()
    assert SILENT.detail in told.out + told.err
    if "csv" in form:
        assert told.err.splitlines()[-1] == f"Warning: {SILENT.detail} {SILENT.next_step}"


def test_no_sign_of_risk_is_not_said_alone_of_whom_not_all_is_known(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["--config", config, "portfolio", "--csv"])
    why = {row["operator_id"]: row["why"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    for operator in (STEADY, LATE):
        assert why[operator] == "no risk in the figures known; not known in full: payment"
    assert "No reservation" in why[STOPPED]
