"""Who the operators are: the distributions of size, plan, place and identifiers (decision 13)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from customer_research_sandbox import vocabulary as words
from customer_research_sandbox.draws import Weighted, base62, lognormal, poisson, stream, uuid_text
from customer_research_sandbox.months import add_months
from customer_research_sandbox.state import Operator

SEGMENTS = ("Free", "SMB", "Mid-Market", "Enterprise")
_SEGMENT = Weighted([("Free", 18.0), ("SMB", 42.0), ("Mid-Market", 30.0), ("Enterprise", 10.0)])
_PLANS = {
    "SMB": Weighted(
        [("standard-monthly", 55.0), ("standard-annual", 15.0), ("pro-monthly", 25.0), ("pro-annual", 5.0)]
    ),
    "Mid-Market": Weighted(
        [("pro-monthly", 62.0), ("pro-annual", 22.0), ("pro-legacy", 8.0), ("standard-monthly", 8.0)]
    ),
    "Enterprise": Weighted([("vip-monthly", 85.0), ("pro-annual", 15.0)]),
}
_LEVEL = {"Free": (0.9, 1.0), "SMB": (3.3, 0.7), "Mid-Market": (4.7, 0.6), "Enterprise": (6.3, 0.6)}
_VALUE = {"Free": (95.0, 0.5), "SMB": (110.0, 0.5), "Mid-Market": (125.0, 0.55), "Enterprise": (140.0, 0.6)}
_HAS_STRIPE = {"Free": 0.55, "SMB": 0.93, "Mid-Market": 0.97, "Enterprise": 0.97}
_HAS_HUBSPOT = {"Free": 0.70, "SMB": 0.90, "Mid-Market": 0.97, "Enterprise": 0.99}
_SETUP_MEAN = {"Free": 8.0, "SMB": 19.0, "Mid-Market": 24.0, "Enterprise": 27.0}
_DRIVERS_PER_VEHICLE = {"Free": (0.5, 1.2), "SMB": (0.8, 1.8), "Mid-Market": (1.0, 1.6), "Enterprise": (1.0, 1.5)}
_MEMBERS = {"Free": (1, 2), "SMB": (1, 3), "Mid-Market": (2, 6), "Enterprise": (5, 40)}
_CURRENCY = Weighted([("USD", 95.3), ("CAD", 3.0), ("GBP", 1.0), ("EUR", 0.5), ("JPY", 0.2)])
_TERM = Weighted([(0, 60.0), (7, 10.0), (14, 10.0), (30, 20.0)])
_SEASON_KIND = Weighted([("standard", 67.0), ("wedding", 15.0), ("ski", 10.0), ("university", 8.0)])
_SOURCE = Weighted([("Organic search", 40.0), ("Direct traffic", 25.0), ("Referrals", 20.0), ("Paid search", 15.0)])
_ADDONS = Weighted(
    [
        ("passenger-app", 22.0),
        ("shuttle-app", 10.0),
        ("crm-standard-monthly", 18.0),
        ("marketing-lite-monthly", 14.0),
        ("marketing-advanced-monthly", 9.0),
        ("marketing-pro-monthly", 6.0),
        ("marketing-ppc-monthly", 6.0),
        ("marketing-conversion-tracking", 8.0),
        ("marketing-seo-1-monthly", 7.0),
    ]
)
_FREE_CLAIM = {"Free": 0.04, "SMB": 0.03, "Mid-Market": 0.08, "Enterprise": 0.22}
_BLANKS = {"P_PLAN": 0.11, "PHONE_NUMBER": 0.10, "SITE_NAME": 0.60}
_KNEE, _KNEE_POWER = 12.0, 0.30
_NEIGHBOURS = {"SMB": ("Mid-Market",), "Mid-Market": ("SMB", "Enterprise"), "Enterprise": ("Mid-Market",)}
OVERRIDE_CAP_CENTS = 400_000


@dataclass(frozen=True, slots=True)
class Profile:
    """An operator's fixed traits that the simulation draws around, beside the `Operator` the systems know."""

    operator: Operator
    plan: str | None
    override_cents: int | None
    addons: tuple[str, ...]
    level: float
    trip_value: float
    value_sigma: float
    season: str
    started: datetime | None
    app_rate: float
    charge_share: float
    decline_rate: float
    dispute_rate: float
    farm_rate: float
    cancel_rate: float
    coupon: tuple[int, int] | None
    calendar_billing: bool
    plan_change_at: datetime | None
    reactivated: bool
    frailty: float
    name_length: int
    signup_weekday: int
    distress_at: datetime | None
    """When everything began to go wrong at once, for 10 % of paying operators: failed cards, falling use, open tickets, bad
    answers to surveys, nobody hired, nothing more bought.

    Only worlds with rows act on it, so that each band has somebody in the demo and the calibration world's mechanism stays
    exactly the documented one.
    """

    def batch(self, *, rows: bool) -> float:
        """How many trips one reservation row stands for: 1, or more for large operators where rows are written.

        Above 12 trips a month the demo writes 12 x (level / 12) ** 0.3 rows, each a movement of several vehicles whose
        amount is the whole movement's: trends, rates and revenue stay, the number of rows stays bounded.
        """
        if not rows or self.level <= _KNEE:
            return 1.0
        return math.pow(self.level / _KNEE, 1 - _KNEE_POWER)


