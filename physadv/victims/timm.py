"""timm's models as victims, by name or as objects; nothing downloaded."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from torch import nn

from physadv.core import check
from physadv.victims.by_name import by_name, kind
from physadv.victims.classifier import Classifier
from physadv.victims.extra import extra
from physadv.victims.labels import numbered
from physadv.victims.network import count_classes
from physadv.victims.prepare import Prepare

FITS: dict[str, Literal["crop", "stretch"]] = {"center": "crop", "squash": "stretch"}


def timm_classifier(
    model: str | nn.Module,
    *,
    file: str | Path | None = None,
    labels: Sequence[str] | None = None,
    prepare: Prepare | None = None,
) -> Classifier:
    """Return a timm model, by name or as the object that you have.

    Its data configuration says the size, mean, std, interpolation and crop, as timm's own
    validation uses them; `prepare` overrides all that. Labels are ImageNet's where the model has
    its classes. A name builds the architecture, with as many outputs as there are `labels`, and
    `file` fills it (see `load_weights`); without a file the weights are random, which `note` says.
    Raises `UserError` for a name that there is not, or a configuration that is not understood.
    """
    count = {} if labels is None else {"num_classes": len(labels)}
    module, note = by_name(model, file, partial(_build, count))
    ready = _prepare(module) if prepare is None else prepare
    names = _labels(module, ready) if labels is None else labels
    victim = Classifier.of(module, names, ready, name=kind(model))
    victim.note = note
    return victim


def _timm() -> Any:
    with extra("timm"):
        import timm
        import timm.data

    return timm


def _build(count: Mapping[str, int], name: str) -> nn.Module:
    timm, fix = _timm(), "timm.list_models() has the names"
    check(timm.is_model(name), "victim", expected="a timm model", got=repr(name), fix=fix)
    module: nn.Module = timm.create_model(name, pretrained=False, **count)
    return module


def _prepare(module: nn.Module) -> Prepare:
    """Return what timm's validation transform does, for images of any size."""
    config = _timm().data.resolve_model_data_config(module)
    channels, height, width = config["input_size"]
    mode, fix = config["crop_mode"], "give prepare yourself"
    good = mode in FITS and channels == 3 and height == width
    got = f"crop mode {mode!r}, input {config['input_size']}"
    check(good, "victim", expected="square RGB images, cropped or squashed", got=got, fix=fix)
    return Prepare(
        height,
        config["mean"],
        config["std"],
        fit=FITS[mode],
        resize_px=math.floor(height / config["crop_pct"]),
        interpolation=config["interpolation"],
    )


def _labels(module: nn.Module, ready: Prepare) -> tuple[str, ...]:
    """Return ImageNet's descriptions where the model has its classes, else numbers."""
    data, count = _timm().data, count_classes(module, ready)
    subset = data.infer_imagenet_subset(module)
    known = tuple(data.ImageNetInfo(subset).label_descriptions()) if subset else ()
    return known if len(known) == count else numbered(count)
