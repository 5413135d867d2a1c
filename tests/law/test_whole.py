"""A file that is written whole is never seen in part."""

from pathlib import Path

import pytest

from physadv.core.whole import write_whole


def test_bytes_and_text_are_written(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    write_whole(path, "λ\n")
    assert path.read_bytes() == b"\xce\xbb\n"
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_there_stays_until_all_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write = tmp_path / "a.bin", Path.write_bytes
    write_whole(path, b"before")

    def broken(self: Path, content: bytes) -> int:
        write(self, content[:2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", broken)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"after")
    assert path.read_bytes() == b"before"
