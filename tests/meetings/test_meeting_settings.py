"""The settings of meetings and calendars: wrong ones are refused in a sentence that never repeats a secret."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from customer_research.calendars.settings import GoogleSettings, IcsSettings, MeetingsSettings


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"zone": "Mars/Base"}, "is no time zone"),
        ({"zone": "Europe"}, "is no time zone"),
        ({"own_domains": ["a@example.com"]}, "is no mail domain"),
        ({"own_domains": ["localhost"]}, "is no mail domain"),
        ({"brief_hours": [0]}, "0 to 168"),
        ({"brief_hours": [169]}, "0 to 168"),
        ({"days_ahead": 1}, "greater than or equal to 2"),
    ],
)
def test_wrong_settings_of_meetings(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        MeetingsSettings.model_validate(given)


def test_domains_and_hours_are_brought_to_one_form() -> None:
    found = MeetingsSettings.model_validate(
        {"own_domains": ["@Example.com", "www.other.example"], "brief_hours": [1, 24, 1]}
    )
    assert found.own_domains == ("example.com", "other.example")
    assert found.brief_hours == (24, 1)


@pytest.mark.parametrize(
    "feeds",
    [{"anna": "https://a.example/s3cret.ics"}, {"anna@example.com": "s3cret"}, {"anna@example.com": "ftp://a/s3cret"}],
)
def test_wrong_feeds_are_refused_and_their_addresses_not_repeated(feeds: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        IcsSettings.model_validate({"feeds": feeds})
    first = caught.value.errors(include_input=False, include_url=False)[0]
    assert "s3cret" not in str(first["msg"])


def test_whose_calendars_are_read_are_addresses() -> None:
    assert GoogleSettings.model_validate({"calendars": ["Anna@Example.com"]}).calendars == ("anna@example.com",)
    with pytest.raises(ValidationError, match="no e-mail address"):
        GoogleSettings.model_validate({"calendars": ["anna"]})