def draw_profile(seed: int, index: int, as_of: datetime, months: int) -> Profile:
    """The index-th operator of a seed, from streams of its own."""
    rng = stream(seed, index, "profile")
    size = _SEGMENT.draw(rng)
    segment = _segment_of_plan(rng, size)
    plan = _PLANS[segment].draw(rng) if segment != "Free" else None
    started = _start(rng, as_of, months)
    operator = _operator(rng, index, words.company_name(index, seed * 31), (size, plan), started)
    median, sigma = _VALUE[size]
    mu, spread = _LEVEL[size]
    bad_cards, bad_ops = rng.random() < 0.06, rng.random() < 0.06
    return Profile(
        operator=operator,
        plan=plan,
        override_cents=_override(rng, plan),
        addons=_addons(rng, segment),
        level=rng.lognormvariate(mu, spread),
        trip_value=lognormal(rng, median, 0.25),
        value_sigma=sigma,
        season=_SEASON_KIND.draw(rng),
        started=started if plan else None,
        app_rate=rng.betavariate(2, 2),
        charge_share=0.2 + 0.8 * rng.betavariate(3.0, 1.4),
        decline_rate=rng.betavariate(5.3, 38.9) if bad_cards else rng.betavariate(4.8, 101.9),
        dispute_rate=0.012 if rng.random() < 0.05 else 0.0015,
        farm_rate=_FREE_CLAIM[size],
        cancel_rate=rng.uniform(0.12, 0.20) if bad_ops else rng.uniform(0.05, 0.11),
        coupon=(rng.randrange(10, 31, 5), rng.randrange(3, 13)) if rng.random() < 0.06 else None,
        calendar_billing=rng.random() < 0.70,
        plan_change_at=_plan_change(rng, started, as_of),
        reactivated=rng.random() < 0.05,
        frailty=rng.gauss(0.0, 0.35),
        name_length=len(operator.name),
        signup_weekday=operator.signed_up.weekday(),
        distress_at=_distress(rng, as_of) if plan else None,
    )


def _segment_of_plan(rng: Random, size: str) -> str:
    """The segment that the plan implies: the size tier, but a neighbour of it for 8 % of paying operators."""
    astray, pick = rng.random() < 0.08, rng.random()
    if size == "Free" or not astray:
        return size
    near = _NEIGHBOURS[size]
    return near[int(pick * len(near))]


def _start(rng: Random, as_of: datetime, months: int) -> datetime:
    """Start of the paid relation: a quarter joins during the window, the rest had exponential tenure before it."""
    window_start = add_months(as_of, -months)
    if rng.random() < 0.25:
        span = (as_of - window_start).days
        back = rng.randrange(3, max(span, 4))
        start = as_of - timedelta(days=back)
    else:
        start = window_start - timedelta(days=1 + rng.expovariate(1 / (14 * 30.4)))
    return start.replace(hour=rng.randrange(13, 23), minute=rng.randrange(60), second=0, microsecond=0)


