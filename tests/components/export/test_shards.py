"""Files of safetensors, written tensor by tensor: sizes, divisions, and rounding to 16 bits."""

import json
import weakref
from pathlib import Path
from typing import Any

import pytest

from ftrecipe.components.export.shards import BLOCK, Stored, converted, size_of, write_shards

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("text", "size"),
    [("5GB", 5 * 10**9), ("500 MB", 5 * 10**8), ("1.5GiB", 3 * 2**29), ("1000", 1000)],
)
def test_a_size_is_read_as_people_write_it(text: str, size: int) -> None:
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "5 apples", "-1GB", "0GB", "GB"])
def test_what_is_no_size_is_none(text: str) -> None:
    assert size_of(text) is None


def written(folder: Path, most: int) -> dict[str, object]:
    """Write six tensors of several kinds; return them by name."""
    tensors = {f"layer.{n}": torch.randn(10, 25) for n in range(4)}
    tensors |= {"half": torch.randn(7).to(torch.float16), "step": torch.tensor(5)}
    stored = [
        Stored(name, str(each.dtype).removeprefix("torch."), tuple(each.shape))
        for name, each in tensors.items()
    ]
    write_shards(folder, stored, lambda one: tensors[one.name], most)
    return tensors


def test_one_file_is_what_safetensors_reads(tmp_path: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file

    wanted = written(tmp_path, 10**6)
    found = load_file(tmp_path / "model.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], each) for name, each in wanted.items())
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}


def test_several_files_are_named_by_an_index(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    wanted = written(tmp_path, 2100)
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    files = sorted(tmp_path.glob("*.safetensors"))
    assert [file.name for file in files] == [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    assert index["metadata"] == {"total_parameters": 1008, "total_size": 4022}
    for name, each in wanted.items():
        assert torch.equal(load_file(tmp_path / index["weight_map"][name])[name], each)


def test_a_tensor_larger_than_a_file_may_be_is_alone(tmp_path: Path) -> None:
    written(tmp_path, 900)
    assert len(list(tmp_path.glob("*.safetensors"))) == 5


def in_type(tensor: Any, dtype: str, unbiased: bool = False) -> Any:
    """Return what is written of a tensor."""
    return torch.cat(list(converted(tensor, dtype, unbiased)))


def test_a_tensor_is_converted_as_it_is_written(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    wide = torch.randn(3, BLOCK // 2 + 1)
    write_shards(tmp_path, [Stored("wide", "float16", (3, BLOCK // 2 + 1))], lambda _: wide, 10**9)
    assert torch.equal(load_file(tmp_path / "model.safetensors")["wide"], wide.half())


def test_a_tensor_is_gone_before_the_next_one_is_asked_for(tmp_path: Path) -> None:
    given: list[Any] = []

    def read(each: Stored) -> Any:
        assert all(one() is None for one in given)
        tensor = torch.ones(each.shape)
        given.append(weakref.ref(tensor))
        return tensor

    several = [Stored(f"{n}", kind, (4, 4)) for n, kind in enumerate(["float16", "float32"] * 2)]
    write_shards(tmp_path, several, read, 100)


def test_a_small_change_survives_bfloat16_on_average() -> None:
    base = torch.ones(100_000)
    changed = base + 0.0005  # an eighth of bfloat16's step
    assert in_type(changed, "bfloat16").float().mean() == 1
    rounded = in_type(changed, "bfloat16", unbiased=True)
    assert rounded.float().mean() == pytest.approx(1.0005, abs=5e-5)
    assert torch.equal(rounded, in_type(changed, "bfloat16", unbiased=True))


def test_what_bfloat16_holds_stays_as_it_is() -> None:
    held = torch.randn(1000).to(torch.bfloat16)
    assert torch.equal(in_type(held.float(), "bfloat16", unbiased=True), held)


def test_numbers_that_are_no_floats_stay() -> None:
    assert in_type(torch.tensor([1, 2]), "float16").dtype == torch.int64


def test_tensor_of_another_type_is_rounded_by_chance_as_float32_is() -> None:
    halves = torch.randn(1000).half()
    wanted = in_type(halves.float(), "bfloat16", unbiased=True)
    assert torch.equal(in_type(halves, "bfloat16", unbiased=True), wanted)
