"""Account snapshots as files: everything that a report is made of, as canonical JSON, named by its own digest.

A file can be carried to another machine. It holds the operator's records unmasked, so only its owner may read it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

from customer_research import private
from customer_research.domain.account import Account
from customer_research.domain.account_snapshot import AccountSnapshot, Code
from customer_research.domain.evidence import Receipt
from customer_research.domain.parsing import json_value
from customer_research.errors import StoreError, UsageError

FORMAT = "customer-research/account/1"
SUFFIX = ".account.json.gz"
MOST_BYTES = 200_000_000
"""What a snapshot may have when it is unpacked: a hundred times that of a large operator."""
_DIGITS = 16
_SHORTEST = 4
_RETIRED: Mapping[str, frozenset[str]] = {"Advice": frozenset({"within_days"})}
"""Fields that records had once: a file that has them is read without."""
_RENAMED: Mapping[str, str] = {
    "GroupOutcome": "GroupChurn",
    "Missing": "Absence",
    "Moved": "BandMove",
    "MovedDimension": "DimensionChange",
    "MovedRule": "RuleChange",
    "Outcome": "ChurnShare",
    "Sighting": "Observation",
    "Simulated": "SimulationResult",
    "Told": "Grounds",
    "Unevaluated": "UnjudgedRule",
}
"""What records were called in versions before 0.2: their files are read as ever."""
_ID = re.compile(rf"[0-9a-f]{{{_SHORTEST},{_DIGITS}}}")
_DOMAIN = (
    "account",
    "account_snapshot",
    "advice",
    "evidence",
    "health",
    "history",
    "identity",
    "money",
    "report",
    "snapshot",
    "alert",
    "rates",
    "urgency",
    "track",
    "calibration",
    "peers",
)
"""The modules of the vocabulary whose records an account may hold."""


def encode(account: Account, code: Code) -> bytes:
    """The account and its program as canonical JSON: the same content gives the same bytes.

    Raises:
        StoreError: the account holds a value that has no form in a file.
    """
    writer = _Writer()
    body = {"code": writer.plain(code), "account": writer.plain(account)}
    whole = {"format": FORMAT, **body, "receipts": writer.receipts}
    return (json.dumps(whole, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n").encode()


def decode(content: bytes) -> AccountSnapshot:
    """What `encode` wrote.

    Raises:
        StoreError: it is no account snapshot, or one of a program that keeps other fields.
    """
    try:
        whole = json_value(content)
        if whole["format"] != FORMAT:
            raise _unreadable(f"its format is {whole['format']}, not {FORMAT}")
        reader = _Reader(whole["receipts"])
        account, code = reader.value(whole["account"]), reader.value(whole["code"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise _unreadable(f"{type(error).__name__}: {error}") from None
    if not isinstance(account, Account) or not isinstance(code, Code):
        raise _unreadable("it holds no account")
    return AccountSnapshot(hashlib.sha256(content).hexdigest()[:_DIGITS], account, code)


class AccountSnapshots:
    """The account snapshots of a folder, one file each, below a folder for each operator."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if private.is_open_to_others(folder):  # an older version left it so
            private.close_folder_to_others(folder, _of_an_operator)

    def keep(self, account: Account, code: Code) -> tuple[AccountSnapshot, Path]:
        """Write the account's file; one of the same content that is there already stays as it is.

        Raises:
            StoreError: the folder cannot be written.
        """
        content = encode(account, code)
        kept = decode(content)
        name = f"{account.as_of.astimezone(UTC):%Y%m%dT%H%M%SZ}-{kept.id}{SUFFIX}"
        path = self.folder / account.operator_id / name
        if not path.exists():
            try:
                private.make_folder(path.parent)
                private.clear_drafts(path.parent)
                private.write(path, gzip.compress(content, mtime=0))
            except OSError as error:
                raise StoreError(
                    f"The snapshot cannot be written to {self.folder}: {error.strerror}.",
                    hint="Make room, or set store.snapshots to another folder.",
                ) from None
        return kept, path

    def paths(self, operator_id: str = "*") -> tuple[Path, ...]:
        """The files of one operator (of all), the newest instant first."""
        found = self.folder.glob(f"{operator_id}/*{SUFFIX}")
        return tuple(sorted(found, key=lambda path: (path.name, path.parent.name), reverse=True))

    def find(self, reference: str) -> AccountSnapshot:
        """The snapshot that a path, an id or the beginning of an id names.

        Raises:
            UsageError: none, or several.
            StoreError: its file cannot be read.
        """
        path = Path(reference)
        if path.name.endswith((SUFFIX, ".json")) or os.sep in reference:
            return read(path)
        if not _ID.fullmatch(reference):
            raise UsageError(
                f"{reference!r} names no account snapshot.",
                hint=f"Give its id ({_DIGITS} hexadecimal digits) or its file.",
            )
        close = [one for one in self.paths() if _id_of(one).startswith(reference)]
        if len(close) != 1:
            few = "several account snapshots have" if close else "no account snapshot has"
            raise UsageError(
                f"{few[0].upper()}{few[1:]} the id {reference}.", hint="See `customer-research snapshot --list`."
            )
        return read(close[0])

    def of(self, operator_id: str, day: date) -> AccountSnapshot:
        """The operator's newest snapshot that speaks of that day (UTC) or of one before it.

        Raises:
            UsageError: there is none.
        """
        last = f"{day:%Y%m%d}T235959Z~"
        before = [path for path in self.paths(operator_id) if path.name <= last]
        if not before:
            raise UsageError(
                f"There is no account snapshot of {operator_id} of {day.isoformat()} or before.",
                hint="Take one with `customer-research snapshot OPERATOR`; it cannot be taken for a day that is past.",
            )
        return read(before[0])


