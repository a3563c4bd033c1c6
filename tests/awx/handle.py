# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in as tests use it: `with Awx({"https://git.example.com/imports.git": folder}) as awx`."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn

from .app import TOKEN, Api
from .store import Store, Thing


class Awx:
    """A running stand-in, with what AWX has when it is new (source: its data at the first start)."""

    def __init__(self, projects: dict[str, Path]) -> None:
        self.store = Store(projects)
        self.api = Api(self.store)
        galaxy = self.store.add("credential_types", name="Ansible Galaxy/Automation Hub API Token", kind="galaxy")
        controller = self.store.add("credential_types", name="Red Hat Ansible Automation Platform", kind="cloud")
        galaxy.fields["managed"] = controller.fields["managed"] = True
        self.store.add("credentials", name="Ansible Galaxy", credential_type=galaxy.id)
        self.store.add("organizations", name="Default")
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(self.api.app, log_level="warning", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> Awx:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        self._socket.close()

    @property
    def environment(self) -> dict[str, str]:
        """What awx.awx reads to find it."""
        login = {"CONTROLLER_HOST": self.url, "CONTROLLER_OAUTH_TOKEN": TOKEN, "CONTROLLER_VERIFY_SSL": "false"}
        # To read the certificates of the system takes most of the time of a request, and here is no TLS.
        return {**login, "CONTROLLER_REQUEST_TIMEOUT": "60", "SSL_CERT_FILE": "/dev/null"}

    def named(self, path: str, name: str) -> Thing:
        """The one object of a kind with a name, or a node with an identifier."""
        (thing,) = (one for one in self.store.things[path].values() if name in (one["name"], one["identifier"]))
        return thing

    def names(self, path: str) -> set[str]:
        return {one["name"] or one["identifier"] for one in self.store.things[path].values()}

    def written(self) -> list[tuple[str, str, Any]]:
        """The requests that would change something."""
        return [asked for asked in self.api.asked if asked[0] != "GET"]
