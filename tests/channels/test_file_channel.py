"""Files as a channel: whole or not there, inside the folder alone, for their owner."""

from __future__ import annotations

import asyncio
import base64
import stat
from pathlib import Path

import pytest
from far_sides import message, outgoing, through

from customer_research import private
from customer_research.channels.channel import Delayed, Refused
from customer_research.channels.file import FileChannel
from customer_research.domain.delivery import Address, Message


def made(place: str = "digests/week.md", **content: str) -> Message:
    return message(Address("file", place), content=content or {"text": "Two at risk \N{EM DASH} é\n"})


def sent(folder: Path | None, what: Message) -> str:
    return str(through(FileChannel(folder), lambda one: one.send(outgoing(what))))


def test_a_message_is_a_file_for_its_owner_and_the_same_when_it_is_written_again(tmp_path: Path) -> None:
    path = Path(sent(tmp_path, made()))
    assert path == tmp_path / "digests" / "week.md"
    assert path.read_text(encoding="utf-8") == "Two at risk \N{EM DASH} é\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    sent(tmp_path, made())
    assert [one.name for one in path.parent.iterdir()] == ["week.md"]
    assert asyncio.run(FileChannel(tmp_path).look_up(outgoing(made()))).found == "absent"


def test_bytes_are_kept_as_they_are(tmp_path: Path) -> None:
    path = Path(sent(tmp_path, made("a.pdf", base64=base64.b64encode(b"%PDF\x00\xff").decode())))
    assert path.read_bytes() == b"%PDF\x00\xff"
    with pytest.raises(Refused, match="base64"):
        sent(tmp_path, made("a.pdf", base64="%"))


@pytest.mark.parametrize("place", ["../week.md", "/etc/passwd", ".", "", "a/../../b", "a\0b", "folder"])
def test_nothing_is_written_outside_the_folder_or_over_a_folder(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "deliveries"
    (folder / "folder").mkdir(parents=True)
    with pytest.raises(Refused):
        sent(folder, made(place))
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["deliveries", "folder"]


def test_a_link_that_leads_outside_is_not_followed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "deliveries", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "link").symlink_to(outside)
    with pytest.raises(Refused, match="outside"):
        sent(folder, made("link/week.md"))
    assert list(outside.iterdir()) == []


def test_without_a_folder_nothing_is_written() -> None:
    with pytest.raises(Refused) as refused:
        sent(None, made())
    assert refused.value.hint == "Set deliveries.folder."


def test_a_disk_that_is_full_is_tried_again_and_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_target: Path, _content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(private, "write", full)
    with pytest.raises(Delayed, match="No space left"):
        sent(tmp_path, made())
    assert list((tmp_path / "digests").iterdir()) == []
