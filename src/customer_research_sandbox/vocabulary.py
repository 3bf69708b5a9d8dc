"""The world's invented words, public cities and price list.

Company names come from two invented word lists and a trade; people's names are plain given names with invented surnames;
mail lives under `example.com/.org/.net`, telephone numbers are 555-01xx.
"""

from __future__ import annotations

from dataclasses import dataclass

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


def _cities(text: str) -> tuple[City, ...]:
    rows = (line.split("|") for line in text.strip().splitlines())
    return tuple(
        City(name, state, country, float(lat), float(lon), zone, area, airport)
        for name, state, country, lat, lon, zone, area, airport in rows
    )


CITIES = _cities("""
New York|NY|US|40.713|-74.006|America/New_York|212|East Airport
Los Angeles|CA|US|34.052|-118.244|America/Los_Angeles|213|Coast Airport
Chicago|IL|US|41.878|-87.630|America/Chicago|312|Lake Airport
Houston|TX|US|29.760|-95.370|America/Chicago|713|Bayou Airport
Phoenix|AZ|US|33.448|-112.074|America/Phoenix|602|Desert Airport
Philadelphia|PA|US|39.953|-75.164|America/New_York|215|River Airport
San Antonio|TX|US|29.425|-98.495|America/Chicago|210|Mission Airport
San Diego|CA|US|32.716|-117.161|America/Los_Angeles|619|Bay Airport
Dallas|TX|US|32.777|-96.797|America/Chicago|214|Prairie Airport
Austin|TX|US|30.267|-97.743|America/Chicago|512|Hill Airport
Jacksonville|FL|US|30.332|-81.656|America/New_York|904|Shore Airport
Columbus|OH|US|39.961|-82.999|America/New_York|614|Central Airport
Charlotte|NC|US|35.227|-80.843|America/New_York|704|Crown Airport
Indianapolis|IN|US|39.768|-86.158|America/New_York|317|Circle Airport
San Francisco|CA|US|37.775|-122.419|America/Los_Angeles|415|Gate Airport
Seattle|WA|US|47.606|-122.332|America/Los_Angeles|206|Sound Airport
Denver|CO|US|39.739|-104.990|America/Denver|303|Mile Airport
Washington|DC|US|38.907|-77.037|America/New_York|202|Capital Airport
Boston|MA|US|42.360|-71.059|America/New_York|617|Harbor Airport
Nashville|TN|US|36.163|-86.781|America/Chicago|615|Music Airport
Detroit|MI|US|42.331|-83.046|America/New_York|313|Strait Airport
Oklahoma City|OK|US|35.468|-97.516|America/Chicago|405|Plains Airport
Portland|OR|US|45.515|-122.679|America/Los_Angeles|503|Rose Airport
Las Vegas|NV|US|36.170|-115.140|America/Los_Angeles|702|Valley Airport
Memphis|TN|US|35.150|-90.049|America/Chicago|901|Blues Airport
Louisville|KY|US|38.253|-85.759|America/New_York|502|Falls Airport
Baltimore|MD|US|39.290|-76.612|America/New_York|410|Fort Airport
Milwaukee|WI|US|43.039|-87.907|America/Chicago|414|Brew Airport
Albuquerque|NM|US|35.084|-106.650|America/Denver|505|Mesa Airport
Tucson|AZ|US|32.222|-110.975|America/Phoenix|520|Saguaro Airport
Fresno|CA|US|36.738|-119.787|America/Los_Angeles|559|Orchard Airport
Sacramento|CA|US|38.582|-121.494|America/Los_Angeles|916|Levee Field
Kansas City|MO|US|39.100|-94.579|America/Chicago|816|Fountain Airport
Atlanta|GA|US|33.749|-84.388|America/New_York|404|Peach Airport
Omaha|NE|US|41.257|-95.935|America/Chicago|402|Bluff Airport
Colorado Springs|CO|US|38.834|-104.821|America/Denver|719|Peak Airport
Raleigh|NC|US|35.780|-78.639|America/New_York|919|Oak Airport
Miami|FL|US|25.762|-80.192|America/New_York|305|Palm Airport
Minneapolis|MN|US|44.978|-93.265|America/Chicago|612|North Airport
Tampa|FL|US|27.951|-82.457|America/New_York|813|Gulf Airport
New Orleans|LA|US|29.951|-90.072|America/Chicago|504|Crescent Airport
Cleveland|OH|US|41.499|-81.694|America/New_York|216|Erie Airport
Honolulu|HI|US|21.307|-157.858|Pacific/Honolulu|808|Island Airport
Pittsburgh|PA|US|40.441|-79.996|America/New_York|412|Steel Airport
Cincinnati|OH|US|39.103|-84.512|America/New_York|513|Queen Airport
Saint Louis|MO|US|38.627|-90.199|America/Chicago|314|Arch Airport
Orlando|FL|US|28.538|-81.379|America/New_York|407|Lakes Airport
Buffalo|NY|US|42.886|-78.878|America/New_York|716|Falls Field
Richmond|VA|US|37.541|-77.436|America/New_York|804|James Airport
Salt Lake City|UT|US|40.761|-111.891|America/Denver|801|Basin Airport
Boise|ID|US|43.615|-116.202|America/Denver|208|Treasure Airport
Charleston|SC|US|32.777|-79.931|America/New_York|843|Tide Airport
Savannah|GA|US|32.081|-81.091|America/New_York|912|Square Airport
Providence|RI|US|41.824|-71.413|America/New_York|401|Ocean Airport
Hartford|CT|US|41.764|-72.685|America/New_York|860|Valley Field
Toronto|ON|CA|43.653|-79.383|America/New_York|416|Island Field
Vancouver|BC|CA|49.283|-123.121|America/Los_Angeles|604|Strait Field
London|ENG|GB|51.507|-0.128|Europe/London|020|Thames Airport
Dublin|L|IE|53.350|-6.260|Europe/London|01|Liffey Airport
Tokyo|13|JP|35.677|139.650|Asia/Tokyo|03|Bay Field
""")


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
