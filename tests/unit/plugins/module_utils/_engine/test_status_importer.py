# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of an import that the server tells of: what happens between two looks, where HTTP cannot reach.

What other runs do in between is done by alarms of a clock that the test turns, or at a look of the made-up server.
"""

from __future__ import annotations

from typing import Any, Callable

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer, Connection, now_text
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import as Outcome
from ansible_collections.assetops.imports.plugins.module_utils._engine.status_importer import StatusImporter
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import WaitOptions
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.options import (
    Credentials,
    Requirement,
    wanted_import,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.system import DataImports

from ..bigfix_server import Import, Quirk, Server
from ..fakes import TurnedClock

HOST = "https://bigfix.example.com:9081"
PACE = WaitOptions(1200, 30, 300, 10)
WANTED = wanted_import(HOST, Requirement())


class Watched(Server):
    """A server at whose n-th question something happens."""

    at_question: tuple[int, Callable[[], None]] | None = None

    def exchange(self, method: str, url: str, headers: Any, body: Any = None, **more: Any) -> Answer:
        if self.at_question is not None and len(self.asked) + 1 == self.at_question[0]:
            happens, self.at_question = self.at_question[1], None
            happens()
        return super().exchange(method, url, headers, body, **more)


def importer_of(server: Server, clock: TurnedClock, store: Store, **policy: Any) -> StatusImporter:
    client = Client(Connection(HOST), {}, Secrets(), pause=clock.sleep)
    client._opened = server  # type: ignore[assignment]  # in place of the wire
    system = DataImports(client, "bigfix_inventory", Credentials("c" * 40), lambda _token: None, PACE, clock.clock)
    return StatusImporter(system, store, Policy(**policy), PACE, clock.clock)


def run_import(
    server: Server, clock: TurnedClock, store: Store, requirement: Requirement | None = None, **policy: Any
) -> Outcome:
    (one,) = importer_of(server, clock, store, **policy).run([wanted_import(HOST, requirement or Requirement())])
    return one


def claim(store: Store) -> int:
    attempt = store.claim(WANTED, store.find([WANTED.key]).get(WANTED.key), now_text())
    assert attempt is not None
    return attempt


def test_while_another_run_is_about_to_start_one_nothing_else_is_started(store: Store, other: Store) -> None:
    server = Server(clock := TurnedClock(), [Import("complete", 15, 40)])
    attempt = claim(other)
    clock.after(100, lambda: other.withdraw(WANTED.key, attempt))

    one = run_import(server, clock, store)

    assert (one.state, one.reason, one.changed) == ("succeeded", "joined", False)
    assert server.starts == []


def test_a_run_that_finds_another_one_about_to_start_fails_if_it_is_to(store: Store, other: Store) -> None:
    claim(other)
    server = Server(clock := TurnedClock(), [])

    one = run_import(server, clock, store, if_running="fail")

    assert (one.state, one.changed, one.has_failed) == ("failed", False, True)
    assert "Another run is about to start one" in one.message
    assert server.starts == []


def test_once_the_other_run_gives_up_this_one_starts_its_own(store: Store, other: Store) -> None:
    server = Server(clock := TurnedClock(), [])
    attempt = claim(other)
    clock.after(25, lambda: other.withdraw(WANTED.key, attempt))

    one = run_import(server, clock, store)

    assert (one.state, one.reason, one.changed) == ("succeeded", "new", True)
    assert server.starts == ["complete"]


@pytest.mark.parametrize(
    ("happens", "policy", "expected"),
    [
        (Import("complete", 0, 50), {}, ("succeeded", "joined", False)),
        (Import("complete", 0, 50), {"wait": False}, ("running", "joined", False)),
        (Import("complete", 0, 50), {"if_running": "fail"}, ("failed", "new", False)),
        (Import("complete", -20, 0), {"wait": False}, ("succeeded", "fresh", False)),
    ],
)
def test_what_the_second_look_finds_is_decided_by_it_and_the_claim_taken_back(
    store: Store, happens: Import, policy: dict[str, Any], expected: tuple[str, str, bool]
) -> None:
    server = Watched(clock := TurnedClock(), [])
    server.at_question = (2, lambda: server.imports.append(happens))

    one = run_import(server, clock, store, Requirement(max_age=10) if happens.ends == 0 else None, **policy)

    assert (one.state, one.reason, one.changed) == expected
    assert server.starts == []
    assert store.find([WANTED.key]) == {}


def test_a_second_look_that_fails_takes_the_claim_back_and_is_repeated(store: Store, other: Store) -> None:
    server = Server(clock := TurnedClock(), [], quirks=[Quirk(), Quirk(trouble="500")])
    seen: list[Any] = []
    clock.after(5, lambda: seen.append(other.find([WANTED.key])))

    one = run_import(server, clock, store)

    assert seen == [{}]
    assert (one.state, one.changed) == ("succeeded", True)
    assert server.starts == ["complete"]


@pytest.mark.parametrize(("wait", "trouble"), [(True, "refused"), (True, "500"), (False, "500")])
def test_an_outage_is_waited_out_while_an_import_may_be_running(store: Store, wait: bool, trouble: str) -> None:
    server = Server(clock := TurnedClock(), [], quirks=[Quirk(), Quirk()], ours=(500, "successful"))
    assert run_import(server, clock, store, wait=False).state == "submitted"
    server.quirks.extend([Quirk(trouble=trouble)] * 20)

    one = run_import(server, clock, store, wait=wait)

    assert (one.state, one.changed) == ("succeeded" if wait else "running", False)
    assert one.reason == "joined"
    assert server.starts == ["complete"]


def test_without_an_import_that_may_run_a_receipt_makes_no_outage_longer(store: Store) -> None:
    server = Server(clock := TurnedClock(), [])
    assert run_import(server, clock, store).state == "succeeded"
    begin = server.now
    server.quirks.extend([Quirk(trouble="refused")] * 99)

    one = run_import(server, clock, store)

    assert (one.state, one.changed) == ("failed", False)
    assert "Nothing was started." in one.message
    assert server.now - begin < 5


@pytest.mark.parametrize("ahead", [7200, 366 * 86400])
def test_a_receipt_is_closed_though_the_times_before_it_were_ahead(store: Store, ahead: int) -> None:
    past = [Import("complete", -50, -10)]
    server = Server(clock := TurnedClock(), past, ours=(50, "successful"), tells_ahead=lambda at: ahead * (at < 0))
    assert run_import(server, clock, store, wait=False).state == "submitted"
    clock.sleep(100)

    one = run_import(server, clock, store, Requirement(max_age=1e6))

    assert (one.reason, one.changed) == ("fresh", False)
    assert [receipt.state for receipt in store.find([WANTED.key]).values()] == ["succeeded"]


@pytest.mark.parametrize("ahead", [7200, 366 * 86400])
def test_a_success_ahead_of_the_clock_is_reported_in_a_warning(store: Store, ahead: int) -> None:
    server = Server(clock := TurnedClock(), [Import("complete", -50, -10)], tells_ahead=lambda _moment: ahead)
    importer = importer_of(server, clock, store, check_mode=True)

    (one,) = importer.run([wanted_import(HOST, Requirement(max_age=60))])

    assert one.state == "planned"
    assert importer.warnings == [one.message]
    assert f"{ahead - 10} s ahead of the server's clock" in one.message


@pytest.mark.parametrize("status", ["successful", "failed"])
def test_the_receipt_of_a_run_that_was_out_of_time_is_closed_by_the_next_one(store: Store, status: str) -> None:
    server = Server(clock := TurnedClock(), [], ours=(50, status))
    assert run_import(server, clock, store, wait=False).state == "submitted"
    clock.sleep(100)

    one = run_import(server, clock, store, Requirement(max_age=1e6), if_running="fail", check_mode=False)

    states = [(attempt.attempt, attempt.state) for attempt in store.find([WANTED.key]).values()]
    if status == "successful":
        assert (one.reason, one.changed) == ("fresh", False)
        assert states == [(1, "succeeded")]
    else:
        assert one.changed
        assert states[-1][0] == 2
