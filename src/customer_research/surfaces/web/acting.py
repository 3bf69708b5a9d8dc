"""What people do on a page: which use case a form asks, how its page says so, and how it is undone."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from customer_research.documents.formats.markup import Markup, element
from customer_research.domain.outcome import Intervention
from customer_research.errors import UsageError
from customer_research.research.usecases import Actor, Answer
from customer_research.surfaces.web.desk import Desk, Page, flash, sent, within
from customer_research.surfaces.web.shell import Said
from customer_research.surfaces.web.views import href

SNOOZES: Mapping[str, str] = {"1": "1 day", "3": "3 days", "7": "1 week", "14": "2 weeks", "30": "30 days"}
"""Days that an alert may be hidden for, and what they are called."""

ONCE, BACK = "once", "back"
"""Fields of forms: the key by which it counts once, and the page that it was sent from."""

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Act:
    """Something that can be done.

    Args:
        path: where its form is sent.
        use_case: what does it.
        takes: the fields of its form that are fields of the request; `days` from now are the instant `until`.
    """

    path: str
    use_case: str
    takes: tuple[str, ...] = ()

    def request(self, place: Fields, sent: Fields, now: datetime) -> dict[str, Any]:
        """The request of a form.

        Raises:
            UsageError: something is missing.
        """
        given = {name: sent[name].strip() for name in self.takes if name in sent}
        days = given.pop("days", None)
        if days is None:
            return {**place, **given}
        if days not in SNOOZES and days != "0":
            raise UsageError("An alert cannot be hidden for that long.", hint="Choose one of the days named.")
        until = f"{now + timedelta(days=int(days)):%Y-%m-%dT%H:%M:%SZ}" if days != "0" else "now"
        return {**place, **given, "until": until}


ACTS: tuple[Act, ...] = (
    Act("/alerts/{alert}/ack", "alerts ack", ("note",)),
    Act("/alerts/{alert}/unack", "alerts unack"),
    Act("/alerts/{alert}/snooze", "alerts snooze", ("days",)),
    Act("/alerts/{alert}/assign", "alerts assign", ("name",)),
    Act("/operators/{operator}/done", "outcome done", ("kind", "note")),
)
"""Everything that can be done on pages."""

_UNDONE: Mapping[str, tuple[str, Fields]] = {
    "alerts ack": ("/alerts/{alert}/unack", {}),
    "alerts snooze": ("/alerts/{alert}/snooze", {"days": "0"}),
}
"""Use case → where it is undone, and by which fields: by another act, which the record keeps beside the first."""


def said(act: Act, place: Fields, answer: Answer, back: str) -> Said:
    """What the page says once it is done."""
    words = " ".join(answer.lines) or "Done."
    undone = _UNDONE.get(act.use_case)
    if undone is None:
        return Said(words)
    return Said(words, href(undone[0], **place), {**undone[1], BACK: back})


def alert_forms(alert: str, back: str) -> Markup:
    """What can be done about an alert. Sent twice such a form changes nothing more: it needs no key."""
    snooze = (element("option", words, value=days) for days, words in SNOOZES.items())
    return element(
        "section",
        _form(
            href("/alerts/{alert}/ack", alert=alert),
            {BACK: back},
            "Acknowledge",
            element("label", "with a note", for_="note"),
            element("input", name="note", id="note", type="text", size=24, maxlength=500, autocomplete="off"),
        ),
        _form(
            href("/alerts/{alert}/snooze", alert=alert),
            {BACK: back},
            "Snooze",
            element("label", "for", for_="days"),
            element("select", *snooze, name="days", id="days"),
        ),
        _form(
            href("/alerts/{alert}/assign", alert=alert),
            {BACK: back},
            "Assign",
            element("label", "to", for_="name"),
            element("input", name="name", id="name", type="text", size=16, autocomplete="off"),
        ),
        class_="acts",
        aria_label="What can be done about this alert",
    )


def seen_form(alert: str, back: str) -> Markup:
    """The button beside an alert in a list, by which it is acknowledged."""
    return _form(
        href("/alerts/{alert}/ack", alert=alert), {BACK: back}, "Acknowledge", label=f"Acknowledge alert {alert}"
    )


def operator_forms(operator: str, back: str) -> Markup:
    """What can be noted about an operator."""
    kinds = (element("option", kind.replace("_", " "), value=kind) for kind in get_args(Intervention))
    form = _form(
        href("/operators/{operator}/done", operator=operator),
        {BACK: back, ONCE: _key()},
        "Note it",
        element("label", "What was done", for_="kind"),
        element("select", *kinds, name="kind", id="kind"),
        element("label", "and a word on it", for_="note"),
        element("input", name="note", id="note", type="text", size=30, autocomplete="off"),
    )
    return element("details", element("summary", "Note what was done"), form, class_="acts")


def _form(place: str, hidden: Fields, button: str, *fields: str, label: str | None = None) -> Markup:
    kept = (element("input", type="hidden", name=name, value=value) for name, value in hidden.items())
    pressed = element("button", button, type="submit", aria_label=label)
    return element("form", *kept, pressed, *fields, method="post", action=place)


def _key() -> str:
    return secrets.token_urlsafe(16)


def done(act: Act) -> Page:
    """What a form asks for, done once; back to the page that it was sent from."""

    async def acted(desk: Desk, request: Request, actor: Actor) -> Response:
        fields = await sent(request)
        place = {name: str(value) for name, value in request.path_params.items()}
        back = within(fields.get(BACK, ""))
        response = RedirectResponse(back, 303)
        once = fields.get(ONCE, "")
        if once and not await desk.gate.first(f"{actor.name} {act.use_case} {once}"):
            return response  # pressed twice: it is done
        answer = await desk.runner.use(act.use_case, act.request(place, fields, desk.runner.now()), actor)
        flash(desk, response, said(act, place, answer, back))
        return response

    return acted
