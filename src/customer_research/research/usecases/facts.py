"""Use cases of company facts: what is kept, asking providers, taking files, what was spent, forgetting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_research.documents.masking import mask_text
from customer_research.domain.firm import FIELDS, FirmFact, sureness
from customer_research.domain.words import clean, counted, shortened, unit_words
from customer_research.research import options
from customer_research.research.request import Request, argument, option, part, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, Table, lines
from customer_research.research.usecases.books import Whose

if TYPE_CHECKING:
    from customer_research.research.company_facts import Account, Fetch
    from customer_research.research.usecases.runner import Call

SCHEMA = "customer-research.facts/1"
_VALUE, _NAME = 40, 40


@request
class Listed(Request):
    """What others say of OPERATOR's firm: each value with its provider, how sure it is that the record is the operator's, of which
    day it is, and until when it is good.

    It asks nobody. A value whose day is over is too old to use. Candidates, which a name and a town alone speak for, stand here and in no report.
    """

    DOCUMENT = "JSON."
    WHOSE = ("operator",)

    operator: str = options.operator()

    def answer(self, call: Call) -> Answer:
        now = call.clock()
        operator_id, name, facts = rooms.company_facts.listed(call.settings, self.operator, now)
        told = [_fact_document(one, is_stale=one.is_stale(now)) for one in facts]
        document = {"schema": SCHEMA, "operator_id": operator_id, "name": clean(name), "facts": told}
        if not facts:
            return lines(f"No company facts are kept of {shortened(clean(name), _NAME)}.", document=document)
        rows = tuple(
            (
                f"{FIELDS[one.field].label} ({clean(rooms.firm_facts.title_of(one.provider))})",
                "too old to use" if one.is_stale(now) else _value(one),
                sureness(one),
                *(
                    f"{day:%Y-%m-%d}" if day is not None else ""
                    for day in (one.observed_at, one.fetched_at, one.expires_at)
                ),
            )
            for one in facts
        )
        before = (f"{shortened(clean(name), _NAME)}: {counted(len(facts), 'company fact')}; none takes points.",)
        return Answer(
            Table(("Fact", "Value", "Match", "As of", "Fetched", "Good until"), rows, before=before), document=document
        )


def _value(fact: FirmFact) -> str:
    words = unit_words(fact.value, fact.unit)
    return shortened(mask_text(words) if isinstance(fact.value, str) else words, _VALUE)


def _fact_document(fact: FirmFact, *, is_stale: bool) -> dict[str, Any]:
    value = mask_text(clean(fact.value)) if isinstance(fact.value, str) else fact.value
    days = {name: getattr(fact, name) for name in ("observed_at", "fetched_at", "expires_at")}
    return {
        "field": fact.field,
        "value": None if is_stale else value,
        "unit": fact.unit,
        "is_stale": is_stale,
        "provider": fact.provider,
        "provider_id": clean(fact.provider_id),
        "licence": clean(fact.licence),
        "matched_by": fact.matched_by,
        "confidence": fact.confidence,
        "likelihood": fact.likelihood,
        **{name: None if day is None else day.isoformat() for name, day in days.items()},
    }


@request
class Asked(Request):
    """Ask a provider about OPERATOR's firm, or about those of one's own book, or with --team everybody's, and keep what it says.

    Who has facts of the provider that are still good is not asked about, nor whom it did not know in the last 90 days
    (facts.miss_days). What the firms are known by comes from the lake: run `sync` first. Facts of HubSpot help the others: fetch them first.

    A provider that is paid is asked only with --buy, within the month's budget; without it nothing is sent, and it shows whom it would
    ask about and what that costs at most. The call after the last credit of the budget is not sent.
    Exit code 3: some firms could not be asked about, or the run was cut off; a later run goes on.
    """

    DOCUMENT = "JSON."

    operator: str | None = options.operator(None)
    provider: str = option("Who is asked: fmcsa, hubspot or people_data_labs.")
    whose: Whose = part(Whose)
    buy: bool = option("Ask a provider that is paid; without it nothing is bought.", False)
    again: bool = option("Ask also about whom the provider told, or did not know, a while ago.", False)
    most: int = option("Ask about so many operators at most.", 1_000, ge=1)

    async def answer(self, call: Call) -> Answer:
        from customer_research.research.company_facts import Order

        owner = self.whose.whom(call.settings.owner)
        order = Order(self.provider, self.operator, owner, buy=self.buy, again=self.again, most=self.most)
        done = await rooms.company_facts.fetch(call.settings, call.clock, order)
        return lines(
            *_told(done), state="partial" if done.failed or done.cut else "done", document=_fetch_document(done)
        )


def _told(done: Fetch) -> Iterator[str]:
    title = done.provider.title
    if done.sent:
        told = len(done.found) + len(done.nothing) + len(done.failed)
        facts = sum(len(one.values) for one in done.found.values())
        yield f"{title} was asked about {counted(told, 'operator')}."
        yield f"It told {counted(facts, 'fact')} of {counted(len(done.found), 'firm')}; {len(done.nothing):,} it did not know."
    elif done.asking:
        yield f"{title} would be asked about {counted(len(done.asking), 'operator')}, a credit for each that it knows."
    else:
        yield f"There is nobody to ask {title} about."
    yield from _left_out(done)
    for why in sorted(set(done.failed.values())):
        yield f"Not told: {clean(why)}"
    if done.cut:
        yield f"Cut off: {clean(done.cut)} Run it again: what was told stays."
    if done.limits.budget is not None:
        left = max(done.limits.budget - done.spent.counted, 0)
        yield f"Credits this month: {done.spent.counted:,} of {done.limits.budget:,} used, {left:,} left."
    if done.asking and not done.sent:
        yield "Nothing was bought: --buy does it."


def _left_out(done: Fetch) -> Iterator[str]:
    """Whom nobody asked about, and why."""
    for number, why in (
        (done.kept, "with facts that are still good: not asked about."),
        (done.missed, "whom it did not know a while ago: not asked about."),
        (done.unknown, f"of whom too little is known to ask (it finds firms by {done.provider.finds_by})."),
        (done.over, "left for another run (--most)."),
    ):
        if number:
            yield f"{counted(number, 'operator')} {why}"


def _fetch_document(done: Fetch) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "provider": done.provider.name,
        "sent": done.sent,
        "asking": len(done.asking),
        "found": {one: len(found.values) for one, found in done.found.items()},
        "not_known": {one: miss.why for one, miss in done.nothing.items()},
        "failed": {one: clean(why) for one, why in done.failed.items()},
        "kept": done.kept,
        "missed": done.missed,
        "unknown": done.unknown,
        "over": done.over,
        "cut": clean(done.cut),
        "spent": done.spent.spent,
        "reserved": done.spent.reserved,
        "budget": done.limits.budget,
    }


@request
class Imported(Request):
    """Take company facts from FILE (CSV or Parquet): what other providers told, a row an operator.

    Its columns: operator_id, and any of provider_id, observed_on, expires_on, headcount, headcount_range, industry, company_type,
    founded_year, revenue_range, funding_usd (whole dollars), usdot_number, postal_code, power_units, drivers, authority,
    carrier_operation, register_status, safety_rating. An empty cell says nothing: what was known stays. Either the whole file is taken, or nothing, with everything that is wrong
    in it. Taken twice, it changes nothing. Facts about firms only: no column is about a person.
    """

    DOCUMENT = "JSON."

    file: Path = argument("The file.", metavar="FILE", file="file")
    provider: str = option("Who says so, as reports shall name it.")
    licence: str = option("Under what the values may be used, in a few words.")
    keep_days: int = option("Days after which a value is too old, where the file does not say.", 365, ge=1, le=3650)
    erase: bool = option("Delete values on the day from which they are too old, as the licence asks.", False)

    def answer(self, call: Call) -> Answer:
        from customer_research.research.firm_import import Terms

        terms = Terms(self.provider, self.licence, self.keep_days, self.erase)
        done = rooms.firm_import.take(call.settings, self.file, terms, call.clock())
        document = {
            "schema": SCHEMA,
            "operators": done.operators,
            "new": done.new,
            "replaced": done.replaced,
            "same": done.same,
        }
        return lines(
            f"{counted(done.new + done.replaced + done.same, 'fact')} of {counted(done.operators, 'operator')}: "
            f"{done.new:,} new, {done.replaced:,} replaced, {done.same:,} known already.",
            document=document,
        )


@request
class Forgotten(Request):
    """Remove all that PROVIDER said of any firm, as its licence may ask at its end: values, what was asked in vain, and what the
    store's files still held of them. Account snapshots, messages, pages in Notion and reports of a batch never have company facts;
    reports that somebody saved are theirs to delete. What was spent stays.
    """

    DOCUMENT = "JSON."

    provider: str = argument("The provider, as `facts budget` names it.", metavar="PROVIDER")

    def answer(self, call: Call) -> Answer:
        name = "_".join(self.provider.casefold().split())
        gone = rooms.company_facts.forget(call.settings, name)
        document = {"schema": SCHEMA, "provider": clean(name), "values": gone.values, "operators": gone.operators}
        if not (gone.values or gone.operators or gone.misses):
            return lines(f"Nothing is kept of {clean(name)}: `facts budget` names the providers.", document=document)
        return lines(
            f"{counted(gone.values, 'value')} of {counted(gone.operators, 'operator')} removed.", document=document
        )


@request
class Budget(Request):
    """The providers of company facts: what each costs, what is kept of it, and what was spent on it this month.

    Reserved are credits of calls of which nobody knows how they ended; they count as spent.
    """

    DOCUMENT = "JSON."

    def answer(self, call: Call) -> Answer:
        found = rooms.company_facts.accounts(call.settings, call.clock())
        headers = ("Provider", "Cost", "Values", "Operators", "Not known", "Spent", "Reserved", "Budget")
        table = Table(headers, tuple(map(_budget_row, found)), right=range(2, len(headers)))
        return Answer(table, document={"schema": SCHEMA, "providers": list(map(_budget_document, found))})


def _budget_row(one: Account) -> tuple[str, ...]:
    cost = "file" if one.provider is None else "a credit a match" if one.provider.paid else "free"
    held = (one.holding.values, one.holding.operators, one.holding.misses)
    money = (
        ("", "", "")
        if one.budget is None
        else tuple(f"{n:,}" for n in (one.spent.spent, one.spent.reserved, one.budget))
    )
    return clean(one.name), cost, *(f"{n:,}" for n in held), *money


def _budget_document(one: Account) -> dict[str, Any]:
    provider = one.provider
    return {
        "name": clean(one.name),
        "title": clean(one.title),
        "paid": provider.paid if provider is not None else None,
        "licence": provider.licence if provider is not None else None,
        "fields": list(provider.fields) if provider is not None else [],
        "values": one.holding.values,
        "operators": one.holding.operators,
        "not_known": one.holding.misses,
        "spent": one.spent.spent,
        "reserved": one.spent.reserved,
        "budget": one.budget,
    }
