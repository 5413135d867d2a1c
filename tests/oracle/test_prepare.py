"""How images are brought to a network, against torchvision's and timm's own transforms."""

from typing import Any

import numpy as np
import pytest
import timm
import torch
import torchvision
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from physadv.core import UserError, generator
from physadv.victims import Prepare, timm_classifier, torchvision_classifier

SIZES = [(300, 400), (400, 300), (97, 64), (224, 224), (256, 500)]


def picture(size: tuple[int, int], seed: int = 0) -> Tensor:
    """Return a smooth random picture (1,3,h,w) whose values are whole bytes."""
    coarse = torch.rand(1, 3, 6, 8, generator=generator(seed))
    smooth = torch.nn.functional.interpolate(coarse, size, mode="bicubic").clamp(0, 1)
    return (smooth * 255).round() / 255


def as_pil(image: Tensor) -> Image.Image:
    return Image.fromarray((image[0] * 255).round().byte().permute(1, 2, 0).numpy())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "efficientnet_b0", "vit_b_16"])
def test_a_torchvision_entry_prepares_as_its_own_transform(
    name: str, size: tuple[int, int]
) -> None:
    entry = torchvision.models.get_model_weights(name).DEFAULT
    victim = torchvision_classifier(torch.nn.Identity(), weights=entry)
    found, wanted = victim.prepare(picture(size)), entry.transforms()(picture(size))
    bicubic = victim.prepare.interpolation == "bicubic"  # theirs overshoots on floats, not on bytes
    std = min(entry.transforms().std)
    torch.testing.assert_close(found, wanted, rtol=0, atol=0.02 / std if bicubic else 1e-5)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["resnet10t", "mobilenetv3_small_050", "tf_efficientnet_lite0"])
def test_a_timm_model_prepares_as_its_own_validation(name: str, size: tuple[int, int]) -> None:
    victim = timm_classifier(name)
    data: Any = timm.data
    config = data.resolve_model_data_config(victim.module)
    theirs = data.create_transform(**config, is_training=False)
    wanted = theirs(as_pil(picture(size)))[None]
    found = victim.prepare(picture(size))
    byte = 1 / 255 / min(config["std"])  # theirs rounds twice to bytes on the way
    torch.testing.assert_close(found, wanted, rtol=0, atol=1.5 * byte)


def test_channels_scale_mean_and_std_in_the_networks_own_order() -> None:
    mean, std = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
    image = picture((5, 7))
    wanted = np.stack(
        [(image[0, 2 - k].numpy() * 255 - mean[k]) / std[k] for k in range(3)], axis=0
    )
    first = Prepare((5, 7), mean, std, bgr=True, scale=255)
    np.testing.assert_allclose(first(image)[0].numpy(), wanted, rtol=1e-4, atol=1e-4)
    last = Prepare((5, 7), mean, std, bgr=True, scale=255, channels_last=True)
    torch.testing.assert_close(last(image), first(image).permute(0, 2, 3, 1))


def test_a_letterbox_keeps_the_shape_and_fills_up_in_the_middle() -> None:
    seen = Prepare(32, fit="letterbox", border=0.5)(torch.ones(1, 3, 20, 40))
    assert seen.shape == (1, 3, 32, 32)
    torch.testing.assert_close(seen[:, :, 8:24], torch.ones(1, 3, 16, 32))
    outside = torch.cat([seen[:, :, :8], seen[:, :, 24:]], dim=2)
    assert bool((outside == 0.5).all())


@settings(max_examples=60, deadline=None)
@over(
    st.sampled_from(["stretch", "crop", "letterbox", "keep"]),
    st.integers(8, 200),
    st.integers(8, 200),
    st.sampled_from([None, 80]),
)
def test_boxes_find_their_way_back(
    fit: Any, height: int, width: int, resize_px: int | None
) -> None:
    """A box in an image, resized and moved as the image is, comes back to where it was."""
    prepare = Prepare((40, 64), fit=fit, resize_px=resize_px)
    at = prepare.place(height, width)
    box = torch.tensor([0.25 * width, 0.5 * height, 0.75 * width, 0.9 * height])
    scale = torch.tensor([at.width / width, at.height / height]).repeat(2)
    there = box * scale + torch.tensor([at.x, at.y, at.x, at.y])
    torch.testing.assert_close(prepare.back(there, height, width), box, rtol=1e-4, atol=1e-3)
    wanted = (height, width) if fit == "keep" else (40, 64)
    assert prepare(torch.zeros(1, 3, height, width)).shape[2:] == wanted


@pytest.mark.parametrize("fit", ["stretch", "crop", "letterbox", "keep"])
def test_a_mark_is_found_where_its_box_says(fit: Any) -> None:
    """A white mark on black is looked for in what the network sees, and brought back."""
    image = torch.zeros(1, 3, 120, 160)
    image[..., 40:72, 60:100] = 1
    prepare = Prepare((60, 60), fit=fit)
    y, x = (prepare(image)[0, 0] - prepare.border).gt(0.1).nonzero(as_tuple=True)
    edges = torch.stack([x.min(), y.min(), x.max() + 1, y.max() + 1]).float()
    found = prepare.back(edges, 120, 160)
    torch.testing.assert_close(found, torch.tensor([60.0, 40, 100, 72]), rtol=0, atol=3.0)


def test_what_outlives_inference_mode_still_takes_gradients() -> None:
    prepare = Prepare(8, (0.1, 0.2, 0.3), (0.4, 0.5, 0.61))
    with torch.inference_mode():
        prepare(torch.rand(1, 3, 8, 8, generator=generator(0)))
    image = torch.rand(1, 3, 8, 8, generator=generator(0)).requires_grad_()
    (slope,) = torch.autograd.grad(prepare(image).sum(), image)
    torch.testing.assert_close(slope[0, :, 0, 0], 1 / torch.tensor([0.4, 0.5, 0.61]))


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("size_px", 0),
        ("mean", (0.5,)),
        ("mean", 0.5),
        ("mean", ("a", "b", "c")),
        ("std", (1.0, 1.0, 0.0)),
        ("scale", 0),
        ("fit", "pad"),
        ("interpolation", "lanczos"),
        ("resize_px", 7),
    ],
)
def test_settings_that_do_not_fit_are_refused(argument: str, value: object) -> None:
    given: dict[str, Any] = {"size_px": 8, "mean": (0, 0, 0)} | {argument: value}
    with pytest.raises(UserError, match=rf"^{argument}: expected"):
        Prepare(**given)
