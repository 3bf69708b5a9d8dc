"""Normalisation rules of domain (b), each form and each refusal."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_research.domain.names import name_key
from customer_research.errors import UsageError
from customer_research.identity.normalise import (
    is_free_mail,
    normalize_domain,
    normalize_email,
    normalize_hubspot_id,
    normalize_operator_id,
    normalize_phone,
    normalize_stripe_account,
)

UUID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"


@pytest.mark.parametrize(
    "text",
    [
        UUID,
        UUID.upper(),
        UUID.replace("-", ""),
        f"op_{UUID}",
        f"OP-{UUID}",
        f"operator_{UUID}",
        f"operator-{UUID.upper()}",
        f"urn:uuid:{UUID}",
        f"{{{UUID}}}",
        f"<{UUID}>",
        f'"{UUID}"',
        f"`{UUID}`,",
        f" '{UUID}',, ",
        f"“{UUID}”",
        UUID.replace("-", "\N{NON-BREAKING HYPHEN}"),
        f"\N{ZERO WIDTH SPACE}{UUID}",
        "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in UUID),
        f"op_{{{UUID.replace('-', '')}}}",
    ],
)
def test_every_spelling_of_an_operator_id(text: str) -> None:
    assert normalize_operator_id(text) == UUID


@pytest.mark.parametrize(
    ("text", "legacy"),
    [("12345", "legacy:12345"), ("legacy:12345", "legacy:12345"), ("op_12345", "legacy:12345"), (" '7' ", "legacy:7")],
)
def test_numbers_are_legacy_and_never_uuids(text: str, legacy: str) -> None:
    assert normalize_operator_id(text) == legacy


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("00000000-0000-0000-0000-000000000000", "placeholder"),
        ("ffffffffffffffffffffffffffffffff", "placeholder"),
        ("1b4e28ba-2fa1-11d2-883f-0016d3cca42", "not an operator id"),
        ("1b4e28ba-2fa111d2-883f-0016d3cca427", "not an operator id"),
        ("Harbor Limo", "not an operator id"),
        ("", "not an operator id"),
        ("١٢٣٤٥", "not an operator id"),
    ],
)
def test_refused_operator_ids(text: str, reason: str) -> None:
    if text == "١٢٣٤٥":  # digits of another script are digits after NFKC only when compatible: these are not
        with pytest.raises(UsageError):
            normalize_operator_id(text)
        return
    with pytest.raises(UsageError, match=reason):
        normalize_operator_id(text)


@given(st.uuids())
def test_operator_ids_of_any_version_are_kept(value: uuid.UUID) -> None:
    if len(set(value.hex)) > 1:
        assert normalize_operator_id(f"op_{value.hex.upper()}") == str(value)


@given(st.text(max_size=80) | st.from_regex(r"(op_)?[0-9.E+() -]{1,20}") | st.from_regex(r"[a-z.@]{3,20}"))
def test_normalisers_give_a_value_or_a_usage_error(text: str) -> None:
    for normal in (
        normalize_operator_id,
        normalize_hubspot_id,
        normalize_stripe_account,
        normalize_email,
        normalize_domain,
        normalize_phone,
    ):
        try:
            value = normal(text)
        except UsageError:
            continue
        assert value
        assert normal(value) == value, "normal forms are fixed points"


@pytest.mark.parametrize(
    ("value", "normal"),
    [
        (12345678901, "12345678901"),
        (12345678901.0, "12345678901"),
        ("12345678901", "12345678901"),
        ("123.0", "123"),
        ("1.2345678901E10", "12345678901"),
        ("1.2345678E10", "12345678000"),
        ("1.2345678901e+10", "12345678901"),
        (2**53, "9007199254740992"),
    ],
)
def test_hubspot_ids(value: str | float, normal: str) -> None:
    assert normalize_hubspot_id(value) == normal


@pytest.mark.parametrize(
    "value", [1.5, "12.5", 2**53 + 1, "1E300", "1E999", 0, -4, "abc", "", True, float("nan"), float("inf")]
)
def test_refused_hubspot_ids(value: str | float) -> None:
    with pytest.raises(UsageError):
        normalize_hubspot_id(value)


def test_stripe_accounts_keep_their_case() -> None:
    assert normalize_stripe_account(" acct_1AbCdEfGhIjKlMnO ") == "acct_1AbCdEfGhIjKlMnO"
    for wrong in ("ACCT_1AbCdEfGhIjKlMnO", "acct_short", "acct_1AbCdEfGh-jKlMnO", "cus_1AbCdEfGhIjKlMnO"):
        with pytest.raises(UsageError):
            normalize_stripe_account(wrong)


@pytest.mark.parametrize(
    "before", ["", "https://", "http://www.", "www.", "ftp://user@", "https://user:secret@www.", " <"]
)
@pytest.mark.parametrize(
    "behind", ["", ".", ":8443", "/", "/book?x=1", "?x=a@b.example", "#top", ".:443/a/b.example", "> ,"]
)
def test_a_domain_is_the_same_however_its_address_is_written(before: str, behind: str) -> None:
    assert normalize_domain(f"{before}Harbor.Example.com{behind}") == "harbor.example.com"


def test_e_mails_and_domains() -> None:
    assert normalize_email(" Office@Harbor.Example.COM ") == "office@harbor.example.com"
    assert normalize_email("<mailto:a@b.example.org>") == "a@b.example.org"
    assert normalize_domain("https://www.Harbor.example.com:8443/book?x=1") == "harbor.example.com"
    for wrong in ("a@", "@b", "a b@c.example", "a@localhost"):
        with pytest.raises(UsageError):
            normalize_email(wrong)
    for wrong in ("harbor", "no spaces.example", "-x.example", "1.2.3.4"):
        with pytest.raises(UsageError):
            normalize_domain(wrong)
    for free in ("gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "aol.com"):
        assert is_free_mail(free)
    assert not is_free_mail("harbor.example.com")


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("(415) 555-0123", "4155550123"),
        ("+1 415 555 0123", "4155550123"),
        ("1-415-555-0123", "4155550123"),
        ("415.555.0123 ext. 12", "4155550123"),
        ("tel:+14155550123", "4155550123"),
        ("+44 20 7946 0123", "442079460123"),
        ("555-0123", "5550123"),
    ],
)
def test_phones(text: str, digits: str) -> None:
    assert normalize_phone(text) == digits


@pytest.mark.parametrize("text", ["12345", "415-CALL-NOW", "1" * 16, "", "--"])
def test_refused_phones(text: str) -> None:
    with pytest.raises(UsageError):
        normalize_phone(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Quill & Ferry Black Car, LLC", "quill and ferry black car"),
        ("  HARBOR   Lantern Limousine Inc. ", "harbor lantern limousine"),
        ("O'Hara's Cars Co. Ltd", "oharas cars"),
        ("A.B.C. Limo", "abc limo"),
        ("Co", "co"),
        ("Harbor Limousine Company, Incorporated", "harbor limousine"),
        ("St. Louis Cars", "st louis cars"),
        ("100%_Ride", "100 ride"),
        ("!!!", ""),
    ],
)
def test_company_names(text: str, name: str) -> None:
    assert name_key(text) == name


def test_accents_marks_and_direction_are_folded() -> None:
    assert name_key("Café Étoile Łódź Øst") == name_key("cafe etoile lodz ost") == "cafe etoile lodz ost"
    assert name_key("\u202bשָׁלוֹם\u202c נסיעות") == name_key("שלום נסיעות")  # noqa: RUF001 - Hebrew on purpose
    assert name_key("Limo 🚗 Straße") == "limo strasse"
