"""What a condition or a value is as T goes by: sums of steps, each of which begins when some instants have passed.

Every comparison of a row's instant with T is a step: `x < T - n` is false until x + n has passed, then true. Conditions are
sums of products of steps; the product of steps of one instant is the later one. So each condition is a sum of terms "from
when these instants have passed, for rows that meet these conditions, so many times".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlglot import exp

from customer_research.domain.records import DIALECT
from customer_research.metrics.relations import MOMENT, NoFormError


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that does not depend on T; where it is about one column's texts, which (`excluded`: all but those)."""

    sql: str
    column: str = ""
    texts: frozenset[str] = frozenset()
    excluded: bool = False

    @property
    def opposite(self) -> Condition | None:
        """What holds where this does not, for conditions that are never unknown."""
        is_known = self.sql.startswith("NOT ") and self.sql.endswith(" IS NULL")
        return Condition(self.sql.removeprefix("NOT ")) if is_known else None


Clocks = frozenset[tuple[str, int]]
"""Instants of a row that must all have passed: SQL of the instant, and the microseconds added to it."""


@dataclass(frozen=True, slots=True)
class Term:
    """`sign` for rows that meet all `conditions`, from when all `clocks` have passed."""

    clocks: Clocks
    conditions: frozenset[Condition]
    sign: int


Terms = tuple[Term, ...]
ALWAYS: Terms = (Term(frozenset(), frozenset(), 1),)


def both(one: Terms, other: Terms) -> Terms:
    """The product: of two steps of one instant the later."""
    out = []
    for a in one:
        for b in other:
            clocks = dict(a.clocks)
            for clock, offset in b.clocks:
                clocks[clock] = max(offset, clocks.get(clock, offset))
            out.append(Term(frozenset(clocks.items()), a.conditions | b.conditions, a.sign * b.sign))
    return _tidy(out)


def plus(*several: Terms) -> Terms:
    """The sum."""
    return _tidy(term for terms in several for term in terms)


def minus(terms: Terms) -> Terms:
    """The opposite number."""
    return tuple(Term(term.clocks, term.conditions, -term.sign) for term in terms)


def _tidy(terms: Iterable[Term]) -> Terms:
    """The same sum in fewer terms.

    Contradictions are left out, equals added up, `A and known + A and not known` is `A`, `A - (A and known)` is `A and not known`.
    """
    sums: dict[tuple[Clocks, frozenset[Condition]], int] = {}
    for term in terms:
        known = {f"NOT {clock} IS NULL" for clock, _ in term.clocks}  # an instant that has passed is known
        unknown = {f"{clock} IS NULL" for clock, _ in term.clocks}
        key = (term.clocks, frozenset(c for c in term.conditions if c.sql not in known))
        if not _contradictory(key[1]) and not any(condition.sql in unknown for condition in key[1]):
            sums[key] = sums.get(key, 0) + term.sign
    for clocks, conditions in list(sums):
        for condition in conditions:
            opposite = condition.opposite
            if opposite is None:
                continue
            one, whole = (clocks, conditions), (clocks, conditions - {condition})
            rest = (clocks, whole[1] | {opposite})
            if sums[one] * sums.get(rest, 0) > 0:
                sign = 1 if sums[one] > 0 else -1
                changes = ((whole, sign), (one, -sign), (rest, -sign))
            elif sums[one] < 0 < sums.get(whole, 0):
                changes = ((whole, -1), (one, 1), (rest, 1))
            else:
                continue
            for key, change in changes:
                sums[key] = sums.get(key, 0) + change
    return tuple(Term(clocks, conditions, sign) for (clocks, conditions), sign in sums.items() if sign)


def _contradictory(conditions: frozenset[Condition]) -> bool:
    allowed: dict[str, frozenset[str]] = {}
    for one in conditions:
        if one.sql == "FALSE":
            return True
        if one.column and not one.excluded:
            allowed[one.column] = allowed.get(one.column, one.texts) & one.texts
    for one in conditions:
        if one.excluded and one.column in allowed:
            allowed[one.column] -= one.texts
    return any(not texts for texts in allowed.values())


