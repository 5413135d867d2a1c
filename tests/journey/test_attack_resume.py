"""A remote victim that dies on the way: no answer is lost, and the same command goes on."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from typer.testing import Result

from physadv.attacks.digital import GenAttack
from physadv.core import Encoded, generator, save_image
from tests.journey.commands import card, done, physadv, refused
from tests.server import Server, serving

OUT, FILE = Path("physadv-attack"), "answers.safetensors"
ATTACKS = (("gen-attack", "queries=40"), ("evade-hc", "queries=20"), ("estimated", "queries=60"))
VICTIM = """
from physadv.victims import Prepare, Remote, Service, Wire
def victim():
    service = Service("{url}", tries=2, backoff_s=0.0, timeout_s={timeout_s})
    remote = Remote(service, ["red", "green", "blue"], Prepare((6, 8)), {more})
    remote.per_request = 4
    return remote
"""


def victim(url: str, more: str = "", timeout_s: float = 5.0) -> None:
    Path("remote.py").write_text(VICTIM.format(url=url, more=more, timeout_s=timeout_s))


@pytest.fixture
def photos(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make four reddish images of 6 x 8 px."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (here / "photos").mkdir()
    for number in range(4):
        image = 0.4 + 0.02 * torch.rand(1, 3, 6, 8, generator=generator(number))
        image[:, 0] += 0.12
        save_image(here / "photos" / f"{number}.png", Encoded(image))
    return here / "photos"


def command(name: str, setting: str, *more: object) -> tuple[object, ...]:
    known = ("--victim", "remote.py:victim", "--images", "photos", "--batch", 2)
    return ("attack", *known, "--attack", name, "--set", setting, "--eps", "6/255", *more)


def left(folder: Path) -> dict[str, Any]:
    """Return what an attack leaves, without what may differ between two equal runs."""
    files = {path.name: path.read_bytes() for path in (folder / "images").iterdir()}
    facts = card(folder)
    return {"files": files, "measured": facts["measured"], "queries": facts["budget"]["queries"]}


def port(server: Server) -> int:
    return int(re.search(r":(\d+)/", server.url)[1])  # type: ignore[index]  # it is there


@pytest.mark.parametrize(("name", "setting"), ATTACKS)
def test_after_a_server_is_gone_the_same_command_goes_on(
    photos: Path, name: str, setting: str
) -> None:
    """The images are those of the run that was never broken, and nothing is paid for twice."""
    with serving() as server:
        victim(server.url)
        done(*command(name, setting, "--out", "whole"))
        whole, requests, place = server.images, len(server.times), port(server)
    for share in (0.3, 0.9):
        with serving(port=place, last=max(1, int(share * requests))) as server:
            found = physadv(*command(name, setting, "--force"))
            assert found.exit_code in (2, 130), found.output
            lines = found.stderr.strip().splitlines()
            assert len(lines) == 1
            assert "in each of 2 attempts" in lines[0]
            assert "go on with the same command and --resume; kept in physadv-attack" in lines[0]
            first = server.images
        answers = load_file(OUT / FILE)
        assert len(answers["keys"]) == len(answers["scores"]) >= first - 4
        with serving(port=place) as server:
            done(*command(name, setting, "--resume"))
            assert first + server.images <= whole + 4
        assert left(OUT) == left(Path("whole"))


FAULTS: dict[str, Callable[[Server], None]] = {
    "503": lambda server: server.faults.extend([200] * 12 + [503] * 2),
    "404": lambda server: server.faults.extend([200] * 12 + [404]),
    "hang": lambda server: server.faults.extend([200] * 12 + ["hang"] * 2),
    "nonsense": lambda server: server.faults.extend([200] * 12 + ["hello"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_goes_wrong_with_it_answers_are_kept(photos: Path, fault: str) -> None:
    name, setting = ATTACKS[0]
    with serving() as server:
        victim(server.url, timeout_s=0.3)
        FAULTS[fault](server)
        found = physadv(*command(name, setting))
        assert "go on with the same command and --resume; kept in physadv-attack" in found.stderr
        before = server.images
        done(*command(name, setting, "--resume"))
        mid = server.images
        victim(server.url)
        done(*command(name, setting, "--out", "whole"))
        assert mid <= server.images - mid + 8
        assert before < mid
    assert left(OUT) == left(Path("whole"))


def test_a_budget_that_ends_is_gone_on_from_with_a_larger_one(photos: Path) -> None:
    name, setting = ATTACKS[0]
    with serving() as server:
        victim(server.url, "budget=50")
        found = physadv(*command(name, setting))
        assert found.exit_code == 130
        assert "budget: expected at most 50 images to be sent" in found.stderr
        assert "whole batches are judged; go on with the same command and --res" in found.stderr
        assert any("by the victim (budget, failure)" in one for one in card(OUT)["doubts"])
        assert server.images == 50
        victim(server.url, "budget=1000")
        done(*command(name, setting, "--resume"))
        paid = server.images
        done(*command(name, setting, "--out", "whole"))
        assert paid == server.images - paid
    assert left(OUT) == left(Path("whole"))


def test_ctrl_c_keeps_answers_too(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, plain = list[int](), GenAttack.__call__

    def stopped(self: GenAttack, *given: Any, **more: Any) -> Encoded:
        made = plain(self, *given, **more)
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return made

    name, setting = ATTACKS[0]
    with serving() as server:
        victim(server.url)
        with monkeypatch.context() as patch:
            patch.setattr(GenAttack, "__call__", stopped)
            found = physadv(*command(name, setting))
        assert found.exit_code == 130
        assert "stopped; go on with the same command and --resume; kept in" in found.stderr
        first = server.images
        done(*command(name, setting, "--resume"))
        paid = server.images
        done(*command(name, setting, "--out", "whole"))
        assert paid == server.images - paid > first
    assert left(OUT) == left(Path("whole"))


def test_a_cache_of_its_own_is_kept_to(photos: Path) -> None:
    name, setting = ATTACKS[0]
    with serving() as server:
        victim(server.url, 'cache="answers"')
        server.faults += [*[200] * 10, 404]
        first: Result = physadv(*command(name, setting))
        assert "go on with the same command and --resume" in first.stderr
        assert len(list(Path("answers").iterdir())) == server.images - 4 > 10
        done(*command(name, setting, "--resume"))
    assert not (OUT / FILE).exists()


def test_what_is_there_is_neither_lost_nor_taken_for_something_else(photos: Path) -> None:
    name, setting = ATTACKS[0]
    with serving() as server:
        victim(server.url)
        none = refused(physadv(*command(name, setting, "--resume")))
        assert "resume: expected a folder with answers to go on with" in none
        server.faults += [*[200] * 3, 404]
        physadv(*command(name, setting))
        kept = (OUT / FILE).read_bytes()
        line = refused(physadv(*command(name, setting)))
        assert "out: expected a folder without answers, got physadv-attack; --resume" in line
        other = refused(physadv(*command(name, setting, "--resume", "--seed", 1)))
        assert "resume: expected what the attack began with, got seed '1' instead of '0'" in other
        other = refused(physadv(*command("evade-hc", setting, "--resume")))
        assert "attacks 'evade-hc eps=6/255' instead of 'gen-attack eps=6/255'" in other
        assert (OUT / FILE).read_bytes() == kept
        done(*command(name, "queries=60", "--resume"))
        with safe_open(OUT / FILE, "pt") as content:
            facts = json.loads(content.metadata()["answers"])
        assert facts["seed"] == "0"
        (OUT / FILE).write_bytes(b"nothing of the kind")
        damaged = refused(physadv(*command(name, setting, "--resume")))
        assert "which is damaged" in damaged


def test_an_attack_by_gradients_is_refused_before_anything_is_asked(photos: Path) -> None:
    with serving() as server:
        victim(server.url)
        said = refused(physadv(*command("pgd", "steps=2")))
        assert "victim: expected one with gradients" in said
        assert server.images == 0
        assert "8 px or more" in refused(physadv(*command("advgan", "distil=static")))


def test_labels_alone_say_no_confidence(photos: Path) -> None:
    with serving() as server:
        server.answers = "labels"
        victim(server.url, 'wire=Wire(answers="labels")')
        done(*command("evade-hc", "queries=20"))
    facts = card(OUT)
    assert {row["confidence"] for row in facts["images"]} == {None}
    assert not any("probabilities" in doubt for doubt in facts["doubts"])
    assert "<b>red</b></p>" in (OUT / "attack.html").read_text()
