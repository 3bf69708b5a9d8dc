"""How fast, and how well, a lookup answers among 100,000 operators.

Run: `python -m benchmarks.lookup [OPERATORS]`. Each kind of term's median and 99th percentile are told in CPU milliseconds, and
as multiples of one plain pass of rapidfuzz (`fuzz.ratio`, best five) over all names, measured between the lookups of the same
run. For mistyped names also recall@5: how often the operator meant is among the first five, or among the nearest when none
matches; beside it that of the plain pass. CPU seconds of the thread: another program beside does not count.
"""

from __future__ import annotations

import random
import statistics
import string
import sys
import time
import uuid
from collections.abc import Callable
from functools import partial

from rapidfuzz import fuzz, process

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
FIRST = 5


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


def swapped(text: str, rng: random.Random) -> str:
    """The text with two neighbouring letters swapped."""
    at = rng.randrange(len(text) - 1)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def dropped(text: str, rng: random.Random) -> str:
    """The text without one of its letters."""
    at = rng.randrange(len(text))
    return text[:at] + text[at + 1 :]


def doubled(text: str, rng: random.Random) -> str:
    """The text with one letter too many."""
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(string.ascii_lowercase) + text[at:]


def replaced(text: str, rng: random.Random) -> str:
    """The text with one letter taken for another."""
    at = rng.randrange(len(text))
    return text[:at] + rng.choice(string.ascii_lowercase) + text[at + 1 :]


SLIPS: dict[str, Callable[[str, random.Random], str]] = {
    "letters swapped": swapped,
    "letter dropped": dropped,
    "letter too many": doubled,
    "wrong letter": replaced,
    "wrong first letter": lambda text, rng: rng.choice(string.ascii_lowercase) + text[1:],
    "two slips": lambda text, rng: replaced(swapped(text, rng), rng),
    "last word left out": lambda text, rng: dropped(text.rsplit(" ", 1)[0], rng),
    "words run together": lambda text, rng: swapped(text.replace(" ", "", 1), rng),
}
"""What people type instead of a name."""


TERMS: dict[str, Callable[[Candidate, random.Random], str]] = {
    "operator id": lambda candidate, _: candidate.operator_id.upper(),
    "Stripe account": lambda candidate, _: str(candidate.stripe_account),
    "e-mail": lambda candidate, _: str(candidate.email),
    "exact name": lambda candidate, _: candidate.name,
    "first word": lambda candidate, _: candidate.name.split()[0],
    "trade (a sixth of all)": lambda candidate, _: candidate.name.split()[-1],
}


def seconds(call: Callable[[], object]) -> float:
    """CPU time of one call."""
    started = time.thread_time()
    call()
    return time.thread_time() - started


class Plain:
    """The pass that needs no index: every name's ratio to the term."""

    def __init__(self, crowd: list[Candidate]) -> None:
        self._names = [candidate.name.lower() for candidate in crowd]
        self._ids = [candidate.operator_id for candidate in crowd]
        self.taken: list[float] = []

    def finds(self, term: str, meant: str) -> bool:
        """Whether the operator meant is among the five names most like the term; notes how long it took."""
        started = time.thread_time()
        hits = process.extract(term.lower(), self._names, scorer=fuzz.ratio, limit=FIRST)
        self.taken.append(time.thread_time() - started)
        return any(self._ids[position] == meant for _, _, position in hits)

    @property
    def unit(self) -> float:
        """The median pass."""
        return statistics.median(self.taken)


def run(count: int = 100_000) -> None:
    """Build, warm up, measure, print ratios."""
    rng = random.Random(3)
    crowd = operators(count, rng)
    plain = Plain(crowd)
    directory = Directory(crowd)
    strange = ("zzqx wvvk", "zzqxqz wvvkwv")  # the second one makes the index that the first does without
    firsts = (crowd[0].operator_id, "acct_00000000000000xx", "a@b.cd", *strange)
    built = seconds(lambda: [directory.search(term) for term in firsts])
    rows: list[tuple[str, list[float], str]] = []
    for kind, term in TERMS.items():
        terms = [term(rng.choice(crowd), rng) for _ in range(REPEATS)]
        rows.append((kind, sorted(seconds(partial(directory.search, text)) for text in terms), ""))
    everything: list[float] = []
    hits = plain_hits = 0
    for kind, spoil in SLIPS.items():
        meant = [(spoil(candidate.name, rng), candidate.operator_id) for candidate in rng.sample(crowd, REPEATS)]
        answered = [(*_answer(directory, *one), plain.finds(*one)) for one in meant]
        found, by_pass = sum(hit for _, hit, _ in answered), sum(hit for _, _, hit in answered)
        taken = sorted(time_taken for time_taken, _, _ in answered)
        rows.append((kind, taken, f"   recall@5 {found / REPEATS:.3f} (plain {by_pass / REPEATS:.3f})"))
        everything += taken
        hits, plain_hits = hits + found, plain_hits + by_pass
    share = f"   recall@5 {hits / len(everything):.4f} (plain {plain_hits / len(everything):.4f})"
    rows.append(("all mistyped names", sorted(everything), share))
    unit = plain.unit
    print(f"operators: {count:,}; unit: one plain pass of rapidfuzz over all names ({1000 * unit:.1f} ms of CPU)")
    print(f"all indexes: {built / unit:.0f} x ({built:.1f} s)")
    for kind, taken, told in rows:
        print(f"{kind:24} {_spread(taken, unit)}{told}")


def _spread(taken: list[float], unit: float) -> str:
    """Median and 99th percentile of sorted times."""
    parts = (("median", taken[len(taken) // 2]), ("p99", taken[len(taken) * 99 // 100]))
    return "   ".join(f"{name} {1000 * value:7.2f} ms {value / unit:6.3f} x" for name, value in parts)


def _answer(directory: Directory, term: str, meant: str) -> tuple[float, bool]:
    """How long a lookup took, and whether the operator meant is among the first five."""
    started = time.thread_time()
    answer = directory.search(term)
    taken = time.thread_time() - started
    matches = answer.matches or directory.nearest(term, FIRST)
    return taken, any(match.operator_id == meant for match in matches[:FIRST])


if __name__ == "__main__":
    run(*map(int, sys.argv[1:2]))
