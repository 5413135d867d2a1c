"""Certificates: linear programmes, closed forms, hand-computed intervals, and what points show."""

from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.optimize import linprog
from torch import Tensor, nn

from physadv.core import UserError, generator, wilson
from physadv.defences.certify import (
    Attacked,
    Certified,
    Method,
    certify,
    reachable,
    robust_loss,
)

METHODS: list[Method] = ["polytope", "interval", "both"]
Ends = tuple[np.ndarray, np.ndarray]


def drawn(net: nn.Sequential, seed: int) -> nn.Sequential:
    """Give a network weights of its own, in double precision, and statistics that are not 0, 1."""
    rng = generator(seed)
    for value in net.double().state_dict().values():
        if value.is_floating_point():
            scale = 1.4 / max(1, value[0].numel()) ** 0.5
            value.copy_(torch.randn(value.shape, generator=rng, dtype=torch.float64) * scale)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d) and part.running_var is not None:
            part.running_var.abs_().add_(0.5)
    return net.eval()


def mlp(seed: int = 0) -> nn.Sequential:
    parts = [nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 8), nn.ReLU(), nn.Linear(8, 4)]
    return drawn(nn.Sequential(*parts), seed)


def conv(seed: int = 0) -> nn.Sequential:
    first = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU())
    second = [nn.Conv2d(2, 3, 2, stride=2, groups=1), nn.Identity(), nn.ReLU(), nn.AvgPool2d(2)]
    return drawn(nn.Sequential(first, *second, nn.Flatten(), nn.Dropout(), nn.Linear(3, 4)), seed)


def points(net: nn.Sequential, n: int = 3, seed: int = 1) -> tuple[Tensor, Tensor]:
    shape = (6,) if isinstance(net[0], nn.Linear) else (1, 4, 4)
    images = torch.rand(n, *shape, generator=generator(seed), dtype=torch.float64)
    return images, torch.randint(4, (n,), generator=generator(seed + 1))


NETS = [mlp(0), mlp(1), conv(0), conv(1)]


