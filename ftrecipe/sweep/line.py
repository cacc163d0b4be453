"""The words of a sweep's command line, sorted: for every trial, for the space, for the search."""

from dataclasses import dataclass, field

from ftrecipe.door import twice, words
from ftrecipe.door.vet import Setting
from ftrecipe.errors import ConfigError
from ftrecipe.sweep import space
from ftrecipe.sweep.space import Dimension

OURS = ("hydra.sweep.", "hydra.run.", "hydra.job.")
FOR_ALL = ("objective", "runs_dir")
CHOOSES = "hydra/sweeper"


@dataclass
class Line:
    """A command line, sorted. `fixed` are the words of every trial, as compose takes them."""

    fixed: list[str] = field(default_factory=list)
    space: dict[str, Dimension] = field(default_factory=dict)
    ready: str | None = None
    settings: list[Setting] = field(default_factory=list)
    sweeper: str | None = None
    hydra: list[str] = field(default_factory=list)

    @property
    def given(self) -> set[str]:
        """The keys that the line says something about."""
        return {word.partition("=")[0] for word in self.fixed} | set(self.space)


def sort(line: list[str]) -> Line:
    """Return the words sorted. Raises ConfigError with all that cannot be read."""
    sorted_, faults = Line(), []
    for word in line:
        try:
            _sort_one(word, sorted_)
        except ConfigError as error:
            faults += error.faults
    pairs = [word.lstrip("+").partition("=") for word in line if "=" in word]
    several = twice.differing((key, text) for key, _, text in pairs)
    fixed = [word.partition("=")[0].lstrip("+") for word in sorted_.fixed]
    for key, texts in several.items():
        if fixed.count(key) < len(texts):  # else it is the same for all trials, and the last counts
            faults.append(twice.fault(key, texts))
    if faults:
        raise ConfigError(faults)
    return sorted_


def _sort_one(word: str, line: Line) -> None:
    key, equals, text = word.partition("=")
    key = key.lstrip("+")
    if not equals or word.startswith(("-", "~")):
        line.fixed.append(word)  # compose says what is wrong with it
    elif key == "sweep":
        line.ready = text
    elif key == CHOOSES:
        line.sweeper = text
    elif key.startswith(("sweep.", "hydra.sweeper.")):
        name = key.removeprefix("hydra.").removeprefix("sweeper.").removeprefix("sweep.")
        key = f"sweep.{name}"
        line.settings.append(
            Setting(tuple(key.split(".")), words.value(key, text), words.LINE, text)
        )
    elif key.startswith(OURS):
        raise ConfigError(f"{word}: a sweep's folder is <runs_dir>/<name>/sweep_…; set runs_dir")
    elif key.startswith(("hydra.", "hydra/")):
        line.hydra.append(f"{key}={text}")
    else:
        vary(key, text, line)


def vary(key: str, text: str, line: Line) -> None:
    """Add a word that is the same in every trial, or one that the sweep varies."""
    read = space.read(key, text)
    line.space.pop(key, None)
    if isinstance(read, str):
        line.fixed.append(f"{key}={read}")
    elif key in FOR_ALL:
        raise ConfigError(f"{key}={text}: is the same for all trials of a sweep")
    else:
        line.space[key] = read
