"""Use cases of schedules: what is done by itself, when, and for whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from customer_research.domain.schedule import LATENESS, OWNERS, Schedule
from customer_research.domain.words import counted, instant_text, instant_words
from customer_research.domain.zones import zone
from customer_research.errors import UsageError
from customer_research.research import options
from customer_research.research.request import Request, argument, option, request, validated
from customer_research.research.usecases import rooms
from customer_research.research.usecases.access import by_rights
from customer_research.research.usecases.answer import Answer, State, Table, lines
from customer_research.research.usecases.registry import use_case

if TYPE_CHECKING:
    from customer_research.domain.schedule import Run
    from customer_research.research.usecases.runner import Call

SCHEMA = "customer-research.schedules/1"
SENT = frozenset({"report", "report printed", "report beside", "table", "lines"})
"""What can be sent of what a use case answers."""

STYLES = {"done": "green", "partial": "yellow", "running": "cyan", "failed": "red", "skipped": "yellow"}
STATES = {"on": "green", "off": "dim", "paused": "yellow"}
_DAY = timedelta(days=1)


def _name() -> str:
    named: str = argument("What the schedule is called.")
    return named


@request
class Add(Request):
    """Have a use case done by itself, at the times of a cron line or after each run of another schedule.

    A schedule that is shipped (`schedule list` shows them as off) is added by its name alone; what else is said goes before what it
    says. Others need a use case, as it is called on the command line, with its request: `--set FIELD=VALUE`, several times.

    --cron has five fields: minute, hour, day of the month, month, day of the week; they are read by the clock of --zone, summer time
    and all. A run that cannot begin within --late-hours of its time is skipped; of several that were missed the newest is done, once.

    --to says where what comes of it is sent, several times: slack:CHANNEL, email:ADDRESS, notion:DATA_SOURCE, webhook:NAME, file:PATH,
    or `owners`: to every account owner of their own operators, as each wants it (`me set`). Its runs may do and see what you may now.
    """

    name: str = _name()
    use_case: str = argument("What is done, in quotes where it has several words.", "", metavar="[USE_CASE]")
    set: tuple[str, ...] = option("A field of the request.", (), metavar="FIELD=VALUE")
    cron: str = option("When, as five fields.", "", metavar="LINE")
    zone: str = option("By whose clock (IANA); default: the setting schedules.zone.", "", metavar="ZONE")
    after: str = option("After each run of this schedule, instead of times.", "", metavar="NAME")
    late_hours: float = option("So many hours late it may begin.", LATENESS.total_seconds() / 3600, gt=0, le=168)
    to: tuple[str, ...] = option("To whom.", (), metavar="ADDRESS")
    note: str = option("A sentence at the head of each message.", "", metavar="TEXT")
    failures_to: str = option(
        "Who hears of failed and skipped runs; default: the addresses of --to.", "", metavar="ADDRESS"
    )

    def answer(self, call: Call) -> Answer:
        planning, now = rooms.planning, call.clock()
        wish = planning.with_shipped(self._wish(call, now))
        given = rooms.requests.given(use_case(wish.use_case).request(), self.set)
        wish = replace(wish, request={**wish.request, **given})
        _check(call, wish.use_case, wish.request, wish.recipients)
        made = planning.add(call.settings, wish)
        told = f"to {', '.join(made.recipients)}" if made.recipients else "sent to nobody"
        said = [f"Added: {made.name} ({made.use_case}), {_when(made)}, {told}."]
        if made.cron:
            said.append(f"Next: {_both(planning.next_times(made, now, 1)[0], made.zone)}.")
        if not (made.recipients or made.failures_to):
            said.append("Nobody hears of a run that fails: name somebody with --failures-to.")
        return lines(*said, beside=("It is done while `customer-research serve` runs.",))

    def _wish(self, call: Call, now: datetime) -> Schedule:
        """The schedule that is asked for, with the rights of whoever asks; it has no request yet."""
        return Schedule(
            name=self.name.strip(),
            use_case=" ".join(self.use_case.split()),
            request={},
            cron=self.cron,
            zone=self.zone.strip() or call.settings.schedules.zone,
            after=self.after.strip(),
            lateness=timedelta(hours=self.late_hours),
            recipients=self.to,
            failures_to=self.failures_to,
            since=now,
            paused=False,
            created_at=now,
            created_by=call.actor.name,
            rights=tuple(sorted(call.actor.rights)),
            book=call.actor.book,
            note=self.note,
        )


def _check(call: Call, name: str, values: Any, recipients: tuple[str, ...]) -> None:
    """The use case can be done so, may be, and gives what can be sent.

    Raises:
        UsageError, NotAllowed: not so.
    """
    case = use_case(name)
    if name.startswith("schedule "):
        raise UsageError("A schedule of schedules there is not.", hint="Use --after to do one after another.")
    asked = case.request()
    rooms.requests.check_places(asked, values)
    by_rights(call.actor, case, validated(asked, values))
    if recipients and case.answers not in SENT:
        raise UsageError(f"What {name} answers cannot be sent.", hint="Leave --to out.")
    if OWNERS in recipients and not rooms.requests.names_owner(asked):
        raise UsageError(f"{name} is not told owner by owner.", hint="Give --to addresses instead of owners.")


@request
class Listed(Request):
    """The schedules: what each does, when, to whom, how its last run went, and when it comes next. Those that are shipped and not
    added are shown as off.
    """

    DOCUMENT = "The schedules as JSON."

    def reads(self, needs: frozenset[str]) -> frozenset[str]:
        return frozenset()  # it tells nothing of operators

    def answer(self, call: Call) -> Answer:
        schedules, newest = rooms.planning.listed(call.settings)
        now, whole = call.clock(), call.actor.may("configure")
        names = {one.name for one in schedules}
        off = [one for name, one in rooms.declared.shipped().items() if name not in names]
        rows = [_row(one, newest.get(one.name), now, whole=whole) for one in schedules]
        rows += [
            (one.name, "off", one.sentence, one.cron or f"after {one.after}", ", ".join(one.recipients), "", "")
            for one in off
        ]
        table = Table(
            ("Schedule", "State", "Does", "When", "To", "Last run", "Next (UTC)"),
            tuple(rows),
            state=1,
            styles=tuple(STATES[row[1]] for row in rows),
            after=(
                f"{counted(len(off), 'schedule')} of those shipped can be added: `customer-research schedule add NAME`.",
            )
            if off
            else (),
            width=150,
        )
        document = {
            "schema": SCHEMA,
            "schedules": [_plain(one, newest.get(one.name), now, whole=whole) for one in schedules],
        }
        return Answer(table, document=document)


def _row(one: Schedule, last: Run | None, now: datetime, *, whole: bool) -> tuple[str, ...]:
    to = ", ".join(one.recipients) if whole else counted(len(one.recipients), "address", "addresses")
    ran = "" if last is None else f"{last.state}, {instant_words(last.planned_at)}"
    coming = "" if one.paused or not one.cron else f"{rooms.planning.next_times(one, now, 1)[0]:%Y-%m-%d %H:%M}"
    return (one.name, "paused" if one.paused else "on", one.use_case, _when(one), to, ran, coming)


def _when(one: Schedule) -> str:
    return f"after {one.after}" if one.after else f"{one.cron} {one.zone}"


def _both(moment: datetime, zone_name: str) -> str:
    """An instant by the clock of a zone, and in UTC where that is another."""
    there = _local(moment, zone_name)
    return there if zone_name == "UTC" else f"{there} {zone_name} ({instant_words(moment)})"


def _local(moment: datetime, zone_name: str) -> str:
    return f"{moment.astimezone(zone(zone_name)):%a %Y-%m-%d %H:%M %Z}"


def _plain(one: Schedule, last: Run | None, now: datetime, *, whole: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": one.name,
        "use_case": one.use_case,
        "cron": one.cron,
        "zone": one.zone,
        "after": one.after,
        "late_hours": one.lateness.total_seconds() / 3600,
        "paused": one.paused,
        "next": None if one.paused or not one.cron else instant_text(rooms.planning.next_times(one, now, 1)[0]),
        "last_run": None if last is None else _run_plain(last, whole=whole),
    }
    if whole:
        told |= {
            "request": dict(one.request),
            "note": one.note,
            "to": list(one.recipients),
            "failures_to": one.failures_to,
        }
        told |= {"created_by": one.created_by, "created_at": instant_text(one.created_at)}
    return told


def _run_plain(run: Run, *, whole: bool = True) -> dict[str, Any]:
    told: dict[str, Any] = {
        "schedule": run.schedule,
        "planned_at": instant_text(run.planned_at),
        "state": run.state,
        "asked": run.asked,
        "passed_over": run.passed_over,
        "late_seconds": round(run.late.total_seconds()),
        "messages": run.sent,
    }
    return {**told, "said": run.said} if whole else told


@request
class Next(Request):
    """When schedules come next, by the clock of their zone and in UTC: of NAME, or of all that are on."""

    DOCUMENT = "The times as JSON."

    name: str = argument("A schedule; default: all.", "")
    count: int = option("How many times of each.", 3, ge=1, le=100)

    def reads(self, needs: frozenset[str]) -> frozenset[str]:
        return frozenset()  # it tells nothing of operators

    def answer(self, call: Call) -> Answer:
        planning, now = rooms.planning, call.clock()
        named = (planning.found(call.settings, self.name),) if self.name else None
        chosen = named or planning.listed(call.settings)[0]
        timed = [one for one in chosen if one.cron and not one.paused]
        coming = sorted((at, one.name, one.zone) for one in timed for at in planning.next_times(one, now, self.count))
        rows = tuple((name, _local(at, there), there, f"{at:%Y-%m-%d %H:%M}") for at, name, there in coming)
        quiet = [f"{one.name} is paused." for one in chosen if one.paused]
        quiet += [f"{one.name} comes after each run of {one.after}." for one in chosen if one.after and not one.paused]
        document = [{"schedule": name, "at": instant_text(at), "zone": there} for at, name, there in coming]
        if not rows:
            return lines(*(quiet or ["No schedule is on."]), document={"schema": SCHEMA, "next": document})
        table = Table(("Schedule", "There", "Zone", "UTC"), rows, after=tuple(quiet), width=110)
        return Answer(table, document={"schema": SCHEMA, "next": document})


@request
class Runs(Request):
    """The runs of NAME, or of all schedules, the newest first: when each was planned, how late it began, how it ended, how many
    messages were made of it. Runs that were skipped say why, and how many times before them went by unused.
    """

    DOCUMENT = "The runs as JSON."

    name: str = argument("A schedule; default: all.", "")
    limit: int = options.limit()

    def answer(self, call: Call) -> Answer:
        found = rooms.planning.runs(call.settings, self.name, self.limit or None)
        document = {"schema": SCHEMA, "runs": [_run_plain(run) for run in found]}
        if not found:
            return lines("No run yet.", document=document)
        table = Table(
            ("Schedule", "Planned (UTC)", "State", "Late", "Messages", "What came of it"),
            tuple(
                (
                    run.schedule,
                    f"{run.planned_at:%Y-%m-%d %H:%M}",
                    run.state,
                    "asked for" if run.asked else _late(run.late),
                    f"{run.sent:,}",
                    _said(run),
                )
                for run in found
            ),
            right=(4,),
            state=2,
            styles=tuple(STYLES[run.state] for run in found),
            width=150,
        )
        return Answer(table, document=document)


def _late(late: timedelta) -> str:
    if late < timedelta(minutes=1):
        return ""
    days, hours, minutes = late.days, late.seconds // 3600, late.seconds // 60 % 60
    return f"{days} d {hours} h" if late >= _DAY else f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _said(run: Run) -> str:
    before = f"{counted(run.passed_over, 'earlier time')} went by unused." if run.passed_over else ""
    return f"{run.said} {before}".strip()


@request
class RunNow(Request):
    """Do what schedule NAME says now, in this process, and wait for its end. Its own times stay as they are.

    What was sent for the same period already is not sent again.
    """

    name: str = _name()

    async def answer(self, call: Call) -> Answer:
        run = await rooms.scheduled.run_now(call, rooms.planning.found(call.settings, self.name))
        state: State = "failed" if run.state == "failed" else "partial" if run.state == "partial" else "done"
        return lines(f"{run.schedule}: {run.state}. {run.said}".rstrip(), state=state, document=_run_plain(run))


@request
class Pause(Request):
    """Have schedule NAME do nothing until it is resumed."""

    name: str = _name()

    def answer(self, call: Call) -> Answer:
        one = rooms.planning.pause(call.settings, self.name, paused=True, now=call.clock())
        return lines(f"{one.name} is paused.", beside=("A run that is under way goes on.",))


@request
class Resume(Request):
    """Have schedule NAME go on. What was planned while it was paused is not done."""

    name: str = _name()

    def answer(self, call: Call) -> Answer:
        now = call.clock()
        one = rooms.planning.pause(call.settings, self.name, paused=False, now=now)
        coming = f" Next: {_both(rooms.planning.next_times(one, now, 1)[0], one.zone)}." if one.cron else ""
        return lines(f"{one.name} is on.{coming}")


@request
class Remove(Request):
    """Remove schedule NAME, and what is known of its runs."""

    name: str = _name()

    def answer(self, call: Call) -> Answer:
        rooms.planning.remove(call.settings, self.name)
        return lines(f"{self.name} is removed.")
