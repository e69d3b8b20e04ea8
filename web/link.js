// How the page asks the server: a bearer kept in memory, short requests, and one stream a tab.

let bearer = null;

async function newBearer() {
  const answer = await fetch("/api/session", {
    method: "POST",
    headers: {"content-type": "application/json"},
    body: "{}",
  });
  if (!answer.ok) throw new Error("This page was opened by a link that is over. Ask for another: interlock serve --link");
  bearer = (await answer.json()).bearer;
}

/// Asks once more with a new bearer where the old one is of a server that was started again.
export async function ask(path, options = {}) {
  for (let tries = 0; ; tries++) {
    if (!bearer) await newBearer();
    const answer = await fetch(path, {
      ...options,
      headers: {...options.headers, authorization: "Bearer " + bearer},
    });
    if (answer.status !== 401 || tries > 0) return answer;
    bearer = null;
  }
}

export async function readJson(path, options) {
  const answer = await ask(path, options);
  const text = await answer.text();
  let body = null;
  try {
    body = JSON.parse(text);
  } catch { /* A command that failed may print nothing. */ }
  if (answer.ok && body) return body;
  const error = new Error(body && body.error ? body.error.message : "error " + answer.status);
  error.status = answer.status;
  throw error;
}

export async function readText(path) {
  const answer = await ask(path);
  const text = await answer.text();
  return {ok: answer.ok, text, cut: answer.headers.has("x-interlock-cut")};
}

/// Posts an action; answers what went wrong, or nothing.
export async function post(path, body) {
  const answer = await ask(path, {
    method: "POST",
    headers: {"content-type": "application/json"},
    body: JSON.stringify(body),
  });
  if (answer.ok) return null;
  try {
    const {error} = await answer.json();
    return error.hint ? error.message + " (" + error.hint + ")" : error.message;
  } catch {
    return "error " + answer.status;
  }
}

/// Follows `path`: `on(event, data)` for each event, `lost(reason)` while there is no connection. A tab
/// that nobody sees lets go after ten seconds and goes on where it was. Returns what ends it.
export function follow(path, on, lost) {
  let last = null, abort = null, over = false, hidden = 0, pause = 250;

  function take(block) {
    let event = "message", data = "";
    for (const line of block.split("\n")) {
      if (line.startsWith("id: ")) last = line.slice(4);
      else if (line.startsWith("event: ")) event = line.slice(7);
      else if (line.startsWith("data: ")) data += line.slice(6);
    }
    on(event, data ? JSON.parse(data) : null);
  }

  async function read() {
    abort = new AbortController();
    const answer = await ask(path, {
      signal: abort.signal,
      headers: last ? {"last-event-id": last} : {},
    });
    if (!answer.ok) throw new Error("error " + answer.status);
    pause = 250;
    on("open", null);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const {value, done} = await reader.read();
      if (done) throw new Error("the server is gone");
      text += value;
      for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) take(text.slice(0, end));
    }
  }

  async function loop() {
    while (!over) {
      if (document.hidden && hidden) await new Promise((seen) => document.addEventListener("visibilitychange", seen, {once: true}));
      hidden = 0;
      try {
        await read();
      } catch (error) {
        if (over) return;
        if (!hidden) lost(error.message);
      }
      if (!hidden) await new Promise((wake) => setTimeout(wake, pause));
      pause = Math.min(pause * 2, 5000);
    }
  }

  let timer = 0;
  function onVisibility() {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => { hidden = 1; if (abort) abort.abort(); }, 10000);
  }
  document.addEventListener("visibilitychange", onVisibility);
  loop();
  return () => {
    over = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", onVisibility);
    if (abort) abort.abort();
  };
}
