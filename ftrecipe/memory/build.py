"""A family's layout and a config.json's numbers → the modules that transformers would make."""

from collections.abc import Iterator, Sequence

from ftrecipe.memory.layouts import Experts, Flag, HeadNorm, Layout
from ftrecipe.memory.numbers import Numbers
from ftrecipe.memory.parts import Kind, Module


class Decoder:
    """The modules of one language model; `base` is the path that it lies under."""

    def __init__(self, layout: Layout, numbers: Numbers, base: str | None = None) -> None:
        self.layout, self.numbers = layout, numbers
        self.base = layout.base if base is None else base
        self.stack = f"{self.base}.{layout.block}"
        self.every = range(numbers.layers)

    @property
    def head_dim(self) -> int:
        """Width of a head."""
        own = self.layout.own_head_dim
        return self.numbers.head_dim if own else self.numbers.hidden // self.numbers.heads

    @property
    def kv_heads(self) -> int:
        """Heads of keys and values."""
        return self.numbers.kv_heads if self.layout.grouped else self.numbers.heads

    @property
    def inner(self) -> int:
        """Width inside the feed-forward; GPT-2's is four times the hidden one unless told."""
        return self.numbers.optional(self.layout.inner) or 4 * self.numbers.hidden

    def modules(self) -> Iterator[Module]:
        """Yield every module that has weights."""
        numbers, layout = self.numbers, self.layout
        table = (numbers.vocabulary, numbers.hidden)
        yield Module(f"{self.base}.{layout.embedding}", Kind.embedding, table)
        if layout.positions:
            shape = (numbers.whole("max_position_embeddings"), numbers.hidden)
            yield Module(f"{self.base}.{layout.positions}", Kind.other, shape)
        yield from self._attention()
        yield from self._feed_forwards()
        for name in layout.norms:
            yield self._norm(name, numbers.hidden, layout.norm_bias)
        if layout.last_norm:
            path = f"{self.base}.{layout.last_norm}"
            yield Module(path, Kind.norm, (numbers.hidden,), layout.norm_bias)
        yield Module("lm_head", Kind.head, table, layout.head_bias)

    def _attention(self) -> Iterator[Module]:
        numbers, layout = self.numbers, self.layout
        width, kv_width = numbers.heads * self.head_dim, self.kv_heads * self.head_dim
        ways = {"q_proj": width, "k_proj": kv_width, "v_proj": kv_width}
        if layout.fused:
            ways = {layout.fused: sum(ways.values())}
        for name, outputs in ways.items():
            shape = (outputs, numbers.hidden)
            yield self._linear(f"{layout.attention}.{name}", shape, layout.attention_bias)
        back = (numbers.hidden, width)
        yield self._linear(f"{layout.attention}.{layout.out}", back, layout.out_bias)
        yield from self._head_norms(width, kv_width)
        if layout.sinks:
            path = f"{self.stack}.*.{layout.attention}.sinks"
            yield Module(path, Kind.other, (numbers.heads,), False, self.every, bare=True)

    def _head_norms(self, width: int, kv_width: int) -> Iterator[Module]:
        numbers, dim = self.numbers, self.head_dim
        shapes: dict[HeadNorm, tuple[tuple[int, ...], ...]] = {
            HeadNorm.none: (),
            HeadNorm.head: ((dim,), (dim,)),
            HeadNorm.whole: ((width,), (kv_width,)),
            HeadNorm.each: ((numbers.heads, dim), (self.kv_heads, dim)),
        }
        for name, shape in zip(self.layout.head_norms, shapes[self.layout.head_norm]):
            path = f"{self.stack}.*.{self.layout.attention}.{name}"
            yield Module(path, Kind.norm, shape, False, self.every)

    def _feed_forwards(self) -> Iterator[Module]:
        experts, where = self.layout.experts, self.layout.feed_forward
        if experts is None:
            yield from self._feed_forward(where, self.inner, self.every)
            return
        having = self._layers_with(experts)
        dense = [n for n in self.every if n not in having]
        if dense:
            yield from self._feed_forward(where, self.inner, dense)
        if having:
            yield from self._experts(experts, having)

    def _feed_forward(self, where: str, inner: int, layers: Sequence[int]) -> Iterator[Module]:
        layout, hidden = self.layout, self.numbers.hidden
        for name in layout.into:
            shape = (layout.wide * inner, hidden)
            yield self._linear(f"{where}.{name}", shape, layout.mlp_bias, layers)
        yield self._linear(f"{where}.{layout.back}", (hidden, inner), layout.mlp_bias, layers)

    def _layers_with(self, experts: Experts) -> Sequence[int]:
        if not experts.some_layers:
            return self.every
        step = self.numbers.optional("decoder_sparse_step") or 1
        without = self.numbers.listing("mlp_only_layers") or []
        return [n for n in self.every if n not in without and (n + 1) % step == 0]

    def _experts(self, experts: Experts, layers: Sequence[int]) -> Iterator[Module]:
        numbers, hidden, where = self.numbers, self.numbers.hidden, self.layout.feed_forward
        count, inner = numbers.whole(experts.count), numbers.whole(experts.inner)
        path = f"{self.stack}.*.{where}"
        yield Module(
            f"{path}.{experts.router}", Kind.other, (count, hidden), experts.biases, layers
        )
        for name, outputs, inputs in (
            ("gate_up_proj", 2 * inner, hidden), ("down_proj", hidden, inner)
        ):  # fmt: skip
            turned = (inputs, outputs) if experts.inputs_first else (outputs, inputs)
            held = f"{path}.experts.{name}"
            yield Module(held, Kind.other, (count, *turned), False, layers, bare=True)
            if experts.biases:
                shape = (count, outputs)
                yield Module(f"{held}_bias", Kind.other, shape, False, layers, bare=True)
        if experts.shared:
            inner = numbers.whole("shared_expert_intermediate_size")
            yield from self._feed_forward(f"{where}.shared_expert", inner, layers)
            yield self._linear(f"{where}.shared_expert_gate", (1, hidden), False, layers)

    def _linear(
        self, name: str, shape: tuple[int, int], bias: Flag, layers: Sequence[int] | None = None
    ) -> Module:
        biased = self.numbers.flag(bias) if isinstance(bias, str) else bias
        every = self.every if layers is None else layers
        return Module(f"{self.stack}.*.{name}", Kind.linear, shape, biased, every)

    def _norm(self, name: str, width: int, bias: bool) -> Module:
        return Module(f"{self.stack}.*.{name}", Kind.norm, (width,), bias, self.every)
