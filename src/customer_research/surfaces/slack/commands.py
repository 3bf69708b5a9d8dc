"""What can be said to the app: its words, the use case that each asks, and what of the request may be typed.

Only the fields that are named here can be set from Slack: a use case's newer option is not open to it by itself.
"""

from __future__ import annotations

import dataclasses
import html
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from customer_research.errors import UsageError
from customer_research.research.usecases.registry import USE_CASES

LONGEST = 300
"""Characters of what is typed."""

COMMAND = "/customer"

_LINK = re.compile(r"<(?:mailto:|tel:)?[^<>|\s]*\|([^<>]*)>|<(?:mailto:|tel:)?([^<>|\s@#!][^<>|\s]*)>")
_MENTION = re.compile(r"<[@#!][^<>]*>")
_QUOTES = str.maketrans("“”„«»", '"""""')
_DASHES = re.compile(r"(?<!\S)[\N{EM DASH}\N{EN DASH}](?=[a-z])")


@dataclass(frozen=True, slots=True)
class Command:
    """One word of the app.

    Args:
        word: as it is typed.
        use_case: what it asks.
        usage: what follows the word.
        about: what it answers, in a line.
        options: what may be typed as `--name` → the field of the request (`choice.owner`: of a part of it).
        fixed: what the request always says.
        own: the field that names whose list it is: the asker's own book, unless `--team` or `--owner` says otherwise.
        team: the field that says that it is everybody's, where the request has one.
    """

    word: str
    use_case: str
    usage: str
    about: str
    options: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    own: str = ""
    team: str = ""


_OPERATOR = "OPERATOR"
_EVERY: tuple[Command, ...] = (
    Command("quick", "quick", _OPERATOR, "one line: band, MRR, what is wrong"),
    Command("profile", "profile", _OPERATOR, "who they are, what they pay, how they use it"),
    Command("health", "health", _OPERATOR, "the health score, point by point"),
    Command("billing", "billing", _OPERATOR, "subscriptions, invoices, payments"),
    Command("reservations", "reservations", _OPERATOR, "trips: volume, trend, types"),
    Command("payments", "payments", _OPERATOR, "their passengers' cards: failures, disputes"),
    Command("brief", "brief", f"{_OPERATOR} [--meeting KIND]", "what to know before a call", {"meeting": "meeting"}),
    Command("review", "account-review", f"{_OPERATOR} [--since DAY]", "the account review (QBR)", {"since": "since"}),
    Command("history", "history show", _OPERATOR, "how the score moved"),
    Command("find", "lookup", "TERM", "which operator a name, address or number means"),
    Command("compare", "compare", "A, B[, C]", "two to ten operators side by side"),
    Command("why", "why", f"{_OPERATOR} FIGURE", "where a figure, a rule (E3) or the score comes from"),
    Command(
        "today",
        "today",
        "[--team] [--owner NAME]",
        "whom to call first in your book",
        {"owner": "whose.owner"},
        own="whose.owner",
        team="whose.team",
    ),
    Command(
        "at-risk",
        "portfolio",
        "[--team] [--owner NAME] [--segment NAME]",
        "who needs attention, and why",
        {"owner": "choice.owner", "segment": "choice.segments", "band": "choice.bands"},
        {"choice": {"limit": 10}},
        own="choice.owner",
    ),
    Command(
        "renewals",
        "renewals",
        "[--days N] [--team] [--owner NAME]",
        "what ends, renews or bills next",
        {"owner": "whose.owner", "days": "days", "quarter": "quarter"},
        own="whose.owner",
        team="whose.team",
    ),
    Command(
        "alerts",
        "alerts",
        "[--team] [--owner NAME] [--all]",
        "open alerts, the most urgent first",
        {"owner": "owner", "severity": "severities", "rule": "rule", "all": "all"},
        {"limit": 10},
        own="owner",
    ),
    Command("alert", "alerts show", "ID", "one alert in full, and what to do about it"),
    Command("ack", "alerts ack", "ID", "an alert has been seen"),
    Command("snooze", "alerts snooze", "ID --until DAY", "hide an alert until a day", {"until": "until"}),
    Command("assign", "alerts assign", "ID NAME", "give an alert to somebody"),
    Command(
        "done",
        "outcome done",
        f"{_OPERATOR} --kind KIND [--note TEXT]",
        "note what was done",
        {"kind": "kind", "note": "note", "on": "on"},
    ),
    Command("week", "digest", "", "what changed in the week"),
    Command(
        "meetings",
        "meetings list",
        "[--days N] [--team] [--owner NAME]",
        "coming meetings with operators",
        {"owner": "whose.owner", "days": "days", "kept": "kept"},
        own="whose.owner",
        team="whose.team",
    ),
    Command("schedules", "schedule list", "", "what is sent when, and to whom"),
    Command("me", "me show", "", "where and when you are told what comes by itself"),
    Command(
        "set",
        "me set",
        "[--zone ZONE] [--quiet HOURS]",
        "your clock, and hours without messages",
        {"zone": "zone", "quiet": "quiet"},
    ),
    Command(
        "mute",
        "me mute",
        "[KIND] [--until DAY]",
        "no digest, alert, brief or reminder; all without KIND",
        {"until": "until"},
    ),
    Command("unmute", "me unmute", "[KIND]", "hear them again"),
)

