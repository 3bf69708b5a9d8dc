"""`doctor`: every source's own checks, and the comparison of operator ids between the systems."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from customer_research.connect.source import Source, Subject
from customer_research.domain.check import CheckResult, CheckStatus
from customer_research.domain.identity import Interpretation
from customer_research.errors import CustomerResearchError, Denied, UsageError
from customer_research.identity.normalise import normalize_operator_id
from customer_research.research.connections import Connections, OutOfReach
from customer_research.research.doctor_calendars import calendars
from customer_research.research.doctor_channels import channels
from customer_research.research.doctor_facts import tellers
from customer_research.research.doctor_places import places
from customer_research.research.doctor_reviews import reviews
from customer_research.settings import Settings

IDS = "ids.consistent"


async def run(connections: Connections, *, online: bool, sample: int) -> tuple[CheckResult, ...]:
    """All checks: configuration always, live ones when `online`, concurrently."""
    configured = [_configured(source, connections.settings) for source in connections.sources.values()]
    own = await asyncio.to_thread(places, connections.settings, online=online)
    own += await channels(connections.settings, connections.clock, online=online)
    own += await calendars(connections.settings, connections.clock, online=online)
    own += await reviews(connections.settings, connections.clock, online=online)
    own += await tellers(connections.settings, connections.clock, online=online)
    if not online:
        return (*configured, *own)
    ready = [s for s, result in zip(connections.sources.values(), configured, strict=True) if result.status == "ok"]
    subject = await _sample_subject(connections)
    groups = await asyncio.gather(*(_checks(connections, source, subject) for source in ready))
    compared = await _compare(connections, sample)
    return (*configured, *own, *(result for group in groups for result in group), compared)


def _configured(source: Source, settings: Settings) -> CheckResult:
    missing = source.missing(settings)
    check = f"{source.name}.configured"
    if missing is None:
        return CheckResult(check, "ok", "Address and credential are set.", "An address and a credential.")
    return CheckResult(check, "fail", missing.detail, "; ".join(source.scopes), missing.next_step)


async def _checks(connections: Connections, source: Source, subject: Subject | None) -> list[CheckResult]:
    """One source's checks, one after the other; once the credential is refused, the others are not tried."""
    results: list[CheckResult] = []
    refused = False
    for check in (check for check in source.checks if check.applies(connections.settings)):
        name = f"{source.name}.{check.name}"
        if refused:
            results.append(CheckResult(name, "skipped", "Not tried: the credential was refused.", check.question))
            continue
        try:
            told = await check.run(connections.session(source.name), subject)
            results.append(CheckResult(name, told.status, told.found, told.needed, told.fix, told.settings))
        except CustomerResearchError as error:
            connections.failed(source.name, error)
            refused = isinstance(error, Denied)
            status: CheckStatus = "skipped" if isinstance(error, OutOfReach) else "fail"
            results.append(CheckResult(name, status, error.message, check.question, error.hint))
    return results


async def _sample_ids(connections: Connections, count: int) -> list[str]:
    answer = await connections.session("warehouse").sample_operators(count)
    return [str(row["operator_id"]) for row in answer.rows]


async def _sample_subject(connections: Connections) -> Subject | None:
    """A real operator to try the filters with; None when the warehouse does not answer."""
    try:
        ids = await _sample_ids(connections, 1)
    except CustomerResearchError as error:
        connections.failed("warehouse", error)
        return None
    if not ids:
        return None
    return Subject(_canonical(ids[0]) or ids[0], connections.clock())


async def _compare(connections: Connections, sample: int) -> CheckResult:
    """Take ids from the CSM view and ask billing and the CRM for the same operators."""
    needed = "The same operator id in the warehouse, Lago and HubSpot."
    try:
        ids = await _sample_ids(connections, sample)
    except CustomerResearchError as error:
        gap = connections.failed("warehouse", error)
        return CheckResult(IDS, "skipped", f"No ids to compare: {gap.detail}", needed, gap.next_step)
    if not ids:
        return CheckResult(IDS, "warn", "The CSM view has no active operator.", needed, "Check metabase.csm.")
    forms = Counter(form_of(identifier) for identifier in ids)
    asked = [
        source.name
        for source in connections.sources.values()
        if source.find is not None and source.missing(connections.settings) is None
    ]
    known = {name: await _known_to(connections, name, ids) for name in asked}
    return _compared(len(ids), forms, known, needed)


def form_of(identifier: str) -> str:
    """Which transformation an id needs to become canonical."""
    canonical = _canonical(identifier)
    if not canonical:
        return "not recognised"
    if identifier == canonical:
        return "as it is"
    if identifier.lower() == canonical:
        return "upper case"
    return "no dashes" if identifier.replace("-", "").lower() == canonical.replace("-", "") else "prefixed"


async def _known_to(connections: Connections, name: str, ids: Sequence[str]) -> tuple[int, str]:
    """How many of the ids a source knows, and why the comparison could not be made, if so."""
    find = connections.sources[name].find
    assert find is not None
    readings = tuple(Interpretation("operator_id", identifier) for identifier in map(_canonical, ids) if identifier)
    try:
        found = await find(connections.session(name), readings)
    except CustomerResearchError as error:
        return 0, connections.failed(name, error).detail
    return len({candidate.operator_id for candidate in found.candidates}), ""


def _canonical(identifier: str) -> str:
    """The normalised id, or an empty text for one that is none."""
    try:
        return normalize_operator_id(identifier)
    except UsageError:
        return ""


def _compared(total: int, forms: Mapping[str, int], known: Mapping[str, tuple[int, str]], needed: str) -> CheckResult:
    told = [f"{count} of {total} ids {form}" for form, count in sorted(forms.items())]
    told += [f"{name} knows {found} of {total}" + (f" ({why})" if why else "") for name, (found, why) in known.items()]
    short = [name for name, (found, why) in known.items() if found < total or why]
    odd = [form for form in forms if form != "as it is"]
    fix = []
    if odd:
        fix.append(f"Ids are normalised when read ({', '.join(odd)}); have them stored in one form.")
    if short:
        fix.append(f"Look at the operators that {' and '.join(short)} does not know: test accounts, or another id.")
    nobody = any(found == 0 for found, _ in known.values())
    status: CheckStatus = "fail" if nobody else "warn" if fix else "ok"
    return CheckResult(IDS, status, "; ".join(told) + ".", needed, " ".join(fix))


def findings_page(results: Sequence[CheckResult], settings: Settings) -> str:
    """The findings as a Markdown page, without addresses or secrets."""
    return "\n".join(_page(results, settings)) + "\n"


def _page(results: Sequence[CheckResult], settings: Settings) -> Iterator[str]:
    yield "# What the systems answered\n"
    when = settings.clock.date().isoformat() if settings.clock else "the day it was run"
    yield f"Found by `customer-research doctor --online` as of {when}. Run it again after a change at a vendor.\n"
    yield "| check | status | found | needed | fix |"
    yield "|---|---|---|---|---|"
    for result in results:
        cells = (result.check, result.status, result.found, result.needed, result.fix)
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    """Text for a Markdown table; what systems say is untrusted."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    for sign in "\\`*_[]<>|":
        plain = plain.replace(sign, "\\" + sign)
    return plain