def instants_of(moment: exp.Query) -> Mapping[str, int | None]:
    """The columns of the relation `moment` as microseconds before T; None is T's day.

    Raises:
        NoFormError: when a column is something else.
    """
    out: dict[str, int | None] = {}
    for output in moment.selects:
        tree = output.unalias()
        if isinstance(tree, exp.Cast) and tree.is_type("date"):
            out[output.alias_or_name] = None
        elif isinstance(tree, exp.Column):
            out[output.alias_or_name] = 0
        elif isinstance(tree, exp.Sub | exp.Add) and isinstance(tree.expression, exp.Interval):
            if str(tree.expression.unit).upper() != "DAY":
                raise NoFormError(tree.sql(dialect=DIALECT))
            days = int(tree.expression.this.name)
            out[output.alias_or_name] = (days if isinstance(tree, exp.Sub) else -days) * 86_400_000_000
        else:
            raise NoFormError(tree.sql(dialect=DIALECT))
    return out


# -- expressions ----------------------------------------------------------------------------------------------------------


def depends(tree: exp.Expr) -> bool:
    """Whether an expression names an instant of `moment`."""
    return any(column.table == MOMENT for column in tree.find_all(exp.Column))


def is_true(tree: exp.Expr, instants: Mapping[str, int | None]) -> Terms:  # noqa: PLR0911 - a case for each form
    """When a condition is true. `instants`: columns of `moment` as microseconds before T; None is T's day.

    Raises:
        NoFormError: when it depends on T in another way.
    """
    tree = tree.unnest()
    if not depends(tree):
        return _timeless(tree)
    if isinstance(tree, exp.And):
        return both(is_true(tree.left, instants), is_true(tree.right, instants))
    if isinstance(tree, exp.Or):
        one, other = is_true(tree.left, instants), is_true(tree.right, instants)
        return plus(one, other, minus(both(one, other)))
    if isinstance(tree, exp.Not):
        return is_false(tree.this, instants)
    if _is_or_false(tree):
        return is_true(tree.this, instants)
    if isinstance(tree, exp.LT | exp.GTE | exp.GT | exp.LTE) and depends(tree.right) and not depends(tree.left):
        return _step(tree, instants)
    if isinstance(tree, exp.Case):
        return plus(*(both(when, is_true(value, instants)) for when, value in values(tree, instants)))
    return _of_values(tree, instants, negated=False)


def is_false(tree: exp.Expr, instants: Mapping[str, int | None]) -> Terms:  # noqa: PLR0911 - a case for each form
    """When a condition is false (and not unknown); raises as `is_true`."""
    tree = tree.unnest()
    if not depends(tree):
        return _timeless(exp.not_(tree.copy()))
    if isinstance(tree, exp.And):
        one, other = is_false(tree.left, instants), is_false(tree.right, instants)
        return plus(one, other, minus(both(one, other)))
    if isinstance(tree, exp.Or):
        return both(is_false(tree.left, instants), is_false(tree.right, instants))
    if isinstance(tree, exp.Not):
        return is_true(tree.this, instants)
    if _is_or_false(tree):
        return plus(ALWAYS, minus(is_true(tree.this, instants)))
    other_way = _OPPOSITES.get(type(tree))
    if other_way is not None and isinstance(tree, exp.Binary):
        return is_true(other_way(this=tree.left.copy(), expression=tree.right.copy()), instants)
    return _of_values(tree, instants, negated=True)


def values(tree: exp.Expr, instants: Mapping[str, int | None]) -> list[tuple[Terms, exp.Expr]]:
    """The values that an expression takes, none of which depends on T, and when it takes each; raises as `is_true`."""
    tree = tree.unnest()
    if not depends(tree):
        if isinstance(tree, exp.Case) and tree.this is None:
            return _branches(tree, instants)
        return [(ALWAYS, tree)]
    if isinstance(tree, exp.Case) and tree.this is None:
        return _branches(tree, instants)
    raise NoFormError(tree.sql(dialect=DIALECT))


_OPPOSITES: Mapping[type[exp.Expr], type[exp.Binary]] = MappingProxyType(
    {exp.LT: exp.GTE, exp.GTE: exp.LT, exp.LTE: exp.GT, exp.GT: exp.LTE}
)


