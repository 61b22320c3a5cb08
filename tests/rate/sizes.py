"""Sizes that rules have besides those of keys and values, which tests of layers and stacks share."""

SIZES = {
    "delta_product": {"micro": 2},
    "three_factor": {"slot": 5},
    "log_linear": {"level": 5},
    "hybrid": {"window": 4},
    "delayed_hybrid": {"window": 4},
    "mlp_memory": {"hidden": 5},
}
