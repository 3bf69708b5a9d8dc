"""Blocks about the health score: its head, dimensions, contributions, risks, positives."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from customer_research.documents.answering import cause_words, unable_words
from customer_research.documents.present import source_title
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import ANSWERS, Fact, Figure, Gap, Receipt, merge_basis
from customer_research.domain.health import (
    BAND_LABELS,
    STATUS_LABELS,
    Contribution,
    Dimension,
    Gate,
    HealthScore,
    UnjudgedGate,
    standing_label,
)
from customer_research.domain.report import (
    Block,
    Bullets,
    Cell,
    FigureLine,
    Figures,
    Prose,
    Table,
    Text,
    Tone,
)
from customer_research.domain.vocabularies import CLAMP
from customer_research.domain.words import share_words, value_words
from customer_research.reports.blocks import NOT_RECORDED, bullets, grid, proven_prose, stated, titled
from customer_research.reports.disagreements import disagreements, finding_prose
from customer_research.reports.figure_lines import figure
from customer_research.reports.kind import Head, SectionPlan, section
from customer_research.reports.record_rows import records
from customer_research.reports.tones import BAND_TONES
from customer_research.reports.urgency_words import urgency_prose

if TYPE_CHECKING:
    from customer_research.domain.account import Account
    from customer_research.domain.identity import Match
    from customer_research.domain.snapshot import Reading

DIMENSION_TITLES: Mapping[str, str] = MappingProxyType(
    {"payment": "Payment", "engagement": "Engagement", "support": "Support", "growth": "Growth"}
)
_SCORED_ON: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "payment": ("invoices_due", "charge_attempts_90d", "active_disputes"),
        "engagement": ("reservations_30d", "completed_90d"),
        "support": ("open_tickets", "nps_latest"),
        "growth": ("active_subscriptions", "reservations_90d", "members_now", "expansion_deals_open"),
    }
)
"""The metrics that stand for a dimension's sources: a score rests on their receipts also where no rule fired."""
_EVERY_SOURCE = tuple(dict.fromkeys(metric for metrics in _SCORED_ON.values() for metric in metrics))
"""Those of a dimension that is a scorecard's own: its rules may read every source."""

_SHORT = 40
"""Characters of a reason beside a bar."""

_PRIORITY_WEIGHT: Mapping[str, float] = MappingProxyType({"critical": 20.0, "high": 10.0, "medium": 5.0, "low": 2.0})


def dimension_title(name: str) -> str:
    """A dimension's name for readers."""
    return DIMENSION_TITLES.get(name, name.replace("_", " ").capitalize())


def dimension_basis(account: Account, dimension: Dimension) -> tuple[Receipt, ...]:
    """The receipts that a dimension's score rests on: its contributions' and its sources' (also where no rule fired)."""
    facts: list[Fact[Any]] = [contribution.fact for contribution in dimension.contributions]
    for metric in _SCORED_ON.get(dimension.name, _EVERY_SOURCE):
        fact = account.fact(metric)
        if fact is not None:
            facts.append(fact)
    return merge_basis(facts)


def dimension_score(account: Account, dimension: Dimension) -> Figure:
    """A dimension's score as a figure."""
    if dimension.gap is not None:
        return dimension.gap
    basis = dimension_basis(account, dimension)
    if dimension.score is None or not basis:
        return Gap(dimension.name, "none_found", "none of its figures is known")
    note = "" if dimension.highest is None else f"at least; up to {dimension.highest} by what is not known"
    return Fact(dimension.score, "points", basis, account.as_of, metric=f"{dimension.name}_score", note=note)


def overall_basis(account: Account, score: HealthScore) -> tuple[Receipt, ...]:
    """The receipts that a health score rests on."""
    seen: dict[str, Receipt] = {}
    for dimension in score.dimensions:
        for receipt in dimension_basis(account, dimension):
            seen.setdefault(receipt.id, receipt)
    for gate in score.gates:
        for receipt in gate.fact.basis:
            seen.setdefault(receipt.id, receipt)
    return tuple(seen.values())


