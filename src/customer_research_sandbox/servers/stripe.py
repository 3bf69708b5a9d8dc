"""Stripe: a restricted key, a version by its name, connected accounts by a header, lists by cursor, two limits a second."""

from __future__ import annotations

import base64
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.limits import Clock, RollingWindow
from customer_research_sandbox.servers.stripe_ledger import Ledger
from customer_research_sandbox.servers.wire import ProblemError, Vendor, answer, bearer, fault_of, made_up_id

KEY = "rk_test_sandbox"
LIMIT, LIST_LIMIT = 100, 25
"""Requests a second: in all, and of one endpoint."""

MOST, USUAL = 100, 10
"""Records of one page at most, and where nobody says how many."""

RIGHTS: Mapping[str, str] = {
    "charges": "rak_charge_read",
    "refunds": "rak_charge_read",
    "disputes": "rak_dispute_read",
    "accounts": "rak_accounts_kyc_basic_read",
}
"""What is listed → the permission that a restricted key needs for it."""

_VERSION = re.compile(r"20\d\d-\d\d-\d\d(\.[a-z]+)?")
_KNOWN = re.compile(
    r"limit|starting_after|ending_before|charge|payment_intent|created|created\[(gte|gt|lte|lt)\]|expand\[\d*\]"
)
_FILTERS = {"charge", "payment_intent"}
_EXPANDABLE = {"refunds": "charge", "disputes": "charge"}


class StripeServer(Vendor):
    """Stripe over one platform's ledger; what tests change in it is served at once."""

    source = "stripe"

    def __init__(self, ledger: Ledger, controls: Controls, clock: Clock) -> None:
        super().__init__(controls)
        self.ledger = ledger
        self._window = RollingWindow(LIMIT, 1.0, clock)
        self._windows: dict[str, RollingWindow] = defaultdict(lambda: RollingWindow(LIST_LIMIT, 1.0, clock))

    def routes(self) -> Sequence[BaseRoute]:
        """The lists that are read, and one record of each."""
        return [Route("/v1/{kind}", self._listed), Route("/v1/{kind}/{id}", self._one)]

    def authorised(self, request: Request) -> bool:
        """The sandbox's key, as a bearer token or as the user of basic credentials."""
        basic = base64.b64encode(f"{KEY}:".encode()).decode()
        return bearer(request, KEY) or request.headers.get("authorization", "") == f"Basic {basic}"

    def error(self, status: int, message: str = "") -> Response:
        """Stripe's error object."""
        if status == 401:
            return _refusal(401, "", "Invalid API Key provided: rk_test_*******")
        if status == 429:
            response = _refusal(429, "rate_limit", "Request rate limit exceeded.")
            response.headers["stripe-rate-limited-reason"] = "endpoint-rate"
            return response
        if status >= 500:
            return _refusal(status, "", "An unknown error occurred", kind="api_error")
        return _refusal(status, "", message or "Unrecognized request URL")

    def refusal(self, request: Request) -> Response | None:
        """A version that there is not, something else than reading, a missing permission, or an account that may not be looked at."""
        version = request.headers.get("stripe-version")
        if version is not None and not _VERSION.fullmatch(version):
            return _refusal(400, "", f"Invalid Stripe API version: {version}")
        kind = request.url.path.split("/")[2:3]
        if not kind or kind[0] not in RIGHTS:
            return _refusal(404, "", f"Unrecognized request URL ({request.method}: {request.url.path}).")
        account = request.headers.get("stripe-account")
        lacks = kind[0] not in self.ledger.permissions or (account is not None and not self.ledger.connect)
        if lacks or request.method != "GET":
            right = RIGHTS[kind[0]].replace("read", "read" if request.method == "GET" else "write")
            told = (
                "The provided key 'rk_test_*******' does not have the required permissions for this endpoint on account"
                f" '{account or 'acct_1SandboxPlatform'}'. Having the '{right}' permission would allow this request to continue."
            )
            return _refusal(403, "", told)
        if account is not None and not self._may_see(account):
            return _no_access(account)
        return None

    def _may_see(self, account: str) -> bool:
        return account in self.ledger.accounts and account not in self.ledger.revoked | self.ledger.shut

    def admit(self, request: Request) -> tuple[Response | None, Mapping[str, str]]:
        """At most so many requests a second, in all and of one endpoint."""
        endpoint = "/".join(request.url.path.split("/")[:3])
        fits = self._window.take().allowed and self._windows[endpoint].take().allowed
        return (None if fits else self.error(429)), {"request-id": made_up_id("stripe", request.url)}

    # -- lists --------------------------------------------------------------------------------------------------------

    def _listed(self, request: Request) -> Response:
        kind, account = request.path_params["kind"], request.headers.get("stripe-account")
        for name in request.query_params:
            if not _KNOWN.fullmatch(name) or (name in _FILTERS and kind == "accounts"):
                raise ProblemError(
                    _refusal(400, "parameter_unknown", f"Received unknown parameter: {name}", param=name)
                )
        rows = [row for row in self.ledger.listed(kind, account) if _passes(row, request)]
        size = _size(request)
        begin, goes_back = _begin(request, rows)
        page = rows[max(begin - size, 0) : begin] if goes_back else rows[begin : begin + size]
        more = begin > size if goes_back else begin + size < len(rows)
        if fault_of(request) == "truncate":
            page, more = [], True
        shown = [self._shown(request, kind, row) for row in page]
        return answer({"object": "list", "data": shown, "has_more": more, "url": f"/v1/{kind}"})

    def _one(self, request: Request) -> Response:
        kind, own, account = (
            request.path_params["kind"],
            request.path_params["id"],
            request.headers.get("stripe-account"),
        )
        if kind == "accounts" and not self._may_see(own):
            raise ProblemError(_no_access(own))
        found = next((row for row in self.ledger.listed(kind, account) if row["id"] == own), None)
        if found is None:
            what = kind.removesuffix("s")
            raise ProblemError(_refusal(404, "resource_missing", f"No such {what}: '{own}'", param="id"))
        return answer(self._shown(request, kind, found, inner=""))

    def _shown(self, request: Request, kind: str, row: Row, inner: str = "data.") -> Row:
        shown = dict(row)
        for name, value in request.query_params.multi_items():
            if name.startswith("expand["):
                field = value.removeprefix(inner)
                if (field == value and inner) or _EXPANDABLE.get(kind) != field:
                    raise ProblemError(_refusal(400, "", f"This property cannot be expanded ({value})."))
                shown[field] = self.ledger.charge(row[field], request.headers.get("stripe-account"))
        if fault_of(request) == "schema":
            shown.pop("amount", None)
        return shown


