// The view Mesh: the rules with the observed traffic, and the workloads.

addView({ id: "mesh", name: "Mesh", path: "/", open: (_, query) => openLessons(query), show: showMesh, close: leaveStage });

function showMesh(state) {
  showGraph(state.graph);
  byId("rules-empty").hidden = state.rules.length > 0;
  settle(byId("rules"), hostsOf(withChanges(state)), (host) => host.object, hostSection);
  byId("notes-card").hidden = state.notes.length === 0;
  settle(byId("notes"), state.notes, (note) => note, (note) => element("li", "", note));
  byId("workloads-empty").hidden = state.workloads.length > 0;
  byId("workloads-table").hidden = state.workloads.length === 0;
  showWorkloads(state);
  byId("plain").hidden = !state.plain;
  showConditions(state);
  const ready = state.workloads.filter((workload) => workload.ready >= workload.replicas).length;
  const ejected = new Set(state.ejections.map((ejection) => ejection.pod)).size;
  const facts = [`${ready} of ${state.workloads.length} ready`, ...(ejected ? [`${plural(ejected, "pod")} ejected`] : [])];
  byId("workloads-facts").textContent = state.workloads.length ? facts.join(", ") : "";
  showStage();
  showLessonRights(state);
}

// showWorkloads shows a row for each workload. Its rate, which changes all the time, is written into the row that stands.
function showWorkloads({ workloads, ejections, changes, driving }) {
  const rows = inOrder(workloads).map(({ rate, ...workload }) => ({ ...withEjections(workload, ejections), copies: copyWords(rate.copies), changed: changes.some((change) => change.workload === workload.name), allowed: driving.allowed }));
  settle(byId("workloads"), rows, (workload) => workload.name, workloadRow);
  const rates = new Map(workloads.map(({ name, rate }) => [name, rate]));
  for (const row of byId("workloads").children) showRate(row, rates.get(row.dataset.key));
}

// inOrder lists workloads in the order in which a request reaches them, and the versions of each in the usual order.
function inOrder(workloads) {
  const outside = (workload) => (workload.name.startsWith("hopline/") ? 0 : 1);
  return workloads.toSorted((a, b) => outside(a) - outside(b) || byWay(a.app, b.app) || byVersion(a.version, b.version) || a.name.localeCompare(b.name));
}

// withEjections adds to a workload which of its pods callers have ejected.
function withEjections(workload, ejections) {
  const pods = new Set(workload.pods.map((pod) => pod.name));
  return { ...workload, ejections: ejections.filter((ejection) => pods.has(ejection.pod)) };
}

// withChanges adds to each rule whether a temporary change applies to it.
function withChanges({ rules, changes, driving }) {
  return rules.map((rule) => ({ ...rule, changed: changes.some((change) => change.object === rule.object && change.rule === rule.name), allowed: driving.allowed }));
}

// hostsOf puts the rules of one object together.
function hostsOf(rules) {
  const hosts = new Map();
  for (const rule of rules) {
    const host = hosts.get(rule.object) ?? { object: rule.object, title: rule.hosts.join(", "), gateway: rule.gateway, at: rule.at, rules: [] };
    hosts.set(rule.object, host);
    host.rules.push(rule);
  }
  // They are in the order in which a request meets them; of one service, the entry point is first.
  const service = (host) => host.rules.flatMap((rule) => rule.parts)[0]?.service ?? "";
  return [...hosts.values()].sort((a, b) => byWay(service(a), service(b)) || Number(b.gateway) - Number(a.gateway));
}

function hostSection(host) {
  const section = element("section", "host");
  const heading = element("h3", "", host.title === "*" ? "any host" : host.title);
  if (host.at.includes(latest.entry)) heading.append(element("span", "chip", "from outside"));
  for (const gateway of host.at) if (gateway !== latest.entry) heading.append(element("span", "chip", `at ${gateway}`));
  heading.title = host.object;
  // A host with one rule and one destination takes one line.
  const [rule] = host.rules;
  if (host.rules.length === 1 && rule.parts.length === 1 && rule.matches.length + rule.does.length === 0) {
    section.classList.add("line");
    heading.append(single(rule.parts[0]), changedMark(rule.changed));
    return withChildren(section, heading, tally(rule), failures(rule));
  }
  return withChildren(section, heading, ...host.rules.map((rule) => ruleRow(rule, hasBefore(host, rule))));
}

