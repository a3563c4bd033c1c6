# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options become: a client, a receipt store, an importer.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    BadInput,
    Connection,
    StoreError,
    System,
    Wanted,
)
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.importer import Importer
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import WaitOptions
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._http.urls import base_url
from ansible_collections.assetops.imports.plugins.module_utils._module.checks import (
    check_files,
    check_numbers,
    check_record,
    check_secret,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation, secrets_of
from ansible_collections.assetops.imports.plugins.module_utils._module.results import result_of
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import NOWHERE, open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._systems.guide import Guide


def client_of(invocation: Invocation, headers: Mapping[str, str], guide: Guide | None = None) -> Client:
    """A client for the server, after the options were checked. `guide`: what to advise about them."""
    params = invocation.params
    for option in params:
        if option in invocation.secret_options and params[option] is not None:
            check_secret(option, params[option])
    check_numbers(params)
    check_record(params)
    connection = Connection(
        url=base_url(params["url"]),
        validate_certs=params["validate_certs"],
        ca_path=params["ca_path"],
        client_cert=params["client_cert"],
        client_key=params["client_key"],
        timeout=params["timeout"],
        response_timeout=params.get("response_timeout", params["timeout"]),
        use_proxy=params["use_proxy"],
    )
    check_files(connection)
    secrets = secrets_of(invocation, guide.fields if guide else ())
    _scheme, _space, credentials = headers.get("Authorization", "").partition(" ")
    if credentials:  # made of a secret, and so one
        secrets.add(credentials)
        invocation.no_log_values.add(credentials)
    client = Client(
        connection, headers, secrets, check_mode=invocation.check_mode, advice=guide.advice if guide else None
    )
    invocation.progress.uploader = client
    return client


def server_name(params: Mapping[str, Any]) -> str:
    """What stands for the server in the identity of an import: `target_name`, or the normalized base URL."""
    if params["target_name"] is None:
        return base_url(params["url"])
    if not params["target_name"].strip():
        raise BadInput("target_name is empty; leave it out to go by the url.")
    return str(params["target_name"])


@contextmanager
def receipt_store(
    invocation: Invocation, *, is_needed: bool = True, make: bool = True, read_only: bool = False
) -> Iterator[Store]:
    """The receipt store that the options name. It is closed at the end. A new one is reported in a warning.

    Where none is needed, one that cannot be used is a warning. Without `make`, one that does not exist is empty.
    """
    params = invocation.params
    read_only = read_only or invocation.check_mode
    location, password, required = params["receipts"], params["receipts_password"], params["require_receipts"]
    if password is not None:
        check_secret("receipts_password", password)
    if required and location == NOWHERE:
        raise BadInput("require_receipts is true, but receipts is none.")
    try:
        store = open_store(location, password=password, read_only=read_only, make=make, required=required)
    except StoreError as error:
        if is_needed or required:
            raise
        invocation.warn(
            f"{error.message} So there is no record, and no other run is kept from starting an import, too."
        )
        store = open_store(NOWHERE)
    try:
        if store.created and store.is_shared:
            invocation.warn(
                f"A new receipt store was made: {store.location}. What was imported before is not known there."
            )
        elif store.created:
            invocation.warn(
                f"A new receipt store was made: {store.location} on {os.uname().nodename}, for user id {os.getuid()}."
                " What was imported before is not known here. Where homes are forgotten, as in containers, set"
                " receipts to a place that lasts, and require_receipts to get an error."
            )
        yield store
    finally:
        store.close()


def importer_of(invocation: Invocation, store: Store, secrets: Secrets, system: System) -> Importer:
    """An importer that does what the user wants."""
    return Importer(
        system, store, policy_of(invocation), wait_options_of(invocation), secrets=secrets, progress=invocation.progress
    )


def import_all(
    invocation: Invocation, store: Store, secrets: Secrets, system: System, wanted: list[Wanted]
) -> dict[str, Any]:
    """Make sure of the imports, and return the result of an importing module."""
    return result_of(invocation, store, secrets, importer_of(invocation, store, secrets, system).run(wanted))


def policy_of(invocation: Invocation) -> Policy:
    """What the user wants done in each case."""
    params = invocation.params
    return Policy(
        force=params["force"],
        once=params["once"],
        on_unknown=params["on_unknown"],
        wait=params["wait"],
        check_mode=invocation.check_mode,
        if_running=params.get("if_running", "join"),
        adopt=params.get("adopt", False),
        label=params["label"],
    )


def wait_options_of(invocation: Invocation, min_pause: float = WaitOptions.min_pause) -> WaitOptions:
    """How long and how often to poll. `min_pause`: the shortest pause in seconds that is good for the system."""
    params = invocation.params
    return WaitOptions(params["wait_timeout"], params["wait_sleep"], params["unreachable_timeout"], min_pause)
