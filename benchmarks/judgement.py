"""Judgement: how well scorecards told who would leave on the demo world, by what was known on each day.

Run: `python -m benchmarks.judgement [DATES]`. The demo world is synced over HTTP into a lake; its scenario operators are left
out, since nobody drew whether they leave. DATES (11) monthly dates whose ninety days are over; a planned end of a subscription
is known from the day on which notice was given, which the world's hidden truth tells: the product itself knows it from its
first sync on. What other sources overwrite without a date is not judged, as ever on a past date.

Beside the shipped scorecards stand the points that `calibrate` would fit, each account judged by points fitted on others, and
logistic regression on the true causes (out of fold, too): what nobody who sees signals only can do better than.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import customer_research.health.calibration  # noqa: F401 # isort: skip - loads numpy with one thread, before others do

import numpy as np
import tomlkit

from customer_research.domain.calibration import Estimate
from customer_research.domain.health import AT_RISK_BANDS
from customer_research.domain.tables import KNOWN_FROM, KNOWN_TO, TableSet
from customer_research.health.backtest.trial import PanelScores, Rows, date_numbers, new_alerts, try_card, weeks_of
from customer_research.health.calibration.evaluation import ChurnRows, Prediction, churn_by_group, evaluate
from customer_research.health.calibration.panel import Floats
from customer_research.health.calibration.procedure import Terms, calibrate
from customer_research.health.calibration.validation import account_folds
from customer_research.health.scorecard import declaration_of
from customer_research.lake import Lake
from customer_research.record_tables import TABLES
from customer_research.research.engine_choice import scratch
from customer_research.research.past.backtest.lookback import STEPS, WINDOW, Lookback, look_back
from customer_research.research.past.backtest.signals import any_card
from customer_research.research.past.backtest.trials import known_until, rows_of, tried_of
from customer_research.research.past.calibration.on_lake import panel_of_card
from customer_research.research.past.requests import TrialTerms
from customer_research.research.sync.canonical import identity
from customer_research.settings import Settings
from customer_research_sandbox.dataset import Row
from customer_research_sandbox.simulation import HAZARD

DATES = 11
CARDS = ("canonical_1", "canonical", "retention")
WITH_CANDIDATES = "canonical_with_candidates"
CANDIDATES = ("R19", "R20", "R21", "R22")
"""Signs that the scorecard does not count: one takes points when its lift is at least 1.3 with an interval above 1."""

LIFTS = Path(__file__).parent.parent / "docs" / "reference" / "lift.csv"
_EVER = "TIMESTAMP '1970-01-01'"


@dataclass(frozen=True, slots=True)
class Lift:
    """A rule's or gate's churn over that of all rows: where it fired, and on how many rows and accounts it did."""

    name: str
    rows: int
    accounts: int
    lift: Estimate | None


def run(dates: int = DATES) -> None:
    """The panel, a line a scorecard, then the calibrated points and the true causes."""
    from customer_research.research.sync import all_sources  # noqa: PLC0415 - slow to import
    from customer_research.settings import LakeSettings, load_settings  # noqa: PLC0415
    from customer_research_sandbox.serve import Sandbox  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder, Sandbox.start(rate_limits=False) as sandbox:
        settings = load_settings(sandbox.config_path).model_copy(
            update={"lake": LakeSettings(folder=Path(folder) / "lake")}  # type: ignore[call-arg]
        )
        all_sources.run(settings, lambda: sandbox.dataset.as_of)
        cards = (*CARDS, str(with_candidates(Path(folder))))
        past = panel(settings, sandbox.dataset.truth, Path(folder), dates, cards)
        told(past, sandbox.dataset.truth)
        if dates != DATES:
            return  # the reference tells of one panel
        LIFTS.write_text(written(lifts(past)), encoding="utf-8")
        print(f"written: {LIFTS.name} (lift of each rule; `./dev docs` takes it into the reference)")


def panel(
    settings: Settings, truth: Sequence[Row], folder: Path, dates: int = DATES, cards: Sequence[str] = CARDS
) -> Lookback:
    """The shipped scorecards on the lake's past, its subscriptions with the notices of the world's truth."""
    tables = with_notices(Lake(settings.lake_folder).tables(), truth, folder)
    until = known_until(tables, settings.clock or datetime.now(UTC))
    with scratch(settings, folder) as engine:
        return look_back(
            engine,
            tables,
            [any_card(name) for name in cards],
            TrialTerms(since=(until - WINDOW - (dates - 1) * STEPS["month"]).isoformat()),
            until,
            tests=settings.test_operators,
        )


def with_notices(tables: TableSet, truth: Sequence[Row], folder: Path) -> TableSet:
    """The tables, of whose subscriptions it is known when each planned end was announced: versions of every instant."""
    import duckdb  # noqa: PLC0415 - slow to import

    notices = [
        (row["operator_id"], row["churn_effective_at"].replace(tzinfo=None), row["month_end"].replace(tzinfo=None))
        for row in truth
        if row["churned"] and row["churn_effective_at"] is not None
    ]
    file = tables.files["subscription"]
    columns = TABLES["subscription"].column_names
    before = {"status": "'active'", "ending_at": "NULL", "terminated_at": "NULL", "canceled_at": "NULL"}
    between = {**before, "ending_at": "ends_at"}
    past = folder / "subscription.past.parquet"
    with duckdb.connect() as database:
        database.execute("CREATE TABLE notice (operator_id VARCHAR, effective_at TIMESTAMP, given_at TIMESTAMP)")
        database.executemany("INSERT INTO notice VALUES (?, ?, ?)", notices)
        database.execute(
            f"""
            CREATE TABLE ending AS
            SELECT s.*, COALESCE(s.terminated_at, s.ending_at) AS ends_at, n.given_at
            FROM read_parquet({[str(path) for path in file.paths]}) AS s
            INNER JOIN notice AS n ON n.operator_id = s.operator_id
                AND n.effective_at = COALESCE(s.terminated_at, s.ending_at) AND n.given_at < n.effective_at
            """
        )
        key = identity(TABLES["subscription"])
        keys = ", ".join(name if name in key else f"NULL AS {name}" for name in columns)
        database.execute(
            f"""
            COPY (
                SELECT {_listed(columns, before)}, {_EVER} AS {KNOWN_FROM}, given_at AS {KNOWN_TO} FROM ending
                UNION ALL
                SELECT {_listed(columns, between)}, given_at, ends_at FROM ending WHERE NOT terminated_at IS NULL
                UNION ALL
                SELECT {keys}, COALESCE(terminated_at, given_at), NULL FROM ending
            ) TO '{past}' (FORMAT parquet)
            """
        )
    versioned = replace(file, versions=(past,), at_any_instant=True)
    return replace(tables, files={**tables.files, "subscription": versioned})


def _listed(columns: Sequence[str], changed: Mapping[str, str]) -> str:
    return ", ".join(f"{changed[name]} AS {name}" if name in changed else name for name in columns)


def told(past: Lookback, truth: Sequence[Row]) -> None:
    """Print how each did."""
    rows = rows_of(past)
    print(
        f"{len(past):,} rows of {rows.panel.account_count} accounts on {len(past.instants)} dates, "
        f"{rows.panel.churned_accounts} accounts left ({share(float(past.churned.mean()))} of the rows), "
        f"{past.managers} account managers"
    )
    for one in past.cards:
        if one.card.name == WITH_CANDIDATES:
            continue
        print(card_words(rows, tried_of(one)))
    print(f"calibrated points (out of fold): {_fitted(past)}")
    print(f"logistic regression on the true causes (out of fold): AUC {words(_of_causes(past, rows, truth))}")


def card_words(rows: Rows, said: PanelScores) -> str:
    """A scorecard's line: ranking, what At Risk and Critical caught, new alerts at these bands, churn by band."""
    trial = try_card(rows, said)
    caught, recall, weekly = at_risk(rows, said)
    bands = ", ".join(f"{group.name} {words(group.rate)} of {group.rows}" for group in trial.bands)
    each = (
        f"{weekly / rows.managers:.2f} for each of {rows.managers} managers" if rows.managers else "no manager is known"
    )
    return (
        f"{trial.name} {trial.version}: AUC {words(trial.evaluation.auc)}; At Risk and Critical: precision {words(caught)}, "
        f"recall {share(recall)} of the accounts that left; {weekly:.2f} new a week, {each}; churn: {bands}"
    )


