// Driving: temporary changes of the lab, and the bar under the head that lists them.

const driveTimeout = 60_000; // ms: the lab waits for the workloads of another overlay

const panels = new Set(); // functions that show the newest state in an open drawer; one that returns false is dropped

// drive sends a request that changes the lab.
function drive(method, path, body) {
  return change(method, path, body, { signal: AbortSignal.timeout(driveTimeout) });
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

function showDriving(state) {
  const bar = byId("changes");
  const had = bar.contains(document.activeElement);
  bar.hidden = state.changes.length === 0;
  byId("changes-title").textContent = plural(state.changes.length, "temporary change");
  byId("changes-all").hidden = !state.driving.allowed;
  settle(byId("changes-list"), state.changes.map((one) => ({ ...one, allowed: state.driving.allowed })), (one) => one.id, changeRow);
  if (had && bar.hidden) focusView();
  byId("overlays-label").hidden = !state.driving.allowed;
  showOverlays(state);
  for (const show of [...panels]) if (show(state) === false) panels.delete(show);
}

function changeRow(one) {
  const row = element("li", "change");
  row.append(withChildren(element("p", "change-words"), element("b", "", one.target), element("span", "", ` ${one.text}`), element("span", "quiet change-since", ` since ${clock(1000 * one.since).slice(0, 8)}`)));
  if (!one.allowed) return row;
  const acts = element("p", "acts");
  acts.append(actButton("Undo", `Undo: ${one.target} ${one.text}`, () => undoChange(one)));
  if (one.kind !== "overlay" && !one.pod) {
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
    if (button.ariaDisabled) return;
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
    if (!response.ok) throw new Error(await errorText(response));
    const text = await response.text();
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

byId("changes-all").addEventListener("click", undoAll);

// whyNot returns the words why the lab cannot be changed from here, as an element, or null if it can.
function whyNot() {
  return latest?.driving.allowed ? null : element("p", "quiet", latest?.driving.why ?? "The lab cannot be reached.");
}

// changeButton returns the button that opens the controls of a rule or workload; nothing if the lab cannot be changed.
function changeButton(what, open) {
  return latest?.driving.allowed ? actButton("Change", `Change ${what}`, open, "act open-drive") : "";
}

// changedMark returns a mark for what a temporary change applies to.
function changedMark(changed) {
  return changed ? element("span", "chip changed", "changed") : "";
}
