"""Victims of other frameworks, named as users name them and brought as objects."""

import sys
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from physadv.attacks import Gradient
from physadv.core import Encoded, UserError, generator
from physadv.design import Design, build_open_victim, build_victim
from physadv.objectives import targeted
from physadv.patch import Pixels
from physadv.problem import Problem
from physadv.testing import check_victim
from physadv.victims import (
    Classifier,
    Detector,
    load_victim,
    timm_classifier,
    torchvision_classifier,
    torchvision_detector,
)
from tests.onnx_files import write
from tests.victims import closed_victim
from tests.worlds import linear_world, two_bars

IMAGES = Encoded(torch.rand(2, 3, 80, 100, generator=generator(0)))
SSD = "ssdlite320_mobilenet_v3_large"
TINY = {"torchvision": "squeezenet1_1", "timm": "test_resnet"}


def built(framework: str, classes: int) -> nn.Module:
    """Return the tiny architecture as its framework makes it, seeded."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        if framework == "timm":
            made: nn.Module = timm.create_model(TINY[framework], num_classes=classes)
        else:
            made = torchvision.models.get_model(TINY[framework], num_classes=classes)
    return made


@pytest.mark.parametrize("framework", TINY)
def test_a_name_with_a_file_answers_like_the_object(tmp_path: Path, framework: str) -> None:
    module = built(framework, 3)
    save_file(module.state_dict(), tmp_path / "w.safetensors")
    spec = f"{framework}:{TINY[framework]}:{tmp_path / 'w.safetensors'}"
    named = load_victim(spec, labels=["a", "b", "c"])
    make: Any = timm_classifier if framework == "timm" else torchvision_classifier
    with_object = make(module, labels=["a", "b", "c"])
    assert isinstance(named, Classifier)
    with_object.prepare = named.prepare
    torch.testing.assert_close(named(IMAGES).scores, with_object(IMAGES).scores)
    assert named.digest() == with_object.digest()
    check_victim(named)


@pytest.mark.parametrize("framework", TINY)
def test_a_name_alone_is_untrained_and_says_so(framework: str) -> None:
    spec = f"{framework}:{TINY[framework]}"
    with pytest.warns(UserWarning, match=rf"^{spec} is untrained"):
        found = load_victim(spec)
    assert found.name.endswith("(untrained)")
    assert len(found.labels) == 1000
    assert found.labels[0].startswith("tench")


def test_settings_are_laid_over_what_a_model_says() -> None:
    with pytest.warns(UserWarning, match="untrained"):
        found = load_victim("torchvision:squeezenet1_1", labels=["a", "b"], size_px=64)
    assert isinstance(found, Classifier)
    assert (found.size_px, found.prepare.fit) == ((64, 64), "stretch")
    assert found.prepare.mean == pytest.approx((0.485, 0.456, 0.406))


def test_an_object_with_its_weights_entry_has_its_labels_and_preparation() -> None:
    entry = torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1
    victim = torchvision_classifier(built("torchvision", 1000).eval(), weights=entry)
    assert victim.labels == tuple(entry.meta["categories"])
    scores = victim(IMAGES).scores
    with torch.no_grad():
        wanted = victim.module(entry.transforms()(IMAGES))
    torch.testing.assert_close(scores, wanted)


def test_an_object_alone_has_numbered_classes() -> None:
    victim = torchvision_classifier(built("torchvision", 7))
    assert victim.labels == tuple(f"class {k}" for k in range(7))
    assert timm_classifier(built("timm", 7)).labels == victim.labels


def test_a_detector_is_known_by_its_name() -> None:
    with pytest.warns(UserWarning, match="untrained"):
        found = load_victim(f"torchvision:{SSD}", labels=["none", "stop"])
    assert isinstance(found, Detector)
    assert found.label("stop") == 1


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("torchvision:resnet17", "did you mean 'resnet1"),
        ("torchvision:fcn_resnet50", "victim: expected one of"),  # it would download its backbone
        ("torchvision:raft_large", "victim: expected one of"),
        ("timm:resnet17", "victim: expected a timm model, got 'resnet17'"),
        ("torchvision:squeezenet1_1:absent.pth", "weights: expected a file that exists"),
        ("timm:test_resnet:absent.pth", "weights: expected a file that exists"),
        ("absent.onnx", "victim: expected a file that exists"),
        ("tim:resnet18", "got 'tim:resnet18'; did you mean timm:resnet18?"),
        ("hub:resnet18", "the prefixes are torchvision:, timm:, http:, https:"),
        ("resnet18", "; torchvision:resnet18:FILE takes its weights from FILE"),
        ("model.h5", "; export it to .onnx"),
    ],
)
def test_names_of_nothing(spec: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        load_victim(spec)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    save_file(built("timm", 3).state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(UserError, match=r"^weights: expected the names and shapes"):
        load_victim(f"timm:test_resnet:{tmp_path / 'w.safetensors'}", labels=["a", "b"])


def test_what_does_not_go_together_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^file: expected nothing with an object"):
        torchvision_classifier(built("torchvision", 3), file=tmp_path / "w.pth")
    with pytest.raises(UserError, match=r"^weights: expected an entry"):
        torchvision_classifier(built("torchvision", 3), weights="DEFAULT")
    for make in (torchvision_classifier, torchvision_detector, timm_classifier):
        with pytest.raises(UserError, match=r"^model: expected a name or an nn.Module, got int"):
            make(3)  # type: ignore[arg-type]  # wrong on purpose
    entry = torchvision.models.detection.SSDLite320_MobileNet_V3_Large_Weights.DEFAULT
    with pytest.raises(UserError, match=r"^weights: expected a classifier's entry"):
        torchvision_classifier(built("torchvision", 3), weights=entry)
    with pytest.raises(UserError, match=r"^mean: expected nothing"):
        load_victim(f"torchvision:{SSD}", mean=(0, 0, 0))
    model = torchvision.models.get_model(SSD, weights_backbone=None)
    other = torchvision_detector(model, labels=["a", "b"])
    with pytest.raises(UserError, match=r"91 classes, got 2 names"):
        other(IMAGES)


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UserError, match=r"pip install 'physadv\[timm\]'"):
        timm_classifier("test_resnet")


def test_designs_take_classifiers_and_seek_stickers_on_open_ones_alone(tmp_path: Path) -> None:
    file = write(tmp_path / "net.onnx", shape=("N", 3, 12, 16), outputs=("scores",))
    design = Design.model_validate({"victim": {"spec": str(file)}})
    assert build_victim(design).name == "net.onnx"
    remote = {"spec": "http://host.example/x", "labels": str(tmp_path / "names"), "size_px": 8}
    (tmp_path / "names").write_text("a\nb\n")
    elsewhere = Design.model_validate({"victim": remote})
    assert not build_victim(elsewhere).differentiable
    with pytest.raises(UserError, match=r"^victim: expected one with gradients.*physadv evaluate"):
        build_open_victim(elsewhere)


def test_a_gradient_is_not_sought_in_a_black_box() -> None:
    problem = Problem(closed_victim(), targeted(1), Pixels(two_bars()), linear_world((16, 16)))
    with pytest.raises(UserError, match=r"^victim: expected one with gradients, got"):
        Gradient(steps=1)(problem, seed=0, n=4)
