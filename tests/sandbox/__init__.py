# SPDX-License-Identifier: GPL-3.0-or-later
"""A local server that stands for the systems into which the collection imports.

For tests, for the demonstration and for users who want to try a playbook before they point it at a real server. See
`README.md` beside this file. Tests use `tests.sandbox.handle`; `python -m tests.sandbox` starts it alone.
"""
