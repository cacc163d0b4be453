"""Supervised fine-tuning from rows already tokenised and masked; it prepares no data."""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, cast

import torch
from datasets import Dataset
from peft import PeftModel
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Sampler
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
from transformers.trainer_utils import EvalLoopOutput, TrainOutput
from trl import SFTConfig
from trl.trainer.utils import add_fused_lm_head

from ftrecipe.stages.training.batches import IGNORED
from ftrecipe.stages.training.blank import WithBlank
from ftrecipe.stages.training.keeping import KeepingTrainer
from ftrecipe.stages.training.lora import added_in_place
from ftrecipe.stages.training.packing import Documents, token_counts
from ftrecipe.stages.training.sampling import EpochSampler, Share, in_order

Collator = Callable[[Sequence[Mapping[str, Any]]], dict[str, Any]]


class LeanSFTTrainer(KeepingTrainer):
    """TRL's trainer without what costs time and nobody asked for.

    Against `SFTTrainer`: no data preparation, no entropy, token accuracy, token count or gathers
    in the step, no model card in every checkpoint, no telemetry, no cast of the adapter. Logits
    are computed only where a label is trained on. The loss is the sum over the supervised tokens
    of a whole optimizer step, on all processes, divided by their number, also when the last step
    of an epoch has fewer micro-batches.
    """

    loss_is_scaled_for_ga = True
    divides_weights = False  # each process holds only its part of the weights
    beside: Callable[[], dict[str, float]] | None = None  # what else an evaluation measures

    def __init__(
        self,
        model: PreTrainedModel | PeftModel,
        args: SFTConfig,
        train_dataset: Documents,
        data_collator: Collator,
        processing_class: PreTrainedTokenizerBase,
        eval_dataset: Documents | None = None,
        eval_collator: Collator | None = None,
        peft_config: None = None,
        callbacks: list[TrainerCallback] | None = None,
    ) -> None:
        """Train `model` as it is: loaded, wrapped and cast by the caller.

        Args:
            train_dataset: rows of `input_ids` and `labels`, `IGNORED` where not trained on.
            data_collator: `PaddingCollator`, or `PackedCollator` for a `PackedDataset`.
            eval_collator: the one for `eval_dataset`, if it is another.
            peft_config: always None; a model that trains an adapter comes wrapped.

        Raises:
            ValueError: the arguments ask for something that this trainer left out.
        """
        if peft_config is not None or args.packing or args.padding_free or args.loss_type != "nll":
            raise ValueError(
                "LeanSFTTrainer wraps and packs nothing itself: give it a wrapped model and a "
                "PackedDataset, and leave peft_config, packing, padding_free and loss_type alone"
            )
        given = cast(dict[str, Any], args.dataset_kwargs or {})
        args.dataset_kwargs = given | {"skip_prepare_dataset": True}
        args.remove_unused_columns = False  # it would take the documents' lengths off packed rows
        with _dtypes_kept(model):
            super().__init__(
                model=model,
                args=args,
                train_dataset=_stand_in(train_dataset),
                eval_dataset=cast(Any, eval_dataset),
                processing_class=processing_class,
                data_collator=data_collator,
                callbacks=callbacks,
            )
        self.eval_collator = eval_collator or data_collator
        self.train_dataset = self._filled(train_dataset)
        self.eval_dataset = None if eval_dataset is None else self._filled(eval_dataset)
        self._train_sampler: EpochSampler | None = None
        # These steer how the Trainer counts targets: ours are always shifted, and always summed.
        self.model_accepts_loss_kwargs = self._loss_shifts_labels = True
        self.step_losses: list[Tensor] = []  # of this step's micro-batches, for who watches
        self.grad_norm: Tensor | float | None = None
        self._choose_head(model)
        # Counted once: the Trainer walks over every parameter in every step.
        self._flops_per_token = 6 * model.num_parameters(exclude_embeddings=True)

    def train(self, *args: Any, **kwargs: Any) -> TrainOutput:
        """Train, see `Trainer.train`; LoRA layers take the shorter way meanwhile."""
        # DeepSpeed and FSDP bring a weight in when its own module is called: not so here.
        sharded = self.is_deepspeed_enabled or self.is_fsdp_enabled
        with nullcontext() if sharded else added_in_place(cast(nn.Module, self.model)):
            return super().train(*args, **kwargs)

    def _choose_head(self, model: PreTrainedModel | PeftModel) -> None:
        """Decide how logits come about: TRL's fused kernel, supervised positions only, or all."""
        causal = model.get_base_model() if isinstance(model, PeftModel) else model
        # With a large vocabulary logits outweigh the model: on CUDA, TRL's kernel holds a few only.
        self._fuses_head = self.args.device.type == "cuda" and self.args.label_smoothing_factor == 0
        if self._fuses_head:
            add_fused_lm_head(cast(PreTrainedModel, causal), outputs=("log_probs",))
        self._selects_logits = takes_logits_mask(causal) and not _adds_tokens(model)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The share of this micro-batch in the optimizer step's mean loss over tokens, a scalar.

        Args:
            inputs: a collator's batch, with `labels` [rows, length].
            return_outputs: also return the model's output, with the logits of every position.
            num_items_in_batch: supervised tokens in the optimizer step on all processes; None
                (evaluation) takes the mean over this batch.
        """
        labels = inputs["labels"]
        inputs = {key: value for key, value in inputs.items() if key != "labels"}
        inputs["use_cache"] = False
        if self.aux_loss_enabled:
            inputs["output_router_logits"] = True
        targets = functional.pad(labels[:, 1:], (0, 1), value=IGNORED)
        if self._fuses_head and not return_outputs:
            outputs = model(**inputs, labels=labels, fused_lm_head=True)
            total = -outputs.log_probs.sum()
        else:
            outputs, total = self._summed_loss(model, inputs, targets, all_logits=return_outputs)
        if num_items_in_batch is None:
            loss = total / (targets != IGNORED).sum().clamp(min=1)
        else:
            loss = self._step_share(total, num_items_in_batch)
        if self.aux_loss_enabled:
            parts = 1 if num_items_in_batch is None else self.current_gradient_accumulation_steps
            loss = loss + self.router_aux_loss_coef * outputs.aux_loss / parts
        return (loss, outputs) if return_outputs else loss

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        """One micro-batch, forward and backward; its loss is kept for who watches the step."""
        loss = super().training_step(*args, **kwargs)
        self.step_losses.append(loss)
        return loss

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        """The norm before clipping, kept too; it is on the device, and nobody waits for it."""
        self.grad_norm = super()._get_grad_norm(model, grad_norm)
        return self.grad_norm

    @property
    def keeps_logits(self) -> bool:
        """Whether a batch's logits are in memory as a whole."""
        return not self._fuses_head

    def rehearse_step(self, batch: dict[str, Any]) -> None:
        """Take a batch forward and backward, and drop the gradients.

        DDP does not reduce them, and so lays its buckets at the first real step, as it would have.
        FSDP keeps unreduced gradients aside, where dropping does not reach them: it reduces.
        """
        model = cast(nn.Module, self.model_wrapped)
        self.current_gradient_accumulation_steps = self.args.gradient_accumulation_steps
        count = (batch["labels"][:, 1:] != IGNORED).sum()
        apart = nullcontext() if self.is_fsdp_enabled else self.accelerator.no_sync(model)
        with apart:
            self.training_step(model, batch, count)
        model.zero_grad()
        self.step_losses = []

    def mean_loss(self, batch: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """The mean loss of a batch's supervised tokens, and their number; nothing is learned."""
        inputs = cast(dict[str, Any], self._prepare_inputs(batch))
        count = (inputs["labels"][:, 1:] != IGNORED).sum()
        with torch.no_grad(), self.compute_loss_context_manager():
            return self.compute_loss(cast(nn.Module, self.model), inputs), count

    @property
    def share(self) -> Share:
        """Which rows this process trains on, step by step."""
        sampler = self._train_sampler
        assert sampler is not None  # made with the first batches
        args = self.args
        return Share(
            sampler, self._train_batch_size, args.gradient_accumulation_steps,
            args.world_size, args.process_index,
        )  # fmt: skip

    def trained(self) -> list[Tensor]:
        """The trained weights, or this process's part of each."""
        model = cast(nn.Module, self.model)
        weights: list[Any] = [weight for weight in model.parameters() if weight.requires_grad]
        if self.divides_weights and self.is_deepspeed_enabled:
            return [weight.ds_tensor for weight in weights]
        return weights

    def _summed_loss(
        self, model: nn.Module, inputs: dict[str, Any], targets: Tensor, all_logits: bool
    ) -> tuple[Any, Tensor]:
        """The model's output and the cross-entropy summed over `targets` [rows, length]."""
        supervised = targets != IGNORED
        if self._selects_logits and not all_logits:
            outputs = model(**inputs, logits_to_keep=supervised)
            logits = outputs.logits
        else:
            outputs = model(**inputs)
            # Prompt tuning puts its tokens in front of ours.
            logits = outputs.logits[:, -targets.shape[1] :][supervised]
        total = functional.cross_entropy(
            logits.float(),
            targets[supervised],
            reduction="sum",
            label_smoothing=self.args.label_smoothing_factor,
        )
        return outputs, total

    def _step_share(self, total: Tensor, num_items_in_batch: Tensor | int) -> Tensor:
        """`total` over the step's tokens, times what DDP's averaging of gradients takes away."""
        loss = total / torch.as_tensor(num_items_in_batch, device=total.device).clamp(min=1)
        if self.args.average_tokens_across_devices:
            loss = loss * (self.accelerator.num_processes // self.get_tp_size())
        return loss

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int] | None:
        """Our own order for the two shuffling strategies, and none for `sequential`."""
        rows = unfilled(self.train_dataset if train_dataset is None else train_dataset)
        strategy = self.args.train_sampling_strategy
        if strategy not in ("random", "group_by_length"):
            return super()._get_train_sampler(cast(Any, rows))
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        self._train_sampler = EpochSampler(
            lengths=token_counts(rows) if strategy == "group_by_length" else None,
            rows=len(rows),
            together=self.get_total_train_batch_size(self.args),
            seed=seed,
            filled_to=self._filled_to(self._train_batch_size),
        )
        return self._train_sampler

    def _get_eval_sampler(self, eval_dataset: Any) -> Sampler[int]:
        """The longest rows first, the same batches on any number of processes."""
        rows = unfilled(eval_dataset)
        return in_order(token_counts(rows), self._filled_to(self.args.eval_batch_size))

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        """Batches of the validation rows, by their own collator."""
        of_training, self.data_collator = self.data_collator, cast(Any, self.eval_collator)
        loader = super().get_eval_dataloader(eval_dataset)
        self.data_collator = of_training
        return loader

    def _filled(self, rows: Documents) -> Documents:
        """Rows with a blank one behind the last, where several processes need as many batches."""
        if self.args.world_size == 1:
            return rows
        return WithBlank(rows, int(cast(Any, self.processing_class).pad_token_id))

    def _filled_to(self, batch_size: int) -> int:
        return batch_size * self.args.world_size if self.args.world_size > 1 else 1

    def evaluation_loop(
        self, dataloader: Any, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any
    ) -> EvalLoopOutput:
        """The mean loss over all supervised tokens, however rows fall to batches and processes; and
        what is measured `beside` it."""
        model = cast(nn.Module, self.model)
        model.eval()
        sums = torch.zeros(2, dtype=torch.float64, device=self.args.device)
        for batch in dataloader:
            mean, count = self.mean_loss(batch)
            sums += torch.stack([mean.double() * count, count.double()])
        total, tokens = cast(Tensor, self.accelerator.reduce(sums, "sum")).tolist()
        metrics = {f"{metric_key_prefix}_loss": total / max(tokens, 1)}
        metrics |= self.beside() if self.beside is not None else {}
        rows = len(cast(Documents, self.eval_dataset))
        return EvalLoopOutput(None, None, metrics, rows)  # type: ignore[arg-type]

    def _run_epoch(self, *, epoch: int, **kwargs: Any) -> None:  # pyright: ignore
        """Tell the sampler the epoch; accelerate does not reach it in a resumed run of several
        processes."""
        if self._train_sampler is not None:
            self._train_sampler.set_epoch(epoch)
        super()._run_epoch(epoch=epoch, **kwargs)

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Six per parameter and token, padding included, as transformers counts them."""
        return self._flops_per_token * inputs["input_ids"].numel()

    def _send_telemetry(self) -> None:
        """Send nothing."""


def unfilled(rows: Documents) -> Documents:
    return rows.rows if isinstance(rows, WithBlank) else rows


def takes_logits_mask(model: nn.Module) -> bool:
    """Whether `logits_to_keep` may be a boolean [rows, length]: known by transformers' own slice,
    which its models import; a model with older code of its own understands positions only."""
    accepts = "logits_to_keep" in inspect.signature(type(model).forward).parameters
    return accepts and "slice_logits_to_keep" in vars(sys.modules[type(model).__module__])


def _adds_tokens(model: nn.Module) -> bool:
    """Whether an adapter puts virtual tokens before the input, which shifts every position."""
    return isinstance(model, PeftModel) and model.active_peft_config.is_prompt_learning


def _stand_in(rows: Documents) -> Dataset:
    """The first row as the only class that SFTTrainer takes; it looks at its column names."""
    return Dataset.from_list([dict(rows[0])])


@contextmanager
def _dtypes_kept(model: nn.Module) -> Iterator[None]:
    """Undo the cast to bfloat16 that SFTTrainer's constructor gives a quantized model's adapter."""
    before = [(weight, weight.data) for weight in model.parameters() if weight.requires_grad]
    yield
    for weight, data in before:
        if weight.dtype != data.dtype:
            weight.data = data.to(weight.device)
