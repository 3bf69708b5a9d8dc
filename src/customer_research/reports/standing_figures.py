"""How an operator stands, in a few figures: what comparisons and summaries of many operators show of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from customer_research.domain.account import Account
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Fact, Figure, Gap, merge_basis
from customer_research.domain.money import amounts_of
from customer_research.domain.report import Prose
from customer_research.domain.words import counted, value_words
from customer_research.reports import judgement
from customer_research.reports.conversion import converted, needs_conversion
from customer_research.reports.disagreements import disagreements
from customer_research.reports.figure_lines import figure


@dataclass(frozen=True, slots=True)
class StandingFigure:
    """One figure of an operator's standing: its name for programs, its label for readers, and how it is found."""

    name: str
    label: str
    figure: Callable[[Account], Figure]


def status(account: Account) -> Figure:
    """Where the operator stands, in words."""
    found = figure(account, "status")
    if isinstance(found, Gap):
        return found
    words = judgement.churned_words(account) or judgement.status_words(account)
    return Fact(words, "text", found.basis, found.as_of, "status", found.note)


def score(account: Account) -> Figure:
    """The health score, 0 to 100."""
    return judgement.score_figure(account, account.score)


def band(account: Account) -> Figure:
    """The band with the gates that cap it; a gap when there is no score."""
    found = score(account)
    if account.score is None or isinstance(found, Gap):
        return found
    return Fact(judgement.band_words(account.score), "text", found.basis, account.as_of, "band")


def health(account: Account) -> Figure:
    """Score and band in one: `89 Monitor`."""
    found = score(account)
    if account.score is None or isinstance(found, Gap):
        return found
    if account.score.band == "outside":
        return Fact(judgement.band_label(account.score), "text", found.basis, account.as_of, "health_score")
    between = ", " if account.score.band == "unsettled" else " "
    words = f"{judgement.points_range(account.score)}{between}{judgement.band_label(account.score)}"
    return Fact(words, "text", found.basis, account.as_of, "health_score")


def observed_churn(account: Account) -> Prose | None:
    """What became of operators with this score, where the scorecard was calibrated on churn: the rate, its interval, and n."""
    score = account.score
    if score is None or score.observed is None:
        return None
    like = score.observed

    def told(value: float, unit: str, metric: str) -> Fact[float]:
        return Fact(value, unit, (like.receipt,), account.as_of, metric)

    rate = told(like.rate, "ratio", "churned_share_of_such_scores")
    bounds = ""
    if like.low is not None and like.high is not None:
        low, high = (told(bound, "ratio", "") for bound in (like.low, like.high))
        bounds = f" [{value_words(low)} to {value_words(high)}]"
    count, probability = told(like.rows, "count", ""), told(like.probability, "ratio", "churn_probability")
    span = f"a score of {like.lowest}" if like.lowest == like.highest else f"scores of {like.lowest} to {like.highest}"
    capped = score.uncapped is not None
    span += " before a cap" if capped else ""
    return Prose(
        f"Operators with {span} churned {value_words(rate)}{bounds} in {like.window_days} days (n = {value_words(count)}, "
        f"{counted(like.churned_accounts, 'account')} churned); the calibration gives {'that' if capped else 'this'} score {value_words(probability)}.",
        (rate, count, probability),
    )


def flag(account: Account) -> Figure:
    """The top flag in a sentence: churn or status first, then a gate, then the gravest risk, then a disagreement."""
    standing = account.fact("status")
    if standing is not None and standing.value != "active":
        words = judgement.churned_words(account) or judgement.status_words(account)
        return Fact(words, "text", standing.basis, account.as_of, metric="flag")
    gates = account.score.gates if account.score else ()
    if gates:
        return Fact(gates[0].because, "text", gates[0].fact.basis, account.as_of, metric="flag")
    risks = judgement.risks(account, 1)
    if risks and risks[0].facts:
        return _flag_of(risks[0], account)
    conflicts = disagreements(account)
    if conflicts and conflicts[0].tone == "watch":
        return _flag_of(conflicts[0], account)
    found = score(account)
    if isinstance(found, Gap):
        return Gap("health", "unavailable", "too little is known to tell", found.next_step, "flag")
    return Fact(
        f"no risk in the figures known{_unknown_words(account)}", "text", found.basis, account.as_of, metric="flag"
    )


def _unknown_words(account: Account) -> str:
    """What a silent source leaves open, so that no sign of risk does not read as none; empty where nothing is open."""
    score = account.score
    if score is None or score.highest is None:
        return ""
    names = [d.name for d in score.dimensions if d.gap is not None or d.highest is not None]
    return f"; not known in full: {', '.join(judgement.dimension_title(name).lower() for name in names)}"


