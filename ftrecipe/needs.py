"""What memory a run needs on each of its devices: reads the facts of its options, computes none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ftrecipe import devices
from ftrecipe.amounts import GIB
from ftrecipe.components.eval import AnswerEval, Eval
from ftrecipe.components.hardware import Device, Precision, cpu_is_good_at_bf16
from ftrecipe.components.model import Dtype
from ftrecipe.config import RunConfig
from ftrecipe.data.example import OnOverlong
from ftrecipe.memory import Account, account
from ftrecipe.memory.activations import Computing
from ftrecipe.memory.architecture import Architecture
from ftrecipe.memory.evaluating import Suite
from ftrecipe.memory.optimizers import optimizer
from ftrecipe.memory.training import Setting, Shared

MIB = 1 << 20
MANY = 1 << 30  # examples, where nothing bounds them
ASSUMED_LENGTH = 1024  # tokens of the longest row where nothing says how long rows may be
SHORTEST = 64  # tokens; a run of rows of unknown length is only refused if not even these fit
DENSE, SPARSE = 3, 8  # bytes of text that a token stands for, as a rule and at the most
TEMPLATE = 16  # tokens that a chat template adds to a short exchange
ON_GPU = 1.0 * GIB  # CUDA's context, its libraries' work space, what the allocator cannot use
IMPORTS = 480 * MIB  # of Python with torch, transformers, TRL and PEFT (benchmarks/MEMORY.md)
BESIDE = 190 * MIB  # tokenizer, data, kernels' work space, what malloc keeps (as measured there)


@dataclass(frozen=True)
class Longest:
    """The tokens of the longest row: what is reckoned with, what it has at least, and `how` that
    is known, for people. `splits` are the rows of each split, None where they were not counted."""

    tokens: int
    least: int
    how: str
    splits: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Needs:
    """The account of a run on a device, and how it came about. `length` is the longest row's."""

    account: Account
    length: int
    checkpointing: bool
    notes: tuple[str, ...] = ()


def needs(
    run: RunConfig,
    on_gpu: bool | None = None,
    length: int | None = None,
    splits: Mapping[str, int] | None = None,
) -> Needs | None:
    """Return what `run` needs, None where its model's architecture is not known.

    Where the run leaves checkpointing to the machine, it is off unless a GPU would be too small.
    `length` is the longest row's where it is known, `splits` are the rows of each split.
    """
    model = architecture(run)
    if model is None:
        return None
    on_gpu = run.hardware.device is Device.cuda if on_gpu is None else on_gpu
    rows = longest_row(run).tokens if length is None else length
    asked = run.trainer.gradient_checkpointing
    made = account(setting(run, model, on_gpu, rows, bool(asked), splits))
    memory = run.hardware.memory_gb
    may = asked is None and on_gpu and run.peft.allows_checkpointing and memory is not None
    checkpointing = bool(asked)
    if may and memory is not None and made.peak > memory * GIB:
        checkpointing = True
        made = account(setting(run, model, on_gpu, rows, True, splits))
    notes = []
    if not optimizer(run.trainer.optim).known:
        notes.append(f"trainer.optim={run.trainer.optim} is reckoned as AdamW")
    return Needs(made, rows, checkpointing, tuple(notes))


def weights_alone(run: RunConfig) -> float | None:
    """Return the bytes that a device has of a model of which only the size is known (None: not
    even that), with Adam's states of what is trained; activations are not counted."""
    known = run.model.parameters if architecture(run) is None and run.model.path else None
    if known is None:
        return None
    trained = known * run.peft.trained_share
    stored = run.quantization.size(64, 64)
    frozen = stored / 64**2 if stored is not None else 2.0
    share = 1 / run.world_size if run.strategy.shards_weights else 1.0
    return share * ((known - trained) * frozen + trained * 16)


def architecture(run: RunConfig) -> Architecture | None:
    """Return what the run's model is made of, None where that is not known."""
    has_model = run.model.from_run is not None or bool(run.model.path)
    return run.model.architecture if has_model else None


