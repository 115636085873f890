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
  source.onmessage = (event) => showState(JSON.parse(event.data));
  source.onerror = () => {
    if (live.classList.contains("on") || !gone) say("Reconnecting", false);
    if (source.readyState === EventSource.CLOSED) again = setTimeout(connect, 5000); // rejected, because there are too many pages: tries again later
  };
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
