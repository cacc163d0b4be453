"""How likely a model finds one reply: its log-likelihood, in whole, a token or a byte."""

from enum import Enum

from ftrecipe.components.eval import ExampleLoss


class Normalize(Enum):
    """What a log-likelihood is divided by, so that long replies can be held against short ones."""

    none = "none"
    tokens = "tokens"
    bytes = "bytes"


def likelihood(loss: ExampleLoss, reply: str, by: Normalize) -> float:
    """Return the log-likelihood (nats) of a reply, of which what ends it is a part."""
    length = {
        Normalize.none: 1,
        Normalize.tokens: loss.tokens,
        Normalize.bytes: len(reply.encode("utf-8", errors="surrogatepass")),
    }
    return -loss.nll / max(1, length[by])
