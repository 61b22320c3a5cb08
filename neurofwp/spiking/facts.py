"""What a circuit can hold of the truth: facts one at a time, at several levels, and what an experimenter can block.

Each is a network and, where it has one, a prediction that was written down before it was run. Numbers of the circuit
come from the closed form (`neurofwp.theory.two_compartment`) alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, nan
from typing import Any

from brian2 import Hz, Quantity, have_same_dimensions, ms, mV, nS, pF, second
from scipy.optimize import brentq

from neurofwp.spiking import circuits
from neurofwp.synapses import model
from neurofwp.theory.two_compartment import Dendrite, two_compartment

UNCOUPLED, NUMBER, SPIKES = "apical-feedback", "two-compartment-by-number", "two-compartment"
SYNAPSE, FAILING = "error-correcting", "error-correcting-release"
SHORT = "error-correcting-short-term"
SHORT_TERM = {  # U, recovery and facilitation, ms
    "depressing axons": (0.46, 671.0, 17.0),  # layer 2/3 pyramidal cells, Tsodyks & Markram 1997
    "facilitating axons": (0.05, 200.0, 1500.0),  # prefrontal, Mongillo et al. 2008, with a small first release
}
HILL = ((8, 3), (6, 3), (4, 3))  # of potentiation (CaMKII: 4 to 8) and of depression (calcineurin: 3)
UNITS = (mV, nS, pF, ms, Hz)
CLOSED_FORM = {"backpropagation": "mV"}  # units of what it gives, where they are not nS


@dataclass(frozen=True)
class Fact:
    """One condition. factor : what it varies; level : how far, in `unit`, NaN where there is no how far. duration : of
    a write, ms.

    prediction : what was expected of it before it was run; "" of a fact that is only measured.
    """

    name: str
    factor: str
    level: float = nan
    unit: str = "1"
    circuit: str = SPIKES
    parameters: Mapping[str, str] = field(default_factory=dict)
    duration: float = 500.0
    synapse: str = SYNAPSE
    prediction: str = ""

    @property
    def network(self) -> dict[str, Any]:
        """The arguments of SpikingNetwork."""
        return {"synapse": self.synapse, "circuit": self.circuit, "parameters": dict(self.parameters)}


def plain(values: Mapping[str, Quantity | float]) -> dict[str, float]:
    """Of these parameters, those in mV, nS, pF, ms and Hz, as numbers."""
    return {
        name: float(value / unit)
        for name, value in values.items()
        for unit in UNITS
        if isinstance(value, Quantity) and have_same_dimensions(value, unit)
    }


def base(synapse: str = SYNAPSE) -> dict[str, float]:
    """Parameters of the uncoupled circuit, with those that the synapse model sets."""
    return plain(circuits.load(UNCOUPLED, model.load(synapse).circuit)[1])


def closed_form(coupling: float, nmda: float = 0.5, backpropagation: float = 8.0) -> dict[str, str]:
    """Parameters of the coupled circuits at this coupling and NMDA conductance (nS), and backpropagation (mV)."""
    found = two_compartment(Dendrite(coupling, nmda, base(), backpropagation))
    return {name: f"{number:.6g} {CLOSED_FORM.get(name, 'nS')}" for name, number in found.items()}


def facts() -> list[Fact]:
    """All of them: first the circuit without coupling, then with it, each fact alone, and blocks."""
    return [
        Fact("uncoupled", "circuit", circuit=UNCOUPLED),
        Fact("gate by number", "circuit", circuit=NUMBER),
        Fact("gate by spikes", "circuit"),
        *(
            Fact(f"coupling {level:g} nS", "coupling", level, "nS", NUMBER, closed_form(level))
            for level in (1.0, 2.0, 10.0, 15.0)
        ),
        *(
            Fact(f"NMDA {level:g} nS", "NMDA current", level, "nS", NUMBER, closed_form(5.0, level))
            for level in (0.0, 0.25, 1.0, 1.4)
        ),
        *(
            Fact(f"backpropagation {level:g} mV", "backpropagation", level, "mV", NUMBER, closed_form(5.0, 0.5, level))
            for level in (0.0, 16.0)
        ),
        *_vary("shared feedback", "shared_feedback", (0.25, 0.5, 0.75, 1.0)),
        *_vary("feedback delay", "feedback_delay", (2.0, 5.0, 10.0, 20.0), "ms"),
        *_vary("AMPA on the dendrite", "ampa_on_dendrite", (0.15, 0.3, 0.6, 1.0)),
        *_vary("strength of feedback", "feedback", (0.25, 0.5, 2.0)),
        *(_spread(level, homeostasis) for homeostasis in (1, 0) for level in (0.2, 0.4)),
        *(
            Fact(f"write of {level:g} ms", "duration of a write", level, "ms", duration=level)
            for level in (250.0, 1000.0)
        ),
        *(
            Fact(f"{level} release sites", "release sites", level, synapse=FAILING, parameters={"sites": f"{level}"})
            for level in (1, 3, 10)
        ),
        *(
            Fact(f"Hill exponents {p} and {q}", "Hill exponent of potentiation", p, parameters=hill(p, q))
            for p, q in HILL
        ),
        *_vary("extracellular calcium", "external_calcium", (1.5, 2.5), "mM"),
        *short_term(),
        *blocks(),
        together(),
    ]  # fmt: skip


def hill(p: int, q: int) -> dict[str, str]:
    """Hill exponents, with D rescaled so that depression and potentiation cancel at the calcium at which they did."""
    values = model.load(SYNAPSE).values
    own = {name: float(values[name]) for name in ("K_P", "p", "K_D", "q")}
    rates = {name: float(values[name] / (nS / second)) for name in ("P", "D")}

    def share(calcium: float, half: float, exponent: float) -> float:
        return float(calcium**exponent / (half**exponent + calcium**exponent))

    def net(calcium: float) -> float:
        kinase, phosphatase = share(calcium, own["K_P"], own["p"]), share(calcium, own["K_D"], own["q"])
        return rates["P"] * kinase - rates["D"] * phosphatase

    crossover = float(brentq(net, own["K_D"], 2 * own["K_P"]))
    depression = rates["P"] * share(crossover, own["K_P"], p) / share(crossover, own["K_D"], q)
    return {"p": f"{p}", "q": f"{q}", "D": f"{depression:.5g} nS/s"}


def _vary(factor: str, parameter: str, levels: Sequence[float], unit: str = "1") -> list[Fact]:
    """One parameter of the coupled circuit."""
    ending = "" if unit == "1" else f" {unit}"
    return [
        Fact(f"{factor} {level:g}{ending}", factor, level, unit, parameters={parameter: f"{level:g}{ending}"})
        for level in levels
    ]


def _spread(level: float, homeostasis: int) -> Fact:
    """Cells whose coupling differs, uniform with that standard deviation, with and without homeostasis."""
    half = 3**0.5 * level
    own = {"coupling_least": f"{1 - half:g}", "coupling_most": f"{1 + half:g}", "homeostasis": f"{homeostasis}"}
    factor = f"spread of coupling, {'with' if homeostasis else 'without'} homeostasis"
    return Fact(f"{factor}: {level:g}", factor, level, parameters=own)


def blocks() -> list[Fact]:
    """What an experimenter can block, and what that should do."""

    def block(name: str, prediction: str, **parameters: str) -> Fact:
        return Fact(name, "block", parameters=parameters, prediction=prediction)

    return [
        block(
            "parvalbumin cells silenced",
            "Somas that are written fire far more than those that are read: feedback depresses wherever nothing was "
            "predicted, and the verdict is outstar or none, not delta.",
            pv_exc_mean="0 nS",
        ),
        block(
            "somatostatin cells silenced",
            "Dendrites stay free while keys are read, so that reading writes: recall falls, and weights move in reads.",
            som_exc_mean="0 nS",
        ),
        block(
            "VIP cells silenced",
            "The gate never opens: nothing is written, and recall is at chance.",
            g_gate_vip="0 nS",
        ),
        block(
            "feedback removed",
            "No prediction reaches the dendrite: the verdict is calcium threshold, and reassigned keys are recalled "
            "worse.",
            feedback="0",
        ),
        block(
            "NMDA current removed",
            "Dendrites are less depolarised while the gate is open, below V*: writes turn into depression and recall "
            "falls.",
            g_nmda_dendrite="0 nS",
        ),
        block(
            "NMDA receptors blocked",
            "No calcium enters: no weight changes, and recall is at chance.",
            alpha_nmda="0",
        ),
        block(
            "low extracellular calcium",
            "Less calcium enters than the crossover needs: writes depress, and recall falls.",
            external_calcium="1.2 mM",
        ),
    ]


def short_term() -> list[Fact]:
    """Depressing and facilitating axons (Tsodyks & Markram), scaled so that a train of a key opens and transmits on
    average what it does without: rates of expression by what a spike releases, calcium and current by what is open."""
    made, (_, still) = [], train_means(1.0, 0.0, 0.0)
    own = model.load(SYNAPSE).values
    for name, (use, recovery, facilitation) in SHORT_TERM.items():
        released, gating = train_means(use, recovery, facilitation)
        scaled = {each: own[each] / released for each in ("P", "D", "K_m", "w_max")}
        texts = {
            name: f"{float(value / unit):.5g} {text}"
            for name, value in scaled.items()
            for unit, text in ((nS / second, "nS/s"), (nS, "nS"))
            if have_same_dimensions(value, unit)
        }
        parameters = {
            "U": f"{use}", "tau_recovery": f"{recovery} ms", "tau_facilitation": f"{facilitation} ms", **texts,
            "g_calcium": f"{float(own['g_calcium'] * mV) * still / gating:.5g} 1/mV",
            "g_nmda_dendrite": f"{0.5 * still / gating:.5g} nS",
        }  # fmt: skip
        made.append(Fact(name, "short-term plasticity", synapse=SHORT, parameters=parameters))
    return made


def train_means(use: float, recovery: float, facilitation: float, rate: float = 60.0) -> tuple[float, float]:
    """What a spike of a regular train of 500 ms releases on average, and the mean gating s from 100 ms on (times ms).

    A recovery of 0 is a release of everything.
    """
    step, s, u, x, spikes, opened = 1000 / rate, 0.0, 0.0, 1.0, [], []
    own = model.load(SYNAPSE).values
    alpha, tau = float(own["alpha_nmda"]), float(own["tau_nmda"] / ms)
    for number in range(round(500 / step)):
        u, x = (u + use * (1 - u), x) if recovery else (1.0, 1.0)
        spikes.append(u * x)
        s += alpha * spikes[-1] * (1 - s)
        if number * step >= 100:
            opened.append(s * tau / step * (1 - exp(-step / tau)))
        x = 1 - (1 - x * (1 - u)) * exp(-step / recovery) if recovery else 1.0
        u *= exp(-step / facilitation) if recovery else 1.0
        s *= exp(-step / tau)
    return sum(spikes) / len(spikes), sum(opened) / len(opened)


def together() -> Fact:
    """All facts at once, each at a level that is measured in cortex or near it."""
    parameters = {**_spread(0.2, 1).parameters, "shared_feedback": "0.25", "feedback_delay": "2 ms", **hill(6, 3)}
    return Fact("all together", "together", parameters=parameters, synapse=FAILING)
