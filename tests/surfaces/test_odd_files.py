"""Files, settings and options that no reasonable person writes: one sentence and the documented exit code, never a defect."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest
from cli_runs import SILENT_CHURN, command, one_sentence

from customer_research.errors import ConfigError
from customer_research.research import system_clock
from customer_research.research.exchange import MOST_BYTES, exchange_rates
from customer_research.settings import RatesSettings, load_settings
from customer_research.store import accounts

DEEP = 200_000


@pytest.fixture
def config_path(tmp_path: Path) -> Path:
    """Settings with no vendor: what is wrong is found before one is asked."""
    path = tmp_path / "settings.toml"
    path.write_text(
        f'lake = {{ folder = "{tmp_path / "lake"}" }}\nstore = {{ url = "sqlite:///{tmp_path / "store.db"}" }}\n',
        encoding="utf-8",
    )
    return path


def test_snapshots_that_are_nested_too_deeply_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "MOST_BYTES", 1_000_000)
    contents = {
        "deep": gzip.compress(b"[" * DEEP + b"]" * DEEP),
        "wrong kind": gzip.compress(b"[]"),
        "cut": gzip.compress(b"{}")[:-6],
        "large": gzip.compress(b" " * 2_000_000),
    }
    for name, content in contents.items():
        path = tmp_path / f"{name}.json.gz"
        path.write_bytes(content)
        done = command("report", "profile", "--snapshot", str(path))
        assert (name, done.code) == (name, 7)
        assert one_sentence(done).startswith("Error: The account snapshot cannot be read: ")


@pytest.mark.parametrize("text", ["a = " + "[" * DEEP + "]" * DEEP, "a = " + "{a=" * DEEP + "1" + "}" * DEEP])
def test_toml_that_is_nested_too_deeply(text: str, config_path: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd.toml"
    odd.write_text(text, encoding="utf-8")
    own = tmp_path / "own.toml"
    for setting in ("playbook", "scorecard"):
        own.write_text(f'{setting} = "{odd}"\n{config_path.read_text(encoding="utf-8")}', encoding="utf-8")
        assert command("health", SILENT_CHURN, config=own).code == 5
    calls = [
        (("config", "show"), odd),
        (("alerts", "rules", "--rules", str(odd)), config_path),
        (("health", SILENT_CHURN, "--scorecard", str(odd)), config_path),
    ]
    for call, config in calls:
        done = command(*call, config=config)
        assert (call, done.code) == (call, 5)
        one_sentence(done)


def test_points_that_are_nested_too_deeply(tmp_path: Path) -> None:
    signals, points = tmp_path / "signals.csv", tmp_path / "points.json"
    signals.write_text("operator_id,as_of,a,churned\nx,2026-01-01,1,0\n", encoding="utf-8")
    points.write_text("[" * DEEP + "]" * DEEP, encoding="utf-8")
    done = command(
        "calibrate", "--signals", str(signals), "--points", str(points), "--output", str(tmp_path / "card.toml")
    )
    assert done.code == 2
    assert "Unexpected" not in done.err


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"])
def test_a_clock_outside_the_calendar(instant: str, config_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOMER_RESEARCH_CLOCK", instant)
    done = command("profile", SILENT_CHURN, config=config_path)
    assert done.code == 5
    assert "lies outside the years 1900 to 2999" in one_sentence(done)


@pytest.mark.parametrize(
    "call",
    [
        ("portfolio", "score", "--as-of", "0001-01-01"),
        ("portfolio", "score", "--as-of", "9999-12-31T23:59:59-12:00"),
        ("alerts", "snooze", "0123abcd", "--until", "9999-12-31"),
        ("outcomes", "record", SILENT_CHURN, "churned", "--on", "0001-01-01"),
    ],
)
def test_dates_outside_the_calendar(call: tuple[str, ...], config_path: Path) -> None:
    done = command(*call, config=config_path)
    assert (call, done.code) == (call, 2)
    one_sentence(done)


def _archive(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("eurofxref-hist.csv", content)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (_archive(b"Date,USD\n" + b"0" * MOST_BYTES), f"are larger than {MOST_BYTES // 1_000_000} MB"),
        (b"Date,USD\n" + b"0" * MOST_BYTES, f"are larger than {MOST_BYTES // 1_000_000} MB"),
        (_archive(b"Date,USD\n2026-10-30,1.1\n")[:-30], "are no CSV"),
        (_archive(b"Date,USD\n2026-10-30,1.1\n").replace(b"\x08\x00", b"\x63\x00"), "are an archive without one table"),
        (b'Date,USD\n2026-10-30,"' + b"1" * 200_000, "are no CSV"),
    ],
    ids=["bomb", "large", "cut", "packed unknown", "endless cell"],
)
def test_rates_that_cannot_be_read(content: bytes, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "rates"
    file.write_bytes(content)
    for part in (RatesSettings(file=file), RatesSettings(own=file)):  # type: ignore[call-arg]
        with pytest.raises(ConfigError) as caught:
            exchange_rates(load_settings().model_copy(update={"rates": part}), system_clock())
        told = caught.value.message
        assert told.startswith("The exchange rates in rates "), told
        if part.file is not None:
            assert complaint in told


def test_a_template_whose_parts_point_nowhere(config_path: Path, tmp_path: Path) -> None:
    template = tmp_path / "odd.pptx"
    with zipfile.ZipFile(template, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
            'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
            'Target="../../../../etc/passwd"/></Relationships>',
        )
    done = command(
        *("quick", SILENT_CHURN, "--format", "pptx", "--template", str(template)),
        *("--output", str(tmp_path / "x.pptx")),
        config=config_path,
    )
    assert done.code == 2
    assert "cannot be read as a presentation" in one_sentence(done)
