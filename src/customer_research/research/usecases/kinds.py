"""Use cases that make any kind of report: one, of a file's operators, or onto a page in Notion."""

from __future__ import annotations

import difflib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_research.domain.advice import Meeting
from customer_research.domain.report import Audience
from customer_research.errors import UsageError
from customer_research.reports.kinds import declared, names
from customer_research.research import options
from customer_research.research.request import Content, Request, argument, option, request
from customer_research.research.usecases import lists, one, past
from customer_research.research.usecases.answer import Answer, State, Table, lines, of_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_research.domain.occasion import Occasion
    from customer_research.research.batch.batch import Cell, Row
    from customer_research.research.usecases.runner import Call

KINDS = tuple(sorted(names(), key=lambda name: int(declared(name)["place"])))
"""Every kind's name, in the order of the documentation."""


def _about(*whom: str) -> tuple[str, ...]:
    return tuple(name for name in KINDS if declared(name)["about"] in whom)


REPORTS = tuple(name for name in KINDS if declared(name)["use_case"] == "report")
"""The reports that are made of one operator's account."""

OF_ONE = _about("operator", "term")
OF_SEVERAL = _about("operators")
OF_EVERYBODY = _about("everybody")
OTHER_NAMES = {"qbr": "account-review", "compare": "comparison", "summary": "portfolio-summary"}


@request
class AnyReport(Request):
    """One report of any kind."""

    WHOSE = ("operators",)

    def reads(self, needs: frozenset[str]) -> frozenset[str]:
        kind = _kind(self.kind, self.operators)
        if self.snapshot is not None or kind in OF_EVERYBODY:
            return needs - {"live"}
        return needs if kind == "history" else needs & {"live"}

    ABOUT = f"""\
The report KIND, in any format.

About one OPERATOR: {", ".join(OF_ONE)}. About two to ten: {", ".join(OF_SEVERAL)}. About everybody, without OPERATOR:
{", ".join(OF_EVERYBODY)}; churn-risk without OPERATOR is that of the portfolio.

--audience customer makes a report that shows nothing internal; kinds that have no form for customers refuse it. --snapshot ID
makes it of an account snapshot (`customer-research snapshot`), without OPERATOR and without asking any source.
"""

    kind: str = argument("Which kind.", words=KINDS)
    operators: tuple[str, ...] = argument("Whom it is about.", (), metavar="[OPERATOR]...")
    audience: Audience = options.audience()
    since: datetime | None = options.since()
    meeting: Meeting = options.meeting()
    snapshot: str | None = option("Of this account snapshot: an id or a file.", None, metavar="ID", or_file=True)
    scorecard: str | None = options.scorecard()

    async def answer(self, call: Call) -> Answer:
        kind = _kind(self.kind, self.operators)
        occasion = one.occasion_of(self)
        _admit(kind, occasion)
        if self.snapshot is not None:
            if self.operators:
                raise UsageError("A snapshot names its operator itself.", hint="Leave OPERATOR or --snapshot out.")
            return await call.aside(_of_snapshot, call, kind, self.snapshot, occasion)
        _count(kind, self.operators)
        if kind in OF_EVERYBODY:
            return await call.aside(lists.of_everybody, call, kind)
        return await _made(call, kind, self, occasion)


def _kind(name: str, operators: tuple[str, ...]) -> str:
    """The kind that is meant, with hyphens or underscores.

    Raises:
        UsageError: there is none; the nearest are named.
    """
    wanted = name.strip().lower().replace("_", "-")
    if wanted == "churn-risk" and not operators:
        return "portfolio-churn-risk"
    wanted = OTHER_NAMES.get(wanted, wanted)
    if wanted in KINDS:
        return wanted
    close = difflib.get_close_matches(wanted, KINDS, n=3)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"Kinds: {', '.join(KINDS)}."
    raise UsageError(f"There is no report {name[:60]!r}.", hint=hint)


def _admit(kind: str, occasion: Occasion) -> None:
    """Refuse an audience for which the kind has no form, before anything is fetched."""
    if occasion.audience == "internal":
        return
    from customer_research.reports.kinds import EVERY_KIND

    EVERY_KIND[kind].admit(occasion)


