"""Graded calcium control: potentiation and depression are Hill functions of calcium.

dw/dt = P h(c; K_P, p) (1 - w/w_max) - D h(c; K_D, q) w / (w + K_m),    h(c; K, n) = c^n / (K^n + c^n),    w >= 0

The one form in which the regimes of a synapse differ by parameters alone:

- additive: D = 0 and w_max far away: every write adds;
- two thresholds with soft bounds: steep p, q and K_m far above w, so that removal is first-order
  (Graupner & Brunel 2012);
- error-correcting: K_m far below w, so that removal is zero-order. Potentiation and depression then cancel at one level
  of calcium whatever the weight, and a dendrite that carries teaching minus prediction around this level runs the
  delta rule (Urbanczik & Senn 2014; Shouval et al. 2002 for depression at intermediate calcium).

Kinase and phosphatase cascades are cooperative, hence Hill functions; zero-order removal is an enzyme
working at saturation (Goldbeter & Koshland 1981). Exponents are powers of two, or three times one: powers are then
products, not `pow`.
A step of the plasticity clock is one of Euler, so P and D must move a weight little within it; it never takes a weight
past w_max or below 0.
"""

from __future__ import annotations

from math import inf, log2
from typing import TYPE_CHECKING

from neurofwp.errors import InputError
from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Constants, Stage, Values

if TYPE_CHECKING:
    from brian2 import Quantity

EXPONENTS = (1, 2, 3, 4, 6, 8, 12, 16)
LOST = 2.0**-25  # added to 1 in single precision it is lost, and so is what repeated squaring rounds


def _hill(result: str, ratio: str, exponent: float) -> list[str]:
    cubed = exponent % 3 == 0
    squarings = [f"{result} = {result}*{result}*{ratio}"] * cubed
    squarings += [f"{result} = {result}*{result}"] * int(log2(exponent / 3 if cubed else exponent))
    # Not x/(1 + x): in single precision a high power of a ratio may reach infinity, and then this is still 1.
    return [f"{result} = {ratio}", *squarings, f"{result} = 1 - 1/(1 + {result})"]


def _without_effect(values: Values, rate: str, half: str, exponent: str) -> float:
    """Calcium, of either sign, below which a Hill function is 0 in single precision, or has no effect at all."""
    return float(values[half]) * LOST ** (1 / float(values[exponent])) if float(values[rate]) > 0 else inf


class CalciumControl(Stage):
    """Potentiation and depression by Hill functions of calcium."""

    stage = "expression"
    form = "calcium-control"
    source = "after Shouval, Bear & Cooper 2002, PNAS 99:10831 and Graupner & Brunel 2012, PNAS 109:3991"
    parameters = (
        Parameter("P", "nS/s", "largest rate of potentiation", low=0),
        Parameter("K_P", "1", "calcium at half-maximal potentiation", low=1e-6),
        Parameter("p", "1", "Hill exponent of potentiation", allowed=EXPONENTS),
        Parameter("D", "nS/s", "largest rate of depression", low=0),
        Parameter("K_D", "1", "calcium at half-maximal depression", low=1e-6),
        Parameter("q", "1", "Hill exponent of depression", allowed=EXPONENTS),
        Parameter("K_m", "nS", "weight at which removal is half-saturated", low=1e-6),
        Parameter("w_max", "nS", "weight at which potentiation stops", low=1e-6, high=1e6),
    )
    idle = "calcium*calcium < c_idle*c_idle"

    def update(self, values: Values) -> str:
        lines = [
            *_hill("h_p", "calcium*per_K_P", float(values["p"])),
            *_hill("h_q", "calcium*per_K_D", float(values["q"])),
            "potentiation = P_step*h_p*(w_max - weight)",
            "depression = D_step*h_q*weight/(weight + K_m)",
            "weight = weight + potentiation - depression",
            "weight = weight*int(weight > w_floor)",
        ]
        return "\n".join(lines)

    def derive(self, values: Values, dt: Quantity) -> Constants:
        step = float(dt * values["P"] / values["w_max"])
        if not step <= 1:
            raise InputError(
                f"potentiation at {values['P']!s} would take weights past w_max, {values['w_max']!s}, within a step of "
                f"the plasticity clock, {dt!s}: the step may be {dt / step!s} at most"
            )
        return {
            "P_step": step,
            "D_step": dt * values["D"],
            "per_K_P": 1 / float(values["K_P"]),
            "per_K_D": 1 / float(values["K_D"]),
            "w_floor": 0 * values["w_max"],
            "c_idle": min(_without_effect(values, *names) for names in (("P", "K_P", "p"), ("D", "K_D", "q"))),
        }

    def thresholds(self, values: Values) -> dict[str, float]:
        half_maximal = {"depression": float(values["K_D"])} if float(values["D"]) > 0 else {}
        return {**half_maximal, "potentiation": float(values["K_P"])}
