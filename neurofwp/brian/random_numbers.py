"""Normal random numbers for the cells of a compiled network, many at once.

Brian2 draws them one after the other from one sequence, which keeps the loop over cells from becoming vector
instructions and takes longer than the rest of it. Here every number is a function of seed, stream, cell and time step:
Philox2x32-10 (Salmon et al. 2011, SC11, "Parallel random numbers: as easy as 1, 2, 3") makes 64 random bits of them,
and the method of Box & Muller (1958) a normal number.
"""

from __future__ import annotations

import re
from typing import Any

from neurofwp.brian.builds import GIVEN_SEED
from neurofwp.brian.device import compiling, cpp_function

CODE = f"""
static const uint32_t noise_seed = {GIVEN_SEED};

static inline uint64_t philox(uint32_t left, uint32_t right, uint32_t key) {{
    for (int round = 0; round < 10; round++) {{
        const uint64_t product = uint64_t(left)*0xD256D193u;
        left = uint32_t(product >> 32) ^ key ^ right;
        right = uint32_t(product);
        key += 0x9E3779B9u;
    }}
    return uint64_t(left) << 32 | right;
}}

static inline double normal(const int64_t cell, const int64_t step, const int64_t stream) {{
    const uint64_t bits = philox(uint32_t(cell), uint32_t(step), noise_seed ^ uint32_t(stream)*0x85EBCA6Bu);
    // 31 and 32 of them: the largest number is 6.7
    const double uniform = (int32_t(bits >> 33) + 0.5)/2147483648.0, angle = int32_t(bits)*(M_PI/2147483648.0);
    return std::sqrt(-2*std::log(uniform))*std::cos(angle);
}}
"""


NORMAL = cpp_function("normal", CODE, {"cell": 1, "step": 1, "stream": 1}, stateless=True)


def vectorised(code: str, stream: int) -> tuple[str, dict[str, Any]]:
    """Statements of cells for a compiled network, with this in place of `randn()`, and the names that they need.

    `stream` and the numbers after it, one for each `randn()`, must be used nowhere else. Other targets keep `randn()`.
    """
    if not compiling():
        return code, {}
    streams = iter(range(stream, stream + code.count("randn()")))
    return re.sub(r"randn\(\)", lambda _: f"normal(i, timestep(t, dt), {next(streams)})", code), {"normal": NORMAL}
