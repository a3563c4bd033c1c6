# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module for License Statistics."""

    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Use C(group/assetops.imports.licstat) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - assetops.imports.licstat
options:
  url:
    description:
      - The address of License Statistics, with its port and the path to it, if any; without C(/api).
      - If not set, the value of the environment variable E(LICSTAT_URL) is used.
    type: str
    required: true
  api_token:
    description:
      - An API token with the API scope, of a user who is an administrator.
      - If not set, the value of the environment variable E(LICSTAT_API_TOKEN) is used.
    type: str
    required: true
  api_version:
    description:
      - The version of the API. V(v3) is there from License Statistics 6.14 on, V(v2) from 6.11 on.
    type: str
    choices: [v3, v2]
    default: v3
"""
