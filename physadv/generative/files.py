"""A generator and a training on disk: safetensors, with the settings as JSON in their headers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from physadv.core import Encoded, UserError, save_image
from physadv.core.whole import write_whole
from physadv.generative.autoencoder import Autoencoder
from physadv.generative.networks import Generator
from physadv.generative.restorer import Restorer
from physadv.generative.translator import Translator
from physadv.generative.unet import UNet

UNKNOWN = "a generator made by physadv train gan"
Kept = Autoencoder | Restorer | Translator | UNet
KEPT: dict[str, type[Kept]] = {
    "Autoencoder": Autoencoder,
    "Restorer": Restorer,
    "Translator": Translator,
    "UNet": UNet,
}


def save_generator(path: str | Path, made: Generator) -> None:
    """Write a generator's weights and sizes."""
    sizes = {"latent": made.latent, "channels": made.channels}
    write_tensors(Path(path), made.state_dict(), {"generator": sizes})


def load_generator(path: str | Path) -> Generator:
    """Return the generator of a file, in evaluation mode, its weights without gradients.

    Raises `UserError` where the file is missing, damaged or another network's.
    """
    tensors, facts = read_tensors(Path(path), "generator", UNKNOWN)
    try:
        made = Generator(**facts["generator"])
        made.load_state_dict(dict(tensors))
    except (KeyError, TypeError, RuntimeError) as error:
        raise UserError("generator", expected=UNKNOWN, got=f"{path}, another file") from error
    return made.eval().requires_grad_(False)


def save_network(path: str | Path, made: Kept) -> None:
    """Write a network's weights and sizes."""
    write_tensors(Path(path), made.state_dict(), {type(made).__name__: made.sizes})


def load_network(path: str | Path) -> Kept:
    """Return the network that `save_network` wrote, in evaluation mode, without gradients.

    Raises `UserError` where the file is missing, damaged or another network's.
    """
    expected = "a network that save_network wrote"
    tensors, facts = read_tensors(Path(path), "network", expected)
    try:
        ((kind, sizes),) = facts.items()
        made = KEPT[kind](**sizes)
        made.load_state_dict(dict(tensors))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError("network", expected=expected, got=f"{path}, another file") from error
    made.eval().requires_grad_(False)
    return made


def write_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, object]) -> None:
    """Write tensors with facts that JSON can hold; the file is whole or as it was."""
    flat = {name: value.contiguous() for name, value in tensors.items()}
    write_whole(path, save(flat, {"facts": json.dumps(facts)}))


def read_tensors(
    path: Path, argument: str, expected: str
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `write_tensors` wrote; raises `UserError` about `argument` where it is not that."""
    try:
        with safe_open(path, "pt") as content:
            facts = json.loads((content.metadata() or {})["facts"])
            tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118  # no mapping
    except FileNotFoundError as error:
        raise UserError(argument, expected=expected, got=f"no {path}") from error
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise UserError(argument, expected=expected, got=f"{path}, damaged or other") from error
    return tensors, facts


def save_grid(path: str | Path, pictures: Tensor, columns: int = 8) -> None:
    """Write pictures (N,3,h,w) side by side as one PNG; what does not fill a row is left out."""
    count, _, height, width = pictures.shape
    rows = count // columns
    cells = pictures[: rows * columns].reshape(rows, columns, 3, height, width)
    whole = cells.permute(2, 0, 3, 1, 4).reshape(1, 3, rows * height, columns * width)
    save_image(path, Encoded(torch.as_tensor(whole)))
