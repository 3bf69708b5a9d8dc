"""What a customer may see: every internal figure and text is replaced by a mark of its own, and no mark may come out."""

from __future__ import annotations

import email
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pypdf
import pytest
from report_accounts import AS_OF, advised, full, gap_of, nothing
from report_past import with_past

from customer_research.documents.audience import (
    CUSTOMER_COLUMNS,
    INTERNAL_SECTIONS,
    OWN_TICKET,
    customer_account,
    customer_report,
    is_for_customers,
)
from customer_research.documents.formats import FORMATS, render
from customer_research.domain.account import Account, Records
from customer_research.domain.evidence import Evidence, Fact, Figure, Gap, Receipt
from customer_research.domain.occasion import Occasion
from customer_research.domain.report import Freshness, Report
from customer_research.errors import UsageError
from customer_research.reports.kinds import EVERY_KIND, OPERATOR_KINDS

CUSTOMER = Occasion(audience="customer")
FOR_CUSTOMERS = ("account-review", "billing", "reservations", "payments")
MARK = re.compile(r"ZQ\d{3,}Z|(?<!\d)7[,.]?7[,.]?7\d[,.]?\d{3}(?!\d)|2\d{3}-07-1[78]")
"""A marked text, a marked number (7,77n,nnn in any form), a marked day."""


class Marks:
    """Marks that look like nothing else, each used once."""

    def __init__(self) -> None:
        self.used = 0

    def text(self) -> str:
        self.used += 1
        return f"ZQ{self.used:03}Z"

    def number(self) -> int:
        self.used += 1
        return 7_770_000 + self.used

    def day(self) -> date:
        self.used += 1
        return date(2200 + self.used % 700, 7, 17)


def marked() -> Account:
    """An account in which everything internal is marked, and everything that may be seen is plain."""
    marks = Marks()
    account = with_past(full())
    score = replace(account.scores[0], scorecard=marks.text(), version=marks.text())
    assert score.contributions
    dimensions = tuple(
        replace(
            dimension,
            name=marks.text(),
            contributions=tuple(
                replace(c, rule=marks.text(), because=marks.text(), window=marks.text(), evidence=_evidence(marks))
                for c in dimension.contributions
            ),
        )
        for dimension in score.dimensions
    )
    gates = tuple(replace(gate, name=marks.text(), because=marks.text()) for gate in score.gates)
    findings = tuple(
        replace(f, rule=marks.text(), title=marks.text(), because=marks.text(), action=marks.text())
        for f in account.findings
    )
    advice = tuple(
        replace(one, action=marks.text(), because=marks.text(), source=marks.text(), owner=marks.text())
        for one in advised(account).advice
    )
    assert advice
    assert not isinstance(account.alerts, Gap)
    episodes = tuple(
        replace(e, title=marks.text(), told=replace(e.told, because=marks.text())) for e in account.alerts.episodes
    )
    return replace(
        account,
        figures={name: _marked_figure(name, found, marks) for name, found in account.figures.items()},
        records={name: _marked_records(name, found, marks) for name, found in account.records.items()},
        scores=(replace(score, score=marks.number(), dimensions=dimensions, gates=gates),),
        findings=findings,
        advice=advice,
        alerts=replace(account.alerts, episodes=episodes, receipt=_receipt(account.alerts.receipt, marks)),
        links={name: f"https://{marks.text()}.example.com/{{id}}" for name in account.links},
        freshness=tuple(_freshness(item, marks) for item in account.freshness),
    )


def _evidence(marks: Marks) -> Evidence:
    return Evidence(("invoice_id",), ((marks.text(),),), 1)


def _receipt(receipt: Receipt, marks: Marks) -> Receipt:
    return replace(
        receipt,
        id=marks.text(),
        stream=marks.text(),
        query=marks.text(),
        digest=marks.text(),
        place=marks.text(),
        parameters=((marks.text(), marks.text()),),
    )


def _freshness(item: Freshness, marks: Marks) -> Freshness:
    gap = Gap(item.source, "unavailable", marks.text(), marks.text())
    return replace(item, state="partial", gaps=(gap,), warning=marks.text())


def _marked_figure(name: str, found: Figure, marks: Marks) -> Figure:
    assert isinstance(found, Fact)
    basis = tuple(_receipt(receipt, marks) for receipt in found.basis)
    kept = replace(found, basis=basis, note=marks.text())
    return kept if is_for_customers(name) else replace(kept, value=_marked_value(found.value, marks))


def _marked_value(value: Any, marks: Marks) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return type(value)(marks.number())
    if isinstance(value, datetime):
        return datetime.combine(marks.day(), datetime.min.time(), UTC)
    if isinstance(value, date):
        return marks.day()
    if isinstance(value, tuple):
        return tuple(replace(money, minor=marks.number() * 100) for money in value)
    return marks.text()


def _marked_records(name: str, found: Records, marks: Marks) -> Records:
    seen = CUSTOMER_COLUMNS.get(name, frozenset())
    rows = tuple(_marked_row(name, row, seen, marks) for row in found.rows)
    return replace(found, rows=rows, receipts=tuple(_receipt(receipt, marks) for receipt in found.receipts))


