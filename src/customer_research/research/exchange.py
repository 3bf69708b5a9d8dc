"""Exchange rates from the files that the settings name: the European Central Bank's table, and a list of one's own."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from itertools import zip_longest
from pathlib import Path

from customer_research.domain.evidence import Receipt
from customer_research.domain.money import CURRENCY
from customer_research.domain.rates import PIVOT, Rates
from customer_research.errors import ConfigError
from customer_research.settings import Settings

SOURCE = "rates"
MOST_BYTES = 50_000_000
"""What a table of rates may have, unpacked: ten times the bank's of all its days."""
_OWN_COLUMNS = ("date", "base", "quote", "rate")
_ABSENT = frozenset({"", "N/A", "n/a", "-"})
_DAY_FORMS = ("%Y-%m-%d", "%d %B %Y")

Fault = Callable[[str, str], ConfigError]
Days = dict[date, dict[str, Decimal]]


def exchange_rates(settings: Settings, now: datetime) -> Rates | None:
    """The rates of the settings' files; None when they name none.

    Raises:
        ConfigError: a file cannot be read, or holds no rates.
    """
    part = settings.rates
    files = [(path, name) for path, name in ((part.file, "rates.file"), (part.own, "rates.own")) if path is not None]
    if not files:
        return None
    days: Days = {}
    digest, rows = hashlib.sha256(), 0
    for path, name in files:
        content = _content(path, name)
        digest.update(content)
        read = _published if name == "rates.file" else _own
        rows += read(content.decode("utf-8-sig", errors="replace"), days, partial(_fault, path, name))
    names = " and ".join(path.name for path, _ in files)
    receipt = Receipt(
        id=f"rates-{digest.hexdigest()[:12]}",
        source=SOURCE,
        stream="exchange rates",
        query=f"read {names}",
        fetched_at=now,
        rows=rows,
        digest=digest.hexdigest(),
        place="file",
    )
    return Rates(days, part.currency, receipt)


def rates_around(settings: Settings, now: datetime, as_of: datetime) -> Rates | None:
    """The rates that can be asked for as of an instant; raises as `exchange_rates`."""
    rates = exchange_rates(settings, now)
    return None if rates is None else rates.around(as_of.astimezone(UTC).date())


def _fault(path: Path, setting: str, what: str, hint: str) -> ConfigError:
    """What is wrong in one file, in one sentence."""
    return ConfigError(f"The exchange rates in {path.name} {what}.", setting=setting, hint=hint)


def _content(path: Path, setting: str) -> bytes:
    """A file's text; of a zip archive, as the bank serves it, its only table."""
    fault = partial(_fault, path, setting)
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) <= MOST_BYTES and zipfile.is_zipfile(io.BytesIO(raw)):
            raw = _unpacked(raw)
    except OSError as error:
        raise fault(f"cannot be read: {error.strerror}", f"Correct the setting {setting}.") from None
    except (ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error):
        raise fault("are an archive without one table", "Unpack it and name the CSV file.") from None
    if len(raw) > MOST_BYTES:
        raise fault(f"are larger than {MOST_BYTES // 1_000_000} MB", f"Correct the setting {setting}.")
    return raw


def _unpacked(raw: bytes) -> bytes:
    """The only table of an archive; of one that is too large, a byte too many."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith(".csv")]
        with archive.open(name) as table:
            return table.read(MOST_BYTES + 1)


def _published(text: str, days: Days, fault: Fault) -> int:
    """The bank's table: a line a day, a column a currency, units for one euro; how many days it has."""
    hint = "Give the bank's eurofxref-hist.csv (or .zip): the columns Date, USD, JPY, ..."
    lines = _lines(text, fault)
    header = [cell.strip() for cell in lines[0]] if lines else []
    if not header or header[0].lower() != "date" or not any(CURRENCY.fullmatch(cell) for cell in header):
        raise fault("have no column Date with currencies beside it", hint)
    for number, line in enumerate(lines[1:], 2):
        if not any(cell.strip() for cell in line):
            continue
        on = _day(line[0])
        if on is None:
            raise fault(f"have no date in line {number}", hint)
        known = days.setdefault(on, {})
        for currency, value in _units(header, line, number, fault):
            known[currency] = value
    return len(days)


def _lines(text: str, fault: Fault) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text)))
    except csv.Error:
        raise fault("are no CSV", "Give a file with a line a day, its values between commas.") from None


def _units(header: list[str], line: list[str], number: int, fault: Fault) -> Iterator[tuple[str, Decimal]]:
    for currency, cell in zip(header[1:], line[1:], strict=False):
        if CURRENCY.fullmatch(currency) and cell.strip() not in _ABSENT:
            value = _positive(cell)
            if value is None:
                raise fault(f"have a rate that is no positive number in line {number}", "Correct that line.")
            yield currency, value


def _own(text: str, days: Days, fault: Fault) -> int:
    """A list of one's own (`date,base,quote,rate`: 1 base = rate quote), for currencies that the bank leaves out."""
    columns, *lines = _lines(text, fault) or [[]]
    if set(_OWN_COLUMNS) - set(columns):
        raise fault(
            f"lack a column of {', '.join(_OWN_COLUMNS)}", "Give a CSV with these columns: 1 base = rate quote."
        )
    count = 0
    for number, line in enumerate((line for line in lines if line), 2):
        row = dict(zip_longest(columns, line[: len(columns)], fillvalue=""))
        on, rate = _day(row["date"]), _positive(row["rate"])
        base, quote = row["base"].strip().upper(), row["quote"].strip().upper()
        if on is None or rate is None or not CURRENCY.fullmatch(base) or not CURRENCY.fullmatch(quote):
            raise fault(f"have a line that cannot be read: line {number}", "Write it as 2026-10-30,KWD,USD,3.26")
        known = days.setdefault(on, {})
        of_base, of_quote = _per_euro(known, base), _per_euro(known, quote)
        if of_quote is not None:
            known[base] = of_quote / rate
        elif of_base is not None:
            known[quote] = of_base * rate
        else:
            raise fault(
                f"name neither a currency of the bank's table nor the euro on {on.isoformat()}: line {number}",
                "Give a rate against EUR, or against a currency that rates.file has on that day.",
            )
        count += 1
    return count


def _per_euro(known: Mapping[str, Decimal], currency: str) -> Decimal | None:
    return Decimal(1) if currency == PIVOT else known.get(currency)


def _day(text: str) -> date | None:
    for form in _DAY_FORMS:
        try:
            return datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None


def _positive(text: str) -> Decimal | None:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and value > 0 else None
