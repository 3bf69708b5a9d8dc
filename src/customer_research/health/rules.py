"""What declarations of rules share: their words, a case (condition, sentence, fact), and how its SQL is judged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationInfo, model_validator

from customer_research.domain.records import literal
from customer_research.health.conditions import Condition, condition
from customer_research.health.declaration import Fault, Place
from customer_research.health.sentences import has_stray_braces, placeholders

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a declaration may name: metrics of the catalogue, the file's own terms, what `also` its sentences may say, findings."""

    metrics: Collection[str]
    terms: Mapping[str, str]
    also: Collection[str]
    findings: Mapping[str, Any]


def read(
    model: type[T],
    document: dict[str, Any],
    place: Place,
    metrics: Collection[str],
    *,
    also: Collection[str] = (),
    findings: Mapping[str, Any] = MappingProxyType({}),
) -> T:
    """A document over metrics as a model; see `Vocabulary` for what else it may name.

    Raises:
        ConfigError: for any fault; it names the place.
    """
    terms = document.pop("terms", {})
    if not isinstance(terms, dict) or not all(isinstance(value, str) for value in terms.values()):
        raise place.wrong(f"{place.name}: 'terms' must be a table of texts.")
    return place.read(model, document, Vocabulary(metrics, terms, also, findings))


def words_of(info: ValidationInfo) -> Vocabulary:
    """What the declaration that is being read may name."""
    assert isinstance(info.context, Vocabulary), "declarations over metrics are read by `read`"
    return info.context


def _metric(name: str, info: ValidationInfo) -> str:
    if name not in words_of(info).metrics:
        raise Fault(f"{name!r} is not a metric")
    return name


def _fact(name: str, info: ValidationInfo) -> str:
    return name if name in words_of(info).also else _metric(name, info)


def _condition(text: object, info: ValidationInfo) -> Condition:
    if not isinstance(text, str):
        raise Fault(f"it must be a text, not {text!r}")
    words = words_of(info)
    return condition(text, words.metrics, words.terms)


def _sentence(template: str, info: ValidationInfo) -> str:
    for name in placeholders(template):
        _fact(name, info)
    if has_stray_braces(template) or not template.endswith("."):
        raise Fault("it must be a whole sentence with placeholders such as {metric} or {metric|day|days}")
    return template


MetricName = Annotated[str, AfterValidator(_metric)]
FactName = Annotated[str, AfterValidator(_fact)]
When = Annotated[Condition, PlainValidator(_condition)]
Sentence = Annotated[str, AfterValidator(_sentence)]
"""A sentence template whose placeholders are facts."""


@dataclass(frozen=True, slots=True)
class Case:
    """One way for a rule to fire: condition, the sentence that says so, the fact it rests on, whose records are evidence."""

    when: When
    because: Sentence
    fact: MetricName
    evidence: MetricName

    @model_validator(mode="before")
    @classmethod
    def _proven_by_its_fact(cls, table: Any) -> Any:
        return {"evidence": table["fact"], **table} if isinstance(table, dict) and "fact" in table else table


Cases = Annotated[tuple[Case, ...], Field(min_length=1)]


def with_cases(table: Any) -> Any:
    """A rule's only case may stand in the rule itself."""
    if not isinstance(table, dict) or "cases" in table:
        return table
    parts = ("when", "because", "fact", "evidence")
    rest = {key: value for key, value in table.items() if key not in parts}
    return {**rest, "cases": [{key: table[key] for key in parts if key in table}]}


ONE_CASE = BeforeValidator(with_cases)


def case_sql(cases: Sequence[Case], *, not_for: Sequence[str] = ()) -> str:
    """SQL of the number of the first case that holds: 0 when none does, null when that cannot be told.

    `not_for` are statuses for which the rule is never looked at.
    """
    branches = [f"WHEN status IN ({', '.join(map(literal, not_for))}) THEN 0"] if not_for else []
    branches += [f"WHEN {case.when.sql} THEN {number}" for number, case in enumerate(cases, start=1)]
    unknown = " OR ".join(f"({case.when.sql}) IS NULL" for case in cases)
    return f"CASE {' '.join(branches)} WHEN {unknown} THEN NULL ELSE 0 END"


def metrics_of(cases: Sequence[Case]) -> tuple[str, ...]:
    """The metrics that the cases' conditions name, each once."""
    return tuple(dict.fromkeys(name for case in cases for name in case.when.metrics))