def _passes(row: Row, request: Request) -> bool:
    """Whether a record is within the filters of a list."""
    asked = request.query_params
    at = row["created"]
    tests = {
        "created": at.__eq__, "created[gte]": at.__ge__, "created[gt]": at.__gt__, "created[lte]": at.__le__, "created[lt]": at.__lt__,
    }  # fmt: skip
    try:
        within = all(test(int(asked[name])) for name, test in tests.items() if name in asked)
    except ValueError:
        raise ProblemError(_refusal(400, "parameter_invalid_integer", "Invalid integer", param="created")) from None
    return within and all(row.get(name) == asked[name] for name in _FILTERS if name in asked)


def _size(request: Request) -> int:
    told = request.query_params.get("limit", str(USUAL))
    if not told.isdigit() or not 1 <= int(told) <= MOST:
        message = f"Invalid integer: {told}; a list has 1 to {MOST} records"
        raise ProblemError(_refusal(400, "parameter_invalid_integer", message, param="limit"))
    return int(told)


def _begin(request: Request, rows: Sequence[Row]) -> tuple[int, bool]:
    """Where a page begins (or ends), and whether it lies before that."""
    for name, goes_back in (("starting_after", False), ("ending_before", True)):
        mark = request.query_params.get(name)
        if mark is not None:
            place = next((number for number, row in enumerate(rows) if row["id"] == mark), None)
            if place is None:
                raise ProblemError(_refusal(404, "resource_missing", f"No such record: '{mark}'", param=name))
            return (place, True) if goes_back else (place + 1, False)
    return 0, False


def _no_access(account: str) -> Response:
    message = (
        f"The provided key 'rk_test_*******' does not have access to account '{account}' (or that account does not exist)."
        " Application access may have been revoked."
    )
    return _refusal(403, "account_invalid", message)


def _refusal(status: int, code: str, message: str, *, param: str = "", kind: str = "invalid_request_error") -> Response:
    error = {
        "type": kind,
        "message": message,
        **({"code": code} if code else {}),
        **({"param": param} if param else {}),
    }
    return answer({"error": error}, status)
