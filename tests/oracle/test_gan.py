"""The GAN toolkit: losses in closed form, a game with a known end, exact resuming, its files."""

from math import log
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from physadv.core import UserError, generator
from physadv.generative import (
    Discriminator,
    GanRecipe,
    GanState,
    Generator,
    Restorer,
    Translator,
    load_generator,
    read_pictures,
    sample,
    save_generator,
    save_grid,
    seeded,
    train,
)
from physadv.generative.losses import (
    gradient_penalty,
    least_squares,
    least_squares_made,
    log_loss,
    non_saturating,
    wasserstein_loss,
)
from physadv.patch import Latent, Limits, candidates
from physadv.scene import StreetScene, sign
from physadv.testing import check_patch
from physadv.testing.contract import no_chance_from_outside

SMALL = GanRecipe(epochs=2, batch=4, latent=5, channels=4, average=0.9)


def pictures(n: int = 12, seed: int = 0) -> Tensor:
    return torch.randint(256, (n, 3, 32, 32), generator=generator(seed), dtype=torch.uint8)


def weights(state: GanState) -> Tensor:
    return torch.cat([value.flatten().double() for value in state.tensors.values()])


def test_the_players_have_the_shapes_they_say() -> None:
    made = Generator(7, 4)(torch.randn(3, 7, generator=generator(0))).detach()
    assert made.shape == (3, 3, 32, 32)
    assert float(made.min()) >= 0
    assert float(made.max()) <= 1
    assert Discriminator(4)(made).shape == (3,)
    assert Discriminator(4, size_px=(12, 17), colours=1)(torch.rand(2, 1, 12, 17)).shape == (2,)
    for network in (Translator(4, colours=1), Restorer(4, colours=1)):
        assert network(torch.rand(2, 1, 9, 14)).shape == (2, 1, 9, 14)


def test_a_critic_of_the_wasserstein_kind_judges_each_picture_for_itself() -> None:
    """As the gradient penalty needs; DCGAN's normalises over the batch."""
    batch = torch.rand(4, 3, 32, 32, generator=generator(0))
    for normalised in (False, True):
        critic = Discriminator(4, normalised=normalised)
        alone = torch.allclose(critic(batch)[:2], critic(batch[:2]), atol=1e-6)
        assert alone is not normalised


def test_the_log_losses_of_a_discriminator_that_knows_nothing() -> None:
    """2 log 2 and log 2 at D = 1/2 (Goodfellow et al. 2014)."""
    x = torch.rand(4, 3, 8, 8)
    told = log_loss(lambda x: 0 * x.flatten(1).sum(1), x, x, generator(0))
    assert float(told.loss) == pytest.approx(2 * log(2))
    assert float(non_saturating(torch.zeros(4))) == pytest.approx(log(2))


def test_the_gradient_penalty_of_a_linear_critic_is_that_of_its_norm() -> None:
    real, made = torch.rand(5, 3, 8, 8), torch.rand(5, 3, 8, 8)
    weight = torch.randn(3 * 8 * 8, generator=generator(0))
    expected = (float(weight.norm()) - 1) ** 2

    def critic(x: Tensor) -> Tensor:
        return x.flatten(1) @ weight

    found = gradient_penalty(critic, real, made, generator(1))
    assert float(found) == pytest.approx(expected, rel=1e-4)
    told = wasserstein_loss(critic, real, made, generator(1))
    gap = float((critic(made) - critic(real)).mean())
    assert float(told.loss) == pytest.approx(gap + 10 * expected, rel=1e-4)


def test_the_gradient_penalty_asks_between_the_two() -> None:
    """A critic that is steep only where neither real nor made pictures lie is punished."""
    real, made = torch.zeros(64, 1, 1, 1), torch.ones(64, 1, 1, 1)

    def step(x: Tensor) -> Tensor:
        x = x.flatten(1)[:, 0]
        return 10 * (x - 0.4).clamp(0, 0.2)

    found = float(gradient_penalty(step, real, made, generator(0)))
    share = (found - 1) / (81 - 1)
    assert share == pytest.approx(0.2, abs=0.15)


def test_the_least_squares_losses() -> None:
    real, made = torch.full((3, 1), 0.75), torch.full((3, 1), 0.5)

    def critic(x: Tensor) -> Tensor:
        return x[:, 0]

    assert float(least_squares(critic, real, made)) == pytest.approx((0.25**2 + 0.5**2) / 2)
    assert float(least_squares_made(critic(made))) == pytest.approx(0.5**2 / 2)


@pytest.mark.parametrize("kind", ["dcgan", "wgan-gp"])
def test_a_run_that_was_stopped_goes_on_exactly(kind: str) -> None:
    recipe = GanRecipe(**{**vars(SMALL), "kind": kind, "critic_steps": 2})
    with no_chance_from_outside("training does not use the global generator"):
        whole = list(train(pictures(), recipe))
    assert [state.epoch for state in whole] == [0, 1, 2]
    resumed = list(train(pictures(), recipe, resume=whole[1].tensors))
    assert [state.step for state in resumed] == [state.step for state in whole[1:]]
    assert whole[2].tensors.keys() == resumed[1].tensors.keys()
    assert torch.equal(weights(whole[2]), weights(resumed[1]))
    assert not torch.equal(weights(whole[1]), weights(whole[2]))
    assert whole[2].figures == resumed[1].figures


