"""Alerts as tasks in HubSpot against the sandbox: each once, in the alert's words, completed with it, and never as contact."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from portal_desk import Desk, desk_in
from worlds import Worlds

from customer_research.domain.alert import Alert, Episode, Grounds, Observation
from customer_research.errors import ConfigError, Unavailable, UsageError
from customer_research.reports.kinds.alerts import AlertBasis
from customer_research.research.alerting.alert_tasks import AlertTasks, alert_tasks, words_of
from customer_research.research.portfolio.requests import Scoring
from customer_research.research.portfolio.take import take
from customer_research.research.sync import all_sources
from customer_research.sources.hubspot import alert_tasks as hubspot
from customer_research.sources.hubspot.alert_tasks import BODY, COMPLETED, DUE, MARK, OWNER, STATUS, SUBJECT, WRITTEN
from customer_research.store.alerts import AlertBook
from customer_research.store.database import open_store

ALL = (MARK, WRITTEN, STATUS, SUBJECT, BODY, DUE, OWNER, "hs_task_priority")


@pytest.fixture(scope="module")
def desk(worlds: Worlds, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk_in(worlds, tmp_path_factory.mktemp("alert_tasks")) as made:
        yield made


def run(desk: Desk, **how: Any) -> AlertTasks:
    desk.sandbox.clear_request_log()
    return asyncio.run(alert_tasks(desk.settings, lambda: desk.now, **{"most": 1_000, **how}))


def there(desk: Desk) -> dict[str, dict[str, str]]:
    """The tasks in HubSpot by the alert's id, with HubSpot's own."""
    found: dict[str, dict[str, str]] = {}
    after = ""
    while True:
        told = desk.ask(
            "GET", f"/crm/v3/objects/tasks?limit=100&properties={','.join(ALL)}&associations=companies{after}"
        )
        for row in told["results"]:
            assert "associations" not in row, "a task of a company would count as contact with it"
            found[row["properties"][MARK]] = {**row["properties"], "id": row["id"]}
        following = told.get("paging")
        if following is None:
            return found
        after = f"&after={following['next']['after']}"


def writes(desk: Desk) -> int:
    return sum(one.path.endswith(("/upsert", "/update")) for one in desk.sandbox.request_log)


def test_it_all(desk: Desk) -> None:
    """A portal from its first day on: each step stands on the one before."""
    with pytest.raises(UsageError, match="No snapshot has been checked"):
        run(desk)
    desk.used("alerts check")
    before = {table: desk.rows(table) for table in ("company", "engagement", "contact", "deal")}

    first = run(desk)
    assert first.lacking == tuple(hubspot.PROPERTIES)
    assert (len(first.new) > 5, writes(desk), there(desk)) == (True, 0, {})
    shown = desk.used("alerts tasks", limit=3)
    assert shown.body.last.startswith("HubSpot's tasks lack two properties")  # type: ignore[union-attr]
    with pytest.raises(UsageError, match="lack the properties"):
        run(desk, send=True)
    with pytest.raises(UsageError, match="more than the 2 that one run writes"):
        run(desk, send=True, prepare=True, most=2)
    assert run(desk).lacking, "what is refused has changed nothing"

    sent = run(desk, send=True, prepare=True)
    assert (len(sent.taken.written), sent.taken.refused, sent.cut) == (len(first.new), {}, "")
    tasks = there(desk)
    assert tasks.keys() == {one.id for one in first.new}
    owners = {row["id"] for row in desk.ask("GET", "/crm/v3/owners?limit=500")["results"]}
    for one in first.new:
        held = tasks[one.id]
        assert {name: held[name] for name in one.values} == dict(one.values)
        assert held[OWNER] in owners
        assert held[SUBJECT].startswith(one.name)
        assert held[DUE].endswith("T12:00:00Z")
        assert held[BODY].startswith("<p>")

    again = run(desk, send=True)
    assert (again.writes, again.same, writes(desk)) == (0, len(first.new), 0)
    assert "Nothing to write." in desk.used("alerts tasks", send=True).body  # type: ignore[operator]
    all_sources.run(desk.settings, lambda: desk.now + timedelta(minutes=5))
    assert {table: desk.rows(table) for table in before} == before, "what we write comes back as no activity"

    # what people do with a task is theirs: completed it is not made again, moved it is not moved back
    done_by_ada, moved, reworded = (tasks[one.id]["id"] for one in first.new[:3])
    for task, values in (
        (done_by_ada, {STATUS: COMPLETED}),
        (moved, {DUE: "2026-12-24T12:00:00Z", OWNER: min(owners)}),
        (reworded, {WRITTEN: "other words", SUBJECT: "Old words", DUE: "2026-12-24T12:00:00Z"}),
    ):
        desk.ask("PATCH", f"/crm/v3/objects/tasks/{task}", {"properties": values})
    mended = run(desk, send=True)
    assert (len(mended.new), [one.id for one in mended.changed], mended.left) == (0, [reworded], 1)
    now = {one["id"]: one for one in there(desk).values()}
    assert now[done_by_ada][STATUS] == COMPLETED
    assert now[moved][DUE].startswith("2026-12-24")
    assert now[moved][OWNER] == min(owners)
    assert (now[reworded][SUBJECT], now[reworded][DUE][:10]) == (first.new[2].subject, "2026-12-24")

    # one that this store does not know is another's
    desk.ask("POST", "/crm/v3/objects/tasks", {"properties": {MARK: "feedfeedfeed", STATUS: "NOT_STARTED"}})
    strange = run(desk, send=True)
    assert (strange.strange, strange.writes) == (1, 0)


def test_a_task_is_completed_with_its_alert_and_a_new_alert_has_a_new_task(desk: Desk) -> None:
    desk.used("alerts check")
    run(desk, send=True, prepare=True)
    with open_store(desk.settings.store_url) as store:
        book = AlertBook(store)
        marks = there(desk)
        (subject, *_) = [one.subject for one in book.episodes() if marks.get(one.id, {}).get(STATUS) == "NOT_STARTED"]
        reasons = [one for one in book.episodes() if one.subject == subject]
        with store.begin() as connection:
            connection.exec_driver_sql(
                f"UPDATE alert_episode SET cleared_at = raised_at, cleared_in = raised_in WHERE subject = '{subject}'"
            )
    over = run(desk, send=True)
    assert [one.operator_id for one in over.over] == [subject]
    closed = next(one for one in there(desk).values() if one[MARK] in {reason.id for reason in reasons})
    assert closed[STATUS] == COMPLETED
    assert (run(desk, send=True).over, len(over.taken.written)) == ((), 1)

    # the same rules raise it again later: a new alert, and a new task
    desk.now += timedelta(days=60)
    all_sources.run(desk.settings, lambda: desk.now)
    take(desk.settings, lambda: desk.now, Scoring())
    desk.used("alerts check")
    later = run(desk, send=True)
    assert subject not in {one.operator_id for one in later.over}
    (new,) = (one for one in later.new if one.operator_id == subject)
    assert new.id not in {one.id for one in reasons}
    assert there(desk)[new.id][STATUS] == "NOT_STARTED"


def test_where_hubspot_falls_silent_it_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_given: Any) -> None:
        raise Unavailable("HubSpot did not answer.", source="hubspot")

    desk.used("alerts check")
    desk.ask("PATCH", f"/crm/v3/objects/tasks/{_undone(desk)}", {"properties": {WRITTEN: "other words"}})
    monkeypatch.setattr(hubspot, "change", fails)
    cut = desk.used("alerts tasks", send=True)
    assert (cut.state, cut.document["written"]) == ("partial", 0)
    assert any(line.startswith("Cut off: HubSpot did not answer.") for line in cut.body.after)  # type: ignore[union-attr]


def _undone(desk: Desk) -> str:
    return next(
        one["id"] for one in there(desk).values() if one[STATUS] == "NOT_STARTED" and one[MARK] != "feedfeedfeed"
    )


def test_a_property_whose_values_are_not_unique_is_another_s(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {**hubspot.PROPERTIES, SUBJECT: {**hubspot.PROPERTIES[MARK], "name": SUBJECT}}
    monkeypatch.setattr(hubspot, "PROPERTIES", other)
    with pytest.raises(
        ConfigError, match="tasks have another kind of property under the name of ours: hs_task_subject"
    ):
        run(desk)


def test_what_vendors_wrote_is_text_in_a_task() -> None:
    seen = Observation(datetime(2026, 11, 1, tzinfo=UTC), "s1")
    hostile = "<img src=x onerror=alert(1)> & Sons"
    one = Episode("rule", "op-1", hostile, 1, "Title", "high", Grounds(f"Because of {hostile}."), seen, seen)
    basis = AlertBasis(seen.as_of, seen.as_of, (), (), {})
    told = words_of(basis, Alert((one,)), None)
    assert "<img" not in told[BODY]
    assert "&lt;img" in told[BODY]
    assert told[SUBJECT] == f"{hostile}: Title", "a title is plain text in HubSpot"


def test_nothing_is_added_without_being_told(desk: Desk) -> None:
    with pytest.raises(UsageError, match="--prepare adds properties"):
        desk.used("alerts tasks", prepare=True)
