"""A trainer that decides which rows meet in a batch, the same for any number of processes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from torch.utils.data import Sampler

from ftrecipe.stages.training.blank import WithBlank, unfilled
from ftrecipe.stages.training.keeping import KeepingTrainer
from ftrecipe.stages.training.packing import Documents, token_counts
from ftrecipe.stages.training.sampling import EpochSampler, Share, in_order

Collator = Callable[[Sequence[Mapping[str, Any]]], dict[str, Any]]
OURS = ("random", "group_by_length")


class FeedingTrainer(KeepingTrainer):
    """The order of rows is ours, and the last batches are filled with blank ones.

    eval_collator: makes batches of the validation rows.
    """

    eval_collator: Collator
    _train_sampler: EpochSampler | None = None

    def feed(self, rows: Documents, validation: Documents | None, collator: Collator) -> None:
        """Train on `rows`; validate on `validation`, which `collator` makes batches of."""
        self.train_dataset = self._filled(rows)
        self.eval_dataset = None if validation is None else self._filled(validation)
        self.eval_collator = collator

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

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        """Batches of the validation rows, by their own collator."""
        of_training, self.data_collator = self.data_collator, cast(Any, self.eval_collator)
        loader = super().get_eval_dataloader(eval_dataset)
        self.data_collator = of_training
        return loader

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int] | None:
        """Our own order for the two shuffling strategies, and none for `sequential`."""
        rows = unfilled(self.train_dataset if train_dataset is None else train_dataset)
        strategy = self.args.train_sampling_strategy
        if strategy not in OURS:
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

    def _filled(self, rows: Documents) -> Documents:
        """Rows with a blank one behind the last, where several processes need as many batches."""
        if self.args.world_size == 1:
            return rows
        return WithBlank(rows, int(cast(Any, self.processing_class).pad_token_id))

    def _filled_to(self, batch_size: int) -> int:
        return batch_size * self.args.world_size if self.args.world_size > 1 else 1

    def _run_epoch(self, *, epoch: int, **kwargs: Any) -> None:  # pyright: ignore
        """Tell the sampler the epoch; accelerate does not reach it in a resumed run of several
        processes."""
        if self._train_sampler is not None:
            self._train_sampler.set_epoch(epoch)
        super()._run_epoch(epoch=epoch, **kwargs)
