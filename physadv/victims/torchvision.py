"""torchvision's classifiers and detectors as victims, by name or as objects; nothing downloaded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from physadv.core import Detections, UserError, check
from physadv.core.check import one_of
from physadv.victims.by_name import by_name, kind
from physadv.victims.classifier import Classifier
from physadv.victims.detector import Detector
from physadv.victims.extra import extra
from physadv.victims.labels import numbered
from physadv.victims.network import count_classes
from physadv.victims.prepare import Prepare

COCO = 91
"""How many labels torchvision's COCO detectors have, the background among them."""


def torchvision_classifier(
    model: str | nn.Module,
    *,
    weights: Any = None,
    file: str | Path | None = None,
    labels: Sequence[str] | None = None,
    prepare: Prepare | None = None,
) -> Classifier:
    """Return a torchvision classifier, by name or as the object that you have.

    `weights` is the enum entry that an object was made with, e.g. ResNet18_Weights.IMAGENET1K_V1:
    its labels and its resizing, cropping, mean and std are used; it is never downloaded. Without
    it a name's default entry says these. A name builds the architecture, with as many outputs as
    there are `labels`, and `file` fills it (see `load_weights`); without a file the weights are
    random, which `note` says. `prepare` overrides how images are prepared. An object alone gets
    ImageNet's mean and std at 224 px. Raises `UserError` for a name that there is not.
    """
    entry = _entry(model, weights)
    count = {} if labels is None else {"num_classes": len(labels)}
    module, note = by_name(model, file, partial(_build, count))
    ready = _prepare(entry) if prepare is None else prepare
    known = _categories(entry, labels)
    if labels is None and weights is None:  # a default entry's labels fit by their number only
        classes = count_classes(module, ready)
        known = known if len(known) == classes else numbered(classes)
    victim = Classifier.of(module, known, ready, name=kind(model))
    victim.note = note
    return victim


def torchvision_detector(
    model: str | nn.Module,
    *,
    weights: Any = None,
    file: str | Path | None = None,
    labels: Sequence[str] | None = None,
    size_px: int | tuple[int, int] | None = None,
) -> Detector:
    """Return a torchvision detector, by name or as the object that you have.

    Class k is torchvision's label k, so that 0 may be the background, whose scores are 0. The
    model's own transform resizes and normalises; `size_px` only says how large photos are made for
    it. Candidates are dense for RetinaNet, FCOS and SSD; for Faster, Mask and Keypoint R-CNN they
    are the pairs of proposal and class above the model's own threshold, before suppression; for
    other models that return boxes, labels and scores they are what is left after suppression, as
    `note` says. Labels are by default those of `weights`, or of a name's default entry (COCO's);
    otherwise as `torchvision_classifier`.
    """
    count = {} if labels is None else {"num_classes": len(labels)}
    known = _categories(_entry(model, weights, "detection"), labels)
    backbone = {"weights_backbone": None}  # it would be downloaded
    module, note = by_name(model, file, partial(_build, count | backbone))
    dense = Dense(module, len(known))
    names = known or numbered(dense.classes)
    ready = Prepare(dense.size if size_px is None else size_px, fit="keep")
    victim = Detector(dense, names, ready, lambda found: found, name=kind(model))
    victim.note = "; ".join(part for part in (note, dense.note) if part)
    return victim


def is_detector(name: str) -> bool:
    """Return whether a torchvision name is a detector's; raises `UserError` for no name at all."""
    models = _torchvision().models
    one_of("victim", name, models.list_models())
    return name in models.list_models(module=models.detection)


class Dense(nn.Module):
    """A torchvision detector that gives its candidates before suppression, where it can."""

    def __init__(self, model: nn.Module, classes: int = 0) -> None:
        """Wrap a detector of `classes` classes, 0 if nobody knows; see `note` on suppression."""
        super().__init__()
        self.model = model
        self._read, own = _reader(model)
        self.classes = own or classes or COCO
        suppressed = self._read is _finished
        self.note = "candidates are what is left after its own suppression" if suppressed else ""

    @property
    def size(self) -> tuple[int, int]:
        """The (height, width) that its transform resizes to, as far as that is one size."""
        transform: Any = getattr(self.model, "transform", None)
        if transform is None:
            return 640, 640
        fixed, shorter = transform.fixed_size, transform.min_size[-1]
        return (shorter, shorter) if fixed is None else (int(fixed[1]), int(fixed[0]))

    def forward(self, batch: Tensor) -> Detections:
        """Return the candidates of images (B,3,H,W), boxes in pixels of these images."""
        return self._read(self.model, batch, self.classes)


