"""Activations by name, as lanegrad's files hold them: {"name": ..., "alpha": ...}."""

from typing import Any, Callable, Dict, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from .errors import unknown
from .tensors import made_of

Activation = Callable[[Tensor], Tensor]

# Each takes x and alpha. At the kinks the slopes are lanegrad's: 0 at both ends of what is clamped.
FUNCTIONS: Dict[str, Callable[[Tensor, float], Tensor]] = {
    "linear": lambda x, alpha: x,
    "relu": lambda x, alpha: F.relu(x),
    "relu6": lambda x, alpha: F.relu6(x),
    "leakyRelu": lambda x, alpha: F.leaky_relu(x, alpha),
    "elu": lambda x, alpha: F.elu(x, alpha),
    "celu": lambda x, alpha: F.celu(x, alpha),
    "selu": lambda x, alpha: F.selu(x),
    "gelu": lambda x, alpha: F.gelu(x),
    "geluTanh": lambda x, alpha: F.gelu(x, approximate="tanh"),
    "silu": lambda x, alpha: F.silu(x),
    "swish": lambda x, alpha: F.silu(x),
    "sigmoid": lambda x, alpha: made_of(torch.sigmoid(x), "sigmoid", x),
    "logSigmoid": lambda x, alpha: F.logsigmoid(x),
    "tanh": lambda x, alpha: torch.tanh(x),
    "softplus": lambda x, alpha: F.softplus(x),
    "softsign": lambda x, alpha: F.softsign(x),
    "hardSigmoid": lambda x, alpha: F.hardtanh(x * (alpha or 1 / 6) + 0.5, 0.0, 1.0),
    "hardSwish": lambda x, alpha: F.hardswish(x),
    "hardTanh": lambda x, alpha: F.hardtanh(x),
    "mish": lambda x, alpha: F.mish(x),
    "exponential": lambda x, alpha: torch.exp(x),
    "square": lambda x, alpha: x * x,
    "softmax": lambda x, alpha: made_of(torch.softmax(x, -1), "softmax", x),
    "logSoftmax": lambda x, alpha: torch.log_softmax(x, -1),
}


def activation_of(config: Mapping[str, Any]) -> Activation:
    """The function that a file's activation names."""
    name, alpha = config["name"], config.get("alpha", 0)
    function = FUNCTIONS.get(name)
    if function is None:
        unknown("activation", name, FUNCTIONS)
    return lambda x: function(x, alpha)
