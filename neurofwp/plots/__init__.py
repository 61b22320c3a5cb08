"""Figures: one function per figure, from Datasets to a `matplotlib.figure.Figure`.

Save one with ``figure.savefig("name.pdf")``. No function opens a window or changes matplotlib's settings.
"""

from neurofwp.plots.ablations import ablations
from neurofwp.plots.associations import completion, sequence_recall
from neurofwp.plots.attention import attention_matrices, cost_against_length, read_differences
from neurofwp.plots.calibration import calibration
from neurofwp.plots.capacity import capacity
from neurofwp.plots.closed_form import closed_form
from neurofwp.plots.gating import gating
from neurofwp.plots.identification import explained, recovered
from neurofwp.plots.in_context import in_context
from neurofwp.plots.in_context_learning import in_context_learning
from neurofwp.plots.key_overlap import key_overlap
from neurofwp.plots.language_modelling import language_modelling
from neurofwp.plots.lazy_figures import LazyFigures
from neurofwp.plots.learning import learning
from neurofwp.plots.left_out import left_out
from neurofwp.plots.meta_learning import meta_learning
from neurofwp.plots.one_pass_capacity import one_pass_capacity, slot_capacity
from neurofwp.plots.one_write import one_write
from neurofwp.plots.overview import overview
from neurofwp.plots.overwrite import overwrite
from neurofwp.plots.pairing import pairing_traces
from neurofwp.plots.partial_observation import partial_observation
from neurofwp.plots.phase_diagram import phase_diagram
from neurofwp.plots.place_fields import place_fields
from neurofwp.plots.plateau_map import plateau_map
from neurofwp.plots.posterior import posterior_corner, rank_histograms
from neurofwp.plots.protocols import protocol_comparison, protocol_curves
from neurofwp.plots.raster import raster
from neurofwp.plots.realism import circuits_and_blocks, realism
from neurofwp.plots.recall_and_rules import recall_and_rules
from neurofwp.plots.recall_benchmark import recall_benchmark
from neurofwp.plots.recall_images import recall_images
from neurofwp.plots.recall_scatter import recall_scatter
from neurofwp.plots.retention import erasure, retention
from neurofwp.plots.retrieval import retrieval
from neurofwp.plots.rule_bars import rule_bars
from neurofwp.plots.rule_transfer import rule_transfer, transfer_of_durations
from neurofwp.plots.spiking_capacity import spiking_capacity
from neurofwp.plots.spiking_cost import cost_by_synapses
from neurofwp.plots.state_tracking import state_tracking
from neurofwp.plots.sweeps import sweep_curves, sweep_maps
from neurofwp.plots.synapse import synapse
from neurofwp.plots.synapse_fits import fitted_curves, has_curves, predictions_against_measurements
from neurofwp.plots.synapse_models import summary_sheet
from neurofwp.plots.weights import weights

__all__ = [
    "LazyFigures",
    "ablations",
    "attention_matrices",
    "calibration",
    "capacity",
    "circuits_and_blocks",
    "closed_form",
    "completion",
    "cost_against_length",
    "cost_by_synapses",
    "erasure",
    "explained",
    "fitted_curves",
    "gating",
    "has_curves",
    "in_context",
    "in_context_learning",
    "key_overlap",
    "language_modelling",
    "learning",
    "left_out",
    "meta_learning",
    "one_pass_capacity",
    "one_write",
    "overview",
    "overwrite",
    "pairing_traces",
    "partial_observation",
    "phase_diagram",
    "place_fields",
    "plateau_map",
    "posterior_corner",
    "predictions_against_measurements",
    "protocol_comparison",
    "protocol_curves",
    "rank_histograms",
    "raster",
    "read_differences",
    "realism",
    "recall_and_rules",
    "recall_benchmark",
    "recall_images",
    "recall_scatter",
    "recovered",
    "retention",
    "retrieval",
    "rule_bars",
    "rule_transfer",
    "sequence_recall",
    "slot_capacity",
    "spiking_capacity",
    "state_tracking",
    "summary_sheet",
    "sweep_curves",
    "sweep_maps",
    "synapse",
    "transfer_of_durations",
    "weights",
]
