"""The use case that writes a small static site: a book's lists and each operator's reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from customer_research.research import options
from customer_research.research.request import Request, option, part, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, State, lines
from customer_research.research.usecases.books import Whose
from customer_research.research.usecases.kinds import count_words, gravest

if TYPE_CHECKING:
    from customer_research.research.batch.batch import Row
    from customer_research.research.usecases.runner import Call

NAMED = 20
"""How many operators without a whole report are named in the answer; the first page names all."""


@request
class SiteOfAll(Request):
    """Write a small static site to a folder: today's page, the portfolio, renewals and the week, and the profile and account review
    of every operator in the book, linked both ways. Open DIR/index.html; it needs no server, and its search finds operators by name.

    Lists are of the newest snapshot (`customer-research portfolio score`); reports ask the sources, three operators at a time. A run
    that was cut off continues with the same call; a later one writes all anew, each page in one step. What else lies in the folder
    stays as it is. An operator or a source that failed is named on the first page.

    Exit code: 0 all in full; 3 some partial; 4 some not found; 6 some failed.
    """

    DOCUMENT = "What became of each operator as JSON."

    folder: Path = option("Folder for the pages.", file="folder", metavar="DIR")
    whose: Whose = part(Whose)
    retry: bool = option("Do again only what the last run did not do in full.", False)
    show_personal: bool = options.personal()

    async def answer(self, call: Call) -> Answer:
        site = rooms.site
        site.admit(self.folder)
        owner = self.whose.whom(call.settings.owner)
        planned = await call.aside(lambda: site.plan(call.settings, owner, now=call.clock()))
        heard: list[Row] = []

        def told(row: Row) -> None:
            heard.append(row)
            call.progress(len(heard), len(planned.operators), count_words(rooms.batch.counts(heard)))

        async with call.research(streams=False) as research:
            done = await site.write(
                research,
                planned,
                self.folder,
                show_personal=self.show_personal or call.settings.show_personal,
                retry=self.retry,
                told=told,
            )
        state: State = gravest(done.rows)
        return lines(
            *_told(done.rows),
            state="partial" if state == "done" and done.partial else state,
            document=rooms.batch.rows_json(done.rows, site.KINDS[0]),
            beside=(f"Written: {done.index}",),
        )


def _told(rows: tuple[Row, ...]) -> tuple[str, ...]:
    lacking = [row for row in rows if row.outcome != "done"]
    named = [f"{row.name or row.term}, {row.outcome.replace('_', ' ')}: {row.detail}" for row in lacking[:NAMED]]
    more = (f"And {len(lacking) - NAMED} more.",) if len(lacking) > NAMED else ()
    total = f"{len(rows)} {'operator' if len(rows) == 1 else 'operators'}: {count_words(rooms.batch.counts(rows)) or 'none'}."
    return (*named, *more, total)
