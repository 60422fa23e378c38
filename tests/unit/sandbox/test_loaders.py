import torch
from torch.utils.data import ConcatDataset, DataLoader, Subset, TensorDataset

from sandbox.loaders import MemoryLoader, make_loader

X = torch.arange(22.0).reshape(11, 2)
Y = torch.arange(11) % 3


def make_pairs(*, shuffle: bool) -> MemoryLoader:
    return make_loader(X, Y, mapping=False, batch_size=4, shuffle=shuffle)


def test_batches_are_those_of_torchs_own_loader_under_the_same_seed() -> None:
    for shuffle in (False, True):
        torch.manual_seed(3)
        ours = [batch for _ in range(3) for batch in make_pairs(shuffle=shuffle)]
        after = torch.rand(1)
        torch.manual_seed(3)
        theirs = [b for _ in range(3) for b in DataLoader(TensorDataset(X, Y), batch_size=4, shuffle=shuffle)]
        assert all(
            torch.equal(a, b) for mine, his in zip(ours, theirs, strict=True) for a, b in zip(mine, his, strict=True)
        )
        assert torch.equal(after, torch.rand(1))


def test_mapping_batches_are_those_of_the_default_collation() -> None:
    ours = make_loader(X, Y, mapping=True, batch_size=4, shuffle=False)
    for mine, his in zip(ours, DataLoader(ours.dataset, batch_size=4), strict=True):
        assert mine.keys() == his.keys() == {"image", "image_id", "age_group", "age", "person_id"}
        assert mine["image_id"] == his["image_id"]
        for name in ("image", "age_group", "age", "person_id"):
            assert torch.equal(mine[name], his[name])
            assert mine[name].dtype == his[name].dtype


def test_a_loader_tells_its_sizes() -> None:
    loader = make_pairs(shuffle=True)
    assert (len(loader), len(loader.dataset), loader.batch_size) == (3, 11, 4)  # type: ignore[arg-type]
    assert isinstance(loader, DataLoader)


def test_a_data_set_is_indexed_by_whole_numbers_and_scalar_tensors() -> None:
    for mapping in (False, True):
        dataset = make_loader(X, Y, mapping=mapping, batch_size=4, shuffle=False).dataset
        plain, scalar = dataset[3], dataset[torch.tensor(3)]
        key = "image" if mapping else 0
        assert torch.equal(plain[key], scalar[key])
        assert torch.equal(plain[key], X[3])


def test_a_data_set_fits_into_subsets_and_other_loaders() -> None:
    dataset = make_pairs(shuffle=True).dataset
    both = ConcatDataset([Subset(dataset, [1, 2]), dataset])
    assert sum(len(y) for _, y in DataLoader(both, batch_size=5)) == 13


def test_an_unshuffled_loader_over_the_data_set_is_stable() -> None:
    loader = DataLoader(make_pairs(shuffle=True).dataset, batch_size=4, shuffle=False)
    first, second = [y.tolist() for _, y in loader], [y.tolist() for _, y in loader]
    assert first == second == [Y[:4].tolist(), Y[4:8].tolist(), Y[8:].tolist()]


def test_passes_may_be_nested_and_zipped() -> None:
    loader = make_pairs(shuffle=True)
    assert sum(1 for _ in loader for _ in loader) == 9
    assert len(list(zip(loader, loader, strict=True))) == 3


def test_an_epoch_holds_every_example_once_and_epochs_differ() -> None:
    loader = make_pairs(shuffle=True)
    epochs = [torch.cat([x[:, 0] for x, _ in loader]) for _ in range(4)]
    assert all(torch.equal(epoch.sort().values, X[:, 0]) for epoch in epochs)
    assert any(not torch.equal(epochs[0], epoch) for epoch in epochs[1:])


def test_a_replaced_collation_is_respected() -> None:
    loader = make_pairs(shuffle=False)
    loader.collate_fn = lambda examples: len(examples)
    assert list(loader) == [4, 4, 3]