def test_the_seed_decides() -> None:
    one, same = (list(train(pictures(), SMALL))[-1] for _ in range(2))
    other = list(train(pictures(), GanRecipe(**{**vars(SMALL), "seed": 1})))[-1]
    assert torch.equal(weights(one), weights(same))
    assert not torch.equal(weights(one), weights(other))


def test_the_generator_that_comes_out_is_the_running_mean() -> None:
    """A step of decay r moves it (1 - r) of the way to what was learnt."""
    recipe = GanRecipe(**{**vars(SMALL), "batch": 12, "average": 0.05})
    before, after = list(train(pictures(), recipe))[:2]
    name = "rest.0.weight"
    old, new = before.tensors[f"mean.{name}"], after.tensors[f"maker.{name}"]
    keep = min(0.05, 1 / 11)
    expected = keep * old + (1 - keep) * new
    assert torch.allclose(after.generator.state_dict()[name], expected, atol=1e-7)
    assert not after.generator.training


@pytest.mark.parametrize("kind", ["dcgan", "wgan-gp"])
def test_a_generator_learns_which_half_is_dark(kind: str) -> None:
    """By 0.8, up to noise; where a player got the other's loss it would learn the contrary."""
    data = 0.1 + 0.1 * torch.rand(16, 3, 32, 32, generator=generator(0))
    data[..., 16:] += 0.7
    given = {"kind": kind, "epochs": 30, "batch": 8, "critic_steps": 1, "rate": 2e-3, "channels": 8}
    states = list(train(data, GanRecipe(**{**vars(SMALL), **given})))
    made = [sample(one.generator, 32) for one in (states[0], states[-1])]
    before, after = (float((x[..., 16:] - x[..., :16]).mean()) for x in made)
    assert abs(before) < 0.05
    assert after > 0.2


def test_settings_and_pictures_that_cannot_be_are_refused() -> None:
    with pytest.raises(UserError, match="kind: expected one of dcgan, wgan-gp, got 'gan'"):
        GanRecipe(kind="gan")  # type: ignore[arg-type]  # what is refused
    with pytest.raises(UserError, match="rate: expected above 0"):
        GanRecipe(rate=0.0)
    with pytest.raises(UserError, match="pictures: expected at least a batch, 4, got 3"):
        next(train(pictures(3), SMALL))
    with pytest.raises(UserError, match=r"pictures: expected shape \(N,3,32,32\)"):
        next(train(pictures()[:, :, :16], SMALL))
    other = GanRecipe(**{**vars(SMALL), "channels": 3})
    state = next(train(pictures(), SMALL))
    with pytest.raises(UserError, match="resume: expected a state of a training with these"):
        next(train(pictures(), other, resume=state.tensors))


def test_a_generator_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "generator.safetensors"
    made = list(train(pictures(), SMALL))[-1].generator
    save_generator(path, made)
    found = load_generator(path)
    assert torch.equal(sample(found, 6, seed=3), sample(made, 6, seed=3))
    assert not any(value.requires_grad for value in found.parameters())
    path.write_bytes(path.read_bytes()[:-9])
    for wrong in (path, tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(UserError, match="generator: expected a generator made by"):
            load_generator(wrong)


def test_a_generator_of_a_file_colours_a_sticker(tmp_path: Path) -> None:
    path = tmp_path / "generator.safetensors"
    save_generator(path, list(train(pictures(), SMALL))[-1].generator)
    found = load_generator(path)
    mask = candidates(StreetScene(sign("stop")).face(), Limits())["middle"]
    patch = Latent(mask, found, found.latent)
    check_patch(patch)
    theta = patch.start(generator(0)).requires_grad_()
    (slope,) = torch.autograd.grad(patch.touch(theta, 64).colour.sum(), theta)
    assert float(slope.abs().min()) > 0


def test_pictures_of_a_folder(tmp_path: Path) -> None:
    for part, colour in (("train", (255, 0, 0)), ("test", (0, 255, 0))):
        (tmp_path / part / "a").mkdir(parents=True)
        for name in ("1.png", "2.jpg"):
            Image.new("RGB", (40, 20), colour).save(tmp_path / part / "a" / name)
    found = read_pictures(tmp_path)
    assert found.shape == (2, 3, 32, 32)
    assert found[0, :, 5, 5].tolist() == [255, 0, 0]
    assert len(read_pictures(tmp_path / "test")) == 2
    with pytest.raises(UserError, match=r"data: expected a folder of at least 3 images"):
        read_pictures(tmp_path, least=3)
    (tmp_path / "train" / "bad.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"data: expected readable images, got .*bad\.png"):
        read_pictures(tmp_path)
    with pytest.raises(UserError, match="data: expected a folder of images"):
        read_pictures(tmp_path / "nothing")


def test_a_grid_holds_the_pictures_in_rows(tmp_path: Path) -> None:
    shades = torch.arange(6)[:, None, None, None] / 5 * torch.ones(6, 3, 4, 5)
    save_grid(tmp_path / "grid.png", shades, columns=3)
    with Image.open(tmp_path / "grid.png") as image:
        assert image.size == (15, 8)
        assert [image.getpixel((7, 2)), image.getpixel((12, 6))] == [(51,) * 3, (255,) * 3]


def test_weights_take_no_chance_from_outside() -> None:
    with no_chance_from_outside("weights do not use the global generator"):
        one, same = (seeded(Translator, 3, 4).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], same[name]) for name in one)
