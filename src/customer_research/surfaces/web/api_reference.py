"""What the reference page says of the JSON API beside its operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from customer_research.research.usecases import USE_CASES
from customer_research.surfaces.web.endpoints import LONGEST_DRAFT, MOST_LINES, Endpoint, Parameter, left_out

INTRODUCTION = f"""\
`customer-research web serve` serves it beside the pages, at `/api/v1`. `/openapi.json` says the same as this page to programs
(OpenAPI 3.1). An operation is a use case: what the pages and the command line show, under the same name.

## Asking
`tokens create` makes an API token, with what it grants and until when. Here `$URL` is the server's address, `$TOKEN` a token with
`read`, `act` and `finance`, `$ALERT` the id of an alert.

```sh
curl -sS -H "Authorization: Bearer $TOKEN" "$URL/api/v1/portfolio?bands=critical&bands=at_risk&sort=mrr&limit=3"
curl -sS -H "Authorization: Bearer $TOKEN" "$URL/api/v1/alerts?limit=5"
curl -sS -H "Authorization: Bearer $TOKEN" -G --data-urlencode "search=outstanding" "$URL/api/v1/metrics"
curl -sS -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -H "Idempotency-Key: 7f9c2ba4" -d "{{\\"alert\\": \\"$ALERT\\"}}" "$URL/api/v1/alerts/ack"
curl -sS "$URL/openapi.json"
```

- Reading is `GET` with words behind the question mark; a list is said by giving its word several times. It changes nothing. Acting is
  `POST` with a JSON object (64 KiB at most, a draft {LONGEST_DRAFT:,} characters). A word that is unknown, or said twice, is refused.
- In place of a token counts the cookie of who signed in on the pages; a `POST` with it is taken from these pages alone.
- A list has `limit` lines, {MOST_LINES:,} at most. The list as a whole is the page's file, `/operators.csv`, with the same token.
- `ETag` comes with every `GET`: who sends it as `If-None-Match` hears 304 where nothing has changed.
- A `POST` with an `Idempotency-Key` is done once: sent again within a day it says `Idempotency-Replayed: true`, and by the same key
  another request is refused (422). What failed may be asked for again by its key. Should the server end in the middle of an act, its key
  counts as used: look whether the act is there, and send another key if it is not.
- An operation has the time that its use case has, most 60 seconds; who waits longer hears 504.
- Lists, scores and alerts are kept with what operators pay: they need `finance`, too, `churn-risk` and `report` where they are not about
  one operator. What is read live of one operator comes without it, and with gaps in place of money.
- Each use is noted with who asked (`audit list`), as of the surface `api`.

## Answers
`schema`, `use_case`, `state` (`done`, `partial`: a source is missing, or how it came out), `beside` (what is said beside it), and one of

- `report`: as `--format json` has it. A figure is `value`, `unit` and the ids of its `receipts`; what is not known is a `gap` with its
  `source` and `reason`.
- `explanation`: a figure taken apart, as `why --format json` has it.
- `document`, else `table`, `lines` or `text`: what other use cases answer.

Personal data are masked as in the pages: shown where the settings show them and the token grants `personal`.

What goes wrong is `application/problem+json` (RFC 9457): `type`, `title`, `status`, `detail`, `hint` (what to do), `request_id`, and
`candidates` where operators may be meant that are not said clearly. Every answer names its request in `Request-Id`.

| status | |
|---|---|
| 400 | a word is unknown, missing or does not fit; or what is asked for cannot be done |
| 401 | nobody is let in by this token or cookie |
| 403 | a right is missing, or the permission to see what operators pay |
| 404 | there is no such operation or operator, or it is of another's book |
| 405, 413, 415 | another method; a body that is too large; one that is no JSON |
| 409 | several operators answer to the term: `candidates` |
| 422 | the `Idempotency-Key` was sent with another request |
| 500, 502, 503, 504 | a fault of ours or a setting that is missing; a source; too many are waiting, or the store; too late |

## Operations
"""

ELSEWHERE = """\
A token grants `read`, `act`, `finance` and `personal`. What needs another right is for the user of the machine, by the command line;
what may take as long as it takes, and what is asked for by files, is so, too. A field that names a file or folder of the machine
is no word of any operation.
"""


def needs(one: Endpoint) -> str:
    """What an operation needs of a token."""
    usual = one.case.request().reads.__qualname__ == "Request.reads"
    sees = " Also `finance`, as it tells what operators pay." if usual and one.case.needs & {"lake", "store"} else ""
    return f"Needs `{one.case.right}`.{sees}"


def word(parameter: Parameter) -> tuple[str, str, str]:
    """A word of an operation, what its values are, and what it means."""
    told = parameter.schema
    item: Mapping[str, Any] = told["items"] if parameter.many else told
    values = ", ".join(f"`{one}`" for one in item.get("enum", ())) or str(item.get("format", item["type"]))
    usual = f"; default `{str(told['default']).lower()}`" if "default" in told else ""
    needed = "; needed" if parameter.needed else ""
    return (
        f"`{parameter.name}`",
        f"{values}{', several' if parameter.many else ''}{usual}{needed}",
        str(told["description"]),
    )


def left_out_cases() -> Iterator[dict[str, str]]:
    """The use cases that are no operation, and why."""
    for name, case in USE_CASES.items():
        why = left_out(case)
        if why:
            yield {"use case": f"`{name}`", "why": why}