def _plan_change(rng: Random, started: datetime, as_of: datetime) -> datetime | None:
    """About one operator in eight changed plan once, at least two months after the start."""
    changes, share = rng.random() < 0.12, rng.random()
    span = (as_of - started).days - 90
    if not changes or span <= 0:
        return None
    return started + timedelta(days=60 + int(share * span))


def _distress(rng: Random, as_of: datetime) -> datetime | None:
    """Three to four months ago, for 10 %; more than half of them have left by the as-of.

    Ninety days at least, so that a quarter's figures show nothing of the time before.
    """
    struck, days = rng.random() < 0.10, rng.randrange(90, 120)
    return as_of - timedelta(days=days) if struck else None


def _override(rng: Random, plan: str | None) -> int | None:
    """70 % of Elite subscriptions have a negotiated price, log-normal around 900 USD, never above 4,000."""
    has, price = rng.random() < 0.70, lognormal(rng, 900.0, 0.5)
    if plan != "vip-monthly" or not has:
        return None
    return min(round(price / 10) * 1000, OVERRIDE_CAP_CENTS)


def _addons(rng: Random, segment: str) -> tuple[str, ...]:
    """Add-on subscriptions by segment: 6 % of SMB one, Mid 22 % one and 5 % two, Enterprise 55 % one to three."""
    share, several = rng.random(), rng.randrange(1, 4)
    count = 0
    if segment == "SMB":
        count = int(share < 0.06)
    elif segment == "Mid-Market":
        count = 2 if share < 0.05 else int(share < 0.27)
    elif segment == "Enterprise":
        count = several if share < 0.55 else 0
    picked: dict[str, None] = {}
    while len(picked) < count:
        picked[_ADDONS.draw(rng)] = None
    return tuple(picked)


def _vehicles(rng: Random, size: str) -> int:
    if size == "Free":
        return 1 + poisson(rng, 0.6)
    if size == "SMB":
        return 1 + sum(rng.random() < 0.28 for _ in range(7))
    if size == "Mid-Market":
        return min(6 + poisson(rng, rng.gammavariate(2.0, 4.5 / 2.0)), 22)
    return min(20 + round(lognormal(rng, 14.0, 0.7)), 250)


def setup_score(rng: Random, size: str) -> int:
    """Onboarding completeness 0..30 in steps of 5, with the segment's mean."""
    return 5 * sum(rng.random() < _SETUP_MEAN[size] / 30.0 for _ in range(6))


def _size_label(rng: Random, vehicles: int) -> str | None:
    """The label that HubSpot holds; with those whom it does not know, about a tenth of the view's rows have none."""
    label = next(
        name
        for limit, name in ((1, "Owner Operator"), (4, "Small"), (10, "Medium"), (30, "Large"), (10**6, "XL"))
        if vehicles <= limit
    )
    return None if rng.random() < 0.02 else label


def _fleet_bucket(rng: Random, vehicles: int) -> str | None:
    """The bucket that HubSpot holds: derived from the fleet, 3 % written inconsistently, a quarter missing."""
    drawn = rng.random()
    if drawn < 0.25:
        return None
    if vehicles <= 1:
        return "1.0" if drawn < 0.40 else "1"
    if drawn < 0.28:
        return "0 / Broker"
    edges = ((4, "2-4"), (10, "5-10"), (20, "11-20"), (30, "21-30"), (10**6, "31+"))
    return next(name for limit, name in edges if vehicles <= limit)


def slug_of(name: str) -> str:
    """A web slug of a company name: ASCII letters and digits joined by hyphens."""
    cleaned = "".join(char if char.isascii() and char.isalnum() else " " for char in name.lower())
    return "-".join(cleaned.split()) or "operator"


def phone_of(city: words.City, number: int) -> str:
    """A telephone number of the reserved 555-01xx block, in the city's area."""
    return f"+1 {city.area.zfill(3)[-3:]} 555-01{number % 100:02d}"


def hubspot_id_of(index: int, salt: int) -> int:
    """A company id from 10,000,000,000 up, unique for each index."""
    return 10_000_000_000 + index * 1_000 + salt % 1_000


