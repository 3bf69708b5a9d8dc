"""Who may have what: every use case by rights, by one owner's book, without what operators pay, without personal data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from usecase_requests import OPERATORS

from customer_research.documents.formats import explanation, render
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Fact
from customer_research.domain.explanation import Explanation
from customer_research.domain.report import Report, Text
from customer_research.domain.words import value_words
from customer_research.errors import AmbiguousOperator, NotAllowed, OperatorNotFound
from customer_research.reports.kinds import OPERATOR_KINDS
from customer_research.research import Research
from customer_research.research.one.withheld import is_money
from customer_research.research.portfolio.own_book import OwnBook, own_book
from customer_research.research.usecases import (
    RIGHTS,
    SEES,
    USE_CASES,
    Actor,
    Answer,
    Call,
    Runner,
    Use,
    finished,
    validated,
)
from customer_research.research.usecases.access import by_rights
from customer_research.settings import Settings, StoreSettings
from customer_research_sandbox.serve import Sandbox

FOREIGN, UNPAID = OPERATORS[0], OPERATORS[2]
"""An operator of the demo that is of another's book below; one with an invoice whose payment failed."""


@dataclass(frozen=True)
class Case:
    """How a use case is asked, and what becomes of it for whom.

    `finance` where its actor may not see what operators pay: `gaps` (told without), `refused`, `none` (it tells nothing of it).
    `book` where its actor may see one owner's operators alone: `named` (others are refused), `own` (narrowed to theirs),
    `refused` (it tells of everybody), `none` (it tells of nobody).
    """

    given: Mapping[str, Any]
    finance: str
    book: str


def _about(finance: str = "gaps", **given: Any) -> Case:
    return Case({"operator": FOREIGN, **given}, finance, "named")


def _list(**given: Any) -> Case:
    return Case(given, "refused", "own")


def _all(**given: Any) -> Case:
    return Case(given, "refused", "refused")


def _nothing(**given: Any) -> Case:
    return Case(given, "none", "none")


