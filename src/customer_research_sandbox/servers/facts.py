"""Who tells company facts, on one port: the register of carriers as Socrata serves it (/fmcsa), and People Data Labs (/pdl).

Written from their documentation. `script` holds answers that come before any other: a 402, a 429 with or without headers, a refusal that
is plain text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.project_facts import Firms
from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.wire import Vendor, answer, fault_of, whole_number

API_KEY = "sandbox-people-data-labs-key"
DATASET = "az4n-8mr2"
CREDITS = 100
"""Credits of a month."""

SURE = 10
COLUMNS = frozenset(
    """
    dot_number legal_name dba_name phone fax email_address company_officer_1 company_officer_2 phy_street phy_city phy_state phy_zip
    phy_country status_code carrier_operation power_units truck_units bus_units total_drivers total_cdl mcs150_date mcs150_mileage
    add_date docket1 docket2 docket3 docket1prefix docket1_status_code docket2_status_code docket3_status_code safety_rating
    safety_rating_date business_org_desc classdef hm_ind fleetsize
    """.split()  # noqa: SIM905 - a list to read
)
_NUMBER = re.compile(r"dot_number='(\d+)'")
_NAMED = re.compile(
    r"phy_state='([A-Z]{2})' AND \(upper\(legal_name\) like '([A-Z0-9%]+)' OR upper\(dba_name\) like '([A-Z0-9%]+)'\)"
)
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "payment_required",
    404: "not_found",
    429: "rate_limit_error",
}


class FactsServer(Vendor):
    """Both over the same firms; what tests change in them is served at once."""

    source = "facts"

    def __init__(self, firms: Firms, controls: Controls) -> None:
        super().__init__(controls)
        self.firms = firms
        self.credits = CREDITS
        self.script: list[Response] = []

    def routes(self) -> Sequence[BaseRoute]:
        """A path each."""
        return [
            Route("/fmcsa/resource/{dataset}.json", self._census),
            Route("/pdl/v5/company/enrich", self._enrich),
        ]

    def authorised(self, request: Request) -> bool:
        """The register is open; the seller wants its key."""
        return request.url.path.startswith("/fmcsa/") or request.headers.get("x-api-key") == API_KEY

    def error(self, status: int, message: str = "") -> Response:
        """People Data Labs' form of an error; Socrata's has the message elsewhere."""
        kind = _TYPES.get(status, "api_error")
        return answer({"status": status, "error": {"type": kind, "message": message or kind.replace("_", " ")}}, status)

    def refusal(self, request: Request) -> Response | None:
        """What a test has put before every answer."""
        del request
        return self.script.pop(0) if self.script else None

    def _census(self, request: Request) -> Response:
        if request.path_params["dataset"] != DATASET:
            return answer({"code": "dataset.missing", "error": True, "message": "Not found"}, 404)
        asked = request.query_params
        unknown = set(asked.get("$select", "").split(",")) - COLUMNS - {""}
        rows = self._rows(asked.get("$where", ""))
        if unknown or rows is None:
            told = f"No such column: {min(unknown)}" if unknown else "Could not parse SoQL query"
            return answer({"code": "query.soql.no-such-column", "error": True, "message": told}, 400)
        names = asked["$select"].split(",") if "$select" in asked else sorted(COLUMNS)
        if fault_of(request) == "schema":
            names = [name for name in names if name != "dot_number"]
        found = [{name: row[name] for name in names if row.get(name) not in {None, ""}} for row in rows]
        return answer(found[: whole_number(asked.get("$limit"), 1_000)])

    def _rows(self, where: str) -> list[Row] | None:
        """The carriers that a query means; None for one that is not understood."""
        by_number, by_name = _NUMBER.fullmatch(where), _NAMED.fullmatch(where)
        if by_number is not None:
            return [row for row in self.firms.carriers if row["dot_number"] == by_number[1]]
        if by_name is None:
            return None
        like = [re.compile(part.replace("%", ".*")) for part in by_name.groups()[1:]]
        return [
            row
            for row in self.firms.carriers
            if row["phy_state"] == by_name[1]
            and any(
                one.fullmatch(str(row.get(name, "")).upper())
                for one, name in zip(like, ("legal_name", "dba_name"), strict=True)
            )
        ]

    def _enrich(self, request: Request) -> Response:
        asked = request.query_params
        if not any(asked.get(name) for name in ("website", "name", "ticker", "profile", "pdl_id")):
            return self.error(400, "Request must contain at least one of: name, ticker, website, profile, pdl_id")
        if self.credits <= 0:
            return self.error(402, "You have reached your account maximum (all matches used)")
        record = self._record(asked)
        if record is None or int(record["likelihood"]) < whole_number(asked.get("min_likelihood"), 2):
            return self._with_limits(self.error(404, "No records were found matching your request"), 0)
        self.credits -= 1
        told = {name: value for name, value in record.items() if not (fault_of(request) == "schema" and name == "id")}
        return self._with_limits(answer({"status": 200, **told}), 1)

    def _record(self, asked: Mapping[str, str]) -> Mapping[str, Any] | None:
        by_domain = self.firms.companies.get(asked.get("website", ""))
        if by_domain is not None:
            return by_domain
        named = (one for one in self.firms.companies.values() if one["name"] == asked.get("name", "").lower())
        return next((one for one in named if one["location"]["locality"] == asked.get("locality", "").lower()), None)

    def _with_limits(self, response: Response, spent: int) -> Response:
        """Its headers on limits hold JSON, by window."""
        response.headers["x-ratelimit-limit"] = "{'minute': 10}"
        response.headers["x-ratelimit-remaining"] = "{'minute': 9}"
        response.headers["x-call-credits-spent"] = str(spent)
        response.headers["x-totallimit-remaining"] = str(self.credits)
        return response
