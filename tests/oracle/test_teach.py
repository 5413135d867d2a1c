"""Teaching any classifier: by hand, step by step, on a linear network; what it leaves as it was."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from physadv.core import UserError, generator, spawn
from physadv.training.robust import (
    Fast,
    Free,
    Method,
    Mix,
    PatchTraining,
    Pgd,
    Physical,
    Pool,
    Schooling,
    Student,
    Teacher,
    Trades,
    teach,
)

METHODS: list[Method] = [
    Fast(0.1),
    Free(0.1, 2),
    Mix(0.1),
    PatchTraining(steps=2),
    Pgd(0.1, 2),
    Physical(),
    Pool(8, 2, rounds=2, steps=3),
    Teacher(5.0),
    Trades(0.1, steps=2),
]


def network(channels: int = 1, size: tuple[int, int] = (6, 9)) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(channels, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Flatten(),
            nn.Linear(4 * size[0] * size[1], 3),
        )


def pictures(channels: int = 1, size: tuple[int, int] = (6, 9), n: int = 25) -> Any:
    rng = generator(1)
    return torch.rand(n, channels, *size, generator=rng), torch.randint(3, (n,), generator=rng)


def adam(net: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(net.parameters(), 0.01)


def test_an_epoch_is_steepest_descent_in_its_own_order() -> None:
    """By hand: softmax regression, whole batches alone, each epoch in another order."""
    images, labels = pictures(n=11)
    linear = nn.Linear(54, 3).requires_grad_()
    net = nn.Sequential(nn.Flatten(), linear)
    weight, bias = (one.detach().clone() for one in (linear.weight, linear.bias))
    recipe = Schooling(epochs=2, batch=4, seed=3)
    losses = list(
        teach(net, images, labels, Physical(), torch.optim.SGD(net.parameters(), 0.5), recipe)
    )
    assert len(losses) == 4  # 11 images are two whole batches of 4
    for epoch in range(2):
        rng = generator(spawn(3, "epoch", epoch))
        for rows in torch.randperm(11, generator=rng).split(4)[:2]:
            x, y = images[rows].flatten(1), labels[rows]
            wrong = ((x @ weight.T + bias).softmax(1) - torch.eye(3)[y]) / 4
            weight, bias = weight - 0.5 * wrong.T @ x, bias - 0.5 * wrong.sum(dim=0)
    assert torch.allclose(linear.weight, weight, atol=1e-5)
    assert torch.allclose(linear.bias, bias, atol=1e-5)


@pytest.mark.parametrize("method", METHODS, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize(("channels", "size"), [(1, (6, 9)), (3, (8, 5))])
def test_every_method_teaches_every_size(
    method: Method, channels: int, size: tuple[int, int]
) -> None:
    images, labels = pictures(channels, size)
    ends = []
    for _ in range(2):
        net = network(channels, size).train()
        net[1].eval()
        before = [one.clone() for one in net.parameters()]
        recipe = Schooling(epochs=1, batch=10)
        assert len(list(teach(net, images, labels, method, adam(net), recipe))) == 2
        assert [part.training for part in net] == [True, False, True, True, True, True]
        assert all(one.requires_grad for one in net.parameters())
        assert not any(map(torch.equal, before, net.parameters()))
        ends.append(torch.cat([one.detach().flatten() for one in net.parameters()]))
    assert torch.equal(*ends)


def test_a_student_learns_without_labels() -> None:
    images, labels = pictures()
    teacher, pupil = network(), network()
    for one in pupil.parameters():
        one.data.mul_(0.5)
    before = [one.clone() for one in teacher.parameters()]
    recipe = Schooling(epochs=40, batch=25)

    def apart() -> Tensor:
        with torch.no_grad():
            scores = [net.eval()(images).log_softmax(dim=1) for net in (teacher, pupil)]
        gap: Tensor = (scores[0] - scores[1]).abs().mean()
        return gap

    first = apart()
    for _ in teach(pupil, images, 0 * labels, Student(teacher, 2.0), adam(pupil), recipe):
        pass
    assert apart() < 0.5 * first
    assert all(map(torch.equal, before, teacher.parameters()))


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (torch.zeros(4, 54), torch.zeros(4).long(), r"images: expected images \(N,C,h,w\)"),
        (torch.zeros(0, 1, 6, 9), torch.zeros(0).long(), r"images: expected images \(N,C,h,w\)"),
        (255 * torch.ones(4, 1, 6, 9), torch.zeros(4).long(), r"values in \[0,1\], got 255 to 255"),
        (torch.zeros(4, 1, 6, 9), torch.zeros(3).long(), r"one class an image, \(4,\)"),
    ],
)
def test_what_cannot_be_taught_is_refused(images: Tensor, labels: Tensor, message: str) -> None:
    net = network()
    with pytest.raises(UserError, match=message):
        next(teach(net, images, labels, Physical(), adam(net), Schooling()))


def test_settings_and_pictures_without_room_are_refused() -> None:
    with pytest.raises(UserError, match="epochs: expected at least 1"):
        Schooling(epochs=0)
    images, labels = pictures(size=(2, 2))
    net = network(size=(2, 2))
    with pytest.raises(UserError, match=r"images: expected room for a patch .* got 2x2 px"):
        next(teach(net, images, labels, PatchTraining(), adam(net), Schooling()))
