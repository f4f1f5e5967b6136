// The way to the server: RPCs as JSON, pieces of pages as parsed documents.
const { guard, site } = document.body.dataset;
export const parent = `sites/${site}`;

/** A refusal with the reason that every client of the API gets. */
export class Refusal extends Error {
  constructor(status, error = {}) {
    super(error.message || `HTTP ${status}`);
    this.status = status;
    this.reason = error.reason || "";
    this.instead = error.instead || {};
    this.retry = error.retry_after || null;
  }
  /** Whether the same request may do better later. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export async function rpc(service, method, message, { background = false, keepalive = false } = {}) {
  let response;
  try {
    response = await fetch(`/console/api/${service}/${method}`, {
      method: "POST",
      credentials: "same-origin",
      keepalive,
      headers: { "content-type": "application/json", "x-tamis-guard": guard, ...(background ? { "x-tamis-background": "1" } : {}) },
      body: JSON.stringify(message),
    });
  } catch {
    throw new Refusal(0, { message: "offline", reason: "OFFLINE" });
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refusal(response.status, body.error);
  return body;
}

export const queue = (method, message, options) => rpc("QueueService", method, message, options);

/**
 * A piece of a page. It is parsed as a document of its own, in which nothing runs, and
 * its elements are moved over: no text becomes markup here.
 */
export function piece(method, path) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    request.responseType = "document";
    request.setRequestHeader("x-tamis-guard", guard);
    request.onload = () => {
      const fine = request.status === 200 && request.response && !request.responseURL.includes("/console/sign-in");
      if (fine) done(request.response.body);
      else failed(new Refusal(request.responseURL.includes("/console/sign-in") ? 401 : request.status));
    };
    request.onerror = () => failed(new Refusal(0, { message: "offline", reason: "OFFLINE" }));
    request.send();
  });
}

export const uuid = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
};
