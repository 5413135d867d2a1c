"""MagNet, Defense-GAN, APE-GAN and SafetyNet against closed forms, scipy, scikit-learn, attacks."""

from math import inf, sqrt
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from sklearn.svm import SVC
from torch import Tensor, nn

from physadv.attacks.digital import PGD, Rows
from physadv.core import Encoded, UserError, generator
from physadv.defences import (
    APEGAN,
    Defended,
    DefenseGAN,
    MagNet,
    Reconstruction,
    SafetyNet,
)
from physadv.defences.magnet import divergence
from physadv.defences.safety_net import code, decide
from physadv.generative import Autoencoder, Restorer, load_network, save_network, seeded
from physadv.objectives import margin, untargeted
from physadv.training import (
    APEGANRecipe,
    AutoencoderRecipe,
    SafetyNetRecipe,
    attacked_images,
    train_ape_gan,
    train_autoencoder,
    train_safety_net,
)
from physadv.training.ape_gan import ape_loss
from physadv.training.svm import fit_svm
from physadv.victims import Classifier
from tests.victims import LinearNetwork, linear_victim, small_victim

SIDE = 8
VALUES = 3 * SIDE * SIDE


def some(n: int = 4, size: tuple[int, int] = (SIDE, SIDE), seed: int = 0) -> Encoded:
    return Encoded(torch.rand(n, 3, *size, generator=generator(seed)))


def middling(n: int, seed: int = 0) -> Encoded:
    """Images far from black and white, so that changes are not cut off."""
    return Encoded(0.3 + 0.4 * some(n, seed=seed))


class Plane(nn.Module):
    """The linear generator G(z) = 1/2 + z A, A with orthonormal rows, for images of 8x8 px."""

    def __init__(self, latent: int = 6, seed: int = 0) -> None:
        super().__init__()
        drawn = torch.randn(VALUES, latent, generator=generator(seed))
        self.rows = nn.Parameter(torch.linalg.qr(drawn).Q.T.contiguous())

    def forward(self, latents: Tensor) -> Tensor:
        return 0.5 + (latents @ self.rows).reshape(-1, 3, SIDE, SIDE)


class OntoPlane(nn.Module):
    """The nearest image on a plane: an autoencoder as good as can be."""

    def __init__(self, plane: Plane) -> None:
        super().__init__()
        self.plane = plane

    def forward(self, images: Tensor) -> Tensor:
        latents: Tensor = (images - 0.5).flatten(1) @ self.plane.rows.T
        made: Tensor = self.plane(latents)
        return made


def projected(plane: Plane, images: Tensor) -> Tensor:
    """Return the least-squares latents (N,latent), by numpy."""
    wanted = (images - 0.5).flatten(1).numpy().T
    rows = plane.rows.detach().numpy().T
    return torch.from_numpy(np.linalg.lstsq(rows, wanted, rcond=None)[0].T)


def count(made: Defended, images: Encoded, labels: Tensor) -> int:
    """Count the images that a defended victim misreads and does not reject."""
    with torch.no_grad():
        best = made(images).best
    return int(((best != labels) & (best < len(made.undefended.labels))).sum())


def both(made: Defended, images: Encoded, eps: float, steps: int = 25) -> tuple[int, int]:
    """Return successes of an attack on the victim within, shown to it, and of one through it."""
    victim = made.undefended
    with torch.no_grad():
        rows = Rows(labels=made.undefended(images).best)
    assert rows.labels is not None
    refuses = len(made.labels) > len(victim.labels)
    never = (len(victim.labels),) if refuses else ()
    attack = PGD(inf, eps, steps=steps)
    blind = attack(victim, images, untargeted(margin), rows=rows)
    knowing = attack(made, images, untargeted(margin, never=never), rows=rows)
    return count(made, blind, rows.labels), count(made, knowing, rows.labels)


@pytest.mark.parametrize("temperature", [1.0, 10.0])
def test_the_divergence_is_scipys(temperature: float) -> None:
    scores, others = 5 * torch.randn(2, 50, 7, generator=generator(0), dtype=torch.float64)
    scores, others = scores / temperature, others / temperature
    pair = scores.softmax(dim=1).numpy(), others.softmax(dim=1).numpy()
    theirs = jensenshannon(*pair, axis=1) ** 2
    assert np.allclose(divergence(scores, others).numpy(), theirs, atol=1e-12)


def test_distances_to_a_reconstruction() -> None:
    victim, images, plane = linear_victim(), some(), Plane()
    net = OntoPlane(plane)
    made = plane(projected(plane, images)).detach().numpy()
    apart = (images.numpy() - made).reshape(4, -1)
    l1 = Reconstruction(net, "l1").distance(victim, images).detach().numpy()
    l2 = Reconstruction(net, "l2").distance(victim, images).detach().numpy()
    assert np.allclose(l1, np.abs(apart).mean(axis=1), atol=1e-5)
    assert np.allclose(l2, np.linalg.norm(apart, axis=1) / sqrt(VALUES), atol=1e-5)


