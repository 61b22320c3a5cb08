// The spiking network with error-correcting synapses as one loop written by hand: the limit for a simulator.
//
// constants.h holds sizes and parameters (SI units) as compile-time constants; tables of the Program and first voltages
// are read from files; random numbers are those that ours draws. Equations and order of operations are those of
// neurofwp/spiking and neurofwp/synapses: cells in double precision on the membrane clock, their noise and slow factors
// and the synapses, in single precision, on the plasticity clock. Rows of synapses with too little calcium to change are
// passed over, unless -DEVERY asks for all. Printed as JSON: seconds of processor time of the loop, of its synapses alone
// if compiled with -DTIMED (which costs time itself), spikes of each population, their sums of (step + 1) (cell + 1), mean
// weight.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "constants.h"

// A normal number for each key, cell, step and stream: Philox2x32-10 (Salmon et al. 2011), then Box & Muller (1958).
static inline double normal(uint32_t key, uint32_t cell, long step, uint32_t stream) {
    uint32_t left = cell | stream << 24, right = step;
    for (int round = 0; round < 10; round++) {
        const uint64_t product = uint64_t(left) * 0xD256D193u;
        left = uint32_t(product >> 32) ^ key ^ right, right = uint32_t(product), key += 0x9E3779B9u;
    }
    return std::sqrt(-2 * std::log((int32_t(left >> 1) + 0.5) / 2147483648.0)) *
           std::cos(int32_t(right) * (M_PI / 2147483648.0));
}

static std::vector<double> table(const std::string& name) {
    FILE* file = std::fopen((name + ".bin").c_str(), "rb");
    if (!file) std::exit(1);
    std::fseek(file, 0, SEEK_END);
    std::vector<double> values(std::ftell(file) / sizeof(double));
    std::rewind(file);
    if (std::fread(values.data(), sizeof(double), values.size(), file) != values.size()) std::exit(1);
    std::fclose(file);
    return values;
}

// Whole numbers of every cell, as their low 32 bits.
static std::vector<uint32_t> numbers(const std::string& name) {
    const auto values = table(name);
    std::vector<uint32_t> whole;
    for (const double value : values) whole.push_back(uint32_t(int64_t(value)));
    return whole;
}

using Cells = std::vector<double>;
constexpr int KEYS = EPISODES * PRE, VALUES = EPISODES * CELLS;

// One step of the plasticity clock for the synapses of a key cell.
static inline void row(float* __restrict calcium, float* __restrict weight, float s, const float* __restrict drive,
                       const float* __restrict survival, bool forgets) {
    int busy = 0;
    for (int k = 0; k < CELLS; k++) {
        const float target = s * drive[k];
        calcium[k] = target + (calcium[k] - target) * float(calcium_survival);
        busy |= !(calcium[k] < float(c_idle));
    }
#ifdef EVERY
    busy = forgets = true;
#endif
    if (busy)
        for (int k = 0; k < CELLS; k++) {
            float p = calcium[k] * float(per_K_P), q = calcium[k] * float(per_K_D), w = weight[k];
            p *= p, p *= p, p *= p, p = 1 - 1 / (1 + p);
            q *= q, q *= q, q *= q, q *= q, q = 1 - 1 / (1 + q);
            w += float(P_step) * p * (float(w_max) - w) - float(D_step) * q * w / (w + float(K_m));
            weight[k] = w * float(w > 0);
        }
    if (forgets)
        for (int k = 0; k < CELLS; k++) weight[k] *= survival[k];
}

// The same for all synapses; a function of its own, so that its instructions can be counted.
__attribute__((noinline)) static void synapses(float* calcium, float* weight, const double* s, const float* drive,
                                               const float* survival, bool forgets) {
    for (size_t i = 0; i < KEYS; i++) {
        const size_t cells = (i / PRE) * CELLS;
        row(calcium + i * CELLS, weight + i * CELLS, float(s[i]), drive + cells, survival + cells, forgets);
    }
}

static inline double ornstein(double value, double mean, double quantum, double decay, double spread, double noise) {
    const double next = mean + (value - mean) * decay + std::sqrt(0.5 * quantum * mean) * spread * noise;
    return next > 0 ? next : 0;
}