def longest_row(
    run: RunConfig, text: int | None = None, splits: Mapping[str, int] | None = None
) -> Longest:
    """Return the tokens of the longest row before there is a tokenizer to ask.

    `text` is the UTF-8 bytes of the longest row's text, None where the data was not read. Packed
    rows are as long as they may be.
    """
    said, model = run.trainer.max_length, architecture(run)
    own = model.max_positions if model else None
    if text is not None and not run.trainer.packing:
        limit = said or own or text
        tokens = min(limit, text // DENSE + TEMPLATE)
        least, cut = min(limit, text // SPARSE + 1), run.dataset.overlong() is OnOverlong.split
        how = f"reckoned from {text:,} bytes"
        return Longest(tokens, least, how, None if cut else splits)
    if said is not None:
        return Longest(said, said, "trainer.max_length")
    assumed = min(ASSUMED_LENGTH, own or ASSUMED_LENGTH)
    return Longest(assumed, min(SHORTEST, assumed), "assumed; trainer.max_length says how many")


def setting(
    run: RunConfig,
    model: Architecture,
    on_gpu: bool,
    length: int,
    checkpointing: bool,
    splits: Mapping[str, int] | None = None,
) -> Setting:
    """Return all that the account follows from."""
    half = precision(run) is not Precision.fp32
    in_half = run.strategy.trains_in_half and half  # weights of 16 bits, masters of 32
    said = {Dtype.float32: 4, Dtype.bfloat16: 2, Dtype.float16: 2}.get(run.model.dtype)
    base = said or (2 if half and (in_half or not run.peft.trains_base) else 4)
    autocast = run.model.dtype is Dtype.auto and half and not in_half
    covered = run.quantization.size(64, 64) is not None
    trained = run.peft.trained(model, len(run.model.special_tokens))
    return Setting(
        model=model,
        computing=Computing(
            rows=run.trainer.per_device_train_batch_size,
            length=length + trained.virtual_tokens,
            width=2 if autocast else base,
            stream=base,
            autocast=autocast,
            on_gpu=on_gpu,
            attention=run.model.attn_implementation or "sdpa",
            masked=run.trainer.packing or model.experts > 0,
            checkpointing=checkpointing,
        ),
        trained=trained,
        optimizer=optimizer(run.trainer.optim),
        overhead=ON_GPU if on_gpu else IMPORTS + BESIDE,
        base_width=base,
        trained_width=2 if in_half else 4,
        stored=(lambda outputs, inputs: run.quantization.size(outputs, inputs) or 0.0)
        if covered
        else None,
        masters=in_half,
        accumulates=run.trainer.gradient_accumulation_steps > 1,
        shared=shared(run),
        suites=tuple(suite(one, length, splits) for one in run.eval.values()),
        eval_rows=run.trainer.per_device_eval_batch_size if run.trainer.eval_steps else 0,
        beside=tuple(_beside(run, length)),
        file_width=0 if on_gpu else 2,
    )


def _beside(run: RunConfig, length: int) -> Iterator[Suite]:
    """Yield the suites that are measured while training, on no more examples than it asks for."""
    for name in run.trainer.eval_suites:
        if name in run.eval:
            one = suite(run.eval[name], length, None)
            most = min(run.trainer.eval_samples, one.max_samples or MANY)
            yield replace(one, max_samples=most)


def precision(run: RunConfig) -> Precision:
    """Return what is computed in, where a CPU is left to tell by itself."""
    asked = run.hardware.precision
    if asked is Precision.auto:
        return Precision.bf16 if cpu_is_good_at_bf16() else Precision.fp32
    return asked


def shared(run: RunConfig) -> Shared:
    """Return how the run's devices divide what they hold."""
    strategy = run.strategy
    return Shared(
        devices=run.world_size,
        zero_stage=strategy.zero_stage,
        divides_weights=strategy.shards_weights,
        offloads=strategy.offloads,
        copies_gradients=strategy.copies_gradients,
        bucket=strategy.sends(run.hardware.device is not Device.cpu),
    )


def suite(measured: Eval, length: int, splits: Mapping[str, int] | None) -> Suite:
    """Return a suite as the arithmetic takes it: its rows are as long as the training's."""
    new = measured.max_new_tokens if isinstance(measured, AnswerEval) else 0
    most, split = measured.max_samples, measured.reads()
    if splits is not None and split is not None:
        there = max(1, splits.get(split.value, 0))
        most = min(most or there, there)
    return Suite(length, new, measured.batch_size, most)


def memory_of(run: RunConfig, here: bool = True) -> tuple[float | None, str]:
    """Return the GiB that each process of the run may take, None where that is not known, and
    whose they are. A CPU's are asked of this machine, if the run is to happen `here`."""
    said = run.hardware.memory_gb
    if said is not None:
        return said, "hardware.memory_gb"
    if run.hardware.device is Device.cuda or not here:
        return None, "hardware.memory_gb is not set"
    free = devices.free_memory()
    if free is None:
        return None, "this machine does not tell its memory; set hardware.memory_gb"
    return free / (run.hardware.processes or 1), "free on this machine"
