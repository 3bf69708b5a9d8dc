"""Many operators, one report each and one summary of all: within the vendors' limits, resumable, nothing dropped.

Every input has one row: its figures, or why it has none. A row is noted in the journal when its report lies on disk; a
rerun takes noted rows as they are and does the rest.
"""

from __future__ import annotations

import asyncio
import csv
import io
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC
from typing import TYPE_CHECKING, Any, Literal, get_args

from customer_research.connect.concurrent import together
from customer_research.documents.formats.csv_ import plain
from customer_research.documents.masking import mask_text
from customer_research.documents.present import gap_words
from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact
from customer_research.domain.report import Report
from customer_research.domain.words import clean, value_words
from customer_research.errors import AmbiguousOperator, ConfigError, CustomerResearchError, OperatorNotFound, UsageError
from customer_research.reports.kinds import OPERATOR_KINDS
from customer_research.reports.standing_figures import SUMMARY
from customer_research.research.batch.entries import Entry
from customer_research.research.batch.journal import Journal
from customer_research.research.one.comparison import OPERATORS_AT_ONCE
from customer_research.research.receipts import text_digest

if TYPE_CHECKING:
    from customer_research.research.one.operators import Operators

logger = logging.getLogger(__name__)

ASK_AGAIN_SECONDS = 15.0
"""A source that did not answer is left alone for this long, so that an outage does not cost its time-out per operator."""

SUMMARY_NAME = "summary.csv"
SCHEMA = "customer-research/batch/1"

RowState = Literal["done", "partial", "duplicate", "not_found", "ambiguous", "refused", "failed"]
"""done: every source answered; partial: the report names what is missing; duplicate: the same operator as an earlier line;
not_found, ambiguous, refused (no term that can be looked up): no operator; failed: no report could be made."""

ROW_STATES: tuple[RowState, ...] = get_args(RowState)
_LISTED = 5
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_WORDED = frozenset({"plan"})
"""Figures of a row whose words are a vendor's."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of a row in words, with the ids of the receipts it rests on (none: it is unknown, and the words say why)."""

    text: str
    receipts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one input: the operator and its figures by `SUMMARY` name, the report's file, or why there is none."""

    line: int
    term: str
    outcome: RowState
    operator_id: str = ""
    name: str = ""
    as_of: str = ""
    figures: Mapping[str, Cell] = field(default_factory=dict)
    report: str = ""
    detail: str = ""

    @property
    def reported(self) -> bool:
        """Whether there is a report (of this line or of the one it repeats)."""
        return self.outcome in {"done", "partial", "duplicate"}


@dataclass(frozen=True, slots=True)
class Order:
    """What a batch makes of each operator: the kind of report, how it is rendered, the ending of its file.

    `retry` does again what was not done in full; `show_personal` leaves the inputs unmasked in the summary. `also` are further
    kinds, made of the same account; `named` gives the name of a file by line, operator id and kind. What another `run` of the
    folder has done is done again.
    """

    kind: str
    render: Callable[[Report], bytes]
    suffix: str
    scorecard: str | None = None
    show_personal: bool = False
    retry: bool = False
    also: tuple[str, ...] = ()
    named: Callable[[int, str, str], str] | None = None
    run: str = ""

    def about(self, settings_scorecard: str) -> dict[str, str]:
        """What the journal's first line says: a folder holds reports of one kind, format and scorecard."""
        return {
            "kind": self.kind,
            "format": self.suffix,
            "scorecard": self.scorecard or settings_scorecard,
            "personal": "shown" if self.show_personal else "masked",
        }


Listener = Callable[[Row], None]
"""Called with each row once, as soon as it is known."""


