"""The input of a batch: identifiers one a line, or in the first column of a table."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from customer_research.errors import UsageError

COMMENT = "#"
TABLE_SUFFIXES = (".csv", ".tsv")
HEADERS = frozenset(
    {
        "operator",
        "operator_id",
        "operator id",
        "operatorid",
        "id",
        "identifier",
        "term",
        "name",
        "company",
        "company name",
        "email",
        "e-mail",
        "stripe_account",
        "lago_external_customer_id",
        "external_customer_id",
        "p_company_name",
    }
)
"""First cells that name a column instead of an operator."""

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One identifier and the line of the input that it stands in (from 1)."""

    line: int
    term: str


def read_entries(content: bytes, *, name: str = "") -> tuple[Entry, ...]:
    """The identifiers of a file: of each line, or of the first column.

    It is read as a table when `name` ends in .csv or .tsv, or when its first line is a table's header (a known word before
    a separator); a comma in any other file belongs to a name. Blank lines, lines that begin with `#` and a header are left
    out. UTF-8 (with or without a byte order mark) or UTF-16 with one; any line ends.

    Raises:
        UsageError: it is not text, or has no identifier.
    """
    lines = _text(content).splitlines()
    first = next((line for line in lines if _counts(line)), "")
    separator = _separator(first, name)
    found = tuple(_of_table(lines, separator) if separator else _of_lines(lines))
    if not found:
        raise UsageError("The input names no operator.", hint="Write one identifier a line.")
    return found


def _text(content: bytes) -> str:
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise UsageError("The input is not text in UTF-8.", hint="Save it as UTF-8 and run the same again.") from None
    if "\0" in text:
        raise UsageError("The input is not text.", hint="Give a text file with one identifier a line, or a CSV file.")
    return text


def _counts(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith(COMMENT)


def _separator(first: str, name: str) -> str:
    """What separates the columns; empty for a plain list."""
    separator = max(",;\t", key=first.count)
    if name.lower().endswith(TABLE_SUFFIXES):
        return separator
    return separator if separator in first and _is_header(first.split(separator, maxsplit=1)[0]) else ""


def _is_header(cell: str) -> bool:
    return cell.strip().strip('"').lower() in HEADERS


def _of_lines(lines: list[str]) -> Iterator[Entry]:
    header = True
    for number, line in enumerate(lines, start=1):
        if _counts(line):
            if not (header and _is_header(line)):
                yield Entry(number, line.strip())
            header = False


def _of_table(lines: list[str], separator: str) -> Iterator[Entry]:
    """The first cells; a quoted cell may run over several lines and counts for the one it begins in."""
    reader = csv.reader(io.StringIO("\n".join(lines)), delimiter=separator)
    header, begins = True, 1
    try:
        for cells in reader:
            number, begins = begins, reader.line_num + 1
            term = cells[0].strip() if cells else ""
            if term and not term.startswith(COMMENT):
                if not (header and _is_header(term)):
                    yield Entry(number, " ".join(term.split()))
                header = False
    except csv.Error as error:
        raise UsageError(f"Line {reader.line_num} of the input is no CSV: {error}.") from None
