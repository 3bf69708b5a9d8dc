"""How fast a lookup answers among 100,000 operators, against reading through all names once.

Run: `python -m benchmarks.lookup [OPERATORS]`. Prints ratios only: each kind of term's median and 99th percentile as
multiples of one plain pass over the lower-cased names, measured on the same machine at the same time.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from functools import partial

from customer_research.domain.identity import Candidate
from customer_research.identity.directory import Directory

SYLLABLES = (
    "har",
    "bor",
    "lan",
    "tern",
    "qui",
    "mar",
    "ble",
    "sa",
    "fron",
    "ki",
    "wil",
    "low",
    "ju",
    "ni",
    "per",
    "do",
    "ves",
    "tra",
)
TRADES = ("Limousine", "Black Car", "Shuttle", "Transportation", "Chauffeurs", "Cars")
REPEATS = 200


def word(rng: random.Random) -> str:
    """An invented word of two to four syllables."""
    return "".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))).capitalize()


def operators(count: int, rng: random.Random) -> list[Candidate]:
    """Invented operators with names of two invented words and a trade."""
    return [
        Candidate(
            operator_id=str(uuid.UUID(int=rng.getrandbits(128))),
            name=f"{word(rng)} {word(rng)} {rng.choice(TRADES)}",
            email=f"office{number}@op{number}.example.com",
            stripe_account=f"acct_{number:016d}",
            status="active",
            mrr_minor=number,
        )
        for number in range(count)
    ]


def slip(text: str, rng: random.Random) -> str:
    """The text with two neighbouring letters swapped."""
    at = rng.randrange(1, len(text.split(maxsplit=1)[0]) - 1)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


TERMS: dict[str, Callable[[Candidate, random.Random], str]] = {
    "operator id": lambda candidate, _: candidate.operator_id.upper(),
    "Stripe account": lambda candidate, _: str(candidate.stripe_account),
    "e-mail": lambda candidate, _: str(candidate.email),
    "exact name": lambda candidate, _: candidate.name,
    "first word": lambda candidate, _: candidate.name.split()[0],
    "trade (a sixth of all)": lambda candidate, _: candidate.name.split()[-1],
    "mistyped name": lambda candidate, rng: slip(candidate.name, rng),
}


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def run(count: int = 100_000) -> None:
    """Build, warm up, measure, print ratios."""
    rng = random.Random(3)
    crowd = operators(count, rng)
    names = [candidate.name for candidate in crowd]
    scan = statistics.median(seconds(lambda: [name for name in names if "zz" in name.lower()]) for _ in range(15))
    directory = Directory(crowd)
    built = seconds(
        lambda: [
            directory.search(term) for term in (crowd[0].operator_id, "acct_00000000000000xx", "a@b.cd", "zzqx wvvk")
        ]
    )
    print(f"operators: {count:,}; unit: one plain pass over all names; building all indexes: {built / scan:.0f} x")
    for kind, term in TERMS.items():
        terms = [term(rng.choice(crowd), rng) for _ in range(REPEATS)]
        taken = sorted(seconds(partial(directory.search, text)) for text in terms)
        print(f"{kind:24} median {taken[REPEATS // 2] / scan:7.3f} x   p99 {taken[REPEATS * 99 // 100] / scan:7.3f} x")


if __name__ == "__main__":
    run(*map(int, sys.argv[1:2]))
