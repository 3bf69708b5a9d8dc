"""The use case of alerts as tasks in HubSpot: what would be written there, and with --send what was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from customer_research.domain.words import clean, counted, instant_words
from customer_research.errors import UsageError
from customer_research.research import options
from customer_research.research.request import Request, option, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, State, Table, lines, unlisted
from customer_research.research.usecases.write_back import not_taken

if TYPE_CHECKING:
    from customer_research.research.alerting.alert_tasks import AlertTask, AlertTasks
    from customer_research.research.usecases.runner import Call

SCHEMA = "customer-research.alert-tasks/1"


@request
class AlertTasksRequest(Request):
    """Write the alerts that cannot wait to HubSpot as tasks of their account owners, and complete the tasks of alerts that are over.

    Without --send nothing is written: it shows what would be. There is one task for an operator, whatever many rules speak of it; its
    words follow the alert, its due date and owner are written once. A task that somebody completed is not made again while its alert goes
    on. Tasks are linked to no company, since HubSpot would count them as contact with it. --prepare adds the two properties by which they are found.

    The key needs crm.objects.contacts.write (so HubSpot calls it for tasks), and for --prepare the right to change their properties.
    Exit code 3: HubSpot refused some tasks, or the run was cut off; a later run goes on.
    """

    DOCUMENT = "JSON."

    send: bool = option("Write; without it nothing is written.", False)
    prepare: bool = option("With --send: first add the properties that HubSpot lacks.", False)
    most: int = option("Refuse to write more tasks than so many.", 200, ge=1)
    limit: int = options.limit()

    async def answer(self, call: Call) -> Answer:
        if self.prepare and not self.send:
            raise UsageError("--prepare adds properties to HubSpot.", hint="Add --send.")
        done = await rooms.alert_tasks.alert_tasks(
            call.settings, call.clock, send=self.send, prepare=self.prepare, most=self.most
        )
        state: State = "partial" if done.taken.refused or done.cut else "done"
        if not done.writes:
            return lines(_before(done), *_told(done), _last(done), state=state, document=_document(done))
        return Answer(_table(done, self.limit or done.writes), state, _document(done))


def _table(done: AlertTasks, most: int) -> Table:
    rows = [
        (clean(one.name), what, clean(one.subject).removeprefix(f"{clean(one.name)}: "))
        for what, tasks in (("make", done.new), ("new words", done.changed), ("complete", done.over))
        for one in tasks
    ]
    return Table(
        ("Operator", "Task", "What it asks for"),
        tuple(rows[:most]),
        before=(_before(done),),
        after=(*unlisted(len(rows) - most), *_told(done)),
        last=_last(done),
    )


def _before(done: AlertTasks) -> str:
    return f"From the alerts as of {instant_words(done.as_of)}."


def _told(done: AlertTasks) -> Iterator[str]:
    """What was left alone, and what was not taken."""
    if done.same:
        yield f"{counted(done.same, 'task stands', 'tasks stand')} as it should."
    if done.left:
        yield f"{counted(done.left, 'task')} completed in HubSpot while the alert goes on: left alone."
    if done.without:
        yield f"{counted(done.without, 'operator')} without an account owner in HubSpot: no task."
    if done.strange:
        yield f"{counted(done.strange, 'task')} of alerts that this store does not know: left alone."
    yield from not_taken("task", done.taken, done.cut)


def _last(done: AlertTasks) -> str:
    if done.lacking and not done.sent:
        return "HubSpot's tasks lack two properties: --send --prepare adds them and writes."
    if not done.writes:
        return "Nothing to write."
    if done.sent:
        return f"{counted(len(done.taken.written), 'task')} written."
    return f"{counted(done.writes, 'task')} would be written: --send does it."


def _document(done: AlertTasks) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "as_of": done.as_of.isoformat(),
        "sent": done.sent,
        "written": len(done.taken.written),
        "same": done.same,
        "left": done.left,
        "without": done.without,
        "strange": done.strange,
        "lacking": list(done.lacking),
        "refused": done.taken.refused,
        "cut": done.cut,
        "make": _tasks(done.new),
        "change": _tasks(done.changed),
        "complete": _tasks(done.over),
    }


def _tasks(tasks: Sequence[AlertTask]) -> list[dict[str, str]]:
    return [{"operator_id": one.operator_id, "id": one.id, "subject": clean(one.subject)} for one in tasks]
