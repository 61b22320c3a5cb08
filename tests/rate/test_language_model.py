"""Language models: of equal size, causal, and softmax attention that reads on from a state."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from neurofwp.errors import InputError
from neurofwp.experiments.language_modelling import MODELS
from neurofwp.rate import language_model, parameter_count

SHAPE: dict[str, Any] = {"width": 24, "heads": 2, "size": 6, "blocks": 2, "length": 20}


@pytest.mark.parametrize("layer", MODELS)
def test_all_have_the_parameters_of_attention_and_see_no_future(layer: str) -> None:
    model = language_model(layer, 10, **SHAPE, generator=torch.Generator().manual_seed(0)).double()
    attention = language_model("softmax", 10, **SHAPE, generator=torch.Generator().manual_seed(0))
    cell = 3 * SHAPE["width"] * SHAPE["blocks"]
    assert abs(parameter_count(model) - parameter_count(attention)) <= cell / 2
    token = torch.arange(20)[None] % 10
    later = token.clone()
    later[0, 12] = 7
    differs = (model(token) - model(later)).abs().amax(-1)[0] > 1e-9
    assert not differs[:12].any()
    assert differs[12]


def test_attention_reads_on_from_a_state() -> None:
    model = language_model("softmax", 10, **SHAPE, generator=torch.Generator().manual_seed(0)).double()
    for block in model.blocks:
        torch.nn.init.constant_(block.layer.slope, 0.2)
    token = torch.randint(10, (3, 9), generator=torch.Generator().manual_seed(1))
    whole = model(token)
    first, state = model.advance(token[:, :5])
    second, state = model.advance(token[:, 5:8], state)
    last, _ = model.step(token[:, 8], state)
    torch.testing.assert_close(torch.cat([first, second, last[:, None]], dim=1), whole, rtol=0, atol=1e-12)


def test_attention_refuses_masks() -> None:
    model = language_model("softmax", 10, **SHAPE, generator=torch.Generator().manual_seed(0))
    token = torch.zeros(1, 4, dtype=torch.int64)
    with pytest.raises(InputError, match="takes neither mask nor cu_seqlens"):
        model(token, mask=torch.tensor([[True, True, True, False]]))


def test_gates_that_outgrow_the_mlp_are_refused() -> None:
    with pytest.raises(InputError, match="a layer of erase_write_delta has .* make width larger"):
        language_model(
            "erase_write_delta", 10, width=8, heads=4, size=16, blocks=1, length=8,
            generator=torch.Generator().manual_seed(0),
        )  # fmt: skip
