"""What a quarter sends: `python -m evals.quarter [WEEKS] [OPERATORS]`.

The sandbox's operators are scored as of each of the last Mondays, as it would have been then, and at each their account owners are
told: the week's digest, and what is new of alerts. In between they meet operators (`quarter_meetings`), and have briefs before. All is
planned by the shipped schedules, sent to the sandbox's Slack and mailbox, and done twice, as two processes would; what the outbox has of
each owner and week is counted and printed. Exit code 1 where a digest or a brief is missing or doubled, or a message is not sent.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from customer_research.domain.delivery import Delivery
from customer_research.research.delivering.alert_messages import OVER_BUDGET
from customer_research.research.meetings.known import known_people
from customer_research.settings import load_settings
from customer_research.store.database import open_store
from customer_research.store.outbox import Outbox
from customer_research.surfaces.cli.group import run
from customer_research_sandbox import world
from customer_research_sandbox.dataset import Dataset
from customer_research_sandbox.serve import Sandbox
from evals.quarter_meetings import Calendars

WEEKS, OPERATORS = 13, 400
LAST = datetime(2026, 10, 26, 12, tzinfo=UTC)
"""The last Monday before the world's present, at noon: after the digest's time."""

CLOCK = "CUSTOMER_RESEARCH_CLOCK"
BRIEF = "brief"
IN_SLACK = 2
"""So many account owners are told in Slack, the others by e-mail."""


def main(arguments: Sequence[str]) -> int:
    """Live through the weeks; 1 where a digest or a brief came twice or not at all."""
    weeks, operators = map(int, (*arguments, *map(str, (WEEKS, OPERATORS)[len(arguments) :])))
    made = world.generate(n_operators=operators)
    held(made)
    first = LAST - timedelta(weeks=weeks - 1)
    with Sandbox.start(dataset=made, rate_limits=False) as running:
        config = running.config_path
        called(config, "sync")
        owners = {str(one["email"]): str(one["id"]) for one in made.hubspot.owners}
        addresses = {email: introduced(config, email, owners[email], place) for place, email in enumerate(owners)}
        for name in ("weekly-digest", "meeting-briefs"):
            called(config, "schedule", "add", name)
        calendars = Calendars(running, known_people(load_settings(config)), owners, first, weeks)
        told: list[Counter[tuple[str, str]]] = []
        seen: set[str] = set()
        for week in range(weeks):
            monday = first + timedelta(weeks=week)
            a_monday(config, monday)
            till = monday + timedelta(weeks=1)
            some_days(config, calendars, [at for at in calendars.moments() if monday < at < till])
            new = [one for one in deliveries(config) if one.key not in seen and not held_back(one)]
            seen |= {one.key for one in new}
            told.append(Counter((kind(one), str(one.message.address)) for one in new))
            print(f"{monday:%Y-%m-%d}  {dict(Counter(map(kind, new)))}", flush=True)
        sent = deliveries(config)
        there = {
            "email": len(running.mailbox.messages),
            "slack": sum(len(one.messages) for one in running.slack.channels.values() if one.direct),
        }
    wrong = calendars.judged([one for one in sent if one.message.kind == BRIEF])
    return judged(told, addresses) | briefed(calendars, wrong) | delivered(sent, there)


def held(made: Dataset) -> None:
    """What HubSpot has of meetings that were logged was held: nothing is to be told before them."""
    for one in made.hubspot.objects["meetings"]:
        if datetime.fromisoformat(one["properties"]["hs_meeting_start_time"]) < made.as_of:
            one["properties"]["hs_meeting_outcome"] = "COMPLETED"


def introduced(config: Path, email: str, owner: str, place: int) -> str:
    """Say who an account owner is; where they are told: the first two in Slack, the others by e-mail."""
    address = f"slack:U0MEMBER{place}" if place < IN_SLACK else f"email:{email}"
    who = ("--email", email, "--owner", owner, "--name", f"Owner {place}")
    called(config, "me", "set", *who, *(("--address", address) if place < IN_SLACK else ()))
    return address


def at(now: datetime) -> None:
    """Have the clock of all commands stand at an instant."""
    os.environ[CLOCK] = f"{now:%Y-%m-%dT%H:%M:%SZ}"


def a_monday(config: Path, now: datetime) -> None:
    """Everybody is scored, alerts are told, and the week."""
    at(now)
    called(config, "portfolio", "score", "--as-of", f"{now:%Y-%m-%d}")
    called(config, "alerts", "check", "--limit", "1")
    for _ in range(2):
        called(config, "alerts", "tell", "--owners")
        called(config, "schedule", "run", "weekly-digest")
        called(config, "outbox", "send")


def some_days(config: Path, calendars: Calendars, moments: Iterable[datetime]) -> None:
    """At each moment of a week in which a brief may be due or a meeting changes, briefs are planned and sent."""
    for now in moments:
        at(now)
        calendars.change(now)
        for _ in range(2):
            called(config, "schedule", "run", "meeting-briefs")
            called(config, "outbox", "send")
        with open_store(load_settings(config).store_url) as store:
            calendars.note(store, now)


def kind(one: Delivery) -> str:
    """What a delivery is; what goes on in the thread of an alert is none that is new."""
    return f"{one.message.kind}, in its thread" if one.message.after else one.message.kind


def called(config: Path, *arguments: str) -> None:
    """Run a command in this process.

    Raises:
        RuntimeError: it failed.
    """
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = run(["--config", str(config), *arguments])
    if code not in {0, 3, 6}:  # 3: partial, 6: something failed, as it is said
        raise RuntimeError(f"{' '.join(arguments)} ended with {code}:\n{said.getvalue()}")


def deliveries(config: Path) -> tuple[Delivery, ...]:
    """What the outbox has."""
    with open_store(load_settings(config).store_url) as store:
        return Outbox(store).list()[0]


def judged(told: Sequence[Counter[tuple[str, str]]], addresses: Mapping[str, str]) -> int:
    """Say what each owner got; 1 where a week has not one digest for each."""
    wrong = 0
    for email, address in addresses.items():
        digests = [week["digest", address] for week in told]
        alerts = [week["alert", address] for week in told]
        briefs = [week[BRIEF, address] for week in told]
        wrong += sum(count != 1 for count in digests)
        print(f"{email} ({address.partition(':')[0]}): digests {digests}, new alerts {alerts}, briefs {briefs}")
    each = sum(week["alert", address] for week in told for address in addresses.values()) / (len(told) * len(addresses))
    print(
        f"{len(told)} weeks, {len(addresses)} owners: {wrong} digests missing or doubled, {each:.1f} new alerts an owner and week."
    )
    return int(wrong > 0)


def briefed(calendars: Calendars, wrong: Sequence[str]) -> int:
    """Say what became of the meetings; 1 where one has not the briefs that it must have."""
    fates = Counter(one.fate for one in calendars.booked)
    places = Counter(one.place for one in calendars.booked)
    print(f"{len(calendars.booked)} meetings, entered in {dict(places)}: {dict(fates)}.")
    print(f"{len(wrong)} of them with briefs missing, doubled or wrong.", *wrong, sep="\n")
    return int(bool(wrong))


def held_back(one: Delivery) -> bool:
    """Whether a delivery is not to be sent, since its reader has had as many alerts in the week as they are to have."""
    return one.state == "dropped" and one.reason == OVER_BUDGET


def delivered(made: Sequence[Delivery], there: Mapping[str, int]) -> int:
    """Say how messages stand; 1 where one that is to be sent is not, or over there are others; in Slack one that is rewritten stays one."""
    sent = [one for one in made if not held_back(one)]
    states = Counter(one.state for one in sent)
    channels = Counter(
        one.message.address.channel for one in sent if one.message.address.channel != "slack" or not one.message.updates
    )
    print(
        f"{len(sent)} messages: {dict(states)}; sent {dict(channels)}, over there {dict(there)}; "
        f"{len(made) - len(sent)} over the week's budget."
    )
    return int(set(states) != {"sent"} or dict(channels) != dict(there))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
