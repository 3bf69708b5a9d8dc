"""Writing to HubSpot's companies against the sandbox: only what differs, nothing old for what is not known, never as an activity."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import httpx2
import pytest
from worlds import Worlds

from customer_research.domain.line import Line
from customer_research.errors import ConfigError, Unavailable, UsageError
from customer_research.lake import Lake
from customer_research.research import write_back as module
from customer_research.research.engine_choice import scratch
from customer_research.research.portfolio.measurement import put
from customer_research.research.portfolio.requests import Scoring
from customer_research.research.portfolio.take import take
from customer_research.research.sync import all_sources
from customer_research.research.usecases import Actor, Answer, Runner, finished
from customer_research.research.usecases.registry import RIGHTS, SEES
from customer_research.research.write_back import WriteBack, own, values_of, write_back
from customer_research.settings import LakeSettings, Settings, StoreSettings, load_settings
from customer_research.sources.hubspot import write_back as hubspot
from customer_research.sources.hubspot.session import HubSpotSession
from customer_research.sources.hubspot.settings import HubSpotSettings
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.hubspot import TOKEN

UPDATE = "/batch/update"


class Desk:
    """A portal of its own with a lake and a snapshot."""

    def __init__(self, settings: Settings, sandbox: Sandbox) -> None:
        assert settings.clock is not None
        self.settings, self.sandbox, self.now = settings, sandbox, settings.clock
        self.url = settings.of(HubSpotSettings).url

    def run(self, **how: Any) -> WriteBack:
        self.sandbox.clear_request_log()
        return asyncio.run(write_back(self.settings, lambda: self.now, **{"most": 1_000, **how}))

    def used(self, **how: Any) -> Answer:
        async def once() -> Answer:
            async with Runner(self.settings) as runner:
                return await runner.use("write-back", how, Actor("ada", "cli", RIGHTS | SEES))

        return finished(once())

    def updates(self) -> int:
        return sum(one.path.endswith(UPDATE) for one in self.sandbox.request_log)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx2.request(method, f"{self.url}{path}", json=body, headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def has(self, company: str) -> Mapping[str, str]:
        names = ",".join((*hubspot.PROPERTIES, "notes_last_updated"))
        told = self.ask("GET", f"/crm/v3/objects/companies/{company}?properties={names}")["properties"]
        return {name: told.get(name) or "" for name in names.split(",")}

    def put(self, company: str, **values: str) -> None:
        named = {f"{hubspot.GROUP}_{name}": value for name, value in values.items()}
        self.ask("PATCH", f"/crm/v3/objects/companies/{company}", {"properties": named})

    def rows(self, table: str) -> list[Any]:
        engine = scratch(self.settings)
        try:
            put(engine, table, table, Lake(self.settings.lake_folder).tables())
            return [tuple(row.items()) for row in engine.run(f"SELECT * EXCLUDE fetch_id FROM {table} ORDER BY ALL")]
        finally:
            engine.close()


@pytest.fixture(scope="module")
def desk(worlds: Worlds, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("write_back")
    with worlds.running() as sandbox:
        settings = load_settings(sandbox.config_path).model_copy(
            update={
                "lake": LakeSettings.model_validate({"folder": folder / "lake"}),
                "store": StoreSettings.model_validate({"url": f"sqlite:///{folder / 'store.db'}"}),
            }
        )
        made = Desk(settings, sandbox)
        all_sources.run(settings, lambda: made.now)
        take(settings, lambda: made.now, Scoring())
        yield made


def test_it_all(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A portal from its first day on: each step stands on the one before."""
    before = {table: desk.rows(table) for table in ("company", "engagement", "contact", "deal")}

    first = desk.run()
    assert first.lacking == tuple(hubspot.PROPERTIES)
    assert (len(first.changes) > 40, first.taken.written, desk.updates()) == (True, set(), 0)
    with pytest.raises(UsageError, match="lack 5 of the properties"):
        desk.run(send=True)
    answer = desk.used(limit=3)
    assert answer.body.last.startswith("HubSpot lacks the properties")  # type: ignore[union-attr]
    assert {one["name"] for one in desk.ask("GET", "/crm/v3/properties/companies")["results"]}.isdisjoint(
        hubspot.PROPERTIES
    )

    with pytest.raises(UsageError, match="more than the 5 that one run writes"):
        desk.run(send=True, prepare=True, most=5)
    assert desk.run().lacking, "what is refused has changed nothing"
    sent = desk.run(send=True, prepare=True)
    assert (len(sent.taken.written), sent.taken.refused, sent.cut) == (len(first.changes), {}, "")
    assert desk.updates() == -(-len(first.changes) // 100)
    for change in sent.changes[:10]:
        has = desk.has(change.company_id)
        assert {name: has[name] for name in change.values} == {name: new for name, (_, new) in change.values.items()}

    again = desk.run(send=True)
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
    mended = desk.run()
    assert [(change.company_id, [*change.values]) for change in mended.changes] == [(one, [hubspot.SCORE])]
    assert (mended.newer, mended.gone) == (1, 1), "a newer value is never replaced by an older"

    week_old = (desk.now - timedelta(days=7)).date().isoformat()
    desk.put(third, scored_on=week_old)
    assert {change.company_id for change in desk.run().changes} == {one, third}, "the day is written again after a week"

    # a rule of the portal that refuses one value has the request refused: the others are written nevertheless
    real = values_of
    bad = desk.run().changes[0].operator_id
    monkeypatch.setattr(
        module,
        "values_of",
        lambda line, day: {**real(line, day), hubspot.SCORE: "many" if line.operator_id == bad else "50"},
    )
    partial = desk.used(send=True)
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
    cut = desk.used(send=True, prepare=True)
    assert (cut.state, cut.document["written"]) == ("partial", 0)
    assert any(line.startswith("Cut off: HubSpot did not answer.") for line in cut.body.after)  # type: ignore[union-attr]


def test_a_property_of_another_kind_is_left_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {**hubspot.PROPERTIES, "name": {**hubspot.PROPERTIES[hubspot.SCORE], "name": "name"}}
    monkeypatch.setattr(hubspot, "PROPERTIES", changed)
    with pytest.raises(ConfigError, match="another kind of property under the name of ours: name"):
        desk.run(send=True, prepare=True)


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
        desk.used(prepare=True)


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
