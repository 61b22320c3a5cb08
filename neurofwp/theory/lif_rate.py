"""The rate of a leaky integrate-and-fire cell under a fluctuating conductance, by simulation of many such cells.

    C dv/dt = g_leak (E_leak - v) + g (E_exc - v),  g an Ornstein-Uhlenbeck process kept above 0, as circuits have it

No closed form is close where the conductance decays about as fast as the membrane follows. Without fluctuation it is
1 / (refractory + tau ln((v_inf - v_reset) / (v_inf - v_threshold))), to which this is held.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

CELLS, SECONDS, STEP = 1000, 2.0, 1e-4  # the rate is known to about its square root over 2000 s
UPDATE = 10  # steps between two draws of the conductance


def lif_rate(mean: float, values: Mapping[str, float], seed: int = 0) -> float:
    """Hz.

    Parameters
    ----------
    mean : of the conductance, nS.
    values : of a circuit, in mV, nS, pF and ms: inter_C, inter_g_leak, inter_refractory, inter_exc_quantum,
        inter_tau_exc, E_leak, E_exc, v_reset, v_threshold.
    """
    rng = np.random.default_rng(seed)
    leak, away = values["inter_g_leak"], values["E_exc"]
    v = rng.uniform(values["v_reset"], values["v_threshold"], CELLS)
    g = np.full(CELLS, mean)
    decay = np.exp(-UPDATE * STEP * 1000 / values["inter_tau_exc"])
    spread = np.sqrt(0.5 * values["inter_exc_quantum"] * mean * (1 - decay**2))
    last = np.full(CELLS, -np.inf)
    spikes, warm = 0, round(0.2 / STEP)
    for step in range(warm + round(SECONDS / STEP)):
        if step % UPDATE == 0:
            g = np.maximum(mean + (g - mean) * decay + spread * rng.standard_normal(CELLS), 0.0)
        total = leak + g
        target = (leak * values["E_leak"] + g * away) / total
        moved = target + (v - target) * np.exp(-STEP * 1e6 * total / values["inter_C"] / 1000)  # nS/pF = 1/ms
        now = step * STEP * 1000
        v = np.where(now - last < values["inter_refractory"] - 0.999e3 * STEP, v, moved)
        fired = v > values["v_threshold"]
        v[fired], last[fired] = values["v_reset"], now
        spikes += int(fired.sum()) if step >= warm else 0
    return spikes / (CELLS * SECONDS)
