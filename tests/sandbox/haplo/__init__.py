# SPDX-License-Identifier: GPL-3.0-or-later
"""Haplo's batch import."""
