"""What the journeys share: an empty folder to work in, and a guard against work."""

from pathlib import Path

import pytest

from tests.journey.commands import QUICK, done


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail as soon as layouts are raced, a search or the judge begins."""

    def begun(*_: object, **__: object) -> None:
        raise AssertionError("the work began")

    for name in ("attacks.base.judge", "design.stickers.place", "cli.evaluate.judge"):
        monkeypatch.setattr(f"physadv.{name}", begun)
    monkeypatch.setattr("physadv.attacks.Gradient.search", begun)


@pytest.fixture(scope="session")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a result as quickly as can be; it must not be changed."""
    folder = tmp_path_factory.mktemp("journey") / "result"
    done("generate", "--target", 5, *QUICK, "--out", folder)
    return folder
