# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where Ansible ends and the imports begin: shared options, what they become, and what a module returns.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible.module_utils.errors import AnsibleFallbackNotFound

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    BadInput,
    Connection,
    ImportsError,
    StoreError,
    System,
    Wanted,
    window_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets, harmless
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.importer import Importer
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import STATES, Import
from ansible_collections.assetops.imports.plugins.module_utils._engine.progress import Progress
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import WaitOptions
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client, base_url
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import (
    DEFAULT_LOCATION,
    NOWHERE,
    is_url,
    open_store,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._systems.guide import Guide

SHORTEST_SECRET = 4  # characters; a shorter one cannot be kept out of texts without tearing them up
LONGEST = 365 * 24 * 3600.0  # seconds; the system's clocks take no time without end
SHOWN_RESPONSE = 2000  # characters of an answer in `response`

# The shared options, each documented once in the doc fragment of the same name.
CONNECTION: Mapping[str, Any] = {
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "timeout": {"type": "float", "default": 60},
    "use_proxy": {"type": "bool", "default": True},
}
RECEIPTS: Mapping[str, Any] = {
    "receipts": {
        "type": "str",
        "default": DEFAULT_LOCATION,
        "fallback": (env_fallback, ["ASSETOPS_RECEIPTS"]),  # empty, it is an error: another store imports again
        "no_log": False,
    },
    "receipts_password": {"type": "str", "no_log": True},
    "require_receipts": {"type": "bool", "default": False},
}


@dataclass
class Invocation:
    """What runs an import, as the work sees it: what the user asked for, and whom it can tell something.

    `params` are the options, validated. `secret_options` names those of them whose values are secrets. `no_log_values`
    are kept out of all that is returned; more of them may be added. `warn` tells the user something beside the result.
    `show` shows a line while the work goes on; it is None where nobody would see it. `progress` makes these lines.
    """

    params: dict[str, Any]
    check_mode: bool
    diff: bool
    warn: Callable[[str], None]
    secret_options: set[str]
    no_log_values: set[str]
    show: Callable[[str], None] | None = None
    progress: Progress = field(default_factory=Progress)


Work = Callable[[Invocation], Mapping[str, Any]]
"""What a module is for: it returns the result, with a `msg` if it failed."""


def connection_arguments(options: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The options to reach a system and log in to it, some of which fall back on an environment variable."""
    own = {name: dict(spec) for name, spec in options.items()}
    for name, variable in environment.items():
        own[name]["fallback"] = (from_environment, [variable])
    return {**own, **CONNECTION}


def from_environment(variable: str) -> str:
    """What an environment variable says. One that is empty is as not set, as AWX sets those of fields left empty."""
    value = os.environ.get(variable, "")
    if not value.strip():
        raise AnsibleFallbackNotFound
    return value


def fill_from_environment(invocation: Invocation, guide: Guide) -> None:
    """Fill in the options that are not set where it depends on other options which environment variables they have."""
    for option, variable in guide.environment.items():
        if invocation.params[option] is None:
            with suppress(AnsibleFallbackNotFound):
                invocation.params[option] = from_environment(variable)
                if option in invocation.secret_options:
                    invocation.no_log_values.add(invocation.params[option])
    _hide_passwords_in_urls(invocation)


def import_arguments(
    *,
    once: str | None,
    response_timeout: float = 1800,
    wait_timeout: float = 3600,
    wait_sleep: float = 10,
    unreachable_timeout: float = 300,
) -> dict[str, Any]:
    """The options that importing modules share: waiting and receipts, with the defaults of their system."""
    return {
        "response_timeout": {"type": "float", "default": response_timeout},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "float", "default": wait_timeout},
        "wait_sleep": {"type": "float", "default": wait_sleep},
        "unreachable_timeout": {"type": "float", "default": unreachable_timeout},
        "progress": {"type": "float", "default": 60, "fallback": (from_environment, ["ASSETOPS_PROGRESS"])},
        **RECEIPTS,
        "force": {"type": "bool", "default": False},
        "once": {"type": "str", "choices": ["ever", "latest"], "default": once},
        "on_unknown": {"type": "str", "choices": ["fail", "retry"], "default": "fail"},
        "target_name": {"type": "str"},
        "label": {"type": "str"},
        **({"adopt": {"type": "bool", "default": False}} if once is not None else {}),
    }


def run_module(module: AnsibleModule, work: Work) -> None:
    """Do a module's work and end it: with what `work` returns, or with an error that a person can act on."""
    result = outcome_of(invocation_of(module), work)
    if "msg" in result:
        module.fail_json(**result)
    module.exit_json(**result)


def invocation_of(module: AnsibleModule) -> Invocation:
    """The module as the work sees it."""
    return Invocation(
        params=module.params,
        check_mode=module.check_mode,
        diff=module._diff,
        warn=module.warn,
        secret_options=secret_options(module.argument_spec),
        no_log_values=module.no_log_values,
    )


def outcome_of(invocation: Invocation, work: Work) -> dict[str, Any]:
    """What `work` returns, or why it failed; it has a `msg` if it failed, and only then."""
    _hide_passwords_in_urls(invocation)
    invocation.progress = _progress_of(invocation)
    try:
        with invocation.progress:
            return dict(harmless(work(invocation)))
    except ImportsError as error:
        return dict(harmless({"msg": secrets_of(invocation).redact(error.message), **answer_result(error.answer)}))
    except Exception as error:
        # Not left to Python: what it prints may hold what was sent, and so a secret.
        trace = secrets_of(invocation).redact(traceback.format_exc())
        return {"msg": f"{type(error).__name__}: this is a defect of assetops.imports.", "exception": trace}
    finally:
        if invocation.progress.error:
            invocation.warn(f"How it goes on could not be shown: {invocation.progress.error}")


def _progress_of(invocation: Invocation) -> Progress:
    """What shows how imports go on; nothing to nobody, and in check mode, when none does."""
    interval = invocation.params.get("progress", 0)
    is_silent = invocation.check_mode or not interval > 0
    return Progress(None if is_silent else invocation.show, interval)


def secret_options(argument_spec: Mapping[str, Any]) -> set[str]:
    """The names of the options whose values are secrets."""
    return {option for option, spec in argument_spec.items() if spec.get("no_log")}


def secrets_of(invocation: Invocation, fields: Collection[str] = ()) -> Secrets:
    """The values of the secret options; `fields` are the vendor's names for parts of its answers."""
    secrets = Secrets(fields)
    for option in sorted(invocation.secret_options):
        if (invocation.params[option] or "").strip():
            secrets.add(invocation.params[option])
    return secrets


def client_of(invocation: Invocation, headers: Mapping[str, str], guide: Guide | None = None) -> Client:
    """A client for the server, once the options are found to be right. `guide`: what to tell about them."""
    params = invocation.params
    for option in params:
        if option in invocation.secret_options and params[option] is not None:
            _check_secret(option, params[option])
    _check_numbers(params)
    _check_record(params)
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
    _check_files(connection)
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
    """What stands for the server in an import's identity: `target_name`, or the base URL in its one spelling."""
    if params["target_name"] is None:
        return base_url(params["url"])
    if not params["target_name"].strip():
        raise BadInput("target_name is empty; leave it out to go by the url.")
    return str(params["target_name"])


@contextmanager
def receipt_store(
    invocation: Invocation, *, is_needed: bool = True, make: bool = True, read_only: bool = False
) -> Iterator[Store]:
    """The receipt store that the module was told to use, closed at the end. Says so where it is a new one.

    Where none is needed, one that cannot be used is a warning. Without `make`, one that is not there is an empty one.
    """
    params = invocation.params
    read_only = read_only or invocation.check_mode
    location, password, required = params["receipts"], params["receipts_password"], params["require_receipts"]
    if password is not None:
        _check_secret("receipts_password", password)
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
                " receipts to a place that lasts, and require_receipts to be told."
            )
        yield store
    finally:
        store.close()


def importer_of(invocation: Invocation, store: Store, secrets: Secrets, system: System) -> Importer:
    """What makes imports true, as the user wants it."""
    return Importer(
        system, store, policy_of(invocation), wait_options_of(invocation), secrets=secrets, progress=invocation.progress
    )


def import_all(
    invocation: Invocation, store: Store, secrets: Secrets, system: System, wanted: list[Wanted]
) -> dict[str, Any]:
    """Make the imports true, and say what happened as the importing modules return it."""
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
    """How long and how often to look; `min_pause` is the shortest pause in seconds that the system bears."""
    params = invocation.params
    return WaitOptions(params["wait_timeout"], params["wait_sleep"], params["unreachable_timeout"], min_pause)


def result_of(invocation: Invocation, store: Store, secrets: Secrets, imports: list[Import]) -> dict[str, Any]:
    """What happened, as the importing modules return it, without secrets in what a server said."""
    result: dict[str, Any] = {
        "changed": any(one.changed for one in imports),
        "state": max((one.state for one in imports), key=STATES.index, default="succeeded"),
        "imports": [_import_result(one, secrets) for one in imports],
        "receipts": {"store": store.location, "created": store.created},
    }
    failed = [one for one in imports if one.has_failed]
    if failed:
        result["msg"] = secrets.redact(_failure(failed, len(imports)))
        result.update(answer_result(next((one.answer for one in failed if one.answer), None)))
    if invocation.diff:
        result["diff"] = [
            _diff(target, secrets, imports) for target in dict.fromkeys(one.wanted.target for one in imports)
        ]
    return result


def _import_result(one: Import, secrets: Secrets) -> dict[str, Any]:
    return {
        "source": one.wanted.source,
        "target": one.wanted.target,
        "content_sha256": one.content_sha256,
        "size": one.wanted.size or None,
        "key": one.wanted.key,
        "remote_id": one.remote_id and secrets.redact(one.remote_id),
        "state": one.state,
        "changed": one.changed,
        "reason": one.reason,
        "label": one.label,
        "period": one.period,
        "window": window_of(one.wanted.options),
        "attempts": one.attempt,
        "message": secrets.redact(one.message),
        "server": secrets.clean(one.server),
        "started_at": one.started_at,
        "finished_at": one.finished_at,
        "duration": one.duration,
    }


def _failure(failed: list[Import], count: int) -> str:
    if count == 1:
        return f"{failed[0].wanted.source}: {failed[0].message}"
    sources: dict[str, list[str]] = {}
    for one in failed:
        sources.setdefault(one.message, []).append(one.wanted.source)
    each = " ".join(f"[{', '.join(names)}] {message}" for message, names in sources.items())
    return f"{len(failed)} of {count} imports did not end well. {each}"


def answer_result(answer: Answer | None) -> dict[str, Any]:
    """What is returned of an answer that made a module fail."""
    if answer is None:
        return {}
    return {"http_status": answer.status, "response": answer.secrets.redact(answer.text)[:SHOWN_RESPONSE]}


def _diff(target: str, secrets: Secrets, imports: list[Import]) -> dict[str, str]:
    """What was known of a target, and what is: a line an import."""
    ours = [one for one in imports if one.wanted.target == target]
    return difference(
        target,
        "".join(f"{one.wanted.source}: {secrets.redact(one.before or 'not imported')}\n" for one in ours),
        "".join(f"{one.wanted.source}: {secrets.redact(one.after or one.state)}\n" for one in ours),
    )


def difference(what: str, before: str, after: str) -> dict[str, str]:
    """What changes of something, in lines, as Ansible shows it in diff mode."""
    return {"before_header": what, "after_header": what, "before": before, "after": after}


def _hide_passwords_in_urls(invocation: Invocation) -> None:
    """A URL with a password is refused, but Ansible shows what was given."""
    url, receipts = invocation.params.get("url") or "", invocation.params.get("receipts") or ""
    invocation.no_log_values.difference_update(
        [value for value in invocation.no_log_values if not value.strip()]
    )  # tears texts up
    invocation.no_log_values.update(info for info in re.findall(r"//(.*)@", url) if ":" in info)
    if is_url(receipts):
        from ansible_collections.assetops.imports.plugins.module_utils._receipts.postgresql import secrets_in

        invocation.no_log_values.update(secrets_in(receipts))


def _check_secret(option: str, value: str) -> None:
    if not value.strip():
        raise BadInput(
            f"{option} is empty, as where it is taken from a variable that is not set. Set it, or leave {option} out."
        )
    if len(value) < SHORTEST_SECRET:
        raise BadInput(f"{option} is shorter than {SHORTEST_SECRET} characters; that cannot be right.")
    is_of_a_person = option.endswith("password")  # a token is made by a machine, a password by anybody
    if not value.isprintable() or (not is_of_a_person and (not value.isascii() or value != value.strip())):
        raise BadInput(
            f"{option} holds a line break, surrounding space or a character that no such secret has. It may have been"
            " read from a file together with a line break."
        )


def _check_numbers(params: Mapping[str, Any]) -> None:
    for option in ("timeout", "response_timeout", "wait_sleep"):
        if option in params and not 0 < params[option] <= LONGEST:
            raise BadInput(f"{option} has to be a number of seconds above 0, a year at most.")
    for option in ("wait_timeout", "unreachable_timeout", "progress"):
        if option in params and not 0 <= params[option] <= LONGEST:
            raise BadInput(f"{option} has to be a number of seconds, 0 or more, a year at most.")


def _check_record(params: Mapping[str, Any]) -> None:
    """Raise `BadInput` for what cannot be meant to be written down."""
    if params.get("label") is not None and not params["label"].strip():
        raise BadInput("label is empty, as where it is taken from a variable that is not set; leave it out.")
    if params.get("adopt") and params["force"]:
        raise BadInput("adopt sends nothing, and force sends what is there already; set one of them.")
    if params.get("adopt") and params["receipts"] == NOWHERE:
        raise BadInput("adopt needs receipts to write down what is there, and receipts is none.")


def _check_files(connection: Connection) -> None:
    """Try the files for TLS where there are any, so that a wrong one is told before anything is made or sent."""
    files = (connection.ca_path, connection.client_cert, connection.client_key)
    if "" in files:
        raise BadInput("One of ca_path, client_cert and client_key is empty; leave it out if it shall not be used.")
    if connection.client_key and not connection.client_cert:
        raise BadInput("client_key is of no use without client_cert.")
    if any(files):
        from ansible_collections.assetops.imports.plugins.module_utils._http.transport import check_files

        check_files(connection)
