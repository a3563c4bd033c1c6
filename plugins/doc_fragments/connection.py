# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that connects to a server."""

    DOCUMENTATION = r"""
options:
  validate_certs:
    description:
      - Whether to check the server's certificate. Without the check, anybody between this host and the server can read
        the credentials.
    type: bool
    default: true
  ca_path:
    description:
      - A file with certificates of authorities (PEM), or a folder of such files, to trust in addition to those that the
        system trusts and those that the environment variable E(REQUESTS_CA_BUNDLE) names.
    type: path
  client_cert:
    description:
      - A file with a certificate (PEM) to show to the server. It holds its key too, unless O(client_key) is set.
    type: path
  client_key:
    description:
      - A file with the key of O(client_cert), without a password.
    type: path
  timeout:
    description:
      - After how many seconds to give up on connecting, on sending that stalls, and on an incomplete answer.
    type: float
    default: 60
  use_proxy:
    description:
      - Whether to use the environment variables E(http_proxy), E(https_proxy), E(all_proxy) and E(no_proxy).
      - The certificate of a proxy whose URL begins with C(https) is checked like the server's. A SOCKS proxy needs the
        Python package PySocks on the host where the module runs.
      - Of a proxy's URL, only scheme, host and port are ever shown. Special characters in its user or password have to
        be percent-encoded.
    type: bool
    default: true
requirements:
  - requests >= 2.28 on the host where the module runs
notes:
  - All spellings of a URL mean the same server - in upper or lower case, with an international name or its punycode,
    with or without the default port, and with dots, empty segments or needless percent-encoding in the path.
  - Redirects are not followed, since that would lose an upload; the error says where they point.
  - Credentials in C(~/.netrc) are not used.
  - Environment variables and files are read on the host where the module runs.
"""
