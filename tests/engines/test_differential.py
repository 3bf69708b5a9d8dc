"""What the comparison of engines rests on: the corpus leaves no query and no metric silent, and a difference is seen."""

from __future__ import annotations

from awkward_tables import MOMENTS, Row, corpus
from differential import DETAIL_QUERIES, SUBJECT_QUERIES, differences, load, together

from customer_research.domain.catalogue import METRICS
from customer_research.engines.duckdb import Memory
from customer_research.metrics.evidence import RECORDS
from customer_research.metrics.queries import evidence_sql


def test_the_corpus_says_something_in_every_query_and_every_metric(memory: Memory) -> None:
    silent, unknown = (
        set(SUBJECT_QUERIES | DETAIL_QUERIES),
        {m.name for m in METRICS.values() if m.subject != "derived"},
    )
    # few rows leave operators without some records; a season needs many reservations
    for moment, rows_each in (*((moment, 60) for moment in MOMENTS), (MOMENTS[0], 600)):
        load((memory,), corpus(moment, rows=rows_each))
        for name in (SUBJECT_QUERIES | DETAIL_QUERIES).keys() & silent | SUBJECT_QUERIES.keys():
            rows = memory.run((SUBJECT_QUERIES | DETAIL_QUERIES)[name], {"as_of": moment})
            silent -= {name} if rows else set()
            unknown -= {column for row in rows for column, value in row.items() if value is not None}
    assert (silent, unknown) == (set(), set())


def test_kinds_of_evidence_at_once_are_those_of_each(memory: Memory) -> None:
    load((memory,), corpus(MOMENTS[0], rows=24))
    met: dict[str, list[Row]] = {name: [] for name in RECORDS}
    for _, sql in together():
        for row in memory.run(sql, {"as_of": MOMENTS[0]}):
            record = {column: value for column, value in row.items() if not column.startswith("meets_")}
            for name in RECORDS:
                met[name] += [record] if row.get(f"meets_{name}") else []
    assert met == {name: memory.run(evidence_sql(name), {"as_of": MOMENTS[0]}) for name in RECORDS}


def test_a_difference_in_value_type_count_or_column_is_seen() -> None:
    sql = "SELECT 1 AS a"
    assert differences("q", sql, [{"a": 1}], [{"a": 1}]) == []
    assert differences("q", sql, [{"a": 0.1 + 0.2}], [{"a": 0.3}]) == []
    for one, other in ((1, 2), (1, 1.0), (1, True), (None, 0), (0.5, 0.5000001), ("a", "a ")):
        assert differences("q", sql, [{"a": one}], [{"a": other}]) != []
    assert differences("q", sql, [{"a": 1}], [{"a": 1}, {"a": 1}]) != []
    assert differences("q", sql, [{"a": 1}], [{"b": 1}]) != []
