"""Supervised fine-tuning from rows already tokenised and masked; it prepares no data."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, cast

import torch
from datasets import Dataset
from peft import PeftModel
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
from transformers.trainer_utils import EvalLoopOutput, TrainOutput
from trl import SFTConfig

from ftrecipe.stages.training.feeding import Collator, FeedingTrainer
from ftrecipe.stages.training.head import Head, supervised_tokens
from ftrecipe.stages.training.lora import added_in_place
from ftrecipe.stages.training.packing import Documents


class LeanSFTTrainer(FeedingTrainer):
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
        self.feed(train_dataset, eval_dataset, eval_collator or data_collator)
        # These steer how the Trainer counts targets: ours are always shifted, and always summed.
        self.model_accepts_loss_kwargs = self._loss_shifts_labels = True
        self.step_losses: list[Tensor] = []  # of this step's micro-batches, for who watches
        self.grad_norm: Tensor | float | None = None
        self.head = Head(model, args.device, args.label_smoothing_factor)
        # Counted once: the Trainer walks over every parameter in every step.
        self._flops_per_token = 6 * model.num_parameters(exclude_embeddings=True)

    def train(self, *args: Any, **kwargs: Any) -> TrainOutput:
        """Train, see `Trainer.train`; LoRA layers take the shorter way meanwhile."""
        # DeepSpeed and FSDP bring a weight in when its own module is called: not so here.
        sharded = self.is_deepspeed_enabled or self.is_fsdp_enabled
        with nullcontext() if sharded else added_in_place(cast(nn.Module, self.model)):
            return super().train(*args, **kwargs)

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
        outputs, total = self.head.summed_loss(model, inputs, labels, all_logits=return_outputs)
        if num_items_in_batch is None:
            loss = total / supervised_tokens(labels).clamp(min=1)
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

    def rehearse_step(self, batch: dict[str, Any]) -> None:
        """Take a batch forward and backward, and drop the gradients.

        DDP does not reduce them, and so lays its buckets at the first real step, as it would have.
        FSDP keeps unreduced gradients aside, where dropping does not reach them: it reduces.
        """
        model = cast(nn.Module, self.model_wrapped)
        self.current_gradient_accumulation_steps = self.args.gradient_accumulation_steps
        count = supervised_tokens(batch["labels"])
        apart = nullcontext() if self.is_fsdp_enabled else self.accelerator.no_sync(model)
        with apart:
            self.training_step(model, batch, count)
        model.zero_grad()
        self.step_losses = []

    def mean_loss(self, batch: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """The mean loss of a batch's supervised tokens, and their number; nothing is learned."""
        inputs = cast(dict[str, Any], self._prepare_inputs(batch))
        count = supervised_tokens(inputs["labels"])
        with torch.no_grad(), self.compute_loss_context_manager():
            return self.compute_loss(cast(nn.Module, self.model), inputs), count

    def trained(self) -> list[Tensor]:
        """The trained weights, or this process's part of each."""
        model = cast(nn.Module, self.model)
        weights: list[Any] = [weight for weight in model.parameters() if weight.requires_grad]
        if self.divides_weights and self.is_deepspeed_enabled:
            return [weight.ds_tensor for weight in weights]
        return weights

    def _step_share(self, total: Tensor, num_items_in_batch: Tensor | int) -> Tensor:
        """`total` over the step's tokens, times what DDP's averaging of gradients takes away."""
        loss = total / torch.as_tensor(num_items_in_batch, device=total.device).clamp(min=1)
        if self.args.average_tokens_across_devices:
            loss = loss * (self.accelerator.num_processes // self.get_tp_size())
        return loss

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

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Six per parameter and token, padding included, as transformers counts them."""
        return self._flops_per_token * inputs["input_ids"].numel()

    def _send_telemetry(self) -> None:
        """Send nothing."""


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
