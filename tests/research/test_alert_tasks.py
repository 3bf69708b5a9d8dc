"""Alerts as tasks in HubSpot against the sandbox: each once, in the alert's words, completed with it, and never as contact."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pytest
from portal_desk import Desk, desk_in
from worlds import Worlds

from customer_research.domain.alert import Alert, Episode, Grounds, Observation, alerts_of
from customer_research.domain.line import Line
from customer_research.errors import ConfigError, Truncated, Unavailable, UsageError
from customer_research.reports.kinds.alerts import AlertBasis
from customer_research.research.alerting import alert_tasks as module
from customer_research.research.alerting.alert_tasks import AlertTasks, KnownAlerts, alert_tasks, task_of, words_of
from customer_research.research.portfolio.requests import Scoring
from customer_research.research.portfolio.take import take
from customer_research.research.sync import all_sources
from customer_research.sources.hubspot import alert_tasks as hubspot
from customer_research.sources.hubspot.alert_tasks import BODY, COMPLETED, DUE, MARK, OWNER, STATUS, SUBJECT, WRITTEN
from customer_research.sources.hubspot.session import HubSpotSession
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


def seen(day: int) -> Observation:
    return Observation(datetime(2026, 11, day, tzinfo=UTC), f"s{day}")


def episode(rule: str, **more: Any) -> Episode:
    given: dict[str, Any] = {"name": "One", "told": Grounds("Because."), "raised": seen(1), "held": seen(9)}
    return Episode(
        **{"rule": rule, "subject": "op-1", "number": 1, "title": "Title", "severity": "high", **given, **more}
    )


def line(**more: Any) -> Line:
    given = {
        "operator_id": "op-1", "name": "One", "owner_id": "901", "owner": "Ada", "segment": "", "status": "active", "band": "at_risk",
        "score": 55, "highest": None, "health": "", "mrr": None, "worth": None, "level": "this_week", "sooner": False,
        "until": date(2026, 11, 12), "because": "",
    }  # fmt: skip
    return Line(**{**given, **more})


def known(*episodes: Episode, **lines: Line) -> KnownAlerts:
    now = seen(10).as_of
    basis = AlertBasis(now, now, (), (), {}, {name.replace("_", "-"): one for name, one in lines.items()})
    alerts = {one.subject: one for one in alerts_of([one for one in episodes if one.open])}
    return KnownAlerts(now, episodes, alerts, basis, now)


@pytest.mark.parametrize(
    ("reason", "stands", "is_wanted"),
    [
        ({}, {}, True),
        ({"snoozed_until": datetime(2026, 11, 20, tzinfo=UTC)}, {}, False),
        ({"snoozed_until": datetime(2026, 11, 5, tzinfo=UTC)}, {}, True),
        ({}, {"level": "this_month"}, False),
        ({}, {"level": "watch", "sooner": True}, True),
    ],
)
def test_tasks_are_made_of_what_cannot_wait(reason: dict[str, Any], stands: dict[str, Any], is_wanted: bool) -> None:
    found = known(episode("rule", **reason), op_1=line(**stands))
    assert [alert.subject for alert, _ in found.wanted()] == (["op-1"] if is_wanted else [])


def test_nobody_is_wanted_of_whom_nothing_is_known() -> None:
    assert list(known(episode("rule")).wanted()) == []


def test_a_task_stands_for_an_alert_while_its_reasons_follow_each_other() -> None:
    first = episode("first", cleared=seen(5))
    then = episode("then", raised=seen(3))
    long_ago = episode("then", number=2, raised=seen(1), cleared=seen(2))
    (alert,) = (found := known(first, then, long_ago)).alerts.values()
    assert found.marks(alert) == {first.id, then.id}, "the one that made the task was cleared while the alert went on"


def test_a_task_is_due_when_somebody_must_act_and_else_in_a_week() -> None:
    found = known(episode("rule"))
    (alert,) = found.alerts.values()
    assert task_of(found.basis, alert, line())[DUE] == "2026-11-12T12:00:00Z"
    assert task_of(found.basis, alert, line(until=None))[DUE] == "2026-11-17T12:00:00Z"
    for link, is_there in (("https://app.example.com/1", True), ("javascript:alert(1)", False), ("", False)):
        assert ("<a href" in task_of(found.basis, alert, line(link=link))[BODY]) is is_there


def test_an_operator_without_an_owner_has_no_task_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(_session: Any, _marks: Any) -> list[hubspot.Task]:
        return []

    monkeypatch.setattr(hubspot, "of_alerts", none)
    found = known(
        episode("rule"), episode("rule", subject="op-2"), op_1=line(owner_id=""), op_2=line(operator_id="op-2")
    )
    done = AlertTasks(found.as_of)
    asyncio.run(module._new_ones(done, found, cast("Any", None), ()))
    assert (done.without, [one.operator_id for one in done.new]) == (1, ["op-2"])


def test_of_a_list_that_was_cut_nothing_is_completed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run(desk, send=True, prepare=True)
    whole = HubSpotSession.search

    async def cut(*given: Any, **how: Any) -> Any:
        rows, total, following = await whole(*given, **how)
        return rows[:-1], total, following

    monkeypatch.setattr(HubSpotSession, "search", cut)
    with pytest.raises(Truncated, match="did not give all tasks of alerts"):
        run(desk, send=True)


def test_what_vendors_wrote_is_text_in_a_task() -> None:
    hostile = "<img src=x onerror=alert(1)> & Sons"
    one = episode("rule", name=hostile, told=Grounds(f"Because of {hostile}."))
    told = words_of(known().basis, Alert((one,)), None)
    assert "<img" not in told[BODY]
    assert "&lt;img" in told[BODY]
    assert told[SUBJECT] == f"{hostile}: Title", "a title is plain text in HubSpot"


def test_nothing_is_added_without_being_told(desk: Desk) -> None:
    with pytest.raises(UsageError, match="--prepare adds properties"):
        desk.used("alerts tasks", prepare=True)
