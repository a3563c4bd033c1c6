# SPDX-License-Identifier: GPL-3.0-or-later
"""HCL BigFix Inventory and IBM License Metric Tool: see `README.md` beside this file."""