def _mail_domain(slug: str, index: int) -> str:
    return f"{slug}.example.{('com', 'org', 'net')[index % 3]}"


def _hubspot_text(rng: Random, number: int) -> str | None:
    """How the view's export writes the id: digits mostly, a float for some, scientific notation for a few."""
    drawn = rng.random()
    if drawn < 0.80:
        return None
    return f"{number}.0" if drawn < 0.95 else _scientific(number)


def _scientific(number: int) -> str:
    mantissa = f"{number / 10 ** int(math.log10(number)):.10f}".rstrip("0").rstrip(".")
    return f"{mantissa}E{int(math.log10(number))}"


def _operator(rng: Random, index: int, name: str, traits: tuple[str, str | None], started: datetime) -> Operator:
    size, plan = traits
    slug, city = slug_of(name), words.CITIES[int(rng.random() * len(words.CITIES))]
    vehicles = _vehicles(rng, size)
    low, high = _DRIVERS_PER_VEHICLE[size]
    drivers = round(vehicles * rng.uniform(low, high))
    nowhere = rng.random() < 0.02
    account = f"acct_{base62(rng, 16)}" if rng.random() < _HAS_STRIPE[size] else None
    in_app = account if rng.random() < 0.97 else None
    hubspot = hubspot_id_of(index, rng.randrange(1_000)) if rng.random() < _HAS_HUBSPOT[size] else None
    segment = words.SEGMENT_OF_PLAN.get(plan, "Free") if plan else "Free"
    currency = _CURRENCY.draw(rng) if plan else "USD"
    domain = _mail_domain(slug, index)
    return Operator(
        operator_id=uuid_text(rng, version=1),
        index=index,
        name=name,
        slug=slug,
        legal_name=name if name.endswith(("LLC", "Inc")) else f"{name} LLC",
        email=f"{('dispatch', 'office', 'hello', 'bookings')[rng.randrange(4)]}@{domain}",
        phone=phone_of(city, rng.randrange(100)),
        city=city,
        latitude=0.0 if nowhere else round(city.latitude + rng.uniform(-0.2, 0.2), 5),
        longitude=0.0 if nowhere else round(city.longitude + rng.uniform(-0.2, 0.2), 5),
        signed_up=started - timedelta(days=rng.randrange(20)),
        segment=segment,
        size=size,
        app_plan=words.APP_PLAN[segment],
        vehicles=vehicles,
        drivers=drivers,
        members=rng.randint(*_MEMBERS[size]),
        setup_score=setup_score(rng, size),
        stripe_account=account,
        stripe_account_in_app=in_app,
        stripe_in_model=rng.random() >= 0.02,
        stripe_customer=f"cus_{base62(rng, 14)}" if rng.random() < 0.20 else None,
        charge_currency=currency.lower(),
        lago_customer_id=uuid_text(rng),
        currency=currency,
        net_payment_term=_TERM.draw(rng),
        tax_rate=rng.choice((0.0, 0.0, 0.0, 0.045, 0.0625, 0.07, 0.0825, 0.09)),
        hubspot_id=hubspot,
        hubspot_holds_operator_id=rng.random() < 0.92,
        custom_domain=f"ride.{domain}" if rng.random() < 0.30 else None,
        website=f"https://www.{domain}",
        domain=domain,
        in_hubspot_export=rng.random() >= 0.02,
        hubspot_id_text=_hubspot_text(rng, hubspot) if hubspot is not None else None,
        size_label=_size_label(rng, vehicles),
        fleet_bucket=_fleet_bucket(rng, vehicles),
        contract_end=None,
        source=_SOURCE.draw(rng),
        view_blanks=frozenset(name for name, share in _BLANKS.items() if rng.random() < share),
        employees=max(1, drivers + rng.randrange(6)) if rng.random() < 0.8 else None,
    )


def contract_end_of(started: datetime, as_of: datetime) -> date:
    """The next anniversary of the start after the as-of: the end of an annual contract."""
    years = 1
    while (end := add_months(started, 12 * years)) <= as_of:
        years += 1
    return end.date()
