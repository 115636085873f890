// Driving: temporary changes of the lab, from the bar under the head and from the drawer of a rule or a workload.

const dragEvery = 250; // ms between two requests while a slider is dragged

const panels = new Set(); // functions that show the newest state in an open drawer; one that returns false is dropped

// drive sends a request that changes something. It returns the response's JSON, and fails with the lab's own words.
async function drive(method, path, body) {
  const headers = { "X-Hopline-Token": document.querySelector('meta[name="hopline-token"]').content };
  if (body) headers["Content-Type"] = "application/json";
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  let words = text;
  try {
    words = JSON.parse(text).error ?? text;
  } catch {
    // a response of another server has no JSON
  }
  throw new Error(words);
}

// makeChange makes a temporary change, and shows what it did.
async function makeChange(wanted, box = null) {
  try {
    const { change: made, dropped } = await drive("POST", "/api/changes", wanted);
    showRejected(box, "");
    toast([`${made.target}: ${made.text}`, ...dropped].join(" · "));
    return true;
  } catch (error) {
    showRejected(box, error.message);
    if (!box) toast(error.message, true);
    return false;
  }
}

// showRejected shows why a change was rejected, beside its fields.
function showRejected(box, words) {
  const line = box?.querySelector(".drive-trouble");
  if (!line) return;
  line.textContent = words;
  line.hidden = words === "";
}

// ── The bar with the list of changes, and the overlays ──

function showDriving(state) {
  const bar = byId("changes");
  bar.hidden = state.changes.length === 0;
  byId("changes-title").textContent = `${plural(state.changes.length, "temporary change")}`;
  byId("changes-all").hidden = !state.driving.allowed;
  settle(byId("changes-list"), state.changes.map((one) => ({ ...one, allowed: state.driving.allowed })), (one) => one.id, changeRow);
  byId("overlays-label").hidden = !state.driving.allowed;
  showOverlays(state.edition);
  for (const show of [...panels]) if (show(state) === false) panels.delete(show);
}

function changeRow(one) {
  const row = element("li", "change");
  row.append(withChildren(element("p", "change-words"), element("b", "", one.target), element("span", "", ` ${one.text}`), element("span", "quiet change-since", ` since ${clock(1000 * one.since).slice(0, 8)}`)));
  if (!one.allowed) return row;
  const acts = element("p", "acts");
  acts.append(actButton("Undo", `Undo: ${one.target} ${one.text}`, () => undoChange(one)));
  if (one.kind !== "overlay" && !(one.pod && one.kind !== "weights")) {
    acts.append(actButton("Copy patch", `Copy the patch: ${one.target} ${one.text}`, () => copyPatch(one)));
    acts.append(actButton("Keep", `Write to the files: ${one.target} ${one.text}`, () => keepChange(one)));
  }
  row.append(acts);
  return row;
}

// actButton returns a button. name is its full name, for screen readers.
function actButton(words, name, click, className = "act") {
  const button = element("button", className, words);
  button.type = "button";
  button.ariaLabel = name;
  button.addEventListener("click", async () => {
    button.ariaDisabled = "true";
    await click();
    button.ariaDisabled = null;
  });
  return button;
}

async function undoChange(one) {
  await attempting(async () => {
    const { dropped } = await drive("DELETE", `/api/changes/${one.id}`);
    toast([`undone: ${one.target}`, ...dropped].join(" · "));
  });
}

async function undoAll() {
  await attempting(async () => {
    await drive("DELETE", "/api/changes");
    toast("all changes undone");
  });
}

async function keepChange(one) {
  await attempting(async () => {
    const { files } = await drive("POST", `/api/changes/${one.id}/keep`);
    toast(files.length ? `kept in ${files.join(", ")}` : "the files have it already");
  });
}