def matrices(net: nn.Sequential, shape: torch.Size) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (W, b) of what is between ReLUs, from what it does to unit vectors."""
    flat = [one for part in net for one in (part if isinstance(part, nn.Sequential) else [part])]
    cuts = [-1, *(k for k, one in enumerate(flat) if isinstance(one, nn.ReLU)), len(flat)]
    found = []
    for begin, end in pairwise(cuts):
        part = nn.Sequential(*flat[begin + 1 : end])
        size = shape.numel()
        with torch.no_grad():
            bias = part(torch.zeros(1, *shape, dtype=torch.float64))
            unit = part(torch.eye(size, dtype=torch.float64).reshape(size, *shape)) - bias
        found.append((unit.flatten(1).T.numpy(), bias.flatten().numpy()))
        shape = bias.shape[1:]
    return found


class Programme:
    """Least values over the relaxed network as a linear programme of all its neurons.

    `lower` of an undecided ReLU is "alpha", z >= u / (u - l) x, the relaxation that the paper's
    dual point solves exactly, or "triangle", z >= 0 and z >= x, the paper's equation 4.
    """

    def __init__(
        self, steps: list[tuple[np.ndarray, np.ndarray]], box: Ends, before: list[Ends], lower: str
    ) -> None:
        self.sizes = [len(box[0])]
        for weight, _ in steps[:-1]:
            self.sizes += [len(weight)] * 2
        self.sizes.append(len(steps[-1][0]))
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)])
        self.equal: list[tuple[np.ndarray, float]] = []
        self.below: list[tuple[np.ndarray, float]] = []
        self.bounds = [*zip(*box, strict=True)] + [(None, None)] * (self.starts[-1] - len(box[0]))
        for place, (weight, bias) in enumerate(steps):
            for row, (line, constant) in enumerate(zip(weight, bias, strict=True)):
                entry = self._row(2 * place + 1, row, 1.0)
                begin = self.starts[2 * place]
                entry[begin : begin + len(line)] -= line
                self.equal.append((entry, constant))
        for place, (low, high) in enumerate(before):
            for row, ends in enumerate(zip(low, high, strict=True)):
                self._relu(2 * place + 1, row, ends, lower)

    def _row(self, block: int, row: int, value: float) -> np.ndarray:
        entry = np.zeros(self.starts[-1])
        entry[self.starts[block] + row] = value
        return entry

    def _relu(self, block: int, row: int, ends: tuple[float, float], lower: str) -> None:
        low, high = ends
        into, out = self._row(block, row, 1.0), self._row(block + 1, row, 1.0)
        if high <= 0:
            self.equal.append((out, 0.0))
        elif low >= 0:
            self.equal.append((out - into, 0.0))
        else:
            alpha = high / (high - low)
            self.below.append((out - alpha * into, -alpha * low))
            slopes = [alpha] if lower == "alpha" else [0.0, 1.0]
            self.below += [(slope * into - out, 0.0) for slope in slopes]

    def least(self, block: int, wanted: np.ndarray) -> float:
        goal = np.zeros(self.starts[-1])
        goal[self.starts[block] : self.starts[block] + len(wanted)] = wanted
        rows = {}
        for name, given in (("eq", self.equal), ("ub", self.below)):
            if given:
                rows[f"A_{name}"] = np.stack([row for row, _ in given])
                rows[f"b_{name}"] = np.array([value for _, value in given])
        found = linprog(goal, bounds=self.bounds, **rows)
        assert found.success
        return float(found.fun)


def programme(net: nn.Sequential, image: Tensor, eps: float, lower: str) -> Programme:
    """Return the programme with the very bounds of the ReLUs' inputs that the polytope has."""
    *before, _ = reachable(net, image, eps, method="polytope", within=None)
    flat = [
        (low.detach().flatten().numpy(), high.detach().flatten().numpy()) for low, high in before
    ]
    box = (image - eps).flatten().numpy(), (image + eps).flatten().numpy()
    return Programme(matrices(net, image.shape[1:]), box, flat, lower)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("eps", [0.03, 0.2])
def test_the_dual_is_the_optimum_of_its_own_relaxation(net: nn.Sequential, eps: float) -> None:
    images, labels = points(net)
    found = certify(net, images, labels, eps, method="polytope", within=None)
    for k, label in enumerate(labels.tolist()):
        ours = programme(net, images[k : k + 1], eps, "alpha")
        whole = programme(net, images[k : k + 1], eps, "triangle")
        for other in range(4):
            wanted = np.eye(4)[label] - np.eye(4)[other]
            margin = float(found.margins[k, other])
            assert abs(ours.least(len(ours.sizes) - 1, wanted) - margin) < 1e-6
            assert whole.least(len(whole.sizes) - 1, wanted) >= margin - 1e-6


@pytest.mark.parametrize("net", NETS[:1])
def test_bounds_of_each_neuron_are_the_programmes(net: nn.Sequential) -> None:
    image, eps = points(net, 1)[0], 0.2
    bounds, lp = reachable(net, image, eps, method="polytope", within=None), programme
    for place, (low, high) in enumerate(bounds):
        known = lp(net, image, eps, "alpha")
        for row in range(low.shape[1]):
            one = np.eye(low.shape[1])[row]
            assert abs(known.least(2 * place + 1, one) - low[0, row].item()) < 1e-6
            assert abs(-known.least(2 * place + 1, -one) - high[0, row].item()) < 1e-6