def at_risk(rows: Rows, said: PanelScores) -> tuple[Estimate | None, float, float]:
    """Of those At Risk or Critical: the share that left, of those who left the share that stood so, and new ones a week."""
    standing = np.isin(np.array(said.bands), list(AT_RISK_BANDS))
    if not standing.any():
        return None, 0.0, 0.0
    (found,) = churn_by_group(np.zeros(int(standing.sum()), dtype=np.int64), ["risk"], rows.where(standing).churn)
    weekly = new_alerts(standing, rows.panel.accounts, date_numbers(rows.panel)).sum() / weeks_of(rows)
    return found.rate, found.churned_accounts / rows.panel.churned_accounts, float(weekly)


def words(found: Estimate | None) -> str:
    """An estimate with its interval."""
    if found is None:
        return "unknown"
    between = "" if found.low is None or found.high is None else f" [{found.low:.3f} to {found.high:.3f}]"
    return f"{found.value:.3f}{between}"


def share(value: float) -> str:
    """A share in per cent."""
    return f"{value:.1%}"


def lifts(past: Lookback) -> Iterator[Lift]:
    """Each rule and gate of the canonical scorecard, and each candidate: how much oftener who had it left than all."""
    rows = rows_of(past)
    said = next(one for one in past.cards if one.card.name == WITH_CANDIDATES)
    fired = {rule.id: said.points[:, place] != 0 for place, rule in enumerate(said.rules) if rule.points}
    fired |= {gate.name: said.gates[:, place] for place, gate in enumerate(said.card.gates)}
    for name, flags in fired.items():
        found = churn_by_group(flags.astype(np.int64), ["others", name], rows.churn)[1]
        yield Lift(name, found.rows, found.accounts, found.lift)


