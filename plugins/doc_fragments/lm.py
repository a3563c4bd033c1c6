# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module for Lifecycle Manager."""

    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Use C(group/assetops.imports.lm) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - assetops.imports.lm
options:
  url:
    description:
      - The address of Lifecycle Manager, with its port and the path to it, if any; without C(/lm/custom/rest).
      - If not set, the value of the environment variable E(LM_URL) is used.
    type: str
    required: true
  library:
    description:
      - The name of the library. It may hold spaces and any letters, but no slash.
    type: str
    required: true
  function_name:
    description:
      - The name under which the library's configuration (LPC) declares its function of the class C(ImportUtils).
    type: str
    default: importutils
    aliases: [function]
  username:
    description:
      - A user of Lifecycle Manager, for HTTP Basic authentication. To import, it needs the role ACE.
      - Leave out both this and O(password) for a library whose function is declared without authentication.
      - If not set, the value of the environment variable E(LM_USERNAME) is used.
    type: str
  password:
    description:
      - The password of O(username). It is sent from the first request on, so use an address that begins with
        C(https).
      - If not set, the value of the environment variable E(LM_PASSWORD) is used.
    type: str
"""
