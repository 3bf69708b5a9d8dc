"""The use cases: every one with its sentence, request, answer, needs, right and time. Surfaces are made from this table.

Importing this module loads nothing else: what a use case does, and its request, are loaded when asked for.
"""

from __future__ import annotations

from importlib import import_module

from customer_research.reports.kinds import declared, names, sentence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Literal

    from customer_research.research.request import Request

    Right = Literal["read", "act", "operate", "export", "configure"]
    Shape = Literal["report", "report printed", "report beside", "table", "lines", "text", "explanation", "verdicts"]

RIGHTS = frozenset({"read", "act", "operate", "export", "configure"})
"""What an actor may do: read; act on alerts and record what was done; operate (pull, score, keep); export to a vendor;
configure the default scorecard, settings and who may ask."""

SEES = frozenset({"finance", "personal"})
"""What an actor may see beside: what operators pay and are paid; personal data unmasked."""


class UseCase:
    """One thing that people, programs and agents can have done.

    Args:
        name: as it is called, words of a group first: `alerts check`.
        sentence: what it is for, in a line.
        home: `module:Class` of its request in this package, whose `answer` does it.
        answers: what it answers.
        needs: what it reads, as words: vendors (`live`), the `lake`, the `store`.
        right: what the actor needs.
        seconds: how long it may take where somebody waits; None: as long as it takes.
    """

    __slots__ = ("answers", "home", "name", "needs", "right", "seconds", "sentence")

    def __init__(  # noqa: PLR0917 - rows of a table
        self,
        name: str,
        sentence: str,
        home: str,
        answers: Shape,
        needs: str = "",
        right: Right = "read",
        seconds: float | None = 60.0,
    ) -> None:
        self.name = name
        self.sentence = sentence
        self.home = home
        self.answers = answers
        self.needs = frozenset(needs.split())
        self.right = right
        self.seconds = seconds

    def request(self) -> type[Request]:
        """The class of its request."""
        module, _, name = self.home.partition(":")
        found: type[Request] = getattr(import_module(f"{__package__}.{module}"), name)
        return found

    @property
    def about(self) -> str:
        """The help text."""
        from inspect import cleandoc

        request = self.request()
        return request.ABOUT or cleandoc(request.__doc__ or self.sentence)


GROUPS: Mapping[str, str] = {
    "history": """\
How OPERATOR's score moved: change in 30, 60 and 90 days, a line of blocks with the readings, and what moved it (rules whose
points changed, dimensions that became unknown, another scorecard).

Readings come from the score history, which `customer-research portfolio score`, `history snapshot` and `history backfill`
write. An operator whose name is that of a sub-command is asked for with `history show OPERATOR`.
""",
    "scorecard": "The default scorecard of reports, lists and alerts.",
    "outcome": """\
Record what no system knows: what was done about an operator that may leave, and why one left.

Records are added and never changed; `outcome retract` takes a wrong one back. Billing stays the truth on who left and when:
a recorded reason stands beside it. `backtest` tells how what was done biases the figures.
""",
    "matches": """\
Which operator a ticket, a support conversation or a review is of is told by ids where they are there, and else by names in the texts: a
match that is probable, is shown as such and takes no points. Here somebody who knows decides.
""",
    "facts": """\
Company facts: what others say of an operator's firm (headcount, fleet in the US register, industry). They are kept in the store,
each with its provider, licence and day, and shown in the profile. They take no points, and nothing is bought by looking.
""",
    "reviews": """\
What somebody wrote in public: operators about our product (G2, or files of Capterra and others), and passengers about an operator
(files, or Google while you look). The two are never counted together, and no review takes points.
""",
    "meetings": """\
Meetings with operators, from HubSpot, calendar feeds, Google Calendar and Outlook.
""",
    "tokens": """\
API tokens: what lets programs and agents ask over HTTP, on whose behalf, what they may see, and until when.

Only the SHA-256 of a token's secret is kept; `tokens create` prints it once.
""",
    "sessions": """\
Who is signed in on the web pages. A session ends after 12 hours without a visit, after 7 days in all, and at once when it is ended here.
""",
    "audit": "Who asked for what of whom, over HTTP and by MCP clients.",
    "outbox": """\
Messages to people and programs: each is kept under a key of its own, and sent once, whoever makes it again.

`outbox send`, or a server, sends what is due. What failed, and what is not known to have arrived, stays until somebody decides.
""",
    "slack": "The Slack app: serve it, make its manifest, and say who may ask there.",
    "schedule": """\
What is done by itself: which use case, when by whose clock, to whom. Schedules run while `customer-research serve` does; any number
of such processes on one store may, and each time is used once.
""",
    "me": """\
Where each of our own people is told, by which clock, in which hours not, and of what not. Digests and alerts about a book go to
whoever has its HubSpot owner id. Who asks over HTTP or in Slack sees and changes only how they are told themselves.
""",
    "config": "Show settings and where each comes from.",
}
"""Groups of use cases that are none by themselves → what is said of them."""

