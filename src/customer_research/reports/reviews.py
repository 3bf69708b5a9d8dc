"""Kept reviews of one operator: what it wrote about us, and what its passengers wrote about it. Where none is kept there is no section.

The two stand apart, nothing is counted over them, and they move no figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from customer_research.domain.account import Account
from customer_research.domain.report import Block, Prose, Text
from customer_research.domain.review import REVIEW, About
from customer_research.reports.blocks import proven_prose
from customer_research.reports.last_words import quoted
from customer_research.reports.record_rows import Row, known_rows, newest, records, table, unread

SECTION = "reviews"
"""The section's id: what leaves the program by itself is sent without it."""

_MOST, _TITLE, _WORDS, _LICENCE, _PLACE = 5, 60, 160, 80, 24
_TITLES: Mapping[About, str] = {"us": "What they wrote about us", "operator": "What passengers wrote about them"}
_COLUMNS = "written_on:day Day, place Place, stars Stars, said Words, match Match"


def reviews(account: Account) -> Iterator[Block | None]:
    """A table of each of the two, the newest first, and under which licences they are kept; or that they could not be read."""
    if REVIEW not in account.records:
        return
    yield unread(account, {REVIEW: "Reviews that are kept"})
    for about, made in _TABLES.items():
        if rows := _of(account, about):
            yield made(account)
            licences = dict.fromkeys(quoted(row["licence"], _LICENCE) for row in rows)
            yield proven_prose(f"Kept under {', '.join(licences)}.", records(account, REVIEW).receipts, account.as_of)


def _of(account: Account, about: About) -> list[Row]:
    rows = (row for row in known_rows(account, REVIEW) if row["about"] == about)
    return newest(rows, "written_on", "review_id")


def _shown(account: Account, about: About) -> list[Row]:
    return [
        {**row, "said": _said(row), "stars": Text(stars(row)), "match": Text(match_words(row))}
        for row in _of(account, about)
    ]


def _said(row: Row) -> str | None:
    return ": ".join(filter(None, (quoted(row["title"], _TITLE), quoted(row["words"], _WORDS)))) or None


def _link(_account: Account, row: Row) -> str:
    return str(row["url"])


_TABLES = {
    about: table(
        REVIEW,
        title,
        _COLUMNS,
        rows=partial(_shown, about=about),
        links={"place": _link},
        most=_MOST,
        empty="No review.",
    )
    for about, title in _TITLES.items()
}


def stars(row: Row) -> str:
    """How many stars of how many."""
    if row["rating"] is None:
        return "without stars"
    return f"{row['rating']:g} of {row['best']:g}"


def match_words(row: Row) -> str:
    """How the review was matched, and how surely."""
    way = str(row["matched_by"]).replace("_", " ")
    return f"{way} ({row['confidence']:g})" if row["is_certain"] else f"probable: {way} ({row['confidence']:g})"


def reviews_to_raise(account: Account) -> Prose | None:
    """The newest sure review of each of the two, for a talk; None where there is none."""
    found = {about: next((row for row in _of(account, about) if row["is_certain"]), None) for about in _TITLES}
    told = [_sentence(about, row) for about, row in found.items() if row is not None]
    if not told:
        return None
    receipts = records(account, REVIEW).receipts
    used = {row["fetch_id"] for row in found.values() if row is not None}
    proof = tuple(one for one in receipts if one.id in used)
    return proven_prose(f"Reviews: {'; '.join(told)}.", proof, account.as_of)


def _sentence(about: About, row: Row) -> str:
    given = "a review without stars" if row["rating"] is None else f"{stars(row)} stars"
    who = "they gave us" if about == "us" else "passengers last gave them"
    return f"{who} {given} at {quoted(row['place'], _PLACE)} on {row['written_on'].isoformat()}"