COMMANDS: Mapping[str, Command] = {one.word: one for one in _EVERY if one.use_case in USE_CASES}
"""The words whose use cases there are."""

HELP, TEAM, NOTE = "help", "team", "note"


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked: the command, the values of its request, and the words and options that said so."""

    command: Command
    request: Mapping[str, Any]
    words: Mapping[str, Any]
    options: tuple[tuple[str, str], ...] = ()

    @property
    def term(self) -> str:
        """The operator that was named; empty: none, or several."""
        return next((str(self.words[name]) for name in _TERMS if name in self.words), "")

    @property
    def text(self) -> str:
        """How it is typed again."""
        return self.about(self.term)

    def about(self, term: str) -> str:
        """How the same is asked of another operator."""
        words = [term if name in _TERMS else _listed(value) for name, value in self.words.items()]
        options = [f"--{name} {_quoted(value)}".strip() for name, value in self.options]
        return " ".join((self.command.word, *words, *options))


def _listed(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value


_TERMS = ("operator", "term")
"""Fields that name an operator: a name of several words needs no quotes."""


def said(text: str) -> str:
    """What was typed, as it was meant: Slack's links, escapes and mentions undone, quotation marks straight."""
    without = _MENTION.sub(" ", text)
    shown = _LINK.sub(lambda found: found[1] or found[2] or "", without)
    straight = html.unescape(shown).translate(_QUOTES)
    return " ".join(_DASHES.sub("--", straight).split())


def asked(text: str, owner_id: str = "") -> Asked | None:
    """What a text asks; None: for help. A text that begins with no known word is an operator's name or number.

    Args:
        text: as `said` gives it.
        owner_id: the account owner that the asker is; empty: none.

    Raises:
        UsageError: it is too long, or says what the command does not take.
    """
    if len(text) > LONGEST:
        raise UsageError(f"That is longer than {LONGEST} characters.", hint="Give a name or a number.")
    first, _, rest = text.partition(" ")
    word = first.lower()
    if word in {"", HELP, "?"}:
        return None
    command = COMMANDS.get(word)
    if command is None:
        command, rest = COMMANDS["quick"], text
    words, options = _split(command, rest)
    positional = _positional(command, words)
    request = {name: dict(value) if isinstance(value, dict) else value for name, value in command.fixed.items()}
    for name, value in options:
        if name != TEAM:
            _put(request, command.options[name], _value(command, name, value))
    if command.own and not _at(request, command.own):
        if owner_id and (TEAM, "") not in options:
            _put(request, command.own, owner_id)
        elif command.team:
            _put(request, command.team, True)
    return Asked(command, {**request, **positional}, positional, tuple(options))


