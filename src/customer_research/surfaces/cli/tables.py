"""`tables` and `import`: what canonical tables look like, and anybody's own put into the lake."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from customer_research.surfaces.cli.hanging import hanging
from customer_research.surfaces.cli.session import settings_of

TABLES_SCHEMA = "customer-research/tables/1"
IMPORT_SCHEMA = "customer-research/import/1"

TABLES_HELP = """\
The canonical tables that metrics and reports read: without NAME all of them, with NAME one with its columns.

A folder with TABLE.parquet, TABLE.csv or TABLE/*.parquet for some of them is what `import` and `score --tables` take. A
needed column must be there, empty where nothing is known; the others may be absent. A column marked * is personal data.

Any table may have `observed_at` besides (when a row was read), and `valid_from` and `valid_to` (between which instants it stood,
empty: ever and still): then a record has a row for each version, and a past date is told by those that stood then.
"""

IMPORT_HELP = """\
Check the canonical tables in the folder DIR and put them into the lake.

DIR holds TABLE.parquet, TABLE.csv or TABLE/*.parquet for some of the tables that `tables` lists. Everything that is wrong
in them is told in one report, and then nothing is taken. Otherwise each replaces the lake's table of its name whole, and
tables that are not there stay as they are; of versions the newest are taken. A later `sync` of the source that a table comes from replaces it again.

CSV is UTF-8, separated by commas, with the columns' names in the first line; nothing between two commas means unknown.
"""


@click.command("tables", help=TABLES_HELP)
@click.option("--json", "as_json", is_flag=True, help="JSON.")
@click.argument("name", required=False, default="")
def tables(name: str, *, as_json: bool) -> int:
    """List the canonical tables, or the columns of one."""
    from customer_research.research import registry  # noqa: PLC0415 - start-up time

    found = registry.tables(name)
    if as_json:
        click.echo(json.dumps({"schema": TABLES_SCHEMA, "tables": found}, indent=2, ensure_ascii=False))
    elif name:
        click.echo(_one(found[0]))
    else:
        for table in found:
            text = f"{table['grain']}; key: {', '.join(table['key'])}"
            click.echo(hanging(f"{table['name']:<14}{table['home']:<11}", text))
    return 0


def _one(table: Mapping[str, Any]) -> str:
    lines = [f"{table['name']}: {table['grain']} (from {table['home']})", ""]
    for column in table["columns"]:
        use = "key" if column["name"] in table["key"] else "needed" if column["needed"] else ""
        words = f"; one of {', '.join(column['words'])}" if column["words"] else ""
        mark = "* " if column["personal"] else ""
        lead = f"{column['name']:<30}{column['type']:<11}{use:<8}"
        lines.append(hanging(lead, f"{mark}{column['meaning']}{words}"))
    return "\n".join(lines)


@click.command("import", help=IMPORT_HELP)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="What became of each table as JSON.")
@click.pass_context
def import_(ctx: click.Context, folder: Path, *, as_json: bool) -> int:
    """Check tables and put them into the lake."""
    from customer_research.research import system_clock  # noqa: PLC0415
    from customer_research.research.sync.import_tables import import_tables  # noqa: PLC0415 - start-up time

    settings = settings_of(ctx)
    taken = import_tables(folder, settings, lambda: settings.clock or system_clock())
    if as_json:
        document = {"schema": IMPORT_SCHEMA, "tables": [dataclasses.asdict(table) for table in taken]}
        click.echo(json.dumps(document, indent=2))
        return 0
    for table in taken:
        before = f" (before: {table.before:,})" if table.state == "replaced" else ""
        click.echo(f"{table.table:<14}{table.state:<11}{table.rows:>12,} rows{before}")
    return 0
