# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a batch import: which batches they ask for, and whether they fit together, whatever the files say.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.standard import check_kind
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.texts import check_text

READ_BY = ("control", "control_digest", "kind")  # options that say how files are read; a batch has one of them
TEXTS = ("comment", "control_comment", "feed")
SHA256 = "[0-9a-f]{64}"


def check_options(params: Mapping[str, Any]) -> None:
    """Raise `BadInput` for options that are wrong or do not fit together."""
    if not params["control_name"].strip("./ ") or "/" in params["control_name"]:
        raise BadInput(f"control_name {params['control_name']!r} is no name of a file in a folder.")
    if params["directory"] is not None and not params["directory"].strip():
        raise BadInput("directory is empty; leave it out if there is none.")
    if params["strict_files"] and not params["check_files"]:
        raise BadInput("strict_files refuses what check_files finds, and check_files is false; change one of them.")
    if params["batches"] is None:
        _check_batch(params, is_folder=params["directory"] is not None)
    if is_standard_import(params) and not all(batch["kind"] is not None for batch in params["batches"] or []):
        raise BadInput(
            "batches: some have kind, and others control or control_digest. These are two APIs of Haplo, each with an"
            " API key of its own; import by two tasks, one for each."
        )
    for number, batch in enumerate(params["batches"] or []):
        try:
            _check_batch(options_of_batch(params, batch))
        except BadInput as error:
            raise BadInput(f"batches[{number}]: {error.message}") from None


def is_standard_import(params: Mapping[str, Any]) -> bool:
    """Whether any of it is for standard batch import."""
    return any(batch["kind"] is not None for batch in (params, *(params["batches"] or [])))


def options_of_batch(params: Mapping[str, Any], batch: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options of one of `batches`. Those that it leaves out are the options of the task."""
    return {**params, **{name: value for name, value in batch.items() if value is not None}}


def check_file_names(names: list[str]) -> None:
    """Raise `BadInput` for names of data files that no batch can have."""
    if not names:
        raise BadInput("files is an empty list; a batch without files does nothing.")
    for name in names:
        check_text("files: a name", name)
        if names.count(name) > 1:
            raise BadInput(f"files: {name!r} is there {names.count(name)} times; Haplo imports only the last one.")


def _check_batch(options: Mapping[str, Any], *, is_folder: bool = False) -> None:
    """Raise `BadInput` for wrong options of a batch. `is_folder`: its files are those of a folder."""
    read_by = [option for option in READ_BY if options[option] is not None]
    if not is_folder and not read_by:  # Ansible lets a null pass
        raise BadInput("One of control, control_digest, kind, batches and directory is needed, and none is set.")
    if options["kind"] is not None:
        check_kind(options["kind"])
    for option in TEXTS:
        check_text(option, options[option])
    if options["files"] is not None:
        check_file_names([file["name"] for file in options["files"]])
    digest = options["control_digest"]
    if digest is not None and not re.fullmatch(SHA256, digest):
        raise BadInput(f"control_digest {digest!r} is no SHA-256 in 64 lower-case hexadecimal digits.")
    for name in read_by:
        if name != "control":
            _check_without_control_file(options, name)


def _check_without_control_file(options: Mapping[str, Any], read_by: str) -> None:
    """Raise `BadInput` for options that need a control file, where none is sent."""
    if options["control_comment"] is not None:
        raise BadInput(f"control_comment is of no use with {read_by}: no control file is uploaded then.")
    remedy = "a copy of it with control_copy" if read_by == "kind" else "it with control in place of control_digest"
    for option in ("strict_files", "trim_final_newline"):
        if options[option] and options["control_copy"] is None:
            raise BadInput(f"{option} needs the control file, which says how the files are read; give {remedy}.")