def _count(kind: str, operators: tuple[str, ...]) -> None:
    """Refuse too many or too few operators (a comparison counts its own)."""
    if kind in OF_ONE and len(operators) != 1:
        given = "none is" if not operators else f"{len(operators)} are"
        raise UsageError(
            f"The report {kind} is about one operator, and {given} named.",
            hint="Put a name of several words in quotes; `report comparison A B` compares.",
        )
    if kind in OF_EVERYBODY and operators:
        raise UsageError(f"The report {kind} is about everybody: it takes no operator.", hint="Leave OPERATOR out.")


async def _made(call: Call, kind: str, asked: AnyReport, occasion: Occasion) -> Answer:
    """The report by the use case that its kind names."""
    operator, card = asked.operators[0] if asked.operators else "", asked.scorecard
    use_case = declared(kind)["use_case"]
    if use_case == "compare":
        return await one.Comparison(operators=asked.operators, scorecard=card).answer(call)
    if use_case == "lookup":
        return await one.Lookup(term=operator).answer(call)
    if use_case == "missing":
        return await one.Missing(operator=operator, scorecard=card).answer(call)
    if use_case == "history":
        return await past.OfOperator(operator=operator, scorecard=card).answer(call)
    async with call.research() as research:
        return of_report(await research.report(kind, operator, scorecard=card, occasion=occasion))


def _of_snapshot(call: Call, kind: str, snapshot: str, occasion: Occasion) -> Answer:
    from customer_research.research.one import account_snapshots

    found = account_snapshots.find(call.settings, snapshot)
    made = account_snapshots.report(found, "churn-risk" if kind == "portfolio-churn-risk" else kind, occasion)
    if account_snapshots.same_code(found):
        return of_report(made)
    return of_report(made, "Note: another version of the program took this snapshot; the bytes may differ from then.")


@request
class Export(Request):
    """Write the report KIND about OPERATOR to its page in Notion: one page for each operator and kind.

    The page lies in the data source of the setting notion.reports_data_source; a second export updates it. What a person has
    written there is not overwritten without --force: the report is then added as a section, with a warning.
    """

    kind: str = argument("Which kind.", choices=REPORTS)
    operator: str = options.operator()
    audience: Audience = options.audience()
    since: datetime | None = options.since()
    meeting: Meeting = options.meeting()
    scorecard: str | None = options.scorecard()
    force: bool = option("Overwrite the page also where a person has edited it.", False)
    prepare: bool = option("Add the properties that the data source lacks.", False)
    show_personal: bool = options.personal("Write e-mail addresses, phones and names unmasked.")

    async def answer(self, call: Call) -> Answer:
        from customer_research.reports.kinds import OPERATOR_KINDS
        from customer_research.research.export import to_notion

        chosen, occasion = OPERATOR_KINDS[self.kind], one.occasion_of(self)
        chosen.admit(occasion)
        async with call.research() as research:
            account = await research.account_for(chosen, self.operator, scorecard=self.scorecard)
            made = chosen.report(account, occasion)
            done = await to_notion(
                call.settings,
                research.now,
                made,
                account.score,
                force=self.force,
                prepare=self.prepare,
                show_personal=self.show_personal or call.settings.show_personal,
            )
        said = f"{done.done}: {done.url or done.page}"
        beside = (f"Note: {done.warning}",) if done.warning else ()
        return lines(said, state="partial" if made.partial else "done", beside=beside)


# -- batch -------------------------------------------------------------------------------------------------------------


