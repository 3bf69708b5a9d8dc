"""Looking at many: operators of a snapshot chosen, ordered and grouped by SQL over its files, then put into words."""

# ruff: noqa: S608 - names in these texts are ours (columns, bands, rules of checked declarations); values are parameters
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.domain.health import PRESENT
from customer_research.domain.portfolio import Amount, Group, Portfolio, Risks, RiskSort, Scope, Sort
from customer_research.domain.risk import AT_RISK, RISK_LEVELS
from customer_research.domain.snapshot import Snapshot
from customer_research.engines.engine import Engine
from customer_research.errors import UsageError
from customer_research.health.findings import FindingRule, load_findings
from customer_research.health.risk import category_sql, risk_level_sql
from customer_research.health.scorecard import Scorecard, shipped_scorecards
from customer_research.health.scoring import scoring_sql
from customer_research.health.urgency import RANKS, level_sql, open_level
from customer_research.research.one.judge import METRIC_NAMES, card_named, urgency_causes
from customer_research.research.portfolio.choice import Selection
from customer_research.research.portfolio.mrr import MrrByOperator
from customer_research.research.portfolio.owners import fitting_owners
from customer_research.research.portfolio.snapshot_view import SnapshotView

RETENTION = "retention"
"""The scorecard behind the churn risk."""

CHURNED_WITHIN_DAYS = 90
SLIPPING_SHOWN = 10
_EXAMPLES = 3
_BANDED_SCORE = "CASE WHEN band <> 'outside' THEN score END"
"""What is averaged: the scores of those who stand in the bands."""

_ORDERS: Mapping[Sort, str] = {
    "attention": "level DESC, worth DESC NULLS LAST, score NULLS FIRST, operator_id",
    "score": "score NULLS FIRST, worth DESC NULLS LAST, operator_id",
    "mrr": "worth DESC NULLS LAST, operator_id",
    "name": "LOWER(name), operator_id",
    "trend": "usage_trend NULLS LAST, worth DESC NULLS LAST, operator_id",
}

_RISK_ORDERS: Mapping[RiskSort, str] = {
    "loss": "expected_loss DESC NULLS LAST, risk DESC, operator_id",
    "risk": "risk DESC, expected_loss DESC NULLS LAST, operator_id",
}


def portfolio(view: SnapshotView, selection: Selection, sort: Sort = "attention") -> Portfolio:
    """The operators selected of a snapshot, in an order, each judged again under the snapshot's scorecard.

    Raises:
        UsageError: the scorecard is not the one that the snapshot was scored with any more, or a finding does not exist.
    """
    card, mrr = card_of(view.snapshot), MrrByOperator(view.engine, view.snapshot, view.rates)
    found = _portfolio(view, selection, mrr, card)
    return replace(found, accounts=view.accounts(_ids(view.engine, "chosen", _ORDERS[sort], selection.most), card))


def _portfolio(view: SnapshotView, selection: Selection, mrr: MrrByOperator, card: Scorecard) -> Portfolio:
    """How those selected stand, without their accounts."""
    engine, rules = view.engine, _rules(selection)
    of, words = _choose(engine, selection, rules, card)
    groups = {by: _groups(engine, mrr, "chosen", by, _BANDED_SCORE) for by in ("status", "band", "segment")}
    return Portfolio(
        snapshot=view.snapshot,
        generated_at=view.now,
        accounts=(),
        chosen=Scope(words, sum(group.operators for group in groups["status"]), of),
        receipt=view.snapshot.scoring,
        freshness=view.freshness,
        bands=groups["band"],
        segments=groups["segment"],
        statuses=groups["status"],
        amounts=_amounts(engine, mrr),
        disagreements=tuple(_disagreements(engine, mrr, rules)),
        rates=view.rates,
    )


def told_of(view: SnapshotView, operator_ids: Sequence[str]) -> Mapping[str, Account]:
    """These operators' accounts by id, in the order given."""
    found = view.accounts(list(dict.fromkeys(operator_ids)), card_of(view.snapshot))
    return {account.operator_id: account for account in found}


