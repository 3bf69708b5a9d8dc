"""The sandbox's Snowflake as whoever writes another client would meet it: statements, bindings, partitions, ends, ways in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sandbox_caller import Caller

from customer_research_sandbox.servers.snowflake_account import (
    ACCOUNT,
    CLIENT_ID,
    CLIENT_SECRET,
    ROLE,
    USER,
    Account,
    fingerprint,
)

STATEMENTS = "/api/v2/statements"


@pytest.fixture
def account(ask: Caller) -> Iterator[Account]:
    found = ask.sandbox.snowflake
    before = found.partition_rows
    yield found
    found.partition_rows, found.statement_seconds, found.public_keys = before, 0.0, []
    found.called_off.clear()


def told(ask: Caller, sql: str, path: str = STATEMENTS, **body: Any) -> tuple[int, Any]:
    answer = ask("snowflake", path, {"statement": sql, **body})
    return answer.status_code, answer.json()


def test_a_statement_that_is_waited_for_answers_with_its_rows(ask: Caller, account: Account) -> None:
    status, body = told(
        ask, "SELECT CURRENT_ROLE() AS ROLE, 1.50 AS PRICE, NULL AS NOTHING, DATE '1970-01-03' AS DAY, TRUE AS FLAG"
    )
    assert status == 200
    assert body["data"] == [[ROLE, "1.50", None, "2", "true"]]
    meta = body["resultSetMetaData"]
    assert [one["type"] for one in meta["rowType"]][1:2] == ["fixed"]
    assert (meta["numRows"], meta["format"], [one["rowCount"] for one in meta["partitionInfo"]]) == (1, "jsonv2", [1])
    assert body["statementStatusUrl"] == f"{STATEMENTS}/{body['statementHandle']}"
    words = told(ask, "SELECT NULL AS NOTHING", f"{STATEMENTS}?nullable=false")[1]
    assert words["data"] == [["null"]]


def test_one_that_is_not_waited_for_is_looked_at(ask: Caller, account: Account) -> None:
    account.statement_seconds, account.partition_rows = 0.3, 2
    sql = "SELECT LAGO_ID FROM MOOVS.CSM_MOOVS ORDER BY LAGO_ID LIMIT ?"
    status, body = told(ask, sql, f"{STATEMENTS}?async=true", bindings={"1": {"type": "FIXED", "value": "5"}})
    assert (status, body["code"]) == (202, "333334")
    handle = body["statementHandle"]
    looks = [ask("snowflake", f"{STATEMENTS}/{handle}").status_code]
    while looks[-1] == 202:
        looks.append(ask("snowflake", f"{STATEMENTS}/{handle}").status_code)
    assert looks[-1] == 200
    assert len(looks) > 1
    parts = [ask("snowflake", f"{STATEMENTS}/{handle}?partition={number}").json()["data"] for number in range(3)]
    assert [len(part) for part in parts] == [2, 2, 1]
    assert ask("snowflake", f"{STATEMENTS}/{handle}?partition=3").status_code == 422
    assert ask("snowflake", f"{STATEMENTS}/00000000-0000-0000-0000-000000000000").status_code == 404


def test_one_that_is_called_off_or_takes_too_long_ends(ask: Caller, account: Account) -> None:
    account.statement_seconds = 30
    handle = told(ask, "SELECT 1 AS X", f"{STATEMENTS}?async=true")[1]["statementHandle"]
    assert ask("snowflake", f"{STATEMENTS}/{handle}/cancel", {}).status_code == 200
    ended = ask("snowflake", f"{STATEMENTS}/{handle}")
    assert (ended.status_code, ended.json()["code"]) == (422, "000604")
    assert account.called_off == [handle]
    status, body = told(ask, "SELECT 1 AS X", timeout=1)
    assert (status, body["code"]) == (408, "000630")


@pytest.mark.parametrize(
    ("status", "code", "body"),
    [
        (422, "100037", {"bindings": {"1": {"type": "FIXED", "value": "many"}}}),
        (422, "100037", {"bindings": {"1": {"type": "FIXED", "value": 3}}}),
        (422, "100037", {"bindings": {"1": {"type": "MONEY", "value": "3"}}}),
        (422, "002000", {"bindings": {}}),
        (400, "391902", {"bindings": [], "statement": "SELECT 1"}),
        (400, "391902", {"parameters": {"SEARCH_PATH": "x"}}),
        (400, "391902", {"sql": "SELECT 1"}),
        (400, "391901", {"statement": " "}),
        (422, "002003", {"statement": "SELECT 1 AS X FROM MOOVS.NOWHERE"}),
        (422, "000904", {"statement": "SELECT NOWHERE FROM MOOVS.CSM_MOOVS"}),
        (422, "003001", {"statement": "DROP TABLE MOOVS.CSM_MOOVS"}),
        (403, "390189", {"role": ROLE.lower()}),
    ],
)
def test_what_is_wrong_is_refused_with_a_code(
    ask: Caller, account: Account, status: int, code: str, body: dict[str, Any]
) -> None:
    answer = ask("snowflake", STATEMENTS, {"statement": "SELECT ? AS X", **body})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_key_pairs_token_is_judged_by_signature_names_and_times(ask: Caller, account: Account) -> None:
    own, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    pem = own.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    account.public_keys = [pem]
    now = int(account.now().timestamp())
    subject = f"{ACCOUNT}.{USER}"
    right = {"iss": f"{subject}.SHA256:{fingerprint(pem)}", "sub": subject, "iat": now, "exp": now + 3600}

    def code(key: Any = own, algorithm: str = "RS256", kind: str = "KEYPAIR_JWT", **changed: Any) -> str:
        token = jwt.encode(right | changed, key, algorithm=algorithm)
        headers = {"Authorization": f"Bearer {token}", "X-Snowflake-Authorization-Token-Type": kind}
        answer = ask("snowflake", STATEMENTS, {"statement": "SELECT 1 AS X"}, headers=headers)
        return "" if answer.status_code == 200 else str(answer.json()["code"])

    assert code() == ""
    assert code(kind="") == ""  # what it is shows by itself
    assert code(kind="OAUTH") == "390303"
    assert code(other) == "390144"
    assert code("secret" * 8, "HS256") == "394305"
    assert code(iss=f"{subject}.SHA256:AAAA") == "394304"
    assert code(sub=f"{ACCOUNT}.SOMEBODY") == "390144"
    assert code(exp=now + 3601) == "394303"
    assert code(iat=now + 300, exp=now + 600) == "394302"
    assert code(iat=now - 600, exp=now) == "394301"
    assert code(exp="soon") == "390144"


def test_the_token_endpoint_gives_tokens_that_end(ask: Caller, account: Account) -> None:
    def granted(**changed: str) -> Any:
        form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **changed}
        import httpx2

        return httpx2.post(f"{ask.sandbox.addresses['snowflake']}/oauth/token-request", data=form)

    assert granted(client_secret="wrong").json()["error"] == "invalid_client"
    assert granted(grant_type="password").json()["error"] == "unsupported_grant_type"
    token = granted().json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "X-Snowflake-Authorization-Token-Type": "OAUTH"}
    assert ask("snowflake", STATEMENTS, {"statement": "SELECT 1 AS X"}, headers=headers).status_code == 200
    account.oauth_given[token] = account.now() - timedelta(seconds=1)
    ended = ask("snowflake", STATEMENTS, {"statement": "SELECT 1 AS X"}, headers=headers)
    assert (ended.status_code, ended.json()["code"]) == (401, "390318")


def test_without_a_credential_nobody_is_let_in(ask: Caller) -> None:
    answer = ask("snowflake", STATEMENTS, {"statement": "SELECT 1"}, headers={"Authorization": ""})
    assert (answer.status_code, answer.json()["code"]) == (401, "390101")
