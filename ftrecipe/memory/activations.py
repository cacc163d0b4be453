"""What the forward pass keeps for the backward pass, by the tensors that autograd saves.

Each term was read off the saved tensors of transformers' own layers (`torch.autograd.graph`'s
hooks); widths are bytes a number, results are bytes a token unless said otherwise.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ftrecipe.memory.architecture import Architecture
from ftrecipe.memory.parts import Kind, Module

Placed = tuple[Module, str]  # a module, and the path of one of it

# The linear layers that lead back to the hidden width; all others read a norm's output.
BACK = ("o_proj", "out_proj", "c_proj", "dense", "down_proj", "dense_4h_to_h", "fc_out", "fc2")
FLOAT = 4
MAPPED_FROM = 1 << 20  # bytes of a tensor, on a CPU (stages/surroundings.py)
TILE_TOKENS, TILE_WORDS = 4096, 32_768  # TRL's TOKEN_CHUNK_SIZE, _CHUNKED_LOGPROB_CHUNK_SIZE


@dataclass(frozen=True)
class Computing:
    """How a batch goes through the model: `rows` x `length` tokens.

    `width` is that of what is computed, `stream` of what goes from layer to layer.
    """

    rows: int
    length: int
    width: int = 4
    stream: int = 4
    autocast: bool = False
    on_gpu: bool = False
    attention: str = "sdpa"
    masked: bool = False  # attention is told which tokens see each other, as for packed rows
    checkpointing: bool = False

    @property
    def tokens(self) -> int:
        """Tokens of the batch, padding included."""
        return self.rows * self.length


@dataclass(frozen=True)
class Trained:
    """What is trained: `modules` of the base, and `added` numbers beside the `targets`.

    `reached` layers are gone through backwards; `rank` is the width of an adapter's small product.
    """

    reached: int
    modules: tuple[Module, ...] = ()
    targets: tuple[Placed, ...] = ()
    added: int = 0
    rank: int = 0
    dropout: bool = False
    fixed: int = 0  # numbers that come with the adapter and are not trained
    virtual_tokens: int = 0


def norms(model: Architecture, run: Computing, trained: Trained) -> float:
    """Return what one layer's norms keep: RMS norms compute in 32 bits whatever comes in."""
    learned = {module.path for module in trained.modules}
    total = 0.0
    for module in model.decoder:
        if module.kind is not Kind.norm:
            continue
        wide = _normed(model, module)
        if module.bias:  # LayerNorm is one kernel: it keeps what came in
            total += wide * (FLOAT if run.autocast else run.stream)
        else:
            total += wide * FLOAT * (2 if module.path in learned else 1)
    return total


def _normed(model: Architecture, module: Module) -> int:
    """Return how many numbers a token has in front of a norm."""
    if module.shape[-1] != model.head_dim or model.head_dim == model.hidden:
        return module.shape[-1]
    heads = model.kv_heads if module.path.rsplit(".", 1)[-1].startswith("k") else model.heads
    return heads * model.head_dim


def attention(model: Architecture, run: Computing) -> float:
    """Return what one layer's attention keeps: queries, keys, values, and what came of them."""
    queries, keys = model.heads * model.head_dim, model.kv_heads * model.head_dim
    if run.attention == "eager":
        scores = model.heads * run.length * (FLOAT + (run.width if run.width < FLOAT else 0))
        return run.width * 4 * queries + scores
    fused = "flash" in run.attention
    repeated = run.masked and not fused  # with a mask, sdpa wants as many keys as queries
    kept = run.width * (2 * queries + 2 * (queries if repeated else keys)) + FLOAT * model.heads
    return kept + (run.width * run.length if repeated else 0)


def feed_forward(model: Architecture, run: Computing) -> float:
    """Return what one layer's feed-forward keeps in front of its last product."""
    experts = max(1, model.experts_per_token)
    return run.width * model.intermediate * experts * (3 if model.gated else 1)


