"""The world's invented words, public cities and price list.

Company names come from two invented word lists and a trade; people's names are plain given names with invented surnames;
mail lives under `example.com/.org/.net`, telephone numbers are 555-01xx.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

SCENARIO_IDS = "00000000-5ce0-11f0-a000-"
"""How the operator ids of the named scenarios begin: the world's other ids are drawn."""

FIRST_WORDS = (
    "Harbor", "Quill", "Copper", "Juniper", "Larkspur", "Meridian", "Osprey", "Pinecrest", "Saffron", "Tidewater",
    "Umber", "Verdant", "Willow", "Yarrow", "Zephyr", "Alder", "Bramble", "Cinder", "Dovetail", "Elmwood",
    "Fennel", "Granite", "Hazel", "Indigo", "Jasper", "Kestrel", "Linden", "Marlow", "Nettle", "Ochre",
    "Pebble", "Quartz", "Rowan", "Sorrel", "Thistle", "Upland", "Vellum", "Wicker", "Cobalt", "Ember",
    "Fathom", "Gantry", "Heron", "Ironbark", "Jetty", "Knoll", "Lattice", "Mistral", "Northgate", "Orchard",
    "Palisade", "Quarry", "Ridgeway", "Sundial", "Tamarack", "Undine", "Viaduct", "Wexley", "Ashgrove", "Bellweather",
)  # fmt: skip
SECOND_WORDS = (
    "Lantern", "Ferry", "Compass", "Anchor", "Bridge", "Crown", "Drum", "Ensign", "Falcon", "Gable",
    "Hollow", "Inlet", "Jubilee", "Keystone", "Lodge", "Mantle", "Nimbus", "Oak", "Pavilion", "Quay",
    "Rook", "Spire", "Terrace", "Union", "Vane", "Wharf", "Arbor", "Bell", "Cove", "Dune",
    "Echo", "Field", "Grove", "Haven", "Isle", "Junction", "Kite", "Ledge", "Mill", "Notch",
    "Orbit", "Pier", "Ripple", "Sable", "Tower", "Vista", "Weir", "Acre", "Beacon", "Canal",
    "Foxglove", "Esker", "Fjord", "Glen", "Heath", "Islet", "Knot", "Loom", "Mesa", "Narrows",
)  # fmt: skip
TRADES = (
    "Limousine", "Black Car", "Chauffeurs", "Transportation", "Livery", "Car Service", "Coach & Limo", "Executive Cars",
    "Shuttle", "Motor Coaches", "Limo LLC", "Transport Inc",
)  # fmt: skip
NAME_COUNT = len(FIRST_WORDS) * len(SECOND_WORDS) * len(TRADES)
_NAME_STRIDE = 12_347
"""Coprime with NAME_COUNT, so that the first NAME_COUNT operators all have different names."""