// hasBefore reports whether other rules of a host may match a request first. Those of an HTTPRoute are ordered by their conditions, and not by their
// place: one without any is the last.
function hasBefore(host, rule) {
  return host.rules.indexOf(rule) > 0 || (rule.object.startsWith("HTTPRoute ") && host.rules.length > 1);
}

function ruleRow(rule, later) {
  rule.parts.sort((a, b) => byWay(a.service, b.service) || byVersion(a.version, b.version));
  const row = element("div", "rule");
  const words = element("p", "when");
  if (isWritten(rule) && !hasNoName(rule)) words.append(element("b", "", rule.name));
  words.append(element("span", "match", rule.matches.length ? either(rule.matches) : later ? "all other requests" : "all requests"));
  if (rule.callers) words.append(element("span", "chip", `for ${rule.callers}`));
  for (const does of rule.does) words.append(element("span", "chip", does));
  words.append(changedMark(rule.changed));
  const count = tally(rule);
  const total = rule.parts.reduce((sum, part) => sum + part.requests, 0);
  const weighted = rule.parts.filter((part) => part.configured > 0);
  if (rule.parts.length < 2) {
    if (rule.parts.length === 1) words.append(single(rule.parts[0]));
    return withChildren(row, words, count, failures(rule));
  }
  return withChildren(row, words, count, failures(rule), bars(rule.parts, weighted, total));
}

// failures shows why requests of a rule failed.
function failures(rule) {
  if (rule.failures.length === 0) return null;
  const list = element("ul", "failures");
  for (const { why, requests } of rule.failures) list.append(withChildren(element("li"), element("b", "", String(requests)), ` × ${why}`));
  return list;
}

// either joins matches of which one is enough, and names only once what they check: "x-dev-user is betaUser or stressTest".
function either(matches) {
  const [, what] = /^(\S+ is )[^,]*$/.exec(matches[0]) ?? [];
  if (!what || !matches.every((match) => match.startsWith(what) && !match.includes(","))) return matches.join(", or ");
  return what + matches.map((match) => match.slice(what.length)).join(" or ");
}

function tally(rule) {
  const words = element("p", "tally", rule.requests ? plural(rule.requests, "request") : "none yet");
  if (rule.errors) words.append(", ", element("span", "bad", `${rule.errors} failed`));
  const link = askLink("explain", [["object", rule.object], ["rule", rule.name]]);
  link.append(element("span", "unseen", ` a request of ${rule.object} ${rule.name}`));
  const driven = isWritten(rule);
  return withChildren(words, " ", link, " ", driven ? changeButton(`rule ${rule.name} of ${rule.object}`, () => openRule(rule.object, rule.name)) : "");
}

function single(part) {
  return withChildren(element("span", "single"), element("span", "arrow", "→"), versionBadge(part.service, part.version), element("span", "", `${part.service} ${part.version}`.trim()));
}

function bars(parts, weighted, total) {
  const box = element("div", "bars");
  const names = (list, share) => list.map((part) => `${part.service} ${part.version} ${percent(share(part))}`).join(", ");
  const even = weighted.some((part) => part.even);
  if (weighted.length) {
    box.append(element("span", "label", even ? "evenly" : "configured"), bar("configured", weighted, (part) => part.configured, names(weighted, (part) => part.configured)));
  }
  box.append(element("span", "label", "observed"));
  const share = (part) => part.requests / total;
  box.append(total ? bar("observed", parts.filter((part) => part.requests > 0), share, names(parts, share)) : element("div", "bar none"));
  const legend = element("ul", "legend");
  for (const part of parts) legend.append(withChildren(element("li"), versionBadge(part.service, part.version), element("span", "", part.version), total ? element("span", "count", String(part.requests)) : null));
  box.append(legend);
  return box;
}

