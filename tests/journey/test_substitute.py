"""From images to a substitute of a black box, and from it to an attack, on the command line."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from physadv.attacks.digital.substitute import (
    FILE,
    SubstituteFacts,
    SubstituteRecipe,
    SubstituteState,
    SubstituteWatch,
    load_substitute,
    read_substitute,
    save_substitute,
    train_substitute,
)
from physadv.core import Encoded, UserError, generator, save_image
from physadv.victims import BudgetError, Prepare, Remote, Service, Wire
from tests.journey.commands import card, done, label_file, physadv, refused, torchscript
from tests.server import LABELS, Server, serving

SIDE = 8
TINY = ("--network", "linear", "--side-px", 8, "--epochs", 3)
RECIPE = SubstituteRecipe(60, rounds=3, network="linear", side_px=SIDE, epochs=3)


def pictures(n: int) -> Encoded:
    return Encoded((torch.rand(n, 3, SIDE, SIDE, generator=generator(0)) * 255).round() / 255)


@pytest.fixture
def folder(here: Path) -> Path:
    (here / "photos").mkdir()
    for number, image in enumerate(pictures(8)):
        save_image(here / "photos" / f"{number}.png", Encoded(image[None]))
    return here / "photos"


def victim(here: Path) -> tuple[object, ...]:
    script, names = torchscript(here / "net.pt", size_px=SIDE), label_file(here / "names.txt")
    return ("--victim", script, "--labels", names, "--size-px", SIDE)


class Turned(nn.Module):
    """Red less blue, with the slope of its opposite: gradients that are masked."""

    def forward(self, images: Tensor) -> Tensor:
        mean = images.mean(dim=(2, 3))
        score = 20 * (mean[:, 0] - mean[:, 2]).unsqueeze(1)
        masked = 2 * score.detach() - score
        return torch.cat([masked, -masked], dim=1)


def remote(server: Server, budget: int | None = None) -> Remote:
    quick = Service(server.url, timeout_s=2.0, tries=2, backoff_s=0.01)
    return Remote(quick, LABELS, Prepare(SIDE), wire=Wire(body="json_lists"), budget=budget)


def test_a_budget_that_ends_half_way_loses_nothing_and_is_gone_on_from(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as server:
        whole = train_substitute(remote(server), pictures(8), RECIPE)
        assert server.images == whole.state.queries == 60
        poor = remote(server, budget=37)
        facts = SubstituteFacts.of(poor, RECIPE, 0)

        def keep(state: SubstituteState) -> None:
            save_substitute(here / FILE, state, facts)

        watch = SubstituteWatch(state=keep)
        with pytest.raises(BudgetError, match=r"budget: expected at most 37 images to be sent"):
            train_substitute(poor, pictures(8), RECIPE, watch=watch)
        _, tensors = read_substitute(here)
        assert len(tensors["targets"]) == 37 == poor.queries
        assert load_substitute(here).labels == LABELS, "what was learnt by then can be used"
        rich, before = remote(server), server.images
        made = train_substitute(rich, pictures(8), RECIPE, resume=tensors)
        assert server.images - before == 60 - 37
    for name, value in whole.substitute.module.state_dict().items():
        assert torch.equal(value, made.substitute.module.state_dict()[name])


def test_a_server_that_dies_is_one_line_that_says_how_to_go_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    names = label_file(folder.parent / "names.txt", LABELS)
    with serving() as server:
        command: tuple[object, ...] = ("train", "substitute", "--images", folder)
        command += ("--victim", server.url)
        command += ("--labels", names, "--size-px", SIDE, *TINY, "--queries", 20, "--out", "sub")
        server.faults = [200, 404]
        said = refused(physadv(*command))
        assert "got HTTP 404" in said
        assert "go on with the same command and --resume; kept in sub" in said
        done(*command, "--resume")
        assert server.images == 8 + 8 + 12, "the one refused was sent twice, no other"


def test_a_substitute_is_trained_and_attacked_through(folder: Path) -> None:
    known = victim(folder.parent)
    train = ("train", "substitute", "--images", folder, *known, *TINY, "--queries", 50)
    said = done(*train, "--scores", "--out", "sub").stdout
    assert "asked about 50 images" in said
    assert "--attack transfer --set substitute=sub" in " ".join(said.split())
    attack = ("attack", "--images", folder, *known, "--attack", "transfer")
    found = done(*attack, "--set", "substitute=sub", "--set", "eps=0.5", "--set", "steps=3")
    assert "\ntransfer" in found.stdout
    facts = card(Path("physadv-attack"))
    assert facts["settings"]["substitute"] == "sub"
    assert facts["measured"]["success"]["hits"] >= 6, "half of the range turns a linear victim"
    both = ("--set", "substitute=sub,sub", "--set", "attack=pgd", "--out", "both")
    done(*attack, *both, "--set", "eps=0.1", "--set", "steps=2")


def test_what_is_there_is_neither_lost_nor_taken_for_something_else(folder: Path) -> None:
    known = victim(folder.parent)
    train = ("train", "substitute", "--images", folder, *known, *TINY)
    small = (*train, "--queries", 16, "--rounds", 1)
    assert "resume: expected a folder with a substitute" in refused(physadv(*small, "--resume"))
    done(*small)
    kept = Path("physadv-substitute", FILE).read_bytes()
    assert "out: expected a folder without a substitute" in refused(physadv(*small))
    other = refused(physadv(*small, "--resume", "--seed", 5))
    assert "resume: expected what the training began with, got seed 5 instead of 0" in other
    assert Path("physadv-substitute", FILE).read_bytes() == kept
    more = done(*train, "--queries", 32, "--rounds", 2, "--resume")
    assert "training 3: asked about 32 images" in more.stdout
    done(*small, "--force")
    assert len(read_substitute("physadv-substitute")[1]["targets"]) == 16


def test_ctrl_c_keeps_what_was_answered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from physadv.attacks.digital.substitute import train as training

    steps, plain = 0, training._step

    def stop(*given: Tensor) -> float:
        nonlocal steps
        steps += 1
        if steps == 5:
            raise KeyboardInterrupt
        return plain(*given)  # type: ignore[arg-type]  # handed on as they are

    monkeypatch.setattr(training, "_step", stop)
    command = ("train", "substitute", "--images", folder, *victim(folder.parent), *TINY)
    found = physadv(*command, "--out", "sub")
    assert found.exit_code == 130
    assert "go on with the same command and --resume; kept in sub" in found.stderr
    assert len(read_substitute("sub")[1]["targets"]) == 16
    done(*command, "--out", "sub", "--resume", "--rounds", 1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((), "substitute: expected a folder, got nothing; physadv train substitute makes one"),
        (("substitute=none",), "substitute: expected a folder or file made by physadv train"),
        (("substitute=bad",), "bad, which is damaged"),
        (("substitute=none", "attack=transfer"), "attack: expected an attack with gradients"),
    ],
)
def test_what_is_no_substitute_is_refused(
    folder: Path, settings: tuple[str, ...], message: str
) -> None:
    Path("bad").write_bytes(b"nothing of the kind")
    pairs = [part for one in settings for part in ("--set", one)]
    given = ("attack", "--images", folder, *victim(folder.parent), "--attack", "transfer")
    assert message in refused(physadv(*given, *pairs))


def test_one_that_has_learnt_nothing_is_no_victim(here: Path) -> None:
    class Silent:
        labels, name = LABELS, "silent"

        def __call__(self, images: Encoded) -> None:
            raise UserError("victim", expected="an answer", got="none")

    told: list[SubstituteState] = []
    with pytest.raises(UserError):
        train_substitute(Silent(), pictures(2), RECIPE, watch=SubstituteWatch(state=told.append))  # type: ignore[arg-type]  # wrong on purpose
    save_substitute(here / FILE, told[-1], SubstituteFacts.of(Silent(), RECIPE, 0))  # type: ignore[arg-type]  # as above
    with pytest.raises(UserError, match="one that has learnt the first answers"):
        load_substitute(here)


def test_a_transfer_that_beats_what_sees_the_victim_is_doubted(folder: Path) -> None:
    """Of a victim whose slopes point the wrong way: its own images fail, a substitute's do not."""
    text = "\n".join(
        [
            "import torch",
            "from physadv.victims import Classifier",
            "from tests.journey.test_substitute import Turned",
            "def victim():",
            f"    return Classifier(Turned(), ['a', 'b'], size_px={SIDE})",
        ]
    )
    Path("turned.py").write_text(text)
    known = ("--images", folder, "--victim", "turned.py:victim")
    tiny = ("--network", "linear", "--side-px", SIDE, "--epochs", 60, "--rounds", 3)
    done("train", "substitute", *known, *tiny, "--queries", 64, "--scores", "--out", "sub")
    attacks = ("--attack", "pgd", "--attack", "transfer", "--set", "substitute=sub")
    said = " ".join(done("attack", *known, *attacks, "--eps", "0.2").stdout.split())
    assert "8 images fall to transfer alone, 0 to pgd alone (McNemar's p 0.0078)" in said
    assert "pgd, eps 0.2: succeeds in 0.0 %" in said
