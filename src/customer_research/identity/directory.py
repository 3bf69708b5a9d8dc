"""The lookup directory: every operator's identifiers, and the ranked, explained answer to a term."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from heapq import nsmallest

from customer_research.domain.identity import Candidate, Interpretation, LookupAnswer, Match
from customer_research.domain.names import name_key
from customer_research.domain.values import LEGACY
from customer_research.errors import UsageError
from customer_research.identity.advice import next_steps, reasons
from customer_research.identity.interpret import WILDCARDS, interpret
from customer_research.identity.normalise import (
    is_free_mail,
    literal,
    normalize_email,
    normalize_hubspot_id,
    normalize_operator_id,
    normalize_phone,
)
from customer_research.identity.similarity import NameIndex, Texts

MAX_MATCHES = 10
_NEAREST_SIMILARITY = 0.5
_SURE_SIMILARITY = 0.85
_NEAREST_ID_CHARACTERS = 3

RULES: Mapping[str, tuple[float, str]] = {
    "operator_id": (1.0, "operator id"),
    "legacy_id": (1.0, "legacy operator number"),
    "stripe_account": (1.0, "Stripe account, exact case"),
    "hubspot_id": (1.0, "HubSpot company id"),
    "confirmation": (1.0, "trip confirmation number"),
    "charge": (1.0, "card charge id"),
    "invoice": (1.0, "invoice number"),
    "ticket": (1.0, "ticket number"),
    "contact_email": (0.96, "e-mail address"),
    "contact_phone": (0.95, "telephone number"),
    "contact_name": (0.9, "name"),
    "member_name": (0.88, "name"),
    "email": (0.98, "e-mail address"),
    "phone": (0.96, "telephone number"),
    "name_exact": (0.95, "name, exact"),
    "domain": (0.85, "web domain"),
    "name_prefix": (0.8, "name: it begins with the term"),
    "name_part": (0.7, "name: it contains the term"),
    "name_words": (0.66, "name: it contains all words of the term"),
    "name_similar": (0.6, "name: it is similar to the term"),
}
"""How → confidence and the words for it, best first. `name_similar` is scaled by the similarity."""

_EXACT = "operator_id legacy_id stripe_account hubspot_id confirmation charge email phone name_exact"
"""The rules by which an operator stands alone although others match."""

_IDENTIFIERS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "operator_id": ("operator_id", normalize_operator_id),
    "legacy_id": ("operator_id", normalize_operator_id),
    "stripe_account": ("stripe_account", str.strip),
    "stripe_folded": ("stripe_account", lambda account: account.strip().casefold()),
    "hubspot_id": ("hubspot_id", normalize_hubspot_id),
    "email": ("email", normalize_email),
    "phone": ("phone", normalize_phone),
    "domain": ("domain", str.casefold),
}
"""Kind of identifier → where a candidate has it, and the form in which it is compared."""

_Found = dict[int, tuple[str, float]]
"""Position → (rule, confidence), the best rule for each operator."""


class Directory:
    """Operators by every identifier they go by; built lazily, searched without input or output.

    Candidates of one operator id are kept once (the first); the others' identifiers find it too. Answers rank by rule, then
    active operators first, then MRR (unknown last).
    """

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        distinct: dict[str, Candidate] = {}
        self._also: dict[str, list[Candidate]] = defaultdict(list)
        for candidate in candidates:
            if distinct.setdefault(candidate.operator_id, candidate) is not candidate:
                self._also[candidate.operator_id].append(candidate)
        self._indexes: dict[str, dict[str, list[int]]] = {}
        self.candidates: Sequence[Candidate] = sorted(distinct.values(), key=_standing)

    def __len__(self) -> int:
        return len(self.candidates)

    def by_operator_id(self, operator_id: str) -> Candidate | None:
        """The candidate with this canonical operator id."""
        positions = self._by("operator_id").get(operator_id, ())
        return self.candidates[positions[0]] if positions else None

    def search(self, term: str) -> LookupAnswer:
        """All operators that answer to the term, the best only when it stands alone.

        Raises:
            UsageError: when the term cannot be searched (see `interpret`).
        """
        readings = interpret(term)
        found: _Found = {}
        for reading in readings:
            known = bool(found)
            for position, rule, confidence in self._read(reading):
                if known and rule == "name_similar":
                    continue  # an identifier has told who it is: names that look like it are noise
                if position not in found or confidence > found[position][1]:
                    found[position] = (rule, confidence)
            if found and reading.kind == "email":
                break
        return self._answer(term, readings, found)

    def confirm(self, term: str, kind: str, operator_id: str, candidate: Candidate | None = None) -> LookupAnswer:
        """The answer when a source has told whose identifier it is (a trip confirmation, an invoice, a contact's telephone).

        `candidate` stands in for an operator that the CSM view does not have.
        """
        known = self.by_operator_id(operator_id) or candidate or Candidate(operator_id=operator_id, name="")
        confidence, words = RULES[kind]
        person = {"contact": "contact of this operator", "member": "member of this operator's team"}.get(
            kind.partition("_")[0]
        )
        because = f"A {person} has this {words}." if person else f"The {words} is this operator's."
        match = Match(known, kind, because, confidence)
        return LookupAnswer(term=term, interpretations=interpret(term), matches=(match,), best=match, total=1)

    def nearest(self, term: str, limit: int = 3) -> tuple[Match, ...]:
        """Operators that come close to a term that nothing answers to: ids a few characters off, names less alike."""
        try:
            readings = interpret(term)
        except UsageError:
            return ()
        found: _Found = {}
        for reading in readings:
            if reading.kind == "operator_id":
                found |= self._near_ids(reading.value)
            elif reading.kind == "name":
                folded = name_key(reading.value)
                pairs = self._names.similar(folded, _NEAREST_SIMILARITY) if folded else []
                found |= {position: ("name_similar", 0.6 * score) for position, score in pairs}
        return tuple(self._matches(found)[:limit])

    # --- indexes -------------------------------------------------------------------------------------------------

    def _by(self, kind: str) -> dict[str, list[int]]:
        """Normalised value → positions, of one kind of identifier; values that are missing or cannot be one identify nobody."""
        if kind not in self._indexes:
            attribute, normal = _IDENTIFIERS[kind]
            positions = self._indexes[kind] = defaultdict(list)
            for position, candidate in enumerate(self.candidates):
                same = (candidate, *self._also.get(candidate.operator_id, ()))
                for key in dict.fromkeys(_normalised(getattr(known, attribute), normal) for known in same):
                    if key is not None:
                        positions[key].append(position)
        return self._indexes[kind]

    @cached_property
    def _names(self) -> NameIndex:
        return NameIndex.of([name_key(candidate.name) for candidate in self.candidates])

    @cached_property
    def _folded_names(self) -> Texts:
        return Texts(self._names.names)

    @cached_property
    def _literal_names(self) -> Texts:
        return Texts([literal(candidate.name) for candidate in self.candidates])

    # --- reading -------------------------------------------------------------------------------------------------

    def _read(self, reading: Interpretation) -> list[tuple[int, str, float]]:
        """Positions that answer to one reading, each with the rule and its confidence."""
        if reading.kind == "name":
            return self._read_name(reading.value)
        if reading.kind == "domain" and is_free_mail(reading.value):
            return []
        index = self._by(reading.kind) if reading.kind in _IDENTIFIERS else {}
        return [(position, reading.kind, RULES[reading.kind][0]) for position in index.get(reading.value, ())]

    def _read_name(self, term: str) -> list[tuple[int, str, float]]:
        """Exact, prefix, part; only when none: all words in any order; only when none: similar."""
        folded = name_key(term)
        by_sign = any(sign in term for sign in WILDCARDS)
        if by_sign or not folded:
            return self._contained(term, self._literal_names)
        found = self._contained(folded, self._folded_names)
        if not found:
            found = self._with_words(folded.split())
        if not found:
            confidence = RULES["name_similar"][0]
            found = [(at, "name_similar", confidence * score) for at, score in self._names.similar(folded)]
        return found

    def _contained(self, term: str, names: Texts) -> list[tuple[int, str, float]]:
        confidences = {rule: RULES[rule][0] for rule in ("name_exact", "name_prefix", "name_part")}
        found = []
        for position, name in names.containing(term):
            rule = "name_exact" if name == term else "name_prefix" if name.startswith(term) else "name_part"
            found.append((position, rule, confidences[rule]))
        return found

    def _with_words(self, words: Sequence[str]) -> list[tuple[int, str, float]]:
        places = [set(self._names.places.get(word, ())) for word in words]
        common = set.intersection(*places) if places else set()
        return [(position, "name_words", RULES["name_words"][0]) for position in common]

    def _near_ids(self, operator_id: str) -> _Found:
        """Operator ids that differ in at most three characters."""
        near = {}
        for position, candidate in enumerate(self.candidates):
            pairs = zip(candidate.operator_id, operator_id, strict=False)
            off = sum(a != b for a, b in pairs) + abs(len(candidate.operator_id) - len(operator_id))
            if off <= _NEAREST_ID_CHARACTERS:
                near[position] = ("operator_id", 0.5 - off / 10)
        return near

    # --- answering -----------------------------------------------------------------------------------------------

    def _answer(self, term: str, readings: tuple[Interpretation, ...], found: _Found) -> LookupAnswer:
        matches = self._matches(found)
        hints = tuple(self._hints(readings))
        return LookupAnswer(
            term=term,
            interpretations=readings,
            matches=tuple(matches),
            best=_best(matches, len(found)),
            total=len(found),
            reasons=() if found else reasons(readings),
            next_steps=() if found else next_steps(readings),
            hints=hints,
        )

    def _matches(self, found: _Found) -> list[Match]:
        """The ten best: by confidence, then standing (positions are in order of standing)."""
        ranked = nsmallest(MAX_MATCHES, found, key=lambda position: (-found[position][1], position))
        return [self._match(position, *found[position]) for position in ranked]

    def _match(self, position: int, rule: str, confidence: float) -> Match:
        candidate = self.candidates[position]
        words = RULES[rule][1]
        if rule == "name_similar":
            words += f" ({round(100 * confidence / RULES[rule][0])}%)"
        return Match(candidate, rule, f"Matched by {words}.", round(confidence, 3))

    def _hints(self, readings: Iterable[Interpretation]) -> Iterable[str]:
        for reading in readings:
            if reading.kind == "stripe_account":
                yield from self._twins(reading.value)
            elif reading.kind == "domain" and is_free_mail(reading.value):
                yield f"{reading.value} is a public (free-mail) provider, so it is not used to find a company."
            elif reading.kind == "legacy_id":
                yield f"{reading.value.removeprefix(LEGACY)}: {reading.remark}."

    def _twins(self, account: str) -> Iterable[str]:
        """Stripe accounts that differ from this one in case only: another account, never taken for it."""
        for position in self._by("stripe_folded").get(account.casefold(), ()):
            candidate = self.candidates[position]
            twin = (candidate.stripe_account or "").strip()
            if twin != account and twin.casefold() == account.casefold():
                yield (
                    f"Stripe account ids are case-sensitive: {twin} ({candidate.name or candidate.operator_id}) "
                    "differs from the term only in case and is another account."
                )


def _normalised(value: str | None, normal: Callable[[str], str]) -> str | None:
    """A value in the form it is compared in; None when it is missing or cannot be an identifier."""
    if not value:
        return None
    try:
        return normal(value)
    except UsageError:
        return None


def _standing(candidate: Candidate) -> tuple[bool, bool, int, str, str]:
    """Sort key: active first, then MRR descending with the unknown last, then name and id."""
    mrr = candidate.mrr_minor
    return (
        candidate.status != "active",
        mrr is None,
        -mrr if mrr is not None else 0,
        candidate.name,
        candidate.operator_id,
    )


def _best(matches: Sequence[Match], total: int) -> Match | None:
    """The one operator that stands alone: the only match, or the only exact one. Never merely the first.

    A similar name has to be very similar as well: the operator meant may not be in the directory at all.
    """
    if total == 1:
        only = matches[0]
        sure = only.how != "name_similar" or only.confidence >= _SURE_SIMILARITY * RULES["name_similar"][0]
        return only if sure else None
    exact = [match for match in matches if match.how in _EXACT.split()]
    return exact[0] if len(exact) == 1 else None