class Batch:
    """One run over the entries.

    Args:
        operators: where reports come from.
        order: what to make.
        journal: where to write and what is done already; None writes nothing.
        told: hears of each row.
    """

    def __init__(self, operators: Operators, order: Order, journal: Journal | None, told: Listener) -> None:
        if order.kind not in OPERATOR_KINDS:
            raise UsageError(f"A batch makes no {order.kind!r}.", hint=f"Kinds: {', '.join(OPERATOR_KINDS)}.")
        self._operators = operators
        self._order = order
        self._kinds = tuple(OPERATOR_KINDS[name] for name in (order.kind, *order.also))
        self._journal = journal
        self._told = told
        self._rows: dict[int, Row] = {}
        self._owners: dict[str, int] = {}
        self._twins: list[tuple[Entry, int]] = []
        self._turn = asyncio.Lock()
        self._asked = float("-inf")
        self._as_of = operators.now()
        self._digits = 3

    async def run(self, entries: Sequence[Entry]) -> tuple[Row, ...]:
        """The rows of all entries, in their order.

        Raises:
            ConfigError: a setting is wrong, which every operator would meet.
            UsageError: the folder cannot be written to.
        """
        self._digits = max(3, len(str(entries[-1].line)))
        self._take_up(entries)
        remaining = iter([entry for entry in entries if entry.line not in self._rows])
        await together(*(self._work(remaining) for _ in range(OPERATORS_AT_ONCE)))
        for entry, line in self._twins:
            self._note(entry, self._twin(entry, self._rows[line]))
        rows = tuple(self._rows[entry.line] for entry in entries)
        if self._journal is not None:
            self._journal.write(SUMMARY_NAME, summary_csv(rows).encode())
        return rows

    def key(self, entry: Entry) -> str:
        """The journal's key of an input: its line and text, hashed since a term may be personal."""
        return text_digest(f"{self._order.run}{entry.line}\n{entry.term}")[:32]

    def _take_up(self, entries: Iterable[Entry]) -> None:
        """Take over what the journal knows to be done, as far as its reports are still there."""
        for entry in entries:
            found = self._journal.records.get(self.key(entry)) if self._journal is not None else None
            row = _row(found) if found is not None else None
            if row is None or not self._stands(row):
                continue
            self._rows[entry.line] = row
            if row.operator_id and row.outcome != "duplicate":
                self._owners.setdefault(row.operator_id, row.line)
            self._told(row)

    def _stands(self, row: Row) -> bool:
        if self._order.retry and row.outcome != "done":
            return False
        names = [row.report] if row.report else []
        if row.report and row.outcome != "duplicate":  # whose further reports are told by the line that it repeats
            names += [self._name(row.line, row.operator_id, kind) for kind in self._order.also]
        return all(self._journal is not None and (self._journal.folder / name).exists() for name in names)

    async def _work(self, remaining: Iterable[Entry]) -> None:
        while (job := await self._next(remaining)) is not None:
            entry, operator_id = job
            self._note(entry, await self._guarded(entry, self._reported(entry, operator_id)))

    async def _next(self, remaining: Iterable[Entry]) -> tuple[Entry, str] | None:
        """The next entry that names an operator not yet had.

        Entries are identified in their order, so that an operator's report is always its first line's.
        """
        async with self._turn:
            for entry in remaining:
                found = await self._guarded(entry, self._operators.identify(entry.term))
                if isinstance(found, Row):
                    self._note(entry, found)
                elif found in self._owners:
                    self._twins.append((entry, self._owners[found]))
                else:
                    self._owners[found] = entry.line
                    return entry, found
        return None

    async def _guarded(self, entry: Entry, work: Any) -> Any:
        """What the work gives, or the row that tells why it gave nothing: one operator never ends the batch."""
        self._ask_again()
        try:
            return await work
        except ConfigError:
            raise
        except AmbiguousOperator as error:
            return self._refused(entry, "ambiguous", f"{error.message} {_candidates(error)}")
        except OperatorNotFound as error:
            return self._refused(entry, "not_found", f"{error.message} {error.hint}")
        except UsageError as error:
            return self._refused(entry, "refused", f"{error.message} {error.hint}")
        except CustomerResearchError as error:
            return self._refused(entry, "failed", f"{error.message} {error.hint}")
        except Exception as error:  # a defect met by one operator must not cost the others their reports
            logger.debug("line %d", entry.line, exc_info=True)
            return self._refused(entry, "failed", f"Unexpected failure ({type(error).__name__}); please report it.")

    def _ask_again(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._asked >= ASK_AGAIN_SECONDS:
            self._asked = now
            self._operators.ask_again()

    async def _reported(self, entry: Entry, operator_id: str) -> Row:
        order = self._order
        account, _ = await self._operators.measured(
            operator_id,
            listings=frozenset().union(*(kind.needs for kind in self._kinds)),
            scorecard=order.scorecard,
            as_of=self._as_of,
            also=tuple(dict.fromkeys(card for kind in self._kinds for card in kind.scorecards)),
            past=any(kind.past for kind in self._kinds),
            levers=any(kind.levers for kind in self._kinds),
        )
        report, *more = (kind.report(account) for kind in self._kinds)
        made = [order.render(one) for one in (report, *more)]
        names = [self._name(entry.line, operator_id, kind.name) for kind in self._kinds]
        if self._journal is not None:
            for name, content in zip(names, made, strict=True):
                self._write(name, content)
        missing = [item.gaps[0].detail or item.source for item in report.freshness if item.gaps]
        return Row(
            line=entry.line,
            term=self._shown(entry.term),
            outcome="partial" if report.partial else "done",
            operator_id=operator_id,
            name=self._shown(account.name),
            as_of=account.as_of.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            figures=_figures(account),
            report=names[0] if self._journal is not None else "",
            detail=self._shown("; ".join(missing)) if report.partial else "",
        )

    def _name(self, line: int, operator_id: str, kind: str) -> str:
        """The file of a report."""
        if self._order.named is not None:
            return self._order.named(line, operator_id, kind)
        return f"{line:0{self._digits}}-{_UNSAFE.sub('_', operator_id)}.{self._order.suffix}"

    def _write(self, name: str, made: bytes) -> None:
        """A folder that takes no more files ends the batch: every further report would be lost."""
        assert self._journal is not None
        try:
            self._journal.write(name, made)
        except UsageError as error:
            raise ConfigError(error.message, setting="--output", hint=error.hint) from None

    def _twin(self, entry: Entry, owner: Row) -> Row:
        """The row of an operator that an earlier line has already named: that line's figures, or its failure."""
        own = replace(owner, line=entry.line, term=self._shown(entry.term))
        if not owner.reported:
            return own
        return replace(own, outcome="duplicate", detail=f"The same operator as line {owner.line}.")

    def _refused(self, entry: Entry, outcome: RowState, detail: str) -> Row:
        return Row(entry.line, self._shown(entry.term), outcome, detail=self._shown(detail))

    def _shown(self, text: str) -> str:
        return clean(text) if self._order.show_personal else mask_text(clean(text))

    def _note(self, entry: Entry, row: Row) -> None:
        self._rows[entry.line] = row
        if self._journal is not None:
            self._journal.add(self.key(entry), asdict(row))
        self._told(row)


def _row(record: Mapping[str, Any]) -> Row:
    """A row as the journal has it."""
    figures = {name: Cell(cell["text"], tuple(cell["receipts"])) for name, cell in record["figures"].items()}
    return Row(**{**record, "figures": figures})


def _figures(account: Account) -> dict[str, Cell]:
    cells = {}
    for standing in SUMMARY:
        found = standing.figure(account)
        if isinstance(found, Fact):
            cells[standing.name] = Cell(value_words(found), tuple(receipt.id for receipt in found.basis))
        else:
            cells[standing.name] = Cell(gap_words(found, detailed=False))
    return cells


def _candidates(error: AmbiguousOperator) -> str:
    listed = [f"{match.candidate.name} {match.operator_id}" for match in error.candidates[:_LISTED]]
    more = len(error.candidates) - len(listed)
    return f"{'; '.join(listed)}{f'; and {more} more' if more > 0 else ''}."


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """How many rows came to what, in the order of `ROW_STATES`, without those that none came to."""
    found = [row.outcome for row in rows]
    return {outcome: found.count(outcome) for outcome in ROW_STATES if outcome in found}


def summary_csv(rows: Iterable[Row]) -> str:
    """The summary as CSV: one line an input; text that a spreadsheet would run as a formula is kept text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [standing.name for standing in SUMMARY]
    writer.writerow(("line", "input", "outcome", "operator_id", "name", *names, "as_of", "report", "detail"))
    for row in rows:
        known = {name: row.figures.get(name, Cell("")) for name in names}
        figures = [
            plain(cell.text) if name in _WORDED or not cell.receipts else cell.text for name, cell in known.items()
        ]
        lead = (row.line, plain(row.term), row.outcome, row.operator_id, plain(row.name))
        writer.writerow((*lead, *figures, row.as_of, row.report, plain(row.detail)))
    return out.getvalue()


def rows_json(rows: Sequence[Row], kind: str) -> dict[str, Any]:
    """The summary as plain values, for JSON; figures carry the ids of their receipts, which the reports spell out."""
    return {"schema": SCHEMA, "kind": kind, "counts": counts(rows), "rows": [asdict(row) for row in rows]}
