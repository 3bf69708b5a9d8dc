"""What a report is made by: its name, what stands above it, and its sections as declarations; and what makes it a kind.

A section declares what it shows: blocks of our own words, and functions of what the report is about. One that shows nothing
is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

from customer_research.domain.occasion import Occasion
from customer_research.domain.report import WEIGHT, Block, Freshness, Prose, Report, Section
from customer_research.errors import UsageError
from customer_research.reports.figure_lines import figures
from customer_research.reports.looking_back import since_of
from customer_research.reports.named import words_of

if TYPE_CHECKING:
    from customer_research.domain.account import Account

S = TypeVar("S")

Shown = Block | Iterable[Block | None] | None
"""What a part of a section comes to."""

Show = Callable[[S], Shown] | Block
"""What a section declares: a block, or a function of what the report is about."""

STREAMS = frozenset(
    {"customer", "subscriptions", "invoices", "payments", "credit_notes", "coupons", "relationship", "tickets", "csm"}
)
"""What every report on an operator needs: the health score on its head rests on all of them, on every report the same."""

INTERNALLY = Occasion()

About = Literal["operator", "operators", "everybody", "term"]
"""Whom a kind of report is about: one operator, two to ten, all of a portfolio, or whoever answers to a term."""

Option = Literal["audience", "since", "meeting"]
"""What an occasion may set: for whom (the kind has a form for customers), since when it looks back, before which talk."""


@dataclass(frozen=True, slots=True)
class SectionPlan(Generic[S]):
    """A section as declared: its id, its title (`titled` gives it another for some subjects), what it shows in order, its weight."""

    id: str
    title: str
    shows: tuple[Show[S], ...]
    titled: Callable[[S], str] | None = None
    weight: int = WEIGHT

    def made(self, subject: S) -> Section | None:
        """The section of a subject; None where nothing is shown."""
        blocks = tuple(block for show in self.shows for block in _blocks(show, subject))
        title = self.titled(subject) if self.titled is not None else self.title
        return Section(title, blocks, self.id, self.weight) if blocks else None


def section(
    id: str,  # noqa: A002 - the model's word
    title: str,
    *shows: Show[S] | str,
    titled: Callable[[S], str] | None = None,
    weight: int = WEIGHT,
) -> SectionPlan[S]:
    """Declare a section; a text is lines of figures of the account that the report is about (see `figures`).

    `weight` says what it is worth where there is room for a part only (see `domain.report.Section`).
    """
    made = (cast("Show[S]", figures(show)) if isinstance(show, str) else show for show in shows)
    return SectionPlan(id, title, tuple(made), titled, weight)


def _blocks(show: Show[S], subject: S) -> Iterator[Block]:
    shown = show(subject) if callable(show) else show
    if isinstance(shown, Block):
        yield shown
    elif shown is not None:
        yield from (block for block in shown if block is not None)


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above the sections: when and of whom the report is, how sources answered, what must be known first.

    `title` is the report's where it is not its outline's own; `remark` stands behind it.
    """

    generated_at: datetime
    as_of: datetime
    freshness: tuple[Freshness, ...] = ()
    headline: Prose | None = None
    warnings: Iterable[Prose] = ()
    operator_id: str = ""
    operator_name: str = ""
    title: str = ""
    remark: str = ""

    @classmethod
    def of(cls, account: Account, headline: Prose | None, warnings: Iterable[Prose] = ()) -> Head:
        """The head of what is told of an account beside its own standing."""
        return cls(
            account.generated_at,
            account.as_of,
            account.freshness,
            headline,
            warnings,
            account.operator_id,
            account.name,
        )


@dataclass(frozen=True, slots=True)
class Outline(Generic[S]):
    """A report as declared: `name` for programs, `title` for readers, its head and its sections in order."""

    name: str
    title: str
    head: Callable[[S], Head]
    sections: tuple[SectionPlan[S], ...]

    def build(self, subject: S) -> Report:
        """The report of a subject: a pure function of it."""
        head = self.head(subject)
        return Report(
            kind=self.name,
            title=", ".join(filter(None, (head.title or self.title, head.remark))),
            operator_id=head.operator_id,
            operator_name=head.operator_name,
            generated_at=head.generated_at,
            as_of=head.as_of,
            sections=tuple(made for plan in self.sections if (made := plan.made(subject)) is not None),
            freshness=head.freshness,
            warnings=tuple(head.warnings),
            headline=head.headline,
            theirs=partial(words_of, subject),
        )


@dataclass(frozen=True, slots=True)
class Kind(Outline[S]):
    """A report that people ask for by the name of its kind.

    `answers` is the question that it answers, `place` where it stands in lists; `use_case` makes it ("report": any kind of
    one account). `prepare` makes of what `build` is given, and of the occasion, what the sections are functions of;
    `options` are what of an occasion counts. `needs` are the streams and listings it reads, `scorecards` those it judges by
    beside the report's own, `past` whether it reads earlier scores and alerts, `levers` whether it tells what each sign moves; `charts` are the titles of what it draws.
    Where they differ, `named` is what its reports call it and `listed` its title in lists.
    """

    answers: str = ""
    place: int = 0
    about: About = "operator"
    use_case: str = "report"
    prepare: Callable[[Any, Occasion], S] | None = None
    options: tuple[Option, ...] = ()
    needs: frozenset[str] = STREAMS
    scorecards: tuple[str, ...] = ()
    past: bool = False
    levers: bool = False
    charts: tuple[str, ...] = ()
    named: str = ""
    listed: str = ""

    @property
    def titles(self) -> tuple[str, ...]:
        """The titles of its sections: those that have nothing to say are left out of a report."""
        return tuple(plan.title for plan in self.sections if plan.title)

    @property
    def for_customers(self) -> bool:
        """Whether it has a form for customers."""
        return "audience" in self.options

    def build(self, subject: Any, occasion: Occasion = INTERNALLY) -> Report:
        """The report of an account, or of what the kind's use case gives."""
        asked = self.prepare(subject, occasion) if self.prepare is not None else subject
        made = Outline.build(self, asked)
        return replace(made, kind=self.named or self.name)

    def report(self, account: Account, occasion: Occasion = INTERNALLY) -> Report:
        """The report on an account: a pure function of it and the occasion.

        Raises:
            UsageError: the kind is not for customers, and the occasion's audience is; or there is no day to look back on.
        """
        self.admit(occasion)
        if occasion.since is not None and occasion.since > (account.as_of - timedelta(microseconds=1)).date():
            raise UsageError(
                f"There is no day to look back on: {occasion.since.isoformat()} is not over at the report's instant.",
                hint="Give an earlier --since.",
            )
        if occasion.audience == "internal":
            return replace(self.build(account, occasion), people=account.people)
        from customer_research.documents.audience import customer_account, customer_report  # noqa: PLC0415 - start-up time

        told = replace(occasion, since=since_of(account, occasion))  # found in notes, which customers do not see
        return replace(customer_report(self.build(customer_account(account), told)), people=account.people)

    def admit(self, occasion: Occasion) -> None:
        """Refuse an occasion that the kind has no form for.

        Raises:
            UsageError: as `report`.
        """
        if occasion.audience == "customer" and not self.for_customers:
            raise UsageError(
                f"The report {self.name} is internal: it has no form for customers.",
                hint="`account-review --audience customer` is made for them.",
            )
