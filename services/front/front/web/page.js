// Connects the parts of the page: buttons make calls, calls fill the history, and the page shows the history.

const history = new History();
let chosen = null; // the call that is shown at the top, picked from the list; null follows the newest
let redraw = 0;

// show draws at most once a frame, however many calls have come back meanwhile.
function show() {
  cancelAnimationFrame(redraw);
  redraw = requestAnimationFrame(() => {
    view.shares(history.shares(Number(byId("window").value)));
    view.history(history);
    const call = chosen ?? history.calls[0];
    if (call) view.last(call);
  });
}

function choices() {
  const data = new FormData(byId("ask"));
  return [data.get("user"), data.get("fail")];
}

async function make(what) {
  const made = await call(what, ...choices());
  history.add(made);
  show();
  return made;
}

function summary(made) {
  const outcome = made.error || `${made.status} ${made.statusText}`.trim();
  const by = made.hops.map((hop) => `${hop.service} ${hop.version}`).join(", ");
  return `${callNames[made.what]}: ${outcome}, ${milliseconds(made.took)}${by && `, hops: ${by}`}.`;
}

byId("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  chosen = null;
  const back = view.calling(button.value);
  view.reveal();
  const made = await make(button.value);
  back();
  view.announce(summary(made));
});

byId("history").addEventListener("click", (event) => {
  const button = event.target.closest("button.number");
  if (!button) return;
  const number = Number(button.closest("tr").dataset.number);
  chosen = history.calls.find((made) => made.number === number) ?? null;
  if (!chosen) return;
  view.last(chosen);
  byId("last").scrollIntoView({ block: "nearest" });
  view.announce(summary(chosen));
});

byId("window").addEventListener("change", show);
byId("more").addEventListener("click", () => view.more(history));

byId("clear").addEventListener("click", () => {
  history.clear();
  chosen = null;
  view.nothing();
  show();
  view.announce("The list is empty.");
  byId("history-title").focus();
});

const repeater = new Repeater();

byId("repeat").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (repeater.running) return repeater.stop();
  const form = new FormData(event.target);
  const [what, times, rate] = [form.get("what"), Number(form.get("times")), Number(form.get("rate"))];
  chosen = null;
  view.repeating(true, 0, times);
  const back = await repeater.run({ times, rate, make: () => make(what), progress: (done) => view.repeating(true, done, times) });
  view.repeating(false, back, times);
  view.announce(`${back} calls made. ${spoken(history.shares(back))}`);
});

// spoken returns the shares as a sentence, for screen readers.
function spoken(rows) {
  return rows.map(({ service, total, versions }) => `${service}: ${versions.map(({ version, count }) => `${version} ${percent(count, total)}`).join(", ")}.`).join(" ");
}

view.nothing();
