"""Lookup cases taken from the sandbox's own records: ids in every spelling, addresses, names, and names mistyped."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from customer_research.domain.names import name_key
from customer_research.identity.normalise import normalize_phone
from customer_research_sandbox.dataset import Dataset

SEED = 20261101
FREE_MAIL = ("gmail.", "yahoo.", "hotmail.", "outlook.", "icloud.", "aol.")


@dataclass(frozen=True)
class Case:
    """A term, how it was made, and all operators that it names: one means that it must be picked, several that none may."""

    how: str
    term: str
    operators: frozenset[str]
    exact: bool = True


@dataclass(frozen=True)
class Operator:
    """What the sandbox's records say of one operator."""

    id: str
    name: str
    email: str
    phone: str
    website: str
    stripe: str
    hubspot: str


def operators(dataset: Dataset) -> list[Operator]:
    """The operators of the CSM view, with what the app's operator table knows of them; named scenarios included."""
    rows = {str(row["LAGO_EXTERNAL_CUSTOMER_ID"]): row for row in dataset.warehouse["MOOVS.CSM_MOOVS"].rows}
    table = {str(row["OPERATOR_ID"]): row for row in dataset.warehouse["POSTGRES_SWOOP.OPERATOR"].rows}
    return [_operator(key, row, table[key]) for key, row in sorted(rows.items()) if key in table]


def _operator(key: str, csm: Mapping[str, Any], own: Mapping[str, Any]) -> Operator:
    return Operator(
        id=key,
        name=csm["P_COMPANY_NAME"] or own["NAME"],
        email=csm["P_GENERAL_EMAIL"] or "",
        phone=csm["PHONE_NUMBER"] or "",
        website=own["WEBSITE_URL"] or "",
        stripe=csm["P_STRIPE_ACCOUNT_ID"] or "",
        hubspot=csm["HS_C_ID"] or "",
    )


SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "id as it is": str,
    "id undashed": lambda key: key.replace("-", ""),
    "id upper case": str.upper,
    "id with op_": lambda key: f"op_{key}",
    "id in braces": lambda key: f"{{{key}}}",
    "id in quotes and a comma": lambda key: f'"{key}",',
    "id in brackets": lambda key: f"<{key}>",
    "id with blanks": lambda key: f"  {key}\n",
}


def cases(dataset: Dataset) -> list[Case]:
    """200 cases, the same each time."""
    rng = random.Random(SEED)
    known = [
        one for one in operators(dataset) if one.name.isascii() and one.name.replace("&", "").replace(" ", "").isalpha()
    ]
    made = [*_ids(known, rng), *_accounts(known, rng), *_addresses(known, rng), *_names(known, rng)]
    return [*made, *_records(dataset, rng), *_typos(known, rng, 200 - len(made) - 16)]


def _ids(known: Sequence[Operator], rng: random.Random) -> Iterator[Case]:
    for how, spell in SPELLINGS.items():
        for one in rng.sample(known, 4):
            yield Case(how, spell(one.id), frozenset({one.id}))


def _having(known: Sequence[Operator], value: Callable[[Operator], str]) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for one in known:
        if value(one):
            found[value(one)].add(one.id)
    return {key: frozenset(ids) for key, ids in found.items()}


def _picked(
    how: str, values: Mapping[str, frozenset[str]], count: int, rng: random.Random, spell: Callable[[str], str] = str
) -> Iterator[Case]:
    for value in rng.sample(sorted(values), count):
        yield Case(how, spell(value), values[value])


def _accounts(known: Sequence[Operator], rng: random.Random) -> Iterator[Case]:
    yield from _picked("Stripe account", _having(known, lambda one: one.stripe), 12, rng)
    hubspot = _having(known, lambda one: one.hubspot if one.hubspot.isdigit() else "")
    yield from _picked("HubSpot id", hubspot, 8, rng)
    yield from _picked("HubSpot id as a float", hubspot, 4, rng, lambda key: f"{int(key) / 1e10:.10f}E10")


