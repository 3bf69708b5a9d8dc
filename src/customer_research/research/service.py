"""`Research`: every use case, and the only place that composes the parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from customer_research.connect.source import Subject
from customer_research.domain.account import people_of
from customer_research.domain.catalogue import Metric
from customer_research.domain.check import CheckResult
from customer_research.domain.evidence import Evidence, Gap
from customer_research.domain.explanation import Explanation
from customer_research.domain.identity import LookupAnswer
from customer_research.domain.occasion import Occasion
from customer_research.domain.report import Report
from customer_research.errors import CustomerResearchError, UsageError
from customer_research.health.findings import load_findings
from customer_research.metrics.queries import EVIDENCE, evidence_sql
from customer_research.reports.kind import INTERNALLY
from customer_research.reports.kinds import KINDS
from customer_research.reports.kinds import lookup as lookup_kind
from customer_research.research.one.figures import EVIDENCE_SHOWN, Measurement
from customer_research.research.one.judge import METRIC_NAMES, card_named
from customer_research.research.one.operators import Operators, name_of, subject_of
from customer_research.research.one.why import (
    compare,
    explain,
    metric_named,
    needed_tables,
    part_named,
    warehouse_evidence,
)

if TYPE_CHECKING:
    from customer_research.research.batch.batch import Listener, Order, Row
    from customer_research.research.batch.entries import Entry

# what one use case alone needs is loaded by it: a lookup opens no store, and lays no query out


class Research(Operators):
    """Look operators up, gather everything about one, score it, report it, explain a figure, check the connections.

    Use as an async context manager; one instance may serve many operators, one use case at a time.
    """

    async def lookup(self, term: str) -> LookupAnswer:
        """All operators that answer to a term, ranked, with reasons.

        Raises:
            UsageError: the term cannot be looked up.
        """
        self._connections.forget()
        return (await self._resolver.resolve(term)).answer

    async def lookup_report(
        self, term: str, *, contact_field: lookup_kind.Field | None = None
    ) -> tuple[Report, LookupAnswer]:
        """The lookup as a report, and the answer itself; with one field of the operator's contacts where that is asked for."""
        self._connections.forget()
        more = lookup_kind.FIELD_TABLES if contact_field else frozenset[str]()
        found, standing = await self.looked_up(term, lookup_kind.TABLES | more)
        search = lookup_kind.Search(
            found.answer,
            found.receipts,
            (*found.gaps, *found.unasked),
            self._clock(),
            standing,
            self._withheld,
            contact_field,
        )
        return lookup_kind.KIND.build(search), found.answer

    async def report(
        self, kind: str, term: str, *, scorecard: str | None = None, occasion: Occasion = INTERNALLY
    ) -> Report:
        """One report about the one operator that the term names.

        Raises:
            UsageError: no such kind, one that is not for the occasion's audience, or the term cannot be looked up.
            OperatorNotFound: nothing answers to the term.
            AmbiguousOperator: several operators do.
            ConfigError: no such scorecard, or a wrong setting.
        """
        chosen = KINDS.get(kind)
        if chosen is None:
            raise UsageError(f"There is no report {kind!r}.", hint=f"Reports: {', '.join(KINDS)}.")
        chosen.admit(occasion)
        return chosen.report(await self.account_for(chosen, term, scorecard=scorecard, facts=True), occasion)

    async def compare(self, terms: Sequence[str], *, scorecard: str | None = None) -> Report:
        """Two to ten operators side by side, as of one instant; see `report` for errors of each term.

        Raises:
            UsageError: too few, too many, or only one operator under several names.
        """
        from customer_research.research.one import comparison  # noqa: PLC0415 - start-up time

        return await comparison.compare(self, terms, scorecard=scorecard)

    async def batch(
        self, entries: Sequence[Entry], order: Order, *, folder: Path | None = None, told: Listener | None = None
    ) -> tuple[Row, ...]:
        """One report of each entry's operator into the folder, and one row of each entry, in their order.

        What the folder's journal has from an earlier run is not done again. Without a folder nothing is written.

        Raises:
            ConfigError: a setting is wrong.
            UsageError: the folder cannot be used, or belongs to another batch.
        """
        from customer_research.research.batch.batch import Batch  # noqa: PLC0415 - start-up time
        from customer_research.research.batch.journal import Journal  # noqa: PLC0415 - start-up time

        hear = told or (lambda _row: None)
        if folder is None:
            return await Batch(self, order, None, hear).run(entries)
        with Journal(folder, order.about(self.settings.scorecard)) as journal:
            return await Batch(self, order, journal, hear).run(entries)

    async def whatif(self, term: str, assumptions: Sequence[str], *, scorecard: str | None = None) -> Report:
        """The operator's score beside the one it would have under assumptions (`metric=value`); see `report` for errors.

        Raises:
            UsageError: no such metric, or no value of its unit.
        """
        from customer_research.research.one import whatif  # noqa: PLC0415 - start-up time

        assumed = whatif.read_assumptions(assumptions)
        self.ask_again()
        return await whatif.whatif(self, term, assumed, scorecard=scorecard)

    async def missing(self, term: str, *, scorecard: str | None = None) -> Report:
        """Which unknown figure would move the operator's score most, and between which bounds; see `report` for errors."""
        from customer_research.research.one import missing  # noqa: PLC0415 - start-up time

        self.ask_again()
        return await missing.missing(self, term, scorecard=scorecard)

    async def why(
        self, term: str, metric_name: str, *, replay: bool = False, rows: int = EVIDENCE_SHOWN
    ) -> Explanation:
        """One figure taken apart; `replay` sends its requests again and compares.

        Raises:
            UsageError: no such metric; else as `report`.
        """
        metric = metric_named(metric_name)
        explained = await self._explained(term, metric, rows)
        if not replay:
            return explained
        again = await self._explained(explained.operator_id, metric, rows)
        return Explanation(
            **{name: getattr(explained, name) for name in Explanation.__slots__ if name != "replayed"},
            replayed=compare(explained.figure, again.figure),
        )

    async def reason(self, term: str, name: str) -> Report | None:
        """The score, a dimension, a rule or a cap of the settings' scorecard, or a finding; None where the name is a metric's.

        Raises:
            UsageError: nothing is called so; else as `report`.
        """
        from customer_research.reports.inquiries import reason  # noqa: PLC0415 - start-up time

        asked = part_named(name, card_named(self.settings.scorecard), load_findings(METRIC_NAMES))
        return None if asked is None else reason.REPORT.build(reason.Reason(await self.account(term), asked))

    async def _explained(self, term: str, metric: Metric, rows: int) -> Explanation:
        self._connections.forget()
        dossier, resolution = await self._gather(term, needed_tables(metric), frozenset())
        measurement = Measurement(await self._memory(), dossier)
        figure = measurement.figures[metric.name]
        given = measurement.given_records(metric, rows)
        if isinstance(figure, Gap) and figure.reason == "not_permitted":
            evidence, note = Evidence((), (), 0), ""
        elif given is not None:
            evidence, note = given, ""
        elif warehouse_evidence(metric):
            evidence, note = await self._warehouse_records(metric, subject_of(dossier, resolution, self.settings), rows)
        elif isinstance(figure, Gap):
            evidence, note = Evidence((), (), 0), ""
        else:
            evidence, note = measurement.evidence(metric.name, rows), ""
        return explain(
            operator_id=dossier.operator_id,
            name=name_of(dossier, resolution),
            metric=metric,
            figure=figure,
            evidence=evidence,
            note=note,
            people=people_of({name: found.rows for name, found in dossier.records.items()}),
        )

    async def _warehouse_records(self, metric: Metric, subject: Subject, shown: int) -> tuple[Evidence, str]:
        """The records behind a warehouse figure, newest first, counted where they are and cut there to what is shown."""
        sql = (
            f"SELECT e.*, COUNT(*) OVER () AS records_in_all FROM ({evidence_sql(metric.evidence)}) AS e LIMIT {shown}"  # noqa: S608
        )
        try:
            session = self._connections.session("warehouse")
            found = await session.query(
                sql, tables=EVIDENCE[metric.evidence], subject=subject, stream=f"evidence.{metric.evidence}"
            )
        except CustomerResearchError as error:
            gap = self._connections.failed("warehouse", error)
            return Evidence((), (), 0), f"The records could not be listed: {gap.detail}"
        answer = found.answer
        columns = tuple(name for name in answer.columns if name not in {"operator_id", "records_in_all"})
        total = answer.rows[0]["records_in_all"] if answer.rows else 0
        listed = tuple(tuple(row[name] for name in columns) for row in answer.rows)
        return Evidence(columns, listed, int(total), (answer.receipt,)), ""

    async def doctor(self, *, online: bool, sample: int = 20) -> tuple[CheckResult, ...]:
        """The checks of all sources, and the comparison of operator ids between them."""
        from customer_research.research import doctor  # noqa: PLC0415 - start-up time

        self._connections.forget()
        return await doctor.run(self._connections, online=online, sample=sample)