def test_thresholds_hold_the_share_of_false_alarms_on_other_images() -> None:
    """Each detector's rate on 2000 images is within 4 standard errors of what was asked for.

    The error is that of the rate and of the quantile, both of 2000 images.
    """
    victim, net, share = linear_victim(), OntoPlane(Plane()), 0.05
    detectors = (Reconstruction(net, "l1"), Reconstruction(net, "jsd", 20.0))
    fitted = MagNet(net, detectors).fitted(victim, some(2000), share)
    others = some(2000, seed=1)
    error = sqrt(2 * share * (1 - share) / 2000)
    for one in fitted.detectors:
        rate = float((one.distance(victim, others) > one.threshold).float().mean())
        assert abs(rate - share) < 4 * error
    rejected = fitted(victim)(others).best == len(victim.labels)
    alarms = fitted.suspicion(victim, others) > 0
    assert torch.equal(rejected, alarms)
    assert share / 2 < float(rejected.float().mean()) < 2.5 * share


def test_what_is_not_rejected_is_answered_for_the_reformed_image() -> None:
    victim, images, net = linear_victim(), some(), OntoPlane(Plane())
    made = MagNet(net, ())(victim)
    with torch.no_grad():
        told, theirs = made(images).scores, victim(Encoded(net(images).clamp(0, 1))).scores
    assert torch.allclose(told[:, :-1], theirs, atol=1e-6)
    assert bool((told.argmax(dim=1) < len(victim.labels)).all())


def test_magnet_falls_to_an_attack_through_it() -> None:
    """A blind change leaves the plane: it is undone or rejected; one that knows stays near it."""
    plane = Plane(64)
    net, victim = OntoPlane(plane), linear_victim(seed=3)
    latents = 0.5 * torch.randn(60, 64, generator=generator(2))
    images = Encoded((plane(latents).detach() + 0.005 * (some(60) - 0.5)).clamp(0, 1))
    detectors = (Reconstruction(net, "l2"), Reconstruction(net, "jsd"))
    fitted = MagNet(net, detectors).fitted(victim, images, 0.1)
    blind, knowing = both(fitted(victim), images, 0.06)
    assert blind <= 5
    assert knowing >= 30


def test_defense_gan_finds_the_latent_of_a_linear_generators_image() -> None:
    plane = Plane()
    latents = 0.3 * torch.randn(5, 6, generator=generator(1))
    images = Encoded(plane(latents).detach())
    how = DefenseGAN(plane, 6, steps=80, restarts=2, rate=0.2 * VALUES)
    found = how.descend(images, torch.zeros(5, 6))
    assert torch.allclose(found, latents, atol=1e-4)
    assert torch.allclose(how.project(images, generator(0)), images, atol=1e-4)


def test_defense_gan_projects_by_least_squares() -> None:
    plane, images = Plane(), middling(5)
    how = DefenseGAN(plane, 6, steps=80, restarts=1, rate=0.2 * VALUES)
    nearest = plane(projected(plane, images)).detach()
    assert torch.allclose(how.project(images, generator(0)), nearest, atol=1e-4)


def test_steps_are_those_of_descent_with_momentum() -> None:
    """For orthonormal rows each step is in closed form: the gradient is 2 (z - z*) / values."""
    plane, images = Plane(), middling(3)
    how = DefenseGAN(plane, 6, steps=7, restarts=1, rate=20.0, momentum=0.6)
    begun = torch.randn(3, 6, generator=generator(4))
    wanted, point, moved = projected(plane, images), begun, torch.zeros(3, 6)
    for _ in range(7):
        moved = 0.6 * moved + 2 * (point - wanted) / VALUES
        point = point - 20.0 * moved
    assert torch.allclose(how.descend(images, begun), point, atol=1e-5)


def test_the_nearest_of_the_restarts_is_taken() -> None:
    plane, images = Plane(), middling(4)
    how = DefenseGAN(plane, 6, steps=1, restarts=8, rate=1e-6)
    drawn = torch.randn(4, 8, 6, generator=generator(9))
    with torch.no_grad():
        each = plane(drawn.flatten(0, 1)).reshape(4, 8, -1)
        best = (each - images.flatten(1)[:, None]).square().sum(dim=2).argmin(dim=1)
        nearest = plane(drawn[torch.arange(4), best]).clamp(0, 1)
    assert torch.allclose(how.project(images, generator(9)), nearest, atol=1e-4)