def score_figure(account: Account, score: HealthScore | None) -> Figure:
    """The health score, 0 to 100, as a figure; a gap when it was not made or too little is known."""
    if score is None:
        return Gap("health", "unavailable", "the account was not scored", "Run the report again.")
    basis = overall_basis(account, score)
    if score.score is None or not basis:
        known = f"only {share_words(score.coverage)} of the weight is known, too little to score"
        detail = known if score.score is None else "no record stands behind it"
        return Gap("health", "unavailable", detail, "Close the other gaps: each names what to do.")
    note = "" if score.highest is None else f"at least; up to {score.highest} by what is not known"
    return Fact(score.score, "points", basis, account.as_of, metric="health_score", note=note)


def points_range(score: HealthScore | Dimension | Reading) -> str:
    """The score as it may be told: `89`, or `62 to 93` while a silent source leaves it open."""
    return f"{score.score}" if score.highest is None else f"{score.score} to {score.highest}"


def band_words(score: HealthScore) -> str:
    """The band, by what it is capped, and what could not be judged that might cap it further."""
    capped = ", ".join(gate.name.replace("_", " ") for gate in score.gates if gate.cap == score.band)
    lowered = f"{score.uncapped} points, capped at {score.score} by" if score.uncapped is not None else "capped by"
    unjudged = f", provisional: {_unjudged_words(score)}" if score.provisional else ""
    return _label(score) + (f" ({lowered}: {capped})" if capped else "") + unjudged


def band_label(score: HealthScore) -> str:
    """The band in a word or two: `Healthy`, or `Healthy, provisional` while a cap could not be checked."""
    return _label(score) + (", provisional" if score.provisional else "")


def _label(score: HealthScore) -> str:
    """The band's name; where there is none, that, as the end of a sentence's first half."""
    return "not settled" if score.band == "unsettled" else standing_label(score.band, score.status)


def band_tone(score: HealthScore) -> Tone:
    """The band's tone; a provisional band is never plainly good."""
    tone = BAND_TONES[score.band]
    return "watch" if score.provisional and tone == "good" else tone


def _unjudged_words(score: HealthScore) -> str:
    """`“usage falling” may cap it and could not be checked (the warehouse did not answer)`, one clause a cause."""
    by_cause: dict[str, list[str]] = {}
    for gate in score.provisional:
        by_cause.setdefault(cause_words(gate.gap), []).append(f"“{gate.name.replace('_', ' ')}”")
    clauses = (f"{', '.join(names)} may cap it and could not be checked ({cause})" for cause, names in by_cause.items())
    return "; ".join(clauses)


def status_words(account: Account) -> str:
    """Where the operator stands, or that it is not known (the score's own status has no receipt of its own)."""
    fact = account.fact("status")
    return STATUS_LABELS.get(str(fact.value), str(fact.value)) if fact is not None else "not known"


def headline(account: Account) -> Prose:
    """The report's first sentence: score, band, how much is known, and status."""
    score = account.score
    found = score_figure(account, score)
    status = account.fact("status")
    soon = urgency_prose(account)
    stand = f"Status: {status_words(account)}.{f' {soon.text}' if soon is not None else ''}"
    facts = tuple(fact for fact in (found, status, *(soon.facts if soon is not None else ())) if isinstance(fact, Fact))
    churned = churned_words(account)
    lead = f"{churned[0].upper()}{churned[1:]}. " if churned else ""
    churned_on = account.fact("churned_on")
    if churned and churned_on is not None:
        facts += (churned_on,)
    if score is None:
        return Prose(f"{lead}Health was not scored. {stand}", facts, "unknown")
    covered = f"{share_words(score.coverage)} known"
    if isinstance(found, Gap):
        return Prose(
            f"{lead}No health score: {BAND_LABELS['insufficient'].lower()}, {covered}. {stand}", facts, "unknown"
        )
    text = f"{lead}Health {points_range(score)} of 100, {band_words(score)}, {covered}. {stand}"
    if score.band == "outside":
        standing = "No band" if lead else f"{band_label(score)}: no band"
        text = f"{lead}{standing}. The rules give {points_range(score)} of 100, {covered}."
        text += f" {soon.text}" if soon is not None else ""
    return Prose(text, facts, band_tone(score))