GIVEN_NAMES = (
    "Ana", "Bruno", "Celia", "Dario", "Elin", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kaya", "Leon", "Mara", "Nils",
    "Oona", "Pavel", "Quinn", "Rosa", "Stefan", "Tess", "Umar", "Vera", "Wim", "Ximena", "Yusuf", "Zora", "Amos", "Brigid",
    "Cyrus", "Delia",
)  # fmt: skip
SURNAMES = (
    "Ashdell", "Brackwen", "Corvane", "Dunmoor", "Eskridge", "Farlowe", "Greaves-Holt", "Hartwold", "Ivensen", "Jarrowby",
    "Kestlen", "Lorimond", "Marchetal", "Norbeck-Vale", "Ostrander", "Pellworth", "Quenby", "Rothsay", "Stellwag", "Thornquist",
    "Ulverton", "Vandermeel", "Wrenfield", "Yarborne", "Zellner", "Abernay", "Bexcombe", "Colvander", "Drayhurst", "Elmsworth",
)  # fmt: skip
COLOURS = ("Black", "White", "Silver", "Midnight blue", "Pearl", "Graphite")
STREETS = ("Alder St", "Quay Rd", "Terminal Way", "Orchard Ave", "Mill Ln", "Union Sq", "Foundry Blvd", "Lantern Ct")
CORPORATE_CLIENTS = (
    "Norvane Capital", "Tessellate Labs", "Brightmoor Legal", "Calder Biologics", "Ostara Foods", "Pallas Insurance",
    "Quillon Partners", "Ravensgate Media", "Sternhold Energy", "Umbra Analytics", "Vantel Systems", "Wyndle & Roe",
)  # fmt: skip
FARM_PARTNERS = ("Causeway Affiliates", "Longmere Livery", "Halyard Cars", "Tollgate Chauffeurs", "Spindle Transport")
VEHICLE_TYPES = (
    ("Sedan", 3), ("SUV", 6), ("Executive Van", 12), ("Stretch", 9), ("Mini Coach", 28), ("Motor Coach", 52),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class City:
    """A public city: where an operator is, in which zone and under which telephone area code."""

    name: str
    state: str
    country: str
    latitude: float
    longitude: float
    timezone: str
    area: str
    airport: str


def _cities() -> tuple[City, ...]:
    _, *rows = csv.reader((Path(__file__).parent / "cities.csv").read_text(encoding="utf-8").splitlines())
    return tuple(
        City(name, state, country, float(lat), float(lon), zone, area, airport)
        for name, state, country, lat, lon, zone, area, airport in rows
    )


CITIES = _cities()


def company_name(index: int, offset: int) -> str:
    """The index-th company's name; `offset` comes from the seed. Different for the first NAME_COUNT indices."""
    number = (index * _NAME_STRIDE + offset) % NAME_COUNT
    number, trade = divmod(number, len(TRADES))
    first, second = divmod(number, len(SECOND_WORDS))
    joint = " & " if number % 7 == 0 else " "
    return f"{FIRST_WORDS[first]}{joint}{SECOND_WORDS[second]} {TRADES[trade]}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan of the price list; the amount is in minor units of USD per interval."""

    code: str
    name: str
    interval: str
    amount_cents: int
    base: bool

    @property
    def months(self) -> int:
        """Months in a billing interval."""
        return 12 if self.interval == "yearly" else 1


PLANS = {
    plan.code: plan
    for plan in (
        Plan("standard-monthly", "Starter", "monthly", 14_900, True),
        Plan("standard-annual", "Starter annual", "yearly", 149_000, True),
        Plan("pro-monthly", "Pro", "monthly", 19_900, True),
        Plan("pro-annual", "Pro annual", "yearly", 199_000, True),
        Plan("pro-legacy", "Pro (legacy)", "monthly", 12_900, True),
        Plan("vip-monthly", "Elite", "monthly", 49_900, True),
        Plan("passenger-app", "Passenger app", "monthly", 49_900, False),
        Plan("passenger-app-annual", "Passenger app annual", "yearly", 499_000, False),
        Plan("shuttle-app", "Shuttle app", "monthly", 49_900, False),
        Plan("crm-standard-monthly", "CRM standard", "monthly", 29_900, False),
        Plan("marketing-lite-monthly", "Marketing lite", "monthly", 19_900, False),
        Plan("marketing-advanced-monthly", "Marketing advanced", "monthly", 39_900, False),
        Plan("marketing-pro-monthly", "Marketing pro", "monthly", 59_900, False),
        Plan("marketing-enterprise-monthly", "Marketing enterprise", "monthly", 99_900, False),
        Plan("marketing-ppc-monthly", "Marketing pay-per-click", "monthly", 34_900, False),
        Plan("marketing-conversion-tracking", "Conversion tracking", "monthly", 9_900, False),
        Plan("marketing-seo-1-monthly", "Search visibility 1", "monthly", 14_900, False),
        Plan("marketing-seo-2-monthly", "Search visibility 2", "monthly", 29_900, False),
        Plan("marketing-seo-3-monthly", "Search visibility 3", "monthly", 44_900, False),
    )
}
"""The price list: base plans and the listed add-ons are public prices, the marketing codes' prices invented."""

SEGMENT_OF_PLAN = {
    "standard-monthly": "SMB",
    "standard-annual": "SMB",
    "pro-monthly": "Mid-Market",
    "pro-annual": "Mid-Market",
    "pro-legacy": "Mid-Market",
    "vip-monthly": "Enterprise",
}
APP_PLAN = {"SMB": "standard", "Mid-Market": "pro", "Enterprise": "vip", "Free": "free"}
SETUP_FEE_CENTS = 29_900
ZERO_DECIMAL = frozenset({"JPY", "KRW", "VND", "CLP"})
USD_PER_UNIT = {"USD": 1.0, "CAD": 0.73, "GBP": 1.27, "EUR": 1.08, "JPY": 0.0067}
"""The rates at which the warehouse's own view turns billing currencies into USD (invented, fixed)."""

PIPELINES: dict[str, tuple[str, dict[str, str]]] = {
    "smb": (
        "SMB pipeline",
        {
            "smb_lead": "Lead",
            "smb_pql": "PQL",
            "smb_opportunity": "Opportunity",
            "smb_paid": "Paid Account / Fully Onboarded",
            "smb_lost": "Closed Lost",
            "smb_lost_paid": "Closed Lost - Formerly Paid",
        },
    ),
    "mid": (
        "Mid-market pipeline",
        {
            "mid_interest": "Interest",
            "mid_discovery": "Discovery",
            "mid_demo": "Demo",
            "mid_negotiation": "Negotiation ",
            "mid_paid": "Closed Won",
            "mid_lost": "Closed Lost",
            "mid_lost_paid": "Closed lost - formerly paid",
        },
    ),
    "enterprise": (
        "Enterprise pipeline",
        {
            "enterprise_interest": "Interest",
            "enterprise_discovery": "Discovery",
            "enterprise_demo": "Demo",
            "enterprise_negotiation": "Negotiation",
            "enterprise_paid": "Closed Won",
            "enterprise_lost": "Closed Lost",
            "enterprise_lost_paid": "Closed Lost- Formerly Paid",
        },
    ),
    "addon": (
        "Add-on pipeline",
        {
            "addon_lead": "Lead",
            "addon_discovery": "Discovery Call",
            "addon_demo": "Demo",
            "addon_prospecting": "Prospecting",
            "addon_contract": "Contract sent",
            "addon_onboarding": "Onboarding",
            "addon_paid": "Fully Onboarded/Paid Account",
            "addon_lost": "Closed Lost",
        },
    ),
}
"""HubSpot deal pipelines: id → label and its stages' ids and labels, the trailing blank and spellings as met."""
