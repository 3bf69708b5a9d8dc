"""Two to ten operators side by side, the differences that matter first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from customer_research.documents.present import gap_words
from customer_research.domain.account import Account
from customer_research.domain.evidence import ANSWERS, Fact, Figure, Gap, merge_basis
from customer_research.domain.health import BAND_ORDER, standing_label
from customer_research.domain.occasion import Occasion
from customer_research.domain.report import Block, Cell, Freshness, Prose, Table, Text, Tone
from customer_research.domain.vocabularies import SEVERITIES
from customer_research.domain.words import value_words
from customer_research.reports import judgement
from customer_research.reports.blocks import bullets, grid
from customer_research.reports.kind import Head, Kind, section
from customer_research.reports.recommend import advised
from customer_research.reports.standing_figures import STANDINGS, StandingFigure, by_worth, status
from customer_research.reports.tones import BAND_TONES, PRIORITY_TONES
from customer_research.reports.urgency_words import urgency_rank

_RISKS_EACH = 3
_ACTIONS_EACH = 3
_FALLING, _RISING = -0.25, 0.20
_RENEWS_SOON = 90

Found = list[tuple[Account, Fact[Any]]]
"""The operators whose figure is known, each with it."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Accounts of one instant in the order given, and the name by which each is told from the others."""

    accounts: Sequence[Account]
    names: Mapping[str, str]


def comparison(accounts: Sequence[Account], _: Occasion) -> Comparison:
    """The comparison of accounts of one instant."""
    return Comparison(accounts, labels(accounts))


def _head(found: Comparison) -> Head:
    accounts, names = found.accounts, found.names
    return Head(
        generated_at=max(account.generated_at for account in accounts),
        as_of=accounts[0].as_of,
        freshness=tuple(_freshness(accounts, names)),
        warnings=_warnings(accounts, names),
        headline=Prose(f"{len(accounts)} operators: {_listed(list(names.values()))}."),
    )


def labels(accounts: Sequence[Account]) -> Mapping[str, str]:
    """Operator id → a name that tells it from the others (with the id's end where two have the same)."""
    names = [account.name for account in accounts]
    return {
        account.operator_id: account.name
        if names.count(account.name) == 1
        else f"{account.name} (…{account.operator_id[-4:]})"
        for account in accounts
    }


def _alike(accounts: Sequence[Account]) -> str:
    if not any(judgement.judged(account) for account in accounts):
        return judgement.TOO_LITTLE
    return "In the figures known, the operators do not differ in a way that matters."


def _operators(accounts: Sequence[Account], names: Mapping[str, str]) -> Table | None:
    shown = (status, STANDINGS["segment"].figure, STANDINGS["plan"].figure)
    rows = tuple(
        (Text(names[account.operator_id]), Text(account.operator_id), *(find(account) for find in shown))
        for account in accounts
    )
    return grid("Operator | !Operator id | Status | Segment | Plan", rows)


# --- side by side ------------------------------------------------------------------------------------------------------


def _tables(accounts: Sequence[Account], names: Mapping[str, str]) -> Iterator[Table]:
    found = [(standing, [standing.figure(account) for account in accounts]) for standing in STANDINGS.values()]
    differ = [entry for entry in found if _differ(entry[1])]
    same = [entry for entry in found if not _differ(entry[1])]
    for caption, entries in (("Where they differ", differ), ("The same for all", same)):
        if entries:
            headers = ("Figure", *(names[account.operator_id] for account in accounts))
            yield Table(headers, tuple(_row(*entry) for entry in entries), caption=caption)


def _row(standing: StandingFigure, figures: Sequence[Figure]) -> tuple[Cell, ...]:
    return (Text(standing.label), *(replace(found, note="") if isinstance(found, Fact) else found for found in figures))


def _differ(figures: Sequence[Figure]) -> bool:
    """Whether the figures are not all the same; an unknown one is the same as nothing but the same gap."""
    return len({_comparable(found) for found in figures}) > 1


