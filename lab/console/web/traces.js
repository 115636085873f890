// The view Traces: the search for traces, and the list of those found.

addView({ id: "traces", name: "Traces", path: "/traces", open: openTraces });

const followEvery = 2000; // ms between two searches while the list follows

let wanted = new URLSearchParams(); // the last search; text that is being typed does not count
let searching = 0; // the newest search; responses to older ones are ignored

// openTraces fills the form with the search in the address. A service or span is kept even if no stored trace has it.
function openTraces(_, query) {
  const { elements } = byId("search");
  for (const name of ["min", "tags"]) elements[name].value = query.get(name) ?? "";
  for (const name of ["service", "span"]) choose(elements[name], query.get(name) ?? "");
  elements.errors.checked = query.get("errors") === "1";
  search();
}

// search looks for what the form asks for, and writes it into the address. Traces lead back to it.
function search() {
  wanted = new URLSearchParams();
  for (const [name, value] of new FormData(byId("search"))) if (value && name !== "follow") wanted.set(name, value);
  const address = wanted.size ? `/traces?${wanted}` : "/traces";
  history.replaceState(null, "", address);
  for (const link of document.querySelectorAll(".back a")) link.href = address;
  look();
}

async function look() {
  const number = ++searching;
  try {
    const [found, names] = await Promise.all([ask(`/api/traces?${wanted}`), ask(`/api/names?service=${encodeURIComponent(wanted.get("service") ?? "")}`)]);
    if (number === searching) showTraces(found, names);
  } catch (error) {
    if (number === searching) showSearchTrouble(error);
  }
}

function showSearchTrouble(error) {
  byId("traces-trouble").hidden = false;
  tell("traces-trouble", error.message);
}

function showTraces(found, names) {
  byId("traces-trouble").hidden = true;
  byId("traces-table").hidden = found.length === 0;
  byId("traces-empty").hidden = found.length > 0;
  byId("traces-unmatched").hidden = wanted.size === 0;
  byId("traces-none").hidden = wanted.size > 0;
  tell("traces-facts", found.length ? `the newest ${found.length}` : "");
  const longest = Math.max(...found.map((trace) => trace.duration), 1);
  settle(byId("traces-list"), found.map((trace) => ({ ...trace, width: trace.duration / longest })), (trace) => trace.id, traceRow);
  offer(byId("search").elements.service, names.services);
  offer(byId("search").elements.span, names.spans);
}

let picked = []; // the ids of at most two traces to compare

function traceRow(trace) {
  const row = element("tr");
  const box = element("input");
  box.type = "checkbox";
  box.checked = picked.includes(trace.id);
  box.ariaLabel = `Compare ${trace.title} of ${clock(trace.start)}`;
  box.addEventListener("change", () => pick(trace.id, box.checked));
  row.append(withChildren(element("td", "pick"), withChildren(element("label"), box, element("span", "pick-word", "Compare"))));
  const request = element("a", "request", trace.title);
  request.href = `/trace/${trace.id}`;
  const who = withChildren(element("td", "who"), request, element("span", "quiet", trace.service));
  const line = element("span", "line");
  line.style.setProperty("--width", `${100 * trace.width}%`);
  const took = withChildren(element("td", "took"), withChildren(element("span"), element("b", "", duration(trace.duration)), line));
  const versions = trace.members.filter((member) => member.version);
  const by = withChildren(element("td", "by"), ...versions.map(({ service, version }) => named(versionBadge(service, version), `${service} ${version}`)));
  const outcome = element("td");
  outcome.append(outcomeOf(trace));
  if (trace.injected) outcome.append(" ", element("span", "chip injected", "fault injected"));
  row.append(element("td", "quiet began", clock(trace.start)), who, took, labelled("num", "spans", String(trace.spans)), by, outcome);
  return row;
}

// outcomeOf returns the outcome of a trace: "✓ 200 ok", "404", "✕ 500, 9 spans failed". A status of 400 to 499 is no failure of a service, and not well either.
function outcomeOf(trace) {
  if (trace.errors) return element("span", "status bad", [trace.status, plural(trace.errors, "span failed", "spans failed")].filter(Boolean).join(", "));
  if (Number(trace.status) >= 400) return element("b", "", trace.status);
  return element("span", "status good", `${trace.status} ok`.trim());
}

function named(mark, name) {
  mark.title = name;
  mark.append(element("span", "unseen", ` ${name}`));
  return mark;
}

// pick adds a trace to those to compare, or removes it. A third one replaces the first.
function pick(id, on) {
  picked = [...picked.filter((other) => other !== id), ...(on ? [id] : [])].slice(-2);
  for (const row of byId("traces-list").children) row.querySelector(".pick input").checked = picked.includes(row.dataset.key);
  showPicked();
}

function showPicked() {
  const link = byId("compare-link");
  byId("compare-bar").hidden = picked.length === 0;
  link.hidden = picked.length < 2;
  link.href = `/compare/${picked.join("/")}`;
  tell("compare-words", picked.length < 2 ? "One trace is chosen. Choose another one to compare the two." : "Two traces are chosen.");
}

byId("compare-none").addEventListener("click", () => {
  for (const id of picked) pick(id, false);
});

byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});
byId("search").addEventListener("change", ({ target }) => {
  if (target.name === "service") choose(byId("search").elements.span, ""); // each service has spans of its own
  search();
});

setInterval(() => {
  const following = byId("search").elements.follow.checked && isShown("traces") && !document.hidden && !document.body.classList.contains("ended");
  if (following) look();
}, followEvery);
