"""What scorecards and findings share: a case (condition, sentence, fact) and how its SQL is judged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from customer_research.health.conditions import Condition, condition
from customer_research.health.declaration import Declaration
from customer_research.health.sentences import has_stray_braces, placeholders


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What conditions and sentences may name: the metrics of the catalogue and the file's own terms."""

    metrics: Collection[str]
    terms: Mapping[str, str]

    def condition(self, text: str, place: str) -> Condition:
        """A checked condition over these words."""
        return condition(text, self.metrics, self.terms, place)

    def metric(self, name: str, where: Declaration) -> str:
        """A metric's name, checked."""
        if name not in self.metrics:
            raise where.error(f"{name!r} is not a metric.")
        return name


@dataclass(frozen=True, slots=True)
class Case:
    """One way for a rule to fire: condition, the sentence that says so, the fact it rests on, whose records are evidence."""

    when: Condition
    because: str
    fact: str
    evidence: str


def read_cases(declared: Declaration, words: Vocabulary) -> tuple[Case, ...]:
    """The cases of a rule: its list of `cases`, or the one that stands in the rule itself."""
    if "cases" in declared:
        cases = tuple(read_case(case, words) for case in declared.tables("cases"))
        if not cases:
            raise declared.error("'cases' is empty.")
        return cases
    return (_case(declared, words),)


def read_case(declared: Declaration, words: Vocabulary) -> Case:
    """One case with nothing else in its table."""
    case = _case(declared, words)
    declared.finish()
    return case


def _case(declared: Declaration, words: Vocabulary) -> Case:
    when = words.condition(declared.text("when"), declared.place)
    fact = words.metric(declared.text("fact"), declared)
    evidence = words.metric(declared.text("evidence", fact), declared)
    return Case(when, read_sentence(declared, words), fact, evidence)


def read_sentence(declared: Declaration, words: Vocabulary, key: str = "because") -> str:
    """A sentence template whose placeholders are metrics."""
    template = declared.text(key)
    for name in placeholders(template):
        words.metric(name, declared)
    if has_stray_braces(template) or not template.endswith("."):
        raise declared.error(
            f"{key!r} must be a whole sentence with placeholders such as {{metric}} or {{metric|day|days}}."
        )
    return template


def case_sql(cases: Sequence[Case], *, not_for: Sequence[str] = ()) -> str:
    """SQL of the number of the first case that holds: 0 when none does, null when that cannot be told.

    `not_for` are statuses for which the rule is never looked at.
    """
    branches = [f"WHEN status IN ({', '.join(_quoted(status) for status in not_for)}) THEN 0"] if not_for else []
    branches += [f"WHEN {case.when.sql} THEN {number}" for number, case in enumerate(cases, start=1)]
    unknown = " OR ".join(f"({case.when.sql}) IS NULL" for case in cases)
    return f"CASE {' '.join(branches)} WHEN {unknown} THEN NULL ELSE 0 END"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def metrics_of(cases: Sequence[Case]) -> tuple[str, ...]:
    """The metrics that the cases' conditions name, each once."""
    return tuple(dict.fromkeys(name for case in cases for name in case.when.metrics))
