"""With which operators a meeting is: by the CRM's association, by a known contact who is invited, by a mail domain; and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import get_args

from customer_research.domain.meeting import KnownPeople, Matching, MatchReason, MetOperator, Occurrence
from customer_research.identity.normalise import is_free_mail

SHARED_MOST = 3
"""An address or domain of more operators than these tells of nobody: an agency's, an accountant's."""

REASONS: tuple[MatchReason, ...] = get_args(MatchReason)


def domain_of(address: str) -> str:
    """The mail domain of an address."""
    return address.rpartition("@")[2]


class Matcher:
    """Tells with whom meetings are.

    Args:
        known: the operators' companies, contacts and domains.
        own_domains: our own mail domains.
        own_people: e-mail addresses of our own people, wherever their mail is.
    """

    def __init__(self, known: KnownPeople, own_domains: Collection[str], own_people: Collection[str] = ()) -> None:
        self._known = known
        self._people = frozenset(own_people)
        own = {domain_of(one) for one in own_people}
        self._own = frozenset(own_domains) | {one for one in own if one and not is_free_mail(one)}

    def match(self, one: Occurrence) -> Matching:
        """With whom an entry of a calendar is.

        The CRM's association decides alone where there is one. Else each of the people invited who are not ours counts: as a known
        contact, or by the mail domain; never by a public mail provider's, nor by ours.
        """
        outsiders = [address for address in one.people if not self._is_ours(address)]
        found = self._associated(one) or self._invited(one, outsiders)
        if found:
            return Matching("operator", self._told(found))
        if outsiders or one.companies or one.contacts:
            domains = dict.fromkeys(domain_of(address) for address in outsiders)
            return Matching("unknown", (), tuple(sorted(one for one in domains if not is_free_mail(one))))
        return Matching("internal" if len(one.people) > 1 else "none")

    def _is_ours(self, address: str) -> bool:
        """Whether an address is one of our people's; a domain below ours is ours, too."""
        domain = domain_of(address)
        return address in self._people or any(domain == own or domain.endswith(f".{own}") for own in self._own)

    def _associated(self, one: Occurrence) -> dict[str, tuple[MatchReason, str]]:
        operators = _of(self._known.companies, one.companies)
        return {each: ("association", f"HubSpot associates it with {self._name(each)}.") for each in operators}

    def _invited(self, one: Occurrence, outsiders: Iterable[str]) -> dict[str, tuple[MatchReason, str]]:
        found: dict[str, tuple[MatchReason, str]] = {}
        contacts = [self._known.contact_ids.get(each, frozenset()) for each in one.contacts]
        by_domain: list[tuple[str, frozenset[str]]] = []
        for address in outsiders:
            operators = _told_apart(self._known.emails.get(address, frozenset()))
            contacts.append(operators)
            if not operators and not is_free_mail(domain := domain_of(address)):
                by_domain.append((domain, _told_apart(self._known.domains.get(domain, frozenset()))))
        for operator in frozenset[str]().union(*contacts):
            found[operator] = ("contact", f"A contact of {self._name(operator)} is invited.")
        for domain, operators in by_domain:
            for operator in operators - found.keys():
                found[operator] = ("domain", f"Somebody at {domain} is invited, the domain of {self._name(operator)}.")
        return found

    def _name(self, operator_id: str) -> str:
        return self._known.names.get(operator_id) or operator_id

    def _told(self, found: Mapping[str, tuple[MatchReason, str]]) -> tuple[MetOperator, ...]:
        """The operators, the surest first."""
        told = (MetOperator(each, self._known.names.get(each, ""), *why) for each, why in found.items())
        return tuple(sorted(told, key=lambda one: (REASONS.index(one.reason), one.name, one.operator_id)))


def _of(known: Mapping[str, frozenset[str]], ids: Iterable[str]) -> frozenset[str]:
    return frozenset[str]().union(*(known.get(one, frozenset()) for one in ids))


def _told_apart(operators: frozenset[str]) -> frozenset[str]:
    return operators if len(operators) <= SHARED_MOST else frozenset()
