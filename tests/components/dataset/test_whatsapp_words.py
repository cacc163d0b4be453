"""What WhatsApp writes itself: notices, placeholders, marks of deleted and edited messages."""

from pathlib import Path

import pytest

from ftrecipe.components.dataset.whatsapp import WhatsApp
from ftrecipe.data.entries import Entry, Kind
from ftrecipe.data.files import data_files

ANDROID, IOS = "15/01/2024, 10:00 - ", "[15/01/2024, 10:00:00] "


def read(folder: Path, *lines: str) -> list[Entry]:
    path = folder / "chat.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    found = [entry for _, entry in WhatsApp().entries(data_files(path, [".txt"]))]
    return [entry for entry in found if isinstance(entry, Entry)]


def one(folder: Path, line: str) -> Entry:
    """Read a line that two members' messages precede."""
    start = ANDROID if line.startswith("15") else IOS
    return read(folder, f"{start}Ann: hi", f"{start}Bob: ho", line)[-1]


MEDIA = [
    "<Media omitted>",
    "<Medien ausgeschlossen>",
    "<Multimedia omitido>",
    "<Archivo omitido>",
    "<Média omis>",
    "<Médias omis>",
    "<Mídia oculta>",
    "<Media weggelaten>",
    "<Media omessi>",
    "<Без медиафайлов>",
    "<Pominięto multimedia>",
    "<Medya dahil edilmedi>",
    "<تم استبعاد الوسائط>",
    "<המדיה לא נכללה>",
    "<Media tidak disertakan>",
    "<省略多媒体文件>",
    "<省略多媒體檔案>",
    "<メディアは含まれていません>",
    "<미디어 파일을 생략한 대화내용>",
    "<Media har utelämnats>",
    "<Medier udeladt>",
    "IMG-20240115-WA0001.jpg (file attached)",
    "\u200eIMG-20240115-WA0001.jpg (file attached)",
    "my card.vcf (file attached)",
    "IMG-20240115-WA0001.jpg (Datei angehängt)",
    "PTT-20240115-WA0001.opus (archivo adjunto)",
    "VID-20240115-WA0001.mp4 (何か添付)",
    "<attached: 0001.jpg>",
    "null",
    "live location shared",
    "2015-08-04-PHOTO-00004762.jpg <\u200eattached>",
    "<Fișierele media au fost omise>",
    "<میڈیا شامل نہیں ہے>",
    "View once voice message omitted",
    "location: https://maps.google.com/?q=1.5,2.5",
    "image omitted",
    "sticker omitted",
]
MARKED = [
    "image omitted",
    "video omitted",
    "GIF omitted",
    "sticker omitted",
    "audio omitted",
    "document omitted",
    "Contact card omitted",
    "Bild weggelassen",
    "imagen omitida",
    "image absente",
    "imagem ocultada",
    "immagine omessa",
    "afbeelding weggelaten",
    "изображение отсутствует",
    "görüntü dahil edilmedi",
    "图像已忽略",
    "圖片已略去",
    "画像は含まれていません",
    "이미지 생략됨",
    "<attached: 00000042-PHOTO-2025-01-15-22-41-20.jpg>",
    "<adjunto: 00000042-AUDIO-2025-01-15-22-41-20.opus>",
    "<何か: 00000042-VIDEO-2025-01-15-22-41-20.mp4>",
    "Report.pdf • \u200e3 pages \u200edocument omitted",
    "Location: https://maps.google.com/?q=1.5,2.5",
]


@pytest.mark.parametrize("text", MEDIA)
def test_a_placeholder_is_media(tmp_path: Path, text: str) -> None:
    entry = one(tmp_path, f"{ANDROID}Ann: {text}")
    assert (entry.sender, entry.kind) == ("Ann", Kind.media)


@pytest.mark.parametrize("text", MARKED)
def test_a_placeholder_after_a_mark_is_media(tmp_path: Path, text: str) -> None:
    entry = one(tmp_path, f"\u200e{IOS}Ann: \u200e{text}")
    assert (entry.sender, entry.kind) == ("Ann", Kind.media)


CAPTIONS = [
    f"{ANDROID}Ann: IMG-20240115-WA0001.jpg (file attached)\nlook at\nthis",
    f"{ANDROID}Ann: <Media omitted>\nlook at\nthis",
    f"{IOS}Ann: look at\nthis \u200e<attached: 00000042-PHOTO-2025-01-15-22-41-20.jpg>",
    f"{IOS}Ann: look at\nthis \u200eimage omitted",
]


@pytest.mark.parametrize("line", CAPTIONS)
def test_a_caption_is_a_message_that_came_with_media(tmp_path: Path, line: str) -> None:
    entry = one(tmp_path, line)
    assert (entry.kind, entry.media, entry.text) == (Kind.message, True, "look at\nthis")


PLAIN = [
    "I hate <Media omitted> lines",
    "image omitted? why",
    "nothing is null",
    "he left",
    "Ann left",
    "this message was deleted by mistake I think",
    "see https://maps.google.com/ now",
    "a < b > c",
    "I added you",
    "Missed voice call from mum",
    "(file attached)",
    "x (y)",
]