def _branches(tree: exp.Case, instants: Mapping[str, int | None]) -> list[tuple[Terms, exp.Expr]]:
    rest, out = ALWAYS, []
    for branch in tree.args["ifs"]:
        when = is_true(branch.this, instants)
        out += [(both(both(rest, when), inner), value) for inner, value in values(branch.args["true"], instants)]
        rest = both(rest, plus(ALWAYS, minus(when)))
    otherwise = tree.args.get("default") or exp.null()
    return out + [(both(rest, inner), value) for inner, value in values(otherwise, instants)]


def _is_or_false(tree: exp.Expr) -> bool:
    return isinstance(tree, exp.Coalesce) and [e.sql() for e in tree.expressions] == ["FALSE"]


def _step(tree: exp.Binary, instants: Mapping[str, int | None]) -> Terms:
    """A comparison of an instant with one of `moment`: a step, or its opposite where the instant is known."""
    if not isinstance(tree.right, exp.Column) or tree.right.name not in instants:
        raise NoFormError(tree.sql(dialect=DIALECT))
    clock, before = tree.left.sql(dialect=DIALECT), instants[tree.right.name]
    if before is None:  # a day is before T's day once it is over, to the microsecond
        if not isinstance(tree, exp.LT):
            raise NoFormError(tree.sql(dialect=DIALECT))
        clock, before = f"CAST({clock} AS TIMESTAMP)", 86_400_000_000 - 1
    at_least = isinstance(tree, exp.LTE | exp.GT)  # `x <= T`: since the microsecond before it passed
    passed: Terms = (Term(frozenset({(clock, before - at_least)}), frozenset(), 1),)
    if isinstance(tree, exp.LT | exp.LTE):
        return passed
    known = Condition(f"NOT {clock} IS NULL")
    return plus((Term(frozenset(), frozenset({known}), 1),), minus(passed))


def _of_values(tree: exp.Expr, instants: Mapping[str, int | None], *, negated: bool) -> Terms:
    """A comparison of a value that depends on T with constants: for each value it takes, whether it holds."""
    if not isinstance(tree, exp.EQ | exp.NEQ | exp.In) or (isinstance(tree, exp.In) and tree.args.get("query")):
        raise NoFormError(tree.sql(dialect=DIALECT))
    out = []
    for when, value in values(tree.this, instants):
        judged = tree.copy()
        judged.set("this", value.copy())
        out.append(both(when, _timeless(exp.not_(judged) if negated else judged)))
    return plus(*out)


def _timeless(tree: exp.Expr) -> Terms:
    """A condition that does not depend on T, in its parts where it is a conjunction."""
    tree = tree.unnest()
    if isinstance(tree, exp.And):
        return both(_timeless(tree.left), _timeless(tree.right))
    constant = _constant(tree)
    if constant is not None:
        return ALWAYS if constant else ()
    return (Term(frozenset(), frozenset({_condition(tree)}), 1),)


def _condition(tree: exp.Expr) -> Condition:
    sql = tree.sql(dialect=DIALECT)
    inner = tree.this.unnest() if isinstance(tree, exp.Not) else tree
    excluded = isinstance(tree, exp.Not) != isinstance(inner, exp.NEQ)
    texts = _texts(inner)
    if texts is not None and isinstance(inner.this, exp.Column):
        return Condition(sql, inner.this.sql(dialect=DIALECT), texts, excluded)
    return Condition(sql)


def _texts(tree: exp.Expr) -> frozenset[str] | None:
    """The texts that a column is compared with by =, <> or IN."""
    if isinstance(tree, exp.In):
        literals = list(tree.expressions)
    elif isinstance(tree, exp.EQ | exp.NEQ):
        literals = [tree.expression]
    else:
        return None
    literal = bool(literals) and all(isinstance(one, exp.Literal) and one.is_string for one in literals)
    return frozenset(one.name for one in literals) if literal else None


def _constant(tree: exp.Expr) -> bool | None:
    """True or not (unknown counts as not) for a comparison of constants, else None."""
    if isinstance(tree, exp.Boolean):
        return bool(tree.this)
    inner = tree.this.unnest() if isinstance(tree, exp.Not) else tree
    texts = _texts(inner)
    if texts is None or not isinstance(inner.this, exp.Literal | exp.Null):
        return None
    if isinstance(inner.this, exp.Null):
        return False
    return (inner.this.name in texts) != (isinstance(tree, exp.Not) != isinstance(inner, exp.NEQ))