def risks(view: SnapshotView, selection: Selection, sort: RiskSort = "loss") -> Risks:
    """The operators selected, by their risk of leaving; those who left, or never began, are not ranked.

    Raises:
        UsageError: a status is selected that nobody can leave from; or as `portfolio`.
    """
    gone = [status for status in selection.statuses if status not in PRESENT]
    if gone:
        raise UsageError(
            f"Operators of the status {gone[0]} cannot leave any more, or never came: they have no churn risk.",
            hint=f"Ask for {', '.join(PRESENT)}; the report lists those who churned lately by themselves.",
        )
    engine, card, retention = view.engine, card_of(view.snapshot), card_named(RETENTION)
    mrr = MrrByOperator(engine, view.snapshot, view.rates)
    found = _portfolio(view, selection, mrr, card)
    _rank(engine, retention, selection)
    ids = _ids(engine, "at_risk", _RISK_ORDERS[sort], selection.most)
    slipping = _ids(engine, "slipping", _RISK_ORDERS["risk"], SLIPPING_SHOWN)
    left = _ids(engine, "left_lately", "churned_on DESC, operator_id", None)
    by_id = {one.operator_id: one for one in view.accounts(list(dict.fromkeys((*ids, *slipping))), card, (retention,))}
    (unjudged,) = engine.run(
        f"SELECT COUNT(*) AS n FROM ranked WHERE risk IS NULL OR (risk >= {AT_RISK} AND least < {AT_RISK})"
    )
    (still,) = engine.run("SELECT COUNT(*) AS n FROM slipping")
    return Risks(
        portfolio=replace(found, accounts=tuple(by_id[one] for one in ids)),
        retention={operator_id: account.scores[1] for operator_id, account in by_id.items()},
        levels=tuple(sorted(_groups(engine, mrr, "at_risk", "level_name", "risk"), key=_level)),
        categories=_groups(engine, mrr, "at_risk", "category", "risk"),
        segments=_groups(engine, mrr, "at_risk", "segment", "risk"),
        owners=_groups(engine, mrr, "at_risk", "owner_name", "risk", known_only=True),
        churned=view.accounts(left, card),
        unjudged=int(unjudged["n"]),
        sort=sort,
        slipping=tuple(by_id[one] for one in slipping),
        slipping_of=int(still["n"]),
    )


def _level(group: Group) -> int:
    return [name for _, name in RISK_LEVELS].index(group.name)


def card_of(snapshot: Snapshot) -> Scorecard:
    """The scorecard that a snapshot was scored under.

    Raises:
        UsageError: it is another one by now.
    """
    card = card_named(snapshot.scorecard)
    earlier = f"{snapshot.scorecard}_{snapshot.version}"
    if card.digest != snapshot.digest and earlier in shipped_scorecards():
        card = card_named(earlier)
    if card.digest != snapshot.digest:
        raise UsageError(
            f"The scorecard {snapshot.scorecard} has changed since this snapshot was taken.",
            hint="Run `customer-research portfolio score` again.",
        )
    return card


def _rules(selection: Selection) -> tuple[FindingRule, ...]:
    rules = load_findings(METRIC_NAMES)
    known = {rule.id for rule in rules}
    unknown = [name for name in selection.rules if name not in known]
    if unknown:
        raise UsageError(f"There is no finding {unknown[0]}.", hint=f"Known: {', '.join(rule.id for rule in rules)}.")
    return rules


# --- choosing ----------------------------------------------------------------------------------------------------------