def test_slopes_through_the_projection() -> None:
    """Straight: the weights themselves. Unrolled, once converged: their projection on the plane."""
    plane, weights = Plane(), torch.randn(2, 3, SIDE, SIDE, generator=generator(5))
    onto = (weights.flatten(1) @ plane.rows.T @ plane.rows).detach().reshape(weights.shape)
    for slope, theirs in (("straight", weights), ("unrolled", onto)):
        how = DefenseGAN(plane, 6, steps=80, restarts=1, rate=0.2 * VALUES, slope=slope)
        point = (0.5 + 0.1 * middling(2)).requires_grad_()
        (found,) = torch.autograd.grad(
            (how.project(Encoded(point), generator(0)) * weights).sum(), point
        )
        assert torch.allclose(found, theirs, atol=1e-4)


def test_defense_gan_falls_to_an_attack_through_it() -> None:
    """For a linear victim w and a projection P a blind attack moves the margin by eps w P sign(w).

    One that knows moves it by eps |P w|_1, which is more.
    """
    plane = Plane(24)
    latents = 0.5 * torch.randn(60, 24, generator=generator(2))
    images = Encoded(plane(latents).detach().clamp(0, 1))
    how = DefenseGAN(
        plane, 24, steps=12, restarts=1, rate=0.4 * VALUES, momentum=0.1, slope="unrolled"
    )
    blind, knowing = both(how(linear_victim(seed=3)), images, 0.04, steps=15)
    assert knowing >= blind + 6


def test_the_loss_of_ape_gan_is_the_papers() -> None:
    rng = np.random.default_rng(0)
    made, clean = rng.random((2, 4, 3, 5, 6))
    told = rng.normal(size=4)
    error = sum((made.ravel()[k] - clean.ravel()[k]) ** 2 for k in range(made.size)) / made.size
    sure = sum(-np.log(1 / (1 + np.exp(-score))) for score in told) / 4
    of = torch.from_numpy
    loss = ape_loss(of(made), of(clean), of(told), APEGANRecipe(error_weight=0.7, gan_weight=0.3))
    assert float(loss) == pytest.approx(0.7 * error + 0.3 * sure, rel=1e-9)


def test_ape_gan_restores_what_it_was_taught_and_falls_to_an_attack_through_it() -> None:
    """Images of four fields each: after training most of the change is gone."""
    victim = linear_victim(seed=1)
    fields = 0.3 + 0.4 * some(48, (2, 2)).round()
    clean = Encoded(fields.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3))
    with torch.no_grad():
        labels = victim(clean).best
    attacked = attacked_images(victim, clean, labels, PGD(inf, 0.3, steps=3), batch=20)
    assert float((attacked - clean).abs().max()) <= 0.3 + 1e-6
    recipe = APEGANRecipe(steps=60, batch=8, channels=4, rate=1e-2, gan_weight=1e-3)
    net = train_ape_gan(clean, attacked, recipe)
    with torch.no_grad():
        restored = (net(attacked) + 1) / 2
    left = float((restored - clean).square().mean() / (attacked - clean).square().mean())
    assert left < 0.5
    blind, knowing = both(APEGAN(net)(victim), clean, 0.3, steps=15)
    assert knowing > blind + 10


def test_a_translator_before_the_victim() -> None:
    victim, net, images = small_victim(), seeded(Restorer, 0, 4), some(3, (12, 16))
    with torch.no_grad():
        theirs = victim(Encoded((net.eval()(images) + 1) / 2)).scores
        assert torch.allclose(APEGAN(net)(victim)(images).scores, theirs, atol=1e-6)


