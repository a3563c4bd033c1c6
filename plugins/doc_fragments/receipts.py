# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that keeps receipts of what it imported: these, and those of `place`."""

    # Of all modules that use a receipt store.
    PLACE = r"""
options:
  receipts:
    description:
      - Where it is written down what was imported. The path of an SQLite file, absolute or from C(~) on, on a local
        disk of the host where the module runs; the URL of a PostgreSQL database, such as
        V(postgresql://imports@db.example.com/receipts?sslmode=verify-full), which any number of hosts can share; or
        V(none).
      - With V(none), every run imports, and no run is resumed.
      - A URL is one as PostgreSQL's own programs take it, with all their parameters and the environment variables that
        go with them (C(PGSERVICE), C(PGSSLMODE), ...), read on the host where the module runs. It must not hold a
        password. It takes the Python package psycopg, version 3.1 or newer, on that host.
      - The tables are made in the first schema of the search path, which C(options=-csearch_path%3Dname) sets. The role
        needs a schema in which it may make tables; C(CREATE SCHEMA AUTHORIZATION role) makes one. The database needs
        the encoding UTF8.
      - A path may be, or lead through, a symbolic link, but not one to nothing, since that may be a disk that is not
        mounted.
      - A pool between the module and the server has to give each run a session of its own.
      - If not set, the value of the environment variable E(ASSETOPS_RECEIPTS) is used.
    type: str
    default: ~/.ansible/assetops/receipts.db
  receipts_password:
    description:
      - The password for a PostgreSQL database. It may instead come from C(PGPASSWORD), from a file that C(PGPASSFILE)
        names, or from a service that C(PGSERVICE) names, on the host where the module runs.
    type: str
  require_receipts:
    description:
      - Whether it is an error that there is no receipt store yet. Set it where homes are forgotten, as in containers;
        otherwise a new store is made, with a warning.
    type: bool
    default: false
"""

    DOCUMENTATION = r"""
options:
  force:
    description:
      - Whether to import although the receipts say that it was. An import that is not over is resumed instead, and one
        that another run is at is waited for first.
    type: bool
    default: false
  once:
    description:
      - For how long an import that was made stands. With V(ever), for good. With V(latest), until something else was
        imported in its place; and in another place, such as under another name, it does not stand.
    type: str
    choices: [ever, latest]
  on_unknown:
    description:
      - What to do about an import of which nobody knows whether the server took it. V(fail) says what to look at,
        V(retry) sends it again.
    type: str
    choices: [fail, retry]
    default: fail
  target_name:
    description:
      - A name that stands for the server in the receipts, in place of its O(url). Set it from the beginning when the
        address may change, or when there are several.
    type: str
  label:
    description:
      - What people call the target. It is kept in the receipts, so that they can be found by it, and changes nothing
        else. The roles set it to the name of the target in the inventory.
    type: str
"""

    # Of modules whose receipts decide.
    ADOPT = r"""
options:
  adopt:
    description:
      - Whether to take what is not known to be imported for imported, without asking the system or sending it anything.
        It is written down in the receipts, with the reason V(adopted). What is known already stays as it is, but for
        what V(failed); what is V(unknown) is taken for imported with O(on_unknown=retry).
      - That is the way in for what was imported by other means before, after a receipt store was lost, and where a
        system says that it has the data already. Have a look at what would be adopted in check mode first, and do not
        leave it set, or nothing is ever imported.
    type: bool
    default: false
"""
