# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runs are alive, by their processes and by their leases."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._receipts import lease, processes
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import is_url, open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from .....stores import ask
from ..other_run import OtherRun, abandon, eventually
from .attempts import NO_DIGEST, A, claimed, owner_of, receipt_of


def test_a_killed_owner_is_known_before_its_parent_has_buried_it(location: str, store: Store, other: Store) -> None:
    claimed(other)
    with subprocess.Popen(["sleep", "60"]) as process:
        its_row = {"pid": process.pid, "pid_started": processes._start_of(process.pid)}
        assert owner_is_alive(store, location, **its_row)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not owner_is_alive(store, location)


def renew_no_more(store: Store) -> None:
    assert store._lease is not None
    store._lease.end()


def owner_is_alive(store: Store, location: str, **row: Any) -> bool:
    """Whether the owner of a claim is taken for alive whose run has these values."""
    for name, value in row.items():
        ask(location, f"UPDATE runs SET {name} = ?", value)  # noqa: S608 (names of our own)
    return owner_of(store).is_alive


@pytest.mark.usefixtures("short_watch")
def test_an_owner_on_another_host_is_alive_as_long_as_its_lease(location: str, store: Store, other: Store) -> None:
    claimed(other)
    elsewhere = {"host": "elsewhere", "place": "", "pid": 2**22 + 1, "pid_started": "1"}
    assert owner_is_alive(store, location, **elsewhere)
    renew_no_more(other)
    assert not owner_is_alive(store, location, **elsewhere, lease_ends=time.time() - 0.01)


@pytest.mark.parametrize("elsewhere", [{"host": "elsewhere"}, {"place": ""}], ids=["host", "no place known"])
def test_no_process_id_counts_elsewhere(location: str, store: Store, other: Store, elsewhere: dict[str, str]) -> None:
    claimed(other)
    assert owner_is_alive(store, location, **elsewhere, pid=2**22 + 1)


def test_no_process_of_another_boot_of_this_host_is_alive(location: str, store: Store, other: Store) -> None:
    claimed(other)
    assert owner_is_alive(store, location, place="another boot") == is_url(location)


def test_a_process_that_got_the_id_of_a_dead_owner_is_not_it(location: str, store: Store, other: Store) -> None:
    claimed(other)
    assert owner_is_alive(store, location)
    assert not owner_is_alive(store, location, pid_started="1")


@pytest.mark.usefixtures("short_watch")
def test_where_processes_cannot_be_told_apart_the_lease_decides(
    location: str, store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hidden(path: Path, **_how: Any) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", hidden)
    claimed(other)
    assert owner_is_alive(store, location)
    renew_no_more(other)
    assert not owner_is_alive(store, location, lease_ends=time.time() - 0.01)


WRONG = pytest.mark.parametrize("seconds", [-0.01, -1e9, 3600, 1e9])


@WRONG
@pytest.mark.usefixtures("short_watch")
def test_a_lease_that_is_over_or_too_long_is_none(location: str, store: Store, other: Store, seconds: float) -> None:
    claimed(other)
    renew_no_more(other)
    now = time.time() if is_url(location) else time.monotonic()
    assert not owner_is_alive(store, location, host="elsewhere", lease_ends=now + seconds)


@WRONG
def test_a_process_that_is_seen_outweighs_its_lease(location: str, store: Store, other: Store, seconds: float) -> None:
    claimed(other)
    now = time.time() if is_url(location) else time.monotonic()
    assert owner_is_alive(store, location, lease_ends=now + seconds)


@pytest.mark.slow
def test_a_lease_is_renewed_as_long_as_its_run_lives(location: str, store: Store) -> None:
    with OtherRun(location, LEASE=1.5, RENEWAL=0.02) as other:
        other.claim("a")
        first = ask(location, "SELECT lease_ends FROM runs")[0][0]
        eventually(lambda: ask(location, "SELECT lease_ends FROM runs")[0][0] > first + 2)
        assert owner_of(store).is_alive


def test_a_failed_renewal_ends_no_renewing(location: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[float] = []
    database = store._database
    another = database.second_connection

    def busy_at_first(timeout: float) -> Any:
        if len(failures) < 3:
            failures.append(timeout)
            raise database.errors[0]("database is locked")
        return another(timeout)

    monkeypatch.setattr(lease, "RENEWAL", 0.01)
    monkeypatch.setattr(database, "second_connection", busy_at_first)
    claimed(store)
    ask(location, "UPDATE runs SET lease_ends = 1")
    eventually(lambda: ask(location, "SELECT lease_ends FROM runs")[0][0] > 1)
    assert failures == [lease.RENEWAL_TIMEOUT] * 3


@pytest.mark.usefixtures("short_watch")
def test_a_stopped_owner_that_is_not_seen_is_taken_over_and_may_not_commit(location: str, store: Store) -> None:
    with OtherRun(location, LEASE=0.3, RENEWAL=3600) as other:
        lost = other.claim("a")
        assert lost is not None
        other.stop()
        ask(location, "UPDATE runs SET host = 'elsewhere'")
        eventually(lambda: not owner_of(store).is_alive)
        taken = claimed(store)
        other.go_on()
        assert not other.mark_sent("a", lost)
        assert store.mark_sent(A.key, taken, NO_DIGEST)
        other.record("a", lost, "failed")
        assert (receipt_of(store).attempt, receipt_of(store).state) == (taken, "sent")


def test_a_stopped_owner_that_had_sent_everything_tells_the_outcome_when_it_wakes(location: str, store: Store) -> None:
    with OtherRun(location) as other:
        attempt = other.claim("a")
        assert attempt is not None
        assert other.mark_sent("a", attempt)
        other.stop()
        ask(location, "UPDATE runs SET lease_ends = 0")
        store.note_unknown(receipt_of(store))
        assert receipt_of(store).state == "unknown"
        other.go_on()
        other.record("a", attempt, "succeeded", "task 1")
        assert (receipt_of(store).state, receipt_of(store).remote_id) == ("succeeded", "task 1")


def test_a_dead_run_in_this_process_is_reported_from_one_that_is_alive(location: str, store: Store) -> None:
    dead = open_store(location)
    claimed(dead)
    abandon(dead)
    assert not owner_of(store).is_alive
