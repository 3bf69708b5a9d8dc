"""What each kind of report says of hand-made accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from report_accounts import (
    ACCOUNT_KINDS,
    ACCOUNTS,
    AS_OF,
    advised,
    answer,
    candidate,
    churned,
    contribution,
    empty,
    figure,
    findings,
    full,
    gap_of,
    listings,
    money_account,
    nothing,
    receipt,
    score,
    without,
)

from customer_research.documents.formats import json_, markdown, terminal
from customer_research.domain.evidence import Evidence, Fact, Gap
from customer_research.domain.health import Contribution, Dimension, HealthScore
from customer_research.domain.money import Money
from customer_research.domain.report import Absence, Bullets, Chart, FigureLine, Figures, Prose, Report, Table, Text
from customer_research.domain.words import value_words
from customer_research.errors import RenderError
from customer_research.reports import judgement
from customer_research.reports.disagreements import disagreements
from customer_research.reports.kinds import EVERY_KIND, KINDS, names, sentence
from customer_research.reports.kinds.lookup import KIND as LOOKUP
from customer_research.reports.kinds.lookup import Search
from customer_research.reports.rule_evidence import evidence_table

RECEIPTS = (receipt("warehouse", "directory"),)


def lines(report: Report) -> Iterator[FigureLine]:
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, Figures):
                yield from block.lines


def line(report: Report, label: str) -> FigureLine:
    return next(found for found in lines(report) if found.label == label)


def tables(report: Report) -> Iterator[Table]:
    for section in report.sections:
        yield from (block for block in section.blocks if isinstance(block, Table))


def table(report: Report, caption: str) -> Table:
    return next(found for found in tables(report) if found.caption == caption)


def prose(report: Report) -> str:
    texts = []
    for section in report.sections:
        for block in section.blocks:
            texts += [block.text] if isinstance(block, Prose) else []
            texts += [item.text for item in block.items] if isinstance(block, Bullets) else []
    return "\n".join(texts)


def section_ids(report: Report) -> list[str]:
    return [section.id for section in report.sections]


def test_a_kind_is_the_module_of_its_name() -> None:
    assert {name for name, kind in EVERY_KIND.items() if kind.name == name} == set(names())
    places = [kind.place for kind in EVERY_KIND.values()]
    assert places == sorted(set(places))
    for name in names():
        assert re.fullmatch(r"[A-Z].+\.", sentence(name)), name


def test_kinds_need_only_known_listings() -> None:
    known = set(listings()) | {"customer", "subscriptions", "invoices", "payments", "credit_notes", "coupons"}
    known |= {"relationship", "tickets", "csm", "company_facts", "review"}
    assert all(kind.needs <= known for kind in KINDS.values())
    assert set(listings()) <= set().union(*(kind.needs for kind in KINDS.values()))


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
@pytest.mark.parametrize("account", ACCOUNTS)
def test_every_account_makes_every_report_in_every_format_with_the_same_bytes(account: Any, kind: Any) -> None:
    first, second = (KINDS[kind].build(ACCOUNTS[account]()) for _ in range(2))
    for render in (json_.render, markdown.render, terminal.render):
        assert render(first) == render(second)


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_with_all_sources_down_no_figure_is_a_value(kind: Any) -> None:
    report = KINDS[kind].build(nothing())
    assert not [found.label for found in lines(report) if isinstance(found.figure, Fact)]
    cells = [cell for found in tables(report) for row in found.rows for cell in row]
    assert not [cell for cell in cells if isinstance(cell, Fact)]
    assert report.partial


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_with_all_sources_down_nothing_claims_an_absence(kind: Any) -> None:
    text = terminal.render(KINDS[kind].build(nothing()), width=120)
    for claim in (
        "No open tickets",
        "No invoices",
        "No dispute",
        "No risk",
        "Nothing caps",
        "No subscription",
        "$0",
        " 0 ",
    ):
        assert claim not in text
    assert "Status: active" not in text


@pytest.mark.parametrize("source", ["lago", "hubspot", "warehouse", "notion"])
def test_one_source_down_leaves_the_rest_and_is_named_with_its_next_step(source: Any) -> None:
    report = KINDS["profile"].build(without(source))
    text = " ".join(terminal.render(report, width=120).split())
    assert f"{source} did not answer in 15 s. Missing:" in text
    assert f"Next: Check {source}, then run again." in text
    assert len([found for found in lines(report) if isinstance(found.figure, Fact)]) > 30
    assert report.partial


def test_sources_that_answered_with_nothing_are_not_called_unavailable() -> None:
    report = KINDS["profile"].build(empty())
    text = terminal.render(report, width=120)
    assert "not available (Lago)" not in text
    assert "There is no active subscription." in text
    assert line(report, "Open tickets").figure == figure("open_tickets", 0)
    assert not report.partial


def test_profile_has_its_sections_in_order() -> None:
    assert section_ids(KINDS["profile"].build(full())) == [
        "glance",
        "overview",
        "health",
        "findings",
        "recommendations",
        "contacts",
        "billing",
        "engagement",
        "relationship",
        "activity",
        "appendix",
        "links",
    ]


def test_profile_tells_deals_per_amount_and_counts_the_unpriced() -> None:
    report = KINDS["profile"].build(full())
    open_amount = line(report, "Open amount").figure
    assert isinstance(open_amount, Fact)
    assert open_amount.value == (Money("USD", 49900),)
    assert isinstance(line(report, "Won amount").figure, Gap)


def test_profile_events_name_the_sources_that_are_missing() -> None:
    captions = [found.caption for found in tables(KINDS["profile"].build(without("hubspot")))]
    assert "Events (nothing from HubSpot)" in captions


def test_headline_and_title_of_a_churned_operator() -> None:
    report = KINDS["billing"].build(churned())
    assert report.title == "Billing, churned on 2026-08-15"
    assert report.headline is not None
    assert report.headline.text.startswith("Churned on 2026-08-15. Health 31 of 100, Critical")
    unknown = replace(churned(), figures={**churned().figures, "churned_on": gap_of("lago")})
    assert KINDS["billing"].build(unknown).title == "Billing, churned, on a date not known"


def test_onboarding_is_said_first() -> None:
    report = KINDS["profile"].build(full(status="onboarding"))
    assert report.warnings[0].text.startswith("The operator is onboarding")


def test_headline_tells_score_band_coverage_status_and_gate() -> None:
    report = KINDS["health"].build(full())
    assert report.headline is not None
    assert (
        report.headline.text
        == "Health 66 of 100, At Risk (capped by: active dispute), 100% known. Status: active. Act this week, by 2026-11-08: 1 dispute is active."
    )
    assert report.headline.tone == "bad"


def test_insufficient_data_is_no_score() -> None:
    report = KINDS["health"].build(nothing())
    assert report.headline is not None
    assert report.headline.text.startswith("No health score: insufficient data, 0% known.")
    unscored = KINDS["health"].build(replace(full(), scores=()))
    assert unscored.headline is not None
    assert unscored.headline.text.startswith("Health was not scored.")


def test_gates_are_shown_openly() -> None:
    texts = [warning.text for warning in KINDS["health"].build(full()).warnings]
    assert "Active dispute caps the band at At Risk: 1 dispute is active." in texts


def test_health_points_add_up_in_words() -> None:
    text = prose(KINDS["health"].build(full()))
    assert "Payment: 100 - 15 = 85." in text
    assert "Growth: 50 + 20 = 70." in text
    assert "Overall: 40% x 85 + 25% x 85 + 20% x 100 + 15% x 70 = 66." in text


def test_clamped_dimensions_and_missing_weight_are_explained() -> None:
    deductions = tuple(contribution("P2", "payment", -60, "Failed.", "invoices_failed_90d") for _ in range(2))
    dimensions = (
        Dimension("payment", 0.4, 100, 0, "critical", deductions),
        Dimension("support", 0.2, 100, None, "insufficient", (), gap=gap_of("notion")),
    )
    scored = HealthScore(0, "critical", "active", 0.4, dimensions, (), (), "canonical", "1", "cd" * 32)
    report = KINDS["health"].build(replace(full(), scores=(scored,)))
    assert "Payment: 100 - 60 - 60 = -20, kept within 0 to 100: 0." in prose(report)
    assert "Overall: (40% x 0) over the known 40% = 0." in prose(report)
    missing = [block.what for section in report.sections for block in section.blocks if isinstance(block, Absence)]
    assert "Dimension Support" in missing


def test_top_risks_are_three_and_ranked() -> None:
    risks = judgement.risks(full())
    assert [risk.text.split(":")[0] for risk in risks] == [
        "Silent churn (high)",
        "Payment -15",
        "Engagement -15",
    ]
    assert all(risk.facts for risk in risks)


def test_a_line_that_takes_no_points_is_no_risk() -> None:
    lines = tuple(contribution(f"X{points}", "payment", points, "It says so.", "trend_30d") for points in (-1, 0, 1))
    dimension = Dimension("payment", 0.4, 100, 100, "healthy", lines)
    account = replace(full(), findings=(), scores=(replace(score(), gates=(), dimensions=(dimension,)),))
    assert [risk.text.partition(":")[0] for risk in judgement.risks(account)] == ["Payment -1"]


def test_the_clamping_line_is_neither_risk_nor_action() -> None:
    grown = contribution("E5", "engagement", 10, "Reservations rose.", "trend_30d")
    clamped = contribution("clamp", "engagement", -25, "The lines come to 125.", "trend_30d")
    dimension = Dimension("engagement", 0.25, 100, 100, "healthy", (grown, clamped))
    account = replace(full(), findings=(), scores=(replace(score(), gates=(), dimensions=(dimension,)),))
    assert judgement.risks(account) == ()
    assert [item.source for item in advised(account).advice if item.play != "outreach"] == ["E5"]
    told = judgement.key_factor(account, dimension)
    assert (told.value, told.tone, told.basis) == ("+10: Reservations rose.", "good", grown.fact.basis)  # type: ignore[union-attr]
    assert "nothing deducted" in judgement.positives(account)[0].text


def test_rules_that_could_not_be_judged_are_named() -> None:
    found = table(KINDS["health"].build(full()), "Not checked")
    assert [cell.text for cell in found.rows[0][:3]] == ["S4", "Support", "Latest NPS, 180 days"]  # type: ignore[union-attr]


def test_evidence_rows_are_masked_and_typed() -> None:
    found = table(KINDS["health"].build(full()), "Behind P2, -15 points")
    assert found.headers == ("invoice id", "number", "issuing date", "total", "cardholder")
    assert found.total == 2
    assert "Robin Vale" not in json_.render(KINDS["health"].build(full()))


def test_scores_under_other_scorecards_are_compared() -> None:
    guide = replace(score(51), scorecard="guide")
    report = KINDS["health"].build(replace(full(), scores=(score(), guide)))
    assert len(table(report, "Under each scorecard").rows) == 2


def test_payment_label_stands_apart() -> None:
    label = line(KINDS["profile"].build(full()), "Payment (alone)")
    assert isinstance(label.figure, Fact)
    assert label.figure.value == "Healthy, 85 of 100"
    for band, words in (("monitor", "Monitor"), ("at_risk", "At Risk"), ("critical", "Critical")):
        made = Dimension("payment", 0.4, 100, 45, band, ())  # type: ignore[arg-type]
        account = replace(full(), scores=(replace(score(), dimensions=(made,)),))
        found = judgement.payment_label(account)
        assert isinstance(found, Fact)
        assert found.value == f"{words}, 45 of 100"
        open_ = replace(account, scores=(replace(score(), dimensions=(replace(made, highest=90),)),))
        assert judgement.payment_label(open_).value == f"{words}, 45 to 90 of 100"  # type: ignore[union-attr]


def test_disagreements_are_shown_openly() -> None:
    account = replace(
        full(
            mrr_difference=-4900,
            mrr_usd=14900,
            csm_mrr=19800,
            churn_conflict=True,
            app_plan="pro",
        ),
        findings=(),
    )
    texts = [item.text for item in disagreements(account)]
    assert texts == [
        "Churn: the CSM view or HubSpot says churned, Lago has an active subscription. Lago is trusted.",
        "MRR: Lago gives $149.00, the CSM view $198.00 (-$49.00).",
        "Size: by plan SMB, by trip revenue 250k-1M (the range of Mid-Market): larger than its plan suggests.",
        "Plan: Lago has standard-monthly, the app database pro. Lago is trusted.",
    ]
    assert all(item.facts for item in disagreements(account))
    assert texts[1] in [warning.text for warning in KINDS["quick"].build(account).warnings]


def test_agreement_is_silent() -> None:
    account = replace(full(size_tier="50k-250k"), findings=())
    assert disagreements(account) == ()
    assert disagreements(replace(nothing(), findings=())) == ()


@pytest.mark.parametrize(
    ("plan", "tier", "told"),
    [
        ("SMB", "<50k", ""),
        ("SMB", "250k-1M", "larger"),
        ("Mid-Market", "50k-250k", ""),
        ("Mid-Market", "<50k", "smaller"),
        ("Mid-Market", "250k-1M", ""),
        ("Mid-Market", ">1M", "larger"),
        ("Enterprise", "250k-1M", ""),
        ("Enterprise", "50k-250k", "smaller"),
        ("Free", "50k-250k", "larger"),
        ("Free", "<50k", ""),
    ],
)
def test_a_size_differs_from_one_range_up_and_from_two_ranges_down(plan: str, tier: str, told: str) -> None:
    texts = [item.text for item in disagreements(replace(full(segment=plan, size_tier=tier), findings=()))]
    assert [text.rsplit(": ", 1)[1] for text in texts if text.startswith("Size")] == (
        [f"{told} than its plan suggests."] if told else []
    )


@pytest.mark.parametrize(("code", "app", "differs"), [("pro-monthly", "PRO", False), ("pro-annual", "Vip", True)])
def test_plan_names_are_compared_whatever_their_case(code: str, app: str, differs: bool) -> None:
    account = replace(full(base_plan_code=code, app_plan=app, size_tier="50k-250k"), findings=())
    assert [item.text.partition(":")[0] for item in disagreements(account)] == (["Plan"] if differs else [])


def test_r18_is_told_once() -> None:
    texts = [item.text for item in disagreements(full(churn_conflict=True, size_tier="50k-250k"))]
    assert texts == ["Churn flags differ (medium): HubSpot says churn."]


def test_each_recommendation_has_its_proof_and_what_raised_it() -> None:
    found = advised(full()).advice
    assert [(item.area, item.priority, item.source) for item in found] == [
        ("call", "high", "R1"),
        ("call", "high", "outreach"),
        ("account", "medium", "R18"),
        ("account", "medium", "P2"),
        ("call", "medium", "E3"),
        ("growth", "low", "R16"),
        ("growth", "low", "G1"),
    ]
    assert all(item.facts and item.because and item.owner for item in found)


def test_nothing_is_recommended_without_evidence() -> None:
    unproven = tuple(replace(finding, facts=()) for finding in findings())
    assert advised(replace(full(), scores=(), findings=unproven)).advice == ()
    assert advised(nothing()).advice == ()
    quiet = replace(full(), findings=(), scores=(replace(score(), dimensions=()),))
    assert advised(quiet).advice == ()


def test_the_same_action_is_recommended_once() -> None:
    pair = tuple(contribution(rule, "engagement", -20, "None.", "reservations_30d") for rule in ("E1", "E2"))
    dimension = Dimension("engagement", 0.25, 100, 50, "at_risk", pair)
    account = replace(full(), findings=(), scores=(replace(score(), dimensions=(dimension,)),))
    assert [item.source for item in advised(account).advice if item.play != "outreach"] == ["E1"]


def test_a_deduction_of_an_unknown_rule_still_gets_an_action() -> None:
    own = contribution("X9", "support", -10, "Something.", "open_tickets")
    dimension = Dimension("support", 0.2, 100, 90, "healthy", (own,))
    account = replace(full(), findings=(), scores=(replace(score(), dimensions=(dimension,)),))
    assert [item.owner for item in advised(account).advice if item.play != "outreach"] == ["Support"]


def _usd(minor: int) -> tuple[Money, ...]:
    return (Money("USD", minor),)


def test_billing_counts_invoices_by_status() -> None:
    rows = table(KINDS["billing"].build(full()), "Invoices by status").rows
    shown = {row[0].text: (row[1].value, row[2].value) for row in rows}  # type: ignore[union-attr]
    assert shown == {
        "Paid": (2, _usd(29800)),
        "Pending": (1, _usd(14900)),
        "Failed": (1, _usd(14900)),
        "Zero or credit": (1, _usd(-1200)),
        "Draft": (1, _usd(14900)),
        "Voided (in no total)": (1, _usd(14900)),
    }


def test_billing_keeps_currencies_apart() -> None:
    report = KINDS["billing"].build(money_account())
    paid = table(report, "Invoices by status").rows[0]
    assert paid[2].value == (Money("CAD", 1250), Money("JPY", 120000))  # type: ignore[union-attr]
    arr = line(report, "ARR (12 x MRR)").figure
    assert isinstance(arr, Fact)
    assert arr.value == (Money("CAD", -15000), Money("JPY", 1440000))
    assert "CA$12.50 and ¥120,000" in terminal.render(report)


def test_billing_shows_five_invoices_newest_first_and_says_how_many_there_are() -> None:
    found = table(KINDS["billing"].build(full()), "Latest invoices")
    assert [row[0].value for row in found.rows] == ["MOO-7", "MOO-6", "MOO-5", "MOO-4", "MOO-3"]  # type: ignore[union-attr]
    assert found.total == 7


def test_billing_lists_each_subscription_with_its_next_bill() -> None:
    active, ended = table(KINDS["billing"].build(full()), "Subscriptions").rows
    assert active[8].value == date(2026, 11, 12)  # type: ignore[union-attr]
    assert (ended[2].value, ended[9].value) == ("terminated", "ended 2026-10-12")  # type: ignore[union-attr]


def test_payments_tell_which_table_served() -> None:
    text = prose(KINDS["payments"].build(full()))
    assert "Card figures: Asked by the Stripe account of the CSM view, from the charge model." in text


def test_payments_without_card_processing_say_so() -> None:
    assert "No card processing: no charge was ever attempted." in prose(
        KINDS["payments"].build(full(charge_attempts=0))
    )
    text = "No card processing: no Stripe account."
    gap = Gap("warehouse", "not_applicable", text)
    account = full()
    figures = {name: gap if name.startswith("charge") else found for name, found in account.figures.items()}
    shown = terminal.render(KINDS["payments"].build(replace(account, figures=figures)), width=120)
    assert f"does not apply (Warehouse): {text.rstrip('.')}" in shown
    assert "100%" not in shown.split("Charge attempts, 90 days")[1].split("Risk")[0]


def test_payments_mask_the_cardholder() -> None:
    report = KINDS["payments"].build(full())
    for render in (json_.render, markdown.render, terminal.render):
        assert "Robin Vale" not in render(report)
        assert "Robin Vale" in render(report, show_personal=True)


def test_reservations_have_their_tables() -> None:
    report = KINDS["reservations"].build(full())
    assert {found.caption for found in tables(report)} >= {
        "Last 12 months by pickup",
        "Types, 12 months",
        "Statuses, 12 months",
        "Last 5 trips booked",
        "Top companies, 12 months",
        "Top drivers, 90 days",
    }
    assert "No trip farmed out in 12 months." in prose(report)
    completed = line(report, "Completed share, 12 months").figure
    assert isinstance(completed, Fact)
    assert completed.value == pytest.approx(0.875)


def test_quick_is_one_line() -> None:
    text = terminal.render(KINDS["quick"].build(full()))
    assert text == (
        "Alder Chauffeurs · segment SMB · plan Starter · MRR $149.00 · health 66 At Risk · trips 30 d 31 · trend -42% "
        "· outstanding $0.00 · open tickets 1 · flag 1 dispute is active.\n"
    )


@pytest.mark.parametrize(
    ("account", "flag"),
    [
        (churned(), "churned on 2026-08-15"),
        (full(status="onboarding"), "onboarding"),
        (
            replace(full(), scores=(replace(score(), gates=()),)),
            "Silent churn (high): Payments are good, trips fall.",
        ),
        (
            replace(full(), findings=(), scores=(replace(score(), gates=(), dimensions=score().dimensions[2:3]),)),
            "no risk in the figures known",
        ),
        (
            replace(
                full(churn_conflict=True),
                findings=(),
                scores=(replace(score(), gates=(), dimensions=score().dimensions[2:3]),),
            ),
            "Churn: the CSM view or HubSpot says churned, Lago has an active subscription. Lago is trusted.",
        ),
    ],
)
def test_quick_flags_what_matters_most(account: Any, flag: Any) -> None:
    found = line(KINDS["quick"].build(account), "flag").figure
    assert isinstance(found, Fact)
    assert found.value == flag


def test_links_lead_to_the_vendors_records() -> None:
    report = KINDS["profile"].build(full())
    text = markdown.render(report)
    assert "https://billing.example.com/customer/lago-1" in text
    assert "https://crm.example.com/company/77001" in text
    assert "(https://billing.example.com/invoice/i7)" in text
    assert "(https://notes.example.com/00000000aaaabbbbcccc000000000001)" in text
    without_patterns = KINDS["profile"].build(replace(full(), links={}))
    assert "links" not in section_ids(without_patterns)
    assert "(https://tickets.example.com/7)" in markdown.render(without_patterns)


def test_lookup_of_one() -> None:
    report = LOOKUP.build(Search(answer(1), RECEIPTS, (), AS_OF))
    assert report.operator_id == candidate(1).operator_id
    assert report.headline is not None
    assert report.headline.text == "Found: Summit Cars 1."
    assert "dana.roe" not in terminal.render(report)
    assert "d•••@summit.example.com" in terminal.render(report, width=200)


def test_lookup_of_several_does_not_pick() -> None:
    report = LOOKUP.build(Search(answer(3), RECEIPTS, (), AS_OF))
    assert report.operator_id == ""
    assert report.headline is not None
    assert report.headline.text == "Ambiguous: 3 operators match. Choose one by its operator id."
    assert len(table(report, "Matches, best first; plan, MRR and status by the CSM view").rows) == 3
    assert "best" not in section_ids(report)


def test_lookup_of_none_gives_reasons_and_next_steps() -> None:
    report = LOOKUP.build(Search(answer(0), RECEIPTS, (), AS_OF))
    assert "It may have churned." in prose(report)
    assert "Try the operator id." in prose(report)


def test_lookup_that_reached_nothing_is_its_gaps() -> None:
    report = LOOKUP.build(Search(answer(0), (), (gap_of("warehouse"),), AS_OF))
    assert report.partial
    assert "Next: Check warehouse, then run again." in " ".join(terminal.render(report).split())
    assert "Operators that match" not in terminal.render(report)


def test_lookup_without_any_proof_is_refused() -> None:
    with pytest.raises(RenderError, match="no receipt"):
        LOOKUP.build(Search(answer(0), (), (), AS_OF))
    with pytest.raises(RenderError, match="no receipt"):
        LOOKUP.build(Search(answer(1), (), (gap_of("warehouse"),), AS_OF))


def test_lookup_tells_unknown_fields_in_words() -> None:
    found = replace(answer(1).matches[0], candidate=candidate(1, mrr_minor=None, email=None, city=None, churned=True))
    report = LOOKUP.build(Search(replace(answer(2), matches=(found, found), best=None), RECEIPTS, (), AS_OF))
    cells = [
        getattr(cell, "text", getattr(cell, "value", ""))
        for cell in table(report, "Matches, best first; plan, MRR and status by the CSM view").rows[0]
    ]
    assert cells.count("not recorded") == 3
    assert "churned" in cells


def test_lookup_cuts_a_monstrous_term() -> None:
    report = LOOKUP.build(Search(replace(answer(0), term="x" * 9000), RECEIPTS, (), AS_OF))
    assert "… (9000 characters)" in terminal.render(report, width=200)


def test_operator_ids_are_shown_whole() -> None:
    report = LOOKUP.build(Search(answer(2), RECEIPTS, (), AS_OF))
    assert candidate(1).operator_id in terminal.render(report, width=80)


def test_payment_attempts_stand_under_their_day_with_the_number_of_their_invoice() -> None:
    found = table(KINDS["billing"].build(full()), "Latest payment attempts")
    assert found.headers == ("Day", "Amount", "Status", "Invoice")
    (first, *_) = found.rows
    assert isinstance(first[3], Fact | Text)
    assert "MOO-" in str(first[3])


def test_the_outstanding_of_all_time_is_not_told_as_of_the_months_drawn() -> None:
    sections = KINDS["billing"].build(full()).sections
    charts = [block for section in sections for block in section.blocks if isinstance(block, Chart)]
    (words,) = [chart.says.text for chart in charts if chart.form == "timeline"]
    assert "outstanding of all invoices, whenever issued: " in words


def test_evidence_keeps_the_unit_of_its_figure() -> None:
    """A share of 1 % is not 0, a fall of 28.6 % not -0.3."""
    for value, words in ((0.01, "1%"), (-0.286, "-28.6%")):
        fact = Fact(value, "ratio", RECEIPTS[:1], AS_OF, "high_risk_share")
        behind = Evidence(("high_risk_share", "other_share"), ((value, value),), 1, RECEIPTS[:1])
        shown = evidence_table(Contribution("P8", "payment", -10, "So.", fact, behind))
        assert isinstance(shown, Table)
        own, other = shown.rows[0]
        assert isinstance(own, Fact)
        assert isinstance(other, Fact)
        assert value_words(own) == words
        assert value_words(other) not in {"0", "-0.3"}
