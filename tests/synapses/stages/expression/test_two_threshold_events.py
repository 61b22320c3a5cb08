"""Efficacy that is advanced by events, against closed forms and against a clock."""

import itertools
import re
from dataclasses import replace
from importlib import resources

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms, nS
from brian2.utils.logger import catch_logs
from scipy.integrate import solve_ivp

from neurofwp.brian import backends
from neurofwp.errors import InputError
from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.laboratory.protocol import Protocol
from neurofwp.synapses import model
from neurofwp.synapses.stages.calcium.jump_events import JumpPlateauEvents
from neurofwp.synapses.stages.calcium.jumps import JumpPlateaus, Jumps
from neurofwp.synapses.stages.expression.two_threshold import TwoThreshold
from neurofwp.synapses.stages.expression.two_threshold_events import Events
from neurofwp.theory import graupner_brunel

CORTEX = model.load("graupner-brunel-cortical-slice")
W0, W1 = (float(CORTEX.values[name] / nS) for name in ("w0", "w1"))


def with_forms(*stages, **changed):
    """The cortical slice synapse with other forms of stages, and other values."""
    forms = {stage.stage: stage for stage in stages}
    own = tuple(forms.get(stage.stage, stage) for stage in CORTEX.stages)
    names = {parameter.name for stage in own for parameter in stage.parameters}
    values = {name: value for name, value in (CORTEX.values | changed).items() if name in names}
    return replace(CORTEX, stages=own, values=values)


def poisson(seconds, rate=20, seed=1, start=0.0):
    """Spikes of both cells at whole ms, refractory for 2, from the efficacy `start`; a last second without."""
    rng = np.random.default_rng(seed)
    trains = []
    for _ in range(2):
        intervals = 2 + rng.exponential(1000 / rate - 2, round(2 * rate * seconds + 20))
        times = np.cumsum(intervals).round()
        trains.append(tuple(times[times < 1000 * seconds]))
    return Protocol(f"seed {seed} from {start}", *trains, period=seconds + 1, initial=W0 + start * (W1 - W0))


def expected(values, protocol, start, step, end=np.inf):
    """Mean and variance of the efficacy; a cell fires one step after it is told to."""
    from_down, from_up, variance = graupner_brunel.moments(
        values, np.array(protocol.pre) + step, np.array(protocol.post) + step, end=end
    )
    return from_down + start * (from_up - from_down), variance


@pytest.mark.parametrize(
    "thresholds", [{}, {"theta_p": 1.0, "theta_d": 1.3}, {"theta_p": 0.8, "theta_d": 0.8}], ids=["d<p", "p<d", "d=p"]
)
def test_efficacy_is_exact_at_any_step(thresholds):
    synapse = with_forms(Events(), pre_delay=5 * ms, **thresholds)
    every = [poisson(3, seed=seed, start=start) for seed, start in ((1, 0.0), (2, 1.0), (3, 0.3))]
    made = Laboratory(synapse, step=1 * ms, backend="numpy").run(every)
    found = (made["after"].values[:, 0] - W0) / (W1 - W0)
    wanted = [expected(synapse.values, each, start, 1)[0] for each, start in zip(every, (0.0, 1.0, 0.3), strict=True)]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-11)
    assert np.ptp(found) > 0.01


def test_efficacy_and_calcium_are_read_at_any_time_in_between():
    synapse, protocol = with_forms(Events(), pre_delay=5 * ms), poisson(0.5, rate=30, start=0.2)
    made = Laboratory(synapse, step=1 * ms, backend="numpy").run([protocol], record=7 * ms)
    found = (made["weight"].values[0] - W0) / (W1 - W0)
    times = made["time"].values
    wanted = [expected(synapse.values, protocol, 0.2, 1, end=time)[0] for time in times]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
    jumps = np.array([(t + 6, 0.5617539) for t in protocol.pre] + [(t + 1, 1.23964) for t in protocol.post])
    since = times[:, None] - jumps[:, 0]
    left = np.where(since > 1e-6, np.exp(-since.clip(0) / 22.6936), 0) @ jumps[:, 1]
    np.testing.assert_allclose(made["calcium"].values[0], left, rtol=1e-9, atol=1e-12)