def inputs(model: Architecture, run: Computing, trained: Trained) -> float:
    """Return what all linear layers keep of what goes into them, for their weights' gradients.

    Layers that read the same share it; autocast gives each a copy of its own, and so does dropout.
    """
    own = [(m, path) for m in trained.modules if _counts(model, m) for path in m.paths]
    kept = _inputs(model, run, own, run.autocast, adapted=False)
    targets = [(m, path) for m, path in trained.targets if _counts(model, m)]
    kept += _inputs(model, run, targets, run.autocast or trained.dropout, adapted=True)
    if trained.dropout:
        mask = 1 if run.on_gpu else FLOAT
        kept += mask * sum(module.inputs for module, _ in targets)
    products = 2 if run.autocast else 1
    return kept + products * run.width * len(targets) * trained.rank


def _counts(model: Architecture, module: Module) -> bool:
    return module.kind is Kind.linear and module.path.startswith(model.stack)


def _inputs(
    model: Architecture, run: Computing, placed: Iterable[Placed], copied: bool, adapted: bool
) -> float:
    total, shared = 0.0, set[str]()
    for module, path in placed:
        parent, _, name = path.rpartition(".")
        if name in BACK and "mlp" not in parent and not (copied and adapted):
            if run.attention != "eager":
                continue  # attention keeps what it made
        elif name not in BACK and not copied:
            if parent in shared:
                continue
            shared.add(parent)
        share = model.experts_per_token / model.experts if ".experts." in path else 1
        total += run.width * module.inputs * share
    return total


def one_layer(model: Architecture, run: Computing, trained: Trained) -> float:
    """Return the bytes that one layer keeps for the whole batch."""
    share = inputs(model, run, trained) / max(1, model.layers)
    core = norms(model, run, trained) + attention(model, run) + feed_forward(model, run)
    return run.tokens * (core + share)


def kept(model: Architecture, run: Computing, trained: Trained) -> float:
    """Return the bytes that the layers keep for the whole batch until the backward pass."""
    ends = run.tokens * model.hidden * (FLOAT + run.width)  # the last norm, and the head's input
    if run.checkpointing:
        return run.tokens * model.hidden * run.stream * model.layers + ends
    core = norms(model, run, trained) + attention(model, run) + feed_forward(model, run)
    return run.tokens * (trained.reached * core + inputs(model, run, trained)) + ends


def unreturned(model: Architecture, run: Computing, activations: float) -> float:
    """Return the bytes of freed tensors that malloc does not give back, on a CPU: those below the
    size from which they are mapped one by one. Half of what is kept, as measured."""
    small = run.tokens * model.hidden * run.stream < MAPPED_FROM
    return 0.5 * activations if small and not run.on_gpu else 0.0


def in_passing(model: Architecture, run: Computing) -> float:
    """Return the bytes of a layer's gradients at their most while it is gone through backwards."""
    wide = max(3 * model.intermediate * max(1, model.experts_per_token), 4 * model.hidden)
    scores = model.heads * run.length * FLOAT if run.attention == "eager" else 0
    return run.tokens * (run.width * wide + FLOAT * 2 * model.hidden + 2 * scores)


def logits(model: Architecture, run: Computing, trained: Trained) -> float:
    """Return the bytes of logits with their loss, at their most: log-probabilities, their gradient,
    and the logits' gradient, all of 32 bits.

    On a GPU, TRL's fused head holds a tile of them, and the gradients of what goes in and of its
    weights in 32 bits (trl/kernels/chunked_logprob.py).
    """
    if not run.on_gpu:
        return run.tokens * model.vocabulary * 3.0 * FLOAT
    tile = min(run.tokens, TILE_TOKENS) * min(model.vocabulary, TILE_WORDS) * run.width
    learned = any(module.kind is Kind.head for module in trained.modules) or (
        model.tied and any(module.kind is Kind.embedding for module in trained.modules)
    )
    return float(tile + FLOAT * model.hidden * (run.tokens + learned * model.vocabulary))
