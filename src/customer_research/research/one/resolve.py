"""Who is it: from a term to one operator, or to the reasons why not."""

from __future__ import annotations

from dataclasses import dataclass, replace

from customer_research.connect.concurrent import both, together
from customer_research.connect.source import Batch, RecordOwners, Source
from customer_research.documents.present import source_title
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.identity import Candidate, Interpretation, LookupAnswer, Match
from customer_research.errors import (
    AmbiguousOperator,
    ConfigError,
    CustomerResearchError,
    Denied,
    OperatorNotFound,
    Unavailable,
)
from customer_research.identity.collapse import candidates
from customer_research.identity.directory import MAX_MATCHES, Directory
from customer_research.identity.interpret import interpret
from customer_research.research import lake_directory
from customer_research.research.connections import Connections
from customer_research.settings import Settings
from customer_research.sources.warehouse.live import operators
from customer_research.sources.warehouse.session import OWNERS


@dataclass(frozen=True, slots=True)
class Resolution:
    """A lookup's answer, the receipts behind it, the gaps met, and the CSM batch when it was fetched on the way.

    `unasked` are the gaps of sources that might know a record by the term, which the directory does not.
    """

    answer: LookupAnswer
    receipts: tuple[Receipt, ...]
    gaps: tuple[Gap, ...] = ()
    csm: Batch | None = None
    unasked: tuple[Gap, ...] = ()

    @property
    def match(self) -> Match:
        """The one operator.

        Raises:
            OperatorNotFound: nothing answers to the term.
            AmbiguousOperator: several do.
            ConfigError, SourceError: the sources that could tell are not configured, or out of reach: nobody was searched.
        """
        answer = self.answer
        if answer.best is not None:
            return answer.best
        shown = _shown(answer.term)
        if answer.matches:
            raise not_one(answer)
        if self.gaps:
            raise _not_searched(shown, self.gaps)
        raise OperatorNotFound(
            f"No operator answers to {shown!r}.",
            reasons=(
                *answer.reasons,
                *(f"{source_title(gap.source)} could not be asked: {gap.detail}" for gap in self.unasked),
            ),
            hint=" ".join((*answer.hints, *answer.next_steps[:1])),
        )


SHOWN = 80


def _shown(term: str) -> str:
    return term if len(term) <= SHOWN else term[:SHOWN] + "..."


def not_one(answer: LookupAnswer) -> AmbiguousOperator:
    """What is said where operators answer to a term, and none of them stands alone."""
    several = f"{answer.total} operators answer to {_shown(answer.term)!r}."
    similar = f"Nobody is called {_shown(answer.term)!r}; one operator has a similar name."
    return AmbiguousOperator(
        several if answer.total > 1 else similar,
        candidates=answer.matches,
        hint="Give the operator id of the one you mean.",
    )


def of_lake(settings: Settings, term: str) -> Candidate:
    """The one operator of the lake that answers to a term.

    Raises:
        OperatorNotFound, AmbiguousOperator: the lake knows no such operator, or several.
        UsageError: the lake is empty.
    """
    answer = lake_directory.search(settings, term)
    if answer.best is not None:
        return answer.best.candidate
    if answer.matches:
        raise not_one(answer)
    raise OperatorNotFound(
        f"No operator of the lake answers to {term[:SHOWN]!r}.",
        hint="Run `customer-research sync`, or give its operator id.",
    )


