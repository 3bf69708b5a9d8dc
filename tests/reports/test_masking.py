"""Personal data in running text: what is found, what is left alone, and that no format of any report lets it out."""

from __future__ import annotations

import csv
import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from report_accounts import full
from test_audience import text_in

from customer_research.documents import masking
from customer_research.documents.formats import FORMATS, render
from customer_research.documents.masking import People, mask_numbers, mask_text
from customer_research.domain.account import Account
from customer_research.domain.occasion import Occasion
from customer_research.reports.kinds import KINDS

LINES = Path(__file__).parent / "personal_lines.tsv"
PEOPLE = People(
    ("Dario Dunmoor", "Elin Greaves-Holt", "Ana María Quiñones", "Seán O'Fearghail", "Priya Ramanathan", "May Brook"),
    "Silvermead Livery",
)


@cache
def lines() -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Kind, text, and the parts that nobody may read afterwards."""
    with LINES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    return tuple((kind, text, tuple(filter(None, secrets.split("|")))) for kind, text, secrets in rows)


def test_three_hundred_lines_lose_what_is_personal_and_nothing_else() -> None:
    """The figures of decision 7."""
    seen, found = Counter(kind for kind, _, _ in lines()), Counter[str]()
    for kind, text, secrets in lines():
        masked = mask_text(text, PEOPLE)
        if kind == "none":
            assert masked == text
        else:
            found[kind] += not any(secret in masked for secret in secrets)
    assert sum(seen.values()) >= 300
    assert {kind: seen[kind] - found[kind] for kind in seen if kind != "none"} == {
        "phone": 1,  # a word grown together with wide digits
        "email": 0,
        "card": 0,
        "ssn": 0,
        "person": 0,
    }


def test_only_texts_that_hold_no_number_of_any_plan_are_not_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(5)
    written = (
        "+1 (415) 555-2671",
        "415-555-2671",
        "0044 20 7946 0958",
        "011 44 20 7946 0958",
        "+43 1234",
        "+27 11111",
        "Dispatch: 310 1234, ask for Ann",
        "desk 1 310 1234 ext 12",
        "310.1234",
    )
    texts = {*written, "2026-11-04 to 2026-12-01, $1,234.50", "+   (   44   20 7946 0958"}
    for one in written * 300:
        letters = list(one)
        for _ in range(chance.randint(1, 4)):
            letters.insert(chance.randrange(len(letters) + 1), chance.choice("0123456789 -./()+x,:$\u2013\u00a0\uff0b"))
        texts |= {
            "".join(letters),
            f"since 2026-11-03 {''.join(letters)}",
            f"{one}, by 1999-12-31{''.join(letters)[:3]}",
        }
    texts |= {f"{chance.getrandbits(48):012x}" for _ in range(300)} | {
        "by 2026-11-03",
        "2026-11-03: 2 of 5",
        "a4155552671",
    }
    told = {text: list(masking._phones(text)) for text in texts}
    assert sum(map(bool, told.values())) > 300
    assert sum(masking._PERHAPS_PHONE.search(text) is None for text in texts) > 50
    monkeypatch.setattr(masking, "_PERHAPS_PHONE", re.compile(""))
    monkeypatch.setattr(masking, "_IDENTIFIER", re.compile("(?!)"))
    assert told == {text: list(masking._phones(text)) for text in texts}


def test_masking_twice_is_masking_once() -> None:
    for _, text, _ in lines():
        masked = mask_text(text, PEOPLE)
        assert mask_text(masked, PEOPLE) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Call with Elin Greaves-Holt re Dario", "Call with E. G. H. re D."),
        ("Dunmoor asks", "D. asks"),
        ("May invoice, paid by May Brook", "May invoice, paid by M. B."),
        ("card 4242 4242 4242 4242", "card •••4242"),
        ("IBAN GB82 WEST 1234 5698 7654 32", "IBAN •••5432"),
        ("mail dario [at] x.example", "mail d•••@x.example"),
        ("ring 0044 20 7946 0958", "ring •••58"),
        ("nils dot ost at inbox.example", "n•••@inbox.example"),
        ("look at dotcom.example, Dotty at app.example", "look at dotcom.example, Dotty at app.example"),
    ],
)
def test_what_is_shown_in_its_place(text: str, masked: str) -> None:
    assert mask_text(text, PEOPLE) == masked


@pytest.mark.parametrize("at", ["@", " @ ", "%40", "(at)", " [at] ", " {at} ", "_at_", " at ", " AT "])
@pytest.mark.parametrize("local", ["nils", "nils.ost", "n.o", "nils dot ost"])
@pytest.mark.parametrize("domain", ["inbox.example", "mail.inbox.example", "inbox dot example", "inbox (dot) example"])
def test_an_address_spelt_in_words_is_one_where_either_side_shows_it(local: str, at: str, domain: str) -> None:
    """`look at app.example` is none: a bare word, `at`, and the name of a site."""
    text = f"Write to {local}{at}{domain} for the invoice"
    no_address = at.strip().lower() == "at" and local == "nils" and "dot" not in domain
    assert (mask_text(text) == text) is no_address, mask_text(text)
    assert no_address or local not in mask_text(text)


def test_a_company_keeps_the_name_that_it_shares_with_a_person() -> None:
    people = People(("Dario Dunmoor",), "Dario Dunmoor Limousines")
    assert mask_text("Dario Dunmoor Limousines: renewal with Dario Dunmoor", people) == (
        "Dario Dunmoor Limousines: renewal with D. D."
    )
    assert mask_text("Dunmoor renewal, Dario said", People(("Dario Dunmoor",), "Dunmoor Cars")) == (
        "Dunmoor renewal, D. said"
    )
    assert mask_text(
        "Silvermead LLC c/o Dario Dunmoor", People(("Dario Dunmoor",), "Silvermead c/o Dario Dunmoor")
    ) == ("Silvermead LLC c/o D. D.")


def test_card_and_social_security_numbers_are_shown_to_nobody() -> None:
    assert mask_numbers("Dario: 4242 4242 4242 4242, 078-05-1120, (404) 555-0133") == (
        "Dario: •••4242, •••1120, (404) 555-0133"
    )


# -- reports -------------------------------------------------------------------------------------------------------------

SECRETS = ("Dunmoor", "4045550133", "dario [at]", "4242 4242", "078-05-1120", "555 / 0133")
TOLD = "Dario Dunmoor, 4045550133 or 404 / 555 / 0133, dario [at] x.example, 4242 4242 4242 4242, 078-05-1120"
FREE = {
    "customer": ("legal_name",),
    "contact": ("job_title",),
    "deal": ("name", "closed_lost_reason"),
    "engagement": ("title", "body"),
    "ticket": ("title",),
}


def talkative() -> Account:
    """An account whose free texts all name a contact and how to reach them."""
    account = full()
    records = {
        name: replace(found, rows=tuple(_told(name, row) for row in found.rows))
        for name, found in account.records.items()
    }
    return replace(account, records=records)


def _told(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    told = {column: f"{row.get(column) or 'Note'}: {TOLD}" for column in FREE.get(table, ())}
    return {**row, **told, **({"name": "Dario Dunmoor"} if table == "contact" else {})}


CASES = [
    (kind, audience, style)
    for kind, audience in (
        ("profile", "internal"),
        ("brief", "internal"),
        ("account-review", "internal"),
        ("account-review", "customer"),
    )
    for style in FORMATS
]


@pytest.mark.parametrize(("kind", "audience", "style"), CASES)
def test_no_format_of_a_report_lets_it_out(kind: str, audience: Any, style: str) -> None:
    read = text_in(style, render(KINDS[kind].report(talkative(), Occasion(audience=audience)), style))
    met = ["Dunmoor"] if kind == "brief" else []  # the brief names the contacts whom one is about to meet
    assert [secret for secret in SECRETS if secret in read and secret not in met] == []


def test_the_texts_would_be_seen() -> None:
    shown = render(KINDS["profile"].report(talkative()), "markdown", show_personal=True).decode()
    assert "Dunmoor" in shown
    assert "4045550133" in shown
    assert "4242 4242" not in shown
