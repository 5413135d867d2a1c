"""Cross-fitted patches: whole groups a fold, no photo judged by a patch that saw it, sums right."""

from pathlib import Path

import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from physadv.attacks.digital import Patch
from physadv.core import Encoded, UserError, box_iou, generator, quantise, save_image
from physadv.evaluation import (
    Boxed,
    Crossed,
    CrossFit,
    Fitted,
    cross_fit,
    folds_of,
    judge_crossed,
    read_boxed,
    zoomed,
)
from physadv.evaluation.crossfit import met
from physadv.objectives import vanish
from physadv.victims import Ensemble
from tests.victims import cell_detector

PLACE = (16.0, 8.0, 32.0, 24.0)
RED = 0
GOAL = vanish(RED, score=0.5, iou=0.05)
"""The toy sees red in cells of 8 px: the thing is four of them, or 16 in twice the size."""


def red_photos(n: int = 6, groups: tuple[int, ...] = (0, 0, 1, 2, 3, 3)) -> Boxed:
    """Return grey photos (n,3,32,48) with a red thing of 16 px; the last one is grey only."""
    images = torch.full((n, 3, 32, 48), 0.2) + 0.1 * torch.rand(n, 3, 1, 1, generator=generator(0))
    images[: n - 1, 0, 8:24, 16:32] = 0.9
    boxes = torch.tensor([PLACE]).repeat(n, 1)
    return Boxed(Encoded(quantise(images)), boxes, torch.tensor(groups))


def fit(**changes: object) -> CrossFit:
    attack = Patch(shared=True, steps=15, rate=0.1, rows_px=4, columns_px=4, tries=1)
    options: dict[str, object] = {"attack": attack, "spot": (0.0, 0.0, 1.0, 1.0), "folds": 3}
    return CrossFit(**(options | changes))  # type: ignore[arg-type]  # options by name


@settings(max_examples=50, deadline=None)
@over(st.lists(st.integers(0, 9), min_size=6, max_size=60), st.integers(0, 99))
def test_groups_stay_whole_and_folds_are_even(ids: list[int], seed: int) -> None:
    groups = torch.tensor(ids)
    sizes = groups.unique(return_counts=True)[1]
    folds = min(3, len(sizes))
    fold = folds_of(groups, folds, seed)
    for one in groups.unique():
        assert len(fold[groups == one].unique()) == 1
    held = fold.bincount(minlength=folds)
    assert int(held.min()) > 0
    assert int(held.max() - held.min()) <= int(sizes.max())


def test_folds_follow_the_seed_alone() -> None:
    groups = torch.arange(30)
    assert torch.equal(folds_of(groups, 5, 1), folds_of(groups, 5, 1))
    assert not torch.equal(folds_of(groups, 5, 1), folds_of(groups, 5, 2))
    with pytest.raises(UserError, match=r"^folds: expected at most one a group \(2\), got 3"):
        folds_of(torch.tensor([4, 4, 7]), 3, 0)


def test_a_patch_over_the_thing_hides_it_and_every_photo_is_judged() -> None:
    detector, photos = cell_detector(), red_photos()
    fitted = cross_fit(detector, photos, GOAL, fit())
    assert len(fitted.patches) == 3
    found = judge_crossed(detector, photos, GOAL, fit(), fitted)
    assert found.clean.tolist() == [False] * 5 + [True]
    assert found.success.all()
    assert (found.rate().hits, found.rate().n) == (5, 5)
    assert set(found.controls) >= {"blank", "shuffled", "random noise"}
    assert not found.controls["blank"][:5].any()  # white is as red as red


