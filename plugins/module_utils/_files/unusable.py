# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a file cannot be used, and what to do: for the person who named it. Imported only where one cannot.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.assetops.imports.plugins.module_utils._files.paths import shown

ALIKE = 3  # names in a folder, so many of which are told
KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


def why_not(name: str, path: Path, error: OSError) -> str:
    """Why the file that was called `name` cannot be read, and what to do."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"{reason}; {_oddity(name) or _what_is_there(path)}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{reason}; {whose(path)}"
    return reason


def why_not_regular(mode: int) -> str:
    """Why what is there is no file to import."""
    advice = "; name the files in it, one by one" if stat.S_ISDIR(mode) else ""
    return f"not a regular file but {KINDS.get(stat.S_IFMT(mode), 'a device')}{advice}"


def whose(path: Path) -> str:
    """Who may do something there, and who this is."""
    barred = (folder for folder in reversed(path.parents) if not os.access(folder, os.X_OK))
    place = next(barred, path)
    try:
        status = place.stat()
    except OSError:
        return f"this is user {me()}"
    mode = stat.S_IMODE(status.st_mode)
    return f"{plain(place)} belongs to {_user(status.st_uid)} and has mode {mode:04o}, this is user {me()}"


def me() -> str:
    """The user that this process runs as."""
    return _user(os.geteuid())


def where() -> str:
    """Where and as whom files are looked for."""
    return f"on {os.uname().nodename} as user {me()}"


def plain(path: Path) -> str:
    """A path on one line."""
    return in_one_line(shown(path))


def in_one_line(text: str) -> str:
    """A text whose control characters are escaped, and what else no text can hold."""
    escaped = re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found[0]):02x}", text)
    return escaped.encode("utf-8", "backslashreplace").decode("utf-8")


def _user(uid: int) -> str:
    import pwd

    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"with uid {uid}"


def _oddity(name: str) -> str | None:
    """What of a name shows that it is none of a file here, and what to do."""
    if re.match(r"[A-Za-z]:[\\/]|\\\\", name):
        return "that is a path of Windows; copy the file to the host where the module runs, and give its path there"
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", name):
        return "that is a URL, not a file; download it first, as with ansible.builtin.get_url"
    if "{{" in name or "{%" in name:
        return "that is a template that was not filled in"
    if name[:1] in "'\"" or name[-1:] in "'\"":
        return "there are quotes around it that became a part of it; leave them out"
    if name != name.strip():
        return "there is space around it; leave that out"
    if name.startswith("[") and name.endswith("]"):
        return "that is a list written as a text; give it as a list"
    if re.search(r"[*?]|\[.*\]", name):
        return (
            "wildcards are not expanded; name the files, one by one, or list them with"
            " query('ansible.builtin.fileglob', ...)"
        )
    if re.search(r"[,;]", name):
        return "if these are several files, give each as an item of a list of its own"
    return _unset_variable(name)


def _unset_variable(name: str) -> str | None:
    found = re.search(r"\$(?:\{(\w+)\}|(\w+))", name)
    if found is None or (found[1] or found[2]) in os.environ:
        return None
    return f"the environment variable {found[1] or found[2]} is not set where the module runs"


def _what_is_there(path: Path) -> str:
    """How far the path leads, and what there is called like what is missing."""
    if path.is_symlink():
        return f"it is a link to {in_one_line(os.fsencode(path.readlink()).decode('utf-8', 'backslashreplace'))}"
    missing, folder = next(_steps_up(path.absolute()))
    if not folder.is_dir():
        return f"{plain(folder)} is not a folder"
    try:
        names = [plain(Path(one.name)) for one in folder.iterdir()]
    except OSError:
        return f"{plain(folder)} is there, but may not be listed; {whose(folder)}"
    if not names:
        return f"the folder {plain(folder)} is there, and is empty"
    alike = _alike(plain(Path(missing.name)), names)
    if not alike:
        return f"the folder {plain(folder)} is there, and nothing in it has a name like {plain(Path(missing.name))}"
    return f"the folder {plain(folder)} is there, and what is most like it in there is {', '.join(alike)}"


def _steps_up(path: Path) -> Iterator[tuple[Path, Path]]:
    """What is missing, and the folder above it, from where something is there."""
    child = path
    for parent in path.parents:
        if os.path.lexists(parent):
            yield child, parent
        child = parent


def _alike(name: str, names: list[str]) -> list[str]:
    """The names that are most like one, whatever their case."""
    import difflib

    by_lower = {one.lower(): one for one in sorted(names)}
    return [by_lower[one] for one in difflib.get_close_matches(name.lower(), by_lower, ALIKE)]