def test_noise_has_the_exact_mean_and_variance_between_events_too():
    repeats = 3000
    protocol = Protocol("pairs", (10.0, 60.0), (20.0, 70.0), period=0.12, initial=(W0 + W1) / 2)
    for end in (80.0, 120.0):  # while calcium is above thresholds, and long after
        own = replace(protocol, period=end / 1000)
        laboratory = Laboratory(CORTEX, parameters={"pre_delay": 5 * ms, "bistable": 0}, step=1 * ms, backend="numpy")
        with catch_logs() as logs:
            made = laboratory.run([own], repeats=repeats, seed=3)
        assert not [each for each in logs if "order" in each[2]]  # of execution
        found = (made["after"].values[0] - W0) / (W1 - W0)
        mean, variance = expected(CORTEX.values | {"pre_delay": 5 * ms}, own, 0.5, 1, end=end)
        assert found.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / repeats))
        assert found.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / repeats))


def test_a_presynaptic_spike_transmits_the_weight_of_its_moment():
    synapse, times = with_forms(Events(), pre_delay=5 * ms), (10.0, 12.0, 14.0, 40.0)
    train = b2.TimedArray(np.isin(np.arange(50), times).astype(float), dt=1 * ms)
    key = b2.NeuronGroup(
        1, synapse.text("presynaptic"), threshold="train(t) > 0", reset="", namespace={"train": train}, dt=1 * ms
    )
    cell = b2.NeuronGroup(1, "g_ampa : siemens\nnmda_gain = 1 : 1", dt=1 * ms)
    inputs = b2.Synapses(
        key, cell, synapse.text("synaptic"), dt=1 * ms, namespace=synapse.constants(1 * ms),
        on_pre={"now": synapse.text("spike"), "late": synapse.text("late_spike")},
    )  # fmt: skip
    inputs.connect()
    inputs.late.delay = 5 * ms
    inputs.weight = W1 * nS
    b2.Network(key, cell, inputs).run(41 * ms, namespace={})
    sent = [expected(synapse.values, Protocol("", times), 1, 0, end=time)[0] for time in times]
    assert sent[-1] < 0.99
    assert cell.g_ampa[0] / nS == pytest.approx(sum(W0 + np.array(sent) * (W1 - W0)))


@pytest.mark.parametrize("level", [0.9, 1.1, 2.0])
def test_a_plateau_holds_calcium_and_writes_in_closed_form(level):
    synapse = with_forms(JumpPlateauEvents(), Events(), pre_delay=5 * ms, plateau_calcium=level)
    protocol = Protocol("plateau", (10.0, 60.0, 430.0), (12.0, 150.0, 433.0), plateaus=((50.0, 350.0),), period=0.6)
    own = [replace(protocol, name=f"from {start}", initial=W0 + start * (W1 - W0)) for start in (0.0, 1.0)]
    made = Laboratory(synapse, step=1 * ms, backend="numpy").run(own, record=5 * ms)
    # a step of 0.05 ms, and no more than the equation
    step, time = 0.05, np.arange(round(600 / 0.05)) * 0.05
    jumps = [(t + 6, 0.5617539) for t in protocol.pre] + [(t + 1, 1.23964) for t in protocol.post]
    due = {round(moment / step): size for moment, size in jumps}
    calcium, rho, traces = 0.0, np.array([0.0, 1.0]), []
    for index, now in enumerate(time):
        traces.append((calcium, *rho))
        held = 51 - step / 2 <= now < 351 - step / 2
        calcium = level if held else calcium + due.get(index, 0.0)
        middle = calcium if held else calcium * np.exp(-step / 2 / 22.6936)
        up, down = 725.085 * (middle > 1.3), 331.909 * (middle > 1)
        rho = rho + step / 346_361.5 * (up * (1 - rho) - down * rho)
        calcium = calcium if held else calcium * np.exp(-step / 22.6936)
    wanted = np.array(traces)[:: round(5 / step)].T
    np.testing.assert_allclose(made["calcium"].values[0], wanted[0], atol=1e-9)
    np.testing.assert_allclose((made["weight"].values - W0) / (W1 - W0), wanted[1:], atol=3e-4)