ALERT = {"alert": "0123abcd"}
CASES: Mapping[str, Case] = {
    "lookup": Case({"term": FOREIGN}, "gaps", "named"),
    **{name: _about() for name in ("quick", "profile", "billing", "reservations", "payments", "health")},
    **{name: _about() for name in ("account-review", "brief")},
    "report": Case({"kind": "quick", "operators": (FOREIGN,)}, "gaps", "named"),
    "report all": Case({"folder": "pages"}, "refused", "refused"),
    "digest": _list(),
    "snapshot": _all(operator=FOREIGN),
    "diff": _all(before="a", after="b"),
    "export": Case({"kind": "quick", "operator": FOREIGN}, "gaps", "refused"),
    "write-back": _all(),
    "compare": Case({"operators": (OPERATORS[1], FOREIGN)}, "gaps", "named"),
    "batch": Case({"file": {"name": "", "content": b"x"}}, "gaps", "refused"),
    "whatif": _about(assumptions=("open_tickets=1",)),
    "missing": _about(),
    "sync": _all(),
    "import": _all(folder="tables"),
    "score": _nothing(tables="tables"),
    "today": _list(),
    "renewals": _list(),
    "standing": _about("refused"),
    "meetings list": _list(kept=True),
    "meetings plan": _all(),
    "portfolio": _list(),
    "portfolio score": _all(),
    "churn-risk": _list(),
    "history show": _about("refused"),
    "history backfill": _all(),
    "history snapshot": _all(),
    "history list": _all(),
    "history verify": _all(),
    "history prune": _all(keep_daily=1),
    "alerts": _list(),
    "alerts check": _all(),
    "alerts tasks": _all(),
    "alerts show": Case(ALERT, "refused", "named"),
    "alerts ack": Case(ALERT, "refused", "named"),
    "alerts unack": Case(ALERT, "refused", "named"),
    "alerts snooze": Case({**ALERT, "until": "now"}, "refused", "named"),
    "alerts assign": Case({**ALERT, "name": "Kim"}, "refused", "named"),
    "alerts tell": _all(to=("file:x",)),
    "alerts rules": _nothing(),
    "alerts simulate": _all(),
    "calibrate": _all(),
    "calibrate predict": _nothing(scorecard="x", signals="y", output="z"),
    "backtest": _all(),
    "thresholds": _all(),
    "scorecard use": _all(name="canonical"),
    "drift": _all(),
    "outcome done": _about("refused", kind="call"),
    "outcome churn": _about("refused", reason="price"),
    "outcome list": _about("refused"),
    "outcome retract": _all(record="abcd"),
    "matches list": Case({}, "refused", "own"),
    "matches confirm": _about("refused", record="abcd"),
    "matches refuse": _about("refused", record="abcd"),
    "matches reopen": _about("refused", record="abcd"),
    "facts list": _about("refused"),
    "facts fetch": _all(provider="fmcsa"),
    "facts import": _all(file="facts.csv", provider="other", licence="ours"),
    "facts forget": _all(provider="other"),
    "facts budget": _all(),
    "reviews import": _all(file="reviews.csv", about="us", place="Capterra", licence="x"),
    "reviews fetch": _all(),
    "reviews list": _about("refused"),
    "reviews place": _about("refused", place_id="ChIJx"),
    "reviews live": _about("refused"),
    "reviews forget": _all(place="G2"),
    "why": _about(metric="mrr"),
    "verify": Case({"draft": {"name": "", "content": b"x"}, "operators": (FOREIGN,)}, "gaps", "named"),
    "metrics": _nothing(),
    "rules": _nothing(),
    "playbook": _nothing(),
    "tables": _nothing(),
    "doctor": Case({}, "none", "refused"),
    "tokens create": _all(name="x", email="ada@example.com"),
    "tokens list": _all(),
    "tokens revoke": _all(token="x"),
    "sessions list": _all(),
    "sessions end": _all(who="ada@example.com"),
    "audit list": _all(),
    "audit prune": _all(days=1),
    "outbox list": _all(),
    "outbox show": _all(key="0" * 32),
    "outbox retry": _all(keys=("0" * 32,)),
    "outbox drop": _all(key="0" * 32),
    "outbox send": _all(),
    "outbox forget": _all(days=1),
    "slack allow": _all(email="ada@example.com"),
    "slack people": _all(),
    "slack remove": _all(email="ada@example.com"),
    "config show": _nothing(),
    "schedule add": _all(name="weekly-digest"),
    "schedule list": _nothing(),
    "schedule next": _nothing(),
    "schedule runs": _all(),
    "schedule run": _all(name="nightly-sync"),
    "schedule pause": _all(name="nightly-sync"),
    "schedule resume": _all(name="nightly-sync"),
    "schedule remove": _all(name="nightly-sync"),
    "me show": _nothing(),
    "me set": _nothing(zone="UTC"),
    "me mute": _nothing(),
    "me unmute": _nothing(),
    "me list": _nothing(),
    "me forget": _nothing(),
}


@pytest.fixture(scope="module")
def book(portfolio_settings: Settings) -> OwnBook:
    """The book of an owner who does not look after the operator `FOREIGN`."""
    from customer_research.research.portfolio.books import looking
    from customer_research.store.books import Books

    with looking(portfolio_settings, _now(portfolio_settings)) as (store, ready):
        owners = [owner for owner in Books(store).owners(ready) if owner.owner_id]
    books = [own_book(portfolio_settings, owner.owner_id, _now(portfolio_settings)) for owner in owners]
    return next(one for one in books if not one.holds(FOREIGN) and len(one.operators) > 2)


def _now(settings: Settings) -> Any:
    assert settings.clock is not None
    return settings.clock


def _actor(*, book: str = "", without: str = "") -> Actor:
    return Actor("ada@example.com", "test", (RIGHTS | SEES) - {without}, book)


def asked(
    settings: Settings, name: str, given: Mapping[str, Any], actor: Actor, heard: list[Use] | None = None
) -> Answer:
    """The answer to one request of an actor."""

    async def use() -> Answer:
        async with Runner(settings, audit=(heard if heard is not None else []).append) as runner:
            return await runner.use(name, given, actor)

    return finished(use())


def test_every_use_case_has_an_access_case() -> None:
    assert CASES.keys() == USE_CASES.keys()


@pytest.mark.parametrize("name", USE_CASES)
def test_each_needs_its_right(name: str) -> None:
    case = USE_CASES[name]
    request = validated(case.request(), CASES[name].given)
    by_rights(_actor(), case, request)
    with pytest.raises(NotAllowed, match=rf"ada@example.com may not use {name}\.") as refused:
        by_rights(_actor(without=case.right), case, request)
    assert case.right in refused.value.hint