def _split(command: Command, text: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The words, and the options with their values (empty: none was said).

    Raises:
        UsageError: the command has no such option.
    """
    pieces = _pieces(text)
    words: list[str] = []
    options: list[tuple[str, str]] = []
    while pieces:
        piece = pieces.pop(0)
        if not piece.startswith("--") or piece == "--":
            words.append(piece)
            continue
        name, _, value = piece[2:].partition("=")
        if name == TEAM and command.own:
            options.append((TEAM, ""))
            continue
        if name not in command.options:
            known = ", ".join(f"--{one}" for one in (*command.options, *((TEAM,) if command.own else ())))
            raise UsageError(f"{command.word} has no --{name[:40]}.", hint=f"It takes {known or 'no options'}.")
        if not value and _kind(command, name) is not bool:
            taken = len(pieces) if name == NOTE else 1
            value, pieces = " ".join(pieces[:taken]), pieces[taken:]
        options.append((name, value))
    return words, options


def _pieces(text: str) -> list[str]:
    """A text in words; what stands in quotation marks is one."""
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.quotes, lexer.escape = True, "", '"', ""
    try:
        return list(lexer)
    except ValueError:  # a quotation mark that is never closed
        return text.replace('"', " ").split()


def _positional(command: Command, words: list[str]) -> dict[str, Any]:
    """The words as the fields that are said without a name; the operator's, else the last, takes those that are left.

    Raises:
        UsageError: there are too few, or the command takes none.
    """
    kind = USE_CASES[command.use_case].request()
    hints = get_type_hints(kind)
    fields = [one for one in dataclasses.fields(kind) if one.metadata.get("positional")]
    if not fields:
        if words:
            raise UsageError(
                f"{command.word} takes no {words[0][:40]!r}.", hint=f"Write: {command.word} {command.usage}"
            )
        return {}
    if any(get_origin(hints[one.name]) is tuple for one in fields):
        several = [part.strip() for part in re.split(r",|\bvs\.? |\|", " ".join(words)) if part.strip()]
        return {fields[0].name: tuple(several if len(several) > 1 else words)}
    needed = [one for one in fields if one.default is dataclasses.MISSING]
    if len(words) < len(needed):
        raise UsageError(f"{command.word} needs more.", hint=f"Write: {COMMAND} {command.word} {command.usage}")
    wide = next((at for at, one in enumerate(fields) if one.name in _TERMS), len(fields) - 1)
    more = max(len(words) - len(fields), 0)
    found: dict[str, Any] = {}
    for at, one in enumerate(fields):
        taken, words = words[: 1 + (more if at == wide else 0)], words[1 + (more if at == wide else 0) :]
        if taken:
            found[one.name] = " ".join(taken)
    return found


def _value(command: Command, name: str, text: str) -> Any:
    wanted = _kind(command, name)
    if wanted is bool:
        return True
    if not text:
        raise UsageError(f"--{name} needs a value.", hint=f"Write: {COMMAND} {command.word} {command.usage}")
    return (text,) if wanted is tuple else text


def _kind(command: Command, name: str) -> Any:
    """What an option's field is: `bool`, `tuple` for several, or the type of one."""
    kind: Any = USE_CASES[command.use_case].request()
    *parts, last = command.options[name].split(".")
    for part in parts:
        kind = next(one for one in dataclasses.fields(kind) if one.name == part).metadata["part"]
    hint = get_type_hints(kind)[last]
    if get_origin(hint) in {Union, UnionType}:
        (hint,) = (one for one in get_args(hint) if one is not type(None))
    return tuple if get_origin(hint) is tuple else hint


def _at(values: Mapping[str, Any], path: str) -> Any:
    found: Any = values
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    *parts, last = path.split(".")
    for part in parts:
        values = values.setdefault(part, {})
    values[last] = value


def help_lines() -> Iterator[tuple[str, str]]:
    """Each command as it is typed, and what it answers."""
    yield f"{COMMAND} TERM", "an operator by name, e-mail, domain, phone or any number: one line, and where to go on"
    for one in COMMANDS.values():
        yield f"{COMMAND} {one.word} {one.usage}".strip(), one.about