// copyPatch copies a change as a kustomize patch; where the browser does not allow that, it shows the patch.
async function copyPatch(one) {
  await attempting(async () => {
    const response = await fetch(`/api/changes/${one.id}/patch`);
    const text = await response.text();
    if (!response.ok) throw new Error(JSON.parse(text).error);
    const block = withChildren(element("pre", "patch"), element("code", "", text));
    block.tabIndex = 0;
    openDrawer("Patch for the overlay", [element("p", "quiet", "A part of a kustomization file: it makes this change permanent in any overlay."), block]);
    try {
      await navigator.clipboard.writeText(text);
      toast("patch copied");
    } catch {
      toast("copy the patch from here");
    }
  });
}

async function attempting(what) {
  try {
    await what();
  } catch (error) {
    toast(error.message, true);
  }
}

let overlaysOf = ""; // the overlay for which the list was read

// showOverlays fills the list of overlays, when another one is active.
async function showOverlays(edition) {
  if (overlaysOf === edition || !latest?.driving.allowed) return;
  overlaysOf = edition;
  try {
    const { active, overlays } = await (await fetch("/api/overlays")).json();
    byId("overlays").replaceChildren(...overlays.map((name) => Object.assign(element("option", "", name), { value: name, selected: name === active })));
  } catch {
    overlaysOf = ""; // the lab has ended; the next state tries again
  }
}

byId("overlays").addEventListener("change", async (event) => {
  const list = event.target;
  list.disabled = true;
  toast(`starting ${list.value}`);
  await makeChange({ kind: "overlay", overlay: list.value });
  list.disabled = false;
  overlaysOf = "";
  if (latest) showOverlays(latest.edition);
});
byId("changes-all").addEventListener("click", undoAll);

// ── Forms ──

// driveForm returns a form with a heading, fields and buttons. submit gets its values by name.
function driveForm(title, fields, words, submit, ...more) {
  const form = element("form", "drive-form");
  form.autocomplete = "off";
  const group = withChildren(element("fieldset"), element("legend", "", title), withChildren(element("div", "drive-fields"), ...fields));
  const send = element("button", "act strong", words);
  group.append(withChildren(element("p", "acts"), send, ...more), troubleLine());
  form.append(group);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(Object.fromEntries(new FormData(form)), form);
  });
  return form;
}

function troubleLine() {
  const line = element("p", "trouble drive-trouble");
  line.role = "alert";
  line.hidden = true;
  return line;
}

function driveInput(label, name, value, hint = "", type = "text") {
  const box = Object.assign(element("input"), { name, value: value ?? "", placeholder: hint, type, spellcheck: false });
  if (type === "number") Object.assign(box, { min: 0, step: "any" });
  return withChildren(element("label", "", label), box);
}

const numberOf = (text) => (text.trim() === "" ? null : Number(text));

// whyNot returns the words why the lab cannot be changed from here, as an element, or null if it can.
function whyNot() {
  return latest?.driving.allowed ? null : element("p", "quiet", latest?.driving.why ?? "The lab cannot be reached.");
}

// ── A rule ──

// openRule opens the drawer with the controls of a rule of a VirtualService or an HTTPRoute.
function openRule(object, name) {
  openDrawer(`${object.split("/").at(-1)} ${name}`, [ruleControls(object, name)]);
}

// ruleControls returns the controls of a rule: shares, timeout, retries and mirror, and of a VirtualService its fault.
function ruleControls(object, name) {
  const box = element("div", "drive");
  const none = whyNot();
  if (none) return withChildren(box, none);
  const load = async () => {
    try {
      const response = await fetch(`/api/rule?${new URLSearchParams({ object, rule: name })}`);
      const rule = await response.json();
      if (!response.ok) throw new Error(rule.error);
      if (!box.contains(document.activeElement)) box.replaceChildren(...ruleForms(rule)); // otherwise somebody is typing
    } catch (error) {
      box.replaceChildren(element("p", "trouble", error.message));
    }
  };
  let of = revisionOf(latest, object, name);
  panels.add((state) => {
    const now = revisionOf(state, object, name);
    if (box.isConnected && now !== of) load(); // an undo, or a saved file
    of = now;
    return box.isConnected;
  });
  load();
  return box;
}

// revisionOf returns a text that differs when a rule has changed.
function revisionOf(state, object, name) {
  return JSON.stringify([state.revision, state.changes.filter((one) => one.object === object && one.rule === name)]);
}