def test_what_a_patch_is_made_on_is_never_what_it_is_judged_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each photo carries its number as a colour; what searches and judgements see is noted."""
    photos = red_photos(6)
    photos.images[:, 2, 0, 0] = torch.arange(6) / 255
    photos.images[5] = photos.images[4]  # all show the thing
    photos.images[5, 2, 0, 0] = 5 / 255
    searched: list[set[int]] = []
    plain = Patch.search

    def numbers(images: Tensor) -> set[int]:
        return {round(255 * float(value)) for value in images[:, 2, 0, 0]}

    def search(self: Patch, victim: object, images: Tensor, goal: object, **more: object) -> Tensor:
        searched.append(numbers(images))
        return plain(self, victim, images, goal, **more)  # type: ignore[arg-type]  # as given

    monkeypatch.setattr(Patch, "search", search)
    fitted = cross_fit(cell_detector(), photos, GOAL, fit(), seed=3)
    judged: list[set[int]] = [set() for _ in fitted.patches]
    laid = Patch.laid

    def lay(self: Patch, images: Tensor, patch: Tensor, *rest: object) -> Tensor:
        same = [k for k, one in enumerate(fitted.patches) if one is patch]
        for k in same:
            judged[k] |= numbers(images)
        return laid(self, images, patch, *rest)  # type: ignore[arg-type]  # as given

    monkeypatch.setattr(Patch, "laid", lay)
    judge_crossed(cell_detector(), photos, GOAL, fit(), fitted)
    assert sorted(number for one in judged for number in one) == list(range(6))
    groups = photos.groups
    for seen, mine in zip(searched, judged, strict=True):
        assert mine
        assert seen == set(range(6)) - mine
        assert not set(groups[list(seen)].tolist()) & set(groups[list(mine)].tolist())


def test_one_fit_is_judged_on_another_victim_and_in_its_size() -> None:
    small, large, photos = cell_detector(), cell_detector((64, 96)), red_photos()
    both = Ensemble([small, large], mean="losses")
    fitted = cross_fit(both, photos, GOAL, fit())
    twice = torch.nn.functional.interpolate(photos.images, scale_factor=2.0)
    larger = Boxed(Encoded(twice), photos.boxes * 2, photos.groups)
    for victim, seen in ((small, photos), (large, larger), (both, photos)):
        assert judge_crossed(victim, seen, GOAL, fit(), fitted).rate().share == 1


def test_rates_leave_out_what_needs_no_patch_and_what_a_control_does_too() -> None:
    clean = torch.tensor([False, False, False, False, True])
    success = torch.tensor([True, True, True, False, True])
    control = torch.tensor([True, False, False, False, False])
    found = Crossed(clean, success, {"blank": control}, torch.arange(5), 0)
    assert (found.rate().hits, found.rate().n) == (3, 4)
    assert (found.rate("blank").hits, found.rate("blank").n) == (1, 4)
    beyond = found.beyond("blank")
    assert beyond is not None
    assert (beyond.hits, beyond.n) == (2, 3)
    assert (found.against("blank").only, found.against("blank").other) == (2, 0)
    assert found.against("blank").p == 0.5
    always = Crossed(clean, success, {"blank": ~clean}, torch.arange(5), 0)
    assert always.beyond("blank") is None


def test_a_detector_without_a_box_on_any_photo_is_one_clear_error() -> None:
    grey = red_photos()
    nothing = Boxed(Encoded(torch.full_like(grey.images, 0.2)), grey.boxes, grey.groups)
    with pytest.raises(UserError, match=r"^photos: .*in every fold, got 0 of 6; is the thing rep"):
        cross_fit(cell_detector(), nothing, GOAL, fit())
    fitted = cross_fit(cell_detector(), grey, GOAL, fit())
    with pytest.raises(UserError, match=r"^photos: .*meet the objective anyway, got 0 of 6"):
        judge_crossed(cell_detector(), nothing, GOAL, fit(), fitted)


def test_settings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UserError, match=r"^attack: expected one patch for all photos"):
        fit(attack=Patch())
    with pytest.raises(UserError, match=r"^folds: expected at least 2"):
        fit(folds=1)
    with pytest.raises(UserError, match=r"^spot: expected x1 < x2"):
        fit(spot=(0.5, 0.0, 0.4, 1.0))
    assert fit(spot=(0.25, 0.25, 0.75, 0.65)).area_pct == pytest.approx(20)


def test_other_framings_hold_the_thing_where_their_boxes_say() -> None:
    photos = red_photos(60, tuple(range(60)))
    photos = photos.take(torch.arange(59))
    sizes = list[float]()
    for seed in range(3):
        framed = zoomed(photos, seed)
        height, width = framed.images.shape[2:]
        red = framed.images[:, 0] - framed.images[:, 1] > 0.3
        for mask, box in zip(red, framed.boxes, strict=True):
            y, x = mask.nonzero(as_tuple=True)
            seen = torch.tensor([[x.min(), y.min(), x.max() + 1, y.max() + 1]]).float()
            assert float(box_iou(seen, box[None])) > 0.75
            assert bool((box[:2] >= -0.01).all())
            assert float(box[2]) <= width + 0.01
            assert float(box[3]) <= height + 0.01
            sizes.append(float(box[2] - box[0]))
    assert min(sizes) < 10
    assert max(sizes) > 22


def test_framings_are_searched_on_too(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, plain = list[int](), Patch.search

    def search(self: Patch, victim: object, images: Tensor, goal: object, **more: object) -> Tensor:
        counts.append(len(images))
        return plain(self, victim, images, goal, **more)  # type: ignore[arg-type]  # as given

    monkeypatch.setattr(Patch, "search", search)
    cross_fit(cell_detector(), red_photos(), GOAL, fit(zooms=2))
    few = [int(((folds_of(red_photos().groups, 3, 0) != k)[:5]).sum()) for k in range(3)]
    for count, plainly in zip(counts, few, strict=True):
        assert plainly < count <= 3 * plainly  # small things may be overlooked without a patch


def write(folder: Path, header: str, *rows: str) -> Path:
    save_image(folder / "one.png", red_photos().images[:1])
    table = folder / "boxes.csv"
    table.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return table


HEADER = "file,class,xmin,ymin,xmax,ymax,scene"


def test_photos_are_read_with_their_boxes_in_the_size_wanted(tmp_path: Path) -> None:
    rows = ["one.png,stop,16,8,32,24,a", "one.png,other,0,0,4,4,b", "one.png,stop,0,0,48,32,a"]
    found = read_boxed(write(tmp_path, HEADER, *rows), "stop", (64, 48), group="scene")
    assert found.images.shape == (2, 3, 64, 48)
    assert found.boxes.tolist() == [[16, 16, 32, 48], [0, 0, 48, 64]]
    assert found.groups.tolist() == [0, 0]
    alone = read_boxed(tmp_path / "boxes.csv", "stop", (32, 48))
    assert torch.equal(alone.images[:1], quantise(red_photos().images[:1]))
    assert alone.groups.tolist() == [0, 1]
    corners = alone.rows((0.5, 0.0, 1.0, 0.5)).corners
    assert corners is not None
    assert corners[0].tolist() == [[24, 8], [32, 8], [32, 16], [24, 16]]


@pytest.mark.parametrize(
    ("header", "row", "says"),
    [
        (HEADER, "one.png,yield,16,8,32,24,a", r"^boxes: expected a box of the class 'stop'"),
        ("file,class,xmin,ymin", "one.png,stop,16,8", r"^boxes: .*without xmax, ymax, scene"),
        (HEADER, "one.png,stop,16,8,12,24,a", r"^boxes: expected xmin < xmax"),
        (HEADER, "one.png,stop,16,8,,24,a", r"^boxes: expected xmin < xmax"),
    ],
)
def test_a_table_that_does_not_serve_is_refused(
    tmp_path: Path, header: str, row: str, says: str
) -> None:
    with pytest.raises(UserError, match=says):
        read_boxed(write(tmp_path, header, row), "stop", (32, 48), group="scene")


def test_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^boxes: expected a .csv in UTF-8"):
        read_boxed(tmp_path / "none.csv", "stop", (32, 48))


def test_judging_is_in_eight_bits_and_follows_the_seed() -> None:
    detector, photos = cell_detector(), red_photos()
    fitted = Fitted(
        tuple(torch.rand(1, 3, 4, 4) for _ in range(3)), folds_of(photos.groups, 3, 0), 0
    )
    first, again = (judge_crossed(detector, photos, GOAL, fit(), fitted, seed=4) for _ in range(2))
    for name, hits in first.controls.items():
        assert torch.equal(hits, again.controls[name])
    fine = Encoded(photos.images + 0.001)
    assert torch.equal(met(detector, photos, fine, GOAL), first.clean)