def _choose(engine: Engine, selection: Selection, rules: Sequence[FindingRule], card: Scorecard) -> tuple[int, str]:
    """Keep the table `chosen`; gives how many operators the snapshot has, and the selection in words.

    Raises:
        UsageError: nobody's owner is called so.
    """
    weights = " ".join(f"WHEN '{rule.id}' THEN {RANKS[rule.priority]}" for rule in rules if rule.kind == "risk")
    standing = {
        "band": _least_band(card),
        "finding": "GREATEST(COALESCE(f.level, 0), o.level)",
        "status": "COALESCE(s.status, 'unknown')",
    }
    engine.keep(
        "everybody",
        f"""
        SELECT a.operator_id, a.name, COALESCE(a.segment, 'not known') AS segment, a.owner_name, a.usage_trend, w.worth, w.usd,
            COALESCE(s.status, 'unknown') AS status, s.band, s.score,
            {level_sql(urgency_causes()[0], **standing)} AS level
        FROM accounts AS a
        INNER JOIN scores AS s ON s.operator_id = a.operator_id
        INNER JOIN worths AS w ON w.operator_id = a.operator_id
        LEFT JOIN (
            SELECT operator_id, MAX(CASE rule {weights} ELSE 0 END) AS level FROM findings GROUP BY operator_id
        ) AS f ON f.operator_id = a.operator_id
        INNER JOIN (SELECT operator_id, {open_level(rules)} AS level FROM accounts) AS o ON o.operator_id = a.operator_id
        """,
    )
    owners = _owners(engine, selection)
    conditions, values = _conditions(selection, owners)
    engine.keep("chosen", f"SELECT * FROM everybody AS e WHERE {' AND '.join(conditions)}", values)
    (count,) = engine.run("SELECT COUNT(*) AS n FROM everybody")
    untold = 0
    if selection.min_mrr is not None:
        rest, values = _conditions(replace(selection, min_mrr=None), owners)
        sql = f"SELECT COUNT(*) AS n FROM everybody AS e WHERE e.usd IS NULL AND {' AND '.join(rest)}"
        untold = int(engine.run(sql, values)[0]["n"])
    return int(count["n"]), selection.words(owners, untold)


def _least_band(card: Scorecard) -> str:
    """SQL of the band that urgency looks at: one that is not settled is that of its low end, no score that of the worst."""
    healthy, monitor, at_risk = card.cuts
    low_end = (
        f"CASE WHEN s.score < {at_risk} THEN 'critical' WHEN s.score < {monitor} THEN 'at_risk' "
        f"WHEN s.score < {healthy} THEN 'monitor' ELSE 'healthy' END"
    )
    return f"CASE s.band WHEN 'insufficient' THEN 'critical' WHEN 'unsettled' THEN {low_end} ELSE s.band END"


def _owners(engine: Engine, selection: Selection) -> tuple[str, ...]:
    """The names of the owners meant: the one of that very name, else all that have it as a part.

    Raises:
        UsageError: nobody's owner is called so.
    """
    asked = selection.owner.strip()
    if not asked:
        return ()
    rows = engine.run("SELECT DISTINCT owner_name FROM everybody WHERE NOT owner_name IS NULL ORDER BY owner_name")
    return fitting_owners(asked, [str(row["owner_name"]) for row in rows])


def _conditions(selection: Selection, owners: tuple[str, ...]) -> tuple[list[str], dict[str, Any]]:
    conditions: list[str] = []
    values: dict[str, Any] = {}
    lists = {
        "e.status": ("status", selection.statuses or PRESENT),
        "e.band": ("band", selection.bands),
        "e.segment": ("segment", selection.segments),
        "e.owner_name": ("owner", owners),
        "h.rule": ("finding", selection.rules),
    }
    for column, (name, given) in lists.items():
        if not given:
            continue
        named: dict[str, Any] = {f"{name}_{number}": value for number, value in enumerate(given)}
        values |= named
        condition = f"{column} IN ({', '.join(f'${key}' for key in named)})"
        if column == "h.rule":
            condition = f"e.operator_id IN (SELECT h.operator_id FROM findings AS h WHERE {condition})"
        conditions.append(condition)
    if selection.least_minor is not None:
        conditions.append("e.usd >= $least")
        values["least"] = selection.least_minor
    if selection.text:
        shown = "REGEXP_REPLACE(TRIM(e.name), '\\s+', ' ', 'g')"  # as people read it: a source's blanks are not seen
        conditions.append(f"STRPOS(LOWER({shown}), LOWER($text)) > 0")
        values["text"] = selection.text
    return conditions, values


def _ids(engine: Engine, table: str, order: str, most: int | None) -> list[str]:
    limit = "" if most is None else f" LIMIT {int(most)}"
    return [str(row["operator_id"]) for row in engine.run(f"SELECT operator_id FROM {table} ORDER BY {order}{limit}")]


def _groups(
    engine: Engine, mrr: MrrByOperator, table: str, by: str, average: str, *, known_only: bool = False
) -> tuple[Group, ...]:
    where = f"WHERE NOT {by} IS NULL" if known_only else ""
    rows = engine.run(
        f"""
        SELECT {by} AS name, AVG(CAST({average} AS DOUBLE)) AS average, LIST(operator_id) AS members
        FROM {table} {where} GROUP BY {by} ORDER BY COUNT(*) DESC, {by}
        """
    )
    return tuple(Group(str(row["name"]), len(row["members"]), *mrr.sum(row["members"]), row["average"]) for row in rows)


