"""The use case behind `thresholds`: an alert threshold and bands from what happened, as a new version of a scorecard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tomlkit
from tomlkit.items import Table

from customer_research.connect.source import Clock
from customer_research.domain.backtest import AlertThreshold, BandChoice, Economics
from customer_research.domain.track import ENOUGH, is_shown
from customer_research.errors import UsageError
from customer_research.health.backtest.thresholds import band_choice, by_capacity, by_cost
from customer_research.health.backtest.trial import try_card
from customer_research.health.calibration.card_file import cut_table
from customer_research.health.scorecard import declaration_of
from customer_research.reports.inquiries.thresholds_report import Refusal, ThresholdResult, why_words
from customer_research.research.past.backtest.signals import EXPERT
from customer_research.research.past.backtest.trials import Ground, tread
from customer_research.research.past.calibration.on_files import write_card, write_new
from customer_research.research.past.requests import ThresholdTerms
from customer_research.research.receipts import text_digest
from customer_research.settings import Settings

CLEAR_ABOVE = 5
"""How many points above the threshold an alert is cleared: less is jitter."""

_MONTHS = 12


def choose_thresholds(settings: Settings, terms: ThresholdTerms, clock: Clock) -> ThresholdResult:
    """Choose where to alert and look at the bands; write a new version of the scorecard, and alert rules, where asked.

    Raises:
        UsageError: no way to choose, or two; a file is there already; too little churn for a probability.
        ConfigError, EngineError: as a backtest.
    """
    terms.check()
    name, seed = terms.card or (EXPERT if terms.ground.signals is not None else settings.scorecard), terms.ground.seed
    ground = tread(settings, (name,), terms.ground, clock)
    tried, refused = ground.tried[0], _unproven(ground, seed)
    chosen = None if refused else _chosen(ground, terms)
    bands = band_choice(ground.rows, tried, seed=seed)
    return ThresholdResult(
        name=tried.name,
        version=tried.version,
        chosen=chosen,
        refused=refused,
        bands=bands,
        written=() if chosen is None else _write(name, ground, terms, chosen, bands),
        ground=ground.shown,
        now=clock(),
    )


def _unproven(ground: Ground, seed: int) -> Refusal | None:
    """Why no threshold can be chosen by this score: too little churn, or it is not shown to tell who leaves."""
    found = try_card(ground.rows, ground.tried[0], seed=seed).evaluation
    if found.churned_accounts >= ENOUGH and is_shown(found.auc):
        return None
    return Refusal(found.churned_accounts, found.auc)


def _chosen(ground: Ground, terms: ThresholdTerms) -> AlertThreshold:
    rows, tried, seed = ground.rows, ground.tried[0], terms.ground.seed
    if terms.capacity is not None:
        return by_capacity(rows, tried, terms.capacity, seed=seed)
    assert terms.cost is not None
    assert terms.save_rate is not None
    value = round(terms.value * 100) if terms.value is not None else _value(ground)
    return by_cost(rows, tried, Economics(round(terms.cost * 100), value, terms.save_rate), seed=seed)


def _value(ground: Ground) -> int:
    """The list price of a year of the account in the middle, in USD cents."""
    prices = np.array([]) if ground.past is None else ground.past.monthly_minor[ground.past.monthly_minor > 0]
    if not len(prices):
        raise UsageError("Nobody knows what an account is worth.", hint="Give --value USD.")
    return int(np.median(prices)) * _MONTHS


# --- what is written ---------------------------------------------------------------------------------------------------


def _write(
    name: str, ground: Ground, terms: ThresholdTerms, chosen: AlertThreshold, bands: BandChoice
) -> tuple[Path, ...]:
    if (terms.output is not None or terms.alerts is not None) and chosen.at is None:
        raise UsageError("No score is alerted at under these terms, so there is nothing to write.", hint="Change them.")
    if terms.output is not None and ground.cards[0] is None:
        raise UsageError(
            "The expert's points are no scorecard that could have a new version.",
            hint="Calibrate first (`customer-research calibrate`), and give the card that it wrote.",
        )
    files = []
    if terms.output is not None:
        write_card(terms.output, with_alerting(declaration_of(name)[0], chosen, bands))
        files.append(terms.output)
    if terms.alerts is not None:
        write_new(terms.alerts, alert_rules_text(chosen))
        files.append(terms.alerts)
    return tuple(files)


def with_alerting(declaration: str, chosen: AlertThreshold, bands: BandChoice) -> str:
    """A scorecard's declaration with the threshold and the bands; its version says what it was made from."""
    assert chosen.at is not None
    document = tomlkit.parse(declaration)
    document.pop("alerting", None)
    if bands.after is not None:
        if "dimension_bands" not in document:  # a dimension's own bands are not those of churn
            document.append("dimension_bands", cut_table(bands.before))
        for band, cut in zip(("healthy", "monitor", "at_risk"), bands.after, strict=True):
            document["bands"][band] = cut
    document.append("alerting", _alerting(chosen, bands))
    made = text_digest(tomlkit.dumps(document))[:6]
    document["version"] = f"{str(document['version']).partition('+')[0]}+alerts.{made}"
    return tomlkit.dumps(document)


def _alerting(chosen: AlertThreshold, bands: BandChoice) -> Table:
    table = tomlkit.table()
    table.add(tomlkit.comment("Written by `customer-research thresholds`: alert at this score or below."))
    table["at"] = chosen.at
    table["chosen_by"] = chosen.method
    table["because"] = why_words(chosen)
    table["events"] = chosen.events
    lines = tomlkit.aot()
    for group in bands.groups:
        if group.rate is None:
            continue
        line = tomlkit.table()
        line["bands"] = list(next((names for names in bands.merged if group.name in names), (group.name,)))
        line["rows"] = group.rows
        line["churned_accounts"] = group.churned_accounts
        for key, value in (("rate", group.rate.value), ("low", group.rate.low), ("high", group.rate.high)):
            if value is not None:
                line[key] = round(value, 6)
        lines.append(line)
    table["bands"] = lines
    return table


def alert_rules_text(chosen: AlertThreshold) -> str:
    """Alert rules (setting alerts.rules): the shipped ones, with the threshold on the score."""
    assert chosen.at is not None
    document = tomlkit.document()
    document.add(tomlkit.comment("Written by `customer-research thresholds`; use it as the setting alerts.rules."))
    document["base"] = "shipped"
    rule = tomlkit.table()
    rule["id"] = "score_low"
    rule["title"] = f"Score at {chosen.at} or below"
    rule["raise_at"] = chosen.at
    rule["clear_at"] = min(100, chosen.at + CLEAR_ABOVE)
    rule["reason"] = f"chosen by {chosen.method} on {chosen.events} churned accounts: {why_words(chosen)}"
    rules = tomlkit.aot()
    rules.append(rule)
    document["rules"] = rules
    return tomlkit.dumps(document)
