"""Defences against patches: slow references, and every place of a patch with many contents."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation, binary_erosion
from torch import Tensor

from physadv.attacks.digital import PGD, Rows
from physadv.core import Answer, Encoded, generator
from physadv.defences import (
    DerandomizedSmoothing,
    LocalGradientsSmoothing,
    PatchCleanser,
    SaliencyMasking,
)
from physadv.defences.patch.cleanser import covering, on_top
from physadv.defences.patch.masked import masked_scores, patch_side
from physadv.defences.patch.saliency import painted_over
from physadv.objectives import margin, untargeted
from physadv.victims import Victim
from tests.victims import linear_victim, small_victim


class Easily:
    """Reads a colour by its mean and, more, by its brightest pixel: a patch turns it at once."""

    name, labels, size_px, differentiable = "easily", ("red", "green", "blue"), (8, 8), True

    def __call__(self, images: Encoded) -> Answer:
        return Answer(10 * images.mean(dim=(2, 3)) + 60 * images.amax(dim=(2, 3)))

    def label(self, name_or_index: str | int) -> int:
        return int(name_or_index)


def coloured(n: int, seed: int = 0) -> Encoded:
    """Return images (n,3,8,8), some quite of a colour and some hardly."""
    rng = generator(seed)
    lead = torch.linspace(0, 0.3, n)[:, None, None]
    images = 0.6 * torch.rand(n, 3, 8, 8, generator=rng)
    images[torch.arange(n), torch.arange(n) % 3] += lead
    return Encoded(images)


def patched(image: Tensor, side: int, made: Victim, label: int) -> Encoded:
    """Return an image (3,8,8) with many patches at each place: plain, random, and searched for."""
    rng = generator(4)
    plain = [
        torch.tensor(one)[:, None, None].expand(3, side, side)
        for one in product([0.0, 1.0], repeat=3)
    ]
    contents = torch.stack(plain + list(torch.rand(3, 3, side, side, generator=rng)))
    found, masks = [], []
    for y, x in product(range(9 - side), repeat=2):
        many = image.repeat(len(contents), 1, 1, 1)
        many[:, :, y : y + side, x : x + side] = contents
        found.append(many)
        mask = torch.zeros(1, 8, 8)
        mask[:, y : y + side, x : x + side] = 1
        masks.append(mask)
    bare, mask = image.repeat(len(masks), 1, 1, 1), torch.stack(masks)
    rows = Rows(labels=torch.full((len(masks),), label), mask=mask)
    searched = PGD(eps=1.0, steps=8)(made, Encoded(bare), untargeted(margin), rows=rows)
    assert bool(((searched == image) | (mask == 1)).all())
    return Encoded(torch.cat([*found, searched]))


@pytest.mark.parametrize(
    ("how", "side"),
    [
        (PatchCleanser(patch_px=(2, 2), masks=3), 2),
        (PatchCleanser(patch_px=(3, 3), masks=2), 3),
        (DerandomizedSmoothing(band_px=1, threshold=0.3), 1),
        (DerandomizedSmoothing(band_px=2, threshold=0.3, axis="rows"), 2),
    ],
)
def test_what_is_certified_no_patch_at_any_place_turns(
    how: PatchCleanser | DerandomizedSmoothing, side: int
) -> None:
    victim, images = Easily(), coloured(12)
    found = (
        how.certify(victim, images)
        if isinstance(how, PatchCleanser)
        else how.certify(victim, images, side)
    )
    made = how(victim)
    assert torch.equal(made(images).best, found.labels)
    assert 2 <= int(found.certified.sum()) < 12
    turned = {True: 0, False: 0}
    for image, label, sure in zip(images, found.labels, found.certified, strict=True):
        attacked = patched(image, side, made, int(label))
        assert bool((victim(attacked).best != label).any()), "the bare victim is turned each time"
        turned[bool(sure)] += int(bool((made(attacked).best != label).any()))
    assert turned[True] == 0
    assert turned[False] > 0


@pytest.mark.parametrize("side", [1, 5, 12, 23, 48])
def test_masks_hide_every_place_of_a_patch(side: int) -> None:
    for patch, masks in product(range(1, side + 1), range(1, 8)):
        found = covering(side, patch, masks)
        assert len(found) <= masks
        assert found.sum(dim=1).unique().numel() == 1
        for place in range(side - patch + 1):
            assert bool(found[:, place : place + patch].all(dim=1).any())


def test_masks_are_intervals_of_the_rows_by_those_of_the_columns() -> None:
    keep = PatchCleanser(patch_px=(3, 2), masks=4).mask_set((9, 12))
    assert keep.shape == (4 * 4, 1, 9, 12)
    for y, x in product(range(7), range(11)):
        assert bool((~keep[:, 0, y : y + 3, x : x + 2]).all(dim=(1, 2)).any())
    assert len(PatchCleanser().mask_set((224, 224))) == 36


def test_the_side_of_a_patch_is_the_papers() -> None:
    """Of 224 px 2 % are a patch of 32 px; of 32 px 2.4 % are one of 5 px (Xiang et al.)."""
    assert patch_side(0.02, (224, 224)) == 32
    assert patch_side(0.024, (32, 32)) == 5
    assert patch_side(25 / 1024, (32, 32)) == 5


def test_double_masking_is_the_algorithm_word_by_word() -> None:
    victim, images = small_victim(), rough(24)
    how = PatchCleanser(patch_px=(4, 5), masks=3)
    keep = how.mask_set(victim.size_px)
    expected, certified, rounds = [], [], Counter[str]()
    for image in images:
        label, case = slow(victim, image, keep)
        rounds[case] += 1
        expected.append(label)
        pairs = {read(victim, hide(hide(image, a), b)) for a in keep for b in keep}
        certified.append(len(pairs) == 1)
    assert len(rounds) == 3, rounds
    assert how(victim)(images).best.tolist() == expected
    found = how.certify(victim, images)
    assert found.labels.tolist() == expected
    assert found.certified.tolist() == certified


def rough(n: int) -> Encoded:
    """Return images near the boundaries of the small victim, with one busy corner."""
    rng = generator(7)
    images = 0.5 + 0.1 * torch.randn(n, 3, 12, 16, generator=rng)
    images[:, :, :4, :5] = torch.rand(n, 3, 4, 5, generator=rng).round()
    return Encoded(images.clamp(0, 1))


def hide(image: Tensor, keep: Tensor) -> Tensor:
    return torch.where(keep, image, torch.tensor(0.5))


def read(victim: Victim, image: Tensor) -> int:
    with torch.no_grad():
        return int(victim(Encoded(image[None])).best)


def slow(victim: Victim, image: Tensor, keep: Tensor) -> tuple[int, str]:
    """Return the class of algorithm 1 and the case by which it was found."""
    first = [read(victim, hide(image, one)) for one in keep]
    if len(set(first)) == 1:
        return first[0], "all agree"
    most = min(sorted(set(first)), key=lambda label: (-first.count(label), label))
    for one, label in zip(keep, first, strict=True):
        if label != most:
            once = hide(image, one)
            if all(read(victim, hide(once, other)) == label for other in keep):
                return label, "a disagreer"
    return most, "the most"


def test_bands_are_counted_as_the_paper_counts() -> None:
    victim, images = small_victim(), rough(5)
    how = DerandomizedSmoothing(band_px=3, threshold=0.2)
    found = how.votes(victim, images)
    expected = np.zeros((5, 5), dtype=int)
    for k, image in enumerate(images):
        for start in range(16):
            shown = torch.full_like(image, 0.5)
            for column in [(start + one) % 16 for one in range(3)]:
                shown[:, :, column] = image[:, :, column]
            with torch.no_grad():
                sure = victim(Encoded(shown[None])).scores.softmax(dim=1)[0]
            expected[k] += (sure > 0.2).numpy()
    assert np.array_equal(found.numpy(), expected)
    assert torch.equal(how(victim)(images).best, found.argmax(dim=1))


def test_bands_certify_just_what_the_worst_votes_cannot_turn() -> None:
    """Counts of votes alone: each touched band takes one from the first and gives to one other."""
    counts = torch.randint(0, 24, (4000, 4), generator=generator(1))
    touched = 3
    found = DerandomizedSmoothing.certificate(counts, touched)
    assert 0 < int(found.certified.sum()) < 4000
    for row, label, sure in zip(counts, found.labels, found.certified, strict=True):
        if row[label] < touched:
            continue
        kept = True
        for rival in set(range(4)) - {int(label)}:
            worst = row.clone()
            worst[label] -= touched
            worst[rival] += touched
            kept &= worst.tolist().index(int(worst.max())) == int(label)
        assert kept == bool(sure)


def test_a_patch_touches_no_more_bands_than_is_counted() -> None:
    how = DerandomizedSmoothing(band_px=3)
    keep = how._bands(torch.zeros(1, 3, 6, 10))
    touched = [int(keep[..., x : x + 2].any(dim=(1, 2, 3)).sum()) for x in range(9)]
    assert touched == [2 + 3 - 1] * 9


def test_what_is_hidden_can_be_told_from_black() -> None:
    """Six channels, (x, 1 - x): a hidden pixel is 0 in all, and no colour is."""
    seen: list[Tensor] = []

    class Sees(Easily):
        def __call__(self, images: Encoded) -> Answer:
            seen.append(images)
            return Answer(images[:, :3].mean(dim=(2, 3)))

    images = Encoded(torch.rand(2, 3, 8, 8, generator=generator(2)).round())
    DerandomizedSmoothing(band_px=2, fill=None).votes(Sees(), images)
    copies = torch.cat(seen)
    assert copies.shape == (16, 6, 8, 8)
    hidden = (copies == 0).all(dim=1)
    assert hidden.sum(dim=(1, 2)).tolist() == [6 * 8] * 16
    assert torch.equal(copies[0, :3, :, :2], images[0, :, :, :2])


def test_masked_scores_are_those_of_one_by_one() -> None:
    victim, images = small_victim(), rough(3)
    keep = torch.rand(400, 1, 12, 16, generator=generator(3)) > 0.5
    with torch.no_grad():
        found = masked_scores(victim, images, keep, 0.25)
        for k, m in ((0, 0), (1, 137), (2, 399)):
            one = victim(Encoded(torch.where(keep[m], images[k], 0.25)[None])).scores[0]
            assert torch.allclose(found[k, m], one, atol=1e-5)


def test_the_decided_class_is_on_top() -> None:
    scores = torch.randn(300, 6, generator=generator(5))
    labels = torch.randint(6, (300,), generator=generator(6))
    made = on_top(scores, labels)
    assert torch.equal(made.argmax(dim=1), labels)
    same = scores.argmax(dim=1) == labels
    assert torch.equal(made[same], scores[same])


@pytest.mark.parametrize("size", [(20, 33), (9, 12)])
def test_local_gradients_are_smoothed_as_in_a_slow_reference(size: tuple[int, int]) -> None:
    rng = generator(8)
    images = 0.4 + 0.05 * torch.rand(3, 3, *size, generator=rng)
    images[:, :, 3:9, 4:9] = torch.rand(3, 3, 6, 5, generator=rng)
    how = LocalGradientsSmoothing(block_px=6, overlap_px=2)
    made = how.smooth(images).numpy()
    for image, found in zip(images.double().numpy(), made, strict=True):
        assert np.abs(slow_smoothing(image, 2.3, 0.1, 6, 2) - found).max() < 1e-4
        assert np.abs(found - image).max() > 0.1
        assert (np.abs(found - image).max(axis=0) == 0).mean() > 0.2 or size == (9, 12)


def slow_smoothing(
    image: np.ndarray, strength: float, threshold: float, block: int, overlap: int
) -> np.ndarray:
    grey = image.mean(axis=0)
    height, width = grey.shape
    length = np.zeros_like(grey)
    for y, x in product(range(height), range(width)):
        down = grey[y + 1, x] - grey[y, x] if y + 1 < height else 0
        across = grey[y, x + 1] - grey[y, x] if x + 1 < width else 0
        length[y, x] = np.hypot(down, across)
    length = (length - length.min()) / (length.max() - length.min())
    kept = np.zeros_like(length)
    tops = [*range(0, height - block + 1, block - overlap), height - block]
    lefts = [*range(0, width - block + 1, block - overlap), width - block]
    for y, x in product(tops, lefts):
        part = np.s_[y : y + block, x : x + block]
        if length[part].mean() > threshold:
            kept[part] = length[part]
    made: np.ndarray = image * (1 - np.clip(strength * kept, 0, 1))
    return made


def test_what_is_salient_to_a_linear_victim_is_its_weight() -> None:
    """Masked by SciPy's morphology: closed, then opened; what is outside stays as it is."""
    victim, square = linear_victim(size_px=(16, 16)), np.ones((3, 3), bool)
    images = Encoded(torch.rand(4, 3, 16, 16, generator=generator(9)))
    found = SaliencyMasking(threshold=0.45, side_px=3).salient(victim, images)
    for row, best in zip(found, victim(images).best.tolist(), strict=True):
        size = victim.weight[best].abs().amax(dim=0)
        much = (size > 0.45 * size.max()).numpy()
        assert np.array_equal(row[0].numpy(), opened(closed(much, square), square))
    assert 0 < int(found.sum()) < found.numel()
    made = painted_over(images, found)
    assert torch.equal(made[~found.expand_as(made)], images[~found.expand_as(made)])
    assert not torch.equal(made, images)


def closed(mask: np.ndarray, square: np.ndarray) -> np.ndarray:
    """Close as OpenCV does, for which nothing is outside the image."""
    wide = binary_dilation(mask, square)
    made: np.ndarray = binary_erosion(wide, square, border_value=1)
    return made


def opened(mask: np.ndarray, square: np.ndarray) -> np.ndarray:
    made: np.ndarray = binary_dilation(binary_erosion(mask, square, border_value=1), square)
    return made


def test_what_is_painted_over_is_as_its_surroundings() -> None:
    images = torch.full((1, 3, 20, 20), 102 / 255)
    images[:, :, 5:11, 6:12] = torch.rand(1, 3, 6, 6, generator=generator(0))
    mask = torch.zeros(1, 1, 20, 20, dtype=torch.bool)
    mask[:, :, 5:11, 6:12] = True
    point = images.requires_grad_()
    made = painted_over(point, mask)
    assert torch.allclose(made, torch.tensor(102 / 255), atol=3 / 255)
    (slope,) = torch.autograd.grad(made.sum(), point)
    assert torch.equal(slope, (~mask).expand_as(slope).float())
