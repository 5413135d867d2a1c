"""The two COCO detectors of ../shared/data, against onnxruntime and decoders in plain numpy."""

import csv
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from physadv.core import Detections, Encoded, Found, Photo, box_iou, load_image
from physadv.objectives import vanish
from physadv.testing import check_victim
from physadv.victims import Detector, Prepare, fastestdet, nanodet, onnx_detector
from tests.oracle.test_decode import plain_fastestdet, plain_nanodet
from tests.oracle.test_detections import plain_final
from tests.shared_data import DATA, needs_data

STOP = 11
FOLDER = DATA / "detectors"
MEAN, STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)

pytestmark = needs_data
Array = NDArray[Any]


class Sign(NamedTuple):
    """A photo with its stop sign's box."""

    image: Encoded
    box: torch.Tensor


@lru_cache
def signs() -> list[Sign]:
    with (DATA / "photos" / "boxes.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["class"] == "stop"]
    edges = ("xmin", "ymin", "xmax", "ymax")
    return [
        Sign(
            load_image(DATA / "photos" / row["file"]),
            torch.tensor([[float(row[e]) for e in edges]]),
        )
        for row in rows
    ]


@lru_cache
def fast(file: str = "fastestdet_batch.onnx") -> Detector:
    return onnx_detector(FOLDER / file, names(), Prepare(352, bgr=True), fastestdet)


@lru_cache
def nano() -> Detector:
    prepare = Prepare(416, MEAN, STD, bgr=True, scale=255)
    return onnx_detector(FOLDER / "nanodet_m_416_batch.onnx", names(), prepare, nanodet(416))


def names() -> list[str]:
    return (FOLDER / "coco_names.txt").read_text().splitlines()


VICTIMS: dict[str, Callable[[], Detector]] = {"fastestdet": fast, "nanodet": nano}


def asked(kind: str, image: Encoded) -> tuple[Array, Array]:
    """Return boxes and scores as onnxruntime and the plain decoders give them."""
    file = {"fastestdet": "fastestdet.onnx", "nanodet": "nanodet_m_416_batch.onnx"}[kind]
    session = onnxruntime.InferenceSession(str(FOLDER / file))
    side = 352 if kind == "fastestdet" else 416
    resized = torch.nn.functional.interpolate(image, (side, side), mode="bilinear", antialias=True)
    array = resized.numpy()[:, ::-1]
    if kind == "nanodet":
        mean, std = (np.array(numbers).reshape(1, 3, 1, 1) for numbers in (MEAN, STD))
        array = (array * 255 - mean) / std
    given: dict[str, Any] = {"input.1": np.ascontiguousarray(array, dtype=np.float32)}
    outputs = session.run(None, given)
    size = (image.shape[2], image.shape[3])
    if kind == "fastestdet":
        return plain_fastestdet(outputs[0][0], size)
    return plain_nanodet([output[0] for output in outputs], (side, side), size)


@pytest.mark.parametrize("kind", VICTIMS)
def test_clean_detections_are_those_of_onnxruntime(kind: str) -> None:
    for sign in signs()[:4]:
        boxes, scores = asked(kind, sign.image)
        with torch.no_grad():
            dense = VICTIMS[kind]()(sign.image)
        large = scores > 0.01  # the powers of FastestDet's scores are steep at 0
        ours = dense.scores[0].numpy()
        np.testing.assert_allclose(ours[large], scores[large], rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(dense.boxes[0].numpy(), boxes, rtol=1e-3, atol=0.05)
        if kind == "fastestdet":
            scores = np.where(scores == scores.max(axis=1, keepdims=True), scores, 0)
        wanted = plain_final([tuple(box) for box in boxes], scores.tolist(), 0.3, 0.45)
        (found,) = dense.final(0.3, 0.45)
        assert found.labels.tolist() == [label for _, label, _ in wanted]
        assert found.scores.tolist() == pytest.approx([score for score, _, _ in wanted], abs=1e-4)
        for box, (_, _, other) in zip(found.boxes.tolist(), wanted, strict=True):
            assert box == pytest.approx(other, abs=0.05)


@pytest.mark.parametrize("kind", VICTIMS)
def test_a_batch_is_its_images_one_by_one(kind: str) -> None:
    victim = VICTIMS[kind]()
    alike = torch.nn.functional.interpolate
    batch = torch.cat([alike(sign.image, (300, 320)) for sign in signs()[:3]])
    with torch.no_grad():
        together = victim(Encoded(batch))
        for k in range(3):
            alone = victim(Encoded(batch[k : k + 1]))
            torch.testing.assert_close(together.scores[k], alone.scores[0], rtol=1e-3, atol=1e-4)
            torch.testing.assert_close(together.boxes[k], alone.boxes[0], rtol=1e-3, atol=0.05)


def test_the_graph_for_one_image_takes_batches_too() -> None:
    batch = Encoded(torch.cat([signs()[0].image] * 2))
    with torch.no_grad():
        torch.testing.assert_close(fast("fastestdet.onnx")(batch).scores, fast()(batch).scores)


@pytest.mark.parametrize("kind", VICTIMS)
def test_they_keep_the_contract_and_are_differentiable(kind: str) -> None:
    victim = VICTIMS[kind]()
    assert victim.differentiable, victim.note
    check_victim(victim, tolerance=1e-3)


def hits(dense: list[Detections], score: float, iou: float) -> int:
    """Count the photos in which a stop sign is reported at IoU 0.5 or more."""
    return sum(
        bool((box_iou(at_stop(found), sign.box) >= 0.5).any())
        for sign, one in zip(signs(), dense, strict=True)
        for found in one.final(score, iou)
    )


def at_stop(found: Found) -> torch.Tensor:
    return found.boxes[found.labels == STOP]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("fastestdet", {0.65: 39, 0.5: 42, 0.4: 42, 0.3: 42}),
        ("nanodet", {0.65: 37, 0.5: 39, 0.4: 43, 0.3: 44}),
    ],
)
def test_the_published_recall(kind: str, wanted: dict[float, int]) -> None:
    """The README counts boxes before suppression; after it (IoU 0.45) FastestDet has one fewer."""
    with torch.no_grad():
        dense = [VICTIMS[kind]()(sign.image) for sign in signs()]
    assert len(dense) == 46
    assert {score: hits(dense, score, 1.0) for score in wanted} == wanted
    fewer = 1 if kind == "fastestdet" else 0
    assert hits(dense, 0.5, 0.45) == wanted[0.5] - fewer


@pytest.mark.parametrize("kind", VICTIMS)
def test_vanish_succeeds_on_clean_photos_where_the_sign_is_missed(kind: str) -> None:
    victim, objective = VICTIMS[kind](), vanish(STOP, score=0.5)
    some = signs()[:6]
    with torch.no_grad():
        for sign in some:
            dense, corners = victim(sign.image), sign.box.reshape(1, 2, 2)
            photo = Photo(sign.image, corners, sign.box, torch.tensor([STOP]))
            (found,) = dense.final(0.5, 0.45)
            missed = not bool((box_iou(at_stop(found), sign.box) >= 0.5).any())
            assert objective.success(dense, photo).tolist() == [missed]
            if float(objective.loss(dense, photo)) < 0:
                assert missed
