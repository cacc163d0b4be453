"""How much text tokens stand for: what a loss is divided by to be comparable across tokenizers."""

from itertools import groupby

from transformers import PreTrainedTokenizerBase

IGNORED = -100


class TextBytes:
    """Counts UTF-8 bytes; special tokens, and what a template puts in their place, are no text."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer

    def counted(self, ids: list[int], labels: list[int]) -> int:
        """Return the bytes of the text that the counted tokens stand for.

        The first token never counts. What tokens add is seen behind those before them: alone, many
        a tokenizer would drop the space that they begin with.
        """
        total = at = 0
        for counts, run in groupby(
            place > 0 and label != IGNORED for place, label in enumerate(labels)
        ):
            stop = at + len(list(run))
            if counts:
                total += self._bytes(ids[:stop]) - self._bytes(ids[:at])
            at = stop
        return total

    def _bytes(self, ids: list[int]) -> int:
        text = self.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return len(str(text).encode("utf-8", "surrogatepass"))
