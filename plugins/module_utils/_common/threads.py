# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Threads beside the main one.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import signal
import threading
from typing import Any, Callable

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def start_thread(work: Callable[..., None], *arguments: Any, name: str | None = None) -> threading.Thread:
    """Start a thread that ends with the process and takes no signals.

    Signals are for the main thread: Python handles them only there, and a read that waits there for an answer ends
    early only if the signal came to that thread.
    """
    thread = threading.Thread(target=work, args=arguments, name=name, daemon=True)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # a new thread inherits the mask
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return thread
