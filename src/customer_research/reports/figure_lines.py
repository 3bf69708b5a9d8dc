"""Labelled figures: metrics of the catalogue, fields of the operator's own records, and what is computed of both.

A figure always keeps its receipts; what is unknown stays a gap with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from customer_research.domain.account import Account
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import ANSWERS, Fact, Figure, Gap, merge_basis
from customer_research.domain.report import FigureLine, Figures, Personal, Tone
from customer_research.errors import RenderError
from customer_research.record_tables import TABLES
from customer_research.reports.record_rows import PERSONAL_KINDS, PersonalKind, known_rows, proof_of, records
from customer_research.reports.tones import tone_of

Lines = Callable[[Account], FigureLine | Iterable[FigureLine]]
"""Labelled figures of an account."""


def figure(account: Account, metric: str) -> Figure:
    """A metric's figure.

    Raises:
        RenderError: the account has no such metric.
    """
    try:
        return account.figures[metric]
    except KeyError:
        raise RenderError(
            f"The account has no metric {metric!r}.", hint="Every metric of the catalogue is a Fact or a Gap."
        ) from None


def line(account: Account, label: str, metric: str, *, tone: Tone | None = None) -> FigureLine:
    """A labelled metric with its tone."""
    found = figure(account, metric)
    return FigureLine(label, found, tone_of(found) if tone is None else tone)


def figures(*shown: str | Lines) -> Callable[[Account], Figures]:
    """Declare a group of figures: lines of text, and functions of the account, in order.

    A line holds names of metrics, which bring their own labels; or `metric: Label` where here it has another; or
    `table.field: Label` for a field of the operator's single record, with its unit or the kind of personal data that it is
    (`customer.email email: E-mail`).
    """
    makers = tuple(maker for entry in shown for maker in (_declared(entry) if isinstance(entry, str) else (entry,)))

    def made(account: Account) -> Figures:
        return Figures(tuple(line for maker in makers for line in _each(maker(account))))

    return made


def _each(found: FigureLine | Iterable[FigureLine]) -> Iterable[FigureLine]:
    return (found,) if isinstance(found, FigureLine) else found


def _declared(text: str) -> Iterator[Lines]:
    for entry in text.strip().splitlines():
        what, _, label = (part.strip() for part in entry.partition(":"))
        if "." in what:
            yield _field_line(what, label)
        else:
            yield from (_metric_line(metric, label or METRICS[metric].label) for metric in what.split())


def _metric_line(metric: str, label: str) -> Lines:
    return lambda account: line(account, label, metric)


def _field_line(what: str, label: str) -> Lines:
    place, _, kind = what.partition(" ")
    name, _, field = place.partition(".")
    personal = PERSONAL_KINDS.get(kind)
    unit = "text" if personal else kind or "text"
    return lambda account: FigureLine(label, field_figure(account, name, field, unit, personal=personal))


def present(shown: Callable[[Account], Figures]) -> Callable[[Account], Figures | None]:
    """The figures without those for which a source answered that there is nothing; None when none is left."""

    def made(account: Account) -> Figures | None:
        found = shown(account).lines
        kept = tuple(one for one in found if not (isinstance(one.figure, Gap) and one.figure.reason in ANSWERS))
        return Figures(kept) if kept else None

    return made


def is_true(account: Account, metric: str) -> bool:
    """Whether a boolean metric is known and true."""
    fact = account.fact(metric)
    return fact is not None and fact.value is True


def share(account: Account, part: str, whole: str) -> Figure:
    """One count as a share of another: a ratio with both receipts; the gap of whichever is unknown; none of zero."""
    numerator, denominator = figure(account, part), figure(account, whole)
    if isinstance(numerator, Gap):
        return numerator
    if isinstance(denominator, Gap):
        return denominator
    if denominator.value == 0:
        return Gap(denominator.basis[0].source, "none_found", "there is nothing to take a share of", metric=part)
    ratio = numerator.value / denominator.value
    return Fact(ratio, "ratio", merge_basis((numerator, denominator)), account.as_of)


def field_figure(
    account: Account, name: str, field: str, unit: str = "text", *, personal: PersonalKind | None = None
) -> Figure:
    """A field of the operator's single record in a table, as a figure: the table's gap, or why there is no value."""
    found = records(account, name)
    source = TABLES[name].home
    if found.gap is not None:
        return found.gap
    rows = known_rows(account, name)
    if not rows:
        return Gap(source, "none_found", f"no {name} record of this operator")
    value = rows[0].get(field)
    if value is None or value == "":
        return Gap(source, "none_found", "not filled in")
    if personal is not None:
        value = Personal(str(value), personal)
    return Fact(value, unit, proof_of(rows[0], found.receipts), account.as_of)


def first_known(*figures: Figure) -> Figure:
    """The first figure that is a fact; else the first that is a hole rather than an answer; else the first."""
    for candidate in figures:
        if isinstance(candidate, Fact):
            return candidate
    holes = [gap for gap in figures if isinstance(gap, Gap) and gap.reason not in {"none_found", "not_applicable"}]
    return holes[0] if holes else figures[0]
