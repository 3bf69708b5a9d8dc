"""Writing how operators stand to their companies in HubSpot: what differs, and where it is asked for, sent.

A value that is not known is written as none, so that HubSpot never shows an old one as if it still stood. An operator is written only
where one company is surely its own: named by the CSM view or by the company's operator id, and by no other operator's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from customer_research.connect.source import Clock
from customer_research.domain.line import Line
from customer_research.domain.snapshot import Snapshot
from customer_research.domain.words import clean
from customer_research.errors import SourceError, UsageError
from customer_research.lake import Lake
from customer_research.research.engine_choice import scratch
from customer_research.research.match_decisions import decisions
from customer_research.research.portfolio.measurement import put
from customer_research.research.portfolio.ready import newest_listing
from customer_research.settings import Settings
from customer_research.sources.hubspot import write_back as hubspot
from customer_research.sources.hubspot.session import HubSpotSession

REFRESHED = timedelta(days=7)
"""After so many days the day of the score is written again though nothing else has changed."""


@dataclass(frozen=True, slots=True)
class Change:
    """What differs at one operator's company: property → what HubSpot has, and what it shall have (empty: none)."""

    operator_id: str
    name: str
    company_id: str
    values: Mapping[str, tuple[str, str]]

    def words(self) -> Iterator[str]:
        """What changes, in HubSpot's labels; the day of the score, which goes with all of it, only where nothing else does."""
        told = {name: pair for name, pair in self.values.items() if name != hubspot.SCORED_ON} or self.values
        for name, (before, after) in told.items():
            declared = hubspot.PROPERTIES[name]
            options = {option["value"]: option["label"] for option in declared.get("options", ())}
            yield f"{declared['label']} {options.get(before, clean(before)) or 'none'} → {options.get(after, after) or 'none'}"


@dataclass(slots=True)
class WriteBack:
    """What a run found and did.

    `same` companies differ in nothing; `newer` have values of a later day than the snapshot's, `gone` are no more in HubSpot.
    `without` are operators without a company of their own alone. `taken` says what became of them, `cut` what stopped the run before its end (empty: nothing).
    """

    snapshot: Snapshot
    changes: tuple[Change, ...] = ()
    same: int = 0
    newer: int = 0
    gone: int = 0
    without: int = 0
    lacking: tuple[str, ...] = ()
    sent: bool = False
    taken: hubspot.Taken = field(default_factory=hubspot.Taken)
    cut: str = ""


async def write_back(
    settings: Settings, clock: Clock, *, most: int, send: bool = False, prepare: bool = False
) -> WriteBack:
    """Compare HubSpot's companies with the newest snapshot, and with `send` write what differs.

    Args:
        settings: lake, store, and HubSpot's key.
        clock: the present instant.
        most: refuse to write more companies than so many.
        send: write; else nothing is written.
        prepare: first add the properties that the portal lacks.

    Raises:
        UsageError: there is no snapshot, the properties are not there, or more than `most` differ.
        ConfigError: HubSpot has no key, or properties of another kind.
        SourceError: HubSpot does not tell what it has.
    """
    lines, snapshot = _lines(settings, clock())
    companies = _companies(settings, snapshot)
    session = HubSpotSession(settings, clock)
    try:
        done = WriteBack(snapshot, without=len(lines.keys() - companies.keys()))
        done.lacking = await hubspot.lacking(session, session.log(hubspot.STREAM))
        theirs = {company: lines[one] for one, company in companies.items() if one in lines}
        _compare(done, theirs, await hubspot.held(session, list(theirs)))
        if send:
            await _send(session, done, most, prepare=prepare)
        return done
    finally:
        await session.close()


def _lines(settings: Settings, now: datetime) -> tuple[Mapping[str, Line], Snapshot]:
    with newest_listing(settings, now) as listing:
        return listing.lines([one.operator_id for one in listing.everybody()]), listing.snapshot


def _companies(settings: Settings, snapshot: Snapshot) -> Mapping[str, str]:
    """The company of each operator that has one alone, which is no other operator's; one that was refused since is nobody's."""
    tables = Lake(settings.lake_folder).tables().at(snapshot.as_of, settings.lake.patience)
    with scratch(settings) as engine:
        put(engine, "company", "company", tables)
        rows = engine.run("SELECT DISTINCT operator_id, company_id FROM company WHERE linked_by <> 'search'")
    made = decisions(settings).of("company")
    refused = {(one.operator_id, one.record_id) for one in made if one.ruling == "refused"}
    return own([pair for row in rows if (pair := (str(row["operator_id"]), str(row["company_id"]))) not in refused])


def own(pairs: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Of pairs of an operator and a company those of which each has the other alone."""
    operators, companies = Counter(one for one, _ in pairs), Counter(one for _, one in pairs)
    return {one: company for one, company in pairs if operators[one] == companies[company] == 1}


def _compare(done: WriteBack, lines: Mapping[str, Line], there: Mapping[str, hubspot.Values]) -> None:
    """Note what differs from what companies have."""
    day, changes = done.snapshot.as_of.date(), list[Change]()
    for company, line in lines.items():
        has = there.get(company)
        if has is None:
            done.gone += 1
            continue
        scored = _day(has[hubspot.SCORED_ON])
        if scored is not None and scored > day:
            done.newer += 1
            continue
        differing = {name: (has[name], value) for name, value in values_of(line, day).items() if has[name] != value}
        if differing.keys() <= {hubspot.SCORED_ON} and scored is not None and day - scored < REFRESHED:
            done.same += 1
        else:
            changes.append(Change(line.operator_id, line.name, company, differing))
    done.changes = tuple(changes)


def values_of(line: Line, day: date) -> hubspot.Values:
    """What an operator's company shall have; a score that a silent source leaves open is none."""
    settled = line.score is not None and line.highest in {None, line.score}
    return {
        hubspot.SCORE: str(line.score) if settled else "",
        hubspot.BAND: line.band,
        hubspot.URGENCY: f"{line.level}{hubspot.OR_SOONER}" if line.sooner else line.level,
        hubspot.ACT_BY: line.until.isoformat() if line.until is not None else "",
        hubspot.SCORED_ON: day.isoformat(),
    }


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


async def _send(session: HubSpotSession, done: WriteBack, most: int, *, prepare: bool) -> None:
    if done.lacking and not prepare:
        raise UsageError(
            f"HubSpot's companies lack {len(done.lacking)} of the properties that are written.",
            hint="Run this once with --send --prepare, which adds them in a group of their own.",
        )
    if len(done.changes) > most:
        raise UsageError(
            f"{len(done.changes):,} companies differ, more than the {most:,} that one run writes.",
            hint=f"Look at them first; then give --most {len(done.changes)}.",
        )
    if done.lacking:
        await hubspot.add(session, done.lacking, session.log(hubspot.STREAM))
        done.lacking = ()
    done.sent = True
    values = {one.company_id: {name: new for name, (_, new) in one.values.items()} for one in done.changes}
    try:
        await hubspot.write(session, values, done.taken)
    except SourceError as error:
        done.cut = error.message
