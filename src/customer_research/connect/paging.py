"""Lists that come page by page: how far one is followed, whatever the vendor says of it.

Vendors number pages with an announced count (Lago), name the next page's cursor in the body (Notion) or under `paging`
(HubSpot). None of it is believed without a bound: a list that names ever further pages is given up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from customer_research.connect.http import Http
from customer_research.errors import Truncated

BARREN_MOST = 3
"""Pages one after the other that bring nothing new, and still name a next one, before a list is given up."""


class Trail:
    """The pages of one list as they come.

    Args:
        http: the connection, whose bounds hold.
        stream: the stream that the list belongs to, for the error.
    """

    def __init__(self, http: Http, stream: str) -> None:
        self._http = http
        self._stream = stream
        self._pages = self._barren = 0
        self._seen: set[int] = set()

    def follow(self, ids: Iterable[object], *, goes_on: bool) -> bool:
        """Take a page by its records' ids; whether it is another one than those before.

        Raises:
            Truncated: the list goes on beyond `bounds.pages`, or its last pages brought nothing new.
        """
        page = hash(frozenset(ids))
        is_new = page not in self._seen
        self._seen.add(page)
        self._pages += 1
        self._barren = 0 if is_new and page != _EMPTY else self._barren + 1
        if goes_on and (self._barren >= BARREN_MOST or self._pages >= self._http.bounds.pages):
            raise self._endless()
        return is_new

    def _endless(self) -> Truncated:
        title = self._http.vendor.title
        return Truncated(
            f"{title}'s pages do not end: stopped after {self._pages:,} page{'s' if self._pages > 1 else ''}.",
            source=self._http.vendor.name,
            stream=self._stream,
            hint=f"Raise bounds.pages only if {title} holds that many records; else report it to {title}.",
        )


_EMPTY = hash(frozenset[object]())


def ids_of(records: Iterable[Any], name: str = "id") -> list[str]:
    """The records' own ids; of one that has none its text."""
    return [str(record.get(name) or record) if isinstance(record, Mapping) else str(record) for record in records]


__all__ = ["BARREN_MOST", "Trail", "ids_of"]
