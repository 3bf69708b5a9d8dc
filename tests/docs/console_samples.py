"""The sample output in the documentation: found in the Markdown, run through the real command line, cut to what is shown.

A fenced block of language `console` holds one `$ customer-research ...` line, its output, and perhaps `$ echo $?` with the
exit code. HTML comments before the block steer it (a reader of the page does not see them):

- `<!-- keep: head; Health; from Receipts +4; first 3; last 2 -->`: the parts to show. `head` is what stands before the
  first section; a section is named by its title; `from TEXT +N` is the first line with TEXT and N more lines.
  What is left out becomes a line of three dots.
- `<!-- fault: hubspot:auth -->`: what is wrong in the sandbox while the command runs (several: separated by blanks).
- `<!-- file: NAME: LINE | LINE -->`: a file of these lines that lies in the folder where the command runs.
- `<!-- folder: calibration -->`: the files of docs/guides/calibration lie in the folder where the command runs.
- `<!-- config: none -->`: run without a settings file, as on a machine where nothing is set up.
- `<!-- lake: filled -->`: run when the sandbox's lake is filled, scored, and has a history of some weeks with its alerts.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from customer_research.surfaces.cli.group import run
from customer_research_sandbox.serve import Sandbox

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "customer-research"
EXIT_CODE = "echo $?"
ELLIPSIS = "..."
PORT = "40001"
"""Stands for the port that the sandbox happened to get; as long as most ports are, so that columns stay aligned."""

REFRESH = "After a wanted change run: .venv/bin/python tests/docs/write_guides.py"

FILLING = (
    ("sync",),
    ("portfolio", "score"),
    ("history", "backfill", "--weeks", "14"),
    ("alerts", "check"),
)
"""The commands that fill a lake for samples."""

_DIRECTIVE = re.compile(r"<!-- (?P<name>keep|fault|file|folder|config|lake): (?P<value>.+?) -->\s*$")
_SECTION = re.compile(r"^(?P<title>\S.*?) ─{3,}$")
_FROM = re.compile(r"^from (?P<text>.+) \+(?P<more>\d+)$")
_COUNT = re.compile(r"^(?P<end>first|last) (?P<count>\d+)$")
_EXCERPT = re.compile(r"(?P<start><!-- from: (?P<page>\S+) -->)\n.*?<!-- end -->", re.DOTALL)
_ADDRESS = re.compile(r"127\.0\.0\.1:\d+")


class SampleError(Exception):
    """A sample in the documentation cannot be understood or run; the sentence names the place."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One `console` block: where it stands, its command lines, its whole text, and the comments that steer it."""

    path: Path
    first: int
    last: int
    lines: tuple[str, ...]
    directives: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The file, from the project's folder, and the line of the block's first line."""
        return f"{self.path.relative_to(ROOT)}:{self.first + 1}"

    @property
    def commands(self) -> tuple[str, ...]:
        """What follows the prompts."""
        return tuple(line.removeprefix("$ ") for line in self.lines if line.startswith("$ "))


def documents() -> tuple[Path, ...]:
    """All written pages with samples or links: README, CONTRIBUTING, the guides and indexes, the skill."""
    pages = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "skills").rglob("*.md"),
    ]
    return tuple(sorted(pages))


def samples(path: Path) -> tuple[Sample, ...]:
    """The samples of one page, in order."""
    return tuple(_samples(path, path.read_text(encoding="utf-8").splitlines()))


def _samples(path: Path, lines: Sequence[str]) -> Iterator[Sample]:
    directives: dict[str, str] = {}
    start: int | None = None
    for number, line in enumerate(lines):
        if start is not None:
            if line == "```":
                yield Sample(path, start, number, tuple(lines[start:number]), directives)
                directives, start = {}, None
        elif found := _DIRECTIVE.match(line):
            directives[found["name"]] = found["value"]
        elif line == "```console":
            start = number + 1
        elif directives:
            raise SampleError(f"{path.name}:{number + 1}: a comment for a sample stands before something else.")
    if start is not None:
        raise SampleError(f"{path.name}:{start}: the block does not end.")


def refreshed(sample: Sample, sandbox: Sandbox, folder: Path, filled: Path | None = None) -> tuple[str, ...]:
    """The block's lines as they should be: each command with what it prints now. Run in *folder*, an empty one.

    With *filled*, what `fill` has made there, samples of a filled lake are run on it.

    Raises:
        SampleError: the block is not of the described form, or a part to keep is not in the output.
    """
    commands = sample.commands
    if not commands or commands[1:] not in ((), (EXIT_CODE,)):
        raise SampleError(f"{sample.place}: write one `$ {PROGRAM} ...` line, and perhaps `$ {EXIT_CODE}` after it.")
    program, *arguments = shlex.split(commands[0])
    if program != PROGRAM:
        raise SampleError(f"{sample.place}: only {PROGRAM} is run here, not {program}.")
    _put_file(sample, folder)
    with _at_home_in(folder):
        sandbox.set_faults()
        if arguments[:1] != ["config"]:  # it tells where each setting comes from, and writes nothing
            os.environ |= _places(sample, sandbox, folder, filled)
        sandbox.set_faults(*sample.directives.get("fault", "").split())
        code, output = printed([*_config(sample, sandbox), *arguments])
    lines = [f"$ {commands[0]}", *_kept(sample, _stable(output, sandbox).splitlines())]
    if commands[1:]:
        lines += [f"$ {EXIT_CODE}", str(code)]
    return tuple(lines)


def _places(sample: Sample, sandbox: Sandbox, folder: Path, filled: Path | None) -> dict[str, str]:
    """Where a sample's lake and store lie, never the sandbox's own, which other tests read: *folder*, or the filled ones."""
    if "lake" not in sample.directives:
        return _lying_in(folder)
    chosen = filled or sandbox.config_path.parent / "samples"
    if not chosen.exists():
        fill(chosen, sandbox)
    return _lying_in(chosen)


def _lying_in(folder: Path) -> dict[str, str]:
    return {
        "CUSTOMER_RESEARCH_LAKE__FOLDER": str(folder / "lake"),
        "CUSTOMER_RESEARCH_STORE__URL": f"sqlite:///{folder / 'store.db'}",
    }


def fill(folder: Path, sandbox: Sandbox, pulled: Path | None = None) -> None:
    """Make the lake and store for samples: everything pulled, scored, scored back for some weeks, and judged under the alert rules.

    Args:
        folder: where they come to lie; it is not there yet.
        sandbox: what is pulled.
        pulled: a lake that holds this sandbox's world, to begin with a copy of it.

    Raises:
        SampleError: a command failed.
    """
    folder.mkdir(parents=True)
    if pulled is not None:
        shutil.copytree(pulled, folder / "lake")
    with _at_home_in(folder):
        os.environ |= {**_lying_in(folder), "CUSTOMER_RESEARCH_DEBUG": "1"}  # a fault of ours says where it is
        for arguments in FILLING[pulled is not None :]:
            code, output = printed(["--config", str(sandbox.config_path), *arguments])
            if code:
                raise SampleError(f"{' '.join(arguments)} ended with {code}:\n{output}")


def _put_file(sample: Sample, folder: Path) -> None:
    if "folder" in sample.directives:
        for path in sorted((ROOT / "docs" / "guides" / sample.directives["folder"]).iterdir()):
            shutil.copy(path, folder)
    name, _, lines = sample.directives.get("file", "").partition(": ")
    if name:
        text = "".join(f"{line.strip()}\n" for line in lines.split("|"))
        (folder / name).write_text(text, encoding="utf-8")


def _config(sample: Sample, sandbox: Sandbox) -> list[str]:
    chosen = sample.directives.get("config")
    if chosen not in {None, "none"}:
        raise SampleError(f"{sample.place}: the comment config knows only none.")
    return [] if chosen else ["--config", str(sandbox.config_path)]


def printed(arguments: list[str]) -> tuple[int, str]:
    """Run the command line in this process; its exit code, and what it wrote to the terminal (both streams)."""
    terminal = io.StringIO()
    with contextlib.redirect_stdout(terminal), contextlib.redirect_stderr(terminal):
        code = run(arguments)
    return code, terminal.getvalue()


@contextlib.contextmanager
def _at_home_in(folder: Path) -> Iterator[None]:
    """Work in *folder*, which is also the user's home, with none of the machine's own settings."""
    before, where = dict(os.environ), Path.cwd()
    own = [name for name in os.environ if name.startswith(("CUSTOMER_RESEARCH_", "XDG_", "COLUMNS"))]
    for name in own:
        del os.environ[name]
    os.environ["HOME"] = str(folder)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(where)
        os.environ.clear()
        os.environ.update(before)


def _stable(output: str, sandbox: Sandbox) -> str:
    """The output without what differs from run to run: ports and the folder of the sandbox."""
    return _ADDRESS.sub(f"127.0.0.1:{PORT}", output.replace(str(sandbox.config_path), "settings.toml"))


def _kept(sample: Sample, lines: Sequence[str]) -> list[str]:
    wanted = sample.directives.get("keep")
    lines = [line.rstrip() for line in lines]
    if wanted is None:
        return lines
    shown: set[int] = set()
    for part in wanted.split("; "):
        chosen = tuple(_part(part, lines))
        if not chosen:
            raise SampleError(f"{sample.place}: the output has nothing that is called {part!r}.")
        shown.update(chosen)
    return list(_elided(lines, shown))


def _part(part: str, lines: Sequence[str]) -> Iterable[int]:
    if found := _COUNT.match(part):
        count = int(found["count"])
        return range(len(lines))[:count] if found["end"] == "first" else range(len(lines))[-count:]
    if found := _FROM.match(part):
        start = next((n for n, line in enumerate(lines) if found["text"] in line), None)
        return () if start is None else range(start, min(start + int(found["more"]) + 1, len(lines)))
    titles = [(n, match["title"]) for n, line in enumerate(lines) if (match := _SECTION.match(line))]
    edges = [(0, "head"), *titles, (len(lines), "")]
    return next((range(n, edges[i + 1][0]) for i, (n, title) in enumerate(edges[:-1]) if title == part), ())


def _elided(lines: Sequence[str], shown: set[int]) -> Iterator[str]:
    """The shown lines, each run of others as one line of three dots; blank lines beside the dots go too."""
    for shows, run_of in groupby(range(len(lines)), key=lambda n: n in shown):
        numbers = list(run_of)
        if not shows:
            if any(lines[n] for n in numbers):
                yield ELLIPSIS
            continue
        while numbers and not lines[numbers[-1]]:
            numbers.pop()
        while numbers and not lines[numbers[0]]:
            numbers.pop(0)
        yield from (lines[n] for n in numbers)


def rewritten(path: Path, sandbox: Sandbox) -> str:
    """The page's text with every sample refreshed, each in a folder of its own, and every excerpt copied anew."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for sample in reversed(samples(path)):
        with tempfile.TemporaryDirectory() as folder:
            lines[sample.first : sample.last] = refreshed(sample, sandbox, Path(folder))
    return with_excerpts("\n".join(lines) + "\n")


def with_excerpts(text: str) -> str:
    """The text with what stands between `<!-- from: PAGE -->` and `<!-- end -->` copied anew from that page's section."""
    return _EXCERPT.sub(lambda found: f"{found['start']}\n{_not_tried(ROOT / found['page'])}\n<!-- end -->", text)


def _not_tried(page: Path) -> str:
    """A source page's section on what was not tried live, without its heading."""
    _, _, rest = page.read_text(encoding="utf-8").partition("\n## Not tried live\n")
    if not rest.strip():
        raise SampleError(f"{page.relative_to(ROOT)} has no section 'Not tried live'.")
    return rest.partition("\n## ")[0].strip()
