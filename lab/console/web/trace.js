// The view of one trace: its spans as a waterfall, and beside it what the processes wrote while it ran.

addView({ id: "trace", within: "/traces", path: /^\/trace\/([^/]+)$/, title: (id) => `Trace ${id}`, open: openTrace, close: closeTrace });

const ticks = 4;
const youngFor = 15_000; // ms after its end during which a trace's spans may still arrive
const lookAgainAfter = 1_000; // ms

let shown = ""; // the id of the trace that is shown, or none
const opened = new Set(); // spans whose details are open

// openTrace shows a trace and, while it is young, what arrives of it. The id is escaped, as in the address.
async function openTrace(id) {
  shown = id;
  opened.clear();
  byId("trace-trouble").hidden = true;
  byId("trace-columns").hidden = true;
  byId("trace-title").textContent = "Trace";
  byId("trace-facts").replaceChildren(element("code", "", id));
  byId("trace-title").focus();
  const giveUp = Date.now() + youngFor;
  for (let young = true; young && shown === id; await pause(lookAgainAfter)) {
    try {
      const trace = await ask(`/api/traces/${id}`);
      if (shown !== id) return;
      young = Date.now() < (trace.start + trace.duration) / 1000 + youngFor;
      showTrace(trace, young);
    } catch (error) {
      if (shown !== id) return;
      young = Date.now() < giveUp && (!error.status || error.status === 404);
      byId("trace-trouble").hidden = false;
      byId("trace-trouble").textContent = young ? `${error.message}. Spans take a moment to arrive; this page looks again.` : error.message;
    }
  }
}

