"""Portfolio: who needs attention and why, where figures disagree, and how everybody stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Figure, Gap
from customer_research.domain.health import BAND_LABELS
from customer_research.domain.portfolio import Group, Portfolio
from customer_research.domain.report import Block, Cell, Prose, Report, Section, Table, Text, Tone
from customer_research.reports import judgement
from customer_research.reports.build import figure, section, sections
from customer_research.reports.presentation import counted, value_words
from customer_research.reports.standing import flag, health

HEADERS = ("Operator", "Segment", "MRR", "Health", "Change, 30 days", "Trend", "Why")
_AT_RISK = frozenset({"critical", "at_risk"})


def build(found: Portfolio) -> Report:
    """The portfolio, those who need attention most first."""
    return Report(
        kind="portfolio",
        title="Portfolio",
        operator_id="",
        operator_name="",
        generated_at=found.generated_at,
        as_of=found.snapshot.as_of,
        sections=sections(
            section("Who needs attention", *_lines(found), id="attention"),
            section("Where figures disagree", _disagreements(found), id="disagreements"),
            *groups(found),
        ),
        freshness=found.freshness,
        warnings=tuple(gap_warnings(found)),
        headline=_headline(found),
    )


def number(found: Portfolio, value: float, unit: str) -> Fact[float]:
    """A figure computed over the snapshot, with its receipt."""
    return Fact(value, unit, (found.receipt,), found.snapshot.as_of)


def groups(found: Portfolio) -> Iterator[Section | None]:
    """How everybody stands: by band, segment and status."""
    bands = [Group(BAND_LABELS[g.name], g.operators, g.mrr_minor, g.mrr_unknown, g.average) for g in _by_band(found)]
    statuses = [
        Group(judgement.STATUS_LABELS.get(g.name, g.name), g.operators, g.mrr_minor, g.mrr_unknown, g.average)
        for g in found.statuses
    ]
    yield section(
        "How everybody stands",
        group_table(found, bands, "Band", "By band"),
        group_table(found, found.segments, "Segment", "By segment"),
        group_table(found, statuses, "Status", "By status"),
        id="groups",
    )


def _by_band(found: Portfolio) -> list[Group]:
    order = list(BAND_LABELS)
    return sorted(found.bands, key=lambda group: order.index(group.name))


def group_table(
    found: Portfolio, rows: Sequence[Group], of: str, caption: str, average: str = "Average score"
) -> Table | None:
    """Groups with their number, MRR and average."""
    if not rows:
        return None
    return Table(
        (of, "Operators", "Share", "MRR", average),
        tuple(_group_row(found, group, sum(row.operators for row in rows)) for group in rows),
        (found.receipt,),
        caption,
        align=("left", "right", "right", "right", "right"),
    )


def _group_row(found: Portfolio, group: Group, of: int) -> tuple[Cell, ...]:
    nobody = Gap("portfolio", "none_found", "nobody in it has a score")
    average: Cell = nobody if group.average is None else number(found, round(group.average, 1), "number")
    return (
        Text(group.name),
        number(found, group.operators, "count"),
        number(found, group.operators / of if of else 0.0, "ratio"),
        mrr_of(found, group),
        average,
    )


def mrr_of(found: Portfolio, group: Group) -> Figure:
    """The group's MRR; how many of it have none that is known stands beside it."""
    if group.mrr_unknown == group.operators and group.operators:
        return Gap("portfolio", "none_found", "no MRR in USD is known")
    note = f"{group.mrr_unknown} without a known MRR in USD" if group.mrr_unknown else ""
    return Fact(group.mrr_minor, "usd_minor", (found.receipt,), found.snapshot.as_of, note=note)


def _headline(found: Portfolio) -> Prose:
    counts = {group.name: group for group in found.bands}
    critical, at_risk = (counts.get(band) for band in ("critical", "at_risk"))
    worst = [group for group in (critical, at_risk) if group is not None]
    parts = [f"{group.operators} {BAND_LABELS[group.name]}" for group in worst]
    mrr = Fact(sum(group.mrr_minor for group in worst), "usd_minor", (found.receipt,), found.snapshot.as_of)
    total = number(found, found.chosen.matching, "count")
    chosen = f" ({found.chosen.words})" if found.chosen.words else ""
    standing = (
        f"{' and '.join(parts)}, with {value_words(mrr)} of MRR a month" if parts else "nobody At Risk or Critical"
    )
    return Prose(f"{counted(found.chosen.matching, 'operator')}{chosen}: {standing}.", (total, mrr), _tone(worst))


def _tone(worst: Sequence[Group]) -> Tone:
    return "bad" if any(group.name in _AT_RISK and group.operators for group in worst) else "good"


def gap_warnings(found: Portfolio) -> Iterator[Prose]:
    """Tables that are unknown of everybody: the coverage of every score is lower for it."""
    for gap in found.snapshot.gaps:
        yield Prose(f"Unknown of every operator: {gap.detail}", (), "watch")


def _lines(found: Portfolio) -> Iterator[Block]:
    if not found.accounts:
        yield Prose(f"No operator answers to it{': ' + found.chosen.words if found.chosen.words else ''}.")
        return
    yield Table(
        HEADERS,
        tuple(_line(found, account) for account in found.accounts),
        (found.receipt,),
        "",
        found.chosen.matching,
        ("left", "left", "right", "left", "right", "right", "left"),
    )


def _line(found: Portfolio, account: Account) -> tuple[Cell, ...]:
    return (
        Text(account.name or account.operator_id),
        figure(account, "segment"),
        figure(account, "mrr_usd"),
        health(account),
        found.changes.get(account.operator_id, NO_HISTORY),
        figure(account, "usage_trend"),
        flag(account),
    )


NO_HISTORY = Gap(
    "score history", "none_found", "no score of 30 days ago", "Run `customer-research history backfill` once."
)


def _disagreements(found: Portfolio) -> Block:
    if not found.disagreements:
        return Prose(
            "Money, usage and support tell the same story wherever they are known.", (number(found, 0, "count"),)
        )
    rows = tuple(
        (
            Text(group.name),
            number(found, group.operators, "count"),
            mrr_of(found, group),
            Text(", ".join(group.examples)),
        )
        for group in found.disagreements
    )
    return Table(
        ("What they say", "Operators", "MRR", "For example"),
        rows,
        (found.receipt,),
        "",
        align=("left", "right", "right", "left"),
    )