def _comparable(found: Figure) -> tuple[str, ...]:
    if isinstance(found, Gap):
        return ("gap", found.source, found.reason, found.detail if found.reason in ANSWERS else "")
    return ("fact", value_words(found))


# --- the differences in words ------------------------------------------------------------------------------------------


def _insights(accounts: Sequence[Account], names: Mapping[str, str]) -> Iterator[Prose]:
    for find in (_standing, _health, _dimensions, _mrr, _overdue, _usage, _tickets, _renewals, _shared):
        yield from find(accounts, names)


def _known(accounts: Sequence[Account], standing: str) -> tuple[Found, list[tuple[Account, Gap]]]:
    """The operators whose figure is known, and those whose is not."""
    figures = [(account, STANDINGS[standing].figure(account)) for account in accounts]
    facts = [(account, found) for account, found in figures if isinstance(found, Fact)]
    return facts, [(account, found) for account, found in figures if isinstance(found, Gap)]


def _standing(accounts: Sequence[Account], names: Mapping[str, str]) -> Iterator[Prose]:
    found, _ = _known(accounts, "status")
    apart = [(account, fact) for account, fact in found if fact.value != "active"]
    if apart and len(apart) < len(accounts):
        words = ", ".join(f"{names[account.operator_id]} ({fact.value})" for account, fact in apart)
        yield Prose(f"Not like the others: {words}.", tuple(fact for _, fact in apart), "watch")


def _health(accounts: Sequence[Account], names: Mapping[str, str]) -> Iterator[Prose]:
    found, unknown = _known(accounts, "score")
    if len(found) > 1 and len({fact.value for _, fact in found}) > 1:
        lowest, highest = _ends(found)
        low, high = (_health_words(group, names) for group in (lowest, highest))
        worst = max((account.score.band for account, _ in lowest if account.score), key=BAND_ORDER.index)
        yield Prose(f"Health: lowest {low}; highest {high}.", _facts(lowest, highest), BAND_TONES[worst])
    if unknown and found:
        yield Prose(f"Not ranked by health: {_without(unknown, names)}.", (), "unknown")


def _health_words(group: Found, names: Mapping[str, str]) -> str:
    bands = {standing_label(account.score.band, account.score.status) for account, _ in group if account.score}
    return f"{_named(group, names)} with {value_words(group[0][1])} of 100 ({' and '.join(sorted(bands))})"


def _dimensions(accounts: Sequence[Account], names: Mapping[str, str]) -> Iterator[Prose]:
    """The dimension that sets them apart most, by weight."""
    spreads: list[tuple[float, str, Found]] = []
    for name, title in judgement.DIMENSION_TITLES.items():
        found, _ = _known(accounts, f"{name}_score")
        if len(found) > 1:
            values = [fact.value for _, fact in found]
            spreads.append(((max(values) - min(values)) * _weight(found[0][0], name), title, found))
    width, title, found = max(spreads, key=lambda spread: spread[0], default=(0.0, "", []))
    if width > 0:
        lowest, highest = _ends(found)
        low, high = (f"{value_words(group[0][1])} at {_named(group, names)}" for group in (lowest, highest))
        yield Prose(f"{title} sets them apart most: {low}, {high}.", _facts(lowest, highest))


def _weight(account: Account, dimension: str) -> float:
    return next((d.weight for d in account.score.dimensions if d.name == dimension), 0.0) if account.score else 0.0


def _mrr(accounts: Sequence[Account], names: Mapping[str, str]) -> Iterator[Prose]:
    """MRR, each in its own currency: the largest first at the rates that are set, what has none last."""
    found, unknown = _known(accounts, "mrr")
    if len({value_words(fact) for _, fact in found}) <= 1:
        return
    ranked = sorted(found, key=lambda pair: by_worth(pair[0]))
    words = ", ".join(f"{names[account.operator_id]} {value_words(fact)}" for account, fact in ranked)
    more = f"; not known: {_without(unknown, names)}" if unknown else ""
    yield Prose(f"MRR: {words}{more}.", _facts(found))


