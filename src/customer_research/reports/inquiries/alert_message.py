"""One alert as a message: who, how it stands, why, and what to do. Short: the whole of it stands in `alerts show`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from customer_research.documents.present import source_title
from customer_research.domain.alert import Alert
from customer_research.domain.alert_told import News
from customer_research.domain.evidence import Fact, Figure, Gap
from customer_research.domain.health import BAND_LABELS
from customer_research.domain.report import Block, FigureLine, Figures, Prose
from customer_research.reports.blocks import bullets
from customer_research.reports.kind import Head, Outline, section
from customer_research.reports.kinds.alerts import AlertBasis
from customer_research.reports.portfolio_cells import mrr_said
from customer_research.reports.tones import PRIORITY_TONES

REASONS = 3
"""How many reasons a message tells; how many more there are is said."""

_NEWS: Mapping[News, str] = {"new": "Alert", "worse": "Alert, worse", "better": "Alert, better"}


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """An alert, what is new of it, and the band in which its operator stood when it was told last (empty: none)."""

    basis: AlertBasis
    alert: Alert
    news: News
    then: str = ""

    @property
    def name(self) -> str:
        """The operator's name, or the source."""
        first = self.alert.reasons[0]
        return source_title(first.source) if first.source else first.name


def _head(found: AlertMessage) -> Head:
    basis, first = found.basis, found.alert.reasons[0]
    return Head(
        basis.generated_at,
        basis.as_of,
        basis.freshness,
        _headline(found),
        operator_id="" if first.source else first.subject,
        operator_name=found.name,
        title=_NEWS[found.news],
    )


def _headline(found: AlertMessage) -> Prose:
    """Where it stands, what is at stake and until when, in one line."""
    basis, worst = found.basis, found.alert.reasons[0]
    line = basis.lines.get(worst.subject)
    if line is None:
        told = worst.told.because
        return Prose(told, (basis.proof.fact(told, "text"),), PRIORITY_TONES[worst.severity])
    health, mrr = line.figure("health", basis.as_of), line.figure("mrr", basis.as_of)
    parts = (*_standing(found, health), mrr_said(mrr), line.soon)
    facts = tuple(one for one in (health, mrr) if isinstance(one, Fact))
    return Prose(f"{'; '.join(parts)}.", facts, PRIORITY_TONES[worst.severity])


def _standing(found: AlertMessage, health: Figure) -> Iterator[str]:
    yield str(health.value) if isinstance(health, Fact) else "Health not known"
    if found.news != "new" and found.then in BAND_LABELS:
        yield f"{BAND_LABELS[found.then]} before"


def _why(found: AlertMessage) -> Iterator[Block | None]:
    proof, reasons = found.basis.proof, found.alert.reasons
    yield bullets(
        Prose(
            f"{one.title}: {one.told.because.rstrip('.')} (since {one.raised.as_of:%Y-%m-%d}).",
            (proof.fact(one.told.because, "text"),),
            PRIORITY_TONES[one.severity],
        )
        for one in reasons[:REASONS]
    )
    if len(reasons) > REASONS:
        yield Prose(f"{len(reasons) - REASONS} more in the whole alert.", (proof.fact(len(reasons) - REASONS),))


def _stands(found: AlertMessage) -> Block | None:
    """Whose it is, and why what the headline leaves out is not known."""
    line, as_of = found.basis.lines.get(found.alert.subject), found.basis.as_of
    if line is None:
        return None
    figures = {"Account owner": line.figure("owner", as_of)}
    unknown = {"Health": line.figure("health", as_of), "MRR": line.figure("mrr", as_of)}
    figures |= {label: figure for label, figure in unknown.items() if isinstance(figure, Gap)}
    return Figures(tuple(FigureLine(label, figure) for label, figure in figures.items()))


def _to_do(found: AlertMessage) -> Block | None:
    """What the playbook asks for first, else what the rule of its gravest reason says."""
    basis, first = found.basis, found.alert.reasons[0]
    line, rule = basis.lines.get(first.subject), basis.rules.get(first.rule)
    if line is not None and line.step is not None:
        step = line.step
        return Prose(f"{step.action.rstrip('.')} ({step.by}, {step.due}).", step.facts)
    return Prose(f"{rule.action.rstrip('.')} ({rule.owner}).") if rule is not None else None


REPORT = Outline(
    "alert",
    "Alert",
    _head,
    (
        section("why", "Why", _why, weight=3),
        section("stands", "Whose it is", _stands),
        section("actions", "What to do", _to_do, weight=3),
    ),
)
