"""Parts of pages that are none by themselves: where the same is read live, and what to do where nothing is kept yet."""

from __future__ import annotations

from customer_research.documents.formats.markup import Markup, element, joined
from customer_research.domain.words import clean
from customer_research.errors import NothingYet
from customer_research.research.usecases import Actor
from customer_research.surfaces.web import shell

FIRST = (
    ("sync", "Pull everybody's records: a few minutes, and longer the first time."),
    ("portfolio score", "Score everybody, and keep it."),
    ("alerts check", "Check for alerts."),
)
"""What is to be done once, in order, before lists have something to show: command, and what it is for."""


def live_part(place: str) -> Markup:
    """Where the same stands live: a link, which the script of the pages follows in place: what comes stands below."""
    return element(
        "section",
        element("h2", "Live", id="live-heading"),
        element(
            "p",
            element("a", "Read live", href=place, class_="clear"),
            ": asks every source now, which takes a few seconds.",
            id="live-said",
            role="status",
        ),
        element("div", id="live-shown"),
        id="live",
        aria_labelledby="live-heading",
        data_place=place,
    )


def begin(error: NothingYet, actor: Actor) -> Markup:
    """What to do where nothing is kept yet."""
    steps = (element("li", element("code", f"customer-research {command}"), f" {what}") for command, what in FIRST)
    whose = (
        "On the machine of these pages, run:" if actor.may("operate") else "Whoever runs these pages does this once:"
    )
    return joined(
        shell.heading("Nothing is kept yet", clean(error.message)),
        shell.main(element("p", whose), element("ol", *steps), element("p", "Then reload this page.")),
    )
