"""Files that earlier versions wrote are read: an account snapshot of 0.1 gives the account, whatever its records are called now."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from customer_research.documents.formats import markdown
from customer_research.domain.health import HealthScore
from customer_research.reports.kinds import OPERATOR_KINDS
from customer_research.store import accounts

FILES = Path(__file__).parent / "files"


def test_an_account_snapshot_of_every_earlier_version_is_read_and_reported_on() -> None:
    files = sorted(FILES.glob("written-by-*.account.json.gz"))
    assert files
    for file in files:
        kept = accounts.read(file)
        assert kept.account.name == "Silvermead Livery"
        assert isinstance(kept.account.score, HealthScore)
        assert kept.account.score.score == 79
        for kind in OPERATOR_KINDS.values():
            assert "Silvermead Livery" in markdown.render(kind.report(kept.account))


def test_every_record_that_an_earlier_version_named_is_known_by_a_name_of_today() -> None:
    for file in FILES.glob("written-by-*.account.json.gz"):
        named = set(re.findall(r'"of":"(\w+)"', gzip.decompress(file.read_bytes()).decode()))
        unknown = {accounts._RENAMED.get(name, name) for name in named} - accounts._classes().keys()
        assert unknown == set(), f"{file.name}: tell in `_RENAMED` what these are called now"
    assert set(accounts._RENAMED.values()) <= accounts._classes().keys()
    assert not accounts._RENAMED.keys() & accounts._classes().keys()
