"""Two calcium thresholds with soft bounds.

tau drho/dt = gamma_p (1 - rho) H(c - theta_p) - gamma_d rho H(c - theta_d),   w = w0 + rho (w1 - w0)

Graupner & Brunel 2012, PNAS 109:3991, equation 1, without noise and without the bistable term
-rho (1 - rho) (1/2 - rho), which acts over about 2 tau. All bands are linear in rho, so a step of the plasticity clock
is exact while calcium stays in its band.
"""

from neurofwp.synapses.base import Stage
from neurofwp.synapses.parameters import Parameter

TWO_THRESHOLD = Stage(
    stage="expression",
    form="two-threshold",
    source="Graupner & Brunel 2012, PNAS 109:3991",
    parameters=(
        Parameter("tau_rho", "s", "time constant of the efficacy", low=1e-3),
        Parameter("gamma_p", "1", "potentiation rate", low=0),
        Parameter("gamma_d", "1", "depression rate", low=0),
        Parameter("theta_p", "1", "calcium above which synapses potentiate", low=0),
        Parameter("theta_d", "1", "calcium above which synapses depress", low=0),
        Parameter("w0", "nS", "conductance of the down state", low=0),
        Parameter("w1", "nS", "conductance of the up state", low=0),
    ),
    update="""
        up = gamma_p*int(calcium > theta_p)
        down = gamma_d*int(calcium > theta_d)
        efficacy_target = w0 + (w1 - w0)*up/(up + down + 1e-12)
        weight = efficacy_target + (weight - efficacy_target)*exp(-plasticity_step*(up + down)/tau_rho)
    """,
    initial=lambda values: values["w0"],
    thresholds=lambda values: {"depression": float(values["theta_d"]), "potentiation": float(values["theta_p"])},
)
