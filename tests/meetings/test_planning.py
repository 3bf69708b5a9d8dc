"""`meetings plan`: what it says of meetings that no brief is made of. Nothing to plan is said only where everything is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from customer_research.domain.evidence import Gap
from customer_research.research.meetings import upkeep
from customer_research.research.meetings.briefs import Planned
from customer_research.research.meetings.reading import Poll
from customer_research.research.usecases import Actor, use_alone, use_case
from customer_research.research.usecases.answer import Answer
from customer_research.settings import Settings, StoreSettings

GAP = Gap("ics", "unavailable", "The calendar feed failed to answer.", "Try again later.")
NOBODY = Gap("lake", "unavailable", "The lake has no contact of any operator.", "Run `customer-research sync`.")


def planned(folder: Path, monkeypatch: pytest.MonkeyPatch, poll: Poll, found: Planned) -> Answer:
    async def plan_now(*_: Any) -> tuple[Poll, Planned]:
        return poll, found

    monkeypatch.setattr(upkeep, "plan_now", plan_now)
    store = StoreSettings.model_validate({"url": f"sqlite:///{folder / 'store.db'}"})
    settings = Settings(store=store)  # type: ignore[call-arg]
    return use_alone("meetings plan", use_case("meetings plan").request()(), Actor("ada", "test"), lambda: settings)


@pytest.mark.parametrize(
    ("poll", "found", "said"),
    [
        (Poll(1, ()), Planned(nobody=2), "2 meetings due a brief, and nobody knows of whom of us"),
        (Poll(1, (), (NOBODY,)), Planned(), "The lake has no contact of any operator. Run `customer-research sync`."),
        (
            Poll(0, ()),
            Planned(),
            "No calendar is configured, so that no meeting is known. Set hubspot.token, ics.feeds",
        ),
        (Poll(1, (GAP,)), Planned(), "The calendar feed failed to answer. Try again later."),
        (Poll(1, ()), Planned(failed=("No brief of x can be made: y",)), "No brief of x can be made: y"),
    ],
    ids=["nobody's", "people not known", "no calendar", "silent", "no brief"],
)
def test_what_is_not_known_makes_it_partial_and_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, poll: Poll, found: Planned, said: str
) -> None:
    answer = planned(tmp_path, monkeypatch, poll, found)
    assert answer.state == "partial"
    (warning,) = answer.beside
    assert warning.startswith(f"Warning: {said}")


def test_where_all_is_known_nothing_to_plan_is_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = planned(tmp_path, monkeypatch, Poll(1, ()), Planned())
    assert (answer.state, answer.beside) == ("done", ())
