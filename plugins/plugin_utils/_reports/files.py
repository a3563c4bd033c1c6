# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a report: they are checked before anything is read, and replaced in one step if they change.

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
from ansible_collections.assetops.imports.plugins.module_utils._files.replacing import new_file
from ansible_collections.assetops.imports.plugins.module_utils._module.results import diff_of
from ansible_collections.assetops.imports.plugins.plugin_utils._reports import page, texts
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.content import Report

MAX_DIFF = 100_000  # bytes of a file whose content is shown in diff mode


@dataclass(frozen=True)
class Format:
    """A format of a report, and how a file of it begins."""

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
class ReportFile:
    """A file to write."""

    path: Path
    format: Format
    mode: int


def report_files(paths: Sequence[str], mode: Any) -> list[ReportFile]:
    """The files to write. Raises `BadInput` if one cannot be written, or is something else than a report."""
    bits = _parse_mode(mode)
    found: dict[Path, ReportFile] = {}
    for text in paths:
        file = _report_file(text, bits)
        if file.path in found:
            raise BadInput(f"file: {text!r} is named twice. Nothing was written.")
        found[file.path] = file
    return list(found.values())


def _report_file(text: str, mode: int) -> ReportFile:
    path = Path(text)
    why = None
    if not path.is_absolute():
        why = "is no absolute path"
    elif path.suffix.lower() not in FORMATS:
        why = f"does not end in one of {', '.join(FORMATS)}, which name the format"
    elif not path.parent.is_dir():
        why = f"is in {path.parent}, which is no folder"
    elif path.exists() and not path.is_file():
        why = "is no file"
    elif not _is_ours(path):
        why = (
            "exists, and is not a report of imports; only those are replaced. Name another file, or move this one away"
        )
    if why is not None:
        raise BadInput(f"file: {text!r} {why}. Nothing was written.")
    return ReportFile(Path(os.path.realpath(path)), FORMATS[path.suffix.lower()], mode)


def _is_ours(path: Path) -> bool:
    """Whether a file is a report of this format, is empty, or does not exist."""
    wanted = FORMATS[path.suffix.lower()].beginning.encode()
    try:
        with path.open("rb") as file:
            beginning = file.read(len(wanted))
    except FileNotFoundError:
        return True
    except OSError as error:
        raise BadInput(f"file: {path} cannot be read: {error.strerror}. Nothing was written.") from error
    return beginning in (b"", wanted)


def _parse_mode(mode: Any) -> int:
    """The mode of a file, as for `ansible.builtin.copy`: octal digits, or a number. Raises `BadInput`."""
    bits = mode if isinstance(mode, int) and not isinstance(mode, bool) else None
    if isinstance(mode, str):
        with suppress(ValueError):
            bits = int(mode.strip(), 8)
    if bits is None or not 0o400 <= bits <= 0o777:
        raise BadInput(
            f"mode: {mode!r} is not the mode of a file that its owner can read, such as '0640'. Nothing was written."
        )
    return bits


def write_report(file: ReportFile, report: Report, *, check_mode: bool, diff: bool) -> dict[str, Any]:
    """Write a report if its file has other content or another mode. Raises OSError.

    Returns path, format, size, whether it changed, and in diff mode the `diff`.
    """
    path = file.path
    folder = Path(tempfile.gettempdir()) if check_mode else path.parent
    with new_file(folder, path.name, file.format.write(report), file.mode) as new:
        is_same = path.exists() and filecmp.cmp(new, path, shallow=False)
        has_mode = path.exists() and path.stat().st_mode & 0o777 == file.mode
        written: dict[str, Any] = {
            "path": str(path),
            "format": file.format.name,
            "size": new.stat().st_size,
            "changed": not (is_same and has_mode),
        }
        if diff and written["changed"]:
            written["diff"] = diff_of(str(path), _content(path), _content(new))
        if written["changed"] and not check_mode:
            new.replace(path)
    return written


def _content(path: Path) -> str:
    """The content of a file for diff mode."""
    if not path.exists():
        return ""
    size = path.stat().st_size
    if size > MAX_DIFF:
        return f"{size} bytes, too many to show\n"
    return path.read_text(encoding="utf-8", errors="backslashreplace")
