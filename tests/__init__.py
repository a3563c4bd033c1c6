# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests, and the sandbox they run against."""
