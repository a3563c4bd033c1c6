# SPDX-License-Identifier: GPL-3.0-or-later
"""What each receipt calls for, by what the user wants."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import now_text
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Decision, Policy, decide
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Owner, Receipt

from .runs import FORCE, A, receipt_of

TABLE = """
state       owner    plain        retry         force         superseded   superseded+retry  superseded+force
nothing     -        send:new     send:new      send:new      send:new     send:new          send:new
claimed     alive    wait:joined  wait:joined   wait:joined   wait:joined  wait:joined       wait:joined
claimed     dead     send:retried send:retried  send:retried  send:retried send:retried      send:retried
claimed     none     send:retried send:retried  send:retried  send:retried send:retried      send:retried
sent        alive    wait:joined  wait:joined   wait:joined   wait:joined  wait:joined       wait:joined
sent        dead     unknown      send:retried  send:forced   unknown      send:retried      send:forced
sent        none     unknown      send:retried  send:forced   unknown      send:retried      send:forced
submitted   alive    wait:joined  wait:joined   wait:joined   wait:joined  wait:joined       wait:joined
submitted   dead     resume       resume        resume        resume       resume            resume
submitted   none     resume       resume        resume        resume       resume            resume
unknown     alive    unknown      send:retried  send:forced   unknown      send:retried      send:forced
unknown     dead     unknown      send:retried  send:forced   unknown      send:retried      send:forced
unknown     none     unknown      send:retried  send:forced   unknown      send:retried      send:forced
unknown+id  alive    resume       send:retried  send:forced   resume       send:retried      send:forced
unknown+id  none     resume       send:retried  send:forced   resume       send:retried      send:forced
incomplete+id alive  resume       resume        send:forced   send:new     send:new          send:forced
incomplete+id none   resume       resume        send:forced   send:new     send:new          send:forced
succeeded   alive    unchanged    unchanged     send:forced   send:new     send:new          send:forced
succeeded   dead     unchanged    unchanged     send:forced   send:new     send:new          send:forced
succeeded   none     unchanged    unchanged     send:forced   send:new     send:new          send:forced
scheduled   none     unchanged    unchanged     send:forced   send:new     send:new          send:forced
failed      alive    send:retried send:retried  send:forced   send:retried send:retried      send:forced
failed      none     send:retried send:retried  send:forced   send:retried send:retried      send:forced
"""
DECISIONS = {
    "send": Decision.SEND,
    "wait": Decision.WAIT_FOR_OWNER,
    "resume": Decision.RESUME,
    "unknown": Decision.UNKNOWN,
    "unchanged": Decision.UNCHANGED,
}
REASONS = {"resume": "resumed", "unknown": "receipt", "unchanged": "receipt"}


def cases() -> Iterator[Any]:
    head, *lines = TABLE.strip().splitlines()
    for line in lines:
        state, owner, *cells = line.split()
        for column, cell in zip(head.split()[2:], cells):
            yield pytest.param(state, owner, column, cell, id=f"{state}, owner {owner}, {column}")


def a_receipt(**changes: Any) -> Receipt:
    """What is known of an import that somebody tried, but for what is given."""
    with closing(open_store("none")) as store:
        store.claim(A, None, now_text())
        return replace(receipt_of(store), **changes)


@pytest.mark.parametrize(("state", "owner", "column", "cell"), list(cases()))
def test_what_a_receipt_calls_for(state: str, owner: str, column: str, cell: str) -> None:
    receipt = None
    if state != "nothing":
        receipt = a_receipt(
            state=state.replace("+id", ""),
            remote_id="task" if state == "submitted" or state.endswith("+id") else None,
            owner=None if owner == "none" else Owner("run", "host", 1, owner == "alive"),
        )
    superseded = "superseded" in column
    for once in ("latest",) if superseded else ("latest", "ever"):
        policy = Policy(force="force" in column, once=once, on_unknown="retry" if "retry" in column else "fail")
        decision, reason = decide(receipt, policy, is_newest=not superseded)
        word, _colon, expected = cell.partition(":")
        assert (decision, reason) == (DECISIONS[word], expected or REASONS[word])


@pytest.mark.parametrize(
    ("remote_id", "policy", "is_newest", "decision"),
    [
        ("batch", Policy(), True, Decision.RESUME),
        ("batch", FORCE, True, Decision.SEND),
        ("batch", Policy(once="latest"), False, Decision.SEND),
        (None, Policy(), True, Decision.UNCHANGED),
    ],
    ids=["plain", "force", "superseded", "adopted"],
)
def test_what_is_scheduled_is_looked_at_where_the_system_can_tell_more(
    remote_id: str | None, policy: Policy, is_newest: bool, decision: Decision
) -> None:
    receipt = a_receipt(state="scheduled", remote_id=remote_id)
    assert decide(receipt, policy, is_newest=is_newest, polled_again=("scheduled",))[0] is decision


def test_what_was_imported_once_for_ever_is_not_imported_again_though_it_was_superseded() -> None:
    assert decide(a_receipt(state="succeeded"), Policy(once="ever"), is_newest=False)[0] is Decision.UNCHANGED
