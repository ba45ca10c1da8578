"""The reference of the C++ classes, as a page of Markdown, from include/ropeway.hpp, with links to the C functions."""

import pathlib
import re

import c_reference

CLASS = re.compile(r"((?:^///[^\n]*\n)+)^(?:template <[^\n>]*> )?class (\w+) \{\n(.*?)^\};", re.M | re.S)
NESTED = re.compile(r"^ {4}class .*?^ {4}\};\n", re.M | re.S)
MEMBER = re.compile(
    r"""((?:^\ {4}///[^\n]*\n)*)  # what is said of it
    ^\ {4}(?!//|friend)(\w(?:[^;{}]|\{\})*?)  # its declaration
    (?:\s:\s[^\n]*|\ \{(.*?)(?:\}$|^\ {4}\}$)|\ =\ default;)$""",
    re.M | re.S | re.X,
)
CALL = re.compile(r"\b(?:ropeway_\w+|\w+_with)(?=\()")


def members(body: str) -> list[tuple[str, str, list[str]]]:
    """Declaration, comment, and what is called, of each member; copying and moving are left out."""
    return [
        (
            re.sub(r" noexcept\b", "", " ".join(declaration.split())),
            " ".join(comment.replace("///", " ").split()),
            CALL.findall(inside),
        )
        for comment, declaration, inside in MEMBER.findall(body)
        if not re.search(r"&& ?\w*\)|const (\w+) &other\)", declaration)
    ]


def section(name: str, comment: str, body: str, uri: str, where: dict[str, str]) -> str:
    """A class, as a table of what is public."""
    public, _, private = NESTED.sub("", body).removeprefix("public:\n").partition("private:\n")
    helpers = {re.search(r"(\w+)\(", declaration)[1]: calls for declaration, _, calls in members(private)}
    rows = ["| declaration | what it does |", "|---|---|"]
    for declaration, said, calls in members(public):
        deep = [name for call in calls for name in helpers.get(call, [call])]
        others = [f"As {name}." for name in dict.fromkeys(deep) if name in where and name not in said]
        rows.append(f"| `{declaration}` | {c_reference.prose(' '.join(filter(None, [said, *others])), uri, where)} |")
    return "\n".join([f"## {name}\n\n{c_reference.prose(comment, uri, where)}", *rows, ""])


def page(header: pathlib.Path, c_header: pathlib.Path, uri: str) -> str:
    """The page."""
    source = header.read_text()
    where = c_reference.pages_of_names(c_header.read_text())
    introduction = re.sub(r"^// ?", "", source.partition("#ifndef")[0].replace("//   ", "//     "), flags=re.M)
    sections = (
        section(name, re.sub(r"^/// ?", "", comment, flags=re.M), body, uri, where)
        for comment, name, body in CLASS.findall(source)
    )
    return f"# The C++ classes\n\n{introduction}\n" + "\n".join(sections)
