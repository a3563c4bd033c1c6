# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module as `tests.running` does, in a process to which the permissions of files apply, even for root."""

from __future__ import annotations

import ctypes
import os
import sys

from .. import running

_VERSION_3 = 0x20080522  # of Linux's capability interface: 64 bits in two halves


def give_up_privileges() -> None:
    """Put down what lets root read and write everything; as the owner of a file it keeps what the file's mode says."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    if libc.capset(ctypes.byref(header), ctypes.byref(none)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    if sys.platform == "linux":
        give_up_privileges()
    running.main()
