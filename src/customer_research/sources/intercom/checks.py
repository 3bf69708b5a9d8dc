"""What `doctor` asks Intercom: the token, the workspace and its region, and how companies and conversations name operators."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from customer_research.connect.source import Check, Subject
from customer_research.domain import values
from customer_research.domain.check import Diagnosis
from customer_research.domain.values import operator_id
from customer_research.sources.intercom import normalise
from customer_research.sources.intercom.session import IntercomSession, Record, condition

SCOPES = ("Read conversations", "Read and list users and companies", "Read tickets")

HOSTS = {"US": "api.intercom.io", "EU": "api.eu.intercom.io", "AU": "api.au.intercom.io"}
_PERCENT = 100
_SAMPLE = 50


async def token(session: IntercomSession, _subject: Subject | None) -> Diagnosis:
    """Does the token open a workspace?"""
    me = await session.me(session.log("doctor"))
    app = normalise.inside(me, "app")
    found = f"workspace {app.get('name') or app.get('id_code') or 'without a name'}"
    return Diagnosis("ok", found, "an access token")


async def workspace(session: IntercomSession, _subject: Subject | None) -> Diagnosis:
    """Is the workspace's region that of the address, and is its id known?"""
    app = normalise.inside(await session.me(session.log("doctor")), "app")
    region, own = values.text(app.get("region")), values.text(app.get("id_code"))
    zone = values.text(app.get("timezone")) or "a zone that is not told"
    needed = "the address of the workspace's region, and its id for links"
    found = f"region {region or 'not told'}, id {own or 'not told'}, days in {zone}"
    host, expected = urlsplit(session.own.url).hostname, HOSTS.get((region or "").upper())
    if expected is not None and host in HOSTS.values() and host != expected:
        fix = f"Set intercom.url to https://{expected}."
        return Diagnosis("fail", f"{found}; asked at {host}", needed, fix, {"intercom.url": f"https://{expected}"})
    if own is not None and own != session.workspace:
        return Diagnosis("warn", found, needed, "Set intercom.workspace to the id.", {"intercom.workspace": own})
    return Diagnosis("ok", found, needed)


async def companies(session: IntercomSession, _subject: Subject | None) -> Diagnosis:
    """Are the companies' ids operator ids?"""
    log = session.log("doctor")
    answer = await session.http.read("/companies", log, params={"per_page": _SAMPLE})
    sample = session.http.results(answer, log, "data")
    named = [one for one in sample if operator_id(one.get("company_id")) is not None]
    return _share(
        sample, named, "companies whose company_id is an operator id", "Send the operator's id as company_id."
    )


async def conversations(session: IntercomSession, _subject: Subject | None) -> Diagnosis:
    """Do conversations name a company?"""
    found = await session.search("conversations", condition("updated_at", ">", 0), session.log("doctor"), pages=1)
    named = [one for one in found.records if operator_id(normalise.company_key(one)) is not None]
    fix = "Add people to the company of their operator; a conversation without one is told by its contacts."
    return _share(found.records, named, "conversations that name an operator's company", fix)


async def tickets(session: IntercomSession, _subject: Subject | None) -> Diagnosis:
    """May the token read tickets?"""
    found = await session.search("tickets", condition("updated_at", ">", 0), session.log("doctor"), pages=1)
    return Diagnosis("ok", f"{'some' if found.records else 'none'} there", "an app that may read tickets")


def _share(sample: Sequence[Record], named: Sequence[Record], what: str, fix: str) -> Diagnosis:
    needed = f"most {what}"
    if not sample:
        return Diagnosis("skipped", "none there", needed)
    found = f"of {len(sample)}: {len(named) * _PERCENT // len(sample)} % {what}"
    return Diagnosis("ok", found, needed) if len(named) * 2 >= len(sample) else Diagnosis("warn", found, needed, fix)


CHECKS = (
    Check("token", "Does the token open a workspace?", token),
    Check("workspace", "Is the workspace's region that of the address?", workspace),
    Check("companies", "Are the companies' ids operator ids?", companies),
    Check("conversations", "Do conversations name a company?", conversations),
    Check("tickets", "May the token read tickets?", tickets),
)