function ruleForms(rule) {
  if (rule.route) return routeForms(rule);
  const { object, rule: name, http } = rule;
  const of = (kind, value) => ({ kind, object, rule: name, value });
  const without = (kind, words) => actButton(words, `${words}: ${kind}`, () => makeChange(of(kind, null)));
  const { abort, delay } = http.fault ?? {};
  const retries = http.retries ?? {};
  const mirror = http.mirrors?.[0] ?? (http.mirror && { destination: http.mirror, percentage: http.mirrorPercentage });
  const host = http.route?.[0]?.destination.host ?? "";
  const forms = [];
  if ((http.route ?? []).length > 1) forms.push(shareSliders(rule, http.route.map((one) => one.weight ?? 0)));
  if (http.route) {
    forms.push(
      driveForm("Fault", [
        driveInput("Abort with status", "status", abort?.httpStatus, "503", "number"), driveInput("of requests, %", "aborted", abort ? abort.percentage?.value ?? 100 : "", "10", "number"),
        driveInput("Delay by", "delay", delay?.fixedDelay, "2s"), driveInput("of requests, %", "delayed", delay ? delay.percentage?.value ?? 100 : "", "100", "number"),
      ], "Set", (values, form) => makeChange(of("fault", faultOf(values)), form), without("fault", "Remove")),
      driveForm("Timeout", [driveInput("Duration", "timeout", http.timeout, "2s")], "Set", (values, form) => makeChange(of("timeout", values.timeout), form), without("timeout", "Remove")),
      driveForm("Retries", [
        driveInput("Attempts", "attempts", retries.attempts, "3", "number"), driveInput("On", "retryOn", retries.retryOn, "5xx"), driveInput("Timeout of a try", "perTryTimeout", retries.perTryTimeout, "1s"),
      ], "Set", (values, form) => makeChange(of("retries", retriesOf(values)), form), without("retries", "Istio's default")),
      driveForm("Mirror", [
        driveInput("Host", "host", mirror?.destination.host ?? host, host), driveInput("Subset", "subset", mirror?.destination.subset, rule.destinations.at(-1)), driveInput("of requests, %", "share", mirror ? mirror.percentage?.value ?? 100 : "", "100", "number"),
      ], "Set", (values, form) => makeChange(of("mirror", mirrorOf(values)), form), without("mirror", "Remove")),
    );
  } else forms.push(element("p", "quiet", "This rule sends no requests: it responds itself."));
  return forms;
}

// routeForms returns the controls of a rule of an HTTPRoute: shares, timeouts, retry and mirror.
function routeForms(rule) {
  const { object, rule: name, route } = rule;
  const of = (kind, value) => ({ kind, object, rule: name, value });
  const without = (kind, words) => actButton(words, `${words}: ${kind}`, () => makeChange(of(kind, null)));
  const backends = route.backendRefs ?? [];
  if (backends.length === 0) return [element("p", "quiet", "This rule sends no requests: it responds itself.")];
  const timeouts = route.timeouts ?? {};
  const mirror = route.filters?.find((filter) => filter.requestMirror)?.requestMirror;
  const forms = [
    driveForm("Timeouts", [driveInput("Request", "request", timeouts.request, "2s"), driveInput("Each try", "backendRequest", timeouts.backendRequest, "1s")],
      "Set", (values, form) => makeChange(of("timeout", filled(values)), form), without("timeout", "Remove")),
    driveForm("Retries", [driveInput("Attempts", "attempts", route.retry?.attempts, "3", "number"), driveInput("On status codes", "codes", route.retry?.codes?.join(", "), "502, 503"), driveInput("Wait between tries", "backoff", route.retry?.backoff, "100ms")],
      "Set", (values, form) => makeChange(of("retries", retryOf(values)), form), without("retries", "Istio's default")),
    driveForm("Mirror", [driveInput("Service", "service", mirror?.backendRef.name, rule.destinations.at(-1)), driveInput("Port", "port", mirror?.backendRef.port ?? backends[0].port, "80", "number"), driveInput("of requests, %", "share", mirror ? mirror.percent ?? 100 : "", "100", "number")],
      "Set", (values, form) => makeChange(of("mirror", requestMirrorOf(values)), form), without("mirror", "Remove")),
    element("p", "quiet", "An HTTPRoute has no field for faults. The controls of a workload set those of its services."),
  ];
  if (backends.length > 1) forms.unshift(shareSliders(rule, backends.map((one) => one.weight ?? 1)));
  return forms;
}

