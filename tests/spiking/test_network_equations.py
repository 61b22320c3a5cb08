"""What `print(network)` shows, and which loop advances its synapses."""

from __future__ import annotations

from brian2 import nS

from neurofwp.spiking import SpikingNetwork


def test_a_network_shows_its_synapse_its_circuit_and_the_values_that_it_was_given() -> None:
    network = SpikingNetwork("error-correcting", parameters={"g_gaba": 1.25 * nS}, backend="numpy")
    shown = str(network)
    assert "calcium_drive = nmda_gain*g_calcium*(E_calcium - v_dendrite)*unblocked*calcium_outside" in " ".join(
        shown.split()
    )
    assert "interneuron to value: g_feedback_post += g_gaba/per_pool" in shown
    assert "g_gaba = 1.25 nS: inhibition" in shown
    assert "spikes where v > v_threshold, then v = v_reset" in shown
    assert "only compiled programs advance them in rows, and not numpy" in network.loop
    assert repr(network) == "<SpikingNetwork error-correcting in apical-feedback, backend numpy>"
    assert "rand() < rate*dt" in SpikingNetwork("error-correcting", key_cells="poisson").equations()


def test_a_network_says_why_its_synapses_do_not_advance_in_rows() -> None:
    loops = {
        name: SpikingNetwork(name, backend="cpp_standalone").loop
        for name in ("error-correcting", "finite-pool", "triplet-visual-cortex")
    }
    assert loops["error-correcting"] == "in rows, one for each key cell; those of silent cells sleep"
    assert SpikingNetwork("error-correcting", synapse_dtype=float).loop == (
        "in rows, one for each key cell, at every step: in double precision idle synapses change by little"
    )
    assert "slower: its update writes to 'pool_change_post'" in loops["finite-pool"]
    assert loops["triplet-visual-cortex"] == "none: they advance at events"