def attacked(net: nn.Sequential, image: Tensor, label: int, eps: float, seed: int) -> Tensor:
    """Return the least margins (K,) of 10,000 points and corners, and of descents from many."""
    rng = generator(seed)
    low, high = (image - eps).clamp(0, 1), (image + eps).clamp(0, 1)
    share = torch.rand(10_000, *image.shape[1:], generator=rng, dtype=torch.float64)
    share[5000:] = share[5000:].round()
    found = [_margins(net, low + share * (high - low), label)]
    for other in set(range(4)) - {label}:
        point = low + share[4950:5050] * (high - low)
        for step in range(40):
            point.requires_grad_()
            (slope,) = torch.autograd.grad(_margins(net, point, label)[:, other].sum(), point)
            moved = point.detach() - slope.sign() * 2 * eps / (step + 2)
            point = torch.minimum(torch.maximum(moved, low), high)
        found.append(_margins(net, point, label))
    return torch.cat(found).amin(dim=0).detach()


def _margins(net: nn.Sequential, point: Tensor, label: int) -> Tensor:
    scores: Tensor = net(point)
    return scores[:, label : label + 1] - scores


@pytest.mark.parametrize("net", NETS)
def test_no_point_of_the_ball_is_below_the_bounds(net: nn.Sequential) -> None:
    for seed in range(3):
        (image, labels), eps = points(net, 1, seed), 0.1
        worst = attacked(net, image, int(labels), eps, seed)
        best = certify(net, image, labels, eps).margins[0]
        each = [certify(net, image, labels, eps, method=one).margins[0] for one in METHODS[:2]]
        assert (best <= worst + 1e-9).all()
        assert all((one <= best).all() for one in each)
        assert (worst - best).max() < 10 * (worst.abs().max() + 1)  # a bound that says something


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("net", NETS)
def test_without_a_ball_the_margins_are_exact(net: nn.Sequential, method: Method) -> None:
    images, labels = points(net)
    scores = net(images)
    margins = scores.gather(1, labels[:, None]) - scores
    found = certify(net, images, labels, 0.0, method=method)
    assert torch.allclose(found.margins, margins, atol=1e-12)
    assert torch.equal(found.holds, scores.argmax(1) == labels)


@pytest.mark.parametrize("method", METHODS)
def test_a_linear_network_is_exact(method: Method) -> None:
    net, eps = drawn(nn.Sequential(nn.Flatten(), nn.Linear(16, 4)), 3), 0.07
    images, labels = points(net)
    last, scores = net[1], net(images)
    assert isinstance(last, nn.Linear)
    weight = last.weight
    rows = weight[labels][:, None] - weight[None]
    exact = scores.gather(1, labels[:, None]) - scores - eps * rows.abs().sum(2)
    found = certify(net, images, labels, eps, method=method, within=None)
    assert torch.allclose(found.margins, exact, atol=1e-12)
    inside = certify(net, images, labels, eps, method=method).margins
    ends = (images - eps).clamp(0, 1).flatten(1), (images + eps).clamp(0, 1).flatten(1)
    worst = torch.where(rows > 0, ends[0][:, None], ends[1][:, None])
    exact = (rows * worst).sum(2) + last.bias[labels][:, None] - last.bias
    assert torch.allclose(inside, exact, atol=1e-12)


def test_intervals_by_hand() -> None:
    """Take x in [0.5, 1.5], y in [-0.5, 0.5]: 2x - y in [0.5, 3.5], 1 - x + y in [-1, 1]."""
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    first, last = net[0], net[2]
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[2.0, -1.0], [-1.0, 1.0]]))
        first.bias.copy_(torch.tensor([0.0, 1.0]))
        last.weight.copy_(torch.tensor([[1.0, -1.0], [-2.0, 1.0]]))
        last.bias.copy_(torch.tensor([0.0, 0.5]))
    image = torch.tensor([[1.0, 0.0]])
    hidden, scores = reachable(net, image, 0.5, method="interval", within=None)
    assert [one.tolist() for one in hidden] == [[[0.5, -1.0]], [[3.5, 1.0]]]
    assert [one.tolist() for one in scores] == [[[-0.5, -6.5]], [[3.5, 0.5]]]
    found = certify(net, image, torch.tensor([0]), 0.5, method="interval", within=None)
    # 3 a - 2 b - 0.5 is least at a = 0.5, b = 1; apart the scores would give -1
    assert found.margins.tolist() == [[0.0, -1.0]]


