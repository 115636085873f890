// The controls of a rule.

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
      const rule = await ask(`/api/rule?${new URLSearchParams({ object, rule: name })}`);
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
