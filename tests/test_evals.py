"""The questions of `evals/`: each is answered in one small, cited call, and what records ask for is quoted, never said."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from evals import world
from evals.asking import asked, connected
from evals.judging import Outcome, figure_lines, judged
from evals.questions import Question, questions
from evals.run import main, print_outcomes
from pydantic import SecretStr
from worlds import Worlds

from customer_research.documents.small_answer import AIM
from customer_research.research.usecases import finished
from customer_research.settings import Settings, StoreSettings, load_settings
from customer_research.surfaces.mcp.tools import TOOLS

OF_THE_DEMO = tuple(one for one in questions() if not one.hostile)
OF_HOSTILE_RECORDS = tuple(one for one in questions() if one.hostile)


def _asked(settings: Settings, chosen: Sequence[Question]) -> dict[str, Outcome]:
    async def session() -> Sequence[Outcome]:
        async with connected(settings) as client:
            return await asked(client, chosen)

    return {one.question.id: one for one in finished(session())}


@pytest.fixture(scope="module")
def checked_settings(portfolio_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The whole sandbox, pulled, scored and checked for alerts in a store of its own."""
    url = portfolio_settings.store.url
    assert url is not None
    own = tmp_path_factory.mktemp("evals") / "store.db"
    shutil.copy(Path(url.get_secret_value().removeprefix("sqlite:///")), own)
    store = StoreSettings(url=SecretStr(f"sqlite:///{own}"))
    chosen = portfolio_settings.model_copy(update={"store": store})
    world.checked(chosen)
    return chosen


@pytest.fixture(scope="module")
def of_the_demo(checked_settings: Settings) -> dict[str, Outcome]:
    return _asked(checked_settings, OF_THE_DEMO)


@pytest.fixture(scope="module")
def of_hostile_records(worlds: Worlds) -> Iterator[dict[str, Outcome]]:
    with worlds.running(dataset=world.planted(worlds.dataset())) as sandbox:
        yield _asked(load_settings(sandbox.config_path), OF_HOSTILE_RECORDS)


@pytest.mark.parametrize("question", OF_THE_DEMO, ids=lambda one: one.id)
def test_a_question_is_answered_in_one_small_cited_call(question: Question, of_the_demo: dict[str, Outcome]) -> None:
    assert of_the_demo[question.id].faults == ()


@pytest.mark.parametrize("question", OF_HOSTILE_RECORDS, ids=lambda one: one.id)
def test_what_records_ask_for_is_quoted_and_not_said(
    question: Question, of_hostile_records: dict[str, Outcome]
) -> None:
    assert of_hostile_records[question.id].faults == ()


def test_on_average_an_answer_is_well_within_its_aim(of_the_demo: dict[str, Outcome]) -> None:
    sizes = [one.size for one in of_the_demo.values()]
    assert sum(sizes) / len(sizes) < 0.6 * AIM


def test_there_are_sixty_questions_and_more_and_every_tool_is_asked() -> None:
    topics = Counter(one.topic for one in questions())
    assert len(questions()) - topics["adversarial"] >= 60
    assert topics["adversarial"] >= 8
    assert {one.tool for one in questions()} == {tool.name for tool in TOOLS}


# -- the judge is no yes-sayer ---------------------------------------------------------------------------------------------

QUESTION = Question(
    "q", "t", "How much?", "operator_report", {}, (("MRR", "$199.00"),), never=("wire",), quotes=("wire it",)
)


def _answer(**other: Any) -> dict[str, Any]:
    return {
        "status": "ok",
        "statements": [{"part": "money", "columns": ["figure", "value"], "rows": [["MRR", "$199.00"]], "cites": [1]}],
        "citations": [{"number": 1}],
        "quoted": [{"number": 1, "text": "wire it"}],
        **other,
    }


def _said(text: str, *cites: int) -> dict[str, Any]:
    return {
        "statements": [
            *_answer()["statements"],
            {"part": "a", "text": text, **({"cites": list(cites)} if cites else {})},
        ]
    }


@pytest.mark.parametrize(
    ("other", "fault"),
    [
        ({"status": "partial"}, "status partial"),
        ({"statements": []}, "not said: MRR + $199.00"),
        (_said("It owes $5."), "no citation: : It owes $5."),
        (_said("It owes $5.", 7), "citations that are not told: [7]"),
        (_said("Please wire the rest."), "said: wire"),
        ({"quoted": []}, "not quoted: wire it"),
        ({"title": "x" * 8_000}, "characters"),
        ({"title": "x" * 20_001}, "characters"),
    ],
)
def test_each_kind_of_fault_is_found(other: dict[str, Any], fault: str) -> None:
    assert judged(QUESTION, _answer(), failed=False).faults == ()
    assert any(fault in one for one in judged(QUESTION, _answer(**other), failed=False).faults)


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        ("It took 20 trips in 30 days.", True),
        ("Not known; at stake are $5.", True),
        ("Looks back 90 days.", False),
        ("No ticket is open.", False),
        ("12 operators: A and B.", False),
        ("Trend over 30, 60 and 90 days: none found", False),
    ],
)
def test_what_is_a_figure_that_needs_a_citation(text: str, *, figure: bool) -> None:
    assert bool(list(figure_lines({"statements": [{"part": "a", "text": text}]}))) is figure


def test_the_table_says_what_failed_and_the_exit_code_too(capsys: pytest.CaptureFixture[str]) -> None:
    good = judged(QUESTION, _answer(), failed=False)
    bad = judged(QUESTION, {"error": "Not so."}, failed=True)
    assert print_outcomes([good]) == 0
    assert print_outcomes([good, bad]) == 1
    assert "1 of 2 pass" in capsys.readouterr().out


def test_the_command_asks_what_it_is_told_to(
    checked_settings: Settings, config_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", str(config_path), "--only", "prep-silvermead"]) == 0
    assert "1 of 1 pass, each in one call." in capsys.readouterr().out
    assert main(["--config", str(config_path), "--only", "hostile-note"]) == 2
    assert main(["--config", str(config_path), "--only", "nothing"]) == 2
