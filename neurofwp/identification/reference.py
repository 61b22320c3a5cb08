"""A flexible local rule, fitted next to the named ones: a lower bound of what rules of its locality can explain.

    W <- s_t W,    s_t = (1 - rho + rho alpha_t) (d_closed + (d_open - d_closed) beta_t)
    W_ij <- W_ij + beta_t sum_n c_n x_n(j) y_n(i) W_ij^m_n,    |W_ij| <= w_max

The terms n (`LOCAL`) are products of a presynaptic factor x, a postsynaptic one y, and a power of the synapse's own
weight: a polynomial in k_j, v_i, W_ij and moving averages of k, v and v^2 over the events before. To these come two
logistic thresholds of the calcium k_j (offset + v_i), each with and without W_ij. `PREDICTIVE` adds p_i = (W k)_i:
a polynomial of it, and p with a soft threshold.

The rules of the library that take no other signals are contained exactly, but for btsp; see
`neurofwp.identification.fit_reference.embed`. Both references are Rules that a fit takes as any other; neither is in
the registry, since no one proposes them for a synapse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from neurofwp.rules import Event, Parameter, Rule, delta
from neurofwp.rules.parameter import POSITIVE, SHARE
from neurofwp.rules.rule import outer, per_post, per_synapse, product
from neurofwp.rules.signals import BETA, KEY, LOG_DECAY, VALUE

LIMIT = 100.0  # of a coefficient, in the units that its powers say

# powers of the key in the presynaptic factors; of the value and of the prediction in the postsynaptic ones
PRE = {"1": 0, "k": 1, "k2": 2, "K": 1}
POST = {
    "1": (0, 0), "v": (1, 0), "v2": (2, 0), "V": (1, 0), "vV2": (3, 0), "p": (0, 1), "vp": (1, 1), "p2": (0, 2),
    "soft": (0, 1),
}  # fmt: skip


@dataclass(frozen=True)
class Term:
    """One term of the polynomial: x(j) y(i) W_ij^degree. K, V and V2 are averages of k, v and v^2 over past events."""

    pre: str
    post: str
    degree: int = 0

    @property
    def name(self) -> str:
        return "_".join(each for each in (self.pre, self.post, ("1", "W", "W2")[self.degree]) if each != "1")

    @property
    def parameter(self) -> Parameter:
        value, prediction = POST[self.post]
        return Parameter(
            self.name, 0.0, -LIMIT, LIMIT, f"coefficient of {self.name.replace('_', ' ')}",
            weight_power=1 - self.degree - prediction, key_power=1 - self.degree - PRE[self.pre], value_power=-value,
        )  # fmt: skip


LOCAL = (
    Term("k", "1"), Term("k", "v"), Term("k", "v2"), Term("k2", "1"), Term("k2", "v"),
    Term("k", "1", 1), Term("k", "v", 1), Term("k", "v2", 1), Term("k2", "1", 1), Term("1", "v", 1), Term("1", "v2", 1),
    Term("k", "1", 2), Term("k", "v", 2),
    Term("K", "1"), Term("K", "v"), Term("K", "1", 1), Term("k", "V"), Term("K", "V"), Term("k", "vV2"),
)  # fmt: skip
PREDICTIVE = (
    Term("k", "p"), Term("k", "vp"), Term("k", "p2"), Term("k", "soft"), Term("k", "p", 1), Term("k2", "p"),
    Term("K", "p"),
)  # fmt: skip

THRESHOLDS = ("p", "d")  # a higher one, for potentiation, and a lower one, for depression
SHARES = (
    Parameter("decay_open", 1.0, 0.0, 1.0, "share of a weight that survives with the gate open", domain=SHARE),
    Parameter("decay_closed", 1.0, 0.0, 1.0, "share of a weight that survives with the gate closed", domain=SHARE),
    Parameter("retention", 0.0, 0.0, 1.0, "how far weights follow the retention", domain=SHARE),
    Parameter("key_memory", 0.5, 0.0, 0.99, "share of the average of k that survives an event", domain=SHARE),
    Parameter("value_memory", 0.5, 0.0, 0.999, "share of the averages of v, v^2 that survives an event", domain=SHARE),
    Parameter("value_start", 0.0, 0.0, 4.0, "average of v^2 before the first event", value_power=2),
    Parameter("w_max", 20.0, 0.5, 20.0, "largest weight", weight_power=1, key_power=1),
)
CALCIUM = (
    *(Parameter(f"above_{each}", 0.0, -20, 20, f"speed of the change above theta_{each}", 1) for each in THRESHOLDS),
    *(Parameter(f"above_{each}_W", 0.0, -4, 4, f"the same, per weight, above theta_{each}", key_power=-1)
      for each in THRESHOLDS),
    Parameter("theta_p", 1.4, 0.0, 4.0, "higher threshold of calcium", key_power=1),
    Parameter("theta_d", 0.7, 0.0, 4.0, "lower threshold of calcium", key_power=1),
    Parameter("slope", 0.15, 0.01, 1.0, "width of the thresholds", key_power=1, domain=POSITIVE),
    Parameter("offset", 1.0, 0.0, 3.0, "calcium of an active synapse where nothing is taught"),
)  # fmt: skip


def coefficients(rule: LocalReference) -> list[str]:
    """The parameters that a step is linear in, all others given, one at a time."""
    linear = [term.name for term in rule.terms]
    linear += [name for each in THRESHOLDS for name in (f"above_{each}", f"above_{each}_W")]
    return [*linear, "decay_open", "decay_closed"]


class State(NamedTuple):
    """weight (..., post, pre), and averages over past events: key (..., pre), value and square (..., post)."""

    weight: Tensor
    key: Tensor
    value: Tensor
    square: Tensor


class LocalReference(Rule):
    """A flexible rule in all that reaches a synapse but the prediction."""

    id = "local_reference"
    terms: ClassVar[tuple[Term, ...]] = LOCAL
    posts: ClassVar[tuple[str, ...]] = tuple(POST)[:5]
    parameters: ClassVar[tuple[Parameter, ...]] = (*(term.parameter for term in LOCAL), *CALCIUM, *SHARES)
    equation = "s W + beta sum_n c_n x_n(k_j, K_j) y_n(v_i, V_i) W_ij^m_n, and thresholds of k_j (offset + v_i)"
    objective = "none"
    signals: ClassVar[tuple[str, ...]] = ("key", "value", "gate", "retention", "weight", "key trace", "value trace")
    reading = "none: what a rule of these signals could do"
    source = "a polynomial, as in Confavreux et al. 2020 (NeurIPS 33), with the thresholds of Graupner & Brunel 2012"
    arguments = (KEY, VALUE, BETA, LOG_DECAY)
    state = State
    absorbs_offset = True

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> State:
        key, value = torch.zeros_like(weight[..., 0, :]), torch.zeros_like(weight[..., :, 0])
        return State(weight, key, value, value + per_post(p["value_start"]))

    def step(self, state: State, event: Event, p: Mapping[str, Tensor]) -> State:
        retained = 1 - p["retention"] + p["retention"] * event.retention
        share = retained * (p["decay_closed"] + (p["decay_open"] - p["decay_closed"]) * event.gate)
        weight = per_synapse(share) * state.weight
        key = event.key
        pre = stack([torch.ones_like(key), key, key * key, state.key], dim=-2)
        post = stack(self.factors(State(weight, *state[1:]), event, p), dim=-1)
        powers = [post @ self.matrix(degree, p) @ pre for degree in (0, 1, 2)]
        above, above_per_weight = thresholds(event, p)
        change = powers[0] + above + weight * (powers[1] + above_per_weight + weight * powers[2])
        weight = weight + per_synapse(event.gate) * change
        largest = per_synapse(p["w_max"])
        return State(torch.maximum(torch.minimum(weight, largest), -largest), *averages(state, event, p))

    def factors(self, state: State, event: Event, p: Mapping[str, Tensor]) -> list[Tensor]:
        """Postsynaptic factors of the terms, each (..., post), in the order of `POST`."""
        value = event.value
        return [torch.ones_like(value), value, value * value, state.value, value * state.square]

    def matrix(self, degree: int, p: Mapping[str, Tensor]) -> Tensor:
        """Coefficients of W^degree (..., postsynaptic factor, presynaptic factor)."""
        given = {(term.post, term.pre): p[term.name] for term in self.terms if term.degree == degree}
        none = torch.zeros_like(p[self.terms[0].name])
        entries = [given.get((post, pre), none) for post in self.posts for pre in PRE]
        return torch.stack(entries, dim=-1).reshape(*none.shape, len(self.posts), len(PRE))


def stack(tensors: Sequence[Tensor], dim: int) -> Tensor:
    return torch.stack(torch.broadcast_tensors(*tensors), dim=dim)


class PredictionReference(LocalReference):
    """A flexible rule in all that reaches a synapse, the prediction W k included."""

    id = "prediction_reference"
    terms = (*LOCAL, *PREDICTIVE)
    posts = tuple(POST)
    parameters = (
        *LocalReference.parameters,
        *(term.parameter for term in PREDICTIVE),
        Parameter("prediction_threshold", 0.0, 0.0, 5.0, "read-out below which nothing is predicted", weight_power=1),
    )
    equation = (
        "s W + beta sum_n c_n x_n(k_j, K_j) y_n(v_i, V_i, (W k)_i) W_ij^m_n, and thresholds of k_j (offset + v_i)"
    )
    signals = (*LocalReference.signals, "prediction")

    def factors(self, state: State, event: Event, p: Mapping[str, Tensor]) -> list[Tensor]:
        predicted = product(state.weight, event.key)
        unit = {"prediction_gain": torch.ones_like(p["prediction_threshold"])}
        soft = delta.prediction(state.weight, event.key, {**p, **unit})
        beyond = [predicted, event.value * predicted, predicted * predicted, soft]
        return [*super().factors(state, event, p), *beyond]


def thresholds(event: Event, p: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """What calcium above the thresholds adds to a weight, and adds per weight, both (..., post, pre)."""
    calcium = outer(per_post(p["offset"]) + event.value, event.key)
    high, low = (torch.sigmoid((calcium - per_synapse(p[f"theta_{each}"])) / per_synapse(p["slope"])) for each in "pd")
    key = event.key[..., None, :]
    absolute = key * (per_synapse(p["above_p"]) * high + per_synapse(p["above_d"]) * low)
    return absolute, key * (per_synapse(p["above_p_W"]) * high + per_synapse(p["above_d_W"]) * low)


def averages(state: State, event: Event, p: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """The averages of key, value and its square with this event in them."""
    of_key, of_value = per_post(p["key_memory"]), per_post(p["value_memory"])
    key = event.key + of_key * (state.key - event.key)
    value = event.value + of_value * (state.value - event.value)
    square = event.value * event.value
    return key, value, square + of_value * (state.square - square)


REFERENCES = (LocalReference(), PredictionReference())


def covers(reference: Rule, rule: Rule) -> bool:
    """Whether a rule takes no signal that the reference does not take: whether it is of that locality."""
    return set(rule.signals) <= set(reference.signals)