def test_a_clock_agrees_about_plateaus():
    protocol = Protocol("plateau", (10.0, 60.0, 430.0), (12.0, 150.0, 433.0), plateaus=((50.0, 350.0),), period=0.6)
    own = [replace(protocol, name=f"from {start}", initial=W0 + start * (W1 - W0)) for start in (0.0, 1.0)]
    ended = [
        Laboratory(with_forms(*stages, pre_delay=5 * ms, plateau_calcium=1.1), step=0.2 * ms, backend="numpy").run(own)
        for stages in ((JumpPlateauEvents(), Events()), (JumpPlateaus(), TwoThreshold()))
    ]
    exact, clock = ((each["after"].values[:, 0] - W0) / (W1 - W0) for each in ended)
    np.testing.assert_allclose(clock, exact, atol=3e-4)
    assert abs(exact - [0, 1]).max() > 0.1


@pytest.mark.parametrize(
    ("stage", "form", "message"),
    [("calcium", "jumps", "events' of .expression. needs .calcium. to have the form 'jump-events' or .*, not 'jumps'"),
     ("expression", "two-threshold", "'jump-events' of .calcium. needs .expression. to have the form 'two-threshold-")],
)  # fmt: skip
def test_events_and_clocks_do_not_go_together(tmp_path, stage, form, message):
    text = resources.files("neurofwp.models").joinpath("synapses/graupner-brunel-dpd.toml").read_text(encoding="utf-8")
    for line in ("sigma", "down_share", "bistable") if stage == "expression" else ():
        text = re.sub(rf"^{line} = .*\n", "", text, flags=re.M)
    path = tmp_path / "mixed.toml"
    path.write_text(re.sub(rf"(\[{stage}\]\nform = ).*", rf'\g<1>"{form}"', text))
    with pytest.raises(InputError, match=message):
        model.load(path)


def relaxed_in_full(values, protocol, start, step):
    """Efficacy at the end of a protocol by the whole equation without noise: Runge-Kutta, band after band."""
    tau, rho_ms = (float(values[name] / ms) for name in ("tau_calcium", "tau_rho"))
    gamma = {name: float(values[name]) for name in ("gamma_p", "gamma_d")}
    jumps = [(t + step + float(values["pre_delay"] / ms), float(values["pre_jump"])) for t in protocol.pre]
    jumps += [(t + step, float(values["post_jump"])) for t in protocol.post]
    times, sizes = np.array(sorted(jumps)).T
    calcium, rho = 0.0, np.array(start, dtype=float)
    for gap, jump in zip(np.diff(np.append(times, 1000 * protocol.duration)), sizes, strict=True):
        calcium += jump
        above_p, above_d = (np.clip(tau * np.log(calcium / float(values[t])), 0, gap) for t in ("theta_p", "theta_d"))
        edges = np.unique([0, above_p, above_d, gap])
        for begin, end in itertools.pairwise(edges):
            up, down = gamma["gamma_p"] * (end <= above_p), gamma["gamma_d"] * (end <= above_d)

            def slope(r, up=up, down=down):
                return (up * (1 - r) - down * r - r * (1 - r) * (0.5 - r)) / rho_ms

            h = (end - begin) / 8
            for _ in range(8):
                a = slope(rho)
                b = slope(rho + h / 2 * a)
                c = slope(rho + h / 2 * b)
                rho = rho + h / 6 * (a + 2 * b + 2 * c + slope(rho + h * c))
        calcium *= np.exp(-gap / tau)
    return rho


