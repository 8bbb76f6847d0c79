// Requests to the server that served this page.

// ApiError is an answer that is not a success, or no answer at all (status 0).
export class ApiError extends Error {
  constructor(message, status = 0, code = "") {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
  }
}

// A server may ask for a key. It is kept for this tab alone.
const keyName = "access-key";
let needed = () => {};

export const accessKey = () => sessionStorage.getItem(keyName) ?? "";

export const setAccessKey = (key) => sessionStorage.setItem(keyName, key);

// onKeyNeeded says whom to tell, with the server's words, that it wants a key or another one.
export function onKeyNeeded(tell) {
  needed = tell;
}

async function request(path, options, timeoutMs) {
  const key = accessKey();
  const headers = key ? { ...options.headers, Authorization: `Bearer ${key}` } : options.headers;
  try {
    return await fetch(path, {
      cache: "no-store", signal: AbortSignal.timeout(timeoutMs), ...options, headers,
    });
  } catch (error) {
    throw new ApiError(error.name === "TimeoutError" ? "no answer in time" : "no connection");
  }
}

// problem reads an application/problem+json answer, and copes with anything else.
async function problem(response) {
  let detail = "";
  let code = "";
  try {
    const body = await response.json();
    detail = String(body.detail || body.title || "");
    code = String(body.code || "");
  } catch {
    detail = response.statusText;
  }
  return new ApiError(detail || `status ${response.status}`, response.status, code);
}

export const getJSON = (path, timeoutMs = 8000) => exchange(path, {}, timeoutMs);

export const postJSON = (path, body, timeoutMs = 8000) => exchange(path, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
}, timeoutMs);

async function exchange(path, options, timeoutMs) {
  const response = await request(path, options, timeoutMs);
  if (!response.ok) {
    const error = await problem(response);
    if (error.status === 401) {
      needed(error.message);
    }
    throw error;
  }
  try {
    return await response.json();
  } catch {
    throw new ApiError("the answer is not JSON", response.status);
  }
}

// getList is getJSON for arrays; what is not an object in them is dropped.
export async function getList(path) {
  const list = await getJSON(path);
  if (!Array.isArray(list)) {
    throw new ApiError("the answer is not a list");
  }
  return list.filter((item) => item !== null && typeof item === "object");
}

// getHealth resolves to {ok, reason}, and throws only when nothing answers.
export async function getHealth() {
  const response = await request("/health", {}, 5000);
  const text = (await response.text().catch(() => "")).trim();
  return { ok: response.ok, reason: response.ok ? "" : text || `status ${response.status}` };
}

// exists asks whether a path is served, without reading what it would answer.
export async function exists(path) {
  try {
    return (await request(path, { method: "HEAD" }, 5000)).ok;
  } catch {
    return false;
  }
}
