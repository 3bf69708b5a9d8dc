"""Whose a record is that names a firm: by an id of ours, the firm's own web domain, or its name with something beside it.

A way counts only where it leads to one operator alone. Addresses that many firms share (mail providers, site builders, social
networks) tell of nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from customer_research.domain.names import name_key, phone_key, text_key
from customer_research.domain.values import operator_key
from customer_research.firms.matching import own_domain
from customer_research.identity.normalise import FREE_MAIL_DOMAINS
from customer_research.lake import Lake
from customer_research.research.engine_choice import scratch
from customer_research.research.lake_directory import attached, listed
from customer_research.settings import Settings


@dataclass(frozen=True, slots=True)
class Firm:
    """A firm as somebody tells of it, or as we know one; what is not told is empty."""

    operator_id: str = ""
    stripe_account: str = ""
    domain: str = ""
    name: str = ""
    city: str = ""
    phone: str = ""


class Firms:
    """The operators by all that tells a firm.

    Args:
        known: operators, some perhaps several times: each time with what one more place says of them.
    """

    def __init__(self, known: Iterable[Firm]) -> None:
        self._ids: set[str] = set()
        self._by: dict[tuple[str, ...], set[str]] = defaultdict(set)
        merged: dict[str, tuple[set[str], set[str], set[str]]] = defaultdict(lambda: (set(), set(), set()))
        for firm in known:
            self._ids.add(firm.operator_id)
            names, cities, phones = merged[firm.operator_id]
            names.add(name_key(firm.name))
            cities.add(text_key(firm.city))
            phones.add(phone_key(firm.phone))
            self._note("stripe_account", firm.stripe_account, of=firm.operator_id)
            self._note("domain", own_domain(firm.domain, FREE_MAIL_DOMAINS), of=firm.operator_id)
        for operator_id, (names, cities, phones) in merged.items():
            for name in names - {""}:
                self._note("name", name, of=operator_id)
                for city in cities:
                    self._note("name_and_city", name, city, of=operator_id)
                for phone in phones:
                    self._note("name_and_phone", name, phone, of=operator_id)

    def _note(self, *key: str, of: str) -> None:
        if all(key):
            self._by[key].add(of)

    def match(self, told: Firm) -> tuple[str, str] | None:
        """The operator and the way that it was found (`domain.match.CONFIDENCE`), the surest one; None: nobody, or several."""
        own = operator_key(told.operator_id)
        if own in self._ids and own:
            return own, "operator_id"
        name = name_key(told.name)
        for key in (
            ("stripe_account", told.stripe_account.strip()),
            ("domain", own_domain(told.domain, FREE_MAIL_DOMAINS)),
            ("name_and_phone", name, phone_key(told.phone)),
            ("name_and_city", name, text_key(told.city)),
            ("name", name),
        ):
            found = self._by.get(key, ()) if all(key) else ()
            if len(found) == 1:
                return next(iter(found)), key[0]
            if len(found) > 1 and key[0] in {"stripe_account", "domain"}:
                return None
        return None


def of_lake(settings: Settings) -> Iterator[Firm]:
    """The operators of the lake by all that tells a firm; of companies those that are surely an operator's."""
    lake = Lake(settings.lake_folder).tables()
    with scratch(settings) as engine:
        for one in listed(engine, lake):
            known = (one.stripe_account, one.domain, one.name, one.city, one.phone)
            yield Firm(one.operator_id, *(text or "" for text in known))
        if attached(engine, lake, "company"):
            columns = "operator_id, domain, name, city, phone"
            for row in engine.run(f"SELECT {columns} FROM company WHERE linked_by <> 'search'"):  # noqa: S608 - names of ours
                yield Firm(
                    str(row["operator_id"]),
                    **{name: str(row[name] or "") for name in ("domain", "name", "city", "phone")},
                )