@pytest.mark.parametrize("name", USE_CASES)
def test_each_without_what_operators_pay_is_told_without_or_refused(name: str) -> None:
    case = USE_CASES[name]
    request = validated(case.request(), CASES[name].given)
    if CASES[name].finance != "refused":
        by_rights(_actor(without="finance"), case, request)
        return
    with pytest.raises(NotAllowed) as refused:
        by_rights(_actor(without="finance"), case, request)
    assert "permission finance" in refused.value.hint


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.book == "refused"])
def test_what_tells_of_everybody_is_refused_to_who_sees_one_book(
    name: str, portfolio_settings: Settings, book: OwnBook
) -> None:
    with pytest.raises(NotAllowed, match="for everybody"):
        asked(portfolio_settings, name, CASES[name].given, _actor(book=book.owner_id))


@pytest.mark.parametrize("surface", ["slack", "mcp", "test"])
@pytest.mark.parametrize("address", ["slack:U0123", "slack:C0123", "email:other@example.com"])
def test_only_slack_says_whose_place_in_slack_is_whose(
    surface: str, address: str, portfolio_settings: Settings, tmp_path: Path
) -> None:
    settings = portfolio_settings.model_copy(
        update={"store": StoreSettings.model_validate({"url": f"sqlite:///{tmp_path}/store.db"})}
    )
    actor = Actor("ada@example.com", surface, (RIGHTS | SEES) - {"configure"})
    given = {"email": "ada@example.com", "address": address}
    if (surface, address) == ("slack", "slack:U0123"):
        assert asked(settings, "me set", given, actor).state == "done"
        return
    with pytest.raises(NotAllowed, match="may not say that others"):
        asked(settings, "me set", given, actor)


NAMED = [name for name, case in CASES.items() if case.book == "named" and "alert" not in case.given]


@pytest.mark.parametrize("name", NAMED)
def test_anothers_operator_is_refused_and_the_audit_says_whose(
    name: str, portfolio_settings: Settings, book: OwnBook, clean_sandbox: Sandbox
) -> None:
    heard: list[Use] = []
    own = min(book.operators)
    given = {
        key: (own, FOREIGN) if name == "compare" and key == "operators" else v for key, v in CASES[name].given.items()
    }
    with pytest.raises(NotAllowed, match="another's book"):
        asked(portfolio_settings, name, given, _actor(book=book.owner_id), heard)
    assert [(use.outcome, use.operator, use.receipts, use.size) for use in heard] == [("NotAllowed", FOREIGN, (), 0)]
    assert clean_sandbox.request_log == [], "nobody was asked"


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.book == "own"])
def test_lists_are_narrowed_to_the_own_book(name: str, portfolio_settings: Settings, book: OwnBook) -> None:
    actor = _actor(book=book.owner_id)
    if name != "alerts":  # no alert has been raised in this store
        chosen = {"choice": {"limit": 0}} if name in {"portfolio", "churn-risk"} else {"whose": {"team": True}}
        kept = {"kept": True} if name == "meetings list" else {}  # this store is to be read only
        everybody = {} if name == "digest" else {**chosen, **kept}
        shown = set(_operators(asked(portfolio_settings, name, everybody, actor).body))
        # nothing moved in this store, and no calendar was read: test_ready and test_listing have ones that name some
        assert shown or name in {
            "digest",
            "meetings list",
            "matches list",
        }  # the last is a table of words: test_matches
        assert shown <= book.operators
    with pytest.raises(NotAllowed, match="may see no other's book"):
        asked(portfolio_settings, name, _of_another(name), actor)


def _operators(told: Any) -> Iterator[str]:
    """The operators that a report names."""
    if isinstance(told, Text) and told.operator:
        yield told.operator
    elif isinstance(told, tuple):
        for one in told:
            yield from _operators(one)
    elif dataclasses.is_dataclass(told) and not isinstance(told, Fact):
        for field in dataclasses.fields(told):
            yield from _operators(getattr(told, field.name))


def _of_another(name: str) -> Mapping[str, Any]:
    if name in {"today", "renewals", "meetings list", "matches list"}:
        return {"whose": {"owner": "somebody else"}}
    return {"owner": "somebody else"} if name in {"alerts", "digest"} else {"choice": {"owner": "somebody else"}}


