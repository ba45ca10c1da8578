"""Every block of code in the documentation, by its language, as it stands there.

C and C++ are compiled, what has no main() as the inside of a function that knows an engine, a client and so on. The
blocks in Python of a page run one after another as one program, each of JavaScript's as a program of its own, in a
directory with certificates; so do programs in C and C++ that are clients. What is said to an echo server at port 9000
goes to one that is there; a server at port 9001, which would run for ever, is compiled only. Commands for the shell are
read by it, and the files and targets in them exist.
"""

import ast
import concurrent.futures
import contextlib
import functools
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator

import trustme

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 60
BLOCK = re.compile(r"^( *)```(\S*)[^\n]*\n(.*?)^\1```$", re.M | re.S)

# What the programs of a page print, all those in one language together.
PRINTED = {
    ("docs/quick-start.md", "c"): ["hello"],
    ("docs/quick-start.md", "cpp"): ["hello"],
    ("docs/quick-start.md", "python"): ["hello", "hello"],
    ("docs/quick-start.md", "js"): ["hello"],
    ("README.md", "c"): ["hello"],
    ("README.md", "python"): ["hello"],
    ("README.md", "js"): ["hello"],
    ("bindings/python/README.md", "python"): ["hello"],
    ("docs/client.md", "python"): ["hello"],
    ("docs/client.md", "js"): ["hello"],
    ("docs/from-websockets.md", "python"): ["hello", "hello"],
    ("docs/from-ws.md", "js"): ["hello", "hello"],
    ("docs/server.md", "python"): ["welcome", "404"],
    ("docs/server.md", "js"): ["Unexpected server response: 404", "welcome", "well", "it has come"],
    ("docs/tls.md", "python"): ["hello TLSv1.3"],
    ("docs/tls.md", "js"): ["hello"],
    ("docs/back-pressure.md", "python"): ["10000"],
    ("docs/back-pressure.md", "js"): ["1000"],
    ("docs/seeing-inside.md", "python"): ["1 2"],
    ("docs/seeing-inside.md", "js"): ["1 2"],
    ("docs/compression.md", "python"): [
        "800",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    ],
    ("docs/compression.md", "js"): ["800 permessage-deflate"],
    ("docs/python.md", "python"): [
        "hello",
        "1000",
        "hello from a thread",
        "1000000",
        "it has come",
        "back at once",
        "TLSv1.3 TLS13_AES_256_GCM_SHA384",
        "101 TEXT b'hello'",
    ],
}

FRAGMENT = """#include <ropeway.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int fragment(ropeway_engine *, ropeway_options *, const ropeway_event *, ropeway_connection, ropeway_listener,
             ropeway_client *, ropeway_remote *);
int fragment(ropeway_engine *engine, ropeway_options *options, const ropeway_event *event,
             ropeway_connection connection, ropeway_listener listener, ropeway_client *client, ropeway_remote *remote) {
    (void)engine, (void)options, (void)event, (void)connection, (void)listener, (void)client, (void)remote;
    {
%s    }
    return 0;
}
"""


class Wrong(Exception):
    """What is wrong with a block."""


def blocks(page: str) -> Iterator[tuple[int, str, str]]:
    """A page's blocks: the line, the language and the text of each."""
    text = (ROOT / page).read_text()
    for found in BLOCK.finditer(text):
        indent = found[1]
        lines = (line.removeprefix(indent) for line in found[3].splitlines())
        yield text.count("\n", 0, found.start()) + 1, found[2], "\n".join(lines) + "\n"


