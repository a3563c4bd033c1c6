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
        with the state V(submitted); a later run looks how it went.
    type: bool
    default: true
  wait_timeout:
    description:
      - For how many seconds to wait. Then the module fails with the state V(running); the server goes on, and the next
        run waits for the same import again.
    type: float
    default: 3600
  wait_sleep:
    description:
      - The longest pause in seconds between two looks. The pause is a tenth of the time waited so far, so it is reached
        late only.
    type: float
    default: 10
  unreachable_timeout:
    description:
      - For how many seconds in a row looking may fail, because the server is away, in trouble or answers nonsense,
        before that is an error. The next run resumes.
    type: float
    default: 300
  progress:
    description:
      - How many seconds at most pass from one line of live progress to the next; V(0) shows none.
      - A line tells target, what is imported, its id there, what the server says or how much of it is sent, and how
        long that has taken. The first comes when the import was submitted, or after five seconds, then one after a
        fifth of the time that has passed, and one at the end. Of several imports one line tells how many are where.
      - It is shown while the task runs, on standard error, and as an event in ansible-runner and AWX. Their idle
        timeout then does not end a long wait; give less than that timeout here.
      - Nothing is shown of what was imported already, in check mode, with C(no_log), and where the task does not run in
        Ansible's own process, as on another host.
      - If not set, the value of the environment variable E(ASSETOPS_PROGRESS) is used.
    type: float
    default: 60
  response_timeout:
    description:
      - After how many seconds to give up on the answer to what was sent, counted from the last block on. Whether it was
        imported is not known then, so be generous.
    type: float
    default: 1800
"""