def head(account: Account, *, title: str = "", first: Prose | None = None) -> Head:
    """The head of a report on the account: a churned operator's title ends with the day of its churn; `first` is its headline."""
    own = Head.of(account, first or headline(account), warnings(account))
    return replace(own, title=title, remark=churned_words(account))


def churned_words(account: Account) -> str:
    """`churned on <date>` for a churned operator, else an empty string."""
    if status_words(account) != "churned":
        return ""
    date = account.fact("churned_on")
    return f"churned on {value_words(date)}" if date is not None else "churned, on a date not known"


def warnings(account: Account) -> tuple[Prose, ...]:
    """What a reader must know first: status, gates, disagreements, sources that are missing or old."""
    return tuple(_warnings(account))


def guess_words(match: Match | None) -> str:
    """Why the operator was taken for the one asked for, where a name only resembles the term; else an empty string."""
    guessed = match is not None and match.how.startswith("name_") and match.how != "name_exact"
    return match.because if match is not None and guessed else ""


def _warnings(account: Account) -> Iterator[Prose]:
    if guessed := guess_words(account.match):
        found = records(account, "csm").receipts
        yield proven_prose(f"Taken for {account.name}. {guessed}", found, account.as_of, "watch")
    status = account.fact("status")
    if status is not None and status.value in _STATUS_WARNINGS:
        yield Prose(_STATUS_WARNINGS[status.value], (status,), "watch")
    if account.score:
        yield from (gate_prose(gate, account.score) for gate in account.score.gates)
    yield from (item for item in disagreements(account) if item.tone == "watch")
    for item in account.freshness:
        if item.state == "missing":
            unable = unable_words(item.gaps)
            yield Prose(f"{source_title(item.source)} {unable}: its figures are named as gaps.", (), "bad")
        elif item.warning:
            yield Prose(f"{source_title(item.source)}: {item.warning}", (), "watch")


_STATUS_WARNINGS: Mapping[str, str] = MappingProxyType(
    {
        "churned": "The operator has churned: figures show how it stood, not how it stands.",
        "onboarding": "The operator is onboarding: little history; low usage is not yet a warning.",
        "never_started": "The subscription was canceled before it started: never a paying operator.",
        "no_subscription": "There is no active subscription.",
    }
)


def gate_prose(gate: Gate, score: HealthScore) -> Prose:
    """A gate, openly: what caps the band and why; outside the bands there is none to cap."""
    name = gate.name.replace("_", " ").capitalize()
    caps = "" if score.band == "outside" else f" caps the band at {BAND_LABELS[gate.cap]}"
    return Prose(f"{name}{caps}: {gate.because}", (gate.fact,), "bad")


def cap_line(score: HealthScore) -> str:
    """The line by which a gate lowers the score, so that the lines add up; empty where none does."""
    if score.uncapped is None or score.score is None or score.highest is not None:
        return ""
    names = ", ".join(gate.name.replace("_", " ") for gate in score.gates if score.band in (gate.cap, "outside"))
    return f"Cap: {score.uncapped} points, {score.score - score.uncapped} by the cap ({names}) = {score.score}."


def unjudged_gate_prose(gate: UnjudgedGate) -> Prose:
    """A gate that nobody could judge: why, and what it may mean for the band."""
    name, cause = gate.name.replace("_", " ").capitalize(), cause_words(gate.gap)
    text = f"{name} may cap the band at {BAND_LABELS[gate.cap]}; that could not be checked ({cause})."
    return Prose(text, (), "unknown")


