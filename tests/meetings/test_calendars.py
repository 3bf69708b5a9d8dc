"""Feeds, Google, Microsoft and HubSpot behind the one port: over HTTP against the sandbox, the same diary in each form."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import SecretStr

from customer_research.calendars.calendar import Calendar
from customer_research.calendars.google import GoogleCalendar
from customer_research.calendars.hubspot import HubSpotMeetings
from customer_research.calendars.ics import HOPS, FeedCalendar, feeds
from customer_research.calendars.microsoft import MicrosoftCalendar, MicrosoftLogin
from customer_research.calendars.opened import opened
from customer_research.calendars.settings import GoogleSettings, IcsSettings, MicrosoftSettings
from customer_research.connect.http import Pace
from customer_research.connect.public import NotPublicError, PublicTransport, is_public
from customer_research.domain.meeting import CalendarReading, Occurrence, Window
from customer_research.errors import (
    BadAnswer,
    ConfigError,
    Denied,
    NotThere,
    RateLimited,
    SchemaChanged,
    SourceError,
    Truncated,
    Unavailable,
)
from customer_research.settings import Settings, load_settings
from customer_research.sources.hubspot.session import HubSpotSession
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.calendar import FEED_SECRET
from customer_research_sandbox.servers.diary import Diary, Entry

ANNA = "anna@ours.example.com"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
WINDOW = Window(NOW, NOW + timedelta(days=14))
FORMS = ("ics", "google", "microsoft")
Made = Callable[[str], Calendar]


def clock() -> datetime:
    return NOW


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


@pytest.fixture(scope="module")
def sandbox(small_sandbox: Sandbox) -> Sandbox:
    return small_sandbox


@pytest.fixture(autouse=True)
def _whole(sandbox: Sandbox) -> Iterator[None]:
    """The diary is the test's own; faults end with it."""
    diary = sandbox.diary
    entries, people = list(diary.entries), list(diary.people)
    diary.entries.clear()
    sandbox.clear_request_log()
    sandbox.calendars.assertions.clear()
    yield
    diary.entries, diary.people = entries, people
    sandbox.set_faults()


@pytest.fixture(scope="module")
def settings(sandbox: Sandbox) -> Settings:
    return load_settings(sandbox.config_path)


