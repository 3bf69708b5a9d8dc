"""Health score, point by point."""

from __future__ import annotations

from collections.abc import Iterator

from customer_research.domain.account import Account
from customer_research.domain.report import Absence, Block, Cell, Prose, Text, Tone
from customer_research.domain.words import share_words
from customer_research.reports import judgement, pictures, progress, shared_tables
from customer_research.reports.blocks import bullets, grid, stated, titled
from customer_research.reports.disagreements import disagreements
from customer_research.reports.kind import Kind, section
from customer_research.reports.levers import levers
from customer_research.reports.recommend import action_table
from customer_research.reports.rule_evidence import evidence_table
from customer_research.reports.standing_figures import observed_churn
from customer_research.reports.track_words import beside_band


def _score(account: Account) -> Iterator[Block | None]:
    score = account.score
    yield judgement.score_lines(account)
    yield progress.last_settled(account)
    if score is None:
        return
    yield beside_band(account)
    yield observed_churn(account)
    yield judgement.dimension_table(account, score)
    yield pictures.dimension_bars(account)
    none = "Nothing that could be checked caps the band." if score.unjudged_gates else "Nothing caps the band."
    gates = bullets(judgement.gate_prose(gate, score) for gate in score.gates)
    yield gates or Prose(judgement.nothing_found(account, none))
    yield bullets(judgement.unjudged_gate_prose(gate) for gate in score.unjudged_gates)
    yield from (Absence(f"Dimension {judgement.dimension_title(d.name)}", d.gap) for d in score.dimensions if d.gap)
    yield Prose(
        f"Scorecard {score.scorecard}, version {score.version}, digest {score.digest[:12]}. "
        "Scores compare only under the same digest."
    )
    yield _other_scorecards(account)


def _other_scorecards(account: Account) -> Block | None:
    if len(account.scores) == 1:
        return None
    rows: list[tuple[Cell, ...]] = []
    for score in account.scores:
        found = judgement.score_figure(account, score)
        basis = judgement.overall_basis(account, score)
        band = (judgement.band_words(score), judgement.band_tone(score))
        told: tuple[tuple[str, Tone], ...] = (band, (share_words(score.coverage), "neutral"))
        cells = (stated(words, basis, account.as_of, tone) if basis else Text(words, "unknown") for words, tone in told)
        rows.append((Text(score.scorecard), found, *cells))
    return grid("Scorecard | Score | Band | Known", rows, caption="Under each scorecard")


def _points(account: Account) -> Iterator[Block | None]:
    score = account.score
    if score is not None:
        yield judgement.contribution_table(account, score)
        yield pictures.contributions_waterfall(account)
        yield judgement.arithmetic(account, score)
        yield judgement.unevaluated(score)


def _reasons(account: Account) -> Iterator[Block]:
    yield from judgement.risk_list(account, "Top 3 risks")
    yield from judgement.positive_list(account)
    found = judgement.findings(account, "risk", "opportunity", "context", numbered=True)
    none = judgement.nothing_found(account, "The sources together show nothing of note.")
    yield from titled("Together", found.items if found else (), none)
    yield from titled("Disagreements", disagreements(account))


def _evidence(account: Account) -> Iterator[Block | None]:
    tables_of = [
        evidence_table(contribution) for contribution in (account.score.contributions if account.score else ())
    ]
    if any(tables_of):
        yield from tables_of
        yield Prose("These are the newest records.", step="`why` shows all behind a figure, and its query.")


KIND = Kind(
    "health",
    "Health",
    judgement.head,
    (
        section("health", "Score", _score, weight=3),
        section("levers", "What would lift the score", levers, weight=3),
        section("points", "Point by point", _points, weight=3),
        section("findings", "Risks and positives", _reasons, weight=1),
        section("actions", "Actions", action_table),
        section(
            "trend", "Trend", pictures.score_history, progress.changes, "trend_30d trend_90d trend_90d_year", weight=1
        ),
        section("evidence", "Evidence", _evidence, weight=0),
        shared_tables.LINKS,
    ),
    answers="How healthy is the account, and where does every point come from?",
    place=70,
    past=True,
    levers=True,
    charts=(pictures.DIMENSIONS, pictures.WATERFALL, pictures.SCORE_HISTORY),
)