// filled returns the values that are not empty.
function filled(values) {
  return Object.fromEntries(Object.entries(values).filter(([, text]) => text !== ""));
}

function retryOf({ attempts, codes, backoff }) {
  const value = filled({ backoff });
  if (attempts) value.attempts = numberOf(attempts);
  if (codes) value.codes = codes.split(",").map((code) => numberOf(code));
  return value;
}

function requestMirrorOf({ service, port, share }) {
  const backendRef = { name: service };
  if (port) backendRef.port = numberOf(port);
  return { backendRef, percent: numberOf(share) ?? 100 };
}

function faultOf({ status, aborted, delay, delayed }) {
  const fault = {};
  if (status) fault.abort = { httpStatus: numberOf(status), percentage: { value: numberOf(aborted) ?? 100 } };
  if (delay) fault.delay = { fixedDelay: delay, percentage: { value: numberOf(delayed) ?? 100 } };
  return fault;
}

function retriesOf({ attempts, retryOn, perTryTimeout }) {
  const value = { attempts: numberOf(attempts) ?? 0 };
  if (retryOn) value.retryOn = retryOn;
  if (perTryTimeout) value.perTryTimeout = perTryTimeout;
  return value;
}

function mirrorOf({ host, subset, share }) {
  const destination = subset ? { host, subset } : { host };
  return { destination, percentage: { value: numberOf(share) ?? 100 } };
}

// shareSliders returns one slider for each destination of a rule, which have the weights. Together they are 100.
function shareSliders(rule, weights) {
  const service = rule.object.split("/").at(-1);
  const version = (name) => (name.startsWith(`${service}-`) ? name.slice(service.length + 1) : name); // of an HTTPRoute each version is a Service
  const form = element("form", "drive-form");
  const group = withChildren(element("fieldset", "sliders"), element("legend", "", "Shares"));
  let shares = toHundred(weights);
  const rows = rule.destinations.map((name, place) => {
    const slider = Object.assign(element("input"), { type: "range", min: 0, max: 100, step: 1 });
    const value = element("output");
    slider.addEventListener("input", () => {
      shares = withShare(shares, place, Number(slider.value));
      show();
      send();
    });
    group.append(withChildren(element("label", "slider"), withChildren(element("span", "slider-name"), versionBadge(service, version(name)), element("span", "", name)), slider, value));
    return { slider, value };
  });
  const show = () => rows.forEach(({ slider, value }, place) => {
    slider.value = shares[place];
    slider.ariaValueText = `${shares[place]} %`;
    value.textContent = `${shares[place]} %`;
  });
  const send = atMostEvery(dragEvery, () => makeChange({ kind: "weights", object: rule.object, rule: rule.rule, value: shares }, form));
  show();
  group.append(troubleLine());
  return withChildren(form, group);
}

// toHundred returns whole shares in proportion to weights, with a sum of 100.
function toHundred(weights) {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const exact = weights.map((weight) => (sum > 0 ? (100 * weight) / sum : 100 / weights.length));
  const whole = exact.map(Math.floor);
  const order = exact.map((share, place) => [share - whole[place], place]).sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  const left = 100 - whole.reduce((total, share) => total + share, 0);
  for (const [, place] of order.slice(0, left)) whole[place]++;
  return whole;
}

// withShare gives one destination a share; the others divide the rest as before.
function withShare(shares, place, share) {
  const others = shares.filter((_, other) => other !== place);
  const sum = others.reduce((total, other) => total + other, 0);
  const rest = toHundred(sum > 0 ? others : others.map(() => 1)).map((part) => (part * (100 - share)) / 100);
  const whole = rest.map(Math.floor);
  let left = 100 - share - whole.reduce((total, part) => total + part, 0);
  for (let i = 0; left > 0; i = (i + 1) % whole.length, left--) whole[i]++;
  return shares.map((_, other) => (other === place ? share : whole[other < place ? other : other - 1]));
}

