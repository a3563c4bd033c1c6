# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a module: its result, or an error that a person can act on."""

from __future__ import annotations

import json
import threading
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, Refused
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_work

from .modules import ANSWER, TOKEN, ending_of, host


def test_what_the_work_returns_is_what_ansible_is_reported() -> None:
    told = json.loads(ending_of(lambda _host: {"changed": True, "state": "succeeded"}))
    assert (told["changed"], told["state"], told.get("failed")) == (True, "succeeded", None)


def test_a_result_with_a_message_is_a_failure_with_all_its_parts() -> None:
    told = json.loads(ending_of(lambda _host: {"changed": True, "state": "failed", "msg": "a: No."}))
    assert (told["failed"], told["changed"], told["state"], told["msg"]) == (True, True, "failed", "a: No.")


def test_an_error_is_a_failure_in_its_words() -> None:
    def work(_host: Invocation) -> dict[str, Any]:
        raise Refused("Too large.", ANSWER)

    told = json.loads(ending_of(work))
    assert (told["failed"], told["msg"], told["http_status"]) == (True, "Too large.", 413)
    assert told["response"] == "x" * 2000
    assert "exception" not in told


def test_a_defect_of_ours_is_called_one_and_keeps_the_secrets() -> None:
    def work(_host: Invocation) -> dict[str, Any]:
        raise KeyError(f"the request had {TOKEN} in it")

    told = ending_of(work)
    assert TOKEN not in told
    assert json.loads(told)["failed"]
    assert "KeyError: this is a defect" in json.loads(told)["msg"]


def test_lines_that_cannot_be_shown_are_reported_in_a_warning_and_harm_nothing() -> None:
    warnings: list[str] = []
    tried = threading.Event()

    def show(_line: str) -> None:
        tried.set()
        raise BrokenPipeError(32, "Broken pipe")

    def work(_host: Invocation) -> dict[str, Any]:
        assert tried.wait(20)
        return {"state": "succeeded"}

    made = host(progress=0.001)
    made.show, made.warn = show, warnings.append
    assert run_work(made, work) == {"state": "succeeded"}
    assert warnings == ["How it goes on could not be shown: BrokenPipeError: [Errno 32] Broken pipe"]


def test_an_error_without_an_answer_is_a_failure_without() -> None:
    def work(_host: Invocation) -> dict[str, Any]:
        raise BadInput("No.")

    told = json.loads(ending_of(work))
    assert told["msg"] == "No."
    assert "http_status" not in told
