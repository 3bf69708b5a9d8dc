"""Sources are found by folder and loaded only when asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import customer_research.sources
from customer_research.domain.catalogue import METRICS
from customer_research.record_tables import SECOND, TABLES
from customer_research.settings import Settings
from customer_research.sources import _declared, _source, discover, records, settings_models

FOLDER = Path(customer_research.sources.__file__).parent


def test_every_folder_is_a_source_in_order_of_name() -> None:
    folders = sorted(path.parent.name for path in FOLDER.glob("*/__init__.py"))
    assert list(discover()) == folders
    assert {name: source.name for name, source in discover().items()} == {name: name for name in folders}


def test_a_folder_without_a_source_of_its_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TypeError, match=r"sources/lago/session\.py must define SOURCE"):
        _declared("lago", "session", "SOURCE")
    monkeypatch.setattr("customer_research.sources.lago.source.SOURCE", discover()["notion"])
    with pytest.raises(TypeError, match=r"sources/lago is called 'notion'"):
        _source("lago")


def test_streams_bring_tables_of_their_own_home_and_no_table_twice() -> None:
    for source in discover().values():
        tables = [table for stream in source.streams for table in stream.tables]
        assert len(tables) == len(set(tables))
        for stream in source.streams:
            second = {SECOND.get(table) == source.name for table in stream.tables}
            assert len(second) == 1, stream.name  # its own tables, or those that it is the second source of
            assert second == {True} or {TABLES[table].home for table in stream.tables} == {source.name}
        assert {TABLES[table].bound for table in tables} <= {table in SECOND for table in tables}


def test_a_second_source_gives_bound_tables_of_another_and_a_metric_reads_those_of_one_stream_or_none() -> None:
    for source in discover().values():
        instead = set(records()[source.name].instead_of)
        assert all(TABLES[table].bound and TABLES[table].home != source.name for table in instead)
        assert {table for table in instead if SECOND[table] == source.name} == instead, "two second sources of a table"
        for stream in source.streams:
            near = instead & set(stream.tables)
            for metric in METRICS.values():
                assert metric.subject == "derived" or near & set(metric.tables) in (set(), set(metric.tables)), (
                    metric.name
                )


def test_what_a_source_declares_is_its_own_and_has_a_place_of_its_own() -> None:
    assert records().keys() == discover().keys()
    for name, one in records().items():
        assert {table.home for table in one.tables.values()} == ({name} if one.tables else set())
        assert one.tables or one.instead_of, "a source brings something"
    assert len({one.place for one in records().values()}) == len(records())


def test_every_source_has_its_own_table_of_the_settings_file() -> None:
    models = settings_models()
    assert len({model.section for model in models}) == len({model.place for model in models}) == len(models)
    homes = {model.__module__.split(".")[-2] for model in models}
    assert homes == set(discover())  # the warehouse has two: it is reached by two ways
    defaults = Settings.model_construct()
    assert [type(defaults.of(model)) for model in models] == list(models)
    for model in models:
        fields = {"url", "requests_per_second", "concurrency", model.credential}
        assert fields <= set(model.model_fields)
        assert model.model_construct().missing() is not None


def test_every_source_has_the_same_files() -> None:
    files = {
        "__init__.py",
        "records.py",
        "settings.py",
        "session.py",
        "normalise.py",
        "live.py",
        "bulk.py",
        "checks.py",
        "source.py",
    }
    for name in discover():
        assert files - {path.name for path in (FOLDER / name).iterdir()} == set(), name


def test_every_table_in_memory_has_a_stream() -> None:
    brought = {table for source in discover().values() for stream in source.streams for table in stream.tables}
    assert brought - SECOND.keys() == {name for name, table in TABLES.items() if not table.bound}


def test_every_source_tells_its_scopes_checks_and_readme() -> None:
    for name, source in discover().items():
        assert source.scopes
        assert source.checks
        readme = (FOLDER / name / "README.md").read_text(encoding="utf-8")
        parts = [line for line in readme.splitlines() if line.startswith("## ")]
        assert readme.startswith("# ")
        for part in ("Access", "Requests", "Limits", "Bulk", "Quirks", "Not tried live"):
            assert f"## {part}" in parts, name


def test_neither_importing_nor_discovering_loads_the_http_client() -> None:
    code = (
        "import sys, customer_research.sources as s\n"
        "assert not [m for m in sys.modules if m.startswith('customer_research.sources.')]\n"
        "s.records()\n"
        "assert not [m for m in sys.modules if m.endswith(('.source', '.session', '.connect.source'))]\n"
        "s.discover()\n"
        "assert not {'httpx2', 'duckdb', 'sqlglot', 'aiolimiter'} & set(sys.modules)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert run.returncode == 0, run.stderr
