"""Shouval, Bear & Cooper 2002: pairing at held voltages and spike timing, in the laboratory and by independent sums.

Their signs: at held voltages nothing below -62.5 mV, depression up to -52.5 mV, potentiation above -50 mV; for single
pairs at 1 Hz depression from -30 to -5 ms, potentiation from 0 to 45 ms, depression again from 45 to 100 ms.
"""

import numpy as np
import pytest
from brian2 import ms
from scipy.signal import lfilter

from neurofwp.laboratory import Protocol
from neurofwp.laboratory.kinds import pairing
from neurofwp.laboratory.laboratory import Laboratory

REST = 0.25  # W, in nS
VOLTAGES = np.arange(-80, -9, 2.5)
DTS = np.arange(-100, 101, 5)


def protocols(pulses):
    at = tuple(np.arange(pulses) * 1000 + 1.0)
    held = [
        Protocol(f"{v} mV", pre=at, period=pulses, held=((0, pulses * 1000),), voltage=v, initial=REST)
        for v in VOLTAGES
    ]
    timed = [pairing(float(dt), 1.0, spikes=pulses, trains=1) for dt in DTS]
    return held + [Protocol(each.name, each.pre, each.post, period=pulses, initial=REST) for each in timed]


def changed(protocol, dt=0.05):
    """Relative weight after a protocol of one train, from sums over its spikes and first-order filters; `dt` in ms."""
    t = np.arange(0, protocol.period * 1000, dt) + dt / 2  # midpoints of steps
    fast, slow, gate, last = 0.0, 0.0, np.zeros(len(t)), 0.0
    for spike, until in zip(protocol.pre, [*protocol.pre[1:], np.inf], strict=True):
        fast, slow = fast * np.exp(-(spike - last) / 50), slow * np.exp(-(spike - last) / 200)
        opened = 0.5 * (1 - fast - slow)
        fast, slow, last = fast + opened / 2, slow + opened / 2, spike
        now = (t >= spike) & (t < until)
        gate[now] = fast * np.exp(-(t[now] - spike) / 50) + slow * np.exp(-(t[now] - spike) / 200)
    v = np.full(len(t), -65.0 if protocol.voltage is None else protocol.voltage)
    for spike in protocol.post:
        since = t[t >= spike + 2] - spike - 2
        v[t >= spike + 2] += 75 * np.exp(-since / 3) + 25 * np.exp(-since / 25)
    for spike in protocol.pre if protocol.voltage is None else ():
        since = t[t >= spike] - spike
        peak = 10 ** (-1 / 9) - 10 ** (-10 / 9)  # of exp(-t/50) - exp(-t/5), at 50/9 log(10)
        v[t >= spike] += (np.exp(-since / 50) - np.exp(-since / 5)) / peak
    current = gate * (130 - v) / 500 / (1 + np.exp(-0.062 * v) / 3.57)  # uM/ms
    calcium = lfilter([50 * (1 - np.exp(-dt / 50))], [1, -np.exp(-dt / 50)], current)
    omega = 0.25 + 1 / (1 + np.exp(-80 * (calcium - 0.55))) - 0.25 / (1 + np.exp(-80 * (calcium - 0.35)))
    kept = np.exp(-dt / 1000 / (0.1 / (1e-5 + calcium**3) + 1))
    later = np.append(np.cumprod(kept[::-1])[::-1], 1)  # what is kept of a step's weight until the end
    return (later[0] * REST + (omega * (1 - kept) * later[1:]).sum()) / REST


def check_signs(held, timed, depressed, potentiated):
    assert (abs(held[VOLTAGES <= -65] - 1) < 2e-3).all()
    assert (held[(VOLTAGES >= -60) & (VOLTAGES <= -52.5)] < depressed).all()
    assert (held[VOLTAGES >= -50] > potentiated).all()
    assert (timed[DTS < -50] > 0.995).all()
    assert (timed[(DTS >= -25) & (DTS <= -5)] < depressed).all()
    assert (timed[(DTS >= 0) & (DTS <= 35)] > potentiated).all()
    assert (timed[DTS >= 50] < depressed).all()
    assert timed[DTS == -30] < 1


def test_windows_of_voltage_and_timing_have_their_signs_and_sizes():
    given = protocols(3)
    done = Laboratory("shouval-2002", step=0.5 * ms, backend="numpy").run(given)
    ratio = done["after"].values[:, 0] / REST
    np.testing.assert_allclose(ratio, [changed(each) for each in given], rtol=0.01)
    check_signs(*np.split(ratio, [len(VOLTAGES)]), depressed=0.997, potentiated=1.01)


def test_synapses_start_where_theirs_rest():
    quiet = Laboratory("shouval-2002", step=0.5 * ms, backend="numpy").change([Protocol("quiet", period=0.01)])
    assert quiet["ratio"].item() == pytest.approx(1, abs=1e-6)


@pytest.mark.slow
def test_twenty_pulses_in_fine_steps():
    given = protocols(20)
    ratio = Laboratory("shouval-2002", step=0.1 * ms).run(given)["after"].values[:, 0] / REST
    np.testing.assert_allclose(ratio, [changed(each) for each in given], rtol=0.01)
    check_signs(*np.split(ratio, [len(VOLTAGES)]), depressed=0.99, potentiated=1.2)
    assert ratio[len(VOLTAGES) :][DTS == 40] > 1.1
    halved = Laboratory("shouval-2002", step=0.05 * ms).run(given)["after"].values[:, 0] / REST
    np.testing.assert_allclose(ratio, halved, rtol=0.005)
