# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is alive: no clock that is set and no process that is hidden makes a run take over from one that is at work."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.importer import Importer
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import WaitOptions
from ansible_collections.assetops.imports.plugins.module_utils._receipts import lease, processes
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import is_url
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from .....stores import KINDS, ask, new_store
from ..fakes import ScriptedSystem, TurnedClock
from ..other_run import OtherRun, eventually
from .attempts import IN_A_FILE, IN_POSTGRESQL, A, owner_of, receipt_of

PACE = WaitOptions(timeout=3600, max_pause=10, unreachable_timeout=300)
STEPS = [sign * seconds for seconds in (60, 3600, 86400) for sign in (1, -1)]
PHASES = ("claimed", "sent", "submitted")

Step = Callable[[float], None]


@pytest.fixture(params=KINDS)
def location(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A new store; one in PostgreSQL goes by a server's clock that `step` can set."""
    location = new_store(request.param, tmp_path, request)
    if not is_url(location):
        return location
    schema = location.rpartition("%3D")[2]
    ask(location, "CREATE TABLE step (seconds float8)")
    ask(location, "INSERT INTO step VALUES (0)")
    ask(
        location,
        "CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.clock_timestamp()"
        " + (SELECT seconds FROM step) * interval ''1 second'''",
    )
    return location.replace(schema, quote(f"{schema},pg_catalog"))


@pytest.fixture
def owner(location: str, store: Store) -> Iterator[OtherRun]:
    """Another run, in a process of its own, that renews its lease often."""
    with OtherRun(location, RENEWAL=0.3) as owner:
        yield owner


@pytest.fixture
def step(location: str, owner: OtherRun, monkeypatch: pytest.MonkeyPatch) -> Step:
    """Sets the clock of the host, or that of the server."""
    time_of_day = time.time

    def set_clock(seconds: float) -> None:
        if is_url(location):
            ask(location, "UPDATE step SET seconds = ?", seconds)
        owner.step_clock(seconds)
        monkeypatch.setattr(time, "time", lambda: time_of_day() + seconds)

    return set_clock


@pytest.fixture
def hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This run sees its own process only, as where /proc is mounted with hidepid=2."""
    proc = tmp_path / "proc"
    (proc / "self").mkdir(parents=True)
    (proc / "sys").symlink_to("/proc/sys")
    (proc / "self/ns").symlink_to("/proc/self/ns")
    (proc / str(os.getpid())).symlink_to(f"/proc/{os.getpid()}")
    monkeypatch.setattr(processes, "PROC", proc)


def bring(owner: OtherRun, phase: str) -> None:
    """Have a run bring its import as far as that."""
    assert owner.claim("a") == 1
    if phase != "claimed":
        assert owner.mark_sent("a", 1)
    if phase == "submitted":
        owner.record("a", 1, "submitted", "task 7")


def finish(owner: OtherRun, phase: str) -> None:
    """Have it bring the import to its end from there: nobody has taken it over."""
    if phase == "claimed":
        assert owner.mark_sent("a", 1)
    owner.record("a", 1, "succeeded", "task 7")
    owner.close()


def an_impatient_run(store: Store, system: ScriptedSystem, on_unknown: str = "retry") -> Import:
    policy = Policy(wait=False, on_unknown=on_unknown)
    (one,) = Importer(system, store, policy, PACE, TurnedClock().clock).run([A])
    return one


@pytest.fixture(params=["seen", "hidden", "elsewhere"])
def sight(request: pytest.FixtureRequest) -> str:
    """What this run sees of the owner's process, which may be of another host or container."""
    if request.param == "hidden":
        request.getfixturevalue("hidden")
    return str(request.param)


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
def test_no_step_ends_a_claim(location: str, store: Store, owner: OtherRun, step: Step, phase: str, sight: str) -> None:
    bring(owner, phase)
    if sight == "elsewhere":
        ask(location, "UPDATE runs SET host = 'elsewhere'")
    system = ScriptedSystem()
    for seconds in (0, *STEPS):
        step(seconds)
        for on_unknown in ("retry", "fail"):
            one = an_impatient_run(store, system, on_unknown)
            assert (one.state, one.changed, one.reason) == ("running", False, "joined"), seconds
    finish(owner, phase)
    one = an_impatient_run(store, system)
    assert (one.state, one.changed, one.remote_id, one.attempt) == ("succeeded", False, "task 7", 1)
    assert (system.tried, system.looked_at) == ([], [])


@pytest.mark.usefixtures("hidden")
def test_a_hidden_process_that_was_killed_is_known_to_be_dead_at_once(store: Store, owner: OtherRun) -> None:
    bring(owner, "claimed")
    assert owner_of(store).is_alive
    owner.kill()
    assert not owner_of(store).is_alive
    assert an_impatient_run(store, ScriptedSystem()).changed


@pytest.mark.parametrize("seconds", STEPS)
def test_a_dead_owner_is_known_at_once_by_any_clock(store: Store, owner: OtherRun, step: Step, seconds: float) -> None:
    bring(owner, "claimed")
    step(seconds)
    assert owner_of(store).is_alive
    owner.kill()
    begin = time.monotonic()
    assert not owner_of(store).is_alive
    assert time.monotonic() - begin < lease.RENEWAL


@pytest.mark.usefixtures("hidden", "short_watch")
def test_a_hidden_process_with_the_id_of_a_dead_owner_counts_until_the_lease_ends(location: str, store: Store) -> None:
    with OtherRun(location, LEASE=0.5, RENEWAL=0.1) as owner:
        bring(owner, "claimed")
        owner.kill()
        ask(location, "UPDATE runs SET pid = ?", os.getppid())
        eventually(lambda: not owner_of(store).is_alive)


@IN_A_FILE
def test_without_a_known_boot_a_lease_goes_by_the_time_of_day(location: str, store: Store, owner: OtherRun) -> None:
    """It is read the same by those that can tell theirs: what /proc shows may differ from container to container."""
    bring(owner, "claimed")
    for seconds, is_alive in ((20, True), (-1, False), (1000, False)):
        ask(location, "UPDATE runs SET place = '', lease_ends = ?", time.time() + seconds)
        assert owner_of(store).is_alive == is_alive


# A lease in PostgreSQL that looks over is watched.


@IN_POSTGRESQL
@pytest.mark.usefixtures("short_watch")
@pytest.mark.parametrize("seconds", STEPS)
def test_an_owner_on_another_host_that_renews_nothing_is_dead_whatever_the_clock_says(
    location: str, store: Store, owner: OtherRun, step: Step, seconds: float
) -> None:
    bring(owner, "claimed")
    ask(location, "UPDATE runs SET host = 'elsewhere'")
    step(seconds)
    owner.kill()
    assert not owner_of(store).is_alive
    assert an_impatient_run(store, ScriptedSystem()).changed


@IN_POSTGRESQL
def test_a_dead_owner_is_watched_once_for_as_long_as_a_renewal_may_take(
    location: str, store: Store, owner: OtherRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(owner, "claimed")
    owner.kill()
    ask(location, "UPDATE runs SET host = 'elsewhere', lease_ends = 1")
    turned = TurnedClock()
    monkeypatch.setattr(time, "monotonic", lambda: turned.moment)
    monkeypatch.setattr(time, "sleep", turned.sleep)
    for _look in range(3):
        assert not owner_of(store).is_alive
        assert turned.moment == 1000 + lease.RENEWAL + lease.RENEWAL_TIMEOUT == 1015


@IN_POSTGRESQL
def test_a_run_that_ends_while_it_is_watched_is_nobodys_owner_any_more(
    location: str, store: Store, owner: OtherRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(owner, "sent")
    owner.stop()
    ask(location, "UPDATE runs SET host = 'elsewhere', lease_ends = 1")

    def end_meanwhile(_seconds: float) -> None:
        ask(location, "DELETE FROM runs")
        ask(location, "UPDATE attempts SET state = 'succeeded'")

    monkeypatch.setattr(time, "sleep", end_meanwhile)
    receipt = receipt_of(store)
    assert (receipt.state, receipt.owner) == ("succeeded", None)


@IN_POSTGRESQL
def test_no_ended_one_is_watched(location: str, store: Store, owner: OtherRun, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(owner, "sent")
    owner.record("a", 1, "succeeded")
    ask(location, "UPDATE runs SET host = 'elsewhere', lease_ends = 1")
    monkeypatch.setattr(time, "sleep", lambda _seconds: pytest.fail("there was nothing to watch"))
    assert receipt_of(store).state == "succeeded"


# Two users who share a store, where /proc hides the processes of one from the other.

HIDE = "mount -t proc -o hidepid=2 proc /proc && exec {} {} {}"


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="it takes root, and Linux's namespaces")
def test_a_run_of_another_user_is_not_dead_for_being_hidden(tmp_path: Path) -> None:
    here = Path("/dev/shm") / f"hidden-{os.getpid()}"
    here.mkdir()
    try:
        names = (sys.executable, Path(__file__).with_name("hidden_run.py"), here)
        command = HIDE.format(*(shlex.quote(str(name)) for name in names))
        done = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "sh", "-c", command],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    finally:
        shutil.rmtree(here)
    assert done.stdout.split() == ["hidden", "alive", "dead"], done.stderr
