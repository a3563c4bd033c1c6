# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file to which a line of JSON is added for each thing that was done, once each.

What is in it is never changed. Lines that are none of ours are left alone, and half a line is no line.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
from contextlib import suppress
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, ImportsError, sentence
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import expanded, shown

MODE = 0o640


class Manifest:
    """The file of that name. `identifier` is the field by which two lines are of the same thing.

    Raises `BadInput` where no such file could be written.
    """

    def __init__(self, name: str, identifier: str) -> None:
        self._path = expanded(name)
        self._identifier = identifier
        folder = self._path.parent
        if not folder.is_dir():
            raise BadInput(f"manifest: {shown(folder)} is no folder, so there can be no {shown(self._path)}.")
        if self._path.is_dir():
            raise BadInput(f"manifest: {shown(self._path)} is a folder, and has to be a file.")
        place = self._path if self._path.exists() else folder
        if not os.access(place, os.W_OK):
            from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import whose

            raise BadInput(f"manifest: {shown(self._path)} cannot be written: {whose(place)}.")

    @property
    def name(self) -> str:
        """Its path for people."""
        return shown(self._path)

    def missing(self, entries: list[dict[str, Any]]) -> list[str]:
        """The lines of those of the entries that are not in it yet."""
        try:
            with self._path.open("rb", buffering=0) as file:
                return self._lines(entries, file)
        except FileNotFoundError:
            return [json.dumps(entry) for entry in entries]
        except OSError as error:
            raise self._trouble(error) from error

    def add(self, entries: list[dict[str, Any]]) -> list[str]:
        """Write those of the entries that are not in it yet, all or none; their lines. Raises `ImportsError`."""
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            with os.fdopen(os.open(self._path, flags, MODE), "r+b", buffering=0) as file:
                with suppress(OSError):  # not every file system has locks; without, a line may be there twice
                    fcntl.flock(file, fcntl.LOCK_EX)
                lines = self._lines(entries, file)
                if lines:
                    _append(file, "".join(f"{line}\n" for line in lines).encode())
                return lines
        except OSError as error:
            raise self._trouble(error) from error

    def _lines(self, entries: list[dict[str, Any]], file: io.FileIO) -> list[str]:
        known = {self._identity(line) for line in file.read().splitlines()} - {None}
        return [json.dumps(entry) for entry in entries if entry[self._identifier] not in known]

    def _identity(self, line: bytes) -> str | None:
        with suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict) and isinstance(entry.get(self._identifier), str):
                return str(entry[self._identifier])
        return None

    def _trouble(self, error: OSError) -> ImportsError:
        return ImportsError(sentence(f"The manifest {self.name} could not be kept: {error.strerror or error}"))


def _append(file: io.FileIO, data: bytes) -> None:
    """Add lines to the end of a file, where half a line of a run that died may stand; nothing of them if not all."""
    size = file.seek(0, os.SEEK_END)
    if size:
        file.seek(size - 1)
        data = data if file.read(1) == b"\n" else b"\n" + data
    try:
        while data:
            data = data[file.write(data) :]
        os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            os.ftruncate(file.fileno(), size)
        raise