def _overdue(accounts: Sequence[Account], names: Mapping[str, str]) -> Iterator[Prose]:
    found, _ = _known(accounts, "overdue_invoices")
    late = sorted((pair for pair in found if pair[1].value), key=lambda pair: -pair[1].value)
    if late and len(late) < len(accounts):
        words = ", ".join(f"{names[account.operator_id]} {_overdue_words(account, fact)}" for account, fact in late)
        yield Prose(f"Invoices overdue: {words}.", _facts(late), "bad")


def _overdue_words(account: Account, fact: Fact[Any]) -> str:
    amount = account.fact("overdue_amount")
    return value_words(fact) + (f" ({value_words(amount)})" if amount is not None else "")


def _usage(accounts: Sequence[Account], names: Mapping[str, str]) -> Iterator[Prose]:
    found, _ = _known(accounts, "trend")
    falling = [pair for pair in found if pair[1].value <= _FALLING]
    rising = [pair for pair in found if pair[1].value >= _RISING]
    for group, word, tone in ((falling, "fall", "bad"), (rising, "rise", "good")):
        if group and len(group) < len(accounts):
            words = ", ".join(f"{names[account.operator_id]} ({value_words(fact)})" for account, fact in group)
            yield Prose(f"Bookings {word}: {words}.", _facts(group), cast("Tone", tone))
    trips, _ = _known(accounts, "trips_30d")
    still = [pair for pair in trips if pair[1].value == 0]
    if still and len(still) < len(accounts):
        yield Prose(f"No booking in 30 days: {_named(still, names)}.", _facts(still), "bad")


def _tickets(accounts: Sequence[Account], names: Mapping[str, str]) -> Iterator[Prose]:
    found, _ = _known(accounts, "open_tickets")
    if len(found) > 1 and len({fact.value for _, fact in found}) > 1:
        ranked = sorted((pair for pair in found if pair[1].value), key=lambda pair: -pair[1].value)
        words = ", ".join(f"{names[account.operator_id]} {value_words(fact)}" for account, fact in ranked)
        yield Prose(
            f"Open tickets: {words}; the others none." if len(ranked) < len(found) else f"Open tickets: {words}.",
            _facts(found),
        )


def _renewals(accounts: Sequence[Account], names: Mapping[str, str]) -> Iterator[Prose]:
    dated = [(account, fact) for account in accounts if (fact := account.fact("days_to_renewal")) is not None]
    soon = sorted((pair for pair in dated if 0 <= pair[1].value <= _RENEWS_SOON), key=lambda pair: pair[1].value)
    if soon and len(soon) < len(accounts):
        words = ", ".join(f"{names[account.operator_id]} in {value_words(fact)}" for account, fact in soon)
        yield Prose(f"Renewal within {_RENEWS_SOON} days: {words}.", _facts(soon), "watch")


def _shared(accounts: Sequence[Account], names: Mapping[str, str]) -> Iterator[Prose]:
    """Findings that hold for several, but not for all."""
    holding: dict[tuple[str, str], Found] = {}
    for account in accounts:
        for finding in account.findings:
            if finding.kind == "risk" and finding.facts:
                holding.setdefault((finding.rule, finding.title), []).append((account, finding.facts[0]))
    for (_, title), found in holding.items():
        if 1 < len(found) < len(accounts):
            yield Prose(f"{title} holds for {_named(found, names)}.", _facts(found), "watch")


def _ends(found: Found) -> tuple[Found, Found]:
    """Those with the lowest value, and those with the highest."""
    values = [fact.value for _, fact in found]
    return [p for p in found if p[1].value == min(values)], [p for p in found if p[1].value == max(values)]


def _facts(*groups: Found) -> tuple[Fact[Any], ...]:
    return tuple(fact for group in groups for _, fact in group)


