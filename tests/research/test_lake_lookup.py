"""An operator is found in the lake by what the product prints of it, and as the sources find it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from made_up_lake import LATE, NAMES, NOW, fill, settings_in, stories

from customer_research.domain.identity import LookupAnswer
from customer_research.domain.outcome import Outcome
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.engine import Room
from customer_research.errors import AmbiguousOperator, OperatorNotFound, UsageError
from customer_research.lake import Lake
from customer_research.reports.kinds.lookup import KIND, Search
from customer_research.research.lake_directory import search
from customer_research.research.past.outcomes import record
from customer_research.settings import Settings
from customer_research_sandbox.serve import Sandbox

CALL = Outcome("", "intervention", "", "", NOW.date(), "call", "Robin", NOW)
"""A call, of whomever a term names."""

ASKED: Mapping[str, tuple[str, str]] = {
    "confirmation": ("reservation", "confirmation_number"),
    "charge": ("charge", "charge_id"),
    "invoice": ("invoice", "number"),
    "ticket": ("ticket", "number"),
    "contact_email": ("contact", "email"),
    "contact_phone": ("contact", "phone"),
    "contact_name": ("contact", "name"),
}
EACH = 2


@pytest.fixture(scope="module")
def values(portfolio_settings: Settings) -> Mapping[str, list[tuple[str, str]]]:
    """Of each kind some values that the lake has, with whose they are."""
    files = Lake(portfolio_settings.lake_folder).tables().files
    found: dict[str, list[tuple[str, str]]] = {}
    with DuckDB(Room(reach=(portfolio_settings.lake_folder,))) as engine:
        for how, (table, column) in ASKED.items():
            engine.attach(table, files[table].paths)
            rows = engine.run(
                f"SELECT {column} AS value, MIN(operator_id) AS one FROM {table} WHERE NOT {column} IS NULL "
                f"GROUP BY {column} HAVING COUNT(DISTINCT operator_id) = 1 ORDER BY HASH({column}) LIMIT {EACH}"
            )
            found[how] = [(str(row["value"]), str(row["one"])) for row in rows]
    return found


@pytest.mark.parametrize("how", ASKED)
def test_the_lake_finds_whose_record_it_is_as_the_sources_do(
    how: str, values: Mapping[str, list[tuple[str, str]]], portfolio_settings: Settings, research: Callable[..., Any]
) -> None:
    assert len(values[how]) == EACH
    for term, operator_id in values[how]:
        answer = search(portfolio_settings, term)
        live: LookupAnswer = research(lambda opened, term=term: opened.lookup(term))
        assert {match.operator_id for match in answer.matches} == {match.operator_id for match in live.matches}, term
        assert operator_id in {match.operator_id for match in answer.matches}
        assert (answer.best is None) is (live.best is None)
        if how != "contact_email":  # the sources know web sites, too
            assert {match.because for match in answer.matches} == {match.because for match in live.matches}


def spelt(term: str) -> Iterator[str]:
    yield f"  {term.lower()} "
    yield term.upper()


def test_however_it_is_spelt(values: Mapping[str, list[tuple[str, str]]], portfolio_settings: Settings) -> None:
    for how in ("invoice", "ticket", "contact_name"):
        for term, operator_id in values[how]:
            for written in spelt(term):
                found = {match.operator_id for match in search(portfolio_settings, written).matches}
                assert operator_id in found, written
    for term, operator_id in values["contact_phone"]:
        digits = "".join(filter(str.isdigit, term))[-10:]
        best = search(portfolio_settings, f"({digits[:3]}) {digits[3:6]}.{digits[6:]}").best
        assert best is not None
        assert best.operator_id == operator_id


def test_a_name_that_several_have_gives_them_all(portfolio_settings: Settings, clean_sandbox: Sandbox) -> None:
    del clean_sandbox
    answer = search(portfolio_settings, "celia eskridge")
    assert answer.best is None
    assert answer.total == len(answer.matches) > 1
    with pytest.raises(AmbiguousOperator) as told:
        record(portfolio_settings, "celia eskridge", CALL)
    assert len(told.value.candidates) == answer.total


def test_nobodys_number_finds_nobody(portfolio_settings: Settings) -> None:
    for term in ("MOO-00001-999", "DOOM-99999", "+1 213 555-9999"):
        assert not search(portfolio_settings, term).matches
        with pytest.raises(OperatorNotFound):
            record(portfolio_settings, term, CALL)


def test_an_empty_lake_says_what_to_do(tmp_path: Any) -> None:
    with pytest.raises(UsageError, match="no operators") as told:
        search(settings_in(tmp_path), "anybody")
    assert "sync" in told.value.hint


def test_one_operator_that_is_like_the_term_is_no_ambiguity(tmp_path: Any) -> None:
    settings = settings_in(tmp_path)
    fill(settings.lake_folder, stories())
    answer = search(settings, "Lat Lvry")
    assert [match.operator_id for match in answer.matches] == [LATE]
    receipts = Lake(settings.lake_folder).tables().files["operator"].receipts
    headline = KIND.build(Search(answer, receipts, (), NOW)).headline
    assert headline is not None
    assert headline.text.startswith(f"One operator has a similar name: {NAMES[LATE]}.")
    assert "Ambiguous" not in headline.text
    with pytest.raises(AmbiguousOperator, match="one operator has a similar name"):
        record(settings, "Lat Lvry", CALL)
