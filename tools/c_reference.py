"""The reference of the C interface, as pages of Markdown, from the comments of include/ropeway.h."""

import html
import pathlib
import re

TITLES = {
    "c-functions.md": "The C interface: functions",
    "c-options.md": "The C interface: options",
    "c-constants.md": "The C interface: constants and statuses",
    "c-types.md": "The C interface: types",
}

# Headings, in order: their page, and how the names below begin; a name stands where the longest beginning fits.
SECTIONS = {
    "A client with calls that wait": ("c-functions.md", "ropeway_client_"),
    "The engine": ("c-functions.md", "ropeway_engine_"),
    "Other threads": ("c-functions.md", "ropeway_remote_"),
    "The protocol without a socket": ("c-functions.md", "ropeway_protocol_"),
    "Sets of options": ("c-functions.md", "ropeway_options_"),
    "HTTP heads": ("c-functions.md", "ropeway_head_"),
    "The library, and what else there is": ("c-functions.md", "ropeway_"),
    "Options": ("c-options.md", "ROPEWAY_OPTION_"),
    "Options that are dangerous": ("c-options.md", "ROPEWAY_OPTION_DANGER_"),
    "Events": ("c-constants.md", "ROPEWAY_EVENT_"),
    "Flags of events": ("c-constants.md", "ROPEWAY_FLAG_"),
    "Counters": ("c-constants.md", "ROPEWAY_COUNTER_"),
    "Errors": ("c-constants.md", "ROPEWAY_ERROR_"),
    "Other constants and statuses": ("c-constants.md", "ROPEWAY_"),
    "Types": ("c-types.md", ""),
}

COMMENTED = re.compile(
    r"((?:^///[^\n]*\n)+)((?:#define [^\n]+)|(?:typedef struct \w+ \{.*?^\} \w+;)|(?:[^#/][^;]*;))", re.M | re.S
)
NAME = re.compile(r"\b(?:ropeway|ROPEWAY)_\w+")


def name_of(declaration: str) -> str:
    """What a declaration declares."""
    patterns = r"#define (\w+)", r"typedef .*\(\*(\w+)\)", r"typedef .*?(\w+);\Z", r"(\w+)\("
    return next(found[1] for pattern in patterns if (found := re.search(pattern, declaration, re.S)))


def section_of(name: str, declaration: str) -> str:
    """The section with the longest beginning that fits."""
    if declaration.startswith("typedef"):
        return "Types"
    fitting = [(len(start), title) for title, (_, start) in SECTIONS.items() if start and name.startswith(start)]
    return max(fitting)[1]


def prose(comment: str, page: str, pages: dict[str, str]) -> str:
    """A comment as Markdown: each name in it leads to its entry."""

    def linked(found: re.Match[str]) -> str:
        name = found[0]
        if name not in pages:
            return f"`{name}`"
        return f"[`{name}`]({'' if pages[name] == page else pages[name]}#{name})"

    pieces = re.split(r"(`[^`]*`)", comment)
    pieces[::2] = (NAME.sub(linked, re.sub(r"([*\[\]])", r"\\\1", html.escape(piece, False))) for piece in pieces[::2])
    return "".join(pieces)


def introduction(header: str) -> str:
    """The comment at the header's top, from its third paragraph on, as Markdown: what is indented in it is code."""
    comment = header.split("\n\n\n", 1)[0].replace("//   ", "//     ")
    text = re.sub(r"^// ?", "", comment, flags=re.M).split("\n\n", 2)[2]
    return re.sub(r"^[A-Z]{2}[A-Z ]+", lambda words: f"**{words[0].capitalize()}**", text, flags=re.M)


def entries_of(source: str) -> list[tuple[str, str, str]]:
    """Name, declaration and comment of all that the header declares."""
    return [
        (name_of(declaration), declaration, re.sub(r"^/// ?", "", comment, flags=re.M))
        for comment, declaration in COMMENTED.findall(source)
    ]


def pages_of_names(source: str) -> dict[str, str]:
    """On which page each name stands."""
    return {name: SECTIONS[section_of(name, declaration)][0] for name, declaration, _ in entries_of(source)}


def pages(header: pathlib.Path) -> dict[str, str]:
    """The pages by name."""
    source = header.read_text()
    entries, where = entries_of(source), pages_of_names(source)
    made = {page: f"# {title}\n\n" for page, title in TITLES.items()}
    made["c-functions.md"] += introduction(source) + "\n\n"
    for section, (page, _) in SECTIONS.items():
        made[page] += f"## {section}\n\n"
        for name, declaration, comment in entries:
            if section_of(name, declaration) == section:
                text = prose(comment, page, where)
                made[page] += f"### {name} {{ #{name} }}\n\n```c\n{declaration}\n```\n\n{text}\n\n"
    return made