def clouds(n: int = 80, width: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    signs = np.repeat([-1.0, 1.0], n // 2)
    return rng.normal(size=(n, width)) + 0.6 * signs[:, None], signs


@pytest.mark.parametrize("cost", [0.3, 1.0, 50.0])
def test_the_machine_is_scikit_learns(cost: float) -> None:
    vectors, signs = clouds()
    theirs = SVC(C=cost, gamma=0.2, tol=1e-8).fit(vectors, signs)
    weights, bias = fit_svm(vectors, signs, gamma=0.2, cost=cost, tolerance=1e-7)
    others = np.random.default_rng(1).normal(size=(50, 6))
    of = torch.from_numpy
    decided = (decide(of(others), of(vectors), of(weights), 0.2) + bias).numpy()
    assert np.allclose(decided, theirs.decision_function(others), atol=1e-4)
    assert abs(weights.sum()) < 1e-9
    assert np.abs(weights).max() <= cost


def test_codes_are_counts_of_levels_with_a_logistic_slope() -> None:
    values = torch.tensor([[0.0, 0.15, 0.6, 2.0]], dtype=torch.float64).requires_grad_()
    levels = torch.tensor([0.1, 0.5, 1.0], dtype=torch.float64)
    found = code(values, levels, 0.2)
    assert torch.allclose(found, torch.tensor([[0, 1 / 3, 2 / 3, 1]], dtype=torch.float64))
    (slope,) = torch.autograd.grad(found.sum(), values)
    s = 1 / (1 + np.exp(-(values.detach().numpy()[0][:, None] - levels.numpy()) / 0.2))
    assert np.allclose(slope[0].numpy(), (s * (1 - s) / 0.2).mean(axis=1))


def layered(seed: int = 0) -> Classifier:
    """Return a victim with a layer of 40 rectified sums and a linear one on them."""
    rng = generator(seed)
    first = LinearNetwork(
        torch.randn(40, 3, SIDE, SIDE, generator=rng) / 4, torch.randn(40, generator=rng)
    )
    last = nn.Linear(40, 4)
    with torch.no_grad():
        last.weight.copy_(torch.randn(4, 40, generator=rng))
    net = nn.Sequential(first, nn.ReLU(), last)
    return Classifier(net, list("abcd"), size_px=SIDE, name="layered")


def taught_net() -> tuple[SafetyNet, Classifier]:
    victim, clean = layered(), middling(150)
    with torch.no_grad():
        labels = victim(clean).best
    attacked = attacked_images(victim, clean, labels, PGD(inf, 0.08, steps=10))
    made = train_safety_net(victim, clean, attacked, layer="1", recipe=SafetyNetRecipe(3))
    return made.fitted(victim, middling(300, seed=7), 0.05), victim


def test_safety_net_catches_what_it_learnt_and_falls_to_an_attack_through_it(
    tmp_path: Path,
) -> None:
    made, victim = taught_net()
    guarded, clean = made(victim), middling(100, seed=8)
    rejected = guarded.label("rejected")
    with torch.no_grad():
        labels = victim(clean).best
        alarms = int((guarded(clean).best == rejected).sum())
    attacked = attacked_images(victim, clean, labels, PGD(inf, 0.08, steps=10))
    with torch.no_grad():
        caught = int((guarded(attacked).best == rejected).sum())
    assert alarms <= 15  # 5 % of 100, by 4 standard errors
    assert caught > 5 * alarms
    blind, knowing = both(guarded, clean, 0.08)
    assert knowing > blind
    made.save(tmp_path / "net.safetensors")
    again = SafetyNet.load(tmp_path / "net.safetensors")(victim)
    assert torch.equal(again(clean).scores, guarded(clean).scores)
    assert again.digest() == guarded.digest()


def test_an_autoencoder_learns_is_the_same_again_and_comes_back_from_a_file(
    tmp_path: Path,
) -> None:
    """On images of one tone each it is far better than the best single image, their mean."""
    tones = torch.rand(64, 3, 1, 1, generator=generator(0))
    images = Encoded(tones.expand(-1, -1, SIDE, SIDE).contiguous())
    recipe = AutoencoderRecipe(steps=300, batch=8, channels=8, rate=3e-2)
    made = train_autoencoder(images, recipe)
    short = AutoencoderRecipe(steps=3, batch=8, channels=2)
    first, again = (train_autoencoder(images, short) for _ in range(2))
    with torch.no_grad():
        error = float((made(images) - images).square().mean())
        assert torch.equal(first(images), again(images))
    assert error < 0.1 * float((images - images.mean(dim=0)).square().mean())
    save_network(tmp_path / "net.safetensors", made)
    back = load_network(tmp_path / "net.safetensors")
    assert isinstance(back, Autoencoder)
    assert torch.equal(back(images), made(images))


@pytest.mark.parametrize("halved", [False, True])
def test_an_autoencoder_takes_odd_sizes(halved: bool) -> None:
    net = seeded(Autoencoder, 0, 4, halved=halved)
    assert net(some(2, (9, 11))).shape == (2, 3, 9, 11)


def test_training_refuses_what_cannot_be(tmp_path: Path) -> None:
    images, recipe = some(), APEGANRecipe(steps=1, batch=2)
    with pytest.raises(UserError, match=r"attacked: expected shape \(4, 3, 8, 8\), as clean"):
        train_ape_gan(images, Encoded(images[:2]), recipe)
    with pytest.raises(UserError, match="signs: expected both 1 and -1"):
        fit_svm(np.zeros((3, 2)), np.ones(3), gamma=1.0)
    with pytest.raises(UserError, match="noise: expected 0 or more"):
        AutoencoderRecipe(noise=-1.0)
    with pytest.raises(UserError, match="a network that save_network wrote, got no "):
        load_network(tmp_path / "none.safetensors")
    with pytest.raises(UserError, match="safety net: expected a file that"):
        SafetyNet.load(tmp_path / "none.safetensors")
