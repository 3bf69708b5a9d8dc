"""Conditions of rules: boolean SQL over metric names, checked and put into one safe, portable form.

A condition may compare, add, subtract, multiply, negate and combine metrics and constants; functions, sub-queries and names
that are not metrics are refused, so that it means the same on every engine. Comparisons with an unknown (null) metric are
unknown, not false.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from customer_research.domain.records import DIALECT
from customer_research.health.declaration import Fault

_KINDS = "Column Identifier Literal Boolean Null Paren And Or Not Neg EQ NEQ GT GTE LT LTE Is In Between Add Sub Mul"
_ALLOWED = tuple(getattr(exp, name) for name in _KINDS.split())
_BOOLEAN = tuple(kind for kind in _ALLOWED if issubclass(kind, exp.Predicate | exp.Connector | exp.Not | exp.Column))


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked condition: its SQL, the metrics it names, in order of appearance, and the text that it was declared with."""

    sql: str
    metrics: tuple[str, ...]
    text: str = ""


def condition(text: str, known: Collection[str], terms: Mapping[str, str]) -> Condition:
    """Check a condition and spell out its terms (named conditions of the same file; a term may use earlier terms).

    Raises:
        Fault: when it is not such a condition, or names something that is neither a metric nor a term.
    """
    tree = _spelt_out(text, known, terms)
    names = dict.fromkeys(column.name for column in tree.find_all(exp.Column, bfs=False))
    return Condition(tree.sql(dialect=DIALECT), tuple(names), text)


def _spelt_out(text: str, known: Collection[str], terms: Mapping[str, str], within: str = "") -> exp.Expr:
    tree = _parsed(text, within)
    earlier = list(terms)

    def replaced(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Column):
            return node
        if node.name in terms:
            before = {name: terms[name] for name in earlier[: earlier.index(node.name)]}
            return exp.Paren(this=_spelt_out(terms[node.name], known, before, f"{within}term {node.name}: "))
        if node.table or node.name not in known:
            raise _wrong(f"{within}{node.sql()!r} is not a metric")
        return node

    return tree.transform(replaced)


def _parsed(text: str, within: str) -> exp.Expr:
    try:
        tree = sqlglot.parse_one(text, read=DIALECT)
    except SqlglotError:
        raise _wrong(f"{within}{text!r} cannot be read") from None
    for node in tree.walk():
        if not isinstance(node, _ALLOWED):
            raise _wrong(f"{within}{text!r} uses {node.key.upper()}, which a condition may not")
        if isinstance(node, exp.Identifier):
            node.set("quoted", False)
    if not isinstance(tree.unnest(), _BOOLEAN):
        raise _wrong(f"{within}{text!r} is neither true nor false")
    return tree


def _wrong(complaint: str) -> Fault:
    hint = "A condition compares metrics of the catalogue, such as: reservations_30d = 0 AND status = 'active'."
    return Fault(complaint, hint=hint)
