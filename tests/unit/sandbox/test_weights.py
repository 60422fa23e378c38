from typing import Any

import pytest
import torch
from safetensors.torch import load
from torch import nn

from sandbox.contract import Outcome
from sandbox.submission import Refused
from sandbox.weights import collect_weights, read_schema


def make_network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def test_nothing_returned_means_the_network_itself() -> None:
    network = make_network()
    found = load(collect_weights(None, network, read_schema(network)))
    assert all(torch.equal(found[name], value) for name, value in network.state_dict().items())


def test_other_types_are_cast_and_transposed_storage_is_laid_out() -> None:
    network = make_network()
    schema = read_schema(network)
    network[0].weight = nn.Parameter(torch.randn(3, 4).t())
    network.double()
    found = load(collect_weights(network, make_network(), schema))
    assert found["0.weight"].dtype == torch.float32
    assert torch.allclose(found["0.weight"], network[0].weight.float())
    assert found["1.num_batches_tracked"].dtype == torch.int64


def test_two_names_for_one_tensor_are_two_tensors() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    schema = read_schema(network)
    network[1].weight = network[0].weight
    found = load(collect_weights(network, network, schema))
    assert torch.equal(found["0.weight"], found["1.weight"])


@pytest.mark.parametrize("result", [42, "text", [1], {"a": 1}, object()])
def test_junk_is_a_missing_output(result: Any) -> None:
    with pytest.raises(Refused) as caught:
        collect_weights(result, make_network(), read_schema(make_network()))
    assert caught.value.outcome is Outcome.OUTPUT_MISSING


@pytest.mark.parametrize("result", [nn.Linear(3, 4), nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5)), {}])
def test_another_network_is_a_schema_fault(result: Any) -> None:
    with pytest.raises(Refused) as caught:
        collect_weights(result, make_network(), read_schema(make_network()))
    assert caught.value.outcome is Outcome.OUTPUT_SCHEMA


def test_the_prefix_of_a_wrapper_is_taken_off() -> None:
    network = make_network()
    wrapped = {f"module.{name}": value for name, value in network.state_dict().items()}
    assert set(load(collect_weights(wrapped, network, read_schema(network)))) == set(network.state_dict())
