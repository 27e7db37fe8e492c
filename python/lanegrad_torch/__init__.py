"""lanegrad's models in PyTorch: a file that lanegrad saved goes on here with the same losses, and comes back.

    net = lanegrad_torch.load("model.safetensors")
    loss = net.step(x, y)  # one training step, as lanegrad's trainStep
    net.save("model.safetensors")
"""

from .errors import LanegradError
from .layers import Layer
from .net import Net, load

__all__ = ["LanegradError", "Layer", "Net", "load"]
