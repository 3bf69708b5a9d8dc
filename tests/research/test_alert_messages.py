"""Alerts as messages: told once when they are new, once a change of band, in one thread, within each reader's budget."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from customer_research.domain.alert import Alert, Episode, Grounds, Observation, alerts_of
from customer_research.domain.alert_told import OVER, AlertTold, goes_on, news
from customer_research.domain.delivery import Address, Delivery
from customer_research.domain.evidence import Receipt
from customer_research.domain.line import Line, Step
from customer_research.domain.money import Money
from customer_research.domain.person import Person
from customer_research.domain.vocabularies import Severity
from customer_research.errors import UsageError
from customer_research.reports.kinds.alerts import AlertBasis
from customer_research.research.delivering import alert_messages as module
from customer_research.research.delivering.alert_messages import ALERT, BUDGET, NOTE, Telling, tell
from customer_research.settings import Settings
from customer_research.store import outbox
from customer_research.store.database import Store, open_store
from customer_research.store.outbox import Outbox
from customer_research.store.people import People

MONDAY = datetime(2026, 11, 2, 6, tzinfo=UTC)
PROOF = Receipt("r1", "portfolio", "scores", "scores", MONDAY, 3, "0" * 64)
BASELINE = Observation(MONDAY - timedelta(days=30), "baseline")
SLACK, TEAM = "slack:U0ADA", "slack:C0ALERTS"
LATER = timedelta(days=1)


def day(number: float) -> datetime:
    return MONDAY + timedelta(days=number)


def seen(at: datetime) -> Observation:
    return Observation(at, f"{at:%m%d%H%M}")


def episode(
    subject: str = "op-1",
    at: datetime = MONDAY,
    rule: str = "P1",
    severity: Severity = "high",
    number: int = 1,
    **more: Any,
) -> Episode:
    told = Grounds(f"Something is wrong with {subject}.")
    values: dict[str, Any] = {"raised": seen(at), "held": seen(at), **more}
    return Episode(rule, subject, f"{subject} *Limo*", number, "Payment", severity, told, **values)


def line(subject: str, band: str = "at_risk", level: str = "this_week", owner: str = "901") -> Line:
    return Line(
        operator_id=subject,
        name=f"{subject} *Limo*",
        owner_id=owner,
        owner=f"Owner {owner}",
        segment="SMB",
        status="active",
        band=band,  # type: ignore[arg-type]
        score=50,
        highest=None,
        health=f"50 {band}",
        mrr=(Money("USD", 125_000),),
        worth=125_000,
        level=level,  # type: ignore[arg-type]
        sooner=False,
        until=date(2026, 11, 9),
        because="Usage fell.",
        act="Call them",
        by="CSM",
        step=Step("Call them.", "CSM", "Usage fell.", "high", "by 2026-11-09", ()),
        basis=dict.fromkeys(("health", "mrr", "owner", "because", "act"), (PROOF,)),
    )


@dataclass
class Desk:
    """A store with alerts and operators as a test wants them."""

    settings: Settings
    store: Store
    episodes: dict[tuple[str, str], Episode] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    checked: bool = False

    def open(self, one: Episode, of: Line | None) -> None:
        self.episodes[one.rule, one.subject] = one
        if of is not None:
            self.lines[one.subject] = of

    def band(self, subject: str, band: str) -> None:
        self.lines[subject] = replace(self.lines[subject], band=band)  # type: ignore[arg-type]

    def clear(self, subject: str, at: datetime) -> None:
        for key, one in list(self.episodes.items()):
            if one.subject == subject:
                self.episodes[key] = replace(one, cleared=seen(at), cleared_because="It was paid.")

    def tell(self, at: datetime, **how: Any) -> Telling:
        """What comes of telling after a check at that instant."""
        self.checked = True
        how = how or {"to": (TEAM,)}
        self.at = at
        return tell(self.settings, now=at, **how)

    def basis(self, _settings: Settings, _store: Store, *_rest: Any) -> tuple[AlertBasis, None]:
        basis = AlertBasis(self.at, self.at, (PROOF,), (), {}, dict(self.lines), "baseline")
        return basis, None

    def newest(self) -> Observation | None:
        return BASELINE if self.checked else None

    def known(self, *, open_only: bool = True, subject: str | None = None) -> tuple[Episode, ...]:
        """As the book of alerts gives them."""
        found = (one for one in self.episodes.values() if subject in {None, one.subject})
        return tuple(one for one in found if one.open or not open_only)

    def messages(self, address: str = TEAM) -> list[Delivery]:
        """What was put for an address, the oldest first."""
        found = [one for one in Outbox(self.store).list()[0] if str(one.message.address) == address]
        return found[::-1]

    def occasions(self, address: str = TEAM) -> list[tuple[str, str, str]]:
        told = [(one, AlertTold.read(one.message.occasion)) for one in self.messages(address)]
        return [(one.message.kind, one.message.subject, told.band) for one, told in told if told]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('alerts')}/store.db") as opened:
        yield opened


@pytest.fixture
def desk(store: Store, monkeypatch: pytest.MonkeyPatch) -> Desk:
    with store.begin() as connection:
        connection.execute(sa.delete(outbox.outbox))
    for one in People(store).all():
        People(store).forget(one.email)
    made = Desk(Settings.model_validate({"store": {"url": f"sqlite:///{store.place}"}}), store)
    monkeypatch.setattr(module, "basis_of", made.basis)
    book = SimpleNamespace(newest=made.newest, episodes=made.known)
    monkeypatch.setattr(module, "AlertBook", lambda _store: book)
    return made


def person(store: Store, owner: str = "901", **more: Any) -> None:
    given = {"owner_id": owner, "address": SLACK, **more}
    People(store).change(f"{owner}@example.com", lambda one: replace(one, **given))


# -- what is news ------------------------------------------------------------------------------------------------------


def story(**more: Any) -> Alert:
    (found,) = alerts_of([episode(**more)])
    return found


def what(alert: Alert, band: str = "at_risk", last: AlertTold | None = None, **more: Any) -> str | None:
    given = {"waits": False, "baseline": "baseline", "now": day(1), **more}
    return news(alert, band, last, **given)


def test_what_is_new_is_news_unless_it_stood_already_waits_is_seen_or_hidden() -> None:
    assert what(story()) == "new"
    assert what(story(), band="insufficient") == "new", "what is not known cannot wait"
    assert what(story(raised=BASELINE)) is None
    assert what(story(), waits=True) is None
    assert what(story(acknowledged_at=MONDAY)) is None
    assert what(story(snoozed_until=day(9))) is None
    (risen,) = alerts_of([episode(raised=BASELINE), episode(rule="E3", at=day(1))])
    assert what(risen) == "new"


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        ("at_risk", "at_risk", None),
        ("at_risk", "critical", "worse"),
        ("monitor", "critical", "worse"),
        ("critical", "at_risk", "better"),
        ("critical", "healthy", "better"),
        ("critical", "unsettled", None),
        ("critical", "", None),
        ("", "critical", "worse"),
        ("unsettled", "at_risk", "worse"),
        ("unsettled", "healthy", None),
    ],
)
def test_of_a_story_that_goes_on_only_another_band_is_news(then: str, now: str, expected: str | None) -> None:
    last = AlertTold("a1", then, day(0.5))
    assert what(story(), band=now, last=last) == expected


def test_a_story_goes_on_as_long_as_something_is_open_that_was_open_when_it_was_told() -> None:
    last = AlertTold("a1", "at_risk", day(1))
    (alert,) = alerts_of([episode(), episode(rule="E3", at=day(2))])
    assert goes_on(alert, last)
    assert not goes_on(story(at=day(2)), last)
    assert not goes_on(story(), replace(last, band=OVER))
    assert what(story(at=day(2)), last=last) == "new"


def test_what_was_told_is_read_from_the_occasion_of_its_message() -> None:
    for told in (AlertTold("a1", "critical", MONDAY), AlertTold("a1", "", MONDAY), AlertTold("a1", OVER, MONDAY)):
        assert AlertTold.read(told.occasion) == told
    for other in ("", "2026-W44", "a b c", "a1 critical yesterday"):
        assert AlertTold.read(other) is None


# -- messages ----------------------------------------------------------------------------------------------------------


def test_an_alert_is_told_once_and_each_change_of_band_in_its_thread(desk: Desk) -> None:
    desk.open(episode(), line("op-1"))
    assert desk.tell(day(0)).put == 1
    assert desk.tell(day(0.5)).put == 0, "nothing is new"
    desk.open(episode(rule="E3", at=day(1)), None)
    assert desk.tell(day(1)).put == 0, "another reason of the same story"
    for number, band in ((2, "critical"), (2.5, "critical"), (3, "at_risk"), (4, "critical")):
        desk.band("op-1", band)
        desk.tell(day(number))
    desk.clear("op-1", day(5))
    desk.tell(day(5))
    desk.tell(day(6))
    assert desk.occasions() == [
        (ALERT, "op-1", "at_risk"),
        (ALERT, "op-1", "critical"),
        (NOTE, "op-1", "at_risk"),
        (ALERT, "op-1", "critical"),
        (NOTE, "op-1", OVER),
    ]
    root, *answers = desk.messages()
    assert root.message.after == ""
    assert {one.message.after for one in answers} == {root.key}
    assert "It was paid." in answers[-1].message.content["blocks"][0]["text"]["text"]
    desk.open(episode(at=day(8), number=2), line("op-1"))
    assert desk.tell(day(8)).put == 1
    assert desk.messages()[-1].message.after == "", "a new story begins a thread of its own"


def test_a_story_keeps_its_thread_when_its_oldest_reason_is_over(desk: Desk) -> None:
    desk.open(episode(), line("op-1"))
    desk.open(episode(rule="E3"), None)
    desk.tell(day(0))
    desk.episodes["E3", "op-1"] = replace(desk.episodes["E3", "op-1"], cleared=seen(day(1)))
    desk.band("op-1", "critical")
    desk.tell(day(1))
    root, answer = desk.messages()
    assert answer.message.after == root.key


def test_a_message_says_who_how_it_stands_why_and_what_to_do_and_can_be_answered(desk: Desk) -> None:
    desk.open(episode(), line("op-1"))
    desk.tell(day(0))
    (found,) = desk.messages()
    content = found.message.content
    texts = "\n".join(block["text"]["text"] for block in content["blocks"] if isinstance(block.get("text"), dict))
    assert "op-1 \N{ASTERISK OPERATOR}Limo\N{ASTERISK OPERATOR}" in texts, "a name commands nothing"
    for word in ("$1,250.00 of MRR a month", "this week, by 2026-11-09", "Payment: Something is wrong"):
        assert word in texts
    controls = content["blocks"][-1]
    assert (controls["type"], controls["block_id"]) == ("actions", f"alert:{found.message.occasion.split()[0]}")
    assert "*What to do*\nCall them (CSM, by 2026-11-09)." in texts
    assert "Owner 901" in texts
    assert texts.count("$1,250.00") == 1, "nothing is said twice"
    assert found.message.title.startswith("op-1 *Limo*: Alert, 2026-11-02")


@pytest.mark.parametrize("address", ["email:a@example.com", "webhook:crm", "file:alerts/x.md", "notion:source"])
def test_where_there_is_no_thread_only_what_is_new_or_worse_is_told(desk: Desk, address: str) -> None:
    desk.open(episode(), line("op-1"))
    for number, band in ((0, "at_risk"), (1, "critical"), (2, "at_risk"), (3, "critical")):
        desk.band("op-1", band)
        desk.tell(day(number), to=(address,))
    desk.clear("op-1", day(4))
    desk.tell(day(4), to=(address,))
    assert desk.occasions(address) == [(ALERT, "op-1", "at_risk"), (ALERT, "op-1", "critical")]


def test_sources_are_told_to_the_team_and_operators_to_their_owners(desk: Desk) -> None:
    person(desk.store)
    desk.open(episode("source:lago"), None)
    desk.open(episode("op-1"), line("op-1"))
    desk.open(episode("op-2"), line("op-2", owner="902"))
    told = desk.tell(day(0), to=(TEAM,), owners=True)
    assert sorted(subject for _, subject, _ in desk.occasions()) == ["op-1", "op-2", "source:lago"]
    assert [subject for _, subject, _ in desk.occasions(SLACK)] == ["op-1"]
    assert told.nowhere == ["Owner 902"]
    assert "Nobody knows where to tell: Owner 902." in told.words()
    assert desk.messages(SLACK)[0].message.elsewhere == Address("email", "901@example.com")


def test_alerts_that_nobody_is_told_of_are_counted(desk: Desk) -> None:
    person(desk.store)
    desk.open(episode("source:lago"), None)
    desk.open(episode("op-1"), line("op-1"))
    desk.open(episode("op-2"), line("op-2", owner=""))
    told = desk.tell(day(0), owners=True)
    assert [subject for _, subject, _ in desk.occasions(SLACK)] == ["op-1"]
    assert (told.unowned, told.partial) == (2, True)
    assert told.words()[-1].startswith("2 alerts of a source, or of an operator whose account owner is not known")
    named = desk.tell(day(0), to=(TEAM,), owners=True)
    assert (named.unowned, named.partial) == (0, False), "who is named is told of all"
    after = desk.tell(day(0), owners=True)
    assert (after.unowned, after.partial) == (0, False), "the team was told before, by another schedule"
    desk.open(episode("source:hubspot"), None)
    assert desk.tell(day(0), owners=True).unowned == 1


def test_all_who_look_after_a_book_are_told(desk: Desk) -> None:
    person(desk.store)
    People(desk.store).change(
        "second@example.com", lambda one: replace(one, owner_id="901", address="email:second@example.com")
    )
    desk.open(episode("op-1"), line("op-1"))
    assert desk.tell(day(0), owners=True).put == 2
    assert len(desk.occasions(SLACK)) == len(desk.occasions("email:second@example.com")) == 1


def test_a_reader_gets_so_many_in_a_week_and_what_is_to_be_done_now_beyond_it(desk: Desk) -> None:
    person(desk.store)
    for number in range(5):
        desk.open(episode(f"op-{number}"), line(f"op-{number}", level="now" if number == 4 else "this_week"))
    told = desk.tell(day(0), owners=True)
    assert (told.put, told.held) == (3, 2)
    first = desk.messages(SLACK)
    assert first[0].message.subject == "op-4", "the most urgent first"
    assert {one.reason for one in first if one.state == "dropped"} == {
        "Over the week's budget: it stands in the list of alerts, and the digest counts it."
    }
    desk.open(episode("op-9", at=day(1)), line("op-9", level="now"))
    assert desk.tell(day(1), owners=True).put == 1
    desk.open(episode("op-8", at=day(7)), line("op-8"))
    assert desk.tell(day(7), owners=True).put == 1, "a new week"
    assert "2 alerts over the week's budget" in told.words()[1]


def test_a_week_begins_on_the_readers_own_monday(desk: Desk) -> None:
    person(desk.store, zone="America/New_York")
    sunday = datetime(2026, 11, 9, 3, tzinfo=UTC)  # still Sunday in New York
    for number in range(3):
        desk.open(episode(f"op-{number}", at=sunday), line(f"op-{number}"))
    assert desk.tell(sunday, owners=True).put == BUDGET
    desk.open(episode("op-7", at=sunday), line("op-7"))
    assert desk.tell(sunday + timedelta(hours=1), owners=True).put == 0
    desk.open(episode("op-8", at=sunday), line("op-8"))
    assert desk.tell(sunday + timedelta(hours=3), owners=True).put == 1


def test_quiet_hours_hold_a_message_and_who_muted_alerts_gets_none(desk: Desk) -> None:
    person(desk.store, quiet_from=time(20), quiet_until=time(8))
    person(desk.store, "902", address="slack:U0BEN", muted={ALERT: None})
    desk.open(episode("op-1"), line("op-1"))
    desk.open(episode("op-2"), line("op-2", owner="902"))
    told = desk.tell(day(0), owners=True)
    assert (told.put, told.muted) == (1, 1)
    assert desk.messages(SLACK)[0].due == MONDAY.replace(hour=8)
    (muted,) = desk.messages("slack:U0BEN")
    assert (muted.state, muted.reason) == ("dropped", "Muted by its reader.")
    desk.clear("op-2", day(1))
    desk.tell(day(1), owners=True)
    assert len(desk.messages("slack:U0BEN")) == 1, "nothing was told that could be over"


def test_two_programs_that_tell_at_once_tell_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.open(episode(), line("op-1"))
    assert desk.tell(day(0)).put == 1
    monkeypatch.setattr(Outbox, "last_about", lambda *_given: {})  # as the other saw the outbox, a moment before
    assert desk.tell(day(0)).put == 0
    assert len(desk.messages()) == 1


@pytest.mark.parametrize(
    ("how", "said"),
    [({"to": ()}, "Nobody is named whom to tell."), ({"to": ("fax:1",)}, "'fax:1' is no address: write slack:PLACE")],
)
def test_who_is_told_has_to_be_named(desk: Desk, how: Mapping[str, Any], said: str) -> None:
    desk.open(episode(), line("op-1"))
    with pytest.raises(UsageError, match=said):
        desk.tell(day(0), **how, budget=1)


def test_before_anything_was_checked_nothing_is_told(desk: Desk) -> None:
    with pytest.raises(UsageError, match="No snapshot has been checked"):
        tell(desk.settings, to=(TEAM,), now=MONDAY)


def test_a_quarter_of_five_owners_and_a_hundred_operators_stays_within_the_budget(desk: Desk) -> None:
    owners = [str(901 + number) for number in range(5)]
    for owner in owners:
        person(desk.store, owner, address=f"slack:U0{owner}")
    drawn, bands = random.Random(7), ("monitor", "at_risk", "critical")
    numbers: Counter[str] = Counter()
    for week in range(13):
        at = day(7 * week)
        for number in range(100):
            subject = f"op-{number}"
            if drawn.random() < 0.06:
                numbers[subject] += 1
                level = "now" if drawn.random() < 0.05 else "this_week"
                fresh = replace(episode(subject, at), number=numbers[subject])
                desk.open(fresh, line(subject, drawn.choice(bands), level, owners[number % 5]))
            elif subject in desk.lines and drawn.random() < 0.2:
                desk.band(subject, drawn.choice(bands))
            elif drawn.random() < 0.05:
                desk.clear(subject, at)
        desk.tell(at, owners=True)
    for owner in owners:
        every = desk.messages(f"slack:U0{owner}")
        sent = [one for one in every if one.state != "dropped" and one.message.kind == ALERT]
        weeks = Counter(one.put_at.isocalendar().week for one in sent)
        urgent = Counter(
            one.put_at.isocalendar().week for one in sent if "now, by" in str(one.message.content["blocks"])
        )
        assert all(count - urgent[week] <= BUDGET for week, count in weeks.items())
        assert sum(weeks.values()) > 13 // 2, "they are told something"
        roots = {one.key for one in every if not one.message.after}
        assert {one.message.after for one in every if one.message.after} <= roots


def test_people_of_another_kind_than_owners_are_not_told(desk: Desk) -> None:
    People(desk.store).change("eve@example.com", lambda one: Person(one.email))
    desk.open(episode(), line("op-1"))
    assert desk.tell(day(0), owners=True).put == 0