def test_a_name_means_the_operator_of_the_own_book(portfolio_settings: Settings, book: OwnBook) -> None:
    own = min(book.operators)
    actor, heard = _actor(book=book.owner_id), list[Use]()
    found = asked(portfolio_settings, "lookup", {"term": own}, actor).body
    assert isinstance(found, Report)
    assert asked(portfolio_settings, "quick", {"operator": found.operator_name or own}, actor, heard).state == "done"
    assert [use.operator for use in heard] == [own]
    with pytest.raises(AmbiguousOperator, match="operators of your book answer to 'an'") as many:
        asked(portfolio_settings, "quick", {"operator": "an"}, actor)
    assert all(book.holds(one.operator_id) for one in many.value.candidates)
    with pytest.raises(OperatorNotFound):
        asked(portfolio_settings, "quick", {"operator": "nobody is called so"}, actor)
    assert asked(portfolio_settings, "metrics", {}, actor).state == "done"
    with pytest.raises(NotAllowed, match="No operator has the account owner 0"):
        asked(portfolio_settings, "quick", {"operator": own}, _actor(book="0"))


def test_two_owners_of_one_name_have_no_list_by_name() -> None:
    book = OwnBook("1", "Kim Lee", frozenset({"a"}), namesakes=True)
    with pytest.raises(NotAllowed, match="Two account owners are called Kim Lee"):
        book.name_alone()


# -- what operators pay ------------------------------------------------------------------------------------------------

BLIND = _actor(without="finance")
KEPT_BACK = ("/invoices", "/payments", "/credit_notes", "/applied_coupons")


@pytest.mark.parametrize("kind", [*(name for name in OPERATOR_KINDS if name != "history"), "lookup", "why", "missing"])
def test_without_finance_nothing_of_it_is_asked_or_told(
    kind: str, settings: Settings, clean_sandbox: Sandbox, amounts: Mapping[str, set[str]]
) -> None:
    """The amounts that the whole report has from billing stand in no word of this one."""
    for operator, secrets in amounts.items():
        given = {"term": operator} if kind == "lookup" else {"operator": operator}
        if kind == "why":
            given["metric"] = "mrr"
        clean_sandbox.clear_request_log()
        answer = asked(settings, kind, given, BLIND)
        assert not [one.path for one in clean_sandbox.request_log if one.path.endswith(KEPT_BACK)]
        told = _written(answer)
        for amount in secrets:
            assert amount not in told, [line for line in told.splitlines() if amount in line]
        assert answer.state == "partial"
        assert "not permitted" in told


@pytest.fixture(scope="module")
def amounts(settings: Settings) -> Mapping[str, set[str]]:
    """What two operators pay and are paid, in words."""
    return {operator: _amounts(settings, operator) for operator in (UNPAID, OPERATORS[1])}


def _amounts(settings: Settings, operator: str) -> set[str]:
    async def read() -> set[str]:
        async with Research(settings) as research:
            figures = (await research.account(operator)).figures
        kept = (figures[metric.name] for metric in METRICS.values() if is_money(metric))
        return {value_words(one) for one in kept if isinstance(one, Fact) and one.unit in {"money", "usd_minor"}} - {
            "$0.00"
        }

    found = finished(read())
    assert found
    return found


def _written(answer: Answer) -> str:
    if isinstance(answer.body, Explanation):
        return explanation.as_text(answer.body, show_personal=False, requests=True, sql=False)
    assert isinstance(answer.body, Report)
    return render(answer.body, "markdown").decode() + render(answer.body, "json").decode()


def test_without_finance_the_score_says_that_it_is_not_settled(settings: Settings) -> None:
    told = _written(asked(settings, "health", {"operator": UNPAID}, BLIND))
    assert "not settled" in told.lower()


# -- personal data -----------------------------------------------------------------------------------------------------


def test_personal_data_needs_its_permission(settings: Settings) -> None:
    shown = {"kind": "quick", "operator": FOREIGN, "show_personal": True}
    request = validated(USE_CASES["export"].request(), shown)
    by_rights(_actor(), USE_CASES["export"], request)
    with pytest.raises(NotAllowed) as refused:
        by_rights(_actor(without="personal"), USE_CASES["export"], request)
    assert refused.value.hint == "Leave the personal data masked. It needs the permission personal."


def test_the_settings_show_personal_data_to_who_may_see_it_alone(settings: Settings) -> None:
    open_hearted = settings.model_copy(update={"show_personal": True})
    for actor, shown in ((_actor(), True), (_actor(without="personal"), False)):
        call = Call(USE_CASES["quick"], actor, lambda: open_hearted)
        assert call.settings.show_personal is shown
