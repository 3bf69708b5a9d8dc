"""Intercom's bulk stream and its links: equal to the live stream for every operator, right under both ways of comparing instants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import intercom_served
import pytest
from intercom_served import answering, refused, sandbox_of
from pulled import UNTIL, Kept, in_session, unstamped
from starlette.requests import Request
from starlette.responses import Response
from worlds import Worlds

from customer_research.connect.source import Subject
from customer_research.errors import BadAnswer, RateLimited, SchemaChanged, SourceError, Truncated, Unavailable
from customer_research.settings import Settings
from customer_research.sources.intercom.bulk import COMPANY, CONTACT_TABLE, CONVERSATION, MERGE
from customer_research.sources.intercom.source import SOURCE
from customer_research_sandbox.project_intercom import contact
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers import intercom
from customer_research_sandbox.servers.intercom import IntercomServer
from customer_research_sandbox.servers.wire import answer

STREAM, _ = SOURCE.bulk
CHATS = [link for link in SOURCE.links if "intercom_ticket" not in link.needs]
MANY, FEW = 1_500, 900
MIDNIGHT = datetime(2026, 10, 20, tzinfo=ZoneInfo("America/Los_Angeles"))
"""The edge of a day at the workspace: 07:00 UTC."""


@pytest.fixture
def own(worlds: Worlds) -> Iterator[Sandbox]:
    with sandbox_of(worlds) as running:
        yield running


def settings_of(own: Sandbox) -> Settings:
    """Those of a sync, as quick as may be."""
    quick = intercom_served.settings_of(own, requests_per_second=5000.0)
    return quick.model_copy(update={"bounds": quick.bounds.of_a_sync})


@pytest.fixture
def settings(own: Sandbox) -> Settings:
    return settings_of(own)


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
        ("left", ["lone"], first["id"]),
    ):
        told.conversations.append({**template, "id": own_id, "contact_ids": who, "company_ref": ref})
    operators = [one["company_id"] for one in told.companies]
    kept = Kept()
    pulled(settings, kept)
    given: dict[str, list[dict[str, Any]]] = {
        "operator": [{"operator_id": one} for one in [*operators, "unknown"]],
    }
    made = [row for link in CHATS for row in kept.linked(link, given)]

    async def live(session: Any) -> list[Any]:
        (stream,) = SOURCE.streams
        batches = [await stream.fetch(session, Subject(operator, UNTIL)) for operator in operators]
        assert not any(batch.gaps for batch in batches)
        return [row for batch in batches for row in batch.tables["conversation"]]

    found = in_session(SOURCE, settings, live)
    alone = {"left"}
    """Its contact has left the company, by whose contacts the live stream searches: `sync` alone finds it, as the README says."""
    assert {row["conversation_id"] for row in made} - {row["conversation_id"] for row in found} == alone
    assert unstamped([row for row in made if row["conversation_id"] not in alone]) == unstamped(found)
    assert len(made) == len(found) + len(alone)
    assert {row["company_since"] for row in made if row["operator_id"] == operators[0]} == {
        datetime.fromtimestamp(since, UTC)
    }
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
    assert merged["id"] in {row["contact_id"] for row in kept.rows(CONTACT_TABLE.name)}
    before = len(kept.slices)
    pulled(settings, kept, until=at + timedelta(days=1))

    assert held(kept) == served(own)
    came = Counter(
        row["conversation_id"] for piece in kept.slices[before:] for row in piece.rows.get(CONVERSATION.name, ())
    )
    assert {came[one["id"]] for one in made[::10]} == {1}  # each change once, though the look-back reads its day again
    assert [(row["old_id"], row["contact_id"]) for row in kept.rows(MERGE.name)] == [
        (merged["id"], told.contacts[1]["id"])
    ]
    assert merged["id"] not in {row["contact_id"] for row in kept.rows(CONTACT_TABLE.name)}
    pulled(settings, kept, until=at + timedelta(days=2))
    assert held(kept) == served(own)


def test_a_pull_that_is_cut_off_ends_in_the_same_rows(worlds: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intercom, "SCROLL_PAGE", 1)
    scroll = IntercomServer._companies_scroll

    def after_a_minute(server: IntercomServer, request: Request) -> Response:
        if "scroll_param" not in request.query_params:
            server._scroll = None
        return scroll(server, request)

    monkeypatch.setattr(IntercomServer, "_companies_scroll", after_a_minute)
    with sandbox_of(worlds) as own:
        settings, whole = settings_of(own), Kept()
        _fill(own, MIDNIGHT, FEW)
        pulled(settings, whole)
        slices = len(whole.slices)
        assert slices >= 8
        for most in range(1, slices):
            kept = Kept()
            pulled(settings, kept, most=most)
            pulled(settings, kept)
            assert (held(kept), kept.marks) == (held(whole), whole.marks)
            assert kept.rows(COMPANY.name) == whole.rows(COMPANY.name)
            assert set(kept.slices[-1].whole) == set(whole.slices[-1].whole)


def test_a_pull_that_was_cut_off_deletes_nothing_that_did_not_come(own: Sandbox, settings: Settings) -> None:
    """Three records lack of the conversations that the answers announce, behind the place where the pull was cut off."""
    _fill(own, MIDNIGHT, MANY)
    kept = Kept()
    pulled(settings, kept)
    slices, before = len(kept.slices), held(kept)
    pulled(settings, kept, full=True, most=slices - 2)
    own.set_faults("intercom:short")
    try:
        pulled(settings, kept, full=True)
    finally:
        own.set_faults()
    assert held(kept) == before
    assert kept.slices[-1].gaps[CONVERSATION.name].reason == "truncated"


def test_what_is_made_while_a_pull_is_cut_off_does_not_lack_in_it(own: Sandbox, settings: Settings) -> None:
    made = _fill(own, MIDNIGHT, MANY)
    whole = Kept()
    pulled(settings, whole)
    kept = Kept()
    pulled(settings, kept, most=len(whole.slices) - 2)
    assert len(held(kept)) < len(held(whole))
    own.dataset.intercom.conversations.append({**made[0], "id": "later", "updated_at": int(UNTIL.timestamp())})
    pulled(settings, kept)
    assert not kept.slices[-1].gaps
    assert held(kept) == held(whole)


def _broken(told: Any, own_id: str = "broken") -> dict[str, Any]:
    """A closed conversation of the first company that does not say when it began."""
    ref = told.companies[0]["id"]
    made = {**told.conversations[0], "id": own_id, "state": "closed", "company_ref": ref, "created_at": 0}
    told.conversations.append(made)
    return made


def _gaps(own: Sandbox, kept: Kept) -> list[dict[str, Any]]:
    given = {"operator": [{"operator_id": one["company_id"]} for one in own.dataset.intercom.companies]}
    return [row for link in CHATS if link.table == "gap" for row in kept.linked(link, given)]


def test_one_that_cannot_be_read_stays_a_gap_until_it_can(own: Sandbox, settings: Settings) -> None:
    told = own.dataset.intercom
    broken = _broken(told)
    kept = Kept()
    for until in (UNTIL, UNTIL + timedelta(days=9)):  # the mark moves on, and the conversation is not changed
        pulled(settings, kept, until=until)
        assert kept.slices[-1].unread is not None
        (gap,) = _gaps(own, kept)
        assert (gap["operator_id"], gap["table_name"], gap["reason"]) == (
            told.companies[0]["company_id"],
            "conversation",
            "unavailable",
        )
        assert gap["detail"].startswith("1 conversation record cannot be read")
    broken["created_at"] = told.conversations[0]["created_at"]
    pulled(settings, kept, until=UNTIL + timedelta(days=12))
    assert kept.slices[-1].unread is None
    assert _gaps(own, kept) == []
    assert "broken" in held(kept)


def test_many_that_cannot_be_read_are_asked_for_again_and_deleted_ones_forgotten(
    own: Sandbox, settings: Settings
) -> None:
    told = own.dataset.intercom
    for number in range(5):
        _broken(told, f"broken{number}")
    kept = Kept()
    pulled(settings, kept)
    told.deleted.append({"id": "broken0", "deleted_at": int(UNTIL.timestamp())})
    _broken(told, "another")["updated_at"] = int(UNTIL.timestamp())  # which the search of changes tells
    pulled(settings, kept, until=UNTIL + timedelta(days=9))
    unread = kept.slices[-1].unread
    assert unread is not None
    assert unread.detail.startswith("5 conversation records")
    (gap,) = _gaps(own, kept)
    assert gap["detail"].startswith("5 conversation records")


def test_a_cut_off_pull_remembers_what_could_not_be_read(own: Sandbox, settings: Settings) -> None:
    _broken(own.dataset.intercom)
    kept = Kept()
    pulled(settings, kept)
    whole = len(kept.slices)
    cut = Kept()
    pulled(settings, cut, most=whole - 1)
    pulled(settings, cut)
    assert cut.slices[-1].unread == kept.slices[-1].unread is not None


def test_a_contact_that_was_merged_twice_is_the_last_one(own: Sandbox, settings: Settings) -> None:
    told = own.dataset.intercom
    company, since = told.companies[0], told.companies[0]["created_at"]
    first, second, last = (contact(one, one, f"{one}@example.com", (company["id"],), since) for one in "abc")
    told.contacts += [first, second, last]
    told.conversations.append({**told.conversations[0], "id": "m", "contact_ids": ["a"], "company_ref": None})
    kept = Kept()
    later = int(UNTIL.timestamp())
    for number, (old, new) in enumerate(((first, second), (second, last))):
        new["merged"].append((old["id"], later + number))
        new["updated_at"] = later + number
        pulled(settings, kept, until=UNTIL + timedelta(days=1 + number))
    pulled(settings, kept, full=True, until=UNTIL + timedelta(days=3))
    (link,) = (one for one in SOURCE.links if one.table == "conversation")
    made = kept.linked(link, {"operator": [{"operator_id": company["company_id"]}]})
    assert ("m", "contact", True) in {(row["conversation_id"], row["matched_by"], row["is_certain"]) for row in made}


def test_what_was_deleted_is_followed_over_its_pages(own: Sandbox, settings: Settings) -> None:
    told = own.dataset.intercom
    made = _fill(own, MIDNIGHT, 150)
    kept = Kept()
    pulled(settings, kept)
    told.deleted += [{"id": one["id"], "deleted_at": int(UNTIL.timestamp()) + n} for n, one in enumerate(made)]
    for one in made:  # which the search of open ones would tell, too
        kept.tables[CONVERSATION.name][(one["id"],)]["is_open"] = False
    pulled(settings, kept, until=UNTIL + timedelta(days=1))
    assert held(kept) == served(own)


@pytest.mark.parametrize(
    ("handler", "change", "error"),
    [
        ("_companies_scroll", refused(400, "scroll_exists"), RateLimited),
        ("_companies_scroll", refused(404, "not_found"), Unavailable),
        ("_companies_scroll", lambda told: {**told, "scroll_param": None}, BadAnswer),
        ("_companies", lambda told: {k: v for k, v in told.items() if k != "total_count"}, SchemaChanged),
        ("_companies_scroll", lambda _: answer({"data": [{"id": "1"}], "scroll_param": "a"}, 200), Truncated),
        (
            "_deleted",
            lambda told: {**told, "conversations": [{"id": "1"}], "pages": {"total_pages": 10**9}},
            Truncated,
        ),
    ],
    ids=["scroll exists", "scroll ended", "no mark", "no count", "endless scroll", "endless deleted"],
)
def test_what_is_wrong_with_lists_is_said(
    worlds: Worlds,
    monkeypatch: pytest.MonkeyPatch,
    handler: str,
    change: Callable[[Any], Any],
    error: type[SourceError],
) -> None:
    answering(monkeypatch, handler, change)
    kept = Kept(marks={STREAM.name: UNTIL.isoformat()})
    with sandbox_of(worlds) as own, pytest.raises(error) as told:
        pulled(settings_of(own), kept)
    if isinstance(told.value, RateLimited):
        assert told.value.retry_after == 60


def test_companies_that_a_scroll_leaves_out_are_told(worlds: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    with sandbox_of(worlds) as own:
        kept = Kept()
        pulled(settings_of(own), kept)
        companies = kept.rows(COMPANY.name)
        answering(monkeypatch, "_companies_scroll", lambda told: {**told, "data": told["data"][1:]})
    with sandbox_of(worlds) as own:
        pulled(settings_of(own), kept)
    assert kept.slices[-1].gaps[CONVERSATION.name].reason == "truncated"
    assert kept.rows(COMPANY.name) == companies


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