function closeTrace() {
  shown = "";
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function showTrace(trace, young) {
  byId("trace-trouble").hidden = true;
  byId("trace-columns").hidden = false;
  showHead(trace, young);
  showWaterfall(trace);
  showLogs(trace);
}

function showHead(trace, young) {
  const missing = trace.rows.some((row) => row.adopted);
  byId("trace-title").textContent = trace.title;
  byId("trace-facts").replaceChildren(
    element("b", "", trace.service),
    element("span", "", duration(trace.duration)),
    outcomeOf(trace),
    ...causeOf(trace),
    element("span", "", plural(trace.spans, "span")),
    ...(missing ? [element("span", "status waits", young ? "waiting for more spans" : "spans are missing")] : []),
    element("span", "", `began ${clock(trace.start)}`),
    element("code", "", trace.id),
    ...explainLink(trace.rows[0]),
  );
}

// explainLink returns a link to the explanation of the request that began a trace: of the ingress gateway, of a workload, or sent by the lab itself.
function explainLink(row) {
  const url = row?.tags?.["http.url"];
  if (!row?.proxy && row?.service !== "hopline") return [];
  if (!/^http:/.test(url ?? "")) return [];
  const sender = row.tags["sent.as"] ?? "";
  const workloads = latest?.workloads ?? [];
  const from = sender ? workloads.find((workload) => workload.pods.some((pod) => pod.name === sender)) : workloads.find((workload) => workload.app === row.service && workload.version === row.version);
  return [askLink("explain this request", [["from", from?.name ?? ""], ["method", row.tags["http.method"] ?? "GET"], ["url", url]])];
}

// causeOf shows where a failure began, with which status and why.
function causeOf(trace) {
  return trace.cause ? [element("span", "bad", `Failed first: ${trace.cause}`)] : [];
}

// endOf returns the length of the drawing of a trace: work in the background may end after the root.
function endOf(trace) {
  return Math.max(trace.duration, ...trace.rows.map((row) => row.start + row.duration), 1);
}

function showWaterfall(trace) {
  drawWaterfall(byId("waterfall"), byId("axis"), byId("cut"), trace, endOf(trace));
}

// drawWaterfall draws the spans of a trace in a list, on a scale from 0 to end in microseconds.
function drawWaterfall(list, axis, cut, trace, end) {
  const marks = Array.from({ length: ticks + 1 }, (_, tick) => element("span", "", tick === 0 ? "0" : duration((end * tick) / ticks, end)));
  axis.replaceChildren(...marks);
  settle(list, trace.rows.map((row, place) => ({ ...row, end, same: sameAsParent(trace.rows, place), origin: place === trace.origin })), keyOf, spanRow);
  cut.hidden = trace.cut === 0;
  cut.textContent = `${plural(trace.cut, "more span is", "more spans are")} not shown.`;
}

// keyOf returns a key that differs from that of the other half of the call, which may have the same id.
function keyOf(row) {
  return `${row.id} ${row.kind} ${row.service}`;
}

// sameAsParent reports whether a span is of the same process as the one above it: then its name is not shown again.
function sameAsParent(rows, place) {
  const row = rows[place];
  let above = place - 1;
  while (above >= 0 && rows[above].depth >= row.depth) above--;
  return above >= 0 && !row.adopted && rows[above].service === row.service && rows[above].version === row.version;
}

function spanRow(row) {
  const { end } = row;
  const item = element("li", "span");
  const head = element("button", "span-head");
  head.type = "button";
  head.style.setProperty("--depth", Math.min(row.depth, 12));

  const title = element("span", "title");
  title.append(versionBadge(row.service, row.version), element("span", row.same ? "unseen" : "service", row.service));
  if (row.version) title.append(element("span", row.same ? "unseen" : "version", row.version));
  title.append(element("span", "operation", row.name));
  if (row.adopted) title.append(element("span", "chip", "parent missing"));
  if (row.error) title.append(element("span", row.origin ? "origin" : "bad", ["✕", row.status, row.origin && "failed first"].filter(Boolean).join(" ")), element("span", "unseen", " failed"));
  if (row.injected) title.append(element("span", "chip injected", `injected: ${row.injected}`));

  const lane = element("span", "lane");
  const bar = paint(element("span", `work ${row.proxy ? "proxy" : ""} ${row.error ? "failed" : ""}`), row.version);
  place(bar, row.start, row.duration, end);
  lane.append(bar);
  const drawn = row.critical.filter((part) => part.to - part.from >= end / 500); // a shorter part is not visible
  for (const part of drawn) lane.append(place(element("span", "critical"), part.from, part.to - part.from, end));

  head.append(title, lane, element("span", "time", duration(row.duration)));
  item.append(head);
  const unfold = (open) => {
    head.ariaExpanded = String(open);
    if (open) item.append(spanDetails(row));
    else item.querySelector(".details")?.remove();
  };
  unfold(opened.has(keyOf(row)));
  head.addEventListener("click", () => {
    const open = !opened.delete(keyOf(row));
    if (open) opened.add(keyOf(row));
    unfold(open);
  });
  return item;
}

function place(node, start, length, end) {
  node.style.setProperty("--start", `${(100 * start) / end}%`);
  node.style.setProperty("--length", `${(100 * length) / end}%`);
  return node;
}

function spanDetails(row) {
  const list = element("dl", "details");
  if (row.proxy) list.append(element("dt", "", "proxy"), element("dd", "", "a span of the mesh, not of an application"));
  const add = (name, value) => list.append(element("dt", "", name), element("dd", "", value));
  add("service", `${row.service} ${row.version}`.trim());
  add("began", `after ${duration(row.start)}`);
  if (row.kind) add("kind", row.kind.toLowerCase());
  for (const name of Object.keys(row.tags ?? {}).sort()) add(name, row.tags[name]);
  for (const { at, text } of row.annotations) add(`at ${duration(at)}`, text);
  add("span id", row.id);
  return list;
}

function showLogs(trace) {
  byId("trace-logs-empty").hidden = trace.logs.length > 0;
  byId("trace-logs-facts").textContent = trace.logs.length ? plural(trace.logs.length, "line") : "";
  byId("trace-logs-all").href = `/logs?trace=${trace.id}`;
  settle(byId("trace-logs"), trace.logs.map((log, place) => ({ ...log, place })), (log) => log.place, logRow);
}

function logRow(log) {
  const item = element("li", `log ${["error", "warn", "fatal", "panic", "dpanic"].includes(log.level) ? "loud" : ""}`);
  const head = element("p", "log-head");
  head.append(element("span", "time", `${log.at < 0 ? "−" : "+"}${duration(Math.abs(log.at))}`));
  if (log.service) head.append(versionBadge(log.service, log.version), element("b", "", log.version ? `${log.service} ${log.version}` : log.service));
  else head.append(element("b", "", log.container ? `${log.pod}/${log.container}` : log.pod));
  if (log.level) head.append(element("span", "level", log.level.toUpperCase()));
  item.append(head, element("p", "message", log.message));
  if (log.fields) item.append(element("p", "fields", log.fields));
  return item;
}
