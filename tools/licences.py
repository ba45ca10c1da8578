"""licences PACKAGE [FOLDER]: what a crate of this workspace is built from, by Cargo.lock, for the machine's platform.

Each dependency's licence must be one that deny.toml allows. With FOLDER, two files are laid there: PACKAGE.cdx.json, a bill of
materials (CycloneDX 1.5), and PACKAGE-licences.txt, every dependency with its licence and the texts that came with it.
"""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[1]
TEXTS = re.compile(r"(licen[cs]e|copying|notice|unlicense)", re.IGNORECASE)


def dependencies(package: str) -> tuple[dict, list[dict]]:
    """The crate itself, and what it is built from, sorted."""
    host = re.search(r"host: (\S+)", subprocess.check_output(["rustc", "-vV"], text=True))
    assert host
    command = ["cargo", "metadata", "--format-version=1", "--locked", f"--filter-platform={host[1]}"]
    metadata = json.loads(subprocess.check_output(command, cwd=ROOT))
    by_id = {crate["id"]: crate for crate in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = next(crate for crate in metadata["packages"] if crate["name"] == package)
    reached, waiting = set(), [root["id"]]
    while waiting:
        found = waiting.pop()
        if found in reached:
            continue
        reached.add(found)
        for edge in nodes[found]["deps"]:
            # What only tests or build scripts want does not end up in a package.
            if any(kind["kind"] is None for kind in edge["dep_kinds"]):
                waiting.append(edge["pkg"])
    crates = [by_id[found] for found in reached if found != root["id"]]
    return root, sorted(crates, key=lambda crate: (crate["name"], crate["version"]))


def is_allowed(expression: str, allowed: set[str]) -> bool:
    """Whether an SPDX expression can be met by allowed licences."""
    words = re.findall(r"[()]|[^\s()/]+|/", expression)
    tokens = {"OR": "or", "/": "or", "AND": "and", "(": "(", ")": ")"}  # every other word becomes True or False
    # An exception only permits more.
    words = [word for at, word in enumerate(words) if word != "WITH" and (at == 0 or words[at - 1] != "WITH")]
    meaning = " ".join(tokens.get(word, str(word in allowed)) for word in words)
    return bool(eval(meaning, {"__builtins__": {}}))


def bill(root: dict, crates: list[dict]) -> dict:
    """The bill of materials. Without a time or a random number, so that it is the same each time."""
    components = [
        {
            "type": "library",
            "name": crate["name"],
            "version": crate["version"],
            "purl": f"pkg:cargo/{crate['name']}@{crate['version']}",
            "licenses": [{"expression": crate["license"].replace("/", " OR ")}],
        }
        for crate in crates
        if crate["source"]
    ]
    component = {"type": "library", "name": "ropeway", "version": root["version"]}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component},
        "components": components,
    }


def texts(crates: list[dict]) -> str:
    """Each dependency with its licence; a text that several have stands once."""
    users: dict[str, list[str]] = {}
    lines = ["What this package is built from, and under which licences.", ""]
    for crate in crates:
        if not crate["source"]:
            continue
        name = f"{crate['name']} {crate['version']}"
        lines.append(f"{name}: {crate['license']}")
        for file in sorted(pathlib.Path(crate["manifest_path"]).parent.iterdir()):
            if TEXTS.search(file.name) and file.is_file():
                users.setdefault(file.read_text(errors="replace").strip(), []).append(name)
    for text, names in users.items():
        lines += ["", "=" * 80, *sorted(set(names)), "-" * 80, text]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Checks, and lays the files."""
    package = sys.argv[1]
    root, crates = dependencies(package)
    allowed = set(tomllib.loads((ROOT / "deny.toml").read_text())["licenses"]["allow"])
    wrong = [
        f"{crate['name']} {crate['version']}: {crate['license'] or 'no licence'}"
        for crate in crates
        if not crate["license"] or not is_allowed(crate["license"], allowed)
    ]
    if wrong:
        print("not allowed by deny.toml:", *wrong, sep="\n")
        return 1
    if len(sys.argv) > 2:
        folder = pathlib.Path(sys.argv[2])
        (folder / f"{package}.cdx.json").write_text(json.dumps(bill(root, crates), indent=2) + "\n")
        (folder / f"{package}-licences.txt").write_text(texts(crates))
    print(f"{package}: {len(crates)} dependencies, under licences that are allowed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