def run(folder: pathlib.Path, *command: object, **environment: str) -> str:
    """What a program prints."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=PATIENCE
    )
    if done.returncode != 0:
        raise Wrong(f"ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def run_c(folder: pathlib.Path, texts: list[str], cpp: bool) -> str:
    """Compiles each, and runs the clients among them."""
    compiler = ["c++", "-x", "c++", "-std=c++17"] if cpp else ["cc", "-x", "c", "-std=c11"]
    flags = ["-Wall", "-Wextra", "-Werror", f"-I{ROOT}/build/prefix/include", "-o", "program", "source"]
    library = ["-x", "none", f"-L{ROOT}/build/prefix/lib", f"-Wl,-rpath,{ROOT}/build/prefix/lib", "-lropeway"]
    printed = ""
    for text in texts:
        is_program = "int main(" in text
        (folder / "source").write_text(text if is_program else FRAGMENT % textwrap.indent(text, " " * 8))
        run(folder, *compiler, *flags, *(library if is_program else ["-c"]))
        if is_program and "9001" not in text:
            printed += run(folder, "./program")
    return printed


def run_python(folder: pathlib.Path, texts: list[str]) -> str:
    """Runs all as one program."""
    for text in texts:
        ast.parse(text)
    (folder / "program.py").write_text("\n".join(text for text in texts if "9001" not in text))
    return run(folder, sys.executable, "program.py")


def run_js(folder: pathlib.Path, texts: list[str]) -> str:
    """Runs each."""
    printed = ""
    for text in texts:
        (folder / "program.js").write_text(text)
        check = ["--check"] if "9001" in text else []
        paths = f"{ROOT}/build/modules:{ROOT}/bindings/node/node_modules"
        printed += run(folder, "node", *check, "program.js", NODE_PATH=paths)
    return printed


def run_sh(folder: pathlib.Path, texts: list[str]) -> str:
    """Has the shell read them, and looks for what they name."""
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.M))
    for text in texts:
        (folder / "commands").write_text(text)
        run(folder, "bash", "-n", "commands")
        for target in re.findall(r"^make ([a-z-]+)", text, re.M):
            if target not in targets:
                raise Wrong(f"no target {target}")
        for path in re.findall(
            r"(?<![\w/.=])(?:examples|tools|bindings|bench|tests|build/bin|build/venv)/[\w./-]+", text
        ):
            if not (ROOT / path).exists():
                raise Wrong(f"no {path}")
    return ""


LANGUAGES = {
    "c": functools.partial(run_c, cpp=False),
    "cpp": functools.partial(run_c, cpp=True),
    "python": run_python,
    "js": run_js,
    "sh": run_sh,
    "text": lambda folder, texts: "",
}


@contextlib.contextmanager
def echo_server() -> Iterator[str]:
    """The address of an echo server."""
    server = subprocess.Popen([ROOT / "build/bin/echo_server", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        yield server.stdout.readline().removeprefix("listening on ws://").strip().rstrip("/")
    finally:
        server.terminate()
        server.communicate()


def try_page(page: str, echo: str, certificates: dict[str, bytes]) -> int:
    """Tries a page's blocks. How many there are."""
    by_language: dict[str, list[str]] = {}
    for line, language, text in blocks(page):
        if language not in LANGUAGES:
            raise Wrong(f"{page}:{line}: no such language as {language!r}: {', '.join(LANGUAGES)}")
        by_language.setdefault(language, []).append(text.replace("127.0.0.1:9000", echo))
    for language, texts in by_language.items():
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for file, content in certificates.items():
                (folder / file).write_bytes(content)
            try:
                printed = LANGUAGES[language](folder, texts).splitlines()
            except (Wrong, SyntaxError, subprocess.TimeoutExpired) as problem:
                raise Wrong(f"{page}, {language}: {problem}") from None
        expected = PRINTED.get((page, language), [])
        # The order of two connections' events is nobody's promise.
        if sorted(printed) != sorted(expected):
            raise Wrong(f"{page}, {language}: printed {printed}, not {expected}")
    return sum(map(len, by_language.values()))


def main() -> int:
    """Tries all pages."""
    authority = trustme.CA()  # made at test time, so that none expires in the tree
    certificate = authority.issue_cert("localhost")
    certificates = {
        "authority.pem": authority.cert_pem.bytes(),
        "certificate.pem": certificate.cert_chain_pems[0].bytes(),
        "key.pem": certificate.private_key_pem.bytes(),
    }
    modules = ROOT / "build/modules"
    modules.mkdir(exist_ok=True)
    if not (modules / "ropeway").exists():
        (modules / "ropeway").symlink_to("../../bindings/node")
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]
    pages = [str(page.relative_to(ROOT)) for page in found] + ["bindings/python/README.md"]
    with echo_server() as echo, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
        tries = [workers.submit(try_page, page, echo, certificates) for page in pages]
        problems = [problem for done in tries if (problem := done.exception())]
        for problem in problems:
            print(problem)
        if problems:
            return 1
        print(f"docs: {sum(done.result() for done in tries)} blocks of code on {len(pages)} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
