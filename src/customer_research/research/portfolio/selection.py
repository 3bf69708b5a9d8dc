"""Looking at many in the files of a snapshot: their accounts, and who may leave."""

# ruff: noqa: S608 - names in these texts are ours (columns of checked declarations); values are parameters
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.domain.health import PRESENT
from customer_research.domain.line import Standing
from customer_research.domain.portfolio import Group, Risks, RiskSort
from customer_research.domain.risk import AT_RISK, RISK_LEVELS
from customer_research.engines.engine import Engine
from customer_research.errors import UsageError
from customer_research.health.risk import category_sql, risk_level_sql
from customer_research.health.scorecard import Scorecard
from customer_research.health.scoring import scoring_sql
from customer_research.research.one.judge import card_named
from customer_research.research.portfolio.book_lines import FileListing
from customer_research.research.portfolio.everybody import card_of
from customer_research.research.portfolio.listing import choose, groups, portfolio
from customer_research.research.portfolio.requests import Selection
from customer_research.research.portfolio.snapshot_view import SnapshotView

RETENTION = "retention"
"""The scorecard behind the churn risk."""

CHURNED_WITHIN_DAYS = 90
SLIPPING_SHOWN = 10

_RISK_ORDERS: Mapping[RiskSort, str] = {
    "loss": "expected_loss DESC NULLS LAST, risk DESC, operator_id",
    "risk": "risk DESC, expected_loss DESC NULLS LAST, operator_id",
}


def told_of(view: SnapshotView, operator_ids: Sequence[str], also: Sequence[Scorecard] = ()) -> Mapping[str, Account]:
    """These operators' accounts by id, in the order given, judged under the snapshot's scorecard (and those in `also`)."""
    found = view.accounts(list(dict.fromkeys(operator_ids)), card_of(view.snapshot), also)
    return {account.operator_id: account for account in found}


def risks(listing: FileListing, selection: Selection, sort: RiskSort = "loss") -> Risks:
    """The operators selected, by their risk of leaving; those who left, or never began, are not ranked.

    Raises:
        UsageError: a status is selected that nobody can leave from; or as `listing.portfolio`.
    """
    gone = [status for status in selection.statuses if status not in PRESENT]
    if gone:
        raise UsageError(
            f"Operators of the status {gone[0]} cannot leave any more, or never came: they have no churn risk.",
            hint=f"Ask for {', '.join(PRESENT)}; the report lists those who churned lately by themselves.",
        )
    view, retention = listing.view, card_named(RETENTION)
    everybody, engine = listing.everybody(), listing.view.engine
    found = portfolio(listing, selection, lines=False)
    left_lately = _rank(engine, retention, everybody, selection)
    ids = _ids(engine, "at_risk", _RISK_ORDERS[sort], selection.most)
    slipping = _ids(engine, "slipping", _RISK_ORDERS["risk"], SLIPPING_SHOWN)
    ranked = dict.fromkeys((*ids, *slipping))
    by_id = told_of(view, (*ranked, *left_lately), (retention,))
    (unjudged,) = engine.run(
        f"SELECT COUNT(*) AS n FROM ranked WHERE risk IS NULL OR (risk >= {AT_RISK} AND least < {AT_RISK})"
    )
    (still,) = engine.run("SELECT COUNT(*) AS n FROM slipping")
    grouped = _Grouped(engine, everybody)
    return Risks(
        portfolio=found,
        accounts=tuple(by_id[one] for one in ids),
        retention={one: by_id[one].scores[1] for one in ranked},
        levels=tuple(sorted(grouped.by("level_name"), key=_level)),
        categories=grouped.by("category"),
        segments=grouped.by("segment"),
        owners=grouped.by("owner_name"),
        churned=tuple(by_id[one] for one in left_lately),
        unjudged=int(unjudged["n"]),
        sort=sort,
        slipping=tuple(by_id[one] for one in slipping),
        slipping_of=int(still["n"]),
    )


def _level(group: Group) -> int:
    return [name for _, name in RISK_LEVELS].index(group.name)


class _Grouped:
    """Those at risk, to be grouped by a column."""

    def __init__(self, engine: Engine, everybody: Sequence[Standing]) -> None:
        self._mrr = {one.operator_id: one.mrr for one in everybody}
        self._rows = engine.run("SELECT operator_id, level_name, category, segment, owner_name, risk FROM at_risk")

    def by(self, column: str) -> tuple[Group, ...]:
        """The groups; who has nothing in the column is in none."""
        known = (row for row in self._rows if row[column] is not None)
        return groups((str(row[column]), self._mrr[row["operator_id"]], row["risk"]) for row in known)


def _ids(engine: Engine, table: str, order: str, most: int | None) -> list[str]:
    limit = "" if most is None else f" LIMIT {int(most)}"
    return [str(row["operator_id"]) for row in engine.run(f"SELECT operator_id FROM {table} ORDER BY {order}{limit}")]


def _rank(engine: Engine, card: Scorecard, everybody: Sequence[Standing], selection: Selection) -> list[str]:
    """Keep `ranked` (everybody chosen with a risk), `at_risk`, of these `slipping`; gives who left lately, the last first.

    With a source silent `risk` is the most that it can be, `least` the least: at risk is who is by what is known.

    Those who left lately are of the choice, whatever its statuses. Slipping are those whom nothing has announced yet: the
    subscription runs and is not set to end, and there were rides in 60 days.
    """
    _keep(engine, "chosen", choose(everybody, selection)[0])
    _keep(engine, "gone", choose(everybody, replace(selection, statuses=("churned",)))[0])
    engine.bind(ACCOUNT_TABLE, "SELECT * FROM accounts")
    engine.keep("safety", scoring_sql(card))
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
    rows = engine.run(
        f"""
        SELECT a.operator_id FROM accounts AS a
        INNER JOIN gone AS g ON g.operator_id = a.operator_id
        WHERE a.churned_on >= CAST(a.as_of AS DATE) - {CHURNED_WITHIN_DAYS}
        ORDER BY a.churned_on DESC, a.operator_id
        """
    )
    return [str(row["operator_id"]) for row in rows]


def _keep(engine: Engine, table: str, chosen: Sequence[Standing]) -> None:
    """Keep who is chosen as a table."""
    columns = {"operator_id": "VARCHAR", "segment": "VARCHAR", "owner_name": "VARCHAR", "worth": "BIGINT"}
    rows: list[dict[str, Any]] = [
        {
            "operator_id": one.operator_id,
            "segment": one.segment or "not known",
            "owner_name": one.owner or None,
            "worth": one.worth,
        }
        for one in chosen
    ]
    engine.create(table, columns, rows)
