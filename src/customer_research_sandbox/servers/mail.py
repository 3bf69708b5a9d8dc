"""What the sandbox's mail server has taken, as a list and as files that a mail program opens. The server is `servers.mail_server`."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from customer_research import private


@dataclass(frozen=True, slots=True)
class Mail:
    """A message that was taken: from whom and to whom the server was told it goes, and the message itself."""

    sender: str
    readers: tuple[str, ...]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The message, taken apart."""
        found = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found


class Mailbox:
    """What a mail server has taken, the oldest first; a folder has the same as files, if one is given."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._taken: list[Mail] = []
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    @property
    def messages(self) -> list[Mail]:
        """The messages so far."""
        with self._lock:
            return list(self._taken)

    def clear(self) -> None:
        """Forget the messages so far; their files stay."""
        with self._lock:
            self._taken.clear()

    def keep(self, mail: Mail) -> None:
        """Take a message."""
        with self._lock:
            self._taken.append(mail)
            if self.folder is not None:
                private.make_folder(self.folder)
                private.write(self.folder / f"{next(self._numbers):04}.eml", mail.content)
