"""Our own chat templates, by name; each marks what the assistant writes with generation tags."""

from dataclasses import dataclass

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}"
    "{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}"
    "{% else %}{{ message['content'] + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
PLAIN = (
    "{% for message in messages %}{{ '### ' + message['role'].capitalize() + ':\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}"
    "{{ message['content'] + eos_token }}{% endgeneration %}{{ '\n\n' }}"
    "{% else %}{{ message['content'] + '\n\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '### Assistant:\n' }}{% endif %}"
)
_ANSWERED = (
    "{% elif message['role'] == 'assistant' %}{{ ANSWER }}{% generation %}"
    "{{ message['content'] + eos_token }}{% endgeneration %}{{ '\n\n' }}"
    "{% else %}{{ '### ' + message['role'].capitalize() + ':\n' + message['content'] + '\n\n' }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ ANSWER }}{% endif %}"
)
# The system prompt, where there is one, stands in the place of Stanford's preamble. A message of
# the user may bring what the instruction is about in a field of its own, `input`.
ALPACA = (
    "{% if messages[0]['role'] != 'system' %}"
    "{{ 'Below is an instruction that describes a task' }}"
    "{% if messages[0]['input'] %}"
    "{{ ', paired with an input that provides further context' }}{% endif %}"
    "{{ '. Write a response that appropriately completes the request.\n\n' }}{% endif %}"
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] + '\n\n' }}"
    "{% elif message['role'] == 'user' %}"
    "{{ '### Instruction:\n' + message['content'] + '\n\n' }}"
    "{% if message['input'] %}{{ '### Input:\n' + message['input'] + '\n\n' }}{% endif %}"
) + _ANSWERED.replace("ANSWER", "'### Response:\n'")
QUESTION_ANSWER = (
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] + '\n\n' }}"
    "{% elif message['role'] == 'user' %}{{ '### Question:\n' + message['content'] + '\n\n' }}"
) + _ANSWERED.replace("ANSWER", "'### Answer:\n'")
_SENDER_TAGS = (
    "{% for message in messages %}{{ START + (message['name'] or message['role']) + SEPARATOR }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + END }}"
    "{% endgeneration %}{% else %}{{ message['content'] + END }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ START + (speaker or 'assistant') + SEPARATOR }}{% endif %}"
)


@dataclass
class Tags:
    """The tokens around a message where every sender is learned; added to the tokenizer."""

    start: str = "<|startoftext|>"
    separator: str = "<|separator|>"
    end: str = "<|endoftext|>"

    def template(self) -> str:
        """Return the template that writes them; who speaks next is told it as `speaker`."""
        text = _SENDER_TAGS
        for name, token in zip(("START", "SEPARATOR", "END"), self.tokens(), strict=True):
            text = text.replace(name, _quoted(token))
        return text

    def tokens(self) -> list[str]:
        """Return the three, in the order in which they stand in a message."""
        return [self.start, self.separator, self.end]


def _quoted(text: str) -> str:
    """Return `text` as a literal of Jinja."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


SENDER_TAGS = "sender_tags"
TEMPLATES = {
    "chatml": CHATML,
    "plain": PLAIN,
    "alpaca": ALPACA,
    "question_answer": QUESTION_ANSWER,
    SENDER_TAGS: Tags().template(),
}
