"""The outbox in the store: one row a key, one worker a delivery, and what is known after each way of stopping."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from made_up_readings import DATABASES, NOW, new_url, server

from customer_research.domain.delivery import OVER, STATES, Address, Delivery, Message, State, message_key
from customer_research.errors import UsageError
from customer_research.store import outbox
from customer_research.store.database import Store, open_store
from customer_research.store.outbox import LeaseLost, Outbox

pytestmark = pytest.mark.xdist_group("engines")

LEASE = timedelta(minutes=2)
MINUTE = timedelta(minutes=1)
CHANNEL = Address("slack", "C0123456789")
MAILBOX = Address("email", "ada@example.com")


@pytest.fixture(scope="module", params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(new_url(server(request.param, tmp_path_factory.mktemp("outbox")))) as opened:
        yield opened


@pytest.fixture
def box(store: Store) -> Outbox:
    with store.begin() as connection:
        connection.execute(sa.delete(outbox.outbox))
    return Outbox(store)


def message(occasion: str = "2026-W44", **changes: Any) -> Message:
    values: dict[str, Any] = {
        "kind": "digest",
        "subject": "team",
        "occasion": occasion,
        "address": CHANNEL,
        "title": "The week",
        "content": {"text": "Two at risk \N{EM DASH} é\0", "blocks": [{"type": "divider"}]},
        "elsewhere": MAILBOX,
    }
    return Message(**{**values, **changes})


def taken(box: Outbox, *, at: int = 0, worker: str = "w1") -> Delivery:
    """What a worker claims so many minutes after now: there is something."""
    found = box.claim(worker, now=NOW + at * MINUTE, lease=LEASE)
    assert found is not None
    return found


def none_due(box: Outbox, at: int = 0) -> bool:
    return box.claim("w9", now=NOW + at * MINUTE, lease=LEASE) is None


# -- keys --------------------------------------------------------------------------------------------------------------


def test_a_key_says_what_for_which_occasion_and_where_and_no_part_runs_into_the_next() -> None:
    parts = ("digest", "team", "2026-W44", CHANNEL)
    others = (
        ("alert", "team", "2026-W44", CHANNEL),
        ("digest", "901", "2026-W44", CHANNEL),
        ("digest", "team", "2026-W45", CHANNEL),
        ("digest", "team", "2026-W44", MAILBOX),
        ("digest", "team", "2026-W44", Address("email", CHANNEL.place)),
        ("digestteam", "", "2026-W44", CHANNEL),
        ("digest", "team2", "026-W44", CHANNEL),
    )
    assert len({message_key(*one) for one in (parts, *others)}) == len(others) + 1
    made = message()
    assert made.key == message_key(*parts)
    assert replace(made, title="Other", content={}, elsewhere=None).key == made.key


def test_a_key_is_the_same_after_the_store_took_out_what_no_database_holds(box: Outbox) -> None:
    made = message("odd\0occasion", subject="a\0b", address=Address("file", "x\0.md"))
    assert box.put(made, now=NOW)
    found = box.named(made.key)
    assert found.key == made.key
    assert not box.put(found.message, now=NOW)


# -- putting -----------------------------------------------------------------------------------------------------------


def test_a_message_is_kept_once_as_it_was_rendered_first(box: Outbox) -> None:
    made = message()
    assert box.put(made, now=NOW, due=NOW + MINUTE, until=NOW + 9 * MINUTE)
    assert not box.put(replace(made, title="Changed"), now=NOW + MINUTE)
    assert box.named(made.key) == Delivery(made, "ready", NOW, NOW + MINUTE, NOW + 9 * MINUTE, NOW)


def test_what_somebody_muted_is_noted_and_never_due(box: Outbox) -> None:
    assert box.put(message(), now=NOW, dropped="Ada muted digests.")
    assert none_due(box, 60)
    assert not box.put(message(), now=NOW), "no later run sends it"
    (found,), _ = box.list()
    assert (found.state, found.reason) == ("dropped", "Ada muted digests.")


def test_only_what_nobody_has_and_what_was_never_begun_is_dropped_with_what_it_was_about(
    store: Store, box: Outbox
) -> None:
    for name in ("begun", "held", "waits"):
        box.put(message(name), now=NOW)
    box.mark(box.begin(taken(box), now=NOW, lease=LEASE), "ready", now=NOW, due=NOW + MINUTE)
    taken(box)
    keys = [message(name).key for name in ("begun", "held", "waits", "not there")]
    with store.begin() as connection:
        assert outbox.drop_unsent(connection, keys, "Cancelled.", NOW) == (message("waits").key,)
    states = {one.message.occasion: (one.state, one.reason) for one in box.list()[0]}
    assert states == {"begun": ("ready", ""), "held": ("sending", ""), "waits": ("dropped", "Cancelled.")}


def test_a_message_belongs_to_the_transaction_that_put_it(store: Store, box: Outbox) -> None:
    def broken() -> None:
        with store.begin() as connection:
            assert outbox.put(connection, message(), now=NOW)
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    assert box.list() == ((), 0)


# -- claiming ----------------------------------------------------------------------------------------------------------


def test_the_delivery_that_is_due_first_is_taken_by_one_worker_until_its_lease_ends(box: Outbox) -> None:
    box.put(message("later"), now=NOW, due=NOW + MINUTE)
    box.put(message("first"), now=NOW)
    first = taken(box)
    assert (first.message.occasion, first.state, first.attempts, first.worker) == ("first", "sending", 1, "w1")
    assert first.lease_until == NOW + LEASE
    assert none_due(box)
    assert taken(box, at=1).message.occasion == "later"
    assert box.claim("w2", now=NOW + 2 * MINUTE - timedelta(microseconds=1), lease=LEASE) is None
    again = taken(box, at=2, worker="w2")
    assert (again.key, again.attempts, again.worker, again.begun_at) == (first.key, 2, "w2", None)


def test_who_lost_a_lease_can_neither_send_nor_say_what_became_of_it(box: Outbox) -> None:
    box.put(message(), now=NOW)
    slow = taken(box)
    quick = taken(box, at=2, worker="w2")
    with pytest.raises(LeaseLost):
        box.begin(slow, now=NOW + 2 * MINUTE, lease=LEASE)
    with pytest.raises(LeaseLost):
        box.mark(slow, "sent", now=NOW, remote="1", told=[message("told")])
    assert [one.key for one in box.list()[0]] == [slow.key]
    box.mark(box.begin(quick, now=NOW + 2 * MINUTE, lease=LEASE), "sent", now=NOW + 2 * MINUTE, remote="2")
    found = box.named(slow.key)
    assert (found.state, found.remote, found.lease_until, found.begun_at) == ("sent", "2", None, None)
    with pytest.raises(LeaseLost):
        box.mark(quick, "failed", now=NOW)


def test_the_same_worker_that_took_it_twice_holds_only_the_second(box: Outbox) -> None:
    box.put(message(), now=NOW)
    first, second = taken(box), taken(box, at=2)
    with pytest.raises(LeaseLost):
        box.begin(first, now=NOW + 2 * MINUTE, lease=LEASE)
    box.begin(second, now=NOW + 2 * MINUTE, lease=LEASE)


def test_it_is_known_since_when_a_message_may_be_over_there(box: Outbox) -> None:
    box.put(message(), now=NOW)
    claimed = taken(box)
    box.mark(claimed, "ready", now=NOW, due=NOW + MINUTE, reason="The rate limit held.")
    claimed = taken(box, at=1)
    assert claimed.begun_at is None, "nothing was sent"
    begun = box.begin(claimed, now=NOW + MINUTE, lease=LEASE)
    assert begun.lease_until == NOW + MINUTE + LEASE
    box.mark(begun, "ready", now=NOW, due=NOW + 2 * MINUTE)
    claimed = taken(box, at=2)
    assert claimed.begun_at == NOW + MINUTE
    assert box.begin(claimed, now=NOW + 2 * MINUTE, lease=LEASE).begun_at == NOW + MINUTE, "the first time counts"
    assert taken(box, at=4, worker="w2").begun_at == NOW + MINUTE, "after a crash"


def test_a_message_that_follows_another_waits_for_it_and_followers_keep_their_order(box: Outbox) -> None:
    root = message("episode", kind="alert")
    for name in ("second", "third"):
        box.put(message(name, kind="alert", after=root.key), now=NOW)
    box.put(root, now=NOW + MINUTE)
    assert none_due(box)
    claimed = taken(box, at=1)
    assert claimed.message == root
    assert none_due(box, 1)
    box.mark(claimed, "failed", now=NOW + MINUTE, reason="The channel is archived.")
    second = taken(box, at=1)
    assert second.message.occasion == "second"
    assert none_due(box, 1)
    box.mark(second, "sent", now=NOW + MINUTE, remote="1.2")
    assert taken(box, at=1).message.occasion == "third"


def test_what_is_free_is_found_behind_many_that_wait(box: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "NEAREST", 3)
    root = message("episode")
    for number in range(5):
        box.put(message(str(number), after=root.key), now=NOW)
    box.put(message("free"), now=NOW)
    box.put(root, now=NOW + MINUTE)
    assert taken(box).message.occasion == "free"
    assert none_due(box)


def test_of_two_changes_of_a_message_the_later_waits_for_the_earlier(box: Outbox) -> None:
    brief = message("meeting", kind="brief")
    box.put(brief, now=NOW)
    moved, cancelled = (message(f"meeting, {word}", kind="brief", updates=brief.key) for word in ("moved", "cancelled"))
    box.put(moved, now=NOW)
    box.put(cancelled, now=NOW)
    for expected in (brief, moved, cancelled):
        claimed = taken(box)
        assert claimed.message == expected
        assert none_due(box)
        box.mark(claimed, "sent", now=NOW, remote="1.1")


def test_workers_at_once_take_every_delivery_once(box: Outbox) -> None:
    count = 120
    for number in range(count):
        box.put(message(str(number)), now=NOW)

    def work(name: str) -> list[str]:
        found = []
        while (claimed := box.claim(name, now=NOW, lease=LEASE)) is not None:
            found.append(claimed.message.occasion)
            box.mark(box.begin(claimed, now=NOW, lease=LEASE), "sent", now=NOW, remote=name)
        return found

    with ThreadPoolExecutor(4) as pool:
        done = list(itertools.chain.from_iterable(pool.map(work, ("a", "b", "c", "d"))))
    assert sorted(done) == sorted(map(str, range(count)))
    assert box.waiting().counts == {"sent": count}


# -- what became of it -------------------------------------------------------------------------------------------------


def test_who_is_told_of_a_failure_is_told_with_it_or_not_at_all(box: Outbox) -> None:
    made = message()
    box.put(made, now=NOW)
    claimed = taken(box)
    told = message(made.key, kind="notice", address=MAILBOX, elsewhere=None)
    marked = box.mark(claimed, "failed", now=NOW, reason="The channel is archived.", told=[told])
    assert marked == box.named(made.key)
    assert (marked.state, marked.reason) == ("failed", "The channel is archived.")
    assert taken(box).message == told


def test_people_retry_what_is_over_but_not_what_was_sent_or_is_under_way(box: Outbox) -> None:
    box.put(message(), now=NOW, until=NOW + MINUTE)
    for state in ("unknown", "failed", "dropped"):
        begun = box.begin(taken(box), now=NOW, lease=LEASE)
        box.mark(begun, state, now=NOW, reason="x")
        again = box.retry(begun.key[:8].upper(), now=NOW)
        assert again == box.named(begun.key)
        assert (again.state, again.attempts, again.insisted, again.until) == ("ready", 0, True, None)
        assert (again.begun_at is not None) == (state == "unknown"), "what may be there is looked up first"
    with pytest.raises(UsageError, match="is ready: only what is unknown, failed or dropped can be retried"):
        box.retry(message().key, now=NOW)
    box.mark(taken(box), "sent", now=NOW)
    with pytest.raises(UsageError, match="is sent"):
        box.retry(message().key, now=NOW)


def test_people_drop_what_is_not_sent_and_not_under_way(box: Outbox) -> None:
    box.put(message(), now=NOW)
    claimed = taken(box)
    with pytest.raises(UsageError, match="is sending") as refused:
        box.drop(claimed.key, "no", now=NOW)
    assert refused.value.hint
    box.mark(claimed, "ready", now=NOW)
    gone = box.drop(claimed.key, "Grace dropped it.", now=NOW)
    assert gone == box.named(claimed.key)
    assert (gone.state, gone.reason) == ("dropped", "Grace dropped it.")
    assert none_due(box, 9)


def test_a_delivery_is_named_by_the_beginning_of_its_key(box: Outbox) -> None:
    made = message()
    box.put(made, now=NOW)
    assert box.named(f" {made.key[:6]} ").key == made.key
    for wrong, said in (("abc", "no delivery's key"), ("zzzzzz", "no delivery's key"), ("0" * 32, "There is no")):
        with pytest.raises(UsageError, match=said):
            box.named(wrong)
    with box._store.begin() as connection:
        connection.execute(sa.update(outbox.outbox).values(key="a" * 32))
    box.put(made, now=NOW)
    with box._store.begin() as connection:
        connection.execute(sa.update(outbox.outbox).where(outbox.outbox.c.key == made.key).values(key="a" * 31 + "b"))
    with pytest.raises(UsageError, match="More than one"):
        box.named("aaaaaa")


def test_deliveries_are_listed_by_state_kind_channel_and_subject(box: Outbox) -> None:
    made = [
        message(),
        message(kind="alert", subject="op-1"),
        message(kind="alert", subject="op-2", address=MAILBOX),
    ]
    for minutes, one in enumerate(made):
        box.put(one, now=NOW + minutes * MINUTE)

    def found(**wanted: Any) -> list[Message]:
        return [one.message for one in box.list(**wanted)[0]]

    assert found() == made[::-1]
    assert found(kind="alert") == [made[2], made[1]]
    assert found(channel="email") == [made[2]]
    assert found(subject="op-1") == [made[1]]
    assert found(states=("sent", "failed")) == []
    assert box.list(states={"ready"}, most=1) == ((box.named(made[2].key),), 3)


def test_the_last_message_about_each_subject_and_how_many_an_address_was_to_get(box: Outbox) -> None:
    def put(subject: str, minutes: int, kind: str = "alert", address: Address = CHANNEL, dropped: str = "") -> Message:
        made = message(f"{minutes}", kind=kind, subject=subject, address=address)
        box.put(made, now=NOW + minutes * MINUTE, dropped=dropped)
        return made

    put("op-1", 1)
    last = put("op-1", 2, "alert_note")
    muted = put("op-2", 3, dropped="Muted.")
    put("op-1", 4, "digest")
    put("op-1", 5, address=MAILBOX)
    found = box.last_about(("alert", "alert_note"), CHANNEL)
    assert {subject: one.message for subject, one in found.items()} == {"op-1": last, "op-2": muted}
    assert box.put_since(("alert", "alert_note"), CHANNEL, NOW) == 2
    assert box.put_since(("alert", "alert_note"), CHANNEL, NOW + 2 * MINUTE) == 1
    assert box.put_since(("alert",), MAILBOX, NOW) == 1
    assert box.last_about(("alert",), Address("file", "x")) == {}


def test_what_a_message_or_the_last_in_its_place_is_called_over_there(box: Outbox) -> None:
    first = message()
    box.put(first, now=NOW)
    assert box.remote_of(first.key) == ""
    box.mark(taken(box), "sent", now=NOW, remote="1.1")
    assert box.remote_of(first.key) == "1.1"
    for minutes, (remote, state) in enumerate((("1.1", "sent"), ("9.9", "sent"), ("", "failed"))):
        box.put(message(f"change {minutes}", updates=first.key), now=NOW)
        box.mark(taken(box), state, now=NOW + minutes * MINUTE, remote=remote)  # type: ignore[arg-type]
    assert box.remote_of(first.key) == "9.9"


def test_how_an_outbox_stands(box: Outbox) -> None:
    assert box.waiting().counts == {}
    assert box.waiting().oldest_due is None
    for number, state in enumerate(STATES):
        box.put(message(state), now=NOW, due=NOW + number * MINUTE)
    for state in STATES:
        claimed = box.claim("w1", now=NOW + 5 * MINUTE, lease=LEASE)
        assert claimed is not None
        if state != "sending":
            box.mark(claimed, state, now=NOW, due=NOW + 60 * MINUTE if state == "ready" else None)
    assert box.waiting().counts == dict.fromkeys(STATES, 1)
    assert box.waiting().oldest_due == NOW + MINUTE


def test_what_is_over_for_long_is_forgotten_but_never_sent_anew(box: Outbox) -> None:
    for state in STATES:
        box.put(message(state), now=NOW)
        if state != "ready":
            claimed = taken(box)
            if state != "sending":
                box.mark(claimed, state, now=NOW)
    assert box.forget(NOW) == 0
    assert box.forget(NOW + MINUTE) == len(OVER)
    assert box.forget(NOW + MINUTE) == 0
    left = {one.state for one in box.list()[0] if one.message.content}
    assert left == {"ready", "sending"}
    assert not box.put(message("sent"), now=NOW)
    with pytest.raises(UsageError, match="no longer kept"):
        box.retry(message("failed").key, now=NOW)


def test_each_state_fits_its_column() -> None:
    for state in STATES:
        assert len(state) <= outbox.outbox.c.state.type.length  # type: ignore[attr-defined]
    checked: State = "unknown"
    assert checked in OVER