def _flag_of(prose: Prose, account: Account) -> Figure:
    return Fact(prose.text, "text", merge_basis(prose.facts), account.as_of, metric="flag")


def coverage(account: Account) -> Figure:
    """The share of the weights that could be judged; a gap when nothing could be."""
    basis = judgement.overall_basis(account, account.score) if account.score else ()
    if account.score is None or not basis:
        return score(account)
    return Fact(account.score.coverage, "ratio", basis, account.as_of, "coverage")


def _dimension(name: str) -> Callable[[Account], Figure]:
    def found(account: Account) -> Figure:
        dimensions = account.score.dimensions if account.score else ()
        dimension = next((d for d in dimensions if d.name == name), None)
        if dimension is None:
            return Gap("health", "not_applicable", f"the scorecard does not judge {name}", "", f"{name}_score")
        return judgement.dimension_score(account, dimension)

    return found


def _metric(name: str) -> Callable[[Account], Figure]:
    return lambda account: figure(account, name)


def _of_metric(name: str, metric: str = "") -> StandingFigure:
    """A metric as it is, under its own name or a shorter one."""
    metric = metric or name
    return StandingFigure(name, METRICS[metric].label, _metric(metric))


_ALL = (
    StandingFigure("status", "Status", status),
    StandingFigure("band", "Band", band),
    StandingFigure("score", "Health score", score),
    *(StandingFigure(f"{n}_score", f"{title} score", _dimension(n)) for n, title in judgement.DIMENSION_TITLES.items()),
    StandingFigure("coverage", "How much is known", coverage),
    _of_metric("mrr"),
    StandingFigure("payment", "Payment standing", judgement.payment_label),
    _of_metric("overdue_invoices"),
    _of_metric("outstanding"),
    _of_metric("trips_30d", "reservations_30d"),
    _of_metric("trend", "usage_trend"),
    _of_metric("future_trips"),
    _of_metric("charge_success_rate"),
    _of_metric("open_tickets"),
    _of_metric("oldest_open_days"),
    _of_metric("nps", "nps_latest"),
    _of_metric("days_since_contact"),
    _of_metric("renewal_date"),
    _of_metric("subscription_ends_on"),
    _of_metric("segment"),
    _of_metric("plan", "base_plan_name"),
    _of_metric("tenure", "tenure_days"),
    _of_metric("owner", "owner_name"),
)

STANDINGS: Mapping[str, StandingFigure] = MappingProxyType({standing.name: standing for standing in _ALL})
"""All figures of a comparison by name, the weightiest first."""

SUMMARY: tuple[StandingFigure, ...] = (
    STANDINGS["mrr"],
    StandingFigure("health", "Health", health),
    STANDINGS["plan"],
    STANDINGS["payment"],
    STANDINGS["open_tickets"],
    STANDINGS["trips_30d"],
    STANDINGS["trend"],
)
"""What a summary of many operators shows of each, in a comparison and a batch."""


def by_worth(account: Account) -> tuple[bool, int]:
    """For an order, the largest MRR first: at the rates that are set, else what is all in USD; what is not known last."""
    found = figure(account, "mrr")
    if isinstance(found, Gap):
        return True, 0
    currency = account.rates.currency if account.rates is not None else "USD"
    if needs_conversion(found, currency):
        found = converted(found, account.rates, account.as_of)
    return isinstance(found, Gap), -sum(money.minor for money in amounts_of(found)) if isinstance(found, Fact) else 0


PORTFOLIO_COLUMNS: Mapping[str, Callable[[Account], Figure]] = MappingProxyType(
    {
        **{name: STANDINGS[name].figure for name in ("status", "segment", "plan")},
        "mrr_usd_minor": _metric("mrr_usd"),
        "mrr_by_currency": _metric("mrr_by_currency"),
        **{name: STANDINGS[name].figure for name in ("score", "band", "coverage")},
        **{f"{name}_score": STANDINGS[f"{name}_score"].figure for name in judgement.DIMENSION_TITLES},
        "reservations_30d": _metric("reservations_30d"),
        "trend": _metric("usage_trend"),
        "overdue_invoices": _metric("overdue_invoices"),
        "open_tickets": _metric("open_tickets"),
        "days_to_renewal": _metric("days_to_renewal"),
        "owner": STANDINGS["owner"].figure,
        "why": flag,
    }
)
"""What a spreadsheet of a portfolio has of each operator: bare values by column name."""
