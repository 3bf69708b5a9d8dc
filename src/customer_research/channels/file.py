"""Files: a message is a file in a folder, complete or not there at all (written beside it and renamed)."""

from __future__ import annotations

import asyncio
import base64
import binascii
from pathlib import Path
from typing import ClassVar

from customer_research import private
from customer_research.channels.channel import Delayed, Outgoing, Refused, Sighting


class FileChannel:
    """Files below one folder.

    Args:
        folder: the folder; None: none is set, and no file can be delivered.
    """

    title: ClassVar[str] = "A file"

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    async def send(self, outgoing: Outgoing) -> str:
        """Write the file, over one of that name; see `Channel.send`."""
        return await asyncio.to_thread(self._write, outgoing)

    async def look_up(self, outgoing: Outgoing) -> Sighting:
        """It may be written again: it is the same file."""
        del outgoing
        return Sighting("absent")

    async def close(self) -> None:
        """Nothing is open."""

    def _write(self, outgoing: Outgoing) -> str:
        path = self._path(outgoing.message.address.place)
        content = _bytes(outgoing)
        try:
            private.make_folder(path.parent)
            private.clear_drafts(path.parent)
            private.write(path, content)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Delayed(f"The file cannot be written: {reason}.", hint="Check deliveries.folder.") from None
        return str(path)

    def _path(self, place: str) -> Path:
        """The file of a place, inside the folder whatever it says.

        Raises:
            Refused: it leads outside, or there is no folder.
        """
        if self._folder is None:
            raise Refused("No folder for files is set.", hint="Set deliveries.folder.")
        folder = self._folder.resolve()
        try:
            path = (folder / place).resolve()
        except (OSError, ValueError):
            path = folder
        if path == folder or not path.is_relative_to(folder):
            raise Refused("The file would lie outside the folder of deliveries.", hint="Give a name within it.")
        if path.is_dir():
            raise Refused("There is a folder of the file's name.", hint="Give another name.")
        return path


def _bytes(outgoing: Outgoing) -> bytes:
    content = outgoing.message.content
    if "base64" not in content:
        return str(content.get("text", "")).encode()
    try:
        return base64.b64decode(str(content["base64"]), validate=True)
    except binascii.Error:
        raise Refused("The content of the file is not base64.") from None