def read(path: Path) -> AccountSnapshot:
    """The snapshot in a file.

    Raises:
        UsageError: there is no such file.
        StoreError: it cannot be read.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}.", hint="Give an account snapshot's id or file.") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.", hint="Check its permissions.") from None
    try:
        return decode(_unpacked(raw) if path.suffix == ".gz" else raw)
    except (OSError, EOFError, zlib.error):
        raise _unreadable(f"{path.name} is damaged") from None


def _unpacked(raw: bytes) -> bytes:
    with gzip.open(io.BytesIO(raw)) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise _unreadable(f"unpacked it has more than {MOST_BYTES // 1_000_000} MB")
    return content


def described(path: Path) -> tuple[str, str, str]:
    """Operator id, instant and snapshot id that a file's place tells, without opening it."""
    stamp = path.name.partition("-")[0]
    return path.parent.name, f"{datetime.strptime(stamp, '%Y%m%dT%H%M%SZ'):%Y-%m-%d %H:%M} UTC", _id_of(path)  # noqa: DTZ007


def _of_an_operator(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder with snapshots, and nothing else, in it."""
    if not entry.is_dir(follow_symlinks=False):
        return False
    names = [one.name for one in Path(entry.path).iterdir()]
    return all(name.endswith(SUFFIX) or name.startswith(".") for name in names)


def _id_of(path: Path) -> str:
    return path.name.removesuffix(SUFFIX).rpartition("-")[2]


def _unreadable(why: str) -> StoreError:
    return StoreError(
        f"The account snapshot cannot be read: {why}.",
        hint="Take it again, or use the version of the program that took it.",
    )


class _Writer:
    """Turns records into plain values; a receipt that many figures share is written once."""

    def __init__(self) -> None:
        self.receipts: list[Any] = []
        self._places: dict[Receipt, int] = {}

    def plain(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, Receipt):
            return {"receipt": self._receipt(value)}
        if isinstance(value, datetime):
            return {"instant": value.isoformat()}
        if isinstance(value, date):
            return {"day": value.isoformat()}
        if isinstance(value, Decimal):
            return {"decimal": str(value)}
        return self._composed(value)

    def _composed(self, value: Any) -> Any:
        if isinstance(value, tuple | list):
            return [self.plain(one) for one in value]
        if isinstance(value, frozenset | set):
            return {"set": [self.plain(one) for one in sorted(value)]}
        if isinstance(value, Mapping):
            return {"map": [[self.plain(key), self.plain(one)] for key, one in value.items()]}
        if is_dataclass(value) and type(value).__name__ in _classes():
            values = {field.name: self.plain(getattr(value, field.name)) for field in fields(value)}
            return {"of": type(value).__name__, "has": values}
        raise StoreError(f"A {type(value).__name__} cannot be kept in an account snapshot.")

    def _receipt(self, receipt: Receipt) -> int:
        if receipt not in self._places:
            self._places[receipt] = len(self.receipts)
            self.receipts.append({field.name: self.plain(getattr(receipt, field.name)) for field in fields(receipt)})
        return self._places[receipt]


class _Reader:
    """Turns plain values into records again."""

    def __init__(self, receipts: list[Any]) -> None:
        self._receipts: tuple[Receipt, ...] = ()
        self._kinds: Mapping[str, Callable[[Any], Any]] = {
            "receipt": lambda at: self._receipts[at],
            "instant": datetime.fromisoformat,
            "day": date.fromisoformat,
            "decimal": Decimal,
            "set": lambda ones: frozenset(map(self.value, ones)),
            "map": lambda pairs: {self.value(key): self.value(one) for key, one in pairs},
        }
        self._receipts = tuple(self._record(Receipt, one) for one in receipts)

    def value(self, plain: Any) -> Any:
        if isinstance(plain, list):
            return tuple(map(self.value, plain))
        if not isinstance(plain, dict):
            return plain
        if "of" in plain:
            name = plain["of"]
            return self._record(_classes()[_RENAMED.get(name, name)], plain["has"])
        ((kind, inner),) = plain.items()
        return self._kinds[kind](inner)

    def _record(self, kind: type[Any], values: Mapping[str, Any]) -> Any:
        retired = _RETIRED.get(kind.__name__, frozenset())
        return kind(**{name: self.value(one) for name, one in values.items() if name not in retired})


_CLASSES: dict[str, type[Any]] = {}


def _classes() -> Mapping[str, type[Any]]:
    """The records of the vocabulary by name."""
    if not _CLASSES:
        for name in _DOMAIN:
            known = vars(import_module(f"customer_research.domain.{name}"))
            _CLASSES.update({key: one for key, one in known.items() if isinstance(one, type) and is_dataclass(one)})
    return _CLASSES
