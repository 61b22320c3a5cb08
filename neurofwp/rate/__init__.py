"""Rate networks: fast weights under an update rule, in torch."""

from neurofwp.rate import feature_maps, hopfield
from neurofwp.rate.attention import softmax_attention
from neurofwp.rate.layer import FastWeightLayer
from neurofwp.rate.network import RateNetwork, choose_device, unit
from neurofwp.rate.scan import scan
from neurofwp.rate.stack import FastWeightStack
from neurofwp.rate.stream import Result, run

__all__ = [
    "FastWeightLayer",
    "FastWeightStack",
    "RateNetwork",
    "Result",
    "choose_device",
    "feature_maps",
    "hopfield",
    "run",
    "scan",
    "softmax_attention",
    "unit",
]
