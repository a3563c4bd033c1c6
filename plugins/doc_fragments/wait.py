# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that waits for an import."""

    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Whether to wait until the import is over. If not, the module succeeds as soon as the server has accepted it,
        with the state V(submitted). A later run finds out how it ended.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait. After that the module fails with the state V(running). The server goes on, and the
        next run waits for the same import again.
    type: float
    default: 3600
  wait_sleep:
    description:
      - The longest pause in seconds between two polls. A pause is a tenth of the time waited so far, so only a long
        wait reaches this.
    type: float
    default: 10
  unreachable_timeout:
    description:
      - For how many seconds without a success polls may fail, because the server is away or has an error, or because
        its answer cannot be used. After that the module fails. The next run resumes the import.
    type: float
    default: 300
  progress:
    description:
      - The longest time in seconds from one line of live progress to the next; V(0) shows none.
      - A line shows the target, what is imported, its id on the server, what the server says or how much is sent, and
        the time that has passed. The first one comes when the import was submitted, or after five seconds. The next
        ones come after a fifth of the time that has passed, and one at the end. For several imports one line shows how
        many are where.
      - It is shown while the task runs, on standard error, and as an event in ansible-runner and AWX. So their idle
        timeout does not end a long wait; set a value below that timeout.
      - Nothing is shown for what was imported before, in check mode, with C(no_log), and where the task does not run in
        Ansible's own process, for example on another host.
      - If not set, the value of the environment variable E(ASSETOPS_PROGRESS) is used.
    type: float
    default: 60
  response_timeout:
    description:
      - After how many seconds without an answer to give up, counted from when the last block was sent. Then it is not
        known whether it was imported, so be generous.
    type: float
    default: 1800
"""
