"""Intercom's bulk stream and its links: equal to the live stream for every operator, right under both ways of comparing instants."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pulled import UNTIL, Kept, in_session, unstamped
from worlds import Worlds

from customer_research.connect.source import Subject
from customer_research.errors import SourceError
from customer_research.settings import Settings, load_settings
from customer_research.sources.intercom.bulk import CONVERSATION, MERGE
from customer_research.sources.intercom.settings import IntercomSettings
from customer_research.sources.intercom.source import SOURCE
from customer_research_sandbox.project_intercom import contact
from customer_research_sandbox.serve import Sandbox

(STREAM,) = SOURCE.bulk
MANY, FEW = 1_500, 900
MIDNIGHT = datetime(2026, 10, 20, tzinfo=ZoneInfo("America/Los_Angeles"))
"""The edge of a day at the workspace: 07:00 UTC."""


@pytest.fixture
def own(worlds: Worlds) -> Iterator[Sandbox]:
    with worlds.running(also=("intercom",)) as running:
        yield running


@pytest.fixture
def settings(own: Sandbox) -> Settings:
    loaded = load_settings(own.config_path)
    quick = loaded.of(IntercomSettings).model_copy(update={"requests_per_second": 5000.0})
    return loaded.model_copy(update={"intercom": quick, "bounds": loaded.bounds.of_a_sync})


def pulled(settings: Settings, kept: Kept, **how: Any) -> None:
    in_session(SOURCE, settings, lambda session: kept.pull(session, STREAM, **how))


def held(kept: Kept) -> dict[str, tuple[str, datetime]]:
    return {row["conversation_id"]: (row["state"], row["updated_at"]) for row in kept.rows(CONVERSATION.name)}


def served(own: Sandbox) -> dict[str, tuple[str, datetime]]:
    """What the workspace holds."""
    told = own.dataset.intercom
    gone = {one["id"] for one in told.deleted}
    return {
        one["id"]: (one["state"], datetime.fromtimestamp(one["updated_at"], UTC))
        for one in told.conversations
        if one["id"] not in gone
    }


def test_every_row_is_the_live_one(own: Sandbox, settings: Settings) -> None:
    told = own.dataset.intercom
    first, second = told.companies[:2]
    since = first["created_at"]
    told.contacts += [
        contact("both", "Kim Fernway", "kim@example.com", (first["id"], second["id"]), since),
        contact("lone", "Lee Ashcombe", "Owner@example.com", (), since),
    ]
    template = told.conversations[0]
    for own_id, who, ref in (
        ("x1", ["both"], None),
        ("x2", ["lone"], None),
        ("x3", ["both", "lone"], first["id"]),
        ("x4", ["lone", "nobody"], None),
    ):
        told.conversations.append({**template, "id": own_id, "contact_ids": who, "company_ref": ref})
    operators = [one["company_id"] for one in told.companies]
    kept = Kept()
    pulled(settings, kept)
    given: dict[str, list[dict[str, Any]]] = {
        "operator": [{"operator_id": one} for one in [*operators, "unknown"]],
    }
    made = [row for link in SOURCE.links for row in kept.linked(link, given)]

    async def live(session: Any) -> list[Any]:
        (stream,) = SOURCE.streams
        batches = [await stream.fetch(session, Subject(operator, UNTIL)) for operator in operators]
        assert not any(batch.gaps for batch in batches)
        return [row for batch in batches for row in batch.tables["conversation"]]

    found = in_session(SOURCE, settings, live)
    assert unstamped(made) == unstamped(found)
    assert len(made) == len(found)
    assert {row["matched_by"] for row in made} == {"company", "contact"}
    assert {row["fetch_id"] for row in made} <= {one.id for piece in kept.slices for one in piece.receipts}
    assert not [name for row in made for name in row if "body" in name]


def _fill(own: Sandbox, around: datetime, count: int) -> list[dict[str, Any]]:
    """Many conversations, the last changes of which lie around an instant, a minute apart."""
    told = own.dataset.intercom
    template = told.conversations[0]
    begin = int(around.timestamp()) - count // 2 * 60
    made = [
        {**template, "id": f"n{n:05d}", "created_at": begin - 86_400, "updated_at": begin + n * 60, "state": "open"}
        for n in range(count)
    ]
    told.conversations += made
    return made


@pytest.mark.parametrize(("by_day", "count"), [(True, MANY), (False, FEW)], ids=["by day", "to the second"])
def test_two_syncs_around_midnight_bring_each_change(
    own: Sandbox, settings: Settings, count: int, *, by_day: bool
) -> None:
    told = own.dataset.intercom
    told.by_day = by_day
    told.conversations = [one for one in told.conversations if one["updated_at"] < MIDNIGHT.timestamp() - 10 * 86_400]
    made = _fill(own, MIDNIGHT, count)
    kept = Kept()
    at = MIDNIGHT.astimezone(UTC) + timedelta(minutes=count)
    pulled(settings, kept, until=at)
    assert held(kept) == served(own)
    mark = kept.marks[STREAM.name]
    assert datetime.fromisoformat(mark) == max(one for _, one in served(own).values())

    later = int(at.timestamp())
    for number, one in enumerate(made):
        if number % 10 == 0:  # closed after the first sync, within the same day and the next
            one.update(state="closed", updated_at=later + number * 7)
        elif number % 100 == 1:  # closed without the search hearing of it
            one.update(state="closed")
        elif number % 100 == 2:
            told.deleted.append({"id": one["id"], "deleted_at": later + number})
    merged = told.contacts[0]
    told.contacts[1]["merged"].append((merged["id"], later))
    told.contacts[1]["updated_at"] = later + 60
    pulled(settings, kept, until=at + timedelta(days=1))

    assert held(kept) == served(own)
    assert [(row["old_id"], row["contact_id"]) for row in kept.rows(MERGE.name)] == [
        (merged["id"], told.contacts[1]["id"])
    ]
    pulled(settings, kept, until=at + timedelta(days=2))
    assert held(kept) == served(own)


def test_a_pull_that_is_cut_off_ends_in_the_same_rows(own: Sandbox, settings: Settings) -> None:
    _fill(own, MIDNIGHT, FEW)
    whole = Kept()
    pulled(settings, whole)
    slices = len(whole.slices)
    assert slices >= 6
    for most in range(3, slices):  # behind the scroll, of which only one is open at a time
        kept = Kept()
        pulled(settings, kept, most=most)
        pulled(settings, kept)
        assert held(kept) == held(whole)
        assert kept.marks == whole.marks


def test_what_comes_short_is_told_and_asked_for_again(own: Sandbox, settings: Settings) -> None:
    kept = Kept()
    pulled(settings, kept)
    before = kept.marks[STREAM.name]
    own.set_faults("intercom:short")
    try:
        pulled(settings, kept)
    finally:
        own.set_faults()
    last = kept.slices[-1]
    assert last.gaps[CONVERSATION.name].reason == "truncated"
    assert kept.marks[STREAM.name] == before
    assert CONVERSATION.name not in last.whole
    pulled(settings, kept)
    assert not kept.slices[-1].gaps


def test_a_source_that_fails_says_so(own: Sandbox, settings: Settings) -> None:
    hasty = settings.model_copy(update={"deadline_seconds": 0.3})
    for kind in ("down", "auth", "http429", "badjson", "drop"):
        own.set_faults(f"intercom:{kind}")
        with pytest.raises(SourceError):
            pulled(hasty, Kept())
