"""Documents through the real command line: by suffix and by format, with a template, many at once."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest
from cli_runs import SILENT_CHURN, command, one_sentence
from pptx import Presentation
from pypdf import PdfReader
from report_accounts import full

from customer_research.reports.kinds import KINDS
from customer_research.surfaces.cli.output import Delivery

INJECTION, UNICODE = (f"00000000-5ce0-11f0-a000-0000000000{number}" for number in (27, 40))


@pytest.mark.parametrize("operator", [SILENT_CHURN, INJECTION, UNICODE])
def test_the_suffix_makes_a_document(operator: str, config_path: Path, tmp_path: Path) -> None:
    for suffix in ("pdf", "xlsx", "pptx", "csv"):
        target = tmp_path / f"report.{suffix}"
        done = command("report", "quick", operator, "-o", str(target), config=config_path)
        assert (done.code, done.out, done.err) == (0, "", f"Written: {target}\n")
    pages = PdfReader(io.BytesIO((tmp_path / "report.pdf").read_bytes())).pages
    assert "Health" in pages[0].extract_text()
    assert zipfile.is_zipfile(tmp_path / "report.xlsx")
    assert zipfile.is_zipfile(tmp_path / "report.pptx")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "report.csv").read_text(encoding="utf-8"))))
    assert next(row["value"] for row in rows if row["label"] == "operator_id") == operator


def test_slides_take_a_template(config_path: Path, tmp_path: Path) -> None:
    mine, target = tmp_path / "mine.pptx", tmp_path / "slides.pptx"
    made = Presentation()
    made.slide_width = 9_000_000
    made.save(str(mine))
    done = command("health", SILENT_CHURN, "--template", str(mine), "-o", str(target), config=config_path)
    assert done.code == 0
    assert Presentation(str(target)).slide_width == 9_000_000


def test_a_template_that_cannot_be_used_is_refused_before_anything_is_fetched(
    config_path: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.pptx"
    mine.write_bytes(b"no presentation")
    target = tmp_path / "out.pptx"
    calls = (
        ("health", SILENT_CHURN, "--template", str(mine), "-o", str(target)),
        ("health", SILENT_CHURN, "--template", str(mine), "-o", str(tmp_path / "out.pdf")),
        ("health", SILENT_CHURN, "--template", str(tmp_path / "none.pptx"), "-o", str(target)),
    )
    for call, words in zip(
        calls, ("cannot be read as a presentation", "pdf takes no template", "does not exist"), strict=True
    ):
        done = command(*call, config=config_path)
        assert done.code == 2
        assert words in one_sentence(done)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.pptx"]


def test_a_batch_writes_documents(config_path: Path, tmp_path: Path) -> None:
    listed = tmp_path / "operators.txt"
    listed.write_text(f"{SILENT_CHURN}\n{UNICODE}\n", encoding="utf-8")
    done = command(
        "batch",
        str(listed),
        "--kind",
        "health",
        "--format",
        "pdf",
        "--output",
        str(tmp_path / "book"),
        config=config_path,
    )
    assert done.code == 0
    written = sorted(path.name for path in (tmp_path / "book").glob("*.pdf"))
    assert written == [f"001-{SILENT_CHURN}.pdf", f"002-{UNICODE}.pdf"]
    assert all((tmp_path / "book" / name).read_bytes().startswith(b"%PDF-1.") for name in written)


def test_a_file_of_the_terminals_form_has_all_that_the_terminal_shows_on_demand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = KINDS["health"].build(full())

    def shown(*, full: bool = False, receipts: bool = False) -> str:
        Delivery("terminal", full=full, receipts=receipts)(report)
        return capsys.readouterr().out

    Delivery("terminal", tmp_path / "report.txt")(report)
    written = (tmp_path / "report.txt").read_text(encoding="utf-8")
    screens = [shown(), shown(full=True), shown(receipts=True), shown(full=True, receipts=True)]
    assert [one == written for one in screens] == [False, False, False, True]
    assert len({*screens}) == len(screens)