def dimension_table(account: Account, score: HealthScore) -> Table | None:
    """The dimensions: score, band, weight, and the factor that moved each most."""
    rows = (
        (
            Text(dimension_title(dimension.name)),
            dimension_score(account, dimension),
            _on_dimension(account, dimension, standing(dimension)),
            Text(share_words(dimension.weight)),
            key_factor(account, dimension),
        )
        for dimension in score.dimensions
    )
    return grid(
        "Dimension | >Score | Standing | >!Weight | Key factor", rows, overall_basis(account, score), "Dimensions"
    )


def _on_dimension(account: Account, dimension: Dimension, words: Text) -> Cell:
    """Words about a dimension, resting on what it rests on; nothing is known of one that rests on nothing."""
    basis = dimension_basis(account, dimension)
    return stated(words.text, basis, account.as_of, words.tone) if basis else replace(words, tone="unknown")


def standing(dimension: Dimension) -> Text:
    """A dimension's band; one below Healthy that no rule has moved from its base is neutral: nothing speaks against it."""
    if dimension.score == dimension.base and not dimension.contributions and dimension.band != "healthy":
        return Text("Neutral", "neutral")
    if dimension.highest is not None and dimension.band == "healthy":
        return Text("Partly known", "unknown")  # a gap is never shown as good
    return Text(BAND_LABELS[dimension.band], BAND_TONES[dimension.band])


def rules_of(dimension: Dimension) -> tuple[Contribution, ...]:
    """A dimension's contributions by rules, without the clamping line."""
    return tuple(contribution for contribution in dimension.contributions if contribution.rule != CLAMP)


def key_factor(account: Account, dimension: Dimension) -> Cell:
    """What moved a dimension most, in a sentence."""
    if dimension.gap is not None:
        return dimension.gap
    moved = rules_of(dimension)
    if not moved:
        return _on_dimension(account, dimension, Text(f"no rule applied; base {dimension.base}"))
    first = max(moved, key=lambda contribution: abs(contribution.points))
    return because(first, f"{points_words(first.points)}: {first.because}")


def because(contribution: Contribution, words: str = "") -> Cell:
    """Why a rule gave its points, resting on the figure that it read."""
    fact, points = contribution.fact, contribution.points
    tone: Tone = "good" if points > 0 else "bad" if points else "neutral"
    return stated(words or contribution.because, fact.basis, fact.as_of, tone)


def points_words(points: int) -> str:
    """Points with their sign."""
    return f"+{points}" if points > 0 else str(points)


def payment_dimension(score: HealthScore | None) -> Dimension | None:
    """The payment dimension."""
    return next((d for d in score.dimensions if d.name == "payment"), None) if score else None


def payment_label(account: Account) -> Figure:
    """The band of payment alone and its score, apart from the overall band: one scale of words for one scale of points."""
    dimension = payment_dimension(account.score)
    if dimension is None:
        return Gap("health", "unavailable", "payment was not scored", "Run the report again.")
    found = dimension_score(account, dimension)
    if isinstance(found, Gap):
        return found
    if dimension.band == "insufficient":
        return Gap("health", "none_found", "too little is known of payments")
    label = f"{BAND_LABELS[dimension.band]}, {points_range(dimension)} of 100"
    return Fact(label, "text", found.basis, account.as_of, metric="payment_label")


def payment_line(account: Account) -> FigureLine:
    """The band of payment alone with its tone."""
    dimension = payment_dimension(account.score)
    found = payment_label(account)
    tone = BAND_TONES[dimension.band] if dimension and isinstance(found, Fact) else "unknown"
    return FigureLine("Payment (alone)", found, tone)


