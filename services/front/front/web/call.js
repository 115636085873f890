// Makes one call to front, and reads its result.

const callNames = { "slow-page": "Slow page", "fast-page": "Fast page", hops: "Hops" };
const patience = 60_000; // ms until the page stops waiting for a response
const bodyShown = 2_000; // characters of a response that are kept

// call sends one request and never throws: an error is a part of its result.
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
    made.error = error.name === "TimeoutError" ? `No response within ${patience / 1000} seconds; the page stopped waiting.` : `No response: ${error.message}.`;
  }
  made.took = performance.now() - begin;
  made.failed = made.error !== "" || made.status >= 400;
  return made;
}

// readHops reads hops and time from the JSON of /hops, which has more details than the headers.
function readHops(made, body) {
  try {
    const response = JSON.parse(body);
    made.time = typeof response.time === "object" ? response.time : null;
    made.body = String(response.error ?? "").slice(0, bodyShown);
    if (made.body && made.status < 400) made.error = "The last hop received a response that is not a list of hops.";
    const told = response.hops.slice(0, 20).map((hop) => ({
      service: String(hop.service),
      version: String(hop.version),
      host: String(hop.host ?? ""),
      upstream: String(hop.upstream ?? ""),
      took: Number(hop.duration_ms),
      code: Number(hop.code),
    }));
    // The time source is not a hop in the JSON, but the headers have it.
    made.hops = told.concat(made.hops.slice(told.length));
  } catch (error) {
    made.error = `The response is not valid JSON of /hops: ${error.message}.`;
  }
}

// hopsOf reads who responded, outermost first, from Server-Timing, `front;desc="amber";dur=12.3, middle;…`, or at least
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

// traceLink returns the address that shows a trace, or "" if the page has no such address. Only web addresses are links.
function traceLink(trace) {
  const template = document.body.dataset.traces;
  if (!template || !trace) return "";
  const url = new URL(template.replaceAll("{traceID}", trace), document.baseURI);
  return ["http:", "https:"].includes(url.protocol) ? url.href : "";
}
