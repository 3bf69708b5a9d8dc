"""Exchange rates: read from the bank's table and a list of one's own, used by day, never guessed."""

from __future__ import annotations

import io
import random
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from babel.numbers import format_currency

from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.domain.money import Money
from customer_research.domain.rates import Rates, convert
from customer_research.domain.words import LOCALE, money_words
from customer_research.errors import ConfigError
from customer_research.reports.conversion import converted, converted_line
from customer_research.research.exchange import exchange_rates
from customer_research.settings import RatesSettings, Settings, load_settings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
BANK = "Date,USD,JPY,CAD,KWD,\n2026-10-30,1.08,165.0,1.5,N/A,\n2026-10-20,1.05,160,1.4,0.33,\n"
OWN = "date,base,quote,rate\n2026-10-29,KWD,EUR,3.0\n2026-10-30,BHD,USD,2.65\n"
PROOF = (Receipt("lago-1", "lago", "invoices", "GET /invoices", NOW, 3, "ab" * 32),)


def with_rates(part: RatesSettings) -> Settings:
    return load_settings().model_copy(update={"rates": part})


def rates_of(folder: Path, bank: str | bytes = BANK, own: str | None = None) -> Rates | None:
    file, list_ = folder / "bank.csv", folder / "own.csv"
    file.write_bytes(bank if isinstance(bank, bytes) else bank.encode())
    if own is not None:
        list_.write_text(own, encoding="utf-8")
    part = RatesSettings(file=file, own=list_ if own is not None else None, currency="USD")
    return exchange_rates(with_rates(part), NOW)


def known(folder: Path, own: str | None = OWN) -> Rates:
    found = rates_of(folder, own=own)
    assert found is not None
    return found


def test_none_set_is_none() -> None:
    assert exchange_rates(load_settings(), NOW) is None


def test_the_last_working_day_within_a_week_counts(tmp_path: Path) -> None:
    rates = known(tmp_path)
    sunday = rates.rate("CAD", "USD", date(2026, 11, 1))
    assert sunday is not None
    assert (sunday.on, sunday.words) == (date(2026, 10, 30), "1 CAD = 0.72 USD on 2026-10-30")
    assert rates.rate("CAD", "USD", date(2026, 10, 29)) is None, "2026-10-20 is nine days back"
    assert rates.rate("CAD", "USD", date(2026, 10, 27)) is not None
    assert rates.rate("CAD", "USD", date(2026, 10, 19)) is None, "never a rate of later"


def test_zero_and_three_decimals_and_the_euro_itself(tmp_path: Path) -> None:
    total, used, missing = convert(
        (Money("JPY", 16500), Money("KWD", 1000), Money("EUR", 100), Money("USD", 7)),
        known(tmp_path),
        date(2026, 10, 30),
    )
    # 16,500 JPY = 108.00 USD; 1.000 KWD: own rate 3 EUR of the day before, 3.24 USD needs USD of that day: none
    assert missing == ("KWD",)
    assert total == ()
    assert [rate.base for rate in used] == ["JPY", "EUR"]
    total, _, missing = convert((Money("JPY", 16500), Money("BHD", 2000)), known(tmp_path), date(2026, 10, 30))
    assert (total, missing) == ((Money("USD", 10800 + 530),), ())


def test_a_converted_total_carries_its_rates(tmp_path: Path) -> None:
    amounts = Fact((Money("CAD", 10_000), Money("USD", 5_000)), "money", PROOF, NOW, "total_paid")
    total = converted(amounts, known(tmp_path), NOW)
    assert isinstance(total, Fact)
    assert total.value == (Money("USD", 12_200),)
    assert total.note == "1 CAD = 0.72 USD on 2026-10-30"
    assert [receipt.source for receipt in total.basis] == ["lago", "rates"]
    assert "1 CAD = 0.72 USD on 2026-10-30" in total.basis[1].query


def test_no_rate_no_total(tmp_path: Path) -> None:
    amounts = Fact((Money("SEK", 10_000), Money("USD", 5_000)), "money", PROOF, NOW)
    missing = converted(amounts, known(tmp_path), NOW)
    assert isinstance(missing, Gap)
    assert "SEK" in missing.detail
    unset = converted(amounts, None, NOW)
    assert isinstance(unset, Gap)
    assert unset.reason == "not_configured"


def test_one_currency_needs_no_line(tmp_path: Path) -> None:
    dollars = Fact((Money("USD", 5_000),), "money", PROOF, NOW)
    assert converted_line("Paid", dollars, known(tmp_path), NOW) == ()
    pounds = Fact((Money("CAD", 5_000),), "money", PROOF, NOW)
    assert [line.label for line in converted_line("Paid", pounds, known(tmp_path), NOW)] == ["Paid in USD"]


def test_the_bank_serves_an_archive(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("eurofxref-hist.csv", BANK)
    found = rates_of(tmp_path, packed.getvalue())
    assert found is not None
    assert found.days[date(2026, 10, 30)]["CAD"] == Decimal("1.5")


@pytest.mark.parametrize(
    ("bank", "own", "said"),
    [
        ("", None, "no column Date"),
        ("when,USD\n2026-10-30,1.08\n", None, "no column Date"),
        ("Date,USD\nyesterday,1.08\n", None, "no date in line 2"),
        ("Date,USD\n2026-10-30,-1\n", None, "no positive number in line 2"),
        (BANK, "date,base,rate\n", "lack a column"),
        (BANK, "date,base,quote,rate\n2026-10-30,KWD,USD,much\n", "line 2"),
        (BANK, "date,base,quote,rate\n2026-10-30,KWD,OMR,1.2\n", "neither a currency"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(bank: str, own: str | None, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said) as found:
        rates_of(tmp_path, bank, own)
    assert found.value.setting in {"rates.file", "rates.own"}
    assert found.value.hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    part = RatesSettings(file=tmp_path / "none.csv", own=None, currency="USD")
    with pytest.raises(ConfigError, match="cannot be read"):
        exchange_rates(with_rates(part), NOW)


def test_dollars_are_written_as_the_tables_of_currencies_write_them() -> None:
    chance = random.Random(9)
    for minor in (0, 1, -1, 99, -100, 123_456, *(chance.randint(-(10**15), 10**15) for _ in range(200))):
        major = Money("USD", minor).major
        told = format_currency(major, "USD", format="¤#,##0.00", locale=LOCALE, currency_digits=False)
        assert money_words(Money("USD", minor)) == str(told)
