"""What export targets are made from: one run's tuned model, read when it is asked for."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from transformers import GenerationConfig, PretrainedConfig, PreTrainedTokenizerFast

from ftrecipe.components.export import Weights
from ftrecipe.stages.card.licenses import of_model
from ftrecipe.stages.exporting.merging import merged_weights
from ftrecipe.stages.measuring.stopping import end_of_turn
from ftrecipe.stages.session import Session


class TunedModel:
    """What a target is made from; the merge is computed tensor by tensor for each that reads it."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def name(self) -> str:
        """What the run is called."""
        return self.session.name

    @property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The tokenizer with the chat template that was trained on."""
        return self.session.tokenizer

    @property
    def adapter(self) -> Path | None:
        """The trained adapter's folder, None where the base itself was trained."""
        return self.session.dir.adapter if self.session.dir.adapter.is_dir() else None

    @cached_property
    def config(self) -> PretrainedConfig:
        """The plain model's config, its vocabulary grown by added tokens."""
        config = self.session.models.source.load_config(self.session.models.remote_code)
        config.use_cache = True
        return config

    @cached_property
    def generation_config(self) -> GenerationConfig:
        """How it writes answers: with every token that ends one, and no sampling of its own."""
        tokenizer = self.tokenizer
        ends = [tokenizer.eos_token_id, end_of_turn(tokenizer)]
        stops = list(dict.fromkeys(int(stop) for stop in ends if stop is not None))  # type: ignore[arg-type]
        return GenerationConfig(
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=stops,
            pad_token_id=self.session.pad_token_id,
        )

    @property
    def dtype(self) -> str:
        """The type that the base's weights are stored in."""
        return str(self.config.dtype or "float32").removeprefix("torch.")

    @cached_property
    def weights(self) -> Weights:
        """The plain model's weights."""
        return merged_weights(self.session.models)

    @property
    def system(self) -> str:
        """The system prompt that was trained on, "" for none."""
        return self.session.run.dataset.system or ""

    @property
    def length(self) -> int | None:
        """The tokens of the longest row it was trained on; None if unknown."""
        return self.session.run.trainer.max_length

    @property
    def license(self) -> str | None:
        """The base's license in the hub's words; None if unknown."""
        source = self.session.models.source
        found = of_model(source.path, source.revision)
        return None if found is None else found.get("license")

    @property
    def base(self) -> str:
        """The base's folder or hub id."""
        return self.session.models.source.source

    def made(self, target: str) -> Path | None:
        """Return the folder of another target of this run, None if it was not exported."""
        folder = self.session.dir.export / target
        return folder if folder.is_dir() else None

    def say(self, line: str) -> None:
        """Tell the person at the screen one line."""
        self.session.screen.say(f"export    {line}")

    def progress(self, label: str, items: Sequence[Any]) -> Iterator[Any]:
        """Give one item after the other, and show how many there are still."""
        with self.session.screen.progress(label, len(items)) as bar:
            for item in items:
                yield item
                bar.update(1)
