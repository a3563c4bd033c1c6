# SPDX-License-Identifier: GPL-3.0-or-later
"""X-Formation License Statistics."""