STARTS = (-0.04, 0.0, 0.2, 0.5, 0.6, 1.0, 1.03)


@pytest.mark.parametrize(("faster", "error"), [(1, 1e-5), (100, 1e-3)])
def test_the_bistable_term_acts_over_all_of_the_time_and_splitting_it_off_costs_little(faster, error):
    # with tau_rho and the rates a hundredth of those published, the term is as much a part of the outcome as the bands
    slow = {name: CORTEX.values[name] / faster for name in ("tau_rho", "gamma_p", "gamma_d")}
    synapse = with_forms(**slow, pre_delay=5 * ms, sigma=0.0)
    busy = poisson(1.5, rate=8)
    protocol = replace(busy, period=6.0)  # then silence
    every = [replace(protocol, name=f"from {each}", initial=W0 + each * (W1 - W0)) for each in STARTS]
    found = {}
    for bistable in (0, 1):
        laboratory = Laboratory(synapse, parameters={"bistable": bistable}, step=1 * ms, backend="numpy")
        found[bistable] = (laboratory.run(every)["after"].values[:, 0] - W0) / (W1 - W0)
    np.testing.assert_allclose(found[1], relaxed_in_full(synapse.values, protocol, STARTS, 1), rtol=0, atol=error)
    assert abs(found[1] - found[0]).max() > 50 * error


@pytest.mark.parametrize("silence", [0.3, 1e9])
def test_at_rest_an_efficacy_is_read_in_closed_form_however_long_nothing_happens(silence):
    # dx/dt = x/4 - x^3 from x, in units of tau_rho; far away only where it goes is left of it
    tau = float(CORTEX.values["tau_rho"])
    rho = np.array([start for start in STARTS if start != 0.5])  # from which a rounding error decides
    states = {
        "weight": (W0 + rho * (W1 - W0)) * 1e-9, "noise": np.ones(6), "last_event": np.full(6, 3.0),
        "gone_at": np.zeros(6),
    }  # fmt: skip
    read = (CORTEX.read(states, 3 + silence * tau)["weight"] * 1e9 - W0) / (W1 - W0) - 0.5
    if silence > 1e3:
        np.testing.assert_allclose(read, [-0.5, -0.5, -0.5, 0.5, 0.5, 0.5], atol=1e-12)
        return
    solved = solve_ivp(lambda _, x: x / 4 - x**3, (0, silence), rho - 0.5, rtol=1e-10, atol=1e-12).y[:, -1]
    np.testing.assert_allclose(read, solved, atol=1e-9)


@pytest.mark.parametrize("backend", ["numpy", "cpp_standalone", pytest.param("cython", marks=pytest.mark.slow)])
def test_the_short_exponential_is_exact(backend):
    x = np.concatenate([np.linspace(-1e-12, 0.13, 1000), np.geomspace(1e-18, 700, 1000)])
    with backends.use_backend(backend) as folder:
        group = b2.NeuronGroup(len(x), "x : 1\ny : 1")
        group.x = x
        group.run_regularly("y = kept(x)")
        b2.Network(group).run(b2.defaultclock.dt, namespace={})
        if folder is not None:
            b2.get_device().build(directory=str(folder), with_output=False)
        found = np.array(group.y)
    np.testing.assert_allclose(found, np.exp(-x), rtol=1e-15)


@pytest.mark.slow
def test_a_fine_clock_errs_as_little_as_its_step_allows():
    # 20 s of Poisson firing at 20 Hz on both sides, on a clock of 0.01 ms
    every = [poisson(20, seed=seed, start=start) for seed in range(1, 9) for start in (0.0, 1.0)]
    found = {}
    for name, stages in (("events", (Events(),)), ("clock", (Jumps(), TwoThreshold()))):
        made = Laboratory(with_forms(*stages), step=0.01 * ms, backend="cpp_standalone").run(every)
        found[name] = (made["after"].values[:, 0] - W0) / (W1 - W0)
    apart = found["events"] - found["clock"]
    assert abs(apart).max() < 5e-5
