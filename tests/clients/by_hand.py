"""How each client is called without Interlock: the plainest way that works. What the endpoint and a
client make of each other is seen here first, so that a failure under Interlock is Interlock's."""

import json
import os


def _claude(client, url, home):
    return (["-p", "--output-format", "stream-json", "--verbose", "--dangerously-skip-permissions",
             "--model", client.model],
            {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "sk-test", "IS_SANDBOX": "1",
             "DISABLE_AUTOUPDATER": "1", "DISABLE_TELEMETRY": "1", "DISABLE_ERROR_REPORTING": "1",
             "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "CLAUDE_CODE_MAX_RETRIES": "3"}, {})


def _codex(client, url, home):
    config = f"""model = "{client.model}"
model_provider = "endpoint"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.endpoint]
name = "endpoint"
base_url = "{url}/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
"""
    return (["exec", "--json", "--skip-git-repo-check",
             "--dangerously-bypass-approvals-and-sandbox", "-"],
            {"OPENAI_API_KEY": "sk-test", "CODEX_HOME": home + "/codex"},
            {"codex/config.toml": config})


def _gemini(client, url, home):
    settings = {"security": {"auth": {"selectedType": "gemini-api-key"}},
                "privacy": {"usageStatisticsEnabled": False},
                "general": {"enableAutoUpdate": False}}
    return (["-m", client.model, "--output-format", "stream-json", "--yolo", "--skip-trust"],
            {"GEMINI_API_KEY": "sk-test", "GOOGLE_GEMINI_BASE_URL": url},
            {".gemini/settings.json": json.dumps(settings)})


def _opencode(client, url, home):
    model = client.model.split("/")[-1]
    config = {"model": "endpoint/" + model, "small_model": "endpoint/" + model,
              "provider": {"endpoint": {"npm": "@ai-sdk/anthropic", "name": "endpoint",
                                        "options": {"baseURL": url + "/v1", "apiKey": "sk-test"},
                                        "models": {model: {}}}}}
    return (["run", "--format", "json", "--auto"],
            {"OPENCODE_DISABLE_" + what: "1"
             for what in ("AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS")},
            {".config/opencode/opencode.json": json.dumps(config)})


def _pi(client, url, home):
    model = client.model.split("/")[-1]
    models = {"providers": {"endpoint": {
        "baseUrl": url, "api": "anthropic-messages", "apiKey": "PI_KEY",
        "models": [{"id": model, "name": model, "reasoning": False, "input": ["text"],
                    "contextWindow": 200000, "maxTokens": 8192,
                    "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}}]}}}
    return (["-p", "--mode", "json", "--offline", "--provider", "endpoint", "--model", model],
            {"PI_OFFLINE": "1", "PI_TELEMETRY": "0", "PI_KEY": "sk-test"},
            {".pi/agent/models.json": json.dumps(models)})


def _qwen(client, url, home):
    return (["--output-format", "stream-json", "--auth-type", "openai", "--yolo"],
            {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": url + "/v1", "OPENAI_MODEL": client.model},
            {".qwen/settings.json": json.dumps({"privacy": {"usageStatisticsEnabled": False},
                                                "usageStatisticsEnabled": False})})


_CALLS = {"claude-code": _claude, "codex": _codex, "gemini": _gemini, "opencode": _opencode,
          "pi": _pi, "qwen": _qwen}


def call_of(client, url, home):
    """Arguments after the program, variables, and files below HOME that must be there."""
    return _CALLS[client.kind](client, url, home)


def make_files(home, files):
    for path, content in files.items():
        whole = os.path.join(home, path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "w", encoding="utf-8") as file:
            file.write(content)
