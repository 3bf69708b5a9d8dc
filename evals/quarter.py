"""What a quarter sends: `python -m evals.quarter [WEEKS] [OPERATORS]`.

The sandbox's operators are scored as of each of the last Mondays, as it would have been then, and at each their account owners are
told: the week's digest, and what is new of alerts. Everything is done twice, as two processes would; what the outbox has of each
owner and week is counted and printed. Exit code 1 where a digest is missing or doubled.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from customer_research.domain.delivery import Delivery
from customer_research.settings import load_settings
from customer_research.store.database import open_store
from customer_research.store.outbox import Outbox
from customer_research.surfaces.cli.group import run
from customer_research_sandbox import world
from customer_research_sandbox.serve import Sandbox

WEEKS, OPERATORS = 13, 400
LAST = datetime(2026, 10, 26, 12, tzinfo=UTC)
"""The last Monday before the world's present, at noon: after the digest's time."""

CLOCK = "CUSTOMER_RESEARCH_CLOCK"


def main(arguments: Sequence[str]) -> int:
    """Live through the weeks; 1 where a digest came twice or not at all."""
    weeks, operators = map(int, (*arguments, *map(str, (WEEKS, OPERATORS)[len(arguments) :])))
    made = world.generate(n_operators=operators)
    with Sandbox.start(dataset=made, rate_limits=False) as running:
        config = running.config_path
        called(config, "sync")
        people = {str(one["id"]): str(one["email"]) for one in made.hubspot.owners}
        for place, (owner, email) in enumerate(sorted(people.items())):
            called(config, "me", "set", "--email", email, "--owner", owner, "--name", f"Owner {place}")
        called(config, "schedule", "add", "weekly-digest")
        told: list[Counter[tuple[str, str]]] = []
        seen: set[str] = set()
        for week in range(weeks):
            now = LAST - timedelta(weeks=weeks - 1 - week)
            os.environ[CLOCK] = f"{now:%Y-%m-%dT%H:%M:%SZ}"
            called(config, "portfolio", "score", "--as-of", f"{now:%Y-%m-%d}")
            called(config, "alerts", "check", "--limit", "1")
            for _ in range(2):
                called(config, "alerts", "tell", "--owners")
                called(config, "schedule", "run", "weekly-digest")
            new = [one for one in deliveries(config) if one.key not in seen]
            seen |= {one.key for one in new}
            told.append(Counter((kind(one), one.message.address.place) for one in new))
            print(f"{now:%Y-%m-%d}  {dict(Counter(map(kind, new)))}", flush=True)
    return judged(told, sorted(people.values()))


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


def judged(told: Sequence[Counter[tuple[str, str]]], people: Sequence[str]) -> int:
    """Say what each owner got; 1 where a week has not one digest for each."""
    wrong = 0
    for email in people:
        digests = [week["digest", email] for week in told]
        alerts = [week["alert", email] for week in told]
        wrong += sum(count != 1 for count in digests)
        print(f"{email}: digests {digests}, new alerts {alerts}")
    each = sum(week["alert", email] for week in told for email in people) / (len(told) * len(people))
    print(
        f"{len(told)} weeks, {len(people)} owners: {wrong} digests missing or doubled, {each:.1f} new alerts an owner and week."
    )
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