@pytest.fixture(scope="module")
def key_file(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    told = {
        "type": "service_account",
        "client_email": "reader@project.iam.example.com",
        "private_key_id": "k1",
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "token_uri": f"{sandbox.addresses['calendar']}/token",
    }
    file = tmp_path_factory.mktemp("google") / "key.json"
    file.write_text(json.dumps(told), encoding="utf-8")
    return file


@pytest.fixture
def made(sandbox: Sandbox, settings: Settings, key_file: Path) -> Made:
    """Anna's calendar in one of the forms."""
    pace = Pace(sleep=lambda _seconds: asyncio.sleep(0))

    def make(form: str) -> Calendar:
        if form == "ics":
            address = f"{sandbox.addresses['calendar']}/feeds/{FEED_SECRET}/{ANNA}.ics"
            return FeedCalendar(ANNA, address, settings.ics, "UTC", settings, clock, pace=pace)
        if form == "google":
            return GoogleCalendar(ANNA, google(sandbox, key_file), settings, clock, pace=pace)
        return MicrosoftCalendar(ANNA, MicrosoftLogin(settings.of(MicrosoftSettings), settings, clock, pace=pace))

    return make


def google(sandbox: Sandbox, key_file: Path) -> GoogleSettings:
    told = {"url": f"{sandbox.addresses['calendar']}/calendar/v3", "key_file": key_file, "calendars": (ANNA,)}
    return GoogleSettings.model_validate(told)


def read(calendar: Calendar, window: Window = WINDOW) -> CalendarReading:
    async def work() -> CalendarReading:
        try:
            return await calendar.read(window)
        finally:
            await calendar.close()

    return asyncio.run(work())


def entry(**more: Any) -> Entry:
    return Entry("u1", ANNA, "Talk", at(3, 15), **more)


def only(reading: CalendarReading) -> Occurrence:
    (one,) = reading.occurrences
    return one


# -- the same diary in each form ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_meeting_is_told_with_its_people_and_a_receipt(form: str, made: Made, sandbox: Sandbox) -> None:
    sandbox.diary.add(entry(people={"ben@silvermead.example": "accepted"}))
    reading = read(made(form))
    one = only(reading)
    assert (one.starts_at, one.ends_at, one.title, one.state) == (
        at(3, 15),
        at(3, 15) + timedelta(minutes=30),
        "Talk",
        "planned",
    )
    assert one.owner == ANNA
    assert set(one.people) == {ANNA, "ben@silvermead.example"}
    assert reading.whole
    assert reading.calendar.startswith(one.receipt.source)


@pytest.mark.parametrize("form", FORMS)
def test_a_meeting_that_is_moved_is_the_same_one(form: str, made: Made, sandbox: Sandbox) -> None:
    mine = entry()
    sandbox.diary.add(mine)
    before = only(read(made(form)))
    mine.starts_at = at(4, 9)
    after = only(read(made(form)))
    assert (after.id, after.starts_at) == (before.id, at(4, 9))


@pytest.mark.parametrize("form", FORMS)
def test_each_of_a_series_is_one_of_its_own_and_stays_it_when_moved(form: str, made: Made, sandbox: Sandbox) -> None:
    series = entry(days=7, times=4)
    sandbox.diary.add(series)
    before = {one.starts_at: one.id for one in read(made(form)).occurrences}
    assert list(before) == [at(3, 15), at(10, 15)]
    assert len(set(before.values())) == 2
    series.moved[at(10, 15)] = at(11, 9)
    after = {one.starts_at: one.id for one in read(made(form)).occurrences}
    assert after == {at(3, 15): before[at(3, 15)], at(11, 9): before[at(10, 15)]}


@pytest.mark.parametrize("form", FORMS)
def test_a_cancelled_meeting_says_so(form: str, made: Made, sandbox: Sandbox) -> None:
    sandbox.diary.add(entry(days=7, times=2, cancelled={at(10, 15)}))
    assert [(one.starts_at, one.state) for one in read(made(form)).occurrences] == [
        (at(3, 15), "planned"),
        (at(10, 15), "cancelled"),
    ]


@pytest.mark.parametrize("form", FORMS)
def test_one_that_was_taken_out_of_a_series_is_not_there(form: str, made: Made, sandbox: Sandbox) -> None:
    sandbox.diary.add(entry(days=7, times=2, left_out={at(10, 15)}))
    assert only(read(made(form))).starts_at == at(3, 15)


@pytest.mark.parametrize("form", FORMS)
def test_a_meeting_that_the_owner_declined_says_so(form: str, made: Made, sandbox: Sandbox) -> None:
    sandbox.diary.add(
        entry(answer="declined", organizer="ben@silvermead.example", people={"ben@silvermead.example": "accepted"})
    )
    assert only(read(made(form))).state == "declined"


@pytest.mark.parametrize("form", FORMS)
def test_a_meeting_that_somebody_else_declined_takes_place(form: str, made: Made, sandbox: Sandbox) -> None:
    sandbox.diary.add(entry(people={"ben@silvermead.example": "declined"}))
    assert only(read(made(form))).state == "planned"


@pytest.mark.parametrize("form", FORMS)
def test_all_day_and_private_are_told(form: str, made: Made, sandbox: Sandbox) -> None:
    sandbox.diary.add(entry(all_day=True, private=True))
    one = only(read(made(form)))
    assert (one.all_day, one.private) == (True, True)


@pytest.mark.parametrize("form", FORMS)
def test_what_lies_outside_the_window_is_left_out_and_what_is_under_way_is_not(
    form: str, made: Made, sandbox: Sandbox
) -> None:
    over = Entry("u1", ANNA, "Over", NOW - timedelta(minutes=60), 60)
    under_way = Entry("u2", ANNA, "Under way", NOW - timedelta(days=3), 3 * 24 * 60 + 1)
    late = Entry("u3", ANNA, "Late", WINDOW.until)
    sandbox.diary.add(over, under_way, late)
    reading = read(made(form))
    assert [one.title for one in reading.occurrences] == ["Under way"]
    assert reading.under_way


@pytest.mark.parametrize("form", FORMS)
def test_many_meetings_come_page_by_page(
    form: str, made: Made, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"customer_research.calendars.{form if form != 'ics' else 'google'}.PAGE", 7)
    sandbox.diary.add(*(Entry(f"u{n}", ANNA, f"Talk {n}", at(2, 0) + timedelta(hours=n)) for n in range(30)))
    assert [one.title for one in read(made(form)).occurrences] == [f"Talk {n}" for n in range(30)]
    assert len(sandbox.request_log) == {"ics": 1, "google": 6, "microsoft": 6}[form]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("down", Unavailable),
        ("http500", Unavailable),
        ("http429", RateLimited),
        ("drop", SourceError),
        ("bomb", SourceError),
        ("schema", SourceError),
    ],
)
@pytest.mark.parametrize("form", FORMS)
def test_a_calendar_that_does_not_tell_is_no_empty_calendar(
    form: str, fault: str, error: type[SourceError], made: Made, sandbox: Sandbox
) -> None:
    sandbox.diary.add(entry())
    calendar = made(form)
    sandbox.set_faults(f"calendar:{fault}")
    with pytest.raises(error):
        read(calendar)


