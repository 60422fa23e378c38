import json

import numpy as np
import pytest
import torch
from safetensors.torch import save

from evaluator.errors import BadWeights, InvalidPool
from evaluator.inference import MAX_HEADER_BYTES, compute_logits, load_weights


def make_network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2))


def make_weights(**changes):
    weights = {name: tensor.clone() for name, tensor in make_network().state_dict().items()}
    weights.update(changes)
    return {name: tensor for name, tensor in weights.items() if tensor is not None}


INPUTS = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)


def test_weights_arrive_in_the_network():
    network = make_network()
    load_weights(network, save(make_weights(**{"0.bias": torch.tensor([1.0, 2.0, 3.0])})))
    assert network[0].bias.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floating_dtypes_are_cast(dtype):
    network = make_network()
    load_weights(network, save(make_weights(**{"0.bias": torch.tensor([1.0, 2.0, 3.0], dtype=dtype)})))
    assert network[0].bias.dtype == torch.float32


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"0.bias": None}, "missing: 0.bias"),
        ({"extra": torch.zeros(2)}, "not part of the network: extra"),
        ({"0.bias": torch.zeros(4)}, r"0.bias has shape \(4,\), expected \(3,\)"),
        ({"0.bias": torch.tensor([0.0, float("nan"), 0.0])}, "0.bias holds values that are not finite"),
        ({"0.bias": torch.tensor([1e300, 0.0, 0.0], dtype=torch.float64)}, "not finite"),
        ({"0.bias": torch.zeros(3, dtype=torch.int64)}, "0.bias has dtype int64, expected float32"),
        ({"1.num_batches_tracked": torch.tensor(1, dtype=torch.int32)}, "num_batches_tracked has dtype int32"),
        ({"1.running_var": torch.full((3,), float("inf"))}, "1.running_var"),
    ],
)
def test_weights_of_another_network_are_refused_by_name_and_leave_it_untouched(changes, reason):
    network = make_network()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(BadWeights, match=reason):
        load_weights(network, save(make_weights(**changes)))
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def forge(header, body=b""):
    raw = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return len(raw).to_bytes(8, "little") + raw + body


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\x80\x04\x95",
        b"\x80\x02}q\x00." * 40,
        save(make_weights())[:-5],
        save(make_weights()) + b"trailing",
        forge(b"{not json"),
        forge(b"[" * 100_000),
        forge([1, 2]),
        forge({"0.bias": {"dtype": "F32", "shape": [3], "data_offsets": [0, 1 << 40]}}),
        forge({"0.bias": {"dtype": "F32", "shape": [-3], "data_offsets": [0, 12]}}, bytes(12)),
        forge({"0.bias": {"dtype": "OBJ", "shape": [3], "data_offsets": [0, 12]}}, bytes(12)),
        (1 << 62).to_bytes(8, "little") + bytes(64),
    ],
)
def test_bytes_that_are_not_a_sound_safetensors_file_are_refused(blob):
    with pytest.raises(BadWeights):
        load_weights(make_network(), blob)


def test_a_header_beyond_the_limit_is_refused_before_it_is_parsed():
    with pytest.raises(BadWeights, match="header"):
        load_weights(make_network(), forge(b" " * (MAX_HEADER_BYTES + 1)))


def test_logits_are_those_of_eval_mode_whatever_the_batch_size():
    network = make_network().train()
    expected = make_network().eval()(torch.from_numpy(INPUTS)).detach().numpy()
    for batch_size in (1, 3, 100):
        logits = compute_logits(network, INPUTS, device="cpu", batch_size=batch_size)
        np.testing.assert_allclose(logits, expected, rtol=1e-5)
        assert logits.dtype == np.float32
    assert network.training


def test_read_only_inputs_are_accepted_and_unchanged():
    frozen = INPUTS.copy()
    frozen.setflags(write=False)
    compute_logits(make_network(), frozen, device="cpu", batch_size=4)
    np.testing.assert_array_equal(frozen, INPUTS)


def test_a_network_that_overflows_is_refused():
    network = make_network()
    with torch.no_grad():
        network[2].weight.fill_(3e38)
    with pytest.raises(BadWeights, match="not finite for input"):
        compute_logits(network, 100 * INPUTS, device="cpu", batch_size=4)


def test_an_output_that_is_not_one_vector_per_input_is_refused():
    with pytest.raises(BadWeights, match="one vector"):
        compute_logits(torch.nn.Flatten(0), INPUTS, device="cpu", batch_size=4)


@pytest.mark.parametrize(("inputs", "batch_size"), [(INPUTS[:0], 4), (INPUTS, 0)])
def test_nothing_to_run_is_refused(inputs, batch_size):
    with pytest.raises(InvalidPool):
        compute_logits(make_network(), inputs, device="cpu", batch_size=batch_size)
