"""Hooks of MkDocs: pages that stand elsewhere in the tree, links out of docs/, the references of C, C++ and Node.js.

A page keeps the links that it has in the tree: they lead to the page of a file where there is one, and otherwise to a
copy of the file beside the pages.
"""

import os
import pathlib
import re

import c_reference
import cpp_reference
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = pathlib.Path(__file__).resolve().parent.parent

# What stands outside docs/: its path in the tree, and what it becomes in the site.
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "examples/chat/README.md": "chat.md",
    "examples/chat/page/icon.svg": "images/icon.svg",
}
NODE = ROOT / "build/docs/node/README.md"

LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
FENCED = re.compile(r"(^```.*?^```)", re.S | re.M)  # is left alone


def home_of(uri: str) -> str:
    """Where the page at `uri` stands in the tree."""
    return next((path for path, page in PAGES.items() if page == uri), f"docs/{uri}")


def uri_of(path: str) -> str:
    """Where the file at `path` of the tree stands in the site."""
    return PAGES.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else f"source/{path}")


def relink(markdown: str, uri: str, seen: set[str]) -> str:
    """The page's text with its links as they are in the site; what they lead to in the tree is added to `seen`."""
    home = os.path.dirname(home_of(uri))

    def replaced(link: re.Match[str]) -> str:
        target = os.path.normpath(os.path.join(home, link[2]))
        if "://" in link[2] or link[2].startswith("mailto:") or not (ROOT / target).is_file():
            return link[0]
        seen.add(target)
        return link[1] + os.path.relpath(uri_of(target), os.path.dirname(uri) or ".") + link[3]

    pieces = FENCED.split(markdown)
    pieces[::2] = (LINK.sub(replaced, piece) for piece in pieces[::2])
    return "".join(pieces)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages from elsewhere, the references, and copies of what is linked to."""
    for path, uri in PAGES.items():
        files.append(File.generated(config, uri, content=(ROOT / path).read_bytes()))
    for uri, content in c_reference.pages(ROOT / "include/ropeway.h").items():
        files.append(File.generated(config, f"reference/{uri}", content=content))
    cpp = cpp_reference.page(ROOT / "include/ropeway.hpp", ROOT / "include/ropeway.h", "cpp.md")
    files.append(File.generated(config, "reference/cpp.md", content=cpp))
    files.append(File.generated(config, "reference/node.md", content=NODE.read_text()))
    seen: set[str] = set()
    for file in files.documentation_pages():
        relink(file.content_string, file.src_uri, seen)
    for path in sorted(seen):
        if files.get_file_from_path(uri_of(path)) is None:
            files.append(File.generated(config, uri_of(path), content=(ROOT / path).read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Makes the links of the tree those of the site."""
    return relink(markdown, page.file.src_uri, set())
