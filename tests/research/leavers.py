"""A lake of operators of whom many left, and the command line over it."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import tomlkit
from backtest_cases import BEGAN, ago, bookings, subscription, tables_of
from made_up_lake import fill, settings_file, settings_in

from customer_research.surfaces.cli.group import run

LEAVERS, STAYERS = 26, 34


def lake_of_leavers(folder: Path) -> Path:
    """The settings of a lake of operators of whom 26 left, most of them after a month and a half without a booking."""
    path = settings_file(folder)
    leaving = {f"left-{number:02d}": ago(100 + 12 * number) for number in range(LEAVERS)}
    subscriptions = [subscription(one, ended=at) for one, at in leaving.items()]
    subscriptions += [subscription(f"stays-{number:02d}") for number in range(STAYERS)]
    tables = tables_of(subscriptions)
    quiet = {one: at for place, (one, at) in enumerate(leaving.items()) if place % 4}
    tables["reservation"] = [row for row in tables["reservation"] if row["operator_id"] not in quiet] + [
        row for one, at in quiet.items() for row in bookings(one, until=at - (ago(0) - ago(45)))
    ]
    tables["company"] = [
        {"operator_id": row["operator_id"], "company_id": f"c-{row['operator_id']}", "owner_id": f"owner-{place % 2}", "created_at": BEGAN}
        for place, row in enumerate(subscriptions)
    ]  # fmt: skip
    fill(settings_in(folder).lake_folder, tables)
    return path


def called(config: Path, *arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(["--config", str(config), *arguments])
    assert "Traceback" not in err.getvalue()
    assert "Unexpected" not in err.getvalue()
    return code, out.getvalue(), err.getvalue()


def without(config: Path, *tests: str) -> Path:
    """The settings with these operators as tests."""
    path = config.with_name("without.toml")
    path.write_text(f"test_operators = {json.dumps(tests)}\n{config.read_text(encoding='utf-8')}", encoding="utf-8")
    return path


def blind_card(folder: Path) -> Path:
    """A scorecard that takes stopping for a bonus."""
    text = tomlkit.parse(declaration_text("canonical"))
    for rule in text["rules"]:
        if rule["dimension"] == "engagement":
            rule["points"] = abs(rule["points"])
    text["gates"] = tomlkit.aot()
    path = folder / "blind.toml"
    path.write_text(tomlkit.dumps(text), encoding="utf-8")
    return path


def declaration_text(name: str) -> str:
    from customer_research.health.scorecard import declaration_of

    return declaration_of(name)[0]


def plain(text: str) -> str:
    return " ".join(text.replace("│", " ").split())
