"""Our own chat templates, by name; each marks what the assistant writes with generation tags."""

from dataclasses import dataclass

# Tools, calls and results are written as Hermes and Qwen 2.5 write them: the results of the calls
# of one answer are one message of the user. The embedded model has the same template.
CHATML = """\
{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0]['role'] == 'system' %}
        {{- messages[0]['content'] + '\\n\\n' }}
    {%- endif %}
    {{- '# Tools\\n\\nYou may call one or more functions to assist with the user query.\\n\\n' }}
    {{- 'You are provided with function signatures within <tools></tools> XML tags:\\n<tools>' }}
    {%- for tool in tools %}
        {{- '\\n' + tool | tojson }}
    {%- endfor %}
    {{- '\\n</tools>\\n\\nFor each function call, return a json object with function name and ' }}
    {{- 'arguments within <tool_call></tool_call> XML tags:\\n<tool_call>\\n' }}
    {{- '{"name": <function-name>, "arguments": <args-json-object>}\\n</tool_call>' }}
    {{- '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message['role'] == 'assistant' %}
        {{- '<|im_start|>assistant\\n' }}
        {%- generation %}
            {{- message['content'] }}
            {%- for call in message['tool_calls'] or [] %}
                {%- set called = call['function'] or call %}
                {{- '\\n' if message['content'] or not loop.first else '' }}
                {{- '<tool_call>\\n{"name": ' + called['name'] | tojson + ', "arguments": ' }}
                {%- if called['arguments'] is string %}
                    {{- called['arguments'] }}
                {%- else %}
                    {{- called['arguments'] | tojson }}
                {%- endif %}
                {{- '}\\n</tool_call>' }}
            {%- endfor %}
            {{- '<|im_end|>' }}
        {%- endgeneration %}
        {{- '\\n' }}
    {%- elif message['role'] == 'tool' %}
        {%- set first = loop.first or messages[loop.index0 - 1]['role'] != 'tool' %}
        {{- '<|im_start|>user\\n' if first else '\\n' }}
        {{- '<tool_response>\\n' + message['content'] + '\\n</tool_response>' }}
        {%- if loop.last or messages[loop.index0 + 1]['role'] != 'tool' %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- elif not (tools and loop.first and message['role'] == 'system') %}
        {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
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
