"""The two COCO detectors of ../shared/data inside ART: clean answers, stop signs that vanish."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from physadv_art import StickerPatch, detector_classifier
from torch.nn.functional import interpolate

from physadv.core import generator, quantise
from physadv.objectives import vanish
from tests.oracle.test_detections import plain_final
from tests.oracle.test_real_detectors import STOP, VICTIMS, asked, fast, signs
from tests.shared_data import needs_data

pytestmark = needs_data


@pytest.mark.parametrize("kind", VICTIMS)
def test_clean_detections_through_art_are_those_of_onnxruntime(kind: str) -> None:
    on = detector_classifier(VICTIMS[kind](), STOP, clip_values=(0.0, 255.0), channels_first=False)
    for sign in signs()[:4]:
        boxes, scores = asked(kind, sign.image)
        x = sign.image.numpy().transpose(0, 2, 3, 1) * 255
        best = scores[:, STOP].max()
        odds = np.log(best / (1 - best)) - np.log(0.3 / 0.7)
        assert on.predict(x)[0, 0] == pytest.approx(odds, abs=0.01)
        if kind == "fastestdet":
            scores = np.where(scores == scores.max(axis=1, keepdims=True), scores, 0)
        wanted = plain_final([tuple(box) for box in boxes], scores.tolist(), 0.3, 0.45)
        (found,) = on.detect(x, score=0.3)
        assert found["labels"].tolist() == [label for _, label, _ in wanted]
        assert np.allclose(found["scores"], [score for score, _, _ in wanted], atol=1e-4)
        for box, (_, _, other) in zip(found["boxes"], wanted, strict=True):
            assert box == pytest.approx(other, abs=0.05)


def batch(n: int, side: int = 352) -> tuple[Any, Any]:
    """Return n photos of stop signs and their boxes, all of one size."""
    some = [sign for sign in signs() if sign.box[0, 2] - sign.box[0, 0] > 60][:n]
    images = [interpolate(one.image, (side, side), antialias=True, mode="bilinear") for one in some]
    sizes = [one.image.shape for one in some]
    scales = [torch.tensor([side / size[3], side / size[2]] * 2) for size in sizes]
    boxes = [one.box * scale for one, scale in zip(some, scales, strict=True)]
    return quantise(torch.cat(images)).numpy(), torch.cat(boxes).numpy()


@pytest.mark.parametrize("kind", VICTIMS)
def test_a_batch_is_its_images_one_by_one(kind: str) -> None:
    on, (x, _) = detector_classifier(VICTIMS[kind]()), batch(3)
    together = on.predict(x)
    assert together.shape == (3, 81)
    for k in range(3):
        assert np.allclose(on.predict(x[k : k + 1])[0], together[k], atol=2e-2)


@pytest.mark.parametrize("kind", VICTIMS)
def test_gradients_with_respect_to_the_raw_input(kind: str) -> None:
    """Against difference quotients in float64, on the module, in the clip range (0, 255).

    Photos get a little noise: in flat places, of 8 bits, max-pooling has ties, and no slope.
    """
    on = detector_classifier(VICTIMS[kind](), STOP, clip_values=(0.0, 255.0))
    noise = torch.rand(2, 3, 352, 352, generator=generator(9)).numpy()
    x = np.clip(batch(2)[0] * 250 + 3 * noise, 0, 255).astype(np.float32)
    found = on.class_gradient(x, label=0)[:, 0].astype(np.float64)
    module, point = copy.deepcopy(on.model).double().eval(), torch.from_numpy(x).double()
    for seed in range(2):
        along = torch.randn(x.shape, generator=generator(seed)).double()
        along = along / along.norm() + torch.from_numpy(found) / float(np.linalg.norm(found))
        with torch.no_grad():
            there, back = (module(point + way * 1e-5 * along)[:, 0].sum() for way in (1, -1))
        assert (found * along.numpy()).sum() == pytest.approx(float(there - back) / 2e-5, rel=1e-3)


def test_a_patch_of_the_art_class_makes_stop_signs_vanish_and_its_pixels_shuffled_do_not() -> None:
    """On two photos, a patch each below the letters; the benchmark has the figures."""
    on, (x, boxes) = detector_classifier(fast(), STOP, score=0.5), batch(2)
    wide, high = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    left, top = boxes[:, 0], boxes[:, 1]
    sides = [left + 0.1 * wide, top + 0.55 * high, left + 0.9 * wide, top + 0.95 * high]
    attack = StickerPatch(
        on, objective=vanish(STOP, score=0.5), max_iter=25, eps_step=0.1, verbose=False
    )
    place = np.stack(sides, axis=1)
    attacked = attack.generate(x, place=place, boxes=boxes)
    report = attack.result
    assert (report.clean.hits, report.success.hits) == (0, 2)
    assert report.controls["shuffled"].hits < 2
    for k, (x1, y1, x2, y2) in enumerate(place):
        outside = np.ones(x.shape[2:], dtype=bool)
        outside[int(y1) - 1 : int(y2) + 2, int(x1) - 1 : int(x2) + 2] = False
        assert (attacked[k][:, outside] == x[k][:, outside]).all()
