"""What if: an operator's score beside the one it would have under assumptions, which is labelled so everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Figure, Gap, Receipt
from customer_research.domain.health import BAND_LABELS, Contribution, LineChange
from customer_research.domain.report import (
    Block,
    Bullets,
    Cell,
    FigureLine,
    Figures,
    Prose,
    Table,
    Text,
)
from customer_research.reports import judgement
from customer_research.reports.blocks import bullets, grid
from customer_research.reports.kind import Head, Outline, section
from customer_research.reports.standing_figures import STANDINGS
from customer_research.reports.tones import BAND_TONES

ASSUMPTION = "assumption"
"""The source of an assumption's receipt."""

WARNING = "Hypothetical: what stands under “If” was computed from assumptions by the same rules. It is no fact of the operator."


@dataclass(frozen=True, slots=True)
class Supposition:
    """An account as it is and as it would be.

    `receipts` are the assumptions; `labels` the labels of the metrics named; `assumed` the metrics that were set, `followed`
    those recomputed from them, `left` those made of the same records that stand as they were; `lines` what changes in the
    score.
    """

    before: Account
    after: Account
    receipts: tuple[Receipt, ...]
    labels: Mapping[str, str]
    assumed: tuple[str, ...]
    followed: tuple[str, ...]
    left: tuple[str, ...]
    lines: tuple[LineChange, ...]


def _head(supposed: Supposition) -> Head:
    return Head.of(supposed.before, _headline(supposed), (Prose(WARNING, (), "watch"),))


def hypothetical(figure: Figure, receipts: Sequence[Receipt]) -> Figure:
    """A figure of the supposed account, so marked that nobody takes it for a fact of the operator."""
    if isinstance(figure, Gap):
        return figure
    basis = {receipt.id: receipt for receipt in (*figure.basis, *receipts)}
    name = f"hypothetical_{figure.metric}" if figure.metric else "hypothetical"
    return replace(figure, basis=tuple(basis.values()), metric=name)


def _headline(supposed: Supposition) -> Prose:
    before, after = supposed.before, supposed.after
    found = [_score_words(account) for account in (before, after)]
    facts = [judgement.score_figure(before, before.score)]
    facts.append(hypothetical(judgement.score_figure(after, after.score), supposed.receipts))
    proven = tuple(fact for fact in facts if isinstance(fact, Fact))
    stays = found[0] == found[1]
    change = f"stay at {found[0]}" if stays else f"be {found[1]} instead of {found[0]}"
    tone = BAND_TONES[after.score.band] if after.score else "unknown"
    return Prose(f"Hypothetical: health would {change}.", proven, tone)


def _score_words(account: Account) -> str:
    score = account.score
    if score is None or score.score is None:
        return BAND_LABELS["insufficient"].lower()
    return f"{judgement.points_range(score)} of 100, {judgement.band_words(score)}"


def _assumptions(supposed: Supposition) -> Iterator[Block | None]:
    yield _figures_table("Assumed", supposed, supposed.assumed, ())
    yield _figures_table("Recomputed from that", supposed, supposed.followed, supposed.receipts)
    if supposed.left:
        yield Prose("Left as they are, though made of the same records (assume them too if they would change):")
        yield Figures(tuple(FigureLine(_label(supposed, m), supposed.before.figures[m]) for m in supposed.left))


def _label(supposed: Supposition, metric: str) -> str:
    return f"{supposed.labels[metric]} ({metric})"


def _figures_table(
    caption: str, supposed: Supposition, metrics: Sequence[str], receipts: Sequence[Receipt]
) -> Table | None:
    rows = (
        (
            Text(_label(supposed, metric)),
            _without_note(supposed.before.figures[metric]),
            _assumed_cell(supposed.after.figures[metric], receipts),
        )
        for metric in metrics
    )
    return grid("Figure | Now | If", rows, caption=caption)


def _assumed_cell(figure: Figure, receipts: Sequence[Receipt]) -> Cell:
    if isinstance(figure, Gap) and figure.source == ASSUMPTION:
        return Text("unknown (assumed)", "unknown")
    return hypothetical(figure, receipts)


