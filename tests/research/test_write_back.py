"""Writing to HubSpot's companies against the sandbox: only what differs, nothing old for what is not known, never as an activity."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2
import pytest
from portal_desk import Desk, desk_in
from worlds import Worlds

from customer_research.domain.line import Line
from customer_research.errors import ConfigError, Truncated, Unavailable, UsageError
from customer_research.research import write_back as module
from customer_research.research.sync import all_sources
from customer_research.research.write_back import WriteBack, own, values_of, write_back
from customer_research.settings import Settings
from customer_research.sources.hubspot import alert_tasks
from customer_research.sources.hubspot import write_back as hubspot
from customer_research.sources.hubspot.session import HubSpotSession


@pytest.fixture(scope="module")
def desk(worlds: Worlds, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk_in(worlds, tmp_path_factory.mktemp("write_back")) as made:
        yield made


def run(desk: Desk, **how: Any) -> WriteBack:
    desk.sandbox.clear_request_log()
    return asyncio.run(write_back(desk.settings, lambda: desk.now, **{"most": 1_000, **how}))


def test_it_all(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A portal from its first day on: each step stands on the one before."""
    before = {table: desk.rows(table) for table in ("company", "engagement", "contact", "deal")}

    first = run(desk)
    assert first.lacking == tuple(hubspot.PROPERTIES)
    assert (len(first.changes) > 40, first.taken.written, desk.updates()) == (True, set(), 0)
    with pytest.raises(UsageError, match="lack 5 of the properties"):
        run(desk, send=True)
    answer = desk.used("write-back", limit=3)
    assert answer.body.last.startswith("HubSpot lacks the properties")  # type: ignore[union-attr]
    assert {one["name"] for one in desk.ask("GET", "/crm/v3/properties/companies")["results"]}.isdisjoint(
        hubspot.PROPERTIES
    )

    with pytest.raises(UsageError, match="more than the 5 that one run writes"):
        run(desk, send=True, prepare=True, most=5)
    assert run(desk).lacking, "what is refused has changed nothing"
    sent = run(desk, send=True, prepare=True)
    assert (len(sent.taken.written), sent.taken.refused, sent.cut) == (len(first.changes), {}, "")
    assert desk.updates() == -(-len(first.changes) // 100)
    for change in sent.changes[:10]:
        has = desk.has(change.company_id)
        assert {name: has[name] for name in change.values} == {name: new for name, (_, new) in change.values.items()}

    again = run(desk, send=True)
    assert (again.changes, again.same, desk.updates()) == ((), len(sent.changes), 0)

    all_sources.run(desk.settings, lambda: desk.now + timedelta(minutes=5))
    assert {table: desk.rows(table) for table in before} == before, (
        "what we write comes back as no change and no activity"
    )

    one, other, third, gone = (change.company_id for change in sent.changes[:4])
    later = (desk.now + timedelta(days=2)).date().isoformat()
    desk.put(one, health_score="1")
    desk.put(other, health_score="2", scored_on=later)
    desk.ask("DELETE", f"/crm/v3/objects/companies/{gone}")
    mended = run(desk)
    assert [(change.company_id, [*change.values]) for change in mended.changes] == [(one, [hubspot.SCORE])]
    assert (mended.newer, mended.gone) == (1, 1), "a newer value is never replaced by an older"

    week_old = (desk.now - timedelta(days=7)).date().isoformat()
    desk.put(third, scored_on=week_old)
    assert {change.company_id for change in run(desk).changes} == {one, third}, "the day is written again after a week"

    # a rule of the portal that refuses one value has the request refused: the others are written nevertheless
    real = values_of
    bad = run(desk).changes[0].operator_id
    monkeypatch.setattr(
        module,
        "values_of",
        lambda line, day: {**real(line, day), hubspot.SCORE: "many" if line.operator_id == bad else "50"},
    )
    partial = desk.used("write-back", send=True)
    assert partial.state == "partial"
    assert list(partial.document["refused"]) == [one]
    assert "many" in partial.document["refused"][one]
    assert partial.document["written"] == len(sent.changes) - 3
    assert any("HubSpot refused company" in line for line in partial.body.after)  # type: ignore[union-attr]


def test_a_source_that_falls_silent_cuts_it_off_and_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_given: Any) -> None:
        raise Unavailable("HubSpot did not answer.", source="hubspot")

    monkeypatch.setattr(hubspot, "write", fails)
    monkeypatch.setattr(module, "values_of", lambda line, day: {**values_of(line, day), hubspot.SCORE: "51"})
    cut = desk.used("write-back", send=True, prepare=True)
    assert (cut.state, cut.document["written"]) == ("partial", 0)
    assert any(line.startswith("Cut off: HubSpot did not answer.") for line in cut.body.after)  # type: ignore[union-attr]


