# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a report: checked before anything is read, and put in place in one step each, where they change.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import filecmp
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._module.results import diff_of
from ansible_collections.assetops.imports.plugins.plugin_utils._reports import page, texts
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.content import Report

USUAL_MODE = 0o640
SHOWN_DIFFERENCE = 100_000  # bytes of a file whose contents are shown in diff mode


@dataclass(frozen=True)
class Format:
    """A way to write a report; how a file that was written so begins."""

    name: str
    write: Callable[[Report], Iterator[str]]
    beginning: str


TEXT = Format("text", texts.text, texts.TEXT_BEGINNING)
HTML = Format("HTML", page.html, page.BEGINNING)
FORMATS = {
    ".txt": TEXT,
    ".json": Format("JSON", texts.as_json, texts.JSON_BEGINNING),
    ".csv": Format("CSV", texts.as_csv, texts.CSV_BEGINNING),
    ".html": HTML,
    ".htm": HTML,
}


@dataclass(frozen=True)
class Target:
    """A file that is to be written."""

    path: Path
    format: Format
    mode: int


def targets_of(paths: Sequence[str], mode: Any) -> list[Target]:
    """The files to write. Raises `BadInput` where one cannot be, or is no report that may be replaced."""
    bits = _bits(mode)
    found: dict[Path, Target] = {}
    for text in paths:
        target = _target(text, bits)
        if target.path in found:
            raise BadInput(f"file: {text!r} is named twice. Nothing was written.")
        found[target.path] = target
    return list(found.values())


def _target(text: str, mode: int) -> Target:
    path = Path(text)
    why = None
    if not path.is_absolute():
        why = "is no absolute path"
    elif path.suffix.lower() not in FORMATS:
        why = f"does not end in one of {', '.join(FORMATS)}, which tell what to write"
    elif not path.parent.is_dir():
        why = f"is in {path.parent}, which is no folder"
    elif path.exists() and not path.is_file():
        why = "is no file"
    elif not _is_ours(path):
        why = "is there, and is no report of imports, which alone is replaced. Name another file, or move this one away"
    if why is not None:
        raise BadInput(f"file: {text!r} {why}. Nothing was written.")
    return Target(Path(os.path.realpath(path)), FORMATS[path.suffix.lower()], mode)


def _is_ours(path: Path) -> bool:
    """Whether a file was written as a report, is empty, or not there."""
    wanted = FORMATS[path.suffix.lower()].beginning.encode()
    try:
        with path.open("rb") as file:
            beginning = file.read(len(wanted))
    except FileNotFoundError:
        return True
    except OSError as error:
        raise BadInput(f"file: {path} cannot be read: {error.strerror}. Nothing was written.") from error
    return beginning in (b"", wanted)


def _bits(mode: Any) -> int:
    """The permissions of a file, as of `ansible.builtin.copy`: octal digits, or a number. Raises `BadInput`."""
    bits = mode if isinstance(mode, int) and not isinstance(mode, bool) else None
    if isinstance(mode, str):
        with suppress(ValueError):
            bits = int(mode.strip(), 8)
    if bits is None or not 0o400 <= bits <= 0o777:
        raise BadInput(
            f"mode: {mode!r} is not the mode of a file that its owner can read, such as '0640'. Nothing was written."
        )
    return bits


def put(target: Target, report: Report, *, check_mode: bool, diff: bool) -> dict[str, Any]:
    """Write a report where it is not there yet just so. Returns path, format, size and whether it changed; and `diff`.

    Raises OSError.
    """
    path = target.path
    folder = tempfile.gettempdir() if check_mode else path.parent
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{path.name}.")
    new = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            for piece in target.format.write(report):
                file.write(piece)
            os.fchmod(file.fileno(), target.mode)
        is_same = path.exists() and filecmp.cmp(new, path, shallow=False)
        has_mode = path.exists() and path.stat().st_mode & 0o777 == target.mode
        told: dict[str, Any] = {
            "path": str(path),
            "format": target.format.name,
            "size": new.stat().st_size,
            "changed": not (is_same and has_mode),
        }
        if diff and told["changed"]:
            told["diff"] = diff_of(str(path), _content(path), _content(new))
        if told["changed"] and not check_mode:
            new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    return told


def _content(path: Path) -> str:
    """A file as it is shown in diff mode."""
    if not path.exists():
        return ""
    size = path.stat().st_size
    if size > SHOWN_DIFFERENCE:
        return f"{size} bytes, too many to show\n"
    return path.read_text(encoding="utf-8", errors="backslashreplace")