GROUP_SENTENCES: Mapping[str, str] = {
    "history": "An operator's score over time and what moved it; backfill, list and verify snapshots.",
    "scorecard": "`scorecard use NAME`: the default scorecard, changed behind the gate of `backtest`.",
    "outcome": "Record what was done about an operator, and why one left; list it.",
    "matches": "Tickets, conversations and reviews that are probably an operator's: list them, confirm, refuse.",
    "facts": "What others say of operators' firms: list, fetch, import, forget, and what was spent.",
    "reviews": "What operators wrote about us, and passengers about them: import, fetch, list, look, forget.",
    "meetings": "Coming meetings with operators, of all calendars; `meetings plan` puts their briefs into the outbox.",
    "tokens": "API tokens for programs and agents that ask over HTTP: create, list, revoke.",
    "sessions": "Who is signed in on the web pages; sign somebody out.",
    "audit": "Who asked for what of whom; remove what is old.",
    "outbox": "Messages to people: list, show, send again, drop, send what is due.",
    "slack": "The Slack app: `slack serve`, `slack manifest`, and who may ask there.",
    "schedule": "What is done by itself, and when: add, list, next, run, pause, remove.",
    "me": "How you, or one of your people, want to be told: place, clock, quiet hours, mute.",
    "config": "Show settings and where each comes from.",
}


class ReportOfKind(UseCase):
    """The report of a kind that is made of one account: it has the kind's name, and is a use case because the kind is there."""

    __slots__ = ()

    def __init__(self, name: str) -> None:
        super().__init__(name, sentence(name), "one:OfKind", "report", "live")

    def request(self) -> type[Request]:
        """The class of its request: the kind says what of an occasion it takes."""
        found: type[Request] = import_module(f"{__package__}.one").request_of(self.name)
        return found

    @property
    def about(self) -> str:
        """The help text."""
        return _ABOUT.get(self.name, self.sentence)


_ABOUT = {
    "quick": "One line about OPERATOR.",
    "profile": "Who OPERATOR is, what they pay, how they use it, what troubles them.",
    "billing": "OPERATOR's subscriptions, invoices and payment standing.",
    "reservations": "OPERATOR's trips: volume, revenue, trends, types.",
    "payments": "OPERATOR's card processing: success, failures, risk, disputes.",
    "health": "OPERATOR's health score, point by point.",
    "account-review": "What OPERATOR got since the last review, how it stands, and what comes next (QBR).",
    "brief": "What to know, ask and have at hand before a call with OPERATOR.",
}
"""Kinds in the order of the documentation → their help text; of others it is their sentence."""

_OTHERWISE = frozenset(
    {
        "alerts",
        "churn-risk",
        "comparison",
        "digest",
        "history",
        "lookup",
        "missing",
        "portfolio",
        "portfolio-churn-risk",
        "portfolio-summary",
        "renewals",
        "today",
    }
)
"""Kinds that are answers of use cases with names of their own."""


def _kinds() -> Iterator[UseCase]:
    """The kinds that are made of one account: those of `_ABOUT`, and any that was added."""
    for name in (*_ABOUT, *(name for name in names() if name not in _ABOUT and name not in _OTHERWISE)):
        if name in _ABOUT or declared(name)["use_case"] == "report":
            yield ReportOfKind(name)


