"""Account snapshots: nothing is lost on the way to a file and back, and the same snapshot gives the same bytes."""

from __future__ import annotations

import gzip
import stat
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from report_accounts import ACCOUNT_KINDS, ACCOUNTS, AS_OF, OPERATOR, full, receipt

from customer_research.documents.formats import json_, markdown, terminal
from customer_research.domain.account import Records
from customer_research.domain.account_snapshot import AccountSnapshot, Code
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.rates import Rates
from customer_research.errors import StoreError, UsageError
from customer_research.reports.inquiries import difference
from customer_research.reports.kinds import KINDS
from customer_research.store.accounts import AccountSnapshots, decode, encode, read

CODE = Code("0.1.0", "ab" * 8, {"typst": "0.15"})


def with_rates(account: Any) -> Any:
    days = {date(2026, 10, 30): {"USD": Decimal("1.08"), "CAD": Decimal("1.5")}}
    return replace(account, rates=Rates(days, "USD", receipt("rates", "exchange rates")))


def kept(account: Any) -> AccountSnapshot:
    return decode(encode(account, CODE))


@pytest.mark.parametrize("name", ACCOUNTS)
def test_an_account_comes_back_as_it_was(name: Any) -> None:
    account = with_rates(ACCOUNTS[name]())
    back = kept(account)
    assert back.account == account
    assert back.code == CODE
    assert encode(back.account, back.code) == encode(account, CODE)


def test_a_value_comes_back_as_what_it_was() -> None:
    """A truth value is no number, a number no text, a day no instant."""
    kinds = {"no": False, "yes": True, "none": None, "zero": 0, "one": 1, "half": 0.5, "text": "1", "empty": ""}
    dated = {"day": date(2026, 10, 30), "instant": AS_OF, "exact": Decimal("0.10"), "set": frozenset({"b", "a"})}
    row = {**kinds, **dated, "list": (1, "a", None)}
    account = replace(full(), records={"invoice": Records("invoice", (row,), (receipt("lago", "invoices"),))})
    (back,) = kept(account).account.records["invoice"].rows
    assert [(name, type(value), value) for name, value in back.items()] == [
        (name, type(value), value) for name, value in row.items()
    ]


def test_a_value_that_no_file_can_hold_is_refused() -> None:
    account = replace(full(), records={"invoice": Records("invoice", ({"at": timedelta(1)},), ())})
    with pytest.raises(StoreError, match="A timedelta cannot be kept"):
        encode(account, CODE)


def test_a_file_of_an_earlier_version_is_read_without_what_records_have_no_more() -> None:
    old = encode(full(), CODE).replace(b'{"of":"Advice","has":{', b'{"of":"Advice","has":{"within_days":7,')
    assert decode(old).account == full()


@pytest.mark.parametrize("render", [json_.render, markdown.render, terminal.render])
def test_a_kept_account_gives_the_same_bytes(render: Any) -> None:
    account = full()
    for kind in ACCOUNT_KINDS:
        assert render(KINDS[kind].build(kept(account).account)) == render(KINDS[kind].build(account))


def test_a_snapshot_is_found_by_id_beginning_file_and_day(tmp_path: Path) -> None:
    store = AccountSnapshots(tmp_path / "snapshots")
    old, _ = store.keep(replace(full(), as_of=AS_OF - timedelta(days=9)), CODE)
    new, path = store.keep(full(), CODE)
    assert store.keep(full(), CODE)[1] == path
    assert [store.find(ref).id for ref in (new.id, new.id[:8], str(path))] == [new.id] * 3
    assert store.of(OPERATOR, AS_OF.date()).id == new.id
    assert store.of(OPERATOR, AS_OF.date() - timedelta(days=1)).id == old.id
    with pytest.raises(UsageError, match="no account snapshot"):
        store.of(OPERATOR, AS_OF.date() - timedelta(days=20))
    with pytest.raises(UsageError, match="No account snapshot has the id"):
        store.find("0" * 16)


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    _, path = AccountSnapshots(tmp_path).keep(full(), CODE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"format":"other/1"}', b"\x00\x01", b'{"format":"customer-research/account/1"}']
)
def test_what_is_no_snapshot_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "one.account.json.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(StoreError, match="cannot be read"):
        read(path)


def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    _, path = AccountSnapshots(tmp_path).keep(full(), CODE)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreError, match="damaged"):
        read(path)


def test_what_differs_is_told_and_nothing_else() -> None:
    old = full()
    figures = dict(old.figures)
    figures["reservations_30d"] = Fact(7, "count", (receipt("warehouse", "usage"),), AS_OF)
    figures["open_tickets"] = Gap("notion", "unavailable", "the connection timed out")
    score = old.score
    assert score is not None
    new = replace(old, figures=figures, name="Other Name", scores=(replace(score, version="2", digest="f" * 64),))
    then, now = kept(old), AccountSnapshot("1" * 16, new, replace(CODE, digest="cd" * 8))

    report = difference.REPORT.build(
        difference.SnapshotDifference(then, now, {"reservations_30d": "Reservations", "open_tickets": "Open tickets"})
    )

    assert [section.id for section in report.sections] == ["figures", "identity", "scorecard", "code"]
    rows = {row[0].text: row[1:] for row in report.sections[0].blocks[0].rows}  # type: ignore[union-attr]
    assert set(rows) == {"Reservations", "Open tickets"}
    text = markdown.render(report)
    assert "Other Name" in text
    assert "differs in figures, identity, scorecard and score, code" in text


def test_the_same_read_again_does_not_differ() -> None:
    other = {
        name: replace(one, basis=(receipt("lago", "again"),)) if isinstance(one, Fact) else one
        for name, one in full().figures.items()
    }
    report = difference.REPORT.build(
        difference.SnapshotDifference(kept(full()), kept(replace(full(), figures=other)), {})
    )
    assert [section.id for section in report.sections] == ["result"]