@pytest.mark.parametrize("text", PLAIN)
def test_words_that_only_hold_a_phrase_are_a_message(tmp_path: Path, text: str) -> None:
    entry = one(tmp_path, f"{ANDROID}Ann: {text}")
    assert (entry.kind, entry.media, entry.text) == (Kind.message, False, text)


DELETED = [
    "This message was deleted",
    "You deleted this message",
    "Diese Nachricht wurde gelöscht.",
    "Du hast diese Nachricht gelöscht.",
    "Se eliminó este mensaje.",
    "Mensagem apagada",
    "Ce message a été supprimé",
    "Questo messaggio è stato eliminato",
    "此消息已删除",
    "Данное сообщение удалено",
    "Bu mesaj silindi",
    "This message was deleted by admin Bob",
]


@pytest.mark.parametrize("text", DELETED)
@pytest.mark.parametrize("start", [f"{ANDROID}Ann: ", f"{IOS}Ann: \u200e"])
def test_a_deleted_message_is_known(tmp_path: Path, start: str, text: str) -> None:
    assert one(tmp_path, start + text).kind is Kind.deleted


EDITED = [
    "<This message was edited>",
    "\u200e<This message was edited>",
    "<Diese Nachricht wurde bearbeitet.>",
    "<Se editó este mensaje.>",
    "<Mensagem editada>",
    "<此消息已编辑>",
]


@pytest.mark.parametrize("mark", EDITED)
def test_the_mark_of_an_edit_is_not_in_the_text(tmp_path: Path, mark: str) -> None:
    entry = one(tmp_path, f"{IOS}Ann: two\nlines {mark}")
    assert (entry.text, entry.edited, entry.kind) == ("two\nlines", True, Kind.message)


NOTICES = [
    "Messages and calls are end-to-end encrypted. No one outside of this chat can read them.",
    'Ann changed the subject from "a: b" to "c: d"',
    'Ann changed the group name to "Plan: B"',
    "Ann changed the subject to “Plan: B”",
    "Ann hat den Betreff von „a: b“ zu „c: d“ geändert",
    "Ann a changé le sujet en « a: b »",
    "Ann 更改了主题“甲: 乙”",
    'Ann created group "x: y"',
    "Ann added +44 7700 900123",
    "Your security code with Re: Zero changed. Tap to learn more.",
    "You were added",
    "Missed voice call",
    "John Doe:.",
    "Ann",
]


@pytest.mark.parametrize("text", NOTICES)
def test_a_line_without_a_sender_is_a_notice(tmp_path: Path, text: str) -> None:
    entry = one(tmp_path, f"{ANDROID}{text}")
    assert (entry.sender, entry.kind, entry.text) == (None, Kind.system, text)


MARKED_NOTICES = [
    "Group: \u200eMessages and calls are end-to-end encrypted. Nobody else reads them.",
    "Group: \u200eAnn created this group",
    "Ann: \u200eAnn changed the group description",
    "Ann: \u200eYou added Bob",
    "Group: \u200eYou were added",
    "Bob: \u200eBob left",
    "Group: \u200e~ Cy joined using this group's invite link",
    "Ann: Missed voice call",
    "Ann: \u200eMissed voice call",
    "Ann: \u200eMissed video call, \u200eTap to call back",
    "Ann: \u200eVoice call, \u200e12 min",
    "Gruppe: \u200eNachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt.",
    "Gruppe: \u200eAnn hat dich hinzugefügt.",
    "Grupo: \u200eAnn creó este grupo",
    "群: \u200eAnn创建了此群组",
    "Qoollan: \u200ehin beekamne jechuu",
]


@pytest.mark.parametrize("line", MARKED_NOTICES)
def test_a_notice_under_a_name_makes_no_sender(tmp_path: Path, line: str) -> None:
    entry = one(tmp_path, IOS + line)
    assert (entry.sender, entry.kind) == (None, Kind.system)


def test_only_the_name_over_the_notice_of_encryption_is_the_groups(tmp_path: Path) -> None:
    start = f"{IOS}Group: \u200eMessages and calls are end-to-end encrypted."
    others = [f"{IOS}Bob: \u200ehin beekamne", f"{IOS}Group: \u200ehin beekamne"]
    found = read(tmp_path, start, *others)
    assert [entry.sender for entry in found] == [None, "Bob", None]


def test_who_only_asks_in_a_poll_is_a_member(tmp_path: Path) -> None:
    [poll] = read(tmp_path, f"{IOS}Bob: \u200ePOLL:", "Who left?", "\u200eOPTION: Yes (0 votes)")
    assert (poll.sender, poll.kind) == ("Bob", Kind.message)


def test_a_mark_alone_makes_no_notice(tmp_path: Path) -> None:
    entry = one(tmp_path, f"{IOS}Ann: \u200eback home now")
    assert (entry.sender, entry.kind, entry.text) == ("Ann", Kind.message, "back home now")


def test_a_name_with_one_quotation_mark_is_a_name_when_it_recurs(tmp_path: Path) -> None:
    entries = read(tmp_path, *(f'{ANDROID}Bob 6": hi {number}' for number in range(6)))
    assert {entry.sender for entry in entries} == {'Bob 6"'}
