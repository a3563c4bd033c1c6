# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx makes the documentation site: see tests/tools/docs.py, which gives it the pages."""

project = "assetops.imports"
copyright = "assetops.imports maintainers"  # noqa: A001
title = html_short_title = "assetops.imports"

extensions = ["sphinx_antsibull_ext"]
html_theme = "sphinx_ansible_theme"
pygments_style = "ansible"
highlight_language = "yaml"

html_copy_source = False
html_show_sphinx = False
html_use_index = False
html_use_smartypants = False  # quotes stay what they are in commands
nitpicky = True
# Labels of Ansible's own documentation, which the pages of modules refer to: nothing is fetched to look them up.
nitpick_ignore_regex = [
    ("std:ref", "(action|callback)_plugins|ansible_configuration_settings|common_return_values"),
    ("std:ref", r"ansible_collections\.ansible\.builtin\..*"),
]