class Resolver:
    """Turns terms into operators; the directory is fetched once for all who share the connections."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def resolve(self, term: str) -> Resolution:
        """All operators that answer to the term; a source out of reach is a gap, and others are tried.

        Raises:
            UsageError: the term cannot be looked up.
        """
        readings = interpret(term)
        if readings[0].kind in {"operator_id", "legacy_id"}:
            return await self._by_id(term, readings)
        try:
            directory, receipts = await self._whole_directory()
        except CustomerResearchError as error:
            return await self._without_warehouse(term, readings, self._connections.failed("warehouse", error))
        answer = directory.search(term)
        if not answer.matches:
            for reading in readings:
                if reading.kind in OWNERS:
                    found = await self._find(term, reading, directory, receipts)
                    if found is not None:
                        return found
        if all(match.how == "name_similar" for match in answer.matches) and answer.best is None:
            return await self._by_record(answer, directory, receipts)
        return Resolution(answer, receipts)

    async def _by_record(self, answer: LookupAnswer, directory: Directory, receipts: tuple[Receipt, ...]) -> Resolution:
        """Ask the sources whose record the term names: an invoice, a ticket, a contact; one that cannot be asked is a gap."""
        asked: list[Receipt] = []
        gaps: list[Gap] = []
        matches: dict[str, Match] = {}
        sources = [source for source in self._connections.sources.values() if source.whose is not None]
        for found in await together(*(self._whose(source, answer, directory) for source in sources)):
            if isinstance(found, Gap):
                gaps.append(found)
                continue
            asked += found.receipts
            proof = tuple(receipt.id for receipt in found.receipts)
            for how, operator_id in found.owners:
                confirmed = directory.confirm(answer.term, how, operator_id).matches[0]
                matches.setdefault(operator_id, replace(confirmed, proof=proof))
        everything = (*receipts, *asked)
        if not matches:
            return Resolution(answer, everything, unasked=tuple(gap for gap in gaps if gap.reason != "not_configured"))
        listed = tuple(sorted(matches.values(), key=lambda match: -match.confidence))
        best = listed[0] if len(listed) == 1 else None
        named = LookupAnswer(answer.term, answer.interpretations, listed[:MAX_MATCHES], best, len(listed))
        return Resolution(named, everything)

    async def _whose(self, source: Source, answer: LookupAnswer, directory: Directory) -> RecordOwners | Gap:
        assert source.whose is not None, "only who can tell is asked"
        try:
            session = self._connections.session(source.name)
            return await source.whose(session, answer.interpretations, directory.candidates)
        except CustomerResearchError as error:
            return self._connections.failed(source.name, error)

    async def _by_id(self, term: str, readings: tuple[Interpretation, ...]) -> Resolution:
        """One operator by its id: the CSM view, else the app's operator table, else billing and CRM are asked."""
        operator_id = readings[0].value
        try:
            session = self._connections.session("warehouse")
            batch: Batch = await session.csm_by_operator(operator_id)
            if batch.tables["csm"]:
                found = candidates(batch.tables["csm"])
                return Resolution(_sure(term, readings, found[0]), batch.receipts, csm=batch)
            known = await operators(session, operator_id)
            receipts = (*batch.receipts, *known.receipts)
            if known.candidates:
                return Resolution(_sure(term, readings, known.candidates[0]), receipts, csm=batch)
            return Resolution(Directory(()).search(term), receipts, csm=batch)
        except CustomerResearchError as error:
            return await self._without_warehouse(term, readings, self._connections.failed("warehouse", error))

    async def _whole_directory(self) -> tuple[Directory, tuple[Receipt, ...]]:
        return await self._connections.shared.directory.get(self._fetched_directory)

    async def _fetched_directory(self) -> tuple[Directory, tuple[Receipt, ...]]:
        session = self._connections.session("warehouse")
        batch, known = await both(session.csm_directory(), operators(session))
        listed = [*candidates(batch.tables["csm"]), *known.candidates]
        return Directory(listed), (*batch.receipts, *known.receipts)

    async def _find(
        self, term: str, reading: Interpretation, directory: Directory, receipts: tuple[Receipt, ...]
    ) -> Resolution | None:
        """Ask the warehouse whose record it is; None when it knows none."""
        session = self._connections.session("warehouse")
        located = await session.owners(reading.kind, reading.value)
        ids = list(located.operator_ids)
        for account in located.stripe_accounts:
            if account != reading.value:
                ids += [match.operator_id for match in directory.search(account).matches]
        answers = [directory.confirm(term, reading.kind, operator_id) for operator_id in dict.fromkeys(ids)]
        if not answers:
            return None
        proof = (located.answer.receipt.id,)
        matches = tuple(replace(match, proof=proof) for answer in answers for match in answer.matches)
        best = matches[0] if len(matches) == 1 else None
        answer = LookupAnswer(term, answers[0].interpretations, matches, best, len(matches))
        return Resolution(answer, (*receipts, located.answer.receipt))

    async def _without_warehouse(self, term: str, readings: tuple[Interpretation, ...], gap: Gap) -> Resolution:
        """The directory is out of reach: an operator id stands for itself when billing knows it, names go to the CRM."""
        found: list[Candidate] = []
        receipts: list[Receipt] = []
        gaps = [gap]
        for source in self._connections.sources.values():
            if source.find is None:
                continue
            try:
                located = await source.find(self._connections.session(source.name), readings)
            except CustomerResearchError as error:
                gaps.append(self._connections.failed(source.name, error))
                continue
            receipts += located.receipts
            found += located.candidates
        answer = Directory(found).search(term)
        return Resolution(answer, tuple(receipts), tuple(gaps))


def _not_searched(shown: str, gaps: tuple[Gap, ...]) -> CustomerResearchError:
    """Nothing was found, but the directory was not searched: that proves nothing."""
    sentence = f"Nobody could be searched for {shown!r}: {gaps[0].detail}"
    if all(gap.reason == "not_configured" for gap in gaps):
        return ConfigError(sentence, setting=gaps[0].source, hint=gaps[0].next_step)
    kind = Denied if gaps[0].reason == "denied" else Unavailable
    return kind(sentence, source=gaps[0].source, hint=gaps[0].next_step)


def operator_id_of(term: str) -> str | None:
    """The operator id that the term itself is, if it is one.

    Raises:
        UsageError: the term cannot be looked up.
    """
    first = interpret(term)[0]
    return first.value if first.kind == "operator_id" else None


def _sure(term: str, readings: tuple[Interpretation, ...], candidate: Candidate) -> LookupAnswer:
    match = Match(candidate, readings[0].kind, "Matched by operator id.", 1.0)
    return LookupAnswer(term=term, interpretations=readings, matches=(match,), best=match, total=1)