@pytest.mark.parametrize("form", FORMS)
def test_a_person_nobody_knows_is_not_there(form: str, made: Made, sandbox: Sandbox) -> None:
    sandbox.diary.people.clear()
    with pytest.raises((NotThere, Denied)) as caught:
        read(made(form))
    assert FEED_SECRET not in f"{caught.value.message} {caught.value.hint}"


# -- feeds -------------------------------------------------------------------------------------------------------------


def test_the_address_of_a_feed_is_in_no_receipt_and_no_setting_shown(
    made: Made, sandbox: Sandbox, settings: Settings
) -> None:
    sandbox.diary.add(entry())
    receipt = only(read(made("ics"))).receipt
    assert FEED_SECRET not in repr(receipt)
    assert FEED_SECRET not in repr(settings)


def test_a_redirect_is_followed(sandbox: Sandbox, settings: Settings) -> None:
    sandbox.diary.add(entry())
    address = f"{sandbox.addresses['calendar']}/moved/{FEED_SECRET}/{ANNA}.ics"
    assert only(read(FeedCalendar(ANNA, address, settings.ics, "UTC", settings, clock))).title == "Talk"


def answering(*replies: httpx2.Response) -> httpx2.MockTransport:
    left = list(replies)
    return httpx2.MockTransport(lambda _request: left.pop(0) if len(left) > 1 else left[0])


def of_transport(transport: httpx2.AsyncBaseTransport, settings: Settings, **own: Any) -> FeedCalendar:
    address = "webcal://feeds.example.com/secret.ics"
    return FeedCalendar(ANNA, address, IcsSettings.model_validate(own), "UTC", settings, clock, transport=transport)


def test_a_redirect_into_the_open_or_without_an_end_is_refused(settings: Settings) -> None:
    plain = httpx2.Response(302, headers={"Location": "http://feeds.example.com/a.ics"})
    with pytest.raises(ConfigError, match="https"):
        read(of_transport(answering(plain), settings))
    round_and_round = httpx2.Response(302, headers={"Location": "https://feeds.example.com/a.ics"})
    with pytest.raises(BadAnswer, match="more than 3 times"):
        read(of_transport(answering(round_and_round), settings))


@pytest.mark.parametrize("redirects", range(HOPS + 3))
def test_as_many_redirects_are_followed_as_are_said(redirects: int, settings: Settings) -> None:
    away = httpx2.Response(302, headers={"Location": "https://feeds.example.com/next.ics"})
    there = httpx2.Response(200, text="BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nEND:VCALENDAR\n")
    feed = of_transport(answering(*[away] * redirects, there), settings)
    if redirects > HOPS:
        with pytest.raises(BadAnswer, match=f"more than {HOPS} times"):
            read(feed)
    else:
        assert read(feed).whole


def test_a_feed_that_is_too_large_says_which_setting_bounds_it(settings: Settings) -> None:
    large = httpx2.Response(200, text="X" * 2_000_000)
    with pytest.raises(Truncated) as caught:
        read(of_transport(answering(large), settings, max_mb=1))
    assert "ics.max_mb" in caught.value.hint