def score_lines(account: Account) -> Figures:
    """Score, band, coverage, status and payment label as figures."""
    score = account.score
    found = score_figure(account, score)
    lines = [FigureLine("Health score (of 100)", found, band_tone(score) if score else "unknown")]
    if score is not None and isinstance(found, Fact):
        band = Fact(band_words(score), "text", found.basis, account.as_of, metric="band")
        coverage = Fact(score.coverage, "ratio", found.basis, account.as_of, metric="coverage")
        lines += [FigureLine("Band", band, band_tone(score)), FigureLine("How much is known", coverage)]
    status = figure(account, "status")
    if isinstance(status, Fact):
        status = Fact(
            churned_words(account) or status_words(account), "text", status.basis, status.as_of, "status", status.note
        )
    return Figures((*lines, FigureLine("Status", status), payment_line(account)))


def risks(account: Account, most: int | None = 3) -> tuple[Prose, ...]:
    """The gravest findings and deductions, by weight; each with its proof."""
    found: list[tuple[float, str, Prose]] = [
        (_PRIORITY_WEIGHT[finding.priority], finding.rule, finding_prose(finding))
        for finding in account.findings
        if finding.kind == "risk"
    ]
    for dimension in account.score.dimensions if account.score else ():
        for contribution in rules_of(dimension):
            if contribution.points < 0:
                loss = -contribution.points * dimension.weight
                found.append((loss, contribution.rule, contribution_prose(contribution)))
    ranked = sorted(found, key=lambda entry: (-entry[0], entry[1]))
    return tuple(prose for _, _, prose in ranked)[:most]


def positives(account: Account) -> tuple[Prose, ...]:
    """What speaks for the account: points gained, and dimensions that are healthy without a deduction."""
    items = []
    for dimension in account.score.dimensions if account.score else ():
        gained = [contribution for contribution in rules_of(dimension) if contribution.points > 0]
        found = dimension_score(account, dimension)
        clean = all(contribution.points >= 0 for contribution in rules_of(dimension))
        if clean and dimension.band == "healthy" and isinstance(found, Fact):
            title = dimension_title(dimension.name)
            items.append(Prose(f"{title}: {found.value} of 100, nothing deducted.", (found,), "good"))
        items += [contribution_prose(contribution) for contribution in gained]
    return tuple(items)


def risk_list(account: Account, title: str, most: int = 3) -> tuple[Block, ...]:
    """The gravest risks under a title, or that there is none in what is known."""
    return titled(title, risks(account, most), nothing_found(account, "No risk in the figures known."))


def positive_list(account: Account) -> tuple[Block, ...]:
    """What speaks for the account, or that nothing stands out."""
    none = nothing_found(account, "Nothing in the figures known stands out.")
    return titled("Positives", positives(account), none)


def contribution_prose(contribution: Contribution) -> Prose:
    """One deduction or gain in a sentence."""
    title = dimension_title(contribution.dimension)
    text = f"{title} {points_words(contribution.points)}: {contribution.because}"
    return Prose(text, (contribution.fact,), "good" if contribution.points > 0 else "bad")


def in_short(contribution: Contribution, *, titled: bool = True) -> str:
    """What gave or took points, short enough to stand beside a bar; under its dimension's title."""
    because = "held within 0 to 100" if contribution.rule == CLAMP else contribution.because.rstrip(".")
    title = f"{dimension_title(contribution.dimension)}: " if titled else ""
    return f"{title}{textwrap.shorten(because, _SHORT, placeholder=' …')}"


def judged(account: Account) -> bool:
    """Whether at least one dimension could be judged: without, the absence of risks says nothing."""
    return account.score is not None and any(dimension.score is not None for dimension in account.score.dimensions)


TOO_LITTLE = "Too little is known to say."


def nothing_found(account: Account, sentence: str) -> str:
    """The sentence that says there is none of something, or that this cannot be told."""
    return sentence if judged(account) else TOO_LITTLE


def findings(account: Account, *kinds: str, numbered: bool = False) -> Bullets | None:
    """The findings of the given kinds (all without), gravest first."""
    chosen = [finding for finding in account.findings if not kinds or finding.kind in kinds]
    ranked = sorted(chosen, key=lambda finding: (-_PRIORITY_WEIGHT[finding.priority], finding.rule))
    return bullets(finding_prose(finding, numbered=numbered) for finding in ranked)


