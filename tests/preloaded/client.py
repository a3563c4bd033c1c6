# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible starts: `client.py SOCKET PYTHON [FILE]` hands a program on, and ends as the program does."""

from __future__ import annotations

import json
import os
import socket
import sys


def main() -> None:
    address, python, *arguments = sys.argv[1:]
    if any(argument.startswith("-") for argument in arguments):  # not the program of a module
        os.execv(python, [python, *arguments])  # noqa: S606 (the command of a test)
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        socket.send_fds(server, [b"."], [0, 1, 2])
        folder = os.getcwd()  # noqa: PTH109 (to import pathlib takes as long as all the rest)
        server.sendall(json.dumps([arguments, folder, dict(os.environ), os.umask(0)]).encode())
        server.shutdown(socket.SHUT_WR)
        status = server.recv(1)
    sys.exit(status[0] if status else "The program was killed.")


if __name__ == "__main__":
    main()
