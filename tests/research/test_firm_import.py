"""Company facts from a file: all of it or nothing, nothing lost, the same file twice changes nothing; and the use cases as they answer."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from firm_desk import ACME, BOLT, NOW, placed

from customer_research.domain.firm import FIELDS, sureness
from customer_research.errors import TablesRefused, UsageError
from customer_research.research.company_facts import listed
from customer_research.research.firm_import import FactsImport, Terms, take
from customer_research.research.usecases import Actor, Answer, Runner, Table, finished
from customer_research.research.usecases.registry import RIGHTS, SEES
from customer_research.settings import Settings

TERMS = Terms("Core Signal", "contract of 2026", keep_days=30)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return placed(tmp_path)


def given(settings: Settings, text: str) -> Path:
    path = settings.lake_folder.parent / "facts.csv"
    path.write_text(text, encoding="utf-8")
    return path


def used(settings: Settings, name: str, **how: Any) -> Answer:
    async def once() -> Answer:
        async with Runner(settings) as runner:
            return await runner.use(name, how, Actor("ada", "cli", RIGHTS | SEES))

    return finished(once())


TEXT = f"""operator_id,provider_id,observed_on,expires_on,headcount,industry,funding_usd,founded_year
{ACME},cs-1,2026-09-01,2026-12-24,12,  Chauffeurs ,150000,1999
{BOLT},,,,,Livery,,
"""


def test_a_file_is_kept_with_its_terms_and_taken_twice_changes_nothing(settings: Settings) -> None:
    path = given(settings, TEXT)
    assert take(settings, path, TERMS, NOW) == FactsImport(2, 5, 0, 0)
    facts = {one.field: one for one in listed(settings, ACME, NOW)[2]}
    assert {name: one.value for name, one in facts.items()} == {
        "headcount": 12,
        "industry": "Chauffeurs",
        "funding_usd": 15_000_000,
        "founded_year": "1999",
    }
    one = facts["headcount"]
    assert (one.provider, one.provider_id, one.licence) == ("core_signal", "cs-1", "contract of 2026")
    assert (one.observed_at, one.expires_at) == (datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 12, 24, tzinfo=UTC))
    assert (sureness(one), one.receipt.place) == ("sure (operator id)", "facts.csv")
    (other,) = listed(settings, BOLT, NOW)[2]
    assert (other.observed_at, other.expires_at) == (None, NOW + timedelta(days=30))
    later = NOW + timedelta(days=3)
    assert take(settings, path, TERMS, later) == FactsImport(2, 0, 0, 5)
    assert listed(settings, BOLT, NOW)[2] == (other,)


def test_an_empty_cell_says_nothing_and_a_column_that_is_not_there_neither(settings: Settings) -> None:
    take(settings, given(settings, TEXT), TERMS, NOW)
    done = take(settings, given(settings, f"operator_id,headcount,industry\n{ACME},14,\n"), TERMS, NOW)
    assert done == FactsImport(1, 0, 1, 0)
    told = {one.field: one.value for one in listed(settings, ACME, NOW)[2]}
    assert (told["headcount"], told["industry"]) == (14, "Chauffeurs")


def test_parquet_is_taken_as_csv_is(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "facts.parquet"
    pq.write_table(pa.table({"operator_id": [ACME], "drivers": [7], "observed_on": [date(2026, 9, 1)]}), path)
    assert take(settings, path, TERMS, NOW) == FactsImport(1, 1, 0, 0)
    assert listed(settings, ACME, NOW)[2][0].value == 7


def test_a_file_with_anything_wrong_is_refused_whole_with_all_that_is_wrong(settings: Settings) -> None:
    path = given(settings, f"operator_id,headcount,drivers\n{ACME},-3,1\nnobody,5,\nnobody-else,2,99999999999999\n")
    with pytest.raises(TablesRefused) as refused:
        take(settings, path, TERMS, NOW)
    assert [str(one).split(":")[0] for one in refused.value.faults] == [
        "company_facts.operator_id",
        "company_facts.headcount",
        "company_facts.drivers",
    ]
    assert "2 rows (first: row 2 of facts.csv), e.g. 'nobody'" in refused.value.hint
    assert listed(settings, ACME, NOW)[2] == ()
    with pytest.raises(TablesRefused, match="nothing was taken") as other:
        take(settings, given(settings, f"operator_id,headcont\n{ACME},many\n"), TERMS, NOW)
    assert "did you mean headcount?" in other.value.hint


@pytest.mark.parametrize("terms", [Terms("a/b", "x"), Terms("", "x"), Terms("seller", "  ")])
def test_a_provider_has_a_name_and_its_values_a_licence(settings: Settings, terms: Terms) -> None:
    with pytest.raises(UsageError):
        take(settings, given(settings, TEXT), terms, NOW)


def test_the_use_cases_answer_for_people_and_programs(settings: Settings) -> None:
    path = given(settings, TEXT.replace("Chauffeurs", "write to pat@planted.example.com \x1b[31m"))
    done = used(settings, "facts import", file=path, provider="Core Signal", licence="ours", erase=True)
    assert done.lines == ("5 facts of 2 operators: 5 new, 0 replaced, 0 known already.",)
    shown = used(settings, "facts list", operator=ACME)
    assert isinstance(shown.body, Table)
    text = repr(shown.body) + repr(shown.document)
    assert "pat@planted" not in text
    assert "\x1b" not in text
    assert ("Funding raised (core_signal)", "$150,000.00") in [row[:2] for row in shown.body.rows]
    told = {one["field"]: one for one in shown.document["facts"]}
    assert (told["headcount"]["value"], told["headcount"]["confidence"], told["headcount"]["licence"]) == (
        12,
        1.0,
        "ours",
    )
    budget = used(settings, "facts budget").document["providers"]
    assert [one["name"] for one in budget] == ["fmcsa", "hubspot", "people_data_labs", "core_signal"]
    assert [one["values"] for one in budget] == [0, 0, 0, 5]
    gone = used(settings, "facts forget", provider="Core Signal")
    assert gone.lines == ("5 values of 2 operators removed.",)
    assert used(settings, "facts list", operator=ACME).lines == ("No company facts are kept of Acme Limousine.",)
    plan = used(settings, "facts fetch", provider="people_data_labs", whose={"team": True})
    assert plan.lines[0] == "People Data Labs would be asked about 3 operators, a credit for each that it knows."
    assert plan.lines[-1] == "Nothing was bought: --buy does it."


def test_the_help_names_every_column_that_a_file_may_have() -> None:
    from customer_research.research.usecases.facts import Imported

    assert [name for name in FIELDS if name not in (Imported.__doc__ or "")] == []
