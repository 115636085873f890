// The live connection, and the start of the page.

let source = null; // of the live states
let again = 0; // the timer of another try
let gone = 0; // the timer after which an unreachable lab has ended
const patience = 3000; // ms until then

// connect follows the lab's state. The browser connects again by itself when the lab goes and comes back.
function connect() {
  disconnect();
  const live = byId("live");
  const say = (words, on) => {
    live.textContent = words;
    live.classList.toggle("on", on);
    clearTimeout(gone);
    if (on) ended(false);
    else gone = setTimeout(ended, patience, true);
  };
  source = new EventSource("/api/events");
  source.onopen = () => say("Live", true);
  source.onmessage = (event) => {
    const state = JSON.parse(event.data);
    showState(state);
    if (state.lab !== own("lab").content) adopt();
  };
  source.onerror = () => {
    if (live.classList.contains("on") || !gone) say("Reconnecting", false);
    if (source.readyState === EventSource.CLOSED) again = setTimeout(connect, 5000); // rejected, because there are too many pages: tries again later
  };
}

let adopting = false;

// adopt makes this the page of the lab that runs now, after another one was started on the same port: it gets the new lab's token. The token is only in
// the document, which no page of another origin can read. If the new lab has another script, the page loads anew.
async function adopt() {
  if (adopting) return;
  adopting = true;
  try {
    const response = await fetch("/", { cache: "no-store", signal: AbortSignal.timeout(10_000) });
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const script = (of) => of.querySelector("script[type=module]").textContent;
    if (script(fresh) !== script(document)) location.reload();
    for (const name of ["lab", "token"]) own(name).content = own(name, fresh).content;
  } catch {
    // The lab has gone again. The next state tries again.
  } finally {
    adopting = false;
  }
}

// ended shows whether the lab has ended, so that the last state does not look like the current one.
function ended(is) {
  document.body.classList.toggle("ended", is);
  byId("ended").hidden = !is;
}

function disconnect() {
  clearTimeout(again);
  source?.close();
}

// A browser opens at most six connections to a host, so a hidden tab must not hold one: the seventh tab would never load.
const follow = () => (document.hidden ? disconnect() : connect());
document.addEventListener("visibilitychange", follow);

listViews();
route();
follow();