const densestBar = 30; // the number of parts of a bar up to which they have room for words; the legend has those of all

function bar(kind, parts, share, words) {
  const dense = parts.length > densestBar;
  const box = element("div", `bar ${kind} ${dense ? "dense" : ""}`);
  box.role = "img";
  box.ariaLabel = `${kind}: ${words}`;
  for (const part of parts) {
    const piece = paint(element("span", "piece"), part.version);
    piece.style.flexGrow = share(part);
    if (!dense) piece.append(element("b", "", markOf(part.service, part.version)), element("span", "", percent(share(part))));
    box.append(piece);
  }
  return box;
}

const nothing = "–";

function workloadRow(workload) {
  const row = element("tr");
  const [namespace, name] = workload.name.split("/");
  const who = element("td", "who");
  who.append(workload.version ? versionBadge(workload.app, workload.version) : "", element("span", "name", name));
  if (namespace !== "hopline") who.append(element("span", "chip", namespace));
  who.append(changedMark(workload.changed), changeButton(`workload ${name}`, () => openWorkload(workload.name)));

  const unwell = workload.pods.filter((pod) => pod.state !== "ready");
  const state = element("td");
  const well = unwell.length === 0 && workload.ready >= workload.replicas && workload.ejections.length === 0;
  state.append(element("span", well ? "status good" : "status waits", stateWords(workload, unwell)));
  for (const reason of new Set(unwell.map(reasonOf).filter(Boolean))) state.append(element("span", "reason", reason));
  for (const reason of new Set(workload.ejections.map(ejectionWords))) state.append(element("span", "reason", reason));

  if (workload.copies) state.append(element("span", "reason", workload.copies));
  row.rate = labelled("num", "per second");
  row.errors = labelled("num", "errors");
  return withChildren(row, who, state, labelled("num", "restarts", workload.restarts ? String(workload.restarts) : nothing), row.rate, row.errors);
}

// showRate writes the traffic of a workload into its row.
function showRate(row, { per_second: perSecond, errors }) {
  setFigure(row.rate, perSecond ? perSecond.toFixed(perSecond < 10 ? 1 : 0) : nothing);
  setFigure(row.errors, perSecond ? percent(errors) : nothing);
  row.errors.classList.toggle("bad", errors > 0);
}

function copyWords(copies) {
  if (copies === 0) return "";
  return copies < 1 ? `${percent(copies)} of its requests are copies` : "gets only copies of requests";
}

function labelled(className, label, text = "") {
  const cell = element("td", className);
  cell.dataset.label = label;
  return setFigure(cell, text);
}

function setFigure(cell, text) {
  setWords(cell, text);
  cell.classList.toggle("none", text === nothing);
  return cell;
}

// stateWords returns the state of a workload: that of its first pod that is not ready.
function stateWords(workload, unwell) {
  if (workload.replicas === 0 && workload.pods.length === 0) return "off";
  const count = workload.replicas > 1 ? ` ${workload.ready}/${workload.replicas}` : "";
  if (unwell.length === 0 && workload.ejections.length > 0) return `ejected${count}`;
  if (unwell.length === 0) return workload.ready >= workload.replicas ? `ready${count}` : `starting${count}`;
  return `${unwell[0].state}${count}`;
}

// reasonOf returns why a pod is not ready, and when its process is started again.
function reasonOf(pod) {
  const again = pod.again ? `again at ${clock(1000 * pod.again).slice(0, 8)}` : "";
  return [pod.reason, again].filter(Boolean).join("; ");
}

// ejectionWords returns who sends a pod no requests, why, and until when.
function ejectionWords(ejection) {
  return `gets no requests from ${ejection.workload} until ${clock(1000 * Date.parse(ejection.until)).slice(0, 8)}: ${ejection.why}`;
}
