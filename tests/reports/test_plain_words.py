"""What people read is plain: no words of the house, and numbers of rules only where a score is taken apart."""

from __future__ import annotations

import re

import pytest
from report_accounts import ACCOUNT_KINDS, churned, full, without

from customer_research.documents.formats import markdown
from customer_research.domain.account import Account
from customer_research.reports.kinds import KINDS

HOUSE_WORDS = re.compile(r"\b(?:gates?|clamp\w*|coverage|judged|unjudged|untold)\b", re.IGNORECASE)
"""Words of the code that the glossary has others for."""

RULE_NUMBERS = re.compile(r"\((?:R|P|E|S|G)\d+[a-z]?[,):;]|(?<![\w#])[RPESG]\d+[a-z]?: ")


@pytest.mark.parametrize(
    "account",
    [full(), without("warehouse"), without("lago"), churned()],
    ids=["all known", "no trips", "no bills", "left"],
)
@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_reports_speak_plainly(kind: str, account: Account) -> None:
    text = markdown.render(KINDS[kind].report(account))
    assert HOUSE_WORDS.findall(text) == []
    assert kind == "health" or RULE_NUMBERS.findall(text) == []


def test_the_patterns_find_what_they_forbid() -> None:
    assert HOUSE_WORDS.findall("Gate “x” caps the band; coverage 80%; it could not be judged.")
    assert RULE_NUMBERS.findall("Payment -30 (P2): late. Silent (R1, medium): falls. Call (CSM; E3: fell)")
    assert not RULE_NUMBERS.findall("Risk 55 of 100 (90 days): Growth of 3")
