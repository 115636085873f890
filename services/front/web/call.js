// One call to the front, and what can be told of it afterwards.

const callNames = { "slow-page": "Slow page", "fast-page": "Fast page", hops: "Hops" };
const patience = 60_000; // ms until the page stops waiting for an answer
const bodyShown = 2_000; // characters of an answer that are kept

// call sends one request and never throws: what goes wrong is part of what it returns.
async function call(what, user, fail) {
  const headers = { Accept: what === "hops" ? "application/json" : "text/plain" };
  if (user) headers["x-dev-user"] = user;
  if (fail) headers["fail"] = fail;
  const made = { what, user, fail, status: 0, statusText: "", body: "", trace: "", injected: "", error: "", hops: [], time: null };
  const begin = performance.now();
  try {
    const response = await fetch(what, { headers, cache: "no-store", signal: AbortSignal.timeout(patience) });
    const body = await response.text();
    made.status = response.status;
    made.statusText = response.statusText;
    made.body = body.slice(0, bodyShown);
    made.trace = traceOf(response.headers.get("x-b3-traceid"));
    made.injected = response.headers.get("x-fault-injected") ?? "";
    made.hops = hopsOf(response.headers.get("server-timing"), response.headers.get("x-served-by"));
    if (what === "hops" && response.headers.get("content-type")?.startsWith("application/json")) readHops(made, body);
  } catch (error) {
    made.error = error.name === "TimeoutError" ? `No answer within ${patience / 1000} seconds; the page stopped waiting.` : `No answer came: ${error.message}.`;
  }
  made.took = performance.now() - begin;
  made.failed = made.error !== "" || made.status >= 400;
  return made;
}

// readHops takes hops and time from the JSON of /hops, which knows more of them than the headers do.
function readHops(made, body) {
  try {
    const answer = JSON.parse(body);
    made.time = typeof answer.time === "object" ? answer.time : null;
    made.body = String(answer.error ?? "").slice(0, bodyShown);
    if (made.body && made.status < 400) made.error = "What the last hop was told is no list of hops.";
    const told = answer.hops.slice(0, 20).map((hop) => ({
      service: String(hop.service),
      version: String(hop.version),
      host: String(hop.host ?? ""),
      upstream: String(hop.upstream ?? ""),
      took: Number(hop.duration_ms),
      code: Number(hop.code),
    }));
    // The time source is no hop in the JSON, but the headers know it.
    made.hops = told.concat(made.hops.slice(told.length));
  } catch (error) {
    made.error = `The answer is not what /hops should say: ${error.message}.`;
  }
}

// hopsOf reads who answered, outermost first, from Server-Timing, `front;desc="amber";dur=12.3, middle;…`, or at least
// the first hop from x-served-by, `front-amber/front-amber-6d5f`.
function hopsOf(timing, servedBy) {
  const hops = [];
  for (const entry of (timing ?? "").match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []) {
    const [name, ...parameters] = entry.match(/(?:[^;"]|"(?:[^"\\]|\\.)*")+/g).map((part) => part.trim());
    const hop = { service: name, version: "", host: "", upstream: "", took: NaN, code: 0 };
    for (const parameter of parameters) {
      const [, key, value] = parameter.match(/^(\w+)\s*=\s*(.*)$/s) ?? [];
      if (key === "desc") hop.version = value.replace(/^"(.*)"$/s, "$1").replace(/\\(.)/g, "$1");
      if (key === "dur") hop.took = Number(value);
    }
    if (hop.version !== "" && hops.length < 20) hops.push(hop);
  }
  const [, name, host] = (servedBy ?? "").match(/^([^/]+)\/(.*)$/) ?? [];
  if (!name) return hops;
  if (hops.length > 0) hops[0].host = host;
  else hops.push({ service: name.replace(/-[^-]*$/, ""), version: name.replace(/^.*-/, ""), host, upstream: "", took: NaN, code: 0 });
  return hops;
}

function traceOf(header) {
  return /^[0-9a-f]{16,32}$/.test(header ?? "") ? header : "";
}

// traceLink is where a trace can be looked at, or "" where the page was given no such place. Only web addresses are links.
function traceLink(trace) {
  const template = document.body.dataset.traces;
  if (!template || !trace) return "";
  const url = new URL(template.replaceAll("{traceID}", trace), document.baseURI);
  return ["http:", "https:"].includes(url.protocol) ? url.href : "";
}
