"""ObjectSeeker: every place of a patch with many contents, scikit-learn's DBSCAN, plain loops."""

from itertools import product

import pytest
import torch
from sklearn.cluster import DBSCAN
from torch import Tensor

from physadv.core import Detections, Encoded, Found, UserError, generator
from physadv.defences import ObjectSeeker
from physadv.defences.patch.seeker import sure_share
from physadv.defences.patch.sought import Sought, covered_share, groups, united
from physadv.victims import Prepare
from physadv.victims.detector import Detector
from tests.victims import COLOURS, CellNetwork, cell_detector, cells

SIZE = (32, 48)
PATCH = (8, 12)
RED = 0


class ShyNetwork(CellNetwork):
    """Sees nothing anywhere while there is a white pixel: one small patch hides everything."""

    def forward(self, images: Tensor) -> Tensor:
        white = images.amin(dim=1).amax(dim=(1, 2))
        return super().forward(images) - 40 * (white[:, None, None, None] - 0.9).clamp_min(0) * 10


def shy() -> Detector:
    """Return the detector of coloured cells that one white pixel silences."""
    return Detector(ShyNetwork(), COLOURS, Prepare(SIZE), cells, name="shy")


def scene(box: tuple[int, int, int, int]) -> Encoded:
    """Return a dim picture (1,3,32,48) with a red thing."""
    image = torch.full((1, 3, *SIZE), 0.2)
    x1, y1, x2, y2 = box
    image[0, :, y1:y2, x1:x2] = torch.tensor([0.95, 0.1, 0.1])[:, None, None]
    return Encoded(image)


def contents() -> Tensor:
    """Return what patches show (5,3,8,12): red, green, blue, white and noise."""
    plain = torch.eye(4)[:, :3].add(torch.tensor([[0.0], [0.0], [0.0], [1.0]]))[:, :, None, None]
    noise = torch.rand(1, 3, *PATCH, generator=generator(5))
    return torch.cat([plain.expand(-1, -1, *PATCH), noise])


def overlaps(found: Found, box: Tensor) -> bool:
    """Return whether a red box is reported that overlaps another box."""
    mine = found.boxes[found.labels == RED]
    return bool((covered_share(box[None], mine) > 0).any())


@pytest.mark.parametrize(
    ("box", "lines"), [((8, 8, 40, 24), 3), ((0, 0, 24, 32), 2), ((16, 8, 24, 16), 1)]
)
def test_at_a_certified_place_no_patch_hides_the_thing(
    box: tuple[int, int, int, int], lines: int
) -> None:
    victim, how, image = shy(), ObjectSeeker(lines=lines, masked_score=0.6), scene(box)
    thing = torch.tensor([box]).float()
    places = how.certify(victim, image, thing, torch.tensor([RED]), PATCH).places[0]
    assert places.shape == (25, 37)
    made, hidden = how(victim), {True: 0, False: 0}
    shown = contents()
    bare = 0
    for y, x in product(range(0, 25, 4), range(0, 37, 6)):
        images = image.repeat(len(shown), 1, 1, 1)
        images[:, :, y : y + PATCH[0], x : x + PATCH[1]] = shown
        seen = [overlaps(one, thing[0]) for one in made(Encoded(images)).final(0.5, 0.45)]
        hidden[bool(places[y, x])] += int(not all(seen))
        alone = victim(Encoded(images)).final(0.5, 0.45)
        bare += int(not all(overlaps(one, thing[0]) for one in alone))
    assert hidden[True] == 0
    assert bare == 7 * 7, "the bare detector is silenced at each place"
    assert bool(places.all()) or hidden[False] > 0


def test_places_are_those_that_a_slow_reading_of_the_paper_has() -> None:
    victim, how = shy(), ObjectSeeker(lines=3, masked_score=0.6)
    thing = torch.tensor([[8.0, 8.0, 40.0, 24.0]])
    image = scene((8, 8, 40, 24))
    found = how.certify(victim, image, thing, torch.tensor([RED]), PATCH)
    wanted = torch.zeros(25, 37, dtype=torch.bool)
    for x1, y1, x2, y2 in how.hidden(*SIZE).tolist():
        masked = image.clone()
        masked[:, :, y1:y2, x1:x2] = 0
        (one,) = victim(Encoded(masked)).final(0.6, 0.45)
        red = one.boxes[one.labels == RED]
        if not len(red) or not bool((sure_share(red, thing[0], 0.6) > 0).any()):
            continue
        for y, x in product(range(25), range(37)):
            if y >= y1 and x >= x1 and y + 8 <= y2 and x + 12 <= x2:
                wanted[y, x] = True
    assert torch.equal(found.places[0], wanted)
    assert bool(wanted.any())
    assert bool(found.certified) == bool(wanted.all())
    high = how.certify(victim, image, thing, torch.tensor([RED]), PATCH, least=0.99)
    assert not bool(high.places.any())
    other = how.certify(victim, image, thing, torch.tensor([1]), PATCH)
    assert not bool(other.places.any())


