"""What can be typed in a chat besides questions: one function a command, its docstring its help."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ftrecipe.errors import ConfigError, did_you_mean, listed
from ftrecipe.paths import typed
from ftrecipe.stages.chat.chat import Chat
from ftrecipe.talk.chatlog import ChatFile
from ftrecipe.talk.writing import KNOWN, changed, told

SIGN = "/"
ALSO = {"exit": "quit", "bye": "quit", "clear": "reset", "?": "help"}
HELP = '''\
A line is a question; one that ends with \\ goes on in the next, and """ begins and ends several
lines. A question that begins with / is written //. Ctrl-C stops an answer, Ctrl-D ends the chat.
'''

Do = Callable[[Chat, str], None]


@dataclass(frozen=True)
class Command:
    """One command. takes: what may be written behind it."""

    takes: str
    do: Do

    @property
    def help(self) -> str:
        """What it does."""
        return self.do.__doc__ or ""


COMMANDS: dict[str, Command] = {}


class Leave(Exception):  # noqa: N818 - nothing went wrong
    """The chat is over."""


def command(name: str, takes: str = "") -> Callable[[Do], Do]:
    """Make a function what is done at /name."""

    def register(function: Do) -> Do:
        COMMANDS[name] = Command(takes, function)
        return function

    return register


def is_command(text: str) -> bool:
    """Tell a command from a question."""
    return text.startswith(SIGN) and not text.startswith(2 * SIGN)


def do(chat: Chat, text: str) -> None:
    """Do what was typed. Raises ConfigError with the nearest command for one that there is not."""
    name, _, rest = text.removeprefix(SIGN).partition(" ")
    name = ALSO.get(name, name)
    if name not in COMMANDS:
        hint = did_you_mean(name, COMMANDS)
        hint = hint and hint.replace("mean ", f"mean {SIGN}")
        raise ConfigError(f"{SIGN}{name} is no command{hint} (known: {_known()}; // begins a text)")
    COMMANDS[name].do(chat, rest.strip())


def _known() -> str:
    return listed([SIGN + name for name in COMMANDS])


@command("system", "[TEXT]")
def system(chat: Chat, text: str) -> None:
    """Show the system prompt, or begin anew with another ("" for none)."""
    if text:
        chat.begin_anew("" if text in ('""', "''") else text)
    shown = chat.said.system or "none"
    chat.terminal.say(f"system prompt: {shown}" + (" (a new conversation begins)" if text else ""))


@command("reset")
def reset(chat: Chat, text: str) -> None:
    """Begin a new conversation."""
    chat.begin_anew()
    chat.terminal.say("a new conversation begins")


@command("retry")
def retry(chat: Chat, text: str) -> None:
    """Answer the last question anew, in place of the last answer."""
    if chat.decoding.temperature == 0 and chat.said.turns and chat.last.ended:
        chat.terminal.say("temperature 0 gives the same answer; /set temperature 0.7 gives others")
    chat.retry()


@command("undo")
def undo(chat: Chat, text: str) -> None:
    """Forget the last question and its answer."""
    chat.terminal.say(f"forgotten: {chat.take_back()}")


@command("set", "[NAME VALUE]")
def set_(chat: Chat, text: str) -> None:
    """Show how answers are written, or change it: /set temperature 0.7."""
    name, _, value = text.replace("=", " ").partition(" ")
    if name and not value.strip() and name in KNOWN:
        chat.terminal.say(f"{name} {getattr(chat.decoding, name)}")
        return
    if name:
        chat.decoding = changed(chat.decoding, name, value.strip())
    chat.terminal.say(f"answers: {told(chat.decoding)}")


@command("rate", "up|down")
def rate(chat: Chat, text: str) -> None:
    """Say what the last answer is worth, for those who learn from the log."""
    if text not in ("up", "down"):
        raise ConfigError(f"/rate {text}: should be up or down")
    chat.last.rating = text
    chat.keep()
    chat.terminal.say(f"rated {text}" + ("" if chat.log else "; /save writes it down"))


@command("edit", "TEXT")
def edit(chat: Chat, text: str) -> None:
    """Write a better answer in place of the last one."""
    if not text:
        raise ConfigError("/edit: write the better answer behind it")
    chat.last.edited = text
    chat.keep()
    chat.terminal.say("the conversation goes on with your answer")


@command("history")
def history(chat: Chat, text: str) -> None:
    """Show the conversation so far."""
    if chat.said.system:
        chat.terminal.say(f"system: {chat.said.system}")
    for turn in chat.said.turns:
        chat.terminal.say(f"> {turn.question}")
        names = len(turn.answers) > 1
        for name, answer in turn.answers.items():
            chat.terminal.say(f"{name}: {answer.kept}" if names else answer.kept)
    if not chat.said.turns:
        chat.terminal.say("nothing was asked yet")


@command("save", "FILE")
def save(chat: Chat, text: str) -> None:
    """Write the conversation to a chat log, as --log does."""
    if not text:
        raise ConfigError("/save: write the file's name behind it: /save talk.jsonl")
    if chat.asked.raw:
        raise ConfigError("/save: a chat log holds conversations, and this model continues texts")
    file = ChatFile(Path(chat.asked.where) / typed(text))
    file.check()
    chat.write_to(file)
    chat.terminal.say(f"saved to {file.path}")


@command("help")
def help_(chat: Chat, text: str) -> None:
    """Show this."""
    lines = [f"  {SIGN}{name} {one.takes}".ljust(24) + one.help for name, one in COMMANDS.items()]
    chat.terminal.say("\n".join([HELP, *lines]))


@command("quit")
def quit_(chat: Chat, text: str) -> None:
    """End the chat; so do /exit, /bye and Ctrl-D."""
    raise Leave
