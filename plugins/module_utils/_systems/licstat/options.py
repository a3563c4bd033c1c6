# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of an import as a user sets them: checked, and with the time range that they mean.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import NOWHERE
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.connection import GUIDE
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.imports import ImportOptions
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.logs import check_log_options
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.ranges import last_day, zone_of


def import_options(params: Mapping[str, Any]) -> ImportOptions:
    """The options of the imports. Raises `BadInput` for those that mean nothing or do not go together."""
    check_log_options(params)
    options = ImportOptions(
        license_server_id=license_server_number(params["license_server_id"]),
        gather=params["gather"] and tuple(set(params["gather"])),
        merge_policy=params["merge_policy"],
        start=parse_server_time(params["from"], "from"),
        end=parse_server_time(params["to"], "to"),
        resolve_domain_names_to_ip=params["resolve_domain_names_to_ip"],
        find_domain_names_by_ip=params["find_domain_names_by_ip"],
        is_window=import_identity(params) != "content",
        zone=zone_of(params["timezone"]),
    )
    options = _with_time_range(options, params)
    options.check()
    return options


def import_identity(params: Mapping[str, Any]) -> str:
    """What makes two imports the same. With `from` and `to` it is that range, whatever `window` stands for."""
    if not params["window"]:
        return str(params["identity"])
    has_range = params["from"] is not None and params["to"] is not None
    return "since_last" if params["window"] == "since_last" and not has_range else "window"


def license_server_number(value: object) -> int:
    """The number of a license server. Raises `BadInput` for anything else, and says where it is found."""
    text = "" if isinstance(value, bool) else str(value).strip()
    number = int(text.partition(".")[0]) if re.fullmatch(r"-?[0-9]{1,18}(\.0+)?", text) else None
    if number is not None and number > 0:
        return number
    if number is not None:
        wrong = f"license_server_id is {number}; license servers are numbered from 1 on."
    elif value is None or value == "" or (isinstance(value, str) and not text):
        wrong = "license_server_id is empty, as where it is taken from a variable that is not set."
    else:
        wrong = f"license_server_id {value!r:.60} is not a whole number."
    raise BadInput(
        f"{wrong} Set {GUIDE.named('license_server_id')} to that of the license server in Administration > License"
        " Servers, column License Server ID."
    )


def parse_server_time(text: str | None, option: str) -> datetime | None:
    """A point in time as `YYYY-MM-DD HH:MM[:SS]`, with a space or a T, to the second. Raises `BadInput`."""
    if text is None:
        return None
    bare_date = re.fullmatch(r"\d{4}-\d\d-\d\d", text)
    if bare_date and option == "to":
        raise BadInput(f"to: {text} is a whole day; say at what time it ends, as in '{text} 23:59:59'.")
    if re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?\s*(Z|UTC|[+-]\d\d:?(\d\d)?)", text):
        raise BadInput(
            f"{option}: {text} names a time zone; License Statistics takes times of its own server, without a zone."
        )
    if not bare_date and not re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?", text):
        raise BadInput(f"{option}: {text!r} is not a time like '2021-01-10 15:10:00'.")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{option}: {text} does not exist: {error}.") from error


def _with_time_range(options: ImportOptions, params: Mapping[str, Any]) -> ImportOptions:
    """The options with the time range that is meant. Raises `BadInput` where none is."""
    identity, is_given = import_identity(params), (options.start is not None, options.end is not None)
    if identity == "since_last":
        _check_since_last(params)
        return options if options.end else replace(options, end=last_day(options.zone).end)
    if params["window"] and any(is_given) and not all(is_given):
        raise BadInput(f"from and to take the place of window={params['window']} together, and one of them is missing.")
    if params["window"] and not any(is_given):
        day = last_day(options.zone)
        return replace(options, start=day.start, end=day.end)
    if identity == "window" and not all(is_given):
        raise BadInput("identity=window needs both from and to: they are what the import is known by.")
    return options


def _check_since_last(params: Mapping[str, Any]) -> None:
    """Raise `BadInput` for what cannot go with a range that begins where the last one ended."""
    if params["force"]:
        raise BadInput(
            "With since_last, force does not say which time range to import again; name it, with identity=window, from"
            " and to."
        )
    if params["once"] != "ever":
        raise BadInput("once=latest is for contents that replace each other, and time ranges do not.")
    if params["receipts"] == NOWHERE:
        raise BadInput("Where the last time range ended is in the receipts, and receipts is none.")