def test_a_property_of_another_kind_is_left_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {**hubspot.PROPERTIES, "name": {**hubspot.PROPERTIES[hubspot.SCORE], "name": "name"}}
    monkeypatch.setattr(hubspot, "PROPERTIES", changed)
    with pytest.raises(ConfigError, match="another kind of property under the name of ours: name"):
        run(desk, send=True, prepare=True)


@pytest.mark.parametrize(
    ("module_of", "kind", "kept"),
    [(hubspot, "companies", ()), (alert_tasks, "tasks", ()), (hubspot, "companies", (hubspot.SCORE,))],
)
def test_a_property_that_a_cut_list_leaves_out_is_not_taken_as_lacking(
    module_of: Any, kind: str, kept: tuple[str, ...]
) -> None:
    """HubSpot's list has no count: what it leaves out is asked by its name before anything is added."""
    wanted = module_of.PROPERTIES

    async def told(there: Collection[str]) -> tuple[str, ...]:
        def answered(request: httpx2.Request) -> httpx2.Response:
            name = request.url.path.rpartition("/")[2]
            if name == kind:
                return httpx2.Response(200, json={"results": [wanted[one] for one in kept]})
            if name in there:
                return httpx2.Response(200, json=wanted[name])
            return httpx2.Response(404, json={"status": "error", "message": "Property does not exist"})

        settings = Settings.model_validate({"hubspot": {"token": "t"}})
        session = HubSpotSession(
            settings, lambda: datetime(2026, 11, 1, tzinfo=UTC), transport=httpx2.MockTransport(answered)
        )
        try:
            return await hubspot.lacking_of(session, kind, wanted, session.log(hubspot.STREAM))
        finally:
            await session.close()

    assert asyncio.run(told(kept)) == tuple(name for name in wanted if name not in kept)
    with pytest.raises(Truncated, match="did not give all properties"):
        asyncio.run(told((*kept, next(name for name in wanted if name not in kept))))


def line(**more: Any) -> Line:
    given = {
        "operator_id": "op-1", "name": "One", "owner_id": "", "owner": "", "segment": "", "status": "active", "band": "at_risk",
        "score": 55, "highest": None, "health": "", "mrr": None, "worth": None, "level": "this_week", "sooner": False,
        "until": date(2026, 11, 8), "because": "",
    }  # fmt: skip
    return Line(**{**given, **more})


@pytest.mark.parametrize(
    ("given", "score", "urgency", "act_by"),
    [
        ({}, "55", "this_week", "2026-11-08"),
        ({"score": None, "band": "insufficient"}, "", "this_week", "2026-11-08"),
        ({"score": 40, "highest": 80, "band": "unsettled"}, "", "this_week", "2026-11-08"),
        ({"score": 0}, "0", "this_week", "2026-11-08"),
        ({"level": "watch", "until": None, "sooner": True}, "55", "watch_or_sooner", ""),
    ],
)
def test_what_is_not_known_is_written_as_none(given: Mapping[str, Any], score: str, urgency: str, act_by: str) -> None:
    told = values_of(line(**given), date(2026, 11, 1))
    assert (told[hubspot.SCORE], told[hubspot.URGENCY], told[hubspot.ACT_BY]) == (score, urgency, act_by)
    assert told.keys() == hubspot.PROPERTIES.keys()
    for name, value in told.items():
        options = hubspot.PROPERTIES[name].get("options")
        assert not value or not options or value in {one["value"] for one in options}


def test_only_who_has_one_company_alone_is_written() -> None:
    assert own([("a", "1"), ("b", "2"), ("c", "2"), ("d", "4"), ("d", "5")]) == {"a": "1"}


def test_one_run_adds_nothing_without_being_told(desk: Desk) -> None:
    with pytest.raises(UsageError, match="--prepare adds properties"):
        desk.used("write-back", prepare=True)


def test_a_company_that_is_gone_when_it_is_written_is_told_and_the_others_are_written(desk: Desk) -> None:
    async def once() -> hubspot.Taken:
        session, taken = HubSpotSession(desk.settings, lambda: desk.now), hubspot.Taken()
        try:
            there = [row["id"] for row in desk.ask("GET", "/crm/v3/objects/companies?limit=2")["results"]]
            await hubspot.add(session, await hubspot.lacking(session, session.log("a")), session.log("a"))
            await hubspot.write(session, {one: {hubspot.SCORE: "60"} for one in (*there, "404")}, taken)
        finally:
            await session.close()
        assert taken.written == set(there)
        return taken

    taken = asyncio.run(once())
    assert list(taken.refused) == ["404"]
    assert "they may be deleted or not exist" in taken.refused["404"]