def test_a_feed_that_takes_too_long_to_work_out_is_given_up(settings: Settings) -> None:
    event = "BEGIN:VEVENT\nUID:{}\nDTSTAMP:20200101T000000Z\nDTSTART:19710101T000000Z\nRRULE:FREQ=HOURLY\nEND:VEVENT\n"
    events = "".join(event.format(number) for number in range(100))
    bomb = httpx2.Response(200, text=f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{events}END:VCALENDAR\n")
    with pytest.raises(BadAnswer, match=r"takes more than 0.5 s"):
        read(of_transport(answering(bomb), settings, seconds=0.5))


def test_what_repeats_by_the_second_leaves_a_gap_and_no_claim_to_be_whole(settings: Settings) -> None:
    event = "BEGIN:VEVENT\nUID:a\nDTSTAMP:20200101T000000Z\nDTSTART:20261101T000000Z\nRRULE:FREQ=SECONDLY\nEND:VEVENT\n"
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{event}END:VCALENDAR\n"
    reading = read(of_transport(answering(httpx2.Response(200, text=text)), settings))
    assert (reading.whole, [gap.reason for gap in reading.gaps]) == (False, ["truncated"])


@pytest.mark.parametrize(
    "address", ["http://feeds.example.com/a.ics", "ftp://feeds.example.com/a.ics", "https:///a.ics"]
)
def test_only_https_addresses_are_read(address: str, settings: Settings) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        FeedCalendar(ANNA, address, IcsSettings.model_validate({}), "UTC", settings, clock)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("10.1.2.3", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_private_addresses_are_known_in_any_wrapping(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_name_is_resolved_once_and_reached_at_the_address_that_was_judged() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, text="ok")

    async def resolve(host: str, _port: int) -> list[str]:
        return {"public.example.com": ["8.8.8.8"], "mixed.example.com": ["8.8.8.8", "10.0.0.1"]}.get(host, [])

    async def work() -> None:
        transport = PublicTransport(resolve, httpx2.MockTransport(answer))
        async with httpx2.AsyncClient(transport=transport) as client:
            await client.get("https://public.example.com/a")
            for refused in ("https://mixed.example.com/", "https://nowhere.example.com/", "http://public.example.com/"):
                with pytest.raises(NotPublicError):
                    await client.get(refused)

    asyncio.run(work())
    (request,) = seen
    assert (request.url.host, request.headers["host"]) == ("8.8.8.8", "public.example.com")
    assert request.extensions["sni_hostname"] == "public.example.com"


def test_a_feed_in_a_private_network_is_refused_unless_the_settings_allow_it(settings: Settings) -> None:
    calendar = FeedCalendar(ANNA, "https://localhost/a.ics", IcsSettings.model_validate({}), "UTC", settings, clock)
    with pytest.raises(ConfigError, match="private network"):
        read(calendar)


# -- Google and Microsoft ----------------------------------------------------------------------------------------------


def test_a_google_token_is_asked_for_with_a_signed_statement(made: Made, sandbox: Sandbox, key_file: Path) -> None:
    sandbox.diary.add(entry())
    read(made("google"))
    (assertion,) = sandbox.calendars.assertions
    private = json.loads(key_file.read_text(encoding="utf-8"))["private_key"]
    key = load_pem_private_key(private.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    public = key.public_key()
    audience = f"{sandbox.addresses['calendar']}/token"
    claims = jwt.decode(
        assertion, public, ["RS256"], audience=audience, options={"verify_exp": False, "verify_iat": False}
    )
    assert (claims["iss"], claims["sub"]) == ("reader@project.iam.example.com", ANNA)
    assert claims["exp"] - claims["iat"] <= 3600


def test_a_google_account_without_delegation_names_nobody(sandbox: Sandbox, settings: Settings, key_file: Path) -> None:
    own = google(sandbox, key_file).model_copy(update={"delegated": False})
    sandbox.diary.add(entry())
    read(GoogleCalendar(ANNA, own, settings, clock))
    claims = jwt.decode(sandbox.calendars.assertions[0], options={"verify_signature": False})
    assert "sub" not in claims


def test_a_key_file_that_is_none_is_told_with_the_setting(settings: Settings, tmp_path: Path, sandbox: Sandbox) -> None:
    broken = tmp_path / "key.json"
    for content in (
        "{}",
        "no JSON",
        '{"client_email": "a", "private_key": "b", "private_key_id": "c", "token_uri": "http://127.0.0.1:9/t"}',
    ):
        broken.write_text(content, encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            read(GoogleCalendar(ANNA, google(sandbox, broken), settings, clock))
        assert caught.value.setting == "google.key_file"
    with pytest.raises(ConfigError, match="cannot be read"):
        GoogleCalendar(ANNA, google(sandbox, tmp_path / "none.json"), settings, clock)


def test_a_wrong_secret_of_microsoft_is_refused_and_not_repeated(sandbox: Sandbox, settings: Settings) -> None:
    own = settings.of(MicrosoftSettings).model_copy(update={"client_secret": SecretStr("wr0ng-secret")})
    with pytest.raises(Denied) as caught:
        read(MicrosoftCalendar(ANNA, MicrosoftLogin(own, settings, clock)))
    assert "wr0ng-secret" not in f"{caught.value.message} {caught.value.hint}"
    assert "microsoft.client_secret" in caught.value.hint


def test_one_token_of_microsoft_serves_all_calendars(sandbox: Sandbox, settings: Settings) -> None:
    sandbox.diary.add(entry(), Entry("u2", "bert@ours.example.com", "Other", at(3, 15)))
    login = MicrosoftLogin(settings.of(MicrosoftSettings), settings, clock)

    async def work() -> list[CalendarReading]:
        people = (MicrosoftCalendar(one, login) for one in (ANNA, "bert@ours.example.com"))
        found = await asyncio.gather(*(one.read(WINDOW) for one in people))
        await login.close()
        return found

    assert [only(one).title for one in asyncio.run(work())] == ["Talk", "Other"]
    assert sum("/oauth2/" in one.path for one in sandbox.request_log) == 1


def test_a_next_page_elsewhere_is_not_asked_with_the_token(settings: Settings) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if "oauth2" in str(request.url):
            return httpx2.Response(200, json={"access_token": "t0ken"})
        return httpx2.Response(200, json={"value": [], "@odata.nextLink": "https://elsewhere.example.com/v1.0/next"})

    own = MicrosoftSettings.model_validate({"tenant": "t", "client_id": "c", "client_secret": "s3cret"})
    login = MicrosoftLogin(own, settings, clock, transport=httpx2.MockTransport(answer))
    with pytest.raises(BadAnswer, match="another address"):
        read(MicrosoftCalendar(ANNA, login))


def test_hours_in_a_zone_that_was_not_asked_for_are_flagged(settings: Settings) -> None:
    times = {"start": {"dateTime": "2026-11-03T15:00:00.0000000", "timeZone": "Customized Time Zone"}}

    def answer(request: httpx2.Request) -> httpx2.Response:
        if "oauth2" in str(request.url):
            return httpx2.Response(200, json={"access_token": "t0ken"})
        return httpx2.Response(200, json={"value": [{"id": "1", "subject": "Talk", **times}]})

    own = MicrosoftSettings.model_validate({"tenant": "t", "client_id": "c", "client_secret": "s3cret"})
    login = MicrosoftLogin(own, settings, clock, transport=httpx2.MockTransport(answer))
    assert only(read(MicrosoftCalendar(ANNA, login))).zone_unknown


START = {"dateTime": "2026-11-03T15:00:00Z", "timeZone": "UTC"}


@pytest.mark.parametrize(
    "odd",
    [
        {"start": START, "attendees": ["ben"]},
        {"start": START, "attendees": [None]},
        {"start": START, "organizer": "ben"},
        {"start": START, "attendees": {"ben": 1}},
        {
            "start": START,
            "attendees": [{"emailAddress": 7, "email": ["x"]}],
            "responseStatus": "declined",
            "organizer": [1],
        },
    ],
)
@pytest.mark.parametrize("form", ["google", "microsoft"])
def test_an_entry_that_is_made_otherwise_is_told_and_breaks_nothing(
    form: str, odd: dict[str, Any], settings: Settings, key_file: Path, sandbox: Sandbox
) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if "token" in request.url.path:
            return httpx2.Response(200, json={"access_token": "t0ken"})
        return httpx2.Response(200, json={"items": [{"id": "1", **odd}], "value": [{"id": "1", **odd}]})

    transport = httpx2.MockTransport(answer)
    own = MicrosoftSettings.model_validate({"tenant": "t", "client_id": "c", "client_secret": "s3cret"})
    calendar: Calendar
    if form == "google":
        calendar = GoogleCalendar(ANNA, google(sandbox, key_file), settings, clock, transport=transport)
    else:
        calendar = MicrosoftCalendar(ANNA, MicrosoftLogin(own, settings, clock, transport=transport))
    with pytest.raises(SchemaChanged, match="as its documents say"):
        read(calendar)


@pytest.mark.parametrize("start", [None, {}, {"dateTime": "soon"}, {"dateTime": None}, "soon", 7])
@pytest.mark.parametrize("form", ["google", "microsoft"])
def test_an_entry_without_a_time_is_passed_over(
    form: str, start: Any, settings: Settings, key_file: Path, sandbox: Sandbox
) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if "token" in request.url.path:
            return httpx2.Response(200, json={"access_token": "t0ken"})
        return httpx2.Response(
            200, json={"items": [{"id": "1", "start": start}], "value": [{"id": "1", "start": start}]}
        )

    transport = httpx2.MockTransport(answer)
    own = MicrosoftSettings.model_validate({"tenant": "t", "client_id": "c", "client_secret": "s3cret"})
    calendar: Calendar
    if form == "google":
        calendar = GoogleCalendar(ANNA, google(sandbox, key_file), settings, clock, transport=transport)
    else:
        calendar = MicrosoftCalendar(ANNA, MicrosoftLogin(own, settings, clock, transport=transport))
    assert read(calendar).occurrences == ()


# -- HubSpot -----------------------------------------------------------------------------------------------------------


def of_hubspot(settings: Settings, window: Window) -> CalendarReading:
    async def work() -> CalendarReading:
        session = HubSpotSession(settings, clock)
        try:
            return await HubSpotMeetings(session).read(window)
        finally:
            await session.close()

    return asyncio.run(work())


def test_hubspots_meetings_have_owner_company_and_contacts(sandbox: Sandbox, settings: Settings) -> None:
    window = Window(sandbox.dataset.as_of, sandbox.dataset.as_of + timedelta(days=30))
    records = sandbox.dataset.hubspot.objects["meetings"]
    start = "hs_meeting_start_time"
    coming = {str(one["id"]) for one in records if one["properties"][start] >= window.since.isoformat()[:19]}
    found = of_hubspot(settings, window).occurrences
    assert {one.uid for one in found} == coming != set()
    owners = {one["email"] for one in sandbox.dataset.hubspot.owners}
    assert all(one.owner in owners and one.companies for one in found)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (None, "planned"),
        ("SCHEDULED", "planned"),
        ("RESCHEDULED", "planned"),
        ("CANCELED", "cancelled"),
        ("COMPLETED", "over"),
        ("NO_SHOW", "over"),
        ("ONE_OF_YOUR_OWN", "planned"),
    ],
)
def test_hubspots_outcomes(outcome: str | None, state: str, sandbox: Sandbox, settings: Settings) -> None:
    window = Window(sandbox.dataset.as_of, sandbox.dataset.as_of + timedelta(days=30))
    records = sandbox.dataset.hubspot.objects["meetings"]
    row = max(records, key=lambda one: one["properties"]["hs_meeting_start_time"])
    row["properties"]["hs_meeting_outcome"] = outcome
    try:
        found = {one.uid: one.state for one in of_hubspot(settings, window).occurrences}
    finally:
        del row["properties"]["hs_meeting_outcome"]
    assert found[str(row["id"])] == state


@pytest.mark.parametrize("fault", ["http500", "auth", "truncate", "schema", "down"])
def test_hubspot_that_does_not_tell_is_no_empty_calendar(
    fault: str, sandbox: Sandbox, settings: Settings, no_waiting: None
) -> None:
    sandbox.set_faults(f"hubspot:{fault}")
    window = Window(sandbox.dataset.as_of, sandbox.dataset.as_of + timedelta(days=30))
    try:
        reading = of_hubspot(settings, window)
    except SourceError:
        return
    assert not reading.whole
    assert reading.gaps


# -- all of them -------------------------------------------------------------------------------------------------------


def test_what_is_wrong_with_one_calendar_keeps_no_other_from_being_opened(settings: Settings) -> None:
    wrong = MicrosoftSettings.model_validate({"calendars": (ANNA,), "tenant": "t", "client_id": "c"})
    found = opened(settings.model_copy(update={"microsoft": wrong}), clock, None)
    assert [one.name for one in found.calendars] == [f"ics:{owner}" for owner in settings.ics.feeds]
    assert [(gap.source, gap.reason) for gap in found.gaps] == [("microsoft", "not_configured")]


def test_every_configured_calendar_has_a_name_of_its_own(settings: Settings, sandbox: Sandbox) -> None:
    names = [one.name for one in opened(settings, clock, None).calendars]
    assert len(set(names)) == len(names) == len(sandbox.dataset.hubspot.owners)
    assert len(feeds(settings.ics, "UTC", settings, clock)) == len(settings.ics.feeds)


def test_the_diary_of_the_world_is_hubspots_coming_meetings_and_the_team(sandbox: Sandbox) -> None:
    from customer_research_sandbox.servers.diary import TEAM_TALK, diary_of

    diary: Diary = diary_of(sandbox.dataset.hubspot, sandbox.dataset.as_of)
    assert {one.person for one in diary.entries if one.title == TEAM_TALK} == set(diary.people)
    assert any(one.people and one.title != TEAM_TALK for one in diary.entries)
