"""torchvision's detectors: our candidates, suppressed by us, are what the models report."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import detection

from physadv.core import Encoded, Found, UserError, generator
from physadv.objectives import appear, mislabel, vanish
from physadv.testing import check_victim
from physadv.victims import Detector, torchvision_detector
from tests.oracle.test_detections import plain_iou
from tests.oracle.test_vanish import photo

CLASSES, PASSING = 4, 200
"""How many classes the models have; how many pairs of candidate and class pass the threshold."""


def seeded(make: Callable[..., nn.Module], **options: Any) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make(weights=None, weights_backbone=None, num_classes=CLASSES, **options)


def rcnn() -> nn.Module:
    made = detection.fasterrcnn_mobilenet_v3_large_320_fpn
    model: Any = lively(seeded(made, min_size=96, max_size=160))
    return sharper(model, model.roi_heads.box_predictor.cls_score, 10)


def masks() -> nn.Module:
    model: Any = lively(seeded(detection.maskrcnn_resnet50_fpn, min_size=64, max_size=128))
    return sharper(model, model.roi_heads.box_predictor.cls_score, 10)


def retinanet() -> nn.Module:
    model: Any = lively(seeded(detection.retinanet_resnet50_fpn, min_size=64, max_size=128))
    return sharper(model, model.head.classification_head.cls_logits, 70)


def fcos() -> nn.Module:
    model: Any = lively(seeded(detection.fcos_resnet50_fpn, min_size=64, max_size=128))
    return sharper(model, model.head.classification_head.cls_logits, 8)


def ssd() -> nn.Module:
    model: Any = lively(seeded(detection.ssdlite320_mobilenet_v3_large))
    return sharper(model, nn.Identity(), 1)


def lively(model: nn.Module) -> nn.Module:
    """Give a random network's batch normalisations the statistics of the images it is shown."""
    model.eval()
    norms = [part for part in model.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    with torch.no_grad():
        model(list(images()))
    return model.eval()


def sharper(model: Any, head: nn.Module, factor: float) -> nn.Module:
    """Spread the scores of a random network, which are all about the same; keep all candidates."""
    with torch.no_grad():
        for name, parameter in head.named_parameters():
            parameter.mul_(factor if name.endswith("weight") else 1)
    if hasattr(model, "topk_candidates"):
        model.topk_candidates = 10**6
    assert isinstance(model, nn.Module)
    return model


MODELS: dict[str, Callable[[], nn.Module]] = {
    "faster r-cnn": rcnn,
    "mask r-cnn": masks,
    "retinanet": retinanet,
    "fcos": fcos,
    "ssd": ssd,
}


@pytest.fixture(scope="module")
def made() -> dict[str, Detector]:
    names = ["background", "a", "b", "c"]
    return {kind: torchvision_detector(make(), labels=names) for kind, make in MODELS.items()}


def images() -> Encoded:
    coarse = torch.rand(2, 3, 5, 6, generator=generator(0))
    return Encoded(nn.functional.interpolate(coarse, (72, 96)))


def reported(model: Any, batch: Tensor, score: float) -> list[dict[str, Tensor]]:
    """Return what a model reports above a score, however many; leave its settings as they were."""
    holder = getattr(model, "roi_heads", model)
    kept = holder.score_thresh, holder.detections_per_img, model.training
    holder.score_thresh, holder.detections_per_img = score, 10**6
    model.eval()
    with torch.no_grad():
        found: list[dict[str, Tensor]] = model(list(batch))
    holder.score_thresh, holder.detections_per_img, training = kept
    model.train(training)
    return found


@pytest.mark.parametrize("kind", MODELS)
def test_what_we_report_is_what_the_model_reports(kind: str, made: dict[str, Detector]) -> None:
    victim = made[kind]
    assert isinstance(victim.module, nn.Module)
    model: Any = victim.module.model
    with torch.no_grad():
        dense = victim(images())
    score = float(dense.scores.flatten().topk(PASSING).values[-1])
    overlap = getattr(model, "roi_heads", model).nms_thresh
    wanted = reported(model, images(), score)
    assert sum(len(one["boxes"]) for one in wanted) >= 6
    for found, theirs in zip(dense.final(score, overlap), wanted, strict=True):
        assert torch.equal(found.labels, theirs["labels"])
        torch.testing.assert_close(found.scores, theirs["scores"])
        torch.testing.assert_close(found.boxes, theirs["boxes"], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("kind", ["faster r-cnn", "retinanet", "fcos", "ssd"])
def test_the_model_is_left_as_found_and_gradients_reach_every_image(
    kind: str, made: dict[str, Detector]
) -> None:
    victim = made[kind]
    victim.module.train()
    modes = [part.training for part in victim.module.modules()]
    digest, batch = victim.digest(), images().requires_grad_()
    victim(Encoded(batch)).scores.square().sum().backward()
    assert batch.grad is not None
    assert bool((batch.grad.abs().amax(dim=(1, 2, 3)) > 0).all())
    assert [part.training for part in victim.module.modules()] == modes
    assert victim.digest() == digest
    assert all(parameter.grad is None for parameter in victim.module.parameters())


def test_one_of_them_keeps_the_whole_contract(made: dict[str, Detector]) -> None:
    check_victim(made["ssd"], tolerance=1e-3)


class Finished(nn.Module):
    """Reports one box an image whose score is the image's mean; shows nothing else."""

    def forward(self, batch: list[Tensor]) -> list[dict[str, Tensor]]:
        one = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
        return [
            {"boxes": one, "scores": image.mean()[None], "labels": torch.tensor([2])}
            for image in batch
        ]


def test_a_model_that_shows_only_its_report_is_taken_at_that_and_says_so() -> None:
    victim = torchvision_detector(Finished(), labels=["background", "a", "b"], size_px=64)
    assert "left after its own suppression" in victim.note
    batch = images().requires_grad_()
    dense = victim(Encoded(batch))
    torch.testing.assert_close(dense.scores[:, 0, 2], batch.mean(dim=(1, 2, 3)))
    assert dense.boxes[0].tolist() == [[1, 2, 3, 4]]
    check_victim(victim)


class Silent(nn.Module):
    """Reports nothing that a detector would."""

    def forward(self, batch: list[Tensor]) -> list[Tensor]:
        return batch


def test_what_is_no_detector_is_refused() -> None:
    with pytest.raises(UserError, match=r"^victim: expected a detector that returns boxes"):
        torchvision_detector(Silent(), labels=["a"])(images())


def test_a_name_builds_the_architecture_untrained_and_says_so() -> None:
    victim = torchvision_detector("ssdlite320_mobilenet_v3_large")
    assert victim.note.startswith("untrained")
    assert (len(victim.labels), victim.size_px) == (91, (320, 320))
    assert victim.label("stop sign") == 13


def classes_at(found: Found, place: Tensor) -> set[int]:
    """Return the classes reported at an IoU of 0.5 or more to a place, by loops."""
    pairs = zip(found.boxes.tolist(), found.labels.tolist(), strict=True)
    at = tuple(place.tolist())
    return {label for box, label in pairs if plain_iou(tuple(box), at) >= 0.5}


@pytest.mark.parametrize("kind", MODELS)
def test_objectives_ask_every_head_about_what_it_reports(
    kind: str, made: dict[str, Detector]
) -> None:
    victim, batch = made[kind], images().requires_grad_()
    dense = victim(Encoded(batch))
    score = float(dense.scores.detach().flatten().topk(PASSING).values[-1])
    reports = dense.final(score, 0.45)
    label, place = int(reports[0].labels[0]), reports[0].boxes[0]
    other = 1 + label % (CLASSES - 1)
    where = photo(place.repeat(2, 1))
    at = [classes_at(found, place) for found in reports]
    misnamed = [bool(found - {other}) and other not in found for found in at]
    wanted = [
        (vanish(label, score=score), [label not in found for found in at]),
        (mislabel(other, label, score=score), [label in f and other not in f for f in at]),
        (mislabel(other, score=score), misnamed),
        (appear(label, score=score), [label in found for found in at]),
    ]
    assert label in at[0]
    for goal, successes in wanted:
        assert goal.success(dense, where).tolist() == successes
        loss = goal.loss(dense, where)
        assert bool(loss.isfinite().all())
        (slope,) = torch.autograd.grad(loss[0], batch, retain_graph=True)
        assert float(slope[0].abs().max()) > 0
        assert float(slope[1].abs().max()) == 0
