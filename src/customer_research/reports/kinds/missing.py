"""What is not known of an operator, and how far each of it could move the score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from customer_research.documents.present import gap_words
from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.domain.health import BAND_LABELS, Bounds
from customer_research.domain.report import Block, Bullets, Cell, Prose, Table, Text
from customer_research.reports import judgement
from customer_research.reports.blocks import grid, stated
from customer_research.reports.kind import Head, Kind, section

WARNING = "The bounds are hypothetical: each rule that cannot be checked is taken to hold, and not to. Not every such case need be possible."


@dataclass(frozen=True, slots=True)
class Uncertainty(Bounds):
    """Something unknown: what it is, why, and the score's bounds were it known; `receipt` states the assumption behind them."""

    what: str
    gap: Gap | None
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Uncertainties:
    """What is unknown of an account: single figures, what one cause keeps away at once, and all of it (None: nothing is)."""

    account: Account
    figures: Sequence[Uncertainty]
    causes: Sequence[Uncertainty]
    everything: Uncertainty | None


def _head(found: Uncertainties) -> Head:
    warnings = (Prose(WARNING, (), "watch"),) if found.everything else ()
    return Head.of(found.account, _headline(found.account, found.everything), warnings)


def _headline(account: Account, everything: Uncertainty | None) -> Prose:
    found = judgement.score_figure(account, account.score)
    score = account.score
    told = score is not None and isinstance(found, Fact)
    now = f"Health {judgement.points_range(score)} of 100" if told and score is not None else "No health score"
    facts = (found,) if isinstance(found, Fact) else ()
    if everything is None:
        return Prose(f"{now}: everything that the scorecard asks for is known.", facts, "good")
    if everything.lower is None or everything.upper is None:
        return Prose(f"{now}; with all that is missing it would still not be known.", facts, "unknown")
    bounds = tuple(_fact(account, value, everything) for value in (everything.lower, everything.upper))
    moved = f"; were all known that is missing, between {everything.lower} and {everything.upper}."
    return Prose(now + (moved if everything.width else ", whatever is missing."), (*facts, *bounds), "watch")


def _figures(account: Account, found: Sequence[Uncertainty]) -> Iterator[Block | None]:
    ranked = sorted(found, key=lambda unknown: (-unknown.width, unknown.lower is not None, unknown.what))
    moving = [unknown for unknown in ranked if unknown.width or unknown.lower is None]
    idle = [unknown.what for unknown in ranked if not (unknown.width or unknown.lower is None)]
    if moving:
        declared = "Figure | From | To | Apart | Band | !Rules and caps left open"
        rows = (_row(account, unknown) for unknown in moving)
        yield grid(declared, rows, _basis(account), "Health score if it were known")
        yield Prose("Why, and what to do:")
        yield Bullets(tuple(_reasons(moving)))
    elif found:
        yield Prose("Nothing that is unknown would by itself move the score.")
    else:
        yield Prose("Everything that the scorecard asks for is known.")
    if idle:
        yield Prose(f"Unknown too, but by themselves without weight: {'; '.join(sorted(idle))}.")


def _row(account: Account, unknown: Uncertainty) -> tuple[Cell, ...]:
    rules = ", ".join(rule.replace("_", " ") for rule in unknown.rules) or "none"
    return Text(unknown.what), *_bounds(account, unknown), _bands(account, unknown), Text(rules)


def _reasons(found: Sequence[Uncertainty]) -> Iterator[Prose]:
    """Each cause once, with the figures it keeps away and the next step."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for unknown in found:
        if unknown.gap is not None:
            grouped.setdefault((gap_words(unknown.gap).rstrip("."), _step(unknown.gap)), []).append(unknown.what)
    for (words, step), names in grouped.items():
        yield Prose(f"{words}. Next: {step} Concerns: {'; '.join(names)}.")


def _bounds(account: Account, unknown: Uncertainty) -> tuple[Cell, ...]:
    if unknown.lower is None or unknown.upper is None:
        still = Text("no score", "unknown")
        return still, still, Text("")
    return tuple(_fact(account, value, unknown) for value in (unknown.lower, unknown.upper, unknown.width))


def _fact(account: Account, value: int, unknown: Uncertainty) -> Fact[int]:
    """A bound: it rests on what the score rests on, and on the assumption."""
    return Fact(value, "points", (*_basis(account), unknown.receipt), account.as_of, "hypothetical_health_score")


def _basis(account: Account) -> tuple[Receipt, ...]:
    return judgement.overall_basis(account, account.score) if account.score else ()


def _bands(account: Account, unknown: Uncertainty) -> Cell:
    labels = dict.fromkeys(BAND_LABELS[band] for band in (unknown.lower_band, unknown.upper_band))
    return stated(" to ".join(labels), (*_basis(account), unknown.receipt), account.as_of)


def _step(gap: Gap | None) -> str:
    if gap is None:
        return ""
    return gap.next_step or "nothing to fetch, since the source answered."


def _causes(account: Account, causes: Sequence[Uncertainty]) -> Table | None:
    """What one outage or missing setting keeps away at once."""
    ranked = sorted(causes, key=lambda cause: (-cause.width, cause.what))
    rows = (
        (Text(cause.what), *_bounds(account, cause), _bands(account, cause), Text(_step(cause.gap))) for cause in ranked
    )
    caption = "Health score if all were known that one cause keeps away"
    return grid("Cause | From | To | Apart | Band | !Next step", rows, _basis(account), caption)


KIND: Kind[Uncertainties] = Kind(
    "missing",
    "What is missing",
    _head,
    (
        section("figures", "Unknown figures", lambda found: _figures(found.account, found.figures)),
        section("causes", "By cause", lambda found: _causes(found.account, found.causes)),
    ),
    listed="Missing information",
    answers="Which unknown figure would move the score most, and between which bounds?",
    place=130,
    use_case="missing",
    needs=frozenset(),
)
