"""What differs between two snapshots of one operator: figures, records, identity, scorecard, code, exchange rates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from customer_research.domain.account import Account, Records
from customer_research.domain.account_snapshot import AccountSnapshot
from customer_research.domain.evidence import Fact, Figure, Gap, Receipt
from customer_research.domain.health import HealthScore, standing_label
from customer_research.domain.report import Cell, Personal, Prose, Table, Text
from customer_research.domain.words import share_words
from customer_research.record_tables import TABLES
from customer_research.reports.blocks import grid
from customer_research.reports.judgement import dimension_title, points_range
from customer_research.reports.kind import Head, Outline, section
from customer_research.reports.record_rows import PersonalKind

SOURCE = "snapshot"
_PERSONAL: Mapping[str, PersonalKind] = {"email": "email", "phone": "phone"}
_IDENTITY = (
    ("Name", "name"),
    ("E-mail", "email"),
    ("Phone", "phone"),
    ("Domain", "domain"),
    ("Stripe account", "stripe_account"),
    ("HubSpot company", "hubspot_id"),
    ("Plan", "plan_code"),
    ("Subscription", "status"),
    ("City", "city"),
)

Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class SnapshotDifference:
    """Two snapshots of one operator; `labels` are the metrics' names for readers.

    What is the same is left out. A figure that differs in its receipts alone (the same value read again) is the same.
    """

    then: AccountSnapshot
    now: AccountSnapshot
    labels: Mapping[str, str]


def _head(found: SnapshotDifference) -> Head:
    then, now = found.then, found.now
    changed = ", ".join(plan.title.lower() for plan in _PARTS if plan.made(found) is not None)
    headline = Prose(
        f"From snapshot {then.id} ({then.account.as_of:%Y-%m-%d %H:%M} UTC) to {now.id} "
        f"({now.account.as_of:%Y-%m-%d %H:%M} UTC): {f'differs in {changed}' if changed else 'nothing differs'}.",
        _read(found),
    )
    return Head.of(now.account, headline)


def _nothing(found: SnapshotDifference) -> Prose | None:
    if any(plan.made(found) is not None for plan in _PARTS):
        return None
    return Prose(
        "Nothing differs: figures, records, identity, scorecard, exchange rates and code are the same.", _read(found)
    )


def receipt_of(snapshot: AccountSnapshot) -> Receipt:
    """The proof of what a snapshot says of itself: that it was read, and its digest."""
    return Receipt(
        id=f"snapshot-{snapshot.id}",
        source=SOURCE,
        stream="account snapshot",
        query=f"read account snapshot {snapshot.id} of operator {snapshot.account.operator_id}",
        fetched_at=snapshot.account.generated_at,
        rows=1,
        digest=snapshot.id,
        place="store",
    )


def _read(found: SnapshotDifference) -> tuple[Fact[str], ...]:
    return tuple(_said(one, one.id) for one in (found.then, found.now))


def _said(snapshot: AccountSnapshot, text: str) -> Fact[str]:
    return Fact(text, "text", (receipt_of(snapshot),), snapshot.account.as_of)


# -- data --------------------------------------------------------------------------------------------------------------


def _figures(found: SnapshotDifference) -> Table | None:
    then, now, labels = found.then, found.now, found.labels
    before, after = then.account.figures, now.account.figures
    names = tuple(dict.fromkeys((*after, *before)))
    rows = []
    for name in names:
        old, new = before.get(name, _not_kept(then)), after.get(name, _not_kept(now))
        if _value(old) != _value(new):
            rows.append((Text(labels.get(name, name)), old, new))
    return grid("Figure | Then | Now", rows)


def _not_kept(snapshot: AccountSnapshot) -> Gap:
    return Gap(SOURCE, "not_applicable", f"the program that took {snapshot.id} has no such figure")


def _value(figure: Figure) -> Any:
    """What makes two figures differ: the value, or the reason why there is none; never the receipts."""
    return (figure.source, figure.reason) if isinstance(figure, Gap) else (figure.unit, figure.value)


def _records(found: SnapshotDifference) -> Table | None:
    then, now = found.then, found.now
    names = sorted({*then.account.records, *now.account.records})
    rows = [row for name in names for row in _counted(then, now, name)]
    return grid("Table | Added | Gone | Changed", rows)


def _counted(then: AccountSnapshot, now: AccountSnapshot, name: str) -> Iterator[Row]:
    empty = Records(name, (), (), _not_kept(then))
    old, new = then.account.records.get(name, empty), now.account.records.get(name, empty)
    if not old.known or not new.known:
        if old.known != new.known:
            gap = new.gap or old.gap or _not_kept(now)
            lost = "known before, not now" if old.known else "known now, not before"
            yield (Text(f"{name} ({lost})"), gap, gap, gap)
        return
    before, after = _by_key(old), _by_key(new)
    basis = (receipt_of(then), receipt_of(now), *new.receipts)
    counts = (
        len(after.keys() - before.keys()),
        len(before.keys() - after.keys()),
        sum(before[key] != after[key] for key in before.keys() & after.keys()),
    )
    if any(counts):
        yield (Text(name), *(Fact(count, "count", basis, now.account.as_of) for count in counts))


def _by_key(found: Records) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    """Rows by their table's key; of a listing, which has none, by all they hold."""
    key = TABLES[found.table].key if found.table in TABLES else ()
    keyed = {}
    for number, row in enumerate(found.rows):
        own = tuple(str(row.get(name)) for name in key or sorted(row))
        keyed[own if own not in keyed else (*own, number)] = row
    return keyed


