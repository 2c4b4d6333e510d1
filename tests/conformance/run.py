"""Runs cases of the Autobahn test suite against examples/tour and compares every answer with the file `expected`.

To be called by scripts/conformance, which installs what runs the cases.
"""

import argparse
import contextlib
import fnmatch
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time
from typing import Dict, Iterator, List, NamedTuple, Tuple

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CACHE = HERE / ".cache"
REPORT = CACHE / "report"

FAST = "1.*,2.*,3.*,4.*,5.*,6.*,7.*,10.*"
START_LIMIT = 15  # seconds until the tour listens
STOP_LIMIT = 15  # seconds until it has ended after the signal
SUITE_LIMIT = 3600  # seconds for all cases: each has a limit of its own
SIGN_OF_LIFE = 60  # seconds

# What kosoku says of a case in which it fell over itself.
KOSOKU_ERROR = "Strings must be encoded before hashing"


class Answer(NamedTuple):
    """What the suite says of a case: of the messages, and of how the connection ended."""

    behavior: str
    close: str

    def __str__(self) -> str:
        return f"{self.behavior} (close: {self.close})"


class Case(NamedTuple):
    """A case that has run."""

    answer: Answer
    description: str
    why: str
    page: str


# ---------------------------------------------------------------- the lists


def order(case: str) -> List[int]:
    return [int(number) for number in case.split(".")]


def lines(name: str) -> Iterator[List[str]]:
    """The words of each line that says something."""
    for line in (HERE / name).read_text().splitlines():
        words = line.partition("#")[0].split()
        if words:
            yield words


def cases_of(word: str) -> Iterator[str]:
    """`1.2.3` is one case, `1.2.3-5` are three."""
    head, _, last = word.rpartition(".")
    first, _, end = last.partition("-")
    for number in range(int(first), int(end or first) + 1):
        yield f"{head}.{number}"


def matches(case: str, patterns: List[str]) -> bool:
    return any(fnmatch.fnmatchcase(case, pattern) for pattern in patterns)


def expectations() -> Dict[str, Answer]:
    """The file `expected`, as `unimplemented` changes it."""
    expected = {}
    for word, behavior, close in lines("expected"):
        for case in cases_of(word):
            assert case not in expected, f"{case} is in the list twice"
            expected[case] = Answer(behavior, close)
    unimplemented = [word for words in lines("unimplemented") for word in words]
    for case in expected:
        if matches(case, unimplemented):
            expected[case] = Answer("UNIMPLEMENTED", "OK")
    return expected


# ---------------------------------------------------------------- the tour


def build() -> str:
    """Builds the tour; gives the path of the program."""
    command = ["cargo", "build", "--locked", "--release", "--package", "tour"]
    command.append("--message-format=json-render-diagnostics")
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if built.returncode:
        sys.exit("the tour does not build")
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    return [message["executable"] for message in messages if message.get("executable")][-1]


@contextlib.contextmanager
def tour(program: str, faults: List[str]) -> Iterator[str]:
    """Runs the tour, gives its address, and adds to the faults how it ended, unless it ended well."""
    environment = {**os.environ, "SOCKEYE_ADDR": "127.0.0.1:0"}
    with open(REPORT / "tour.log", "wb") as log:
        server = subprocess.Popen([program], env=environment, stdout=subprocess.PIPE, stderr=log)
    assert server.stdout
    try:
        late = threading.Timer(START_LIMIT, server.kill)
        late.start()
        line = server.stdout.readline().decode().strip()
        late.cancel()
        listening = re.fullmatch(r"listening on http://(\S+)", line)
        if not listening:
            sys.exit(f"the tour's first line does not say where it listens: {line!r}")
        # Nobody reads the rest, so nobody may have to wait for a reader.
        threading.Thread(target=server.stdout.read, daemon=True).start()
        yield listening[1]
        if server.poll() is None:
            server.terminate()
            server.wait(STOP_LIMIT)
        if server.returncode:
            faults.append(f"the tour ended with status {server.returncode}")
    except subprocess.TimeoutExpired:
        faults.append(f"the tour still ran {STOP_LIMIT} s after SIGTERM")
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()
    if b"panicked" in (REPORT / "tour.log").read_bytes():
        faults.append(f"the tour panicked, see {shown(REPORT / 'tour.log')}")


# ---------------------------------------------------------------- the suite


def autobahn(addr: str, cases: List[str]) -> List[str]:
    server = {"agent": "sockeye", "url": f"ws://{addr}/echo"}
    spec = {"outdir": str(REPORT), "servers": [server], "cases": cases, "exclude-cases": [], "exclude-agent-cases": {}}
    (REPORT / "spec.json").write_text(json.dumps(spec))
    # Python 2 is told to forget its warnings about its own age.
    command = [str(CACHE / "autobahn/bin/python"), "-W", "ignore", str(CACHE / "autobahn/bin/wstest")]
    return [*command, "-m", "fuzzingclient", "-s", str(REPORT / "spec.json")]