def _torchvision() -> Any:
    with extra("torchvision"):
        import torchvision

    return torchvision


Read = Callable[[Any, Tensor, int], Detections]


def _reader(model: Any) -> tuple[Read, int]:
    """Return how a model's candidates are read, and how many classes it has, 0 if it hides them."""
    kinds = _torchvision().models.detection
    if isinstance(model, kinds.FasterRCNN):
        scores = getattr(model.roi_heads.box_predictor, "cls_score", None)
        return _two_stage, getattr(scores, "out_features", 0)  # predictors may be users' own
    if isinstance(model, kinds.ssd.SSD):
        return _ssd, model.head.classification_head.num_columns
    if isinstance(model, kinds.RetinaNet):
        return _retinanet, model.head.classification_head.num_classes
    if isinstance(model, kinds.FCOS):
        return _fcos, model.head.classification_head.num_classes
    return _finished, 0


def _heads(model: Any, batch: Tensor) -> tuple[dict[str, Tensor], Tensor, tuple[int, int]]:
    """Return a one-stage model's head outputs, its anchors (A,4), and the size they are for."""
    images, features = _features(model, batch)
    levels = list(features.values())
    outputs = model.head(levels)
    return outputs, model.anchor_generator(images, levels)[0], images.image_sizes[0]


def _features(model: Any, batch: Tensor) -> tuple[Any, dict[str, Tensor]]:
    images, _ = model.transform(list(batch))
    features = model.backbone(images.tensors)
    return images, {"0": features} if isinstance(features, Tensor) else features


def _retinanet(model: Any, batch: Tensor, _classes: int) -> Detections:
    """Follow RetinaNet.postprocess_detections up to its suppression."""
    outputs, anchors, size = _heads(model, batch)
    boxes = _each(model.box_coder.decode_single, outputs["bbox_regression"], anchors)
    return _dense(outputs["cls_logits"].sigmoid(), boxes, size, batch)


def _fcos(model: Any, batch: Tensor, _classes: int) -> Detections:
    """Follow FCOS.postprocess_detections up to its suppression."""
    outputs, anchors, size = _heads(model, batch)
    boxes = _each(model.box_coder.decode, outputs["bbox_regression"], anchors)
    joint = outputs["cls_logits"].sigmoid() * outputs["bbox_ctrness"].sigmoid()
    return _dense(joint.clamp_min(1e-12).sqrt(), boxes, size, batch)


def _ssd(model: Any, batch: Tensor, _classes: int) -> Detections:
    """Follow SSD.postprocess_detections up to its suppression."""
    outputs, anchors, size = _heads(model, batch)
    boxes = _each(model.box_coder.decode_single, outputs["bbox_regression"], anchors)
    return _dense(_without_background(outputs["cls_logits"].softmax(dim=-1)), boxes, size, batch)


def _two_stage(model: Any, batch: Tensor, classes: int) -> Detections:
    """Follow RoIHeads.postprocess_detections up to its suppression: pairs above its threshold."""
    images, features = _features(model, batch)
    proposals, _ = model.rpn(images, features)
    heads = model.roi_heads
    pooled = heads.box_head(heads.box_roi_pool(features, proposals, images.image_sizes))
    logits, regression = heads.box_predictor(pooled)
    counts, size = [len(one) for one in proposals], images.image_sizes[0]
    boxes = heads.box_coder.decode(regression, proposals).split(counts)
    scores = _without_background(logits.softmax(dim=-1)).split(counts)
    rows = [
        _pairs(box, score, size, heads.score_thresh)
        for box, score in zip(boxes, scores, strict=True)
    ]
    return _in_pixels_of(batch, size, _padded(rows, classes, batch))


def _finished(model: Any, batch: Tensor, classes: int) -> Detections:
    """Read boxes, labels and scores as torchvision's detectors return them."""
    found = model(list(batch))
    good = isinstance(found, list) and all(
        isinstance(one, dict) and {"boxes", "labels", "scores"} <= one.keys() for one in found
    )
    expected = "a detector that returns boxes, labels and scores for a list of images"
    check(good, "victim", expected=expected, got=type(found).__name__)
    rows = [(one["boxes"], one["scores"], one["labels"]) for one in found]
    return _padded(rows, classes, batch)


