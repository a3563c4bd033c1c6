# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets the signals."""

from __future__ import annotations

import signal

from ansible_collections.assetops.imports.plugins.module_utils._common.threads import SIGNALS, start_thread


def blocked() -> set[int]:
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, ()))


def test_signals_are_for_the_thread_that_started_another_one() -> None:
    before = blocked()
    found: list[set[int]] = []
    thread = start_thread(lambda name: found.append(blocked()), "an argument", name="beside")
    thread.join()
    assert found == [before | set(SIGNALS)]
    assert blocked() == before
    assert (thread.name, thread.daemon) == ("beside", True)
