#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation site into .cache/docs/html: `make docs`.

antsibull-docs writes the pages of modules and roles and takes the guides of docs/docsite, and Sphinx makes HTML of it.
No network is needed, neither to build the site nor to read it. A warning is an error.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.tools.stage import CHECKOUT, listed_files

COLLECTION = "assetops.imports"
FOLDER = CHECKOUT / ".cache/docs"
COPY = FOLDER / "ansible_collections" / Path(*COLLECTION.split("."))
PAGES = FOLDER / "pages"
HTML = FOLDER / "html"


def main() -> int:
    shutil.rmtree(FOLDER, ignore_errors=True)
    PAGES.mkdir(mode=0o700, parents=True)  # antsibull-docs asks for that
    options = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--no-add-antsibull-docs-version"]
    run("antsibull-docs", "collection", *options, "--dest-dir", str(PAGES), COLLECTION)
    write_changelog(PAGES / "changelog.rst")
    options = ["-q", "-W", "--keep-going", "-c", "docs/site", "-d", str(FOLDER / "state")]
    run("sphinx-build", *options, str(PAGES), str(HTML))
    refuse_what_is_elsewhere()
    print(f"The documentation is in {(HTML / 'index.html').relative_to(CHECKOUT)}.")
    return 0


def write_changelog(page: Path) -> None:
    """Write the changelog with what is not released yet: a release is made in a copy."""
    for name in listed_files(CHECKOUT):
        (COPY / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / name, COPY / name, follow_symlinks=False)
    if any((COPY / "changelogs/fragments").glob("*.yml")):
        run("antsibull-changelog", "release", cwd=COPY)
    label = page.read_text(encoding="utf-8").partition("\n\n")[0]
    page.write_text(f"{label}\n\n{(COPY / 'CHANGELOG.rst').read_text(encoding='utf-8')}", encoding="utf-8")


def refuse_what_is_elsewhere() -> None:
    """Pages may link to others, but are whole without them: no script, style, font or picture of another host."""
    taken = re.compile(
        r"""<(?:script|img|iframe)[^>]* src="(?:https?:)?//[^>]*>|<link[^>]* rel="(?!canonical)[^>]*//[^>]*>"""
    )
    for page in HTML.rglob("*.html"):
        if found := taken.search(page.read_text(encoding="utf-8")):
            sys.exit(f"{page.relative_to(HTML)}: {found.group()}")
    for style in HTML.rglob("*.css"):
        if found := re.search(r"""(?:url\(|@import)\s*["']?(?:https?:)?//[^)]*""", style.read_text(encoding="utf-8")):
            sys.exit(f"{style.relative_to(HTML)}: {found.group()}")


def run(*command: str, cwd: Path = CHECKOUT) -> None:
    status = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, check=False).returncode
    if status:
        sys.exit(f"{command[0]} ended with {status}")


if __name__ == "__main__":
    sys.exit(main())
