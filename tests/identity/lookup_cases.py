"""A made-up directory and lookup cases with known answers: ids in every spelling, names, and names mistyped in ten ways."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from customer_research.domain.identity import Candidate

FIRST = [
    "Harbor",
    "Quill",
    "Amber",
    "Cedar",
    "Falcon",
    "Granite",
    "Juniper",
    "Lantern",
    "Marble",
    "Nimbus",
    "Orchard",
    "Pewter",
    "Raven",
    "Saffron",
    "Thistle",
    "Umber",
    "Velvet",
    "Willow",
    "Zephyr",
    "Birch",
    "Copper",
    "Dune",
    "Ember",
    "Fjord",
    "Glacier",
    "Hollow",
    "Indigo",
    "Jasper",
    "Kestrel",
    "Lagoon",
]
SECOND = [
    "Lattice",
    "Ferry",
    "Compass",
    "Meadow",
    "Beacon",
    "Anchor",
    "Bridge",
    "Canyon",
    "Drift",
    "Echo",
    "Forge",
    "Gable",
    "Haven",
    "Inlet",
    "Jetty",
    "Knoll",
    "Ledge",
    "Mill",
    "Notch",
    "Orbit",
    "Prairie",
    "Quarry",
    "Ridge",
    "Summit",
    "Trellis",
]
TRADE = ("Limousine", "Black Car", "Shuttle", "Transportation", "Chauffeurs", "Executive Cars")
JOINTS = (" ", " ", " & ", " and ")


@dataclass(frozen=True)
class Case:
    """A term, how it was made, the operator it means, and whether it is an exact id."""

    how: str
    term: str
    operator_id: str
    exact: bool


def directory(count: int, seed: int = 11) -> list[Candidate]:
    """Operators with distinct names, ids, accounts, mails and phones."""
    rng = random.Random(seed)
    names = [
        f"{first}{rng.choice(JOINTS)}{second} {trade}"
        for trade, first, second in itertools.product(TRADE, FIRST, SECOND)
    ]
    rng.shuffle(names)
    while len(names) < count:
        names.append(f"{rng.choice(names[:4000])} {len(names)}")
    return [_operator(number, name, rng) for number, name in enumerate(names[:count])]


def _operator(number: int, name: str, rng: random.Random) -> Candidate:
    slug = "".join(char for char in name.lower() if char.isalnum())
    return Candidate(
        operator_id=str(uuid.UUID(int=rng.getrandbits(128), version=1)),
        name=name,
        email=f"office@{slug}.example.com",
        phone=f"({200 + number // 100 % 700}) 555-01{number % 100:02d}",
        domain=f"{slug}.example.com",
        stripe_account="acct_" + "".join(rng.choices("ABCDEFGHJKLMabcdefghjklm0123456789", k=16)),
        hubspot_id=str(10_000_000_000 + number * 977),
        status=rng.choice(("active", "active", "active", "terminated")),
        mrr_minor=rng.choice((0, 14_900, 19_900, 49_900, None)),
    )


def _at(rng: random.Random, text: str) -> int:
    """A place within a word, so that a slip changes letters, not blanks."""
    return rng.choice([i for i in range(1, len(text) - 1) if text[i - 1 : i + 2].isalpha()])


def _swap(rng: random.Random, text: str) -> str:
    at = next(i for i in iter(lambda: _at(rng, text), None) if text[i].lower() != text[i + 1].lower())
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _drop(rng: random.Random, text: str) -> str:
    at = _at(rng, text)
    return text[:at] + text[at + 1 :]


def _double(rng: random.Random, text: str) -> str:
    at = _at(rng, text)
    return text[:at] + text[at] + text[at:]


def _replace(rng: random.Random, text: str) -> str:
    at = _at(rng, text)
    return text[:at] + rng.choice([c for c in "abcdefghiklmnoprstuvwy" if c != text[at].lower()]) + text[at + 1 :]


def _words_swapped(rng: random.Random, text: str) -> str:
    words = text.split()
    return " ".join([words[-1], *words[:-1]])


TYPOS: dict[str, Callable[[random.Random, str], str]] = {
    "two letters swapped": _swap,
    "a letter dropped": _drop,
    "a letter doubled": _double,
    "a wrong letter": _replace,
    "two slips": lambda rng, text: _drop(rng, _swap(rng, text)),
    "run together": lambda rng, text: text.replace(" ", "", 1),
    "words in another order": _words_swapped,
    "trade left out, one slip": lambda rng, text: _swap(rng, " ".join(text.split()[:-1])),
    "slip and another case": lambda rng, text: _replace(rng, text).upper(),
    "legal form added, one slip": lambda rng, text: _drop(rng, text) + " LLC",
}
EXACT: dict[str, Callable[[Candidate], str]] = {
    "id": lambda c: c.operator_id,
    "id undashed": lambda c: c.operator_id.replace("-", ""),
    "id upper": lambda c: c.operator_id.upper(),
    "id op_": lambda c: f"op_{c.operator_id}",
    "id braces": lambda c: f"{{{c.operator_id}}}",
    "id quotes": lambda c: f'"{c.operator_id}",',
    "id brackets": lambda c: f"<{c.operator_id}>",
    "stripe": lambda c: str(c.stripe_account),
    "hubspot": lambda c: str(c.hubspot_id),
    "hubspot float": lambda c: f"{int(str(c.hubspot_id)) / 1e10:.10f}E10",
    "email": lambda c: str(c.email).upper(),
    "domain": lambda c: f"https://www.{c.domain}/",
    "phone": lambda c: f"+1 {c.phone}",
    "phone digits": lambda c: "".join(filter(str.isdigit, str(c.phone))),
    "name": lambda c: c.name,
    "name, other case and joint": lambda c: c.name.upper().replace(" AND ", " & "),
}


def cases(candidates: list[Candidate], count: int, seed: int = 5) -> list[Case]:
    """`count` cases, half exact and half mistyped, evenly over all ways."""
    rng = random.Random(seed)
    made = []
    for number in range(count // 2):
        candidate = rng.choice(candidates)
        how, make = list(EXACT.items())[number % len(EXACT)]
        made.append(Case(how, make(candidate), candidate.operator_id, exact=True))
        candidate = rng.choice(candidates)
        how, slip = list(TYPOS.items())[number % len(TYPOS)]
        made.append(Case(how, slip(rng, candidate.name), candidate.operator_id, exact=False))
    return made