TOGETHER: SectionPlan[Account] = section("findings", "What the sources say together", findings)
"""All findings of the correlation rules."""


def contribution_table(account: Account, score: HealthScore) -> Block:
    """Every point of the score: rule, dimension, points, why, over which time, on how many records."""
    points = grid(
        "Rule | !Dimension | Points | Why | !Window | !Records",
        map(_contribution_row, score.contributions),
        caption="Points",
    )
    if points is not None:
        return points
    basis = overall_basis(account, score)
    facts = (Fact("no rule applied", "text", basis, account.as_of),) if basis else ()
    none = "No rule added or took points: each known dimension stands at its base."
    return Prose(nothing_found(account, none), facts)


def _contribution_row(contribution: Contribution) -> tuple[Cell, ...]:
    fact = contribution.fact
    points = Fact(contribution.points, "points", fact.basis, fact.as_of, "contribution_points")
    return (
        Text(contribution.rule),
        Text(dimension_title(contribution.dimension)),
        points,
        because(contribution),
        Text(contribution.window or "as of the report"),
        _records_behind(contribution),
    )


def _records_behind(contribution: Contribution) -> Cell:
    """How many records a line rests on; those behind a figure of the warehouse lie there, only the figure is at hand."""
    fact, evidence = contribution.fact, contribution.evidence
    if evidence.columns[:1] == (fact.metric,):
        return Text("in the warehouse")
    return Fact(evidence.total, "count", evidence.receipts, fact.as_of) if evidence.receipts else NOT_RECORDED


def arithmetic(account: Account, score: HealthScore) -> Bullets | None:
    """How each dimension's score comes about, and the whole."""
    items = []
    for dimension in score.dimensions:
        found = dimension_score(account, dimension)
        if isinstance(found, Fact):
            raw = dimension.base + sum(contribution.points for contribution in dimension.contributions)
            terms = "".join(
                f" {points_words(c.points)[0]} {abs(c.points)}" for c in dimension.contributions if c.points
            )
            kept = f", kept within 0 to 100: {found.value}" if raw != found.value else ""
            if dimension.highest is not None:
                kept = f" by what is known, {dimension.score} to {dimension.highest} with what is not"
            items.append(Prose(f"{dimension_title(dimension.name)}: {dimension.base}{terms} = {raw}{kept}.", (found,)))
    total = score_figure(account, score)
    if isinstance(total, Fact) and score.highest is not None:
        items.append(Prose(f"Overall: {points_range(score)}, by the least and the most that is not known.", (total,)))
    elif isinstance(total, Fact):
        known = [dimension for dimension in score.dimensions if dimension.score is not None]
        sum_words = " + ".join(f"{share_words(d.weight)} x {d.score}" for d in known)
        share = f" over the known {share_words(score.coverage)}" if score.coverage < 1 else ""
        whole = f"({sum_words}){share}" if share else sum_words
        items.append(Prose(f"Overall: {whole} = {score.uncapped or total.value}.", (total,)))
        items += [Prose(cap, (total,), "bad")] if (cap := cap_line(score)) else []
    return bullets(items)


def unevaluated(score: HealthScore, *, rules: bool = True) -> Block | None:
    """What could not be checked, and why: no deduction was made for it; each rule by its id, and which figure it needs.

    Without `rules` they are not named, and those are left out for which a source answered that there is nothing.
    """
    rows = (
        (
            *((Text(item.rule),) if rules else ()),
            Text(dimension_title(item.dimension)),
            Text(_needed(item.gap)),
            item.gap,
        )
        for dimension in score.dimensions
        for item in dimension.unevaluated
        if rules or item.gap.reason not in ANSWERS
    )
    return grid(f"{'Rule | ' if rules else ''}!Dimension | !Needs | Why not checked", rows, caption="Not checked")


def _needed(gap: Gap) -> str:
    return METRICS[gap.metric].label if gap.metric in METRICS else gap.metric or "several figures"