int main() {
    const auto phase = table("phase_at"), keys = table("key_table"), teach = table("teach_table");
    const auto gates = table("gate_table"), forgettings = table("forgetting_table");
    Cells v = table("key_v"), vs = table("value_v"), vi = table("interneuron_v");
    const auto k_key = numbers("key_noise_key"), k_value = numbers("value_noise_key");
    const auto k_inter = numbers("interneuron_noise_key"), c_key = numbers("key_noise_cell");
    const auto c_value = numbers("value_noise_cell"), c_inter = numbers("interneuron_noise_cell");
    Cells drive(KEYS), fluctuation(KEYS), s(KEYS);
    Cells vd(VALUES, E_inh), ge(VALUES, soma_exc_mean), gi(VALUES, soma_inh_mean), ga(VALUES), ampa(VALUES);
    Cells shunt(VALUES, g_tonic), feedback(VALUES);
    Cells gx(VALUES, inter_exc_mean), gd(VALUES);
    std::vector<int> rest(KEYS), rest_s(VALUES), rest_i(VALUES);
    std::vector<float> calcium(size_t(KEYS) * CELLS), weight(size_t(KEYS) * CELLS), single(VALUES), kept(VALUES);
    Cells gate(VALUES), taught(VALUES), forgetting(VALUES);
    const double dt = membrane_step, step = plasticity_step;
    const double e_exc = std::exp(-step / tau_exc), n_exc = std::sqrt(1 - e_exc * e_exc);
    const double e_inh = std::exp(-step / tau_inh), n_inh = std::sqrt(1 - e_inh * e_inh);
    const double e_int = std::exp(-step / inter_tau_exc), n_int = std::sqrt(1 - e_int * e_int);
    const double follows = 1 - std::exp(-step / tau_tonic);
    const double e_key = std::exp(-dt / key_tau), e_nmda = std::exp(-dt / tau_nmda), e_gaba = std::exp(-dt / tau_gaba);
    const double e_ampa = std::exp(-dt / tau_ampa), e_gd = std::exp(-dt / inter_tau_exc);
    const int rest_key = int(key_refractory / dt + 0.5) - 1, rest_soma = int(soma_refractory / dt + 0.5) - 1;
    const int rest_inter = int(inter_refractory / dt + 0.5) - 1, per = int(step / dt + 0.5);
    long spikes[3] = {0, 0, 0}, moments[3] = {0, 0, 0};
    const std::clock_t began = std::clock();
    std::clock_t in_rows = 0;
    for (long t = 0; t < STEPS; t++) {
        if (t % per == 0) {
            const size_t at = size_t(phase[t / per]);
            for (int i = 0; i < KEYS; i++) {
                drive[i] = key_rest_drive + (key_peak_drive - key_rest_drive) * keys[at * KEYS + i];
                fluctuation[i] = fluctuation[i] * e_exc + key_noise * n_exc * normal(k_key[i], c_key[i], t, 0);
            }
            for (int j = 0; j < VALUES; j++) {
                const int episode = j / CELLS, pool = j / PER_POOL;
                gate[j] = gates[at * EPISODES + episode];
                taught[j] = g_gate * gate[j] + g_teach * teach[at * (VALUES / PER_POOL) + pool];
                forgetting[j] = forgettings[at * EPISODES + episode];
            }
            for (int j = 0; j < VALUES; j++) {
                ga[j] = ornstein(ga[j], taught[j], dendrite_quantum, e_exc, n_exc, normal(k_value[j], c_value[j], t, 0));
                shunt[j] += (g_tonic * (1 - gate[j]) - shunt[j]) * follows;
                ge[j] = ornstein(ge[j], soma_exc_mean, soma_exc_quantum, e_exc, n_exc, normal(k_value[j], c_value[j], t, 1));
                gi[j] = ornstein(gi[j], soma_inh_mean, soma_inh_quantum, e_inh, n_inh, normal(k_value[j], c_value[j], t, 2));
                const double unblocked = 1 / (1 + std::exp(-62 * vd[j]) * Mg / 3.57);
                single[j] = g_calcium * (E_calcium - vd[j]) * unblocked;
                kept[j] = std::exp(-step * (1 / tau_turnover + forgetting[j]));
            }
            int forgets = 0;
            for (int j = 0; j < VALUES; j++) {
                gx[j] = ornstein(gx[j], inter_exc_mean, inter_exc_quantum, e_int, n_int, normal(k_inter[j], c_inter[j], t, 0));
                forgets |= kept[j] < 1;
            }
#ifdef TIMED
            in_rows -= std::clock();
#endif
            synapses(calcium.data(), weight.data(), s.data(), single.data(), kept.data(), forgets);
#ifdef TIMED
            in_rows += std::clock();
#endif
        }
        for (int i = 0; i < KEYS; i++) {
            const double to = E_leak + drive[i] + fluctuation[i];
            if (rest[i] > 0) rest[i]--;
            else v[i] = to + (v[i] - to) * e_key;
            s[i] *= e_nmda;
        }
        for (int j = 0; j < VALUES; j++) {
            const double g = soma_g_leak + ampa[j] + ge[j] + gi[j];
            const double to = (soma_g_leak * E_leak + (ampa[j] + ge[j]) * E_exc + gi[j] * E_inh) / g;
            if (rest_s[j] > 0) rest_s[j]--;
            else vs[j] = to + (vs[j] - to) * std::exp(-dt * g / soma_C);
            const double h = dendrite_g_leak + ga[j] + feedback[j] + shunt[j];
            const double there = (dendrite_g_leak * E_leak + ga[j] * E_exc + (feedback[j] + shunt[j]) * E_inh) / h;
            vd[j] = there + (vd[j] - there) * std::exp(-dt * h / dendrite_C);
            feedback[j] *= e_gaba, ampa[j] *= e_ampa;
        }
        for (int j = 0; j < VALUES; j++) {
            const double g = inter_g_leak + gd[j] + gx[j];
            const double to = (inter_g_leak * E_leak + (gd[j] + gx[j]) * E_exc) / g;
            if (rest_i[j] > 0) rest_i[j]--;
            else vi[j] = to + (vi[j] - to) * std::exp(-dt * g / inter_C);
            gd[j] *= e_gd;
        }
        for (int i = 0; i < KEYS; i++)
            if (v[i] > v_threshold) {
                v[i] = v_reset, rest[i] = rest_key, spikes[0]++, moments[0] += (t + 1) * (i + 1);
                double* of = &ampa[(i / PRE) * CELLS];
                const float* own = &weight[size_t(i) * CELLS];
                for (int k = 0; k < CELLS; k++) of[k] += own[k];
                s[i] += alpha_nmda * (1 - s[i]);
            }
        for (int j = 0; j < VALUES; j++)
            if (vs[j] > v_threshold) {
                vs[j] = v_reset, rest_s[j] = rest_soma, spikes[1]++, moments[1] += (t + 1) * (j + 1);
                double* of = &gd[(j / PER_POOL) * PER_POOL];
                for (int k = 0; k < PER_POOL; k++) of[k] += g_soma_inter / PER_POOL;
            }
        for (int j = 0; j < VALUES; j++)
            if (vi[j] > v_threshold) {
                vi[j] = v_reset, rest_i[j] = rest_inter, spikes[2]++, moments[2] += (t + 1) * (j + 1);
                double* of = &feedback[(j / PER_POOL) * PER_POOL];
                for (int k = 0; k < PER_POOL; k++) of[k] += g_gaba / PER_POOL;
            }
    }
    const double seconds = double(std::clock() - began) / CLOCKS_PER_SEC;
    double total = 0;
    for (const auto each : weight) total += each;
    std::printf("{\"seconds\": %.9g, \"synapses\": %.9g, \"weight\": %.9g, ", seconds,
                double(in_rows) / CLOCKS_PER_SEC, total / weight.size());
    std::printf("\"spikes\": [%ld, %ld, %ld], ", spikes[0], spikes[1], spikes[2]);
    std::printf("\"moments\": [%ld, %ld, %ld]}\n", moments[0], moments[1], moments[2]);
}
