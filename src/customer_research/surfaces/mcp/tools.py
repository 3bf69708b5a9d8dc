"""The nine tools: which use case each asks, what it takes, and what of the answer it hands on first.

All read, and asking twice changes nothing. Their order is that in which an agent needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from customer_research.documents.small_answer import AIM, LARGER
from customer_research.research.usecases.registry import USE_CASES, ReportOfKind
from customer_research.surfaces.mcp.parameters import Parameter

Arguments = Mapping[str, Any]

KINDS = (*(name for name, case in USE_CASES.items() if isinstance(case, ReportOfKind)), "churn-risk")
"""The reports about one operator."""

VIEWS = ("today", "renewals", "attention", "churn-risk", "week", "totals")
"""What `portfolio_at_risk` may list."""

_VIEWS: Mapping[str, str] = {
    "today": "today",
    "renewals": "renewals",
    "attention": "portfolio",
    "churn-risk": "churn-risk",
    "week": "digest",
    "totals": "report",
}


ASKED = "asked"
"""The part of a lookup that has the one field of the contacts."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One use of a use case, and the parts of its report that are wanted (none: all)."""

    use_case: str
    request: Mapping[str, Any]
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool.

    Args:
        name, title: as programs and as people call it.
        about: what it answers, and when to use it rather than another.
        parameters: what it takes.
        asks: the use cases that its arguments lead to; the answers of several are told one after the other.
        listed: which values of `view` list operators, so that the list may go on; "": it does without one.
    """

    name: str
    title: str
    about: str
    parameters: tuple[Parameter, ...]
    asks: Callable[[Arguments], tuple[Ask, ...]]
    listed: tuple[str, ...] = ()

    def lists(self, given: Arguments) -> bool:
        """Whether the answer is a list that may go on."""
        return given.get("view", self.listed[0] if self.listed else None) in self.listed

    def room(self, given: Arguments) -> int:
        """How many characters the answer may have: more where certain parts of it are asked for."""
        return LARGER if given.get("sections") else AIM


_OPERATOR = Parameter("operator", "Operator id (best), name, e-mail, domain, phone, Stripe or HubSpot id.", needed=True)
_FIELD = Parameter(
    "field", "Only if the user asks: one field of the contacts unmasked; it is noted.", field="lookup field"
)
_OWNER = Parameter("owner", "Account owner: HubSpot id, name or a part of it; without: everybody's.")
_CURSOR = Parameter("cursor", "next_cursor of the answer before, with the same other arguments.", most=600)


def _find(given: Arguments) -> tuple[Ask, ...]:
    field = {"field": given["field"]} if "field" in given else {}
    return (Ask("lookup", {"term": given["term"], **field}),)


def _report(given: Arguments) -> tuple[Ask, ...]:
    kind = given.get("kind", "brief")
    occasion = {name: given[name] for name in ("audience", "meeting", "since") if name in given}
    request = {"kind": kind, "operators": (given["operator"],), **occasion}
    report = Ask("report", request)
    if "field" not in given:
        return (report,)
    return (report, Ask("lookup", {"term": given["operator"], "field": given["field"]}, (ASKED,)))


def _health(given: Arguments) -> tuple[Ask, ...]:
    if given.get("assume"):
        return (Ask("whatif", {"operator": given["operator"], "assumptions": given["assume"]}),)
    return (Ask("health", {"operator": given["operator"]}),)


def _changes(given: Arguments) -> tuple[Ask, ...]:
    since = {"since": given["since"]} if "since" in given else {}
    return (
        Ask("account-review", {"operator": given["operator"], **since}, ("headline", "value", "wins", "health")),
        Ask("profile", {"operator": given["operator"]}, ("activity",)),
        Ask("history show", {"operator": given["operator"]}, ("headline", "health", "readings", "moved")),
    )


def _compare(given: Arguments) -> tuple[Ask, ...]:
    return (Ask("compare", {"operators": given["operators"]}),)


def _at_risk(given: Arguments) -> tuple[Ask, ...]:
    view = given.get("view", "today")
    whose = {"owner": given["owner"]} if "owner" in given else {}
    if view == "today":
        return (Ask("today", {"whose": {**whose, "team": not whose}, "every": True, "unnoted": True}),)
    if view == "renewals":
        days = {"days": given["days"]} if "days" in given else {}
        return (Ask("renewals", {"whose": {**whose, "team": not whose}, **days}),)
    if view == "week":
        return (Ask("digest", {}),)
    if view == "totals":
        summary = Ask(
            "report", {"kind": "portfolio-summary"}, ("headline", "summary", "money", "movers", "disagreements")
        )
        return (summary, Ask("portfolio", {"choice": {"limit": 0}}, ("groups",)))
    chosen = {f"{name}s": (given[name],) for name in ("band", "segment") if name in given}
    chosen |= {name: given[name] for name in ("min_mrr", "search") if name in given}
    return (Ask(_VIEWS[view], {"choice": {**whose, **chosen, "limit": 0}}),)


def _alerts(given: Arguments) -> tuple[Ask, ...]:
    chosen = {name: given[name] for name in ("owner", "rule", "all") if name in given}
    severity = {"severities": (given["severity"],)} if "severity" in given else {}
    return (Ask("alerts", {**chosen, **severity, "limit": 0}),)


def _why(given: Arguments) -> tuple[Ask, ...]:
    chosen = {name: given[name] for name in ("replay", "rows") if name in given}
    return (Ask("why", {"operator": given["operator"], "metric": given["figure"], **chosen}),)


def _verify(given: Arguments) -> tuple[Ask, ...]:
    draft = {"name": "draft", "content": given["draft"].encode()}
    return (Ask("verify", {"draft": draft, "operators": given["operators"], "kind": given.get("cites", "")}),)


TOOLS: tuple[Tool, ...] = (
    Tool(
        "operator_find",
        "Find an operator",
        "Which operator a name or any identifier means: e-mail, phone, domain, Stripe or HubSpot id, invoice, ticket, trip or "
        "charge number. Status ambiguous: ask the user which candidate is meant, never choose.",
        (Parameter("term", field="lookup term", needed=True), _FIELD),
        _find,
    ),
    Tool(
        "operator_report",
        "Report on one operator",
        "One operator, by question. brief: prepare a call. profile: who they are. billing: plan, end, next bill, invoices with "
        "their attempts. reservations: usage, season or decline. payments: their passengers' cards. account-review: review with "
        "tickets; audience customer gives words safe for the customer. churn-risk: will they leave. quick: one line.",
        (
            _OPERATOR,
            Parameter("kind", "Which report; default brief.", words=KINDS),
            Parameter("sections", "Only these parts (as in `part` and `left_out`), with more room.", many=12),
            Parameter("audience", field="report audience"),
            Parameter("meeting", field="report meeting"),
            Parameter("since", "Look back to this day (2026-10-01).", most=10),
            _FIELD,
        ),
        _report,
    ),
    Tool(
        "operator_health",
        "Health score, taken apart",
        "Why the score is as it is: points of each rule, caps, findings, what to do. With assume: what the score would be if "
        "figures were other than they are.",
        (
            _OPERATOR,
            Parameter("assume", "Assumed figures, metric=value: overdue_invoices=0, trend_30d=5%.", many=10),
            Parameter("sections", "Only these parts, with more room.", many=12),
        ),
        _health,
    ),
    Tool(
        "operator_changes",
        "What changed at an operator",
        "Figures since a day against before and a year before, dated events of the last 30 days, and how the score moved.",
        (_OPERATOR, Parameter("since", "The day (2026-10-01); default: the last review, else 90 days ago.", most=10)),
        _changes,
    ),
    Tool(
        "operators_compare",
        "Compare operators",
        "Two to ten operators side by side, the figures that differ first.",
        (Parameter("operators", "Two to ten operators, ids best.", needed=True, many=10),),
        _compare,
    ),
    Tool(
        "portfolio_at_risk",
        "Whom to call, over all operators",
        "Lists from the newest snapshot. today: whom to call first, why, until when, MRR. renewals: what ends, renews, bills. "
        "attention: who is At Risk or Critical. churn-risk: who may leave, by loss. week: what changed in the week. totals: "
        "operators and MRR by band, segment and currency.",
        (
            Parameter("view", "Which list; default today.", words=VIEWS),
            _OWNER,
            Parameter("band", field="portfolio choice.bands"),
            Parameter("segment", field="portfolio choice.segments"),
            Parameter("min_mrr", field="portfolio choice.min_mrr", kind="number", least=0),
            Parameter("search", field="portfolio choice.search"),
            Parameter("days", field="renewals days", kind="count", least=1, most=3650),
            _CURSOR,
        ),
        _at_risk,
        listed=("today", "renewals", "attention", "churn-risk"),
    ),
    Tool(
        "alerts_list",
        "Open alerts",
        "What needs attention now, one line an operator, the most urgent first, with reason and next step.",
        (
            _OWNER,
            Parameter("severity", field="alerts severities"),
            Parameter("rule", field="alerts rule"),
            Parameter("all", field="alerts all", kind="yes or no"),
            _CURSOR,
        ),
        _alerts,
        listed=("",),
    ),
    Tool(
        "figure_why",
        "Where a figure comes from",
        "One figure or judgement: formula, records behind it, requests as sent; replay fetches it again and compares.",
        (
            _OPERATOR,
            Parameter(
                "figure",
                "A metric (mrr, overdue_invoices), score, a dimension, a rule (E3), a cap or a finding (R9).",
                needed=True,
            ),
            Parameter("replay", field="why replay", kind="yes or no"),
            Parameter("requests", field="why requests", kind="yes or no"),
            Parameter("rows", field="why rows", kind="count", least=1, most=100),
        ),
        _why,
    ),
    Tool(
        "draft_verify",
        "Check a draft",
        "Whether each number, date, amount and share of a text is supported, contradicted or unsupported by what the sources "
        "say. Use it on what you wrote before you hand it over.",
        (
            Parameter("draft", "The text.", needed=True, most=20_000),
            Parameter("operators", "Whom it is about.", needed=True, many=10),
            Parameter("cites", "The kind of report whose citation numbers [3] the text has.", words=KINDS),
        ),
        _verify,
    ),
)
"""The tools, in the order in which they are listed."""
