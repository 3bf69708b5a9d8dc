"""An operator's page: what is kept stands there at once, what is read live is a part that comes after it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr
from web_pages import Pages, served, words

from customer_research.documents.formats import render
from customer_research.domain.catalogue import METRICS
from customer_research.domain.line import WEEKS
from customer_research.domain.outcome import Outcome
from customer_research.errors import OperatorNotFound
from customer_research.reports.inquiries.standing_report import REPORT, KeptStanding
from customer_research.reports.kind import Head
from customer_research.research.past.outcomes import store_receipt
from customer_research.research.portfolio.books import looking
from customer_research.research.portfolio.moves import history_receipt
from customer_research.research.standing import standing_report
from customer_research.research.usecases import Call
from customer_research.settings import Settings
from customer_research.store.alerts import AlertBook
from customer_research.store.books import Books
from customer_research.store.database import open_store
from customer_research.store.outcomes import OutcomeBook

S02 = "00000000-5ce0-11f0-a000-000000000002"
NOBODY = "00000000-5ce0-11f0-a000-ffffffffffff"
PART = {"X-Part": "1"}


def _main(html: str) -> str:
    return html[html.index("<main") : html.index("</main>")]


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may ask a vendor."""

    def asked(*_given: object, **_named: object) -> None:
        raise AssertionError("a vendor is asked")

    monkeypatch.setattr(Call, "research", asked)


@pytest.mark.usefixtures("deaf")
def test_an_operators_page_stands_without_asking_anybody(pages: Pages) -> None:
    page = pages.reader().get(f"/operators/{S02}")
    assert page.status_code == 200
    told = words(page.text)
    for said in ("Silvermead Livery", "$199.00", "Teun Bexcombe", "Open alerts"):
        assert said in told, said
    assert 'id="receipt-1"' in page.text, "what is kept has its receipts"
    explained = set(re.findall(rf'href="/operators/{S02}/why/([^"]+)"', page.text))
    assert "mrr" in explained
    assert explained <= {*METRICS, "health_score"}, "each can be explained"


def test_its_alert_leads_to_the_alert(pages: Pages) -> None:
    client = pages.reader()
    with open_store(pages.settings.store_url) as store:
        subject = AlertBook(store).episodes()[0].subject
    alert = re.search(r'href="(/alerts/[0-9a-f]{12})"', client.get(f"/operators/{subject}").text)
    assert alert
    assert f"/operators/{subject}" in client.get(alert[1]).text


def test_the_live_part_is_the_profile_without_what_stands_around_it(pages: Pages) -> None:
    client = pages.reader()
    place = f"/operators/{S02}/profile"
    page = client.get(f"/operators/{S02}").text
    assert f'data-place="{place}"' in page
    assert f'<a href="{place}" class="clear">Read live</a>' in page, "without script it is a link"
    part, whole = client.get(place, headers=PART), client.get(place)
    assert "<html" not in part.text
    assert "<main" in part.text
    assert _main(part.text) == _main(whole.text)
    assert "X-Part" in whole.headers["vary"], "a browser keeps the two apart"
    assert part.headers["cache-control"] == "no-store"


def test_who_may_not_see_money_is_led_to_what_is_read_live(pages: Pages) -> None:
    answer = pages.reader("read").get(f"/operators/{S02}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/operators/{S02}/profile")


@pytest.mark.usefixtures("deaf")
def test_who_is_not_in_the_snapshot_is_said_to_be_read_live(pages: Pages) -> None:
    page = pages.reader().get(f"/operators/{NOBODY}")
    assert page.status_code == 200
    assert "This operator is not in the newest snapshot" in words(page.text)
    assert f'data-place="/operators/{NOBODY}/profile"' in page.text


@pytest.fixture(scope="module")
def bare(own: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Where nothing was ever pulled or scored."""
    folder: Path = tmp_path_factory.mktemp("bare")
    store = own.store.model_copy(update={"url": SecretStr(f"sqlite:///{folder / 'own.db'}")})
    lake = own.lake.model_copy(update={"folder": folder / "lake"})
    return own.model_copy(update={"store": store, "lake": lake})


@pytest.mark.parametrize("path", ["/today", "/operators", "/renewals", "/alerts", "/risk", f"/operators/{S02}"])
def test_a_first_visit_says_what_to_do(path: str, bare: Settings) -> None:
    with served(bare, own="robin") as pages:
        shown = pages.reader().get(path)
    assert shown.status_code == 200
    told = words(shown.text)
    assert "Nothing is kept yet" in told
    assert "customer-research sync" in told
    assert ("Read live" in told) == path.endswith(S02)


def test_what_was_recorded_and_what_is_to_be_done_stand_there(own: Settings) -> None:
    assert own.clock is not None
    note = Outcome(
        "", "intervention", S02, "Silvermead Livery", date(2026, 10, 30), "call", "kim", own.clock, "spoke <b>"
    )
    with open_store(own.store_url) as store:
        OutcomeBook(store).add(note)
    report = standing_report(own, S02, now=own.clock)
    titles = [section.title for section in report.sections]
    assert titles.index("Act") == 0
    assert "What was recorded" in titles
    assert report.operator_name == "Silvermead Livery"


def test_a_name_is_looked_up_in_the_lake(own: Settings) -> None:
    assert own.clock is not None
    assert standing_report(own, "Silvermead Livery", now=own.clock).operator_id == S02
    with pytest.raises(OperatorNotFound):
        standing_report(own, "qqqq nobody zzzz", now=own.clock)


def test_the_score_is_compared_with_what_was_known_weeks_ago(own: Settings) -> None:
    assert own.clock is not None
    with looking(own, own.clock) as (store, ready):
        line = Books(store).named(ready, (S02,))[S02]
        empty = store_receipt((), store.place)
        weeks = replace(line, weeks=(*[None] * (WEEKS - 5), 90, 88, None, 80, 79))
        proof = history_receipt(ready.snapshot, (weeks,), store.place)
    head = Head(own.clock, ready.snapshot.as_of, ready.freshness)
    kept = KeptStanding(S02, line.name, ready.snapshot, weeks, (), (), None, (), empty, proof, head)
    told = render(REPORT.build(kept), "markdown").decode()
    assert "from 90 to 79" in told
    assert "no score of then is known" in told
    assert "Health in 26 weeks" in told
