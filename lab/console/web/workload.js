// The controls of a workload.

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
