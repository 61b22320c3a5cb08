"""The coupled cell's closed form: the published table, the balances that it solves, and what has no solution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurofwp.errors import InputError
from neurofwp.spiking import circuits, facts
from neurofwp.synapses import model
from neurofwp.theory.lif_rate import lif_rate
from neurofwp.theory.two_compartment import SHARE, Dendrite, summed_gating, two_compartment


def plain(name: str) -> dict[str, float]:
    """A circuit's parameters in mV, nS, pF, ms and Hz, with those of the error-correcting synapse."""
    return facts.plain(circuits.load(name, model.load("error-correcting").circuit)[1])


BASE = plain("apical-feedback")
CELL = Dendrite(coupling=5.0, nmda=0.5, base=BASE)


def test_parameters_of_five_nanosiemens_without_backpropagation() -> None:
    """The set with which a prototype kept recall and verdict."""
    found = two_compartment(CELL)
    expected = {"soma_exc_mean": 4.774, "g_perisomatic": 4.905, "g_gate": 3.127, "g_teach": 4.278, "g_gaba": 2.852}
    for name, number in expected.items():
        assert found[name] == pytest.approx(number, abs=1e-3)


@pytest.mark.parametrize("coupling", [2.0, 5.0, 10.0])
@pytest.mark.parametrize("nmda", [0.0, 0.5])
def test_currents_balance(coupling: float, nmda: float) -> None:
    """No current into the dendrite at V* while the gate is open, nor at V_c while it is closed; and a soma at V_s sees
    the same current while it is read as before, and while it is written, but for the share that is left out."""
    cell = replace(CELL, coupling=coupling, nmda=nmda)
    found, own, star, soma = two_compartment(cell), BASE, cell.crossover, cell.soma
    open_nmda = nmda * cell.gating * cell.unblocked(star)
    into = 5 * (own["E_leak"] - star) + (found["g_gate"] + open_nmda) * (own["E_exc"] - star) + coupling * (soma - star)
    assert into == pytest.approx(0, abs=1e-9)
    rest = cell.closed
    closed = own["g_tonic"] * (own["E_inh"] - rest) + nmda * cell.gating * cell.unblocked(rest) * (own["E_exc"] - rest)
    assert 5 * (own["E_leak"] - rest) + closed + coupling * (soma - rest) == pytest.approx(0, abs=1e-6)
    added = (found["soma_exc_mean"] - own["soma_exc_mean"]) * (own["E_exc"] - soma)
    assert added + coupling * (rest - soma) == pytest.approx(0, abs=1e-6)
    written = coupling * (star - rest) + found["g_perisomatic"] / SHARE * (own["E_inh"] - soma)
    assert written == pytest.approx(0, abs=1e-6)


def test_without_coupling_and_current_nothing_changes() -> None:
    leak, gate = BASE["dendrite_g_leak"], BASE["g_gate"]
    crossover = (leak * BASE["E_leak"] + gate * BASE["E_exc"]) / (leak + gate)
    found = two_compartment(Dendrite(0.0, 0.0, BASE, crossover=crossover))
    for name in ("soma_exc_mean", "g_gate", "g_teach", "g_gaba"):
        assert found[name] == pytest.approx(BASE[name])
    assert found["g_perisomatic"] == 0


def test_backpropagating_spikes_are_paid_for() -> None:
    """Their mean current is taken from the gate, and inhibition takes off what each of them adds."""
    without, found = two_compartment(CELL), two_compartment(replace(CELL, backpropagation=8.0))
    current = 8.0 * BASE["dendrite_C"] * CELL.rate / 1000
    assert (without["g_gate"] - found["g_gate"]) * 44 == pytest.approx(current)
    ratio = found["g_teach"] / BASE["g_teach"]
    extra = (found["g_gaba"] - BASE["g_gaba"] * ratio) * BASE["tau_gaba"] * 36  # nS ms mV = fC
    assert extra == pytest.approx(8.0 * BASE["dendrite_C"])


def test_the_gating_of_a_key() -> None:
    """Mean of s of a Poisson train, simulated; and of 20 cells at 60 Hz."""
    assert summed_gating(20) == pytest.approx(15)
    rng = np.random.default_rng(0)
    s, total, steps = np.zeros(2000), 0.0, 4000
    for step in range(steps):
        s *= np.exp(-1 / 100)
        s = np.where(rng.random(2000) < 0.04, s + 0.5 * (1 - s), s)
        total += s.mean() if step >= steps / 4 else 0
    assert total / (0.75 * steps) == pytest.approx(summed_gating(1, rate=40), rel=0.02)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (replace(CELL, nmda=2.5), "alone takes the dendrite beyond -44 mV.*at most 1.6 nS"),
        (replace(CELL, coupling=-1.0), "coupling must be 0 or more, not -1"),
        (replace(CELL, nmda=float("nan")), "NMDA conductance must be 0 or more, not nan"),
    ],
)
def test_what_has_no_closed_form(cell: Dendrite, message: str) -> None:
    with pytest.raises(InputError, match=message):
        two_compartment(cell)


@pytest.mark.parametrize("name", ["two-compartment", "two-compartment-by-number"])
def test_shipped_circuits_have_the_parameters_of_the_closed_form(name: str) -> None:
    shipped = plain(name)
    cell = replace(CELL, backpropagation=shipped["backpropagation"])
    for parameter, number in two_compartment(cell).items():
        assert shipped[parameter] == pytest.approx(number, rel=1e-3)


@pytest.mark.parametrize(("drive", "rate"), [("som_exc_mean", "som_rate"), ("pv_exc_mean", "pv_rate")])
def test_rates_of_inhibitory_cells_are_those_of_their_drive(drive: str, rate: str) -> None:
    shipped = plain("two-compartment")
    assert lif_rate(shipped[drive], shipped) == pytest.approx(shipped[rate], rel=0.02)


def test_the_rate_without_fluctuation_has_a_closed_form() -> None:
    values = plain("two-compartment") | {"inter_exc_quantum": 0.0}
    for mean in (4.5, 6.0):
        total = values["inter_g_leak"] + mean
        rest = values["inter_g_leak"] * values["E_leak"] / total
        period = values["inter_C"] / total * np.log((rest - values["v_reset"]) / (rest - values["v_threshold"]))
        assert lif_rate(mean, values) == pytest.approx(1000 / (values["inter_refractory"] + period), rel=0.01)
    assert lif_rate(3.5, values) == 0  # it never reaches the threshold