def kosoku(addr: str, cases: List[str]) -> List[str]:
    includes = [word for case in cases for word in ("--include", case)]
    command = [str(CACHE / "kosoku/bin/python"), str(CACHE / "kosoku/bin/kosoku")]
    return [*command, f"{addr}/echo", "--outdir", str(REPORT), *includes]


def run(command: List[str]) -> None:
    """Runs the suite and shows how far it is. Its exit code says nothing: it is 0, or is so for answers we know."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with open(REPORT / "suite.log", "w") as log:
        suite = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        assert suite.stdout
        late = threading.Timer(SUITE_LIMIT, suite.kill)
        late.start()
        try:
            group, said = "", time.monotonic()
            for line in suite.stdout:
                log.write(line)
                running = re.match(r"Running test case ID (\d+)(\S*)", line)
                if running and (running[1] != group or time.monotonic() - said > SIGN_OF_LIFE):
                    group, said = running[1], time.monotonic()
                    print("at", running[1] + running[2], flush=True)
            suite.wait()
        finally:
            late.cancel()
            if suite.poll() is None:
                suite.kill()
                suite.wait()


def results() -> Dict[str, Case]:
    """What the reports say, by case; nothing, if the suite has written none."""
    index = REPORT / "index.json"
    if not index.exists():
        return {}
    found = {}
    for agent in json.loads(index.read_text()).values():
        for case, row in agent.items():
            details = json.loads((REPORT / row["reportfile"]).read_text(errors="replace"))
            found[case] = Case(
                Answer(row["behavior"], row["behaviorClose"]),
                plain(details["description"]),
                plain(f"{details['result']} {details['resultClose']}"),
                row["reportfile"].replace(".json", ".html"),
            )
    return found


def plain(text: str) -> str:
    """Without the suite's markup, in one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


# ---------------------------------------------------------------- the verdict


def shown(path: pathlib.Path) -> str:
    return str(path.relative_to(ROOT))


def report(case: str, expected: Answer, got: Case) -> None:
    print(f"\n{case}: expected {expected}, got {got.answer}")
    print(f"  {got.description}")
    print(f"  {got.why}")
    print(f"  {shown(REPORT / got.page)}")
    if expected.behavior == "UNIMPLEMENTED" and got.answer.behavior == "OK":
        print(f"  It is implemented by now: take it out of {shown(HERE / 'unimplemented')}.")


def compare(cases: List[str], expected: Dict[str, Answer], got: Dict[str, Case], suite: str) -> Tuple[int, int]:
    """Prints every difference; how many cases passed and failed."""
    known = {case for (word,) in lines("kosoku-errors") for case in cases_of(word)} if suite == "kosoku" else set()
    passed, failed, unjudged = 0, 0, []
    for case in cases:
        if case not in got:
            failed += 1
            print(f"\n{case}: expected {expected[case]}, got no answer, see {shown(REPORT / 'suite.log')}")
        elif got[case].answer == expected[case]:
            passed += 1
        elif case in known and got[case].answer.behavior == "ERROR" and KOSOKU_ERROR in got[case].why:
            unjudged.append(case)
        else:
            failed += 1
            report(case, expected[case], got[case])
    if unjudged:
        print(f"\nNot judged, since kosoku has an error of its own there ({len(unjudged)}): {', '.join(unjudged)}")
    return passed, failed


def heading(text: str) -> None:
    print(f"\n=== {text}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/conformance", description=__doc__.splitlines()[0])
    parser.add_argument("--suite", choices=["autobahn", "kosoku"], help="who runs the cases")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--fast", action="store_const", dest="cases", const=FAST, default="*", help="groups 1 to 7 and 10")
    which.add_argument("--cases", default="*", metavar="PATTERNS", help="for example '3.*,5.*'")
    args = parser.parse_args()

    expected = expectations()
    cases = sorted((case for case in expected if matches(case, args.cases.split(","))), key=order)
    if not cases:
        parser.error(f"there is no case like {args.cases}")
    program = build()
    shutil.rmtree(REPORT, ignore_errors=True)
    REPORT.mkdir(parents=True)

    heading(f"{len(cases)} cases against the tour, by {args.suite}")
    faults: List[str] = []
    with tour(program, faults) as addr:
        run({"autobahn": autobahn, "kosoku": kosoku}[args.suite](addr, cases))
    passed, failed = compare(cases, expected, results(), args.suite)
    for fault in faults:
        failed += 1
        print(f"\n{fault}")
    heading(f"Conformance ({args.suite})")
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


sys.exit(main())
