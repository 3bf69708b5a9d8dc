"""Use cases about the outbox: what is to be sent and was, sending it again, dropping it, sending what is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_research.domain.delivery import STATES
from customer_research.domain.words import counted
from customer_research.research import options
from customer_research.research.request import Request, argument, option, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, lines, of_report

if TYPE_CHECKING:
    from customer_research.research.usecases.runner import Call


def _key() -> str:
    found: str = argument("The delivery's key, as `outbox list` shows it, or its first digits.", metavar="KEY")
    return found


@request
class Deliveries(Request):
    """What is to be sent and was, what changed last first: to whom, by which way, how it stands and why.

    ready: it waits for its time; sending: a worker has it; sent; unknown: it may be there or not, and is not sent again by itself;
    failed: it was refused, or tried for hours; dropped: it is not sent, as its reason says.
    """

    state: tuple[str, ...] = option("Only in this state (repeatable).", (), metavar="STATE")
    kind: str = option("Only of this kind: digest, alert, brief, notice.", "")
    channel: str = option("Only by this way: slack, email, notion, webhook, file.", "")
    subject: str = option("Only about this operator or owner, by id.", "", metavar="ID")
    limit: int = options.limit()

    def answer(self, call: Call) -> Answer:
        report = rooms.deliveries.deliveries_report(
            call.settings,
            states=self.state,
            kind=self.kind,
            channel=self.channel,
            subject=self.subject,
            most=self.limit or None,
            now=call.clock(),
        )
        return of_report(report)


@request
class OneDelivery(Request):
    """One delivery with all that is known of it, and what it says."""

    key: str = _key()

    def answer(self, call: Call) -> Answer:
        return of_report(rooms.deliveries.delivery_report(call.settings, self.key, now=call.clock()))


@request
class Retry(Request):
    """Have deliveries sent again that are unknown, failed or dropped.

    One that may have been sent before is looked up first, where the channel can be asked; where it cannot (e-mail), it is sent
    nevertheless, once: look whether it arrived before you ask for that.
    """

    keys: tuple[str, ...] = argument("Their keys, or first digits of them.", (), metavar="[KEY]...")
    failed: bool = option("All that failed.", False)

    def answer(self, call: Call) -> Answer:
        again = rooms.deliveries.retried(call.settings, self.keys, failed=self.failed, now=call.clock())
        return lines(f"{counted(len(again), 'message')} to be sent again.")


@request
class Drop(Request):
    """Have a delivery not sent (again). One that was sent, or is being sent, is past that."""

    key: str = _key()
    because: str = option("Why.", "", metavar="TEXT")

    def answer(self, call: Call) -> Answer:
        gone = rooms.deliveries.dropped(call.settings, self.key, self.because, who=call.actor.name, now=call.clock())
        return lines(f"Delivery {gone.key[:8]} ({gone.message.title}) is dropped.")


@request
class SendDue(Request):
    """Send all that is due now, once: for who runs no server that does it. Exit code 6: something failed, or is not known to be there."""

    async def answer(self, call: Call) -> Answer:
        done = await rooms.deliveries.sent_now(call.settings)
        told = [f"{done.counts[state]:,} {state}" for state in STATES if done.counts.get(state)]
        trouble = bool(done.counts.get("failed") or done.counts.get("unknown"))
        said = f"{counted(done.taken, 'message')} taken." + (f" Now: {', '.join(told)}." if told else "")
        return lines(said, state="failed" if trouble else "done", document={"taken": done.taken, **done.counts})


@request
class ForgetSent(Request):
    """Forget what messages said that were sent, or given up, more than so many days ago. That they were stays known: none is sent anew.

    A server does so by itself each day (setting `deliveries.keep_days`).
    """

    days: int = option("How many days are kept.", ge=0, metavar="DAYS")

    def answer(self, call: Call) -> Answer:
        gone = rooms.deliveries.forgotten(call.settings, self.days, now=call.clock())
        return lines(f"{counted(gone, 'message')} forgotten.")