def _amounts(engine: Engine, mrr: MrrByOperator) -> tuple[Amount, ...]:
    rows = engine.run(
        "SELECT band, segment, LIST(operator_id) AS members FROM chosen GROUP BY band, segment ORDER BY band, segment"
    )
    return tuple(
        Amount(row["band"], str(row["segment"]), money.currency, money.minor)
        for row in rows
        for money in mrr.sum(row["members"])[0]
    )


_DISAGREEMENTS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("Usage falls, the plan runs on", ("R1", "R2")),
    ("Usage falls and nobody talks", ("R9",)),
    ("Usage is well, money is not", ("R3",)),
    ("Usage and money both fall", ("R5",)),
    ("Usage is well, support is not", ("R10",)),
    ("Cards are disputed and tickets are open", ("R6",)),
    ("They pay and have never used it", ("R17",)),
    ("Payments are late as the renewal comes", ("R12",)),
    ("A quiet month, but booked ahead", ("R15",)),
    ("Sources disagree on churn", ("R18",)),
)
"""What findings say when money, usage and support are laid side by side."""


def _disagreements(engine: Engine, mrr: MrrByOperator, rules: Sequence[FindingRule]) -> Iterator[Group]:
    known = {rule.id for rule in rules}
    for title, ids in _DISAGREEMENTS:
        listed = ", ".join(f"'{name}'" for name in ids if name in known)
        of_these = f"operator_id IN (SELECT h.operator_id FROM findings AS h WHERE h.rule IN ({listed}))"
        members = [row["operator_id"] for row in engine.run(f"SELECT operator_id FROM chosen WHERE {of_these}")]
        if not members:
            continue
        amounts, unknown = mrr.sum(members)
        examples = engine.run(
            f"SELECT name FROM chosen WHERE {of_these} ORDER BY worth DESC NULLS LAST, operator_id LIMIT {_EXAMPLES}"
        )
        yield Group(
            name=title,
            operators=len(members),
            mrr=amounts,
            mrr_unknown=unknown,
            examples=tuple(str(row["name"]) for row in examples),
        )


# --- risk --------------------------------------------------------------------------------------------------------------


def _rank(engine: Engine, card: Scorecard, selection: Selection) -> None:
    """Keep `ranked` (everybody chosen with a risk), `at_risk`, of these `slipping`, and `left_lately`.

    With a source silent `risk` is the most that it can be, `least` the least: at risk is who is by what is known.

    Those who left lately are of the choice, whatever its statuses. Slipping are those whom nothing has announced yet: the
    subscription runs and is not set to end, and there were rides in 60 days.
    """
    conditions, values = _conditions(replace(selection, statuses=("churned",)), _owners(engine, selection))
    engine.bind(ACCOUNT_TABLE, "SELECT * FROM accounts")
    engine.keep("safety", scoring_sql(card)["scores"])
    engine.keep(
        "ranked",
        f"""
        SELECT c.*, 100 - s.score AS risk, 100 - s.score_high AS least, CAST((100 - s.score) * c.worth AS DOUBLE) / 100 AS expected_loss,
            {category_sql(card)} AS category
        FROM chosen AS c
        INNER JOIN safety AS s ON s.operator_id = c.operator_id
        """,
    )
    engine.keep("at_risk", f"SELECT *, {risk_level_sql('least')} AS level_name FROM ranked WHERE least >= {AT_RISK}")
    engine.keep(
        "slipping",
        """
        SELECT r.* FROM at_risk AS r
        INNER JOIN accounts AS a ON a.operator_id = r.operator_id
        WHERE a.active_subscriptions > 0 AND NOT COALESCE(a.pending_cancellation, FALSE) AND a.reservations_60d > 0
        """,
    )
    engine.keep(
        "left_lately",
        f"""
        SELECT a.operator_id, a.churned_on FROM accounts AS a
        INNER JOIN everybody AS e ON e.operator_id = a.operator_id
        WHERE e.status = 'churned' AND a.churned_on >= CAST(a.as_of AS DATE) - {CHURNED_WITHIN_DAYS}
            AND {" AND ".join(conditions)}
        """,
        values,
    )