def with_candidates(folder: Path) -> Path:
    """The canonical scorecard with the signs that it does not count as rules of a point, so that they are tried, too."""
    document = tomlkit.parse(declaration_of("canonical")[0])
    signs = tomlkit.parse(resources.files("customer_research.health").joinpath("findings.toml").read_text("utf-8"))
    document["name"] = WITH_CANDIDATES
    document["terms"] = {**signs["terms"], **document["terms"]}
    for sign in signs["rules"]:
        if sign["id"] in CANDIDATES:
            document["rules"].append(
                {"dimension": "support", "points": -1, "window": "90 days"}
                | {key: sign[key] for key in ("id", "when", "because", "fact")}
            )
    path = folder / "candidates.toml"
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
    return path


def written(found: Iterable[Lift]) -> str:
    """The lifts as the CSV that the reference of rules reads."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("rule", "rows", "accounts", "lift", "low", "high"))
    for one in found:
        known = one.lift if one.rows else None
        figures = ("", "", "") if known is None else (known.value, known.low, known.high)
        told_ = ("" if figure in {"", None} else f"{figure:.2f}" for figure in figures)
        lines.writerow((one.name, one.rows, one.accounts, *told_))
    return text.getvalue()


def _fitted(past: Lookback) -> str:
    """What `calibrate` would make of the canonical rules."""
    said = next(one for one in past.cards if one.card.name == "canonical" and one.card.version == "2")
    fitted = calibrate(panel_of_card(past, said), Terms(0, draws=50, base=said.card.name, cuts=said.card.cuts))
    found = fitted.told
    return f"{found.outcome}: {found.events} accounts left; AUC {words(found.fitted.auc if found.fitted else None)}"


def _of_causes(past: Lookback, rows: Rows, truth: Sequence[Row]) -> Estimate | None:
    """AUC of logistic regression on the world's own covariates, segment and notice, each account judged by the others."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - a development dependency

    causes = causes_of(past, truth)
    risk = np.zeros(len(past))
    (folds,) = account_folds(rows.panel, seed=0, repeats=1)
    for fold in folds:
        fitted = LogisticRegression(C=1.0, max_iter=1000).fit(causes[fold.train], past.churned[fold.train])
        risk[fold.test] = fitted.predict_proba(causes[fold.test])[:, 1]
    return evaluate(Prediction(risk, None), ChurnRows(past.churned, rows.panel.accounts)).auc


def causes_of(past: Lookback, truth: Sequence[Row]) -> Floats:
    """(rows, causes) what the world's mechanism looked at in the last month before each date, the segment, and the notice."""
    months: dict[str, list[Row]] = defaultdict(list)
    for row in truth:
        months[row["operator_id"]].append(row)
    found = []
    for operator, at in zip(past.operator_ids, past.as_of, strict=True):
        known = [row for row in months[operator] if row["month_end"] <= at]
        last = known[-1] if known else None
        segment = [float(bool(last) and last["segment"] == name) for name in ("Mid-Market", "Enterprise")]  # type: ignore[index]
        notice = any(row["churned"] and row["month_end"] > at - timedelta(days=400) for row in known)
        found.append([*([last[f"x_{name}"] if last else 0.0 for name in HAZARD]), *segment, float(notice)])
    return np.array(found, dtype=np.float64)


if __name__ == "__main__":
    run()