def _without_note(figure: Figure) -> Figure:
    return replace(figure, note="") if isinstance(figure, Fact) else figure


def _scores(supposed: Supposition) -> Table | None:
    names = ("score", "band", "payment_score", "engagement_score", "support_score", "growth_score", "coverage")
    both = [(STANDINGS[name], supposed.before, supposed.after) for name in names]
    found = [(standing.label, standing.figure(before), standing.figure(after)) for standing, before, after in both]
    shown = [(label, now, then) for label, now, then in found if not _unjudged(now, then)]
    rows = tuple((Text(label), *_beside(supposed, now, then)) for label, now, then in shown)
    return grid("| Now | If | !Change", rows)


def _unjudged(now: Figure, then: Figure) -> bool:
    return all(isinstance(figure, Gap) and figure.reason == "not_applicable" for figure in (now, then))


def _beside(supposed: Supposition, now: Figure, then: Figure) -> tuple[Cell, ...]:
    """Both figures and their difference, where both are numbers of points."""
    if not isinstance(now, Fact) or not isinstance(then, Fact):
        return now, hypothetical(then, supposed.receipts), Text("not known", "unknown")
    return now, hypothetical(then, supposed.receipts), _difference(supposed, now, then)


def _difference(supposed: Supposition, now: Fact[Any], then: Fact[Any]) -> Cell:
    if now.value == then.value:
        return Text("none")
    if now.unit != "points":
        return Text("changes")
    change = Fact(then.value - now.value, "points", then.basis, then.as_of)
    marked = hypothetical(change, supposed.receipts)
    assert isinstance(marked, Fact)
    return replace(marked, metric="contribution_points")


def _points(supposed: Supposition) -> Block:
    changed = grid("Rule | !Dimension | !Now | !If | Why", (_line(supposed, line) for line in supposed.lines))
    return changed or Prose("No rule of the scorecard gives other points.")


def _line(supposed: Supposition, line: LineChange) -> tuple[Cell, ...]:
    now = _points_of(line.before)
    then = _points_of(line.after)
    marked = hypothetical(then, supposed.receipts) if isinstance(then, Fact) else then
    if isinstance(marked, Fact):
        marked = replace(marked, metric="contribution_points")
    return Text(line.rule), Text(judgement.dimension_title(line.dimension)), now, marked, _why(supposed, line)


def _why(supposed: Supposition, line: LineChange) -> Cell:
    if line.after is not None:
        told = judgement.because(line.after, f"If so: {line.after.because}")
        return hypothetical(told, supposed.receipts) if isinstance(told, Fact) else told
    return judgement.because(line.before, f"No more: {line.before.because}") if line.before else Text("")


def _points_of(line: Contribution | None) -> Fact[int] | Text:
    if line is None:
        return Text("none")
    return Fact(line.points, "points", line.fact.basis, line.fact.as_of, "contribution_points")


def _findings(supposed: Supposition) -> Bullets | None:
    was = {finding.rule: finding for finding in supposed.before.findings}
    now = {finding.rule: finding for finding in supposed.after.findings}
    items = [
        Prose(f"Would hold: {now[rule].title}: {now[rule].because}", _marked(supposed, now[rule].facts), "watch")
        for rule in now.keys() - was.keys()
    ]
    items += [Prose(f"Would end: {was[rule].title}.", was[rule].facts) for rule in was.keys() - now.keys()]
    return bullets(sorted(items, key=lambda item: item.text))


def _marked(supposed: Supposition, facts: Sequence[Fact[Any]]) -> tuple[Fact[Any], ...]:
    marked = (hypothetical(fact, supposed.receipts) for fact in facts)
    return tuple(fact for fact in marked if isinstance(fact, Fact))


REPORT = Outline(
    "whatif",
    "What if (hypothetical)",
    _head,
    (
        section("assumptions", "Assumptions", _assumptions),
        section("health", "Score", _scores),
        section("points", "Points that change", _points),
        section("findings", "Findings that change", _findings),
    ),
)
