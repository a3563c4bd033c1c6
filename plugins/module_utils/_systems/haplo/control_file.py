# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Haplo's control file: what has to be in it so that Haplo takes it, and how each data file is read by it.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, as_sentence
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, Interrupted

LARGEST_DOCUMENT = 16 * 1024 * 1024  # bytes that Haplo reads of a control file, and of a data file by READ_IN_MEMORY
READ_IN_MEMORY = ("json", "tsv-with-name-row")
JAVASCRIPT_PROPERTIES = frozenset(  # every JavaScript object has them, so Haplo would take them for entries
    (
        *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toSource"),
        *("toString", "valueOf", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"),
    )
)
VERSION = "dataImportControlFileVersion"
REQUIRED_PROPERTIES = (VERSION, "model", "instructions", "files")
DATA_FILE_HINT = "; this looks like a data file, which belongs in files, while control says how to read it"
DEFAULT_ENTRY = "DEFAULT"  # in a control file: the entry for files that have none of their own


@dataclass(frozen=True)
class ControlFile:
    """A control file that Haplo may take: its digest in hexadecimal, and its properties."""

    content: Content
    sha256: str
    properties: Mapping[str, Any]

    @property
    def files(self) -> Mapping[str, Any]:
        """Its entries for data files, by name."""
        return dict(self.properties["files"])

    def entry(self, name: str) -> Mapping[str, Any]:
        """How a file of that name is read. Raises `BadInput` if it is not named; Haplo would import nothing then."""
        files = self.properties["files"]
        if name not in files and (DEFAULT_ENTRY not in files or name in JAVASCRIPT_PROPERTIES):
            known = ", ".join(sorted(files)) or "none"
            raise BadInput(f"files: {name!r} is not in the control file {self.content.source}, which names {known}.")
        return dict(files[name if name in files else DEFAULT_ENTRY])

    def check_size(self, name: str, content: Content) -> None:
        """Raise `BadInput` for a data file so large that Haplo would take it and then not import it."""
        reader = self.entry(name)["read"]
        if reader in READ_IN_MEMORY and content.size > LARGEST_DOCUMENT:
            raise BadInput(
                f"files: {content.source} has {content.size} bytes; of {reader} Haplo reads no file of more than"
                f" {LARGEST_DOCUMENT} bytes. Split it, and give the parts names of their own."
            )

    def check_complete(self, names: Collection[str], where: str) -> None:
        """Raise `BadInput` if a file that it names is not among these; Haplo would import the rest and say nothing."""
        missing = [name for name in self.files if name not in names and name != DEFAULT_ENTRY]
        if missing:
            raise BadInput(
                f"{where}: {self.content.name} names {_quoted_list(self.files)}, and there is no file for"
                f" {_quoted_list(missing)}; there is {_quoted_list(names)}. Nothing of it is sent until it is whole; if"
                " files may be missing, set allow_missing_files to true."
            )


def parse_control_file(content: Content, option: str = "control") -> ControlFile:
    """Read a control file. Raises `BadInput` for one that Haplo would not take, or could do nothing with.

    `option` is the option that named it. Actions, models and readers are not checked, as Haplo's plugins add to them.
    """
    if content.size > LARGEST_DOCUMENT:
        raise BadInput(f"{option}: {content.source} has more than the {LARGEST_DOCUMENT} bytes that Haplo reads.")
    try:
        data = b"".join(content.blocks())
        properties = _parse_properties(data)
    except Interrupted as error:
        raise BadInput(f"{option}: {error.message} Nothing was sent.") from error
    except ValueError as error:
        raise BadInput(as_sentence(f"{option}: {content.source} is no control file: {error}")) from error
    return ControlFile(content, hashlib.sha256(data).hexdigest(), properties)


def _parse_properties(data: bytes) -> Mapping[str, Any]:
    """The properties of a control file. Raises `ValueError` that says what is wrong."""
    control = _parse_object(data)
    if VERSION not in control:
        is_data = not any(name in control for name in REQUIRED_PROPERTIES)
        raise ValueError(f"it has no {VERSION}, which has to be 0{DATA_FILE_HINT if is_data else ''}")
    version = control[VERSION]
    if not isinstance(version, (int, float)) or isinstance(version, bool) or version != 0:
        raise ValueError(f"{VERSION} has to be 0, a number")
    missing = [name for name in REQUIRED_PROPERTIES if name not in control]
    if missing:
        raise ValueError(f"it has no {' and no '.join(missing)}")
    _check_instructions(control)
    _check_files(control["files"])
    return control


def _parse_object(data: bytes) -> dict[str, Any]:
    """The JSON object in there. Raises `ValueError` that says what is there instead."""
    if data.startswith(b"\xef\xbb\xbf"):
        raise ValueError("it begins with a byte order mark, which Haplo does not take")
    try:
        control = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise ValueError("it is not in UTF-8") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except ValueError as error:
        looks_like_data = re.match(rb"\s*<|[^\n]*\t", data)
        raise ValueError(f"it is not JSON: {error}{DATA_FILE_HINT if looks_like_data else ''}") from error
    if not isinstance(control, dict):
        raise ValueError(f"it is not a JSON object{DATA_FILE_HINT if isinstance(control, list) else ''}")
    return control


def _check_instructions(control: Mapping[str, Any]) -> None:
    """Raise `ValueError` for a model or for instructions that no plugin of Haplo could use."""
    if not isinstance(control["model"], str) or not control["model"].strip():
        raise ValueError("model has to be the name of a model, such as haplo:person")
    instructions = control["instructions"]
    if not isinstance(instructions, list):
        raise ValueError('instructions has to be a list of objects, such as [{"action": "new", "destination": ...}]')
    for number, instruction in enumerate(instructions, 1):
        if not isinstance(instruction, dict):
            raise ValueError(f"instruction {number} has to be an object, with its action")
        if not isinstance(instruction.get("action") or "", str):
            raise ValueError(f"the action of instruction {number} has to be a name")
        if not isinstance(instruction.get("filters") or [], list):
            raise ValueError(f"filters of instruction {number} has to be a list")


def _check_files(files: Any) -> None:
    """Raise `ValueError` for entries of files that do not say how a file is read."""
    if not isinstance(files, dict):
        raise ValueError("files has to be an object, with a specification for each name")
    for name, specification in files.items():
        if not isinstance(specification, dict) or "read" not in specification:
            raise ValueError(f'its file {name!r} does not say how to read it, as {{"read": "json"}} does')


def _refuse_constant(name: str) -> None:
    raise ValueError(f"there is no {name} in JSON")


def _quoted_list(names: Collection[str]) -> str:
    return ", ".join(map(repr, names))
