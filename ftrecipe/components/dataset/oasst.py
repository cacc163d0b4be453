"""Trees of conversations as OpenAssistant publishes them: whole trees, or messages with parents."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

from ftrecipe.components.dataset import GROUP, Dataset
from ftrecipe.data.cleaning import Cleaning
from ftrecipe.data.columns import as_text, kind
from ftrecipe.data.example import Example, Message, RowFault, Unwanted, Where
from ftrecipe.data.read import Row
from ftrecipe.data.reading import Reading
from ftrecipe.errors import listed

_ROLES = {"prompter": "user", "user": "user", "human": "user", "assistant": "assistant"}
_DEEPEST = 200


class Paths(Enum):
    """Which ways from the first question to a last answer are examples."""

    best = "best"
    all = "all"


@dataclass
class Node:
    """One message of a tree and its replies; `rank` 0 is the best of its siblings."""

    message: Message
    rank: float
    where: Where | None = None
    replies: list["Node"] = field(default_factory=list)


@GROUP.option("oasst")
@dataclass
class Oasst(Dataset):
    """One tree a row (`prompt.replies[]`), or one message a row (`message_id`, `parent_id`).

    paths: best follows the best-ranked reply, one example a tree; all makes one of every way to a
    last answer. Deleted messages, and those that reviewers refused or did not review, are left
    out with all below them. A tree is never divided between splits.
    """

    narrow: ClassVar[bool] = True
    templated: ClassVar[bool] = False

    paths: Paths = Paths.best

    def gathered(
        self, rows: Iterable[Row], reading: Reading, cleaning: Cleaning
    ) -> Iterable[Example]:
        return super().gathered(_trees(rows, reading), reading, cleaning)

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        root = record.get("prompt")
        if isinstance(record.get("tree"), Node):
            node: Node | None = record["tree"]
        elif isinstance(root, dict):
            node = _node(root, 0)
        else:
            raise RowFault(f"no tree in column 'prompt'; columns: {listed([*map(str, record)])}")
        if node is None or node.message["role"] != "user":
            raise Unwanted("the first message is deleted, not reviewed, or not a question")
        ways = _best(node) if self.paths is Paths.best else list(_all(node))
        if not ways:
            raise Unwanted("no answer in the tree")
        group = str(record.get("message_tree_id") or where)
        return [self._path(way, where, group) for way in ways]

    def _path(self, way: list[Message], where: Where, group: str) -> Example:
        chat = self.conversation(way, where)
        return type(chat)(**{**vars(chat), "group": group})

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        root = record.get("prompt")
        return (isinstance(root, dict) and "replies" in root) or _is_flat(record)


def _is_flat(record: Mapping[str, Any]) -> bool:
    return {"message_id", "role", "text"} <= record.keys()


def _node(value: Mapping[str, Any], depth: int, where: Where | None = None) -> Node | None:
    """Return a message with its replies; None where it is left out. Raises RowFault."""
    if depth > _DEEPEST:
        raise RowFault(f"a tree more than {_DEEPEST} messages deep")
    role = _ROLES.get(str(value.get("role")))
    if role is None:
        raise RowFault(f"a message of the role {value.get('role')!r} (known: {listed([*_ROLES])})")
    text, rank = as_text(value.get("text"), "text"), value.get("rank")
    reviewed = value.get("review_result", True) is True
    if value.get("deleted") or not reviewed or not text.strip():
        return None
    order = float(rank) if isinstance(rank, (int, float)) else float("inf")
    node = Node({"role": role, "content": text}, order, where)
    replies = value.get("replies") or []
    if not isinstance(replies, list) or not all(isinstance(reply, dict) for reply in replies):
        raise RowFault(f"replies are {kind(replies)}, not a list of messages")
    node.replies = [one for reply in replies if (one := _node(reply, depth + 1)) is not None]
    return node


def _all(node: Node) -> Iterator[list[Message]]:
    """Yield every way from a message to a last answer below it."""
    below = [way for reply in node.replies for way in _all(reply)]
    yield from ([node.message, *way] for way in below)
    if not below and node.message["role"] == "assistant":
        yield [node.message]


def _best(node: Node) -> list[list[Message]]:
    """Return the way of the best-ranked replies, up to its last answer, as the only one."""
    way = [node.message]
    while node.replies:
        node = min(node.replies, key=lambda reply: reply.rank)
        way.append(node.message)
    while way and way[-1]["role"] != "assistant":
        way.pop()
    return [way] if way else []


def _trees(rows: Iterable[Row], reading: Reading) -> Iterator[Row]:
    """Pass trees on; gather messages that stand alone into theirs, to be passed on at the end."""
    flat: dict[str, tuple[Where, dict[str, Any]]] = {}
    for where, record in rows:
        if isinstance(record, Mapping) and _is_flat(record) and "prompt" not in record:
            key = str(record["message_id"])
            if key in flat:
                reading.fault(where, RowFault(f"the message {key} is there twice"), record)
            else:
                flat[key] = (where, dict(record))
        else:
            yield where, record
    if flat:
        yield from _planted(flat, reading)


def _planted(flat: dict[str, tuple[Where, dict[str, Any]]], reading: Reading) -> Iterator[Row]:
    """Yield the trees of messages that name their parents; each message is counted once."""
    nodes: dict[str, Node] = {}
    roots: list[tuple[Where, str]] = []
    for key, (where, record) in flat.items():
        parent = record.get("parent_id")
        try:
            node = _node({**record, "replies": []}, 0, where)
        except RowFault as fault:
            reading.fault(where, fault, record)
            continue
        if node is None:
            reading.leave(where, "unreviewed", "deleted, refused or not reviewed", 1, record)
        else:
            nodes[key] = node
        if parent is None and node is not None:
            roots.append((where, key))
    lost = _attached(flat, nodes, {key for _, key in roots})
    for key in lost:
        where, record = flat[key]
        reading.leave(where, "unreviewed", "the message that it answers is left out", 1, record)
    for where, key in roots:
        tree = {"tree": nodes[key], "message_tree_id": flat[key][1].get("message_tree_id", key)}
        reading.used += _size(nodes[key]) - 1  # the tree itself is counted where it is read
        yield where, tree


def _attached(
    flat: dict[str, tuple[Where, dict[str, Any]]], nodes: dict[str, Node], roots: set[str]
) -> list[str]:
    """Hang every message below its parent; return those that hang on no root."""
    below: dict[str, list[str]] = {}
    for key in nodes:
        parent = flat[key][1].get("parent_id")
        if parent is not None:
            below.setdefault(str(parent), []).append(key)
    reached: set[str] = set()
    waiting = list(roots)
    while waiting:
        key = waiting.pop()
        reached.add(key)
        for child in below.get(key, []):
            nodes[key].replies.append(nodes[child])
            waiting.append(child)
    return [key for key in nodes if key not in reached]


def _size(node: Node) -> int:
    count, waiting = 0, [node]
    while waiting:
        count += 1
        waiting += waiting.pop().replies
    return count