def _marked_row(name: str, row: Mapping[str, Any], seen: frozenset[str], marks: Marks) -> dict[str, Any]:
    kept = {**row}
    for column, value in row.items():
        if column not in seen and "*" not in seen and column != "currency":
            kept[column] = marks.text() if value is None or isinstance(value, str) else _marked_value(value, marks)
    if name == "ticket" and row.get("matched_by") != OWN_TICKET:
        kept["title"] = marks.text()
    return kept


def reports() -> Iterator[tuple[str, Report]]:
    account = marked()
    for name in FOR_CUSTOMERS:
        yield name, OPERATOR_KINDS[name].report(account, CUSTOMER)


REPORTS = dict(reports())


@pytest.mark.parametrize("style", FORMATS)
@pytest.mark.parametrize("kind", FOR_CUSTOMERS)
def test_nothing_internal_comes_out(kind: str, style: str) -> None:
    assert MARK.findall(text_in(style, render(REPORTS[kind], style))) == []


def text_in(style: str, made: bytes) -> str:
    """All text of a document: of every member of an archive, every part of a message, a PDF's pages and its description."""
    if style == "email":
        parts = (part for part in email.message_from_bytes(made).walk() if not part.is_multipart())
        decoded = (part.get_payload(decode=True) for part in parts)
        return "\n".join([str(made), *(str(one, "utf-8", "replace") for one in decoded if isinstance(one, bytes))])
    if made.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(made)) as archive:
            told = "\n".join(archive.read(name).decode("utf-8", errors="replace") for name in archive.namelist())
        return re.sub(r'<a:gridCol w="\d+"', "<a:gridCol", told)  # a column's width may look like a mark
    if made.startswith(b"%PDF"):
        document = pypdf.PdfReader(io.BytesIO(made))
        pages = [page.extract_text() for page in document.pages]
        return "\n".join([*pages, str(document.metadata), str(document.attachments)])
    return made.decode("utf-8", errors="replace")


@pytest.mark.parametrize("kind", FOR_CUSTOMERS)
def test_a_customer_has_the_sections_that_are_not_internal(kind: str) -> None:
    ours, theirs = OPERATOR_KINDS[kind].report(full()), OPERATOR_KINDS[kind].report(full(), CUSTOMER)
    ids = [section.id for section in theirs.sections]
    assert ids
    assert not INTERNAL_SECTIONS.intersection(ids)
    whole = customer_report(ours)
    assert [section.id for section in whole.sections] == [
        section.id for section in ours.sections if section.id not in INTERNAL_SECTIONS
    ]


def test_the_marks_would_be_seen() -> None:
    account = marked()
    for name, kind in OPERATOR_KINDS.items():
        assert MARK.search(render(kind.report(account), "markdown").decode()), name


@pytest.mark.parametrize("style", FORMATS)
def test_the_marks_would_be_seen_in_every_format(style: str) -> None:
    assert MARK.search(text_in(style, render(OPERATOR_KINDS["account-review"].report(marked()), style)))


@pytest.mark.parametrize("name", [name for name in EVERY_KIND if name not in FOR_CUSTOMERS])
def test_other_kinds_refuse_customers_in_one_sentence(name: str) -> None:
    with pytest.raises(UsageError, match=rf"^The report {name} is internal: it has no form for customers\.$"):
        EVERY_KIND[name].admit(CUSTOMER)


def test_the_kinds_for_customers_are_these() -> None:
    assert tuple(name for name, kind in EVERY_KIND.items() if kind.for_customers) == FOR_CUSTOMERS


def test_what_is_internal_stays_so() -> None:
    for name in ("mrr", "mrr_usd", "avg_risk_score", "high_risk_share", "csm_mrr", "segment", "cancellation_mentioned"):
        assert not is_for_customers(name)


def test_a_ticket_that_may_be_of_several_operators_has_no_title() -> None:
    account = full()
    found = account.records["ticket"]
    rows = (found.rows[0], {**found.rows[0], "matched_by": "tag"}, {**found.rows[0], "is_certain": False})
    own = customer_account(replace(account, records={**account.records, "ticket": replace(found, rows=rows)}))
    assert [row["title"] for row in own.records["ticket"].rows] == ["Pickup times shift", None]
    assert {row["priority"] for row in own.records["ticket"].rows} == {None}


def test_a_customer_is_not_told_that_it_has_churned() -> None:
    account = customer_account(full(status="churned"))
    assert isinstance(account.figures["status"], Gap)
    report = OPERATOR_KINDS["account-review"].report(full(status="churned", churned_on=AS_OF.date()), CUSTOMER)
    assert "churned" not in render(report, "markdown").decode()


def test_a_customer_reads_that_something_is_not_there_but_not_why() -> None:
    text = render(OPERATOR_KINDS["account-review"].report(nothing(), CUSTOMER), "markdown").decode()
    assert "Not available at the moment: billing" in text
    for word in ("in 15 s", "Lago", "HubSpot", "Notion", "Warehouse", gap_of("lago").detail):
        assert word not in text


def test_personal_data_is_never_shown_to_a_customer() -> None:
    for name in FOR_CUSTOMERS:
        text = render(OPERATOR_KINDS[name].report(full(), CUSTOMER), "json", show_personal=True).decode()
        assert "dana.roe" not in text
        assert "Robin Vale" not in text
