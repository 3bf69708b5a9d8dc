"""The registries as plain records: what documentation, the command line and agents may list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from customer_research.documents.formats import FORMATS
from customer_research.domain.catalogue import METRICS, SUBJECTS
from customer_research.domain.health import BAND_LABELS, BAND_ORDER, STATUS_LABELS, Status
from customer_research.domain.urgency import LEVEL_LABELS
from customer_research.health.alerts.alert_words import rule_in_words
from customer_research.health.alerts.declared import load_alert_rules
from customer_research.health.findings import load_findings
from customer_research.health.playbook import shipped_plays
from customer_research.health.scorecard import (
    PERMILLE,
    Scorecard,
    declaration_of,
    load_scorecard,
    shipped_scorecards,
)
from customer_research.identity.directory import RULES
from customer_research.identity.interpret import interpret
from customer_research.reports.kinds import EVERY_KIND
from customer_research.research.one.judge import METRIC_NAMES, playbook_of, urgency_causes
from customer_research.research.sync.canonical import described
from customer_research.settings import ENV_PREFIX, Settings, describe_defaults
from customer_research.sources import discover
from customer_research.sources.warehouse.bindings import ChargePath, PathKind, declared
from customer_research.sources.warehouse.settings import MetabaseSettings

METRICS_INTRODUCTION = """\
A metric is a column of its subject's query over the canonical tables, as of one instant T. It is *known* when all its
tables answered; an operator without rows then has 0 for counts and sums and "none found" for the rest. Otherwise it is a
gap with a reason, never a zero. Windows are half-open: [T-n d, T). `customer-research why OPERATOR METRIC` shows one
taken apart.
"""
TABLES_INTRODUCTION = """\
Sources normalise the vendors' records into these tables; metrics and reports name nothing else. Timestamps are UTC,
`*_minor` are integer minor units of the row's currency, `fetch_id` is the receipt that brought the row.

Anybody may give them as files: a folder with `TABLE.parquet`, `TABLE.csv` or `TABLE/*.parquet` for some of the tables, for
`import DIR` and `score --tables DIR`. A *needed* column must be there (empty where nothing is known); the others may be
absent. Types in files: text; integer; number; boolean (`true` or `false`); date (`YYYY-MM-DD`); timestamp (UTC, or with a
time zone); texts (a list, or `|a|b|` as text).
"""
RULES_INTRODUCTION = """\
A scorecard is data: dimensions with weights and a base, rules with a condition over metrics, points and a sentence. What
stands on this page is enough to recompute any score by hand.

- **Conditions** are SQL over [metrics](metrics.md). What is reckoned from an unknown metric, or compared with one, is unknown;
  `AND` with something false is false all the same, `OR` with something true is true, and `IS NULL` is always told.
- **Rules.** A rule may have several rows: the first that holds says why, and the rule counts once. Where none holds and one is
  unknown, the rule is not judged: it takes and gives no points, and reports say so. The column "not counted" names the rules
  beside which it does not count, and the statuses of which it is not asked. (A rule that is itself not counted leaves none out.)
- **Points.** "Each" multiplies them by the metric. A dimension is its base and the points of its rules, held within 0 and 100.
- **Known.** Each scorecard says which metrics make a dimension known. One that is not has no part in the score; the
  weights of the others stand for the whole.
- **Score.** The weighted mean of the dimensions, rounded half up to a whole number. Of the caps that hold the lowest counts;
  it holds the band, and where the scorecard says so the score at the top of it.