// atMostEvery calls what at most once in a time, and never twice at the same time. The last call is never lost.
function atMostEvery(time, what) {
  let busy = false;
  let again = false;
  return async function call() {
    again = busy;
    if (busy) return;
    busy = true;
    await Promise.all([what(), new Promise((done) => setTimeout(done, time))]);
    busy = false;
    if (again) call();
  };
}

// ── A workload ──

// openWorkload opens the drawer with the controls of a workload.
function openWorkload(name) {
  openDrawer(name.split("/").at(-1), [workloadControls(name)]);
}

// workloadControls returns the controls of a workload: replicas, faults, and its pods.
function workloadControls(name) {
  const box = element("div", "drive");
  const none = whyNot();
  if (none) return withChildren(box, none);
  const workload = () => latest.workloads.find((one) => one.name === name);
  const stopped = () => latest.changes.some((one) => one.kind === "stop" && one.workload === name);
  const toggle = actButton("", "", () => makeChange({ kind: stopped() ? "start" : "stop", workload: name }));
  const scale = driveForm("Scale", [driveInput("Replicas", "replicas", workload()?.replicas, "1", "number")], "Set",
    ({ replicas }, form) => makeChange({ kind: "scale", workload: name, value: numberOf(replicas) }, form), toggle);
  const of = Object.assign(element("select"), { name: "pod" });
  const faults = driveForm("Faults of the service", [
    driveInput("Errors, %", "error_rate", "", "50", "number"), driveInput("Dropped connections, %", "drop_rate", "", "0", "number"), driveInput("Latency", "latency", "", "100ms-2s"),
    withChildren(element("label", "", "At"), of),
  ], "Set", (values, form) => makeChange({ ...driveTarget(name, values.pod), kind: "faults", value: faultsOf(values) }, form),
  actButton("Heal", `Heal: no faults and no ejections at ${name}`, () => makeChange({ ...driveTarget(name, of.value), kind: "heal" })));
  const pods = element("ul", "pod-acts");
  const show = () => {
    const now = workload();
    toggle.textContent = stopped() ? "Start" : "Stop";
    toggle.ariaLabel = `${toggle.textContent} ${name}`;
    const chosen = of.value;
    const names = ["", ...(now?.pods ?? []).map((pod) => pod.name)];
    settle(of, names, (pod) => pod, (pod) => Object.assign(element("option", "", pod || "every replica"), { value: pod }));
    of.value = names.includes(chosen) ? chosen : "";
    settle(pods, now?.pods ?? [], (pod) => pod.name, podActs);
    return box.isConnected;
  };
  show();
  panels.add(() => show());
  return withChildren(box, scale, faults, element("h3", "", "Replicas now"), pods);
}

function driveTarget(workload, pod) {
  return pod ? { pod } : { workload };
}

function faultsOf(values) {
  const wanted = {};
  for (const name of ["error_rate", "drop_rate"]) if (values[name] !== "") wanted[name] = Number(values[name]);
  if (values.latency) wanted.latency = values.latency;
  return wanted;
}

function podActs(pod) {
  const acts = element("p", "acts");
  acts.append(actButton("Drain", `Drain ${pod.name}`, () => makeChange({ kind: "drain", pod: pod.name })), actButton("Kill", `Kill ${pod.name}`, () => makeChange({ kind: "kill", pod: pod.name })));
  return withChildren(element("li", "change"), withChildren(element("p", "change-words"), element("code", "", pod.name), element("span", pod.state === "ready" ? "status good" : "status waits", pod.state)), acts);
}

// changeButton returns the button that opens the controls of a rule or workload; nothing if the lab cannot be changed.
function changeButton(what, open) {
  return latest?.driving.allowed ? actButton("Change", `Change ${what}`, open, "act open-drive") : "";
}

// changedMark returns a mark for what a temporary change applies to.
function changedMark(changed) {
  return changed ? element("span", "chip changed", "changed") : "";
}