# -- who, and by which rules -------------------------------------------------------------------------------------------


def _identity(found: SnapshotDifference) -> Table | None:
    then, now = found.then, found.now
    before, after = _identifiers(then), _identifiers(now)
    rows = [
        (Text(label), before[label], after[label])
        for label, _ in _IDENTITY
        if _text(before[label]) != _text(after[label])
    ]
    return grid("What | Then | Now", rows)


def _identifiers(snapshot: AccountSnapshot) -> Mapping[str, Cell]:
    account = snapshot.account
    candidate = account.match.candidate if account.match else None
    found: dict[str, Cell] = {}
    for label, field in _IDENTITY:
        value = account.name if field == "name" else getattr(candidate, field, None)
        personal = _PERSONAL.get(field)
        if value in {None, ""}:
            found[label] = Text("none", "unknown")
        else:
            found[label] = _kept(snapshot, Personal(str(value), personal) if personal else str(value))
    return found


def _kept(snapshot: AccountSnapshot, value: str | Personal) -> Fact[str | Personal]:
    return Fact(value, "text", (receipt_of(snapshot),), snapshot.account.as_of)


def _text(cell: Cell) -> str:
    """What makes two cells differ."""
    if isinstance(cell, Fact):
        return cell.value.text if isinstance(cell.value, Personal) else str(cell.value)
    return cell.text if isinstance(cell, Text) else ""


def _judgement(found: SnapshotDifference) -> Iterator[Table | None]:
    then, now = found.then, found.now
    old, new = then.account.score, now.account.score
    if old is None or new is None:
        return
    card = [
        (Text(what), _said(then, before), _said(now, after))
        for what, before, after in (
            ("Scorecard", f"{old.scorecard} {old.version}", f"{new.scorecard} {new.version}"),
            ("Its rules (SHA-256)", old.digest[:16], new.digest[:16]),
            ("Score", _score(old), _score(new)),
            ("Band", standing_label(old.band, old.status), standing_label(new.band, new.status)),
            ("How much is known", share_words(old.coverage), share_words(new.coverage)),
        )
        if before != after
    ]
    yield grid("What | Then | Now", card)
    yield grid("Rule | Then | Now", _points(then, now, old, new), caption="Points that changed")


def _score(score: HealthScore) -> str:
    return "none" if score.score is None else f"{points_range(score)} of 100"


def _points(then: AccountSnapshot, now: AccountSnapshot, old: HealthScore, new: HealthScore) -> Iterator[Row]:
    before = {(one.dimension, one.rule): one.points for one in old.contributions}
    after = {(one.dimension, one.rule): one.points for one in new.contributions}
    for key in dict.fromkeys((*after, *before)):
        if before.get(key, 0) != after.get(key, 0):
            name = f"{dimension_title(key[0])}: {key[1]}"
            yield (Text(name), _said(then, f"{before.get(key, 0):+d}"), _said(now, f"{after.get(key, 0):+d}"))


# -- what it was made with ---------------------------------------------------------------------------------------------


def _rates(found: SnapshotDifference) -> Table | None:
    then, now = found.then, found.now
    before, after = _rates_words(then.account), _rates_words(now.account)
    rows = [(Text("Exchange rates"), _said(then, before), _said(now, after))] if before != after else []
    return grid("What | Then | Now", rows)


def _rates_words(account: Account) -> str:
    if account.rates is None:
        return "none are set"
    newest = max(account.rates.days, default=None)
    return f"{account.rates.receipt.digest[:12]}, newest day {newest.isoformat() if newest else 'none'}"


def _code(found: SnapshotDifference) -> Table | None:
    then, now = found.then, found.now
    before, after = _parts(then), _parts(now)
    rows = [
        (Text(name), _said(then, before.get(name, "none")), _said(now, after.get(name, "none")))
        for name in dict.fromkeys((*after, *before))
        if before.get(name) != after.get(name)
    ]
    return grid("What | Then | Now", rows)


def _parts(snapshot: AccountSnapshot) -> Mapping[str, str]:
    code = snapshot.code
    return {"Version": code.version, "Files (SHA-256)": code.digest, **code.libraries}


_PARTS = (
    section("figures", "Figures", _figures),
    section("records", "Records", _records),
    section("identity", "Identity", _identity),
    section("scorecard", "Scorecard and score", _judgement),
    section("rates", "Exchange rates", _rates),
    section("code", "Code", _code),
)

REPORT = Outline("difference", "What differs", _head, (*_PARTS, section("result", "Result", _nothing)))