Row = tuple[Tensor, Tensor, Tensor]
"""The boxes (n,4), scores (n,) and labels (n,) of one image."""


def _pairs(boxes: Tensor, scores: Tensor, size: tuple[int, int], least: float) -> Row:
    """Return the pairs of proposal and class above a threshold, without empty boxes."""
    row, label = (scores > least).nonzero(as_tuple=True)
    clipped = _clipped(boxes[row, label], size)
    full = ((clipped[:, 2:] - clipped[:, :2]) >= 1e-2).all(dim=1)  # as remove_small_boxes
    return clipped[full], scores[row, label][full], label[full]


def _padded(rows: Sequence[Row], classes: int, batch: Tensor) -> Detections:
    """Put images with different numbers of candidates into one batch, each of one class."""
    most = max(1, *(len(boxes) for boxes, _, _ in rows))
    boxes, scores, valid = [], [], []
    for box, score, label in rows:
        spare = most - len(box)
        boxes.append(torch.cat([box, box.new_zeros(spare, 4)]))
        alone = score[:, None] * nn.functional.one_hot(label, classes)
        scores.append(torch.cat([alone, alone.new_zeros(spare, classes)]))
        valid.append(torch.arange(most, device=batch.device) < len(box))
    return Detections(torch.stack(scores), boxes=torch.stack(boxes), valid=torch.stack(valid))


def _dense(scores: Tensor, boxes: Tensor, size: tuple[int, int], batch: Tensor) -> Detections:
    valid = torch.ones_like(scores[..., 0], dtype=torch.bool)
    dense = Detections(scores, boxes=_clipped(boxes, size), valid=valid)
    return _in_pixels_of(batch, size, dense)


def _in_pixels_of(batch: Tensor, size: tuple[int, int], dense: Detections) -> Detections:
    """Bring boxes from a transformed image's pixels to those of the batch."""
    (height, width), (high, wide) = batch.shape[2:], size
    ratio = dense.boxes.new_tensor([width / wide, height / high]).repeat(2)
    return replace(dense, boxes=dense.boxes * ratio)


def _clipped(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    limit = boxes.new_tensor([size[1], size[0]]).repeat(2)
    return torch.minimum(boxes.clamp_min(0), limit)


def _each(decode: Callable[[Tensor, Tensor], Tensor], codes: Tensor, anchors: Tensor) -> Tensor:
    return torch.stack([decode(one, anchors) for one in codes])


def _without_background(scores: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(scores[..., :1]), scores[..., 1:]], dim=-1)


def _entry(model: str | nn.Module, weights: Any, kinds: str = "") -> Any:
    """Return the weights' entry that says how images are prepared, None where nobody knows.

    Raises `UserError` for the name of no model of `torchvision.models.kinds`.
    """
    if isinstance(model, str):
        models = _torchvision().models
        module = getattr(models, kinds) if kinds else models
        one_of("victim", model, models.list_models(module=module))
    if weights is not None or not isinstance(model, str):
        good = weights is None or hasattr(weights, "meta")
        expected = "an entry of a torchvision weights enum"
        check(good, "weights", expected=expected, got=repr(weights), fix="give files as file=")
        return weights
    return getattr(_torchvision().models.get_model_weights(model), "DEFAULT", None)


def _build(options: Mapping[str, Any], name: str) -> nn.Module:
    module: nn.Module = _torchvision().models.get_model(name, weights=None, **options)
    return module


def _categories(entry: Any, labels: Sequence[str] | None) -> tuple[str, ...]:
    """Return the labels given, else those of a weights entry, else none."""
    if labels is not None:
        return tuple(labels)
    return () if entry is None else tuple(entry.meta.get("categories", ()))


def _prepare(entry: Any) -> Prepare:
    """Return what a weights entry's transform does; ImageNet's mean and std without one."""
    if entry is None:
        return Prepare(224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    preset = entry.transforms()
    if not {"crop_size", "resize_size", "mean", "std"} <= vars(preset).keys():
        got, fix = type(preset).__name__, "give prepare yourself"
        raise UserError("weights", expected="a classifier's entry", got=got, fix=fix)
    return Prepare(
        preset.crop_size[0],
        tuple(preset.mean),
        tuple(preset.std),
        fit="crop",
        resize_px=max(preset.resize_size[0], preset.crop_size[0]),
        interpolation=preset.interpolation.value,
        antialias=bool(preset.antialias),
    )