# fmt: off
_ALL = (
    UseCase("lookup", "Find an operator by any identifier or name.", "one:Lookup", "report", "live"),
    *_kinds(),
    UseCase("report", "Any kind of report, about one, several or all operators, in any format.", "kinds:AnyReport", "report", "live lake store"),
    UseCase("report all", "A small static site: a book's lists and every operator's reports, searched without a server.", "site:SiteOfAll", "lines", "live lake store", right="operate", seconds=None),
    UseCase("digest", "The week: newly at risk, worse, better, money at risk, what was done, what to do.", "lists:Digest", "report", "lake store"),
    UseCase("snapshot", "Keep what an operator's reports are made of, to make them again later.", "one:Snapshot", "lines", "live store", right="operate"),
    UseCase("diff", "What differs between two account snapshots: figures, records, scorecard, code.", "one:Difference", "report", "store"),
    UseCase("export", "Write a report about an operator to its page in Notion.", "kinds:Export", "lines", "live", right="export", seconds=120),
    UseCase("write-back", "Write health score, band and urgency to HubSpot's companies; without --send it shows what would change.", "write_back:WriteBackRequest", "table", "live lake store", right="export", seconds=None),
    UseCase("compare", "Two to ten operators side by side, the differences that matter first.", "one:Comparison", "report", "live", seconds=120),
    UseCase("batch", "A report of each operator of a file and one summary; continues where it was cut off.", "kinds:Batch", "table", "live", right="operate", seconds=None),
    UseCase("whatif", "The health score if some figures were other than they are (hypothetical).", "one:Assumptions", "report", "live"),
    UseCase("missing", "Which unknown figure would move the health score most, and how far.", "one:Missing", "report", "live"),
    UseCase("sync", "Pull the records of all operators into the lake.", "lake:Sync", "table", "live lake", right="operate", seconds=None),
    UseCase("import", "Check anybody's canonical tables (Parquet or CSV) and put them into the lake.", "lake:Import", "lines", "lake", right="operate", seconds=None),
    UseCase("score", "Score every operator of anybody's canonical tables, and print it.", "lake:Score", "table", right="operate", seconds=None),
    UseCase("today", "Whom to call first, why, until when; whom you meet, what ends or renews, what moved.", "books:Today", "report", "store"),
    UseCase("renewals", "What ends, renews or bills next, by day and money.", "books:Renewals", "report", "store"),
    UseCase("standing", "How an operator stands in the newest snapshot: asks nobody.", "books:OfOne", "report", "store"),
    UseCase("meetings list", "Coming meetings with operators, of all calendars: when, with whom, and why that is so.", "meetings:Listed", "report", "live lake store"),
    UseCase("meetings plan", "Read the calendars, and put the briefs of coming meetings into the outbox.", "meetings:Plan", "lines", "live lake store", right="operate", seconds=None),
    UseCase("portfolio", "Who needs attention and why, over all operators; `portfolio score` scores them.", "lists:Portfolio", "report", "lake store"),
    UseCase("portfolio score", "Score every operator of the lake, and keep it.", "lake:PortfolioScore", "table", "lake store", right="operate", seconds=None),
    UseCase("churn-risk", "Who may leave: ranked by what would be lost, with the signs for and against.", "lists:ChurnRisk", "report", "live lake store"),
    UseCase("history show", "An operator's score over time.", "past:OfOperator", "report", "live store"),
    UseCase("history backfill", "Fill the history with the weeks that it lacks.", "past:Backfill", "lines", "lake store", right="operate", seconds=None),
    UseCase("history snapshot", "Score the portfolio now and keep it.", "past:Take", "lines", "lake store", right="operate", seconds=None),
    UseCase("history list", "The snapshots of the history.", "past:All", "table", "store"),
    UseCase("history verify", "Score a snapshot again and compare.", "past:Verify", "lines", "lake store", seconds=None),
    UseCase("history prune", "Thin the history out.", "past:Prune", "lines", "lake store", right="operate", seconds=None),
    UseCase("alerts", "What needs attention now, the most urgent first; check, acknowledge, snooze, assign, simulate.", "alerts:Open", "report", "store"),
    UseCase("alerts check", "Judge the snapshots that were scored.", "alerts:Check", "report", "lake store", right="operate", seconds=None),
    UseCase("alerts show", "One alert in full.", "alerts:One", "report", "store"),
    UseCase("alerts ack", "Note that an alert has been seen.", "alerts:Seen", "lines", "store", right="act"),
    UseCase("alerts unack", "Take back that an alert has been seen.", "alerts:Unseen", "lines", "store", right="act"),
    UseCase("alerts snooze", "Hide an alert until a day.", "alerts:Snooze", "lines", "store", right="act"),
    UseCase("alerts assign", "Give an alert to a person.", "alerts:Assignment", "lines", "store", right="act"),
    UseCase("alerts tell", "Put messages about what is new into the outbox.", "alerts:Tell", "lines", "lake store", right="operate", seconds=None),
    UseCase("alerts tasks", "Write alerts to HubSpot as tasks of their account owners, and complete those that are over; without --send it shows what would be.", "alert_tasks:AlertTasksRequest", "table", "live lake store", right="export", seconds=None),
    UseCase("alerts rules", "The alert rules.", "alerts:Rules", "lines"),
    UseCase("alerts simulate", "What the rules would have raised on the history.", "alerts:Simulation", "report", "lake store", seconds=None),
    UseCase("calibrate", "Fit a scorecard's points to real churn, as far as there is any; `calibrate predict` scores by it.", "trials:Calibrate", "report beside", "lake store", right="configure", seconds=None),
    UseCase("calibrate predict", "Score, band and probability of churn for each row of a table.", "trials:Predict", "text", right="operate", seconds=None),
    UseCase("backtest", "How well scorecards told on past dates who would leave; --gate OLD NEW for CI.", "trials:Backtest", "report", "lake store", seconds=None),
    UseCase("thresholds", "Where a scorecard should alert: by capacity or cost, on churn that happened.", "trials:Thresholds", "report printed", "lake store", right="configure", seconds=None),
    UseCase("scorecard use", "Make a scorecard the default, behind the gate.", "trials:UseCard", "lines", "lake store", right="configure", seconds=None),
    UseCase("drift", "Whether a calibration still holds, month by month.", "trials:Drift", "report printed", "lake store", right="configure", seconds=None),
    UseCase("outcome done", "What was done about an operator.", "outcomes:Done", "lines", "store", right="act"),
    UseCase("outcome churn", "Why an operator left.", "outcomes:Churn", "lines", "store", right="act"),
    UseCase("outcome list", "What was recorded.", "outcomes:Listed", "report", "store"),
    UseCase("outcome retract", "Take a record back.", "outcomes:Retraction", "lines", "store", right="act"),
    UseCase("matches list", "Tickets, conversations and reviews that are probably an operator's, for a decision.", "matches:Listed", "table", "lake store"),
    UseCase("matches confirm", "Say that a record is an operator's.", "matches:Confirm", "lines", "lake store", right="act"),
    UseCase("matches refuse", "Say that a record is not an operator's.", "matches:Refuse", "lines", "lake store", right="act"),
    UseCase("matches reopen", "Take back what was decided of a match.", "matches:Reopen", "lines", "lake store", right="act"),
    UseCase("reviews import", "Keep the reviews of a file: about us, or about operators.", "reviews:Import", "lines", "lake store", right="operate", seconds=None),
    UseCase("reviews fetch", "Ask G2 for what operators wrote about our product.", "reviews:Fetch", "lines", "live lake store", right="operate", seconds=None),
    UseCase("reviews list", "The reviews that are kept: whose, where, when, how sure the match is.", "reviews:Listed", "table", "lake store"),
    UseCase("reviews place", "Say which place at Google is an operator's; its id alone is kept.", "reviews:ConfirmPlace", "lines", "lake store", right="act"),
    UseCase("reviews live", "What passengers wrote about an operator at Google: shown, never kept.", "reviews:Live", "text", "live lake store"),
    UseCase("reviews forget", "Forget everything of a place where reviews were written.", "reviews:Forget", "lines", "store", right="configure"),
    UseCase("why", "Why a figure or a judgement is as it is: value, meaning, the records behind it.", "one:Why", "explanation", "live"),
    UseCase("verify", "Whether each number of a draft is what the sources say.", "one:Verify", "verdicts", "live"),
    UseCase("metrics", "List the metrics.", "house:Metrics", "lines"),
    UseCase("rules", "List a scorecard's rules.", "house:Rules", "lines"),
    UseCase("playbook", "List what reports advise when: what raises it, who does it, until when.", "house:Playbook", "lines"),
    UseCase("tables", "The canonical tables and their columns: what `import` takes.", "lake:Tables", "lines"),
    UseCase("doctor", "Check settings, credentials and the open questions on live systems.", "house:Doctor", "lines", "live", right="configure", seconds=None),
    UseCase("facts list", "What others say of an operator's firm.", "facts:Listed", "table", "lake store"),
    UseCase("facts fetch", "Ask a provider about operators' firms, and keep what it says.", "facts:Asked", "lines", "live lake store", right="operate", seconds=None),
    UseCase("facts import", "Take company facts from a file, CSV or Parquet.", "facts:Imported", "lines", "lake store", right="operate", seconds=None),
    UseCase("facts forget", "Remove all that a provider said.", "facts:Forgotten", "lines", "store", right="configure", seconds=None),
    UseCase("facts budget", "The providers of company facts, and what was spent on each this month.", "facts:Budget", "table", "store", right="operate"),
    UseCase("tokens create", "Make an API token; it is shown once.", "asking:CreateToken", "text", "store", right="configure"),
    UseCase("tokens list", "The API tokens, without their secrets.", "asking:ListTokens", "report", "store", right="configure"),
    UseCase("tokens revoke", "Take an API token back.", "asking:RevokeToken", "lines", "store", right="configure"),
    UseCase("sessions list", "Who is signed in on the web pages.", "signed_in:Sessions", "table", "store", right="configure"),
    UseCase("sessions end", "Sign somebody out of the web pages, in every browser.", "signed_in:EndSessions", "lines", "store", right="configure"),
    UseCase("audit list", "Who asked for what of whom.", "asking:Audit", "report", "store", right="configure"),
    UseCase("audit prune", "Remove what was noted long ago.", "asking:PruneAudit", "lines", "store", right="configure"),
    UseCase("outbox list", "What is to be sent and was: to whom, by which way, how it stands.", "deliveries:Deliveries", "report", "store", right="configure"),
    UseCase("outbox show", "One delivery in full, and what it says.", "deliveries:OneDelivery", "report", "store", right="configure"),
    UseCase("outbox retry", "Have deliveries sent again.", "deliveries:Retry", "lines", "store", right="configure"),
    UseCase("outbox drop", "Have a delivery not sent.", "deliveries:Drop", "lines", "store", right="configure"),
    UseCase("outbox send", "Send what is due now, once.", "deliveries:SendDue", "lines", "store", right="configure", seconds=None),
    UseCase("outbox forget", "Forget what old messages said.", "deliveries:ForgetSent", "lines", "store", right="configure"),
    UseCase("slack allow", "Let somebody ask in Slack, by e-mail address.", "slack_people:Allow", "lines", "store", right="configure"),
    UseCase("slack people", "Who may ask in Slack.", "slack_people:People", "table", "store", right="configure"),
    UseCase("slack remove", "Let somebody ask in Slack no longer.", "slack_people:Remove", "lines", "store", right="configure"),
    UseCase("schedule add", "Have a use case done by itself.", "schedules:Add", "lines", "store", right="configure"),
    UseCase("schedule list", "The schedules: what each does, when, to whom, how it went.", "schedules:Listed", "table", "store"),
    UseCase("schedule next", "When schedules come next, by their clock and in UTC.", "schedules:Next", "table", "store"),
    UseCase("schedule runs", "How the runs of schedules went, skipped and late ones too.", "schedules:Runs", "table", "store", right="configure"),
    UseCase("schedule run", "Do what a schedule says now.", "schedules:RunNow", "lines", "live lake store", right="operate", seconds=None),
    UseCase("schedule pause", "Have a schedule do nothing for now.", "schedules:Pause", "lines", "store", right="configure"),
    UseCase("schedule resume", "Have a paused schedule go on.", "schedules:Resume", "lines", "store", right="configure"),
    UseCase("schedule remove", "Remove a schedule and its runs.", "schedules:Remove", "lines", "store", right="configure"),
    UseCase("me show", "How a person is told.", "people:Show", "lines", "store"),
    UseCase("me set", "Say where and by which clock a person is told, and in which hours not.", "people:Settings", "lines", "store"),
    UseCase("me mute", "Send a person no messages of a kind.", "people:Mute", "lines", "store"),
    UseCase("me unmute", "Send a person messages of a kind again.", "people:Unmute", "lines", "store"),
    UseCase("me list", "Everybody of whom it is known how they want to be told.", "people:Everybody", "table", "store", right="configure"),
    UseCase("me forget", "Remove what is known of how a person wants to be told.", "people:Forget", "lines", "store"),
    UseCase("config show", "Every setting, its value, and where it comes from.", "house:Config", "lines", right="configure"),
)
# fmt: on

USE_CASES: Mapping[str, UseCase] = {case.name: case for case in _ALL}
"""The use cases by name, in the order of the documentation."""


def use_case(name: str) -> UseCase:
    """A use case by its name.

    Raises:
        UsageError: there is none.
    """
    if name in USE_CASES:
        return USE_CASES[name]
    import difflib

    from customer_research.errors import UsageError

    close = difflib.get_close_matches(name, USE_CASES, n=2)
    hint = f"Did you mean {' or '.join(close)}?" if close else ""
    raise UsageError(f"There is no use case {name[:60]!r}.", hint=hint)
