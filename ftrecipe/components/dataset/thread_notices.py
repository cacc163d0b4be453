"""The sentences that Meta's apps put into a thread as if a member had written them.

An export marks only some of them, so they are known by their words: in English, and the most
frequent ones in Spanish, Portuguese, French, German and Italian.
"""

import re

_NOTICES = re.compile(
    r"""
    (?:.{1,80}\ )?liked\ a\ message
    | (?:.{1,80}\ )?reacted\ \S{1,20}\ to\ (?:your|a|his|her|their)\ message
    | me\ gustó\ un\ mensaje | le\ gustó\ un\ mensaje | indicó\ que\ le\ gusta\ un\ mensaje
    | reaccionó\ (?:con\ )?\S{1,20}\ a\ tu\ mensaje
    | curtiu\ uma\ mensagem | gostou\ de\ uma\ mensagem
    | reagiu\ (?:com\ )?\S{1,20}\ à\ (?:sua|tua)\ mensagem
    | a\ aimé\ un\ message | a\ réagi\ (?:avec\ |par\ )?\S{1,20}\ à\ (?:votre|ton)\ message
    | hat\ eine\ nachricht\ mit\ .{1,4}gefällt\ mir.{1,4}\ markiert
    | hat\ mit\ \S{1,20}\ auf\ deine\ nachricht\ reagiert
    | ha\ messo\ .?mi\ piace.?\ a\ un\ messaggio
    | ha\ reagito\ con\ \S{1,20}\ al\ tuo\ messaggio
    | .{1,80}\ (?:started|joined|left)\ (?:a|an|the)\ (?:video\ |audio\ |voice\ )?(?:call|chat)
    | (?:the\ )?(?:video|audio|voice)\ (?:chat|call)\ (?:has\ )?ended
    | .{1,80}\ missed\ (?:a|an|your)\ (?:video\ |audio\ )?(?:call|chat)(?:\ (?:from|with)\ .{1,80})?
    | you\ missed\ (?:a|an)\ (?:video\ |audio\ )?(?:call|chat)(?:\ (?:from|with)\ .{1,80})?
    | .{1,80}\ named\ the\ group\ .{1,200}
    | .{1,80}\ changed\ the\ (?:group|chat)\ (?:name|photo|theme)(?:\ to\ .{1,200})?
    | .{1,80}\ changed\ the\ theme\ to\ .{1,200}
    | .{1,80}\ set\ the\ (?:nickname\ for\ .{1,80}|emoji|quick\ reaction)\ to\ .{1,200}
    | .{1,80}\ set\ (?:your|his|her|their|his\ own|her\ own|their\ own)\ nickname\ to\ .{1,200}
    | .{1,80}\ cleared\ (?:the|your|his|her|their)\ (?:own\ )?nickname(?:\ for\ .{1,80})?
    | .{1,80}\ (?:added|removed)\ .{1,200}\ (?:to|from)\ the\ group
    | .{1,80}\ (?:left|created|joined)\ the\ group
    | .{1,80}\ pinned\ a\ message
    | (?:say\ hi\ to\ your\ new\ facebook\ friend,\ .{1,80}
      | you(?:'re|\ are)\ now\ connected\ on\ messenger
      | you\ can\ now\ (?:message|call|message\ and\ call)\ each\ other.{0,80})
    """,
    re.VERBOSE | re.IGNORECASE,
)

_PLACEHOLDERS = re.compile(
    r"""
    .{1,80}\ sent\ (?:an?\ (?:attachment|photo|video|sticker|GIF|link|voice\ message|location
      |live\ location|file|reel|post|story) | \d{1,4}\ (?:photos|videos))
    | .{1,80}\ envió\ un\ archivo\ adjunto
    | .{1,80}\ enviou\ um\ anexo
    | .{1,80}\ a\ envoyé\ une\ pièce\ jointe
    | .{1,80}\ hat\ einen\ anhang\ gesendet
    | .{1,80}\ ha\ inviato\ un\ allegato
    """,
    re.VERBOSE | re.IGNORECASE,
)

_UNSENDING = re.compile(r".{1,80} (?:unsent|removed) a message", re.IGNORECASE)
_LONGEST = 400
# One word at least of every notice; few messages have any, and the patterns above take their time.
_WORDS = re.compile(
    "messag|mensa|nachricht|messaggio|call|chat|group|theme|nickname|emoji|quick|connected|new"
    "| sent | envi| hat | inviato ",
    re.IGNORECASE,
)


def is_notice(text: str) -> bool:
    """Say whether the app wrote this: a reaction, a call, a change of the group."""
    return _matches(_NOTICES, text)


def is_placeholder(text: str) -> bool:
    """Say whether the app wrote this in place of a picture, a recording or a link."""
    return _matches(_PLACEHOLDERS, text)


def is_unsending(text: str) -> bool:
    """Say whether the app wrote this in place of a message that its sender took back."""
    return _matches(_UNSENDING, text)


def _matches(pattern: re.Pattern[str], text: str) -> bool:
    if len(text) > _LONGEST or _WORDS.search(text) is None:
        return False
    return pattern.fullmatch(text.removesuffix(".")) is not None
