"""200 lookups through the real path: the directory fetched over HTTP, the finders asked, the answer judged."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from world_cases import TYPOS, Case, cases

from customer_research.domain.identity import LookupAnswer
from customer_research.errors import UsageError
from customer_research.research import Research
from customer_research.settings import Settings
from customer_research_sandbox.serve import Sandbox

COUNT = 200
FIRST = 5
TYPO_SHARE = 0.95


@pytest.fixture(scope="module")
def answered(sandbox: Sandbox, settings: Settings) -> Mapping[Case, LookupAnswer]:
    """Every case with its answer."""

    async def ask() -> dict[Case, LookupAnswer]:
        async with Research(settings) as research:
            return {case: await research.lookup(case.term) for case in cases(sandbox.dataset)}

    return asyncio.run(ask())


def test_there_are_200_cases_of_every_sort(answered: Mapping[Case, LookupAnswer]) -> None:
    ways = Counter(case.how for case in answered)

    assert len(answered) == COUNT
    assert ways.keys() >= TYPOS.keys()
    assert min(ways.values()) >= 4


def test_every_exact_term_finds_all_that_it_names(answered: Mapping[Case, LookupAnswer]) -> None:
    missed = {
        (case.how, case.term): [match.operator_id for match in answer.matches]
        for case, answer in answered.items()
        if case.exact and {match.operator_id for match in answer.matches} != case.operators
    }

    assert missed == {}


def test_an_exact_term_of_one_operator_picks_it(answered: Mapping[Case, LookupAnswer]) -> None:
    unpicked = {
        (case.how, case.term): answer.best
        for case, answer in answered.items()
        if case.exact
        and len(case.operators) == 1
        and (answer.best is None or {answer.best.operator_id} != case.operators)
    }

    assert unpicked == {}


def test_nobody_is_picked_wrongly(answered: Mapping[Case, LookupAnswer]) -> None:
    wrong = {
        (case.how, case.term): answer.best.candidate.name
        for case, answer in answered.items()
        if answer.best is not None and {answer.best.operator_id} != case.operators
    }

    assert wrong == {}


def test_mistyped_names_stand_among_the_first_five(answered: Mapping[Case, LookupAnswer]) -> None:
    typos = [(case, answer) for case, answer in answered.items() if case.how in TYPOS]
    found = [
        case for case, answer in typos if case.operators <= {match.operator_id for match in answer.matches[:FIRST]}
    ]

    assert len(found) >= TYPO_SHARE * len(typos)


def test_every_match_says_why(answered: Mapping[Case, LookupAnswer]) -> None:
    assert all(match.because.endswith(".") for answer in answered.values() for match in answer.matches)


INERT = (
    "x' OR '1'='1",
    "'; DROP TABLE operator; --",
    "Ride%",
    "R_de",
    "<img src=x onerror=alert(1)>",
    "{{operator_id}}",
    "$operator_id",
    "../../customers",
    "a" * 100,
)
REFUSED = (
    "",
    " ",
    "\t \n",
    "%",
    "__",
    "* ?",
    "a",
    "'",
    "x" * 10_000,
    "x" * 10_001,
    "\x00",
    "\u200b\u200b",
    "acct_%",
    "%@%",
    "🚐",
)


@pytest.mark.parametrize("term", INERT)
def test_markup_wildcards_and_sql_find_nobody(term: str, clean_sandbox: Sandbox, research: Any) -> None:
    answer = research(lambda opened: opened.lookup(term))

    assert answer.best is None
    assert all(term.casefold() in match.candidate.name.casefold() for match in answer.matches)
    assert all(request.status in {200, 202} for request in clean_sandbox.request_log)


@pytest.mark.parametrize("term", REFUSED)
def test_a_term_that_says_nothing_is_refused_before_anything_is_asked(
    term: str, clean_sandbox: Sandbox, research: Any
) -> None:
    with pytest.raises(UsageError) as refused:
        research(lambda opened: opened.lookup(term))

    assert len(refused.value.message) < 200
    assert clean_sandbox.request_log == []