def test_halves_are_hidden_line_by_line() -> None:
    found = ObjectSeeker(lines=3).hidden(32, 48).tolist()
    rows = [[0, 0, 48, y] for y in (8, 16, 24)] + [[0, y, 48, 32] for y in (8, 16, 24)]
    columns = [[0, 0, x, 32] for x in (12, 24, 36)] + [[x, 0, 48, 32] for x in (12, 24, 36)]
    assert sorted(found) == sorted(rows + columns)
    assert len(ObjectSeeker().hidden(310, 620)) == 4 * 30


def test_the_least_that_is_found_is_a_bound() -> None:
    rng = generator(6)
    thing, seen = torch.tensor([10.0, 10.0, 30.0, 26.0]), torch.tensor([[6.0, 8.0, 25.0, 30.0]])
    bound = float(sure_share(seen, thing, 0.8))
    corner = torch.rand(4000, 2, generator=rng) * 20
    any_box = torch.cat([corner, corner + torch.rand(4000, 2, generator=rng) * 30], dim=1)
    explains = covered_share(seen, any_box)[0] >= 0.8
    least = covered_share(thing[None], any_box)[0][explains].amin()
    assert int(explains.sum()) > 20
    assert bound <= float(least)
    inside = torch.tensor([[12.0, 12.0, 22.0, 22.0]])
    assert float(sure_share(inside, thing, 0.6)) == pytest.approx(0.6 * 100 / 320)


def test_boxes_that_are_alike_are_dbscans_clusters() -> None:
    rng = generator(7)
    middle = torch.rand(60, 2, generator=rng) * 12
    boxes = torch.cat([middle, middle + 8 + 4 * torch.rand(60, 2, generator=rng)], dim=1)
    share = covered_share(boxes, boxes)
    distance = (1 - torch.maximum(share, share.T)).double().numpy()
    theirs = DBSCAN(eps=0.1, min_samples=1, metric="precomputed").fit_predict(distance)
    mine = groups(boxes, torch.zeros(60))
    together = torch.from_numpy(theirs)[:, None] == torch.from_numpy(theirs)
    assert torch.equal(mine[:, None] == mine, together)
    assert 2 <= len(mine.unique()) < 60
    assert len(groups(boxes, torch.arange(60)).unique()) == 60, "classes stay apart"
    found = united(Found(boxes, torch.linspace(0, 1, 60), torch.zeros(60)))
    for box, score in zip(found.boxes, found.scores, strict=True):
        rows = (covered_share(boxes, box[None])[:, 0] > 0.999) & (
            mine == mine[(score * 59).round().long()]
        )
        assert torch.equal(boxes[rows, :2].amin(dim=0), box[:2])
        assert torch.equal(boxes[rows, 2:].amax(dim=0), box[2:])


def dense(rows: list[list[float]], labels: list[int]) -> Detections:
    """Return candidates with (x1, y1, x2, y2, score) and a class each."""
    given = torch.tensor(rows).reshape(-1, 5)
    scores = torch.zeros(1, len(rows), 2)
    scores[0, torch.arange(len(rows)), torch.tensor(labels, dtype=torch.long)] = given[:, 4]
    valid = torch.ones(1, len(rows), dtype=torch.bool)
    return Detections(scores, boxes=given[None, :, :4], valid=valid)


def test_what_no_box_of_its_class_explains_is_added() -> None:
    parts = [
        dense([[0, 0, 10, 10, 0.9]], [0]),
        dense([[1, 1, 9, 9, 0.95], [20, 20, 30, 30, 0.8], [50, 0, 60, 10, 0.65]], [0, 0, 0]),
        dense([[0, 0, 10, 10, 0.8], [20, 20, 30, 31, 0.85]], [1, 0]),
    ]
    scores, boxes, valid = (
        torch.cat([getattr(one, name) for one in parts], dim=1)
        for name in ("scores", "boxes", "valid")
    )
    report = Sought((1, 3, 2), masked_score=0.7, covered=0.6, nms_iou=0.45)
    answer = Detections(scores, boxes=boxes, valid=valid, report=report)
    (found,) = answer.final(0.5, 0.45)
    assert found.labels.tolist() == [0, 0, 1]
    assert found.scores.tolist() == pytest.approx([0.9, 0.85, 0.8])
    assert found.boxes.tolist() == [[0, 0, 10, 10], [20, 20, 30, 31], [0, 0, 10, 10]]
    (strict,) = answer.final(0.92, 0.45)
    assert [0, 0, 10, 10] not in [
        box for box, k in zip(strict.boxes.tolist(), strict.labels.tolist(), strict=True) if k == 0
    ]


def test_an_undisturbed_picture_is_reported_as_it_was() -> None:
    image, victim = scene((8, 8, 16, 16)), cell_detector()
    (alone,) = victim(image).final(0.5, 0.45)
    (found,) = ObjectSeeker(lines=4, masked_score=0.6)(victim)(image).final(0.5, 0.45)
    assert torch.equal(found.boxes, alone.boxes)
    assert torch.equal(found.scores, alone.scores)


def test_a_patch_larger_than_the_picture_is_refused() -> None:
    with pytest.raises(UserError, match="patch_px: expected 1 px to 32x48 px"):
        ObjectSeeker(lines=1).certify(
            shy(), scene((8, 8, 16, 16)), torch.zeros(1, 4), torch.zeros(1), 33
        )
