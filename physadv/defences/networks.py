"""What defences do with networks that they are given: ask, leave no trace, refuse a wrong size."""

import torch
from torch import Tensor, nn

from physadv.core import UserError, check
from physadv.victims import Victim
from physadv.victims.door import first_line
from physadv.victims.frozen import frozen
from physadv.victims.weights import digest


def ask(network: nn.Module, given: Tensor) -> Tensor:
    """Return what a network makes of a batch; its mode stays, its weights get no gradient."""
    with frozen(network):
        made: Tensor = network(given)
    return made


@torch.no_grad()
def check_size(
    network: nn.Module,
    given: Tensor,
    victim: Victim,
    argument: str,
    fix: str,
    *,
    channels: int = 3,
) -> None:
    """Raise `UserError` unless a network makes one image of the victim's size of one row."""
    size = (len(given), channels, *victim.size_px)
    expected = f"a network that makes {size} of {tuple(given.shape)}"
    check(isinstance(network, nn.Module), argument, expected="an nn.Module", got=type(network))
    device = next((one.device for one in network.parameters()), given.device)
    try:
        got = tuple(ask(network, given.to(device)).shape)
    except (RuntimeError, ValueError) as error:
        raise UserError(argument, expected=expected, got=first_line(error), fix=fix) from error
    check(got == size, argument, expected=expected, got=got, fix=fix)


def check_images_kept(
    network: nn.Module, victim: Victim, argument: str, *, channels: int = 3
) -> None:
    """Raise `UserError` unless a network makes images of the victim's size of such images.

    Or maps of that size with so many channels.
    """
    fix = f"take one trained at {victim.size_px[0]}x{victim.size_px[1]} px"
    given = torch.zeros(1, 3, *victim.size_px)
    check_size(network, given, victim, argument, fix, channels=channels)


def digests(*networks: nn.Module) -> str:
    """Return the digests of networks, as one text."""
    return " ".join(digest(one) for one in networks)
