# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module for BigFix Inventory and License Metric Tool."""

    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Use C(group/assetops.imports.bigfix) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - assetops.imports.bigfix
options:
  url:
    description:
      - The address of the server, with its port, such as C(https://bigfix.example.com:9081); without C(/api).
      - If not set, the environment variable E(BIGFIX_URL) is used, with O(product=license_metric_tool) E(LMT_URL).
        An empty variable counts as not set. The variables of the other product are never used.
    type: str
  product:
    description:
      - Which of the two products the server is.
    type: str
    choices: [bigfix_inventory, license_metric_tool]
    default: bigfix_inventory
  token:
    description:
      - The API token of a user, as Profile > Show token shows it in the user interface. It is used even if O(username)
        is set.
      - If not set, the environment variable E(BIGFIX_TOKEN) is used, with O(product=license_metric_tool) E(LMT_TOKEN).
    type: str
  username:
    description:
      - The user whose token is fetched with O(password). That is not possible with single sign-on. A user of Active
        Directory is written with the domain, C(user@domain).
      - If not set, the environment variable E(BIGFIX_USERNAME) is used, with O(product=license_metric_tool)
        E(LMT_USERNAME).
    type: str
  password:
    description:
      - The password of O(username). It is tried once.
      - If not set, the environment variable E(BIGFIX_PASSWORD) is used, with O(product=license_metric_tool)
        E(LMT_PASSWORD).
    type: str
  token_transport:
    description:
      - How the token is sent. With V(header), in the header C(Token), which logs of servers and proxies do not keep.
        With V(query), in the URL, which is the only way that the vendor documents for BigFix Inventory. Either way, the
        module never shows it.
      - If not set, it is V(header) for License Metric Tool and V(query) for BigFix Inventory.
    type: str
    choices: [query, header]
"""