def _addresses(known: Sequence[Operator], rng: random.Random) -> Iterator[Case]:
    emails = _having(known, lambda one: one.email.lower())
    yield from _picked("e-mail", emails, 8, rng)
    yield from _picked("e-mail in capitals", emails, 4, rng, str.upper)
    own = _having(known, lambda one: "" if any(mail in one.email for mail in FREE_MAIL) else one.website)
    yield from _picked("web address", own, 6, rng)
    yield from _picked("domain", own, 6, rng, lambda url: url.removeprefix("https://www."))
    phones = _having(known, lambda one: normalize_phone(one.phone) if one.phone else "")
    yield from _picked("phone", phones, 6, rng)


def _names(known: Sequence[Operator], rng: random.Random) -> Iterator[Case]:
    folded = _having(known, lambda one: name_key(one.name))
    names = {one.name: folded[name_key(one.name)] for one in known}
    yield from _picked("name", names, 12, rng)
    yield from _picked("name in capitals", names, 4, rng, str.upper)
    yield from _picked("name with accents", names, 6, rng, lambda name: name.replace("e", "é").replace("o", "ö"))
    for how, cut in (("first two words", slice(0, 2)), ("last two words", slice(-2, None))):
        for name in rng.sample(sorted(names), 6):
            part = " ".join(name.split()[cut])
            holders = frozenset(one.id for one in known if name_key(part) in name_key(one.name))
            yield Case(how, part, holders, exact=False)


def _records(dataset: Dataset, rng: random.Random) -> Iterator[Case]:
    trips = dataset.warehouse["FACT.MOOVS_OPERATOR_RESERVATIONS"].rows
    for at in rng.sample(range(len(trips)), 8):
        yield Case("trip confirmation", str(trips[at]["CONFIRMATION_NUMBER"]), frozenset({trips[at]["OPERATOR_ID"]}))
    holders = _having(operators(dataset), lambda one: one.stripe)
    charges = dataset.warehouse["MOZART_NEW.MOOVS_PLATFORM_CHARGES"].rows
    usable = [at for at in rng.sample(range(len(charges)), 40) if charges[at]["STRIPE_ACCOUNT_ID"] in holders]
    for at in usable[:8]:
        yield Case("charge", charges[at]["STRIPE_CHARGE_ID"], holders[charges[at]["STRIPE_ACCOUNT_ID"]])


# --- typos -------------------------------------------------------------------------------------------------------


def _at(rng: random.Random, text: str) -> int:
    """A place within a word, its first letter apart."""
    return rng.choice([at for at in range(1, len(text) - 1) if text[at - 1 : at + 2].isalpha()])


def _swapped(rng: random.Random, text: str) -> str:
    at = _at(rng, text)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _dropped(rng: random.Random, text: str) -> str:
    at = _at(rng, text)
    return text[:at] + text[at + 1 :]


def _doubled(rng: random.Random, text: str) -> str:
    at = _at(rng, text)
    return text[:at] + text[at] + text[at:]


def _wrong(rng: random.Random, text: str) -> str:
    at = _at(rng, text)
    return text[:at] + rng.choice("aeioustrn") + text[at + 1 :]


TYPOS: Mapping[str, Callable[[random.Random, str], str]] = {
    "two letters swapped": _swapped,
    "a letter dropped": _dropped,
    "a letter doubled": _doubled,
    "a wrong letter": _wrong,
    "two slips": lambda rng, text: _dropped(rng, _swapped(rng, text)),
    "run together": lambda _rng, text: text.replace(" ", "", 1),
    "words in another order": lambda _rng, text: " ".join(reversed(text.split())),
    "slip in capitals": lambda rng, text: _wrong(rng, text).upper(),
    "legal form added": lambda rng, text: _dropped(rng, text) + " LLC",
}


def _typos(known: Sequence[Operator], rng: random.Random, count: int) -> Iterator[Case]:
    for number in range(count):
        how, slip = list(TYPOS.items())[number % len(TYPOS)]
        one = rng.choice(known)
        yield Case(how, slip(rng, one.name), frozenset({one.id}), exact=False)
