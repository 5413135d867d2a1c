"""An ART estimator's scores as a torch graph: preprocessing and defences with their gradients."""

from collections.abc import Sequence
from typing import Any

import torch
from art.defences.preprocessor.preprocessor import PreprocessorPyTorch
from torch import Tensor, nn


def prepared(operations: Sequence[Any], x: Tensor) -> Tensor:
    """Return a batch after ART's preprocessing operations, as they are applied at predict time.

    Gradients pass torch ones by autograd; where one gives none, and through numpy ones, by the
    operation's own estimate (backward pass differentiable approximation, Athalye et al. 2018).
    """
    for operation in operations:
        if operation.apply_predict:
            x = _torch(operation, x) if _is_torch(operation) else _Numpy.apply(x, operation)
    return x


def model_scores(model: nn.Module, operations: Sequence[Any], x: Tensor) -> Tensor:
    """Return the scores (B,K) of a module behind operations for a batch in its frame.

    Where an operation makes several of each image (expectation over transformation) they are
    averaged.
    """
    ready = prepared(operations, x)
    like = next(model.parameters(), ready)
    scores: Any = model(ready.to(like.dtype))
    if len(scores) == len(x):
        return torch.as_tensor(scores)
    return torch.as_tensor(scores).reshape(len(x), -1, scores.shape[-1]).mean(dim=1)


def _is_torch(operation: Any) -> bool:
    return isinstance(operation, PreprocessorPyTorch)


def _torch(operation: Any, x: Tensor) -> Tensor:
    value, _ = operation.forward(x)
    if x.requires_grad and not value.requires_grad:
        soft = operation.estimate_forward(x)
        value = soft + (value - soft).detach()
    return torch.as_tensor(value)


class _Numpy(torch.autograd.Function):
    """A numpy operation forwards, its own estimate of the gradient backwards."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, operation: Any) -> Tensor:
        """Return what the operation makes of the batch."""
        ctx.operation, ctx.x = operation, x.detach().cpu().numpy()
        value, _ = operation(ctx.x)
        return torch.as_tensor(value).to(x)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        """Return the estimate."""
        found = ctx.operation.estimate_gradient(ctx.x, slope.cpu().numpy())
        return torch.as_tensor(found).to(slope), None