@pytest.mark.parametrize("method", METHODS)
def test_slopes_of_the_robust_loss(method: Method) -> None:
    net = mlp(4)
    images, labels = points(net)
    weights = list(net.parameters())

    def loss() -> Tensor:
        return robust_loss(net, images, labels, 0.1, method=method).sum()

    slopes = torch.autograd.grad(loss(), weights)
    for weight, slope in zip(weights, slopes, strict=True):
        way = torch.randn(weight.shape, generator=generator(6), dtype=torch.float64)
        ends = []
        for step in (1e-6, -2e-6):
            with torch.no_grad():
                weight.add_(step * way)
                ends.append(float(loss()))
        with torch.no_grad():
            weight.add_(1e-6 * way)
        assert abs((ends[0] - ends[1]) / 2e-6 - float((slope * way).sum())) < 1e-5


def test_the_robust_loss_is_above_any_points() -> None:
    net = conv(2)
    images, labels = points(net)
    worst = robust_loss(net, images, labels, 0.05)
    for seed in range(20):
        noise = torch.rand(images.shape, generator=generator(seed), dtype=torch.float64) - 0.5
        near = (images + 0.1 * noise.sign() * noise.abs().ceil() / 2).clamp(0, 1)
        assert (F.cross_entropy(net(near), labels, reduction="none") <= worst + 1e-9).all()


def test_a_batch_is_its_images_one_by_one() -> None:
    net = conv(0)
    images, labels = points(net, 60)
    whole = certify(net, images, labels, 0.1).margins
    each = [certify(net, images[k][None], labels[k][None], 0.1).margins for k in (0, 31, 59)]
    assert torch.allclose(torch.cat(each), whole[[0, 31, 59]], atol=1e-9)


def test_a_certificate_counts_what_holds_and_not_what_was_attacked() -> None:
    net = mlp(0)
    images, labels = points(net, 40)
    proof = certify(net, images, labels, 0.01)
    told = proof.count()
    assert told.verified == wilson(int(proof.holds.sum()), 40)
    assert told.error == wilson(40 - int(proof.holds.sum()), 40)
    assert str(told).startswith("certified error, Linf 0.01 in [0,1], by both: at most ")
    found = Attacked(wilson(3, 40), "PGD", "Linf 0.01 in [0,1]")
    assert str(found).startswith("empirical error, Linf 0.01 in [0,1], by PGD: at least ")
    assert set(vars(told)) & set(vars(found)) == {"by", "threat"}
    assert isinstance(told, Certified)


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (nn.Sigmoid(), "Sigmoid at 1.0"),
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"), "Conv2d at 1.0"),
        (nn.BatchNorm2d(1, track_running_stats=False), "BatchNorm2d at 1.0"),
        (nn.MaxPool2d(2), "MaxPool2d at 1.0"),
        (nn.Flatten(0), "Flatten at 1.0"),
    ],
)
def test_other_layers_are_refused_by_name(layer: nn.Module, told: str) -> None:
    net = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Sequential(layer), nn.Flatten())
    with pytest.raises(UserError, match=told):
        certify(net, torch.zeros(1, 1, 4, 4), torch.tensor([0]), 0.1)


def test_bad_input_is_refused() -> None:
    net = mlp(0)
    images, labels = points(net)
    for wrong in ({"eps": -0.1}, {"method": "lp"}, {"images": images + 1}, {"labels": labels[:1]}):
        given = {"images": images, "labels": labels, "eps": 0.1, "method": "both"} | wrong
        with pytest.raises(UserError, match=next(iter(wrong))):
            certify(net, **given)  # type: ignore[arg-type]  # wrong on purpose
