"""The weights of the vision towers that some language models come with, and of the bridge."""

from collections.abc import Iterator

from ftrecipe.memory.numbers import Numbers
from ftrecipe.memory.parts import Kind, Module


def siglip(numbers: Numbers, base: str) -> Iterator[Module]:
    """Yield the modules of a SigLIP image encoder that lies under `base`."""
    hidden, inner = numbers.hidden, numbers.whole("intermediate_size")
    patch, channels = numbers.whole("patch_size"), numbers.whole("num_channels")
    positions = (numbers.whole("image_size") // patch) ** 2
    every, layer = range(numbers.layers), f"{base}.encoder.layers.*"
    square, up, down = (hidden, hidden), (inner, hidden), (hidden, inner)
    patches = (hidden, channels, patch, patch)
    yield Module(f"{base}.embeddings.patch_embedding", Kind.other, patches, True)
    yield Module(f"{base}.embeddings.position_embedding", Kind.other, (positions, hidden))
    for name, shape in {
        "self_attn.k_proj": square, "self_attn.v_proj": square, "self_attn.q_proj": square,
        "self_attn.out_proj": square, "mlp.fc1": up, "mlp.fc2": down,
    }.items():  # fmt: skip
        yield Module(f"{layer}.{name}", Kind.linear, shape, True, every)
    for name in ("layer_norm1", "layer_norm2"):
        yield Module(f"{layer}.{name}", Kind.norm, (hidden,), True, every)
    yield Module(f"{base}.post_layernorm", Kind.norm, (hidden,), True)
    if numbers.flag("vision_use_head"):
        yield from _pooling(base + ".head", hidden, inner)


def _pooling(base: str, hidden: int, inner: int) -> Iterator[Module]:
    """Yield the head that makes one vector of an image, which most towers leave out."""
    attention = f"{base}.attention"
    yield Module(f"{base}.probe", Kind.other, (1, 1, hidden), bare=True)
    yield Module(f"{attention}.in_proj_weight", Kind.other, (3 * hidden, hidden), bare=True)
    yield Module(f"{attention}.in_proj_bias", Kind.other, (3 * hidden,), bare=True)
    yield Module(f"{attention}.out_proj", Kind.linear, (hidden, hidden), True, quantizes=False)
    yield Module(f"{base}.layernorm", Kind.norm, (hidden,), True)
    yield Module(f"{base}.mlp.fc1", Kind.linear, (inner, hidden), True)
    yield Module(f"{base}.mlp.fc2", Kind.linear, (hidden, inner), True)


def projector(width: int, hidden: int, base: str) -> Iterator[Module]:
    """Yield Gemma 3's bridge from image vectors of `width` to the language model."""
    bridge = f"{base}.mm_input_projection_weight"
    yield Module(bridge, Kind.other, (width, hidden), bare=True)
    yield Module(f"{base}.mm_soft_emb_norm", Kind.norm, (width,))
