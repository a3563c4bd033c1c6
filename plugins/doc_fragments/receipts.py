# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that keeps receipts of its imports: these, and those of `place`."""

    # Of all modules that use a receipt store.
    PLACE = r"""
options:
  receipts:
    description:
      - Where receipts of the imports are kept. This is the path of an SQLite file, absolute or beginning with C(~), on
        a local disk of the host where the module runs; or the URL of a PostgreSQL database, such as
        V(postgresql://imports@db.example.com/receipts?sslmode=verify-full), which any number of hosts can share; or
        V(none).
      - With V(none), every run imports, and no run resumes an earlier one.
      - A URL is written as for PostgreSQL's own programs. All their parameters and environment variables
        (C(PGSERVICE), C(PGSSLMODE), ...) work, and are read on the host where the module runs. The URL must not contain
        a password. That host needs the Python package psycopg, version 3.1 or newer.
      - The tables are made in the first schema of the search path, which C(options=-csearch_path%3Dname) sets. The
        database role needs a schema in which it may make tables; C(CREATE SCHEMA AUTHORIZATION role) makes one. The
        database needs the encoding UTF8.
      - A path may be, or lead through, a symbolic link. A link to nothing is an error, as it may lead to a disk that is
        not mounted.
      - A connection pool between the module and the server has to give each run a session of its own.
      - If not set, the value of the environment variable E(ASSETOPS_RECEIPTS) is used.
    type: str
    default: ~/.ansible/assetops/receipts.db
  receipts_password:
    description:
      - The password for a PostgreSQL database. Instead, C(PGPASSWORD), a file that C(PGPASSFILE) names, or a service
        that C(PGSERVICE) names can contain it, on the host where the module runs.
    type: str
  require_receipts:
    description:
      - Whether it is an error if there is no receipt store yet. Set it where home directories do not last, as in
        containers. Otherwise a new store is made, with a warning.
    type: bool
    default: false
"""

    DOCUMENTATION = r"""
options:
  force:
    description:
      - Whether to import again what the receipts say was imported. An import that is not over is resumed instead. If
        another run is at work on it, this run waits for that one first.
    type: bool
    default: false
  once:
    description:
      - How long an import counts. With V(ever), it counts for good. With V(latest), it counts until something else is
        imported in its place, and it does not count in another place, such as under another name.
    type: str
    choices: [ever, latest]
  on_unknown:
    description:
      - What to do about an import if it is not known whether the server accepted it. V(fail) fails and says where to
        look, V(retry) sends it again.
    type: str
    choices: [fail, retry]
    default: fail
  target_name:
    description:
      - A name for the server in the receipts, in place of its O(url). Set it from the beginning if the address may
        change, or if there are several.
    type: str
  label:
    description:
      - A name for the target. It is kept in the receipts, which can be found by it, and has no other effect. The roles
        set it to the name of the target in the inventory.
    type: str
"""

    # Of modules whose receipts decide.
    ADOPT = r"""
options:
  adopt:
    description:
      - Whether to write into the receipts that all this is imported, with the reason V(adopted), without asking the
        system or sending it anything. Receipts that exist stay as they are, except those that are V(failed). One that
        is V(unknown) is adopted with O(on_unknown=retry).
      - Use it for what was imported by other means before, after a receipt store was lost, and where a system says that
        it has the data already. Run it in check mode first to see what would be adopted. Do not leave it set, or
        nothing is ever imported.
    type: bool
    default: false
"""
