# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of the shared options, before anything is sent or written. Each raises `BadInput`.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, Connection
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import NOWHERE

MIN_SECRET_LENGTH = 4  # characters; a shorter one cannot be kept out of texts without tearing them up
MAX_SECONDS = 365 * 24 * 3600.0  # the system's clocks take no time without end


def check_secret(option: str, value: str) -> None:
    if not value.strip():
        raise BadInput(
            f"{option} is empty, as where it is taken from a variable that is not set. Set it, or leave {option} out."
        )
    if len(value) < MIN_SECRET_LENGTH:
        raise BadInput(f"{option} is shorter than {MIN_SECRET_LENGTH} characters; that cannot be right.")
    is_of_a_person = option.endswith("password")  # a token is made by a machine, a password by anybody
    if not value.isprintable() or (not is_of_a_person and (not value.isascii() or value != value.strip())):
        raise BadInput(
            f"{option} holds a line break, surrounding space or a character that no such secret has. It may have been"
            " read from a file together with a line break."
        )


def check_numbers(params: Mapping[str, Any]) -> None:
    for option in ("timeout", "response_timeout", "wait_sleep"):
        if option in params and not 0 < params[option] <= MAX_SECONDS:
            raise BadInput(f"{option} has to be a number of seconds above 0, a year at most.")
    for option in ("wait_timeout", "unreachable_timeout", "progress"):
        if option in params and not 0 <= params[option] <= MAX_SECONDS:
            raise BadInput(f"{option} has to be a number of seconds, 0 or more, a year at most.")


def check_record(params: Mapping[str, Any]) -> None:
    """Raise `BadInput` for options that cannot be meant for the receipts."""
    if params.get("label") is not None and not params["label"].strip():
        raise BadInput("label is empty, as where it is taken from a variable that is not set; leave it out.")
    if params.get("adopt") and params["force"]:
        raise BadInput("adopt sends nothing, and force sends what is there already; set one of them.")
    if params.get("adopt") and params["receipts"] == NOWHERE:
        raise BadInput("adopt needs receipts to write down what is there, and receipts is none.")


def check_files(connection: Connection) -> None:
    """Read the files for TLS where there are any, so that a wrong one is reported before anything is sent."""
    files = (connection.ca_path, connection.client_cert, connection.client_key)
    if "" in files:
        raise BadInput("One of ca_path, client_cert and client_key is empty; leave it out if it is not to be used.")
    if connection.client_key and not connection.client_cert:
        raise BadInput("client_key is of no use without client_cert.")
    if any(files):
        from ansible_collections.assetops.imports.plugins.module_utils._http import tls

        tls.check_files(connection)
