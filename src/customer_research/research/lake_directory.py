"""Who is meant, told by the lake alone: by what operators go by, and by what is theirs (invoices, tickets, contacts, trips, charges)."""

# ruff: noqa: S608 - names of tables and columns are ours; what was typed is a parameter
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from customer_research.domain.identity import Candidate, IdKind, Interpretation, LookupAnswer
from customer_research.domain.names import phone_key, text_key
from customer_research.domain.tables import TableSet
from customer_research.engines.engine import Engine
from customer_research.errors import UsageError
from customer_research.identity.collapse import candidates
from customer_research.identity.directory import MAX_MATCHES, Directory
from customer_research.lake import Lake
from customer_research.research.engine_choice import scratch
from customer_research.settings import Settings


@dataclass(frozen=True, slots=True)
class _Key:
    """Where the lake has a kind of identifier that is not the operator's own, and the form in which it is compared."""

    how: str
    table: str
    column: str
    form: Callable[[str], str] = str.casefold


_KEYS: Mapping[IdKind, tuple[_Key, ...]] = MappingProxyType(
    {
        "confirmation": (_Key("confirmation", "reservation", "confirmation_number", str),),
        "charge": (_Key("charge", "charge", "charge_id", str),),
        "invoice": (_Key("invoice", "invoice", "number"),),
        "ticket": (_Key("ticket", "ticket", "number"),),
        "email": (_Key("contact_email", "contact", "email"),),
        "phone": (_Key("contact_phone", "contact", "phone", phone_key),),
        "name": (_Key("contact_name", "contact", "name", text_key), _Key("member_name", "member", "name", text_key)),
    }
)
"""Kind of reading → the records that may bear it: the same kinds as the sources are asked by (`connect.source.Source.whose`)."""


def search(settings: Settings, term: str) -> LookupAnswer:
    """All operators of the lake that answer to a term: as `Resolver.resolve` does it with the sources.

    Raises:
        UsageError: the lake has no operators, or the term cannot be looked up.
    """
    tables = Lake(settings.lake_folder).tables()
    if not tables.files.keys() & {"csm", "operator"}:
        raise UsageError(
            "The lake has no operators, so that nobody knows whom you mean.", hint="Run `customer-research sync`."
        )
    with scratch(settings) as engine:
        directory = Directory(listed(engine, tables))
        answer = directory.search(term)
        if all(match.how == "name_similar" for match in answer.matches) and answer.best is None:
            return _by_record(engine, tables, directory, answer)
    return answer


def listed(engine: Engine, tables: TableSet) -> Iterator[Candidate]:
    """Everybody of the lake: the CSM view's rows, then the list of operators."""
    if attached(engine, tables, "csm"):
        yield from candidates(engine.run("SELECT * FROM csm ORDER BY operator_id, subscription_id"))
    if attached(engine, tables, "operator"):
        for row in engine.run(
            "SELECT operator_id, name, stripe_account, hubspot_company_id FROM operator ORDER BY operator_id"
        ):
            known = row["name"] or row["operator_id"]
            yield Candidate(
                row["operator_id"], known, stripe_account=row["stripe_account"], hubspot_id=row["hubspot_company_id"]
            )


def attached(engine: Engine, tables: TableSet, name: str) -> bool:
    """Give the engine a table of the lake; whether the lake has it."""
    if name in tables.files:
        engine.attach(name, tables.files[name].paths)
    return name in tables.files


def _by_record(engine: Engine, tables: TableSet, directory: Directory, answer: LookupAnswer) -> LookupAnswer:
    """Whose record the term names; the answer as it was, where nobody's."""
    found: dict[str, str] = {}
    for reading in answer.interpretations:
        for key in _KEYS.get(reading.kind, ()):
            if attached(engine, tables, key.table):
                for operator_id in _owners(engine, key, reading):
                    found.setdefault(operator_id, key.how)
    told = (directory.confirm(answer.term, how, one).matches[0] for one, how in sorted(found.items()))
    matches = tuple(sorted(told, key=lambda match: -match.confidence))
    if not matches:
        return answer
    best = matches[0] if len(matches) == 1 else None
    return replace(answer, matches=matches[:MAX_MATCHES], best=best, total=len(matches), reasons=(), next_steps=())


def _owners(engine: Engine, key: _Key, reading: Interpretation) -> Iterable[str]:
    """The operators with a record of this very value; of tickets those that one surely names, where one does."""
    sure = "is_certain" if key.table == "ticket" else "TRUE"
    wanted = key.form(reading.value)
    narrowed = f"{key.column} = $value" if key.form is str else f"NOT {key.column} IS NULL"
    values = {"value": reading.value} if key.form is str else {}
    rows = engine.run(
        f"SELECT DISTINCT operator_id, CAST({key.column} AS VARCHAR) AS value, {sure} AS sure FROM {key.table} WHERE {narrowed}",
        values,
    )
    own = [row for row in rows if wanted and key.form(str(row["value"])) == wanted]
    return sorted({str(row["operator_id"]) for row in own if row["sure"]} or {str(row["operator_id"]) for row in own})
