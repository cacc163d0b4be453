"""What export targets are made from: one run's tuned model, read when it is asked for."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from transformers import AutoConfig, GenerationConfig, PretrainedConfig, PreTrainedTokenizerFast

from ftrecipe import gated
from ftrecipe.components.export import Weights
from ftrecipe.serving.trying import answered_rightly
from ftrecipe.stages.card.licenses import of_model
from ftrecipe.stages.exporting.answering import with_ends
from ftrecipe.stages.exporting.fidelity.asked import asked_of, held_out
from ftrecipe.stages.exporting.magnitudes import WELL_WITHIN, largest
from ftrecipe.stages.exporting.merging import Merge, merged
from ftrecipe.stages.exporting.merging.hollow import grown_to, shaped
from ftrecipe.stages.exporting.trained import trained
from ftrecipe.stages.session import Session

PROMPTS, FEW = 16, 4  # to choose between merges; to see how large numbers become


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

    @property
    def merged_before(self) -> str | None:
        """The run whose adapter was merged into the base before this one was trained."""
        return self.session.run.model.merged_before

    @cached_property
    def _merge(self) -> Merge:
        """The merge; what it is read from is opened, and for a quantised base asked, once."""
        return merged(self.session.models, lambda: self._prompts(PROMPTS))

    @property
    def weights(self) -> Weights:
        """The plain model's weights."""
        return self._merge.weights

    @property
    def merge_figures(self) -> dict[str, Any] | None:
        """How near the merges into a quantised base came to the trained model, and which was kept.

        None of any other base.
        """
        return self._merge.figures

    @cached_property
    def _config(self) -> PretrainedConfig:
        models = self.session.models
        if models.run.peft.trains_base:
            config = AutoConfig.from_pretrained(
                models.dir.model, trust_remote_code=models.remote_code
            )
        else:
            config = shaped(models.config, grown_to(models), self._merge.tied)
        config.dtype = self.dtype
        config.use_cache = True
        return config

    @property
    def config(self) -> PretrainedConfig:
        """The plain model's config, its vocabulary grown by added tokens."""
        return self._config

    @cached_property
    def _generation_config(self) -> GenerationConfig:
        models = self.session.models
        source = {"revision": models.source.revision}
        try:
            config = GenerationConfig.from_pretrained(models.source.source, **source)
        except OSError:
            config = GenerationConfig.from_model_config(models.config)
        return with_ends(config, self.tokenizer, self.session.pad_token_id)

    @property
    def generation_config(self) -> GenerationConfig:
        """How it writes answers: as the base does, with every token that ends one."""
        return self._generation_config

    @property
    def dtype(self) -> str:
        """The type that the base's weights are stored in."""
        return str(self.session.models.config.dtype or "float32").removeprefix("torch.")

    @cached_property
    def _largest(self) -> float:
        models = self.session.models
        model, _ = trained(models)
        found = largest(model, self._prompts(FEW))
        del model
        models.let_go()  # merging needs less memory than this
        return found

    @property
    def fits_float16(self) -> bool:
        """Whether the numbers that the model computes with are well within float16's range."""
        return self._largest < WELL_WITHIN

    def _prompts(self, count: int) -> list[list[int]]:
        """Return some prompts of the test split, or of another that has any."""
        session = self.session
        asked = asked_of(session.run.fidelity, session.tokenizer, session.prepared)
        return asked.prompts[:count]

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

    @property
    def revision(self) -> str | None:
        """Which revision of a base on the hub was tuned."""
        return self.session.models.source.revision

    def made(self, target: str) -> Path | None:
        """Return the folder of another target; None if there is none of what is trained now.

        Nor of one that its gate failed, whose files nobody is to load.
        """
        folder, rundir = self.session.dir.export / target, self.session.dir
        trained = [path.stat().st_mtime for path in (rundir.adapter, rundir.model) if path.is_dir()]
        if not folder.is_dir() or gated.kept(folder) is None:
            return None
        if folder.stat().st_mtime < max(trained, default=0.0):
            return None
        return folder

    def questions(self, count: int) -> list[list[dict[str, Any]]]:
        """Return up to `count` conversations, without their answers, of the split that is asked.

        Those that were answered rightly when the run was measured come first.
        """
        _, examples = held_out(self.session.prepared)
        asked = [each.messages for each in examples if each.messages]
        right = answered_rightly(self.session.dir)
        return sorted(asked, key=lambda turns: str(turns[-1].get("content")) not in right)[:count]

    def say(self, line: str) -> None:
        """Tell the person at the screen one line."""
        self.session.screen.say(f"export    {line}")

    def progress(self, label: str, items: Sequence[Any]) -> Iterator[Any]:
        """Give one item after the other, and show how many there are still."""
        with self.session.screen.progress(label, len(items)) as bar:
            for item in items:
                yield item
                bar.update(1)
