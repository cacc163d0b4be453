"""The documents name what is there: every module has its place on the map, every link its end."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def the_map() -> set[str]:
    """Return the names of files and folders on CONTRIBUTING.md's map."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    block = re.search(r"```\n(recipes/ .*?)```", text, re.S)
    assert block is not None
    return set(re.findall(r"[\w]+\.py|[\w]+/", block[1]))


def rooms(folder: Path) -> set[str]:
    there = [path for path in folder.iterdir() if path.name[0] not in "._"]
    folders = {f"{path.name}/" for path in there if path.is_dir()}
    return folders | {path.name for path in there if path.suffix == ".py"}


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as they are made where it is shown."""
    headings = re.findall(r"^#+ (.*)", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-") for one in headings}


def test_every_module_stands_on_the_map() -> None:
    stages = {room for room in rooms(ROOT / "ftrecipe" / "stages") if room.endswith("/")}
    assert sorted((rooms(ROOT / "ftrecipe") | stages) - the_map()) == []


def test_what_stands_on_the_map_is_there() -> None:
    there = {path.name for path in (ROOT / "ftrecipe").rglob("*.py")}
    there |= {f"{path.name}/" for path in (ROOT / "ftrecipe").rglob("*") if path.is_dir()}
    there |= {f"{path.name}/" for path in ROOT.iterdir() if path.is_dir()}
    assert sorted(the_map() - there - {"team_a/"}) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", document.read_text("utf-8")):
        if re.match(r"https?:|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), link
