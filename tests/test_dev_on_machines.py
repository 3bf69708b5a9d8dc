"""The set-up script on machines that lack something: each way through it ends in the work or in one sentence.

The machine is made up: its PATH holds the shell's own tools and programs that only say what they were asked.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PYTHON = """#!/bin/sh
case "$*" in
"-m venv "*)
    [ ! -e {root}/venv-fails ] || {{ cat {root}/venv-fails >&2; exit 1; }}
    mkdir -p "$3/bin" "$3/site"
    cp {root}/inner "$3/bin/python"
    for name in uv lint-imports agentskills; do cp {root}/said "$3/bin/$name"; done ;;
esac
"""
INNER = """#!/bin/sh
case "$*" in
"-c import sysconfig"*) printf '%s\\n' "${{0%/bin/python}}/site" ;;
"-c "*) ;;
"-m pip "*) [ ! -e {root}/pip-fails ] || {{ cat {root}/pip-fails >&2; exit 1; }} ;;
*) printf 'python %s\\n' "$*" ;;
esac
"""
SAID = '#!/bin/sh\nprintf "%s\\n" "${0##*/} $*"\n'
APT = """#!/bin/sh
printf '%s\\n' "$*" >>{root}/asked
case "$*" in
*install*) [ ! -e {root}/apt-fails ] || {{ cat {root}/apt-fails >&2; exit 100; }} ;;
*) exit 100 ;;
esac
for package; do :; done
cp {root}/packages/"$package"/* {root}/bin/
"""
JAVA = "#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n"

PARTS = {
    "chromium": ("chromium", "Chromium is needed for the tests of pages"),
    "initdb": ("postgresql", "Postgres is needed for the tests of its store and engine"),
    "java": ("default-jre-headless", "Java 17 or newer is needed for the tests of Spark"),
}
"""The programs that some tests need: the package that brings each, and how the sentence about it begins."""

FULL = "The disk is full: make room"
UNREACHED = "cannot be reached"
RAN = "python -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests/test_x.py\n"


class Machine:
    """A made-up machine with Python, everything that the tests need, root and apt; tests take away from it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.checkout = root / "a checkout" / "clone"
        self.bin.mkdir()
        for name in ("sh", "cat", "cmp", "cp", "dirname", "flock", "mkdir", "rm"):
            if found := shutil.which(name):  # flock is not everywhere
                (self.bin / name).symlink_to(found)
        self._write("python3", PYTHON.format(root=root))
        self._write("id", "#!/bin/sh\necho 0\n")
        self._write("apt-get", APT.format(root=root))
        for name in ("chromium", "initdb", "npm"):
            self._write(name, SAID)
        self.java("17.0.15")
        for name, text in (("inner", INNER.format(root=root)), ("said", SAID)):
            (root / name).write_text(text, encoding="utf-8")
            (root / name).chmod(0o755)
        self._clone()

    def _clone(self) -> None:
        script = (ROOT / "dev").read_text(encoding="utf-8")
        for place in ("/usr/lib/postgresql", "/etc/postgresql-common"):  # this machine's own would answer
            script = script.replace(place, f"{self.root}{place}")
        (self.checkout / "requirements").mkdir(parents=True)
        (self.checkout / "dev").write_text(script, encoding="utf-8")
        for name in ("run", "dev"):
            (self.checkout / "requirements" / f"{name}.lock").touch()

    def _write(self, name: str, text: str) -> None:
        file = self.bin / name
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)

    def java(self, version: str) -> None:
        """Java of a version on the PATH."""
        self._write("java", JAVA.format(version=version))

    def user(self) -> None:
        """Whoever calls is not root."""
        self._write("id", "#!/bin/sh\necho 1000\n")

    def without(self, program: str) -> None:
        """Take a program away; apt has it in its package."""
        package = self.root / "packages" / PARTS[program][0]
        package.mkdir(parents=True)
        (self.bin / program).rename(package / program)

    def fails(self, tool: str, saying: str) -> None:
        """Let `apt`, `pip`, `venv` or `npm` fail with these words."""
        (self.root / f"{tool}-fails").write_text(saying + "\n", encoding="utf-8")
        if tool == "npm":
            self._write("npm", f"#!/bin/sh\ncat {self.root}/npm-fails >&2\nexit 1\n")

    def asked(self) -> list[str]:
        """The packages that apt was told to install, and `update` where it was."""
        file = self.root / "asked"
        return [line.split()[-1] for line in file.read_text("utf-8").splitlines()] if file.exists() else []

    def dev(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `./dev` here."""
        return subprocess.run(
            ["sh", str(self.checkout / "dev"), *arguments],
            env={"PATH": str(self.bin), "HOME": "/nowhere", "LANG": "C.UTF-8", **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def test(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `./dev test` with one argument."""
        return self.dev("test", "tests/test_x.py", **environment)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def _last(said: subprocess.CompletedProcess[str]) -> str:
    return said.stderr.splitlines()[-1]


# -- what some tests need ----------------------------------------------------------------------------------------------


def test_a_whole_machine_runs_the_tests_without_a_word(machine: Machine) -> None:
    first, second = machine.test(CI="true"), machine.test(CI="true")
    assert (first.returncode, first.stdout) == (0, RAN)
    assert _last(first).startswith("Setting up .venv")
    assert (second.returncode, second.stdout, second.stderr) == (0, RAN, "")
    assert machine.asked() == []


@pytest.mark.parametrize("ci", ["", "true"])
@pytest.mark.parametrize("program", PARTS)
def test_what_is_missing_is_installed_and_then_the_tests_run(machine: Machine, program: str, ci: str) -> None:
    machine.without(program)
    said = machine.test(CI=ci)
    assert (said.returncode, said.stdout) == (0, RAN), said.stderr
    assert _last(said).startswith(f"Installing {PARTS[program][0]} for the tests of ")
    assert machine.test().stderr == ""
    assert machine.asked() == ["-qq", PARTS[program][0]]


def test_all_that_is_missing_is_installed_in_one_run(machine: Machine) -> None:
    for program in PARTS:
        machine.without(program)
    assert machine.test().stdout == RAN
    assert machine.asked() == ["-qq", *(package for package, _ in PARTS.values())]


def test_postgres_is_found_where_debian_keeps_it_and_never_begins_a_database(machine: Machine) -> None:
    machine.without("initdb")
    assert machine.test().returncode == 0
    settings = machine.root / "etc" / "postgresql-common" / "createcluster.conf"
    assert settings.read_text("utf-8") == "create_main_cluster = false\n"

    programs = machine.root / "usr" / "lib" / "postgresql" / "17" / "bin"
    programs.mkdir(parents=True)
    (machine.bin / "initdb").rename(programs / "initdb")
    assert machine.test(CI="true").stderr == ""
    assert machine.asked().count("postgresql") == 1


@pytest.mark.parametrize("version", ["1.8.0_412", "9", "11.0.23", "16"])
def test_an_old_java_is_no_java(machine: Machine, version: str) -> None:
    machine.user()
    machine.java(version)
    assert _last(machine.test()) == f"{PARTS['java'][1]}: install it (Debian: apt-get install default-jre-headless)."


@pytest.mark.parametrize("version", ["17", "17.0.15", "21.0.7", "25"])
def test_a_new_java_is_taken(machine: Machine, version: str) -> None:
    machine.java(version)
    assert machine.test(CI="true").returncode == 0


@pytest.mark.parametrize("lacks", ["root", "apt-get"])
@pytest.mark.parametrize("program", PARTS)
def test_what_cannot_be_installed_is_told_once_but_fails_in_ci(machine: Machine, program: str, lacks: str) -> None:
    machine.without(program)
    if lacks == "root":
        machine.user()
    else:
        (machine.bin / "apt-get").unlink()
    package, begins = PARTS[program]
    sentence = f"{begins}: install it (Debian: apt-get install {package})."

    told, refused = machine.test(), machine.test(CI="true")
    assert (told.returncode, told.stdout, told.stderr.count(sentence)) == (0, RAN, 1)
    assert (refused.returncode, refused.stdout, refused.stderr) == (1, "", f"{sentence}\n")
    assert machine.asked() == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("E: Failed to fetch x  Temporary failure resolving 'deb'", f"The package sources {UNREACHED}, or lack it"),
        ("E: Unable to locate package", f"The package sources {UNREACHED}, or lack it"),
        ("E: You don't have enough free space in apt's archives.", FULL),
        ("dpkg: error: cannot copy extracted data: No space left on device", FULL),
        ("E: Could not get lock", "See the message above."),
    ],
)
@pytest.mark.parametrize("program", PARTS)
def test_why_apt_failed_is_said_in_one_sentence(machine: Machine, program: str, words: str, sentence: str) -> None:
    machine.without(program)
    machine.fails("apt", words)
    told, refused = machine.test(), machine.test(CI="true")
    assert (told.returncode, told.stdout) == (0, RAN)
    assert words in told.stderr
    assert sentence in _last(told)
    assert (refused.returncode, refused.stdout, _last(refused)) == (1, "", _last(told))


def test_a_package_that_does_not_bring_the_program_is_said(machine: Machine) -> None:
    machine.java("11")
    package = machine.root / "packages" / "default-jre-headless"
    package.mkdir(parents=True)
    shutil.copy(machine.bin / "java", package)
    told, refused = machine.test(), machine.test(CI="true")
    assert _last(told).startswith(f"{PARTS['java'][1]}, and what apt-get installed as default-jre-headless")
    assert (told.stdout, refused.returncode) == (RAN, 1)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("npm error code ENOTFOUND", f"The registry {UNREACHED}"),
        ("npm error ENOSPC: No space left on device", FULL),
        ("npm error something else", "See the message above."),
        (None, "Node's npm is needed for the contract suite: install it (Debian: apt-get install npm)."),
    ],
)
def test_the_contract_suites_judge_is_installed_or_told(machine: Machine, words: str | None, sentence: str) -> None:
    (machine.checkout.parent / "beside" / "vendor-specs").mkdir(parents=True)
    suite = machine.checkout / "tests" / "contract"
    (suite / "node_modules").mkdir(parents=True)
    (suite / "package-lock.json").write_text("{}", encoding="utf-8")
    npm = (machine.bin / "npm").read_text("utf-8")
    if words is None:
        (machine.bin / "npm").unlink()
    else:
        machine.fails("npm", words)
    told, refused = machine.test(), machine.test(CI="true")
    assert (told.returncode, told.stdout) == (0, RAN)
    assert sentence in _last(told)
    assert (refused.returncode, refused.stdout, _last(refused)) == (1, "", _last(told))

    (machine.bin / "npm").write_text(npm, encoding="utf-8")
    (machine.bin / "npm").chmod(0o755)
    assert (machine.test(CI="true").stderr, machine.test(CI="true").stdout) == ("", RAN)


# -- the environment ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["demo", "test"])
@pytest.mark.parametrize(
    ("tool", "words", "sentence"),
    [
        ("pip", "ERROR: Could not find a version that satisfies x (from versions: none)", f"index {UNREACHED}"),
        ("pip", "ERROR: SSLError(CERTIFICATE_VERIFY_FAILED)", f"index {UNREACHED}"),
        ("pip", "ERROR: Could not install: [Errno 28] No space left on device", FULL),
        ("pip", "ERROR: something else", "could not be installed. See the message above."),
        ("venv", "Error: [Errno 28] No space left on device: 'x'", FULL),
        ("venv", "mkdir: cannot create directory: Read-only file system", "use a copy of this folder"),
        ("venv", "something else", "could not be created in "),
    ],
)
def test_the_two_commands_say_why_there_is_no_environment(
    machine: Machine, command: str, tool: str, words: str, sentence: str
) -> None:
    machine.fails(tool, words)
    said = machine.dev(command)
    assert (said.returncode, said.stdout) == (1, "")
    assert words in said.stderr
    assert sentence in _last(said)


@pytest.mark.parametrize("command", ["demo", "test", "run", "lint", "docs", "gallery", "bench", "lock"])
def test_an_old_python_is_no_python(machine: Machine, command: str) -> None:
    (machine.bin / "python3").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")  # what the question for 3.11 gets
    said = machine.dev(command)
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == "Python 3.11 or newer is needed: install it (Debian: apt-get install python3 python3-venv).\n"


@pytest.mark.parametrize(
    ("command", "work"),
    [
        ("demo", "python -m customer_research.surfaces.demo x"),
        ("run", "python -P -m customer_research x"),
        ("docs", "python -m customer_research.surfaces.docs"),
        ("gallery", "python tests/docs/gallery.py x"),
        ("bench", "python -m benchmarks x"),
        ("lint", "agentskills validate skills/customer-research"),
        ("lock", "uv pip compile"),
    ],
)
def test_every_other_command_reaches_its_work(machine: Machine, command: str, work: str) -> None:
    said = machine.dev(command, "x")
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines()[-1].startswith(work)


def test_no_function_hands_on_the_status_of_a_test_that_was_false() -> None:
    """A bare `return` after `! command` gives 1, and `set -e` ends the script without a word."""
    bare = [line for line in (ROOT / "dev").read_text("utf-8").splitlines() if line.split("#")[0].strip() == "return"]
    assert bare == []
