"""Rate networks: a Program run under an update rule, in torch."""

from neurofwp.rate.network import RateNetwork, choose_device, unit
from neurofwp.rate.scan import scan

__all__ = ["RateNetwork", "choose_device", "scan", "unit"]
