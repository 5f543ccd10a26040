// The widget's API. The session token lives in this module's memory only.

const { agent, api } = document.documentElement.dataset;
const BASE = new URL(api, location.href);

export class Refused extends Error {
  constructor(status, { code = "", detail = "" }, wait) {
    super(detail || `${status}`);
    Object.assign(this, { status, code, wait });
  }
}

const problem = async (response) => {
  const body = await response.json().catch(() => ({}));
  const wait = Number(response.headers.get("Retry-After")) || 0;
  return new Refused(response.status, body, wait);
};

// askCode() asks the page's loader for a fresh boot code.
export const createDoor = (askCode) => {
  let token = "";
  let session = "";
  let renewAt = 0;
  let renewing = null;
  let onNewSession = () => {};

  const call = async (method, path, { body, headers, ...more } = {}) => {
    const sent = { Accept: "application/json", ...headers };
    if (body) sent["Content-Type"] = "application/json";
    if (token) sent.Authorization = `Bearer ${token}`;
    const response = await fetch(new URL(path, BASE), {
      method,
      headers: sent,
      body: body && JSON.stringify(body),
      cache: "no-store",
      ...more,
    });
    if (!response.ok) throw await problem(response);
    return response;
  };
  const keep = (granted) => {
    token = granted.token;
    // Renewed well before it ends, so that a visitor without cookies, whose
    // only credential it is, keeps the conversation.
    renewAt = Date.now() + granted.expires_in * 800;
    const isNew = session && session !== granted.session;
    session = granted.session;
    if (isNew) onNewSession();
    return granted;
  };
  const enter = async (code) => {
    token = "";
    const response = await call("POST", "sessions", { body: { boot_code: code } });
    return keep(await response.json());
  };
  const renew = () =>
    (renewing ||= (async () => {
      try {
        const body = { public_id: agent };
        keep(await (await call("POST", "sessions/refresh", { body })).json());
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 401) throw error;
        await enter(await askCode());
      } finally {
        renewing = null;
      }
    })());

  return {
    enter,
    get session() {
      return session;
    },
    // Called when what we go on with is not the session we had: ours was closed,
    // or another tab has begun a new one.
    whenSessionIsNew: (then) => (onNewSession = then),
    async request(method, path, options) {
      if (renewing || Date.now() > renewAt) await renew();
      try {
        return await call(method, path, options);
      } catch (error) {
        if (error.status !== 401) throw error;
      }
      await renew();
      return call(method, path, options);
    },
    async keepAlive() {
      if (token && Date.now() > renewAt) await renew();
    },
  };
};
