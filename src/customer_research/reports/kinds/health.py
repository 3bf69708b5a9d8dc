"""Health: the score point by point, with the records behind each."""

from __future__ import annotations

from customer_research.domain.account import Account
from customer_research.domain.report import Block, Missing, Prose, Report, Section, Table, Text, Tone
from customer_research.domain.words import share_words
from customer_research.reports import judgement, pictures, progress, tables
from customer_research.reports.build import STREAMS, Kind, bullets, lines, section, sections, stated
from customer_research.reports.disagreements import disagreements
from customer_research.reports.evidence import evidence_table
from customer_research.reports.frame import frame
from customer_research.reports.recommend import action_table
from customer_research.reports.standing import observed_churn
from customer_research.reports.track import beside_band


def build(account: Account) -> Report:
    """The health report of an account."""
    return frame(
        account,
        "health",
        "Health",
        sections(
            _score(account),
            _points(account),
            _reasons(account),
            section("Actions", action_table(account), id="actions"),
            _trend(account),
            _evidence(account),
            tables.links(account),
        ),
    )


def _score(account: Account) -> Section | None:
    score = account.score
    if score is None:
        return section("Score", judgement.score_lines(account), progress.last_settled(account), id="health")
    policy = Prose(
        f"Scorecard {score.scorecard}, version {score.version}, digest {score.digest[:12]}. "
        "Scores compare only under the same digest."
    )
    none = "No gate that could be judged caps the band." if score.unjudged_gates else "No gate caps the band."
    gates = bullets(judgement.gate_prose(gate, score) for gate in score.gates)
    return section(
        "Score",
        judgement.score_lines(account),
        progress.last_settled(account),
        beside_band(account),
        observed_churn(account),
        judgement.dimension_table(account, score),
        pictures.dimension_bars(account),
        gates or Prose(judgement.nothing_found(account, none)),
        bullets(judgement.unjudged_gate_prose(gate) for gate in score.unjudged_gates),
        *(Missing(f"Dimension {judgement.dimension_title(d.name)}", d.gap) for d in score.dimensions if d.gap),
        policy,
        _other_scorecards(account),
        id="health",
    )


def _other_scorecards(account: Account) -> Block | None:
    if len(account.scores) == 1:
        return None
    rows = []
    for score in account.scores:
        found = judgement.score_figure(account, score)
        basis = judgement.overall_basis(account, score)
        band = (judgement.band_words(score), judgement.band_tone(score))
        told: tuple[tuple[str, Tone], ...] = (band, (share_words(score.coverage), "neutral"))
        cells = (stated(words, basis, account.as_of, tone) if basis else Text(words, "unknown") for words, tone in told)
        rows.append((Text(score.scorecard), found, *cells))
    return Table(("Scorecard", "Score", "Band", "Coverage"), tuple(rows), caption="Under each scorecard")


def _points(account: Account) -> Section | None:
    if account.score is None:
        return None
    score = account.score
    return section(
        "Point by point",
        judgement.contribution_table(account, score),
        pictures.contributions_waterfall(account),
        judgement.arithmetic(account, score),
        judgement.unevaluated(score),
        id="points",
    )


def _reasons(account: Account) -> Section | None:
    return section(
        "Risks and positives",
        *judgement.titled(
            "Top 3 risks", judgement.risks(account), judgement.nothing_found(account, "No risk in the figures known.")
        ),
        *judgement.titled(
            "Positives",
            judgement.positives(account),
            judgement.nothing_found(account, "Nothing in the figures known stands out."),
        ),
        *judgement.titled(
            "Together",
            _findings(account),
            judgement.nothing_found(account, "No correlation between the sources is of note."),
        ),
        *_conflicts(account),
        id="findings",
    )


def _findings(account: Account) -> tuple[Prose, ...]:
    found = judgement.findings(account, "risk", "opportunity", "context")
    return found.items if found else ()


def _conflicts(account: Account) -> tuple[Block, ...]:
    found = disagreements(account)
    return judgement.titled("Disagreements", found, "") if found else ()


def _trend(account: Account) -> Section | None:
    usage = lines(
        account,
        """
        trend_30d: Reservations, 30 days against the 30 before
        trend_90d: Reservations, 90 days
        trend_90d_year: Reservations, year on year
        """,
    )
    return section("Trend", pictures.score_history(account), progress.changes(account), usage, id="trend")


def _evidence(account: Account) -> Section | None:
    contributions = account.score.contributions if account.score else ()
    blocks = [evidence_table(contribution) for contribution in contributions]
    more = Prose("`why` shows all records behind a figure, and its query.") if any(blocks) else None
    return section("Evidence", *blocks, more, id="evidence") if more else None


KIND = Kind(
    "health",
    "Health",
    STREAMS,
    build,
    past=True,
    answers="How healthy is the account, and where does every point come from?",
    charts=(pictures.DIMENSIONS, pictures.WATERFALL, pictures.SCORE_HISTORY),
    parts=("Score", "Point by point", "Risks and positives", "Actions", "Trend", "Evidence", "Links"),
)