@request
class Batch(Request):
    """A report of each operator that FILE (- for standard input) names, and one summary of all.

    FILE has an identifier a line, or in the first column of a CSV; blank lines and lines that begin with # are left out. Every
    line has a row in the summary: figures, or why there are none.

    With --output DIR each report is written to DIR/LINE-OPERATOR.md (or another --format) and the summary to DIR/summary.csv. A run that
    was cut off continues with the same call: what DIR/journal.jsonl has is not fetched again. Three operators are fetched at a
    time, within the settings' requests_per_second and concurrency of each source.

    Exit code: 0 all in full; 3 some partial; 4 some not found, ambiguous or refused; 6 some failed.
    """

    OUTPUT_AFTER = "output"
    DOCUMENT = "Reports and the printed summary as JSON."

    file: Content = argument("Identifiers, one a line.", file="content")
    kind: str = option("The report of each operator.", "quick", choices=REPORTS)
    output: Path | None = option("Folder for reports and summary.", None, flags=("--output", "-o"), file="folder")
    format: str | None = option("How reports are written; default: markdown.", None, file="format")
    retry: bool = option("Do again the lines of an earlier run that were not done in full.", False)
    scorecard: str | None = options.scorecard()
    template: Path | None = option(
        "Your own .pptx for slides: its layouts and placeholders are used.", None, file="template"
    )
    show_personal: bool = options.personal()

    async def answer(self, call: Call) -> Answer:
        from customer_research.documents.brand import brand_of
        from customer_research.documents.formats import FORMATS, render
        from customer_research.research.batch.batch import Order, counts, rows_json
        from customer_research.research.batch.entries import read_entries

        personal = self.show_personal or call.settings.show_personal
        style = self.format or "markdown"
        chosen = call.settings.brand
        template, brand = self.template or chosen.template, brand_of(chosen.color, chosen.logo, chosen.manager)

        def rendered(report: Any) -> bytes:
            made = render(report, style, show_personal=personal, template=template, brand=brand)
            return made if FORMATS[style].binary else made.rstrip(b"\n") + b"\n"

        suffix = FORMATS[style].suffixes[0].removeprefix(".")
        order = Order(self.kind, rendered, suffix, scorecard=self.scorecard, show_personal=personal, retry=self.retry)
        entries = read_entries(self.file.content, name=self.file.name)
        heard: list[Row] = []

        def told(row: Row) -> None:
            heard.append(row)
            call.progress(len(heard), len(entries), count_words(counts(heard)))

        async with call.research(streams=False) as research:
            rows = await research.batch(entries, order, folder=self.output, told=told)
        beside = (f"Written: {self.output / 'summary.csv'}",) if self.output is not None else ()
        return Answer(summary(rows, counts(rows)), gravest(rows), rows_json(rows, order.kind), beside)


FIGURES = ("mrr", "health", "plan", "payment", "open_tickets", "trips_30d", "trend")
HEADERS = ("Line", "Outcome", "Operator", "MRR", "Health", "Plan", "Payment", "Tickets", "Trips", "Trend")
STYLES = {"done": "", "partial": "yellow", "duplicate": "dim"}
"""Style of an outcome; all others are red. The outcome stands there in words, too."""


def gravest(rows: Sequence[Row]) -> State:
    """The gravest of what became of the rows."""
    outcomes = {row.outcome for row in rows}
    if "failed" in outcomes:
        return "failed"
    if outcomes & {"not_found", "ambiguous", "refused"}:
        return "not_found"
    return "partial" if "partial" in outcomes else "done"


def summary(rows: Sequence[Row], counts: dict[str, int]) -> Table:
    """The summary: a line an input, then why some have no figures, then the counts."""
    told = [f"Line {row.line}, {_words(row.outcome)}: {row.term}: {row.detail.strip()}" for row in rows if row.detail]
    total = f"{len(rows)} {'line' if len(rows) == 1 else 'lines'}: {count_words(counts)}."
    return _table(rows, (*told, total), narrow=_table(rows, (), sources=False))


def _table(rows: Sequence[Row], after: tuple[str, ...], *, sources: bool = True, narrow: Table | None = None) -> Table:
    return Table(
        HEADERS,
        tuple(_cells(row, sources=sources) for row in rows),
        right={0},
        state=1,
        styles=tuple(STYLES.get(row.outcome, "red") for row in rows),
        after=after,
        tight=True,
        narrow=narrow,
    )


def _words(outcome: str) -> str:
    return outcome.replace("_", " ")


def count_words(counts: dict[str, int]) -> str:
    """How many lines came to what: `done 3, not found 1`."""
    return ", ".join(f"{_words(outcome)} {count}" for outcome, count in counts.items())


def _cells(row: Row, *, sources: bool) -> tuple[str, ...]:
    """A row's cells, a header each; without its source a hole is only named."""
    figures = (_short(name, row.figures[name], sources=sources) if name in row.figures else "" for name in FIGURES)
    return (str(row.line), _words(row.outcome), row.name or row.term, *figures)


def _short(name: str, cell: Cell, *, sources: bool) -> str:
    """A figure in few words: of the payment standing only its label (`Healthy, 85 of 100`)."""
    if not cell.receipts:
        return cell.text if sources else cell.text.partition(" (")[0]
    return cell.text.partition(",")[0] if name == "payment" else cell.text
