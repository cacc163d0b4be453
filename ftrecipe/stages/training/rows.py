"""The rows of a training and of its validation, laid out for it; and how many steps they make."""

import math

from ftrecipe.errors import ConfigError
from ftrecipe.stages.session import Session
from ftrecipe.stages.training.packing import Documents, PackedDataset, token_counts


def training_rows(session: Session) -> Documents:
    """Return the training split, packed where that was asked for."""
    rows = session.prepared.train()
    if rows is None:
        raise ConfigError("the train split is empty; see dataset.split")
    return packed(session, rows) if session.run.trainer.packing else rows


def validation_rows(session: Session) -> Documents | None:
    """Return the validation split, laid out as the training's is; None if it is not asked for."""
    rows = session.prepared.validation() if session.run.trainer.eval_steps else None
    return packed(session, rows) if rows is not None and session.run.trainer.packing else rows


def packed(session: Session, rows: Documents) -> PackedDataset:
    """Return packed rows of `max_length` tokens, or as many as the longest document has."""
    capacity = session.run.trainer.max_length or max(token_counts(rows))
    return PackedDataset(rows, capacity=capacity, seed=session.run.seed)


def total_steps(rows: int, session: Session) -> int:
    """Return the optimizer steps of the whole run, as the trainer will count them."""
    trainer = session.run.trainer
    if trainer.max_steps > 0:
        return trainer.max_steps
    per_epoch = trainer.steps_per_epoch(rows, session.run.world_size)
    return math.ceil(trainer.num_train_epochs * max(1, per_epoch))


def longest(session: Session) -> int:
    """Return the length of the longest training row in tokens."""
    rows = session.prepared.train()
    return max(token_counts(rows)) if rows is not None else 0
