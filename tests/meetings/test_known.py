"""Whom one may meet, as the lake of the whole sandbox tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from customer_research.errors import UsageError
from customer_research.identity.normalise import is_free_mail
from customer_research.research.meetings.known import known_people
from customer_research.settings import LakeSettings, Settings


def test_the_lake_tells_whom_one_may_meet(portfolio_settings: Settings) -> None:
    known = known_people(portfolio_settings)
    assert min(map(len, (known.companies, known.contact_ids, known.emails, known.domains, known.names))) > 100
    assert not any(map(is_free_mail, known.domains))
    assert all(address == address.casefold() for address in known.emails)
    everybody = set(known.names)
    assert set().union(*known.companies.values()) <= everybody


def test_without_a_lake_nobody_is_known(settings: Settings, tmp_path: Path) -> None:
    empty = LakeSettings.model_validate({"folder": tmp_path / "lake"})
    with pytest.raises(UsageError, match="lake has no operators") as caught:
        known_people(settings.model_copy(update={"lake": empty}))
    assert "sync" in caught.value.hint
