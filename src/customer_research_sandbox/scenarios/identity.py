"""Scenarios about finding an operator: names, ids and twins."""

from __future__ import annotations

from datetime import datetime

from customer_research_sandbox.scenarios.script import Script
from customer_research_sandbox.state import OperatorLife

UNICODE_NAME = (
    "Ångström Ñandú Élite Chauffeurs 🚐✨ - Crème Brûlée Fêtes - نقل المدينة الذهبية - "
    "שירות הסעות הזהב - Świętojańska Żółć Přívoz - Größe & Süße Kutschen - Ærø Øresund Færge - Ħamrun Ġgantija Grande 🌙🌟✨✨"
)
"""Accents, emoji, two right-to-left scripts, 200 characters."""


def ambiguous_name(as_of: datetime) -> list[OperatorLife]:
    """S25: three companies begin with Summit: an active Pro, an active Starter, one that churned 100 days ago."""
    pro = Script(as_of, 25, "ambiguous_name", "Summit Ridge Limousine").quiet()
    starter = Script(as_of, 25, "ambiguous_name", "Summit Vale Black Car", variant=1, plan="standard-monthly")
    starter.bill(starter.subscribe("standard-monthly", 720), range(24))
    starter.quiet(skip={"billing"})
    gone = Script(as_of, 25, "ambiguous_name", "Summit Point Shuttle", variant=2)
    former = gone.subscribe("pro-monthly", 720, until=100, event="churn")
    gone.bill(former, range(3, 24))
    gone.trips(600, 700, 100)
    gone.staff(400)
    gone.relations(contacted=100)
    return [pro.life, starter.life, gone.life]


def wildcard_name(as_of: datetime) -> list[OperatorLife]:
    """S26: a name made of LIKE wildcards, and one that it would match if they were not escaped."""
    literal = Script(as_of, 26, "wildcard_name", "100%_Ride").quiet()
    decoy = Script(as_of, 26, "wildcard_name", "100 Mile Ride", variant=1).quiet()
    return [literal.life, decoy.life]


def injection_term(as_of: datetime) -> list[OperatorLife]:
    """S27: a name with a table separator, a script tag and a spreadsheet formula."""
    script = Script(as_of, 27, "injection_term", "=cmd|'calc'!A0 <script>alert(1)</script> | O'Tolley Cars").quiet()
    return [script.life]


def stripe_twins(as_of: datetime) -> list[OperatorLife]:
    """S28: two processor accounts that differ in the case of one letter only."""
    lives = []
    for variant, (name, account) in enumerate(
        (("Casewell Upper Livery", "acct_5CenarioTwinAbCd"), ("Casewell Lower Livery", "acct_5CenarioTwinabCd"))
    ):
        script = Script(as_of, 28, "stripe_case_twin", name, variant=variant)
        script.operator.stripe_account = script.operator.stripe_account_in_app = account
        lives.append(script.quiet().life)
    return lives


def id_formats(as_of: datetime) -> list[OperatorLife]:
    """S29: looked up by five spellings of one id."""
    return [Script(as_of, 29, "id_formats", "Manyform Keystone Cars").quiet().life]


def hubspot_float(as_of: datetime) -> list[OperatorLife]:
    """S30: the CSM view's export holds the HubSpot id in scientific notation."""
    script = Script(as_of, 30, "hubspot_float_id", "Floatwell Compass Limousine")
    script.operator.hubspot_id, script.operator.hubspot_id_text = 12_345_678_901, "1.2345678901E10"
    return [script.quiet().life]


def free_mail(as_of: datetime) -> list[OperatorLife]:
    """S38: HubSpot holds the same public mail domain for two operators that have nothing to do with each other."""
    lives = []
    for variant, name in enumerate(("Larchwood Solo Cars", "Tidegate Family Limousine")):
        script = Script(as_of, 38, "free_mail_domain", name, variant=variant)
        script.operator.domain = "gmail.com"
        script.operator.website = ""
        script.quiet(skip={"relations"})
        script.relations()
        for contact in script.life.contacts:
            contact.email = f"{contact.first.lower()}@{script.operator.slug}.example.com"
        lives.append(script.life)
    return lives


def unicode_name(as_of: datetime) -> list[OperatorLife]:
    """S40: accents, emoji and right-to-left writing in a name of 200 characters."""
    script = Script(as_of, 40, "unicode_rtl_name", UNICODE_NAME)
    return [script.quiet().life]