def _named(group: Found, names: Mapping[str, str]) -> str:
    return _listed([names[account.operator_id] for account, _ in group])


def _without(unknown: Sequence[tuple[Account, Gap]], names: Mapping[str, str]) -> str:
    return "; ".join(f"{names[account.operator_id]} ({gap_words(gap)})" for account, gap in unknown)


def _listed(words: Sequence[str]) -> str:
    return " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


# --- risks, actions, sources -------------------------------------------------------------------------------------------


def _risks(accounts: Sequence[Account], names: Mapping[str, str]) -> Iterator[Block]:
    for account in accounts:
        yield from judgement.risk_list(account, names[account.operator_id], _RISKS_EACH)


def _actions(accounts: Sequence[Account], names: Mapping[str, str]) -> Table | Prose:
    """The most urgent actions of each operator, the most urgent of all first."""
    of = sum(len(account.advice) for account in accounts)
    chosen = [(account, item) for account in accounts for item in account.advice[:_ACTIONS_EACH]]
    ranked = sorted(chosen, key=lambda pair: (urgency_rank(pair[0]), SEVERITIES.index(pair[1].priority)))
    rows = (
        (
            advised(account, item, item.priority, PRIORITY_TONES[item.priority]),
            Text(names[account.operator_id]),
            Text(item.action),
            Text(item.owner),
            advised(account, item, item.because),
        )
        for account, item in ranked
    )
    basis = merge_basis(fact for _, item in ranked for fact in item.facts)
    listed = grid("Priority | !Operator | !Action | !Owner | Raised by", rows, basis, "Actions", of)
    return listed or Prose("Nothing in the figures known asks for an action.")


def _warnings(accounts: Sequence[Account], names: Mapping[str, str]) -> Iterator[Prose]:
    """The gates of each operator and the sources that did not answer for it."""
    for account in accounts:
        for warning in judgement.warnings(account):
            yield Prose(f"{names[account.operator_id]}: {warning.text}", warning.facts, warning.tone)


def _freshness(accounts: Sequence[Account], names: Mapping[str, str]) -> Iterator[Freshness]:
    """How each source answered over all operators: in full only when it did for each."""
    sources = dict.fromkeys(item.source for account in accounts for item in account.freshness)
    for source in sources:
        items = [(a, item) for a in accounts for item in a.freshness if item.source == source]
        states = {item.state for _, item in items}
        short = [names[account.operator_id] for account, item in items if item.state != "ok"]
        warning = [f"not in full for {_listed(short)}"] if short else []
        yield Freshness(
            source=source,
            state=states.pop() if len(states) == 1 else "partial",
            fetched_at=_latest([item.fetched_at for _, item in items], min),
            latest_record_at=_latest([item.latest_record_at for _, item in items], max),
            gaps=tuple(dict.fromkeys(gap for _, item in items for gap in item.gaps)),
            warning="; ".join((*warning, *dict.fromkeys(item.warning for _, item in items if item.warning))),
        )


def _latest(instants: Sequence[Any], choose: Callable[..., Any]) -> Any:
    return choose((instant for instant in instants if instant is not None), default=None)


KIND = Kind(
    "comparison",
    "Comparison",
    _head,
    (
        section("operators", "Operators", lambda found: _operators(found.accounts, found.names), weight=1),
        section(
            "findings",
            "Differences that matter",
            lambda found: bullets(_insights(found.accounts, found.names)) or Prose(_alike(found.accounts)),
            weight=3,
        ),
        section("figures", "Side by side", lambda found: _tables(found.accounts, found.names)),
        section("health", "Risks", lambda found: _risks(found.accounts, found.names), weight=1),
        section("actions", "Actions", lambda found: _actions(found.accounts, found.names)),
    ),
    answers="How do several operators differ?",
    place=110,
    about="operators",
    use_case="compare",
    prepare=comparison,
)
