"""Three hundred drafts about the 42 scenarios, held against all that reports say of them: true ones pass, each error is found."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest
from scenario_drafts import ERRORS, Saying, figures_of, planted_draft, sayings, true_draft

from customer_research.domain.account import Account
from customer_research.drafts.known import Known
from customer_research.drafts.verdicts import Verdict, verified
from customer_research.reports.kinds import OPERATOR_KINDS
from customer_research.research.one.draft_check import of_reports

DRAFTS, FALSE_ALARMS = 150, 3
EACH = 12
"""Drafts with each of the kinds of error: 156 in all."""


@pytest.fixture(scope="module")
def scenarios(scenario_accounts: Mapping[str, Account]) -> Mapping[str, tuple[Sequence[Saying], Sequence[Known]]]:
    """What can be said of each scenario, and all that reports know of it."""
    rng = random.Random(20261130)
    found: dict[str, tuple[Sequence[Saying], Sequence[Known]]] = {}
    for name, account in sorted(scenario_accounts.items()):
        reports = [kind.report(account) for kind in OPERATOR_KINDS.values()]
        found[name] = (list(sayings(figures_of(account), rng)), tuple(of_reports(reports, cited=False)))
    return found


def _wrong(draft: str, known: Sequence[Known]) -> list[Verdict]:
    return [one for one in verified(draft, known) if one.state != "supported"]


def test_of_true_drafts_hardly_any_number_is_doubted(
    scenarios: Mapping[str, tuple[Sequence[Saying], Sequence[Known]]],
) -> None:
    rng, doubted = random.Random(20261130), []
    names = sorted(scenarios)
    for at in range(DRAFTS):
        said, known = scenarios[names[at % len(names)]]
        doubted += [(one.claim.sentence, one.claim.text, one.reason) for one in _wrong(true_draft(said, rng), known)]
    assert len(names) == 42
    assert len(doubted) <= FALSE_ALARMS, doubted


@pytest.mark.parametrize("error", ERRORS)
def test_every_planted_error_is_found(
    error: str, scenarios: Mapping[str, tuple[Sequence[Saying], Sequence[Known]]]
) -> None:
    rng, found = random.Random(error), 0
    missed: list[str] = []
    names = sorted(scenarios)
    while found + len(missed) < EACH:
        said, known = scenarios[rng.choice(names)]
        made = planted_draft(said, error, rng)
        if made is None:
            continue
        draft, wrong = made
        if any(one.claim.sentence.strip("* ") in wrong for one in _wrong(draft, known)):
            found += 1
        else:
            missed.append(wrong)
    assert missed == []