- **Coverage** (reports say "80% known") is the weight of the dimensions that are known, below the minimum of which there is no
  score. Where evidence counts, a dimension's weight counts by the share of its rules' points that were judged (points without their sign and without "each",
  the dimension's part rounded down to a thousandth). Only a rule that is *open* is missing from it: one that cannot be told while
  one of its unknown metrics is of a silent source (unavailable, denied, truncated or stale), or while a rule beside which it
  does not count is open. What the source answered that there is none of is no gap in the coverage.
- **The range.** Where evidence counts, the score is the least that it can be: open rules take their points, those of "each" all of
  the dimension's, and an open cap holds. The most is with the points that open rules give, and open caps not holding. A dimension
  that is unknown because one of the metrics that make it known is of a silent source has its part in both, from its base in the
  same way. One band for both ends is the band; else it is not settled.
- **Lift** is how many times as often as all operators those of whom the rule held left within 90 days, with its 95 % interval, and
  on how many accounts: measured on the sandbox's demo with what was known on each day (`./dev bench judgement`). "Not measured":
  what the rule rests on is overwritten, so that no past date can tell it. An interval that holds 1 shows nothing either way.
- **At a past date** a metric may be *not judged* ([decision 10](../decisions/0010-what-was-known-as-of-a-past-date.md)): it is
  unknown, and no source is silent for it. A rule that names one and cannot be told is missing from the coverage and opens no
  range. A dimension of which all the metrics in "known by" are not judged is known by those of its rules of more than 0 points,
  up or down, that name nothing of the kind.
"""
ALERTS_INTRODUCTION = """\
Rules over the score history (`customer-research alerts`): `raised at` and `cleared at` lie apart, so that nothing flickers; an
alert ends when its rule has not held for the quiet days, and is not raised again within the cool-down after that. What is
unknown changes nothing. "Unless" names correlation findings that excuse it and graver rules that are told instead. A file of
one's own (setting `alerts.rules`) stands alone, or changes these rules by id with `base = "shipped"`;
`customer-research alerts rules --toml` prints the shipped file, `customer-research alerts simulate` tries rules on the history.
"""
SETTINGS_INTRODUCTION = """\
Precedence: environment variable, then the settings file (`--config FILE`, else `settings.toml` in the user's configuration
folder), then the default. `customer-research config show` prints each value with its origin; secrets are never printed.
"""


def _listed(declared: object, *names: str) -> dict[str, Any]:
    """Some of what is declared, by its names, as JSON has it."""
    given = {name: getattr(declared, name) for name in names}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}


def lookup_rules() -> list[dict[str, Any]]:
    """By what a lookup finds an operator, the surest first, and how sure it is (0 to 1)."""
    found = [{"rule": name, "found by": words, "sure": sure} for name, (sure, words) in RULES.items()]
    return sorted(found, key=lambda rule: -float(str(rule["sure"])))


def readings(term: str) -> list[dict[str, str]]:
    """What a term is read as."""
    return [{"kind": one.kind, "value": one.value, "remark": one.remark} for one in interpret(term)]


def warehouse_queries() -> dict[str, dict[str, str]]:
    """The queries of one operator's records in the warehouse, as shipped: for each way to its card charges, table → SQL."""
    settings = MetabaseSettings.model_validate({})
    paths: tuple[PathKind, ...] = ("direct", "join", "raw")
    return {
        kind: {table: one.sql(settings) for table, one in declared(ChargePath(kind, None, "")).items()}
        for kind in paths
    }


def metrics() -> list[dict[str, Any]]:
    """Every metric of the catalogue."""
    names = ("name", "label", "unit", "formula", "healthy", "tables", "subject")
    return [_listed(m, *names) | {"subject_title": SUBJECTS[m.subject].title} for m in METRICS.values()]


tables = described
scorecards = shipped_scorecards
shipped_playbook = shipped_plays


def _card(name: str) -> Scorecard:
    return load_scorecard(name, METRIC_NAMES)


def scorecard_text(name: str) -> str:
    """A scorecard's declaration (TOML), checked.

    Raises:
        ConfigError: there is no such scorecard, or a fault in it.
    """
    _card(name)
    return declaration_of(name)[0]


def scorecard(name: str) -> dict[str, Any]:
    """One scorecard: title, version, digest, dimensions, gates."""
    card = _card(name)
    gates = [
        _gate(gate.name, case.when.sql, gate.cap, gate.reason, gate.not_for)
        for gate in card.gates
        for case in gate.cases
    ]
    gates += [
        _gate(f"{name}_critical", f"{name} < {card.dimension_cuts[2]}", card.critical_cap, card.critical_reason)
        for name in card.critical_dimensions
    ]
    return {
        **_listed(card, "name", "title", "version", "digest"),
        "dimensions": [
            _listed(d, "name") | {"weight": d.weight / PERMILLE} | _listed(d, "base", "known_by", "needs")
            for d in card.dimensions
        ],
        "bands": {BAND_LABELS[band]: cut for band, cut in zip(BAND_ORDER, card.cuts, strict=False)},
        "lowest_band": BAND_LABELS[BAND_ORDER[len(card.cuts)]],
        "minimum_coverage": card.minimum_coverage / PERMILLE,
        **_listed(card, "by_evidence", "one_number"),
        "outside_bands": [STATUS_LABELS[status] for status in card.outside],
        "gates": gates,
    }


def _gate(name: str, when: str, cap: str | None, reason: str, not_for: Iterable[Status] = ()) -> dict[str, Any]:
    labels = [STATUS_LABELS[status] for status in not_for]
    return {"name": name, "when": when, "cap": cap, "reason": reason, "not_for": labels}


def rules(name: str) -> list[dict[str, Any]]:
    """One scorecard's rules."""
    return [
        {
            "id": r.id,
            "dimension": r.dimension,
            "points": f"{r.points:+d}"
            + (f" each ({r.per})" if r.per else "")
            + (f", at most {r.cap}" if r.cap else ""),
            "when": case.when.sql,
            "not_beside": list(r.unless),
            "not_for": [STATUS_LABELS[status] for status in r.not_for],
            "because": case.because,
            "tables": sorted({table for name in r.metrics for table in METRICS[name].tables}),
        }
        for r in _card(name).rules
        for case in r.cases
    ]


def not_counted(rule: Mapping[str, Any]) -> str:
    """In words, where a rule of `rules` or a gate of `scorecard` does not count; empty where it always does."""
    beside, of = (", ".join(rule.get(key, ())) for key in ("not_beside", "not_for"))
    return "; ".join(part for part in (beside and f"beside {beside}", of and f"of {of}") if part)


def findings() -> list[dict[str, Any]]:
    """The correlation rules."""
    return [
        {"rule": f.id, **_listed(f, "title", "kind", "priority"), "when": case.when.sql, "action": f.action}
        for f in load_findings(METRIC_NAMES)
        for case in f.cases
    ]


def alert_rules() -> list[dict[str, Any]]:
    """The shipped alert rules in words."""
    rules = load_alert_rules(None, METRIC_NAMES, load_findings(METRIC_NAMES)).rules
    return [asdict(rule_in_words(rule)) for rule in rules]


def sources() -> list[dict[str, Any]]:
    """Every source with its streams and checks."""
    return [
        {
            **_listed(s, "name", "title", "scopes"),
            "streams": [_listed(x, "name", "title", "tables") for x in s.streams],
            "checks": [_listed(c, "name", "question") for c in s.checks],
        }
        for s in discover().values()
    ]


KINDS_INTRODUCTION = """\
`customer-research report KIND [OPERATOR ...]` makes any of them, in any format; many have a command of their own name.
Internal reports show everything; with `--audience customer` a kind that has a form for customers shows nothing internal:
no score, band, gate, finding, risk, advice, alert, note, contact, deal, MRR, other operator, request or link of ours
(`documents/audience.py` decides, and a test with a mark on every internal value proves it). The other kinds refuse it.
"""

PLAYBOOK_INTRODUCTION = """\
What reports advise comes from the playbook: each play names what raises it and who does what; a piece of advice
carries the rule, finding or condition that raised it, and its receipts. Without evidence there is no advice. A file of your
own (setting `playbook`) stands alone, or changes plays by id when it begins with `base = "shipped"`;
`customer-research playbook --shipped` prints the shipped one.
"""

URGENCY_INTRODUCTION = """\
How soon an operator needs somebody is one answer, the same in every report, list and message: the first line of this table that
holds. `now` is a day, `this week` 7 days, `this month` 30, each cut short by the day in "not after" where that comes first;
where none holds there is nothing to do now. Lists stand in this order, and of equal urgency the larger MRR comes first. With a
source silent it says "or sooner".
"""


def kinds() -> list[dict[str, Any]]:
    """Every report kind."""
    return [
        {
            "name": k.name,
            "title": k.listed or k.title,
            "about": k.about,
            "answers": k.answers,
            "parts": list(k.titles),
            "charts": list(k.charts),
            "audiences": ["internal", "customer"] if k.for_customers else ["internal"],
            "needs": sorted(k.needs),
        }
        for k in EVERY_KIND.values()
    ]


def formats() -> list[dict[str, Any]]:
    """Every format of reports."""
    return [_listed(f, "name", "title", "suffixes") for f in FORMATS.values()]


def plays(path: Path | None = None) -> list[dict[str, Any]]:
    """The plays of a playbook (None: the shipped one)."""
    return [
        {
            "id": p.id,
            "raised_by": p.trigger,
            "segments": list(p.segments),
            "area": p.area,
            "priority": p.priority.words or "as raised",
            "owner": p.owner.words,
            "action": p.action or "the finding's own",
            "also": p.also.words,
            "meetings": list(p.meetings),
            "reason": p.reason,
        }
        for p in playbook_of(path).plays
    ]


def urgencies() -> list[dict[str, str]]:
    """What makes an operator urgent, in the order in which it is looked at."""
    return [
        {
            "level": LEVEL_LABELS[cause.level],
            "when": "; ".join(
                part
                for part in (
                    f"band {' or '.join(BAND_LABELS[band] for band in cause.bands)}" if cause.bands else "",
                    f"a risk of priority {cause.finding} or above among the findings" if cause.finding else "",
                    f"`{cause.when.sql}`" if cause.when is not None else "",
                )
                if part
            ),
            "because": cause.because,
            "until": cause.until,
            "concerns": ", ".join(STATUS_LABELS[status] for status in cause.statuses),
        }
        for cause in urgency_causes()[0]
    ]


def settings() -> list[dict[str, Any]]:
    """Every setting with its default and environment variable."""
    return [
        {
            "name": s.name,
            "default": s.shown,
            "variable": ENV_PREFIX + s.name.upper().replace(".", "__"),
            "meaning": s.meaning,
        }
        for s in describe_defaults(Settings)
    ]
