"""What pages and comments lead to: code that they name, files, anchors, and numbered things. Nothing is listed here by hand.

A name leads somewhere when a clone has it: `room.module.function` and `room.module.Class.method` are imported (with or
without `customer_research.` before it), a path is looked for, `decision 9` is a page of docs/decisions, and `S02`, `R11` or
`E10` is a scenario, a finding or a rule.
"""

from __future__ import annotations

import ast
import importlib
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from customer_research.research.usecases import reference as registry

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
PRODUCT = "customer_research"

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?:\(\))?")
_PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]*)+")
_FILE = re.compile(r"\w[\w-]*\.(?:py|sql)")
_PLACEHOLDER = re.compile(r"(?:^|/)[A-Z]{2,}(?=[/_.]|$)(?!\.md)")
_DECISION = re.compile(r"\bdecisions? (\d+)", re.IGNORECASE)
_ELSEWHERE = re.compile(r"\bissues? #?\d+|\bsections? \d+(?: and \d+)?(?=[),.;:])|§ ?\d+", re.IGNORECASE)
_NUMBERED = re.compile(r"(?<![\w.+-])[A-Z]\d{2}(?![\w.:-])")
_PAGE = re.compile(r"(?<![\w/.-])[\w./-]*\w\.md\b")
_OUT = re.compile(r"(?:\.\./)+\w[\w-]*(?:[./][\w*-]+)*")


# -- Markdown ----------------------------------------------------------------------------------------------------------


@cache
def _tokens(text: str) -> tuple[Token, ...]:
    return tuple(MarkdownIt("commonmark").enable("table").parse(text))


def _spans(text: str) -> Iterator[str]:
    """What stands in back quotes on a page."""
    for token in _tokens(text):
        yield from (child.content for child in token.children or () if child.type == "code_inline")


def _links(text: str) -> Iterator[str]:
    """The targets of a page's links and pictures that are no addresses of the web."""
    for token in _tokens(text):
        for child in token.children or ():
            target = child.attrs.get("href") or child.attrs.get("src")
            if isinstance(target, str) and not re.match(r"[a-z]+:", target):
                yield target


@cache
def anchors(text: str) -> frozenset[str]:
    """The anchors that a code host makes of a page's headings; of equal ones the later get a number."""
    found: list[str] = []
    for before, token in pairwise(_tokens(text)):
        if before.type == "heading_open":
            words = "".join(child.content for child in token.children or ())
            slug = re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
            times = sum(1 for one in found if re.fullmatch(rf"{re.escape(slug)}(?:-\d+)?", one))
            found.append(f"{slug}-{times}" if times else slug)
    return frozenset(found)


def broken_links(text: str, folder: Path) -> list[str]:
    """The links of a page in this folder whose file or anchor does not exist."""
    return [link for link in _links(text) if not _leads(link, text, folder)]


def _leads(link: str, text: str, folder: Path) -> bool:
    target, _, anchor = link.partition("#")
    there = (folder / target).resolve()
    if not there.exists() or not there.is_relative_to(ROOT):
        return False
    return not anchor or anchor in anchors(there.read_text(encoding="utf-8") if target else text)


# -- code and files ----------------------------------------------------------------------------------------------------


@cache
def _packages() -> frozenset[str]:
    """The rooms of the product, and the packages beside it; `lake.folder` and the like may be anybody's word."""
    inits = (*SOURCE.glob("*/__init__.py"), *(SOURCE / PRODUCT).glob("*/__init__.py"))
    return frozenset(path.parent.name for path in inits)


def absent_code(text: str, folder: Path) -> list[str]:
    """The modules, functions and files that a page in this folder names in back quotes and that do not exist."""
    return sorted({span for span in _spans(text) if not _is_there(span, folder)})


def _is_there(span: str, folder: Path) -> bool:
    if _PLACEHOLDER.search(span):
        return True  # `sources/VENDOR/session.py` is a pattern
    if _DOTTED.fullmatch(span) and span.partition(".")[0] in _packages():
        return span in _settings() or _imports(span.removesuffix("()"))
    if _PATH.fullmatch(span):
        places = [place for place in (folder, ROOT, SOURCE, SOURCE / PRODUCT) if _begins(place, span)]
        return not places or any(_exists(place, span) for place in places)
    return not _FILE.fullmatch(span) or _exists(folder, span) or any(ROOT.rglob(span))


def _begins(place: Path, path: str) -> bool:
    return (place / path.partition("/")[0]).is_dir()


def _exists(place: Path, path: str) -> bool:
    return any(place.glob(path.rstrip("/")))


@cache
def _settings() -> frozenset[str]:
    return frozenset(setting["name"] for setting in registry.settings())


@cache
def _imports(name: str) -> bool:
    """Whether a dotted name is a module, or something in one: a function, a class, its method or its field."""
    first = name.partition(".")[0]
    parts = (name if (SOURCE / first).exists() else f"{PRODUCT}.{name}").split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        return _has(found, parts[length:])
    return False


def _has(thing: Any, names: list[str]) -> bool:
    for name in names:
        if not hasattr(thing, name):
            return name in getattr(thing, "__annotations__", {}) and name == names[-1]
        thing = getattr(thing, name)
    return True


# -- references --------------------------------------------------------------------------------------------------------


def references_out(text: str, path: Path) -> list[str]:
    """What a file's words refer to and a clone does not have: numbered things, pages, and paths beside the repository."""
    return [one for words in _words(text, path.suffix) for one in _unknown(words, path.parent)]


def _words(text: str, suffix: str) -> Iterator[str]:
    """What people read of a file: a page whole, of code its comments and docstrings."""
    if suffix == ".md":
        yield text
    elif suffix == ".py":
        yield from (token.string for token in _pieces(text) if token.type == tokenize.COMMENT)
        yield from _docstrings(ast.parse(text))
    else:
        yield from re.findall(r"(?:^|\s)(?:#|--) (.*)", text)


def _pieces(text: str) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(text).readline)


def _docstrings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


def _unknown(words: str, folder: Path) -> Iterator[str]:
    yield from (match[0] for match in _DECISION.finditer(words) if int(match[1]) not in _decisions())
    yield from (match[0] for match in _ELSEWHERE.finditer(words))
    yield from (match[0] for match in _NUMBERED.finditer(words) if match[0] not in _numbered())
    yield from (match[0] for match in _OUT.finditer(words) if not _within(match[0], folder))
    for match in _PAGE.finditer(words):
        there = (ROOT, folder, ROOT / "docs")
        if "/" in match[0] and _begins(ROOT, match[0]) and not any((place / match[0]).exists() for place in there):
            yield match[0]


def _within(path: str, folder: Path) -> bool:
    there = (folder / path).resolve()
    return there.is_relative_to(ROOT) and _exists(folder, path)


@cache
def _decisions() -> frozenset[int]:
    return frozenset(int(page.name[:4]) for page in (ROOT / "docs" / "decisions").glob("*.md"))


@cache
def _numbered() -> frozenset[str]:
    """Every letter with two figures that is the name of something: rules, findings, scenarios of the sandbox."""
    from customer_research_sandbox.scenarios import SCENARIOS

    rules = {rule["id"] for name in registry.scorecards() for rule in registry.rules(name)}
    return frozenset(rules | {finding["rule"] for finding in registry.findings()} | set(SCENARIOS))
