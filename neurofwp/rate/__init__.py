"""Rate networks: fast weights under an update rule, in torch."""

from neurofwp.rate import feature_maps, hopfield
from neurofwp.rate.attention import (
    SoftmaxLayer,
    attention_matrix,
    by_score,
    by_softmax,
    by_sum,
    fused_softmax_attention,
    softmax_attention,
)
from neurofwp.rate.evaluation import Result
from neurofwp.rate.language_model import language_model, parameter_count
from neurofwp.rate.layer import FastWeightLayer
from neurofwp.rate.network import RateNetwork, choose_device, unit
from neurofwp.rate.predictor import Predictor, RecurrentPredictor, predictor
from neurofwp.rate.scan import scan
from neurofwp.rate.stack import FastWeightStack
from neurofwp.rate.stream import run
from neurofwp.rate.tracker import RecurrentTracker, Tracker

__all__ = [
    "FastWeightLayer",
    "FastWeightStack",
    "Predictor",
    "RateNetwork",
    "RecurrentPredictor",
    "RecurrentTracker",
    "Result",
    "SoftmaxLayer",
    "Tracker",
    "attention_matrix",
    "by_score",
    "by_softmax",
    "by_sum",
    "choose_device",
    "feature_maps",
    "fused_softmax_attention",
    "hopfield",
    "language_model",
    "parameter_count",
    "predictor",
    "run",
    "scan",
    "softmax_attention",
    "unit",
]
