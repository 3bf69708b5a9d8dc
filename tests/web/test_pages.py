"""What the pages show, what one does there, and what they say where something is wrong."""

from __future__ import annotations

import re

import pytest
from web_pages import OURS, Pages, form, words

from customer_research.documents.formats.markup import safe
from customer_research.surfaces.web.desk import within
from customer_research.surfaces.web.views import MENU, VIEWS

S02 = "00000000-5ce0-11f0-a000-000000000002"


@pytest.mark.parametrize("view", MENU, ids=lambda view: view.path)
def test_every_page_of_the_menu_opens_and_says_where_one_is(view: object, pages: Pages) -> None:
    path = getattr(view, "path", "")
    answer = pages.reader().get(path)
    assert answer.status_code == 200, words(answer.text)
    assert f'<a href="{path}" aria-current="page">' in answer.text
    assert answer.text.count("<h1") == 1


def test_an_operator_in_a_list_leads_to_its_page_and_its_figures_to_why(pages: Pages) -> None:
    client = pages.reader()
    found = re.search(r'href="(/operators/[^"/]+)"', client.get("/today").text)
    assert found
    page = client.get(found[1])
    assert page.status_code == 200
    reason = re.search(rf'href="({found[1]}/why/mrr)"', page.text)
    assert reason
    told = client.get(reason[1])
    assert "Records behind it" in words(told.text)


def test_a_list_says_in_its_address_what_is_shown(pages: Pages) -> None:
    client = pages.reader()
    page = client.get("/operators", params={"band": "critical", "sort": "mrr"})
    assert '<option value="critical" selected>critical</option>' in page.text
    assert "band critical" in words(page.text).lower()
    wrong = client.get("/operators", params={"colour": "red"})
    assert wrong.status_code == 400
    assert "This page knows no 'colour'" in words(wrong.text)


def test_a_list_is_handed_on_whole_as_a_file(pages: Pages) -> None:
    client = pages.reader()
    answer = client.get("/operators.csv", params={"band": "critical"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    shown = words(client.get("/operators", params={"band": "critical"}).text)
    assert all(line.split(",")[1].strip('"') in shown for line in answer.text.splitlines()[1:4])
    assert client.get("/operators.exe").status_code == 400


def test_an_alert_is_acknowledged_once_told_so_and_taken_back(pages: Pages) -> None:
    client = pages.reader(email="grace@example.com")
    listed = re.findall(r'href="(/alerts/[0-9a-f]+)"', client.get("/alerts").text)
    alert = next(one for one in listed if "Acknowledged by" not in client.get(one).text)
    fields = form(client.get(alert).text, f"{alert}/ack")
    done = client.post(f"{alert}/ack", data=fields, headers=OURS, follow_redirects=True)
    assert "is acknowledged by grace@example.com" in words(done.text)
    assert "is acknowledged by" not in words(client.get(alert).text), "it is said once"
    again = client.post(f"{alert}/ack", data=fields, headers=OURS)
    assert (again.status_code, again.headers["location"]) == (303, alert)
    happened = words(client.get(alert).text).partition("What happened #")[2].partition("Sources #")[0]
    assert happened.count(" acknowledged ") == 1, "pressed twice is pressed once"
    undone = client.post(f"{alert}/unack", data=form(done.text, f"{alert}/unack"), headers=OURS, follow_redirects=True)
    assert "is not acknowledged" in words(undone.text)
    told = words(client.get(alert).text)
    assert "Acknowledged by" not in told
    assert "taken back" in told


def test_an_alert_is_snoozed_for_the_days_named_and_no_others(pages: Pages) -> None:
    client = pages.reader()
    alert = re.findall(r'href="(/alerts/[0-9a-f]+)"', client.get("/alerts").text)[1]
    done = client.post(f"{alert}/snooze", data={"days": "7", "back": alert}, headers=OURS, follow_redirects=True)
    assert "is snoozed until" in words(done.text)
    undone = client.post(
        f"{alert}/snooze", data=form(done.text, f"{alert}/snooze"), headers=OURS, follow_redirects=True
    )
    assert "is no longer snoozed" in words(undone.text)
    assert client.post(f"{alert}/snooze", data={"days": "9999"}, headers=OURS).status_code == 400


def test_what_was_done_is_noted_from_an_operators_page(pages: Pages) -> None:
    client = pages.reader()
    place = f"/operators/{S02}"
    fields = {**form(client.get(place).text, f"{place}/done"), "kind": "call", "note": "asked <b>why</b>"}
    assert client.post(f"{place}/done", data=fields, headers=OURS).headers["location"] == place
    client.post(f"{place}/done", data=fields, headers=OURS)
    listed = client.get(f"{place}/done").text
    assert listed.count("asked &lt;b&gt;") == 1, "pressed twice is pressed once"
    assert "asked &lt;b&gt;why&lt;/b&gt;" in listed
    assert "<b>why" not in listed


def test_whom_a_word_means_is_found_or_asked_back(pages: Pages) -> None:
    client = pages.reader()
    assert client.get("/find", params={"q": S02}).headers["location"] == f"/operators/{S02}"
    none = client.get("/find", params={"q": "no such operator anywhere"})
    assert "No operator" in words(none.text)
    many = client.get("/find", params={"q": "limousine"})
    assert '<a href="/operators/' in many.text


def test_names_are_offered_while_one_types(pages: Pages) -> None:
    rows = pages.reader().get("/names", params={"q": "LIMO"}).json()
    assert 0 < len(rows) <= 8
    assert all("limo" in row["name"].lower() and row["place"].startswith("/operators/") for row in rows)
    assert pages.reader().get("/names", params={"q": " "}).json() == []


def test_a_page_that_the_browser_has_is_not_sent_again(pages: Pages) -> None:
    client = pages.reader()
    first = client.get("/renewals")
    again = client.get("/renewals", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = pages.reader("read", "act", "finance", email="grace@example.com")
    assert other.get("/renewals", headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_who_may_not_see_money_sees_no_list_of_it(pages: Pages) -> None:
    client = pages.reader("read", "act")
    for path in ("/today", "/operators", "/alerts", "/operators.csv", "/names?q=limo"):
        assert client.get(path).status_code == 403, path
    page = client.get(f"/operators/{S02}", follow_redirects=True)
    assert page.status_code == 200
    assert "MRR not permitted" in words(page.text)


def test_another_book_is_as_if_it_were_not_there(pages: Pages) -> None:
    everybody = pages.reader().get("/operators.csv").text
    client = pages.reader(owner="0")
    shown = client.get(f"/operators/{S02}")
    assert shown.status_code in {403, 404}
    assert S02 in everybody


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.path)
def test_every_word_of_an_address_is_a_field_of_the_request(view: object) -> None:
    takes = getattr(view, "takes", {})
    assert all(view.field(word) is not None for word in takes)  # type: ignore[attr-defined]
    assert set(getattr(view, "filters", ())) <= set(takes)


@pytest.mark.parametrize("place", ["/today?x=1", "/", "/operators/a%20b"])
def test_a_page_of_ours_is_a_place_to_go_back_to(place: str) -> None:
    assert within(place) == place
    assert within(f"/{place}") == "/today"
    assert within(f"https://evil.example{place}") == "/today"
    assert safe(place)
