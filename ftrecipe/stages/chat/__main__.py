"""The entrance of the worker that talks: `python -m ftrecipe.stages.chat JSON` (an `Asked`)."""

import sys
import tempfile
import time
import traceback
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from ftrecipe import gated
from ftrecipe.errors import ConfigError, FtrecipeError
from ftrecipe.page.words import cut
from ftrecipe.rundir import RunDir
from ftrecipe.stages.chat.chat import Chat
from ftrecipe.stages.chat.commands import COMMANDS, SIGN, Leave, do, is_command
from ftrecipe.stages.chat.terminal import Remembered, Terminal
from ftrecipe.stages.chat.voices import Voice, voices
from ftrecipe.stages.signals import die_with_parent
from ftrecipe.talk.asked import Asked, Speaker
from ftrecipe.talk.choice import FAILED
from ftrecipe.talk.writing import told

STOPPED = 130
SHOWN = 100  # characters of a system prompt


def main(text: str) -> int:
    """Talk until the person or the input ends; return the exit code."""
    die_with_parent()
    asked = Asked.of(text)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace", buffering=1) as log:
        return _talk(asked, Terminal(log))


def _talk(asked: Asked, terminal: Terminal) -> int:
    """Load who answers, and let them; errors are told in words, and a bug's traceback is kept."""
    try:
        with ExitStack() as held:
            chat = Chat(asked, terminal, _loaded(asked, terminal, held))
            return _asked_once(chat) if asked.ask is not None else _loop(chat)
    except KeyboardInterrupt:
        terminal.say("stopped")
        return STOPPED
    except BrokenPipeError:
        return 0
    except ConfigError as error:
        terminal.say("\n".join(f"error: {fault}" for fault in error.faults))
        return error.exit_code
    except FtrecipeError as error:
        terminal.say(f"error: {error}")
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - a bug keeps its traceback, in the log
        traceback.print_exception(error)
        terminal.say(f"error: {type(error).__name__}: {error}\ndetails   {_kept(terminal.log)}")
        return FtrecipeError.exit_code


def _kept(log: TextIO) -> str:
    """Return a file with all that libraries have printed."""
    log.flush()
    log.seek(0)
    number, name = tempfile.mkstemp(prefix="ftrecipe-chat-", suffix=".txt")
    with open(number, "w", encoding="utf-8") as file:
        file.write(log.read())
    return name


def _loaded(asked: Asked, terminal: Terminal, held: ExitStack) -> list[Voice]:
    """Load the voices, and say what they are."""
    waits = terminal.notices.isatty()
    if waits:
        terminal.notices.write("loading …")
        terminal.notices.flush()
    began = time.monotonic()
    try:
        found = voices(asked, terminal.screen(), held)
    finally:
        if waits:
            terminal.notices.write("\r\x1b[K")
    seconds = time.monotonic() - began
    abouts = dict.fromkeys(voice.engine.about for voice in found)
    speakers = [asked.tuned, *([asked.other] if asked.other else [])]
    who = "; ".join(map(_about, speakers))
    terminal.say(f"{who}; loaded in {seconds:.1f} s by {' and '.join(abouts)}")
    terminal.say(_how(asked))
    notes = [*asked.notes, *(note for speaker in speakers for note in _of_gates(speaker))]
    for note in notes:
        terminal.say(f"note: {note}")
    if terminal.interactive and asked.ask is None:
        terminal.say(f"{SIGN}help says what can be typed; Ctrl-C stops an answer, Ctrl-D ends\n")
    return found


def _about(speaker: Speaker) -> str:
    if speaker.what is None:
        return f"{speaker.name}: the model before this run's training"
    who = "" if speaker.name == speaker.run_name else f"{speaker.name}: "
    return f"{who}{speaker.run_name}, {speaker.what.name} ({speaker.what.judgement})"


def _how(asked: Asked) -> str:
    system = cut(" ".join(asked.system.split()), SHOWN)
    begun = f"system prompt: {system}" if system else "no system prompt"
    return f"answers: {told(asked.decoding)}; context {asked.context:,} tokens; {begun}"


def _of_gates(speaker: Speaker) -> list[str]:
    """Say of a run, and of what is loaded of it, that a gate found less than was hoped for."""
    what, gate = speaker.what, gated.gate_of(RunDir(Path(speaker.run)))
    told = []
    if what is not None and what.verdict == "degraded":
        told.append(f"{what.name} is degraded: it answers less well than what was measured")
    if what is not None and what.verdict == FAILED:
        told.append(f"{what.name} was rejected: it does not answer as the trained model does")
    if what is not None and gate is not None and not gate["passed"]:
        told.append(f"the gate of {speaker.run_name} failed")
    return told


def _asked_once(chat: Chat) -> int:
    chat.ask(chat.asked.ask or "")
    return 0


def _loop(chat: Chat) -> int:
    """Answer until the input ends; a program is told its first mistake, a person each."""
    people = chat.terminal.interactive
    known = Remembered([f"{SIGN}{name}" for name in COMMANDS]) if chat.terminal.edits else None
    while True:
        try:
            text = chat.terminal.read()
            if text is None:
                return 0
            if known is not None:
                known.keep()
            _heard(chat, text)
        except Leave:
            return 0
        except KeyboardInterrupt:
            if not people:
                raise
            chat.terminal.say("Ctrl-D ends the chat")
        except FtrecipeError as error:
            if not people:
                raise
            chat.terminal.say(f"error: {error}")


def _heard(chat: Chat, text: str) -> None:
    """Do what was typed: a command, a question, or nothing."""
    if not text.strip():
        return
    if is_command(text.strip()):
        do(chat, text.strip())
    else:
        chat.ask(text.removeprefix(SIGN) if text.startswith(2 * SIGN) else text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
